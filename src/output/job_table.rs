use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};
use std::ops::Range;

use super::cause::{explanation, needs_cause_line};
use super::style::state_style;
use super::table::{TextColumn, TextTable, TrailingColumn};
use super::{Format, JobColumn, OutputOptions, RenderContext, escape};
use crate::model::Job;

/// The default columns; the cause of a state follows them if there is one.
const DEFAULT_COLUMNS: [&str; 5] = ["ref", "state", "name", "ran", "age"];
/// The additional columns of a wide table.
const WIDE_COLUMNS: [&str; 12] = [
    "state_raw",
    "exit_code",
    "user",
    "queue",
    "cpu",
    "memory_bytes",
    "accelerators",
    "tasks",
    "region",
    "created_at",
    "started_at",
    "finished_at",
];

/// The columns of a table, and how they adapt to a narrow terminal.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    columns: Vec<JobColumn>,
    headers: bool,
    /// The columns were chosen: they are shown unchanged, without causes.
    is_chosen: bool,
    /// Columns are omitted or truncated on a narrow terminal.
    shrinks: bool,
    /// Rows can be grouped below their scope on a narrow terminal.
    groups: bool,
}

impl Layout {
    /// Returns the layout that the options request; chosen columns are shown unchanged.
    pub(super) fn from_options(options: &OutputOptions) -> Self {
        let is_wide = options.format == Format::Wide;
        let more = WIDE_COLUMNS.iter().filter(|_| is_wide);
        let names: Vec<&str> = DEFAULT_COLUMNS.iter().chain(more).copied().collect();
        let chosen = options.columns.clone();
        let is_chosen = chosen.is_some();
        Self {
            columns: chosen.unwrap_or_else(|| JobColumn::all(&names)),
            headers: options.headers,
            is_chosen,
            shrinks: !is_chosen && !is_wide,
            groups: false,
        }
    }

    /// Groups rows below their scope if references do not fit, for a table from which none are copied.
    pub(super) fn grouped(self) -> Self {
        Self {
            groups: true,
            ..self
        }
    }
}

/// Maximum number of lines for a cause on a terminal.
const MAX_CAUSE_LINES: usize = 3;

/// The content of a row.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The canonical reference.
    pub reference: String,
    /// The last job that was read, if any.
    pub job: Option<Cow<'a, Job>>,
    /// Why no newer job can be read, if so.
    pub unreadable_reason: Option<String>,
}

impl<'a> Row<'a> {
    fn from_job(job: &'a Job) -> Self {
        Self {
            reference: job.reference.clone(),
            job: Some(Cow::Borrowed(job)),
            unreadable_reason: None,
        }
    }

    fn cause(&self) -> Option<String> {
        self.unreadable_reason
            .clone()
            .or_else(|| explanation(self.job.as_deref()?))
    }

    /// Returns `true` if the row gets a separate line for its cause.
    fn needs_cause_line(&self) -> bool {
        self.unreadable_reason.is_some() || self.job.as_deref().is_some_and(needs_cause_line)
    }
}

/// Writes one row per job, and its cause if there is one.
pub(super) fn write(
    out: &mut dyn Write,
    jobs: &[Job],
    layout: &Layout,
    context: &RenderContext,
) -> io::Result<()> {
    let rows: Vec<Row> = jobs.iter().map(Row::from_job).collect();
    write_rows(out, &rows, layout, context)
}

/// Writes the first rows of a table before the others are known.
#[derive(Debug)]
pub struct TableWriter {
    layout: Layout,
    written: usize,
}

impl TableWriter {
    /// Creates an empty table; returns `None` for other formats.
    pub fn new(options: &OutputOptions) -> Option<Self> {
        let is_table = matches!(options.format, Format::Table | Format::Wide);
        (is_table && options.query.is_none()).then(|| Self {
            layout: Layout::from_options(options),
            written: 0,
        })
    }

    /// Writes the first `count` rows, except those already written; the other rows
    /// only count for the widths of the columns.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn write(
        &mut self,
        out: &mut dyn Write,
        rows: &[Row],
        count: usize,
        context: &RenderContext,
    ) -> io::Result<()> {
        if count > self.written {
            write_range(out, rows, self.written..count, &self.layout, context)?;
            self.written = count;
        }
        out.flush()
    }
}

