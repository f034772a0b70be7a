//! Writes catalogs of joblens itself, in every format that supports them.

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

/// Width of the labels of a paragraph.
const LABELS: usize = 14;

/// Maximum number of columns, such as the kind and the level of a state, that are written above their rows on a narrow
/// terminal.
const HEADING_COLUMNS: usize = 2;

/// Returns `true` if a catalog can be written in a format. It has no resources, so it has no records and references.
pub fn is_for_catalogs(format: Format) -> bool {
    !matches!(format, Format::Jsonl | Format::Name)
}

/// Writes the resource kinds. For people, this is an overview with one line per kind
/// by cloud, or all data of each kind.
///
/// # Errors
/// Returns errors of the writer, and errors of an expression as invalid data.
pub fn write_kinds(
    out: &mut dyn Write,
    kinds: &KindList,
    is_overview: bool,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    if options.query.is_none() && options.format == Format::Table {
        return match is_overview {
            true => overview(out, &kinds.kinds, context),
            false => blocks(out, &kinds.kinds, context),
        };
    }
    write(out, kinds, rows(&kinds.kinds)?, options, context)
}

/// Writes the mappings of the clouds' words to states.
///
/// # Errors
/// Returns errors of the writer, and errors of an expression as invalid data.
pub fn write_states(
    out: &mut dyn Write,
    words: &StateMap,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    let rows = match options.format {
        Format::Csv | Format::Tsv => rows(&words.states)?,
        _ => words.states.iter().map(state_row).collect(),
    };
    write(out, words, rows, options, context)
}

/// Writes the path of the config file; as a table it is a single line, which scripts can read.
///
/// # Errors
/// Returns errors of the writer, and errors of an expression as invalid data.
pub fn write_config_path(
    out: &mut dyn Write,
    path: &ConfigPath,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    match options.format {
        Format::Table | Format::Wide if options.query.is_none() => writeln!(out, "{}", path.path),
        _ => write(
            out,
            path,
            vec![json!({"path": path.path})],
            options,
            context,
        ),
    }
}

/// Returns the row of a mapping for people; csv and tsv have the fields of the document.
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

/// Returns rows with the fields of the document.
fn rows(list: &[impl Serialize]) -> io::Result<Vec<Value>> {
    let rows = list.iter().map(serde_json::to_value);
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Writes a document in the requested format, or its rows with their fields as columns.
pub(super) fn write(
    out: &mut dyn Write,
    document: &(impl Serialize + Sync),
    rows: Vec<Value>,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    if let Some(query) = &options.query {
        return query.write(out, document);
    }
    let fields = rows.first().and_then(Value::as_object);
    let names = fields.into_iter().flat_map(serde_json::Map::keys);
    let field: CellReader<Value> = |row, context| row.get(context.column).cloned().into();
    let columns: Vec<_> = names.map(|name| Column::dynamic(name, field)).collect();
    match options.format {
        Format::Json => json::write_document(out, document),
        Format::Yaml => yaml::write_value(out, document),
        Format::Csv | Format::Tsv => {
            let mut out = BufWriter::new(out);
            DelimitedWriter::new(columns, options).rows(&mut out, &rows)?;
            out.flush()
        }
        Format::Markdown => markdown::write_table(out, &columns, &rows, options.headers, context),
        Format::Table | Format::Wide | Format::Jsonl | Format::Name => {
            let limit = context.width.filter(|_| options.format == Format::Table);
            let mut table = TextTable::new(&columns, &rows, options.headers, context);
            table.trailing = table.columns.pop().map(|column| TrailingColumn {
                below: column.cells.iter().map(|cell| without_dash(cell)).collect(),
                max_lines: usize::MAX,
                column,
            });
            table.heading_columns = HEADING_COLUMNS;
            table.write(out, limit)
        }
    }
}

/// Removes the dash of an empty cell, so that it is not repeated below its row.
fn without_dash(cell: &str) -> String {
    match cell {
        "-" => String::new(),
        cell => cell.to_owned(),
    }
}

/// Writes one line per kind, below its cloud.
fn overview(out: &mut dyn Write, kinds: &[KindInfo], context: &RenderContext) -> io::Result<()> {
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
            writeln!(out, "{}", styled("1", cloud, context))?;
        }
        let label = format!("  {:<width$}  ", kind.template);
        write_labelled(&mut out, &label, width + 4, kind.summary, context)?;
    }
    out.flush()
}

/// Writes a paragraph per kind: its template, and its data.
fn blocks(out: &mut dyn Write, kinds: &[KindInfo], context: &RenderContext) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    for (number, kind) in kinds.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", styled("1", &kind.template, context))?;
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
            write_labelled(&mut out, &label, LABELS, text, context)?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::super::text::width;
    use super::*;
    use crate::model::{State, Time};
    use crate::output::Zone;

    fn context(width: usize) -> RenderContext {
        RenderContext {
            width: Some(width),
            color: false,
            now: Time::from_unix(1_700_000_000).unwrap(),
            zone: Zone::Utc,
        }
    }

    #[test]
    fn states_fit_a_narrow_terminal_with_kind_and_level_above_their_rows() {
        let row = |level, word: &str, note: Option<&str>| StateMapping {
            cloud: "aliyun",
            kind: "invocation",
            level,
            word: Some(word.to_owned()),
            state: State::Failed,
            ended: true,
            note: note.map(str::to_owned),
            source: MappingSource::BuiltIn,
        };
        let words = StateMap {
            schema: "joblens/1",
            command: "states",
            states: vec![
                row("job", "Finished", Some("a node: another exit code")),
                row("node", "Failed", None),
            ],
        };
        let written = |columns| {
            let mut out = Vec::new();
            let options = OutputOptions {
                format: Format::Table,
                columns: None,
                headers: true,
                query: None,
            };
            write_states(&mut out, &words, &options, &context(columns)).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            written(40),
            "  LEVEL  WORD      STATE   ENDED\n\
             aliyun/invocation\n  \
               job    Finished  failed  ended\n    \
                 │ a node: another exit code\n  \
               node   Failed    failed  ended\n"
        );
        assert_eq!(
            written(30),
            "  WORD      STATE   ENDED\n\
             aliyun/invocation job\n  \
               Finished  failed  ended\n    \
                 │ a node: another exit\n    \
                 │ code\n\
             aliyun/invocation node\n  \
               Failed    failed  ended\n"
        );
        assert!(written(50).lines().all(|line| width(line) <= 50));
    }
}
