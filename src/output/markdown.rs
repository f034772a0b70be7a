use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use super::column::Column;
use super::scope_row::{scope_row, shared_columns};
use super::scope_table::document_columns;
use super::{JobColumn, OutputOptions, RenderContext, escape};
use crate::model::Job;
use crate::output::document::Envelope;

/// The default columns.
const DEFAULT_COLUMNS: [&str; 6] = ["ref", "state", "name", "ran", "age", "why"];

/// Writes resources as a Markdown table, and scopes as another one.
///
/// # Errors
/// Returns errors of the writer.
pub(super) fn write(
    out: &mut dyn Write,
    envelope: &Envelope,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    // A document is read later, so it shows times instead of ages.
    let context = &RenderContext {
        width: None,
        ..*context
    };
    let (jobs, scopes, headers) = (
        &envelope.content.jobs,
        &envelope.content.scopes,
        options.headers,
    );
    let mut out = BufWriter::new(out);
    if !scopes.is_empty() {
        match &options.columns {
            None => write_table(&mut out, &document_columns(), scopes, headers, context)?,
            Some(chosen) => {
                let columns = JobColumn::for_document(&shared_columns(chosen));
                let rows: Vec<Job> = scopes.iter().map(scope_row).collect();
                write_table(&mut out, &columns, &rows, headers, context)?;
            }
        }
        if !jobs.is_empty() {
            writeln!(out)?;
        }
    }
    if !jobs.is_empty() {
        let usual = JobColumn::all(&DEFAULT_COLUMNS);
        let columns = options.columns.as_ref().unwrap_or(&usual);
        let columns = JobColumn::for_document(columns);
        write_table(&mut out, &columns, jobs, headers, context)?;
    }
    out.flush()
}

/// Escapes a text so that Markdown and HTML show it unchanged on one line. Special characters become numeric
/// character references, which cannot end a cell, open a tag or make a link. Addresses and issue numbers, which
/// GitHub detects after it has decoded these references, are split by an empty comment.
pub(super) fn cell(text: &str) -> String {
    const BREAK: &str = "<!-- -->";
    let text = escape(text.trim());
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let (before, rest) = (&text[..at], &text[at + c.len_utf8()..]);
        let is_inside =
            |wanted: fn(char) -> bool| before.ends_with(wanted) && rest.starts_with(wanted);
        let ends_in = |words: &[&str]| words.iter().any(|word| ends_in_word(before, word));
        let has_meaning = match c {
            '&' | '<' | '>' | '|' | '\\' | '`' | '*' | '[' | ']' | '~' | '$' | '@' | '!' | '#' => {
                true
            }
            // Neither begins nor ends emphasis within a word.
            '_' => !is_inside(|c| c.is_ascii_alphanumeric()),
            ':' => {
                rest.starts_with('/') || ends_in(&["mailto", "xmpp"]) || begins_emoji(rest.chars())
            }
            '.' => ends_in(&["www"]),
            _ => false,
        };
        let needs_break = match c {
            '@' => is_inside(|c| c.is_ascii_alphanumeric()) && contains_host(rest),
            '-' => ends_in(&["gh"]) && rest.starts_with(|c: char| c.is_ascii_digit()),
            _ => false,
        };
        match has_meaning {
            true => write!(shown, "&#{};", u32::from(c)).expect("a String takes all"),
            false => shown.push(c),
        }
        shown.push_str(if needs_break { BREAK } else { "" });
    }
    shown
}

/// Returns `true` if the last word of a text is this one, in any case.
fn ends_in_word(text: &str, word: &str) -> bool {
    let Some(at) = text
        .len()
        .checked_sub(word.len())
        .filter(|at| text.is_char_boundary(*at))
    else {
        return false;
    };
    text[at..].eq_ignore_ascii_case(word)
        && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Returns `true` if a text begins with a host, as after the `@` of a mail address.
fn contains_host(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text[..end].trim_end_matches('.').contains('.')
}

/// Returns `true` if a colon is followed by a word and another colon, as in `:tada:`.
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
/// Returns errors of the writer.
pub(super) fn write_table<T>(
    out: &mut dyn Write,
    columns: &[Column<T>],
    rows: &[T],
    headers: bool,
    context: &RenderContext,
) -> io::Result<()> {
    let join = |cells: Vec<String>| cells.join(" | ");
    if headers {
        let titles = columns.iter().map(|column| cell(&column.header()));
        writeln!(out, "| {} |", join(titles.collect()))?;
    } else {
        // A Markdown table must have a header, so write an empty one.
        writeln!(out, "|{}", "  |".repeat(columns.len()))?;
    }
    writeln!(out, "|{}", "---|".repeat(columns.len()))?;
    for row in rows {
        let cells = columns
            .iter()
            .map(|column| cell(&column.display(row, context)));
        writeln!(out, "| {} |", join(cells.collect()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_text_becomes_a_link() {
        for (text, shown) in [
            ("http://h/p", "http&#58;//h/p"),
            ("www.example.com", "www&#46;example.com"),
            ("(WWW.example.com", "(WWW&#46;example.com"),
            ("mailto:a", "mailto&#58;a"),
            ("a@b.com", "a&#64;<!-- -->b.com"),
            ("gh-12", "gh-<!-- -->12"),
            ("aliyun@prod/job", "aliyun&#64;prod/job"),
            (
                "awww.x, high-12, 12:30, std::io",
                "awww.x, high-12, 12:30, std::io",
            ),
            ("#12 @me [x](y)", "&#35;12 &#64;me &#91;x&#93;(y)"),
        ] {
            assert_eq!(cell(text), shown);
        }
    }
}
