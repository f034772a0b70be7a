use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::super::lookup::{EndProof, LookupResult, MAX_DETAILS, is_active};
use super::outages::Affected;
use super::schedule::{job_interval, round_up};
use super::{AccountIndex, ExistenceCheck, JobIndex, PollEvent, PollResponse, PollResult, Poller};
use crate::gate::{Observation, lifecycle_order};
use crate::kind::Kind;
use crate::model::{Job, State, Time};
use crate::providers;

/// The minimum time before a row that is held back is read again.
const HELD_ROW_INTERVAL: Duration = Duration::from_secs(5);

impl Poller {
    /// Waits for the next results and handles them, or for changes from a stream, which make the changed jobs due.
    ///
    /// Returns at once if the caller may have to act. If all rows are as before, it continues to wait for other
    /// results, at most for the check interval: the caller then checks all jobs.
    pub(in crate::commands) async fn next(&mut self) -> Vec<PollEvent> {
        let mut check_at = None;
        loop {
            let joined = tokio::select! {
                Some(joined) = self.running.join_next() => joined,
                changed = self.changes.next() => {
                    for polled in &mut self.jobs {
                        polled.requests.is_changed |= changed.contains(&polled.reference.to_string());
                    }
                    return Vec::new();
                }
                () = sleep_until(check_at.unwrap_or(self.started)), if check_at.is_some() => {
                    return Vec::new();
                }
            };
            let (mut events, mut needs_check) = (Vec::new(), self.has_deferred);
            let mut next = Some(joined);
            while let Some(result) = next {
                let result = result.expect("a request task neither panics nor is cancelled");
                needs_check |= !matches!(result.response, PollResponse::Rows(Ok(_)));
                let jobs = result.jobs.clone();
                events.extend(self.take_result(result));
                let now = self.elapsed();
                needs_check |= jobs.iter().any(|index| self.jobs[*index].due_at() <= now);
                // Handle all results that are available now.
                next = self.running.try_join_next();
            }
            if needs_check || !events.is_empty() || self.lookup.notices.has_new() {
                return events;
            }
            check_at.get_or_insert(Instant::now() + self.check_interval());
        }
    }

    fn take_result(&mut self, result: PollResult) -> Vec<PollEvent> {
        let PollResult {
            jobs,
            is_late,
            response,
        } = result;
        let (first, now) = (jobs[0], self.elapsed());
        for index in &jobs {
            let polled = &mut self.jobs[*index];
            polled.requests.total_time += now.saturating_sub(polled.requests.started_at);
        }
        let account = self.jobs[first].account;
        self.accounts[account].in_flight -= 1;
        self.answered_at = now;
        self.jitter = 0.9 + 0.2 * self.lookup.transport.options().session.jitter();
        match response {
            PollResponse::Job(result, existence) => {
                self.take_single(first, *result, existence, is_late)
            }
            PollResponse::Rows(Ok(rows)) => {
                self.record_response(first);
                let rows = jobs.into_iter().zip(rows);
                rows.flat_map(|(index, row)| self.take_row(index, row))
                    .collect()
            }
            PollResponse::Rows(Err(problem)) => self.take_batch_failure(&jobs, &problem, is_late),
        }
    }

    /// Handles the result of a lookup, and whether the job was confirmed to exist.
    fn take_single(
        &mut self,
        index: JobIndex,
        result: LookupResult,
        existence: ExistenceCheck,
        is_late: bool,
    ) -> Vec<PollEvent> {
        if matches!(existence, ExistenceCheck::Exists) {
            self.jobs[index].current.history.confirm();
        }
        self.jobs[index].requests.is_listed = false;
        if result.is_ok() {
            self.record_response(index);
        }
        match existence {
            ExistenceCheck::Failed(problem) if result.is_ok() => {
                self.take_failure(index, *problem, is_late)
            }
            _ => self.take_lookup(index, result, is_late),
        }
    }

    /// Records the response time of a poll.
    fn record_response(&mut self, index: JobIndex) {
        let (now, polled) = (self.elapsed(), &mut self.jobs[index]);
        let account = &mut self.accounts[polled.account];
        let elapsed = now.saturating_sub(polled.requests.started_at);
        // The time of a credential command is not a response time.
        if !std::mem::take(&mut polled.requests.awaits_client) {
            account.response_times.record(elapsed);
        }
        account.responded_at = now;
    }

