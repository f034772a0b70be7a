//! Tests of a gate for warnings: it needs the warnings of all parts of a job, and which ones could not be
//! read.

mod all_events;
mod ended;
mod gone;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::kind::Kind;
use crate::model::{Level, State};
use crate::providers::kubernetes::CLOUD;
use crate::providers::kubernetes::custom::VOLCANO_JOB;
use crate::providers::kubernetes::job::JOB;
use crate::providers::kubernetes::pod::POD;
use crate::providers::kubernetes::workload::WORKLOAD;
use crate::providers::test_support::get_options;
use crate::providers::{EventDetail, GetResult, RequestOptions};
use crate::test_support::kinds::{client, reference};
use crate::test_support::{EmulatedState, ServerRequest, ServerResponse, TestServer, start_time};

const TIME: &str = "2026-01-02T03:04:00Z";

/// The objects on a server.
#[derive(Clone)]
struct Cluster {
    /// The object `ci/x`.
    object: Value,
    /// Pods and other objects by resource; a number is the status of the response.
    lists: HashMap<&'static str, Value>,
    /// Events, as pages.
    events: Vec<Vec<Value>>,
    /// The HTTP status of requests for the page with this number.
    refused: Option<(usize, u16)>,
    /// Every page of events has the same token of a next page.
    repeats_token: bool,
}

fn refusal(status: u16) -> ServerResponse {
    let body = match status {
        404 => {
            json!({"kind": "Status", "reason": "NotFound", "message": "jobs.batch \"x\" not found"})
        }
        _ => json!({"kind": "Status", "reason": "Refused", "message": "refused"}),
    };
    ServerResponse::json(status, &body)
}

/// Returns a cluster with a job that has these pods.
fn cluster(pods: impl Into<Value>) -> Cluster {
    let labels = json!({"matchLabels": {"app": "x"}});
    Cluster {
        object: json!({
            "metadata": {"name": "x", "namespace": "ci", "uid": "own", "creationTimestamp": TIME},
            "spec": {"selector": labels, "replicas": 1, "template": {"metadata": {"labels": {"app": "x"}}}},
            "status": {"active": 1, "startTime": TIME, "state": {"phase": "Running"}},
        }),
        lists: HashMap::from([("pods", pods.into())]),
        events: vec![Vec::new()],
        refused: None,
        repeats_token: false,
    }
}

fn pod(uid: &str, is_well: bool) -> Value {
    let running = json!({"running": {"startedAt": TIME}});
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}});
    let state = if is_well { running } else { waiting };
    json!({
        "metadata": {"name": format!("x-{uid}"), "namespace": "ci", "uid": uid, "creationTimestamp": TIME},
        "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": "main", "ready": is_well, "state": state}],
        },
    })
}

fn pods(count: usize, is_well: bool) -> Vec<Value> {
    let uids = (0..count).map(|number| format!("p{number}"));
    uids.map(|uid| pod(&uid, is_well)).collect()
}

/// Returns a warning about an object, with the UID as its text.
fn warning(kind: &str, uid: &str) -> Value {
    json!({
        "involvedObject": {"kind": kind, "name": format!("x-{uid}"), "uid": uid}, "type": "Warning",
        "reason": uid, "firstTimestamp": TIME, "lastTimestamp": TIME, "count": 1,
    })
}

impl Cluster {
    fn with_events(mut self, events: &[Value]) -> Self {
        self.events = vec![events.to_vec()];
        self
    }

    fn with_list(mut self, resource: &'static str, list: impl Into<Value>) -> Self {
        self.lists.insert(resource, list.into());
        self
    }

    fn respond(&self, request: &ServerRequest) -> ServerResponse {
        let query: HashMap<String, String> = url::form_urlencoded::parse(request.query.as_bytes())
            .into_owned()
            .collect();
        let body = match request.path.rsplit('/').next() {
            Some("x") => self.object.clone(),
            Some("events") => match self.refuses(&query) {
                Some(status) => json!(status),
                None => self.page(&query),
            },
            Some(resource) => self.lists.get(resource).cloned().unwrap_or(json!([])),
            None => json!({}),
        };
        match &body {
            Value::Number(status) => refusal(status.as_u64().unwrap() as u16),
            Value::Array(items) => {
                ServerResponse::json(200, &json!({"kind": "List", "items": items}))
            }
            other => ServerResponse::json(200, other),
        }
    }

    /// Returns the HTTP status of a request for events that is refused.
    fn refuses(&self, query: &HashMap<String, String>) -> Option<u16> {
        let number = query.get("continue").map_or("0", String::as_str);
        let (refused, status) = self.refused?;
        (number == refused.to_string()).then_some(status)
    }

