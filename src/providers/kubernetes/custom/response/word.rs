//! The word for the state of a job.

use super::super::super::conditions::Condition;
use super::super::super::evidence::CheckedObject;
use super::super::super::object::ObjectMeta;
use super::super::CustomJobs;
use super::{ReplicaGroup, Spec, Status, VolcanoState, contradiction};
use crate::model::State;

/// The word for the state of a job that is suspended.
pub(super) const SUSPENDED: &str = "Suspended";

/// The word for the state of a job.
pub(super) struct Word<'a> {
    pub text: &'a str,
    /// True if it is in a field of the resource; false if it is derived.
    pub is_own: bool,
    pub condition: Option<&'a Condition>,
    /// What contradicts the word, if it is an end.
    pub contradiction: Option<String>,
}

impl<'a> Word<'a> {
    fn reported(text: &'a str, condition: Option<&'a Condition>) -> Self {
        Self {
            text,
            is_own: true,
            condition,
            contradiction: None,
        }
    }

    fn derived(text: &'a str) -> Self {
        Self {
            is_own: false,
            ..Self::reported(text, None)
        }
    }
}

/// Determines the word for the state: first an end, then deletion or suspension, then the phase or the newest
/// known condition, and otherwise what the pods do.
pub(super) fn word<'a>(
    jobs: &CustomJobs,
    meta: &ObjectMeta,
    spec: &CheckedObject<Spec>,
    (status, state): (&'a Status, &'a VolcanoState),
    groups: &[ReplicaGroup],
) -> Word<'a> {
    let table = jobs.kind.states[0].map;
    let state_of = |word: &str| {
        let mut matching = table.iter().filter(|(known, _)| *known == word);
        matching.next().map(|(_, state)| *state)
    };
    let is_end = |word: &str| {
        let mut matching = table
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(word));
        matching.any(|(_, state)| state.is_end())
    };
    let has_phase = jobs.state_field.is_phase();
    let phase = jobs.state_field.of(status, state);
    let phase = phase.and_then(|word| word.value.trimmed());
    let phase = phase.map(|text| (text, None));
    let conditions = status.conditions.all_true().filter(|_| !has_phase);
    let conditions = conditions.filter(|(word, _)| state_of(word).is_some());
    let conditions: Vec<_> = conditions.map(|(word, one)| (word, Some(one))).collect();
    let mut ends = conditions.iter().copied().chain(phase);
    if let Some((text, condition)) = ends.find(|(word, _)| is_end(word)) {
        let words = conditions.iter().map(|(word, _)| *word);
        let end = contradiction::End {
            jobs,
            meta,
            word: text,
            is_condition: condition.is_some(),
            ended_at: status.ended(condition, state),
        };
        return Word {
            contradiction: end.contradiction(words, phase.map(|(word, _)| word), spec, status),
            ..Word::reported(text, condition)
        };
    }
    let is_suspended = [&spec.value.suspend, &spec.value.run_policy.0.suspend];
    let is_suspended = is_suspended
        .into_iter()
        .any(|flag| flag.value.0 == Some(true));
    let count =
        |count: fn(&ReplicaGroup) -> Option<i64>| groups.iter().any(|one| count(one) > Some(0));
    match conditions.last().copied().or(phase) {
        _ if meta.is_deleted() => Word::derived("Terminating"),
        Some((text @ SUSPENDED, condition)) => Word::reported(text, condition),
        _ if is_suspended => Word::reported(SUSPENDED, None),
        // The counts of pods are newer than a condition that remains true.
        Some((text, _)) if state_of(text) == Some(State::Pending) && count(|one| one.ready) => {
            Word::derived("Running")
        }
        Some((text, condition)) => Word::reported(text, condition),
        None if has_phase => Word::derived("Pending"),
        None if count(|one| one.ready) => Word::derived("Running"),
        None if count(|one| one.active) => Word::derived("Starting"),
        // Between two pods, such as before a retry.
        None if count(|one| one.succeeded) || count(|one| one.failed) => Word::derived("Starting"),
        None => Word::derived("Pending"),
    }
}
