//! Counts failures after which a job or its logs can be read later.

use super::{JobLogs, LogError};
use crate::commands::poll::describe_outage;
use crate::error::Problem;
use crate::model::Job;

/// Maximum number of consecutive failures of the first lookup, and of reading the log of a job that has ended.
const MAX_ATTEMPTS: u32 = 5;

/// Failures in a row, during which the job or its logs cannot be read.
#[derive(Debug, Default)]
pub(in crate::commands::logs) struct Outage {
    /// The number of rounds that failed.
    pub failures: u32,
    /// The outage was noted.
    pub is_noted: bool,
}

impl Outage {
    /// Returns `true` if what can be read only a few times, such as the log of a job that has ended, is read again.
    pub(super) fn can_retry(&self) -> bool {
        self.failures < MAX_ATTEMPTS
    }
}

impl JobLogs<'_> {
    /// Counts and notes a failure after which the log can be read later. The log of a job that has ended does not
    /// grow, so waiting for it longer does not help.
    ///
    /// # Errors
    /// Returns any other failure.
    pub(super) fn record_outage(&mut self, error: LogError, job: &Job) -> Result<(), LogError> {
        match error {
            LogError::Problem(problem)
                if problem.category.is_transient() && (!job.ended || self.outage.can_retry()) =>
            {
                self.note_outage(&problem);
                self.outage.failures += 1;
                Ok(())
            }
            error => Err(error),
        }
    }

    /// Notes once per outage that the cloud cannot be read at the moment.
    pub(super) fn note_outage(&mut self, problem: &Problem) {
        if !std::mem::replace(&mut self.outage.is_noted, true) {
            let outage = describe_outage(&self.reference.account(), problem);
            self.note(format!("{outage}; retrying"));
        }
    }
}
