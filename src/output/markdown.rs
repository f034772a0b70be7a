use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use super::column::Column;
use super::scope_table::document_columns;
use super::{JobColumn, OutputOptions, RenderContext, escape};
use crate::output::document::Envelope;

/// The columns where none were chosen.
const DEFAULT_COLUMNS: [&str; 6] = ["ref", "state", "name", "ran", "age", "why"];

/// Writes things as a table of Markdown, and places as one of their own.
///
/// # Errors
/// Those of the writer.
pub(super) fn write(
    out: &mut dyn Write,
    report: &Envelope,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    // A document is read later: it holds moments, not the time that has passed since.
    let screen = &RenderContext {
        width: None,
        ..*screen
    };
    let (jobs, scopes, headers) = (&report.content.jobs, &report.content.scopes, form.headers);
    let mut out = BufWriter::new(out);
    if !scopes.is_empty() {
        write_table(&mut out, &document_columns(), scopes, headers, screen)?;
        if !jobs.is_empty() {
            writeln!(out)?;
        }
    }
    if !jobs.is_empty() {
        let usual = JobColumn::all(&DEFAULT_COLUMNS);
        let columns = form.columns.as_ref().unwrap_or(&usual);
        write_table(&mut out, columns, jobs, headers, screen)?;
    }
    out.flush()
}

/// A text that Markdown and HTML show as it is, in one line: what has a meaning there is written as
/// a numeric character reference, which ends no cell, opens no tag and makes no link.
pub(super) fn cell(text: &str) -> String {
    let text = escape(text.trim());
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        let is_inside = |wanted: fn(&char) -> bool| {
            before.as_ref().is_some_and(wanted) && after.as_ref().is_some_and(wanted)
        };
        let has_meaning = match c {
            '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '[' | ']' | '~' | '$' | '@' | '!' | '#' => {
                true
            }
            // Neither begins nor ends emphasis within a word.
            '_' => !is_inside(char::is_ascii_alphanumeric),
            ':' => after == Some('/') || begins_emoji(rest.clone()),
            _ => false,
        };
        match has_meaning {
            true => write!(shown, "&#{};", u32::from(c)).expect("a String takes all"),
            false => shown.push(c),
        }
        before = Some(c);
    }
    shown
}

/// True when a colon is followed by a word and another one, as in `:tada:`.
fn begins_emoji(rest: impl Iterator<Item = char>) -> bool {
    let is_word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-');
    let mut word = 0;
    let mut rest = rest.skip_while(|c| {
        word += usize::from(is_word(c));
        is_word(c)
    });
    let ends = rest.next() == Some(':');
    ends && word > 0
}

/// Writes a table of some rows.
///
/// # Errors
/// Those of the writer.
pub(super) fn write_table<T>(
    out: &mut dyn Write,
    columns: &[Column<T>],
    rows: &[T],
    headers: bool,
    screen: &RenderContext,
) -> io::Result<()> {
    let join = |cells: Vec<String>| cells.join(" | ");
    if headers {
        let titles = columns.iter().map(|column| cell(&column.header()));
        writeln!(out, "| {} |", join(titles.collect()))?;
    } else {
        // A table of Markdown has a head; an empty one shows nothing.
        writeln!(out, "|{}", "  |".repeat(columns.len()))?;
    }
    writeln!(out, "|{}", "---|".repeat(columns.len()))?;
    for row in rows {
        let cells = columns
            .iter()
            .map(|column| cell(&column.display(row, screen)));
        writeln!(out, "| {} |", join(cells.collect()))?;
    }
    Ok(())
}
