//! Determines the word for the state of a deployment.

use super::{Checked, Condition, DeploymentSpec, DeploymentStatus, Int, ObjectMeta};

/// The reason of a deployment that exceeded its deadline, also used as the word for its state.
pub(super) const PROGRESS_DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";

/// Returns the word for the state of a deployment, with the condition that explains it.
pub(super) fn word<'a>(
    meta: &ObjectMeta,
    spec: &DeploymentSpec,
    status: &'a DeploymentStatus,
) -> (&'static str, Option<&'a Condition>) {
    let count = |count: &Checked<Int>| count.value.0.unwrap_or(0);
    let desired = spec.replicas.value.0.unwrap_or(1);
    let (replicas, updated) = (count(&status.replicas), count(&status.updated_replicas));
    let is_observed = count(&status.observed_generation) >= count(&meta.generation);
    let available = count(&status.available_replicas);
    let is_complete = [updated, replicas, available] == [desired; 3];
    let stuck = status.conditions.find("Progressing", "False");
    let overdue =
        stuck.filter(|one| one.reason.value.trimmed() == Some(PROGRESS_DEADLINE_EXCEEDED));
    // The controller retries after a failure, until the deadline.
    let failure = status.conditions.find_true("ReplicaFailure");
    // What contradicts that it is complete. A count that is left out contradicts nothing.
    let unavailable = status.conditions.find("Available", "False").or(overdue);
    let lacks_pods = count(&status.unavailable_replicas) > 0
        || status
            .ready_replicas
            .value
            .0
            .is_some_and(|ready| ready < available);
    match (overdue, failure) {
        _ if meta.is_deleted() => ("Terminating", None),
        _ if !is_observed => ("Progressing", None),
        _ if is_complete && (unavailable.is_some() || lacks_pods) => ("Progressing", unavailable),
        _ if is_complete && desired == 0 => ("ScaledToZero", None),
        _ if is_complete => ("Available", None),
        (Some(overdue), _) => (PROGRESS_DEADLINE_EXCEEDED, Some(overdue)),
        _ if spec.paused.value.0 == Some(true) => ("Paused", None),
        (_, Some(failure)) => ("ReplicaFailure", Some(failure)),
        _ => ("Progressing", stuck),
    }
}
