//! Whether a job is still polled, and why.

use std::time::Duration;

use super::PolledJob;
use crate::error::{Category, Problem};
use crate::model::{Job, State};

impl PolledJob {
    /// Reports whether its last response shows that it has ended, and no more polls are needed. This never changes.
    pub(in crate::commands) fn has_finished(&self) -> bool {
        let has_ended = self.job.as_ref().is_some_and(|job| job.ended);
        self.is_final && !self.in_flight && self.problem.is_none() && has_ended
    }

    /// Reports whether a job that was read before no longer exists, and no more polls are needed.
    pub(in crate::commands) fn is_gone(&self) -> bool {
        let is_missing = |problem: &Problem| problem.category == Category::NotFound;
        let is_missing = self.problem.as_deref().is_some_and(is_missing);
        self.is_final && is_missing && self.job.is_some()
    }

    /// Reports whether another job has its id, according to the last response.
    pub(in crate::commands) fn is_replaced(&self) -> bool {
        self.identity.is_replaced()
    }

    /// Drops the parts of a finished job that only its row shows.
    pub(in crate::commands) fn drop_details(&mut self) {
        self.job = self.job.take().map(|job| Job {
            reference: job.reference,
            name: job.name,
            uid: job.uid,
            created_at: job.created_at,
            from_list: job.from_list,
            state: job.state,
            ended: job.ended,
            events_unreadable: job.events_unreadable,
            ..Job::default()
        });
    }

    /// Reports whether the last poll before the deadline is due.
    pub(super) fn is_last_due(&self, now: Duration) -> bool {
        let mut last = [self.early_poll, self.last_poll].into_iter();
        last.any(|poll| poll.due_at().is_some_and(|at| at <= now))
    }

    /// Reports whether the job does not run for a reason that only its events can contain.
    pub(super) fn is_unexplained(&self) -> bool {
        let is_unexplained = |job: &Job| {
            let is_early = matches!(job.state, State::Pending | State::Starting);
            is_early && job.reason.is_none() && job.message.is_none() && job.events.is_empty()
        };
        let has_events = self.reference.kind.has_events;
        let is_open = self.listed && has_events && !self.is_explained && !self.is_final;
        is_open && self.job.as_ref().is_some_and(is_unexplained)
    }
}
