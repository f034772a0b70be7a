//! Finds what contradicts the success of a pod.

use super::super::super::container;
use super::super::super::evidence::is_unreadable;
use crate::model::{Container, State};
use crate::providers::lenient::{Checked, Text};
use crate::providers::states::NormalizedState;

/// Reasons of pods that have failed and contain none of [`FAILURE_WORDS`].
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

/// Words in the reasons of pods that have failed, such as `OutOfcpu` or `UnexpectedAdmissionError`.
const FAILURE_WORDS: [&str; 11] = [
    "error",
    "evict",
    "exceeded",
    "fail",
    "forbidden",
    "kill",
    "lost",
    "notsupported",
    "outof",
    "preempt",
    "shutdown",
];

fn is_failure(reason: &str) -> bool {
    let lower = reason.to_ascii_lowercase();
    FAILURES.contains(&reason) || FAILURE_WORDS.iter().any(|word| lower.contains(word))
}

/// Returns what contradicts the success of a pod whose phase is `Succeeded`. `count` is the number of
/// statuses of main containers, or `None` if the statuses cannot be read.
pub(super) fn contradiction(
    read: &NormalizedState,
    reason: &Checked<Text>,
    containers: &[Container],
    count: Option<usize>,
) -> Option<String> {
    if read.state != State::Succeeded {
        return None;
    }
    if is_unreadable(reason) {
        return Some("the reason cannot be read".to_owned());
    }
    let failure = reason.value.trimmed().filter(|reason| is_failure(reason));
    match (failure, count) {
        (Some(reason), _) => Some(format!("the reason is {reason}")),
        (None, None) => Some("the states of its containers cannot be read".to_owned()),
        (None, Some(count)) => container::contradiction(containers, count),
    }
}
