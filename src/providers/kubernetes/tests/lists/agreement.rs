//! Tests that a list and a lookup derive the same state from pods, or that the list reports that it cannot.

use super::*;
use crate::kind::Kind;
use crate::providers::kubernetes::custom::{JOBSET, KUBEFLOW_JOB};

/// Returns `true` if an object has the labels that a selector of joblens requires.
fn is_selected(labels: &Value, selector: &str) -> bool {
    if let Some((label, names)) = selector.split_once(" in (") {
        let mut names = names.trim_end_matches(')').split(',');
        return names.any(|name| labels[label] == name);
    }
    let mut required = selector.split(',').map(|one| one.split_once('='));
    required.all(|one| match one {
        Some((label, value)) => labels[label] == value,
        None => labels.get(selector).is_some(),
    })
}

/// Starts a server with the jobs of a resource and with pods, which applies selectors as an API server does.
async fn serve(resource: &'static str, jobs: Vec<Value>, pods: Vec<Value>) -> TestServer {
    let responder = move |request: &ServerRequest| {
        let last = request.path.rsplit('/').next()?;
        let list = |items: &[Value]| {
            let list =
                json!({"kind": "List", "metadata": {"resourceVersion": "9"}, "items": items});
            Some(ServerResponse::json(200, &list))
        };
        if last == "pods" {
            let selector = request.parameter("labelSelector").unwrap_or_default();
            let is_active = request.parameter("fieldSelector").is_some();
            let has_ended = |pod: &Value| {
                ["Succeeded", "Failed"].contains(&pod["status"]["phase"].as_str().unwrap_or(""))
            };
            let is_wanted = |pod: &&Value| {
                is_selected(&pod["metadata"]["labels"], &selector) && !(is_active && has_ended(pod))
            };
            return list(&pods.iter().filter(is_wanted).cloned().collect::<Vec<_>>());
        }
        if last == resource {
            return list(&jobs);
        }
        let is_object = request.path.contains(&format!("/{resource}/"));
        let named = jobs.iter().find(|job| job["metadata"]["name"] == last);
        match named.filter(|_| is_object) {
            Some(job) => Some(ServerResponse::json(200, job)),
            None if last.ends_with('s') => list(&[]),
            None => Some(ServerResponse::json(
                404,
                &json!({
                    "kind": "Status", "reason": "NotFound", "details": {"name": last},
                }),
            )),
        }
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    TestServer::start(&CLOUD, state, Arc::new(responder)).await
}

/// Returns the pages of a list as one.
async fn list(client: &dyn Client, kind: &'static Kind, filter: &Filter) -> Page {
    let scope = Scope::at(kind, "default", &["ci"]).unwrap();
    let (mut all, mut at) = (Page::default(), Some(Cursor::FIRST));
    while let Some(cursor) = at {
        let page = client.list(&scope, filter, cursor, &get_options()).await;
        let page = page.unwrap();
        all.rows.extend(page.rows);
        all.notices.extend(page.notices);
        all.failed_parts.extend(page.failed_parts);
        at = page.next;
    }
    all
}

/// Checks that each job has the expected state in the list and in a lookup, and the same reason and start.
async fn check(kind: &'static Kind, server: &TestServer, expected: &[(&str, State)]) {
    let client = client(&CLOUD, server, &server.transport());
    let page = list(&*client, kind, &Filter::default()).await;
    assert_eq!(states(&page), expected);
    assert!(page.notices.is_empty(), "{:?}", page.notices);
    for row in &page.rows {
        let own = reference(kind, &row.job.reference);
        let found = client.get(&own, &get_options()).await.unwrap().job;
        let job = &row.job;
        let shown = (job.state, &job.reason, job.started_at);
        let read = (found.state, &found.reason, found.started_at);
        assert_eq!(shown, read, "{}", job.id);
    }
}

fn running() -> Value {
    let state = json!({"running": {"startedAt": "2026-01-02T03:00:05Z"}});
    json!({"phase": "Running", "containerStatuses": [
        {"name": "main", "ready": false, "state": state},
    ]})
}

fn unplaced() -> Value {
    json!({"phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
    }]})
}

