//! Defines one model for the responses of every cloud: [`Job`] and its parts.
//!
//! Names are snake_case in JSON, and every key is always present: missing values are `null`, lists are never null.
//! Times are RFC 3339 UTC in whole seconds, durations seconds, memory bytes, cpu vCPU. The model does not depend on
//! clouds or output formats.

mod container;
mod details;
mod duration;
mod event;
mod failure;
mod notice;
mod reason;
mod scope;
mod since;
mod skipped_source;
mod state;
mod task;
mod texts;
mod time;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Category, Problem};
use crate::sort::SortExt as _;
use schemars::JsonSchema;
use serde::Serialize;

pub use container::{
    Container, EnvVar, HttpGet, Mount, Port, Probe, Probes, Security, TcpSocket, Termination,
};
pub use details::{Details, EXTENSIBLE, JobDetails, ScopeDetails, TaskDetails};
pub use duration::duration;
pub use event::{Event, Level, Object, UnreadableTimes};
pub use failure::{failed_container, failed_tasks, repeats_exit_code};
pub use notice::{Notice, NoticeCode};
pub use reason::Reason;
pub use scope::ScopeSummary;
pub use since::Since;
pub use skipped_source::SkippedSource;
pub use state::State;
pub use task::{Address, ConfigFile, Disk, EmptyDir, Flex, Nfs, Task, Volume};
pub use texts::{TextField, Texts};
pub use time::{Time, TimeText};

/// A job, container instance, invocation or service: the resource that a reference names.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Job {
    /// Canonical reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The reference as the user typed it.
    pub input: Arc<str>,
    /// Long name of the cloud.
    pub cloud: Cow<'static, str>,
    /// Profile that was used.
    pub profile: Arc<str>,
    /// The cloud's region, if known.
    pub region: Option<String>,
    /// Bare kind: `job`, `invocation`, `hpc-job`, `dlc-job`, `instant-job`, `scheduler-job`, `instance`,
    /// `image-job`, `training-job`, `training-task`, `batch-job`, `service`, `pod`, `workload`, `volcano-job`,
    /// `kubeflow-job`, `jobset`, `argo-workflow`.
    pub kind: Cow<'static, str>,
    /// Cluster of the resource, for kinds that have one.
    pub cluster: Option<String>,
    /// Namespace of the resource, for kinds that have one.
    pub namespace: Option<String>,
    /// The last segment of the reference.
    pub id: String,
    /// Name given by its owner.
    pub name: Option<String>,
    /// Normalised state.
    pub state: State,
    /// The cloud's value, trimmed; null if the operation reports none.
    pub state_raw: Option<String>,
    /// True when the state can no longer change by itself.
    pub ended: bool,
    /// `met`, `unmet` or `pending` in a gate, else null.
    #[schemars(extend("enum" = ["met", "unmet", "pending", null]))]
    pub verdict: Option<String>,
    /// Id of the object, if another object can later have the same name; not shown.
    #[serde(skip)]
    pub uid: Option<String>,
    /// Reason of the state as a short word or code.
    pub reason: Option<Reason>,
    /// Reason of the state in a sentence.
    pub message: Option<String>,
    /// Exit code; null unless the resource has ended. If several parts failed, it is that of the part that explains
    /// the failure: of parts that ran at the same time, the one that failed first and was not only stopped; of
    /// retries, the last one.
    pub exit_code: Option<i64>,
    /// Owner.
    pub user: Option<String>,
    /// Queue or card group.
    pub queue: Option<String>,
    /// Priority in the cloud's scale.
    pub priority: Option<i64>,
    /// Labels or tags.
    pub labels: BTreeMap<String, Option<String>>,
    /// When it was submitted or created.
    pub created_at: Option<Time>,
    /// When it began to run; null while it is pending.
    pub started_at: Option<Time>,
    /// True if a start was reported, even of a previous run; not shown.
    #[serde(skip)]
    pub has_started: bool,
    /// When it ended; null before it ends.
    pub finished_at: Option<Time>,
    /// When the cloud last updated its record.
    pub updated_at: Option<Time>,
    /// Whole seconds from start to end, or to `observed_at` while it runs; null before it runs, or if the end is
    /// not reported.
    pub duration_seconds: Option<i64>,
    /// Allocated resources.
    pub resources: Resources,
    /// Index range of an array job.
    pub array: Option<Array>,
    /// Its parts: container groups, sub-jobs, nodes of an invocation.
    pub tasks: Vec<Task>,
    /// Events, newest first; those of the same second in the reverse of the order in which they happened, as far
    /// as the cloud reports it. Of a Kubernetes job or workload, only `events` reads those of all pods: other commands
    /// read those of five pods at most, and of none in a normal state.
    pub events: Vec<Event>,
    /// True if there may be more events that could not be read; not shown.
    #[serde(skip)]
    pub events_unreadable: bool,
    /// Reason why events could not be read, if a request failed; not shown.
    #[serde(skip)]
    pub events_problem: Option<Box<Problem>>,
    /// True if the request for it failed, and its end was reported by a list or a watch; not shown.
    #[serde(skip)]
    pub lookup_failed: bool,
    /// Reason why its tasks could not be read; not shown.
    #[serde(skip)]
    pub tasks_problem: Option<Box<Problem>>,
    /// True if `events` contains those of all subtasks of an array job; not shown.
    #[serde(skip)]
    pub has_subtask_events: bool,
    /// Number of warnings in `events`.
    pub warning_count: u64,
    /// Fields that only this kind has.
    #[schemars(with = "JobDetails")]
    pub details: Option<Arc<dyn Details>>,
    /// The cloud's request id.
    pub request_id: Option<String>,
    /// When the response arrived.
    pub observed_at: Option<Time>,
    /// True when it is a row of a list, which has fewer fields than a lookup: no events and, for most kinds,
    /// neither tasks nor an exit code.
    pub from_list: bool,
    /// The raw API response, if requested.
    pub raw: Option<Box<serde_json::Value>>,
    /// Category of the error that prevented reading subtasks, in addition to [`Reason::SubtasksUnread`]. It
    /// determines the exit code of a gate; not shown.
    #[serde(skip)]
    pub unread_cause: Option<Category>,
}

