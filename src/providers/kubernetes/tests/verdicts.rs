//! Tests that a response that contradicts itself, or is about another object, passes no gate.

mod conditions;
mod contradictions;
mod deletion;
mod duplicate_keys;
mod evidence;
mod failed_parts;
mod fields;
mod unreadable;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::model::{Job, Reason, State};
use crate::providers::GetResult;
use crate::providers::kubernetes::CLOUD;
use crate::providers::kubernetes::custom::VOLCANO_JOB;
use crate::providers::kubernetes::job::JOB;
use crate::providers::kubernetes::pod::POD;
use crate::providers::kubernetes::workload::WORKLOAD;
use crate::providers::test_support::get_options;
use crate::test_support::kinds::{client, reference};
use crate::test_support::{EmulatedState, ServerRequest, ServerResponse, TestServer, start_time};

/// Returns the job of a lookup of `ci/x` for this object.
async fn get(kind: &'static Kind, object: Value) -> Result<Job, Problem> {
    Ok(get_with_pods(kind, object, json!([])).await?.job)
}

/// Returns the result of a lookup of `ci/x` for this object with these pods.
async fn get_with_pods(
    kind: &'static Kind,
    object: Value,
    pods: Value,
) -> Result<GetResult, Problem> {
    let responder = move |request: &ServerRequest| {
        let is_pods = request.path.ends_with("/pods");
        let items = if is_pods { &pods } else { &Value::Null };
        let body = match request.path.ends_with("/x") {
            true => object.clone(),
            false => json!({"kind": "List", "items": items}),
        };
        Some(ServerResponse::json(200, &body))
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, Arc::new(responder)).await;
    let x = reference(kind, &format!("{kind}/ci/x"));
    let client = client(&CLOUD, &server, &server.transport());
    client.get(&x, &get_options()).await
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "R", "message": "M"})
}

fn job(namespace: &str, conditions: &[Value]) -> Value {
    json!({
        "kind": "Job", "metadata": {"name": "x", "namespace": namespace, "uid": "1"},
        "status": {"startTime": "2026-11-28T08:00:00Z", "conditions": conditions},
    })
}

#[tokio::test]
async fn an_object_of_another_namespace_or_kind_is_an_invalid_response() {
    let complete = [condition("Complete", "True")];
    let mut pod = job("ci", &complete);
    pod["kind"] = "Pod".into();
    for object in [job("prod", &complete), pod.clone()] {
        let problem = get(&JOB, object).await.unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse);
        let expected = "the requested job";
        assert!(problem.message.contains(expected), "{}", problem.message);
    }
    let state = json!({"state": {"phase": "Completed"}});
    let volcano = json!({"kind": "Job", "metadata": {"name": "x"}, "status": state});
    assert_eq!(
        get(&VOLCANO_JOB, volcano.clone()).await.unwrap().state,
        State::Succeeded
    );
    let mut other = volcano;
    other["kind"] = "CronJob".into();
    assert!(get(&VOLCANO_JOB, other).await.is_err());
    let mut own = job("ci", &complete);
    assert_eq!(
        get(&JOB, own.clone()).await.unwrap().state,
        State::Succeeded
    );
    own["kind"].take();
    own["metadata"]["namespace"].take();
    assert_eq!(get(&JOB, own).await.unwrap().state, State::Succeeded);
}

#[tokio::test]
async fn conditions_that_contradict_each_other_are_not_a_success() {
    for (first, second, state) in [
        (("Complete", "False"), ("Complete", "True"), State::Unknown),
        (
            ("FailureTarget", "True"),
            ("Complete", "True"),
            State::Unknown,
        ),
        (("Failed", "True"), ("Complete", "True"), State::Unknown),
        (
            ("Fail\u{fffd}d", "True"),
            ("Complete", "True"),
            State::Unknown,
        ),
        (
            ("SuccessCriteriaMet", "True"),
            ("Complete", "True"),
            State::Succeeded,
        ),
        (("FailureTarget", "True"), ("Failed", "True"), State::Failed),
    ] {
        let conditions = [condition(first.0, first.1), condition(second.0, second.1)];
        let job = get(&JOB, job("ci", &conditions)).await.unwrap();
        assert_eq!(job.state, state, "{first:?} {second:?}");
    }
}

#[tokio::test]
async fn a_pod_whose_main_container_failed_has_failed() {
    let pod = |main: i64, sidecar: i64| {
        let ended = |name: &str, code: i64| json!({"name": name, "state": {"terminated": {"exitCode": code, "reason": "Error"}}});
        json!({
            "kind": "Pod", "metadata": {"name": "x", "namespace": "ci"},
            "spec": {
                "nodeName": "n", "containers": [{"name": "main"}],
                "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
            },
            "status": {
                "phase": "Succeeded", "containerStatuses": [ended("main", main)],
                "initContainerStatuses": [ended("proxy", sidecar)],
            },
        })
    };
    let failed = get(&POD, pod(3, 0)).await.unwrap();
    assert_eq!((failed.state, failed.exit_code), (State::Failed, Some(3)));
    let message = failed.message.unwrap();
    assert_eq!(message, "container main: Error, exit code 3");
    let passed = get(&POD, pod(0, 143)).await.unwrap();
    assert_eq!(
        (passed.state, passed.exit_code),
        (State::Succeeded, Some(0))
    );
}

#[tokio::test]
async fn a_rollout_fails_only_if_its_progress_deadline_is_exceeded() {
    let overdue =
        |reason: &str| json!({"type": "Progressing", "status": "False", "reason": reason});
    for (available, conditions, state, reason) in [
        (
            1,
            vec![condition("ReplicaFailure", "True")],
            State::Starting,
            Some("R"),
        ),
        (
            2,
            vec![condition("ReplicaFailure", "True")],
            State::Running,
            None,
        ),
        (
            1,
            vec![
                condition("ReplicaFailure", "True"),
                overdue("ProgressDeadlineExceeded"),
            ],
            State::Failed,
            Some("ProgressDeadlineExceeded"),
        ),
        (
            1,
            vec![overdue("ReplicaSetCreateError")],
            State::Starting,
            Some("ReplicaSetCreateError"),
        ),
    ] {
        let deployment = json!({
            "kind": "Deployment", "metadata": {"name": "x", "namespace": "ci", "generation": 1},
            "spec": {"replicas": 2},
            "status": {
                "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2,
                "availableReplicas": available, "conditions": conditions,
            },
        });
        let found = get(&WORKLOAD, deployment).await.unwrap();
        assert_eq!((found.state, found.reason.as_deref()), (state, reason));
    }
}
