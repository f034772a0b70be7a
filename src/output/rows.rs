use std::io::{self, Write};

use super::cell::Cell;
use super::delimited::DelimitedWriter;
use super::{Format, JobColumn, OutputOptions, RecordWriter, RenderContext, escape, scope_row};
use crate::model::{Job, ScopeSummary};
use crate::output::document::Envelope;

/// Writes the rows of a report one by one, in formats with independent rows: `jsonl`, `csv`, `tsv` and `name`.
pub struct RowWriter<'a> {
    context: RenderContext,
    format: RowFormat<'a>,
    written: u64,
}

enum RowFormat<'a> {
    Records(RecordWriter),
    Names,
    Cells(DelimitedWriter<'a, Job>),
}

impl<'a> RowWriter<'a> {
    /// Creates a writer for this format; `None` for formats that need all rows at once.
    pub fn new(options: &'a OutputOptions, context: RenderContext) -> Option<Self> {
        let sheet = match options.format {
            Format::Jsonl => RowFormat::Records(RecordWriter::default()),
            Format::Name => RowFormat::Names,
            Format::Csv | Format::Tsv => RowFormat::Cells(match &options.columns {
                Some(columns) => DelimitedWriter::new(JobColumn::for_document(columns), options),
                None => DelimitedWriter::new(JobColumn::for_programs(), options),
            }),
            Format::Table | Format::Wide | Format::Json | Format::Yaml | Format::Markdown => {
                return None;
            }
        };
        Some(Self {
            context,
            format: sheet,
            written: 0,
        })
    }

    /// Returns `true` if rows contain data that changes, such as states.
    pub fn shows_states(&self) -> bool {
        !matches!(self.format, RowFormat::Names)
    }

    /// Writes resources.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn jobs(&mut self, out: &mut dyn Write, jobs: &[Job]) -> io::Result<()> {
        self.written += jobs.len() as u64;
        match &mut self.format {
            RowFormat::Records(records) => jobs
                .iter()
                .try_for_each(|job| records.write(out, self.context.now, job)),
            RowFormat::Names => jobs
                .iter()
                .try_for_each(|job| writeln!(out, "{}", job.reference)),
            RowFormat::Cells(cells) => cells.rows(out, jobs),
        }
    }

    /// Writes scopes. In csv and tsv they use the columns of resources: the scope as
    /// the reference, the status as the cloud's state.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn scopes(&mut self, out: &mut dyn Write, scopes: &[ScopeSummary]) -> io::Result<()> {
        self.written += scopes.len() as u64;
        match &mut self.format {
            RowFormat::Records(records) => scopes
                .iter()
                .try_for_each(|scope| records.write(out, self.context.now, scope)),
            RowFormat::Names => scopes
                .iter()
                .try_for_each(|scope| writeln!(out, "{}", scope.scope)),
            RowFormat::Cells(cells) => scopes
                .iter()
                .try_for_each(|scope| write_scope(out, cells, scope)),
        }
    }

    /// Writes the end of the output: errors and the summary if the format has them, or why the list is incomplete.
    /// Does not write the rows of `envelope`.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn end(
        &mut self,
        out: &mut dyn Write,
        envelope: &Envelope,
        incomplete: Option<&str>,
    ) -> io::Result<()> {
        match &mut self.format {
            RowFormat::Records(records) => {
                records.end(out, self.context.now, envelope, self.written)?
            }
            RowFormat::Names => {
                if let Some(reason) = incomplete {
                    writeln!(out, "#!incomplete: {}", escape(reason))?;
                }
            }
            RowFormat::Cells(cells) => cells.begin(out)?,
        }
        out.flush()
    }
}

/// Writes a scope. Cells that it does not share with a job are empty.
fn write_scope(
    out: &mut dyn Write,
    writer: &mut DelimitedWriter<'_, Job>,
    scope: &ScopeSummary,
) -> io::Result<()> {
    let row = scope_row::scope_row(scope);
    let columns = writer.columns.iter();
    let cells = columns.map(|column| scope_row::cell(column, &row));
    let cells: Vec<Cell<'_>> = cells.collect();
    writer.cells(out, &cells)
}

#[cfg(test)]
mod tests;
