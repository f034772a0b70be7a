//! Polls one target for all clients that request its metrics.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::details::{Detail, LookupAge, fill, is_unproven_success, lookup_candidates};
use super::ends::EndTimes;
use super::jobs::JobRow;
use super::log::MessageLog;
use super::scopes::{PollTime, ScopeReading, ScopeSnapshot, changes, merge};
use crate::commands::list::{ListTarget, ListedScope, keep_last_rows, list_jobs};
use crate::commands::lookup::{Lookup, MAX_DETAILS, parse_monitored_text};
use crate::commands::poll::hint_delay;
use crate::model::{Notice, NoticeCode, Time};
use crate::reference::{DEFAULT_PROFILE, Reference};
use crate::sync::lock;

/// Maximum number of jobs to read per scope, newest first if the cloud can sort. Active jobs are read in addition.
const MAX_LISTED: usize = 10_000;

/// Minimum time for which rows are shown that could not be read again.
const MIN_MAX_AGE: Duration = Duration::from_secs(300);

/// The jobs that are polled together.
#[derive(Debug)]
pub(super) enum PolledSelector {
    /// A scope, or all scopes of a cloud.
    Scope(ListTarget),
    /// Named jobs.
    Jobs(Vec<Reference>),
}

/// Options for polling a target.
#[derive(Debug, Clone, Copy)]
pub(super) struct PolledTargetOptions {
    /// Minimum time between the starts of two polls.
    pub min_interval: Duration,
    /// Jobs that ended longer ago are left out.
    pub keep: TimeDelta,
    /// Maximum number of lookups per scope and poll.
    pub max_details: usize,
}

impl PolledTargetOptions {
    /// Returns the maximum age of rows that are shown.
    pub(super) fn max_age(&self) -> Duration {
        MIN_MAX_AGE.max(self.min_interval * 3)
    }
}

/// A target with the results of its last poll. Of several concurrent requests, only the first one starts a poll.
pub(super) struct PolledTarget {
    target: PolledSelector,
    /// Number of the target on the command line, from 1; 0 for a probe.
    number: usize,
    lookup: Arc<Lookup>,
    options: PolledTargetOptions,
    log: MessageLog,
    state: Mutex<PolledTargetState>,
    /// Number of polls; changes when a poll ends.
    polls: watch::Sender<u64>,
}

#[derive(Default)]
struct PolledTargetState {
    is_polling: bool,
    /// Earliest start of the next poll.
    next_at: Option<Instant>,
    scopes: Vec<Arc<ScopeSnapshot>>,
    details: HashMap<String, Detail>,
    ends: EndTimes,
}

impl PolledTargetState {
    /// Returns the references of the jobs that were active in the last poll.
    fn active(&self) -> HashSet<String> {
        let rows = self.scopes.iter().flat_map(|scope| &scope.reading.rows);
        let active = rows.filter(|row| !row.ended);
        active.map(|row| row.reference.clone()).collect()
    }

    /// Returns `true` if an earlier poll could read a scope.
    fn has_read(&self, scope: &str) -> bool {
        let mut scopes = self.scopes.iter();
        scopes.any(|one| one.reading.scope == scope && one.last_success.is_some())
    }
}

impl PolledTarget {
    /// Creates a target that was not polled yet.
    pub(super) fn new(
        target: PolledSelector,
        number: usize,
        lookup: &Arc<Lookup>,
        options: PolledTargetOptions,
        log: &MessageLog,
    ) -> Arc<Self> {
        let unread = match &target {
            PolledSelector::Scope(target) => {
                let cloud = target.account().cloud;
                vec![ScopeSnapshot::unread(target.scope(), cloud)]
            }
            PolledSelector::Jobs(references) => {
                let references = references.iter();
                let unread = references.map(|reference| {
                    let cloud = reference.kind.template.cloud;
                    ScopeSnapshot::unread(reference.to_string(), cloud)
                });
                unread.collect()
            }
        };
        let state = PolledTargetState {
            scopes: unread,
            ..PolledTargetState::default()
        };
        Arc::new(Self {
            target,
            number,
            lookup: Arc::clone(lookup),
            options,
            log: log.clone(),
            state: Mutex::new(state),
            polls: watch::Sender::new(0),
        })
    }

