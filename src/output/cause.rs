use super::cause_text::{ShownTexts, join, reason_line, reason_text, unless_exit_code};
use crate::collect::CollectExt as _;
use crate::model::{Container, Event, Job, Level, State, Task, failed_tasks};

/// Explains the state of a job in one line; returns `None` if there is nothing to explain.
///
/// A failed, canceled or unknown job is explained by [`cause`], a job that does not run by its own reason, and any
/// other job by its parts that have already failed. The newest warning follows, unless it was shown.
pub fn explanation(job: &Job) -> Option<String> {
    let cause = cause(job).or_else(|| waits_for(job));
    let parts = [cause, earlier_failures(job)];
    let mut shown = ShownTexts::default();
    for part in parts.iter().flatten() {
        shown.add(part);
    }
    let warnings = latest_warning(&job.events).map(|event| {
        let message = reason_line(None, event.message.as_deref());
        let text = shown.unshown_text(event.reason.as_deref(), message.as_deref());
        match (job.warning_count, text) {
            (1, Some(text)) => format!("1 warning: {text}"),
            (1, None) => "1 warning".to_owned(),
            (count, Some(text)) => format!("{count} warnings, last: {text}"),
            (count, None) => format!("{count} warnings"),
        }
    });
    join(parts.into_iter().chain([warnings]))
}

/// Explains why a job failed, was canceled or is unknown, such as `container main exited with 137 (OOMKilled)`.
/// Returns `None` for any other job, and if nothing explains it.
///
/// Names the failed container, or its task if the task was removed, with the number of failed tasks and what the job
/// reports in addition. Without a failed container, returns reason and message of the job, or of its failed task.
pub fn cause(job: &Job) -> Option<String> {
    let ended_badly = matches!(job.state, State::Failed | State::Canceled | State::Unknown);
    let explained = || {
        container_text(job)
            .or_else(|| job_line(job))
            .or_else(|| Some(task_text(job, job.failed_task()?)))
    };
    ended_badly.then(explained).flatten()
}

/// Returns the message that explains why a job failed, if it has several lines.
/// [`cause`] can shorten it to the last one.
pub(super) fn message_of_several_lines(job: &Job) -> Option<&str> {
    if !is_bad(job) {
        return None;
    }
    let task = job.failed_task();
    let container = task.and_then(Task::failed_container);
    let messages = [
        container.and_then(|one| one.message.as_deref()),
        task.and_then(|task| task.message.as_deref()),
        job.message.as_deref(),
    ];
    let mut messages = messages.into_iter().flatten().map(str::trim);
    messages.find(|text| text.contains('\n'))
}

/// Returns what a job waits for, if it does not run or no longer runs.
fn waits_for(job: &Job) -> Option<String> {
    let waits = match job.state {
        State::Pending | State::Starting | State::Stopping => true,
        // A sidecar can run next to a container that does not.
        State::Running => {
            let mut waiting = job.tasks.iter().filter(|task| !task.ended);
            job.reason.is_some()
                && waiting.any(|task| task.reason.as_deref() == job.reason.as_deref())
        }
        _ => false,
    };
    let reason = || reason_line(job.reason.as_deref(), job.message.as_deref());
    waits.then(reason).flatten()
}

/// Returns `true` if the row of a job gets a separate line for its cause.
pub(super) fn needs_cause_line(job: &Job) -> bool {
    is_bad(job) || job.warning_count > 0 || has_failed_part(job)
}

fn is_bad(job: &Job) -> bool {
    matches!(job.state, State::Failed | State::Canceled | State::Unknown)
}

fn has_failed_part(job: &Job) -> bool {
    !job.ended && job.tasks.iter().any(|task| task.state == State::Failed)
}

/// Describes the failed parts of an active job: `2 earlier pods failed (train-1: exited with 1)`.
pub(super) fn earlier_failures(job: &Job) -> Option<String> {
    if is_bad(job) || !has_failed_part(job) {
        return None;
    }
    let failed = failed_tasks(&job.tasks);
    let task = failed.first()?;
    let how = match task.failed_container() {
        Some(container) if !task.was_removed() => Some(ending(container)),
        _ => {
            let [reason, message] = reason_and_message_unless_exit_code(task);
            reason_line(reason, message).or_else(|| exit_description(task.exit_code, None))
        }
    };
    let how = how.map_or_else(String::new, |how| format!(": {how}"));
    let name = task_name(job, task).unwrap_or("one").trim();
    // A task with containers is replaced if it fails.
    let count = match task.containers.is_empty() {
        true => failed_count(job)?,
        false => {
            let failed = job.tasks.iter().filter(|task| task.state == State::Failed);
            let (count, what) = (failed.clone().count(), plural(failed.clone()));
            match indexes(failed) {
                Some(indexes) => format!("{count} {what} of {indexes} failed"),
                None => format!("{count} earlier {what} failed"),
            }
        }
    };
    Some(format!("{count} ({name}{how})"))
}

