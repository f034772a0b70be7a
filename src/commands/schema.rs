mod fields;
#[cfg(test)]
mod generate;

use std::collections::HashMap;
use std::io;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::context::{CommandContext, CommandResult};
use crate::compressed::decompress;
use crate::error::{Problem, exit_code};
use crate::output::{self, Format};

pub(super) use fields::DetailsSchema;

/// All recorded schemas, as `build.rs` compresses them.
const SCHEMAS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/schemas.gz"));

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
    /// Output of config path and config init with -o json and -o yaml
    Config,
}

/// Prints the schema of other commands' output.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let is_json = matches!(context.output_options.format, Format::Table | Format::Json);
    let global = &context.global;
    let picks = !global.columns.is_empty() || global.sort_by.is_some();
    if !is_json || picks {
        let problem =
            Problem::usage("schema prints JSON only").with_hint("omit -o, --columns and --sort-by");
        return Err(problem.into());
    }
    let schema = arguments.what.schema();
    let mut out = io::stdout().lock();
    let written = output::write_schema(&mut out, &schema, &context.output_options);
    Ok(context.exit_code_after_write(written, exit_code::OK))
}

impl SchemaKind {
    /// Returns the recorded schema, which tests generate from the types.
    fn schema(self) -> Value {
        read(match self {
            Self::Envelope => "envelope",
            Self::Stream => "stream",
            Self::Events => "events",
            Self::Kinds => "kinds",
            Self::States => "states",
            Self::Auth => "auth",
            Self::Doctor => "doctor",
            Self::Config => "config",
        })
    }
}

/// Returns the recorded document `fixtures/schema/NAME.json`, in which the build has replaced the definitions by their
/// names.
fn read(name: &str) -> Value {
    let all = decompress(SCHEMAS);
    let parts = all.strip_prefix('=').unwrap_or_default().split("\n=");
    let parts: HashMap<&str, &str> = parts.filter_map(|part| part.split_once('\n')).collect();
    let text = parts.get(name).expect("the schema is recorded");
    let mut document = String::new();
    for line in text.lines() {
        let Some(name) = line.strip_prefix('@') else {
            document += line;
            continue;
        };
        let (name, comma) = match name.strip_suffix(',') {
            Some(name) => (name, ","),
            None => (name, ""),
        };
        document += parts
            .get(name)
            .expect("the build has written each definition");
        document += comma;
    }
    serde_json::from_str(&document).expect("a recorded schema is JSON")
}