    /// Returns the events of a page that a query selects; all events without a limit.
    fn page(&self, query: &HashMap<String, String>) -> Value {
        let token = query.get("continue");
        let number = token.map_or(0, |token| token.parse().unwrap());
        let is_whole = !query.contains_key("limit");
        let events = match is_whole {
            true => self.events.concat(),
            false => self.events.get(number).cloned().unwrap_or_default(),
        };
        let selector = query["fieldSelector"].split(',');
        let is_chosen = |event: &&Value| {
            selector
                .clone()
                .all(|part| match part.split_once('=').unwrap() {
                    ("type!", word) => event["type"] != word,
                    (path, word) => {
                        let (object, field) = path.split_once('.').unwrap();
                        event[object][field] == word
                    }
                })
        };
        let events: Vec<&Value> = events.iter().filter(is_chosen).collect();
        let next = match self.repeats_token {
            true => "1".to_owned(),
            false if is_whole || number + 1 >= self.events.len() => String::new(),
            false => (number + 1).to_string(),
        };
        json!({"metadata": {"continue": next}, "kind": "List", "items": events})
    }

    async fn serve(&self) -> TestServer {
        let cluster = self.clone();
        let responder = move |request: &ServerRequest| Some(cluster.respond(request));
        let state = EmulatedState::new(Vec::new(), start_time());
        TestServer::start(&CLOUD, state, Arc::new(responder)).await
    }

    /// Returns the result of a lookup with the number of its requests for events.
    async fn get(&self, kind: &'static Kind, events: EventDetail) -> (GetResult, usize) {
        let server = self.serve().await;
        let x = reference(kind, &format!("{kind}/ci/x"));
        let client = client(&CLOUD, &server, &server.transport());
        let options = RequestOptions {
            events,
            ..get_options()
        };
        let found = client.get(&x, &options).await.unwrap();
        let requested = server.requested();
        let of_events = requested.iter().filter(|one| *one == "ListNamespacedEvent");
        (found, of_events.count())
    }

    /// Returns what a gate reads: the texts of warnings, whether there could be others, and the notices.
    async fn gate(&self, kind: &'static Kind) -> (Vec<String>, bool, Vec<String>) {
        let (found, _) = self.get(kind, EventDetail::Warnings).await;
        let notices = found.notices.into_iter().map(|notice| notice.message);
        (
            warnings(&found.job.events),
            found.job.events_unreadable,
            notices.collect(),
        )
    }
}

fn warnings(events: &[crate::model::Event]) -> Vec<String> {
    let warnings = events.iter();
    let warnings = warnings.filter(|event| event.level == Some(Level::Warning));
    let mut warnings: Vec<_> = warnings.filter_map(|event| event.reason.clone()).collect();
    warnings.sort();
    warnings
}

const KINDS: [&Kind; 3] = [&JOB, &WORKLOAD, &VOLCANO_JOB];

#[tokio::test]
async fn warnings_of_healthy_pods_count_for_a_gate() {
    let cluster = cluster(pods(2, true)).with_events(&[warning("Pod", "p1")]);
    for kind in KINDS {
        assert_eq!(
            cluster.gate(kind).await,
            (vec!["p1".to_owned()], false, vec![])
        );
        let (found, requests) = cluster.get(kind, EventDetail::ForState).await;
        assert_eq!(
            (warnings(&found.job.events).len(), requests),
            (0, 1),
            "{kind}"
        );
        assert!(!found.job.events_unreadable);
    }
}

