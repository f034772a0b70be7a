use std::io::{self, Write};

use super::super::text::width;
use super::super::wrap::wrap_at_most;
use super::super::{RenderContext, escape};
use super::words::{TimeCell, clean, quotes, sentence, sentence_with_times};
use crate::output::document::TimelineEvent;

/// Marks the first problem of each reference.
const FIRST_PROBLEM: &str = "◀ first problem";
/// The heading for entries without a time.
const NO_TIME: &str = "(no time)";
/// The width before a text: indentation, time, mark.
const BEFORE_TEXT: usize = "  11:04:05 ! ".len();
/// The prefix of further lines of a text; a line must not begin with a cloud's text.
const CONTINUATION: &str = "           │ ";
/// References have a separate column only if this many columns remain for the text.
const MIN_TEXT_WIDTH: usize = 60;

/// Writes a timeline for people, entry by entry.
///
/// On a terminal, days and references are headings and texts are wrapped; elsewhere
/// each entry is one complete line. Nothing is truncated.
pub struct TimelineWriter {
    context: RenderContext,
    /// The width of the column of references; `None` if they are headings or not needed.
    column: Option<usize>,
    many: bool,
    day: String,
    reference: String,
    /// The resource whose end was last reported, and its message.
    last_end: Option<(String, String)>,
}

/// How texts are highlighted.
#[derive(Default)]
struct Palette {
    bold: &'static str,
    bad: &'static str,
    plain: &'static str,
}

impl TimelineWriter {
    /// Creates a page about these references; a single one is not repeated on it.
    pub fn new(context: RenderContext, references: &[String]) -> Self {
        let longest = references.iter().map(|reference| width(reference)).max();
        let many = references.len() > 1;
        let max_width = |longest: &usize| {
            let needed = BEFORE_TEXT + longest + 2 + MIN_TEXT_WIDTH;
            context.width.is_none_or(|columns| columns >= needed)
        };
        Self {
            context,
            column: longest.filter(max_width).filter(|_| many),
            many,
            day: String::new(),
            reference: String::new(),
            last_end: None,
        }
    }

    /// Writes one entry, with the headings that it needs.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn entry(&mut self, out: &mut dyn Write, event: &TimelineEvent) -> io::Result<()> {
        match self.context.width {
            Some(columns) => self.under_headings(out, event, columns),
            None => self.line(out, event),
        }
    }

    /// Writes for example `2026-01-02T11:04:05+08:00  !  REF  text`.
    fn line(&self, out: &mut dyn Write, event: &TimelineEvent) -> io::Result<()> {
        let zone = self.context.zone;
        let at = event.happened_at;
        let at = at.map_or_else(|| NO_TIME.to_owned(), |at| zone.rfc3339(at));
        let columns = zone.rfc3339(self.context.now).len();
        let text = sentence_with_times(event, zone);
        let hues = self.palette(event);
        write!(out, "{at:<columns$}  {}  ", mark(event, "-", &hues))?;
        if let Some(column) = self.column {
            write!(out, "{}  ", padded(&event.reference, column))?;
        }
        write!(out, "{}", escape(&text))?;
        if event.first_bad {
            write!(out, "  {}{FIRST_PROBLEM}{}", hues.bad, hues.plain)?;
        }
        writeln!(out)
    }

    fn under_headings(
        &mut self,
        out: &mut dyn Write,
        event: &TimelineEvent,
        columns: usize,
    ) -> io::Result<()> {
        let zone = self.context.zone;
        let hues = self.palette(event);
        let (day, time) = match event.happened_at {
            None => (NO_TIME.to_owned(), "-".to_owned()),
            Some(at) => {
                let clock = TimeCell::new(at, zone);
                (clock.day, clock.time)
            }
        };
        if day != self.day {
            writeln!(out, "{}{day}{}", hues.bold, hues.plain)?;
            self.day = day;
            self.reference.clear();
        }
        if self.many && self.column.is_none() && self.reference != event.reference {
            writeln!(
                out,
                "{}{}{}",
                hues.bold,
                escape(&event.reference),
                hues.plain
            )?;
            self.reference.clone_from(&event.reference);
        }
        write!(out, "  {time:<8} {} ", mark(event, " ", &hues))?;
        let mut indent = 0;
        if let Some(column) = self.column {
            write!(out, "{}  ", padded(&event.reference, column))?;
            indent = column + 2;
        }
        let max_width = columns.saturating_sub(BEFORE_TEXT + indent);
        let reported = self.last_end.as_ref();
        let reported = reported.filter(|(reference, _)| *reference == event.reference);
        let before = reported.map(|(_, message)| message.as_str());
        let text = sentence(event, zone, before);
        if let (Some(_), Some(message)) = (event.state, clean(event.message.as_deref()))
            && !quotes(message, before)
        {
            self.last_end = Some((event.reference.clone(), message.to_owned()));
        }
        let mut lines: Vec<String> = text
            .lines()
            .flat_map(|line| wrap_at_most(&escape(line), max_width, usize::MAX))
            .collect();
        if event.first_bad {
            mark_last(&mut lines, max_width, &hues);
        }
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                write!(out, "{CONTINUATION}{}", " ".repeat(indent))?;
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn palette(&self, event: &TimelineEvent) -> Palette {
        if !self.context.color {
            return Palette::default();
        }
        Palette {
            bold: "\u{1b}[1m",
            bad: if event.state.is_some() {
                "\u{1b}[31m"
            } else {
                "\u{1b}[33m"
            },
            plain: "\u{1b}[0m",
        }
    }
}

/// Returns the mark of a problem, or a filler.
fn mark(event: &TimelineEvent, filler: &str, hues: &Palette) -> String {
    match event.is_problem {
        true => format!("{}!{}", hues.bad, hues.plain),
        false => filler.to_owned(),
    }
}

/// Adds the mark of the first problem to the last line, or on a separate line if it does not fit.
fn mark_last(lines: &mut Vec<String>, max_width: usize, hues: &Palette) {
    let mark = format!("{}{FIRST_PROBLEM}{}", hues.bad, hues.plain);
    match lines.last_mut() {
        Some(last) if width(last) + 2 + width(FIRST_PROBLEM) <= max_width => {
            *last += &format!("  {mark}")
        }
        _ => lines.push(mark),
    }
}

fn padded(reference: &str, columns: usize) -> String {
    let reference = escape(reference);
    let rest = columns.saturating_sub(width(&reference));
    format!("{reference}{}", " ".repeat(rest))
}
