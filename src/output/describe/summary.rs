use std::io;

use super::super::cause::{failed_container, name, reason_text};
use super::super::human;
use super::page::{PageWriter, Style, Value};
use super::{LogTail, exit_status, tasks, warnings};
use crate::model::{Container, Job, State, Task, Time};

/// Tasks and containers with trouble that are named while a job is active.
const MAX_ONGOING_PROBLEMS: usize = 3;

/// The state, since when, and the likely cause.
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
    for line in lines {
        page.paragraph(2, &Value::Text(line))?;
    }
    warnings::write(page, job)?;
    log_tail.map_or(Ok(()), |log| write_log(page, log))
}

/// The last lines of the log of what failed.
fn write_log(page: &mut PageWriter, log: &LogTail) -> io::Result<()> {
    let of = match log.label.is_empty() {
        true => String::new(),
        false => format!(" of {}", log.label),
    };
    page.paragraph(2, &Value::Text(format!("last lines of the log{of}:")))?;
    for line in &log.lines {
        page.paragraph(4, &Value::Text(line.replace('\t', "    ")))?;
    }
    Ok(())
}

/// The state, since when, and how long it took.
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
        return ", other subtasks have not ended".to_owned();
    }
    let Some(time) = job.finished_at else {
        return " (end time unknown)".to_owned();
    };
    let after = job.duration_seconds.map(human::duration);
    let after = after.map_or_else(String::new, |after| format!(", after {after}"));
    format!("{} ({}){after}", page.age(time), page.clock(time))
}

fn unknown(job: &Job) -> String {
    let is_unread = job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD);
    let Some(raw) = job.state_raw.as_deref() else {
        return match is_unread {
            true => ": not all parts are known to have succeeded".to_owned(),
            false => ": the cloud reports events, no states".to_owned(),
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

/// What failed, how it ended and what is reported about it.
fn lines(job: &Job) -> Vec<String> {
    if !matches!(job.state, State::Failed | State::Canceled | State::Unknown) {
        let own = job_text(job);
        let troubles = ongoing_problems(job).into_iter().chain(count(job));
        return own.into_iter().chain(troubles).collect();
    }
    let mut lines = Vec::new();
    if let Some((task, container)) = failed_container(job) {
        let of = match job.tasks.len() {
            1 => String::new(),
            _ => match tasks::name(job, task) {
                Some(name) => format!(" of {}", name.trim()),
                None => String::new(),
            },
        };
        lines.push(format!("{}{of} {}", name(container), exit_text(container)));
        lines.extend(words_of(container));
        lines.extend(restarts(container));
    } else {
        let task = job.failed_task();
        let shown = task.map(|task| failed_task(job, task));
        let own = job_message(job, task);
        lines.extend(own.into_iter().chain(shown));
    }
    lines.extend(count(job));
    lines
}

/// Reason and message of the job; joblens's own reason is for scripts.
fn job_text(job: &Job) -> Option<String> {
    let reason = job.reason.as_deref();
    let reason = reason.filter(|reason| *reason != Job::SUBTASKS_UNREAD);
    reason_text(reason, job.message.as_deref())
}

/// Reason and message of the job, unless they only repeat those of the task.
fn job_message(job: &Job, task: Option<&Task>) -> Option<String> {
    if job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD) {
        return job.message.clone();
    }
    let own = job_text(job);
    let Some(task) = task else {
        let words = [job.reason.as_deref(), job.message.as_deref()];
        let ended = exit_status::describe_failure(job.exit_code, &words);
        let parts: Vec<String> = ended.into_iter().chain(own).collect();
        return (!parts.is_empty()).then(|| parts.join("; "));
    };
    let repeats = |text: Option<&str>| {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        text.is_some_and(|text| own.as_ref().is_some_and(|own| own.contains(text)))
    };
    let is_repeated = match task.message.as_deref() {
        Some(message) => repeats(Some(message)),
        None => repeats(tasks::name(job, task)),
    };
    own.filter(|_| !is_repeated)
}

fn failed_task(job: &Job, task: &Task) -> String {
    let title = tasks::title(job, task);
    let words = [task.reason.as_deref(), task.message.as_deref()];
    let how = match exit_status::describe_failure(task.exit_code, &words) {
        Some(how) => how,
        None if task.state == State::Canceled => "was canceled".to_owned(),
        None => "failed".to_owned(),
    };
    with_words(format!("{title} {how}"), tasks::words(task))
}

/// An ending and its reason. A meaning has its own colon.
fn with_words(ended: String, words: Option<String>) -> String {
    let mark = if ended.contains(": ") { ";" } else { ":" };
    words.map_or_else(|| ended.clone(), |words| format!("{ended}{mark} {words}"))
}

/// How a container ended: `exited with 137: killed (SIGKILL), out of memory; it had 4GiB`.
fn exit_text(container: &Container) -> String {
    let words = [
        container.reason.as_deref(),
        container.detail_status.as_deref(),
        container.message.as_deref(),
    ];
    let how = exit_status::describe_exit(container.exit_code, container.signal, &words);
    let how = how.unwrap_or_else(|| "failed".to_owned());
    let memory = container.resources.memory_bytes.map(human::bytes);
    let is_why = exit_status::is_out_of_memory(container.exit_code, container.signal, &words);
    match memory.filter(|_| is_why) {
        Some(memory) => format!("{how}; memory limit {memory}"),
        None => how,
    }
}

fn words_of(container: &Container) -> Option<String> {
    reason_text(container.reason.as_deref(), container.message.as_deref())
}

/// How often a container was restarted, and how the run before this one ended.
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

/// Tasks that went wrong, and containers that wait for a reason, failed or were restarted, while
/// the job is active.
fn ongoing_problems(job: &Job) -> Vec<String> {
    if job.ended {
        return Vec::new();
    }
    let tasks = job.tasks.iter().filter(|task| task.containers.is_empty());
    let tasks = tasks.filter_map(|task| match task.state {
        State::Succeeded => None,
        State::Failed | State::Canceled => Some(failed_task(job, task)),
        state => {
            let words = tasks::words(task)?;
            Some(format!("{} is {state}: {words}", tasks::title(job, task)))
        }
    });
    let containers = job.tasks.iter().flat_map(|task| {
        let containers = task.containers.iter();
        containers.filter_map(move |container| {
            let words = words_of(container);
            let what = match container.state {
                State::Failed => Some(with_words(exit_text(container), words)),
                State::Pending => words.map(|words| format!("waits: {words}")),
                _ => None,
            };
            let parts: Vec<String> = what.into_iter().chain(restarts(container)).collect();
            (!parts.is_empty()).then(|| format!("{} {}", name(container), parts.join("; ")))
        })
    });
    tasks.chain(containers).take(MAX_ONGOING_PROBLEMS).collect()
}

/// `3 of 8 tasks failed`, where there is more than one.
fn count(job: &Job) -> Option<String> {
    let failed = |task: &&Task| task.state == State::Failed;
    let failed = job.tasks.iter().filter(failed).count();
    let all = job.tasks.len();
    (all > 1 && failed > 0)
        .then(|| format!("{failed} of {all} {} failed", tasks::plural(&job.tasks)))
}
