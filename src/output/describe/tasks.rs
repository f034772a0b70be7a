use std::io;

use super::super::human;
use super::super::why::said;
use super::page::{Fields, Ink, Page, Value};
use super::{containers, details, ending, header, volumes};
use crate::model::{Job, State, Task};

/// Beyond so many tasks only those that failed are all shown.
const MOST_TASKS: usize = 50;

/// The parts of a thing, each with what it holds.
pub(super) fn write(page: &mut Page, job: &Job) -> io::Result<()> {
    if job.tasks.is_empty() {
        return Ok(());
    }
    let shown = shown(&job.tasks);
    let head = header::head(&plural(&job.tasks));
    page.heading(&head, &format!("({})", counts(&job.tasks, |_| true)))?;
    let mut is_apart = false;
    for (task, _) in job.tasks.iter().zip(&shown).filter(|(_, shown)| **shown) {
        is_apart = one(page, job, task, is_apart)?;
    }
    let more = shown.iter().filter(|shown| !**shown).count();
    if more > 0 {
        let rest = counts(&job.tasks, |number| !shown[number]);
        let text = format!("and {more} more ({rest}); -o json shows all");
        page.paragraph(2, &Value::Text(text))?;
    }
    Ok(())
}

/// What a task is called: `container group rank-1`.
pub(super) fn title(task: &Task) -> String {
    let kind = task.kind.replace('_', " ");
    match task.name.as_deref().or(task.id.as_deref()) {
        Some(name) => format!("{kind} {}", name.trim()),
        None => kind,
    }
}

/// `container groups`, or `tasks` where there are several kinds.
pub(super) fn plural(tasks: &[Task]) -> String {
    match tasks.first() {
        Some(first) if tasks.iter().all(|task| task.kind == first.kind) => {
            let s = if tasks.len() == 1 { "" } else { "s" };
            format!("{}{s}", first.kind.replace('_', " "))
        }
        _ => "tasks".to_owned(),
    }
}

/// Which tasks are shown: all that failed, and others up to the limit.
fn shown(tasks: &[Task]) -> Vec<bool> {
    let failed = tasks.iter().filter(|task| task.state == State::Failed);
    let mut others = MOST_TASKS.saturating_sub(failed.count());
    tasks
        .iter()
        .map(|task| {
            if task.state == State::Failed {
                return true;
            }
            let has_room = others > 0;
            others = others.saturating_sub(1);
            has_room
        })
        .collect()
}

/// `2 failed, 1 running`, those that need attention first.
fn counts(tasks: &[Task], is_counted: impl Fn(usize) -> bool) -> String {
    const ORDER: [State; 8] = [
        State::Failed,
        State::Canceled,
        State::Unknown,
        State::Stopping,
        State::Pending,
        State::Starting,
        State::Running,
        State::Succeeded,
    ];
    let count = |state: State| {
        let counted = tasks.iter().enumerate();
        counted
            .filter(|(number, task)| task.state == state && is_counted(*number))
            .count()
    };
    ORDER
        .into_iter()
        .map(|state| (count(state), state))
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| format!("{count} {state}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Writes one task; answers whether it took more than a line, so that the next one stands apart.
fn one(page: &mut Page, job: &Job, task: &Task, is_apart: bool) -> io::Result<bool> {
    let fields = fields(page, job, task);
    let is_small = fields.is_empty() && task.containers.is_empty() && task.volumes.is_empty();
    if is_apart || !is_small {
        page.gap()?;
    }
    page.paragraph(2, &line(page, task, is_small))?;
    page.fields(4, &fields)?;
    for container in &task.containers {
        page.gap()?;
        containers::write(page, 4, container)?;
    }
    for volume in &task.volumes {
        page.gap()?;
        volumes::write(page, 4, volume, &task.containers)?;
    }
    Ok(!is_small)
}

/// State and title in one line; a task that has no more to show has its times and words there.
fn line(page: &Page, task: &Task, is_small: bool) -> Value {
    let mut text = title(task);
    let words = [task.reason.as_deref(), task.message.as_deref()];
    if let Some(ended) = ending::told(task.exit_code, None, &words) {
        text += &format!(", {ended}");
    }
    if is_small {
        if let (Some(start), Some(end)) = (task.started_at, task.finished_at) {
            text += &format!(", ran {}", human::duration(end.seconds_since(start)));
        }
        if let Some(end) = task.finished_at {
            text += &format!(", ended {}", page.clock(end));
        }
    }
    let is_told = task.state != State::Unknown || task.state_raw.is_some();
    match is_told {
        true => Value::Led(Ink::State(task.state), task.state.word().to_owned(), text),
        false => Value::Text(text),
    }
}

fn fields(page: &Page, job: &Job, task: &Task) -> Fields {
    let mut more = Fields::default();
    more.whole("Id", task.id.as_deref().filter(|_| task.name.is_some()));
    more.whole("Node", task.node.as_deref());
    more.text("Zone", task.zone.clone());
    more.text("Instance type", task.instance_type.clone());
    more.text("Restart policy", task.restart_policy.clone());
    more.text("Resources", header::resources(&task.resources));
    let addresses = task.addresses.iter();
    let addresses =
        addresses.map(|address| Value::Text(format!("{} {}", address.address, address.kind)));
    more.add("Addresses", addresses.collect());
    more.add("Labels", header::labels(&task.labels));
    details::fields(page, task.details.as_deref(), &mut more);
    let _ = (job, said as fn(_, _) -> _);
    more
}
