//! Formats the output, one file per format. Only `output` and `commands` write to the standard streams.

mod accounts;
mod catalog;
mod cause;
mod cause_text;
mod cell;
mod column;
mod delimited;
mod describe;
mod doctor;
pub mod document;
mod dotenv;
mod drawn_lines;
mod exposition;
mod github;
mod human;
mod job_columns;
mod job_table;
mod json;
mod junit;
mod live;
mod markdown;
mod options;
mod problem;
mod progress;
mod query;
mod references;
mod rows;
mod scope_row;
mod scope_table;
mod sort;
mod stream;
mod style;
mod table;
mod terminal;
mod test_case;
mod text;
mod timeline;
mod unread_rows;
mod wrap;
mod yaml;
mod zone;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use crate::model::{Notice, Time};
use crate::output::document::{Envelope, Gate};

pub use accounts::write_accounts;
pub use catalog::{is_for_catalogs, write_config_path, write_kinds, write_states};
pub use cause::{cause, explanation};
pub use cause_text::reason_text;
pub use column::{CellContext, Column, Tabular};
pub use describe::{DetailLevel, LogTail, PageOptions, write as write_pages};
pub use doctor::{DoctorPart, write_diagnosis, write_doctor_part};
pub use dotenv::write as write_dotenv;
pub use exposition::{ExpositionFormat, ExpositionWriter, MetricFamily, MetricType};
pub use github::{
    annotations as write_annotations, outputs as write_step_outputs, summary as write_step_summary,
};
pub use human::duration;
pub use job_columns::JobColumn;
use job_table::Layout;
pub use job_table::{Row, TableWriter};
pub use json::write as write_json;
pub use junit::write as write_junit;
pub use live::{Frame, Live, ReadStatus, ScopeCounts, TerminalSize};
pub use options::{Format, OutputOptions};
pub use problem::{one_line as problem_line, write as write_problem};
pub use progress::{Progress, ProgressRow};
pub use query::Query;
pub use rows::RowWriter;
pub use sort::Sort;
pub use stream::{LogRecord, RecordBody, RecordWriter, Summary, record_schema, write_transition};
pub use terminal::{restore as restore_terminal, restore_modes, silence_keys, write_unlocked};
pub use text::{escape, truncate_chars};
pub use timeline::{EventColumn, TimelineWriter, write as write_timeline};
pub use zone::Zone;

/// The properties of the terminal or file on which output is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenderContext {
    /// The columns of a terminal; `None` without a terminal, so that nothing is truncated.
    pub width: Option<usize>,
    /// Whether colors can be used.
    pub color: bool,
    /// The current time, from which ages are counted.
    pub now: Time,
    /// The time zone for display.
    pub zone: Zone,
}

impl RenderContext {
    /// Formats a time for people; in a pipe in the form that programs also read.
    fn moment(&self, time: Time) -> String {
        match self.width {
            Some(_) => self.zone.clock(time),
            None => self.zone.rfc3339(time),
        }
    }
}

/// Writes a report in its format.
///
/// # Errors
/// Returns errors of the writer, and errors of an expression as invalid data.
pub fn write(
    out: &mut dyn Write,
    envelope: &Envelope,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    if let Some(query) = &options.query {
        return query.write(out, envelope);
    }
    // JSON, YAML and records have references that were never read among the errors.
    let envelope = &*match options.format {
        Format::Json | Format::Yaml | Format::Jsonl | Format::Name => Cow::Borrowed(envelope),
        Format::Table | Format::Wide | Format::Csv | Format::Tsv | Format::Markdown => {
            unread_rows::with_unread(envelope)
        }
    };
    if let Some(mut rows) = RowWriter::new(options, *context) {
        let mut out = BufWriter::new(out);
        rows.jobs(&mut out, &envelope.content.jobs)?;
        rows.scopes(&mut out, &envelope.content.scopes)?;
        return rows.end(&mut out, envelope, envelope.incomplete().as_deref());
    }
    match options.format {
        Format::Json => json::write(out, envelope),
        Format::Yaml => yaml::write(out, envelope),
        Format::Markdown => markdown::write(out, envelope, options, context),
        _ => {
            scope_table::write(out, &envelope.content.scopes, options, context)?;
            if !envelope.content.scopes.is_empty() && !envelope.content.jobs.is_empty() {
                writeln!(out)?;
            }
            job_table::write(
                out,
                &envelope.content.jobs,
                &Layout::from_options(options),
                context,
            )
        }
    }
}

/// Writes a schema as JSON, or the output of an expression for it.
///
/// # Errors
/// Returns errors of the writer, and errors of the expression as invalid data.
pub fn write_schema(
    out: &mut dyn Write,
    schema: &serde_json::Value,
    options: &OutputOptions,
) -> io::Result<()> {
    match &options.query {
        Some(query) => query.write(out, schema),
        None => json::write_document(out, schema),
    }
}

/// Writes the verdict of a gate on one line.
///
/// # Errors
/// Returns errors of the writer.
pub fn write_verdict(err: &mut dyn Write, gate: &Gate) -> io::Result<()> {
    let reason = gate.reason.as_deref().unwrap_or("no reason");
    writeln!(
        err,
        "{}: {} ({}, {})",
        gate.verdict.as_str(),
        escape(reason.trim()),
        duration(i64::try_from(gate.elapsed_seconds).unwrap_or(i64::MAX)),
        requests(gate.requests)
    )
}

/// Returns for example `1 request` or `7 requests`.
pub fn requests(count: u64) -> String {
    match count {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    }
}

/// Returns a notice on one line for people: `warning: …` or `note: …`.
pub fn notice_line(notice: &Notice) -> String {
    let label = if notice.code.is_warning() {
        "warning"
    } else {
        "note"
    };
    format!("{label}: {}", notice.message)
}

/// Writes a notice for people.
///
/// # Errors
/// Returns errors of the writer.
pub fn write_notice(err: &mut dyn Write, notice: &Notice) -> io::Result<()> {
    write_line(err, &notice_line(notice))
}

/// Writes one line for people.
///
/// # Errors
/// Returns errors of the writer.
pub fn write_line(err: &mut dyn Write, line: &str) -> io::Result<()> {
    writeln!(err, "{}", escape(line))
}
