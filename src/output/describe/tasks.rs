use std::io;

use super::super::cause::{self, is_stop_explained, plural};
use super::super::cause_text::reason_text;
use super::super::human;
use super::page::{Fields, PageWriter, Value};
use super::{DetailLevel, containers, details, exit_status, header, volumes};
use crate::model::{Job, State, Task};

/// Maximum number of tasks to show; failed ones are always shown.
const MAX_TASKS: usize = 10;
/// The kind of the parts of an array job.
const SUBTASK: &str = "subtask";

/// Writes the parts of a resource with their own parts, failed ones first.
pub(super) fn write(page: &mut PageWriter, job: &Job, extent: DetailLevel) -> io::Result<()> {
    if job.tasks.is_empty() {
        return Ok(());
    }
    let head = header::head(&plural(job.tasks.iter()));
    let all = match job.tasks.iter().any(has_known_state) {
        true => format!("({})", counts(job.tasks.iter())),
        false => String::new(),
    };
    page.heading(&head, &all)?;
    let is_failed = |task: &&Task| task.state == State::Failed;
    let (mut shown, mut rest): (Vec<&Task>, Vec<&Task>) = job.tasks.iter().partition(is_failed);
    let count = match extent {
        DetailLevel::Limited => MAX_TASKS.saturating_sub(shown.len()).min(rest.len()),
        DetailLevel::All => rest.len(),
    };
    shown.extend(rest.drain(..count));
    let mut is_apart = false;
    for task in shown {
        is_apart = one(page, job, task, is_apart)?;
    }
    if !rest.is_empty() {
        let (more, rest) = (rest.len(), counts(rest.into_iter()));
        let text = format!("and {more} more ({rest}); --all shows all");
        page.paragraph(2, &Value::Text(text))?;
    }
    Ok(())
}

/// Names a task: `container group rank-1`.
pub(super) fn title(job: &Job, task: &Task) -> String {
    let kind = task.kind.replace('_', " ");
    match cause::task_name(job, task) {
        Some(name) => format!("{kind} {}", name.trim()),
        None => kind,
    }
}

fn counts<'a>(tasks: impl Iterator<Item = &'a Task>) -> String {
    human::state_counts(tasks.map(|task| task.state))
}

/// Writes one task. Returns `true` if it took several lines, so that the next one is separated by an empty line.
fn one(page: &mut PageWriter, job: &Job, task: &Task, is_apart: bool) -> io::Result<bool> {
    let details = details::fields(page, task.details.as_deref());
    let has_parts = !(task.containers.is_empty() && task.volumes.is_empty());
    let fields = fields(page, job, task);
    let is_small = fields.is_empty() && details.is_empty() && !has_parts;
    if is_apart || !is_small {
        page.blank_line()?;
    }
    page.paragraph(2, &line(page, job, task, is_small))?;
    page.fields(4, &fields)?;
    for container in &task.containers {
        page.blank_line()?;
        containers::write(page, 4, container, is_stop_explained(job, task))?;
    }
    for volume in &task.volumes {
        page.blank_line()?;
        volumes::write(page, 4, volume, &task.containers)?;
    }
    if !details.is_empty() {
        if has_parts {
            page.blank_line()?;
        }
        page.paragraph(4, &Value::Titled("details".to_owned(), None, String::new()))?;
        page.fields(6, &details)?;
    }
    Ok(!is_small)
}

/// Returns `true` if the cloud reports the state of a task.
fn has_known_state(task: &Task) -> bool {
    task.state != State::Unknown || task.state_raw.is_some()
}

/// Returns state and title on one line, with times and texts if the task has no more to show.
fn line(page: &PageWriter, job: &Job, task: &Task, is_small: bool) -> Value {
    let mut text = String::new();
    if task.state == State::Unknown {
        let raw = task.state_raw.as_deref();
        text += &raw.map_or_else(String::new, |raw| format!(" (cloud: {raw})"));
    }
    let words = [task.reason.as_deref(), task.message.as_deref()];
    // The exit code of a task with containers comes from them.
    let code = task.exit_code.filter(|_| task.containers.is_empty());
    if let Some(ended) = exit_status::describe_exit(code, None, &words) {
        text += &format!(", {ended}");
    }
    if let Some(end) = task.finished_at.filter(|_| is_small) {
        let ran = task.started_at.map(|start| end.seconds_since(start));
        let ran = ran.map_or_else(String::new, |ran| {
            format!(" after {}", human::duration(ran))
        });
        text += &format!("{ran}, {}", page.clock(end));
    }
    Value::Titled(
        title(job, task),
        has_known_state(task).then_some(task.state),
        text,
    )
}

fn fields(page: &PageWriter, job: &Job, task: &Task) -> Fields {
    let mut more = Fields::default();
    more.text("Reason", task_reason_text(task));
    let id = task.id.as_deref();
    more.no_break("ID", id.filter(|_| cause::task_name(job, task) != id));
    more.no_break(
        "Node",
        task.node.as_deref().filter(|node| Some(*node) != id),
    );
    more.text("Zone", task.zone.clone());
    more.text("Instance type", task.instance_type.clone());
    more.text("Restart policy", task.restart_policy.clone());
    more.text("Resources", header::resources(&task.resources));
    let addresses = task.addresses.iter();
    let addresses =
        addresses.map(|address| Value::Text(format!("{} {}", address.address, address.kind)));
    more.add("Addresses", addresses.collect());
    more.add("Labels", header::labels(&task.labels));
    // An array can have ten thousand subtasks, so the times of each are on its line.
    if task.kind != SUBTASK {
        header::times(
            page,
            &mut more,
            [("Created", task.created_at), ("Started", task.started_at)],
        );
        header::end(page, &mut more, task.started_at, task.finished_at);
    }
    more
}

/// Returns reason and message of a task, unless they only repeat those of a container.
pub(super) fn task_reason_text(task: &Task) -> Option<String> {
    let is_repeated = task
        .containers
        .iter()
        .any(|container| container.reason.is_some() && container.reason == task.reason);
    let [reason, message] = cause::reason_and_message_unless_exit_code(task);
    reason_text(reason, message).filter(|_| !is_repeated)
}
