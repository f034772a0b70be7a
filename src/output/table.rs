use std::io::{self, BufWriter, Write};

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::text::{shorten, width, wrap};
use super::why::{deserves_line, why};
use super::{Screen, escape, human};
use crate::model::{Job, State, Time};

/// Which columns a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// `REF STATE NAME RAN AGE WHY`
    Usual,
    /// The usual ones and all that fits one line of a wide screen.
    Wide,
}

/// Blank columns between two columns.
const GAP: usize = 2;
/// Columns that a name keeps on the narrowest screen.
const SHORTEST_NAME: usize = 6;
/// Lines that a cause may take on a terminal.
const MOST_WHY_LINES: usize = 3;
/// What stands before a cause on a line of its own; a line must not begin with a cloud's text.
const WHY_INDENT: &str = "    │ ";

struct Column {
    title: &'static str,
    cells: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| width(cell));
        cells.chain([self.title.len()]).max().unwrap_or(0)
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
    pub trouble: Option<String>,
}

impl<'a> Row<'a> {
    fn of(job: &'a Job) -> Self {
        Self {
            reference: job.reference.clone(),
            job: Some(job),
            trouble: None,
        }
    }

    fn cause(&self) -> Option<String> {
        self.trouble.clone().or_else(|| why(self.job?))
    }

    /// True when it deserves a line of its own for its cause.
    fn deserves_line(&self) -> bool {
        self.trouble.is_some() || self.job.is_some_and(deserves_line)
    }
}

/// Writes one row for each job, and its cause where there is one.
pub(super) fn write(
    out: &mut dyn Write,
    jobs: &[Job],
    which: Columns,
    screen: &Screen,
) -> io::Result<()> {
    let rows: Vec<Row> = jobs.iter().map(Row::of).collect();
    write_rows(out, &rows, which, screen)
}

/// Writes rows, and the cause of each where there is one.
pub(super) fn write_rows(
    out: &mut dyn Write,
    rows: &[Row],
    which: Columns,
    screen: &Screen,
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
    let mut columns = columns(rows, which, screen);
    let has_cause = causes.iter().any(|cause| !cause.is_empty());
    if has_cause {
        columns.push(Column {
            title: "WHY",
            cells: causes.clone(),
        });
    }
    let under = screen
        .width
        .filter(|width| has_cause && total(&columns) > *width);
    if under.is_some() {
        columns.pop();
    }
    if let (Some(width), Columns::Usual) = (screen.width, which) {
        squeeze(&mut columns, width);
    }
    let table = table(&columns, rows, screen.colour);
    for (number, line) in table.lines().enumerate() {
        writeln!(out, "{}", line.trim_end())?;
        let (Some(width), Some(row)) = (under, number.checked_sub(1)) else {
            continue;
        };
        if !causes[row].is_empty() && rows[row].deserves_line() {
            let columns = width.saturating_sub(self::width(WHY_INDENT));
            for part in wrap(&causes[row], columns, MOST_WHY_LINES) {
                writeln!(out, "{WHY_INDENT}{part}")?;
            }
        }
    }
    out.flush()
}

fn total(columns: &[Column]) -> usize {
    columns.iter().map(Column::width).sum::<usize>() + GAP * columns.len().saturating_sub(1)
}

/// AGE goes first, then RAN, then NAME shrinks, and goes where not even a short one has room; REF
/// and STATE are never cut.
fn squeeze(columns: &mut Vec<Column>, width: usize) {
    for title in ["AGE", "RAN"] {
        if total(columns) > width {
            columns.retain(|column| column.title != title);
        }
    }
    let excess = total(columns).saturating_sub(width);
    if let Some(name) = columns.iter_mut().find(|column| column.title == "NAME") {
        let room = name.width().saturating_sub(excess).max(SHORTEST_NAME);
        for cell in &mut name.cells {
            *cell = shorten(cell, room).into_owned();
        }
    }
    if total(columns) > width {
        columns.retain(|column| column.title != "NAME");
    }
}

