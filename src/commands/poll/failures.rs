//! Handles requests that failed.

use std::time::Duration;

use super::super::lookup::with_reference;
use super::outages::{Affected, strip_unsent};
use super::schedule::{MIN_INTERVAL, backoff, hint_delay};
use super::{AccountIndex, JobIndex, MAX_BATCH_FAILURES, PollEvent, Poller};
use crate::error::{Category, Problem};

impl Poller {
    /// Handles a failed request for one job; `is_late` if it failed because the whole command is about to end.
    pub(super) fn take_failure(
        &mut self,
        index: JobIndex,
        problem: Problem,
        is_late: bool,
    ) -> Vec<PollEvent> {
        let (events, deferred_until) = self.record_failure(index, problem, is_late);
        if let Some(until) = deferred_until {
            self.defer_account(self.jobs[index].account, until);
        }
        events
    }

    /// Handles a failed list call for jobs of one account.
    pub(super) fn take_batch_failure(
        &mut self,
        indices: &[JobIndex],
        problem: &Problem,
        is_late: bool,
    ) -> Vec<PollEvent> {
        let (mut events, mut deferred_until) = (Vec::new(), None);
        for index in indices {
            let problem = with_reference(problem.clone(), &self.jobs[*index].reference);
            let (changes, until) = self.record_failure(*index, problem, is_late);
            events.extend(changes);
            deferred_until = deferred_until.max(until);
            // The failure may affect only the list.
            let polled = &mut self.jobs[*index];
            let failures = polled.current.schedule.failures;
            polled.requests.poll_individually = failures >= MAX_BATCH_FAILURES;
        }
        // Once for all of them: an account can have thousands of jobs.
        if let (Some(until), Some(first)) = (deferred_until, indices.first()) {
            self.defer_account(self.jobs[*first].account, until);
        }
        events
    }

    /// Records a failed request for a job. Returns the events, and until when its account is throttled.
    fn record_failure(
        &mut self,
        index: JobIndex,
        mut problem: Problem,
        is_late: bool,
    ) -> (Vec<PollEvent>, Option<Duration>) {
        let now = self.elapsed();
        if !self.options.is_single_check {
            strip_unsent(&mut problem);
        }
        if self.jobs[index].is_discovered {
            let reference = self.display_reference(&self.jobs[index]);
            problem.input = problem.input.is_some().then(|| reference.clone());
            problem.reference = Some(reference);
        }
        self.jobs[index].finish_poll();
        if is_late && self.is_uninformative(index, &problem) {
            let delay = self.options.interval.unwrap_or(MIN_INTERVAL);
            self.jobs[index].current.schedule.next_at = now + delay;
            return (Vec::new(), None);
        }
        let mut changes = Vec::new();
        let polled = &mut self.jobs[index];
        let account = polled.account;
        let schedule = &mut polled.current.schedule;
        schedule.failures = schedule.failures.saturating_add(1);
        schedule.interval = backoff(schedule.failures, self.options.interval);
        let hint = hint_delay(problem.retry_after, schedule.failures == 1);
        let delay = hint.max(schedule.interval);
        schedule.next_at = now + delay;
        // A temporary failure is reported once for the account, not for each job.
        let reported = polled.current.problem.as_ref();
        let reported = reported.map(|problem| problem.category);
        if reported != Some(problem.category) && !problem.is_transient() {
            changes.push(PollEvent::Problem(index));
        }
        let deferred_until = (problem.category == Category::Throttled).then_some(now + delay);
        let outage_event = match problem.is_transient() {
            true => {
                let name = || self.jobs[index].reference.account();
                self.outages
                    .record_failure(account, Affected::Job(index), &problem, now, name)
            }
            // A cloud that returns an error is reachable.
            false => self
                .outages
                .record_success(account, Affected::Job(index), now),
        };
        changes.extend(outage_event.map(PollEvent::Outage));
        self.jobs[index].current.record_failure(problem, now);
        (changes, deferred_until)
    }

    /// Delays all polls of a throttled account until this time.
    fn defer_account(&mut self, account: AccountIndex, until: Duration) {
        let jobs = self.jobs.iter_mut();
        for polled in jobs.filter(|polled| polled.account == account) {
            let schedule = &mut polled.current.schedule;
            schedule.next_at = schedule.next_at.max(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::commands::lookup::{Lookup, Reply, ScriptedClient};
    use crate::commands::poll::PollOptions;
    use crate::model::State;
    use crate::providers::{self, test_support};

    /// Returns a poller of three jobs of one account.
    fn poller() -> Poller {
        let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
        let kind = kind.unwrap();
        let references = ["1", "2", "3"].map(|id| test_support::reference(kind, &["C", id]));
        let client = ScriptedClient::new(Duration::ZERO, |_, _| Reply::State(State::Running));
        let lookup = Lookup::scripted(references.to_vec(), &Arc::new(client));
        Poller::new(Arc::new(lookup), PollOptions::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_list_call_defers_the_whole_account_once_to_the_longest_wait() {
        let mut poller = poller();
        let problem = Problem::new(Category::Throttled, "too many requests");
        for _ in 0..4 {
            poller.take_failure(0, problem.clone(), false);
        }
        let longest = backoff(5, None);
        assert!(longest > backoff(1, None));
        // The wait of the second job is shorter, since it has not failed before.
        poller.take_batch_failure(&[0, 1], &problem, false);
        for polled in &poller.jobs {
            assert_eq!(polled.current.schedule.next_at, longest);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_list_call_starts_one_outage() {
        let problem = Problem::new(Category::Throttled, "too many requests");
        let events = poller().take_batch_failure(&[0, 1], &problem, false);
        let starts = events.iter();
        let starts = starts.filter(|event| matches!(event, PollEvent::Outage(_)));
        assert_eq!(starts.count(), 1, "{events:?}");
    }
}
