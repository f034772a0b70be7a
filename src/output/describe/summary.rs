use std::io;

use super::super::cause::{
    container_name, earlier_failures, failed_container, failed_count, is_stop_explained, own_text,
};
use super::super::cause_text::{ShownTexts, reason_text, unless_exit_code};
use super::super::human;
use super::page::{PageWriter, Style, Value};
use super::{LogTail, exit_status, tasks, warnings};
use crate::model::{Container, Job, State, Task, Time};

/// Maximum number of tasks and containers with problems to name while a job is active.
const MAX_ONGOING_PROBLEMS: usize = 3;

/// Writes the state, since when, and the likely cause.
pub(super) fn write(
    page: &mut PageWriter,
    job: &Job,
    log_tail: Option<&LogTail>,
) -> io::Result<()> {
    page.paragraph(0, &state(page, job))?;
    let mut lines = lines(job);
    let is_bad = matches!(job.state, State::Failed | State::Canceled);
    if lines.is_empty() && is_bad && job.warning_count == 0 {
        lines.push("no reason reported".to_owned());
    }
    let mut shown = ShownTexts::default();
    for line in lines {
        shown.add(&line);
        page.paragraph(2, &Value::Text(line))?;
    }
    warnings::write(page, job, &mut shown)?;
    log_tail.map_or(Ok(()), |log| write_log(page, log))
}

/// Writes the last log lines of the failed part.
fn write_log(page: &mut PageWriter, log: &LogTail) -> io::Result<()> {
    let of_label = match log.label.is_empty() {
        true => String::new(),
        false => format!(" of {}", log.label),
    };
    page.paragraph(2, &Value::Text(format!("last lines of the log{of_label}:")))?;
    for line in &log.lines {
        page.paragraph(4, &Value::Text(line.replace('\t', "    ")))?;
    }
    Ok(())
}

/// Returns the state, since when, and how long it took.
fn state(page: &PageWriter, job: &Job) -> Value {
    let since = |what: &str, time: Option<Time>| match time {
        Some(time) => {
            let seconds = page.now().seconds_since(time);
            format!(
                "{what} {}, since {}",
                human::duration(seconds),
                page.clock(time)
            )
        }
        None => " (start time unknown)".to_owned(),
    };
    let rest = match job.state {
        State::Succeeded | State::Failed | State::Canceled => ended(page, job),
        State::Running => since("for", job.started_at),
        State::Pending => since("for", job.created_at),
        State::Starting => since("for", job.started_at.or(job.created_at)),
        State::Stopping => match job.started_at {
            Some(time) => format!("after it ran {}", {
                human::duration(page.now().seconds_since(time))
            }),
            None => String::new(),
        },
        State::Unknown => unknown(job),
    };
    Value::Lead(Style::State(job.state), job.state.as_str().to_owned(), rest)
}

fn ended(page: &PageWriter, job: &Job) -> String {
    if !job.ended {
        let rest = match job.array.is_some() {
            true => ", other subtasks have not ended",
            false => ", but it has not ended",
        };
        return rest.to_owned();
    }
    let Some(time) = job.finished_at else {
        return " (end time unknown)".to_owned();
    };
    let after = job.duration_seconds.map(human::duration);
    let after = after.map_or_else(String::new, |after| format!(", after {after}"));
    format!("{} ({}){after}", page.age(time), page.clock(time))
}

fn unknown(job: &Job) -> String {
    let is_unread = job.has_unread_subtasks();
    let Some(raw) = job.state_raw.as_deref() else {
        return match is_unread {
            true => ": not all parts are known to have succeeded".to_owned(),
            false => ": the cloud reports events but no state".to_owned(),
        };
    };
    if is_unread {
        return format!(": the cloud reports {raw}, but not all parts are known to have succeeded");
    }
    match job.ended {
        true => format!(": ended ({raw}), result unknown"),
        false => format!(": the cloud reports {raw}, which joblens maps to unknown"),
    }
}

/// Describes what failed, how it ended and what is reported about it.
fn lines(job: &Job) -> Vec<String> {
    if !matches!(job.state, State::Failed | State::Canceled | State::Unknown) {
        let job_text: Vec<String> = own_text(job, None).into_iter().collect();
        let troubles = ongoing_problems(job, &job_text);
        let count = match job.tasks.iter().any(has_failed_run) {
            true => earlier_failures(job),
            false => failed_count(job),
        };
        return job_text.into_iter().chain(troubles).chain(count).collect();
    }
    let mut lines = Vec::new();
    if let Some((task, container)) = failed_container(job) {
        if task.was_removed() {
            lines.push(failed_task(job, task));
        }
        let title = container_name(job, task, container);
        let is_explained = is_stop_explained(job, task);
        lines.push(format!("{title} {}", exit_text(container, is_explained)));
        lines.extend(words_of(container).filter(|_| !task.was_removed()));
        lines.extend(restarts(container));
        lines.extend(own_text(job, Some(task)));
    } else {
        let task = job.failed_task();
        lines.extend(job_message(job, task));
        lines.extend(task.map(|task| failed_task(job, task)));
        lines.extend(ongoing_problems(job, &lines));
    }
    lines.extend(failed_count(job));
    lines
}

