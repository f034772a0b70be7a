//! The reason of a gate's verdict in one sentence.

use std::fmt::Write as _;

use super::super::poll::Watched;
use super::{GateState, Spent, Stop};
use crate::gate::{Cause, Goal, Open, Rules, Standing};
use crate::model::{State, Verdict};
use crate::output;

/// References that are named; the others are counted.
const MAX_NAMED: usize = 3;
/// Different reasons that are told for an undecided gate; the others are counted.
const MAX_REASONS: usize = 4;
/// Characters of what a cloud says about one job.
const MAX_CAUSE: usize = 300;

/// The job that decided and why, with counts; or what keeps the gate from a verdict.
pub(super) fn of(state: &GateState<'_>) -> String {
    let GateState {
        watched,
        standings,
        rules,
        decision,
        spent,
    } = *state;
    let all = watched.len();
    match decision.verdict {
        Verdict::Holds => passed(watched, standings, rules),
        Verdict::Fails => {
            let failed = first_unmet(watched, standings).unwrap_or_default();
            let counts = counts(standings, rules);
            match rules.any {
                true => format!("none of {all} {}: {failed}; {counts}", goal(rules)),
                false => format!("{failed}; {counts}"),
            }
        }
        Verdict::Undecided => {
            let pending = pending(watched, standings);
            let parts = [stopped(spent), Some(pending)];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            parts.join("; ")
        }
    }
}

fn passed(watched: &[Watched], standings: &[Standing], rules: &Rules) -> String {
    let met = standings.iter().zip(watched);
    let met = met.filter(|(standing, _)| matches!(standing, Standing::Yes));
    let met: Vec<String> = met.map(|(_, one)| one.reference.to_string()).collect();
    let count = format!("{} of {} {}", met.len(), watched.len(), goal(rules));
    match rules.any {
        _ if watched.is_empty() => "nothing to wait for".to_owned(),
        true => format!("{count}: {}", named(&met)),
        false => count,
    }
}

/// The goal as it follows a number of jobs: `2 of 2 succeeded`.
fn goal(rules: &Rules) -> String {
    match &rules.goal {
        Goal::NoWarnings(_) => "without new warnings".to_owned(),
        goal => goal.to_string(),
    }
}

/// The first job, in the order of the references, that did not meet the condition, and why.
fn first_unmet(watched: &[Watched], standings: &[Standing]) -> Option<String> {
    let mut both = watched.iter().zip(standings);
    both.find_map(|(watched, standing)| match standing {
        Standing::No(why) => Some(unmet(watched, why)),
        _ => None,
    })
}

fn unmet(watched: &Watched, why: &str) -> String {
    let reference = &watched.reference;
    let Some(state) = end_state(why) else {
        return format!("{reference}: {}", one_line(why));
    };
    // The state that was seen first counts, also when the cloud reports another one since.
    let job = watched.job.as_ref().filter(|job| job.state == state);
    match job.and_then(output::cause) {
        Some(cause) => format!("{reference} {state}: {}", one_line(&cause)),
        None => format!("{reference} {}", one_line(why)),
    }
}

/// The state with which the reason of an unmet job begins.
fn end_state(why: &str) -> Option<State> {
    let word = why.split_once(':').map_or(why, |(word, _)| word);
    State::from_word(word)
}

/// How many jobs are in which position: `1 failed, 2 succeeded, 3 pending`.
fn counts(standings: &[Standing], rules: &Rules) -> String {
    let label = |standing: &Standing| match standing {
        Standing::No(why) => {
            let state = end_state(why);
            (0, state.map_or("unmet", State::word).to_owned())
        }
        Standing::Yes => (1, goal(rules)),
        Standing::Open(_) => (2, "pending".to_owned()),
    };
    let mut counts: Vec<((u8, String), usize)> = Vec::new();
    for standing in standings {
        let label = label(standing);
        match counts.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => counts.push((label, 1)),
        }
    }
    counts.sort_by_key(|((order, _), _)| *order);
    let counts = counts
        .iter()
        .map(|((_, label), count)| format!("{count} {label}"));
    counts.collect::<Vec<_>>().join(", ")
}

fn stopped(spent: Spent) -> Option<String> {
    let seconds = i64::try_from(spent.elapsed.as_secs()).unwrap_or(i64::MAX);
    let elapsed = output::duration(seconds);
    match spent.stop {
        Stop::TimedOut => Some(format!("timed out after {elapsed}")),
        Stop::Interrupted => Some(format!("interrupted after {elapsed}")),
        Stop::Terminated => Some(format!("terminated after {elapsed}")),
        Stop::Running | Stop::Certain | Stop::OneCheck => None,
    }
}

/// What the pending jobs are waited for, the weightiest cause first.
fn pending(watched: &[Watched], standings: &[Standing]) -> String {
    let mut groups: Vec<(Cause, String, Vec<String>)> = Vec::new();
    for (one, standing) in watched.iter().zip(standings) {
        let Standing::Open(open) = standing else {
            continue;
        };
        let (why, reference) = (why(one, open), one.reference.to_string());
        let known = |group: &&mut (Cause, String, _)| group.0 == open.cause && group.1 == why;
        match groups.iter_mut().find(known) {
            Some((_, _, references)) => references.push(reference),
            None => groups.push((open.cause, why, vec![reference])),
        }
    }
    groups.sort_by_key(|(cause, _, _)| *cause);
    let mut text = String::new();
    for (number, (_, why, references)) in groups.iter().take(MAX_REASONS).enumerate() {
        let separator = if number == 0 { "" } else { "; " };
        let (count, all) = (references.len(), watched.len());
        // A String takes everything.
        let _ = match why.strip_prefix("still ") {
            Some(_) => write!(
                text,
                "{separator}{count} of {all} {why}: {}",
                named(references)
            ),
            None => write!(text, "{separator}{}: {why}", named(references)),
        };
    }
    let rest = groups.iter().skip(MAX_REASONS);
    let rest: usize = rest.map(|(_, _, references)| references.len()).sum();
    if rest > 0 {
        let _ = write!(text, "; {rest} more pending");
    }
    text
}

/// `still running` for a job that is active, else why it is pending.
fn why(watched: &Watched, open: &Open) -> String {
    let state = watched.track.state().map(State::word);
    match state == Some(open.why.as_str()) {
        true => format!("still {}", open.why),
        false => one_line(&open.why),
    }
}

/// The first references, and how many more there are.
fn named(references: &[String]) -> String {
    let shown = references[..references.len().min(MAX_NAMED)].join(", ");
    match references.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What a cloud says, in one line that is not too long.
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
