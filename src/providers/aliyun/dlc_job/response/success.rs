//! Checks whether the other fields of a job confirm that it succeeded.

use super::super::STATES;
use super::super::details::{DlcJobDetails, StatusPeriod};
use super::{JOB_FAILED, JOB_SUCCEEDED};
use crate::providers::prelude::*;
use crate::providers::states::{describes_failure, is_failure_code};

impl DlcJobDetails {
    /// Returns `true` if the time of the failure is the latest one or, if there is none, the code is that of a failure.
    /// A restarted job can keep the time and the code of its earlier run.
    pub(super) fn has_failed(&self) -> bool {
        let [succeeded_at, failed_at] =
            [&self.gmt_successed_time, &self.gmt_failed_time.value].map(Timestamp::utc);
        match failed_at {
            Some(failed_at) => succeeded_at.is_none_or(|at| at < failed_at),
            None => self.reason_code.value.trimmed() == Some(JOB_FAILED),
        }
    }

    /// Returns `true` if a field that can show a failure could not be read.
    pub(super) fn is_failure_unreadable(&self) -> bool {
        self.reason_code.is_unreadable
            || self.reason_message.is_unreadable
            || self.gmt_failed_time.is_unreadable
            || self.gmt_stopped_time.is_unreadable
            || self.status_history.is_unreadable
    }

    /// Returns `true` if the code and the message are those of an earlier run, with another end.
    pub(super) fn is_cause_outdated(&self, state: State) -> bool {
        let has_failed = match state {
            State::Succeeded => self.has_failed(),
            state => state == State::Failed,
        };
        match self.reason_code.value.trimmed() {
            Some(JOB_FAILED) if state == State::Succeeded => !has_failed,
            Some(JOB_FAILED) => State::ACTIVE.contains(&state),
            Some(JOB_SUCCEEDED) => has_failed,
            _ => false,
        }
    }

    /// Describes a field of a succeeded job that is not that of a success: its code, message, a time or the history. It
    /// is not known whether such a field is left from an earlier run. The times decide about [`JOB_FAILED`] and its
    /// message.
    pub(super) fn contradiction(
        &self,
        state: State,
        user_states: &[(String, State)],
    ) -> Option<String> {
        if state != State::Succeeded {
            return None;
        }
        let code = self.reason_code.value.trimmed();
        let is_decided_by_times = code == Some(JOB_FAILED);
        let code = code.filter(|code| !is_decided_by_times && is_failure_code(code));
        let message = self.reason_message.value.trimmed();
        let message = message.filter(|text| !is_decided_by_times && describes_failure(text));
        let text = code
            .map(|code| format!("ReasonCode is {code}"))
            .or_else(|| message.map(|text| format!("ReasonMessage is {text}")))
            .or_else(|| self.contradicting_time().map(str::to_owned))
            .or_else(|| self.other_last_status(user_states))?;
        let word = self.status.value.trimmed().unwrap_or_default();
        Some(format!("the job is {word}, but {text}"))
    }

    /// Describes a time of a failure or a stop that is not before the success.
    fn contradicting_time(&self) -> Option<&'static str> {
        let times = [
            &self.gmt_successed_time,
            &self.gmt_failed_time.value,
            &self.gmt_stopped_time.value,
        ];
        let [succeeded_at, failed_at, stopped_at] = times.map(Timestamp::utc);
        match (succeeded_at, failed_at, stopped_at) {
            (Some(at), Some(failed), _) if failed == at => {
                Some("GmtFailedTime is the same as GmtSuccessedTime")
            }
            (Some(at), _, Some(stopped)) if at < stopped => {
                Some("GmtStoppedTime is later than GmtSuccessedTime")
            }
            (None, _, Some(_)) => Some("it has a GmtStoppedTime, but no GmtSuccessedTime"),
            _ => None,
        }
    }

    /// Describes an entry of the history that can be the last one and is not that of a success: the one that began
    /// last, and those without a time.
    fn other_last_status(&self, user_states: &[(String, State)]) -> Option<String> {
        let List(history) = &self.status_history.value;
        let last = history.iter().filter(|entry| entry.start().is_some());
        let last = last.max_by_key(|entry| entry.start());
        let untimed = history.iter().filter(|entry| entry.start().is_none());
        let last = last.map(|entry| ("the last entry of StatusHistory", entry));
        let untimed = untimed.map(|entry| ("an entry of StatusHistory without StartTime", entry));
        let mut entries = last.into_iter().chain(untimed);
        entries.find_map(|(name, entry)| {
            let text = match entry.status.trimmed() {
                Some(_) if entry.is_of_success(user_states) => return None,
                Some(word) => format!("{name} is {word}"),
                None => format!("{name} has no Status"),
            };
            Some(text)
        })
    }
}

impl StatusPeriod {
    fn start(&self) -> Option<Time> {
        self.start_time.trimmed().and_then(Time::from_rfc3339)
    }

    /// Returns `true` for a success, and for a state that has ended without being the end of a job.
    fn is_of_success(&self, user_states: &[(String, State)]) -> bool {
        let word = self.status.trimmed();
        let state = states::normalize(STATES, user_states, word).state;
        let end = self.end_time.trimmed().and_then(Time::from_rfc3339);
        state == State::Succeeded || State::ACTIVE.contains(&state) && end.is_some()
    }
}
