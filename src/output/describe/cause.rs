use std::io;

use super::super::human;
use super::super::why::{first_failed_container, first_failed_task, name, said};
use super::ending;
use super::page::{Ink, Page, Value};
use super::tasks;
use crate::model::{Container, Event, Job, Level, State, Task, Time};

/// Warnings that stand with the cause.
const MOST_WARNINGS: usize = 3;
/// The same where events are all that is reported.
const MOST_WARNINGS_ALONE: usize = 5;
/// Tasks and containers with trouble that are named while a job is on its way.
const MOST_TROUBLES: usize = 3;

/// What a person asks first: how it is and since when, and the likely cause.
pub(super) fn write(page: &mut Page, job: &Job) -> io::Result<()> {
    page.paragraph(0, &state(page, job))?;
    let mut lines = lines(job);
    let is_bad = matches!(job.state, State::Failed | State::Canceled);
    if lines.is_empty() && is_bad && job.warning_count == 0 {
        lines.push("the cloud gives no reason".to_owned());
    }
    for line in lines {
        page.paragraph(2, &Value::Text(line))?;
    }
    warnings(page, job)
}

/// The state, since when, and how long it took.
fn state(page: &Page, job: &Job) -> Value {
    let since = |what: &str, time: Option<Time>| match time {
        Some(time) => {
            let seconds = page.now().seconds_since(time);
            format!(
                "{what} {}, since {}",
                human::duration(seconds),
                page.clock(time)
            )
        }
        None => ", since when is not told".to_owned(),
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
    Value::Led(Ink::State(job.state), job.state.word().to_owned(), rest)
}

fn ended(page: &Page, job: &Job) -> String {
    let Some(time) = job.finished_at else {
        return ", when is not told".to_owned();
    };
    let after = job.duration_seconds.map(human::duration);
    let after = after.map_or_else(String::new, |after| format!(", after {after}"));
    format!("{} ({}){after}", page.age(time), page.clock(time))
}

fn unknown(job: &Job) -> String {
    let Some(raw) = job.state_raw.as_deref() else {
        return ": the cloud reports events, no states".to_owned();
    };
    if job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD) {
        return format!(": the cloud says {raw}, and its subtasks do not bear that out");
    }
    match job.ended {
        true => format!(": it has ended ({raw}), how is not known"),
        false => format!(": the cloud says {raw}, a word that no table holds"),
    }
}

/// The first that failed, how it ended and what is said of it.
fn lines(job: &Job) -> Vec<String> {
    if !matches!(job.state, State::Failed | State::Canceled | State::Unknown) {
        let own = said(job.reason.as_deref(), job.message.as_deref());
        let troubles = troubles(job).into_iter().chain(count(job));
        return own.into_iter().chain(troubles).collect();
    }
    let mut lines = Vec::new();
    if let Some((task, container)) = first_failed_container(job) {
        let of = match job.tasks.len() {
            1 => String::new(),
            _ => match tasks::name(job, task) {
                Some(name) => format!(" of {}", name.trim()),
                None => String::new(),
            },
        };
        lines.push(format!("{}{of} {}", name(container), how(container)));
        lines.extend(words_of(container));
        lines.extend(restarts(container));
    } else {
        let task = first_failed_task(job);
        let shown = task.map(|task| failed_task(job, task));
        let own = own_words(job, task);
        lines.extend(own.into_iter().chain(shown));
    }
    lines.extend(count(job));
    lines
}

/// Reason and message of the job, unless they only repeat those of the task.
fn own_words(job: &Job, task: Option<&Task>) -> Option<String> {
    if job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD) {
        return job.message.clone();
    }
    let own = said(job.reason.as_deref(), job.message.as_deref());
    let Some(task) = task else {
        let ended = ending::told(job.exit_code, None, &[job.reason.as_deref()]);
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
    let how = match ending::told(task.exit_code, None, &words) {
        Some(how) => how,
        None if task.state == State::Canceled => "was canceled".to_owned(),
        None => "failed".to_owned(),
    };
    match tasks::words(task) {
        Some(said) => format!("{title} {how}: {said}"),
        None => format!("{title} {how}"),
    }
}

/// How a container ended: `exited with 137: killed (SIGKILL), out of memory; it had 4GiB`.
fn how(container: &Container) -> String {
    let words = [
        container.reason.as_deref(),
        container.detail_status.as_deref(),
        container.message.as_deref(),
    ];
    let how = ending::told(container.exit_code, container.signal, &words);
    let how = how.unwrap_or_else(|| "failed".to_owned());
    let memory = container.resources.memory_bytes.map(human::bytes);
    match memory.filter(|_| ending::lacked_memory(&words)) {
        Some(memory) => format!("{how}; it had {memory}"),
        None => how,
    }
}

