//! Which of a job's logs is printed.

use crate::error::{Category, Problem};
use crate::model::{Job, State, Task, failed_tasks};
use crate::providers::LogSource;

/// So many logs that were not chosen are named at most.
const MAX_NAMED: usize = 8;

/// The streams of a program, as the kinds with two streams name them; the second says why it failed.
const STDOUT: &str = "stdout";
pub(super) const STDERR: &str = "stderr";

/// Which logs of a job are requested.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Choice<'a> {
    /// Id or name of a task.
    pub task: Option<&'a str>,
    /// Name of a container or stream.
    pub container: Option<&'a str>,
    /// All logs.
    pub all: bool,
    /// The logs of the runs before the last restarts.
    pub previous: bool,
}

/// `task/container`, as far as a log has them.
pub(super) fn label(source: &LogSource) -> String {
    let parts = [source.task.as_deref(), source.container.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    parts.join("/")
}

impl Choice<'_> {
    /// The requested logs, and the others where one was chosen.
    ///
    /// # Errors
    /// `not_found`: the job has no such task or container.
    pub(super) fn of(
        &self,
        job: &Job,
        sources: Vec<LogSource>,
    ) -> Result<(Vec<LogSource>, Vec<LogSource>), Problem> {
        let id = self.task.map(|task| task_id(job, task));
        let is_of_task = |source: &LogSource| {
            let task = source.task.as_deref();
            id.is_none_or(|id| task == Some(id) || task == self.task)
        };
        let is_named = |source: &LogSource| {
            let container = self.container;
            container.is_none_or(|name| source.container.as_deref() == Some(name))
        };
        let (of_task, _): (Vec<_>, Vec<_>) = sources.iter().cloned().partition(is_of_task);
        if let Some(task) = self.task.filter(|_| of_task.is_empty()) {
            return Err(missing(
                "task",
                task,
                sources.iter().map(|source| source.task.as_deref()),
            ));
        }
        let names = of_task.iter().map(|source| source.container.as_deref());
        if let Some(name) = self.container.filter(|_| !of_task.iter().any(is_named)) {
            return Err(missing("container", name, names));
        }
        let mut found: Vec<_> = of_task.into_iter().filter(is_named).collect();
        if self.all || found.len() <= 1 {
            return Ok((found, Vec::new()));
        }
        let chosen = found.remove(self.best(job, &found));
        Ok((vec![chosen], found))
    }

    /// Which of several logs is printed: that of the failure, unless the job succeeded in the end, else the
    /// first main one that has begun; of previous runs only those that there are.
    fn best(&self, job: &Job, found: &[LogSource]) -> usize {
        let was_restarted = |source: &LogSource| source.restarts > 0;
        let any = !self.previous || !found.iter().any(was_restarted);
        let candidates = found.iter().enumerate();
        let mut candidates = candidates.filter(|(_, source)| any || was_restarted(source));
        let tasks = failed_tasks(&job.tasks);
        let failed = candidates.clone().filter(|_| job.state != State::Succeeded);
        let failed = failed.filter_map(|(at, source)| Some((source.failure_rank(&tasks)?, at)));
        let has_begun = |source: &LogSource| match job.state {
            State::Succeeded => source.state == State::Succeeded,
            _ => !matches!(source.state, State::Pending | State::Starting),
        };
        let is_main = |source: &LogSource| !source.init && !source.is_sidecar;
        let mut main = candidates.clone().filter(|(_, source)| is_main(source));
        let first = main.clone().next();
        let begun = main.find(|(_, source)| has_begun(source)).or(first);
        let others = begun.or_else(|| candidates.next()).map(|(at, _)| at);
        let failed = failed.min().map(|(_, at)| at);
        failed.or(others).unwrap_or(0)
    }

    /// The requested log of a job that no longer has the followed one, or of the task that was created
    /// after the followed one had failed.
    pub(super) fn replacement(
        &self,
        job: &Job,
        sources: &[LogSource],
        followed: &LogSource,
    ) -> Option<LogSource> {
        let mut sources = sources.to_vec();
        if sources.iter().any(|source| source.is_same(followed)) {
            let task = |id: &Option<String>| job.tasks.iter().find(|task| task.id == *id);
            let failed = task(&followed.task).filter(|task| task.state == State::Failed)?;
            let end = failed.finished_at.or(failed.created_at)?;
            let is_later = |task: &Task| !task.ended && task.created_at.is_some_and(|at| at > end);
            sources.retain(|source| task(&source.task).is_some_and(is_later));
        }
        if self.all || sources.is_empty() {
            return None;
        }
        let (mut chosen, _) = self.of(job, sources).ok()?;
        chosen.pop()
    }
}

/// Where the standard error of the program whose standard output was chosen is among the others.
pub(super) fn error_stream(chosen: &LogSource, others: &[LogSource]) -> Option<usize> {
    let is_stream = |source: &LogSource, name| source.container.as_deref() == Some(name);
    let is_error = |other: &LogSource| other.task == chosen.task && is_stream(other, STDERR);
    let found = others.iter().position(is_error);
    found.filter(|_| is_stream(chosen, STDOUT))
}

