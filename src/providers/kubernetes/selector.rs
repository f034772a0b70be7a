//! Selectors of objects by their labels.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::collect::CollectExt as _;
use crate::providers::lenient::{List, Map, Text, Words};

/// The selector of the pods of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Selector {
    match_labels: Map<Text>,
    match_expressions: List<SelectorExpression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SelectorExpression {
    key: Text,
    operator: Text,
    values: Words,
}

impl Selector {
    /// Creates the selector for a label with a value.
    pub fn of_label(label: &str, value: &str) -> Self {
        let value = Text(Some(value.to_owned()));
        Self {
            match_labels: Map([(label.to_owned(), value)].into_iter().collect_map()),
            match_expressions: List::default(),
        }
    }

    /// Returns `true` if only pods with this value of a label match.
    pub fn requires(&self, label: &str, value: &str) -> bool {
        let required = self.match_labels.0.get(label);
        required.is_some_and(|required| required.trimmed() == Some(value))
    }

    /// Returns `true` if the server selects an object with these labels by [`Self::text`].
    pub fn matches(&self, labels: &BTreeMap<String, Option<String>>) -> bool {
        let found = |key: &str| Some(labels.get(key)?.as_deref().unwrap_or_default());
        let mut required = self.match_labels.0.iter();
        let has_labels = required.all(|(key, value)| {
            let value = value.trimmed();
            value.is_none() || found(key) == value
        });
        let mut expressions = self.match_expressions.0.iter();
        has_labels
            && expressions.all(|one| {
                let (Some(key), Some(operator)) = (one.key.trimmed(), one.operator.trimmed())
                else {
                    return true;
                };
                let is_value =
                    |found: &str| one.values.0.iter().any(|value| value.as_str() == found);
                match operator {
                    "In" => found(key).is_some_and(is_value),
                    "NotIn" => !found(key).is_some_and(is_value),
                    "DoesNotExist" => found(key).is_none(),
                    _ => found(key).is_some(),
                }
            })
    }

    /// Returns the selector in the syntax of `labelSelector`; empty if there is none.
    pub fn text(&self) -> String {
        let labels = self.match_labels.0.iter();
        let labels = labels.filter_map(|(key, value)| Some(format!("{key}={}", value.trimmed()?)));
        let expressions = self.match_expressions.0.iter().filter_map(|one| {
            let (key, values) = (one.key.trimmed()?, one.values.0.join(","));
            Some(match one.operator.trimmed()? {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key.to_owned(),
            })
        });
        labels.chain(expressions).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_have_labels_and_expressions() {
        let selector: Selector = serde_json::from_value(serde_json::json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "env", "operator": "NotIn", "values": ["test"]},
                {"key": "gpu", "operator": "Exists"},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        }))
        .unwrap();
        let expected = "app=web,tier in (a,b),env notin (test),gpu,!old";
        assert_eq!(selector.text(), expected);
        assert_eq!(Selector::default().text(), "");
    }

    #[test]
    fn labels_match_as_they_are_selected() {
        let selector: Selector = serde_json::from_value(serde_json::json!({
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "env", "operator": "NotIn", "values": ["test"]},
                {"key": "gpu", "operator": "Exists"},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        }))
        .unwrap();
        let matches = |labels: &[(&str, &str)]| {
            let labels = labels.iter();
            let labels = labels.map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned())));
            selector.matches(&labels.collect())
        };
        let all = [("app", "web"), ("tier", "b"), ("gpu", "")];
        assert!(matches(&all));
        assert!(matches(&[&all[..], &[("env", "prod")]].concat()));
        assert!(!matches(&[&all[..], &[("env", "test")]].concat()));
        assert!(!matches(&[&all[..], &[("old", "")]].concat()));
        assert!(!matches(&[("app", "web"), ("tier", "c"), ("gpu", "")]));
        assert!(!matches(&all[..2]) && !matches(&all[1..]));
        let one = Selector::of_label("job-name", "train");
        assert!(one.requires("job-name", "train") && !one.requires("job-name", "t"));
        assert_eq!(one.text(), "job-name=train");
    }
}