/// Returns a job with its own selector, and its pod, which has no label with the name of the job.
fn manual(name: &str, app: &str, status: &Value) -> (Value, Value) {
    let mut job = job(name);
    let labels = json!({"app": app});
    job["spec"] = json!({
        "manualSelector": true, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}},
    });
    let mut pod = pod_of(name, Some("n"), status);
    pod["metadata"]["labels"] = labels;
    (job, pod)
}

#[tokio::test]
async fn the_pods_of_a_job_with_its_own_selector_are_read() {
    let (job, pod) = manual("solver", "solve", &running());
    let server = serve("jobs", vec![job], vec![pod]).await;
    check(&JOB, &server, &[("solver", State::Running)]).await;
}

#[tokio::test]
async fn a_pod_of_another_owner_is_not_that_of_a_job_that_selects_it() {
    let (job, mut pod) = manual("solver", "solve", &running());
    pod["metadata"]["ownerReferences"] = json!([{"kind": "Job", "name": "other", "uid": "o"}]);
    let server = serve("jobs", vec![job.clone()], vec![pod.clone()]).await;
    check(&JOB, &server, &[("solver", State::Starting)]).await;
    pod["metadata"]["ownerReferences"] = json!([{"kind": "ReplicaSet", "name": "web"}]);
    let server = serve("jobs", vec![job], vec![pod]).await;
    check(&JOB, &server, &[("solver", State::Starting)]).await;
}

#[tokio::test]
async fn a_job_without_a_uid_has_the_pods_that_its_selector_matches() {
    let mut job = job("train");
    job["metadata"]["uid"].take();
    job["spec"] = json!({
        "selector": {"matchLabels": {"controller-uid": "u"}},
        "template": {"metadata": {"labels": {"controller-uid": "u", "job-name": "train"}}},
    });
    let mut pod = pod_of("train", Some("n"), &running());
    pod["metadata"]["labels"]["controller-uid"] = json!("u");
    let server = serve("jobs", vec![job], vec![pod]).await;
    check(&JOB, &server, &[("train", State::Running)]).await;
}

#[tokio::test]
async fn jobs_whose_pods_one_list_does_not_select_are_starting_with_a_notice() {
    let (solver, pod) = manual("solver", "solve", &running());
    let (other, other_pod) = manual("other", "o", &running());
    let named = (job("unplaced"), pod_of("unplaced", None, &unplaced()));
    for (jobs, pods, first) in [
        (
            vec![named.0, solver.clone()],
            vec![named.1, pod.clone()],
            ("unplaced", State::Pending),
        ),
        (
            vec![other, solver],
            vec![other_pod, pod],
            ("other", State::Starting),
        ),
    ] {
        let server = serve("jobs", jobs, pods).await;
        let client = client(&CLOUD, &server, &server.transport());
        let page = super::list(&*client, &["ci"], &Filter::default()).await;
        assert_eq!(states(&page), [first, ("solver", State::Starting)]);
        let notice = &page.notices[0].message;
        assert!(
            notice.contains(
                "the pod templates of some jobs have no label job-name with the name of the job"
            ),
            "{notice}"
        );
        let running = Filter {
            states: vec![State::Running],
            ..Filter::default()
        };
        let page = super::list(&*client, &["ci"], &running).await;
        assert_eq!((page.notices.len(), page.failed_parts.len()), (0, 1));
        let rows = client
            .batch_get(
                &[reference(&JOB, "kubernetes/job/ci/solver")],
                &get_options(),
            )
            .await;
        assert!(rows.unwrap()[0].is_none(), "a lookup finds its pods");
    }
}

