//! The contract with programs: within joblens/1 fields are only added.

mod catalog;
mod columns;
mod quoted_words;
mod wrong_use;

use serde_json::Value;

use crate::support::contract::{self, recorded};
use crate::support::emulated::Emulated;
use crate::support::joblens;
use crate::support::jobs::{JOB, WORLD};

const ALL: [&str; 7] = [
    "envelope", "stream", "events", "kinds", "states", "auth", "doctor",
];

#[test]
fn schema_prints_the_recorded_schemas() {
    for what in ALL {
        let run = joblens(&["schema", what]).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(
            run.json() == recorded(what),
            "schema {what} prints another document than fixtures/schema/{what}.json; build again"
        );
    }
}

/// Makes a job invalid.
type Edit = fn(&mut Value);

#[test]
fn the_check_of_each_output_rejects_what_the_schema_does_not_describe() {
    let emulated = Emulated::start(WORLD);
    let envelope = emulated.get(&[JOB]).run().json();
    let is_accepted = |document: &Value, code| {
        let arguments = ["get", "-o", "json"].map(str::to_owned);
        let text = document.to_string();
        std::panic::catch_unwind(|| contract::check(&arguments, &text, code)).is_ok()
    };
    assert!(is_accepted(&envelope, 0));
    assert!(!is_accepted(&envelope, 1), "another exit code");
    let edits: [(&str, Edit); 5] = [
        ("an unknown field", |job| job["other"] = 1.into()),
        ("an unknown field of a task", |job| {
            job["tasks"][0]["other"] = 1.into()
        }),
        ("another type", |job| job["exit_code"] = "137".into()),
        ("an unknown state", |job| job["state"] = "lost".into()),
        ("a missing field", |job| {
            job.as_object_mut().unwrap().remove("reason");
        }),
    ];
    for (name, edit) in edits {
        let mut document = envelope.clone();
        edit(&mut document["jobs"][0]);
        assert!(!is_accepted(&document, 0), "{name}");
    }
}

/// Checks that schemas use only standard keywords and the formats that validators support, as their strict modes
/// require.
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
                        let keywords = ["type", "$ref", "anyOf", "oneOf", "const", "enum"];
                        let has_type = keywords.iter().any(|word| property.contains_key(*word));
                        assert!(has_type, "{place}: {name} has no type");
                    }
                }
            }
            _ => {}
        }
    }
    for what in ALL {
        let schema = recorded(what);
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

/// Calls `see` with the schema of every object in a document.
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
fn every_schema_field_is_required_and_has_a_description() {
    for (what, least) in [("envelope", 200), ("stream", 200), ("events", 40)] {
        let mut seen = 0;
        objects(&recorded(what), &mut |object| {
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
