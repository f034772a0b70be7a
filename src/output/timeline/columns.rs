use super::super::cell::Cell;
use super::super::column::{Column, Tabular};
use super::words;
use crate::model::{Level, State};
use crate::output::document::TimelineEvent;

/// A column of a timeline.
pub type EventColumn = Column<TimelineEvent>;

static COLUMNS: [EventColumn; 25] = [
    Column::with_header("happened_at", "TIME", |one, _| one.happened_at.into()),
    Column::new("level", |one, _| one.level.map(Level::as_str).into()),
    Column::new("count", |one, _| one.count.into()),
    Column::new("ref", |one, _| Cell::from(&one.reference)),
    Column::new("what", |one, _| one.what.as_str().into()),
    Column::new("state", |one, _| one.state.map(State::as_str).into()),
    Column::with_header("exit_code", "EXIT", |one, _| one.exit_code.into()),
    Column::new("reason", |one, _| one.reason.as_deref().into()),
    Column::new("message", |one, _| one.message.as_deref().into()),
    Column::new("is_problem", |one, _| one.is_problem.into()),
    Column::new("first_bad", |one, _| one.first_bad.into()),
    Column::new("object_kind", |one, _| one.object.kind.as_deref().into()),
    Column::with_header("object_name", "OBJECT", |one, _| {
        one.object.name.as_deref().into()
    }),
    Column::new("task", |one, _| one.task.as_deref().into()),
    Column::new("task_name", |one, _| one.task_name.as_deref().into()),
    Column::new("container", |one, _| one.container.as_deref().into()),
    Column::new("signal", |one, _| one.signal.into()),
    Column::with_header("restart_count", "RESTARTS", |one, _| {
        one.restart_count.into()
    }),
    Column::with_header("first_at", "FIRST", |one, _| one.first_at.into()),
    Column::with_header("last_at", "LAST", |one, _| one.last_at.into()),
    Column::new("level_raw", |one, _| one.level_raw.as_deref().into()),
    Column::new("cloud", |one, _| Cell::from(&one.cloud)),
    Column::new("kind", |one, _| Cell::from(&one.kind)),
    Column::new("mark", |one, _| match (one.first_bad, one.is_problem) {
        (true, _) => "first problem".into(),
        (false, true) => "problem".into(),
        (false, false) => Cell::Absent,
    }),
    Column::new("text", |one, context| {
        words::sentence_with_times(one, context.zone).into()
    }),
];

/// The default columns of Markdown.
pub(super) const DEFAULT_COLUMNS: [&str; 4] = ["happened_at", "ref", "mark", "text"];

impl Tabular for TimelineEvent {
    const REPEATED: &'static [&'static str] = &["mark", "text"];
    const UNKNOWN_COLUMN: &'static str = "events have no column";

    fn columns() -> &'static [EventColumn] {
        &COLUMNS
    }
}
