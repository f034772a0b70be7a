use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::model::{Notice, NoticeCode, State};
use crate::providers::kubernetes::CLOUD;
use crate::providers::test_support::get_options;
use crate::providers::{Client, Cursor, Filter};
use crate::test_support::kinds::{client, reference, scope};
use crate::test_support::{EmulatedState, ServerRequest, ServerResponse, TestServer, start_time};

mod choice;
mod fields;
mod lists;
mod suspended;

/// Starts a server that responds to paths with these ends any number of times, and otherwise as the emulator.
async fn served(responses: Vec<(&'static str, u16, Value)>) -> TestServer {
    let responder = move |request: &ServerRequest| {
        let target = match request.parameter("continue") {
            Some(token) => format!("{}?{token}", request.path),
            None => request.path.clone(),
        };
        let mut responses = responses.iter();
        let (_, status, body) = responses.find(|(path, ..)| target.ends_with(path))?;
        Some(ServerResponse::json(*status, body))
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    TestServer::start(&CLOUD, state, Arc::new(responder)).await
}

fn new_client(server: &TestServer) -> Box<dyn Client> {
    client(&CLOUD, server, &server.transport())
}

async fn page(client: &dyn Client, cursor: Cursor) -> Result<Page, Problem> {
    let (scope, filter) = (scope(&KUBEFLOW_JOB), Filter::default());
    client.list(&scope, &filter, cursor, &get_options()).await
}

fn object(kind: &str, uid: &str) -> Value {
    json!({
        "kind": kind, "metadata": {"name": "x", "namespace": "train", "uid": uid},
        "status": {"conditions": [{"type": "Running", "status": "True"}]},
    })
}

#[tokio::test]
async fn a_name_in_two_resources_is_an_error_but_two_api_versions_are_not() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let server = served(vec![
        (
            "v2beta1/namespaces/train/mpijobs/x",
            200,
            object("MPIJob", "1"),
        ),
        ("v1/namespaces/train/mpijobs/x", 200, object("MPIJob", "1")),
    ]);
    let server = server.await;
    let client = new_client(&server);
    for _ in 0..2 {
        let found = client.get(&x, &get_options()).await.unwrap();
        assert_eq!(found.job.state_raw.as_deref(), Some("Running"));
    }
    let server = served(vec![
        ("/pytorchjobs/x", 200, object("PyTorchJob", "1")),
        ("/tfjobs/x", 200, object("TFJob", "2")),
    ]);
    let problem = new_client(&server.await)
        .get(&x, &get_options())
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::InvalidArgument);
    assert_eq!(
        problem.message,
        "x is in several resources: pytorchjobs, tfjobs"
    );
}

#[tokio::test]
async fn a_missing_api_is_named_and_a_denied_resource_hides_no_other() {
    let wf = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let gone = |path| (path, 404, json!("404 page not found"));
    let server = served(vec![gone("/pytorchjobs/x"), gone("/pytorchjobs")]).await;
    let client = new_client(&server);
    let problem = client.get(&wf, &get_options()).await.unwrap_err();
    assert_eq!(problem.category, Category::InvalidArgument);
    assert_eq!(problem.message, "Kubeflow is not installed in the cluster");
    let list = page(&*client, Cursor::FIRST).await;
    assert_eq!(list.unwrap_err().message, problem.message);
    let denied =
        json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no"});
    let server = served(vec![
        ("/pytorchjobs/x", 403, denied.clone()),
        (
            "/tfjobs/x",
            404,
            json!({"kind": "Status", "status": "Failure", "reason": "NotFound",
            "message": "no", "details": {"name": "x"}}),
        ),
        ("/jaxjobs/x", 200, object("JAXJob", "1")),
    ]);
    let found = new_client(&server.await)
        .get(&wf, &get_options())
        .await
        .unwrap();
    assert_eq!(found.job.state_raw.as_deref(), Some("Running"));
    let server = served(vec![("/pytorchjobs/x", 403, denied)]).await;
    let problem = new_client(&server)
        .get(&wf, &get_options())
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::PermissionDenied);
}

