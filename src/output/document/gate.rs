use schemars::JsonSchema;
use serde::Serialize;

use crate::gate::Verdict;

/// A condition on jobs and its result.
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
    /// True when the timeout passed: jobs that are still pending are late, not skipped.
    #[serde(skip)]
    pub timed_out: bool,
    /// References without a response and without an error.
    #[serde(skip)]
    pub unchecked: Vec<String>,
    /// The job that decided and why, or why there is no verdict; counts at the end.
    pub reason: Option<String>,
    /// Time the gate took, in whole seconds.
    pub elapsed_seconds: u64,
    /// Number of requests sent, retries included.
    pub requests: u64,
}
