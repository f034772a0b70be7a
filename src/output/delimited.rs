//! Writes csv for spreadsheets and tsv for scripts.

use std::borrow::Cow;
use std::io::{self, Write};

use super::cell::Cell;
use super::column::Column;
use super::{Format, OutputOptions, Zone, escape};

/// The beginning of csv output: without it, spreadsheets read Chinese text in a legacy encoding.
const BOM: &str = "\u{feff}";

/// Writes rows of csv or tsv one by one.
pub(super) struct DelimitedWriter<'a, T: Clone> {
    is_csv: bool,
    pub columns: Cow<'a, [Column<T>]>,
    headers: bool,
    has_begun: bool,
}

impl<'a, T: Clone> DelimitedWriter<'a, T> {
    pub(super) fn new(columns: impl Into<Cow<'a, [Column<T>]>>, options: &OutputOptions) -> Self {
        Self {
            is_csv: options.format == Format::Csv,
            columns: columns.into(),
            headers: options.headers,
            has_begun: false,
        }
    }

    /// Writes the beginning of the output, once.
    pub(super) fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
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

    /// Writes rows.
    pub(super) fn rows(&mut self, out: &mut dyn Write, rows: &[T]) -> io::Result<()> {
        self.begin(out)?;
        for row in rows {
            let cells = self
                .columns
                .iter()
                .map(|column| column.cell(row, Zone::Utc));
            let cells: Vec<Cell<'_>> = cells.collect();
            write_row(out, self.is_csv, cells.iter().map(Cell::raw))?;
        }
        Ok(())
    }

    /// Writes a row of given cells, one per column.
    pub(super) fn cells(&mut self, out: &mut dyn Write, cells: &[Cell<'_>]) -> io::Result<()> {
        self.begin(out)?;
        write_row(out, self.is_csv, cells.iter().map(Cell::raw))
    }
}

/// Writes a row of csv or tsv.
fn write_row<'t, T: Into<Cow<'t, str>>>(
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

/// Escapes a text that a spreadsheet would read as a formula: adds an apostrophe
/// before it, which spreadsheets do not show.
pub(super) fn for_spreadsheets(text: &str) -> String {
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

/// Escapes a text for a cell on one line, reversibly: a backslash is doubled, and characters that are not allowed
/// are written as `\t`, `\n`, `\r` or `\u{…}`.
fn for_scripts(text: &str) -> String {
    escape(&text.replace('\\', "\\\\")).into_owned()
}
