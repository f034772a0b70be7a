//! Selects which of a job's logs to print.

use std::collections::HashSet;

use crate::error::{Category, Problem};
use crate::model::{Job, State, Task, failed_tasks};
use crate::providers::LogSource;

/// Maximum number of logs to name that were not selected.
const MAX_NAMED: usize = 8;

/// The streams of a program, as the kinds with two streams name them; errors are in the second.
const STDOUT: &str = "stdout";
pub(super) const STDERR: &str = "stderr";

/// The logs of a job that are requested.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LogSelection<'a> {
    /// The id or name of a task.
    pub task: Option<&'a str>,
    /// The name of a container or stream.
    pub container: Option<&'a str>,
    /// All logs.
    pub all: bool,
    /// The logs of the runs before the last restarts.
    pub previous: bool,
}

/// Returns `task/container`, or the parts of it that the log has.
pub(super) fn label(source: &LogSource) -> String {
    let parts = [source.task.as_deref(), source.container.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    parts.join("/")
}

impl LogSelection<'_> {
    /// Returns the requested logs, and the others if one was selected.
    ///
    /// # Errors
    /// Returns `not_found` if the job has no such task or container.
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
            container.is_none_or(|name| {
                source.container.as_deref() == Some(name) || label(source) == name
            })
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
        let mut sources: Vec<_> = of_task.into_iter().filter(is_named).collect();
        if self.all || sources.len() <= 1 {
            return Ok((sources, Vec::new()));
        }
        let chosen = sources.remove(self.best(job, &sources));
        Ok((vec![chosen], sources))
    }

    /// Returns the log to print out of several: that of the failure or of a container that crashes repeatedly, unless
    /// the job succeeded in the end, else the first main one that has started; for previous runs only one that exists.
    fn best(&self, job: &Job, sources: &[LogSource]) -> usize {
        let was_restarted = |source: &LogSource| source.restarts > 0;
        let any = !self.previous || !sources.iter().any(was_restarted);
        let candidates = sources.iter().enumerate();
        let mut candidates = candidates.filter(|(_, source)| any || was_restarted(source));
        let tasks = failed_tasks(&job.tasks);
        let failed = candidates.clone().filter(|_| job.state != State::Succeeded);
        let rank = |source: &LogSource| source.failure_rank(&tasks, job.ended);
        let failed = failed.filter_map(|(at, source)| Some((rank(source)?, at)));
        let has_begun = |source: &LogSource| match job.state {
            State::Succeeded => source.state == State::Succeeded,
            _ => has_started(source),
        };
        let mut main = candidates.clone().filter(|(_, source)| is_main(source));
        let first = main.clone().next();
        let started = main.find(|(_, source)| has_begun(source)).or(first);
        let others = started.or_else(|| candidates.next()).map(|(at, _)| at);
        let failed = failed.min().map(|(_, at)| at);
        failed.or(others).unwrap_or(0)
    }

    /// Returns the log to print in place of one that cannot be read, if no specific log is requested: that of a task
    /// that runs after the other one has ended, such as on a node that was lost.
    pub(super) fn substitute(
        &self,
        job: &Job,
        sources: &[LogSource],
        unread: &LogSource,
    ) -> Option<LogSource> {
        let is_free = self.task.is_none() && self.container.is_none();
        let has_ended = unread.task_in(job).is_some_and(|task| task.ended);
        if !is_free || self.all || self.previous || job.ended || !has_ended {
            return None;
        }
        let runs = |source: &&LogSource| {
            let is_started = is_main(source) && has_started(source);
            is_started && source.task_in(job).is_some_and(|task| !task.ended)
        };
        let mut running: Vec<LogSource> = sources.iter().filter(runs).cloned().collect();
        match running.is_empty() {
            true => None,
            false => Some(running.swap_remove(self.best(job, &running))),
        }
    }

    /// Returns the log to follow next if the job no longer has the followed one, if the followed task failed and
    /// another was created after that, or if the followed container ran before the others and succeeded.
    pub(super) fn replacement(
        &self,
        job: &Job,
        sources: &[LogSource],
        followed: &LogSource,
    ) -> Option<LogSource> {
        let mut sources = sources.to_vec();
        let current = sources.iter().position(|source| source.is_same(followed));
        let has_made_way = |current: &LogSource| {
            self.container.is_none() && current.init && current.state == State::Succeeded
        };
        if let Some(at) = current.filter(|at| has_made_way(&sources[*at])) {
            sources = sources_after(&sources, at);
        } else if current.is_some() {
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

/// Returns the logs that can follow that of the init container at this index, which succeeded: only the next init
/// container that has not succeeded, if no main container has started, else the others of the task. Init containers run
/// in their order, so the log of an earlier one has ended.
fn sources_after(sources: &[LogSource], at: usize) -> Vec<LogSource> {
    let task = &sources[at].task;
    let others = sources.iter().enumerate();
    let others = others.filter(|(other, source)| !source.init || *other > at);
    let others = others.map(|(_, source)| source);
    let others = others.filter(|source| source.task == *task);
    let has_started_main = others
        .clone()
        .any(|source| is_main(source) && has_started(source));
    let mut init = others.clone().filter(|source| source.init);
    let next = init.find(|source| source.state != State::Succeeded);
    match next.filter(|_| !has_started_main) {
        Some(next) => vec![next.clone()],
        None => others.cloned().collect(),
    }
}

fn is_main(source: &LogSource) -> bool {
    !source.init && !source.is_sidecar
}

fn has_started(source: &LogSource) -> bool {
    !matches!(source.state, State::Pending | State::Starting)
}

/// Returns the index of the standard error of the program whose standard output is `chosen`.
pub(super) fn error_stream(chosen: &LogSource, others: &[LogSource]) -> Option<usize> {
    let is_stream = |source: &LogSource, name| source.container.as_deref() == Some(name);
    let is_error = |other: &LogSource| other.task == chosen.task && is_stream(other, STDERR);
    let index = others.iter().position(is_error);
    index.filter(|_| is_stream(chosen, STDOUT))
}

/// Returns the id of the task with this id, name or index, or of the only one whose id ends with it, as in
/// `RUN-worker-1`.
fn task_id<'a>(job: &'a Job, task: &'a str) -> &'a str {
    let ids = || job.tasks.iter().filter_map(|known| known.id.as_deref());
    let mut tasks = job.tasks.iter();
    if let Some(named) = tasks.find(|known| known.name.as_deref() == Some(task)) {
        return named.id.as_deref().unwrap_or(task);
    }
    if ids().any(|id| id == task) {
        return task;
    }
    if let Some(id) = task
        .parse()
        .ok()
        .and_then(|index| newest_at_index(job, index))
    {
        return id;
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

/// Returns the id of the newest task with this index, unless tasks of several groups have it: the ids of the tasks of
/// one index of a group differ only in their last part, as in `JOB-1-4xk2p`.
fn newest_at_index(job: &Job, index: i64) -> Option<&str> {
    let tasks = job.tasks.iter().filter(|task| task.index == Some(index));
    let base = |task: &Task| Some(task.id.as_deref()?.rsplit_once('-')?.0.to_owned());
    let newest = tasks.clone().max_by_key(|task| task.created_at)?;
    let is_one_group = tasks.map(base).all(|one| one == base(newest));
    newest.id.as_deref().filter(|_| is_one_group)
}

fn missing<'a>(noun: &str, name: &str, known: impl Iterator<Item = Option<&'a str>>) -> Problem {
    let mut seen = HashSet::new();
    let known: Vec<&str> = known.flatten().filter(|name| seen.insert(*name)).collect();
    let problem = Problem::new(
        Category::NotFound,
        format!("no {noun} '{name}' in this job"),
    );
    match known.is_empty() {
        true => problem.with_hint(format!("omit --{noun}")),
        false => problem.with_hint(format!("{noun}s: {}", names(&known))),
    }
}

/// Names the logs that were not selected, or counts them.
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
mod tests;
