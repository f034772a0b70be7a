use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use super::{Column, OutputOptions, RenderContext, escape};
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
    let (jobs, scopes, headers) = (&report.jobs, &report.scopes, form.headers);
    let mut out = BufWriter::new(out);
    if !scopes.is_empty() {
        let titles = ["SCOPE", "STATUS", "NAME", "CREATED", "REGION"].map(str::to_owned);
        let rows = scopes.iter().map(|scope| {
            let created_at = scope.created_at.map(|at| screen.zone.rfc3339(at));
            [
                Some(scope.scope.clone()),
                scope.status.clone(),
                scope.name.clone(),
                created_at,
                scope.region.clone(),
            ]
            .map(|text| cell(text.as_deref().unwrap_or("-")))
            .into()
        });
        write_table(&mut out, &titles, headers, rows)?;
        if !jobs.is_empty() {
            writeln!(out)?;
        }
    }
    if !jobs.is_empty() {
        let usual = Column::all(&DEFAULT_COLUMNS);
        let columns = form.columns.as_ref().unwrap_or(&usual);
        let titles: Vec<String> = columns.iter().map(|column| cell(&column.title())).collect();
        let rows = jobs.iter().map(|job| {
            let cells = columns.iter().map(|column| column.cell(job));
            cells
                .map(|value| cell(&value.display(screen).unwrap_or("-".into())))
                .collect()
        });
        write_table(&mut out, &titles, headers, rows)?;
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

/// Writes a table of texts that Markdown shows as they are.
pub(super) fn write_table(
    out: &mut dyn Write,
    titles: &[String],
    headers: bool,
    rows: impl Iterator<Item = Vec<String>>,
) -> io::Result<()> {
    if headers {
        writeln!(out, "| {} |", titles.join(" | "))?;
    } else {
        // A table of Markdown has a head; an empty one shows nothing.
        writeln!(out, "|{}", "  |".repeat(titles.len()))?;
    }
    writeln!(out, "|{}", "---|".repeat(titles.len()))?;
    for row in rows {
        writeln!(out, "| {} |", row.join(" | "))?;
    }
    Ok(())
}
