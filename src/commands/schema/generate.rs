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
use crate::output::document::{
    AuthStatus, ConfigPath, DoctorReport, Envelope, KindList, StateMap, Timeline,
};
use crate::providers;
use compare::{SchemaChanges, compare};

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
            Self::Config => document("ConfigPath", ConfigPath::json_schema),
        }
    }
}

/// Returns the types of the `details` of each kind, which refer to definitions of the envelope.
fn details_of_kinds() -> Value {
    let mut generator = settings().into_generator();
    <Envelope>::json_schema(&mut generator);
    providers::describe_details(&mut generator);
    let mut details = Map::new();
    for kind in providers::kinds() {
        let types = kind.details.job.iter();
        let types = types
            .map(|schema| schema(&mut generator).to_value())
            .collect();
        details.insert(kind.to_string(), types);
    }
    Value::Object(details)
}

/// Settings for output, in which readers can rely on every key; a schema for input would make some of them optional.
fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().for_serialize()
}

/// Returns a complete document: the schema that `describe` returns, and all definitions that it refers to.
fn document(title: &str, describe: impl FnOnce(&mut SchemaGenerator) -> Schema) -> Value {
    let settings = settings();
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

/// Keeps only what strict validators support without plugins. Removes formats: those of Rust's numbers are unknown,
/// and times have a pattern. Adds types to fields that can have any value.
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
    let type_keywords = ["type", "$ref", "anyOf", "oneOf", "allOf", "const", "enum"];
    if !type_keywords
        .iter()
        .any(|keyword| keywords.contains_key(*keyword))
    {
        let types = TYPES.map(|name| json!({"type": name}));
        keywords.insert("anyOf".to_owned(), types.to_vec().into());
    }
}

/// Compares a generated schema with the recorded one; never records a breaking change.
fn assert_schema(kind: SchemaKind) {
    let word = kind.to_possible_value().expect("no value is skipped");
    let new = kind.generate();
    let old = recorded(word.get_name());
    let changes = match old.as_str() {
        "" => SchemaChanges::default(),
        old => compare(&serde_json::from_str(old).unwrap(), &new),
    };
    let broken = changes.broken.join("\n  ");
    let name = word.get_name();
    assert!(
        broken.is_empty(),
        "joblens/1 promises what is in {name}.json:\n  {broken}"
    );
    assert_recorded(name, &new, &changes.added);
}

fn path(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/schema");
    PathBuf::from(folder).join(name).with_extension("json")
}

fn recorded(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_default()
}

/// Checks the recorded document. `JOBLENS_BLESS=1` records a change, which the program
/// includes from the next build on.
fn assert_recorded(name: &str, new: &Value, added: &[String]) {
    let generated = format!("{new:#}\n");
    if recorded(name) == generated {
        return;
    }
    let is_blessed = env::var("JOBLENS_BLESS").is_ok_and(|value| value == "1");
    assert!(
        is_blessed,
        "{name}.json is not what the types generate; run with JOBLENS_BLESS=1 to record an addition:\n  {}",
        added.join("\n  ")
    );
    fs::write(path(name), generated).unwrap();
}

#[test]
fn every_schema_keeps_each_field_it_ever_had() {
    for kind in SchemaKind::value_variants() {
        assert_schema(*kind);
    }
}

#[test]
fn the_details_of_each_kind_are_recorded() {
    assert_recorded("details", &details_of_kinds(), &[]);
}

#[test]
fn the_build_includes_the_recorded_schemas() {
    let names = SchemaKind::value_variants()
        .iter()
        .map(|kind| kind.to_possible_value());
    let names = names.map(|value| value.expect("no schema is hidden").get_name().to_owned());
    for name in names.chain(["details".to_owned()]) {
        let included = super::read(&name).to_string();
        let recorded: Value = serde_json::from_str(&recorded(&name)).expect("JSON");
        assert_eq!(included, recorded.to_string(), "{name}");
    }
}