/// Returns `index 3` or `2 indexes` if all tasks have an index; each index is retried separately.
fn indexes<'a>(tasks: impl Iterator<Item = &'a Task>) -> Option<String> {
    let indexes: Option<Vec<i64>> = tasks.map(|task| task.index).collect();
    let indexes = indexes?.into_iter().collect_set();
    match indexes.len() {
        1 => Some(format!("index {}", indexes.first()?)),
        count => Some(format!("{count} indexes")),
    }
}

/// Returns the container that explains why a job failed, with its task.
pub(super) fn failed_container(job: &Job) -> Option<(&Task, &Container)> {
    let task = job.failed_task()?;
    Some((task, task.failed_container()?))
}

fn container_text(job: &Job) -> Option<String> {
    let (task, container) = failed_container(job)?;
    let part = match task.was_removed() {
        true => task_text(job, task),
        false => format!(
            "{} {}",
            container_name(job, task, container),
            ending(container)
        ),
    };
    let [reason, message] = reason_and_message(job, Some(task));
    let job_text = reason_line(reason, message);
    join([Some(part), failed_count(job), job_text])
}

/// Returns reason and message of a job on one line. If only the last line of the
/// message is shown, adds the part that the message names.
fn job_line(job: &Job) -> Option<String> {
    let message = job.message.as_deref();
    let line = reason_line(job.reason.as_deref(), message)?;
    let task = job.failed_task();
    let name = task.and_then(|task| task_name(job, task)).filter(|name| {
        let has_lines = message.is_some_and(|text| text.trim().contains('\n'));
        let is_named = message
            .zip(task)
            .is_some_and(|(text, task)| is_about(text, task));
        has_lines && is_named && !line.contains(name)
    });
    Some(name.map_or_else(|| line.clone(), |name| format!("{name}: {line}")))
}

/// Describes how a container ended, with reason and message in parentheses, or those of the previous run if missing.
fn ending(container: &Container) -> String {
    let previous = container.previous.as_deref();
    let reason = container.reason.as_deref();
    let reason = reason.or_else(|| previous?.reason.as_deref());
    let message = container.message.as_deref();
    let message = message.or_else(|| previous?.message.as_deref());
    let useful = |text| unless_exit_code(text, container.exit_code);
    let detail = reason_line(useful(reason), useful(message));
    let ended = exit_description(container.exit_code, container.signal);
    let ended = ended.unwrap_or_else(|| "failed".to_owned());
    detail.map_or_else(|| ended.clone(), |text| format!("{ended} ({text})"))
}

/// Names a container, with its task if the job has several: `container main of train-2`.
pub(super) fn container_name(job: &Job, task: &Task, container: &Container) -> String {
    let title = name(container);
    match task_name(job, task).filter(|_| job.tasks.len() > 1) {
        Some(task) => format!("{title} of {}", task.trim()),
        None => title,
    }
}

/// Names a container: `init container setup`.
pub(super) fn name(container: &Container) -> String {
    let what = if container.init {
        "init container"
    } else {
        "container"
    };
    format!(
        "{what} {}",
        container.name.as_deref().unwrap_or("without a name").trim()
    )
}

/// Returns the name of a task. If it equals the name of the job, as for a subtask, returns the id.
pub(super) fn task_name<'a>(job: &Job, task: &'a Task) -> Option<&'a str> {
    let name = task.name.as_deref().filter(|_| task.name != job.name);
    name.or(task.id.as_deref()).or(task.name.as_deref())
}

/// Returns the plural of the kind, such as `container groups`, or `tasks` for several kinds.
pub(super) fn plural<'a>(tasks: impl Iterator<Item = &'a Task> + Clone) -> String {
    match tasks.clone().next() {
        Some(first) if tasks.clone().all(|task| task.kind == first.kind) => {
            let s = if tasks.count() == 1 { "" } else { "s" };
            format!("{}{s}", first.kind.replace('_', " "))
        }
        _ => "tasks".to_owned(),
    }
}

/// Counts failed tasks: `3 of 8 tasks failed`. Returns `None` for a single task.
pub(super) fn failed_count(job: &Job) -> Option<String> {
    let failed = |task: &&Task| task.state == State::Failed;
    let failed = job.tasks.iter().filter(failed).count();
    let all = job.tasks.len();
    (all > 1 && failed > 0)
        .then(|| format!("{failed} of {all} {} failed", plural(job.tasks.iter())))
}

/// Describes exit code and signal in a sentence without subject.
pub(super) fn exit_description(exit_code: Option<i64>, signal: Option<i64>) -> Option<String> {
    Some(match (exit_code, signal) {
        (Some(code), Some(signal)) => format!("exited with {code}, signal {signal}"),
        (Some(code), None) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was terminated by signal {signal}"),
        (None, None) => return None,
    })
}

