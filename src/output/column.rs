use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::cause::why;
use super::cell::Cell;
use crate::error::{Problem, closest_match};
use crate::model::{Job, State};

/// One column of the tables, of csv, tsv and markdown, and one key to sort by.
#[derive(Debug, Clone)]
pub struct Column {
    /// What the user calls it, the name of the field in JSON where it is one.
    pub name: Cow<'static, str>,
    source: Source,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    /// A field of every job, with its title in tables for people.
    Known(&'static str, fn(&Job) -> Cell<'_>),
    /// A field of `details`, by its path.
    Detail,
    /// A label, by its key.
    Label,
}

type Known = (&'static str, &'static str, fn(&Job) -> Cell<'_>);

/// Columns that every job has: name, title, cell. In csv and tsv they come in this order unless
/// others were chosen; new ones are only ever added at the end.
static COLUMNS: [Known; 37] = [
    ("ref", "REF", |job| Cell::text(Some(&job.reference))),
    ("state", "STATE", |job| Cell::text(Some(job.state.as_str()))),
    ("state_raw", "STATE_RAW", |job| {
        Cell::text(job.state_raw.as_deref())
    }),
    ("ended", "ENDED", |job| Cell::Flag(job.ended)),
    ("name", "NAME", |job| Cell::text(job.name.as_deref())),
    ("exit_code", "EXIT", |job| integer(job.exit_code)),
    ("reason", "REASON", |job| Cell::text(job.reason.as_deref())),
    ("message", "MESSAGE", |job| {
        Cell::text(job.message.as_deref())
    }),
    ("why", "WHY", |job| {
        why(job).map_or(Cell::Absent, |why| Cell::Text(why.into()))
    }),
    ("user", "USER", |job| Cell::text(job.user.as_deref())),
    ("queue", "QUEUE", |job| Cell::text(job.queue.as_deref())),
    ("priority", "PRIORITY", |job| integer(job.priority)),
    ("created_at", "CREATED", |job| {
        job.created_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("started_at", "STARTED", |job| {
        job.started_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("finished_at", "FINISHED", |job| {
        job.finished_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("updated_at", "UPDATED", |job| {
        job.updated_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("duration_seconds", "SECONDS", |job| {
        integer(job.duration_seconds)
    }),
    ("cpu", "CPU", |job| {
        job.resources.cpu.map_or(Cell::Absent, Cell::Number)
    }),
    ("memory_bytes", "MEM", |job| {
        job.resources.memory_bytes.map_or(Cell::Absent, Cell::Bytes)
    }),
    ("accelerators", "ACC", |job| {
        let kind = job.resources.accelerator_type.as_deref();
        let count = job.resources.accelerators;
        count.map_or(Cell::Absent, |count| Cell::Counted(count, kind))
    }),
    ("accelerator_type", "ACC_TYPE", |job| {
        Cell::text(job.resources.accelerator_type.as_deref())
    }),
    (
        "tasks",
        "TASKS",
        // A list tells of no parts, so that none is not "0".
        |job| match job.tasks.len() {
            0 => Cell::Absent,
            count => Cell::Integer(count as i64),
        },
    ),
    ("warning_count", "WARNINGS", |job| {
        Cell::Integer(i64::try_from(job.warning_count).unwrap_or(i64::MAX))
    }),
    ("cloud", "CLOUD", |job| Cell::text(Some(&job.cloud))),
    ("profile", "PROFILE", |job| Cell::text(Some(&job.profile))),
    ("region", "REGION", |job| Cell::text(job.region.as_deref())),
    ("kind", "KIND", |job| Cell::text(Some(&job.kind))),
    ("cluster", "CLUSTER", |job| {
        Cell::text(job.cluster.as_deref())
    }),
    ("namespace", "NAMESPACE", |job| {
        Cell::text(job.namespace.as_deref())
    }),
    ("id", "ID", |job| Cell::text(Some(&job.id))),
    ("input", "INPUT", |job| Cell::text(Some(&job.input))),
    ("verdict", "VERDICT", |job| {
        Cell::text(job.verdict.as_deref())
    }),
    ("request_id", "REQUEST", |job| {
        Cell::text(job.request_id.as_deref())
    }),
    ("observed_at", "OBSERVED", |job| {
        job.observed_at.map_or(Cell::Absent, Cell::Time)
    }),
    ("ephemeral_storage_bytes", "STORAGE", |job| {
        job.resources
            .ephemeral_storage_bytes
            .map_or(Cell::Absent, Cell::Bytes)
    }),
    ("ran", "RAN", |job| {
        let counted_at = job.observed_at.filter(|_| !job.ended);
        let seconds = job.duration_seconds;
        seconds.map_or(Cell::Absent, |seconds| Cell::Seconds(seconds, counted_at))
    }),
    ("age", "AGE", |job| {
        job.created_at.map_or(Cell::Absent, Cell::Age)
    }),
];

/// Columns that say again what others do, in the words of people.
const HUMAN_ONLY_COLUMNS: [&str; 3] = ["why", "ran", "age"];

fn integer(number: Option<i64>) -> Cell<'static> {
    number.map_or(Cell::Absent, Cell::Integer)
}

impl Column {
    /// The names of the columns that every job has.
    pub fn names() -> impl Iterator<Item = &'static str> {
        COLUMNS.iter().map(|(name, ..)| *name)
    }

    /// The column with this name: one that every job has, or `details.FIELD[.FIELD…]`, or
    /// `labels.KEY`.
    ///
    /// # Errors
    /// Wrong use, with the nearest name.
    pub fn named(name: &str) -> Result<Self, Problem> {
        let wanted = name.trim().to_ascii_lowercase();
        if let Some((name, title, cell)) = COLUMNS.iter().find(|(name, ..)| *name == wanted) {
            return Ok(Self {
                name: Cow::Borrowed(name),
                source: Source::Known(title, *cell),
            });
        }
        for (prefix, source) in [("details.", Source::Detail), ("labels.", Source::Label)] {
            if name
                .trim()
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty())
            {
                return Ok(Self {
                    name: Cow::Owned(name.trim().to_owned()),
                    source,
                });
            }
        }
        let near = closest_match(Self::names(), &wanted);
        let near = near.map_or_else(String::new, |near| format!("did you mean '{near}'? "));
        Err(
            Problem::usage(format!("unknown column '{}'", name.trim())).with_hint(format!(
                "{near}available: {}; and details.FIELD, labels.KEY",
                COLUMNS.map(|(name, ..)| name).join(" ")
            )),
        )
    }

    /// The path of a field of `details`: its names from the outermost.
    pub fn path_in_details(&self) -> Option<Vec<&str>> {
        let is_detail = matches!(self.source, Source::Detail);
        is_detail.then(|| self.name.split('.').skip(1).collect())
    }

    /// The columns with these names, which are names of columns.
    pub(super) fn all(names: &[&str]) -> Vec<Self> {
        let named = |name: &&str| Self::named(name).expect("the columns of our own tables exist");
        names.iter().map(named).collect()
    }

    /// The columns of csv and tsv where none were chosen: all that every job has, once each.
    pub(super) fn for_programs() -> Vec<Self> {
        let names = COLUMNS.iter().map(|(name, ..)| *name);
        let names: Vec<&str> = names
            .filter(|name| !HUMAN_ONLY_COLUMNS.contains(name))
            .collect();
        Self::all(&names)
    }

    /// Its title in tables for people.
    pub(super) fn title(&self) -> String {
        match self.source {
            Source::Known(title, _) => title.to_owned(),
            Source::Detail | Source::Label => {
                let (_, key) = self.name.split_once('.').unwrap_or(("", &self.name));
                key.to_uppercase()
            }
        }
    }

    /// What it holds for a job.
    pub(super) fn cell<'a>(&self, job: &'a Job) -> Cell<'a> {
        match self.source {
            Source::Known(_, cell) => cell(job),
            Source::Detail => detail(job, self.name.split('.').skip(1)),
            Source::Label => {
                let (_, key) = self.name.split_once('.').unwrap_or_default();
                Cell::text(job.labels.get(key).and_then(Option::as_deref))
            }
        }
    }
}

/// A field of `details`, read from the same document that the JSON shows.
fn detail<'a>(job: &Job, path: impl Iterator<Item = &'a str>) -> Cell<'static> {
    let document = job.details.as_ref().map(serde_json::to_value);
    let Some(Ok(mut value)) = document else {
        return Cell::Absent;
    };
    for field in path {
        let inner = match &mut value {
            Value::Object(fields) => fields.get_mut(field).map(Value::take),
            _ => None,
        };
        let Some(inner) = inner else {
            return Cell::Absent;
        };
        value = inner;
    }
    match value {
        Value::Null => Cell::Absent,
        Value::Bool(flag) => Cell::Flag(flag),
        Value::String(text) => Cell::Text(text.into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Cell::Integer(number),
            (None, Some(number)) => Cell::Number(number),
            (None, None) => Cell::Text(number.to_string().into()),
        },
        nested => Cell::Text(nested.to_string().into()),
    }
}

/// What things are sorted by.
#[derive(Debug, Clone)]
pub struct Sort {
    column: Column,
    descending: bool,
}

impl Sort {
    /// Reads `COLUMN`, or `-COLUMN` for the greatest first.
    ///
    /// # Errors
    /// Wrong use, with the nearest name.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (name, descending) = match text.trim().strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        Ok(Self {
            column: Column::named(name)?,
            descending,
        })
    }

    /// The column by which.
    pub fn column(&self) -> &Column {
        &self.column
    }

    /// Puts things in order; those that are alike keep theirs, and what is not known comes last
    /// either way. States are ordered by the course of a life.
    pub fn apply(&self, jobs: &mut [Job]) {
        if self.column.name == "state" {
            let place = |job: &Job| State::ALL.iter().position(|state| *state == job.state);
            jobs.sort_by(|one, other| self.directed(place(one).cmp(&place(other))));
            return;
        }
        jobs.sort_by(|one, other| {
            let (one, other) = (self.column.cell(one), self.column.cell(other));
            let order = one.compare(&other);
            match (one, other) {
                (Cell::Absent, _) | (_, Cell::Absent) => order,
                _ => self.directed(order),
            }
        });
    }

    fn directed(&self, order: Ordering) -> Ordering {
        if self.descending {
            order.reverse()
        } else {
            order
        }
    }
}

#[cfg(test)]
mod tests;
