//! Converts lists and objects of API 3.0 in a query or form: `JobIds.0=a`, `Filters.0.Values.0=b`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A value that is built from parameters with a common prefix.
#[derive(Debug, Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<Segment, Node>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Index(usize),
    Name(String),
}

/// Combines the parameters of each list or object into one parameter in JSON, the same form as in a JSON
/// body.
pub(super) fn joined(parameters: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut joined = Vec::new();
    let mut lists: BTreeMap<String, Node> = BTreeMap::new();
    for (name, value) in parameters {
        match name.split_once('.') {
            None => joined.push((name, value)),
            Some((list, path)) => lists.entry(list.to_owned()).or_default().set(path, value),
        }
    }
    let lists = lists.into_iter();
    joined.extend(lists.map(|(name, node)| (name, node.into_value().to_string())));
    joined
}

impl Node {
    fn set(&mut self, path: &str, value: String) {
        let mut node = self;
        for segment in path.split('.') {
            let segment = match segment.parse() {
                Ok(index) => Segment::Index(index),
                Err(_) => Segment::Name(segment.to_owned()),
            };
            node = node.children.entry(segment).or_default();
        }
        node.text = Some(value);
    }

    fn into_value(self) -> Value {
        if let Some(text) = self.text {
            return Value::String(text);
        }
        let is_list = matches!(self.children.keys().next(), Some(Segment::Index(_)));
        let children = self.children.into_iter();
        match is_list {
            true => children.map(|(_, node)| node.into_value()).collect(),
            false => children
                .filter_map(|(segment, node)| match segment {
                    Segment::Name(name) => Some((name, node.into_value())),
                    Segment::Index(_) => None,
                })
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_with_numbers_in_their_names_are_lists() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let given = [
            ("Limit", "5"),
            ("Filters.0.Values.1", "c"),
            ("JobIds.10", "k"),
            ("JobIds.2", "j"),
            ("Filters.0.Name", "job-state"),
            ("Filters.0.Values.0", "b"),
        ];
        let expected = [
            ("Limit", "5"),
            ("Filters", r#"[{"Name":"job-state","Values":["b","c"]}]"#),
            ("JobIds", r#"["j","k"]"#),
        ];
        assert_eq!(joined(given.map(pair).to_vec()), expected.map(pair));
    }
}
