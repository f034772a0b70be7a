//! Gates: conditions on jobs that decide an exit code.
//!
//! Everything here is pure: results of polls and times are passed in. Two rules take precedence over all others:
//! never "passed" if a job ended without meeting the condition, and never "failed" if no job did.

mod condition;
mod job_history;
mod verdict;
mod warnings;

use std::borrow::Cow;
use std::time::Duration;

pub use condition::{Condition, KindWords, states_of_word};
pub use job_history::pending::REJECTION_GRACE;
pub use job_history::{JobHistory, MISSING_RECHECK_INTERVAL, Observation, lifecycle_order};
pub use verdict::{Decision, GatePhase, Verdict, decide};

/// The policy of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatePolicy {
    /// The condition of each job.
    pub condition: Condition,
    /// One job that meets the condition is enough.
    pub any: bool,
    /// Stop when the verdict is certain, without checking the other jobs.
    pub fail_fast: bool,
    /// An unrecognized state counts as a failure, not as active.
    pub unknown_fails: bool,
    /// Keep waiting for a job that counts as missing.
    pub waits_for_missing: bool,
    /// For this time from the start, no job counts as missing.
    pub missing_grace: Duration,
    /// Stop waiting for a job that does not run by then.
    pub start_timeout: Option<Duration>,
    /// Stop waiting for a job that could not be read for this long.
    pub max_outage: Option<Duration>,
    /// Stop waiting for a job that could never be read after this long.
    pub max_first_outage: Option<Duration>,
}

impl GatePolicy {
    /// Returns the policy of a gate that all jobs must pass.
    pub fn new(condition: Condition) -> Self {
        Self {
            condition,
            any: false,
            fail_fast: true,
            unknown_fails: false,
            waits_for_missing: false,
            missing_grace: Duration::from_secs(60),
            start_timeout: None,
            max_outage: None,
            max_first_outage: None,
        }
    }

    /// Returns how long a job can be unreadable before the gate stops waiting for it.
    pub fn outage_limit(&self, was_read: bool) -> Option<Duration> {
        let first = self.max_first_outage.filter(|_| !was_read);
        [self.max_outage, first].into_iter().flatten().min()
    }
}

/// The result of checking the condition for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// It met the condition.
    Met,
    /// It ended without meeting the condition, or had a new warning.
    Unmet(String),
    /// It is active, missing or unreadable.
    Pending(Pending),
}

/// Why a job is pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The cause, which determines the exit code of an undecided gate.
    pub cause: PendingCause,
    /// No later poll can change it.
    pub is_final: bool,
    /// The reason as a text.
    pub reason: Cow<'static, str>,
}

/// The causes of a pending job, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PendingCause {
    /// Reading it is not permitted: exit code 4.
    Credentials,
    /// It could not be read: exit code 5.
    Service,
    /// It does not exist: exit code 3.
    Missing,
    /// It did not start in time: the same exit codes as [`Self::Time`], but more time cannot change it.
    NotStarted,
    /// It is active: exit code 124, or 8 for a single check.
    Time,
}

/// The number of jobs by their evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that met the condition.
    pub met: u64,
    /// Those that did not.
    pub unmet: u64,
    /// Those that are active, missing or unreadable.
    pub pending: u64,
}

impl Counts {
    /// Counts evaluations.
    pub fn of(evaluations: &[Evaluation]) -> Self {
        let mut counts = Self::default();
        for evaluation in evaluations {
            *match evaluation {
                Evaluation::Met => &mut counts.met,
                Evaluation::Unmet(_) => &mut counts.unmet,
                Evaluation::Pending(_) => &mut counts.pending,
            } += 1;
        }
        counts
    }
}

impl Evaluation {
    /// Returns the value in JSON: `met`, `unmet` or `pending`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet(_) => "unmet",
            Self::Pending(_) => "pending",
        }
    }
}
