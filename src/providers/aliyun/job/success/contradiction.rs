//! Finds what in a container group contradicts its success.

use std::any::Any;

use super::super::cause::label;
use super::super::details::GroupDetails;
use super::failed_containers;
use crate::model::{Container, Task};
use crate::providers::states::describes_failure;

/// The reason of a container that ended normally.
const COMPLETED: &str = "Completed";

/// Returns what contradicts the success of a group: a container that has not ended, an init container that failed, or a
/// killed process. A main container that failed is not included. The state of a container can be missing, but its exit
/// code, signal and reason still count.
pub(super) fn contradiction(group: &Task) -> Option<String> {
    let mut containers = group.containers.iter();
    containers.find_map(|container| {
        let what = container_contradiction(container)?;
        Some(format!("{} {what}", describe(container, group)))
    })
}

/// Returns a warning about a group that succeeded, although its state decides: a missing exit code, or a failure that
/// is not older than the success. The documentation has an example of a completed container with a signal, and one
/// of a group that has not failed with a time of failure.
pub(super) fn warning(group: &Task) -> Option<String> {
    let mut containers = group.containers.iter();
    let in_container = containers.find_map(|container| {
        let what = match container.signal {
            _ if !is_terminated(container) => return None,
            Some(signal) if is_example(container) => format!("has the signal {signal}"),
            _ if container.exit_code.is_none() => "has no exit code".to_owned(),
            _ => return None,
        };
        Some(format!("{} {what}", describe(container, group)))
    });
    in_container.or_else(|| failure_after_success(group))
}

fn container_contradiction(container: &Container) -> Option<String> {
    let word = container.state_raw.as_deref();
    if let Some(word) = word.filter(|_| !is_terminated(container)) {
        // An init container that was removed can be reported as waiting.
        let is_removed = container.init && word.eq_ignore_ascii_case("Waiting");
        let failure = reason(container).filter(|reason| describes_failure(reason));
        return match failure {
            Some(reason) if is_removed => Some(format!("is {word} with the reason {reason}")),
            _ => (!is_removed).then(|| format!("is {word}")),
        };
    }
    let reason = reason(container);
    let is_killed = |reason: &&str| reason.to_ascii_lowercase().contains("kill");
    match (container.exit_code, container.signal, reason) {
        (Some(code), ..) if code != 0 => container.init.then(|| format!("has exit code {code}")),
        (_, _, Some(reason)) if is_killed(&reason) => Some(format!("has the reason {reason}")),
        (_, Some(signal), _) if !is_example(container) => Some(format!("has the signal {signal}")),
        (None, _, Some(reason)) if reason != COMPLETED => Some(format!("has the reason {reason}")),
        _ => None,
    }
}

/// Describes what contradicts the success of a group that is being deleted: as [`contradiction`], a main container that
/// was stopped, or a time of failure that is later than its success. A container that waits, or that still runs after
/// another one has ended with 0, does not contradict it.
pub(super) fn failure_of_deleted(group: &Task) -> Option<String> {
    let stopped = || {
        let (container, code) = failed_containers(&group.containers).next()?;
        Some(format!(
            "{} has exit code {code}",
            describe(container, group)
        ))
    };
    let mut main = group.containers.iter().filter(|container| !container.init);
    let is_done = main.any(|container| container.exit_code == Some(0));
    let mut containers = group.containers.iter();
    let counted = containers.find_map(|container| {
        let what = container_contradiction(container)?;
        let is_unfinished = is_unfinished(container, is_done);
        (!is_unfinished).then(|| format!("{} {what}", describe(container, group)))
    });
    counted
        .or_else(stopped)
        .or_else(|| failure_after_success(group))
}

/// Returns `true` for a container that waits, or for a sidecar that still runs, without the reason of a failure.
/// `is_done` is true if a main container has ended with 0.
fn is_unfinished(container: &Container, is_done: bool) -> bool {
    let word = container.state_raw.as_deref().unwrap_or_default();
    let is_waiting = word.eq_ignore_ascii_case("Waiting");
    let is_sidecar = is_done && !container.init && word.eq_ignore_ascii_case("Running");
    let has_failed = reason(container).is_some_and(describes_failure);
    (is_waiting || is_sidecar) && !has_failed
}

/// Returns `true` for a group with a time of failure that is later than its success, or without a time of success.
pub(super) fn has_failed_last(group: &Task) -> bool {
    failure_after_success(group).is_some()
}

/// Describes a time of failure of a group that is later than its success, or without a time of success.
fn failure_after_success(group: &Task) -> Option<String> {
    let details = group.details.as_deref()? as &dyn Any;
    let details = details.downcast_ref::<GroupDetails>()?;
    let failed_at = details.failed_at?;
    let is_older = details.succeeded_at.is_some_and(|at| at >= failed_at);
    (!is_older).then(|| format!("{} failed at {}", label(group), failed_at.rfc3339()))
}

/// Returns `true` for a container like that of the documented example: completed with exit code 0 and signal 1.
fn is_example(container: &Container) -> bool {
    let is_completed = container.exit_code == Some(0) && reason(container) == Some(COMPLETED);
    is_completed && container.signal == Some(1)
}

fn is_terminated(container: &Container) -> bool {
    let word = container.state_raw.as_deref();
    word.is_some_and(|word| word.eq_ignore_ascii_case("Terminated"))
}

/// Returns the reason of a container; a failure can also be in its detailed status.
fn reason(container: &Container) -> Option<&str> {
    let reason = container.reason.as_deref().map(str::trim);
    let detail = container.detail_status.as_deref().map(str::trim);
    let reason = reason.filter(|reason| !reason.is_empty());
    reason.or(detail.filter(|detail| describes_failure(detail)))
}

fn describe(container: &Container, group: &Task) -> String {
    let kind = match container.init {
        true => "init container",
        false => "container",
    };
    let name = container.name.as_deref().unwrap_or("without a name");
    format!("{kind} {name} of {}", label(group))
}
