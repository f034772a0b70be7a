//! Determines why a job and its container groups failed.

use crate::model::{Container, Event, Level, failed_tasks};
use crate::providers::prelude::*;

/// Sets the exit code of a container group that has ended, and the cause of a failed one: the first container
/// that failed, otherwise the newest warning.
pub(super) fn explain_task(task: &mut Task, events: &[Event]) {
    match task.state {
        State::Succeeded => task.exit_code = all_zero(task.containers.iter()),
        State::Failed => {
            let failed = failed_container(&task.containers, "");
            if let Some((code, reason, message)) = failed {
                task.exit_code = code;
                task.reason = reason;
                task.message = Some(message);
            } else {
                task.reason.clone_from(&task.state_raw);
                // Of the newest ones, the last is chosen; `events` is sorted newest first.
                let oldest_first = events.iter().rev();
                task.message = oldest_first
                    .filter(|event| event.level == Some(Level::Warning))
                    .max_by_key(|event| event.happened_at())
                    .and_then(|event| event.message.clone().or_else(|| event.reason.clone()));
            }
        }
        _ => {}
    }
}

/// Returns 0 if every main container ended with 0.
fn all_zero<'a>(containers: impl Iterator<Item = &'a Container>) -> Option<i64> {
    let mut main = containers.filter(|container| !container.init).peekable();
    main.peek()?;
    main.all(|container| container.exit_code == Some(0))
        .then_some(0)
}

/// Returns exit code, reason and message of the first container that failed; if none failed, of the first that
/// failed before its last restart. `prefix` follows the container's name in the message.
fn failed_container(
    containers: &[Container],
    prefix: &str,
) -> Option<(Option<i64>, Option<String>, String)> {
    let now = containers
        .iter()
        .find(|container| container.state == State::Failed)
        .map(|container| {
            let text = (&container.reason, &container.message);
            (container, container.exit_code, text)
        });
    let before = || {
        containers.iter().find_map(|container| {
            let previous = container.previous.as_ref()?;
            let text = (&previous.reason, &previous.message);
            (previous.state == State::Failed).then_some((container, previous.exit_code, text))
        })
    };
    let (container, code, (reason, text)) = now.or_else(before)?;
    let name = container.name.as_deref().unwrap_or("without a name");
    let mut sentence = format!("container {name}{prefix}");
    if let Some(code) = code {
        sentence.push_str(&format!(": exit code {code}"));
    }
    if let Some(reason) = reason {
        sentence.push_str(&format!(" ({})", reason.trim()));
    }
    if let Some(text) = text {
        sentence.push_str(&format!(": {}", text.trim()));
    }
    Some((
        code,
        reason.as_deref().map(|reason| reason.trim().to_owned()),
        sentence,
    ))
}

/// Sets the cause of a failed job: that of its newest failed group, preferably one with a failed container.
pub(super) fn explain_job(job: &mut Job) {
    match job.state {
        State::Succeeded => {
            job.exit_code = all_zero(job.tasks.iter().flat_map(|task| &task.containers));
        }
        State::Failed => {
            // A sidecar of a group that succeeded may have been killed at its end.
            let mut failed = failed_tasks(&job.tasks);
            failed.retain(|task| task.state == State::Failed);
            let others = job.tasks.iter();
            let others =
                others.filter(|task| !matches!(task.state, State::Failed | State::Succeeded));
            let by_container = failed.iter().copied().chain(others).find_map(|task| {
                failed_container(&task.containers, &format!(" of {}", label(task)))
            });
            let by_group = || {
                let task = failed.first()?;
                let word = task.state_raw.clone()?;
                let text = match &task.message {
                    Some(text) => format!("{}: {word}: {text}", label(task)),
                    None => format!("{}: {word}", label(task)),
                };
                Some((None, Some(word), text))
            };
            if let Some((code, reason, message)) = by_container.or_else(by_group) {
                job.exit_code = code;
                job.reason = reason.map(Reason::from);
                job.message = Some(message);
            }
        }
        _ => {}
    }
}

/// Returns the name of a group in messages.
pub(super) fn label(task: &Task) -> String {
    let name = task.name.as_ref().or(task.id.as_ref());
    name.map_or_else(
        || "unnamed group".to_owned(),
        |name| format!("group {name}"),
    )
}
