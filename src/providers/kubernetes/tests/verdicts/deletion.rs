//! Tests that a success after a request to delete the object passes no gate.

use super::failed_parts::warnings;
use super::*;
use crate::providers::kubernetes::custom::{ARGO_WORKFLOW, JOBSET, KUBEFLOW_JOB};

const BEFORE: &str = "2026-11-28T08:00:00Z";
const REQUESTED: &str = "2026-11-28T08:00:05Z";
const AFTER: &str = "2026-11-28T08:00:07Z";

/// Returns a pod that ended with exit code 0 at this time.
fn pod(ended_at: &str) -> Value {
    let ended = |code: i64, at: &str| {
        let reason = if code == 0 { "Completed" } else { "Error" };
        json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": at}})
    };
    json!({
        "kind": "Pod", "metadata": {"name": "x", "namespace": "ci"},
        "spec": {
            "nodeName": "n", "containers": [{"name": "main"}],
            "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
        },
        "status": {
            "phase": "Succeeded",
            "containerStatuses": [{"name": "main", "state": ended(0, ended_at)}],
            "initContainerStatuses": [{"name": "proxy", "state": ended(143, AFTER)}],
        },
    })
}

/// Adds a deletion to an object, requested at [`REQUESTED`].
fn deleted(mut object: Value) -> Value {
    let is_pod = object["kind"] == "Pod";
    let (end, grace) = if is_pod {
        ("2026-11-28T08:00:35Z", 30)
    } else {
        (REQUESTED, 0)
    };
    object["metadata"]["deletionTimestamp"] = end.into();
    object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    object
}

/// Checks that an object is undecided with this message, or has succeeded.
async fn check(kind: &'static Kind, object: Value, contradiction: Option<&str>) {
    let found = get(kind, object.clone()).await.unwrap();
    let Some(contradiction) = contradiction else {
        assert_eq!(found.state, State::Succeeded, "{kind}: {object}");
        return;
    };
    assert_eq!(
        (found.state, found.ended, &found.reason),
        (State::Unknown, false, &Some(Reason::SubtasksUnread)),
        "{kind}: {object}"
    );
    let text = format!("{contradiction}its deletion was requested at {REQUESTED}");
    let message = found.message.unwrap_or_default();
    assert!(message.starts_with(&text), "{message}");
}

#[tokio::test]
async fn a_pod_that_was_told_to_stop_has_not_succeeded() {
    let stopped = Some("the phase is Succeeded, but ");
    check(&POD, pod(AFTER), None).await;
    check(&POD, deleted(pod(BEFORE)), None).await;
    check(&POD, deleted(pod(REQUESTED)), stopped).await;
    check(&POD, deleted(pod(AFTER)), stopped).await;
}

#[tokio::test]
async fn a_job_whose_deletion_was_requested_before_its_end_has_not_succeeded() {
    let complete = |ended_at: &str| {
        let mut job = job("ci", &[condition("Complete", "True")]);
        job["status"]["completionTime"] = ended_at.into();
        deleted(job)
    };
    check(&JOB, complete(BEFORE), None).await;
    // The controller deletes a job in the second of its end if its TTL is 0.
    check(&JOB, complete(REQUESTED), None).await;
    let stopped = Some("the condition Complete is True, but ");
    check(&JOB, complete(AFTER), stopped).await;
}

#[tokio::test]
async fn the_same_is_true_of_custom_resources() {
    fn condition(kind: &str, at: &str) -> Value {
        json!([{"type": kind, "status": "True", "lastTransitionTime": at}])
    }
    for (kind, status, text) in [
        (
            &KUBEFLOW_JOB,
            (|at| json!({"conditions": condition("Succeeded", BEFORE), "completionTime": at}))
                as fn(&str) -> Value,
            "the condition Succeeded is True, but ",
        ),
        (
            &JOBSET,
            |at| json!({"terminalState": "Completed", "conditions": condition("Completed", at)}),
            "the condition Completed is True, but ",
        ),
        (
            &ARGO_WORKFLOW,
            |at| json!({"phase": "Succeeded", "finishedAt": at}),
            "the phase is Succeeded, but ",
        ),
        (
            &VOLCANO_JOB,
            |at| json!({"state": {"phase": "Completed", "lastTransitionTime": at}}),
            "the phase is Completed, but ",
        ),
    ] {
        let metadata = json!({"name": "x", "namespace": "ci", "uid": "1"});
        let object = |at| deleted(json!({"metadata": metadata, "status": status(at)}));
        check(kind, object(REQUESTED), None).await;
        check(kind, object(AFTER), Some(text)).await;
    }
}

#[tokio::test]
async fn a_job_that_succeeded_with_a_stopped_pod_has_a_warning() {
    let get = async |ended_at: &str| {
        let owner = json!({"kind": "Job", "name": "x", "uid": "1", "controller": true});
        let mut pod = deleted(pod(ended_at));
        pod["metadata"]["name"] = "x-1".into();
        pod["metadata"]["ownerReferences"] = json!([owner]);
        let complete = job("ci", &[condition("Complete", "True")]);
        let found = get_with_pods(&JOB, complete, json!([pod])).await.unwrap();
        (found.job.state, warnings(found))
    };
    assert_eq!(get(BEFORE).await, (State::Succeeded, vec![]));
    let (state, warnings) = get(AFTER).await;
    assert_eq!((state, warnings.len()), (State::Succeeded, 1));
    let text = "kubernetes/job/ci/x: the job has succeeded, but pod x-1 is unknown: \
                the phase is Succeeded, but its deletion was requested at";
    assert!(warnings[0].starts_with(text), "{warnings:?}");
}
