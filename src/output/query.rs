//! Evaluates jq expressions on the envelope.
//!
//! The engine and its values are recursive, so it runs on a thread with a large stack,
//! and guards stop expressions that would need more. Its output is returned in pieces,
//! so that an endless expression needs no more memory than a short one.

mod alternatives;
mod compile;
mod functions;
mod memory;
mod message;
mod parse;
mod paths;
mod projection;
mod reads;
mod regex;
mod rewrite;
mod text;
mod tree;
mod value;

use std::cell::Cell;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::{panic, thread};

use jaq_core::{Ctx, Vars};
use jaq_json::Val;
use serde::Serialize;
use serde_json::Value;

use super::escape;
use super::json::write_line;
use crate::error::{Category, Problem, io_text};
use compile::{SyntaxError, compile};
use functions::Data;
use text::Json;

/// Maximum depth of lists and objects in a value.
const MAX_DEPTH: usize = 10_000;

/// The stack size; only the used part takes memory.
const STACK_SIZE: usize = 256 << 20;

/// A parsed expression.
#[derive(Debug)]
pub struct Query {
    expression: String,
    /// Names, beginning with `$`, and values.
    variables: (Vec<String>, Vec<Value>),
    /// The last output was neither null nor false.
    is_truthy: Cell<bool>,
}

impl Query {
    /// Parses an expression. The names of its variables have no `$`.
    ///
    /// # Errors
    /// Returns a usage error that marks the invalid part.
    pub fn parse(
        expression: &str,
        variables: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Self, Problem> {
        let variables = variables.into_iter();
        let variables = variables.map(|(name, value)| (format!("${name}"), value));
        let query = Self {
            expression: expression.to_owned(),
            variables: variables.unzip(),
            is_truthy: Cell::new(false),
        };
        let names = &query.variables.0;
        let compiled = thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK_SIZE);
            let run = || compile(expression, names).map(drop);
            let run = thread.spawn_scoped(scope, run)?;
            let compiled = run.join();
            Ok(compiled.unwrap_or_else(|cause| panic::resume_unwind(cause)))
        });
        match compiled {
            Ok(Ok(())) => Ok(query),
            Ok(Err(error)) => Err(usage_error(expression, error)),
            Err(error) => Err(no_thread(&error)),
        }
    }

    /// Returns `true` if the last output was neither null nor false.
    pub fn is_truthy(&self) -> bool {
        self.is_truthy.get()
    }

    /// Writes the outputs of the expression for a document, one per line: strings raw, other values as JSON. Escapes
    /// what could move a cursor or be a command in a CI log, but keeps line ends and tabs.
    ///
    /// # Errors
    /// Returns errors of the writer, and errors of the expression as invalid data.
    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        document: &(impl Serialize + Sync),
    ) -> io::Result<()> {
        let (expression, variables) = (&self.expression, &self.variables);
        let (sender, pieces) = sync_channel(2);
        let is_truthy = thread::scope(|scope| {
            let run = move || apply(expression, variables, document, sender);
            let thread = thread::Builder::new().stack_size(STACK_SIZE);
            let run = thread.spawn_scoped(scope, run)?;
            let written = pieces
                .iter()
                .try_for_each(|piece: Vec<u8>| out.write_all(&piece));
            // Stops a thread that has more output.
            drop(pieces);
            let run = run
                .join()
                .unwrap_or_else(|cause| panic::resume_unwind(cause));
            written.and(run)
        })?;
        self.is_truthy.set(is_truthy);
        out.flush()
    }
}

/// Applies an expression to a document and sends the output. Returns `true` if the
/// last value is neither null nor false.
fn apply(
    expression: &str,
    (names, values): &(Vec<String>, Vec<Value>),
    document: &impl Serialize,
    pieces: SyncSender<Vec<u8>>,
) -> io::Result<bool> {
    functions::mark_stack();
    let compiled = compile(expression, names);
    let (filter, projection) = compiled.map_err(|error| failed(error.message))?;
    let values = values.iter().map(value::to_jaq);
    let values = values.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let input = value::part_to_jaq(document, projection.part()).map_err(failed)?;
    memory::set_limit();
    // Do not free the input: for a large envelope this takes as long as building it, and the process exits soon.
    std::mem::forget(input.clone());
    let mut out = BufWriter::with_capacity(1 << 16, PieceWriter(pieces));
    let context = Ctx::<Data>::new(&filter.lut, Vars::new(values));
    let mut is_truthy = false;
    for value in filter.id.run((context, input)) {
        let value = match jaq_core::unwrap_valr(value) {
            Ok(value) => value,
            Err(error) => {
                out.flush()?;
                return Err(failed(message::of(error, expression)));
            }
        };
        is_truthy = !matches!(value, Val::Null | Val::Bool(false));
        write_value(&mut out, &value)?;
    }
    out.flush()?;
    Ok(is_truthy)
}

/// Sends the written bytes to another thread.
struct PieceWriter(SyncSender<Vec<u8>>);

impl Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.send(bytes.to_vec());
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

fn write_value(out: &mut dyn Write, value: &Val) -> io::Result<()> {
    functions::check_depth(value).map_err(failed)?;
    let Val::TStr(text) = value else {
        return write_line(out, &Json(value)).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => error,
            _ => failed(error),
        });
    };
    let text = String::from_utf8_lossy(text);
    for line in text.split('\n') {
        let parts: Vec<_> = line.split('\t').map(escape).collect();
        writeln!(out, "{}", parts.join("\t"))?;
    }
    Ok(())
}

fn no_thread(error: &io::Error) -> Problem {
    let reason = io_text(error);
    let message = format!("--jq: no more threads are available ({reason})");
    Problem::new(Category::ServiceError, message)
}

/// Returns a usage error that marks a part of the expression, or its end.
fn usage_error(expression: &str, SyntaxError { message, span }: SyntaxError) -> Problem {
    let column = expression[..span.start].chars().count() + 1;
    let mut problem = Problem::usage(format!("--jq: {message} at column {column}"))
        .with_hint("use jq syntax, e.g. '.jobs[] | select(.state == \"failed\") | .ref'");
    problem.input = Some(expression.to_owned());
    // If nothing from here on can be parsed, mark only the first word.
    let end = span.start.max(end_of_word(expression, span.start));
    problem.span = Some(span.start..span.end.min(end));
    problem
}

/// Returns the end of the word that begins at a position.
fn end_of_word(expression: &str, start: usize) -> usize {
    let rest = &expression[start..];
    rest.find(char::is_whitespace)
        .map_or(expression.len(), |end| start + end)
}

#[cfg(test)]
mod tests;
