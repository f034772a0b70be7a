//! Prints the logs of a job until the job has ended.

use std::time::Duration;

use super::missing::Absence;
use super::{JobLogs, LogError, pause};
use crate::error::Category;
use crate::model::Job;

/// The result of reading all logs of a job once.
enum Round {
    /// The logs can get more lines, or are read again after a failure.
    Continued,
    /// The logs of a job that has ended are read.
    Last,
}

impl JobLogs<'_> {
    /// Prints the existing and new lines, until the job has ended.
    ///
    /// # Errors
    /// Returns a permanent error.
    pub(in crate::commands::logs) async fn follow(
        &mut self,
        interval: Duration,
    ) -> Result<(), LogError> {
        let mut job = self.first_job_with_retries(interval).await?;
        self.choose_early(&job)?;
        let mut absence = Absence::new(&self.context.session);
        loop {
            if let Round::Last = self.read_round(&job, interval).await? {
                return self.explain_empty_logs(&job).await;
            }
            let pause = pause(interval, self.outage.failures);
            self.print_followed(&job, pause).await?;
            match self.next_job(job, &mut absence).await? {
                Some(next) => job = next,
                None => return self.finish_lines().await,
            }
        }
    }

    /// Reads all logs up to their current ends, unless another job has taken the place of the job.
    ///
    /// # Errors
    /// Returns a permanent error.
    async fn read_round(&mut self, job: &Job, interval: Duration) -> Result<Round, LogError> {
        let read = match self.identity.is_replaced() {
            true => Ok(()),
            false => self.read_all(job, interval).await,
        };
        match read {
            Ok(()) if job.ended && self.logs.is_empty() => return Err(self.no_task(job)),
            Ok(()) if job.ended && self.has_retryable_logs() && self.outage.can_retry() => {
                self.outage.failures += 1;
            }
            Ok(()) if job.ended && !self.show_error_stream(job, None) => return Ok(Round::Last),
            Ok(()) => self.outage.failures = 0,
            Err(LogError::Problem(problem))
                if problem.category == Category::NotFound
                    && self.show_error_stream(job, Some(&problem.message)) => {}
            Err(error) => self.record_outage(error, job)?,
        }
        Ok(Round::Continued)
    }

    /// Gets the current job and updates its logs. Returns the job for the next round, or `None` if its logs cannot be
    /// read any more.
    ///
    /// # Errors
    /// Returns a permanent error.
    async fn next_job(
        &mut self,
        mut job: Job,
        absence: &mut Absence,
    ) -> Result<Option<Job>, LogError> {
        match self.job().await {
            Ok(found) => {
                *absence = Absence::new(&self.context.session);
                match self.update(&found).await {
                    Ok(()) => {
                        self.outage.is_noted &= self.outage.failures > 0;
                        return Ok(Some(found));
                    }
                    // The next round reads what was not read.
                    Err(error) => self.record_outage(error, &found)?,
                }
            }
            Err(problem) if self.may_reappear(&problem, absence) => {}
            // A deleted job has ended.
            Err(problem) if problem.category == Category::NotFound => {
                self.note(format!("the log ended: {}", problem.message));
                // Another job can have the name now, so do not read its log.
                let is_deleted = self.reference.kind.is_watched && problem.http_status.is_none();
                if is_deleted || self.identity.is_replaced() {
                    return Ok(None);
                }
                job.ended = true;
            }
            Err(problem) => return Err(problem.into()),
        }
        Ok(Some(job))
    }
}
