use super::{JobIndex, Poller};
use crate::commands::job_identity::{is_other_job, replaced};
use crate::error::Problem;
use crate::model::Job;

impl Poller {
    /// Returns the problem of a response about another job than before: the job that is waited for no longer exists.
    pub(super) fn other_job(&mut self, number: JobIndex, read: &Job) -> Option<Problem> {
        let polled = &mut self.jobs[number];
        let known = polled.job.as_ref()?;
        // A response that cannot be compared does not show that the job is back.
        let stays = polled.is_replaced && known.from_list != read.from_list;
        polled.is_replaced = stays || is_other_job(known, read, polled.reference.kind);
        let is_replaced = polled.is_replaced;
        is_replaced.then(|| replaced(read, &polled.reference))
    }
}
