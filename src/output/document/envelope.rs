use schemars::JsonSchema;
use serde::Serialize;

use super::Gate;
use crate::error::{Problem, Stop, exit_code};
use crate::gate::Verdict;
use crate::model::{Job, Notice, ScopeSummary};

/// The envelope of all commands: what was found, what failed, and how the command ended.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Envelope<T = ReportContent> {
    /// Version of the shape: `joblens/1`.
    #[schemars(extend("const" = Envelope::SCHEMA))]
    pub schema: &'static str,
    /// Name of the command.
    pub command: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub content: T,
    /// The failures, in the order of the references.
    pub errors: Vec<Problem>,
    /// Additional notices.
    pub notices: Vec<Notice>,
    /// How many of the requested references were answered.
    pub coverage: Coverage,
    /// The gate's verdict; null without a gate.
    pub gate: Option<Gate>,
    /// The exit code of the command.
    pub exit: Exit,
    /// Requests that were sent, every attempt counted; streams report it in their summary.
    #[serde(skip)]
    pub requests: u64,
}

/// The jobs and scopes that were found.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct ReportContent {
    /// The jobs that were found, in the order of the references.
    pub jobs: Vec<Job>,
    /// Scopes, such as clusters, where scopes were listed; else empty.
    pub scopes: Vec<ScopeSummary>,
}

impl Envelope {
    /// The version of the shape, in which fields can be added but not removed.
    pub const SCHEMA: &'static str = "joblens/1";

    /// Creates an envelope without a gate; the exit code follows from the errors.
    pub fn new(
        command: &'static str,
        jobs: Vec<Job>,
        errors: Vec<Problem>,
        notices: Vec<Notice>,
    ) -> Self {
        let answered = jobs.len();
        let scopes = Vec::new();
        Self::of(
            command,
            ReportContent { jobs, scopes },
            answered,
            errors,
            notices,
        )
    }
}

impl<T> Envelope<T> {
    /// Creates an envelope with the content for this many references; the exit code follows from the errors.
    pub(super) fn of(
        command: &'static str,
        content: T,
        answered: usize,
        errors: Vec<Problem>,
        notices: Vec<Notice>,
    ) -> Self {
        Self {
            schema: Envelope::SCHEMA,
            command,
            content,
            coverage: Coverage {
                complete: errors.is_empty(),
                requested: (answered + errors.len()) as u64,
                answered: answered as u64,
            },
            gate: None,
            exit: Exit::new(exit_code::of(&errors)),
            requests: 0,
            errors,
            notices,
        }
    }

    /// Marks the envelope as one of a command that sent no requests.
    #[must_use]
    pub fn without_requests(mut self) -> Self {
        self.coverage.requested = 0;
        self
    }

    /// Sets the exit code of a command that was stopped with the results so far.
    #[must_use]
    pub fn stopped(mut self, stop: Option<Stop>) -> Self {
        if let Some(stop) = stop {
            self.exit = Exit::new(stop.exit_code());
            self.coverage.complete = false;
        }
        self
    }

    /// Sets the exit code of a command whose output is lost.
    pub fn lose_output(&mut self) {
        self.exit = Exit::new(exit_code::with_lost_output(self.exit.code));
    }

    /// Returns why there may be more than was found; `None` if everything was answered.
    pub fn incomplete(&self) -> Option<String> {
        let requested = self.coverage.requested;
        let failed = match self.command {
            // The others are errors about events of jobs that were read.
            "events" => requested.saturating_sub(self.coverage.answered),
            _ => self.errors.len() as u64,
        };
        let is_signal = [exit_code::INTERRUPTED, exit_code::TERMINATED].contains(&self.exit.code);
        match requested {
            _ if is_signal && !self.coverage.complete => Some(self.exit.word.to_owned()),
            0 if !self.errors.is_empty() => Some("no request was sent".to_owned()),
            _ if failed > 0 => Some(format!("{failed} of {requested} could not be read")),
            _ => (!self.coverage.complete).then(|| "events could not be read".to_owned()),
        }
    }

    /// Adds a gate, whose exit code takes precedence over that of the errors.
    pub fn with_gate(mut self, gate: Gate, code: u8) -> Self {
        self.exit = Exit::new(code);
        if gate.verdict == Verdict::Passed {
            self.exit.word = Exit::PASSED;
        }
        self.requests = gate.requests;
        self.gate = Some(gate);
        self
    }
}

/// How many of the requested references were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Coverage {
    /// True when all references were answered, and lists and events were read to their end.
    pub complete: bool,
    /// Number of references.
    #[serde(rename = "asked")]
    pub requested: u64,
    /// Number of references that were answered.
    pub answered: u64,
}

/// The exit code of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Exit {
    /// Exit code of the process.
    #[schemars(extend("enum" = Self::codes()))]
    pub code: u8,
    /// The same as a word; 0 is `ok`, or `passed` with a gate.
    #[schemars(extend("enum" = Self::words()))]
    pub word: &'static str,
}

impl Exit {
    /// Every exit code with its word; with a gate, the word for 0 is `passed`.
    const ALL: [(u8, &'static str); 11] = [
        (exit_code::OK, "ok"),
        (exit_code::FAILED, "failed"),
        (exit_code::USAGE, "usage"),
        (exit_code::NOT_FOUND, "not_found"),
        (exit_code::CREDENTIALS, "credentials"),
        (exit_code::SERVICE, "service"),
        (exit_code::PENDING, "pending"),
        (exit_code::TIMED_OUT, "timeout"),
        (exit_code::INTERRUPTED, "interrupted"),
        (exit_code::BROKEN_PIPE, "closed"),
        (exit_code::TERMINATED, "terminated"),
    ];
    const PASSED: &'static str = "passed";

    /// Returns an exit code with its word without a gate.
    pub fn new(code: u8) -> Self {
        let known = Self::ALL.into_iter().find(|(known, _)| *known == code);
        let word = known.map_or("service", |(_, word)| word);
        Self { code, word }
    }

    fn codes() -> [u8; 11] {
        Self::ALL.map(|(code, _)| code)
    }

    fn words() -> Vec<&'static str> {
        let words = Self::ALL.iter().map(|(_, word)| *word);
        words.chain([Self::PASSED]).collect()
    }
}