/// Writes rows, and the cause of each if there is one.
pub(super) fn write_rows(
    out: &mut dyn Write,
    rows: &[Row],
    layout: &Layout,
    context: &RenderContext,
) -> io::Result<()> {
    write_range(out, rows, 0..rows.len(), layout, context)
}

fn write_range(
    out: &mut dyn Write,
    rows: &[Row],
    range: Range<usize>,
    layout: &Layout,
    context: &RenderContext,
) -> io::Result<()> {
    if rows.is_empty() {
        return out.flush();
    }
    let columns = match context.width {
        Some(_) => Cow::Borrowed(&layout.columns),
        None => {
            let mut columns = JobColumn::for_document(&layout.columns);
            if !layout.is_chosen {
                let mut names = HashSet::new();
                columns.retain(|column| names.insert(column.name.clone()));
            }
            Cow::Owned(columns)
        }
    };
    let columns = columns.iter();
    let table = TextTable {
        columns: columns
            .map(|column| text_column(column, rows, context))
            .collect(),
        trailing: causes(rows).filter(|_| !layout.is_chosen),
        headers: layout.headers,
        shrinks: layout.shrinks,
        groups: layout.groups,
        heading_columns: 0,
    };
    table.write_range(out, context.width, range)
}

/// Returns the cells of a column. For rows that were never read, only the reference is known.
fn text_column(column: &JobColumn, rows: &[Row], context: &RenderContext) -> TextColumn {
    let unread = Job::default();
    let jobs = rows.iter().map(|row| row.job.as_deref().unwrap_or(&unread));
    let mut shown = TextColumn::new(column, jobs, context);
    for (cell, row) in shown.cells.iter_mut().zip(rows) {
        if row.job.is_none() {
            *cell = match column.name.as_ref() {
                "ref" => row.reference.clone(),
                _ => "-".to_owned(),
            };
        }
    }
    if context.color && column.name == "state" {
        let style = |row: &Row| row.job.as_ref().map(|job| state_style(job.state));
        shown.styles = rows.iter().map(style).collect();
    }
    shown
}

