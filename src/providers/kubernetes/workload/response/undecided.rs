//! Finds why a response does not show the state of a deployment.

use super::super::super::evidence::{is_invalid, is_unreadable};
use super::word::PROGRESS_DEADLINE_EXCEEDED;
use super::{DeploymentSpec, DeploymentStatus, ObjectMeta};

/// The types of the conditions that the word for the state depends on.
const CONDITIONS: [&str; 3] = ["Available", "Progressing", "ReplicaFailure"];

/// Describes the part that cannot be read, or that contradicts itself, and without which the word for the state can be
/// wrong. A rollout that has failed needs no condition besides that of its progress.
pub(super) fn undecided(
    meta: &ObjectMeta,
    spec: &DeploymentSpec,
    status: &DeploymentStatus,
    word: &str,
) -> Option<String> {
    let counts = [
        (&meta.generation, "metadata.generation"),
        (&spec.replicas, "spec.replicas"),
        (&status.observed_generation, "status.observedGeneration"),
        (&status.replicas, "status.replicas"),
        (&status.updated_replicas, "status.updatedReplicas"),
        (&status.ready_replicas, "status.readyReplicas"),
        (&status.available_replicas, "status.availableReplicas"),
        (&status.unavailable_replicas, "status.unavailableReplicas"),
    ];
    let mut counts = counts.into_iter();
    let count = counts.find(|(count, _)| is_invalid(count));
    let flag = spec.paused.is_unreadable.then_some("spec.paused");
    if let Some(name) = count.map(|(_, name)| name).or(flag) {
        return Some(format!("the field {name} cannot be read"));
    }
    // The reason of this condition decides whether the rollout has failed.
    let progress = status.conditions.find("Progressing", "False");
    if progress.is_some_and(|one| is_unreadable(&one.reason)) {
        return Some("the reason of the condition Progressing cannot be read".to_owned());
    }
    let failure = (word == PROGRESS_DEADLINE_EXCEEDED).then_some("Progressing");
    let decides = |kind: &str| CONDITIONS.contains(&kind);
    status.conditions.undecided(decides, failure)
}
