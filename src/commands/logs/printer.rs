//! Prints lines of logs: unchanged text, escaped text, or records.

use std::borrow::Cow;

use chrono::DateTime;

use super::lines::split_lines;
use super::select::label;
use crate::model::Time;
use crate::output::{self, LogRecord, RecordWriter};
use crate::providers::LogSource;
use crate::secret::Redactor;

/// How lines are printed.
#[derive(Debug)]
pub(super) enum Style {
    /// The unchanged bytes of the log.
    Bytes,
    /// Text in which control sequences of terminals and commands of CI systems are escaped.
    Escaped,
    /// One record per line.
    Records(RecordWriter),
}

/// The last printed line of a log.
#[derive(Debug, Default)]
pub(super) struct PrintedLine {
    /// Its end is not printed yet: the next piece continues it.
    is_begun: bool,
    /// The last piece continues the line of the piece before it.
    is_continued: bool,
    at: Option<Time>,
    /// The end of its unescaped text, without leading white space.
    tail: String,
}

impl PrintedLine {
    /// Adds and escapes a piece of the text. If the piece forms a CI command only together with the previous ones,
    /// its first character is escaped, too.
    fn escape(&mut self, piece: &str) -> String {
        const MAX_TAIL: usize = 64;
        let mut escaped = escape_columns(piece);
        if !self.tail.is_empty() {
            let joined = format!("{}{piece}", self.tail);
            let apart = escape_columns(&self.tail) + &escaped;
            if let (true, Some(first)) = (escape_columns(&joined) != apart, piece.chars().next()) {
                let rest = escape_columns(&piece[first.len_utf8()..]);
                escaped = format!("{}{rest}", first.escape_unicode());
            }
        }
        self.tail.push_str(piece);
        let blank = self.tail.len() - self.tail.trim_start().len();
        self.tail.drain(..blank);
        let surplus = self.tail.chars().count().saturating_sub(MAX_TAIL);
        if surplus > 0 {
            // Replace the omitted beginning by a character that does not begin a command.
            let kept = self.tail.chars().skip(surplus);
            self.tail = std::iter::once('.').chain(kept).collect();
        }
        escaped
    }
}

/// Escapes a text, except tabs.
fn escape_columns(text: &str) -> String {
    let parts: Vec<Cow<'_, str>> = text.split('\t').map(output::escape).collect();
    parts.join("\t")
}

/// Converts lines of logs to output.
#[derive(Debug)]
pub(super) struct Printer<'a> {
    pub style: Style,
    /// The canonical reference of the job.
    pub reference: String,
    /// Each line begins with the name of its log.
    pub has_prefix: bool,
    /// Lines begin with a timestamp of the cloud.
    pub has_timestamps: bool,
    /// The timestamp is shown.
    pub shows_timestamps: bool,
    /// Secrets to mask.
    pub redactor: &'a Redactor,
    /// The name of the log whose last line has no end yet, if lines begin with the names.
    pub open_line: Option<String>,
}

