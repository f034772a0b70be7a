//! Reads the events of objects, in the two formats that the API has for them.

use std::borrow::Cow;

use futures_util::future::join_all;
use serde::Deserialize;

use super::list::{PAGE_SIZE, PageRequest, is_expired};
use super::object::ObjectList;
use super::{Api, path};
use crate::error::Problem;
use crate::model::{self, Job, Level, Notice, NoticeCode, Object, UnreadableTimes};
use crate::providers::event_order::time_in_name;
use crate::providers::lenient::{self, DefaultObject, Int, Text, Timestamp};
use crate::providers::{EventDetail, GetResult, RequestOptions};

const LIST: &str = "ListNamespacedEvent";

/// Maximum number of pages that are read of a list.
const MAX_PAGES: usize = 10;

/// The part of a selector that restricts events to warnings, for those that only a gate for warnings needs.
pub(super) const WARNINGS: &str = "type!=Normal";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    metadata: DefaultObject<EventMeta>,
    involved_object: DefaultObject<InvolvedObject>,
    reason: Text,
    message: Text,
    r#type: Text,
    first_timestamp: Timestamp,
    last_timestamp: Timestamp,
    event_time: Timestamp,
    count: Int,
    series: DefaultObject<Series>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EventMeta {
    name: Text,
    creation_timestamp: Timestamp,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InvolvedObject {
    kind: Text,
    name: Text,
    uid: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: Int,
    last_observed_time: Timestamp,
}

/// An event with the UID of its object.
pub(super) type ObjectEvent = (Option<String>, model::Event);

/// The events of a list.
#[derive(Default)]
pub(super) struct Events {
    events: Vec<ObjectEvent>,
    /// Notices about fields that could not be read.
    unreadable: Vec<Notice>,
    /// Why later pages of the list were not read, if there are any.
    end: Option<End>,
}

/// Why the later pages of a list were not read.
enum End {
    /// The list is longer than [`MAX_PAGES`].
    TooLong,
    /// The request for the next page failed.
    Failed(Box<Problem>),
}

/// The result of a list of events; an error if none were read.
pub(super) type EventList = Result<Events, Problem>;

/// Returns the selector of the events of an object.
pub(super) fn uid_selector(uid: &str) -> String {
    format!("involvedObject.uid={uid}")
}

/// Adds the events that these selectors match to a job, or a notice if they cannot be read.
pub(super) async fn add(
    api: &Api,
    namespace: &str,
    selectors: &[String],
    result: &mut GetResult,
    options: &RequestOptions,
) {
    let requests = selectors
        .iter()
        .map(|selector| list(api, namespace, selector, options));
    for events in join_all(requests).await {
        add_list(result, events, options, |_| true);
    }
}

/// Adds the events of a list that belong to a job (`has`), and a notice if not all of the list was read. A gate for
/// warnings gets no events of such a list: in a later response, it could not determine which are new.
pub(super) fn add_list(
    result: &mut GetResult,
    events: EventList,
    options: &RequestOptions,
    has: impl Fn(&ObjectEvent) -> bool,
) {
    match events {
        Ok(mut read) => {
            let is_dropped = read.end.is_some() && options.events == EventDetail::Warnings;
            let count = read.events.len();
            match &read.end {
                Some(End::TooLong) if is_dropped => {
                    note_unread(result, &format!("there are more than {count}"));
                }
                Some(End::TooLong) => {
                    result.job.events_unreadable = true;
                    let job = &result.job.reference;
                    let text =
                        format!("read only {count} events of {job}: there are more than {count}");
                    result.note(NoticeCode::PartsUnread, text);
                }
                Some(End::Failed(problem)) => note_failed(result, problem),
                None => {}
            }
            if is_dropped {
                read.events.clear();
            }
            // Lists are sorted by name. If that is the only order of the events of a second, the last is the newest.
            let job_events = read.events.into_iter().rev().filter(|event| has(event));
            result.job.events.extend(job_events.map(|(_, event)| event));
            for notice in read.unreadable {
                result.note(notice.code, notice.message);
            }
        }
        Err(problem) => note_failed(result, &problem),
    }
}

/// Marks that events of a job were not read since a request failed, with a notice.
pub(super) fn note_failed(result: &mut GetResult, problem: &Problem) {
    result.mark_events_unread(problem);
    note_unread(result, &reason(problem));
}

/// Marks that events of a job were not read, with a notice.
pub(super) fn note_unread(result: &mut GetResult, reason: &str) {
    result.job.events_unreadable = true;
    let notice = unread("events", &result.job, reason);
    result.note(notice.code, notice.message);
}

/// Returns why a part could not be read, with the hint if it took too long.
pub(super) fn reason(problem: &Problem) -> Cow<'_, str> {
    let hint = problem.hint.as_ref();
    match hint.filter(|_| problem.is_deadline_exceeded()) {
        Some(hint) => format!("{}; {hint}", problem.message).into(),
        None => problem.message.as_str().into(),
    }
}