    /// Handles the result of a lookup. If it failed, an end that a list has proved still counts.
    fn take_lookup(
        &mut self,
        index: JobIndex,
        result: LookupResult,
        is_late: bool,
    ) -> Vec<PollEvent> {
        let polled = &mut self.jobs[index];
        let account = &mut self.accounts[polled.account];
        let row = polled.current.final_row.take();
        if let (Some(row), Ok(job)) = (&row, &result) {
            self.end_proofs.compare(polled.account, row, job);
        }
        let is_last_detail = std::mem::take(&mut polled.requests.has_detail_request) && {
            account.detail_requests -= 1;
            account.detail_requests == 0
        };
        // The state is known from a list; only its explanation could not be read.
        let is_explanation =
            std::mem::take(&mut polled.current.explains_last) && polled.current.job.is_some();
        polled.current.is_explained |= is_explanation;
        let is_contradicted = self.end_proofs.is_contradicted(&polled.account);
        let mut events = match (result, row) {
            (Err(problem), Some(mut row)) if !is_contradicted => {
                row.lookup_failed = problem.is_transient();
                self.take_job(index, *row)
            }
            (Ok(job), _) => self.take_job(index, job),
            (Err(_), None) if is_explanation => {
                self.jobs[index].finish_poll();
                Vec::new()
            }
            (Err(problem), _) => self.take_failure(index, problem, is_late),
        };
        if is_last_detail {
            events.extend(self.handle_held_rows(self.jobs[index].account));
        }
        events
    }

    /// Handles the rows that were held back while details were requested. If one row
    /// was contradicted, looks up all of these jobs instead.
    fn handle_held_rows(&mut self, account: AccountIndex) -> Vec<PollEvent> {
        let is_contradicted = self.end_proofs.is_contradicted(&account);
        let mut events = Vec::new();
        for index in 0..self.jobs.len() {
            let polled = &mut self.jobs[index];
            let requests = &mut polled.requests;
            if polled.account != account || requests.is_in_flight || requests.poll_individually {
                continue;
            }
            let Some(row) = polled.current.final_row.take() else {
                continue;
            };
            match is_contradicted {
                true => {
                    requests.poll_individually = true;
                    polled.current.schedule.next_at = Duration::ZERO;
                }
                false => events.extend(self.take_job(index, *row)),
            }
        }
        events
    }

    /// Accepts the ends that lists have proved and whose details were not read yet.
    pub(in crate::commands) fn accept_proved_ends(&mut self) {
        for index in 0..self.jobs.len() {
            let polled = &mut self.jobs[index];
            let row = polled.current.final_row.take();
            if let Some(row) = row.filter(|_| !self.end_proofs.is_contradicted(&polled.account)) {
                self.take_job(index, *row);
            }
        }
    }

    /// Handles a row of a list. Looks up jobs for which a row does not suffice: a change, an end, or a job that
    /// the list does not contain.
    fn take_row(&mut self, index: JobIndex, row: Option<Job>) -> Vec<PollEvent> {
        let mut events = Vec::new();
        if let Some(row) = &row {
            match self.check_identity(index, row) {
                Ok(replaced) => events.extend(replaced),
                Err(problem) => return self.take_failure(index, problem, false),
            }
        }
        events.extend(self.take_row_of_same(index, row));
        events
    }

    /// Handles a row of the polled job, not of another one with its id.
    fn take_row_of_same(&mut self, index: JobIndex, row: Option<Job>) -> Vec<PollEvent> {
        let polled = &mut self.jobs[index];
        polled.requests.is_listed = true;
        polled.current.final_row = None;
        let kind = polled.reference.kind;
        let both = polled.current.job.as_ref().zip(row.as_ref());
        // An undecided job whose deletion a stream reports has ended in the same state.
        let ends = |known: &Job, row: &Job| kind.is_watched && row.ended && !known.ended;
        let is_same = |(known, row): (&Job, &Job)| {
            known.state == row.state && known.state_raw == row.state_raw && !ends(known, row)
        };
        let is_unchanged = both.is_some_and(is_same);
        let has_tasks = row.as_ref().is_some_and(|row| !row.tasks.is_empty());
        if is_unchanged && !(kind.is_watched && has_tasks) {
            return self.take_unchanged(index);
        }
        let known = polled.current.job.as_ref().filter(|_| kind.is_watched);
        let row = match known {
            Some(known) => row.map(|row| Job {
                events: known.events.clone(),
                warning_count: known.warning_count,
                ..row
            }),
            None => row,
        };
        match row {
            Some(row) if is_unchanged || self.row_suffices(index, &row) => {
                self.take_job(index, row)
            }
            row => {
                let row = row.filter(|row| self.is_proved_by(index, row));
                let is_held = row.is_some() && self.postpones_rows(index);
                let list_time = self.list_time(index);
                let polled = &mut self.jobs[index];
                (
                    polled.requests.is_in_flight,
                    polled.requests.poll_individually,
                ) = (false, !is_held);
                polled.current.schedule.next_at = match is_held {
                    true => self.started.elapsed() + HELD_ROW_INTERVAL.max(list_time),
                    false => Duration::ZERO,
                };
                polled.current.final_row = row.map(Box::new);
                Vec::new()
            }
        }
    }