#[tokio::test]
async fn lists_of_several_resources_are_read_one_after_the_other() {
    let list = |names: &[&str], more: &str| {
        let items = names
            .iter()
            .map(|name| json!({"metadata": {"name": name, "namespace": "train"}}));
        json!({"metadata": {"continue": more}, "kind": "List", "items": items.collect::<Vec<_>>()})
    };
    let denied =
        json!({"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no"});
    let server = served(vec![
        ("/pytorchjobs", 200, list(&["a", "b"], "more")),
        ("/pytorchjobs?more", 200, list(&["c"], "")),
        ("/tfjobs", 403, denied),
        ("/jaxjobs", 200, list(&[], "")),
        ("/trainjobs", 200, list(&["d"], "")),
    ]);
    let server = server.await;
    let client = new_client(&server);
    let (mut at, mut names, mut failed) = (Some(Cursor::FIRST), Vec::new(), 0);
    while let Some(cursor) = at {
        let page = page(&*client, cursor).await.unwrap();
        names.extend(page.rows.into_iter().map(|row| row.job.id));
        failed += page.failed_parts.len();
        at = page.next;
    }
    assert_eq!(
        (names, failed),
        (["a", "b", "c", "d"].map(str::to_owned).to_vec(), 1)
    );
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_unknown() {
    let condition = json!([{"type": "Succeeded", "status": true}]);
    for (kind, path, status) in [
        (&VOLCANO_JOB, "/jobs/x", json!({"state": "Completed"})),
        (
            &KUBEFLOW_JOB,
            "/pytorchjobs/x",
            json!({"conditions": condition}),
        ),
    ] {
        let x = reference(kind, &format!("{kind}/train/x"));
        let object = json!({"metadata": {"name": "x", "namespace": "train"}, "status": status});
        let server = served(vec![(path, 200, object)]).await;
        let found = new_client(&server).get(&x, &get_options()).await.unwrap();
        assert_eq!(found.job.state, State::Unknown, "{kind}");
    }
}

#[tokio::test]
async fn an_object_with_fields_of_two_kinds_is_read() {
    let x = reference(&JOBSET, "kubernetes/jobset/train/x");
    let object = json!({
        "metadata": {"name": "x", "namespace": "train"},
        "status": {
            "terminalState": "Completed", "phase": "Completed",
            "startTime": null, "startedAt": "2026-11-27T20:00:00Z",
        },
    });
    let server = served(vec![("/jobsets/x", 200, object)]).await;
    let found = new_client(&server).get(&x, &get_options()).await.unwrap();
    assert_eq!(found.job.state, State::Succeeded);
    assert!(found.job.started_at.is_some());
}

#[tokio::test]
async fn a_train_job_with_ready_pods_is_running_despite_the_created_condition() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let object = json!({
        "kind": "TrainJob", "metadata": {"name": "x", "namespace": "train"},
        "status": {
            "conditions": [{"type": "Created", "status": "True"}],
            "jobsStatus": [{"name": "node", "active": 1, "ready": 1}],
        },
    });
    let server = served(vec![("/trainjobs/x", 200, object)]).await;
    let found = new_client(&server).get(&x, &get_options()).await.unwrap();
    assert_eq!(found.job.state, State::Running);
}

#[tokio::test]
async fn a_job_replaced_after_its_first_poll_is_reported_as_gone() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let uid = Arc::new(AtomicUsize::new(1));
    let served_uid = Arc::clone(&uid);
    let responder = move |request: &ServerRequest| {
        let job = object("PyTorchJob", &served_uid.load(Ordering::SeqCst).to_string());
        let path = request.path.as_str();
        if path.ends_with("/pytorchjobs/x") {
            Some(ServerResponse::json(200, &job))
        } else if !path.ends_with("/pytorchjobs") {
            None
        } else if request.parameter("watch").is_some() {
            Some(ServerResponse::json(403, &json!({})))
        } else {
            let list =
                json!({"metadata": {"resourceVersion": "5"}, "kind": "List", "items": [job]});
            Some(ServerResponse::json(200, &list))
        }
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
    let client = new_client(&server);
    let mut options = get_options();
    options.changes = Some(Arc::default());
    for (number, expected) in [(1, Some(State::Running)), (2, None)] {
        uid.store(number, Ordering::SeqCst);
        let rows = client.batch_get(std::slice::from_ref(&x), &options).await;
        let row = rows.unwrap().remove(0);
        assert_eq!(row.map(|row| row.job.state), expected);
    }
    let problem = client.get(&x, &options).await.unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
    let expected = "this name now belongs to another object; the previous one is gone";
    assert_eq!(problem.message, expected);
}

