//! Checks whether a response confirms or contradicts that a job succeeded.

use super::super::details::{Recovery, RunningRecord};
use super::Status;
use crate::providers::prelude::*;
use crate::providers::states::describes_failure;

/// Words of the secondary phase of a job that ended without success.
const NOT_SUCCEEDED: &[&str] = &[
    "Abnormal",
    "Aborted",
    "Canceled",
    "Cancelled",
    "CreateFailed",
    "Failed",
    "Lost",
    "Stopped",
    "Terminated",
    "TerminatedFailed",
];

/// Words of the secondary phase of a job that has not ended or whose state is not known. Words that the vendor adds
/// later have no effect unless they describe a failure.
const NOT_ENDED: &[&str] = &[
    "Creating",
    "Pending",
    "Queuing",
    "Running",
    "Stopping",
    "Terminating",
    "Unknown",
];

/// The result of a recovery that has not ended.
const RECOVERING: &str = "recovering";

/// Why a success cannot be trusted.
pub(super) enum UnconfirmedReason {
    /// The response also contains a word for a different outcome; which word is right is not documented.
    Contradiction(String),
    /// A later response may confirm the success.
    Unread(String),
}

/// Revokes a success if a task has failed or if the success is unconfirmed.
pub(super) fn check_success(
    job: &mut Job,
    unconfirmed_reason: Option<UnconfirmedReason>,
    notices: &mut Vec<Notice>,
) {
    if job.state == State::Succeeded
        && let Some(UnconfirmedReason::Unread(_)) = unconfirmed_reason
    {
        job.unread_cause = Some(Category::InvalidResponse);
    }
    let has_succeeded = job.state == State::Succeeded;
    states::confirm_success(job, states::FailureCause::default());
    match (job.state, unconfirmed_reason) {
        (State::Succeeded, Some(UnconfirmedReason::Contradiction(text))) => {
            (job.state, job.exit_code) = (State::Unknown, None);
            let notice = format!("{}: {text}; shown as unknown", job.reference);
            notices.push(Notice::new(NoticeCode::UnknownState, notice));
            job.message = Some(text);
        }
        (State::Unknown, Some(UnconfirmedReason::Unread(text))) if has_succeeded => {
            job.message = Some(text)
        }
        _ => {}
    }
}

impl Status {
    /// Returns why a success cannot be trusted. `has_exit_codes` is true if the response contains exit codes.
    pub(super) fn unconfirmed_reason(&self, has_exit_codes: bool) -> Option<UnconfirmedReason> {
        let word = self.phase.value.trimmed().unwrap_or_default();
        let secondary = self.secondary_phase.trimmed();
        let is_one_of = |words: &[&str]| {
            let mut words = words.iter();
            words.any(|word| secondary.is_some_and(|own| own.eq_ignore_ascii_case(word)))
        };
        let other = secondary.unwrap_or_default();
        let text = format!("the phase is {word}, but the secondary phase is {other}");
        if is_one_of(NOT_SUCCEEDED) || secondary.is_some_and(describes_failure) {
            return Some(UnconfirmedReason::Contradiction(text));
        }
        if is_one_of(NOT_ENDED) {
            return Some(UnconfirmedReason::Unread(text));
        }
        if let Some(name) = self.without_exit_code().filter(|_| has_exit_codes) {
            let text = format!("the phase is {word}, but {name} has no exit code");
            return Some(UnconfirmedReason::Unread(text));
        }
        if let Some(failure) = self.described_failure() {
            let text = format!("the phase is {word}, but {failure}");
            return Some(UnconfirmedReason::Contradiction(text));
        }
        let result = self.last_recovery()?.recover_result.trimmed()?;
        let text = format!("the phase is {word}, but the result of the last recovery is {result}");
        if result.eq_ignore_ascii_case(RECOVERING) {
            return Some(UnconfirmedReason::Unread(text));
        }
        describes_failure(result).then_some(UnconfirmedReason::Contradiction(text))
    }

    /// Returns a task without an exit code. Responses without any exit code are accepted, because exit codes are not
    /// documented for every response; a response with some must have them for all tasks.
    fn without_exit_code(&self) -> Option<&str> {
        let statuses = &self.task_statuses.0;
        if statuses.is_empty() {
            return None;
        }
        let has_code = |name: &str| {
            let mut own = statuses
                .iter()
                .filter(|one| one.task.trimmed() == Some(name));
            own.any(|one| one.exit_code.0.is_some())
        };
        let named = self.tasks.0.iter().map(|name| name.trim());
        let mut missing = named.filter(|name| !has_code(name));
        let open = statuses.iter().find(|one| one.exit_code.0.is_none());
        let open = open.map(|one| one.task.trimmed().unwrap_or("a task"));
        missing.next().or(open)
    }

    /// Returns a failure that the last run or a task describes in words. The job recovered from failures of
    /// earlier runs.
    fn described_failure(&self) -> Option<String> {
        let ended = self.last_run().map(|run| ("the last run", &run.end_reason));
        let tasks = self.task_statuses.0.iter();
        let tasks = tasks.map(|one| (one.task.trimmed().unwrap_or("a task"), &one.message));
        ended.into_iter().chain(tasks).find_map(|(who, text)| {
            let text = text.trimmed()?;
            describes_failure(text).then(|| format!("{who} ended with: {text}"))
        })
    }

    /// Returns the recovery that began last, unless the job continued with another run after it. A recovery without
    /// a time counts if it is one of the last run.
    fn last_recovery(&self) -> Option<&Recovery> {
        let last = self.last_run()?;
        let is_last = |run: &RunningRecord, recovery: &Recovery| match recovery
            .started_at
            .zip(last.started_at)
        {
            Some((recovery, run)) => recovery >= run,
            None => std::ptr::eq(run, last),
        };
        let recoveries = self.running_records.0.iter().flat_map(|run| {
            let recoveries = run.recover_records.0.iter();
            recoveries.filter(move |recovery| is_last(run, recovery))
        });
        recoveries.max_by_key(|recovery| recovery.started_at)
    }
}