fn task_text(job: &Job, task: &Task) -> String {
    let name = task_name(job, task).unwrap_or("a task");
    let [reason, message] = reason_and_message_unless_exit_code(task);
    let detail = reason_line(reason, message);
    let detail = detail.map_or_else(String::new, |text| format!(": {text}"));
    format!("{name} {}{detail}", task.state)
}

/// Returns reason and message of a task, except texts that only repeat its exit code.
pub(super) fn reason_and_message_unless_exit_code(task: &Task) -> [Option<&str>; 2] {
    [&task.reason, &task.message].map(|text| unless_exit_code(text.as_deref(), task.exit_code))
}

/// Returns reason and message of a job, except what they repeat of the part that explains its failure. If the job
/// has the same reason as the part, returns neither.
pub(super) fn reason_and_message<'a>(job: &'a Job, task: Option<&Task>) -> [Option<&'a str>; 2] {
    let (reason, message) = (job.reason.as_deref(), job.message.as_deref());
    // The reason that joblens sets itself is for scripts.
    if job.has_unread_subtasks() {
        return [None, message];
    }
    let container = task.and_then(Task::failed_container);
    let is_of_part = |text: &str, part: Option<&String>| {
        part.is_some_and(|part| !part.trim().is_empty() && text.contains(part.trim()))
    };
    let reasons = [
        task.and_then(|task| task.reason.as_ref()),
        container.and_then(|one| one.reason.as_ref()),
    ];
    let messages = [
        task.and_then(|task| task.message.as_ref()),
        container.and_then(|one| one.message.as_ref()),
    ];
    let is_same = |part: &&String| Some(part.trim()) == reason.map(str::trim);
    if reasons.iter().flatten().any(is_same) {
        return [None, None];
    }
    let message = message.and_then(|text| match task {
        Some(task) => message_before_part(text, task),
        None => Some(text),
    });
    let message = message.filter(|text| !messages.iter().any(|part| is_of_part(text, *part)));
    [reason, message].map(|text| unless_exit_code(text, job.exit_code))
}

/// Returns the beginning of a message, up to the text about a part: `Job has failed; pod a: exit code 1`.
fn message_before_part<'a>(message: &'a str, task: &Task) -> Option<&'a str> {
    let later = message
        .match_indices("; ")
        .map(|(at, mark)| (at, at + mark.len()));
    let mut starts = std::iter::once((0, 0)).chain(later);
    let part = starts.find(|(_, start)| is_about(&message[*start..], task));
    let text = message[..part.map_or(message.len(), |(end, _)| end)].trim();
    (!text.is_empty()).then_some(text)
}

/// Returns `true` if a text begins with the name of a task or of its failed container,
/// optionally after a word for its type.
fn is_about(text: &str, task: &Task) -> bool {
    let container = task.failed_container().and_then(|one| one.name.as_ref());
    let after_word = text.split_once(' ').map(|(_, rest)| rest);
    let begins = |text: &str, name: &str, ends: &[&str]| {
        let rest = text.strip_prefix(name.trim());
        rest.is_some_and(|rest| ends.iter().any(|end| rest.starts_with(end)))
    };
    let is_of_task = |text: &str| {
        let mut names = [&task.id, &task.name].into_iter().flatten();
        names.any(|name| begins(text, name, &[":"]))
    };
    let of_container = after_word.zip(container);
    is_of_task(text)
        || after_word.is_some_and(is_of_task)
        || of_container.is_some_and(|(text, name)| begins(text, name, &[":", " of "]))
}

/// Returns `true` if the job or the part explains why it was stopped, so that a signal needs no other explanation.
pub(super) fn is_stop_explained(job: &Job, task: &Task) -> bool {
    const STOPS: [&str; 7] = [
        "deadline",
        "evict",
        "preempt",
        "timeout",
        "timelimit",
        "cancel",
        "stopped",
    ];
    let [reason, _] = reason_and_message(job, Some(task));
    let reason = reason
        .unwrap_or_default()
        .to_lowercase()
        .replace(['_', ' '], "");
    task.was_removed() || STOPS.iter().any(|word| reason.contains(word))
}

/// Returns reason and message of a job in full, except what they repeat of its failed part.
pub(super) fn own_text(job: &Job, task: Option<&Task>) -> Option<String> {
    let [reason, message] = reason_and_message(job, task);
    reason_text(reason, message)
}

/// Returns the latest warning. Events are sorted newest first.
fn latest_warning(events: &[Event]) -> Option<&Event> {
    events
        .iter()
        .find(|event| event.level == Some(Level::Warning))
}

#[cfg(test)]
mod tests;
