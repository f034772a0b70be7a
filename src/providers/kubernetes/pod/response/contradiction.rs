//! Finds what contradicts the success of a pod.

use super::super::super::container::is_done;
use super::super::super::deletion::DeletionRule;
use super::super::super::evidence::is_unreadable;
use super::super::super::object::ObjectMeta;
use crate::model::{Container, State};
use crate::providers::lenient::{Checked, Text};
use crate::providers::states::{NormalizedState, is_failure_code};

/// Reasons of pods that have failed and are not recognized by [`is_failure_code`].
const FAILURES: [&str; 9] = [
    "AppArmor",
    "NodeAffinity",
    "NodeName",
    "NodePorts",
    "NodeUnschedulable",
    "PodOSSelectorNodeLabelDoesNotMatch",
    "PodToleratesNodeTaints",
    "TaintToleration",
    "Terminated",
];

fn is_failure(reason: &str) -> bool {
    FAILURES.contains(&reason) || is_failure_code(reason)
}

/// Returns what contradicts the success of a pod whose phase is `Succeeded`. `count` is the number of
/// statuses of main containers, or `None` if the statuses cannot be read.
pub(super) fn contradiction(
    meta: &ObjectMeta,
    state: &NormalizedState,
    reason: &Checked<Text>,
    containers: &[Container],
    count: Option<usize>,
) -> Option<String> {
    if state.state != State::Succeeded {
        return None;
    }
    if is_unreadable(reason) {
        return Some("the reason cannot be read".to_owned());
    }
    let failure = reason.value.trimmed().filter(|reason| is_failure(reason));
    match (failure, count) {
        (Some(reason), _) => Some(format!("the reason is {reason}")),
        (None, None) => Some("the states of its containers cannot be read".to_owned()),
        (None, Some(count)) => container_contradiction(containers, count)
            .or_else(|| contradicting_deletion(meta, containers)),
    }
}

/// Describes how the deletion of a pod contradicts its success, if it does. The ends of sidecars do not count, since
/// they are always stopped.
fn contradicting_deletion(meta: &ObjectMeta, containers: &[Container]) -> Option<String> {
    let main = containers.iter().filter(|one| !one.init && !one.is_sidecar);
    let ended_at = main.filter_map(|one| one.finished_at).max();
    meta.contradicting_deletion(ended_at, DeletionRule::BeforeOrAtOnce)
}

/// Returns what contradicts the success of a pod: a container that has not ended with exit code 0, a different
/// number of containers and statuses, or a killed process. A pod without statuses of main containers is not
/// contradicted.
fn container_contradiction(containers: &[Container], main_statuses: usize) -> Option<String> {
    let (init, main): (Vec<_>, Vec<_>) = containers
        .iter()
        .filter(|container| !container.is_sidecar)
        .partition(|container| container.init);
    let describe = |container: &Container| {
        let name = container.name.as_deref().unwrap_or("?");
        match container.state_raw.as_deref() {
            Some("terminated") => format!("container {name} has not ended with exit code 0"),
            Some(word) => format!("container {name} is {word}"),
            None => format!("container {name} has no state"),
        }
    };
    // A kubelet reports an init container that it has removed as waiting.
    let has_failed = |container: &&&Container| {
        let word = container.state_raw.as_deref();
        word.is_some_and(|word| word != "waiting") && !is_done(container)
    };
    if let Some(failed) = init.iter().find(has_failed) {
        return Some(describe(failed));
    }
    if let Some(killed) = init.iter().chain(&main).find_map(|one| killed_process(one)) {
        return Some(killed);
    }
    if main_statuses == 0 {
        return None;
    }
    if main_statuses != main.len() {
        let count = main.len();
        return Some(format!(
            "{main_statuses} of {count} containers have a status"
        ));
    }
    main.iter()
        .find(|container| !is_done(container))
        .map(|container| describe(container))
}

/// Describes a container of which a process was killed, such as by `OOMKilled`, although it ended with exit code 0:
/// its main process can ignore that a child process was killed.
fn killed_process(container: &Container) -> Option<String> {
    let reason = container.reason.as_deref();
    let reason = reason.filter(|_| is_done(container))?;
    let is_killed = reason.to_ascii_lowercase().contains("kill");
    let name = container.name.as_deref().unwrap_or("?");
    is_killed.then(|| format!("container {name} has the reason {reason}"))
}