impl Job {
    /// Returns `true` if subtasks or other parts could not all be read, so that the state is uncertain
    /// ([`Reason::SubtasksUnread`]).
    pub fn has_unread_subtasks(&self) -> bool {
        self.reason == Some(Reason::SubtasksUnread)
    }

    /// Returns `true` if the result of a lookup (`self`) differs from the row of a list that shows an end.
    pub fn contradicts(&self, row: &Self) -> bool {
        !self.ended || self.state != row.state
    }

    /// Returns the reference with which the events of all subtasks can be read, such as `aliyun/job/c/10_1-9:2`;
    /// `None` unless this is a whole array job.
    pub fn subtask_references(&self) -> Option<String> {
        let is_entire_array = |array: &&Array| array.index.is_none() && !self.has_subtask_events;
        let array = self.array.as_ref().filter(is_entire_array)?;
        let reference = &self.reference;
        Some(match (array.start, array.end, array.step) {
            (Some(start), Some(end), None | Some(1)) => format!("{reference}_{start}-{end}"),
            (Some(start), Some(end), Some(step)) => format!("{reference}_{start}-{end}:{step}"),
            _ => format!("{reference}_INDEX"),
        })
    }

    /// Returns the error of a request for events that failed, with the reference of the job. Since the job exists, it
    /// is not `not_found`.
    pub fn events_error(&self) -> Option<Problem> {
        let problem = self.events_problem.as_deref()?;
        let category = match problem.category {
            Category::NotFound => Category::ServiceError,
            category => category,
        };
        Some(Problem {
            category,
            reference: Some(self.reference.clone()),
            input: Some(self.input.to_string()),
            message: format!("cannot read its events: {}", problem.message),
            ..problem.clone()
        })
    }

    /// Sets the fields that depend on others: sorts events from the newest, sets `warning_count` and
    /// `duration_seconds`, and clears the end of a job that has not ended and the start of a pending one.
    pub fn finalize(&mut self, observed_at: Time) {
        self.observed_at = Some(observed_at);
        // Schedulers report the expected start of a pending job, or the start of its run before a requeue.
        let is_pending = self.state == State::Pending;
        let start = self.started_at;
        self.has_started = start.is_some_and(|start| !is_pending || start <= observed_at);
        self.started_at = start.filter(|_| !is_pending);
        if !self.ended {
            self.finished_at = None;
            self.exit_code = None;
        }
        self.events
            .order_by_key(|event| std::cmp::Reverse((event.happened_at(), event.recorded_at)));
        self.warning_count = self
            .events
            .iter()
            .filter(|event| event.level == Some(Level::Warning))
            .count() as u64;
        // A controller may have accepted a job that is starting long before any of its tasks runs.
        let start = self.started_at.filter(|_| self.state != State::Starting);
        self.duration_seconds = start.and_then(|start| {
            let now = (!self.ended).then_some(observed_at);
            let until = self.finished_at.or(now)?;
            (until >= start).then(|| until.seconds_since(start))
        });
    }
}

/// Resources allocated to a job, task or container.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
pub struct Resources {
    /// vCPU.
    pub cpu: Option<f64>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Temporary storage in bytes.
    pub ephemeral_storage_bytes: Option<u64>,
    /// Number of accelerator cards.
    pub accelerators: Option<u64>,
    /// Type of the accelerators.
    pub accelerator_type: Option<String>,
}

/// Index range of an array job, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "ArrayRange")]
pub struct Array {
    /// First index.
    pub start: Option<i64>,
    /// Last index.
    pub end: Option<i64>,
    /// Step between two indices.
    pub step: Option<i64>,
    /// Index of this subtask, if the job is a subtask.
    pub index: Option<i64>,
}

impl Array {
    /// An array job whose range is unknown.
    pub const UNKNOWN: Self = Self {
        start: None,
        end: None,
        step: None,
        index: None,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_no_duration_before_it_runs() {
        let time = |seconds| Time::from_unix(seconds).unwrap();
        // The state, the reported start, and the expected results at 1,000.
        for (state, start, started_at, has_started, duration) in [
            (State::Pending, 400, None, true, None),
            (State::Pending, 4_000, None, false, None),
            (State::Starting, 400, Some(400), true, None),
            (State::Running, 400, Some(400), true, Some(600)),
        ] {
            let mut job = Job {
                state,
                started_at: Some(time(start)),
                ..Job::default()
            };
            job.finalize(time(1_000));
            let shown = (job.started_at, job.has_started, job.duration_seconds);
            assert_eq!(
                shown,
                (started_at.map(time), has_started, duration),
                "{state}"
            );
        }
    }
}