/// Returns the column of causes, if any. Below rows, only the causes of rows that need it are shown.
fn causes(rows: &[Row]) -> Option<TrailingColumn> {
    let cause = |row: &Row| row.cause().map(|text| escape(&text).into_owned());
    let causes: Vec<String> = rows
        .iter()
        .map(|row| cause(row).unwrap_or_default())
        .collect();
    let below = rows.iter().zip(&causes).map(|(row, cause)| {
        let cause = Some(cause).filter(|_| row.needs_cause_line());
        cause.cloned().unwrap_or_default()
    });
    let has_any = causes.iter().any(|cause| !cause.is_empty());
    has_any.then(|| TrailingColumn {
        below: below.collect(),
        max_lines: MAX_CAUSE_LINES,
        column: TextColumn {
            name: "why".into(),
            header: "WHY".to_owned(),
            cells: causes.clone(),
            styles: Vec::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::super::text::{ci_command_at, needs_escape};
    use super::*;
    use crate::model::{State, Time};
    use proptest::prelude::*;

    fn context(width: Option<usize>) -> RenderContext {
        RenderContext {
            width,
            color: false,
            now: Time::from_unix(1_700_000_000).unwrap(),
            zone: Zone::Utc,
        }
    }

    fn job(reference: &str, name: &str, state: State) -> Job {
        let mut job = Job {
            reference: reference.into(),
            name: Some(name.into()),
            state,
            ended: state.is_end(),
            created_at: Time::from_unix(1_699_990_000),
            started_at: Time::from_unix(1_699_996_400),
            finished_at: Time::from_unix(1_700_000_000),
            ..Job::default()
        };
        job.finalize(Time::from_unix(1_700_000_000).unwrap());
        job
    }

    fn shown(jobs: &[Job], which: Format, context: &RenderContext) -> Vec<String> {
        let mut out = Vec::new();
        let options = OutputOptions {
            format: which,
            columns: None,
            headers: true,
            query: None,
        };
        write(&mut out, jobs, &Layout::from_options(&options), context).unwrap();
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn jobs() -> Vec<Job> {
        let mut failed = job("aliyun/job/ehpc-hz-FYUr32/6", "训练任务 👩‍🚀", State::Failed);
        failed.message =
            Some("container main: exit code 137 (OOMKilled): the node ran out of memory".into());
        vec![
            job("aliyun/job/ehpc-hz-FYUr32/5", "resnet", State::Running),
            failed,
        ]
    }

    #[test]
    fn a_wide_screen_shows_the_cause_as_a_column() {
        assert_eq!(
            shown(&jobs(), Format::Table, &context(Some(200))),
            [
                "REF                          STATE    NAME         RAN    AGE    WHY",
                "aliyun/job/ehpc-hz-FYUr32/5  running  resnet       1h00m  2h46m",
                "aliyun/job/ehpc-hz-FYUr32/6  failed   训练任务 👩‍🚀  1h00m  2h46m  container main: exit code 137 (OOMKilled): the node ran out of memory",
            ]
        );
    }

    #[test]
    fn a_narrow_screen_shows_the_cause_under_its_row() {
        assert_eq!(
            shown(&jobs(), Format::Table, &context(Some(70))),
            [
                "REF                          STATE    NAME         RAN    AGE",
                "aliyun/job/ehpc-hz-FYUr32/5  running  resnet       1h00m  2h46m",
                "aliyun/job/ehpc-hz-FYUr32/6  failed   训练任务 👩‍🚀  1h00m  2h46m",
                "    │ container main: exit code 137 (OOMKilled): the node ran out of",
                "    │ memory",
            ]
        );
    }

    #[test]
    fn a_narrow_table_drops_age_then_ran_and_then_shortens_the_name() {
        let header = |width| shown(&jobs(), Format::Table, &context(Some(width)))[0].clone();
        assert!(header(60).ends_with("RAN"));
        assert!(header(52).ends_with("NAME"));
        let narrow = shown(&jobs(), Format::Table, &context(Some(46)));
        assert_eq!(narrow[2], "aliyun/job/ehpc-hz-FYUr32/6  failed   训练任…");
        assert_eq!(
            shown(&jobs(), Format::Table, &context(Some(20)))[1],
            "aliyun/job/ehpc-hz-FYUr32/5  running"
        );
    }

    #[test]
    fn a_pipe_gets_full_width_and_exact_times() {
        let lines = shown(&jobs(), Format::Table, &context(None));
        assert!(lines[1].contains("2023-11-14T19:26:40Z"), "{}", lines[1]);
        assert!(lines[2].ends_with("ran out of memory"), "{}", lines[2]);
    }

    #[test]
    fn only_rows_are_colored_and_only_if_colors_are_enabled() {
        let plain = shown(&jobs(), Format::Wide, &context(Some(80))).join("\n");
        assert!(!plain.contains('\u{1b}'));
        let colored = RenderContext {
            color: true,
            ..context(Some(200))
        };
        let lines = shown(&jobs(), Format::Table, &colored);
        assert!(lines[2].contains("failed") && lines[2].contains('\u{1b}'));
        assert!(!lines[0].contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn no_text_emits_a_control_character_or_a_ci_command(
            name in "( ?(::|##\\[))?\\PC{0,20}|(?s:.){0,20}",
            message in "([ \t]*(::|##\\[)\\PC{0,9}){0,12}|(?s:.){0,40}",
            width in proptest::option::of(1_usize..250),
        ) {
            let mut one = job("aliyun/job/c/5", &name, State::Failed);
            one.message = Some(message);
            one.user = Some(name);
            for which in [Format::Table, Format::Wide] {
                for line in shown(&[one.clone()], which, &context(width)) {
                    prop_assert!(!line.contains(needs_escape), "{line:?}");
                    prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
                    prop_assert!(ci_command_at(&line).is_none(), "{line:?}");
                }
            }
        }
    }
}
