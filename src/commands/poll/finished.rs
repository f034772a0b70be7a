//! Whether a job is still polled, and why.

use super::PolledJob;
use crate::error::{Category, Problem};
use crate::model::{Job, State};
use crate::output::ReadStatus;

impl PolledJob {
    /// Returns `true` if its last response shows that it has ended, and no more polls are needed. This never changes.
    pub(in crate::commands) fn has_finished(&self) -> bool {
        let has_ended = self.current.job.as_ref().is_some_and(|job| job.ended);
        self.current.is_final
            && !self.requests.is_in_flight
            && self.current.problem.is_none()
            && has_ended
    }

    /// Returns `true` if a job that was read before no longer exists, and no more polls are needed.
    fn is_gone(&self) -> bool {
        let is_missing = |problem: &Problem| problem.category == Category::NotFound;
        let is_missing = self.current.problem.as_deref().is_some_and(is_missing);
        self.current.is_final && is_missing && self.current.job.is_some()
    }

    /// Returns whether the job that is shown is current.
    pub(in crate::commands) fn read_status(&self) -> ReadStatus {
        let is_given_up = self.current.is_final && self.current.problem.is_some();
        match is_given_up && self.current.row_of_scope.is_none() {
            true if self.is_gone() => ReadStatus::Gone,
            true => ReadStatus::Failed,
            false => ReadStatus::Polled,
        }
    }

    /// Returns `true` if another job has its id, according to the last response.
    pub(in crate::commands) fn is_replaced(&self) -> bool {
        self.current.identity.is_replaced()
    }

    /// Drops the parts of a finished job that only its row shows.
    pub(in crate::commands) fn drop_details(&mut self) {
        self.current.job = self.current.job.take().map(|job| Job {
            reference: job.reference,
            name: job.name,
            uid: job.uid,
            created_at: job.created_at,
            from_list: job.from_list,
            state: job.state,
            ended: job.ended,
            events_unreadable: job.events_unreadable,
            events_problem: job.events_problem,
            ..Job::default()
        });
    }

    /// Returns `true` if the job does not run for a reason that only its events can contain.
    pub(super) fn is_unexplained(&self) -> bool {
        let is_unexplained = |job: &Job| {
            let is_early = matches!(job.state, State::Pending | State::Starting);
            is_early && job.reason.is_none() && job.message.is_none() && job.events.is_empty()
        };
        let has_events = self.reference.kind.has_events;
        let is_open = self.requests.is_listed
            && has_events
            && !self.current.is_explained
            && !self.current.is_final;
        is_open && self.current.job.as_ref().is_some_and(is_unexplained)
    }
}
