//! Checks whether the container groups of a job confirm its success.

mod contradiction;

use crate::model::Container;
use crate::providers::prelude::*;
use crate::sort::SortExt as _;

use super::cause::label;
use contradiction::{contradiction, warning};

/// Exit codes of a container that was stopped by SIGKILL or SIGTERM.
const STOPPED: [i64; 2] = [137, 143];

/// Changes the state of a succeeded job that a container group contradicts. The job has failed if a group or
/// its main container has; its state is unknown if a group has not ended or its state cannot be read, or if a
/// container contradicts the success of its group. Groups that are being deleted, and failed ones that a retry of
/// the job has replaced, are ignored. Missing groups do not contradict a success, because the cloud deletes them.
/// Adds a notice with a warning about a group that succeeded.
pub(super) fn confirm(job: &mut Job, notices: &mut Vec<Notice>) {
    if job.state != State::Succeeded {
        return;
    }
    for task in &mut job.tasks {
        if task.state == State::Succeeded {
            task.exit_code = failed_code(&task.containers).or(task.exit_code);
        }
    }
    let is_replaced = replaced(&job.tasks);
    let tasks = std::mem::take(&mut job.tasks).into_iter().enumerate();
    let (earlier, current): (Vec<_>, Vec<_>) =
        tasks.partition(|(at, task)| is_replaced[*at] || task.state == State::Stopping);
    job.tasks = current.into_iter().map(|(_, task)| task).collect();
    let open = job.tasks.iter().find(|task| is_open(task.state));
    let open = open.map(|task| {
        let word = task.state_raw.as_deref().unwrap_or("without a state");
        format!("{} is {word}", label(task))
    });
    let succeeded = || job.tasks.iter().filter(|t| t.state == State::Succeeded);
    let contradiction = open.or_else(|| succeeded().find_map(contradiction));
    let warning = succeeded().find_map(warning);
    if contradiction.is_some() {
        job.unread_cause = Some(Category::InvalidResponse);
    }
    states::confirm_success(job, states::FailureCause::default());
    if job.state == State::Unknown {
        job.exit_code = None;
        let text = contradiction.map(|what| format!("the job has succeeded, but {what}"));
        job.message = text.or_else(|| job.message.take());
    }
    if let Some(what) = warning.filter(|_| job.state == State::Succeeded) {
        let text = format!("{}: the job has succeeded, but {what}", job.reference);
        notices.push(Notice::new(NoticeCode::FailedParts, text));
    }
    for (at, task) in earlier {
        job.tasks.insert(at, task);
    }
}

/// Returns `true` for a state that a group of a succeeded job cannot have.
fn is_open(state: State) -> bool {
    use State::{Pending, Running, Starting, Unknown};
    matches!(state, Pending | Starting | Running | Unknown)
}

/// Returns the exit code of a main container that failed. A container that was stopped while another one ended
/// with 0 is a sidecar at the end of its group.
fn failed_code(containers: &[Container]) -> Option<i64> {
    let main = || containers.iter().filter(|container| !container.init);
    let is_done = main().any(|container| container.exit_code == Some(0));
    let is_stopped = |container: &Container, code| {
        let reason = container.reason.as_deref().map(str::trim);
        is_done && STOPPED.contains(&code) && reason != Some("OOMKilled")
    };
    main().find_map(|container| {
        let code = container.exit_code.filter(|code| *code != 0)?;
        (!is_stopped(container, code)).then_some(code)
    })
}

/// Reports for each group whether it failed and was replaced. Each replacement is another group that was
/// created after its end.
fn replaced(tasks: &[Task]) -> Vec<bool> {
    let mut created: Vec<Time> = tasks.iter().filter_map(|task| task.created_at).collect();
    created.order_by_key(|time| *time);
    let mut failed: Vec<(Time, usize)> = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        let end = task.finished_at.filter(|_| task.state == State::Failed);
        // A group with a creation time after its end would replace itself.
        let end = end.filter(|end| task.created_at.is_none_or(|start| start <= *end));
        failed.extend(end.map(|end| (end, at)));
    }
    failed.order_by_key(|(end, _)| *end);
    let mut created = created.into_iter();
    let mut is_replaced = vec![false; tasks.len()];
    for (end, at) in failed {
        is_replaced[at] = created.any(|start| start > end);
    }
    is_replaced
}

#[cfg(test)]
mod tests;
