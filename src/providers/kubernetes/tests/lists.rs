//! Tests of lists of jobs whose pods decide their states.

mod agreement;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::model::State;
use crate::providers::kubernetes::CLOUD;
use crate::providers::kubernetes::job::JOB;
use crate::providers::test_support::get_options;
use crate::providers::{Client, Cursor, Filter, Page};
use crate::reference::Scope;
use crate::test_support::kinds::{client, reference};
use crate::test_support::{EmulatedState, ServerRequest, ServerResponse, TestServer, start_time};

/// Returns an active job without a ready pod.
fn job(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "ci", "uid": format!("uid-{name}")},
        "spec": {"selector": {"matchLabels": {"job-name": name}}},
        "status": {"active": 1, "ready": 0, "startTime": "2026-01-02T03:00:00Z"},
    })
}

fn pod_of(job: &str, node: Option<&str>, status: &Value) -> Value {
    json!({
        "metadata": {
            "name": format!("{job}-0"), "namespace": "ci", "labels": {"job-name": job},
            "ownerReferences": [{"kind": "Job", "name": job, "uid": format!("uid-{job}")}],
        },
        "spec": {"nodeName": node, "containers": [{"name": "main"}]},
        "status": status,
    })
}

fn pods() -> Vec<Value> {
    let unplaced = json!({"phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/3 nodes are available",
    }]});
    let state = json!({"running": {"startedAt": "2026-01-02T03:00:05Z"}});
    let running = json!({"phase": "Running", "containerStatuses": [
        {"name": "main", "ready": false, "state": state},
    ]});
    vec![
        pod_of("unplaced", None, &unplaced),
        pod_of("placed", Some("n"), &json!({"phase": "Pending"})),
        pod_of("unready", Some("n"), &running),
        pod_of("other", None, &unplaced),
    ]
}

