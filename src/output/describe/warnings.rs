use std::io;

use super::super::cause::failed_container;
use super::super::cause_text::{ShownTexts, reason_text};
use super::super::human;
use super::page::{PageWriter, Style, Value};
use crate::model::{Event, Job, Level, State, Time};
use crate::sort::SortExt as _;

/// Maximum number of warnings that are shown with the cause.
const MAX_WARNINGS: usize = 3;
/// The same maximum if nothing but events is reported.
const MAX_WARNINGS_ALONE: usize = 5;

/// Writes the warnings closest to the end, or the newest ones without an end. For a
/// message that was shown before, writes only the reason.
pub(super) fn write(page: &mut PageWriter, job: &Job, shown: &mut ShownTexts) -> io::Result<()> {
    let all = || {
        let events = job.events.iter();
        events.filter(|event| event.level == Some(Level::Warning))
    };
    let is_all_there_is = job.state == State::Unknown && job.state_raw.is_none();
    let most = match is_all_there_is {
        true => MAX_WARNINGS_ALONE,
        false => MAX_WARNINGS,
    };
    let failed = failed_container(job).and_then(|(_, container)| container.finished_at);
    let end = failed.or(job.finished_at).filter(|_| job.ended);
    let mut near: Vec<&Event> = all().collect();
    if let Some(end) = end {
        near.order_by_key(|event| {
            let at = event.happened_at();
            at.map_or(i64::MAX, |at| at.seconds_since(end).abs())
        });
    }
    near.truncate(most);
    near.order_by_key(|event| std::cmp::Reverse((event.happened_at(), event.recorded_at)));
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
        (count, Some(_)) => format!("{count} warnings, closest to the end:"),
        (count, None) => format!("{count} warnings, the newest:"),
    };
    page.paragraph(2, &Value::Text(head))?;
    for event in near {
        let when = event.happened_at();
        let when = when.map_or_else(
            || "at an unknown time".to_owned(),
            |at| relative_time(page, at, end),
        );
        let text = text(event, shown);
        let times = match event.count {
            Some(count @ 2..) => format!(", {count} times"),
            _ => String::new(),
        };
        let value = Value::Lead(Style::Warning, when, format!("{times}: {text}"));
        page.paragraph(4, &value)?;
    }
    Ok(())
}

/// Returns the text of a warning, without a message that was shown before.
fn text(event: &Event, shown: &mut ShownTexts) -> String {
    let (reason, message) = (event.reason.as_deref(), event.message.as_deref());
    let text = shown.unshown_text(reason, message);
    message.into_iter().for_each(|message| shown.add(message));
    let text = text.or_else(|| reason_text(reason, None));
    text.or_else(|| reason_text(None, message))
        .unwrap_or_else(|| "a warning (no text)".to_owned())
}

/// Describes when a warning was seen, relative to the end.
fn relative_time(page: &PageWriter, at: Time, end: Option<Time>) -> String {
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
