use super::super::Zone;
use crate::model::{Object, State};
use crate::output::document::{EventSubject, TimelineEvent};

/// Describes an entry in one sentence with the cloud's unchanged texts; `before` is a message that was just reported
/// and need not be repeated.
pub(super) fn sentence(event: &TimelineEvent, zone: Zone, before: Option<&str>) -> String {
    match event.what {
        EventSubject::Event => event_sentence(event, since(event, zone)),
        EventSubject::Job | EventSubject::Task | EventSubject::Container => change(event, before),
    }
}

/// Describes an entry like [`sentence`], with times in RFC 3339 and without omissions: a complete line.
pub(super) fn sentence_with_times(event: &TimelineEvent, zone: Zone) -> String {
    match event.what {
        EventSubject::Event => {
            let times = event.first_at.zip(event.last_at);
            let first = times.filter(|(first, last)| first != last);
            event_sentence(event, first.map(|(first, _)| zone.rfc3339(first)))
        }
        EventSubject::Job | EventSubject::Task | EventSubject::Container => change(event, None),
    }
}

/// Returns for example `BackOff ×4 since 09:30:00 on Pod web-1: Back-off pulling image`.
fn event_sentence(event: &TimelineEvent, since: Option<String>) -> String {
    let reason = clean(event.reason.as_deref());
    let mut text = reason.unwrap_or("event").to_owned();
    // Show an unrecognized level as the cloud writes it.
    if let (None, Some(level)) = (event.level, clean(event.level_raw.as_deref())) {
        text += &format!(" ({level})");
    }
    if let Some(count) = event.count.filter(|count| *count > 1) {
        text += &format!(" ×{count}");
    }
    if let Some(since) = since {
        text += &format!(" since {since}");
    }
    if let Some(object) = object(&event.object) {
        text += &format!(" on {object}");
    }
    let name = clean(event.task_name.as_deref());
    if let Some(name) = name.filter(|name| clean(event.object.name.as_deref()) != Some(name)) {
        text += &format!(" of {name}");
    }
    match clean(event.message.as_deref()) {
        Some(message) => text + ": " + message,
        None => text,
    }
}

/// Returns when it was first seen, if in another second: the time of day, with the date if it differs.
fn since(event: &TimelineEvent, zone: Zone) -> Option<String> {
    let (first, last) = event.first_at.zip(event.last_at)?;
    let (first, last) = (TimeCell::new(first, zone), TimeCell::new(last, zone));
    match first.day == last.day {
        true if first.time == last.time => None,
        true => Some(first.time),
        false if first.offset == last.offset => Some(format!("{} {}", first.date(), first.time)),
        false => Some(format!("{} {} {}", first.date(), first.time, first.offset)),
    }
}

/// Returns for example `container main of rank-0 failed with exit code 137 (OOMKilled): out of memory`.
fn change(event: &TimelineEvent, before: Option<&str>) -> String {
    let mut text = format!("{} {}", subject(event), verb(event.state));
    match (event.restart_count, event.exit_code, event.signal) {
        (Some(count), ..) => text += &format!(" again (restart {count})"),
        // The verb already shows the success.
        (_, Some(0), _) if event.state == Some(State::Succeeded) => {}
        (_, Some(code), Some(signal)) => {
            text += &format!(" with exit code {code}, signal {signal}")
        }
        (_, Some(code), None) => text += &format!(" with exit code {code}"),
        (_, None, Some(signal)) => text += &format!(" by signal {signal}"),
        (_, None, None) => {}
    }
    let message = clean(event.message.as_deref()).map(|message| without_last_end(message, before));
    let reason = clean(event.reason.as_deref());
    let is_reported = |reason: &&str| {
        text.contains(reason) || message.is_some_and(|message| message.contains(reason))
    };
    if let Some(reason) = reason.filter(|reason| !is_reported(reason)) {
        text += &format!(" ({reason})");
    }
    match message.filter(|message| !message.is_empty()) {
        Some(message) => text + ": " + message,
        None => text,
    }
}

/// Removes the end that was just reported from a message: a job quotes its task, and a task quotes its container.
fn without_last_end<'a>(message: &'a str, before: Option<&str>) -> &'a str {
    let rest = before.and_then(|before| message.strip_suffix(before));
    match rest.map(str::trim_end) {
        Some("") => "",
        Some(rest) => rest.strip_suffix([':', '：']).unwrap_or(message),
        None => message,
    }
}

/// Returns `true` if a message ends with one that was just reported.
pub(super) fn quotes(message: &str, before: Option<&str>) -> bool {
    without_last_end(message, before).len() < message.len()
}

fn subject(event: &TimelineEvent) -> String {
    match event.what {
        EventSubject::Job => event.kind.replace('-', " "),
        EventSubject::Task | EventSubject::Event => {
            object(&event.object).unwrap_or_else(|| "task".to_owned())
        }
        EventSubject::Container => {
            let container = object(&event.object).unwrap_or_else(|| "container".to_owned());
            let task = clean(event.task_name.as_deref()).or(clean(event.task.as_deref()));
            match task {
                Some(task) => format!("{container} of {task}"),
                None => container,
            }
        }
    }
}

/// Returns kind and name, if known.
fn object(object: &Object) -> Option<String> {
    let kind = clean(object.kind.as_deref()).map(|kind| kind.replace('_', " "));
    let name = clean(object.name.as_deref());
    match (kind, name) {
        (Some(kind), Some(name)) => Some(format!("{kind} {name}")),
        (kind, name) => kind.or(name.map(str::to_owned)),
    }
}

fn verb(state: Option<State>) -> &'static str {
    match state {
        Some(State::Pending) => "created",
        Some(State::Running) => "started",
        Some(State::Succeeded) => "succeeded",
        Some(State::Failed) => "failed",
        Some(State::Canceled) => "was canceled",
        Some(State::Starting | State::Stopping | State::Unknown) | None => "ended",
    }
}

/// Returns the text without surrounding white space; `None` if nothing is left.
pub(super) fn clean(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The parts of a local time.
pub(super) struct TimeCell {
    /// `2026-01-02 +08:00`: the date with its offset, because the offset can change within a day.
    pub day: String,
    /// `11:04:05`
    pub time: String,
    /// `+08:00`
    pub offset: String,
}

impl TimeCell {
    pub(super) fn new(time: crate::model::Time, zone: Zone) -> Self {
        let shown = zone.clock(time);
        let mut parts = shown.split(' ').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let (date, time, offset) = (part(), part(), part());
        Self {
            day: format!("{date} {offset}"),
            time,
            offset,
        }
    }

    fn date(&self) -> &str {
        self.day.split(' ').next().unwrap_or_default()
    }
}
