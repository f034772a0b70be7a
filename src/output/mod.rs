//! Showing what was found: a file a format. The only place that prints.

mod case;
mod complaint;
mod dotenv;
mod github;
mod human;
mod json;
mod junit;
mod live;
mod progress;
mod stream;
mod table;
mod text;
mod why;

use std::io::{self, Write};

use crate::error::Problem;
use crate::model::{Gate, Notice, Report, Time};

pub use dotenv::write as write_dotenv;
pub use github::{
    annotations as write_annotations, outputs as write_step_outputs, summary as write_step_summary,
};
pub use json::write as write_json;
pub use junit::write as write_junit;
pub use live::{Live, Size};
pub use progress::Progress;
pub use stream::{Records, Summary, write_transition};
pub use table::Row;
pub use text::escape;

/// The forms that an answer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Table,
    /// The same with more columns.
    Wide,
    /// One JSON envelope.
    Json,
    /// JSON records, one a line.
    Jsonl,
}

/// What an answer or a message is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns of a terminal; `None` when it is none, so that nothing is cut.
    pub width: Option<usize>,
    /// Whether colours may be used.
    pub colour: bool,
    /// The present, from which ages are counted.
    pub now: Time,
}

/// Writes an answer in one form.
///
/// # Errors
/// Those of the writer.
pub fn write(
    out: &mut dyn Write,
    report: &Report,
    format: Format,
    screen: &Screen,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(out, &report.jobs, table::Columns::Usual, screen),
        Format::Wide => table::write(out, &report.jobs, table::Columns::Wide, screen),
        Format::Json => json::write(out, report),
        Format::Jsonl => stream::write(out, report, screen.now),
    }
}

fn columns(format: Format) -> table::Columns {
    match format {
        Format::Wide => table::Columns::Wide,
        Format::Table | Format::Json | Format::Jsonl => table::Columns::Usual,
    }
}

/// Seconds for people, such as `1h05m`.
pub fn duration(seconds: i64) -> String {
    human::duration(seconds)
}

/// Writes a failure for people, the next step last.
///
/// # Errors
/// Those of the writer.
pub fn write_problem(err: &mut dyn Write, problem: &Problem, screen: &Screen) -> io::Result<()> {
    complaint::write(err, problem, screen)
}

/// Writes the verdict of a gate in one line.
///
/// # Errors
/// Those of the writer.
pub fn write_verdict(err: &mut dyn Write, gate: &Gate) -> io::Result<()> {
    let reason = gate.reason.as_deref().unwrap_or("no reason");
    writeln!(
        err,
        "joblens: {}: {} ({} yes, {} no, {} open) after {}, {} calls",
        gate.verdict.word(),
        escape(reason.trim()),
        gate.yes,
        gate.no,
        gate.open,
        human::duration(i64::try_from(gate.elapsed_seconds).unwrap_or(i64::MAX)),
        gate.calls
    )
}

/// Writes a notice for people.
///
/// # Errors
/// Those of the writer.
pub fn write_notice(err: &mut dyn Write, notice: &Notice) -> io::Result<()> {
    writeln!(err, "joblens: note: {}", escape(&notice.message))
}

/// Writes one line of what happens on the wire.
///
/// # Errors
/// Those of the writer.
pub fn write_trace(err: &mut dyn Write, line: &str) -> io::Result<()> {
    writeln!(err, "{}", escape(line))
}
