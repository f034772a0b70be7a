//! How the logs of a kind are read.

use super::Operation;

/// How the logs of a kind are read.
#[derive(Debug)]
pub enum LogSupport {
    /// By an operation of the API.
    Operation(LogSpec),
    /// The API has no operation for it; the text names where the log is instead.
    Unavailable(&'static str),
}

/// An operation that reads logs, and what it can do.
#[derive(Debug)]
pub struct LogSpec {
    /// The operation.
    pub operation: Operation,
    /// Logs can be limited to the lines since a moment.
    pub since: bool,
    /// The log of a container before its last restart can be read.
    pub previous: bool,
    /// Lines can be given with their times.
    pub timestamps: bool,
    /// The response can go on while the log is written; its lines have times then.
    pub follow: bool,
    /// True where a full response may have the first lines of a longer log and not its last, since the
    /// documentation does not define which.
    pub may_lack_end: bool,
    /// The kind of the tasks that have logs, where not all have.
    pub task_kind: Option<&'static str>,
    /// True where a log is a file in the user's storage, which outlives the job.
    pub is_file: bool,
    /// What is written apart, such as `stdout` and `stderr`; empty where all is in one log.
    pub streams: &'static [&'static str],
}

impl LogSpec {
    /// An operation that gives text only.
    pub const fn new(operation: Operation) -> Self {
        Self {
            operation,
            since: false,
            previous: false,
            timestamps: false,
            follow: false,
            may_lack_end: false,
            task_kind: None,
            is_file: false,
            streams: &[],
        }
    }
}
