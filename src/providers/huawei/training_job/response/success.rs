//! Checks whether a response confirms or contradicts that a job succeeded.

use super::super::details::{Recovery, RunningRecord};
use super::Status;
use crate::providers::prelude::*;
use crate::providers::states::describes_failure;
use crate::secret::quotable;

/// Words of the secondary phase of a job that ended without success.
const NOT_SUCCEEDED: &[&str] = &[
    "Abnormal",
    "Aborted",
    "Canceled",
    "Cancelled",
    "CreateFailed",
    "Deleted",
    "Failed",
    "Interrupted",
    "Lost",
    "Stopped",
    "Terminated",
    "TerminatedFailed",
    "中断",
    "已中断",
    "已停止",
    "已删除",
    "已取消",
    "已终止",
];

/// Words of the secondary phase of a job that has not ended or whose state is not known, in addition to those of
/// [`is_in_progress`].
const NOT_ENDED: &[&str] = &[
    "Blocked",
    "Hibernated",
    "Paused",
    "Pending",
    "Queued",
    "Scheduled",
    "Started",
    "Submitted",
    "Suspended",
    "Unknown",
    "已挂起",
    "已暂停",
    "挂起",
    "暂停",
    "等待",
];

/// Activities of a job or a recovery that end before its success. `Stopping` and `Waiting` do not.
const ACTIVITIES: &[&str] = &[
    "Executing",
    "Processing",
    "Recovering",
    "Running",
    "Saving",
    "Training",
    "Uploading",
];

/// Ends Chinese words for a state that has not ended, such as `运行中` (running).
const CHINESE_IN_PROGRESS: char = '中';

/// Why a success cannot be trusted.
pub(super) enum UnconfirmedReason {
    /// The response also contains a word for a different outcome; which word is right is not documented.
    Contradiction(String),
    /// A later response may confirm the success.
    Unread(String),
}

