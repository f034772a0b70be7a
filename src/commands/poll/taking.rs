use std::time::Duration;

use super::super::look_up::{Outcome, account_of, addressed};
use super::{Back, Change, Confirmation, MOST_BAD_LISTS, Number, Poller, is_weather, schedule};
use crate::crypto;
use crate::error::Category;
use crate::gate::Look;
use crate::model::{Job, State, Time};

impl Poller {
    /// Waits for the next answer and takes it in.
    pub(in crate::commands) async fn next(&mut self) -> Vec<Change> {
        match self.running.join_next().await {
            None => Vec::new(),
            Some(Err(_)) => unreachable!("a look neither panics nor is cancelled"),
            Some(Ok(Back::Looked(number, outcome, confirmation, late))) => {
                let account = account_of(&self.watched[number].reference);
                self.looks.entry(account).and_modify(|looks| *looks -= 1);
                self.confirmed(number, &confirmation);
                self.watched[number].listed = false;
                if outcome.is_ok() {
                    self.record_response(number);
                }
                match confirmation {
                    Confirmation::Failed(problem) if outcome.is_ok() => {
                        self.take(number, Err(*problem), late)
                    }
                    _ => self.take(number, *outcome, late),
                }
            }
            Some(Ok(Back::Glanced(numbers, Ok(rows), _))) => {
                numbers
                    .first()
                    .iter()
                    .for_each(|number| self.record_response(**number));
                let rows = numbers.into_iter().zip(rows);
                rows.flat_map(|(number, row)| self.take_row(number, row))
                    .collect()
            }
            Some(Ok(Back::Glanced(numbers, Err(problem), late))) => numbers
                .into_iter()
                .flat_map(|number| {
                    let problem = addressed((*problem).clone(), &self.watched[number].reference);
                    let changes = self.take(number, Err(problem), late);
                    // It may be only the list that is broken.
                    self.watched[number].alone = self.watched[number].failures >= MOST_BAD_LISTS;
                    changes
                })
                .collect(),
        }
    }

    /// Takes in how long the response of a poll took.
    fn record_response(&mut self, number: Number) {
        let watched = &self.watched[number];
        let elapsed = self.elapsed().saturating_sub(watched.polled_at);
        let account = account_of(&watched.reference);
        self.response_times.record(account, elapsed);
    }

    fn confirmed(&mut self, number: Number, confirmation: &Confirmation) {
        if matches!(confirmation, Confirmation::Exists) {
            self.watched[number].track.confirm();
        }
    }

    /// A list's row. It is enough while nothing has changed; a change, an end, and a thing that the
    /// list does not hold are asked for alone.
    fn take_row(&mut self, number: Number, row: Option<Job>) -> Vec<Change> {
        let watched = &mut self.watched[number];
        watched.listed = true;
        let before = watched.job.as_ref().map(|job| job.state);
        let word = watched
            .job
            .as_ref()
            .and_then(|job| job.state_raw.as_deref());
        match row {
            Some(job) if before == Some(job.state) && word == job.state_raw.as_deref() => {
                let job = watched.job.clone().unwrap_or(job);
                self.take(number, Ok(job), false)
            }
            Some(job) if before.is_none() && !job.ended && job.state != State::Unknown => {
                self.take(number, Ok(job), false)
            }
            _ => {
                (watched.busy, watched.alone) = (false, true);
                watched.next_at = Duration::ZERO;
                Vec::new()
            }
        }
    }

    /// What a look has brought; `late` when it failed since the whole command is about to end.
    fn take(&mut self, number: Number, outcome: Outcome, late: bool) -> Vec<Change> {
        let now = self.elapsed();
        let mut changes = Vec::new();
        let watched = &mut self.watched[number];
        let cloud = watched.reference.template.cloud;
        (watched.busy, watched.looked, watched.alone) = (false, true, false);
        match outcome {
            Ok(job) => {
                let before = watched.job.as_ref().map(|job| job.state);
                watched.track.see(Look::Job(&job), now);
                (watched.failures, watched.problem) = (0, None);
                if before != Some(job.state) {
                    changes.push(Change::State(number, before));
                }
                if self.manner.tells_reads {
                    changes.push(Change::Read(number));
                }
                let unchanged = now.saturating_sub(watched.track.since().unwrap_or(now));
                let every = self.pause(&job, unchanged);
                let watched = &mut self.watched[number];
                (watched.every, watched.job) = (every, Some(job));
                let jitter = 0.9 + 0.2 * crypto::random_fraction();
                watched.next_at = now + watched.every.mul_f64(jitter);
                changes.extend(self.weather.fair(cloud, number, now).map(Change::Weather));
            }
            Err(problem) if late && self.tells_nothing(number, &problem) => {
                let watched = &mut self.watched[number];
                watched.next_at = now + self.manner.interval.unwrap_or(schedule::SHORTEST);
            }
            Err(problem) => {
                let watched = &mut self.watched[number];
                watched.track.see(Look::Failed(&problem), now);
                watched.failures = watched.failures.saturating_add(1);
                watched.every = schedule::after_failures(watched.failures, self.manner.interval);
                let hint = schedule::obeyed_hint(problem.retry_after, watched.failures == 1);
                let wait = hint.max(watched.every);
                watched.next_at = now + wait;
                // What may pass by itself is told once for the cloud, and not for each thing.
                let told = watched.problem.as_ref().map(|problem| problem.category);
                if told != Some(problem.category) && !is_weather(problem.category) {
                    changes.push(Change::Problem(number));
                }
                if problem.category == Category::Throttled {
                    self.hold_back(number, now + wait);
                }
                if is_weather(problem.category) {
                    let turn = self.weather.foul(cloud, number, &problem, now);
                    changes.extend(turn.map(Change::Weather));
                } else {
                    // A cloud that says no does answer.
                    changes.extend(self.weather.fair(cloud, number, now).map(Change::Weather));
                }
                self.watched[number].problem = Some(problem);
            }
        }
        changes
    }

    /// The time to the next look at a thing whose state was seen unchanged for so long.
    fn pause(&self, job: &Job, unchanged: Duration) -> Duration {
        let known = [job.created_at, job.started_at, job.updated_at]
            .into_iter()
            .flatten()
            .max();
        let on_record = known
            .zip(Time::new(self.lens.wire.now()))
            .and_then(|(at, now)| u64::try_from(now.seconds_since(at)).ok())
            .map(Duration::from_secs);
        self.manner
            .interval
            .unwrap_or_else(|| schedule::pause(on_record.unwrap_or_default().max(unchanged)))
    }

    /// Nothing of a throttled account is asked before a moment.
    fn hold_back(&mut self, number: Number, until: Duration) {
        let account = account_of(&self.watched[number].reference);
        for watched in &mut self.watched {
            if account_of(&watched.reference) == account {
                watched.next_at = watched.next_at.max(until);
            }
        }
    }
}
