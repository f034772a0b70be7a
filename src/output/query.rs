//! Expressions of jq on the envelope.

mod value;

use std::fmt;
use std::io::{self, BufWriter, Write};

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::native::{Fun, bome};
use jaq_core::{Compiler, Ctx, Error, Filter, Native, ValXs, Vars};
use jaq_json::{Val, write::Pp};
use serde::Serialize;

use super::escape;
use super::json::write_escaped;
use crate::error::Problem;

type Data = JustLut<Val>;

/// What jq has and jaq leaves out: rows of csv and tsv.
const JQ_PRELUDE: &str = r#"
def row(text): map(
  if isstring then text
  elif . == null then ""
  elif isarray or isobject then error("\(type) is not valid in a row")
  else tostring end);
def @csv: row("\"" + (split("\"") | join("\"\"")) + "\"") | join(",");
def @tsv: row(
  split("\\") | join("\\\\")
  | split("\t") | join("\\t")
  | split("\n") | join("\\n")
  | split("\r") | join("\\r")) | join("\t");
"#;

/// An expression that was read and can be applied.
pub struct Query {
    filter: Filter<Data>,
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Query")
    }
}

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    /// A usage error that points at the part that is wrong.
    pub fn parse(expression: &str) -> Result<Self, Problem> {
        let rows = load::parse(JQ_PRELUDE, |parser| parser.defs());
        let rows = rows.expect("our own definitions can be read");
        let definitions = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .chain(rows);
        let functions = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs());
        let arena = Arena::default();
        let file = File {
            code: expression,
            path: (),
        };
        let modules = Loader::new(definitions)
            .load(&arena, file)
            .map_err(|errors| {
                wrong(
                    expression,
                    errors.into_iter().find_map(|(_, error)| unreadable(error)),
                )
            })?;
        let filter = Compiler::default()
            .with_funs(functions.map(restrict))
            .compile(modules)
            .map_err(|errors| {
                let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
                let said = first.map(|(name, what)| {
                    let what = what.as_str();
                    (name, format!("unknown {what} '{name}'"))
                });
                wrong(expression, said)
            })?;
        Ok(Self { filter })
    }

    /// Writes what the expression makes of a document, one per line: strings raw, all else as JSON.
    /// What could move a cursor or be a command in a CI log is escaped; line ends and tabs stay.
    ///
    /// # Errors
    /// Those of the writer, and as invalid data what the expression could not do.
    pub(super) fn write(&self, out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
        let input = value::to_jaq(document).map_err(failed)?;
        // A large envelope takes as long to take apart as to build, and the process ends soon.
        std::mem::forget(input.clone());
        let mut out = BufWriter::with_capacity(1 << 16, out);
        let context = Ctx::<Data>::new(&self.filter.lut, Vars::new([]));
        for value in self.filter.id.run((context, input)) {
            let value = jaq_core::unwrap_valr(value).map_err(failed)?;
            write_value(&mut out, &value)?;
        }
        out.flush()
    }
}

fn failed(error: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

fn write_value(out: &mut dyn Write, value: &Val) -> io::Result<()> {
    if let Val::TStr(text) | Val::BStr(text) = value {
        let text = String::from_utf8_lossy(text);
        for line in text.split('\n') {
            let parts: Vec<_> = line.split('\t').map(escape).collect();
            writeln!(out, "{}", parts.join("\t"))?;
        }
        return Ok(());
    }
    let mut text = Vec::new();
    jaq_json::write::write(&mut text, &Pp::default(), 0, value)?;
    let text = String::from_utf8(text).map_err(failed)?;
    // jaq writes values that JSON does not have, such as NaN and keys that are not texts.
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
        return Err(failed(format!("{} is not valid JSON", escape(&text))));
    }
    write_escaped(out, &text)?;
    out.write_all(b"\n")
}

/// The functions of jq, those that are out of place here replaced by an error.
fn restrict((name, arguments, function): Fun<Data>) -> Fun<Data> {
    let function = match name {
        "env" => Native::new(|_| refuse("env is not available: the environment holds secrets")),
        "halt" => Native::new(|_| refuse("halt is not available: joblens sets the exit code")),
        _ => function,
    };
    (name, arguments, function)
}

fn refuse<'a>(why: &str) -> ValXs<'a, Val> {
    bome(Err(Error::str(why)))
}

/// The first part that cannot be read, and what was expected there.
fn unreadable(error: load::Error<&str>) -> Option<(&str, String)> {
    match error {
        load::Error::Io(errors) => errors.into_iter().next(),
        load::Error::Lex(errors) => errors
            .into_iter()
            .next()
            .map(|(expected, part)| (part, format!("expected {}", expected.as_str()))),
        load::Error::Parse(errors) => errors
            .into_iter()
            .next()
            .map(|(expected, part)| (part, format!("expected {}", expected.as_str()))),
    }
}

/// A usage error that points at a part of the expression, or at its end.
fn wrong(expression: &str, said: Option<(&str, String)>) -> Problem {
    let (span, said) = match said {
        Some((part, said)) if !part.is_empty() => (load::span(expression, part), said),
        Some((_, said)) => (expression.len()..expression.len(), said),
        None => (0..expression.len(), "invalid jq expression".to_owned()),
    };
    let column = expression[..span.start].chars().count() + 1;
    let mut problem = Problem::usage(format!("--jq: {said} at column {column}"))
        .with_hint("use jq syntax, e.g. '.jobs[] | select(.state == \"failed\") | .ref'");
    problem.input = Some(expression.to_owned());
    // From the place to the end would be marked where the whole rest is not understood.
    problem.span = Some(
        span.start
            ..span
                .end
                .min(span.start.max(end_of_word(expression, span.start))),
    );
    problem
}

/// The end of the word that begins at a place.
fn end_of_word(expression: &str, start: usize) -> usize {
    let rest = &expression[start..];
    rest.find(char::is_whitespace)
        .map_or(expression.len(), |end| start + end)
}

#[cfg(test)]
mod tests;