#[tokio::test]
async fn warnings_of_all_pods_count_for_a_gate_if_many_are_unhealthy() {
    let cluster =
        cluster(pods(8, false)).with_events(&[warning("Pod", "p7"), warning("Pod", "other")]);
    for kind in KINDS {
        assert_eq!(
            cluster.gate(kind).await,
            (vec!["p7".to_owned()], false, vec![])
        );
        let (found, requests) = cluster.get(kind, EventDetail::ForState).await;
        assert_eq!(
            (warnings(&found.job.events).len(), requests),
            (0, 6),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn events_of_many_pods_are_requested_as_one_list() {
    let mut cluster = cluster(pods(400, true));
    let page = |number: usize| vec![warning("Pod", &format!("p{number}"))];
    cluster.events = (0..10).map(page).collect();
    let (found, requests) = cluster.get(&JOB, EventDetail::Warnings).await;
    assert_eq!((warnings(&found.job.events).len(), requests), (10, 20));
    assert!(!found.job.events_unreadable);
    // Events of other objects do not count.
    cluster.events[9].push(warning("Pod", "p400"));
    cluster.events[9].push(warning("Job", "p399"));
    cluster.events[9]
        .push(json!({"involvedObject": {"kind": "Pod", "name": "y"}, "type": "Warning"}));
    let (found, _) = cluster.get(&JOB, EventDetail::Warnings).await;
    assert_eq!(warnings(&found.job.events).len(), 10);
}

#[tokio::test]
async fn unreadable_or_incomplete_pods_leave_a_gate_undecided() {
    let has_more = json!({"metadata": {"continue": "1"}, "kind": "List", "items": pods(1, true)});
    let without = |field: &str| {
        let mut pod = pod("p0", true);
        pod["metadata"][field].take();
        json!([pod])
    };
    for (pods, notice) in [
        (json!(403), "cannot read the pods of"),
        (json!(500), "cannot read the pods of"),
        (has_more, "only 500 pods of"),
        (without("name"), "not all of its pods were read"),
        (without("uid"), "it or a part of it has no UID"),
    ] {
        let cluster = cluster(pods.clone());
        for kind in KINDS {
            let (_, is_unreadable, notices) = cluster.gate(kind).await;
            assert!(is_unreadable, "{kind} {pods}");
            let has = |part: &str| notices.iter().any(|text| text.contains(part));
            assert!(
                has(notice) && has("cannot read the events of"),
                "{notices:?}"
            );
            let (found, _) = cluster.get(kind, EventDetail::ForState).await;
            assert!(!found.job.events_unreadable, "{kind} {pods}");
        }
    }
}

#[tokio::test]
async fn events_are_read_page_by_page() {
    let mut cluster = cluster(pods(1, true));
    cluster.events = vec![Vec::new(), vec![warning("Job", "own")]];
    for kind in [&JOB, &POD, &WORKLOAD, &VOLCANO_JOB] {
        if kind.template.kind == "job" {
            cluster.events[1][0]["involvedObject"]["name"] = "x".into();
        }
        let (warnings, is_unreadable, _) = cluster.gate(kind).await;
        assert_eq!(
            (warnings, is_unreadable),
            (vec!["own".to_owned()], false),
            "{kind}"
        );
        let mut endless = cluster.clone();
        endless.events.resize(1000, Vec::new());
        let (found, requests) = endless.get(kind, EventDetail::ForState).await;
        assert!(
            found.job.events_unreadable && found.job.events.len() == 1,
            "{kind}"
        );
        assert_eq!(requests, 10, "{kind}");
        let notice = &found.notices.last().unwrap().message;
        assert!(notice.contains("there are more than 1"), "{notice}");
    }
}

#[tokio::test]
async fn an_object_without_a_uid_leaves_a_gate_undecided() {
    let mut cluster = cluster(pods(1, true));
    cluster.object["metadata"]["uid"].take();
    for kind in [&JOB, &POD, &WORKLOAD, &VOLCANO_JOB] {
        let (_, is_unreadable, notices) = cluster.gate(kind).await;
        assert!(
            is_unreadable && notices[0].contains("has no UID"),
            "{kind}: {notices:?}"
        );
    }
}

#[tokio::test]
async fn warnings_of_all_parts_of_a_workload_count_for_a_gate() {
    let service = |number: usize| {
        json!({
            "metadata": {"name": format!("s{number}"), "uid": format!("s{number}")},
            "spec": {"selector": {"app": "x"}},
        })
    };
    let services = |count: usize| (0..count).map(service).collect::<Vec<_>>();
    let events = [warning("Service", "s3"), warning("Pod", "p0")];
    for pods in [pods(1, true), pods(8, true)] {
        let cluster = cluster(pods)
            .with_list("services", services(4))
            .with_events(&events);
        let (warnings, is_unreadable, _) = cluster.gate(&WORKLOAD).await;
        assert_eq!(
            (warnings, is_unreadable),
            (vec!["p0".to_owned(), "s3".to_owned()], false)
        );
    }
    let mut unselected = cluster(pods(1, true));
    unselected.object["spec"]["selector"].take();
    assert!(unselected.gate(&WORKLOAD).await.1);
    let has_more = json!({"metadata": {"continue": "1"}, "kind": "List", "items": []});
    for (resource, list) in [
        ("services", json!(403)),
        ("replicasets", json!(403)),
        ("services", has_more.clone()),
        ("replicasets", has_more),
    ] {
        let (_, is_unreadable, _) = cluster(pods(1, true))
            .with_list(resource, list.clone())
            .gate(&WORKLOAD)
            .await;
        assert!(is_unreadable, "{resource} {list}");
    }
}
