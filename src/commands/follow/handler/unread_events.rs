//! Ended jobs whose events could not be read, because of an error that may be temporary.

use std::collections::BTreeMap;
use std::time::Duration;

use super::FollowHandler;
use crate::commands::poll::{MAX_FIRST_OUTAGE, PolledJob};
use crate::commands::run_loop::RunLoop;
use crate::error::Problem;
use crate::model::Job;

/// The ended jobs whose events are read again, by their index, and since when they could not be read. Nothing that was
/// read of such a job since its end is shown before its events: the first problem can be among them.
#[derive(Default)]
pub(super) struct UnreadEvents {
    since: BTreeMap<usize, Duration>,
}

impl UnreadEvents {
    /// Records that a job was read. Returns `true` if it is shown later, together with its events.
    pub(super) fn hold(&mut self, index: usize, job: &Job, now: Duration) -> bool {
        let problem = job.events_problem.as_deref();
        let is_held = job.ended && problem.is_some_and(Problem::is_transient);
        match is_held {
            true => {
                self.since.entry(index).or_insert(now);
            }
            false => {
                self.since.remove(&index);
            }
        }
        is_held
    }

    /// Returns the error of the events of a job that are read again: for 10 minutes, unless the job can no longer be
    /// read.
    pub(super) fn retried_error(
        &self,
        index: usize,
        polled: &PolledJob,
        now: Duration,
    ) -> Option<Problem> {
        let since = self.since.get(&index)?;
        let is_readable = polled.current.problem.as_deref();
        let is_readable = is_readable.is_none_or(Problem::is_transient);
        let is_retried = is_readable && now.saturating_sub(*since) < MAX_FIRST_OUTAGE;
        let job = polled.current.job.as_ref().filter(|_| is_retried)?;
        Some(Problem {
            retryable: true,
            ..job.events_error()?
        })
    }
}

impl FollowHandler<'_> {
    /// Shows what was read of a job whose events are not read again.
    pub(super) fn show_held(&mut self, run: &RunLoop, index: usize) {
        if self.unread_events.since.remove(&index).is_some()
            && let Some(job) = &run.poller.jobs[index].current.job
        {
            let part = self.display.on_read(self.render_context().now, job);
            self.stdout.write(part);
        }
    }

    /// Shows what was read of all jobs whose events are not read again, since the command ends.
    pub(super) fn show_all_held(&mut self, run: &RunLoop) {
        let held: Vec<usize> = self.unread_events.since.keys().copied().collect();
        for index in held {
            self.show_held(run, index);
        }
    }

    /// Reports the jobs whose events could not be read by the last request, if events are shown.
    pub(super) fn report_unread_events(&mut self, run: &RunLoop) -> Vec<Problem> {
        if !self.display.needs_events() {
            return Vec::new();
        }
        let jobs = run.poller.jobs.iter();
        let read = jobs.filter(|polled| failure(polled).is_none());
        let unread = read.filter_map(|polled| {
            Some(Problem {
                retryable: false,
                ..polled.current.job.as_ref()?.events_error()?
            })
        });
        let unread: Vec<Problem> = unread.collect();
        for problem in &unread {
            self.report_failure(run, problem, true);
        }
        unread
    }
}

/// Returns why a job could not be read by its last request. An end that was read stays valid.
pub(super) fn failure(polled: &PolledJob) -> Option<&Problem> {
    let problem = polled.current.problem.as_deref();
    problem.filter(|_| !polled.current.history.has_ended())
}
