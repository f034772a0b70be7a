use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Container, Job, Level, Object, State, Task, Termination, Time};
use crate::sort::SortExt as _;

/// What an occurrence is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventSubject {
    /// The resource itself was created, started or ended.
    #[default]
    Job,
    /// A part of it was: a container group, a sub-job, a node.
    Task,
    /// A container started or ended, for the last time or before a restart.
    Container,
    /// An event that the cloud reports.
    Event,
}

impl EventSubject {
    /// Returns the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Task => "task",
            Self::Container => "container",
            Self::Event => "event",
        }
    }
}

/// One entry: a change of state of a job, task or container, or an event.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct TimelineEvent {
    /// The time by which entries are sorted: when it was last seen, else when it was
    /// first seen; null when the cloud reports neither.
    pub happened_at: Option<Time>,
    /// When it was first seen.
    pub first_at: Option<Time>,
    /// When it was last seen.
    pub last_at: Option<Time>,
    /// When an event was first recorded, if this is known more precisely than `first_at`; not shown.
    #[serde(skip)]
    pub recorded_at: Option<Time>,
    /// How often it was seen; null for a change of state.
    pub count: Option<u64>,
    /// Normalised level of an event; null for a change of state and for an unrecognized level.
    pub level: Option<Level>,
    /// The cloud's own word for the level.
    pub level_raw: Option<String>,
    /// What the entry is about.
    pub what: EventSubject,
    /// Canonical reference of the resource.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Long name of the cloud.
    pub cloud: String,
    /// Bare kind of the resource: `job`, `service`, ….
    pub kind: String,
    /// Id of the task, or its name when it has no id.
    pub task: Option<String>,
    /// Name of the task; null where another task of the resource has the same name.
    pub task_name: Option<String>,
    /// Name of the container.
    pub container: Option<String>,
    /// The affected object. The kind is the cloud's word for an event, else `job`, a
    /// task's kind, `container` or `init_container`.
    pub object: Object,
    /// The state that was entered: `pending` at the creation, `running` at the start,
    /// else the final state; null for an event.
    pub state: Option<State>,
    /// Exit code of an end.
    pub exit_code: Option<i64>,
    /// Signal of an end.
    pub signal: Option<i64>,
    /// The number of the restart, when a container started again.
    pub restart_count: Option<u64>,
    /// Short reason.
    pub reason: Option<String>,
    /// What happened, in a sentence.
    pub message: Option<String>,
    /// True for a failed end and for a warning.
    pub is_problem: bool,
    /// True for the first problem of this resource.
    pub first_bad: bool,
}

impl TimelineEvent {
    /// Returns all known entries of a job, oldest first; entries without a time come last.
    ///
    /// No event is omitted. Creation and start in the same second are one entry. A task or container that ended at
    /// an unknown time is included only if it failed; the job itself always is.
    pub fn all_of(job: &Job) -> Vec<Self> {
        let mut all = EventBuilder::job(job).started_events(job.created_at, job.started_at);
        let names = Names::from_job(job);
        for task in &job.tasks {
            all.extend(
                EventBuilder::task(job, task, &names)
                    .started_events(task.created_at, task.started_at),
            );
            for container in &task.containers {
                all.extend(container_starts(job, task, &names, container));
            }
        }
        all.extend(events(job, &names));
        for task in &job.tasks {
            for container in &task.containers {
                all.extend(container_ends(job, task, &names, container));
            }
            all.push(Self {
                exit_code: task.exit_code,
                reason: task.reason.clone(),
                message: task.message.clone(),
                ..EventBuilder::task(job, task, &names).end_event(task.finished_at, task.state)
            });
        }
        let is_known = |one: &Self| {
            one.happened_at.is_some() || one.what == EventSubject::Event || one.is_problem
        };
        all.retain(is_known);
        if job.ended {
            all.push(Self {
                exit_code: job.exit_code,
                reason: job.reason.clone().map(String::from),
                message: job.message.clone(),
                ..EventBuilder::job(job).end_event(job.finished_at, job.state)
            });
        }
        sort(&mut all);
        mark_first_problem(&mut all);
        all
    }

    /// Returns `true` if the entry is a problem or an event that a gate for warnings counts, since its level is missing
    /// or unknown. Clouds whose events have no level would otherwise have no warnings.
    pub fn may_be_problem(&self) -> bool {
        let is_event = self.what == EventSubject::Event;
        self.is_problem || (is_event && Level::may_be_warning(self.level))
    }
}

/// Sorts entries oldest first, those without a time last; keeps the order of entries at the same time.
pub(super) fn sort(occurrences: &mut [TimelineEvent]) {
    occurrences.order_by_key(|one| (one.happened_at.is_none(), one.happened_at));
}

/// Marks the problem that was seen first. Of problems of the same second, it is the one that was recorded first if
/// this is known, else the first entry.
fn mark_first_problem(occurrences: &mut [TimelineEvent]) {
    let bad = occurrences.iter_mut().filter(|one| one.is_problem);
    let seen = |one: &&mut TimelineEvent| {
        let at = one.first_at.or(one.happened_at);
        let at = match one.recorded_at {
            Some(_) => at.map(Time::whole_second),
            None => at,
        };
        (at.is_none(), at, one.recorded_at.is_none(), one.recorded_at)
    };
    if let Some(first) = bad.min_by_key(seen) {
        first.first_bad = true;
    }
}