    /// Returns `true` if a lookup would add nothing to a row that is the first or shows a change.
    ///
    /// For a large number of jobs, only some of the failed ones are looked up. Rows of
    /// watched kinds only lack events.
    fn row_suffices(&mut self, index: JobIndex, row: &Job) -> bool {
        let polled = &self.jobs[index];
        let account = polled.account;
        let kind = polled.reference.kind;
        let is_large = self.is_large(kind);
        let is_active = is_active(row);
        match polled.current.job.as_ref().map(|job| job.state) {
            None if is_active => is_large || !kind.is_watched,
            _ if !is_large || !kind.conclusive_rows => false,
            _ if self.end_proofs.is_contradicted(&account) => false,
            Some(_) if is_active && kind.is_watched => true,
            // A state that goes back can be an outdated one.
            Some(before) if is_active => !row.state.is_end() && is_later(row.state, before),
            _ => match self.end_proofs.check(&account, kind, row) {
                EndProof::Unproved => false,
                EndProof::Proved => !self.postpones_rows(index),
                EndProof::NeedsDetails => {
                    self.count_detail_request(index);
                    false
                }
            },
        }
    }

    /// Counts that the details of a job are requested, until the response has come.
    fn count_detail_request(&mut self, index: JobIndex) {
        let polled = &mut self.jobs[index];
        let is_counted = std::mem::replace(&mut polled.requests.has_detail_request, true);
        self.accounts[polled.account].detail_requests += usize::from(!is_counted);
    }

    /// Returns the minimum time between two rounds of list calls of an account: 1.5 times as long as they take.
    fn list_time(&self, index: JobIndex) -> Duration {
        let account = &self.accounts[self.jobs[index].account];
        account.unfinished.list_time() * 3 / 2
    }

    fn is_large(&self, kind: &Kind) -> bool {
        self.jobs.len() > if kind.is_watched { 1 } else { MAX_DETAILS }
    }

    fn is_proved_by(&self, index: JobIndex, row: &Job) -> bool {
        let polled = &self.jobs[index];
        self.end_proofs
            .proves_end(&polled.account, polled.reference.kind, row)
    }

    /// Returns `true` if lookups of other jobs can still contradict the row of a job that is not looked up itself.
    fn postpones_rows(&self, index: JobIndex) -> bool {
        let polled = &self.jobs[index];
        let is_pending = self.accounts[polled.account].detail_requests > 0;
        is_pending && !polled.requests.has_detail_request && self.is_large(polled.reference.kind)
    }

    /// Handles a job that was read. Rejects another job that has the id of the previous one, which is gone.
    fn take_job(&mut self, index: JobIndex, mut job: Job) -> Vec<PollEvent> {
        let replaced = match self.check_identity(index, &job) {
            Ok(replaced) => replaced,
            Err(problem) => return self.take_failure(index, problem, false),
        };
        let polled = &mut self.jobs[index];
        if polled.is_discovered {
            providers::mask_row_ids(&mut job, self.lookup.transport.redactor());
        }
        let before = polled.current.job.replace(job).map(|job| job.state);
        let mut changes = self.take_unchanged(index);
        if before != self.jobs[index].current.job.as_ref().map(|job| job.state) {
            changes.insert(0, PollEvent::State(index, before));
        }
        replaced.into_iter().chain(changes).collect()
    }

    /// Records that the current job was read again.
    fn take_unchanged(&mut self, index: JobIndex) -> Vec<PollEvent> {
        let now = self.elapsed();
        let (list_time, check_interval) = (self.list_time(index), self.check_interval());
        let polled = &mut self.jobs[index];
        let account = polled.account;
        polled.finish_poll();
        let current = &mut polled.current;
        let (history, schedule) = (&mut current.history, &mut current.schedule);
        (schedule.failures, current.problem) = (0, None);
        let mut changes = Vec::new();
        if let Some(job) = &current.job {
            history.observe(Observation::Read(job), now);
            let unchanged = now.saturating_sub(history.since().unwrap_or(now));
            schedule.interval = self.options.interval.unwrap_or_else(|| {
                let server_now = Time::new(self.lookup.transport.server_now());
                let floor = if polled.requests.is_listed {
                    list_time
                } else {
                    Duration::ZERO
                };
                job_interval(job, server_now, unchanged).max(floor)
            });
            schedule.next_at = now + schedule.interval.mul_f64(self.jitter);
            if polled.requests.is_listed {
                // One check of all jobs then starts several list calls.
                schedule.next_at = round_up(schedule.next_at, check_interval);
            }
            let time = self.options.warning_free_time;
            let warning_free_until = time.and_then(|time| history.warning_free_until(time));
            // The interval, or the last poll before the deadline, can miss the end of the warning-free time.
            let after_poll = warning_free_until.filter(|until| *until > polled.requests.started_at);
            schedule.next_at = after_poll.map_or(schedule.next_at, |at| at.min(schedule.next_at));
        }
        if self.options.emit_reads {
            changes.push(PollEvent::Read(index));
        }
        let affected = Affected::Job(index);
        // A request that failed does not show that the account responds again.
        let lookup_failed = current.job.as_ref().is_some_and(|job| job.lookup_failed);
        let outage_event = if lookup_failed {
            self.outages.forget(account, affected);
            None
        } else {
            self.outages.record_success(account, affected, now)
        };
        changes.extend(outage_event.map(PollEvent::Outage));
        changes
    }
}

/// Returns `true` if a state is later in the lifecycle than another.
fn is_later(state: State, previous: State) -> bool {
    let previous = lifecycle_order(previous);
    previous > 0 && lifecycle_order(state) > previous
}
