//! Checks that the output of a run for programs is valid according to `joblens schema`.

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;

use boon::{Compiler, Draft, SchemaIndex};
use serde_json::{Value, json};

use super::yaml;

/// Maximum size that is checked. Larger outputs repeat the same content, and checking them would take longer than
/// the run.
const MAX_BYTES: usize = 1 << 20;

/// Format of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One document.
    Envelope,
    /// One document as YAML.
    Yaml,
    /// One record per line.
    Stream,
}

/// Fails if standard output in a machine format does not match its schema, or if an envelope contains another exit
/// code than that of the process.
pub fn check(arguments: &[String], stdout: &str, code: i32) {
    if stdout.is_empty() || stdout.len() > MAX_BYTES {
        return;
    }
    let found = match form(arguments) {
        None => return,
        Some(Form::Envelope) => serde_json::from_str(stdout)
            .map_err(|error| error.to_string())
            .and_then(|document| envelope(&document, code)),
        Some(Form::Yaml) => envelope(&yaml::json_of(stdout), code),
        Some(Form::Stream) => stdout.lines().try_for_each(record),
    };
    if let Err(error) = found {
        panic!("{arguments:?} breaks the contract: {error}\n{stdout}");
    }
}

/// Returns the machine format that the arguments request; `None` for commands with other output.
fn form(arguments: &[String]) -> Option<Form> {
    let is = |word: &&str| arguments.iter().any(|argument| argument == word);
    if ["emulate", "schema", "--help", "-h", "--version", "-V"]
        .iter()
        .any(is)
    {
        return None;
    }
    let mut form = None;
    for (at, argument) in arguments.iter().enumerate() {
        let value = match argument.as_str() {
            "-o" | "--output" => arguments.get(at + 1).map(String::as_str),
            joined => ["--output=", "-o"]
                .iter()
                .find_map(|option| joined.strip_prefix(option)),
        };
        form = match value {
            Some("json" | "json/1") => Some(Form::Envelope),
            Some("yaml") => Some(Form::Yaml),
            Some("jsonl") => Some(Form::Stream),
            Some(_) => None,
            None => form,
        };
    }
    form.filter(|_| {
        !arguments
            .iter()
            .any(|argument| argument.starts_with("--jq"))
    })
}

fn envelope(document: &Value, code: i32) -> Result<(), String> {
    let named = [
        ("machine", "DoctorReport"),
        ("accounts", "AuthStatus"),
        ("kinds", "KindList"),
        ("states", "StateMap"),
        ("events", "Timeline"),
        ("path", "ConfigPath"),
    ]
    .into_iter()
    .find(|(key, _)| document.get(key).is_some());
    let name = named.map_or("", |(_, definition)| definition);
    valid(&schemas().documents[name], document)?;
    if document.get("exit").is_some() {
        let exit = &document["exit"];
        if exit["code"] != json!(code) {
            return Err(format!("exit is {exit}, the process ended with {code}"));
        }
        let is_held = document["gate"]["verdict"] == "passed" && code == 0;
        let word = if is_held { "passed" } else { word(code) };
        if exit["word"] != word {
            return Err(format!("exit is {exit}, expected the word {word}"));
        }
    }
    Ok(())
}

fn record(line: &str) -> Result<(), String> {
    let record: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let kind = record["type"].as_str().unwrap_or_default();
    let validator = schemas().records.get(kind);
    valid(
        validator.ok_or_else(|| format!("no record has the type {kind}"))?,
        &record,
    )
}

/// Returns all failures, each with the path of the invalid value.
fn valid(validator: &Validator, document: &Value) -> Result<(), String> {
    let validated = validator.schemas.validate(document, validator.index);
    validated.map_err(|error| format!("{error:#}"))
}

/// Returns the name of an exit code.
fn word(code: i32) -> &'static str {
    match code {
        0 => "ok",
        1 => "failed",
        2 => "usage",
        3 => "not_found",
        4 => "credentials",
        5 => "service",
        8 => "pending",
        124 => "timeout",
        130 => "interrupted",
        141 => "closed",
        143 => "terminated",
        _ => "no exit code of joblens",
    }
}

/// A parsed schema.
struct Validator {
    schemas: boon::Schemas,
    index: SchemaIndex,
}

/// The schemas, parsed once per process.
struct Schemas {
    /// By the name of the definition, empty for the envelope.
    documents: BTreeMap<&'static str, Validator>,
    /// By `type`.
    records: BTreeMap<String, Validator>,
}

fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let envelope = recorded("envelope");
        let events = recorded("events");
        let whole = |what: &str| {
            let schema = recorded(what);
            compiled(&schema, &schema)
        };
        let documents = [
            ("", compiled(&envelope, &envelope)),
            ("AuthStatus", whole("auth")),
            ("ConfigPath", whole("config")),
            ("DoctorReport", whole("doctor")),
            ("KindList", whole("kinds")),
            ("StateMap", whole("states")),
            ("Timeline", compiled(&events, &events)),
        ];
        let stream = recorded("stream");
        let records = stream["oneOf"].as_array().unwrap().iter().map(|record| {
            let place = record["$ref"].as_str().unwrap();
            let record = stream.pointer(&place[1..]).unwrap();
            let kind = record["properties"]["type"]["const"].as_str().unwrap();
            (kind.to_owned(), compiled(record, &stream))
        });
        Schemas {
            documents: documents.into(),
            records: records.collect(),
        }
    })
}

/// Returns the recorded schema, which `joblens schema` prints.
pub fn recorded(what: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/schema");
    let text = fs::read_to_string(format!("{folder}/{what}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn compiled(part: &Value, document: &Value) -> Validator {
    let mut schema = part.clone();
    schema["$defs"] = document["$defs"].clone();
    close(&mut schema);
    let mut compiler = Compiler::new();
    compiler.set_default_draft(Draft::V2020_12);
    compiler.enable_format_assertions();
    compiler.add_resource("schema.json", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    Validator { schemas, index }
}

/// Rejects unknown fields: programs ignore them, but the schema must describe each field of the output.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(close);
            if map.get("properties").is_some_and(Value::is_object) && map.contains_key("required") {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}
