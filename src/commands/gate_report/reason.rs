//! The reason for a gate's verdict in one sentence.

use std::fmt::Write as _;

use super::super::poll::PolledJob;
use super::{GateState, GateStats, GateStatus};
use crate::error::Stop;
use crate::gate::Verdict;
use crate::gate::{Condition, Evaluation, GatePolicy, Pending, PendingCause};
use crate::model::State;
use crate::output;
use crate::sort::SortExt as _;

/// Maximum number of references to name; the others are counted.
const MAX_NAMED: usize = 3;
/// Maximum number of reasons to show for an undecided gate; the others are counted.
const MAX_REASONS: usize = 4;
/// Maximum number of characters of a cloud's message about one job.
const MAX_CAUSE: usize = 300;

/// Names the job that decided and why, with counts, or what keeps the gate undecided.
pub(super) fn of(state: &GateState<'_>) -> String {
    let GateState {
        polled,
        evaluations,
        policy,
        decision,
        stats,
        ..
    } = *state;
    let all = polled.len();
    match decision.verdict {
        Verdict::Passed => passed(polled, evaluations, policy),
        Verdict::Failed => {
            let failed = first_unmet(polled, evaluations).unwrap_or_default();
            let counts = counts(evaluations, policy);
            match policy.any {
                true => format!(
                    "none of {all} {}: {failed}; {counts}",
                    condition_text(policy)
                ),
                false => format!("{failed}; {counts}"),
            }
        }
        Verdict::Undecided => {
            let pending = pending(polled, evaluations);
            let parts = [stopped(stats), Some(pending)];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            parts.join("; ")
        }
    }
}

fn passed(polled: &[PolledJob], evaluations: &[Evaluation], policy: &GatePolicy) -> String {
    let references = evaluations.iter().zip(polled);
    let references = references.filter(|(evaluation, _)| matches!(evaluation, Evaluation::Met));
    let references: Vec<String> = references
        .map(|(_, job)| job.reference.to_string())
        .collect();
    let count = format!(
        "{} of {} {}",
        references.len(),
        polled.len(),
        condition_text(policy)
    );
    match policy.any {
        _ if polled.is_empty() => "no references given".to_owned(),
        true => format!(
            "{count}: {}",
            join_first_references(&references, references.len())
        ),
        false => count,
    }
}

/// Returns the condition as it follows a count: `succeeded` in `2 of 2 succeeded`.
fn condition_text(policy: &GatePolicy) -> String {
    match &policy.condition {
        Condition::NoWarnings(_) => "without new warnings".to_owned(),
        condition => condition.to_string(),
    }
}

/// Names the first job, in the order of the references, that did not meet the condition, and why.
fn first_unmet(polled: &[PolledJob], evaluations: &[Evaluation]) -> Option<String> {
    let mut pairs = polled.iter().zip(evaluations);
    pairs.find_map(|(polled, evaluation)| match evaluation {
        Evaluation::Unmet(reason) => Some(unmet(polled, reason)),
        _ => None,
    })
}

fn unmet(polled: &PolledJob, reason: &str) -> String {
    let reference = &polled.reference;
    let Some(state) = end_state(reason) else {
        return format!("{reference}: {}", one_line(reason));
    };
    // The end state that was seen first counts, even if the cloud reports another one now.
    let job = polled.current.job.as_ref().filter(|job| job.state == state);
    match job.and_then(output::cause) {
        Some(cause) => format!("{reference} {state}: {}", one_line(&cause)),
        None => format!("{reference} {}", one_line(reason)),
    }
}

/// Parses the state at the beginning of the reason of an unmet job.
fn end_state(reason: &str) -> Option<State> {
    let word = reason.split_once(':').map_or(reason, |(word, _)| word);
    State::parse(word)
}

/// Counts the jobs by result: `1 failed, 2 succeeded, 3 pending`.
fn counts(evaluations: &[Evaluation], policy: &GatePolicy) -> String {
    let label = |evaluation: &Evaluation| match evaluation {
        Evaluation::Unmet(reason) => {
            let state = end_state(reason);
            (0, state.map_or("unmet", State::as_str).to_owned())
        }
        Evaluation::Met => (1, condition_text(policy)),
        Evaluation::Pending(_) => (2, "pending".to_owned()),
    };
    let mut counts: Vec<((u8, String), usize)> = Vec::new();
    for evaluation in evaluations {
        let label = label(evaluation);
        match counts.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => counts.push((label, 1)),
        }
    }
    counts.order_by_key(|((order, _), _)| *order);
    let counts = counts
        .iter()
        .map(|((_, label), count)| format!("{count} {label}"));
    counts.collect::<Vec<_>>().join(", ")
}

