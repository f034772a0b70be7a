//! Selects the task and the container that explain the failure of a job.

use super::{Container, Job, State, Task, Time};
use crate::sort::SortExt as _;

/// Exit codes of processes ended by SIGTERM and SIGKILL.
const STOPPED: i64 = 143;
const KILLED: i64 = 137;

/// Returns the tasks that may explain a failure, the most likely one first: failed tasks before those that were
/// canceled or only have a failed container, and tasks with a reason before others.
///
/// Tasks with containers are replaced when they fail, so those of the last attempt come first. Of tasks that ran at
/// the same time, the one that failed first comes first, and those that may only have been stopped
/// ([`Task::may_be_stopped`]) come last. Tasks without containers are parallel parts; they keep the order of the
/// job.
pub fn failed_tasks(tasks: &[Task]) -> Vec<&Task> {
    let rank = |task: &Task| {
        let has_text = task.reason.is_some() || task.message.is_some();
        let is_explained = has_text || task.failed_container().is_some();
        (task.state != State::Failed, !is_explained)
    };
    let mut failed: Vec<&Task> = tasks.iter().filter(|task| is_bad(task)).collect();
    failed.order_by_key(|task| rank(task));
    let ranks = failed.chunk_by(|one, next| rank(one) == rank(next));
    ranks.flat_map(by_attempt).collect()
}

/// Returns the tasks by attempt, the last attempt first; then tasks that are never replaced.
fn by_attempt<'a>(tasks: &[&'a Task]) -> Vec<&'a Task> {
    let (mut timed, parts): (Vec<_>, Vec<_>) =
        tasks.iter().copied().partition(|task| run(task).is_some());
    timed.order_by_key(|task| std::cmp::Reverse(run(task)));
    let mut sorted = Vec::new();
    for attempt in attempts(&timed) {
        // A task may have been replaced while other tasks of its attempt continued.
        for tasks in stopped_last(attempt) {
            for tasks in attempts(&tasks) {
                let start = sorted.len();
                sorted.extend_from_slice(tasks);
                sorted[start..].order_by_key(|task| run(task));
            }
        }
    }
    sorted.extend(stopped_last(&parts).concat());
    sorted
}

/// Returns the tasks that failed by themselves, and those that may only have been stopped.
fn stopped_last<'a>(tasks: &[&'a Task]) -> [Vec<&'a Task>; 2] {
    let (stopped, failed) = tasks
        .iter()
        .copied()
        .partition(|task| task.may_be_stopped());
    [failed, stopped]
}

/// Splits tasks, sorted from the newest, into attempts: each contains the newest remaining task and those that ran
/// at the same time.
fn attempts<'a, 'b>(tasks: &'b [&'a Task]) -> impl Iterator<Item = &'b [&'a Task]> {
    let mut rest = tasks;
    std::iter::from_fn(move || {
        let newest = rest.first()?;
        let start = newest.started_at.or(newest.created_at);
        let overlaps = |task: &&&Task| run(task).map(|(end, _)| end) > start;
        let count = rest.iter().take_while(overlaps).count().max(1);
        let (attempt, older) = rest.split_at(count);
        rest = older;
        Some(attempt)
    })
}

/// Returns the first failed container. The result of a sidecar does not count.
pub fn failed_container(containers: &[Container]) -> Option<&Container> {
    let mut main = containers.iter().filter(|container| !container.is_sidecar);
    main.find(|container| container.state == State::Failed)
}

impl Job {
    /// Returns the task that explains the failure of the job; see [`failed_tasks`].
    pub fn failed_task(&self) -> Option<&Task> {
        failed_tasks(&self.tasks).into_iter().next()
    }
}

impl Task {
    /// Returns the container that explains the failure of the task; see [`failed_container`].
    pub fn failed_container(&self) -> Option<&Container> {
        failed_container(&self.containers)
    }

    /// Returns `true` if the task has a separate reason, such as an eviction, so that its containers were only
    /// stopped.
    pub fn was_removed(&self) -> bool {
        let trimmed = |text: &Option<String>| text.as_deref().map(str::trim).map(str::to_owned);
        let reason = trimmed(&self.reason).filter(|reason| !reason.is_empty());
        let container = self.failed_container();
        container.is_some_and(|one| reason.is_some() && reason != trimmed(&one.reason))
    }

    /// Returns `true` if the task was ended by a signal without a reason, like tasks that are stopped because another
    /// one failed.
    pub fn may_be_stopped(&self) -> bool {
        let container = self.failed_container();
        let (code, signal, texts) = match container {
            Some(one) => (one.exit_code, one.signal, [&one.reason, &None]),
            None => (self.exit_code, None, [&self.reason, &self.message]),
        };
        let is_killed = matches!(code, Some(STOPPED | KILLED)) || matches!(signal, Some(9 | 15));
        let is_filler = |text: &str| text.trim().is_empty() || repeats_exit_code(text, code);
        let has_reason = texts.into_iter().flatten().any(|text| !is_filler(text));
        is_killed && !has_reason && !self.was_removed()
    }
}

