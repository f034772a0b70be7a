use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::cause::{needs_cause_line, why};
use super::text::{truncate_width, width, wrap};
use super::{Column, Format, OutputOptions, RenderContext, escape};
use crate::model::{Job, State};

/// The usual columns; the cause of a state comes after them, where there is one.
const DEFAULT_COLUMNS: [&str; 5] = ["ref", "state", "name", "ran", "age"];
/// What a wide table has besides.
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

/// Which columns a table has, and what becomes of them on a narrow terminal.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    columns: Vec<Column>,
    headers: bool,
    /// Causes are shown, in a column of their own or under the rows.
    has_causes: bool,
    /// Columns give way on a narrow terminal.
    shrinks: bool,
}

impl Layout {
    /// The layout that the options ask for: columns that were chosen are shown as they are.
    pub(super) fn from_options(form: &OutputOptions) -> Self {
        let is_wide = form.format == Format::Wide;
        let more = WIDE_COLUMNS.iter().filter(|_| is_wide);
        let names: Vec<&str> = DEFAULT_COLUMNS.iter().chain(more).copied().collect();
        let chosen = form.columns.clone();
        let is_chosen = chosen.is_some();
        Self {
            columns: chosen.unwrap_or_else(|| Column::all(&names)),
            headers: form.headers,
            has_causes: !is_chosen,
            shrinks: !is_chosen && !is_wide,
        }
    }
}

/// Blank columns between two columns.
const GAP: usize = 2;
/// Columns that a name keeps on the narrowest screen.
const MIN_NAME_WIDTH: usize = 6;
/// Lines that a cause may take on a terminal.
const MAX_WHY_LINES: usize = 3;
/// What stands before a cause on a line of its own; a line must not begin with a cloud's text.
const WHY_INDENT: &str = "    │ ";

/// A column with what its rows show.
pub(super) struct RenderedColumn {
    /// By which it is known when columns give way.
    pub name: Cow<'static, str>,
    pub title: String,
    pub cells: Vec<String>,
}

impl RenderedColumn {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| width(cell));
        cells.chain([width(&self.title)]).max().unwrap_or(0)
    }
}

/// What a row shows.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Canonical reference.
    pub reference: String,
    /// The last that was read of it, if anything was.
    pub job: Option<&'a Job>,
    /// Why nothing newer can be read, if nothing can.
    pub read_failure: Option<String>,
}

impl<'a> Row<'a> {
    fn from_job(job: &'a Job) -> Self {
        Self {
            reference: job.reference.clone(),
            job: Some(job),
            read_failure: None,
        }
    }

    fn cause(&self) -> Option<String> {
        self.read_failure.clone().or_else(|| why(self.job?))
    }

    /// True when it deserves a line of its own for its cause.
    fn needs_cause_line(&self) -> bool {
        self.read_failure.is_some() || self.job.is_some_and(needs_cause_line)
    }
}

/// Writes one row for each job, and its cause where there is one.
pub(super) fn write(
    out: &mut dyn Write,
    jobs: &[Job],
    layout: &Layout,
    screen: &RenderContext,
) -> io::Result<()> {
    let rows: Vec<Row> = jobs.iter().map(Row::from_job).collect();
    write_rows(out, &rows, layout, screen)
}

/// Writes rows, and the cause of each where there is one.
pub(super) fn write_rows(
    out: &mut dyn Write,
    rows: &[Row],
    layout: &Layout,
    screen: &RenderContext,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    if rows.is_empty() {
        return out.flush();
    }
    let causes: Vec<String> = rows
        .iter()
        .map(|row| {
            row.cause()
                .map_or_else(String::new, |text| escape(&text).into_owned())
        })
        .collect();
    let mut columns = columns(rows, layout, screen);
    let has_cause = layout.has_causes && causes.iter().any(|cause| !cause.is_empty());
    if has_cause {
        columns.push(RenderedColumn {
            name: "why".into(),
            title: "WHY".to_owned(),
            cells: causes.clone(),
        });
    }
    let under = screen
        .width
        .filter(|width| has_cause && total(&columns) > *width);
    if under.is_some() {
        columns.pop();
    }
    if let (Some(width), true) = (screen.width, layout.shrinks) {
        fit_to_width(&mut columns, width);
    }
    let table = table(&columns, rows, layout.headers, screen.colour);
    for (number, line) in table.lines().enumerate() {
        writeln!(out, "{}", line.trim_end())?;
        let row = number.checked_sub(usize::from(layout.headers));
        let (Some(width), Some(row)) = (under, row) else {
            continue;
        };
        if !causes[row].is_empty() && rows[row].needs_cause_line() {
            let columns = width.saturating_sub(self::width(WHY_INDENT));
            for part in wrap(&causes[row], columns, MAX_WHY_LINES) {
                writeln!(out, "{WHY_INDENT}{part}")?;
            }
        }
    }
    out.flush()
}