fn stopped(stats: GateStats) -> Option<String> {
    let seconds = i64::try_from(stats.elapsed.as_secs()).unwrap_or(i64::MAX);
    let elapsed = output::duration(seconds);
    match stats.status {
        GateStatus::TimedOut => Some(format!("timed out after {elapsed}")),
        GateStatus::Stopped(stop) => Some(match stop {
            Stop::Interrupted | Stop::Quit => format!("interrupted after {elapsed}"),
            Stop::Terminated => format!("terminated after {elapsed}"),
            Stop::EndOfRecording => format!("the recording ends after {elapsed}"),
        }),
        GateStatus::Running | GateStatus::Certain | GateStatus::SingleCheck => None,
    }
}

/// Describes what the pending jobs wait for, the most important cause first.
fn pending(polled: &[PolledJob], evaluations: &[Evaluation]) -> String {
    let mut groups: Vec<(PendingCause, String, Vec<&PolledJob>)> = Vec::new();
    for (job, evaluation) in polled.iter().zip(evaluations) {
        let Evaluation::Pending(pending) = evaluation else {
            continue;
        };
        let reason_text = pending_reason(job, pending);
        let known = |group: &&mut (PendingCause, String, _)| {
            group.0 == pending.cause && group.1 == reason_text
        };
        match groups.iter_mut().find(known) {
            Some((_, _, jobs)) => jobs.push(job),
            None => groups.push((pending.cause, reason_text, vec![job])),
        }
    }
    groups.order_by_key(|(cause, _, _)| *cause);
    let mut text = String::new();
    // Explain one job only, to keep the line short; the output contains all jobs with their reasons.
    let mut is_explained = false;
    for (number, (cause, reason_text, jobs)) in groups.iter().take(MAX_REASONS).enumerate() {
        let separator = if number == 0 { "" } else { "; " };
        let (count, all) = (jobs.len(), polled.len());
        let waits = matches!(cause, PendingCause::Time | PendingCause::NotStarted);
        let references = jobs.iter().take(MAX_NAMED).map(|job| {
            let reference = job.reference.to_string();
            let reason = waits_for(job).filter(|_| waits && !is_explained);
            is_explained |= reason.is_some();
            reason.map_or(reference.clone(), |reason_text| {
                format!("{reference} ({reason_text})")
            })
        });
        let references = join_first_references(&Vec::from_iter(references), count);
        // Writing to a `String` cannot fail.
        let _ = match reason_text.strip_prefix("still ") {
            Some(_) => write!(
                text,
                "{separator}{count} of {all} {reason_text}: {references}"
            ),
            None => write!(text, "{separator}{references}: {reason_text}"),
        };
    }
    let rest = groups.iter().skip(MAX_REASONS);
    let rest: usize = rest.map(|(_, _, jobs)| jobs.len()).sum();
    if rest > 0 {
        let _ = write!(text, "; {rest} more pending");
    }
    text
}

/// Returns `still running` for a job that is active, else why it is pending.
fn pending_reason(polled: &PolledJob, pending: &Pending) -> String {
    let state = polled.current.history.state().map(State::as_str);
    match state == Some(&*pending.reason) {
        true => format!("still {}", pending.reason),
        false => one_line(&pending.reason),
    }
}

/// Returns why a job has not started to run, if known.
fn waits_for(polled: &PolledJob) -> Option<String> {
    let job = polled.current.job.as_ref()?;
    let is_early = matches!(job.state, State::Pending | State::Starting);
    let reported = output::reason_text(job.reason.as_deref(), job.message.as_deref());
    // The reason that joblens sets itself is for scripts.
    let reported = reported.filter(|_| !job.has_unread_subtasks());
    let reason = reported
        .or_else(|| output::explanation(job))
        .filter(|_| is_early);
    reason.map(|reason| one_line(&reason))
}

/// Names the first references and counts the others.
fn join_first_references(references: &[String], count: usize) -> String {
    let shown = references[..references.len().min(MAX_NAMED)].join(", ");
    match count.saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns a cloud's message on one line of limited length.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_CAUSE) {
        Some((at, _)) => format!("{}…", line[..at].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests;
