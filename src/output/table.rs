//! Text tables: aligned columns that fit the terminal.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::ops::Range;

use super::column::Column;
use super::text::{truncate_width, width};
use super::wrap::wrap_at_most;
use super::{RenderContext, escape};
use crate::sort::SortExt as _;

/// The number of spaces between two columns.
const GAP: usize = 2;
/// The minimum width of a name before other columns are omitted.
const MIN_NAME_WIDTH: usize = 20;
/// The minimum width of a name on the narrowest terminal.
const MIN_SHRUNK_NAME_WIDTH: usize = 6;
/// In a pipe, a wider text does not widen the column; it only shifts the rest of its row.
const MAX_PADDED_WIDTH: usize = 200;
/// The prefix of a reference's last segment below its scope.
const GROUP_INDENT: &str = "  ";
/// The prefix of a text below its row; a line must not begin with a cloud's text.
const BELOW_INDENT: &str = "    │ ";

/// A column with the texts of its rows.
pub(super) struct TextColumn {
    /// The name of the column, by which a narrow terminal omits it.
    pub name: Cow<'static, str>,
    pub header: String,
    pub cells: Vec<String>,
    /// The style of each cell; empty without colors.
    pub styles: Vec<Option<&'static str>>,
}

impl TextColumn {
    /// Creates a column with the escaped texts of some rows.
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
            styles: Vec::new(),
        }
    }

    /// Returns the width of the widest cell.
    fn cell_width(&self) -> usize {
        self.cells.iter().map(|cell| width(cell)).max().unwrap_or(0)
    }

    fn width(&self) -> usize {
        self.cell_width().max(width(&self.header))
    }

    /// Returns the width of the widest text that is not wider than `max`.
    fn padded_width(&self, headers: bool, max: usize) -> usize {
        let header = headers.then_some(&self.header);
        let texts = self.cells.iter().chain(header).map(|text| width(text));
        texts.filter(|width| *width <= max).max().unwrap_or(0)
    }

    /// Appends the header, or the cell of a row, padded to this many columns, to a line.
    fn add_to(&self, line: &mut String, row: Option<usize>, columns: usize) {
        let text = row.map_or(&self.header, |row| &self.cells[row]);
        let blank = " ".repeat(columns.saturating_sub(width(text)) + GAP);
        let style = row.and_then(|row| self.styles.get(row).copied().flatten());
        match style {
            Some(style) => line.push_str(&format!("\u{1b}[{style}m{text}\u{1b}[39m{blank}")),
            None => line.extend([text, blank.as_str()]),
        }
    }
}

/// The last column, whose texts are written below their rows if the terminal is too narrow for it.
pub(super) struct TrailingColumn {
    pub column: TextColumn,
    /// The text below each row, which can be empty.
    pub below: Vec<String>,
    /// Maximum number of lines for this text.
    pub max_lines: usize,
}

/// A table of columns.
pub(super) struct TextTable {
    pub columns: Vec<TextColumn>,
    pub trailing: Option<TrailingColumn>,
    pub headers: bool,
    /// Columns are omitted or truncated if the terminal is too narrow.
    pub shrinks: bool,
    /// If the terminal is too narrow for references, rows are grouped below their scope.
    pub groups: bool,
    /// Maximum number of columns that are moved to a line above their rows if the terminal is too narrow.
    pub heading_columns: usize,
}

