//! Finds what contradicts the end of a job.

use super::super::super::deletion::{DeletionRule, MAX_SKEW};
use super::super::super::evidence::{CheckedObject, is_invalid, is_unreadable};
use super::super::super::object::ObjectMeta;
use super::super::indexes;
use super::{JobSpec, JobStatus};

/// Reasons of jobs that have failed.
const FAILURES: [&str; 5] = [
    "BackoffLimitExceeded",
    "DeadlineExceeded",
    "FailedIndexes",
    "MaxFailedIndexesExceeded",
    "PodFailurePolicy",
];

/// Returns what contradicts the end of the job: another condition, or for a success its reason, its deletion or its
/// counts, also if they cannot be read. `spec.suspend` is ignored, since it can change after the end, and so are the
/// counts under a success policy, which requires no specific number of pods.
pub(super) fn contradiction(
    meta: &ObjectMeta,
    spec: &CheckedObject<JobSpec>,
    status: &JobStatus,
) -> Option<String> {
    let is_true = |word: &str| status.conditions.find_true(word).is_some();
    let other = |words: &[&str]| {
        let word = words.iter().find(|word| is_true(word));
        word.map(|word| format!("the condition {word} is True"))
    };
    let Some(complete) = status.conditions.find_true("Complete") else {
        let contradiction = other(&["SuccessCriteriaMet"]).filter(|_| is_true("Failed"))?;
        return Some(format!("the condition Failed is True, but {contradiction}"));
    };
    let reason = complete.reason.value.trimmed();
    let met = status.conditions.find_true("SuccessCriteriaMet");
    let met = met.and_then(|condition| condition.reason.value.trimmed());
    let has_policy = [reason, met].contains(&Some("SuccessPolicy"));
    let failure = reason.filter(|reason| FAILURES.contains(reason));
    let failure = failure.map(|reason| format!("its reason is {reason}"));
    let unreadable = || is_unreadable(&complete.reason).then(|| cannot_be_read("its reason"));
    let ended_at = status.completion_time.utc().or(complete.since());
    let rule = match spec.value.ttl_seconds_after_finished.0 {
        Some(0..=MAX_SKEW) => DeletionRule::BeforeDespiteSkew,
        _ => DeletionRule::Before,
    };
    let deletion = || meta.contradicting_deletion(ended_at, rule);
    let counts = || {
        unreadable_part(spec, status)
            .map(cannot_be_read)
            .or_else(|| missing(&spec.value, status))
    };
    let contradiction = other(&["Failed", "FailureTarget", "Suspended"])
        .or(failure)
        .or_else(unreadable)
        .or_else(deletion)
        .or_else(|| counts().filter(|_| !has_policy))?;
    Some(format!(
        "the condition Complete is True, but {contradiction}"
    ))
}

fn cannot_be_read(part: &str) -> String {
    format!("{part} cannot be read")
}

/// Returns the name of a part that could show a failure and cannot be read.
fn unreadable_part(spec: &CheckedObject<JobSpec>, status: &JobStatus) -> Option<&'static str> {
    let counts = [
        (&spec.value.completions, "the number of completions"),
        (&status.active, "the number of active pods"),
        (&status.succeeded, "the number of succeeded pods"),
        (&status.failed, "the number of failed pods"),
    ];
    let texts = [
        (&spec.value.completion_mode, "the completion mode"),
        (&status.completed_indexes, "the list of completed indexes"),
        (&status.failed_indexes, "the list of failed indexes"),
    ];
    let count = counts.into_iter().find(|(count, _)| is_invalid(count));
    let text = texts.into_iter().find(|(text, _)| is_unreadable(text));
    let spec = spec.is_unreadable.then_some("the specification");
    spec.or(count.map(|(_, part)| part))
        .or(text.map(|(_, part)| part))
}

/// Returns what a complete job without a success policy lacks according to its counts. A job without
/// `completions`, such as a work queue, needs one success.
fn missing(spec: &JobSpec, status: &JobStatus) -> Option<String> {
    let [completions, active, succeeded, failed] = [
        &spec.completions,
        &status.active,
        &status.succeeded,
        &status.failed,
    ]
    .map(|count| count.value.unsigned());
    let needed = completions.unwrap_or(1);
    // Without the number of succeeded pods there is nothing to compare.
    let is_counted = succeeded.is_some() || failed > Some(0);
    let succeeded = succeeded.unwrap_or(0);
    if is_counted && succeeded < needed {
        return Some(format!("{succeeded} of {needed} pods have succeeded"));
    }
    completions?;
    if let Some(active) = active.filter(|active| *active > 0) {
        return Some(format!("{active} pods are active"));
    }
    if !spec.is_indexed() {
        return None;
    }
    if let Some(failed) = status.failed_indexes.value.trimmed() {
        return Some(format!("the indexes {failed} have failed"));
    }
    let complete = status.completed_indexes.value.trimmed()?;
    let Some(complete) = indexes::count_below(complete, needed) else {
        return Some(cannot_be_read("the list of completed indexes"));
    };
    (complete < needed).then(|| format!("{complete} of {needed} indexes are complete"))
}
