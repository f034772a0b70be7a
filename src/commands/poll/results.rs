use std::time::Duration;

use super::super::lookup::{LookupResult, account_of, with_reference};
use super::{
    ExistenceCheck, JobIndex, MAX_BATCH_FAILURES, PollEvent, PollResult, Poller, is_transient,
    schedule,
};
use crate::crypto;
use crate::error::Category;
use crate::gate::Observation;
use crate::model::{Job, State, Time};

impl Poller {
    /// Waits for the next answer and takes it in, or for changes that a stream reports: jobs that have
    /// changed are due.
    pub(in crate::commands) async fn next(&mut self) -> Vec<PollEvent> {
        let joined = tokio::select! {
            Some(joined) = self.running.join_next() => joined,
            changed = self.changes.next() => {
                for polled in &mut self.jobs {
                    polled.is_changed |= changed.contains(&polled.reference.to_string());
                }
                return Vec::new();
            }
        };
        match joined.expect("a request task neither panics nor is cancelled") {
            PollResult::Single(number, outcome, confirmation, late) => {
                let account = account_of(&self.jobs[number].reference);
                self.in_flight
                    .entry(account)
                    .and_modify(|looks| *looks -= 1);
                self.confirmed(number, &confirmation);
                self.jobs[number].listed = false;
                if outcome.is_ok() {
                    self.record_response(number);
                }
                match confirmation {
                    ExistenceCheck::Failed(problem) if outcome.is_ok() => {
                        self.take(number, Err(*problem), late)
                    }
                    _ => self.take(number, *outcome, late),
                }
            }
            PollResult::Batch(numbers, Ok(rows), _) => {
                numbers
                    .first()
                    .iter()
                    .for_each(|number| self.record_response(**number));
                let rows = numbers.into_iter().zip(rows);
                rows.flat_map(|(number, row)| self.take_row(number, row))
                    .collect()
            }
            PollResult::Batch(numbers, Err(problem), late) => numbers
                .into_iter()
                .flat_map(|number| {
                    let problem = with_reference((*problem).clone(), &self.jobs[number].reference);
                    let changes = self.take(number, Err(problem), late);
                    // It may be only the list that is broken.
                    self.jobs[number].poll_individually =
                        self.jobs[number].failures >= MAX_BATCH_FAILURES;
                    changes
                })
                .collect(),
        }
    }

    /// Takes in how long the response of a poll took.
    fn record_response(&mut self, number: JobIndex) {
        let watched = &self.jobs[number];
        let elapsed = self.elapsed().saturating_sub(watched.polled_at);
        let account = account_of(&watched.reference);
        self.response_times.record(account, elapsed);
    }

    fn confirmed(&mut self, number: JobIndex, confirmation: &ExistenceCheck) {
        if matches!(confirmation, ExistenceCheck::Exists) {
            self.jobs[number].history.confirm();
        }
    }

    /// A row of a list. It suffices while nothing has changed; a change, an end, and a resource
    /// that the list does not contain are requested one by one.
    ///
    /// Rows of kinds that are watched tell more: among many jobs they suffice for all but failures.
    fn take_row(&mut self, number: JobIndex, row: Option<Job>) -> Vec<PollEvent> {
        let is_alone = self.jobs.len() == 1;
        let watched = &mut self.jobs[number];
        watched.listed = true;
        let is_watched = watched.reference.kind.is_watched;
        let known = watched.job.as_ref();
        let is_same =
            |known: &Job, row: &Job| known.state == row.state && known.state_raw == row.state_raw;
        let suffices = |row: &Job| {
            let is_good = match is_watched && row.state == State::Succeeded {
                true => !is_alone,
                false => !row.ended && row.state != State::Unknown,
            };
            match known {
                None => is_good && !(is_watched && is_alone),
                Some(known) if is_same(known, row) => true,
                Some(_) => is_good && is_watched && !is_alone,
            }
        };
        let Some(row) = row.filter(suffices) else {
            (watched.in_flight, watched.poll_individually) = (false, true);
            watched.next_at = Duration::ZERO;
            return Vec::new();
        };
        let job = match known {
            None => row,
            Some(known) if !is_watched || (row.tasks.is_empty() && is_same(known, &row)) => {
                known.clone()
            }
            Some(known) => Job {
                events: known.events.clone(),
                warning_count: known.warning_count,
                ..row
            },
        };
        self.take(number, Ok(job), false)
    }

