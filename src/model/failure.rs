//! Which of the tasks and containers of a job explains how it failed.

use super::{Container, Job, State, Task, Time};
use crate::sort::SortExt as _;

/// The tasks that may explain a failure, the one that does first: those that failed before those that were
/// canceled or have a failed container only, those with a reason before others, the newest of those with
/// containers first. Of other tasks it is the first in order.
pub fn failed_tasks(tasks: &[Task]) -> Vec<&Task> {
    let rank = |task: &Task| {
        let has_text = task.reason.is_some() || task.message.is_some();
        let is_explained = has_text || task.failed_container().is_some();
        (task.state == State::Failed, is_explained, age(task))
    };
    let mut failed: Vec<&Task> = tasks.iter().filter(|task| is_bad(task)).collect();
    failed.order_by_key(|task| std::cmp::Reverse(rank(task)));
    failed
}

/// The first container that failed. How a sidecar ends decides nothing.
pub fn failed_container(containers: &[Container]) -> Option<&Container> {
    let mut main = containers.iter().filter(|container| !container.is_sidecar);
    main.find(|container| container.state == State::Failed)
}

impl Job {
    /// The task that explains how the job failed; see [`failed_tasks`].
    pub fn failed_task(&self) -> Option<&Task> {
        failed_tasks(&self.tasks).into_iter().next()
    }
}

impl Task {
    /// The container that explains how the task failed; see [`failed_container`].
    pub fn failed_container(&self) -> Option<&Container> {
        failed_container(&self.containers)
    }
}

/// A container that failed in a task that succeeded in the end explains nothing.
fn is_bad(task: &Task) -> bool {
    match task.state {
        State::Failed | State::Canceled => true,
        State::Succeeded => false,
        _ => task.failed_container().is_some(),
    }
}

/// When a task with containers ended, or was created where that is not known, and when it was created: one
/// that fails is replaced. Other tasks are parallel parts of a job.
fn age(task: &Task) -> Option<(Time, Time)> {
    let created_at = task.created_at.filter(|_| !task.containers.is_empty())?;
    Some((task.finished_at.unwrap_or(created_at), created_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, state: State, created: Option<&str>, finished: Option<&str>) -> Task {
        let time = |seconds: &str| Time::from_rfc3339(&format!("2026-11-27T20:00:{seconds}Z"));
        Task {
            id: Some(id.to_owned()),
            state,
            created_at: created.and_then(time),
            finished_at: finished.and_then(time),
            containers: vec![Container::default()],
            ..Task::default()
        }
    }

    fn ids(tasks: &[Task]) -> Vec<&str> {
        let failed = failed_tasks(tasks).into_iter();
        failed.filter_map(|task| task.id.as_deref()).collect()
    }

    #[test]
    fn the_newest_failed_task_comes_first() {
        use State::{Canceled, Failed, Running, Succeeded};
        let tasks = [
            task("done", Succeeded, Some("01"), Some("59")),
            task("gone", Canceled, Some("01"), Some("58")),
            task("early", Failed, Some("01"), Some("10")),
            task("late", Failed, Some("01"), Some("30")),
            task("evicted", Failed, Some("40"), None),
            task("runs", Running, Some("50"), None),
        ];
        assert_eq!(ids(&tasks), ["evicted", "late", "early", "gone"]);
        let mut parts = [
            task("a", Failed, Some("01"), Some("10")),
            task("b", Failed, Some("01"), Some("30")),
        ];
        parts.iter_mut().for_each(|part| part.containers.clear());
        assert_eq!(ids(&parts), ["a", "b"]);
    }

    #[test]
    fn a_task_with_a_reason_comes_before_others() {
        let mut explained = task("a", State::Failed, Some("01"), Some("10"));
        explained.message = Some("out of memory".to_owned());
        let tasks = [explained, task("b", State::Failed, Some("01"), Some("30"))];
        assert_eq!(ids(&tasks), ["a", "b"]);
    }

    #[test]
    fn a_sidecar_explains_nothing() {
        let container = |name: &str, is_sidecar: bool| Container {
            name: Some(name.to_owned()),
            state: State::Failed,
            is_sidecar,
            ..Container::default()
        };
        let both = [container("side", true), container("main", false)];
        let name = |containers: &[Container]| failed_container(containers)?.name.clone();
        assert_eq!(name(&both).as_deref(), Some("main"));
        assert_eq!(name(&both[..1]), None);
    }
}
