//! Lists the logs of a job.

use crate::kind::{Kind, LogSupport};
use crate::model::{Job, State, Task};

/// One log of a job: of a container, of a task, or of a stream such as `stdout`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSource {
    /// Id of the task, or its name if it has no id; `None` for a log of the whole job.
    pub task: Option<String>,
    /// Name of the container or stream; `None` if a task has a single log.
    pub container: Option<String>,
    /// Path of the file, for kinds whose logs are files.
    pub path: Option<String>,
    /// True for a container that runs before the others.
    pub init: bool,
    /// True for a container that runs next to the main ones and whose exit does not affect the outcome.
    pub is_sidecar: bool,
    /// State of the container, or else of the task or job.
    pub state: State,
    /// How often the container was restarted.
    pub restarts: u64,
    /// The node that writes the log, if requests need its name.
    pub node: Option<String>,
}

impl LogSource {
    /// Returns the logs of a job: one for each container, one for each task without containers, or one for a
    /// job without tasks.
    pub fn of_job(job: &Job) -> Vec<Self> {
        let source = Self {
            state: job.state,
            ..Self::default()
        };
        match job.tasks.is_empty() {
            true => vec![source],
            false => job.tasks.iter().flat_map(Self::of_task).collect(),
        }
    }

    /// Like [`LogSource::of_job`], limited to the logs that the kind has, with one log per stream.
    pub(super) fn of_kind(kind: &Kind, job: &Job) -> Vec<Self> {
        let LogSupport::Operation(spec) = &kind.logs else {
            return Self::of_job(job);
        };
        let sources = match spec.task_kind {
            None => Self::of_job(job),
            Some(kind) => {
                let tasks = job.tasks.iter().filter(|task| task.kind == kind);
                tasks.flat_map(Self::of_task).collect()
            }
        };
        if spec.streams.is_empty() {
            return sources;
        }
        let streams = |source: Self| {
            spec.streams.iter().map(move |name| Self {
                container: Some((*name).to_owned()),
                ..source.clone()
            })
        };
        sources.into_iter().flat_map(streams).collect()
    }

    /// Returns the task of the log; `None` for a log of the whole job, or if the job no longer has the task.
    pub fn task_in<'a>(&self, job: &'a Job) -> Option<&'a Task> {
        let id = self.task.as_ref()?;
        let mut tasks = job.tasks.iter();
        tasks.find(|task| task.id.as_ref().or(task.name.as_ref()) == Some(id))
    }

    /// Returns `true` if both are the same log of the same job. The state is not compared.
    pub fn is_same(&self, other: &Self) -> bool {
        self.task == other.task && self.container == other.container
    }

    /// Returns the rank of the log of a failed task or container, in the order of the tasks that explain the
    /// failure. The containers of a job that has not ended which [wait for a restart](Self::has_crashed) come after
    /// them. Returns `None` for other logs.
    pub fn failure_rank(&self, failed: &[&Task], has_job_ended: bool) -> Option<usize> {
        let is_own = |task: &&Task| task.id.as_ref().or(task.name.as_ref()) == self.task.as_ref();
        if self.state == State::Failed && !self.is_sidecar {
            return Some(failed.iter().position(is_own).unwrap_or(failed.len()));
        }
        (self.has_crashed() && !has_job_ended).then_some(failed.len() + 1)
    }

    /// Returns `true` for a container that [waits for a restart](Self::waits_for_restart), except a sidecar.
    pub fn has_crashed(&self) -> bool {
        self.waits_for_restart() && !self.is_sidecar
    }

    /// Returns `true` for a container that does not run but was restarted before, such as one that crashes
    /// repeatedly. Its log is that of its last run.
    pub fn waits_for_restart(&self) -> bool {
        let is_early = matches!(self.state, State::Pending | State::Starting);
        is_early && self.restarts > 0
    }

    fn of_task(task: &Task) -> Vec<Self> {
        let source = Self {
            task: task.id.clone().or_else(|| task.name.clone()),
            state: task.state,
            ..Self::default()
        };
        if task.containers.is_empty() {
            return vec![source];
        }
        let containers = task.containers.iter().map(|container| Self {
            container: container.name.clone(),
            init: container.init,
            is_sidecar: container.is_sidecar,
            // A container without a reported state waits as its task does.
            state: match container.state {
                State::Unknown if !task.ended => task.state,
                state => state,
            },
            restarts: container.restart_count.unwrap_or_default(),
            ..source.clone()
        });
        containers.collect()
    }
}
