use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::error::Category;
use crate::model::State;
use crate::providers::GetResult;
use crate::providers::KindOps as _;
use crate::providers::kubernetes::{
    CLOUD,
    job::{JOB, Jobs},
};
use crate::providers::request::GetRequest;
use crate::providers::test_support::{get_options, moment, profile, transport};
use crate::test_support::kinds::{client, reference};
use crate::test_support::{
    EmulatedState, Responder, ServerRequest, ServerResponse, TestServer, start_time,
};

const LABEL: &str = "batch.kubernetes.io/controller-uid";

/// Returns an active job with version 100 and the UID `new`.
fn job() -> Value {
    json!({
        "metadata": {"name": "train", "namespace": "ns", "uid": "new", "resourceVersion": "100"},
        "spec": {"selector": {"matchLabels": {LABEL: "new"}}},
        "status": {"active": 1, "startTime": "2026-01-01T00:00:00Z"},
    })
}

fn pod(name: &str, labels: &Value, phase: &str) -> Value {
    json!({
        "metadata": {"name": name, "uid": name, "labels": labels},
        "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
        "status": {"phase": phase, "containerStatuses": [
            {"name": "main", "ready": true, "state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}}},
        ]},
    })
}

fn event(uid: &str) -> Value {
    json!({"involvedObject": {"kind": "Job", "name": "train", "uid": uid}, "reason": uid})
}

/// Returns the result of a lookup and its requests, if the name of the job selects these pods.
async fn get(
    job: Option<Value>,
    named: (&'static str, Vec<Value>),
) -> (Result<GetResult, Problem>, Vec<String>) {
    let script: Responder = Arc::new(move |request: &ServerRequest| {
        let list = |version: &str, items: &[Value]| {
            let list =
                json!({"metadata": {"resourceVersion": version}, "kind": "List", "items": items});
            Some(ServerResponse::json(200, &list))
        };
        let is_of_name = request.query.contains("job-name");
        match request.path.rsplit('/').next() {
            Some("pods") if is_of_name => list(named.0, &named.1),
            Some("pods") => list("101", &[pod("exact", &json!({}), "Running")]),
            Some("events") => list("101", &[event("old"), event("new")]),
            _ => job.as_ref().map(|job| ServerResponse::json(200, job)),
        }
    });
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, script).await;
    let client = client(&CLOUD, &server, &server.transport());
    let reference = reference(&JOB, "kubernetes/job/ns/train");
    let found = client.get(&reference, &get_options()).await;
    let mut requested = server.requested();
    requested.sort();
    (found, requested)
}

fn labels_of(uid: &str) -> Value {
    json!({LABEL: uid, "job-name": "train"})
}

#[tokio::test]
async fn pods_and_events_of_an_earlier_job_of_the_same_name_are_ignored() {
    let pods = vec![
        pod("a", &labels_of("old"), "Failed"),
        pod("b", &labels_of("new"), "Running"),
    ];
    let (found, requested) = get(Some(job()), ("100", pods)).await;
    let job = found.unwrap().job;
    let pods: Vec<_> = job.tasks.iter().map(|pod| pod.id.as_deref()).collect();
    assert_eq!((job.state, pods), (State::Running, vec![Some("b")]));
    let events: Vec<_> = job
        .events
        .iter()
        .map(|event| event.reason.as_deref())
        .collect();
    assert_eq!(events, [Some("new")]);
    let once = [
        "ListNamespacedEvent",
        "ListNamespacedPod",
        "ReadNamespacedJob",
    ];
    assert_eq!(requested, once);
}

#[tokio::test]
async fn prefetched_pods_that_may_be_foreign_or_outdated_are_requested_again() {
    let mut other = job();
    other["spec"]["selector"] = json!({"matchLabels": {"app": "x"}});
    let mut unversioned = job();
    unversioned["metadata"]["resourceVersion"] = json!("abc");
    let own = || vec![pod("b", &labels_of("new"), "Pending")];
    let unlabeled = vec![pod("b", &json!({"job-name": "train"}), "Pending")];
    for (job, version, pods) in [
        (job(), "99", own()),
        (job(), "", own()),
        (job(), "100", unlabeled),
        (unversioned, "100", own()),
        (other, "100", own()),
    ] {
        let (found, requested) = get(Some(job.clone()), (version, pods)).await;
        let found = found.unwrap().job;
        assert_eq!(
            found.tasks[0].id.as_deref(),
            Some("exact"),
            "{job} {version}"
        );
        assert_eq!(found.state, State::Running);
        assert_eq!(requested.len(), 4, "{requested:?}");
    }
}

#[tokio::test]
async fn pods_of_a_job_without_a_selector_are_requested_once() {
    let mut unselected = job();
    unselected["spec"]["selector"].take();
    let pods = vec![pod("b", &json!({"job-name": "train"}), "Running")];
    let (found, requested) = get(Some(unselected), ("100", pods)).await;
    assert_eq!(found.unwrap().job.tasks[0].id.as_deref(), Some("b"));
    assert_eq!(requested.len(), 3, "{requested:?}");
}

#[tokio::test]
async fn a_missing_job_is_reported_by_the_error_of_its_own_lookup() {
    let problem = get(None, ("100", Vec::new())).await.0.unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
    assert_eq!(problem.operation.as_deref(), Some("ReadNamespacedJob"));
}

#[tokio::test(start_paused = true)]
async fn requests_for_parts_do_not_end_the_attempts_of_the_request_for_the_job() {
    let variables = [
        ("JOBLENS_KUBERNETES_ENDPOINT", "http://127.0.0.1:1"),
        ("JOBLENS_KUBERNETES_TOKEN", "t"),
    ];
    let reference = &reference(&JOB, "kubernetes/job/ns/train");
    // The order in which the requests fail is random.
    for _ in 0..20 {
        let transport = transport(moment("2026-11-27T00:00:00Z"));
        let api = Api::new(&profile(&CLOUD, &variables), &transport).unwrap();
        let options = &get_options();
        let lookup = GetRequest { reference, options };
        let problem = Jobs.get(&api, lookup).await.unwrap_err();
        assert_eq!(problem.operation.as_deref(), Some("ReadNamespacedJob"));
        assert_eq!(problem.attempts, 4);
    }
}