    /// The result of a request; `late` when it failed because the whole command is about to end.
    fn take(&mut self, number: JobIndex, outcome: LookupResult, late: bool) -> Vec<PollEvent> {
        let now = self.elapsed();
        let mut changes = Vec::new();
        let watched = &mut self.jobs[number];
        let cloud = watched.reference.kind.template.cloud;
        (
            watched.in_flight,
            watched.was_polled,
            watched.poll_individually,
        ) = (false, true, false);
        match outcome {
            Ok(job) => {
                let before = watched.job.as_ref().map(|job| job.state);
                watched.history.observe(Observation::Read(&job), now);
                (watched.failures, watched.problem) = (0, None);
                if before != Some(job.state) {
                    changes.push(PollEvent::State(number, before));
                }
                if self.options.emit_reads {
                    changes.push(PollEvent::Read(number));
                }
                let unchanged = now.saturating_sub(watched.history.since().unwrap_or(now));
                let every = self.pause(&job, unchanged);
                let watched = &mut self.jobs[number];
                (watched.interval, watched.job) = (every, Some(job));
                let jitter = 0.9 + 0.2 * crypto::random_fraction();
                watched.next_at = now + watched.interval.mul_f64(jitter);
                changes.extend(
                    self.outages
                        .record_success(cloud, number, now)
                        .map(PollEvent::Outage),
                );
            }
            Err(problem) if late && self.is_uninformative(number, &problem) => {
                let watched = &mut self.jobs[number];
                watched.next_at = now + self.options.interval.unwrap_or(schedule::MIN_INTERVAL);
            }
            Err(problem) => {
                let watched = &mut self.jobs[number];
                watched.history.observe(Observation::Failed(&problem), now);
                watched.failures = watched.failures.saturating_add(1);
                watched.interval =
                    schedule::after_failures(watched.failures, self.options.interval);
                let hint = schedule::obeyed_hint(problem.retry_after, watched.failures == 1);
                let wait = hint.max(watched.interval);
                watched.next_at = now + wait;
                // A temporary failure is reported once for the cloud, and not for each resource.
                let reported = watched.problem.as_ref().map(|problem| problem.category);
                if reported != Some(problem.category) && !is_transient(problem.category) {
                    changes.push(PollEvent::Problem(number));
                }
                if problem.category == Category::Throttled {
                    self.defer_account(number, now + wait);
                }
                if is_transient(problem.category) {
                    let turn = self.outages.record_failure(cloud, number, &problem, now);
                    changes.extend(turn.map(PollEvent::Outage));
                } else {
                    // A cloud that says no does answer.
                    changes.extend(
                        self.outages
                            .record_success(cloud, number, now)
                            .map(PollEvent::Outage),
                    );
                }
                self.jobs[number].problem = Some(problem);
            }
        }
        changes
    }

    /// The time to the next check of a resource whose state has not changed for this long.
    fn pause(&self, job: &Job, unchanged: Duration) -> Duration {
        let known = [job.created_at, job.started_at, job.updated_at]
            .into_iter()
            .flatten()
            .max();
        let on_record = known
            .zip(Time::new(self.lookup.transport.server_now()))
            .and_then(|(at, now)| u64::try_from(now.seconds_since(at)).ok())
            .map(Duration::from_secs);
        self.options
            .interval
            .unwrap_or_else(|| schedule::pause(on_record.unwrap_or_default().max(unchanged)))
    }

    /// Nothing of a throttled account is asked before a moment.
    fn defer_account(&mut self, number: JobIndex, until: Duration) {
        let account = account_of(&self.jobs[number].reference);
        for watched in &mut self.jobs {
            if account_of(&watched.reference) == account {
                watched.next_at = watched.next_at.max(until);
            }
        }
    }
}