/// The id of the task with this id or name, or of the only one whose id ends in it, as in `RUN-worker-1`.
fn task_id<'a>(job: &'a Job, task: &'a str) -> &'a str {
    let ids = || job.tasks.iter().filter_map(|known| known.id.as_deref());
    let mut tasks = job.tasks.iter();
    if let Some(named) = tasks.find(|known| known.name.as_deref() == Some(task)) {
        return named.id.as_deref().unwrap_or(task);
    }
    if ids().any(|id| id == task) {
        return task;
    }
    let is_end = |id: &&str| {
        id.strip_suffix(task)
            .is_some_and(|head| head.ends_with('-'))
    };
    let mut ends = ids().filter(is_end);
    match (ends.next(), ends.next()) {
        (Some(id), None) => id,
        _ => task,
    }
}

fn missing<'a>(what: &str, name: &str, known: impl Iterator<Item = Option<&'a str>>) -> Problem {
    let mut known: Vec<&str> = known.flatten().collect();
    known.dedup();
    let problem = Problem::new(
        Category::NotFound,
        format!("no {what} '{name}' in this job"),
    );
    match known.is_empty() {
        true => problem.with_hint(format!("leave --{what} out")),
        false => problem.with_hint(format!("{what}s: {}", names(&known))),
    }
}

/// The names of the logs that were not chosen, or how many of them there are.
pub(super) fn others(sources: &[LogSource]) -> String {
    let labels: Vec<String> = sources.iter().map(label).collect();
    names(&labels.iter().map(String::as_str).collect::<Vec<_>>())
}

