//! Interprets words and numbers of Slurm that several clouds pass on.

mod part;

use super::states;
use crate::model::{State, duration};
pub(super) use part::Part;

/// The state and the reason of a job that exceeded its time limit.
const TIME_LIMITS: [&str; 2] = ["TIMEOUT", "TimeLimit"];

/// State words that explain why a job did not succeed. `FAILED` does not.
const CAUSES: [&str; 9] = [
    "TIMEOUT",
    "NODE_FAIL",
    "BOOT_FAIL",
    "OUT_OF_MEMORY",
    "DEADLINE",
    "LAUNCH_FAILED",
    "CANCELLED",
    "REVOKED",
    "PREEMPTED",
];

/// State words of a job that has not failed.
const STATES: [(&str, State); 18] = [
    ("PENDING", State::Pending),
    ("REQUEUED", State::Pending),
    ("REQUEUE_FED", State::Pending),
    ("REQUEUE_HOLD", State::Pending),
    ("RESV_DEL_HOLD", State::Pending),
    ("SPECIAL_EXIT", State::Pending),
    ("CONFIGURING", State::Starting),
    ("RUNNING", State::Running),
    ("SUSPENDED", State::Running),
    ("RESIZING", State::Running),
    ("SIGNALING", State::Running),
    ("STOPPED", State::Running),
    ("COMPLETING", State::Stopping),
    ("STAGE_OUT", State::Stopping),
    ("COMPLETED", State::Succeeded),
    ("CANCELLED", State::Canceled),
    ("REVOKED", State::Canceled),
    ("PREEMPTED", State::Canceled),
];

/// Reasons for an end without success; reasons of waiting jobs are not included.
const FAILURE_REASONS: [&str; 9] = [
    "NodeDown",
    "NonZeroExitCode",
    "OutOfMemory",
    "TimeLimit",
    "DeadLine",
    "InactiveLimit",
    "JobLaunchFailure",
    "SystemFailure",
    RAISED_SIGNAL,
];

/// The reason for a signal; the signal's number follows, as in `RaisedSignal:9(Killed)`.
const RAISED_SIGNAL: &str = "RaisedSignal";

/// The number that Slurm reports instead of a signal if a job ran out of memory.
const OUT_OF_MEMORY_MARK: i64 = 125;

/// Returns a state word, such as `CANCELLED by 1001`, if it explains why the job did not succeed.
pub(super) fn cause(word: &str) -> Option<&str> {
    let word = word.trim();
    let first = word.split_whitespace().next()?;
    // A word that is too long for its column is truncated and ends with `+`.
    let is_cause = |known: &str| match first.strip_suffix('+').filter(|start| !start.is_empty()) {
        Some(start) => known
            .get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => known.eq_ignore_ascii_case(first),
    };
    CAUSES.iter().any(|known| is_cause(known)).then_some(word)
}

/// Returns the state of a job that has not failed, from a word such as `CANCELLED by 1001`.
pub(super) fn state(word: &str) -> Option<State> {
    let first = word.split_whitespace().next()?;
    let mut known = STATES.iter();
    let found = known.find(|(known, _)| known.eq_ignore_ascii_case(first));
    found.map(|(_, state)| *state)
}

/// Returns `true` for the word of a job that has not ended its current run, so that its exit code is that of an earlier
/// one.
pub(super) fn is_before_end(word: &str) -> bool {
    let state = state(word);
    state.is_some_and(|state| matches!(state, State::Pending | State::Starting | State::Running))
}

/// Returns `true` for the reason of a job that ended without success.
pub(super) fn is_failure_reason(reason: &str) -> bool {
    let mut known = FAILURE_REASONS.iter();
    known.any(|known| is_reason(reason, known))
}

/// Returns `true` for the reason of a job that ended with a signal.
pub(super) fn is_raised_signal(reason: &str) -> bool {
    is_reason(reason, RAISED_SIGNAL)
}

/// Returns `true` if a reason is the `known` one, which details may follow.
fn is_reason(reason: &str, known: &str) -> bool {
    let word = reason.split([':', ',']).next().unwrap_or_default();
    word.trim().eq_ignore_ascii_case(known)
}

/// Returns `true` for the state or the reason of a job that exceeded its time limit.
pub(super) fn is_time_limit(word: &str) -> bool {
    let word = word.trim();
    TIME_LIMITS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}

/// Returns the message of a job that exceeded its time limit in seconds: `reached its time limit (58m)`.
pub(super) fn time_limit_text(limit: Option<i64>) -> String {
    let limit = limit.filter(|seconds| *seconds > 0).map(duration);
    let limit = limit.map_or_else(String::new, |limit| format!(" ({limit})"));
    format!("reached its time limit{limit}")
}

/// Describes the second number of an exit code such as `0:15`.
pub(super) fn signal_text(signal: i64) -> String {
    match signal {
        OUT_OF_MEMORY_MARK => "exceeded its memory limit".to_owned(),
        signal => format!("signal {signal}"),
    }
}

/// Describes `DerivedExitCode`, the highest exit code of the steps of a job, unless it is 0. Steps do not decide
/// whether the job succeeded, because the script of a job can continue after a step that failed.
pub(super) fn failed_steps_text(derived_exit_code: &str) -> Option<String> {
    let is_code = derived_exit_code.contains(|c: char| c.is_ascii_digit());
    let code = states::failure_text(derived_exit_code).filter(|_| is_code)?;
    Some(format!(
        "the job has succeeded, but a step of it ended with exit code {code} (DerivedExitCode)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slurm_state_that_explains_the_end_of_a_job_is_its_cause() {
        for word in ["TIMEOUT", "node_fail", "CANCELLED by 1001", "OUT_OF_ME+"] {
            assert_eq!(cause(word), Some(word), "{word}");
        }
        for word in ["", "FAILED", "COMPLETED", "statC", "+", "TIMEOUTS"] {
            assert_eq!(cause(word), None, "{word}");
        }
    }

    #[test]
    fn a_reason_of_a_failure_can_have_details() {
        for reason in FAILURE_REASONS {
            assert!(is_failure_reason(&format!(
                " {}:1(x)",
                reason.to_lowercase()
            )));
        }
        for reason in [
            "",
            "None",
            "Priority",
            "QOSMaxJobsPerUserLimit",
            "AssocGrpGRES",
        ] {
            assert!(!is_failure_reason(reason), "{reason}");
        }
        assert!(is_raised_signal("RaisedSignal:9(Killed)") && !is_raised_signal("NodeDown"));
    }

    #[test]
    fn time_limits_and_signals_are_described_in_words() {
        assert_eq!(time_limit_text(Some(3480)), "reached its time limit (58m)");
        assert_eq!(
            time_limit_text(Some(93_600)),
            "reached its time limit (1d02h)"
        );
        assert_eq!(time_limit_text(Some(90)), "reached its time limit (1m30s)");
        assert_eq!(time_limit_text(None), "reached its time limit");
        assert_eq!(signal_text(125), "exceeded its memory limit");
        assert_eq!(signal_text(9), "signal 9");
        assert!(is_time_limit("TimeLimit") && is_time_limit(" timeout "));
        assert!(!is_time_limit("NonZeroExitCode"));
        assert_eq!(failed_steps_text("0:0"), None);
        assert_eq!(failed_steps_text("(null)"), None);
        let text = failed_steps_text(" 1:0 ").unwrap();
        assert!(text.contains("exit code 1:0 "), "{text}");
    }
}
