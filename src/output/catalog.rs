//! Catalogs of joblens itself, in every form that supports them.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::column::{CellReader, Column};
use super::delimited::DelimitedWriter;
use super::style::{styled, write_labelled};
use super::table::{TextTable, TrailingColumn};
use super::{Format, OutputOptions, RenderContext, json, markdown, yaml};
use crate::output::document::{
    ConfigPath, KindInfo, KindList, MappingSource, StateMap, StateMapping,
};

/// Columns before the texts of a paragraph.
const LABELS: usize = 14;

/// True for the formats that a catalog can be shown in: it has no resources, hence no records and
/// no references.
pub fn is_for_catalogs(format: Format) -> bool {
    !matches!(format, Format::Jsonl | Format::Name)
}

/// Writes the resource kinds; for people an overview of a line each, by cloud, or all of each.
///
/// # Errors
/// Those of the writer, and as invalid data what an expression could not do.
pub fn write_kinds(
    out: &mut dyn Write,
    kinds: &KindList,
    is_overview: bool,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if form.query.is_none() && form.format == Format::Table {
        return match is_overview {
            true => overview(out, &kinds.kinds, screen),
            false => blocks(out, &kinds.kinds, screen),
        };
    }
    write(out, kinds, rows(&kinds.kinds)?, form, screen)
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
    let rows = match form.format {
        Format::Csv | Format::Tsv => rows(&words.states)?,
        _ => words.states.iter().map(state_row).collect(),
    };
    write(out, words, rows, form, screen)
}

/// Writes the path of the config file; as a table it is a line that scripts read.
///
/// # Errors
/// Those of the writer, and as invalid data what an expression could not do.
pub fn write_config_path(
    out: &mut dyn Write,
    path: &ConfigPath,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    match form.format {
        Format::Table | Format::Wide if form.query.is_none() => writeln!(out, "{}", path.path),
        _ => write(out, path, vec![json!({"path": path.path})], form, screen),
    }
}

/// A word for people; csv and tsv have the fields of the document.
fn state_row(word: &StateMapping) -> Value {
    json!({
        "kind": format!("{}/{}", word.cloud, word.kind),
        "level": word.level,
        "word": word.word,
        "state": word.state,
        "ended": word.ended.then_some("ended"),
        "note": match word.source {
            MappingSource::BuiltIn => word.note.as_deref(),
            MappingSource::Settings => Some("from the config file"),
        },
    })
}

/// Rows that have the fields of the document.
fn rows(list: &[impl Serialize]) -> io::Result<Vec<Value>> {
    let rows = list.iter().map(serde_json::to_value);
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a document in the form that was requested, or its rows, whose fields are the columns.
pub(super) fn write(
    out: &mut dyn Write,
    document: &(impl Serialize + Sync),
    rows: Vec<Value>,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if let Some(query) = &form.query {
        return query.write(out, document);
    }
    let fields = rows.first().and_then(Value::as_object);
    let names = fields.into_iter().flat_map(serde_json::Map::keys);
    let field: CellReader<Value> = |row, context| row.get(context.column).cloned().into();
    let columns: Vec<_> = names.map(|name| Column::dynamic(name, field)).collect();
    match form.format {
        Format::Json => json::write_document(out, document),
        Format::Yaml => yaml::write_value(out, document),
        Format::Csv | Format::Tsv => {
            let mut out = BufWriter::new(out);
            DelimitedWriter::new(columns, form).rows(&mut out, &rows)?;
            out.flush()
        }
        Format::Markdown => markdown::write_table(out, &columns, &rows, form.headers, screen),
        Format::Table | Format::Wide | Format::Jsonl | Format::Name => {
            let limit = screen.width.filter(|_| form.format == Format::Table);
            let mut table = TextTable::new(&columns, &rows, form.headers, screen);
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

/// Writes a line for each kind, below its cloud.
fn overview(out: &mut dyn Write, kinds: &[KindInfo], screen: &RenderContext) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let width = kinds.iter().map(|kind| kind.template.len()).max();
    let width = width.unwrap_or_default();
    let mut cloud = "";
    for kind in kinds {
        if kind.cloud != cloud {
            if !cloud.is_empty() {
                writeln!(out)?;
            }
            cloud = kind.cloud;
            writeln!(out, "{}", styled("1", cloud, screen))?;
        }
        let label = format!("  {:<width$}  ", kind.template);
        write_labelled(&mut out, &label, width + 4, kind.summary, screen)?;
    }
    out.flush()
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
            ("what", Some(kind.summary)),
            ("short", Some(kind.short.as_str())),
            ("sample", Some(kind.sample)),
            ("api", Some(kind.operation)),
            ("permission", Some(kind.permission)),
            ("list", kind.list_operation.map(|_| kind.scope.as_str())),
            ("api", kind.list_operation),
            ("permission", kind.list_permission),
            ("logs", kind.logs_operation),
            ("permission", kind.logs_permission),
            ("list", kind.scopes_parent.as_deref()),
            ("api", kind.scopes_operation),
            ("permission", kind.scopes_permission),
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
