use std::io::{self, Write};

use super::super::rows::write_row;
use super::super::text::width;
use super::super::{Format, OutputOptions, RenderContext, escape, markdown};
use super::EventColumn;
use crate::output::document::TimelineEvent;

/// Writes csv or tsv.
pub(super) fn cells(
    out: &mut dyn Write,
    all: &[TimelineEvent],
    columns: &[EventColumn],
    form: &OutputOptions,
) -> io::Result<()> {
    let is_csv = form.format == Format::Csv;
    if is_csv {
        // Without it spreadsheets read Chinese text in a code page of their own.
        out.write_all("\u{feff}".as_bytes())?;
    }
    if form.headers {
        write_row(out, is_csv, columns.iter().map(|column| column.name()))?;
    }
    for one in all {
        write_row(out, is_csv, columns.iter().map(|column| column.raw(one)))?;
    }
    Ok(())
}

/// Writes a table of Markdown.
pub(super) fn document(
    out: &mut dyn Write,
    all: &[TimelineEvent],
    columns: &[EventColumn],
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let titles: Vec<String> = columns
        .iter()
        .map(|column| markdown::cell(column.title()))
        .collect();
    let rows = all.iter().map(|one| {
        let cells = columns.iter().map(|column| column.display(one, screen));
        cells.map(|text| markdown::cell(&text)).collect()
    });
    markdown::write_table(out, &titles, form.headers, rows)
}

/// Writes the columns that were chosen side by side, each as wide as its widest cell.
pub(super) fn aligned(
    out: &mut dyn Write,
    all: &[TimelineEvent],
    columns: &[EventColumn],
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    let head = || columns.iter().map(|column| column.title().to_owned());
    let row = |one: &TimelineEvent| -> Vec<String> {
        let cells = columns.iter().map(|column| column.display(one, screen));
        cells.map(|text| escape(text.trim()).into_owned()).collect()
    };
    let head = form.headers.then(|| head().collect());
    let rows: Vec<Vec<String>> = head.into_iter().chain(all.iter().map(row)).collect();
    let widest = |number: usize| rows.iter().map(|cells| width(&cells[number])).max();
    let widths: Vec<usize> = (0..columns.len())
        .map(|number| widest(number).unwrap_or(0))
        .collect();
    for cells in &rows {
        let mut line = String::new();
        for (cell, wide) in cells.iter().zip(&widths) {
            line += cell;
            line += &" ".repeat(wide - width(cell) + 2);
        }
        // A line may begin with a cloud's text, or two cells may make a command of a CI log.
        writeln!(out, "{}", escape(line.trim_end()))?;
    }
    Ok(())
}