/// Returns the notice about a part of a job that could not be read.
pub(super) fn unread(part: &str, job: &Job, reason: &str) -> Notice {
    let text = format!("cannot read the {part} of {}: {reason}", job.reference);
    Notice::new(NoticeCode::PartsUnread, text)
}

/// Lists the events that a selector matches, page by page; an empty selector matches all. If a `continue` token has
/// expired, reads the whole list instead, as kubectl does.
///
/// # Errors
/// An error of the server or of the connection. If only a request for a later page failed, returns the events that
/// were read.
pub(super) async fn list(
    api: &Api,
    namespace: &str,
    selector: &str,
    options: &RequestOptions,
) -> EventList {
    let path = path("/api/v1", Some(namespace), "events");
    let field_selector = (!selector.is_empty()).then_some(("fieldSelector", selector));
    let base_query = Vec::from_iter(field_selector);
    let mut page_size = PAGE_SIZE;
    let mut read = Events::default();
    let mut token: Option<String> = None;
    // A server that also divides the whole list into pages can let the next token expire again.
    let mut is_whole = false;
    for _ in 0..MAX_PAGES {
        let mut query = base_query.clone();
        query.extend(token.iter().map(|token| ("continue", token.as_str())));
        let request = PageRequest {
            operation: LIST,
            path: &path,
            query,
        };
        let mut page = request.send(api, &mut page_size, options, decode).await;
        if token.is_some() && !is_whole && page.as_ref().is_err_and(is_expired) {
            let whole = api.call(LIST, &path, &base_query, options, decode).await;
            if whole.is_ok() {
                is_whole = true;
                read = Events::default();
                page = whole;
            }
        }
        let page = match page {
            Err(problem) if token.is_some() => {
                read.end = Some(End::Failed(Box::new(problem)));
                return Ok(read);
            }
            page => page?,
        };
        let (events, next) = page.data;
        if next.is_some() && next == token {
            // The server has ignored the token and returned a page that was already read.
            break;
        }
        read.events.extend(events);
        read.unreadable.extend(page.unreadable);
        token = next;
        if token.is_none() {
            return Ok(read);
        }
    }
    read.end = Some(End::TooLong);
    Ok(read)
}

/// Decodes the events of a page, and the token of the next page.
fn decode(body: &[u8]) -> Result<(Vec<ObjectEvent>, Option<String>), String> {
    let mut list: ObjectList<Event> = lenient::decode_response(body)?;
    let events = list.take_rows()?;
    let with_uid = |event: Event| (event.involved_object.0.uid.0.clone(), event.into_model());
    let next = list.metadata.0.r#continue.0;
    let next = next.filter(|token| !token.is_empty());
    Ok((events.into_iter().map(with_uid).collect(), next))
}

impl Event {
    fn into_model(self) -> model::Event {
        let DefaultObject(object) = self.involved_object;
        let is_pod = object.kind.trimmed() == Some("Pod");
        let created_at = &self.metadata.0.creation_timestamp;
        let first = [&self.first_timestamp, &self.event_time, created_at];
        let observed = &self.series.0.last_observed_time;
        let last = [&self.last_timestamp, observed, &self.event_time, created_at];
        let earliest = first.into_iter().find_map(Timestamp::utc);
        let name = self.metadata.0.name.trimmed().unwrap_or_default();
        let recorded_at = time_in_name(name).or(self.event_time.utc()).or(earliest);
        let latest = last.into_iter().find_map(Timestamp::utc);
        let count = self.series.0.count.unsigned().or(self.count.unsigned());
        model::Event {
            level: self.r#type.trimmed().and_then(Level::parse),
            level_raw: self.r#type.trimmed().map(str::to_owned),
            first_at: earliest,
            last_at: latest,
            recorded_at,
            unreadable_times: UnreadableTimes {
                first: self.first_timestamp.into_unreadable(),
                last: self.last_timestamp.into_unreadable(),
            },
            count: count.or(Some(1)),
            task: object.name.0.clone().filter(|_| is_pod),
            object: Object {
                kind: object.kind.0,
                name: object.name.0,
            },
            reason: self.reason.0,
            message: self.message.0,
        }
    }
}
