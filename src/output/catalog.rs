//! What joblens itself knows, in every form that has a place for it.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::cell::Cell;
use super::column::Column;
use super::delimited::DelimitedWriter;
use super::style::{styled, write_labelled};
use super::table::{TextTable, TrailingColumn};
use super::{Format, OutputOptions, RenderContext, json, markdown, yaml};
use crate::output::document::{KindInfo, KindList, Source, StateMap, StateMapping};

/// Columns before the texts of a paragraph.
const LABELS: usize = 14;

static KIND_COLUMNS: [Column<KindInfo>; 13] = [
    Column::new("cloud", |kind, _| kind.cloud.into()),
    Column::new("kind", |kind, _| kind.kind.into()),
    Column::new("template", |kind, _| Cell::from(&kind.template)),
    Column::new("short", |kind, _| Cell::from(&kind.short)),
    Column::new("sample", |kind, _| kind.sample.into()),
    Column::new("operation", |kind, _| kind.operation.into()),
    Column::new("permission", |kind, _| kind.permission.into()),
    Column::new("scope", |kind, _| Cell::from(&kind.scope)),
    Column::new("list_operation", |kind, _| kind.list_operation.into()),
    Column::new("list_permission", |kind, _| kind.list_permission.into()),
    Column::new("places_scope", |kind, _| {
        kind.places_scope.as_deref().into()
    }),
    Column::new("places_operation", |kind, _| kind.places_operation.into()),
    Column::new("places_permission", |kind, _| kind.places_permission.into()),
];

static STATE_COLUMNS: [Column<StateMapping>; 6] = [
    Column::new("kind", |word, _| {
        format!("{}/{}", word.cloud, word.kind).into()
    }),
    Column::new("level", |word, _| word.level.into()),
    Column::new("word", |word, _| word.word.as_deref().into()),
    Column::new("state", |word, _| word.state.as_str().into()),
    Column::new("ended", |word, _| word.ended.then_some("ended").into()),
    Column::new("note", |word, _| match word.source {
        Source::BuiltIn => word.note.as_deref().into(),
        Source::Settings => "from the config file".into(),
    }),
];

/// The same with the names and values of the document.
static EXACT_STATE_COLUMNS: [Column<StateMapping>; 8] = [
    Column::new("cloud", |word, _| word.cloud.into()),
    Column::new("kind", |word, _| word.kind.into()),
    Column::new("level", |word, _| word.level.into()),
    Column::new("word", |word, _| word.word.as_deref().into()),
    Column::new("state", |word, _| word.state.as_str().into()),
    Column::new("ended", |word, _| word.ended.into()),
    Column::new("note", |word, _| word.note.as_deref().into()),
    Column::new("source", |word, _| word.source.as_str().into()),
];

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
    write(out, kinds, &KIND_COLUMNS, &kinds.kinds, form, screen)
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
    let columns = match form.format {
        Format::Csv | Format::Tsv => &EXACT_STATE_COLUMNS[..],
        _ => &STATE_COLUMNS,
    };
    write(out, words, columns, &words.states, form, screen)
}

/// Writes a document in the form that was asked for, or its rows in columns.
pub(super) fn write<T: Clone>(
    out: &mut dyn Write,
    document: &impl Serialize,
    columns: &[Column<T>],
    rows: &[T],
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if let Some(query) = &form.query {
        return query.write(out, document);
    }
    match form.format {
        Format::Json => json::write_document(out, document),
        Format::Yaml => yaml::write_value(out, document),
        Format::Csv | Format::Tsv => {
            let mut out = BufWriter::new(out);
            DelimitedWriter::new(columns, form).rows(&mut out, rows)?;
            out.flush()
        }
        Format::Markdown => markdown::write_table(out, columns, rows, form.headers, screen),
        Format::Table | Format::Wide | Format::Jsonl | Format::Name => {
            let limit = screen.width.filter(|_| form.format == Format::Table);
            let mut table = TextTable::new(columns, rows, form.headers, screen);
            table.trailing = table.columns.pop().map(|column| TrailingColumn {
                below: column.cells.iter().map(|cell| without_dash(cell)).collect(),
                max_lines: usize::MAX,
                column,
            });
            table.write(out, limit)
        }
    }
}

/// A cell of which nothing is known is not repeated below its row.
fn without_dash(cell: &str) -> String {
    match cell {
        "-" => String::new(),
        cell => cell.to_owned(),
    }
}

/// Writes a paragraph for each kind: its template, and what belongs to it.
fn blocks(out: &mut dyn Write, kinds: &[KindInfo], screen: &RenderContext) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for (number, kind) in kinds.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", styled("1", &kind.template, screen))?;
        let lines = [
            ("short", Some(kind.short.as_str())),
            ("sample", Some(kind.sample)),
            ("api", Some(kind.operation)),
            ("permission", Some(kind.permission)),
            ("list", Some(kind.scope.as_str())),
            ("api", kind.list_operation),
            ("permission", kind.list_permission),
            ("list", kind.places_scope.as_deref()),
            ("api", kind.places_operation),
            ("permission", kind.places_permission),
        ];
        let lines = lines
            .into_iter()
            .filter_map(|(label, text)| Some((label, text?)));
        for (label, text) in lines {
            let label = format!("  {label:<10}  ");
            write_labelled(&mut out, &label, LABELS, text, screen)?;
        }
    }
    out.flush()
}
