//! Streams of what changes in the objects of a list.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{FIRST_VERSION, list, version};
use crate::emulator::api::{Answer, EmulatedCall, EmulatedError};
use crate::emulator::message::ServerResponse;
use crate::emulator::state::{EmulatedJob, JobAt};

/// For so long a server knows what has changed.
const HISTORY: TimeDelta = TimeDelta::minutes(5);
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(10);
/// The objects of a resource of the scenario.
type ObjectsFn = fn(&JobAt<'_>) -> Vec<Value>;

/// The changes of the objects of these kinds, from the version of the call until its timeout.
pub(super) fn respond(call: &EmulatedCall<'_>, kinds: &[&str], objects: ObjectsFn) -> Answer {
    let source = Source {
        call,
        kinds,
        objects,
    };
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
            body = source.present()?;
            if call.parameter("sendInitialEvents") == Some("true") {
                body.extend(bookmark(
                    call,
                    call.now(),
                    json!({"k8s.io/initial-events-end": "true"}),
                ));
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
    let mut later = source.changes(from, call.now() + length)?;
    if call.parameter("allowWatchBookmarks") == Some("true") {
        let count = length.as_secs() / BOOKMARK_INTERVAL.as_secs();
        let times =
            (1..=count).map(|number| Duration::from_secs(number * BOOKMARK_INTERVAL.as_secs()));
        let times = times.chain([length]);
        later.extend(times.map(|after| (after, bookmark(call, call.now() + after, json!({})))));
    }
    later.sort_by_key(|(after, _)| *after);
    later.push((length, Vec::new()));
    Ok(ServerResponse::stream(body, later))
}

/// Where objects come from.
struct Source<'a> {
    call: &'a EmulatedCall<'a>,
    kinds: &'a [&'a str],
    objects: ObjectsFn,
}

impl Source<'_> {
    /// The resources of the namespace of the call. A document has no row in lists.
    fn jobs(&self) -> impl Iterator<Item = &EmulatedJob> {
        let namespace = self.call.segments.first();
        let jobs = self.call.state.jobs.iter();
        jobs.filter(move |job| {
            self.kinds.contains(&job.kind.as_str())
                && (job.document.is_none() || !job.steps.is_empty())
                && namespace.is_none_or(|namespace| job.segments.first() == Some(namespace))
        })
    }

    /// The selected objects of a resource at a moment.
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

    /// The events of what is there.
    fn present(&self) -> Result<Vec<u8>, EmulatedError> {
        let mut body = Vec::new();
        for job in self.jobs() {
            let objects = self.objects_at(job, self.call.now())?;
            body.extend(objects.iter().flat_map(|object| line("ADDED", object)));
        }
        Ok(body)
    }

    /// The events after one moment until another, with the time from now on.
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

fn bookmark(call: &EmulatedCall<'_>, at: DateTime<Utc>, annotations: Value) -> Vec<u8> {
    let metadata = json!({"resourceVersion": version(call, at), "annotations": annotations});
    line("BOOKMARK", &json!({"metadata": metadata}))
}

fn line(kind: &str, object: &Value) -> Vec<u8> {
    format!("{}\n", json!({"type": kind, "object": object})).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::message::ServerRequest;
    use crate::emulator::state::{EmulatedState, StateChange};
    use crate::providers::kubernetes::CLOUD;
    use crate::test_support::{emulated, start_time};

    /// The response to a watch so many milliseconds after the start, and its events: time, type, name.
    fn watch(path: &str, query: &str, after: i64) -> (ServerResponse, Vec<(u64, String, String)>) {
        let step = |after, state: &str| StateChange {
            after: Duration::from_millis(after),
            state: state.to_owned(),
            ..StateChange::default()
        };
        let job = EmulatedJob {
            kind: "kubernetes/job".to_owned(),
            segments: vec!["ci".to_owned(), "迁移".to_owned()],
            steps: vec![step(0, "Running"), step(2000, "Complete")],
            vanishes_after: Some(Duration::from_secs(3)),
            ..EmulatedJob::default()
        };
        let request = ServerRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: format!("watch=1&{query}"),
            headers: vec![(
                "authorization".to_owned(),
                "Bearer joblens-emulator-token".to_owned(),
            )],
            body: Vec::new(),
            now: start_time() + TimeDelta::milliseconds(after),
        };
        let state = EmulatedState::new(vec![job], start_time());
        let response = emulated(&CLOUD).respond(&request, &state);
        let first = (Duration::ZERO, response.body.clone());
        let pieces = std::iter::once(&first).chain(&response.later);
        let events = pieces.flat_map(|(after, piece)| {
            let lines = piece
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty());
            lines.map(|line| {
                let event: Value = serde_json::from_slice(line).unwrap();
                let name = event["object"]["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default();
                let kind = event["type"].as_str().unwrap_or_default();
                (after.as_millis() as u64, kind.to_owned(), name.to_owned())
            })
        });
        let events = events.collect();
        (response, events)
    }

    const JOBS: &str = "/apis/batch/v1/namespaces/ci/jobs";

    fn kinds(events: &[(u64, String, String)]) -> Vec<(u64, &str)> {
        events
            .iter()
            .map(|(after, kind, _)| (*after, kind.as_str()))
            .collect()
    }

    #[test]
    fn changes_come_when_they_happen() {
        let (_, events) = watch(
            JOBS,
            "resourceVersion=1500&allowWatchBookmarks=true&timeoutSeconds=11",
            500,
        );
        assert_eq!(
            kinds(&events),
            [
                (1500, "MODIFIED"),
                (2500, "DELETED"),
                (10_000, "BOOKMARK"),
                (11_000, "BOOKMARK")
            ]
        );
        let (_, past) = watch(JOBS, "resourceVersion=1500&timeoutSeconds=1", 2500);
        assert_eq!(kinds(&past), [(0, "MODIFIED"), (500, "DELETED")]);
        let (_, pods) = watch("/api/v1/pods", "resourceVersion=1500&timeoutSeconds=2", 500);
        assert_eq!(kinds(&pods), [(1500, "MODIFIED")]);
        let other = "resourceVersion=1500&timeoutSeconds=2&fieldSelector=metadata.name%3Dx";
        assert_eq!(watch(JOBS, other, 500).1, []);
    }

    #[test]
    fn a_watch_without_a_version_begins_with_what_is_there() {
        let query = "sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=0";
        let (response, events) = watch(JOBS, query, 500);
        assert_eq!(
            kinds(&events),
            [(0, "ADDED"), (0, "BOOKMARK"), (0, "BOOKMARK")]
        );
        assert_eq!(events[0].2, "迁移");
        let body = String::from_utf8(response.body).unwrap();
        assert!(body.contains("k8s.io/initial-events-end"), "{body}");
    }

    #[test]
    fn a_version_that_is_too_old_is_an_error_in_the_stream() {
        let (response, events) = watch(JOBS, "resourceVersion=1500", 600_000);
        assert_eq!((response.status, kinds(&events)), (200, vec![(0, "ERROR")]));
        let (response, _) = watch(JOBS, "resourceVersion=x", 0);
        assert_eq!(response.status, 400);
    }
}