impl TextTable {
    /// Creates a table of some rows that is never narrowed.
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
            groups: false,
            heading_columns: 0,
        }
    }

    /// Writes the rows; `limit` is the width of a terminal.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub(super) fn write(self, out: &mut dyn Write, limit: Option<usize>) -> io::Result<()> {
        let rows = self.columns.first().map_or(0, |column| column.cells.len());
        self.write_range(out, limit, 0..rows)
    }

    /// Writes some of the rows like [`TextTable::write`]; the others only count for the widths. The header is
    /// written only above the first row.
    pub(super) fn write_range(
        mut self,
        out: &mut dyn Write,
        limit: Option<usize>,
        rows: Range<usize>,
    ) -> io::Result<()> {
        let below = self.arrange(limit);
        let scopes = match self.heading_columns {
            0 => self.fit_width(limit),
            _ => self.move_to_headings(limit),
        };
        let max = if limit.is_none() {
            MAX_PADDED_WIDTH
        } else {
            usize::MAX
        };
        let widths: Vec<usize> = self
            .columns
            .iter()
            .map(|column| column.padded_width(self.headers, max))
            .collect();
        let line = |row| {
            let mut line = String::new();
            for (column, columns) in self.columns.iter().zip(&widths) {
                column.add_to(&mut line, row, *columns);
            }
            line
        };
        let mut out = BufWriter::new(out);
        if self.headers && rows.start == 0 {
            writeln!(out, "{}", line(None).trim_end())?;
        }
        let mut rows: Vec<usize> = rows.collect();
        let first_rows = first_row_of_each_scope(&scopes);
        rows.order_by_key(|row| scopes.get(*row).map(|scope| first_rows[scope.as_str()]));
        let mut above = None;
        for row in rows {
            let scope = scopes.get(row);
            if let Some(scope) = scope.filter(|_| scope != above) {
                writeln!(out, "{scope}")?;
            }
            above = scope;
            writeln!(out, "{}", line(Some(row)).trim_end())?;
            if let Some((texts, max_lines, columns)) = &below {
                for part in wrap_at_most(&texts[row], *columns, *max_lines) {
                    writeln!(out, "{BELOW_INDENT}{part}")?;
                }
            }
        }
        out.flush()
    }

    /// Moves the last column below the rows if it does not fit. Returns its texts, and
    /// the maximum lines and columns of each.
    fn arrange(&mut self, limit: Option<usize>) -> Option<(Vec<String>, usize, usize)> {
        let trailing = self.trailing.take()?;
        self.columns.push(trailing.column);
        let limit = limit.filter(|limit| self.excess_width(*limit) > 0)?;
        self.columns.pop();
        let columns = limit.saturating_sub(width(BELOW_INDENT));
        Some((trailing.below, trailing.max_lines, columns))
    }

    /// Makes the table fit. If rows are grouped below their scopes, returns the scope of each row.
    ///
    /// First omits REGION, then truncates NAME, then omits AGE and RAN, and NAME if not even a short one fits. REF
    /// and STATE are never truncated.
    fn fit_width(&mut self, limit: Option<usize>) -> Vec<String> {
        let mut scopes = Vec::new();
        let Some(limit) = limit.filter(|_| self.shrinks) else {
            return scopes;
        };
        self.drop_column("region", limit);
        self.shrink_name(limit, MIN_NAME_WIDTH);
        if self.groups && self.excess_width(limit) > 0 {
            scopes = self.group().unwrap_or_default();
        }
        for name in ["age", "ran"] {
            self.drop_column(name, limit);
        }
        self.shrink_name(limit, MIN_SHRUNK_NAME_WIDTH);
        self.drop_column("name", limit);
        scopes
    }

    /// Moves the first columns to the lines above their rows until the table fits. Returns the line above each row.
    fn move_to_headings(&mut self, limit: Option<usize>) -> Vec<String> {
        let mut headings: Vec<String> = Vec::new();
        let limit = limit.unwrap_or(usize::MAX);
        for _ in 0..self.heading_columns {
            let indent = match headings.is_empty() {
                true => 0,
                false => width(GROUP_INDENT),
            };
            if self.excess_width(limit.saturating_sub(indent)) == 0 {
                break;
            }
            let cells = self.columns.remove(0).cells;
            headings = match headings.is_empty() {
                true => cells,
                false => {
                    let pairs = headings.iter().zip(&cells);
                    pairs
                        .map(|(above, cell)| format!("{above} {cell}"))
                        .collect()
                }
            };
        }
        if let Some(first) = self.columns.first_mut().filter(|_| !headings.is_empty()) {
            let texts = first.cells.iter_mut().chain([&mut first.header]);
            texts.for_each(|text| text.insert_str(0, GROUP_INDENT));
        }
        headings
    }

    /// Returns by how many columns the table exceeds the limit.
    fn excess_width(&self, limit: usize) -> usize {
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let total = self.columns.iter().map(TextColumn::width).sum::<usize>() + gaps;
        total.saturating_sub(limit)
    }

    fn drop_column(&mut self, name: &str, limit: usize) {
        if self.excess_width(limit) > 0 {
            self.columns.retain(|column| column.name != name);
        }
    }

    fn shrink_name(&mut self, limit: usize, least: usize) {
        let excess = self.excess_width(limit);
        if let Some(name) = self.columns.iter_mut().find(|column| column.name == "name") {
            let max_width = name.width().saturating_sub(excess).max(least);
            for cell in &mut name.cells {
                *cell = truncate_width(cell, max_width).into_owned();
            }
        }
    }

    /// Reduces each reference to its last segment and returns the scopes, if any rows share one.
    fn group(&mut self) -> Option<Vec<String>> {
        let column = self
            .columns
            .iter_mut()
            .find(|column| column.name == "ref")?;
        let split = |cell: &String| {
            let (scope, segment) = cell.split_at(cell.rfind('/').map_or(0, |slash| slash + 1));
            (scope.to_owned(), format!("{GROUP_INDENT}{segment}"))
        };
        let (scopes, segments): (Vec<String>, Vec<String>) = column.cells.iter().map(split).unzip();
        let is_shared = first_row_of_each_scope(&scopes).len() < scopes.len();
        is_shared.then(|| {
            column.cells = segments;
            scopes
        })
    }
}

/// Returns the number of the first row of each scope.
fn first_row_of_each_scope(scopes: &[String]) -> HashMap<&str, usize> {
    let rows = scopes.iter().enumerate().rev();
    rows.map(|(row, scope)| (scope.as_str(), row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_pipe_a_long_cell_only_shifts_the_rest_of_its_own_row() {
        let column = |name: &'static str, cells: &[&str]| TextColumn {
            name: name.into(),
            header: name.to_uppercase(),
            cells: cells.iter().map(ToString::to_string).collect(),
            styles: Vec::new(),
        };
        let long = "x".repeat(100_000);
        let table = TextTable {
            columns: vec![
                column("name", &["a", &long, "训练"]),
                column("state", &["running"; 3]),
            ],
            trailing: None,
            headers: true,
            shrinks: false,
            groups: false,
            heading_columns: 0,
        };
        let mut out = Vec::new();
        table.write(&mut out, None).unwrap();
        let shown = String::from_utf8(out).unwrap();
        let expected = format!("NAME  STATE\na     running\n{long}  running\n训练  running\n");
        assert_eq!(shown, expected);
    }
}