fn total(columns: &[RenderedColumn]) -> usize {
    columns.iter().map(RenderedColumn::width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// REGION goes first, then AGE and RAN, then NAME shrinks, and goes where not even a short one has
/// room; REF and STATE are never cut.
pub(super) fn fit_to_width(columns: &mut Vec<RenderedColumn>, width: usize) {
    for name in ["region", "age", "ran"] {
        if total(columns) > width {
            columns.retain(|column| column.name != name);
        }
    }
    let excess = total(columns).saturating_sub(width);
    if let Some(name) = columns.iter_mut().find(|column| column.name == "name") {
        let room = name.width().saturating_sub(excess).max(MIN_NAME_WIDTH);
        for cell in &mut name.cells {
            *cell = truncate_width(cell, room).into_owned();
        }
    }
    if total(columns) > width {
        columns.retain(|column| column.name != "name");
    }
}

fn columns(rows: &[Row], layout: &Layout, screen: &RenderContext) -> Vec<RenderedColumn> {
    let cell = |column: &Column, row: &Row| {
        let known = row.job.map(|job| column.cell(job));
        let shown = known.as_ref().and_then(|cell| cell.display(screen));
        match shown {
            Some(text) => escape(text.trim()).into_owned(),
            None if column.name == "ref" => row.reference.clone(),
            None => "-".to_owned(),
        }
    };
    let shown = layout.columns.iter().map(|column| RenderedColumn {
        name: column.name.clone(),
        title: escape(&column.title()).into_owned(),
        cells: rows.iter().map(|row| cell(column, row)).collect(),
    });
    shown.collect()
}

/// The lines of a table, the states of jobs in their colours.
pub(super) fn table(
    columns: &[RenderedColumn],
    rows: &[Row],
    headers: bool,
    colour: bool,
) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if headers {
        table.set_header(columns.iter().map(|column| Cell::new(&column.title)));
    }
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for (number, row) in rows.iter().enumerate() {
        table.add_row(columns.iter().map(|column| {
            let cell = Cell::new(&column.cells[number]);
            match (column.name.as_ref(), row.job) {
                ("state", Some(job)) if colour => cell.fg(state_color(job.state)),
                _ => cell,
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP as u16));
    }
    table
}

/// The colour of a state's word.
pub(super) fn state_color(state: State) -> Color {
    match state {
        State::Succeeded => Color::Green,
        State::Failed => Color::Red,
        State::Canceled | State::Stopping => Color::Yellow,
        State::Running => Color::Cyan,
        State::Pending | State::Starting => Color::Blue,
        State::Unknown => Color::Magenta,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::super::text::{ci_command_at, needs_escape};
    use super::*;
    use crate::model::Time;
    use proptest::prelude::*;

    fn screen(width: Option<usize>) -> RenderContext {
        RenderContext {
            width,
            colour: false,
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
            ..Job::default()
        };
        job.finalize(Time::from_unix(1_700_000_000).unwrap());
        job
    }

    fn shown(jobs: &[Job], which: Format, screen: &RenderContext) -> Vec<String> {
        let mut out = Vec::new();
        let form = OutputOptions {
            format: which,
            columns: None,
            headers: true,
            query: None,
        };
        write(&mut out, jobs, &Layout::from_options(&form), screen).unwrap();
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
            shown(&jobs(), Format::Table, &screen(Some(200))),
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
            shown(&jobs(), Format::Table, &screen(Some(70))),
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
    fn age_goes_first_then_ran_then_the_name_shrinks() {
        let header = |width| shown(&jobs(), Format::Table, &screen(Some(width)))[0].clone();
        assert!(header(60).ends_with("RAN"));
        assert!(header(52).ends_with("NAME"));
        let narrow = shown(&jobs(), Format::Table, &screen(Some(46)));
        assert_eq!(narrow[2], "aliyun/job/ehpc-hz-FYUr32/6  failed   训练任…");
        assert_eq!(
            shown(&jobs(), Format::Table, &screen(Some(20)))[1],
            "aliyun/job/ehpc-hz-FYUr32/5  running"
        );
    }

    #[test]
    fn a_pipe_gets_full_width_and_exact_times() {
        let lines = shown(&jobs(), Format::Table, &screen(None));
        assert!(lines[1].contains("2023-11-14T19:26:40Z"), "{}", lines[1]);
        assert!(lines[2].ends_with("ran out of memory"), "{}", lines[2]);
    }

    #[test]
    fn without_colour_nothing_is_emitted_and_with_it_only_the_state() {
        let plain = shown(&jobs(), Format::Wide, &screen(Some(80))).join("\n");
        assert!(!plain.contains('\u{1b}'));
        let coloured = RenderContext {
            colour: true,
            ..screen(Some(200))
        };
        let lines = shown(&jobs(), Format::Table, &coloured);
        assert!(lines[2].contains("failed") && lines[2].contains('\u{1b}'));
        assert!(!lines[0].contains('\u{1b}'));
    }

    proptest! {
        #[test]
        fn no_answer_can_emit_a_control_character_or_a_command_of_a_ci_system(
            name in "( ?(::|##\\[))?\\PC{0,20}|(?s:.){0,20}",
            message in "([ \t]*(::|##\\[)\\PC{0,9}){0,12}|(?s:.){0,40}",
            width in proptest::option::of(1_usize..250),
        ) {
            let mut one = job("aliyun/job/c/5", &name, State::Failed);
            one.message = Some(message);
            one.user = Some(name);
            for which in [Format::Table, Format::Wide] {
                for line in shown(&[one.clone()], which, &screen(width)) {
                    prop_assert!(!line.contains(needs_escape), "{line:?}");
                    prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
                    prop_assert!(ci_command_at(&line).is_none(), "{line:?}");
                }
            }
        }
    }
}
