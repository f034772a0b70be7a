//! Tests of requests for parts and events that hang.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::kind::Kind;
use crate::model::State;
use crate::providers::kubernetes::CLOUD;
use crate::providers::kubernetes::custom::VOLCANO_JOB;
use crate::providers::kubernetes::job::JOB;
use crate::providers::kubernetes::pod::POD;
use crate::providers::kubernetes::workload::WORKLOAD;
use crate::providers::test_support::{get_options_without_details, promptly};
use crate::providers::{EventDetail, GetResult, RequestOptions};
use crate::test_support::kinds::{client, reference};
use crate::test_support::{EmulatedState, ServerRequest, ServerResponse, TestServer, start_time};

const NEVER: Duration = Duration::from_secs(3_600);
/// A delay longer than the timeout of details.
const LATE: Duration = Duration::from_millis(300);

/// Starts a server with these jobs, where some resources respond late. Each job has a running pod.
async fn serve(jobs: &[Value], late: &'static [(&'static str, Duration)]) -> TestServer {
    let jobs = jobs.to_vec();
    let script = move |request: &ServerRequest| {
        let resource = request.path.rsplit('/').next()?;
        let list = |items: Vec<Value>| json!({"metadata": {"resourceVersion": "9"}, "kind": "List", "items": items});
        let job = || jobs.iter().find(|job| job["metadata"]["name"] == resource);
        let body = match resource {
            "pods" => list(jobs.iter().map(pod_of).collect()),
            "jobs" => list(jobs.clone()),
            _ => job().cloned().unwrap_or_else(|| list(Vec::new())),
        };
        let delay = late.iter().find(|(one, _)| *one == resource);
        let bytes = body.to_string().into_bytes();
        Some(match delay {
            Some((_, delay)) => ServerResponse::stream(Vec::new(), vec![(*delay, bytes)]),
            None => ServerResponse::json(200, &body),
        })
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    TestServer::start(&CLOUD, state, Arc::new(script)).await
}

fn job(name: &str, fields: (&str, Value), status: Value) -> Value {
    let mut job = json!({
        "metadata": {"name": name, "namespace": "ci", "uid": name, "resourceVersion": "5"},
        "spec": {}, "status": status,
    });
    job["spec"][fields.0] = fields.1;
    job
}

/// Returns a job whose pods decide its state.
fn starting(name: &str) -> Value {
    let selector = json!({"matchLabels": {"controller-uid": name}});
    let status = json!({"active": 1, "startTime": "2026-01-02T03:00:00Z"});
    job(name, ("selector", selector), status)
}

fn with_condition(word: &str) -> Value {
    let selector = json!({"matchLabels": {"controller-uid": "x"}});
    let status = json!({"conditions": [{"type": word, "status": "True"}], "phase": word, "state": {"phase": word}});
    job("x", ("selector", selector), status)
}

fn pod_of(job: &Value) -> Value {
    let name = &job["metadata"]["name"];
    json!({
        "metadata": {
            "name": format!("{}-0", name.as_str().unwrap()), "uid": "p", "namespace": "ci",
            "labels": {"controller-uid": name},
            "ownerReferences": [{"kind": "Job", "name": name, "uid": name, "controller": true}],
        },
        "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "main", "ready": true, "state": {"running": {"startedAt": "2026-01-02T03:00:01Z"}}},
        ]},
    })
}

async fn get(server: &TestServer, kind: &'static Kind, options: &RequestOptions) -> GetResult {
    let x = reference(kind, &format!("{kind}/ci/x"));
    let client = client(&CLOUD, server, &server.transport());
    promptly(client.get(&x, options)).await.unwrap()
}

fn unread(result: &GetResult) -> Vec<&str> {
    let notices = result.notices.iter();
    let unread = notices.filter_map(|notice| notice.message.strip_prefix("cannot read the "));
    unread.filter_map(|text| text.split(' ').next()).collect()
}

#[tokio::test]
async fn hanging_requests_for_parts_do_not_delay_a_decided_state() {
    let failed = with_condition("Failed");
    let mut workload = with_condition("Available");
    workload["spec"]["replicas"] = json!(0);
    for (kind, object, late, state, expected) in [
        (&JOB, &failed, "pods", State::Failed, "pods"),
        (&VOLCANO_JOB, &failed, "pods", State::Failed, "pods"),
        (&JOB, &failed, "events", State::Failed, "events"),
        (&POD, &failed, "events", State::Failed, "events"),
        (&WORKLOAD, &workload, "services", State::Pending, "services"),
        (&WORKLOAD, &workload, "pods", State::Pending, "pods"),
    ] {
        let late: &'static [_] = Box::leak(Box::new([(late, NEVER)]));
        let server = serve(std::slice::from_ref(object), late).await;
        let found = get(&server, kind, &get_options_without_details()).await;
        let advice = "; joblens describe waits longer for it";
        let mut notices = found.notices.iter().map(|notice| &notice.message);
        assert!(notices.all(|text| text.ends_with(advice)), "{found:?}");
        // On a slow machine, other parts can exceed the timeout too.
        assert!(unread(&found).contains(&expected), "{kind}: {found:?}");
        assert_eq!(found.job.state, state, "{kind}");
    }
}

#[tokio::test]
async fn late_pods_are_waited_for_if_they_decide_the_state() {
    let server = serve(&[starting("x")], &[("pods", LATE), ("events", NEVER)]).await;
    let found = get(&server, &JOB, &get_options_without_details()).await;
    assert_eq!(found.job.state, State::Running);
    assert_eq!(unread(&found), ["events"]);
}

#[tokio::test]
async fn a_gate_for_warnings_waits_for_events_unless_the_job_has_failed() {
    let options = RequestOptions {
        events: EventDetail::Warnings,
        ..get_options_without_details()
    };
    let complete = with_condition("Complete");
    let server = serve(&[complete], &[("events", LATE)]).await;
    let found = get(&server, &JOB, &options).await;
    assert!(!found.job.events_unreadable, "{:?}", found.notices);
    let server = serve(&[with_condition("Failed")], &[("events", NEVER)]).await;
    let found = get(&server, &JOB, &options).await;
    assert!(found.job.events_unreadable);
}

#[tokio::test]
async fn a_job_in_a_list_whose_pods_hang_is_left_to_a_lookup() {
    let server = serve(
        &[with_condition("Failed"), starting("y")],
        &[("pods", NEVER)],
    )
    .await;
    let client = client(&CLOUD, &server, &server.transport());
    let references = ["x", "y"].map(|name| reference(&JOB, &format!("kubernetes/job/ci/{name}")));
    let options = get_options_without_details();
    let rows = promptly(client.batch_get(&references, &options))
        .await
        .unwrap();
    let states: Vec<_> = rows.into_iter().map(|row| Some(row?.job.state)).collect();
    assert_eq!(states, [Some(State::Failed), None]);
}
