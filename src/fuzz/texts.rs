//! Fuzz targets for texts from users, servers and commands.

use std::rc::Rc;

use serde::Deserialize as _;
use serde_json::Value;

use crate::error::Problem;
use crate::json;
use crate::output::{Format, OutputOptions, Query, write_schema};
use crate::providers;
use crate::reference::{DEFAULT_PROFILE, Reference, ReferenceParser, Target};

pub(super) use crate::commands::fuzz_logs as logs;
pub(super) use crate::credentials::fuzz::command_output;
pub(super) use crate::http::fuzz::{gzip, html};

/// Parses a reference, a scope and a list target. A parsed reference must be formatted so that it
/// can be parsed again.
pub(super) fn reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let kinds: Vec<_> = providers::kinds().collect();
    let parser = ReferenceParser {
        kinds: &kinds,
        default_profile: DEFAULT_PROFILE,
        setting: &|_, _, _| Ok(Some("c".to_owned())),
    };
    let _ = parser.parse_list_target(text);
    match parser.parse_target(text) {
        Ok(Target::Jobs(references)) => {
            for reference in [references.first(), references.last()]
                .into_iter()
                .flatten()
            {
                let written = reference.to_string();
                let Ok(Target::Jobs(read)) = parser.parse(&written) else {
                    panic!("{text:?} is written as {written}, which is not a reference");
                };
                // An id that contains a range means several ids.
                let parts = |one: &Reference| {
                    (
                        one.kind.to_string(),
                        one.profile.clone(),
                        one.segments.clone(),
                    )
                };
                let is_same = parts(&read[0]) == parts(reference) && read[0].to_string() == written;
                assert!(is_same || read.len() > 1, "{text:?}: {written}");
            }
        }
        Ok(Target::Scope(scope)) => {
            let written = scope.to_string();
            let Ok(Target::Scope(read)) = parser.parse_target(&written) else {
                panic!("{text:?} is written as {written}, which is not a scope");
            };
            assert_eq!(read.to_string(), written, "{text:?}");
        }
        _ => {}
    }
}

/// Expressions that terminate for every input.
const EXPRESSIONS: [&str; 12] = [
    ".",
    "tostream",
    "[paths]",
    "tojson | fromjson",
    "[.. | numbers | . + 1, . * 2, floor]",
    "[.. | strings | ascii_downcase, length, explode, @uri, @html, @sh]",
    "[.. | arrays | sort, unique, reverse, .[1:3]]",
    "[.. | objects | keys, to_entries]",
    "getpath([\"a\", 0])?",
    "map_values(type)?",
    "[.. | strings | test(\"a+b\"), tonumber?, fromdate?]",
    "del(..)?",
];

/// Compares the JSON parser with serde_json: same value, or an error at the same position. The
/// value must survive being written and parsed again.
pub(super) fn json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut deserializer = json::Deserializer::new(text);
    let read = Value::deserialize(&mut deserializer);
    let read = read.and_then(|value| deserializer.end().map(|()| value));
    let value = match (read, serde_json::from_str::<Value>(text)) {
        (Ok(value), Ok(expected)) => {
            assert_eq!(value, expected, "{text:?}");
            value
        }
        // Only serde_json's internal key for numbers can have a value of a wrong type.
        (Err(_), Err(expected)) if expected.is_data() => return,
        (Err(error), Err(expected)) => {
            let position = (expected.line(), expected.column());
            assert_eq!(error.position(data), position, "{text:?}: {expected}");
            return;
        }
        (read, expected) => panic!("{text:?}: {read:?}, but serde_json: {expected:?}"),
    };
    for is_indented in [true, false] {
        let mut out = Vec::new();
        json::write(&mut out, &value, is_indented).expect("a Vec takes everything");
        let written = String::from_utf8(out).expect("JSON is UTF-8");
        let is_safe = !written.replace('\n', "").contains(json::needs_escape);
        assert!(is_safe, "{text:?}: {written:?}");
        let again = serde_json::from_str::<Value>(&written);
        assert_eq!(again.ok(), Some(value.clone()), "{text:?}: {written}");
    }
}

/// Compiles an expression with an empty environment.
fn parse(expression: &str) -> Result<Query, Problem> {
    let environment = Value::Object(serde_json::Map::new());
    Query::parse(expression, [("ENV".to_owned(), environment)])
}

/// Compiles the first line as an expression, and applies known expressions to the JSON after it.
pub(super) fn jq(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (expression, document) = text.split_once('\n').unwrap_or((text, ""));
    let _ = parse(expression);
    let Ok(document) = serde_json::from_str::<Value>(document) else {
        return;
    };
    let known = EXPRESSIONS[data.len() % EXPRESSIONS.len()];
    let query = parse(known).expect("a known expression compiles");
    let options = OutputOptions {
        format: Format::Json,
        columns: None,
        headers: true,
        query: Some(Rc::new(query)),
    };
    let mut out = Vec::new();
    if write_schema(&mut out, &document, &options).is_ok() && known == "." {
        let is_text = document.is_string();
        assert!(
            is_text || serde_json::from_slice::<Value>(&out).is_ok(),
            "{document}"
        );
    }
}
