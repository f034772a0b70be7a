use schemars::JsonSchema;
use serde::Serialize;

use crate::gate::Verdict;

/// A condition on jobs and what became of it.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
pub struct Gate {
    /// The verdict.
    pub verdict: Verdict,
    /// Number of jobs that met the condition.
    pub met: u64,
    /// Number of jobs that ended without meeting the condition, or had a new warning.
    pub unmet: u64,
    /// Number of jobs that are still active, missing or unreadable.
    pub pending: u64,
    /// The time given was over, so that what is still open is late and was not left aside.
    #[serde(skip)]
    pub timed_out: bool,
    /// References that have neither been answered nor failed.
    #[serde(skip)]
    pub unchecked: Vec<String>,
    /// The job that decided and why, or why there is no verdict; counts at the end.
    pub reason: Option<String>,
    /// Time the gate took, in whole seconds.
    pub elapsed_seconds: u64,
    /// Number of requests sent, retries included.
    pub requests: u64,
}
