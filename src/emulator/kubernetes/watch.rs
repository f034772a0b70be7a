//! Streams the changes of a list's objects.

use std::time::Duration;

use super::{FIRST_VERSION, TypeMeta, list, version};
use crate::emulator::prelude::*;
use crate::emulator::state::EmulatedJob;
use crate::sort::SortExt as _;

/// How long the server stores changes.
const HISTORY: TimeDelta = TimeDelta::minutes(5);
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(10);

/// Returns the changes from the requested version until the timeout.
pub(super) fn respond(call: &EmulatedCall<'_>, list: &WatchedList<'_>) -> HandlerResult {
    let length = Duration::from_secs(call.number("timeoutSeconds", 300, 0..=3600)?);
    let version = call
        .parameter("resourceVersion")
        .filter(|version| *version != "0");
    let mut body = Vec::new();
    let from = match version {
        Some(version) => {
            let number: i64 = version
                .parse()
                .map_err(|_| EmulatedError::Invalid("resourceVersion"))?;
            call.state.started_at + TimeDelta::milliseconds(number.saturating_sub(FIRST_VERSION))
        }
        None => {
            body = list.current()?;
            if call.parameter("sendInitialEvents") == Some("true") {
                body.extend(
                    list.bookmark(call.now(), json!({"k8s.io/initial-events-end": "true"})),
                );
            }
            call.now()
        }
    };
    if from < call.now() - HISTORY {
        let message = format!("too old resource version: {}", version.unwrap_or_default());
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": "Expired", "code": 410,
        });
        let end = vec![(Duration::ZERO, Vec::new())];
        return Ok(ServerResponse::stream(line("ERROR", &status), end));
    }
    let mut later = list.changes(from, call.now() + length)?;
    if call.parameter("allowWatchBookmarks") == Some("true") {
        let count = length.as_secs() / BOOKMARK_INTERVAL.as_secs();
        let times =
            (1..=count).map(|number| Duration::from_secs(number * BOOKMARK_INTERVAL.as_secs()));
        let times = times.chain([length]);
        later.extend(times.map(|after| (after, list.bookmark(call.now() + after, json!({})))));
    }
    later.order_by_key(|(after, _)| *after);
    later.push((length, Vec::new()));
    Ok(ServerResponse::stream(body, later))
}

/// A watched list of objects.
pub(super) struct WatchedList<'a> {
    pub call: &'a EmulatedCall<'a>,
    /// The type of its objects.
    pub type_meta: TypeMeta,
    /// Kinds of the scenario's resources that the objects belong to.
    pub resources: &'a [&'a str],
    /// Returns the objects of a resource.
    pub objects: &'a dyn Fn(&JobView<'_>) -> Vec<Value>,
}

impl WatchedList<'_> {
    /// Returns the resources in the requested namespace. A resource that only has a document does
    /// not appear in lists.
    fn jobs(&self) -> impl Iterator<Item = &EmulatedJob> {
        let namespace = self.call.segments.first();
        let jobs = self.call.state.jobs.iter();
        jobs.filter(move |job| {
            self.resources.contains(&job.kind.as_str())
                && (job.document.is_none() || !job.steps.is_empty())
                && namespace.is_none_or(|namespace| job.segments.first() == Some(namespace))
        })
    }

    /// Returns the selected objects of a resource at a time.
    fn objects_at(
        &self,
        job: &EmulatedJob,
        at: DateTime<Utc>,
    ) -> Result<Vec<Value>, EmulatedError> {
        let view = self.call.state.at(job, at);
        let mut objects = view.as_ref().map(self.objects).unwrap_or_default();
        list::select(self.call, &mut objects)?;
        Ok(objects)
    }

    fn bookmark(&self, at: DateTime<Utc>, annotations: Value) -> Vec<u8> {
        let TypeMeta { kind, api_version } = self.type_meta;
        let version = version(self.call, at);
        let metadata = json!({"resourceVersion": version, "annotations": annotations});
        line(
            "BOOKMARK",
            &json!({"kind": kind, "apiVersion": api_version, "metadata": metadata}),
        )
    }

    /// Returns the events for the current objects.
    fn current(&self) -> Result<Vec<u8>, EmulatedError> {
        let mut body = Vec::new();
        for job in self.jobs() {
            let objects = self.objects_at(job, self.call.now())?;
            body.extend(objects.iter().flat_map(|object| line("ADDED", object)));
        }
        Ok(body)
    }

    /// Returns the events within a period, each with the delay from now.
    fn changes(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<(Duration, Vec<u8>)>, EmulatedError> {
        let mut events = Vec::new();
        for job in self.jobs() {
            let changes = self.call.state.changes(job);
            for at in changes.filter(|at| from < *at && *at <= until) {
                let before = self.objects_at(job, at - TimeDelta::nanoseconds(1))?;
                let now = self.objects_at(job, at)?;
                let after = (at - self.call.now()).to_std().unwrap_or_default();
                let is_in = |objects: &[Value], object: &Value| {
                    let name = &object["metadata"]["name"];
                    objects
                        .iter()
                        .any(|other| other["metadata"]["name"] == *name)
                };
                for object in &now {
                    let kind = match is_in(&before, object) {
                        true => "MODIFIED",
                        false => "ADDED",
                    };
                    events.push((after, line(kind, object)));
                }
                for mut object in before.into_iter().filter(|object| !is_in(&now, object)) {
                    object["metadata"]["resourceVersion"] = version(self.call, at).into();
                    events.push((after, line("DELETED", &object)));
                }
            }
        }
        Ok(events)
    }
}

fn line(kind: &str, object: &Value) -> Vec<u8> {
    format!("{}\n", json!({"type": kind, "object": object})).into_bytes()
}
