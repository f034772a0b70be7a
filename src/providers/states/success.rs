//! Checks whether the other fields of a response confirm that a job succeeded.

use super::failure_words::describes_failure;
use crate::error::Category;
use crate::lenient::Text;
use crate::model::{Job, Reason, State, Task};

/// Texts that clouds send as the code or the text of a failure if there was no failure.
const NO_FAILURE: &[&str] = &["n/a", "nil", "none", "null", "无"];

/// Words of a success.
const SUCCESS_WORDS: &[&str] = &[
    "complete",
    "completed",
    "done",
    "finished",
    "ok",
    "succeed",
    "succeeded",
    "success",
    "successful",
    "successfully",
    "完成",
    "已完成",
    "成功",
];

/// Words before one of [`SUCCESS_WORDS`] that do not change its meaning: `the job is completed`.
const SUBJECTS: &[&str] = &[
    "been",
    "execution",
    "has",
    "is",
    "job",
    "operation",
    "request",
    "task",
    "the",
    "training",
    "was",
];

/// Chinese words before one of [`SUCCESS_WORDS`] that do not change its meaning: `任务已完成`.
const CHINESE_SUBJECTS: &[&str] = &["任务", "作业", "训练", "操作", "执行", "请求"];

/// Parts of codes of one word that are not those of a success, such as `JobStoppedByUser` or `OutOfcpu`, and U+FFFD for
/// characters that could not be read.
const FAILURE_CODE_PARTS: &[&str] = &[
    "abort",
    "cancel",
    "error",
    "evict",
    "exceed",
    "fail",
    "forbidden",
    "invalidparameter",
    "kill",
    "lost",
    "notsupported",
    "oom",
    "outof",
    "preempt",
    "shutdown",
    "stop",
    "timeout",
    "\u{fffd}",
];

/// Returns `true` for a text that describes only a success, such as `Completed`, `job is completed` or `任务已完成`.
/// Any other word can change its meaning: `not completed`.
pub(in crate::providers) fn describes_success(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    let mut rest = lower.trim_end_matches(['.', '!', '。']);
    let mut subjects = CHINESE_SUBJECTS.iter();
    if let Some(after) = subjects.find_map(|subject| rest.strip_prefix(subject)) {
        rest = after;
    }
    let mut words = rest
        .split_whitespace()
        .skip_while(|word| SUBJECTS.contains(word));
    let is_success = |word: &str| SUCCESS_WORDS.contains(&word);
    words.next().is_some_and(is_success) && words.all(is_success)
}

/// Returns the code or the text of a failure; `None` for a text that clouds send if there was no failure. A
/// text with unreadable characters is a failure.
pub(in crate::providers) fn failure_text(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_zero = text
        .chars()
        .all(|character| matches!(character, '0' | '-' | '.' | ':'));
    let word = text.trim_end_matches(['.', '!', '。']);
    let mut words = NO_FAILURE.iter();
    let is_none =
        is_zero || words.any(|known| known.eq_ignore_ascii_case(word)) || describes_success(text);
    (!is_none).then_some(text)
}

/// Like [`failure_text`], for a field.
pub(in crate::providers) fn failure(text: Text) -> Option<String> {
    text.0.filter(|text| failure_text(text).is_some())
}

/// Returns `true` for a code of one word that contradicts a success: that of a failure or of any other end.
pub(in crate::providers) fn is_failure_code(code: &str) -> bool {
    let lower = code.to_lowercase();
    describes_failure(code) || FAILURE_CODE_PARTS.iter().any(|part| lower.contains(part))
}

/// Why a job failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::providers) struct FailureCause {
    /// The code of the failure.
    pub reason: Option<String>,
    /// The message of the failure.
    pub message: Option<String>,
}

/// Checks a success against the other fields of the response, because a gate would pass on it. A job that the
/// cloud reports as succeeded has failed if a task has failed or has an exit code other than 0, or if other
/// fields contain a failure (`cause`). A task that succeeded with such an exit code has failed, too. The job's
/// state becomes unknown if the word of a task is not that of a success, or as in [`mark_unknown_if_unread`]. A job
/// with such an unknown state fails if tasks that were read later show a failure.
pub(in crate::providers) fn confirm_success(job: &mut Job, cause: FailureCause) {
    let is_bad = |code: Option<i64>| code.is_some_and(|code| code != 0);
    let is_failed = |task: &&Task| task.state == State::Failed || is_bad(task.exit_code);
    let is_undecided = job.state == State::Unknown && job.has_unread_subtasks();
    if job.state == State::Succeeded || is_undecided {
        if let Some(task) = job.tasks.iter().find(is_failed) {
            let (reason, message) = task_failure(task);
            job.exit_code = task.exit_code;
            job.state = State::Failed;
            (job.reason, job.message) = (reason.map(Reason::from), Some(message));
            job.ended = true;
        } else if cause != FailureCause::default() {
            job.exit_code = job.exit_code.filter(|code| *code != 0);
            job.state = State::Failed;
            (job.reason, job.message) = (cause.reason.map(Reason::from), cause.message);
            job.ended = true;
        } else if let Some(message) = contradiction(job) {
            leave_undecided(job, message, false);
        } else {
            mark_unknown_if_unread(job);
        }
    }
    for task in &mut job.tasks {
        if task.state == State::Succeeded && is_bad(task.exit_code) {
            task.state = State::Failed;
        }
    }
}

