use std::io;

use super::super::why::said;
use super::page::{Fields, Ink, Page, Value};
use crate::model::{Event, Job, Level};

/// Events that are shown; a page is no log.
const MOST_EVENTS: usize = 50;

/// The events, newest first.
pub(super) fn write(page: &mut Page, job: &Job) -> io::Result<()> {
    if job.events.is_empty() {
        return Ok(());
    }
    let warnings = match job.warning_count {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        count => format!(", {count} warnings"),
    };
    let count = job.events.len();
    page.heading("Events", &format!("({count}{warnings}; newest first)"))?;
    for event in job.events.iter().take(MOST_EVENTS) {
        page.gap()?;
        page.paragraph(2, &line(page, event))?;
        page.fields(4, &fields(page, job, event))?;
    }
    if count > MOST_EVENTS {
        page.gap()?;
        let more = count - MOST_EVENTS;
        let reference = &job.reference;
        page.paragraph(2, &Value::Text(format!("and {more} more; all of them:")))?;
        page.paragraph(4, &Value::Whole(format!("joblens events {reference}")))?;
    }
    Ok(())
}

fn line(page: &Page, event: &Event) -> Value {
    let when = event.last_at.or(event.first_at);
    let when = when.map_or_else(|| "at an unknown time".to_owned(), |at| page.moment(at));
    match event.level {
        Some(Level::Warning) => Value::Led(Ink::Warning, "warning".to_owned(), when),
        Some(Level::Normal) => Value::Text(when),
        None => Value::Text(match &event.level_raw {
            Some(word) => format!("{} {when}", word.trim()),
            None => when,
        }),
    }
}

fn fields(page: &Page, job: &Job, event: &Event) -> Fields {
    let mut fields = Fields::default();
    let _ = (page, job);
    fields.text("", said(event.reason.as_deref(), event.message.as_deref()));
    fields
}
