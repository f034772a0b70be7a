//! What joblens itself knows, in every form that has a place for it.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::text::{width, wrap};
use super::{Format, OutputOptions, RenderContext, escape, json, markdown, rows, yaml};
use crate::model::{KindInfo, KindList, Source, StateMap, StateMapping};

/// Blank columns between two columns.
const GAP: usize = 2;
/// What stands before a last cell that has no room beside the others.
const INDENT: &str = "    │ ";

/// Columns by their names, and the cells under them.
pub(super) struct TextTable {
    pub names: Vec<&'static str>,
    pub rows: Vec<Vec<Option<String>>>,
}

/// True for the forms that this knowledge can be shown in: it holds no things, of which there could
/// be records or references.
pub fn is_for_catalogs(format: Format) -> bool {
    !matches!(format, Format::Jsonl | Format::Name)
}

/// Writes the kinds of things.
///
/// # Errors
/// Those of the writer, and as invalid data what an expression could not do.
pub fn write_kinds(
    out: &mut dyn Write,
    kinds: &KindList,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if form.query.is_none() && form.format == Format::Table {
        return blocks(out, &kinds.kinds, screen);
    }
    let own = |text: &str| Some(text.to_owned());
    let sheet = TextTable {
        names: vec![
            "cloud",
            "kind",
            "template",
            "short",
            "sample",
            "operation",
            "permission",
            "scope",
            "list_operation",
            "list_permission",
            "places_scope",
            "places_operation",
            "places_permission",
        ],
        rows: kinds
            .kinds
            .iter()
            .map(|kind| {
                vec![
                    own(kind.cloud),
                    own(kind.kind),
                    own(&kind.template),
                    own(&kind.short),
                    own(kind.sample),
                    own(kind.operation),
                    own(kind.permission),
                    own(&kind.scope),
                    kind.list_operation.map(str::to_owned),
                    kind.list_permission.map(str::to_owned),
                    kind.places_scope.clone(),
                    kind.places_operation.map(str::to_owned),
                    kind.places_permission.map(str::to_owned),
                ]
            })
            .collect(),
    };
    write(out, kinds, &sheet, form, screen)
}

/// Writes what the clouds' words mean.
///
/// # Errors
/// Those of the writer, and as invalid data what an expression could not do.
pub fn write_states(
    out: &mut dyn Write,
    words: &StateMap,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    let cells = |word: &StateMapping| {
        let note = match word.source {
            Source::BuiltIn => word.note.clone(),
            Source::Settings => Some("by the settings file".to_owned()),
        };
        vec![
            Some(format!("{}/{}", word.cloud, word.kind)),
            Some(word.level.to_owned()),
            word.word.clone(),
            Some(word.state.as_str().to_owned()),
            word.ended.then(|| "ended".to_owned()),
            note,
        ]
    };
    let sheet = TextTable {
        names: vec!["kind", "level", "word", "state", "ended", "note"],
        rows: words.states.iter().map(cells).collect(),
    };
    let sheet = match form.format {
        Format::Csv | Format::Tsv => exact_states(words),
        _ => sheet,
    };
    write(out, words, &sheet, form, screen)
}

/// The same with the names and values of the document.
fn exact_states(words: &StateMap) -> TextTable {
    let cells = |word: &StateMapping| {
        vec![
            Some(word.cloud.to_owned()),
            Some(word.kind.to_owned()),
            Some(word.level.to_owned()),
            word.word.clone(),
            Some(word.state.as_str().to_owned()),
            Some(word.ended.to_string()),
            word.note.clone(),
            Some(word.source.as_str().to_owned()),
        ]
    };
    TextTable {
        names: vec![
            "cloud", "kind", "level", "word", "state", "ended", "note", "source",
        ],
        rows: words.states.iter().map(cells).collect(),
    }
}

/// Writes a document in the form that was asked for, or its columns.
pub(super) fn write(
    out: &mut dyn Write,
    document: &impl Serialize,
    sheet: &TextTable,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if let Some(query) = &form.query {
        return query.write(out, document);
    }
    match form.format {
        Format::Json => json::write_document(out, document),
        Format::Yaml => yaml::write_value(out, document),
        Format::Csv | Format::Tsv => cells(out, sheet, form),
        Format::Markdown => {
            let titles: Vec<String> = sheet
                .names
                .iter()
                .map(|name| markdown_title(name))
                .collect();
            let rows = sheet.rows.iter().map(|row| {
                let cells = row.iter().map(|cell| cell.as_deref().unwrap_or("-"));
                cells.map(markdown::cell).collect()
            });
            markdown::write_table(out, &titles, form.headers, rows)
        }
        Format::Table | Format::Wide | Format::Jsonl | Format::Name => {
            let limit = screen.width.filter(|_| form.format == Format::Table);
            table(out, sheet, form.headers, limit)
        }
    }
}

