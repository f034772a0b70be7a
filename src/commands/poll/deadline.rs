//! The deadline of a request of a poller, which ends earlier when the command does.

use super::super::lookup::with_reference;
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::model::Job;
use crate::providers::GetResult;
use crate::reference::Reference;

/// The deadline of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct PollDeadline {
    pub deadline: Deadline,
    /// Since the command ends, and not since it has had its time.
    pub capped_by_command: bool,
}

impl PollDeadline {
    /// True when no time is left because the command ends.
    pub(super) fn is_exceeded(self) -> bool {
        self.capped_by_command && self.deadline.remaining().is_zero()
    }

    /// A job that is undecided only because the command ends before its parts are read was not checked.
    ///
    /// # Errors
    /// That the time is up.
    pub(super) fn reject_cut(
        self,
        found: GetResult,
        reference: &Reference,
    ) -> Result<GetResult, Problem> {
        let job = &found.job;
        let is_undecided = job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD);
        match is_undecided && job.unread_cause == Some(Category::Network) && self.is_exceeded() {
            true => Err(with_reference(
                Problem::deadline_exceeded("timed out before all parts of the job were read"),
                reference,
            )),
            false => Ok(found),
        }
    }
}
