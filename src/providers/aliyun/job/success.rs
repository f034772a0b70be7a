//! Checks whether the container groups of a job confirm its success.

mod contradiction;
mod replacement;

use crate::model::Container;
use crate::providers::prelude::*;

use super::cause::label;
use contradiction::{contradiction, failure_of_deleted, has_failed_last, warning};
use replacement::{Successor, successors};

/// Exit codes of a container that was stopped by SIGKILL or SIGTERM.
const STOPPED: [i64; 2] = [137, 143];

/// Changes the state of a succeeded job that a container group contradicts. The job has failed if a group or
/// its main container has; its state is unknown if a group has not ended or its state cannot be read, or if a
/// container contradicts the success of its group. A failed group that another group has replaced is ignored; the
/// state is unknown if it is not certain that it was replaced. Groups that are being deleted need not have succeeded,
/// but must not show a failure. Missing groups do not contradict a success, because the cloud deletes them.
/// Adds notices with warnings about a group that succeeded and about groups that were replaced.
pub(super) fn confirm(job: &mut Job, notices: &mut Vec<Notice>) {
    if job.state != State::Succeeded {
        return;
    }
    for task in &mut job.tasks {
        match task.state {
            State::Succeeded => {
                let failed = failed_containers(&task.containers).next();
                task.exit_code = failed.map(|(_, code)| code).or(task.exit_code);
            }
            State::Stopping => task.exit_code = failed_code_of_deleted(task),
            _ => {}
        }
    }
    let successors = successors(&job.tasks);
    let contradiction = find_contradiction(&job.tasks, &successors);
    let tasks = std::mem::take(&mut job.tasks).into_iter().enumerate();
    let (ignored, current): (Vec<_>, Vec<_>) =
        tasks.partition(|(at, task)| successors[*at].is_some() || is_deleted(task));
    job.tasks = current.into_iter().map(|(_, task)| task).collect();
    let unconfirmed_reason = contradiction.map(|what| format!("the job has succeeded, but {what}"));
    states::confirm_success_unless(job, states::FailureCause::default(), unconfirmed_reason);
    for (at, task) in ignored {
        job.tasks.insert(at, task);
    }
    if job.state == State::Succeeded {
        let mut succeeded = job.tasks.iter().filter(|t| t.state == State::Succeeded);
        let warnings = [
            succeeded.find_map(warning),
            replaced(&job.tasks, &successors),
        ];
        notices.extend(warnings.into_iter().flatten().map(|what| {
            let text = format!("{}: the job has succeeded, but {what}", job.reference);
            Notice::new(NoticeCode::FailedParts, text)
        }));
    }
}

/// Describes what leaves the success of a job undecided.
fn find_contradiction(groups: &[Task], successors: &[Option<Successor>]) -> Option<String> {
    let open = groups.iter().find(|group| is_open(group.state));
    let open = open.map(|group| {
        let word = group.state_raw.as_deref().unwrap_or("without a state");
        format!("{} is {word}", label(group))
    });
    let numbered = || groups.iter().zip(successors);
    let not_replaced = || {
        numbered().find_map(|(group, successor)| match successor {
            Some(Successor::Other(next)) => Some(format!(
                "{} failed, and it is not certain that {} replaced it",
                label(group),
                label(&groups[*next])
            )),
            _ => None,
        })
    };
    let mut succeeded = groups.iter().filter(|t| t.state == State::Succeeded);
    open.or_else(not_replaced)
        .or_else(|| succeeded.find_map(contradiction))
        .or_else(|| {
            numbered().find_map(|(group, successor)| {
                let is_ignored = successor.is_some() || !is_deleted(group);
                (!is_ignored).then(|| failure_of_deleted(group)).flatten()
            })
        })
}

/// Describes the first group that failed and was replaced.
fn replaced(groups: &[Task], successors: &[Option<Successor>]) -> Option<String> {
    let is_replaced =
        |successor: &&Option<Successor>| matches!(successor, Some(Successor::Replacement(_)));
    let count = successors.iter().filter(is_replaced).count();
    let at = successors.iter().position(|one| is_replaced(&one))?;
    let others = match count - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let label = label(&groups[at]);
    Some(format!(
        "{label} failed and a later group replaced it{others}"
    ))
}

/// Returns `true` for a group that is being deleted and has no exit code of a failure.
fn is_deleted(group: &Task) -> bool {
    group.state == State::Stopping && group.exit_code.is_none()
}

/// Returns `true` for a state that a group of a succeeded job cannot have.
fn is_open(state: State) -> bool {
    use State::{Pending, Running, Starting, Unknown};
    matches!(state, Pending | Starting | Running | Unknown)
}

/// Returns the main containers that failed, with their exit codes. A container that was stopped while another one ended
/// with 0 is a sidecar at the end of its group.
fn failed_containers(containers: &[Container]) -> impl Iterator<Item = (&Container, i64)> {
    let main = || containers.iter().filter(|container| !container.init);
    let is_done = main().any(|container| container.exit_code == Some(0));
    let failed = main().filter_map(|container| {
        let code = container.exit_code.filter(|code| *code != 0)?;
        Some((container, code))
    });
    failed.filter(move |(container, code)| !(is_done && was_stopped(container, *code)))
}

/// Returns `true` for the exit code of a container that was stopped, but not because of its memory.
fn was_stopped(container: &Container, code: i64) -> bool {
    let reason = container.reason.as_deref().map(str::trim);
    STOPPED.contains(&code) && reason != Some("OOMKilled")
}

/// Returns the exit code of a failed main container of a group that is being deleted. Its deletion stops containers
/// that still run, so that their exit codes show a failure only if the group also has the time of a failure.
fn failed_code_of_deleted(group: &Task) -> Option<i64> {
    let has_failed = has_failed_last(group);
    let mut failed = failed_containers(&group.containers);
    let failed = failed.find(|(container, code)| has_failed || !was_stopped(container, *code));
    failed.map(|(_, code)| code)
}

#[cfg(test)]
mod tests;