fn markdown_title(name: &str) -> String {
    markdown::cell(&name.to_uppercase())
}

fn cells(out: &mut dyn Write, sheet: &TextTable, form: &OutputOptions) -> io::Result<()> {
    let is_csv = form.format == Format::Csv;
    let mut out = BufWriter::new(out);
    if is_csv {
        out.write_all(rows::BOM.as_bytes())?;
    }
    if form.headers {
        rows::write_row(&mut out, is_csv, sheet.names.iter().copied())?;
    }
    for row in &sheet.rows {
        let cells = row.iter().map(|cell| cell.as_deref().unwrap_or_default());
        rows::write_row(&mut out, is_csv, cells)?;
    }
    out.flush()
}

/// Writes aligned columns; where they are wider than `limit`, the last one goes under its row.
fn table(
    out: &mut dyn Write,
    sheet: &TextTable,
    headers: bool,
    limit: Option<usize>,
) -> io::Result<()> {
    let titles = sheet.names.iter().map(|name| name.to_uppercase()).collect();
    let shown = |row: &Vec<Option<String>>| {
        let cells = row.iter().map(|cell| cell.as_deref().unwrap_or("-"));
        cells.map(|cell| escape(cell.trim()).into_owned()).collect()
    };
    let mut lines: Vec<Vec<String>> = vec![titles];
    lines.extend(sheet.rows.iter().map(shown));
    let columns = sheet.names.len();
    let widths: Vec<usize> = (0..columns)
        .map(|at| lines.iter().map(|line| width(&line[at])).max().unwrap_or(0))
        .collect();
    let total = widths.iter().sum::<usize>() + GAP * columns.saturating_sub(1);
    let under = limit.filter(|limit| total > *limit);
    let mut out = BufWriter::new(out);
    for (number, line) in lines.iter().enumerate().skip(usize::from(!headers)) {
        let (last, beside) = line.split_last().expect("a sheet has columns");
        let mut text = String::new();
        for (cell, width_of_column) in beside.iter().zip(&widths) {
            let blank = width_of_column - width(cell) + GAP;
            text.push_str(cell);
            text.push_str(&" ".repeat(blank));
        }
        let Some(limit) = under else {
            writeln!(out, "{}", (text + last).trim_end())?;
            continue;
        };
        writeln!(out, "{}", text.trim_end())?;
        if number > 0 && last != "-" {
            let room = limit.saturating_sub(width(INDENT));
            for part in wrap(last, room, usize::MAX) {
                writeln!(out, "{INDENT}{part}")?;
            }
        }
    }
    out.flush()
}

/// Writes a paragraph for each kind: its template, and what belongs to it.
fn blocks(out: &mut dyn Write, kinds: &[KindInfo], screen: &RenderContext) -> io::Result<()> {
    let (bold, plain) = match screen.colour {
        true => ("\u{1b}[1m", "\u{1b}[0m"),
        false => ("", ""),
    };
    let mut out = BufWriter::new(out);
    for (number, kind) in kinds.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{bold}{}{plain}", kind.template)?;
        let lines = [
            ("short", Some(kind.short.as_str())),
            ("sample", Some(kind.sample)),
            ("asks", Some(kind.operation)),
            ("needs", Some(kind.permission)),
            ("list", Some(kind.scope.as_str())),
            ("asks", kind.list_operation),
            ("needs", kind.list_permission),
            ("list", kind.places_scope.as_deref()),
            ("asks", kind.places_operation),
            ("needs", kind.places_permission),
        ];
        let lines = lines
            .into_iter()
            .filter_map(|(label, text)| Some((label, text?)));
        for (label, text) in lines {
            let room = screen
                .width
                .map_or(usize::MAX, |width| width.saturating_sub(10));
            for (line, part) in wrap(text, room, usize::MAX).into_iter().enumerate() {
                let label = if line == 0 { label } else { "" };
                writeln!(out, "  {label:<6}  {part}")?;
            }
        }
    }
    out.flush()
}
