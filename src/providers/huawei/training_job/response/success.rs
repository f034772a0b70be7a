//! Checks whether a response confirms or contradicts that a job succeeded.

use super::Status;
use crate::providers::prelude::*;

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

/// Prefixes and suffixes of words that describe a failure.
const FAILURE_WORDS: &[&str] = &[
    "abnormal",
    "crash",
    "crashed",
    "error",
    "errors",
    "evicted",
    "exception",
    "failed",
    "failure",
    "fault",
    "killed",
    "lost",
    "oom",
    "panic",
    "timeout",
];

/// Chinese words that describe a failure.
const CHINESE_FAILURE_WORDS: &[&str] = &["失败", "异常", "故障", "错误", "超时", "崩溃"];

/// Words that negate the failure word after them.
const NEGATIONS: &[&str] = &["no", "not", "without", "zero"];

/// Chinese negations; one of [`CHINESE_FILLERS`] may follow before the failure word.
const CHINESE_NEGATIONS: &[&str] = &["无", "未", "没有", "不存在"];

/// Words between a negation and what it negates: `未发现异常`.
const CHINESE_FILLERS: &[&str] = &["发生", "出现", "发现", "检测到", "任何"];

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
        let failure = self.described_failure()?;
        let text = format!("the phase is {word}, but {failure}");
        Some(UnconfirmedReason::Contradiction(text))
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
}

/// Reports whether a text describes a failure. `no error` and `default` do not.
fn describes_failure(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut before = "";
    let mut words = lower
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let is_failure = |word: &str| {
        let mut known = FAILURE_WORDS.iter();
        word != "default" && known.any(|known| word.starts_with(known) || word.ends_with(known))
    };
    let has_word = words.any(|word| {
        let before = std::mem::replace(&mut before, word);
        // `0 errors` means none, but `worker-0: error` is an error.
        let is_none = before == "0" && word.ends_with('s');
        is_failure(word) && !is_none && !NEGATIONS.contains(&before)
    });
    let mut chinese = CHINESE_FAILURE_WORDS.iter();
    has_word || chinese.any(|word| contains_without_negation(&lower, word))
}

/// Returns `true` if a text contains a Chinese word that is not negated.
fn contains_without_negation(text: &str, word: &str) -> bool {
    let mut places = text.match_indices(word);
    places.any(|(at, _)| {
        let mut before = &text[..at];
        let fillers = || CHINESE_FILLERS.iter();
        while let Some(rest) = fillers().find_map(|filler| before.strip_suffix(filler)) {
            before = rest;
        }
        let mut negations = CHINESE_NEGATIONS.iter();
        !negations.any(|negation| before.ends_with(negation))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_describe_a_failure_are_recognized() {
        for text in [
            "node fault",
            "OOMKilled",
            "Pod was Evicted",
            "npu_proc_fault",
            "NodeFault",
            "worker-0: error 3",
            "no error, then a fault",
            "节点故障",
            "JobFailed",
            "CompletedWithErrors",
            "NullPointerException",
            "作业超时",
            "worker-0 无异常, worker-1 异常",
            "无法启动, 发生错误",
        ] {
            assert!(describes_failure(text), "{text}");
        }
        for text in [
            "",
            "completed",
            "no error",
            "0 errors",
            "default queue",
            "exit code 0",
            "无异常",
            "没有错误",
            "未发现任何异常",
            "没有发生故障",
            "failover finished",
        ] {
            assert!(!describes_failure(text), "{text}");
        }
    }
}
