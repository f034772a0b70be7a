//! Tests the reason of suspended jobs.

use super::*;

#[tokio::test]
async fn a_suspended_job_has_a_reason() {
    let suspended = |spec: Value, status: Value| (spec, status, Some("Suspended"));
    let condition = |reason: Option<&str>| json!({"conditions": [{"type": "Suspended", "status": "True", "reason": reason}]});
    let suspend = || json!({"suspend": true});
    for (kind, path, (spec, status, reason)) in [
        (
            &ARGO_WORKFLOW,
            "/workflows/x",
            suspended(suspend(), json!({"phase": "Running"})),
        ),
        (
            &ARGO_WORKFLOW,
            "/workflows/x",
            suspended(suspend(), json!({})),
        ),
        (&JOBSET, "/jobsets/x", suspended(suspend(), json!({}))),
        (&JOBSET, "/jobsets/x", suspended(suspend(), condition(None))),
        (
            &JOBSET,
            "/jobsets/x",
            (
                suspend(),
                condition(Some("SuspendedJobs")),
                Some("SuspendedJobs"),
            ),
        ),
        (
            &KUBEFLOW_JOB,
            "/pytorchjobs/x",
            suspended(json!({"runPolicy": suspend()}), json!({})),
        ),
        (
            &ARGO_WORKFLOW,
            "/workflows/x",
            (json!({}), json!({"phase": "Running"}), None),
        ),
    ] {
        let x = reference(kind, &format!("{kind}/train/x"));
        let metadata = json!({"name": "x", "namespace": "train", "uid": "1"});
        let object = json!({"metadata": metadata, "spec": spec, "status": status});
        let server = served(vec![(path, 200, object)]).await;
        let found = new_client(&server)
            .get(&x, &get_options())
            .await
            .unwrap()
            .job;
        assert_eq!(found.reason.as_deref(), reason, "{kind}: {spec} {status}");
        let is_pending = found.state == State::Pending;
        assert_eq!(is_pending, reason.is_some(), "{kind}: {spec} {status}");
    }
}
