//! Shows the rows of a watched scope for jobs whose lookups fail.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{PollEvent, PolledJob, Poller};
use crate::error::Category;
use crate::model::Job;
use crate::providers;

/// Lookups that take longer are assumed to fail.
const MAX_RESPONSE_TIME: Duration = Duration::from_secs(5);

impl Poller {
    /// Returns the canonical references of the jobs whose lookups fail.
    pub(in crate::commands) fn unreadable_references(&self) -> HashSet<String> {
        let now = self.elapsed();
        let jobs = self.jobs.iter();
        let jobs = jobs.filter(|polled| polled.is_unreadable(now));
        jobs.map(|polled| polled.reference.to_string()).collect()
    }

    /// Shows the rows of a scope's list, by reference, for the jobs whose lookups fail: an account may be allowed
    /// to list jobs only. The failures remain, and the lookups are retried as before. What an earlier list of the
    /// scope has shown is outdated: there are no rows if the scope could not be listed.
    pub(in crate::commands) fn show_rows(
        &mut self,
        scope: usize,
        mut rows: HashMap<String, Job>,
    ) -> Vec<PollEvent> {
        let mut events = Vec::new();
        let now = self.elapsed();
        for index in 0..self.jobs.len() {
            let polled = &mut self.jobs[index];
            if polled.current.row_of_scope == Some(scope) {
                polled.current.row_of_scope = None;
            }
            if rows.is_empty() || !polled.is_unreadable(now) {
                continue;
            }
            let Some(mut row) = rows.remove(&polled.reference.to_string()) else {
                continue;
            };
            match self.check_identity(index, &row) {
                Ok(replaced) => events.extend(replaced),
                Err(_) => continue,
            }
            let polled = &mut self.jobs[index];
            if polled.is_discovered {
                providers::mask_row_ids(&mut row, self.lookup.transport.redactor());
            }
            let state = row.state;
            let before = polled.current.job.replace(row).map(|job| job.state);
            polled.current.row_of_scope = Some(scope);
            if before != Some(state) {
                events.push(PollEvent::State(index, before));
            }
        }
        events
    }
}

impl PolledJob {
    /// Returns `true` if its lookups fail or have no response. That a lookup does not find it is a result.
    fn is_unreadable(&self, now: Duration) -> bool {
        let waits_since = self
            .requests
            .is_in_flight
            .then_some(self.requests.started_at);
        let hangs = waits_since.is_some_and(|at| now.saturating_sub(at) >= MAX_RESPONSE_TIME);
        match self.current.problem.as_deref() {
            Some(problem) => problem.category != Category::NotFound,
            None => hangs,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::commands::lookup::{Lookup, Reply, ScriptedClient};
    use crate::commands::poll::PollOptions;
    use crate::error::Problem;
    use crate::model::State;
    use crate::output::ReadStatus;
    use crate::providers::test_support;

    /// Returns a poller of two jobs, of which the first cannot be read.
    fn poller() -> Poller {
        let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
        let kind = kind.unwrap();
        let references = ["1", "2"].map(|id| test_support::reference(kind, &["C", id]));
        let client = ScriptedClient::new(Duration::ZERO, |_, _| Reply::State(State::Running));
        let lookup = Lookup::scripted(references.to_vec(), &Arc::new(client));
        let mut poller = Poller::new(Arc::new(lookup), PollOptions::default());
        let denied = Problem::new(Category::PermissionDenied, "no permission");
        poller.take_failure(0, denied, false);
        poller
    }

    fn rows(poller: &Poller, state: State) -> HashMap<String, Job> {
        let row = |polled: &PolledJob| {
            let job = Job {
                state,
                ended: state.is_end(),
                ..Job::default()
            };
            (polled.reference.to_string(), job)
        };
        poller.jobs.iter().map(row).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_shows_the_state_of_a_job_whose_lookup_fails_and_of_no_other() {
        let mut poller = poller();
        poller.jobs[0].current.is_final = true;
        assert_eq!(poller.jobs[0].read_status(), ReadStatus::Failed);
        let unreadable = poller.unreadable_references();
        assert_eq!(unreadable.len(), 1);
        assert!(unreadable.contains(&poller.jobs[0].reference.to_string()));
        for (state, before) in [
            (State::Running, Some(None)),
            (State::Running, None),
            (State::Failed, Some(Some(State::Running))),
        ] {
            let rows = rows(&poller, state);
            let events = poller.show_rows(0, rows);
            let shown = events.iter().map(|event| match event {
                PollEvent::State(0, before) => *before,
                other => panic!("{other:?}"),
            });
            assert_eq!(shown.collect::<Vec<_>>(), Vec::from_iter(before));
            let current = &poller.jobs[0].current;
            assert_eq!(current.job.as_ref().map(|job| job.state), Some(state));
            assert!(current.problem.is_some() && current.history.read_at().is_none());
            assert_eq!(poller.jobs[0].read_status(), ReadStatus::Polled);
            assert!(poller.jobs[1].current.job.is_none());
        }
        let state = |poller: &Poller| poller.jobs[0].read_status();
        let running = rows(&poller, State::Running);
        poller.show_rows(0, running.clone());
        assert!(poller.show_rows(1, HashMap::new()).is_empty());
        assert_eq!(state(&poller), ReadStatus::Polled, "another scope");
        assert!(poller.show_rows(0, HashMap::new()).is_empty());
        assert_eq!(state(&poller), ReadStatus::Failed, "the list lacks it");
        poller.show_rows(0, running);
        let denied = Problem::new(Category::PermissionDenied, "no permission");
        poller.take_failure(0, denied, false);
        assert_eq!(state(&poller), ReadStatus::Failed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_shows_the_state_of_a_job_whose_lookup_has_no_response() {
        let mut poller = poller();
        poller.jobs[1].requests.is_in_flight = true;
        assert_eq!(poller.unreadable_references().len(), 1);
        tokio::time::advance(MAX_RESPONSE_TIME).await;
        assert_eq!(poller.unreadable_references().len(), 2);
        let rows = rows(&poller, State::Failed);
        assert_eq!(poller.show_rows(0, rows).len(), 2);
        let shown = poller.jobs[1].current.job.as_ref();
        assert_eq!(shown.map(|job| job.state), Some(State::Failed));
    }
}
