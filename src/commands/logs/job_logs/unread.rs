//! Handles logs of a job that cannot be read while its other logs can.

use std::time::Duration;

use super::{JobLogs, LogError, pause};
use crate::commands::logs::absent::log_name;
use crate::commands::lookup::with_reference;
use crate::commands::poll::describe_outage;
use crate::error::Problem;
use crate::http::Stopwatch;
use crate::model::Job;

/// Why one of several logs could not be read.
#[derive(Debug)]
pub(in crate::commands::logs) struct UnreadLog {
    problem: Problem,
    /// The number of consecutive failures.
    failures: u32,
    /// Runs since the last failure.
    failed_at: Stopwatch,
    is_noted: bool,
}

impl JobLogs<'_> {
    /// Records that one of several logs could not be read, so that the others are read.
    ///
    /// # Errors
    /// Returns the error if there is only one log, or if the output cannot be written.
    pub(super) fn skip_log(&mut self, number: usize, error: LogError) -> Result<(), LogError> {
        let LogError::Problem(mut problem) = error else {
            return Err(error);
        };
        self.lookup.transport.mask(&mut problem);
        if self.logs.len() == 1 {
            return Err((*problem).into());
        }
        let failed_at = self.context.session.stopwatch();
        let known = self.unread.remove(&number);
        let unread = UnreadLog {
            problem: *problem,
            failures: known.as_ref().map_or(0, |known| known.failures) + 1,
            failed_at,
            is_noted: known.is_some_and(|known| known.is_noted),
        };
        self.unread.insert(number, unread);
        Ok(())
    }

    /// Starts to measure how long a log cannot be read because of temporary failures, or stops once it is read.
    pub(super) fn time_failures<T>(&mut self, number: usize, read: &Result<T, Problem>) {
        let unread = &mut self.logs[number].unread;
        match read {
            Ok(_) => *unread = None,
            Err(problem) if problem.category.is_transient() => {
                unread.get_or_insert_with(|| self.context.session.stopwatch());
            }
            Err(_) => {}
        }
    }

    /// Returns how often in a row a log could not be read.
    pub(super) fn failures(&self, number: usize) -> u32 {
        let unread = self.unread.get(&number);
        unread.map_or(0, |unread| unread.failures)
    }

    /// Returns why a log could not be read.
    pub(super) fn failure(&self, number: usize) -> Option<Problem> {
        let unread = self.unread.get(&number);
        unread.map(|unread| unread.problem.clone())
    }

    /// Returns `true` if a log is not read now: its failure is permanent, or was too recent.
    pub(super) fn is_paused(&self, number: usize, job: &Job, interval: Duration) -> bool {
        self.unread.get(&number).is_some_and(|unread| {
            let is_early = || unread.failed_at.elapsed() < pause(interval, unread.failures);
            !unread.problem.category.is_transient() || (!job.ended && is_early())
        })
    }

    /// Returns `true` if a log that could not be read can be read later.
    pub(super) fn has_retryable_logs(&self) -> bool {
        let mut unread = self.unread.values();
        unread.any(|unread| unread.problem.category.is_transient())
    }

    /// Notes once for each log that it cannot be read.
    ///
    /// # Errors
    /// Returns one of the problems if no log could be read, a temporary one if there is any.
    pub(super) fn note_unread_logs(&mut self) -> Result<(), LogError> {
        if self.unread.len() == self.logs.len() {
            let mut problems = self.unread_problems();
            let transient = problems
                .iter()
                .position(|problem| problem.category.is_transient());
            return match problems.is_empty() {
                true => Ok(()),
                false => Err(problems.swap_remove(transient.unwrap_or(0)).into()),
            };
        }
        let mut notes = Vec::new();
        for (number, unread) in &mut self.unread {
            if !std::mem::replace(&mut unread.is_noted, true) {
                let log = log_name(&self.logs[*number].source);
                let problem = &unread.problem;
                notes.push(match problem.category.is_transient() {
                    true => {
                        let outage = describe_outage(&self.reference.account(), problem);
                        format!("{log}: {outage}; retrying")
                    }
                    false => format!("{log}: {}; its log is not read", problem.message),
                });
            }
        }
        notes.into_iter().for_each(|note| self.note(note));
        Ok(())
    }

    /// Returns the problems of all logs that could not be read, with the names of the logs.
    pub(in crate::commands::logs) fn unread_problems(&self) -> Vec<Problem> {
        let named = self.unread.iter().map(|(number, unread)| {
            let log = log_name(&self.logs[*number].source);
            let problem = with_reference(unread.problem.clone(), &self.reference);
            Problem {
                message: format!("{log}: {}", problem.message),
                ..problem
            }
        });
        named.collect()
    }
}