fn columns(rows: &[Row], which: Columns, screen: &Screen) -> Vec<Column> {
    type Text = fn(&Job, &Screen) -> Option<String>;
    let usual: [(&str, Text); 5] = [
        ("REF", |job, _| Some(job.reference.clone())),
        ("STATE", |job, _| Some(job.state.word().to_owned())),
        ("NAME", |job, _| job.name.clone()),
        ("RAN", |job, screen| ran(job, screen).map(human::duration)),
        ("AGE", |job, screen| Some(age(job.created_at?, screen))),
    ];
    let more: [(&str, Text); 12] = [
        ("STATE_RAW", |job, _| job.state_raw.clone()),
        ("EXIT", |job, _| job.exit_code.map(|code| code.to_string())),
        ("USER", |job, _| job.user.clone()),
        ("QUEUE", |job, _| job.queue.clone()),
        ("CPU", |job, _| job.resources.cpu.map(|cpu| cpu.to_string())),
        ("MEM", |job, _| job.resources.memory_bytes.map(human::bytes)),
        ("ACC", |job, _| accelerators(job)),
        ("TASKS", |job, _| Some(job.tasks.len().to_string())),
        ("REGION", |job, _| job.region.clone()),
        ("CREATED", |job, screen| moment(job.created_at, screen)),
        ("STARTED", |job, screen| moment(job.started_at, screen)),
        ("FINISHED", |job, screen| moment(job.finished_at, screen)),
    ];
    let more = more.into_iter().filter(|_| which == Columns::Wide);
    usual
        .into_iter()
        .chain(more)
        .map(|(title, text)| Column {
            title,
            cells: rows
                .iter()
                .map(|row| match row.job.and_then(|job| text(job, screen)) {
                    Some(text) => escape(text.trim()).into_owned(),
                    None if title == "REF" => row.reference.clone(),
                    None => "-".to_owned(),
                })
                .collect(),
        })
        .collect()
}

/// How long ago on a terminal, the moment itself where a program may read it.
fn age(created_at: Time, screen: &Screen) -> String {
    match screen.width {
        Some(_) => human::duration(screen.now.seconds_since(created_at)),
        None => screen.zone.rfc3339(created_at),
    }
}

fn moment(time: Option<Time>, screen: &Screen) -> Option<String> {
    time.map(|time| screen.zone.rfc3339(time))
}

/// Seconds from start to end, on a terminal to the present if there is no end yet.
fn ran(job: &Job, screen: &Screen) -> Option<i64> {
    let seconds = job.duration_seconds?;
    let since = match (job.observed_at, screen.width) {
        (Some(observed_at), Some(_)) if !job.ended => screen.now.seconds_since(observed_at).max(0),
        _ => 0,
    };
    Some(seconds.saturating_add(since))
}

fn accelerators(job: &Job) -> Option<String> {
    let count = job.resources.accelerators?;
    Some(match &job.resources.accelerator_type {
        Some(kind) => format!("{count} {kind}"),
        None => count.to_string(),
    })
}

fn table(columns: &[Column], rows: &[Row], colour: bool) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.iter().map(|column| Cell::new(column.title)));
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for (number, row) in rows.iter().enumerate() {
        table.add_row(columns.iter().map(|column| {
            let cell = Cell::new(&column.cells[number]);
            match (column.title, row.job) {
                ("STATE", Some(job)) if colour => cell.fg(hue(job.state)),
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
pub(super) fn hue(state: State) -> Color {
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
    use super::super::text::{command_mark, is_dangerous};
    use super::*;
    use proptest::prelude::*;

    fn screen(width: Option<usize>) -> Screen {
        Screen {
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
        job.settle(Time::from_unix(1_700_000_000).unwrap());
        job
    }

    fn shown(jobs: &[Job], which: Columns, screen: &Screen) -> Vec<String> {
        let mut out = Vec::new();
        write(&mut out, jobs, which, screen).unwrap();
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
            shown(&jobs(), Columns::Usual, &screen(Some(200))),
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
            shown(&jobs(), Columns::Usual, &screen(Some(70))),
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
        let header = |width| shown(&jobs(), Columns::Usual, &screen(Some(width)))[0].clone();
        assert!(header(60).ends_with("RAN"));
        assert!(header(52).ends_with("NAME"));
        let narrow = shown(&jobs(), Columns::Usual, &screen(Some(46)));
        assert_eq!(narrow[2], "aliyun/job/ehpc-hz-FYUr32/6  failed   训练任…");
        assert_eq!(
            shown(&jobs(), Columns::Usual, &screen(Some(20)))[1],
            "aliyun/job/ehpc-hz-FYUr32/5  running"
        );
    }

    #[test]
    fn a_pipe_gets_full_width_and_exact_times() {
        let lines = shown(&jobs(), Columns::Usual, &screen(None));
        assert!(lines[1].contains("2023-11-14T19:26:40Z"), "{}", lines[1]);
        assert!(lines[2].ends_with("ran out of memory"), "{}", lines[2]);
    }

    #[test]
    fn without_colour_nothing_is_emitted_and_with_it_only_the_state() {
        let plain = shown(&jobs(), Columns::Wide, &screen(Some(80))).join("\n");
        assert!(!plain.contains('\u{1b}'));
        let coloured = Screen {
            colour: true,
            ..screen(Some(200))
        };
        let lines = shown(&jobs(), Columns::Usual, &coloured);
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
            for which in [Columns::Usual, Columns::Wide] {
                for line in shown(&[one.clone()], which, &screen(width)) {
                    prop_assert!(!line.contains(is_dangerous), "{line:?}");
                    prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
                    prop_assert!(command_mark(&line).is_none(), "{line:?}");
                }
            }
        }
    }
}