    /// Returns the scopes after the last poll.
    pub(super) fn scopes(&self) -> Vec<Arc<ScopeSnapshot>> {
        lock(&self.state).scopes.clone()
    }

    /// Starts a poll if it is due, and waits for a running poll until the deadline. The poll continues after the
    /// deadline.
    pub(super) async fn refresh(self: &Arc<Self>, deadline: Option<Instant>) {
        let mut polls = self.polls.subscribe();
        {
            let mut state = lock(&self.state);
            let is_due = state.next_at.is_none_or(|at| at <= Instant::now());
            match (state.is_polling, is_due) {
                (true, _) => {}
                (false, false) => return,
                (false, true) => {
                    state.is_polling = true;
                    let target = Arc::clone(self);
                    tokio::spawn(async move { target.poll().await });
                }
            }
        }
        // An error is not possible: the sender lives as long as this target.
        match deadline {
            None => drop(polls.changed().await),
            Some(deadline) => drop(timeout_at(deadline, polls.changed()).await),
        }
    }

    async fn poll(&self) {
        let started = Instant::now();
        let stopwatch = self.lookup.transport.options().session.stopwatch();
        let active = lock(&self.state).active();
        let (readings, details) = match &self.target {
            PolledSelector::Scope(target) => self.list(target, &active).await,
            PolledSelector::Jobs(references) => {
                (self.look_up(references, &active).await, HashMap::new())
            }
        };
        let problems = readings.iter().filter_map(|one| one.problem.as_ref());
        let hint = problems.filter_map(|problem| problem.retry_after).max();
        let max_age = self.options.max_age();
        let time = PollTime::ending_now(&self.lookup, self.number, &stopwatch, max_age);
        let mut state = lock(&self.state);
        let scopes = merge(&state.scopes, readings, time);
        for line in changes(&state.scopes, &scopes) {
            self.log.line(line);
        }
        self.log.notices(&self.lookup.notices);
        state.scopes = scopes;
        state.details = details;
        state.is_polling = false;
        // A poll of many pages uses a large part of the account's request quota, so the interval is at least twice its
        // duration.
        let next_at = started + self.options.min_interval.max(time.duration * 2);
        state.next_at = Some(next_at.max(time.ended + hint_delay(hint, false)));
        drop(state);
        self.polls.send_modify(|polls| *polls += 1);
    }

    /// Reads the lists. `active` are the references of the jobs that were active in the last poll.
    async fn list(
        &self,
        target: &ListTarget,
        active: &HashSet<String>,
    ) -> (Vec<ScopeReading>, HashMap<String, Detail>) {
        let mut rows: Vec<Vec<JobRow>> = Vec::new();
        let mut on_job = |scope: usize, job| {
            let scopes = rows.len().max(scope + 1);
            rows.resize_with(scopes, Vec::new);
            rows[scope].push(JobRow::listed(job));
        };
        let listed = list_jobs(&self.lookup, target, MAX_LISTED, &mut on_job).await;
        self.read_listed(listed, rows, active).await
    }

    /// Converts the lists with their rows to readings, and looks up jobs whose rows are not sufficient.
    async fn read_listed(
        &self,
        listed: Vec<ListedScope>,
        mut rows: Vec<Vec<JobRow>>,
        active: &HashSet<String>,
    ) -> (Vec<ScopeReading>, HashMap<String, Detail>) {
        rows.resize_with(listed.len(), Vec::new);
        let mut details = lock(&self.state).details.clone();
        let mut readings = Vec::new();
        let (mut found, mut is_complete) = (HashSet::new(), true);
        for (scope, mut rows) in listed.into_iter().zip(rows) {
            // An optional scope is left out, unless an earlier poll could read it: then its failure is reported.
            if scope.is_optional && !lock(&self.state).has_read(&scope.scope) {
                self.note_refusal(&scope);
                continue;
            }
            is_complete &= scope.problem.is_none();
            keep_last_rows(&mut rows, |row| &row.reference);
            found.extend(rows.iter().map(|row| row.reference.clone()));
            self.retain_recent(&mut rows, active);
            self.add_details(&mut rows, &mut details).await;
            readings.push(ScopeReading {
                scope: scope.scope,
                cloud: scope.cloud.to_owned(),
                rows,
                problem: scope.problem.map(Box::new),
                is_truncated: scope.is_truncated,
                unreadable: scope.unreadable,
            });
        }
        let rows = readings.iter().flat_map(|reading| &reading.rows);
        let known: HashSet<&str> = rows.map(|row| &*row.reference).collect();
        details.retain(|reference, _| known.contains(&**reference));
        if is_complete {
            lock(&self.state).ends.retain_only(&found);
        }
        (readings, details)
    }