fn words_of(container: &Container) -> Option<String> {
    said(container.reason.as_deref(), container.message.as_deref())
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
        ending::told(previous.exit_code, previous.signal, &words)
    });
    Some(match ended {
        Some(ended) => format!("{times}; the run before {ended}"),
        None => times,
    })
}

/// Tasks that went wrong, and containers that wait for a reason, failed or were restarted, while the
/// job is on its way.
fn troubles(job: &Job) -> Vec<String> {
    if job.ended {
        return Vec::new();
    }
    let tasks = job.tasks.iter().filter(|task| task.containers.is_empty());
    let tasks = tasks.filter_map(|task| match task.state {
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
            let words = words.map_or_else(String::new, |words| format!(": {words}"));
            let restarts = restarts(container);
            let what = match container.state {
                State::Failed => format!("{}{words}", how(container)),
                State::Pending if !words.is_empty() => format!("waits{words}"),
                _ => restarts.clone()?,
            };
            let also = restarts.filter(|restarts| *restarts != what);
            let also = also.map_or_else(String::new, |also| format!("; {also}"));
            Some(format!("{} {what}{also}", name(container)))
        })
    });
    tasks.chain(containers).take(MOST_TROUBLES).collect()
}

/// `3 of 8 tasks failed`, where there is more than one.
fn count(job: &Job) -> Option<String> {
    let failed = |task: &&Task| task.state == State::Failed;
    let failed = job.tasks.iter().filter(failed).count();
    let all = job.tasks.len();
    (all > 1 && failed > 0)
        .then(|| format!("{failed} of {all} {} failed", tasks::plural(&job.tasks)))
}

/// The warnings that lie nearest to the end, or the newest while there is none.
fn warnings(page: &mut Page, job: &Job) -> io::Result<()> {
    let all = || {
        let events = job.events.iter();
        events.filter(|event| event.level == Some(Level::Warning))
    };
    let is_all_there_is = job.state == State::Unknown && job.state_raw.is_none();
    let most = match is_all_there_is {
        true => MOST_WARNINGS_ALONE,
        false => MOST_WARNINGS,
    };
    let failed = first_failed_container(job).and_then(|(_, container)| container.finished_at);
    let end = failed.or(job.finished_at).filter(|_| job.ended);
    let mut near: Vec<&Event> = all().collect();
    if let Some(end) = end {
        near.sort_by_key(|event| {
            let at = event.last_at.or(event.first_at);
            at.map_or(i64::MAX, |at| at.seconds_since(end).abs())
        });
    }
    near.truncate(most);
    near.sort_by_key(|event| std::cmp::Reverse(event.last_at.or(event.first_at)));
    let count = all().count();
    let head = match (count, end) {
        (0, _) if is_all_there_is => {
            let none = match job.events.len() {
                0 => "no events",
                _ => "no warnings",
            };
            return page.paragraph(2, &Value::Text(none.to_owned()));
        }
        (0, _) => return Ok(()),
        (1, _) => "1 warning:".to_owned(),
        (count, _) if count <= most => format!("{count} warnings, newest first:"),
        (count, Some(_)) => format!("{count} warnings, nearest to the end:"),
        (count, None) => format!("{count} warnings, the newest:"),
    };
    page.paragraph(2, &Value::Text(head))?;
    for event in near {
        let when = event.last_at.or(event.first_at);
        let when = when.map_or_else(
            || "at an unknown time".to_owned(),
            |at| when_of(page, at, end),
        );
        let text = said(event.reason.as_deref(), event.message.as_deref());
        let times = match event.count {
            Some(count @ 2..) => format!(", {count} times"),
            _ => String::new(),
        };
        let text = text.unwrap_or_else(|| "a warning without a text".to_owned());
        let value = Value::Led(Ink::Warning, when, format!("{times}: {text}"));
        page.paragraph(4, &value)?;
    }
    Ok(())
}

/// When a warning was seen, as seen from the end.
fn when_of(page: &Page, at: Time, end: Option<Time>) -> String {
    const NEAR_SECONDS: i64 = 86_400;
    match end.map(|end| at.seconds_since(end)) {
        Some(0) => "at the end".to_owned(),
        Some(seconds @ 1..=NEAR_SECONDS) => format!("{} after the end", human::duration(seconds)),
        Some(seconds) if (-NEAR_SECONDS..0).contains(&seconds) => {
            format!("{} before the end", human::duration(-seconds))
        }
        _ => page.age(at),
    }
}
