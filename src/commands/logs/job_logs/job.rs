//! Gets the job whose logs are printed.

use std::time::Duration;

use tokio::time::sleep;

use super::{JobLogs, Outage, pause};
use crate::commands::job_identity::replaced;
use crate::commands::lookup::LOOKUP_TIMEOUT;
use crate::error::Problem;
use crate::http::Deadline;
use crate::model::{Job, Since};

impl JobLogs<'_> {
    /// Gets the job before its log is followed; retries a temporary failure a few times.
    pub(super) async fn first_job_with_retries(
        &mut self,
        interval: Duration,
    ) -> Result<Job, Problem> {
        loop {
            match self.first_job().await {
                Err(problem) if problem.category.is_transient() && self.outage.can_retry() => {
                    self.note_outage(&problem);
                    self.outage.failures += 1;
                    sleep(pause(interval, self.outage.failures)).await;
                }
                job => {
                    self.outage = Outage::default();
                    return job;
                }
            }
        }
    }

    /// Gets the job before its log is read. Its response corrects the clock for the start of the log.
    pub(super) async fn first_job(&mut self) -> Result<Job, Problem> {
        let job = self.job().await?;
        self.params.since = self.since.map(Since::time);
        Ok(job)
    }

    /// Gets the current job. Another job that has the id of the first one counts as not found.
    pub(super) async fn job(&mut self) -> Result<Job, Problem> {
        let deadline = Deadline::after(LOOKUP_TIMEOUT);
        let job = self.lookup.get(&self.reference, deadline).await?;
        if self.identity.is_replaced_by(&job, self.reference.kind) {
            return Err(replaced(&job, &self.reference));
        }
        for notice in self.lookup.notices.take_new() {
            if notice.code.is_warning() {
                self.context.print_notices(&[notice]);
            }
        }
        Ok(job)
    }
}