#[tokio::test]
async fn more_jobs_than_a_selector_names_have_the_state_of_a_lookup() {
    let names: Vec<String> = (0..51).map(|number| format!("j{number}")).collect();
    let jobs: Vec<Value> = names.iter().map(|name| job(name)).collect();
    let mut pods: Vec<Value> = names
        .iter()
        .map(|name| pod_of(name, None, &unplaced()))
        .collect();
    pods[1] = pod_of("j1", Some("n"), &running());
    pods[2] = pod_of("j2", Some("n"), &json!({"phase": "Pending"}));
    let expected: Vec<(&str, State)> = names
        .iter()
        .enumerate()
        .map(|(number, name)| match number {
            1 => (name.as_str(), State::Running),
            2 => (name.as_str(), State::Starting),
            _ => (name.as_str(), State::Pending),
        })
        .collect();
    let server = serve("jobs", jobs.clone(), pods.clone()).await;
    check(&JOB, &server, &expected).await;

    pods[50] = pod_of("j50", Some("n"), &json!({"phase": "Succeeded"}));
    let server = serve("jobs", jobs, pods).await;
    let client = client(&CLOUD, &server, &server.transport());
    let page = super::list(&*client, &["ci"], &Filter::default()).await;
    assert_eq!(states(&page)[..50], expected[..50]);
    assert_eq!(states(&page)[50], ("j50", State::Starting));
    let notice = &page.notices[0].message;
    let reason = "pods that have ended are not read for more than 50 jobs";
    assert!(notice.contains(reason), "{notice}");
    let running = Filter {
        states: vec![State::Running],
        ..Filter::default()
    };
    let page = super::list(&*client, &["ci"], &running).await;
    assert_eq!((page.notices.len(), page.failed_parts.len()), (0, 1));
}

#[tokio::test]
async fn the_pods_of_custom_resources_decide_the_states_of_rows() {
    const LABEL: &str = "jobset.sigs.k8s.io/jobset-name";
    let counts = json!([{"name": "node", "active": 1, "ready": 0}]);
    for (kind, resource, status) in [
        (&JOBSET, "jobsets", json!({"replicatedJobsStatus": counts})),
        (&KUBEFLOW_JOB, "trainjobs", json!({"jobsStatus": counts})),
    ] {
        let names = ["unplaced", "placed", "running"];
        let jobs = names.map(|name| {
            json!({
                "metadata": {
                    "name": name, "namespace": "ci", "uid": format!("uid-{name}"),
                    "creationTimestamp": "2026-01-02T03:00:00Z",
                },
                "status": status,
            })
        });
        let pods = [
            (None, unplaced()),
            (Some("n"), json!({"phase": "Pending"})),
            (Some("n"), running()),
        ];
        let pods = names.iter().zip(pods).map(|(name, (node, status))| {
            let mut pod = pod_of(&format!("{name}-node-0"), node, &status);
            pod["metadata"]["labels"] = json!({LABEL: name});
            pod["metadata"]["creationTimestamp"] = json!("2026-01-02T03:00:01Z");
            pod
        });
        let mut old = pod_of("old", Some("n"), &running());
        old["metadata"]["labels"] = json!({LABEL: "unplaced"});
        old["metadata"]["creationTimestamp"] = json!("2026-01-01T03:00:01Z");
        let pods = pods.chain([old]).collect();
        let server = serve(resource, jobs.to_vec(), pods).await;
        let expected = [
            ("unplaced", State::Pending),
            ("placed", State::Starting),
            ("running", State::Running),
        ];
        check(kind, &server, &expected).await;
    }
}

#[tokio::test]
async fn an_empty_list_of_another_application_is_an_error() {
    for body in [json!({"items": []}), json!({"items": null})] {
        let responder = move |_: &ServerRequest| Some(ServerResponse::json(200, &body));
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
        let client = client(&CLOUD, &server, &server.transport());
        let scope = Scope::at(&JOB, "default", &["ci"]).unwrap();
        let page = client
            .list(&scope, &Filter::default(), Cursor::FIRST, &get_options())
            .await;
        let problem = page.unwrap_err();
        assert_eq!(problem.category, crate::error::Category::InvalidResponse);
        let message = problem.message;
        assert!(message.contains("a kind such as JobList"), "{message}");
        let x = [reference(&JOB, "kubernetes/job/ci/x")];
        assert!(client.batch_get(&x, &get_options()).await.is_err());
    }
}
