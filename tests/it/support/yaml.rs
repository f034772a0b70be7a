//! Parses YAML with an independent library.

use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

/// Returns the only document of a text as JSON.
pub fn json_of(text: &str) -> Value {
    let documents =
        YamlLoader::load_from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(documents.len(), 1, "{text}");
    value(&documents[0])
}

fn value(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(flag) => json!(flag),
        Yaml::Integer(number) => json!(number),
        Yaml::Real(text) => json!(text.parse::<f64>().unwrap()),
        Yaml::String(text) => json!(text),
        Yaml::Array(items) => items.iter().map(value).collect(),
        Yaml::Hash(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, inner)| (key.as_str().unwrap().to_owned(), value(inner)))
                .collect(),
        ),
        other => panic!("{other:?}"),
    }
}
