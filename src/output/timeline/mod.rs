//! What happened, in time order.

mod page;
#[cfg(test)]
mod tests;
mod words;

use std::io::{self, BufWriter, Write};

pub use page::Page;

use super::{Form, Format, Records, Screen, Summary, json};
use crate::model::Timeline;

/// Writes a timeline in one form; `references` are those that were asked for, `calls` how many calls
/// were sent for them.
///
/// # Errors
/// Those of the writer.
pub fn write(
    out: &mut dyn Write,
    timeline: &Timeline,
    references: &[String],
    calls: u64,
    form: &Form,
    screen: &Screen,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    match form.format {
        Format::Json => return json::write_document(&mut out, timeline),
        Format::Jsonl => records(&mut out, timeline, calls, screen)?,
        Format::Name => {
            for reference in timeline.references() {
                writeln!(out, "{reference}")?;
            }
        }
        _ => {
            let mut page = Page::new(*screen, references);
            for one in &timeline.events {
                page.entry(&mut out, one)?;
            }
        }
    }
    out.flush()
}

fn records(
    out: &mut dyn Write,
    timeline: &Timeline,
    calls: u64,
    screen: &Screen,
) -> io::Result<()> {
    let mut records = Records::default();
    for one in &timeline.events {
        records.event(out, screen.now, one)?;
    }
    for problem in &timeline.errors {
        records.error(out, screen.now, problem)?;
    }
    let summary = Summary {
        jobs: timeline.coverage.answered,
        errors: timeline.errors.len() as u64,
        calls,
    };
    records.summary(out, screen.now, summary)
}
