mod no_warnings;
pub mod pending;

use std::borrow::Cow;
use std::time::Duration;

use self::pending::{pending, unknown};
use super::warnings::Warnings;
use super::{Condition, Evaluation, GatePolicy, Pending, PendingCause};
use crate::error::{Category, Problem};
use crate::model::{Job, State};

/// The result of one poll of a job.
#[derive(Debug, Clone, Copy)]
pub enum Observation<'a> {
    /// It was read.
    Read(&'a Job),
    /// It could not be read, or does not exist.
    Failed(&'a Problem),
}

/// The minimum time between two polls that do not find a job before it counts as missing.
pub const MISSING_RECHECK_INTERVAL: Duration = Duration::from_secs(15);

/// The results of all polls of one job so far.
///
/// All times count from the start of the gate on a monotonic clock.
#[derive(Debug, Clone, Default)]
pub struct JobHistory {
    /// The job only reports events.
    is_stateless: bool,
    /// The job never ends: only its last state counts.
    is_endless: bool,
    /// A stateless job was confirmed to exist.
    was_confirmed: bool,
    /// Its existence was confirmed together with the poll that is recorded next.
    is_check_confirmed: bool,
    last: Option<LastObserved>,
    observed: Vec<State>,
    has_run: bool,
    ended: Option<Ended>,
    not_found: Option<NotFoundSpan>,
    /// For this long, polls can fail to find a job that exists.
    missing_grace: Duration,
    read_failure: Option<Box<ReadFailure>>,
    warnings: Option<Box<Warnings>>,
}

#[derive(Debug, Clone)]
struct LastObserved {
    state: State,
    state_word: Option<String>,
    /// Why the state is uncertain although the value is recognized.
    inconsistency: Option<Box<Inconsistency>>,
    /// The references whose events the response omits.
    unread_events: Option<String>,
    reason: Option<String>,
    has_ended: bool,
    /// When this state was first seen.
    state_since: Duration,
    /// When the job was last read.
    observed_at: Duration,
    /// The last read confirmed that the job exists.
    is_confirmed: bool,
}

#[derive(Debug, Clone)]
struct Inconsistency {
    message: String,
    /// The category of the failure to read the subtasks, if any.
    cause: Option<Category>,
}

/// An end that was seen; later states no longer count.
#[derive(Debug, Clone)]
struct Ended {
    state: State,
    reason: Option<String>,
}

#[derive(Debug, Clone)]
struct NotFoundSpan {
    first: Duration,
    last: Duration,
}

#[derive(Debug, Clone)]
struct ReadFailure {
    category: Category,
    /// The same request fails again unless something is changed.
    is_rejected: bool,
    message: String,
    since: Duration,
}

impl JobHistory {
    /// Creates the history of a job that was not polled yet; `is_stateless` if its kind only reports events.
    pub fn new(is_stateless: bool) -> Self {
        Self {
            is_stateless,
            ..Self::default()
        }
    }

    /// Sets whether the job never ends.
    pub fn with_endless(self, is_endless: bool) -> Self {
        Self { is_endless, ..self }
    }

    /// Sets for how long polls can fail to find the job although it exists.
    pub fn with_missing_grace(self, missing_grace: Duration) -> Self {
        Self {
            missing_grace,
            ..self
        }
    }

    /// Returns `true` if a poll that ends now has to confirm that a stateless job exists: the first poll, and one
    /// after the warning-free time, since a job that was deleted in the meantime has no warnings either.
    pub fn needs_confirmation(&self, warning_free_time: Duration, now: Duration) -> bool {
        let may_be_gone = !self.was_confirmed || self.not_found.is_some();
        let until = self.warning_free_until(warning_free_time);
        self.is_stateless && (may_be_gone || until.is_some_and(|until| now >= until))
    }

    /// Returns when the warning-free time ends if no warning occurs.
    pub fn warning_free_until(&self, warning_free_time: Duration) -> Option<Duration> {
        let since = self.warnings.as_ref()?.warning_free_since();
        Some(since.saturating_add(warning_free_time))
    }

    /// Records that the job exists, together with the poll that is recorded next.
    pub fn confirm(&mut self) {
        (self.was_confirmed, self.is_check_confirmed) = (true, true);
    }

    /// Returns the last state, if any.
    pub fn state(&self) -> Option<State> {
        self.last.as_ref().map(|seen| seen.state)
    }

    /// Returns when the last state was first seen.
    pub fn since(&self) -> Option<Duration> {
        self.last.as_ref().map(|seen| seen.state_since)
    }

    /// Returns when the job was last read, if ever.
    pub fn read_at(&self) -> Option<Duration> {
        self.last.as_ref().map(|seen| seen.observed_at)
    }

    /// Returns since when the job has been unreadable, if it is.
    pub fn unreadable_since(&self) -> Option<Duration> {
        self.read_failure.as_ref().map(|failure| failure.since)
    }

    /// Returns `true` if an end was seen.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Records the result of a poll.
    pub fn observe(&mut self, observation: Observation<'_>, now: Duration) {
        match observation {
            Observation::Read(job) => self.observe_job(job, now),
            Observation::Failed(problem) if problem.category == Category::NotFound => {
                self.read_failure = None;
                let first = self.not_found.as_ref().map_or(now, |missing| missing.first);
                self.not_found = Some(NotFoundSpan { first, last: now });
            }
            Observation::Failed(problem) => {
                let since = self
                    .read_failure
                    .as_ref()
                    .map_or(now, |failure| failure.since);
                self.read_failure = Some(Box::new(ReadFailure {
                    category: problem.category,
                    is_rejected: problem.is_rejected(),
                    message: problem.message.clone(),
                    since,
                }));
            }
        }
    }

    fn observe_job(&mut self, job: &Job, now: Duration) {
        (self.not_found, self.read_failure) = (None, None);
        let state_since = match &self.last {
            Some(seen) if seen.state == job.state => seen.state_since,
            _ => now,
        };
        self.last = Some(LastObserved {
            state: job.state,
            state_word: job.state_raw.clone(),
            inconsistency: (job.has_unread_subtasks()).then(|| {
                Box::new(Inconsistency {
                    message: job.message.clone().unwrap_or_default(),
                    cause: job.unread_cause,
                })
            }),
            unread_events: job.subtask_references(),
            reason: message_or_reason(job),
            has_ended: job.ended,
            state_since,
            observed_at: now,
            is_confirmed: std::mem::take(&mut self.is_check_confirmed),
        });
        let is_certain = !job.has_unread_subtasks();
        if is_certain && !self.observed.contains(&job.state) {
            self.observed.push(job.state);
        }
        let runs = matches!(
            job.state,
            State::Running | State::Stopping | State::Succeeded
        );
        self.has_run |= runs || job.has_started || job.started_at.is_some();
        if job.ended && job.state.is_end() && self.ended.is_none() {
            self.ended = Some(Ended {
                state: job.state,
                reason: message_or_reason(job),
            });
        }
        match &mut self.warnings {
            None => self.warnings = Some(Box::new(Warnings::first(job, now))),
            Some(warnings) => warnings.observe(job, now),
        }
    }

    /// Evaluates the job at a given time.
    pub fn evaluate(&self, policy: &GatePolicy, now: Duration) -> Evaluation {
        if let Some(evaluation) = self.evaluate_ended(&policy.condition) {
            return evaluation;
        }
        if let (Condition::NoWarnings(_), Some(text)) = (&policy.condition, self.new_warning()) {
            return Evaluation::Unmet(format!("new warning: {text}"));
        }
        if let Some(failure) = &self.read_failure {
            return Evaluation::Pending(self.pending_on_failure(failure, policy, now));
        }
        if let Some(missing) = &self.not_found {
            return Evaluation::Pending(self.pending_on_missing(missing, policy));
        }
        let Some(seen) = &self.last else {
            return pending(PendingCause::Time, "not checked yet");
        };
        match &policy.condition {
            Condition::NoWarnings(time) => self.evaluate_no_warnings(*time, seen, policy, now),
            // A job whose final state cannot be determined has also ended.
            Condition::Ended if seen.has_ended => Evaluation::Met,
            Condition::Ended => match &seen.inconsistency {
                Some(cause) if seen.state == State::Unknown => {
                    self.evaluate_inconsistent(cause, seen, policy, now)
                }
                _ => self.evaluate_active(seen, policy, now),
            },
            Condition::States(_) if seen.state == State::Unknown => match &seen.inconsistency {
                Some(cause) => self.evaluate_inconsistent(cause, seen, policy, now),
                None => unknown(seen, policy),
            },
            Condition::States(states) if self.has_reached(states, seen.state) => {
                match &seen.inconsistency {
                    Some(cause) => self.evaluate_inconsistent(cause, seen, policy, now),
                    None => Evaluation::Met,
                }
            }
            // A failed part decides the outcome, even if other parts are still running.
            Condition::States(_) if seen.state == State::Failed => {
                Evaluation::Unmet(with_reason(seen.state, seen.reason.as_deref()))
            }
            Condition::States(_) => self.evaluate_active(seen, policy, now),
        }
    }

    /// Evaluates a job whose end was seen. Returns `None` if it has not ended, or if the end does not decide.
    fn evaluate_ended(&self, condition: &Condition) -> Option<Evaluation> {
        let ended = self.ended.as_ref()?;
        let reached = match condition {
            Condition::Ended => true,
            Condition::NoWarnings(_) if ended.state.is_unsuccessful() => false,
            Condition::NoWarnings(_) => return None,
            Condition::States(states) => self.has_reached(states, ended.state),
        };
        Some(match reached {
            true => Evaluation::Met,
            false => Evaluation::Unmet(with_reason(ended.state, ended.reason.as_deref())),
        })
    }

    /// Returns `true` if one of the states was seen, or must have been passed between two polls. For a failed or
    /// canceled job, only its final state counts, whatever was seen before.
    fn has_reached(&self, states: &[State], now: State) -> bool {
        if now.is_unsuccessful() {
            return states.contains(&now);
        }
        states.iter().any(|state| {
            // Every job that is active or has succeeded was pending and starting before, and running if it is later
            // in the lifecycle. It need not pass stopping, and a stopping job can have never run.
            let on_every_way = matches!(state, State::Pending | State::Starting | State::Running)
                && now != State::Stopping;
            *state == now
                || (!state.is_end() && !self.is_endless && self.observed.contains(state))
                || (on_every_way && lifecycle_order(now) > lifecycle_order(*state))
        })
    }

    fn new_warning(&self) -> Option<&str> {
        self.warnings.as_ref()?.new_one()
    }

    fn evaluate_active(
        &self,
        job: &LastObserved,
        policy: &GatePolicy,
        now: Duration,
    ) -> Evaluation {
        let never_ran = !self.has_run && matches!(job.state, State::Pending | State::Starting);
        match policy.start_timeout {
            Some(limit) if never_ran && now >= limit => Evaluation::Pending(Pending {
                cause: PendingCause::NotStarted,
                is_final: true,
                reason: Cow::Owned(format!(
                    "not started after {} s ({})",
                    now.as_secs(),
                    job.state
                )),
            }),
            _ => pending(PendingCause::Time, job.state.as_str()),
        }
    }
}

fn message_or_reason(job: &Job) -> Option<String> {
    let reason = || job.reason.clone().map(String::from);
    job.message.clone().or_else(reason)
}

fn with_reason(state: State, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{state}: {reason}"),
        None => state.to_string(),
    }
}

/// Returns the position of a state in the lifecycle of a job; 0 for states that can follow any other.
pub fn lifecycle_order(state: State) -> u8 {
    match state {
        State::Pending => 1,
        State::Starting => 2,
        State::Running => 3,
        State::Stopping => 4,
        State::Succeeded => 5,
        State::Failed | State::Canceled | State::Unknown => 0,
    }
}

#[cfg(test)]
mod tests;
