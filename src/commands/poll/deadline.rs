//! The deadline of a poller's request, which is earlier if the command ends.

use std::time::Duration;

use super::super::lookup::{LOOKUP_TIMEOUT, with_reference};
use super::{JobIndex, Poller};
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::providers::GetResult;
use crate::reference::Reference;

/// The part of the command's time that a request leaves unused, so that its result can
/// still be handled on a busy machine.
const RESERVED_TIME: Duration = Duration::from_millis(300);

/// The deadline of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct PollDeadline {
    pub deadline: Deadline,
    /// The deadline is that of the command, not that of a request.
    pub capped_by_command: bool,
}

impl PollDeadline {
    /// Returns `true` if the time is up because the command ends.
    pub(super) fn is_exceeded(self) -> bool {
        self.capped_by_command && self.deadline.remaining().is_zero()
    }

    /// Rejects a job that is undecided only because the command ended before its parts
    /// were read: it was not checked.
    ///
    /// # Errors
    /// Returns that the deadline has passed.
    pub(super) fn reject_cut(
        self,
        result: GetResult,
        reference: &Reference,
    ) -> Result<GetResult, Problem> {
        let job = &result.job;
        let is_undecided = job.has_unread_subtasks();
        match is_undecided && job.unread_cause == Some(Category::Network) && self.is_exceeded() {
            true => Err(with_reference(
                Problem::deadline_exceeded("timed out before all parts of the job were read"),
                reference,
            )),
            false => Ok(result),
        }
    }
}

impl Poller {
    /// Returns the deadline of a request for these jobs that starts now. It is slightly before the command's own, so
    /// that the cause of a failed first check is known when the command ends.
    pub(super) fn poll_deadline(&self, jobs: &[JobIndex]) -> PollDeadline {
        let now = self.elapsed();
        let time_left = self.options.ends_at.map(|end| {
            let time_left = end.saturating_sub(now);
            time_left - (time_left / 20).max(RESERVED_TIME.min(time_left / 4))
        });
        let time_left = time_left.filter(|time_left| *time_left < LOOKUP_TIMEOUT);
        let longest = match self.options.is_single_check {
            true => LOOKUP_TIMEOUT.saturating_sub(self.time_without_response(jobs, now)),
            false => LOOKUP_TIMEOUT,
        };
        PollDeadline {
            deadline: Deadline::after(time_left.unwrap_or(longest)),
            capped_by_command: time_left.is_some(),
        }
    }

    /// Fails the jobs without a result whose credential is still printed by a command: the time of the run is up.
    pub(in crate::commands) fn fail_without_client(&mut self) {
        let now = self.elapsed();
        for polled in &mut self.jobs {
            let is_unknown = polled.current.job.is_none() && polled.current.problem.is_none();
            let command = self.lookup.running_command(&polled.reference);
            if let Some(command) = command.filter(|_| is_unknown) {
                let problem = with_reference(command.timed_out(now), &polled.reference);
                polled.current.record_failure(problem, now);
            }
        }
    }

    /// Returns how long these jobs' only check has been without a result: the time of their requests so far, or the
    /// time since the last response to their account. If a server hangs, the timeouts of successive or queued
    /// requests then do not add up.
    fn time_without_response(&self, jobs: &[JobIndex], now: Duration) -> Duration {
        let times = jobs.iter().map(|index| {
            let polled = &self.jobs[*index];
            let responded_at = self.accounts[polled.account].responded_at;
            let time = polled.requests.total_time;
            time.max(now.saturating_sub(responded_at))
        });
        times.max().unwrap_or_default()
    }
}
