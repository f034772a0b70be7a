//! Tests that the message contains what contradicts the end of a job.

use super::*;
use crate::providers::kubernetes::custom::{ARGO_WORKFLOW, JOBSET, KUBEFLOW_JOB};

fn object(spec: &Value, status: &Value) -> Value {
    json!({
        "metadata": {"name": "x", "namespace": "ci", "uid": "1"}, "spec": spec, "status": status,
    })
}

/// Checks that a job is undecided with this message, or has succeeded.
pub(super) async fn check(
    kind: &'static Kind,
    spec: Value,
    status: Value,
    contradiction: Option<&str>,
) {
    let found = get(kind, object(&spec, &status)).await.unwrap();
    let Some(contradiction) = contradiction else {
        assert_eq!(found.state, State::Succeeded, "{kind}: {spec} {status}");
        return;
    };
    assert_eq!(
        (found.state, found.ended, &found.reason),
        (State::Unknown, false, &Some(Reason::SubtasksUnread)),
        "{kind}: {spec} {status}"
    );
    assert_eq!(found.unread_cause, Some(Category::InvalidResponse));
    assert_eq!(found.message.as_deref(), Some(contradiction));
    assert!(found.state_raw.is_some());
}

#[tokio::test]
async fn a_restarting_running_or_failed_kubeflow_job_has_not_succeeded() {
    for (word, status, contradiction) in [
        (
            "Restarting",
            "True",
            Some("the condition Succeeded is True, but the condition Restarting is True"),
        ),
        (
            "Running",
            "True",
            Some("the condition Succeeded is True, but the condition Running is True"),
        ),
        (
            "Failed",
            "True",
            Some("the condition Succeeded is True, but the condition Failed is True"),
        ),
        ("Running", "False", None),
        ("Created", "True", None),
        ("PodsHealthy", "True", None),
    ] {
        let conditions = [condition("Succeeded", "True"), condition(word, status)];
        let status = json!({"conditions": conditions});
        check(&KUBEFLOW_JOB, json!({}), status, contradiction).await;
    }
}

#[tokio::test]
async fn failed_replicas_contradict_the_success_of_a_kubeflow_job() {
    let spec = json!({
        "pytorchReplicaSpecs": {"Master": {"replicas": 1}, "Worker": {"replicas": 2}},
        "successPolicy": "AllWorkers",
    });
    let counts = |worker: Value| {
        json!({
            "conditions": [condition("Succeeded", "True")],
            "replicaStatuses": {"Master": {"succeeded": 1, "failed": 2}, "Worker": worker},
        })
    };
    for (worker, contradiction) in [
        (json!({"succeeded": 2}), None),
        (json!({"succeeded": 2, "failed": 1}), None),
        (json!({}), None),
        (json!({"active": 2, "failed": 0}), None),
        (
            json!({"succeeded": 1, "failed": 1}),
            Some("1 of Worker have failed"),
        ),
        (json!({"failed": 2}), Some("2 of Worker have failed")),
        (
            json!({"failed": "two"}),
            Some("the number of failed Worker cannot be read"),
        ),
    ] {
        let contradiction =
            contradiction.map(|text| format!("the condition Succeeded is True, but {text}"));
        check(
            &KUBEFLOW_JOB,
            spec.clone(),
            counts(worker),
            contradiction.as_deref(),
        )
        .await;
    }
}

#[tokio::test]
async fn a_failed_group_contradicts_a_jobset_success_unless_its_policy_excludes_it() {
    let spec = |policy: Value| {
        let groups = json!([{"name": "leader", "replicas": 1}, {"name": "workers", "replicas": 2}]);
        json!({"replicatedJobs": groups, "successPolicy": policy})
    };
    let status = json!({
        "terminalState": "Completed", "conditions": [condition("Completed", "True")],
        "replicatedJobsStatus": [
            {"name": "leader", "succeeded": 1, "failed": 0},
            {"name": "workers", "succeeded": 1, "failed": 1},
        ],
    });
    let failed = Some("the condition Completed is True, but 1 of workers have failed");
    let of = |operator: &str, targets: Value| json!({"operator": operator, "targetReplicatedJobs": targets});
    for (policy, contradiction) in [
        (Value::Null, failed),
        (of("All", Value::Null), failed),
        (of("All", json!([])), failed),
        (of("All", json!(["workers"])), failed),
        (of("All", json!(["leader"])), None),
        (of("Any", json!([])), None),
        (json!("x"), failed),
    ] {
        check(&JOBSET, spec(policy), status.clone(), contradiction).await;
    }
    let other = json!({"terminalState": "Broken", "conditions": [condition("Completed", "True")]});
    let contradiction = "the condition Completed is True, but the terminal state is Broken";
    check(&JOBSET, spec(Value::Null), other, Some(contradiction)).await;
}

