use std::io::{self, Write};

use super::cell::Cell;
use super::delimited::DelimitedWriter;
use super::{Format, JobColumn, OutputOptions, RecordWriter, RenderContext, Zone, escape};
use crate::model::{Job, ScopeSummary};
use crate::output::document::Envelope;

/// Writes the rows of an answer as they come, in the formats whose rows are independent: `jsonl`,
/// `csv`, `tsv` and `name`.
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
    /// Rows in this form; `None` for a form that needs all rows at once.
    pub fn new(form: &'a OutputOptions, screen: RenderContext) -> Option<Self> {
        let sheet = match form.format {
            Format::Jsonl => RowFormat::Records(RecordWriter::default()),
            Format::Name => RowFormat::Names,
            Format::Csv | Format::Tsv => RowFormat::Cells(match &form.columns {
                Some(columns) => DelimitedWriter::new(JobColumn::for_document(columns), form),
                None => DelimitedWriter::new(JobColumn::for_programs(), form),
            }),
            Format::Table | Format::Wide | Format::Json | Format::Yaml | Format::Markdown => {
                return None;
            }
        };
        Some(Self {
            context: screen,
            format: sheet,
            written: 0,
        })
    }

    /// False where a row has nothing that changes.
    pub fn shows_states(&self) -> bool {
        !matches!(self.format, RowFormat::Names)
    }

    /// Writes resources.
    ///
    /// # Errors
    /// Those of the writer.
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

    /// Writes scopes. In csv and tsv they use the columns of resources: the scope as the reference,
    /// the status as the cloud's state.
    ///
    /// # Errors
    /// Those of the writer.
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

    /// Writes what comes after the rows: what failed and the summary, where the form has them, or
    /// why the list is not all there is. The rows of `report` itself are not written.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(
        &mut self,
        out: &mut dyn Write,
        report: &Envelope,
        incomplete: Option<&str>,
    ) -> io::Result<()> {
        match &mut self.format {
            RowFormat::Records(records) => {
                records.end(out, self.context.now, report, self.written)?
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

/// A scope has no state, so that its cells are empty but for what it shares with a job.
fn write_scope(
    out: &mut dyn Write,
    writer: &mut DelimitedWriter<'_, Job>,
    scope: &ScopeSummary,
) -> io::Result<()> {
    const SHARED: [&str; 6] = ["ref", "input", "name", "state_raw", "created_at", "region"];
    let row = Job {
        reference: scope.scope.clone(),
        input: scope.scope.as_str().into(),
        name: scope.name.clone(),
        state_raw: scope.status.clone(),
        created_at: scope.created_at,
        region: scope.region.clone(),
        details: scope.details.clone(),
        ..Job::default()
    };
    let cells = writer.columns.iter().map(|column| {
        let name = column.name.as_ref();
        match SHARED.contains(&name) || name.starts_with("details.") {
            true => column.cell(&row, Zone::Utc),
            false => Cell::Absent,
        }
    });
    let cells: Vec<Cell<'_>> = cells.collect();
    writer.cells(out, &cells)
}

#[cfg(test)]
mod tests;
