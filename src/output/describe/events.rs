use std::io;

use super::super::cause_text::reason_text;
use super::DetailLevel;
use super::command_line::quote;
use super::page::{PageWriter, Style, Value};
use super::tasks;
use crate::model::{Event, Job, Level};

/// Maximum number of events to show; a page is not a log.
const MAX_EVENTS: usize = 50;

/// Writes the events, newest first.
pub(super) fn write(page: &mut PageWriter, job: &Job, extent: DetailLevel) -> io::Result<()> {
    if job.events.is_empty() {
        return Ok(());
    }
    let warnings = match job.warning_count {
        0 => String::new(),
        1 => "; 1 warning".to_owned(),
        count => format!("; {count} warnings"),
    };
    let count = job.events.len();
    let order = if count > 1 { ", newest first" } else { "" };
    page.heading("Events", &format!("({count}{order}{warnings})"))?;
    let shown = match extent {
        DetailLevel::Limited => count.min(MAX_EVENTS),
        DetailLevel::All => count,
    };
    for event in &job.events[..shown] {
        page.blank_line()?;
        page.paragraph(2, &line(page, event))?;
        for text in lines(page, job, event) {
            page.paragraph(4, &Value::Text(text))?;
        }
    }
    if count > shown {
        page.blank_line()?;
        let more = count - shown;
        let reference = &job.reference;
        page.paragraph(2, &Value::Text(format!("and {more} more; all of them:")))?;
        page.paragraph(
            4,
            &Value::NoBreak(format!("joblens events {}", quote(reference))),
        )?;
    }
    Ok(())
}

fn line(page: &PageWriter, event: &Event) -> Value {
    let when = event.happened_at();
    let when = when.map_or_else(|| "at an unknown time".to_owned(), |at| page.moment(at));
    match event.level {
        Some(Level::Warning) => Value::Lead(Style::Warning, "warning".to_owned(), when),
        Some(Level::Normal) => Value::Text(when),
        None => Value::Text(match &event.level_raw {
            Some(word) => format!("{} {when}", word.trim()),
            None => when,
        }),
    }
}

/// Returns how often it was seen and since when, the object, and the message.
fn lines(page: &PageWriter, job: &Job, event: &Event) -> Vec<String> {
    // A single occurrence has one time, which is shown above.
    let first = event.first_at.filter(|_| event.first_at != event.last_at);
    let first = first.filter(|_| event.last_at.is_some());
    let first = first.map(|first| page.clock(first));
    let count = match (event.count.filter(|count| *count > 1), first) {
        (Some(count), Some(first)) => Some(format!("{count} times since {first}")),
        (Some(count), None) => Some(format!("{count} times")),
        (None, Some(first)) => Some(format!("first seen {first}")),
        (None, None) => None,
    };
    let object = [event.object.kind.as_deref(), event.object.name.as_deref()];
    let object: Vec<&str> = object.into_iter().flatten().map(str::trim).collect();
    let task = job
        .tasks
        .iter()
        .find(|task| task.id.is_some() && task.id == event.task);
    // With a single task, it is clear which one it was.
    let task = task.filter(|_| job.tasks.len() > 1);
    let task = task.map(|task| format!("in {}", tasks::title(job, task)));
    let object = (!object.is_empty()).then(|| object.join(" "));
    let subject: Vec<String> = object.into_iter().chain(task).collect();
    let subject = (!subject.is_empty()).then(|| subject.join(", "));
    let together = match (&count, &subject) {
        (Some(count), Some(subject)) => Some(format!("{count}, {subject}")),
        _ => None,
    };
    let mut lines: Vec<String> = match together.filter(|text| page.fits(4, text)) {
        Some(together) => vec![together],
        None => count.into_iter().chain(subject).collect(),
    };
    lines.extend(reason_text(
        event.reason.as_deref(),
        event.message.as_deref(),
    ));
    lines
}