/// Returns `true` if a task failed and is replaced by another one.
fn has_failed_run(task: &Task) -> bool {
    task.state == State::Failed && !task.containers.is_empty()
}

/// Returns reason and message of the job, unless they only repeat those of the task.
fn job_message(job: &Job, task: Option<&Task>) -> Option<String> {
    let text = own_text(job, task);
    if task.is_some() || job.has_unread_subtasks() {
        return text;
    }
    let words = [job.reason.as_deref(), job.message.as_deref()];
    let ended = exit_status::describe_failure(job.exit_code, &words);
    let parts: Vec<String> = ended.into_iter().chain(text).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn failed_task(job: &Job, task: &Task) -> String {
    let title = tasks::title(job, task);
    let words = [task.reason.as_deref(), task.message.as_deref()];
    // The exit codes of a removed task's containers explain nothing.
    let code = task.exit_code.filter(|_| !task.was_removed());
    let how = match exit_status::describe_failure(code, &words) {
        Some(how) => how,
        None if task.state == State::Canceled => "was canceled".to_owned(),
        None => "failed".to_owned(),
    };
    with_words(format!("{title} {how}"), tasks::task_reason_text(task))
}

/// Appends the reason to an ending, after a semicolon if the ending already contains a colon.
fn with_words(ended: String, words: Option<String>) -> String {
    let mark = if ended.contains(": ") { ";" } else { ":" };
    words.map_or_else(|| ended.clone(), |words| format!("{ended}{mark} {words}"))
}

/// Describes how a container ended: `exited with 137: killed (SIGKILL), out of memory; memory limit 4GiB`.
fn exit_text(container: &Container, is_explained: bool) -> String {
    let words = [
        container.reason.as_deref(),
        container.detail_status.as_deref(),
        container.message.as_deref(),
    ];
    let how = exit_status::describe_container(container, is_explained);
    let how = how.unwrap_or_else(|| "failed".to_owned());
    let memory = container.resources.memory_bytes.map(human::bytes);
    let is_why = exit_status::is_out_of_memory(container.exit_code, container.signal, &words);
    match memory.filter(|_| is_why) {
        Some(memory) => format!("{how}; memory limit {memory}"),
        None => how,
    }
}

fn words_of(container: &Container) -> Option<String> {
    let [reason, message] = [&container.reason, &container.message]
        .map(|text| unless_exit_code(text.as_deref(), container.exit_code));
    reason_text(reason, message)
}

/// Describes how often a container was restarted, and how its previous run ended.
fn restarts(container: &Container) -> Option<String> {
    let times = match container.restart_count? {
        0 => return None,
        1 => "restarted once".to_owned(),
        2 => "restarted twice".to_owned(),
        count => format!("restarted {count} times"),
    };
    let previous = container.previous.as_deref();
    let ended = previous.and_then(|previous| {
        let words = [
            previous.reason.as_deref(),
            previous.detail_status.as_deref(),
            previous.message.as_deref(),
        ];
        exit_status::describe_exit(previous.exit_code, previous.signal, &words)
    });
    Some(match ended {
        Some(ended) => format!("{times}; previous run {ended}"),
        None => times,
    })
}

/// Describes tasks with problems, and containers that wait, failed or were restarted, while the job is active. Omits
/// reasons that were shown before.
fn ongoing_problems(job: &Job, before: &[String]) -> Vec<String> {
    if job.ended {
        return Vec::new();
    }
    let mut shown = ShownTexts::default();
    before.iter().for_each(|text| shown.add(text));
    let tasks = job.tasks.iter().filter(|task| task.containers.is_empty());
    let tasks = tasks.filter_map(|task| match task.state {
        State::Succeeded => None,
        State::Failed | State::Canceled => Some(failed_task(job, task)),
        state => {
            let words = tasks::task_reason_text(task)?;
            Some(format!("{} is {state}: {words}", tasks::title(job, task)))
        }
    });
    let is_active = |task: &&Task| !has_failed_run(task);
    let containers = job.tasks.iter().filter(is_active).flat_map(|task| {
        let containers = task.containers.iter();
        let shown = &shown;
        containers.filter_map(move |container| {
            let words = words_of(container);
            let state_text = match container.state {
                State::Failed => Some(with_words(exit_text(container, false), words)),
                State::Pending => words
                    .filter(|words| !shown.contain(words))
                    .map(|words| format!("waits: {words}")),
                _ => None,
            };
            let parts: Vec<String> = state_text.into_iter().chain(restarts(container)).collect();
            let title = container_name(job, task, container);
            (!parts.is_empty()).then(|| format!("{title} {}", parts.join("; ")))
        })
    });
    let problems = tasks.chain(containers);
    let is_new = |text: &String| !before.contains(text);
    problems.filter(is_new).take(MAX_ONGOING_PROBLEMS).collect()
}
