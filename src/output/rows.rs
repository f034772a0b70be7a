use std::borrow::Cow;
use std::io::{self, Write};

use super::cell::Cell;
use super::{Column, Format, OutputOptions, RecordWriter, RenderContext, escape};
use crate::model::{Job, ScopeSummary};
use crate::output::document::Envelope;

/// What a csv begins with: without it spreadsheets read Chinese text in a code page of their own.
pub(super) const BOM: &str = "\u{feff}";

/// Writes the rows of an answer as they come, in the forms whose rows stand by themselves: `jsonl`,
/// `csv`, `tsv` and `name`.
pub struct RowWriter<'a> {
    context: RenderContext,
    format: RowFormat<'a>,
    written: u64,
}

enum RowFormat<'a> {
    Records(RecordWriter),
    Names,
    Cells(DelimitedWriter<'a>),
}

impl<'a> RowWriter<'a> {
    /// Rows in this form; `None` for a form that needs all rows at once.
    pub fn new(form: &'a OutputOptions, screen: RenderContext) -> Option<Self> {
        let sheet = match form.format {
            Format::Jsonl => RowFormat::Records(RecordWriter::default()),
            Format::Name => RowFormat::Names,
            Format::Csv | Format::Tsv => RowFormat::Cells(DelimitedWriter {
                is_csv: form.format == Format::Csv,
                columns: match &form.columns {
                    Some(columns) => Cow::Borrowed(columns),
                    None => Cow::Owned(Column::for_programs()),
                },
                headers: form.headers,
                has_begun: false,
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

    /// Writes things.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn jobs(&mut self, out: &mut dyn Write, jobs: &[Job]) -> io::Result<()> {
        self.written += jobs.len() as u64;
        match &mut self.format {
            RowFormat::Records(records) => jobs
                .iter()
                .try_for_each(|job| records.job(out, self.context.now, job)),
            RowFormat::Names => jobs
                .iter()
                .try_for_each(|job| writeln!(out, "{}", job.reference)),
            RowFormat::Cells(cells) => cells.jobs(out, jobs),
        }
    }

    /// Writes places. In csv and tsv they stand in the columns of things: the scope as the
    /// reference, the status as the cloud's word.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn scopes(&mut self, out: &mut dyn Write, scopes: &[ScopeSummary]) -> io::Result<()> {
        self.written += scopes.len() as u64;
        match &mut self.format {
            RowFormat::Records(records) => scopes
                .iter()
                .try_for_each(|scope| records.scope(out, self.context.now, scope)),
            RowFormat::Names => scopes
                .iter()
                .try_for_each(|scope| writeln!(out, "{}", scope.scope)),
            RowFormat::Cells(cells) => cells.scopes(out, scopes),
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

/// The rows of csv and tsv.
struct DelimitedWriter<'a> {
    is_csv: bool,
    columns: Cow<'a, [Column]>,
    headers: bool,
    has_begun: bool,
}

impl DelimitedWriter<'_> {
    /// Writes what stands before the first row, once.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(());
        }
        if self.is_csv {
            out.write_all(BOM.as_bytes())?;
        }
        if !self.headers {
            return Ok(());
        }
        let names = self.columns.iter().map(|column| column.name.as_ref());
        write_row(out, self.is_csv, names)
    }

    fn jobs(&mut self, out: &mut dyn Write, jobs: &[Job]) -> io::Result<()> {
        self.begin(out)?;
        for job in jobs {
            let cells: Vec<Cell<'_>> = self.columns.iter().map(|column| column.cell(job)).collect();
            write_row(out, self.is_csv, cells.iter().map(Cell::raw))?;
        }
        Ok(())
    }

    /// A place has no state, so that its cells are empty but for what it shares with a thing.
    fn scopes(&mut self, out: &mut dyn Write, scopes: &[ScopeSummary]) -> io::Result<()> {
        const SHARED: [&str; 6] = ["ref", "input", "name", "state_raw", "created_at", "region"];
        self.begin(out)?;
        for scope in scopes {
            let place = Job {
                reference: scope.scope.clone(),
                input: scope.scope.clone(),
                name: scope.name.clone(),
                state_raw: scope.status.clone(),
                created_at: scope.created_at,
                region: scope.region.clone(),
                details: scope.details.clone(),
                ..Job::default()
            };
            let cells = self.columns.iter().map(|column| {
                let name = column.name.as_ref();
                match SHARED.contains(&name) || name.starts_with("details.") {
                    true => column.cell(&place),
                    false => Cell::Absent,
                }
            });
            let cells: Vec<Cell<'_>> = cells.collect();
            write_row(out, self.is_csv, cells.iter().map(Cell::raw))?;
        }
        Ok(())
    }
}

/// Writes a row of csv or tsv.
pub(super) fn write_row<'t, T: Into<Cow<'t, str>>>(
    out: &mut dyn Write,
    is_csv: bool,
    cells: impl Iterator<Item = T>,
) -> io::Result<()> {
    if is_csv {
        let mut row = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        let texts: Vec<String> = cells.map(|cell| for_spreadsheets(&cell.into())).collect();
        row.write_record(&texts)?;
        return row.flush();
    }
    let texts: Vec<String> = cells.map(|cell| for_scripts(&cell.into())).collect();
    writeln!(out, "{}", texts.join("\t"))
}

/// A text that no spreadsheet takes for a formula: one that would be is led by an apostrophe, which
/// spreadsheets do not show.
fn for_spreadsheets(text: &str) -> String {
    let shown = escape(text);
    let is_number = shown.parse::<f64>().is_ok();
    match shown.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
            if !is_number =>
        {
            format!("'{shown}")
        }
        _ => shown.into_owned(),
    }
}

/// A text in one cell of one line that can be read back: a backslash is doubled, and what cannot
/// stand there is written as `\t`, `\n`, `\r` or `\u{…}`.
fn for_scripts(text: &str) -> String {
    escape(&text.replace('\\', "\\\\")).into_owned()
}

#[cfg(test)]
mod tests;
