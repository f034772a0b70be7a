//! Text tables: aligned columns that fit the terminal.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

use super::column::Column;
use super::text::{truncate_width, width, wrap};
use super::{RenderContext, escape};

/// Blank columns between two columns.
const GAP: usize = 2;
/// Columns that a name keeps on the narrowest terminal.
const MIN_NAME_WIDTH: usize = 6;
/// Precedes a text below its row; a line must not begin with a cloud's text.
const BELOW_INDENT: &str = "    │ ";

/// A column with the texts of its rows.
pub(super) struct TextColumn {
    /// By which it is known on a narrow terminal.
    pub name: Cow<'static, str>,
    pub header: String,
    pub cells: Vec<String>,
    /// The colour of each cell in the palette of 256; empty without colours.
    pub colours: Vec<Option<u8>>,
}

impl TextColumn {
    /// The texts of some rows, escaped.
    pub(super) fn new<'r, T: 'r>(
        column: &Column<T>,
        rows: impl IntoIterator<Item = &'r T>,
        context: &RenderContext,
    ) -> Self {
        let text = |row| escape(column.display(row, context).trim()).into_owned();
        Self {
            name: column.name.clone(),
            header: escape(&column.header()).into_owned(),
            cells: rows.into_iter().map(text).collect(),
            colours: Vec::new(),
        }
    }

    /// Columns of its widest cell.
    fn cell_width(&self) -> usize {
        self.cells.iter().map(|cell| width(cell)).max().unwrap_or(0)
    }

    fn width(&self) -> usize {
        self.cell_width().max(width(&self.header))
    }

    /// Adds the header, or the cell of a row, and blanks up to so many columns to a line.
    fn add_to(&self, line: &mut String, row: Option<usize>, columns: usize) {
        let text = row.map_or(&self.header, |row| &self.cells[row]);
        let blank = " ".repeat((columns + GAP).saturating_sub(width(text)));
        let colour = row.and_then(|row| self.colours.get(row).copied().flatten());
        line.push_str(&match colour {
            Some(colour) => format!("\u{1b}[38;5;{colour}m{text}{blank}\u{1b}[39m"),
            None => format!("{text}{blank}"),
        });
    }
}

/// The last column, whose texts go below their rows where the terminal is too narrow for it.
pub(super) struct TrailingColumn {
    pub column: TextColumn,
    /// The text below each row, which may be empty.
    pub below: Vec<String>,
    /// Lines that such a text may take.
    pub max_lines: usize,
}

/// Columns side by side.
pub(super) struct TextTable {
    pub columns: Vec<TextColumn>,
    pub trailing: Option<TrailingColumn>,
    pub headers: bool,
    /// Columns are left out or cut where the terminal is too narrow.
    pub shrinks: bool,
}

impl TextTable {
    /// A table of some rows that is never narrowed.
    pub(super) fn new<T>(
        columns: &[Column<T>],
        rows: &[T],
        headers: bool,
        context: &RenderContext,
    ) -> Self {
        let columns = columns.iter();
        Self {
            columns: columns
                .map(|column| TextColumn::new(column, rows, context))
                .collect(),
            trailing: None,
            headers,
            shrinks: false,
        }
    }

    /// Writes the rows; `limit` is the width of a terminal.
    ///
    /// # Errors
    /// Those of the writer.
    pub(super) fn write(self, out: &mut dyn Write, limit: Option<usize>) -> io::Result<()> {
        let rows = self.columns.first().map_or(0, |column| column.cells.len());
        self.write_range(out, limit, 0..rows)
    }

    /// As [`TextTable::write`], for some of the rows; the others count for the widths.
    pub(super) fn write_range(
        mut self,
        out: &mut dyn Write,
        limit: Option<usize>,
        rows: Range<usize>,
    ) -> io::Result<()> {
        let below = self.arrange(limit);
        let widths: Vec<usize> = self
            .columns
            .iter()
            .map(|column| match self.headers {
                true => column.width(),
                false => column.cell_width(),
            })
            .collect();
        let line = |row| {
            let mut line = String::new();
            for (column, columns) in self.columns.iter().zip(&widths) {
                column.add_to(&mut line, row, *columns);
            }
            line
        };
        let mut out = BufWriter::new(out);
        if self.headers {
            writeln!(out, "{}", line(None).trim_end())?;
        }
        for row in rows {
            writeln!(out, "{}", line(Some(row)).trim_end())?;
            if let Some((texts, max_lines, columns)) = &below {
                for part in wrap(&texts[row], *columns, *max_lines) {
                    writeln!(out, "{BELOW_INDENT}{part}")?;
                }
            }
        }
        out.flush()
    }

    /// Makes the table fit; returns the texts below the rows, the lines and the columns of each.
    fn arrange(&mut self, limit: Option<usize>) -> Option<(Vec<String>, usize, usize)> {
        let mut below = None;
        if let Some(trailing) = self.trailing.take() {
            self.columns.push(trailing.column);
            if let Some(limit) = limit.filter(|limit| total(&self.columns) > *limit) {
                self.columns.pop();
                let columns = limit.saturating_sub(width(BELOW_INDENT));
                below = Some((trailing.below, trailing.max_lines, columns));
            }
        }
        if let Some(limit) = limit.filter(|_| self.shrinks) {
            shrink(&mut self.columns, limit);
        }
        below
    }
}

fn total(columns: &[TextColumn]) -> usize {
    columns.iter().map(TextColumn::width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// REGION goes first, then AGE and RAN, then NAME shrinks, and goes where not even a short one has
/// room; REF and STATE are never cut.
fn shrink(columns: &mut Vec<TextColumn>, limit: usize) {
    for name in ["region", "age", "ran"] {
        if total(columns) > limit {
            columns.retain(|column| column.name != name);
        }
    }
    let excess = total(columns).saturating_sub(limit);
    if let Some(name) = columns.iter_mut().find(|column| column.name == "name") {
        let room = name.width().saturating_sub(excess).max(MIN_NAME_WIDTH);
        for cell in &mut name.cells {
            *cell = truncate_width(cell, room).into_owned();
        }
    }
    if total(columns) > limit {
        columns.retain(|column| column.name != "name");
    }
}
