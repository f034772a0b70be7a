use std::io;

use clap::{Args, ValueEnum};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::context::CommandContext;
use crate::error::Problem;
use crate::output::document::{AuthStatus, DoctorReport, Envelope, KindList, StateMap, Timeline};
use crate::output::{self, Format};
use crate::providers;

/// Print the JSON Schema of the output
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
    joblens schema > joblens-1.json\n  \
    joblens schema stream\n  \
    joblens schema --jq '.[\"$defs\"] | keys'",
    after_help = "Within joblens/1, fields are only added; ignore fields you don't know."
)]
pub(super) struct Arguments {
    /// Schema to print
    #[arg(value_enum, default_value = "envelope", value_name = "WHAT")]
    what: SchemaKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaKind {
    /// Output of -o json and -o yaml
    Envelope,
    /// One line of -o jsonl
    Stream,
    /// Output of events -o json and -o yaml
    Events,
    /// Output of kinds -o json and -o yaml
    Kinds,
    /// Output of states -o json and -o yaml
    States,
    /// Output of auth status -o json and -o yaml
    Auth,
    /// Output of doctor -o json and -o yaml
    Doctor,
}

/// Prints a schema made of the types that are printed elsewhere.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> u8 {
    let is_json = matches!(context.output_options.format, Format::Table | Format::Json);
    let global = &context.global;
    let picks = !global.columns.is_empty() || global.sort_by.is_some();
    if !is_json || picks {
        let problem = Problem::usage("schema prints JSON only").with_hint("omit -o");
        return context.usage_error("schema", vec![problem]);
    }
    let schema = match arguments.what {
        SchemaKind::Envelope => document("Envelope", <Envelope>::json_schema),
        SchemaKind::Events => document("Timeline", Timeline::json_schema),
        SchemaKind::Stream => document("StreamRecord", output::record_schema),
        SchemaKind::Kinds => document("KindList", KindList::json_schema),
        SchemaKind::States => document("StateMap", StateMap::json_schema),
        SchemaKind::Auth => document("AuthStatus", AuthStatus::json_schema),
        SchemaKind::Doctor => document("DoctorReport", DoctorReport::json_schema),
    };
    let mut out = io::stdout().lock();
    let written = output::write_schema(&mut out, &schema, &context.output_options);
    context.exit_code_after_write(written, 0)
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