/// Starts a server with jobs, which responds with `pods` to lists of pods; returns it with the targets of
/// these requests.
async fn serve(jobs: Vec<Value>, pods: (u16, Value)) -> (TestServer, Arc<Mutex<Vec<String>>>) {
    let requested = Arc::new(Mutex::new(Vec::new()));
    let targets = Arc::clone(&requested);
    let responder = move |request: &ServerRequest| {
        let last = request.path.rsplit('/').next()?;
        let list = |items: &[Value]| json!({"metadata": {"resourceVersion": "9"}, "kind": "List", "items": items});
        let named = jobs.iter().find(|job| job["metadata"]["name"] == last);
        Some(match (last, named) {
            ("pods", _) => {
                let target = format!("{}?{}", request.path, request.query);
                targets.lock().unwrap().push(target);
                ServerResponse::json(pods.0, &pods.1)
            }
            ("jobs", _) => ServerResponse::json(200, &list(&jobs)),
            (_, Some(job)) => ServerResponse::json(200, job),
            (_, None) => ServerResponse::json(200, &list(&[])),
        })
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
    (server, requested)
}

async fn list(client: &dyn Client, namespace: &[&str], filter: &Filter) -> Page {
    let scope = Scope::at(&JOB, "default", namespace).unwrap();
    let page = client
        .list(&scope, filter, Cursor::FIRST, &get_options())
        .await;
    page.unwrap()
}

fn states(page: &Page) -> Vec<(&str, State)> {
    let rows = page.rows.iter();
    rows.map(|row| (row.job.id.as_str(), row.job.state))
        .collect()
}

#[tokio::test]
async fn a_row_has_the_same_state_and_reason_as_a_lookup() {
    let names = ["unplaced", "placed", "unready"];
    let items = (
        200,
        json!({"metadata": {}, "kind": "List", "items": pods()}),
    );
    let (server, requested) = serve(names.map(job).to_vec(), items).await;
    let client = client(&CLOUD, &server, &server.transport());
    for namespace in [&["ci"][..], &[]] {
        let page = list(&*client, namespace, &Filter::default()).await;
        let expected = [
            ("unplaced", State::Pending),
            ("placed", State::Starting),
            ("unready", State::Running),
        ];
        assert_eq!(states(&page), expected);
        assert_eq!(requested.lock().unwrap().drain(..).count(), 1);
        let reason = page.rows[0].job.reason.as_deref();
        assert_eq!(reason, Some("Unschedulable"));
        assert!(page.notices.is_empty() && page.rows.iter().all(|row| row.job.tasks.is_empty()));
    }
    for name in names {
        let of_name = (
            200,
            json!({"metadata": {}, "kind": "List", "items": pods().into_iter().filter(
            |pod| pod["metadata"]["labels"]["job-name"] == name).collect::<Vec<_>>()}),
        );
        let (server, _) = serve(vec![job(name)], of_name).await;
        let client = crate::test_support::kinds::client(&CLOUD, &server, &server.transport());
        let page = list(&*client, &["ci"], &Filter::default()).await;
        let own = reference(&JOB, &format!("kubernetes/job/ci/{name}"));
        let found = client.get(&own, &get_options()).await.unwrap().job;
        let row = &page.rows[0].job;
        let shown = (row.state, &row.reason, &row.message, row.started_at);
        let expected = (found.state, &found.reason, &found.message, found.started_at);
        assert_eq!(shown, expected, "{name}");
    }
}

#[tokio::test]
async fn pods_are_requested_only_for_rows_whose_state_they_decide() {
    let items = (
        200,
        json!({"metadata": {}, "kind": "List", "items": pods()}),
    );
    let mut running = job("unready");
    running["status"]["ready"] = json!(1);
    let (server, requested) = serve(vec![running], items.clone()).await;
    let client = client(&CLOUD, &server, &server.transport());
    let page = list(&*client, &["ci"], &Filter::default()).await;
    assert_eq!(states(&page), [("unready", State::Running)]);
    assert!(requested.lock().unwrap().is_empty());
    let (server, requested) = serve(vec![job("unplaced")], items).await;
    let client = crate::test_support::kinds::client(&CLOUD, &server, &server.transport());
    let failed = Filter {
        states: vec![State::Failed],
        ..Filter::default()
    };
    list(&*client, &["ci"], &failed).await;
    assert!(requested.lock().unwrap().is_empty());
}

#[tokio::test]
async fn active_pods_of_many_jobs_are_requested_without_job_names() {
    let jobs: Vec<_> = (0..51).map(|number| job(&format!("j{number}"))).collect();
    let items = (
        200,
        json!({"metadata": {"continue": "x"}, "kind": "List", "items": []}),
    );
    let (server, requested) = serve(jobs, items).await;
    let client = client(&CLOUD, &server, &server.transport());
    let page = list(&*client, &[], &Filter::default()).await;
    let is_starting = |(_, state): &(&str, State)| *state == State::Starting;
    assert!(states(&page).iter().all(is_starting));
    let requested = requested.lock().unwrap();
    let [target] = &requested[..] else {
        panic!("{requested:?}");
    };
    assert!(target.starts_with("/api/v1/pods?"), "{target}");
    assert!(target.contains("labelSelector=job-name&"), "{target}");
    assert!(target.contains("fieldSelector=status.phase"), "{target}");
}

#[tokio::test]
async fn jobs_whose_pods_cannot_be_read_are_starting_with_a_notice() {
    let denied = json!({"kind": "Status", "reason": "Forbidden", "message": "no"});
    let jobs = vec![job("unplaced"), job("placed")];
    let (server, _) = serve(jobs, (403, denied)).await;
    let client = client(&CLOUD, &server, &server.transport());
    let page = list(&*client, &["ci"], &Filter::default()).await;
    let starting = [("unplaced", State::Starting), ("placed", State::Starting)];
    assert_eq!(states(&page), starting);
    let notice = &page.notices[0].message;
    let text = "cannot read the pods of the jobs in kubernetes/job/ci/ that are starting, ";
    assert!(notice.starts_with(text), "{notice}");
}

#[tokio::test]
async fn a_state_filter_reports_unreadable_pods_as_a_failed_part() {
    let forbidden = json!({"kind": "Status", "reason": "Forbidden", "message": "no"});
    let part = json!({"metadata": {"continue": "x"}, "kind": "List", "items": pods()});
    for pods in [(403, forbidden), (200, part)] {
        let (server, requested) = serve(vec![job("unplaced")], pods).await;
        let client = client(&CLOUD, &server, &server.transport());
        let page = list(&*client, &["ci"], &Filter::default()).await;
        assert_eq!((page.notices.len(), page.failed_parts.len()), (1, 0));
        let pending = Filter {
            states: vec![State::Pending],
            ..Filter::default()
        };
        let page = list(&*client, &["ci"], &pending).await;
        assert_eq!((page.notices.len(), page.failed_parts.len()), (0, 1));
        let scope = Scope::at(&JOB, "default", &["ci"]).unwrap();
        let second = Cursor {
            page: 2,
            ..Cursor::FIRST
        };
        let sent = requested.lock().unwrap().len();
        let page = client.list(&scope, &pending, second, &get_options()).await;
        assert!(page.unwrap().failed_parts.is_empty(), "it was reported");
        assert_eq!(requested.lock().unwrap().len(), sent);
    }
}

#[tokio::test]
async fn a_job_name_too_long_for_a_label_is_not_used_in_a_selector() {
    let long = "x".repeat(64);
    let items = (
        200,
        json!({"metadata": {}, "kind": "List", "items": pods()}),
    );
    let (server, requested) = serve(vec![job("unplaced"), job(&long)], items).await;
    let client = client(&CLOUD, &server, &server.transport());
    let page = list(&*client, &["ci"], &Filter::default()).await;
    assert_eq!(page.rows[0].job.state, State::Pending);
    let row = &page.rows[1].job;
    assert_eq!(row.state, State::Starting);
    assert!(row.started_at.is_some(), "its pods are not known");
    assert_eq!(page.notices.len(), 1);
    assert!(!requested.lock().unwrap()[0].contains(&long));
}
