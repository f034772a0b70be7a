//! The contract with programs: within joblens/1 fields are only ever added.

mod catalog;
mod compare;
mod wrong_use;

use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

use crate::support::contract::printed;
use compare::compare;

/// Compares what is printed with what was recorded; with `JOBLENS_BLESS=1` an addition is recorded,
/// and what breaks the contract never is.
fn assert_schema(what: &str) {
    let name = format!("fixtures/schema/{what}.json");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(&name);
    let new = printed(what);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let changes = match text.as_str() {
        "" => compare::Changes::default(),
        text => compare(&serde_json::from_str(text).unwrap(), &new),
    };
    let broken = changes.broken.join("\n  ");
    assert!(
        broken.is_empty(),
        "joblens/1 promises what {name} holds:\n  {broken}"
    );
    let shown = format!("{new:#}\n");
    if shown == text {
        return;
    }
    let is_blessed = env::var("JOBLENS_BLESS").is_ok_and(|value| value == "1");
    let added = changes.added.join("\n  ");
    assert!(
        is_blessed,
        "{name} is not what is printed; run with JOBLENS_BLESS=1 to record an addition:\n  {added}"
    );
    fs::write(path, shown).unwrap();
}

#[test]
fn the_envelope_keeps_every_field_it_ever_had() {
    assert_schema("envelope");
}

#[test]
fn the_stream_keeps_every_field_it_ever_had() {
    assert_schema("stream");
}

#[test]
fn the_timeline_keeps_every_field_it_ever_had() {
    assert_schema("events");
}

#[test]
fn the_other_documents_keep_every_field_they_ever_had() {
    for what in ["kinds", "states", "auth", "doctor"] {
        assert_schema(what);
    }
}

/// Only keywords of the standard and formats that validators know, as their strict modes ask for.
#[test]
fn every_schema_has_standard_keywords_formats_and_types() {
    fn check(schema: &Value, place: &str) {
        match schema {
            Value::Array(all) => all.iter().for_each(|one| check(one, place)),
            Value::Object(keywords) => {
                for (name, value) in keywords {
                    assert!(!name.starts_with("x-"), "{place}: {name}");
                    let is_format = name == "format" && value.is_string();
                    assert!(!is_format, "{place}: {value}");
                    let types = value.as_array().filter(|_| name == "type");
                    let other =
                        |list: &Vec<Value>| list.iter().filter(|one| *one != "null").count();
                    assert!(types.is_none_or(|list| other(list) < 2), "{place}: {value}");
                    check(value, &format!("{place}/{name}"));
                }
                if let Some(Value::Object(properties)) = keywords.get("properties") {
                    for (name, property) in properties {
                        let property = property.as_object();
                        let property = property.unwrap_or_else(|| panic!("{place}: {name}"));
                        let says = ["type", "$ref", "anyOf", "oneOf", "const", "enum"];
                        let says = says.iter().any(|word| property.contains_key(*word));
                        assert!(says, "{place}: {name} has no type");
                    }
                }
            }
            _ => {}
        }
    }
    const ALL: [&str; 7] = [
        "envelope", "stream", "events", "kinds", "states", "auth", "doctor",
    ];
    for what in ALL {
        let schema = printed(what);
        check(&schema, what);
        let names: Vec<_> = schema["$defs"].as_object().into_iter().flatten().collect();
        for generic in ["Array", "Object", "Error", "Event1", "Check", "Source"] {
            assert!(
                names.iter().all(|(name, _)| *name != generic),
                "{what}: {generic}"
            );
        }
    }
}

/// Calls `see` with every schema of an object in a document.
fn objects(schema: &Value, see: &mut dyn FnMut(&Value)) {
    if schema.get("properties").is_some_and(Value::is_object) {
        see(schema);
    }
    match schema {
        Value::Object(map) => map.values().for_each(|part| objects(part, see)),
        Value::Array(list) => list.iter().for_each(|part| objects(part, see)),
        _ => {}
    }
}

#[test]
fn every_field_is_always_there_and_has_a_description() {
    for (what, least) in [("envelope", 200), ("stream", 200), ("events", 40)] {
        let mut seen = 0;
        objects(&printed(what), &mut |object| {
            let fields = object["properties"].as_object().unwrap();
            let required = object["required"].as_array().unwrap();
            for (name, field) in fields {
                assert!(
                    required.contains(&name.as_str().into()),
                    "{name}: {object:#}"
                );
                assert!(field["description"].is_string(), "{name}: {object:#}");
                seen += 1;
            }
        });
        assert!(seen > least, "{what} describes {seen} fields");
    }
}
