//! Parses YAML and JSON as kubectl does, with limits. Scalars in YAML remain text.

use std::collections::HashMap;

use serde_json::{Map, Value};
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::TScalarStyle;

/// Maximum nesting depth of a document.
const MAX_DEPTH: usize = 64;

/// Approximate maximum memory of a document with its aliases expanded, in bytes.
const MAX_COST: usize = 64 << 20;

/// Memory of a node in addition to its text, in bytes.
const NODE_COST: usize = 64;

/// Parses the first document of a text.
///
/// # Errors
/// The fault and its line, without the text of the document.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{')
        && let Ok(document) = serde_json::from_str(text)
    {
        return Ok(document);
    }
    Reader {
        parser: Parser::new_from_str(text),
        open: Vec::new(),
        anchors: HashMap::new(),
        cost: 0,
    }
    .document()
}

/// A list or mapping that is being read.
struct OpenCollection {
    value: Value,
    /// In a mapping, the key of the next value.
    key: Option<String>,
    anchor: usize,
}

struct Reader<'a> {
    parser: Parser<std::str::Chars<'a>>,
    open: Vec<OpenCollection>,
    /// Values by their anchors, each with its cost.
    anchors: HashMap<usize, (Value, usize)>,
    cost: usize,
}

impl Reader<'_> {
    fn document(mut self) -> Result<Value, String> {
        loop {
            let (event, mark) = self.parser.next_token().map_err(|error| {
                let mark = error.marker();
                format!("is not valid YAML at line {}", mark.line())
            })?;
            let at = |what: &str| format!("{what} at line {}", mark.line());
            let (value, anchor) = match event {
                Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
                Event::Nothing | Event::StreamStart | Event::DocumentStart => continue,
                Event::SequenceStart(anchor, _) => {
                    self.push(Value::Array(Vec::new()), anchor).map_err(at)?;
                    continue;
                }
                Event::MappingStart(anchor, _) => {
                    self.push(Value::Object(Map::new()), anchor).map_err(at)?;
                    continue;
                }
                Event::Scalar(text, style, anchor, _) => {
                    self.charge(NODE_COST + text.len()).map_err(at)?;
                    (scalar(text, style), anchor)
                }
                Event::Alias(anchor) => {
                    let known = self.anchors.get(&anchor);
                    let (value, cost) = known.ok_or_else(|| at("has an unknown alias"))?;
                    let (cost, copied) = (*cost, self.cost + cost <= MAX_COST);
                    let value = copied.then(|| value.clone());
                    self.charge(cost).map_err(at)?;
                    (value.expect("its cost was accepted"), 0)
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let ended = self.open.pop().expect("what ends has begun");
                    (ended.value, ended.anchor)
                }
            };
            if anchor > 0 {
                let cost = cost_of(&value);
                self.charge(cost).map_err(at)?;
                self.anchors.insert(anchor, (value.clone(), cost));
            }
            if let Some(document) = self.add(value).map_err(at)? {
                return Ok(document);
            }
        }
    }

    fn push(&mut self, value: Value, anchor: usize) -> Result<(), &'static str> {
        self.charge(NODE_COST)?;
        if self.open.len() >= MAX_DEPTH {
            return Err("is nested too deep");
        }
        let key = None;
        self.open.push(OpenCollection { value, key, anchor });
        Ok(())
    }

    fn charge(&mut self, cost: usize) -> Result<(), &'static str> {
        self.cost += cost;
        match self.cost <= MAX_COST {
            true => Ok(()),
            false => Err("becomes too large"),
        }
    }

    /// Adds a value to the innermost open list or mapping; returns it if it is the whole document.
    fn add(&mut self, value: Value) -> Result<Option<Value>, &'static str> {
        let Some(open) = self.open.last_mut() else {
            return Ok(Some(value));
        };
        match (&mut open.value, open.key.take(), value) {
            (Value::Array(list), _, value) => list.push(value),
            (Value::Object(fields), Some(key), value) => {
                if fields.insert(key, value).is_some() {
                    return Err("has a key twice");
                }
            }
            (_, _, Value::String(key)) if key == "<<" => return Err("has a merge key"),
            (_, _, Value::String(key)) => open.key = Some(key),
            (_, _, Value::Null) => open.key = Some(String::new()),
            _ => return Err("has a key that is not text"),
        }
        Ok(None)
    }
}

fn scalar(text: String, style: TScalarStyle) -> Value {
    let is_null = matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    match style == TScalarStyle::Plain && is_null {
        true => Value::Null,
        false => Value::String(text),
    }
}

fn cost_of(value: &Value) -> usize {
    NODE_COST
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(cost_of).sum(),
            Value::Object(fields) => {
                let costs = fields.iter().map(|(key, value)| key.len() + cost_of(value));
                costs.sum()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_scalars_keep_their_text() {
        let text = "a: 0123\nb: 272000000000000001\nc: yes\nd: ~\ne: \"\"\nf: |\n  x\n  y\ng: [1, {h: 2.0}]\n'': \n";
        let expected = json!({
            "a": "0123", "b": "272000000000000001", "c": "yes", "d": null, "e": "", "f": "x\ny\n",
            "g": ["1", {"h": "2.0"}], "": null,
        });
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse("{\"a\":\t1}"), Ok(json!({"a": 1})));
        for empty in ["", "# nothing\n", "---\n---\na: 1\n"] {
            assert_eq!(parse(empty), Ok(Value::Null), "{empty:?}");
        }
    }

    #[test]
    fn yaml_aliases_are_expanded_within_a_limit() {
        let text = "a: &x {k: v}\nb: [*x, *x]\n";
        assert_eq!(
            parse(text),
            Ok(json!({"a": {"k": "v"}, "b": [{"k": "v"}, {"k": "v"}]}))
        );
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            bomb.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                before.trim_end_matches(", ")
            ));
        }
        let error = parse(&bomb).unwrap_err();
        assert!(error.starts_with("becomes too large at line"), "{error}");
    }

    #[test]
    fn yaml_that_kubectl_rejects_or_reads_differently_is_an_error() {
        let deep = format!("{}x{}", "[".repeat(100), "]".repeat(100));
        for (text, error) in [
            ("a: 1\nb: 2\na: 3\n", "has a key twice at line 3"),
            ("a: &x {b: 1}\nc:\n  <<: *x\n", "has a merge key at line 3"),
            ("[a]: b\n", "has a key that is not text at line 1"),
            ("a: *b\n", "is not valid YAML at line 1"),
            ("a: 'b\n", "is not valid YAML at line 1"),
            (&deep, "is nested too deep at line 1"),
        ] {
            assert_eq!(parse(text), Err(error.to_owned()), "{text}");
        }
    }
}