#[tokio::test]
async fn a_pending_job_has_the_warning_that_explains_it() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let mut job = object("PyTorchJob", "1");
    job["status"]["conditions"] = json!([{
        "type": "Created", "status": "True", "reason": "PyTorchJobCreated",
        "message": "PyTorchJob x is created.",
    }]);
    let event = |reason: &str, level: &str| json!({"kind": "List", "items": [{"type": level, "reason": reason, "message": "no", "involvedObject": {}}]});
    let pod = json!({"kind": "List", "items": [{
        "metadata": {"name": "x-0", "uid": "2"}, "spec": {}, "status": {"phase": "Pending"},
    }]});
    let none = json!({"kind": "List", "items": []});
    for (pods, events, reason) in [
        (
            &none,
            event("FailedCreatePod", "Warning"),
            Some("FailedCreatePod"),
        ),
        (
            &pod,
            event("FailedScheduling", "Warning"),
            Some("FailedScheduling"),
        ),
        (&none, event("SuccessfulCreate", "Normal"), None),
    ] {
        let server = served(vec![
            ("/pytorchjobs/x", 200, job.clone()),
            ("/pods", 200, pods.clone()),
            ("/events", 200, events),
        ]);
        let found = new_client(&server.await)
            .get(&x, &get_options())
            .await
            .unwrap()
            .job;
        assert_eq!(
            (found.state, found.reason.as_deref()),
            (State::Pending, reason)
        );
    }
}

#[tokio::test]
async fn a_missing_job_is_requested_once_per_resource_and_poll() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    let server = served(Vec::new()).await;
    let client = new_client(&server);
    for _ in 0..2 {
        let rows = client
            .batch_get(std::slice::from_ref(&x), &get_options())
            .await;
        assert!(rows.unwrap()[0].is_none());
        let problem = client.get(&x, &get_options()).await.unwrap_err();
        assert_eq!(problem.category, Category::NotFound);
        assert_eq!(server.requested().len(), KUBEFLOW_JOBS.resources.len());
    }
}

#[tokio::test]
async fn failed_workers_of_an_mpi_job_whose_launcher_succeeded_are_a_warning() {
    let x = reference(&KUBEFLOW_JOB, "kubernetes/kubeflow-job/train/x");
    for (workers, warning) in [
        (
            json!({"active": 3, "failed": 1}),
            Some("1 of Worker have failed"),
        ),
        (json!({"succeeded": 4, "failed": 1}), None),
        (json!({"active": 4}), None),
    ] {
        let object = json!({
            "kind": "MPIJob", "metadata": {"name": "x", "namespace": "train"},
            "spec": {"mpiReplicaSpecs": {"Launcher": {"replicas": 1}, "Worker": {"replicas": 4}}},
            "status": {
                "conditions": [{"type": "Succeeded", "status": "True"}],
                "completionTime": "2026-11-27T20:00:00Z",
                "replicaStatuses": {"Launcher": {"succeeded": 1}, "Worker": workers},
            },
        });
        let server = served(vec![("v2beta1/namespaces/train/mpijobs/x", 200, object)]).await;
        let found = new_client(&server).get(&x, &get_options()).await.unwrap();
        assert_eq!((found.job.state, found.job.ended), (State::Succeeded, true));
        let notices = found.notices.into_iter();
        let mut notices = notices.filter(|notice| notice.code == NoticeCode::FailedParts);
        let text = |warning| format!("{x}: the job has succeeded, but {warning}");
        assert_eq!(
            notices.next().map(|notice| notice.message),
            warning.map(text)
        );
    }
}

#[test]
fn the_permissions_of_a_kind_name_all_resources_that_are_searched() {
    for jobs in JOBS {
        let list = jobs.kind.list.as_ref().unwrap();
        for resource in jobs.resources {
            let (path, plural) = resource.objects.path;
            let (group, _) = path["/apis/".len()..].split_once('/').unwrap();
            let name = format!("{plural}.{group}");
            for permission in [jobs.kind.get.permission, list.operation.permission] {
                assert!(permission.contains(&name), "{permission}");
            }
            assert!(
                jobs.kind.get.description.contains(resource.get.name),
                "{name}"
            );
        }
    }
    assert_eq!(
        KUBEFLOW_JOBS
            .kind
            .list
            .as_ref()
            .unwrap()
            .operation
            .permission,
        "list on pytorchjobs.kubeflow.org, tfjobs.kubeflow.org, xgboostjobs.kubeflow.org, paddlejobs.kubeflow.org, \
         jaxjobs.kubeflow.org, mpijobs.kubeflow.org, trainjobs.trainer.kubeflow.org and pods"
    );
}
