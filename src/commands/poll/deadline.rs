//! The deadline of a request of a poller, which ends earlier when the command does.

use std::time::Duration;

use super::super::lookup::{LOOKUP_TIMEOUT, with_reference};
use super::{JobIndex, Poller};
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::model::Job;
use crate::providers::GetResult;
use crate::reference::Reference;

/// The part of the command's time that a request leaves unused, so that its result can still be
/// handled on a busy machine.
const RESERVED_TIME: Duration = Duration::from_millis(300);

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

impl Poller {
    /// The deadline of a request for these jobs that starts now: slightly before the command's own, so that the
    /// cause of a failed first check is known when the time is up.
    pub(super) fn poll_deadline(&self, jobs: &[JobIndex]) -> PollDeadline {
        let now = self.elapsed();
        let left = self.options.ends_at.map(|end| {
            let left = end.saturating_sub(now);
            left - (left / 20).max(RESERVED_TIME.min(left / 4))
        });
        let left = left.filter(|left| *left < LOOKUP_TIMEOUT);
        let longest = match self.options.is_single_check {
            true => LOOKUP_TIMEOUT.saturating_sub(self.unanswered_for(jobs, now)),
            false => LOOKUP_TIMEOUT,
        };
        PollDeadline {
            deadline: Deadline::after(left.unwrap_or(longest)),
            capped_by_command: left.is_some(),
        }
    }

    /// How long the requests of the only check of these jobs took so far, or their account has given no response:
    /// neither requests that follow each other nor those that wait for others add up where a server hangs.
    fn unanswered_for(&self, jobs: &[JobIndex], now: Duration) -> Duration {
        let times = jobs.iter().map(|number| {
            let polled = &self.jobs[*number];
            let responded_at = self.accounts[polled.account].responded_at;
            polled.requested_for.max(now.saturating_sub(responded_at))
        });
        times.max().unwrap_or_default()
    }
}
