use super::{JobIndex, Poller};
use crate::commands::job_identity::{is_other_job, replaced};
use crate::error::Problem;
use crate::model::Job;

impl Poller {
    /// Returns the problem of a response about another job than before: the job that is waited for no longer exists.
    pub(super) fn other_job(&mut self, number: JobIndex, read: &Job) -> Option<Problem> {
        let watched = &mut self.jobs[number];
        let known = watched.job.as_ref()?;
        // A response that cannot be compared does not show that the job is back.
        let stays = watched.is_replaced && known.from_list != read.from_list;
        watched.is_replaced = stays || is_other_job(known, read, watched.reference.kind);
        let is_replaced = watched.is_replaced;
        is_replaced.then(|| replaced(read, &watched.reference))
    }
}
