//! Writes timelines: events in time order.

mod columns;
mod page;
#[cfg(test)]
mod tests;
mod words;

use std::io::{self, BufWriter, Write};

use columns::DEFAULT_COLUMNS;
pub use columns::EventColumn;
pub use page::TimelineWriter;

use super::delimited::DelimitedWriter;
use super::table::TextTable;
use super::{Format, OutputOptions, RecordWriter, RenderContext, escape, json, markdown, yaml};
use crate::output::document::Timeline;

/// Writes a timeline in one format; `columns` are the chosen ones, if any.
///
/// # Errors
/// Returns errors of the writer, and errors of an expression as invalid data.
pub fn write(
    out: &mut dyn Write,
    timeline: &Timeline,
    columns: Option<&[EventColumn]>,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    if let Some(query) = &options.query {
        return query.write(out, timeline);
    }
    let mut out = BufWriter::new(out);
    let all = &timeline.content.events;
    match options.format {
        Format::Json => json::write_document(&mut out, timeline)?,
        Format::Yaml => yaml::write_value(&mut out, timeline)?,
        Format::Jsonl => records(&mut out, timeline, context)?,
        Format::Name => names(&mut out, timeline)?,
        Format::Csv | Format::Tsv => {
            let columns = columns.map_or_else(EventColumn::for_programs, <[_]>::to_vec);
            let mut rows = DelimitedWriter::new(columns, options);
            rows.begin(&mut out)?;
            rows.rows(&mut out, all)?;
        }
        Format::Markdown if all.is_empty() => {}
        Format::Markdown => {
            let usual = || EventColumn::all(&DEFAULT_COLUMNS);
            let columns = columns.map_or_else(usual, <[_]>::to_vec);
            markdown::write_table(&mut out, &columns, all, options.headers, context)?;
        }
        Format::Table | Format::Wide => match columns {
            Some(columns) => {
                TextTable::new(columns, all, options.headers, context).write(&mut out, None)?;
            }
            None => {
                let mut page = TimelineWriter::new(*context, &timeline.content.references);
                for one in all {
                    page.entry(&mut out, one)?;
                }
            }
        },
    }
    out.flush()
}

fn records(out: &mut dyn Write, timeline: &Timeline, context: &RenderContext) -> io::Result<()> {
    let mut records = RecordWriter::default();
    for one in &timeline.content.events {
        records.write(out, context.now, one)?;
    }
    records.end(out, context.now, timeline, timeline.coverage.answered)
}

/// Writes the references of the resources with entries, and whether some may be missing.
fn names(out: &mut dyn Write, timeline: &Timeline) -> io::Result<()> {
    for reference in timeline.affected_references() {
        writeln!(out, "{reference}")?;
    }
    match timeline.incomplete() {
        Some(reason) => writeln!(out, "#!incomplete: {}", escape(&reason)),
        None => Ok(()),
    }
}