fn names(all: &[&str]) -> String {
    let shown = all[..all.len().min(MAX_NAMED)].join(", ");
    match all.len().checked_sub(MAX_NAMED) {
        None | Some(0) => shown,
        Some(rest) => format!("{shown} and {rest} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Container, Time};

    fn job(states: &[(&str, &str, bool, State)]) -> Job {
        let task = |(task, container, init, state): &(&str, &str, bool, State)| Task {
            id: Some((*task).to_owned()),
            name: Some(format!("name of {task}")),
            containers: vec![Container {
                name: Some((*container).to_owned()),
                init: *init,
                state: *state,
                ..Container::default()
            }],
            ..Task::default()
        };
        Job {
            tasks: states.iter().map(task).collect(),
            ..Job::default()
        }
    }

    fn chosen(job: &Job, choice: Choice<'_>) -> Result<Vec<String>, String> {
        let found = choice.of(job, LogSource::of_job(job));
        let (sources, _) = found.map_err(|problem| problem.hint.unwrap_or_default())?;
        Ok(sources.iter().map(label).collect())
    }

    #[test]
    fn the_failed_container_is_chosen_and_else_the_first_main_one() {
        let running = job(&[
            ("a", "init", true, State::Succeeded),
            ("b", "main", false, State::Running),
        ]);
        assert_eq!(
            chosen(&running, Choice::default()),
            Ok(vec!["b/main".to_owned()])
        );
        let waiting = job(&[
            ("a", "main", false, State::Pending),
            ("b", "main", false, State::Running),
        ]);
        assert_eq!(
            chosen(&waiting, Choice::default()),
            Ok(vec!["b/main".to_owned()])
        );
        let failed = job(&[
            ("a", "main", false, State::Succeeded),
            ("b", "main", false, State::Failed),
        ]);
        assert_eq!(
            chosen(&failed, Choice::default()),
            Ok(vec!["b/main".to_owned()])
        );
        let all = Choice {
            all: true,
            ..Choice::default()
        };
        assert_eq!(
            chosen(&failed, all),
            Ok(vec!["a/main".to_owned(), "b/main".to_owned()])
        );
    }

    #[test]
    fn the_log_of_the_last_failure_is_chosen_unless_the_job_succeeded_in_the_end() {
        let mut job = job(&[
            ("a", "main", false, State::Failed),
            ("b", "main", false, State::Failed),
        ]);
        for (task, time) in job.tasks.iter_mut().zip(["00:00:00", "00:00:09"]) {
            task.state = State::Failed;
            task.created_at = Time::from_rfc3339(&format!("2026-11-27T{time}Z"));
        }
        let first = |job: &Job, choice| chosen(job, choice).unwrap().remove(0);
        assert_eq!(first(&job, Choice::default()), "b/main");
        job.tasks[1].containers[0].is_sidecar = true;
        assert_eq!(first(&job, Choice::default()), "a/main");
        job.tasks[1].containers[0] = Container {
            name: Some("main".to_owned()),
            state: State::Succeeded,
            restart_count: Some(2),
            ..Container::default()
        };
        let previous = Choice {
            previous: true,
            ..Choice::default()
        };
        assert_eq!(first(&job, previous), "b/main");
        assert_eq!(first(&job, Choice::default()), "a/main");
        job.state = State::Succeeded;
        assert_eq!(first(&job, Choice::default()), "b/main");
    }

    #[test]
    fn tasks_are_named_by_id_or_name_and_what_is_missing_by_what_is_there() {
        let job = job(&[
            ("a", "main", false, State::Running),
            ("b", "side", false, State::Running),
        ]);
        for task in ["b", "name of b"] {
            let choice = Choice {
                task: Some(task),
                ..Choice::default()
            };
            assert_eq!(chosen(&job, choice), Ok(vec!["b/side".to_owned()]));
        }
        let container = Choice {
            container: Some("side"),
            ..Choice::default()
        };
        assert_eq!(chosen(&job, container), Ok(vec!["b/side".to_owned()]));
        let wrong = Choice {
            task: Some("c"),
            ..Choice::default()
        };
        assert_eq!(chosen(&job, wrong), Err("tasks: a, b".to_owned()));
        let wrong = Choice {
            container: Some("c"),
            ..Choice::default()
        };
        assert_eq!(
            chosen(&job, wrong),
            Err("containers: main, side".to_owned())
        );
    }

    #[test]
    fn a_task_is_named_by_the_end_of_its_id_where_no_other_has_it() {
        let ids = [
            "run-1-worker-1",
            "run-1-worker-11",
            "run-1-ps-0",
            "run-2-ps-0",
        ];
        let tasks = ids.map(|id| (id, "main", false, State::Running));
        let job = job(&tasks);
        let found = |task| {
            let task = Some(task);
            chosen(
                &job,
                Choice {
                    task,
                    ..Choice::default()
                },
            )
        };
        assert_eq!(
            found("worker-1"),
            Ok(vec!["run-1-worker-1/main".to_owned()])
        );
        assert!(found("ps-0").is_err() && found("orker-1").is_err());
    }

    #[test]
    fn a_log_that_is_gone_is_replaced_by_the_one_that_would_be_chosen() {
        let before = job(&[("a", "main", false, State::Running)]);
        let after = job(&[
            ("b", "init", true, State::Succeeded),
            ("c", "main", false, State::Running),
        ]);
        let followed = &LogSource::of_job(&before)[0];
        let replacement = |job: &Job, choice: Choice<'_>| {
            let found = choice.replacement(job, &LogSource::of_job(job), followed);
            found.map(|source| label(&source))
        };
        let choice = Choice::default();
        assert_eq!(replacement(&before, choice), None);
        assert_eq!(replacement(&after, choice), Some("c/main".to_owned()));
        let task = Some("a");
        assert_eq!(replacement(&after, Choice { task, ..choice }), None);
        let all = true;
        assert_eq!(replacement(&after, Choice { all, ..choice }), None);
    }

    #[test]
    fn a_task_that_failed_is_replaced_by_one_that_was_created_later() {
        let task = |id: &str, state: State, created_at: &str| Task {
            id: Some(id.to_owned()),
            state,
            ended: state.is_end(),
            created_at: Time::from_rfc3339(created_at),
            ..Task::default()
        };
        let early = "2026-11-27T00:00:00Z";
        let late = "2026-11-27T00:00:09Z";
        let next = |tasks: [Task; 2], choice: Choice<'_>| {
            let job = Job {
                tasks: tasks.to_vec(),
                ..Job::default()
            };
            let sources = LogSource::of_job(&job);
            let found = choice.replacement(&job, &sources, &sources[0]);
            found.map(|source| label(&source))
        };
        let any = Choice::default();
        let failed = || task("a", State::Failed, early);
        let running = task("b", State::Running, late);
        assert_eq!(next([failed(), running.clone()], any), Some("b".to_owned()));
        let chosen = Choice {
            task: Some("a"),
            ..any
        };
        assert_eq!(next([failed(), running.clone()], chosen), None);
        let beside = task("b", State::Running, early);
        assert_eq!(next([failed(), beside], any), None);
        let ended = task("b", State::Failed, late);
        assert_eq!(next([failed(), ended], any), None);
        let succeeded = task("a", State::Succeeded, early);
        assert_eq!(next([succeeded, running], any), None);
    }

    #[test]
    fn a_job_without_tasks_has_a_log_of_its_own() {
        let job = Job::default();
        assert_eq!(chosen(&job, Choice::default()), Ok(vec![String::new()]));
        let wrong = Choice {
            container: Some("c"),
            ..Choice::default()
        };
        assert_eq!(chosen(&job, wrong), Err("leave --container out".to_owned()));
    }

    #[test]
    fn standard_error_is_that_of_the_same_task() {
        let stream = |task: &str, container: &str| LogSource {
            task: Some(task.to_owned()),
            container: Some(container.to_owned()),
            ..LogSource::default()
        };
        let others = [
            stream("a", "stderr"),
            stream("b", "main"),
            stream("b", "stderr"),
        ];
        let found = |chosen| error_stream(&chosen, &others);
        assert_eq!(found(stream("b", "stdout")), Some(2));
        assert_eq!(found(stream("b", "main")), None);
        assert_eq!(found(stream("c", "stdout")), None);
    }

    #[test]
    fn many_others_are_counted() {
        let sources = (0..10).map(|number| LogSource {
            task: Some(number.to_string()),
            ..LogSource::default()
        });
        let sources: Vec<_> = sources.collect();
        assert_eq!(others(&sources), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