/// Returns `true` if a task can explain a failure. A task that finally succeeded cannot, even with a failed
/// container.
fn is_bad(task: &Task) -> bool {
    match task.state {
        State::Failed | State::Canceled => true,
        State::Succeeded => false,
        _ => task.failed_container().is_some(),
    }
}

/// Returns the end of a task with containers, or its creation if the end is unknown, and its creation.
fn run(task: &Task) -> Option<(Time, Time)> {
    let created_at = task.created_at.filter(|_| !task.containers.is_empty())?;
    Some((task.finished_at.unwrap_or(created_at), created_at))
}

/// Returns `true` if a text only repeats that something failed with an exit code, such as `Error` or `exit code 1`.
pub fn repeats_exit_code(text: &str, exit_code: Option<i64>) -> bool {
    const WORDS: [&str; 10] = [
        "code",
        "command",
        "container",
        "error",
        "exit",
        "exited",
        "failed",
        "process",
        "status",
        "with",
    ];
    let Some(code) = exit_code else {
        return false;
    };
    let code = code.unsigned_abs().to_string();
    let text = text.to_ascii_lowercase();
    let mut words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some() && words.all(|word| word == code || WORDS.contains(&word))
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

    /// Returns a task whose container ended with this code.
    fn exited(id: &str, code: i64, reason: &str, run: [&str; 2]) -> Task {
        let mut task = task(id, State::Failed, Some(run[0]), Some(run[1]));
        task.containers[0] = Container {
            state: State::Failed,
            exit_code: Some(code),
            reason: Some(reason.to_owned()),
            ..Container::default()
        };
        task
    }

    #[test]
    fn failures_of_the_last_attempt_come_first() {
        use State::{Canceled, Failed, Running, Succeeded};
        let tasks = [
            task("done", Succeeded, Some("01"), Some("59")),
            task("gone", Canceled, Some("01"), Some("58")),
            task("early", Failed, Some("01"), Some("10")),
            task("late", Failed, Some("11"), Some("30")),
            task("evicted", Failed, Some("40"), None),
            task("runs", Running, Some("50"), None),
        ];
        assert_eq!(ids(&tasks), ["evicted", "late", "early", "gone"]);
        let mut parts = [
            task("a", Failed, Some("01"), Some("10")),
            task("b", Failed, Some("11"), Some("30")),
        ];
        parts.iter_mut().for_each(|part| part.containers.clear());
        assert_eq!(ids(&parts), ["a", "b"]);
    }

    #[test]
    fn of_concurrent_tasks_the_failure_that_stopped_the_others_comes_first() {
        let gang = [
            exited("stopped", 143, "Error", ["01", "20"]),
            exited("killed", 137, "Error", ["01", "19"]),
            exited("failed", 1, "Error", ["01", "30"]),
        ];
        assert_eq!(ids(&gang), ["failed", "killed", "stopped"]);
        let lost = [
            exited("peer", 1, "Error", ["01", "21"]),
            exited("memory", 137, "OOMKilled", ["01", "20"]),
        ];
        assert_eq!(ids(&lost), ["memory", "peer"]);
        let mut evicted = exited("evicted", 137, "Error", ["01", "20"]);
        evicted.reason = Some("Evicted".to_owned());
        let removed = [exited("peer", 1, "Error", ["01", "21"]), evicted];
        assert_eq!(ids(&removed), ["evicted", "peer"]);
    }

    #[test]
    fn a_failed_retry_comes_before_earlier_runs_and_stopped_peers() {
        let others_stopped = [
            exited("first", 1, "Error", ["01", "10"]),
            exited("second", 1, "Error", ["11", "20"]),
            exited("other", 143, "Error", ["01", "21"]),
        ];
        assert_eq!(ids(&others_stopped), ["second", "first", "other"]);
        let retries = [
            exited("first", 1, "Error", ["01", "10"]),
            exited("second", 137, "Error", ["11", "20"]),
        ];
        assert_eq!(ids(&retries), ["second", "first"]);
    }

    #[test]
    fn parts_without_times_are_ranked_by_their_exit_codes() {
        let part = |id: &str, code: i64| Task {
            exit_code: Some(code),
            created_at: None,
            containers: Vec::new(),
            ..task(id, State::Failed, None, None)
        };
        let parts = [part("a", 143), part("b", 1), part("c", 2)];
        assert_eq!(ids(&parts), ["b", "c", "a"]);
    }

    #[test]
    fn a_text_with_only_usual_words_and_the_exit_code_repeats_it() {
        for (text, repeats) in [
            ("Error", true),
            ("exit code 1", true),
            ("Container exited with code: 1", true),
            ("exit code 2", false),
            ("OOMKilled", false),
            ("", false),
        ] {
            assert_eq!(repeats_exit_code(text, Some(1)), repeats, "{text}");
        }
        assert!(!repeats_exit_code("Error", None));
    }

    #[test]
    fn a_failed_task_with_a_message_comes_before_others() {
        let mut explained = task("a", State::Failed, Some("01"), Some("10"));
        explained.message = Some("out of memory".to_owned());
        let tasks = [explained, task("b", State::Failed, Some("01"), Some("30"))];
        assert_eq!(ids(&tasks), ["a", "b"]);
    }

    #[test]
    fn a_failed_sidecar_does_not_explain_a_failure() {
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