/// The names of a job's tasks.
struct Names<'a> {
    by_id: HashMap<&'a str, &'a String>,
    times: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn from_job(job: &'a Job) -> Self {
        let mut names = Self {
            by_id: HashMap::new(),
            times: HashMap::new(),
        };
        for task in &job.tasks {
            if let (Some(id), Some(name)) = (&task.id, &task.name) {
                names.by_id.insert(id, name);
            }
            if let Some(name) = &task.name {
                *names.times.entry(name).or_default() += 1;
            }
        }
        names
    }

    /// Returns the name, if it is unique among the tasks.
    fn unambiguous(&self, name: Option<&String>) -> Option<String> {
        let name = name.filter(|name| self.times.get(name.as_str()) == Some(&1));
        name.cloned()
    }

    fn of_id(&self, id: Option<&String>) -> Option<String> {
        self.unambiguous(self.by_id.get(id?.as_str()).copied())
    }
}

/// Builds entries for changes of state: an entry without time and state.
struct EventBuilder(TimelineEvent);

impl EventBuilder {
    fn job(job: &Job) -> Self {
        Self(TimelineEvent {
            object: Object {
                kind: Some("job".to_owned()),
                name: job.name.clone(),
            },
            ..base_event(job, EventSubject::Job)
        })
    }

    fn task(job: &Job, task: &Task, names: &Names) -> Self {
        let name = names.unambiguous(task.name.as_ref());
        Self(TimelineEvent {
            task: task.id.clone().or_else(|| task.name.clone()),
            task_name: name.clone(),
            object: Object {
                kind: Some(task.kind.clone()),
                name: name
                    .or_else(|| task.id.clone())
                    .or_else(|| task.name.clone()),
            },
            ..base_event(job, EventSubject::Task)
        })
    }

    fn container(job: &Job, task: &Task, names: &Names, container: &Container) -> Self {
        let kind = match container.init {
            true => "init_container",
            false => "container",
        };
        let Self(of_task) = Self::task(job, task, names);
        Self(TimelineEvent {
            what: EventSubject::Container,
            container: container.name.clone(),
            object: Object {
                kind: Some(kind.to_owned()),
                name: container.name.clone(),
            },
            ..of_task
        })
    }

    fn at(&self, at: Option<Time>, state: State) -> TimelineEvent {
        TimelineEvent {
            happened_at: at,
            first_at: at,
            last_at: at,
            state: Some(state),
            ..self.0.clone()
        }
    }

    /// Returns the creation and the start, or only the start if both are in the same second.
    fn started_events(
        &self,
        created_at: Option<Time>,
        started_at: Option<Time>,
    ) -> Vec<TimelineEvent> {
        let second = |at: Option<Time>| at.map(|at| at.to_datetime().timestamp());
        let started = self.at(started_at, State::Running);
        match second(created_at) == second(started_at) {
            true => vec![started],
            false => vec![self.at(created_at, State::Pending), started],
        }
    }

    /// Returns an end, whose state can be unknown.
    fn end_event(&self, at: Option<Time>, state: State) -> TimelineEvent {
        let end = if state.is_end() {
            state
        } else {
            State::Unknown
        };
        TimelineEvent {
            is_problem: end == State::Failed,
            ..self.at(at, end)
        }
    }
}

fn base_event(job: &Job, what: EventSubject) -> TimelineEvent {
    TimelineEvent {
        what,
        reference: job.reference.clone(),
        cloud: job.cloud.clone().into_owned(),
        kind: job.kind.clone().into_owned(),
        ..TimelineEvent::default()
    }
}

fn container_starts(
    job: &Job,
    task: &Task,
    names: &Names,
    container: &Container,
) -> Vec<TimelineEvent> {
    let subject = EventBuilder::container(job, task, names, container);
    let before = container.previous.as_ref();
    let before = before.map(|previous| subject.at(previous.started_at, State::Running));
    let last = TimelineEvent {
        restart_count: container.restart_count.filter(|count| *count > 0),
        ..subject.at(container.started_at, State::Running)
    };
    before.into_iter().chain([last]).collect()
}

fn container_ends(
    job: &Job,
    task: &Task,
    names: &Names,
    container: &Container,
) -> Vec<TimelineEvent> {
    let subject = EventBuilder::container(job, task, names, container);
    let before = container.previous.as_deref();
    let before = before.map(|previous| termination(&subject, previous));
    let last = TimelineEvent {
        exit_code: container.exit_code,
        signal: container.signal,
        reason: container.reason.clone(),
        message: container.message.clone(),
        ..subject.end_event(container.finished_at, container.state)
    };
    before.into_iter().chain([last]).collect()
}

fn termination(subject: &EventBuilder, previous: &Termination) -> TimelineEvent {
    TimelineEvent {
        exit_code: previous.exit_code,
        signal: previous.signal,
        reason: previous.reason.clone(),
        message: previous.message.clone(),
        ..subject.end_event(previous.finished_at, previous.state)
    }
}

/// Returns the job's events, which the job lists newest first.
fn events<'a>(job: &'a Job, names: &'a Names) -> impl Iterator<Item = TimelineEvent> {
    job.events.iter().rev().map(move |event| TimelineEvent {
        happened_at: event.happened_at(),
        first_at: event.first_at,
        last_at: event.last_at,
        recorded_at: event.recorded_at,
        count: event.count,
        level: event.level,
        level_raw: event.level_raw.clone(),
        task: event.task.clone(),
        task_name: names.of_id(event.task.as_ref()),
        object: event.object.clone(),
        reason: event.reason.clone(),
        message: event.message.clone(),
        is_problem: event.level == Some(Level::Warning),
        ..base_event(job, EventSubject::Event)
    })
}

#[cfg(test)]
mod tests;
