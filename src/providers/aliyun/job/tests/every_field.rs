use serde_json::Value;

use crate::providers::aliyun::tests::{fixture, job, read_jobs, shown};

const NAME: &str = "job/describe-serverless-jobs-every-field.json";

fn model_of(document: &Value) -> Option<Value> {
    let (job, _) = read_jobs(document.to_string().as_bytes(), job("10_3"), &[]).ok()?;
    Some(shown(job))
}

/// Collects every leaf of a document with its JSON pointer.
fn leaves(value: &Value, at: String, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| leaves(value, format!("{at}/{key}"), found)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(n, value)| leaves(value, format!("{at}/{n}"), found)),
        leaf => found.push((at, leaf.clone())),
    }
}

fn leaves_of(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    leaves(value, String::new(), &mut found);
    found
}

/// Returns another value of the same type.
fn another(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => Value::Bool(!flag),
        Value::Number(number) => serde_json::to_value(number.as_f64().unwrap() + 1.0).unwrap(),
        Value::String(text) if text.starts_with("2022-") => text.replace("2022", "2021").into(),
        Value::String(text) => format!("{text} too").into(),
        other => panic!("{other} is not a value of a documented field"),
    }
}

#[test]
fn every_documented_field_changes_the_model() {
    let document: Value = serde_json::from_slice(&fixture(NAME)).unwrap();
    let model = model_of(&document).unwrap();
    let fields = leaves_of(&document);
    assert!(fields.len() > 170, "{}", fields.len());
    for (pointer, value) in fields {
        let mut changed = document.clone();
        *changed.pointer_mut(&pointer).unwrap() = another(&value);
        assert_ne!(
            model_of(&changed).as_ref(),
            Some(&model),
            "{pointer} is lost"
        );
    }
}

#[test]
fn every_documented_text_and_number_is_in_the_model() {
    let document: Value = serde_json::from_slice(&fixture(NAME)).unwrap();
    let model = model_of(&document).unwrap();
    let shown: Vec<(String, Value)> = leaves_of(&model);
    let keys: Vec<String> = match model {
        Value::Object(_) => {
            let labels = &model["tasks"][0]["labels"];
            labels.as_object().unwrap().keys().cloned().collect()
        }
        _ => Vec::new(),
    };
    for (pointer, value) in leaves_of(&document) {
        let is_converted = pointer.ends_with("Time")
            || pointer.ends_with("Timestamp")
            || pointer.ends_with("Memory")
            || pointer.ends_with("EphemeralStorage");
        if is_converted || value.is_boolean() {
            continue;
        }
        let as_number = |value: &Value| value.as_f64();
        let is_shown = shown.iter().any(|(_, other)| {
            *other == value
                || (as_number(&value).is_some() && as_number(other) == as_number(&value))
        });
        let is_label = value
            .as_str()
            .is_some_and(|text| keys.iter().any(|key| key == text));
        assert!(
            is_shown || is_label,
            "{pointer}: {value} is not in the model"
        );
    }
}
