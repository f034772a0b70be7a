use std::borrow::Cow;
use std::fmt;

use super::super::cell::Cell;
use super::super::{RenderContext, Zone};
use super::words;
use crate::error::{Problem, closest_match};
use crate::model::{Level, State, TimelineEvent};

/// One column of the tables, of csv, tsv and markdown of a timeline.
#[derive(Clone, Copy)]
pub struct EventColumn(&'static Known);

type Known = (
    &'static str,
    &'static str,
    fn(&TimelineEvent, Zone) -> Cell<'_>,
);

/// Name, title, cell. In csv and tsv they come in this order unless others were chosen; new ones are
/// only ever added at the end.
static COLUMNS: [Known; 25] = [
    ("happened_at", "TIME", |one, _| {
        one.happened_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("level", "LEVEL", |one, _| {
        Cell::text(one.level.map(Level::as_str))
    }),
    ("count", "COUNT", |one, _| unsigned(one.count)),
    ("ref", "REF", |one, _| Cell::text(Some(&one.reference))),
    ("what", "WHAT", |one, _| Cell::text(Some(one.what.as_str()))),
    ("state", "STATE", |one, _| {
        Cell::text(one.state.map(State::as_str))
    }),
    ("exit_code", "EXIT", |one, _| integer(one.exit_code)),
    ("reason", "REASON", |one, _| {
        Cell::text(one.reason.as_deref())
    }),
    ("message", "MESSAGE", |one, _| {
        Cell::text(one.message.as_deref())
    }),
    ("bad", "BAD", |one, _| Cell::Flag(one.bad)),
    ("first_bad", "FIRST_BAD", |one, _| Cell::Flag(one.first_bad)),
    ("object_kind", "OBJECT_KIND", |one, _| {
        Cell::text(one.object.kind.as_deref())
    }),
    ("object_name", "OBJECT", |one, _| {
        Cell::text(one.object.name.as_deref())
    }),
    ("task", "TASK", |one, _| Cell::text(one.task.as_deref())),
    ("task_name", "TASK_NAME", |one, _| {
        Cell::text(one.task_name.as_deref())
    }),
    ("container", "CONTAINER", |one, _| {
        Cell::text(one.container.as_deref())
    }),
    ("signal", "SIGNAL", |one, _| integer(one.signal)),
    ("restart_count", "RESTARTS", |one, _| {
        unsigned(one.restart_count)
    }),
    ("first_at", "FIRST", |one, _| {
        one.first_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("last_at", "LAST", |one, _| {
        one.last_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("level_raw", "LEVEL_RAW", |one, _| {
        Cell::text(one.level_raw.as_deref())
    }),
    ("cloud", "CLOUD", |one, _| Cell::text(Some(&one.cloud))),
    ("kind", "KIND", |one, _| Cell::text(Some(&one.kind))),
    ("mark", "MARK", |one, _| {
        Cell::text(match (one.first_bad, one.bad) {
            (true, _) => Some("first bad"),
            (false, true) => Some("bad"),
            (false, false) => None,
        })
    }),
    ("text", "TEXT", |one, zone| {
        Cell::Text(words::sentence(one, zone, None).into())
    }),
];

/// Columns that say again what others do, in the words of people.
const HUMAN_ONLY_COLUMNS: [&str; 2] = ["mark", "text"];
/// The columns of markdown where none were chosen.
const DEFAULT_COLUMNS: [&str; 4] = ["happened_at", "ref", "mark", "text"];

fn integer(number: Option<i64>) -> Cell<'static> {
    number.map_or(Cell::Absent, Cell::Integer)
}

fn unsigned(number: Option<u64>) -> Cell<'static> {
    integer(number.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
}

impl fmt::Debug for EventColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.0)
    }
}

impl EventColumn {
    /// The column with this name.
    ///
    /// # Errors
    /// Wrong use, with the nearest name.
    pub fn named(name: &str) -> Result<Self, Problem> {
        let wanted = name.trim().to_ascii_lowercase();
        if let Some(known) = COLUMNS.iter().find(|(name, ..)| *name == wanted) {
            return Ok(Self(known));
        }
        let names = COLUMNS.iter().map(|(name, ..)| *name);
        let near = closest_match(names, &wanted);
        let near = near.map_or_else(String::new, |near| format!("did you mean '{near}'? "));
        let problem = Problem::usage(format!("unknown column '{}' for events", name.trim()));
        Err(problem.with_hint(format!(
            "{near}available: {}",
            COLUMNS.map(|(name, ..)| name).join(" ")
        )))
    }

    /// The columns of csv and tsv where none were chosen.
    pub(super) fn for_programs() -> Vec<Self> {
        let is_exact = |known: &&Known| !HUMAN_ONLY_COLUMNS.contains(&known.0);
        COLUMNS.iter().filter(is_exact).map(Self).collect()
    }

    /// The columns of markdown where none were chosen.
    pub(super) fn defaults() -> Vec<Self> {
        let named = |name| Self::named(name).expect("the columns of our own tables exist");
        DEFAULT_COLUMNS.into_iter().map(named).collect()
    }

    pub(super) fn name(self) -> &'static str {
        self.0.0
    }

    pub(super) fn title(self) -> &'static str {
        self.0.1
    }

    /// What it holds for a program.
    pub(super) fn raw(self, one: &TimelineEvent) -> Cow<'static, str> {
        Cow::Owned((self.0.2)(one, Zone::Utc).raw().into_owned())
    }

    /// What it shows to people, not escaped yet.
    pub(super) fn display(self, one: &TimelineEvent, screen: &RenderContext) -> String {
        let cell = (self.0.2)(one, screen.zone);
        cell.display(screen)
            .map_or_else(|| "-".to_owned(), Cow::into_owned)
    }
}
