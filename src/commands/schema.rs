use clap::{Args, ValueEnum};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

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
    joblens schema stream",
    after_help = "Within joblens/1, fields are only added; ignore fields you don't know.\n\
    The output of kinds, states, auth status and doctor is defined in $defs/KindList, $defs/StateMap, \
    $defs/AuthStatus and $defs/DoctorReport of the envelope."
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
}

/// Prints a schema made of the types that are printed elsewhere.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> u8 {
    let is_json = matches!(context.output_options.format, Format::Table | Format::Json);
    let global = &context.global;
    let picks = !global.columns.is_empty() || global.sort_by.is_some();
    if !is_json || picks || context.output_options.query.is_some() {
        let problem = Problem::usage("schema prints JSON only").with_hint("omit -o");
        return context.usage_error("schema", vec![problem]);
    }
    let schema = match arguments.what {
        SchemaKind::Envelope => document("Output of joblens", |generator| {
            generator.subschema_for::<AuthStatus>();
            generator.subschema_for::<DoctorReport>();
            generator.subschema_for::<KindList>();
            generator.subschema_for::<StateMap>();
            <Envelope>::json_schema(generator)
        }),
        SchemaKind::Events => document("The timeline of joblens events", Timeline::json_schema),
        SchemaKind::Stream => document("A record of a joblens stream", output::record_schema),
    };
    context.print(format!("{schema:#}\n"), false)
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
    Value::Object(document)
}