#[tokio::test]
async fn a_failed_root_or_exit_node_contradicts_the_success_of_a_workflow() {
    let node = |name: &str, phase: &str| json!({"name": name, "type": "Pod", "phase": phase});
    for (id, node, contradiction) in [
        ("x", node("x", "Succeeded"), None),
        ("x-1", node("x[0].train(0)", "Failed"), None),
        ("x-1", node("x[0].optional", "Error"), None),
        ("x", node("x", "Failed"), Some("node x is Failed")),
        (
            "x",
            json!({"type": "DAG", "phase": "Error"}),
            Some("node x is Error"),
        ),
        (
            "x-2",
            node("x.onExit", "Failed"),
            Some("node x.onExit is Failed"),
        ),
    ] {
        let status = json!({"phase": "Succeeded", "nodes": {id: node}});
        let contradiction =
            contradiction.map(|text| format!("the phase is Succeeded, but the phase of {text}"));
        check(&ARGO_WORKFLOW, json!({}), status, contradiction.as_deref()).await;
    }
    let status = json!({"phase": "succeeded", "nodes": {"x": node("x", "Failed")}});
    let contradiction = "the phase is succeeded, but the phase of node x is Failed";
    check(&ARGO_WORKFLOW, json!({}), status, Some(contradiction)).await;
}

#[tokio::test]
async fn the_message_names_what_contradicts_the_success_of_a_job() {
    let failed = json!({"state": {"phase": "Completed"}, "failed": 2});
    let contradiction = "the phase is Completed, but 2 pods have failed, and none has succeeded";
    check(&VOLCANO_JOB, json!({}), failed, Some(contradiction)).await;
    let three = || json!({"completions": 3});
    let indexed = || json!({"completions": 3, "completionMode": "Indexed"});
    for (spec, counts, other, contradiction) in [
        (
            three(),
            json!({"succeeded": 1}),
            None,
            Some("1 of 3 pods have succeeded"),
        ),
        (
            three(),
            json!({"succeeded": 3, "active": 1}),
            None,
            Some("1 pods are active"),
        ),
        (
            json!({"parallelism": 2}),
            json!({"failed": 2}),
            None,
            Some("0 of 1 pods have succeeded"),
        ),
        (
            json!({"parallelism": 2}),
            json!({"failed": 2, "succeeded": 1}),
            None,
            None,
        ),
        (
            indexed(),
            json!({"succeeded": 3, "completedIndexes": "0,2"}),
            None,
            Some("2 of 3 indexes are complete"),
        ),
        (
            indexed(),
            json!({"succeeded": 3, "failedIndexes": "1"}),
            None,
            Some("the indexes 1 have failed"),
        ),
        (
            three(),
            json!({"succeeded": 3}),
            Some("Suspended"),
            Some("the condition Suspended is True"),
        ),
        (
            three(),
            json!({"succeeded": 3}),
            Some("FailureTarget"),
            Some("the condition FailureTarget is True"),
        ),
        (
            json!({"completions": 3, "suspend": true}),
            json!({"succeeded": 3}),
            None,
            None,
        ),
    ] {
        let mut status = counts;
        let conditions = [Some("Complete"), other].into_iter().flatten();
        let conditions: Vec<Value> = conditions.map(|word| condition(word, "True")).collect();
        status["conditions"] = json!(conditions);
        let contradiction =
            contradiction.map(|text| format!("the condition Complete is True, but {text}"));
        check(&JOB, spec, status, contradiction.as_deref()).await;
    }
}