/// Like [`confirm_success`], for a success that other fields may not confirm. If there is a reason and the job has not
/// failed, its state is unknown and the reason is its message. The job is polled again, unless a part can never be
/// read, which is the message then.
pub(in crate::providers) fn confirm_success_unless(
    job: &mut Job,
    cause: FailureCause,
    unconfirmed_reason: Option<String>,
) {
    let may_have_succeeded = job.state == State::Succeeded || job.has_unread_subtasks();
    confirm_success(job, cause);
    let is_open = matches!(job.state, State::Succeeded | State::Unknown) && may_have_succeeded;
    let can_change = job.unread_cause.is_none_or(Category::is_transient);
    if let Some(message) = unconfirmed_reason.filter(|_| is_open && can_change) {
        job.unread_cause.get_or_insert(Category::InvalidResponse);
        leave_undecided(job, message, false);
    }
}

/// Makes the state of a succeeded job unknown if a part that can show a failure could not be read
/// ([`GetResult::required_part`]). The job is polled again if the next poll may be able to read the part.
///
/// [`GetResult::required_part`]: crate::providers::GetResult::required_part
pub(in crate::providers) fn mark_unknown_if_unread(job: &mut Job) {
    let Some(cause) = job.unread_cause.filter(|_| job.state == State::Succeeded) else {
        return;
    };
    let message = match is_permanent(cause) {
        true => {
            "parts that may show a failure cannot be read; --trust-finished accepts the cloud's state"
        }
        false => "parts that may show a failure could not be read",
    };
    leave_undecided(job, message.to_owned(), !cause.is_transient());
}

/// Makes the state of an ended job unknown because other fields contradict it, as `message` explains. The job
/// is polled again.
pub(in crate::providers) fn contradict(job: &mut Job, message: String) {
    job.unread_cause = Some(Category::InvalidResponse);
    leave_undecided(job, message, false);
}

/// Reports whether a part that could not be read because of an error of this category can never be read, so that
/// `--trust-finished` accepts the cloud's state without it. After any other error, the part may be readable later, for
/// example with another credential or once a gateway no longer rejects the request.
pub(in crate::providers) fn is_permanent(cause: Category) -> bool {
    matches!(cause, Category::PermissionDenied | Category::NotFound)
}

/// Makes the outcome of an ended job unknown because the part that shows it could not be read; `cause` is the category
/// of the error. The job is polled again if the next poll may be able to read the part.
pub(in crate::providers) fn leave_unread(job: &mut Job, cause: Category, message: String) {
    job.unread_cause = Some(cause);
    let has_ended = job.ended && !cause.is_transient();
    leave_undecided(job, message, has_ended);
}

fn leave_undecided(job: &mut Job, message: String, has_ended: bool) {
    (job.state, job.exit_code) = (State::Unknown, None);
    job.reason = Some(Reason::SubtasksUnread);
    job.message = Some(message);
    job.ended = has_ended;
    job.finished_at = job.finished_at.filter(|_| has_ended);
}

/// Describes a task of a succeeded job whose word means another state.
fn contradiction(job: &Job) -> Option<String> {
    let mut tasks = job.tasks.iter();
    let other = tasks.find(|task| task.state_raw.is_some() && task.state != State::Succeeded)?;
    let word = |raw: &Option<String>| raw.clone().unwrap_or_default();
    Some(format!(
        "the cloud reports {}, but {} is {}",
        word(&job.state_raw),
        name_of(other),
        word(&other.state_raw)
    ))
}

fn name_of(task: &Task) -> &str {
    let name = task.name.as_deref().or(task.id.as_deref());
    name.unwrap_or("a task")
}

