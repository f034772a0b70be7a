//! Tests the warnings about parts of a job that succeeded.

use super::*;
use crate::model::NoticeCode;

/// Returns the messages of the warnings about failed parts.
pub(super) fn warnings(found: GetResult) -> Vec<String> {
    let notices = found.notices.into_iter();
    let notices = notices.filter(|notice| notice.code == NoticeCode::FailedParts);
    notices.map(|notice| notice.message).collect()
}

#[tokio::test]
async fn a_pod_that_succeeded_although_it_was_about_to_be_stopped_has_a_warning() {
    let get = async |phase: &str, kind: &str, status: &str| {
        let condition = json!({"type": kind, "status": status, "reason": "EvictionByEvictionAPI"});
        let terminated = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
        let pod = json!({
            "kind": "Pod", "metadata": {"name": "x", "namespace": "ci"},
            "spec": {"containers": [{"name": "a"}]},
            "status": {
                "phase": phase, "conditions": [condition],
                "containerStatuses": [{"name": "a", "state": terminated}],
            },
        });
        let found = get_with_pods(&POD, pod, json!([])).await.unwrap();
        (found.job.state, warnings(found))
    };
    let text = "kubernetes/pod/ci/x: the pod has succeeded, but its programs may have been stopped: \
                the condition DisruptionTarget is True (EvictionByEvictionAPI)";
    let found = get("Succeeded", "DisruptionTarget", "True").await;
    assert_eq!(found, (State::Succeeded, vec![text.to_owned()]));
    for (phase, kind, status) in [
        ("Succeeded", "DisruptionTarget", "False"),
        // The types of conditions are case-sensitive.
        ("Succeeded", "disruptiontarget", "True"),
        ("Failed", "DisruptionTarget", "True"),
    ] {
        assert_eq!(
            get(phase, kind, status).await.1,
            Vec::<String>::new(),
            "{phase} {kind}"
        );
    }
}

#[tokio::test]
async fn a_job_that_succeeded_with_a_pod_whose_process_was_killed_has_a_warning() {
    let get = async |reason: &str, conditions: &[Value]| {
        let owner = json!({"kind": "Job", "name": "x", "uid": "1", "controller": true});
        let terminated = json!({"terminated": {"exitCode": 0, "reason": reason}});
        let pod = json!({
            "metadata": {"name": "x-1", "namespace": "ci", "uid": "2", "ownerReferences": [owner]},
            "spec": {"nodeName": "n", "containers": [{"name": "a"}]},
            "status": {
                "phase": "Succeeded", "containerStatuses": [{"name": "a", "state": terminated}],
            },
        });
        let found = get_with_pods(&JOB, job("ci", conditions), json!([pod]))
            .await
            .unwrap();
        (found.job.state, warnings(found))
    };
    let complete = [condition("Complete", "True")];
    let text = "kubernetes/job/ci/x: the job has succeeded, but pod x-1 is unknown: \
                the phase is Succeeded, but container a has the reason OOMKilled";
    let found = get("OOMKilled", &complete).await;
    assert_eq!(found, (State::Succeeded, vec![text.to_owned()]));
    assert_eq!(
        get("Completed", &complete).await,
        (State::Succeeded, vec![])
    );
    let failed = [condition("Failed", "True")];
    assert_eq!(get("OOMKilled", &failed).await, (State::Failed, vec![]));
}

#[tokio::test]
async fn failed_pods_of_a_volcano_job_are_a_warning_or_contradict_its_success() {
    let completed = |spec: Value| {
        let status = json!({"state": {"phase": "Completed"}, "succeeded": 1, "failed": 3});
        let metadata = json!({"name": "x", "namespace": "ci", "uid": "1"});
        json!({"metadata": metadata, "spec": spec, "status": status})
    };
    let policies = json!([{"event": "TaskCompleted", "action": "CompleteJob"}]);
    let restart = json!([{"event": "PodFailed", "action": "RestartJob"}]);
    for (spec, warning) in [
        (
            json!({"minAvailable": 1}),
            "3 pods have failed; minAvailable is 1",
        ),
        (
            json!({"minAvailable": 4, "minSuccess": 1}),
            "3 pods have failed; minSuccess is 1",
        ),
        (
            json!({"minAvailable": 4, "policies": policies}),
            "3 pods have failed; a policy has completed the job",
        ),
        (
            json!({"minAvailable": 4, "tasks": [{"name": "master", "policies": policies}]}),
            "3 pods have failed; a policy has completed the job",
        ),
        (json!({}), "3 pods have failed"),
    ] {
        let found = get_with_pods(&VOLCANO_JOB, completed(spec.clone()), json!([]));
        let found = found.await.unwrap();
        assert_eq!(found.job.state, State::Succeeded, "{spec}");
        let reference = &found.job.reference;
        let text = format!("{reference}: the job has succeeded, but {warning}");
        assert_eq!(warnings(found), [text]);
    }
    let unreadable = "the number of pods that must succeed cannot be read";
    for (spec, contradiction) in [
        (
            json!({"minAvailable": 4, "policies": restart}),
            "only 1 of 4 (minAvailable) have succeeded",
        ),
        (
            json!({"minAvailable": 1, "minSuccess": 2}),
            "only 1 of 2 (minSuccess) have succeeded",
        ),
        (json!({"minAvailable": "x"}), unreadable),
        (json!({"minAvailable": 1, "minSuccess": -1}), unreadable),
    ] {
        let found = get_with_pods(&VOLCANO_JOB, completed(spec.clone()), json!([]));
        let found = found.await.unwrap();
        let text = format!("the phase is Completed, but 3 pods have failed, and {contradiction}");
        assert_eq!(
            (found.job.state, found.job.message.as_deref()),
            (State::Unknown, Some(text.as_str())),
            "{spec}"
        );
        assert!(warnings(found).is_empty());
    }
}