/// Revokes a success if a task has failed or if the success is unconfirmed. Adds a notice about an unrecognized
/// word of the secondary phase next to a success.
pub(super) fn check_success(
    job: &mut Job,
    unconfirmed_reason: Option<UnconfirmedReason>,
    unrecognized_phase: Option<String>,
    notices: &mut Vec<Notice>,
) {
    let (contradiction, unread) = match unconfirmed_reason {
        Some(UnconfirmedReason::Contradiction(text)) => (Some(text), None),
        Some(UnconfirmedReason::Unread(text)) => (None, Some(text)),
        None => (None, None),
    };
    states::confirm_success_unless(job, states::FailureCause::default(), unread);
    match (job.state, contradiction) {
        (State::Succeeded, Some(text)) => {
            (job.state, job.exit_code) = (State::Unknown, None);
            let notice = format!("{}: {text}; shown as unknown", job.reference);
            notices.push(Notice::new(NoticeCode::UnknownState, notice));
            job.message = Some(text);
        }
        (State::Succeeded, None) => notices.extend(unrecognized_phase.map(|word| {
            let text = format!(
                "{}: unrecognized state '{}' in the secondary phase",
                job.reference,
                quotable(&word)
            );
            Notice::new(NoticeCode::UnknownState, text)
        })),
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
        if is_one_of(NOT_ENDED) || is_in_progress(other) {
            return Some(UnconfirmedReason::Unread(text));
        }
        if let Some(name) = self.without_exit_code().filter(|_| has_exit_codes) {
            let text = format!("the phase is {word}, but {name} has no exit code");
            return Some(UnconfirmedReason::Unread(text));
        }
        let unconfirmed = self
            .described_failure()
            .or_else(|| self.failed_recovery())
            .or_else(|| self.open_run())?;
        let explain = |text| format!("the phase is {word}, but {text}");
        Some(match unconfirmed {
            UnconfirmedReason::Contradiction(text) => {
                UnconfirmedReason::Contradiction(explain(text))
            }
            UnconfirmedReason::Unread(text) => UnconfirmedReason::Unread(explain(text)),
        })
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
    fn described_failure(&self) -> Option<UnconfirmedReason> {
        let runs = self.possible_last_runs();
        let is_certain = runs.len() == 1;
        let of_run = runs.into_iter().find_map(|(index, run)| {
            let text = failure_in(&run.end_reason)?;
            Some(match is_certain {
                true => {
                    UnconfirmedReason::Contradiction(format!("the last run ended with: {text}"))
                }
                false => without_order(index, &format!("ended with: {text}")),
            })
        });
        of_run.or_else(|| {
            let mut tasks = self.task_statuses.0.iter();
            tasks.find_map(|one| {
                let (task, text) = (one.task.trimmed(), failure_in(&one.message)?);
                let text = format!("{} ended with: {text}", task.unwrap_or("a task"));
                Some(UnconfirmedReason::Contradiction(text))
            })
        })
    }

    /// Returns a run that can be the last one and has no end although another one has. The documentation does not
    /// describe the runs of a job that ended, but those in examples have an end.
    fn open_run(&self) -> Option<UnconfirmedReason> {
        let mut runs = self.running_records.0.iter();
        let has_ends = runs.any(|run| run.ended_at.is_some());
        let mut last = self.possible_last_runs().into_iter();
        let (index, _) = last.find(|(_, run)| has_ends && run.ended_at.is_none())?;
        let text = format!("running_records[{index}] has no end");
        Some(UnconfirmedReason::Unread(text))
    }

    /// Returns the word of the secondary phase if it is not recognized and so does not affect a success.
    pub(super) fn unrecognized_phase(&self) -> Option<String> {
        let word = self.secondary_phase.trimmed()?;
        let is_known = states::describes_success(word) || is_completed_activity(word);
        (!is_known).then(|| word.to_owned())
    }

    /// Returns the runs that can be the last one, with their positions in the list, whose order is not documented:
    /// those that began last, and those that have no time.
    fn possible_last_runs(&self) -> Vec<(usize, &RunningRecord)> {
        let runs = self.running_records.0.iter().enumerate();
        last_by(runs.collect(), |(_, run)| run.started_at)
    }

    /// Returns a failed or unfinished recovery that began last, unless the job continued with another run after it. A
    /// recovery without a time counts if it is one of a run that can be the last one.
    fn failed_recovery(&self) -> Option<UnconfirmedReason> {
        let last_runs = self.possible_last_runs();
        let start = last_runs.iter().find_map(|(_, run)| run.started_at);
        let is_possible = &|index: usize, recovery: &Recovery| {
            let is_last = || last_runs.iter().any(|(last, _)| *last == index);
            let times = recovery.started_at.zip(start);
            times.map_or_else(is_last, |(recovery, run)| recovery >= run)
        };
        let runs = self.running_records.0.iter().enumerate();
        let recoveries = runs.flat_map(|(index, run)| {
            let recoveries = run.recover_records.0.iter();
            let recoveries = recoveries.filter(move |recovery| is_possible(index, recovery));
            recoveries.map(move |recovery| (index, recovery))
        });
        let last = last_by(recoveries.collect(), |(_, recovery)| recovery.started_at);
        last.into_iter().find_map(|(index, recovery)| {
            let result = recovery.recover_result.trimmed()?;
            let text = format!("the result of the last recovery is {result}");
            let is_recovering = is_in_progress(result);
            if !is_recovering && !describes_failure(result) {
                return None;
            }
            let has_order = last_runs.len() == 1 || recovery.started_at.zip(start).is_some();
            Some(match (has_order, is_recovering) {
                (false, _) => {
                    without_order(index, &format!("has a recovery with the result {result}"))
                }
                (true, true) => UnconfirmedReason::Unread(text),
                (true, false) => UnconfirmedReason::Contradiction(text),
            })
        })
    }
}

/// Returns `true` for a word of a state that has not ended: `Running`, `Saving output` or `运行中`.
fn is_in_progress(word: &str) -> bool {
    let first = word.split_whitespace().next().unwrap_or_default();
    let end = first.len().saturating_sub(3);
    let is_english = first
        .get(end..)
        .is_some_and(|end| end.eq_ignore_ascii_case("ing"));
    (is_english && !is_completed_activity(word)) || word.ends_with(CHINESE_IN_PROGRESS)
}

/// Returns `true` for an activity that has ended with success: `Training Completed`.
fn is_completed_activity(word: &str) -> bool {
    word.split_once(char::is_whitespace)
        .is_some_and(|(first, rest)| {
            let mut known = ACTIVITIES.iter();
            known.any(|known| known.eq_ignore_ascii_case(first)) && states::describes_success(rest)
        })
}

/// Returns the items with the latest time, and those without a time.
fn last_by<T>(mut items: Vec<T>, time: impl Fn(&T) -> Option<Time>) -> Vec<T> {
    let latest = items.iter().filter_map(&time).max();
    items.retain(|item| time(item).is_none() || time(item) == latest);
    items
}

/// Returns a text that describes a failure.
fn failure_in(text: &Text) -> Option<&str> {
    text.trimmed().filter(|text| describes_failure(text))
}

/// Explains that the run at this position can be the last one.
fn without_order(index: usize, what: &str) -> UnconfirmedReason {
    let run = format!("running_records[{index}]");
    UnconfirmedReason::Unread(format!(
        "{run} {what}, and {run}.start_at does not show whether another run followed"
    ))
}
