//! Finds why a response does not show the state of a job.

use super::super::CustomJobs;
use super::{Spec, Status, VolcanoState};
use crate::model::State;

/// Describes the part that cannot be read, or that contradicts itself, and without which the word for the state can be
/// wrong. A job that has failed needs neither the other conditions nor to know whether it is suspended.
pub(super) fn undecided(
    jobs: &CustomJobs,
    spec: &Spec,
    (status, state): (&Status, &VolcanoState),
    word: &str,
) -> Option<String> {
    let field = jobs.state_field;
    let table = jobs.kind.states[0].map;
    if let Some(text) = field.of(status, state)
        && text.is_unreadable
    {
        return Some(format!("the {} cannot be read", field.name()));
    }
    let is_failure =
        |known: &(&str, State)| known.1 == State::Failed && known.0.eq_ignore_ascii_case(word);
    let has_failed = table.iter().any(is_failure);
    let mut flags = [&spec.suspend, &spec.run_policy.0.suspend].into_iter();
    if !has_failed && flags.any(|flag| flag.is_unreadable) {
        return Some("the field suspend cannot be read".to_owned());
    }
    if field.is_phase() {
        return None;
    }
    let decides = |kind: &str| table.iter().any(|(known, _)| *known == kind);
    let failure = has_failed.then_some(word);
    status.conditions.undecided(decides, failure)
}