    /// Reports a scope that is left out, such as one of a product that the account does not have.
    fn note_refusal(&self, scope: &ListedScope) {
        if let Some(problem) = &scope.problem {
            let message = format!("{}: could not be listed: {problem}", scope.scope);
            let notice = Notice::new(NoticeCode::ScopeSkipped, message);
            self.lookup.notices.push(notice);
        }
    }

    /// Removes jobs that ended too long ago. Removes none if the current time is unknown.
    fn retain_recent(&self, rows: &mut Vec<JobRow>, active: &HashSet<String>) {
        let Ok(now) = self.lookup.now() else { return };
        let since = now.to_datetime().checked_sub_signed(self.options.keep);
        if let Some(since) = since.and_then(Time::new) {
            lock(&self.state).ends.retain(rows, active, now, since);
        }
    }

    async fn look_up(
        &self,
        references: &[Reference],
        active: &HashSet<String>,
    ) -> Vec<ScopeReading> {
        let results = self.lookup.get_many(references).await;
        let results = references.iter().zip(results);
        let readings = results.map(|(reference, result)| {
            let (row, problem) = match result {
                Ok(job) => (Some(JobRow::new(job)), None),
                Err(problem) => (None, Some(Box::new(problem))),
            };
            let mut rows = row.into_iter().collect();
            self.retain_recent(&mut rows, active);
            ScopeReading {
                scope: reference.to_string(),
                cloud: reference.kind.template.cloud.to_owned(),
                rows,
                problem,
                ..ScopeReading::default()
            }
        });
        readings.collect()
    }

    /// Looks up jobs for which the list lacks values that metrics need, and fills in the results of these and of
    /// earlier lookups.
    async fn add_details(&self, rows: &mut [JobRow], details: &mut HashMap<String, Detail>) {
        let wanted = lookup_candidates(rows, details, self.options.max_details);
        let settings = &self.lookup.settings;
        let references = wanted.iter().filter_map(|text| {
            let parsed = parse_monitored_text(text, settings, DEFAULT_PROFILE).ok()?;
            let mut references = parsed.references();
            references
                .next()
                .filter(|one| one.to_string() == *text)
                .cloned()
        });
        let references: Vec<Reference> = references.collect();
        let mut results = Vec::new();
        // With more jobs in one call, the lookup would read lists instead of single jobs.
        for references in references.chunks(MAX_DETAILS) {
            results.extend(self.lookup.get_many(references).await);
        }
        let at = Instant::now();
        for (reference, result) in references.iter().zip(results) {
            // Failures are stored too, so that jobs whose lookup always fails do not use up the lookups of each poll.
            let row = result.ok().map(JobRow::new);
            details.insert(reference.to_string(), Detail { read_at: at, row });
        }
        if rows.iter().any(|row| is_unproven_success(row, details)) {
            self.lookup.notices.push(Notice::new(
                NoticeCode::FromLists,
                "some successes are shown as listed; a lookup may find a failure (--max-lookups)",
            ));
        }
        for row in rows {
            if let Some(Detail {
                read_at,
                row: Some(known),
            }) = details.get(&row.reference)
            {
                let age = match at - *read_at {
                    age if age.is_zero() => LookupAge::ThisPoll,
                    age if age <= self.options.max_age() => LookupAge::Recent,
                    _ => LookupAge::Old,
                };
                fill(row, known, age);
            }
        }
    }
}

#[cfg(test)]
mod tests;
