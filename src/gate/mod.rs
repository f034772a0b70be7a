//! Gates: conditions on jobs that decide an exit code.
//!
//! Everything here is pure: results of checks and times are passed in. The two rules above all
//! others: never "passed" when a job ended without reaching the condition, and never "failed" when
//! none did.

mod condition;
mod track;
mod verdict;
mod warnings;

use std::borrow::Cow;
use std::time::Duration;

pub use condition::{Condition, states_of_word};
pub use track::pending::REJECTION_GRACE;
pub use track::{JobHistory, MISSING_RECHECK_INTERVAL, Observation, lifecycle_order};
pub use verdict::{Decision, Progress, Verdict, decide};

/// How a gate judges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatePolicy {
    /// The condition of each job.
    pub condition: Condition,
    /// One job is enough.
    pub any: bool,
    /// Stops when the verdict is certain, and does not check the rest.
    pub fail_fast: bool,
    /// An unrecognized state counts as a failure, not as active.
    pub unknown_fails: bool,
    /// A resource that is considered missing is waited for.
    pub waits_for_missing: bool,
    /// In this time from the start nothing is believed to be missing.
    pub missing_grace: Duration,
    /// A job that does not run by then will not be waited for.
    pub start_timeout: Option<Duration>,
    /// A job that could not be read for this long will not be waited for.
    pub max_outage: Option<Duration>,
    /// Neither will one that could never be read, after this long.
    pub max_first_outage: Option<Duration>,
}

impl GatePolicy {
    /// The rules of a gate that requires the success of all.
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
}

impl GatePolicy {
    /// How long a job may be unreadable.
    pub fn outage_limit(&self, was_read: bool) -> Option<Duration> {
        let first = self.max_first_outage.filter(|_| !was_read);
        [self.max_outage, first].into_iter().flatten().min()
    }
}

/// Whether a job meets the condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluation {
    /// It met the condition.
    Met,
    /// It ended without reaching the condition, or had a new warning.
    Unmet(String),
    /// It is active, missing or unreadable.
    Pending(Pending),
}

/// Why a job is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What an undecided gate would take its exit code from.
    pub cause: PendingCause,
    /// No later check can change it.
    pub is_final: bool,
    /// In words.
    pub reason: Cow<'static, str>,
}

/// What keeps a job open, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PendingCause {
    /// Reading it is not permitted: exit code 4.
    Credentials,
    /// It could not be read: exit code 5.
    Service,
    /// It does not exist: exit code 3.
    Missing,
    /// It did not start in time: as [`Self::Time`], and more time cannot change it.
    NotStarted,
    /// It is active: exit code 124, or 8 for a single check.
    Time,
}

impl Evaluation {
    /// The word as it is in JSON: `met`, `unmet` or `pending`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Unmet(_) => "unmet",
            Self::Pending(_) => "pending",
        }
    }
}
