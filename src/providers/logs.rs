//! Logs: which ones a job has, and how one is read piece by piece.

use crate::error::Problem;
use crate::model::{Job, State, Task, Time};
use crate::reference::Reference;

/// One log of a job: of a container, of a task, or of a stream such as `stdout`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSource {
    /// Id of the task; `None` for a log of the job as a whole.
    pub task: Option<String>,
    /// Name of the container or stream; `None` where a task has a single log.
    pub container: Option<String>,
    /// True for a container that runs before the others.
    pub init: bool,
    /// State of the container, or of what has the log.
    pub state: State,
    /// How often the container was restarted.
    pub restarts: u64,
}

impl LogSource {
    /// The logs of a job: one for each container, for each task without containers, or for the job
    /// itself where it has no tasks.
    pub fn of_job(job: &Job) -> Vec<Self> {
        let own = Self {
            state: job.state,
            ..Self::default()
        };
        match job.tasks.is_empty() {
            true => vec![own],
            false => job.tasks.iter().flat_map(Self::of_task).collect(),
        }
    }

    /// The named streams of a job that has no tasks.
    pub fn of_streams(job: &Job, streams: &[&str]) -> Vec<Self> {
        let stream = |name: &&str| Self {
            container: Some((*name).to_owned()),
            state: job.state,
            ..Self::default()
        };
        streams.iter().map(stream).collect()
    }

    fn of_task(task: &Task) -> Vec<Self> {
        let own = Self {
            task: task.id.clone().or_else(|| task.name.clone()),
            state: task.state,
            ..Self::default()
        };
        if task.containers.is_empty() {
            return vec![own];
        }
        let containers = task.containers.iter().map(|container| Self {
            container: container.name.clone(),
            init: container.init,
            state: container.state,
            restarts: container.restart_count.unwrap_or_default(),
            ..own.clone()
        });
        containers.collect()
    }
}

/// What is wanted of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogParams {
    /// The last so many lines.
    pub tail_lines: Option<u64>,
    /// Lines written then or later.
    pub since: Option<Time>,
    /// The log of the container before its last restart.
    pub previous: bool,
    /// Each line begins with its time in RFC 3339 and a space.
    pub timestamps: bool,
}

/// Where a piece of a log begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogPosition {
    /// Where [`LogParams`] say.
    #[default]
    Start,
    /// After so many bytes.
    Offset(u64),
    /// At a mark that the cloud gave.
    Token(String),
}

/// A request for a piece of a log.
#[derive(Debug, Clone, Copy)]
pub struct LogRequest<'a> {
    /// The job.
    pub reference: &'a Reference,
    /// Which of its logs.
    pub source: &'a LogSource,
    /// Where the piece begins.
    pub position: &'a LogPosition,
    /// What is wanted of the log.
    pub params: &'a LogParams,
}

impl LogRequest<'_> {
    /// The problem of a kind whose API has no operation for logs.
    pub fn unsupported(&self) -> Problem {
        Problem::usage(format!("{} has no operation for logs", self.reference.kind))
    }
}

/// A piece of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogChunk {
    /// The text as its writer wrote it, in any encoding.
    pub data: Vec<u8>,
    /// Where the next piece begins; `None` where the API has no positions, so that each request
    /// responds with the same window and new text is found by its overlap with the last one.
    pub next: Option<LogPosition>,
    /// True when the next piece is there already.
    pub has_more: bool,
    /// What the cloud left out, such as `only the last 2000 lines`.
    pub truncated: Option<String>,
}
