//! Events of objects, in the two shapes that the API has for them.

use futures_util::future::join_all;
use serde::Deserialize;

use super::object::ObjectList;
use super::{Api, path};
use crate::error::Problem;
use crate::model::{self, Job, Level, Notice, NoticeCode, Object, UnreadableTimes};
use crate::providers::api::Decoded;
use crate::providers::lenient::{self, DefaultObject, Int, Text, Timestamp};
use crate::providers::{GetOptions, GetResult};

const LIST: &str = "ListNamespacedEvent";

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

/// What a list of events has come to.
pub(super) type EventList = Result<Decoded<Vec<ObjectEvent>>, Problem>;

/// Adds the events of the objects with these UIDs to a job; a notice where they cannot be read.
pub(super) async fn add(
    api: &Api,
    namespace: &str,
    uids: &[&str],
    found: &mut GetResult,
    options: &GetOptions,
) {
    let calls = uids.iter().map(async |uid| {
        let selector = format!("involvedObject.uid={uid}");
        list(api, namespace, &selector, options).await
    });
    for events in join_all(calls).await {
        add_list(found, events, |_| true);
    }
}

/// Adds the events of a list whose objects have certain UIDs; a notice where it could not be read.
pub(super) fn add_list(
    found: &mut GetResult,
    events: EventList,
    has: impl Fn(Option<&str>) -> bool,
) {
    match events {
        Ok(read) => {
            let own = read.data.into_iter();
            let own = own.filter(|(uid, _)| has(uid.as_deref()));
            found.job.events.extend(own.map(|(_, event)| event));
            let new = read.unreadable.filter(|new| !found.notices.contains(new));
            found.notices.extend(new);
        }
        Err(problem) => {
            found.job.events_unreadable = true;
            found.notices.push(unread("events", &found.job, &problem));
        }
    }
}

/// That a part of a job could not be read.
pub(super) fn unread(what: &str, job: &Job, problem: &Problem) -> Notice {
    let text = format!(
        "cannot read the {what} of {}: {}",
        job.reference, problem.message
    );
    Notice::new(NoticeCode::PartsUnread, text)
}

/// The events that a selector chooses.
///
/// # Errors
/// An error of the server or of the connection.
pub(super) async fn list(
    api: &Api,
    namespace: &str,
    selector: &str,
    options: &GetOptions,
) -> EventList {
    let path = path("/api/v1", Some(namespace), "events");
    let query = [("fieldSelector", selector)];
    api.call(LIST, &path, &query, options, decode).await
}

fn decode(body: &[u8]) -> Result<Vec<ObjectEvent>, String> {
    let list: ObjectList<Event> = lenient::decode_response(body)?;
    let events = list.items.rows("items", Some(0))?;
    let with_uid = |event: Event| (event.involved_object.0.uid.0.clone(), event.into_model());
    Ok(events.into_iter().map(with_uid).collect())
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
        let latest = last.into_iter().find_map(Timestamp::utc);
        let count = self.series.0.count.unsigned().or(self.count.unsigned());
        model::Event {
            level: self.r#type.trimmed().and_then(Level::parse),
            level_raw: self.r#type.trimmed().map(str::to_owned),
            first_at: earliest,
            last_at: latest,
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
