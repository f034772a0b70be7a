//! Finds the reason and the message for the state of a pod.

use super::super::super::conditions::Conditions;
use super::super::super::container;
use super::DISRUPTED;
use crate::model::{Container, failed_container};
use crate::providers::prelude::*;
use crate::providers::states::NormalizedState;

/// The reason of a container that ran out of memory.
const OUT_OF_MEMORY: &str = "OOMKilled";

/// Returns the reason and the message of a pod: its own, or those of a failed or stuck container, of a
/// missing node, or of the disruption that removed it.
pub(super) fn reason_and_message(
    state: &NormalizedState,
    reason: Text,
    message: Text,
    conditions: &Conditions,
    containers: &[Container],
) -> (Option<String>, Option<String>) {
    if reason.trimmed().is_some() {
        return (reason.0, message.0);
    }
    let disrupted = conditions.find_true(DISRUPTED);
    if state.ended && state.state != State::Failed {
        return (None, None);
    }
    if state.ended {
        // Containers of a removed pod end because of the removal, unless they ran out of memory before.
        let failed = failed_container(containers);
        let failed = failed.filter(|container| {
            disrupted.is_none() || container.reason.as_deref() == Some(OUT_OF_MEMORY)
        });
        let failed = failed
            .and_then(|container| Some((container.reason.clone(), container::failure(container)?)));
        if let Some((reason, cause)) = failed {
            return (reason, Some(cause));
        }
    } else if let Some(stuck) = containers.iter().find(|one| container::is_stuck(one)) {
        return (stuck.reason.clone(), stuck.message.clone());
    }
    let unscheduled = conditions.find("PodScheduled", "False");
    let condition = unscheduled.filter(|_| !state.ended).or(disrupted);
    condition.map_or((None, message.0), |condition| {
        (
            condition.reason.value.0.clone(),
            condition.message.0.clone(),
        )
    })
}