/// Returns the code and the message of a task's failure.
fn task_failure(task: &Task) -> (Option<String>, String) {
    let name = name_of(task);
    // The message of a task that succeeded does not explain the failure.
    let has_failed = task.state == State::Failed;
    let cause = [&task.message, &task.reason].into_iter().flatten();
    let cause = cause.into_iter().find(|_| has_failed);
    let message = match (cause, task.exit_code.filter(|code| *code != 0)) {
        (Some(cause), Some(code)) => format!("{name}: {cause} (exit code {code})"),
        (None, Some(code)) => format!("{name}: exit code {code}"),
        (Some(cause), None) => format!("{name}: {cause}"),
        (None, None) => format!("{name} has failed"),
    };
    (task.reason.clone().filter(|_| has_failed), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholder_and_success_texts_are_not_failure_texts() {
        for text in [
            "",
            " ",
            "0",
            "000",
            "0:0",
            "-",
            "null",
            "None",
            "N/A",
            "OK",
            "Success",
            "successful.",
            "SUCCEED",
            "无",
            "成功",
            "操作成功。",
            "Completed",
            "done",
            "Finished.",
            "job is completed",
            "The task has been completed successfully.",
            "任务已完成",
            "训练完成。",
        ] {
            assert_eq!(failure_text(text), None, "{text:?}");
        }
        for text in [
            "1",
            "-1",
            "137:0",
            "\u{fffd}",
            "?",
            "succeeded with errors",
            "no quota",
            "not ok",
            "job is not completed",
            "job is being completed",
            "job",
            "completed with errors",
            "50% completed",
            "任务",
            "任务未完成",
            "失败",
            "未成功",
            "无可用资源",
        ] {
            assert_eq!(failure_text(text), Some(text));
        }
    }

    #[test]
    fn a_code_of_another_end_than_a_success_is_a_failure_code() {
        for code in ["JobStoppedByUser", "OutOfcpu", "Job\u{fffd}"] {
            assert!(is_failure_code(code), "{code}");
        }
        for code in ["JobSucceeded", "Completed", "Running", ""] {
            assert!(!is_failure_code(code), "{code}");
        }
    }

    #[test]
    fn a_success_is_contradicted_by_tasks_then_causes_then_unread_parts() {
        let task = |state, exit_code| Task {
            id: Some("t".to_owned()),
            state,
            exit_code,
            ..Task::default()
        };
        let reported = || FailureCause {
            reason: Some("E1".to_owned()),
            message: None,
        };
        let unread = Some(Category::Throttled);
        let denied = Some(Category::PermissionDenied);
        let confirmed = |state, tasks: &[Task], cause, unread_cause| {
            let mut job = Job {
                state,
                ended: true,
                tasks: tasks.to_vec(),
                unread_cause,
                ..Job::default()
            };
            confirm_success(&mut job, cause);
            let message = job.message.unwrap_or_default();
            (job.state, job.ended, message)
        };
        use State::{Canceled, Failed, Succeeded, Unknown};
        let fine = [task(Succeeded, Some(0)), task(Unknown, None)];
        let bad = [fine[0].clone(), task(Unknown, Some(3))];
        let none = FailureCause::default();
        let failed = |message: &str| (Failed, true, message.to_owned());
        assert_eq!(
            confirmed(Succeeded, &bad, reported(), unread),
            failed("t: exit code 3")
        );
        assert_eq!(confirmed(Succeeded, &fine, reported(), unread), failed(""));
        for (cause, has_ended) in [(unread, false), (denied, true)] {
            let (state, ended, _) = confirmed(Succeeded, &fine, none.clone(), cause);
            assert_eq!((state, ended), (Unknown, has_ended));
        }
        let succeeded = (Succeeded, true, String::new());
        assert_eq!(confirmed(Succeeded, &fine, none, None), succeeded);
        assert_eq!(confirmed(Canceled, &bad, reported(), unread).0, Canceled);
    }

    #[test]
    fn a_success_is_undecided_while_a_task_has_another_state() {
        use State::{Canceled, Failed, Pending, Running, Succeeded, Unknown};
        for state in [Pending, Running, Canceled, Unknown] {
            let task = Task {
                name: Some("t".to_owned()),
                state,
                state_raw: Some("WORD".to_owned()),
                ..Task::default()
            };
            let mut job = Job {
                state: Succeeded,
                state_raw: Some("DONE".to_owned()),
                ended: true,
                exit_code: Some(0),
                tasks: vec![task],
                ..Job::default()
            };
            confirm_success(&mut job, FailureCause::default());
            assert_eq!(
                (job.state, job.ended, job.exit_code),
                (Unknown, false, None)
            );
            assert_eq!(job.reason, Some(Reason::SubtasksUnread));
            let message = "the cloud reports DONE, but t is WORD";
            assert_eq!(job.message.as_deref(), Some(message));
            job.tasks[0].exit_code = Some(3);
            confirm_success(&mut job, FailureCause::default());
            assert_eq!(
                (job.state, job.ended, job.exit_code),
                (Failed, true, Some(3))
            );
        }
    }
}