impl Printer<'_> {
    /// Returns `true` if a line can be printed in pieces: not as a record, and not between lines of other logs.
    pub(super) fn joins_pieces(&self) -> bool {
        !self.has_prefix && !matches!(self.style, Style::Records(_))
    }

    /// Converts a block of a log to output, after what was `printed` of it.
    pub(super) fn print(
        &mut self,
        out: &mut Vec<u8>,
        source: &LogSource,
        printed: &mut PrintedLine,
        block: &[u8],
    ) {
        // Searching the whole block once is much faster than searching each line, and
        // most blocks contain nothing to mask.
        let redactor = match self.may_mask(block) {
            true => self.redactor,
            false if self.prints_unchanged() => return out.extend_from_slice(block),
            false => &Redactor::default(),
        };
        for line in split_lines(block) {
            let rest = self.printed_part(line, printed);
            self.print_line(out, source, (printed, rest), redactor);
        }
    }

    /// Returns the part of a line, or of a piece, that is printed. Only the beginning of a line can be a timestamp.
    fn printed_part<'a>(&self, line: &'a [u8], printed: &mut PrintedLine) -> &'a [u8] {
        let is_begun = std::mem::replace(&mut printed.is_begun, !line.ends_with(b"\n"));
        printed.is_continued = is_begun;
        if is_begun {
            return line;
        }
        let (at, rest) = match self.has_timestamps {
            true => split_timestamp(line),
            false => (None, line),
        };
        printed.at = at;
        printed.tail.clear();
        if self.shows_timestamps { line } else { rest }
    }

    fn may_mask(&self, bytes: &[u8]) -> bool {
        let masks = self.redactor.masks();
        match std::str::from_utf8(bytes) {
            Ok(text) => masks.may_mask(text),
            Err(_) => {
                let mut texts = bytes.utf8_chunks().map(|chunk| chunk.valid());
                texts.any(|text| masks.may_mask(text))
            }
        }
    }

    /// Returns `true` if a line without a secret is printed unchanged.
    fn prints_unchanged(&self) -> bool {
        let shows_all = self.shows_timestamps || !self.has_timestamps;
        matches!(self.style, Style::Bytes) && !self.has_prefix && shows_all
    }

    fn print_line(
        &mut self,
        out: &mut Vec<u8>,
        source: &LogSource,
        (printed, shown): (&mut PrintedLine, &[u8]),
        redactor: &Redactor,
    ) {
        let end = shown.strip_suffix(b"\n").unwrap_or(shown);
        let has_line_end = end.len() < shown.len();
        if let Style::Records(records) = &mut self.style {
            let end = end.strip_suffix(b"\r").unwrap_or(end);
            let mut text = String::from_utf8_lossy(end).into_owned();
            redactor.text(&mut text);
            let record = LogRecord {
                reference: &self.reference,
                task: source.task.as_deref(),
                container: source.container.as_deref(),
                line: &text,
                continued: printed.is_continued,
            };
            // Writing to a vector cannot fail.
            let _ = records.line(out, printed.at, record);
            return;
        }
        if self.has_prefix {
            self.begin_line(out, label(source), printed.is_continued);
            self.open_line = (!has_line_end).then(|| label(source));
        }
        match self.style {
            Style::Bytes => masked_bytes(out, end, redactor),
            _ => escaped(out, end, printed, redactor),
        }
        if has_line_end {
            out.push(b'\n');
        }
    }

    /// Ends the unfinished line of another log, and writes the name of the log, unless its own line continues.
    fn begin_line(&mut self, out: &mut Vec<u8>, name: String, is_continued: bool) {
        if is_continued && self.open_line.as_ref() == Some(&name) {
            return;
        }
        out.extend_from_slice(self.take_line_end());
        out.extend_from_slice(output::escape(&name).as_bytes());
        out.push(b' ');
    }

    /// Returns the line end that is missing after the last line, if lines begin with the names of their logs.
    pub(super) fn take_line_end(&mut self) -> &'static [u8] {
        match self.open_line.take() {
            Some(_) => b"\n",
            None => b"",
        }
    }
}

/// Writes the bytes with the secrets in their text masked.
fn masked_bytes(out: &mut Vec<u8>, bytes: &[u8], redactor: &Redactor) {
    for chunk in bytes.utf8_chunks() {
        let mut text = Cow::Borrowed(chunk.valid());
        if redactor.masks().may_mask(&text) {
            redactor.text(text.to_mut());
        }
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
}

/// Writes a piece of a line, escaped and without its line end.
fn escaped(out: &mut Vec<u8>, bytes: &[u8], printed: &mut PrintedLine, redactor: &Redactor) {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    redactor.text(&mut text);
    out.extend_from_slice(printed.escape(&text).as_bytes());
}

/// Splits a line into its timestamp and the rest; all of the line is rest if it has no timestamp.
pub(super) fn split_timestamp(line: &[u8]) -> (Option<Time>, &[u8]) {
    /// The longest form of RFC 3339 with nanoseconds.
    const MAX_BYTES: usize = 36;
    let head = &line[..line.len().min(MAX_BYTES)];
    let blank = head.iter().position(|byte| *byte == b' ' || *byte == b'\n');
    let time = blank.and_then(|blank| {
        let text = std::str::from_utf8(&line[..blank]).ok()?;
        let at = DateTime::parse_from_rfc3339(text).ok()?;
        Some((Time::new(at.to_utc())?, blank))
    });
    match time {
        Some((at, blank)) if line[blank] == b' ' => (Some(at), &line[blank + 1..]),
        Some((at, blank)) => (Some(at), &line[blank..]),
        None => (None, line),
    }
}

/// Returns the time of the last complete line in a window of timestamped lines.
pub(super) fn last_timestamp(window: &[u8]) -> Option<Time> {
    let end = memchr::memrchr(b'\n', window)?;
    let start = memchr::memrchr(b'\n', &window[..end]).map_or(0, |at| at + 1);
    split_timestamp(&window[start..]).0
}

#[cfg(test)]
mod tests;
