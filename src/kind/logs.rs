use super::Operation;

/// Describes how the logs of a kind are read.
#[derive(Debug)]
pub enum LogSupport {
    /// With an operation of the API.
    Operation(LogSpec),
    /// The API has no operation for logs. The text explains where the log is.
    Unavailable(&'static str),
}

/// Where a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStorage {
    /// With the container that writes it. The cloud removes both.
    Container,
    /// In a file in the user's storage, which outlives the job.
    File,
    /// With the result of the command or script, as long as the cloud keeps the job.
    Result,
}

/// An operation that reads logs, and its features.
#[derive(Debug)]
pub struct LogSpec {
    /// The operation.
    pub operation: Operation,
    /// `true` if logs can be limited to the lines since a time.
    pub since: bool,
    /// `true` if the log of a container before its last restart can be read.
    pub previous: bool,
    /// `true` if lines can be returned with their times.
    pub timestamps: bool,
    /// `true` if the response can continue while the log is written. Its lines then have times.
    pub follow: bool,
    /// `true` if a response of maximum size may contain the first lines of a longer log instead of the last, since
    /// the documentation does not define it.
    pub may_lack_end: bool,
    /// The kind of the tasks that have logs, if not all tasks have one.
    pub task_kind: Option<&'static str>,
    /// Where a log is kept.
    pub storage: LogStorage,
    /// Separate streams, such as `stdout` and `stderr`; empty if there is only one log.
    pub streams: &'static [&'static str],
}

impl LogSpec {
    /// Creates an operation without any of these features.
    pub const fn new(operation: Operation) -> Self {
        Self {
            operation,
            since: false,
            previous: false,
            timestamps: false,
            follow: false,
            may_lack_end: false,
            task_kind: None,
            storage: LogStorage::Container,
            streams: &[],
        }
    }
}
