//! Generates the schemas from the types that are printed, and records them for the program to print.

mod compare;

use std::path::PathBuf;
use std::{env, fs};

use clap::ValueEnum;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::SchemaKind;
use crate::output;
use crate::output::document::{AuthStatus, DoctorReport, Envelope, KindList, StateMap, Timeline};
use crate::providers;
use compare::{Changes, compare};

impl SchemaKind {
    fn generate(self) -> Value {
        match self {
            Self::Envelope => document("Envelope", <Envelope>::json_schema),
            Self::Events => document("Timeline", Timeline::json_schema),
            Self::Stream => document("StreamRecord", output::record_schema),
            Self::Kinds => document("KindList", KindList::json_schema),
            Self::States => document("StateMap", StateMap::json_schema),
            Self::Auth => document("AuthStatus", AuthStatus::json_schema),
            Self::Doctor => document("DoctorReport", DoctorReport::json_schema),
        }
    }
}

/// A whole document: what `describe` says, and all that it refers to.
fn document(title: &str, describe: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
    // Whoever reads output may count on every key; a schema for input would call some optional.
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let dialect = settings.meta_schema.clone();
    let mut generator = settings.into_generator();
    let content = describe(&mut generator);
    providers::describe_details(&mut generator);
    let mut document = Map::new();
    document.insert("$schema".to_owned(), dialect.into());
    document.insert("title".to_owned(), title.into());
    if let Value::Object(content) = content.to_value() {
        document.extend(content);
    }
    let definitions = generator.take_definitions(true);
    document.insert("$defs".to_owned(), definitions.into());
    let mut document = Value::Object(document);
    keep_standard(&mut document);
    document
}

/// Leaves what validators in a strict mode know without plugins: no formats, since those of Rust's
/// numbers are unknown and times have a pattern, and types for what may be anything.
fn keep_standard(schema: &mut Value) {
    match schema {
        Value::Array(all) => all.iter_mut().for_each(keep_standard),
        Value::Object(keywords) => {
            if keywords.get("format").is_some_and(Value::is_string) {
                keywords.remove("format");
            }
            if let Some(Value::Object(properties)) = keywords.get_mut("properties") {
                properties.values_mut().for_each(name_types);
            }
            keywords.values_mut().for_each(keep_standard);
        }
        _ => {}
    }
}

fn name_types(property: &mut Value) {
    const TYPES: [&str; 6] = ["null", "boolean", "number", "string", "array", "object"];
    if property == &Value::Bool(true) {
        *property = Value::Object(Map::new());
    }
    let Some(keywords) = property.as_object_mut() else {
        return;
    };
    let says = ["type", "$ref", "anyOf", "oneOf", "allOf", "const", "enum"];
    if !says.iter().any(|keyword| keywords.contains_key(*keyword)) {
        let types = TYPES.map(|name| json!({"type": name}));
        keywords.insert("anyOf".to_owned(), types.to_vec().into());
    }
}

/// Compares a generated schema with the recorded one; with `JOBLENS_BLESS=1` an addition is recorded, and
/// what breaks the contract never is. The program prints it from the next build on.
fn assert_recorded(kind: SchemaKind) {
    let word = kind.to_possible_value().expect("no value is skipped");
    let name = format!("fixtures/schema/{}.json", word.get_name());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(&name);
    let new = kind.generate();
    let text = fs::read_to_string(&path).unwrap_or_default();
    let changes = match text.as_str() {
        "" => Changes::default(),
        text => compare(&serde_json::from_str(text).unwrap(), &new),
    };
    let broken = changes.broken.join("\n  ");
    assert!(
        broken.is_empty(),
        "joblens/1 promises what is in {name}:\n  {broken}"
    );
    let generated = format!("{new:#}\n");
    if generated == text {
        return;
    }
    let is_blessed = env::var("JOBLENS_BLESS").is_ok_and(|value| value == "1");
    let added = changes.added.join("\n  ");
    assert!(
        is_blessed,
        "{name} is not what the types generate; run with JOBLENS_BLESS=1 to record an addition:\n  {added}"
    );
    fs::write(path, generated).unwrap();
}

#[test]
fn every_schema_keeps_each_field_it_ever_had() {
    for kind in SchemaKind::value_variants() {
        assert_recorded(*kind);
    }
}
