//! Tests that a success is undecided if a field that can contradict it cannot be read, or if a part has not ended.

use super::contradictions::check;
use super::*;
use crate::providers::kubernetes::custom::{ARGO_WORKFLOW, JOBSET, KUBEFLOW_JOB};

#[tokio::test]
async fn a_complete_job_is_undecided_if_its_counts_or_its_reason_cannot_be_read() {
    let indexed = || json!({"completions": 2, "completionMode": "Indexed"});
    let counted = |field: &str, value: Value| {
        let mut status = json!({"succeeded": 2, "completedIndexes": "0-1"});
        status[field] = value;
        status
    };
    let number = |what: &str| format!("the number of {what} pods cannot be read");
    let list = |what: &str| format!("the list of {what} indexes cannot be read");
    let lacks = |count: u8| format!("{count} of 2 indexes are complete");
    for (spec, counts, contradiction) in [
        (indexed(), counted("active", json!([1])), number("active")),
        (indexed(), counted("active", json!(-1)), number("active")),
        (
            indexed(),
            counted("succeeded", json!("x")),
            number("succeeded"),
        ),
        (indexed(), json!({"failed": "7x"}), number("failed")),
        (
            indexed(),
            counted("completedIndexes", json!(["0"])),
            list("completed"),
        ),
        (
            indexed(),
            counted("completedIndexes", json!("0,x")),
            list("completed"),
        ),
        (
            indexed(),
            counted("completedIndexes", json!("0-9999999999999999999")),
            list("completed"),
        ),
        (
            indexed(),
            counted("completedIndexes", json!("0,0")),
            lacks(1),
        ),
        (
            indexed(),
            counted("completedIndexes", json!("5-6")),
            lacks(0),
        ),
        (
            indexed(),
            counted("failedIndexes", json!(["1"])),
            list("failed"),
        ),
        (
            json!({"completions": "x"}),
            json!({"succeeded": 2}),
            "the number of completions cannot be read".to_owned(),
        ),
        (
            json!({"completions": 2, "completionMode": ["Indexed"]}),
            counted("failedIndexes", json!("1")),
            "the completion mode cannot be read".to_owned(),
        ),
        (
            json!("x"),
            json!({"succeeded": 2}),
            "the specification cannot be read".to_owned(),
        ),
    ] {
        let mut status = counts;
        status["conditions"] = json!([condition("Complete", "True")]);
        let contradiction = format!("the condition Complete is True, but {contradiction}");
        check(&JOB, spec, status, Some(&contradiction)).await;
    }
    for reason in [
        json!(["BackoffLimitExceeded"]),
        json!("BackoffLimit\u{fffd}"),
    ] {
        let mut complete = condition("Complete", "True");
        complete["reason"] = reason;
        let status = json!({"succeeded": 2, "conditions": [complete]});
        let contradiction = "the condition Complete is True, but its reason cannot be read";
        check(&JOB, indexed(), status, Some(contradiction)).await;
    }
}

#[tokio::test]
async fn a_volcano_success_is_undecided_while_pods_have_not_ended_or_cannot_be_read() {
    let running = || json!({"succeeded": 1, "running": 2});
    for (spec, counts, contradiction) in [
        (
            json!({}),
            json!({"failed": "x", "succeeded": 0}),
            Some("the number of Failed pods cannot be read"),
        ),
        (
            json!({}),
            json!({"failed": [2]}),
            Some("the number of Failed pods cannot be read"),
        ),
        (
            json!({}),
            json!({"succeeded": 2, "running": "x"}),
            Some("the number of Running pods cannot be read"),
        ),
        (
            json!({}),
            running(),
            Some("2 pods are in the phase Running"),
        ),
        (
            json!({"minSuccess": 2}),
            running(),
            Some("2 pods are in the phase Running"),
        ),
        (json!({"minSuccess": 1}), running(), None),
        (
            json!({}),
            json!({"succeeded": 1, "pending": 1}),
            Some("1 pods are in the phase Pending"),
        ),
        (json!({}), json!({"succeeded": 2, "terminating": 1}), None),
        (
            json!("x"),
            json!({}),
            Some("the specification cannot be read"),
        ),
    ] {
        let mut status = counts;
        status["state"] = json!({"phase": "Completed"});
        let contradiction = contradiction.map(|text| format!("the phase is Completed, but {text}"));
        check(&VOLCANO_JOB, spec, status, contradiction.as_deref()).await;
    }
}

#[tokio::test]
async fn groups_that_are_active_or_cannot_be_read_contradict_a_success() {
    let unreadable = Some("the number of replicas cannot be read");
    let worker = |active: i64, succeeded: i64| json!([{"name": "worker", "active": active, "ready": active, "succeeded": succeeded, "failed": 0}]);
    let two = || json!({"replicatedJobs": [{"name": "worker", "replicas": 2}]});
    for (spec, groups, contradiction) in [
        (two(), json!({"worker": {"failed": 1}}), unreadable),
        (two(), json!("x"), unreadable),
        (two(), json!(["x"]), unreadable),
        (two(), worker(1, 1), Some("1 of worker are active")),
        (two(), worker(0, 2), None),
        // Its jobs have been deleted.
        (two(), worker(0, 0), None),
        (json!({"replicatedJobs": "x"}), worker(0, 2), unreadable),
    ] {
        let completed = [condition("Completed", "True")];
        let status = json!({"conditions": completed, "replicatedJobsStatus": groups});
        let contradiction =
            contradiction.map(|text| format!("the condition Completed is True, but {text}"));
        check(&JOBSET, spec, status, contradiction.as_deref()).await;
    }
    for (groups, contradiction) in [
        (json!([{"Master": {"failed": 1}}]), unreadable),
        (json!({"Master": [{"failed": 1}]}), unreadable),
        (
            json!({"Master": {"active": "x"}}),
            Some("the number of active Master cannot be read"),
        ),
        (
            json!({"Master": {"active": 1}}),
            Some("1 of Master are active"),
        ),
        (
            json!({"Worker": {"active": 2}}),
            Some("2 of Worker are active"),
        ),
        (
            json!({"Launcher": {"succeeded": 1}, "Worker": {"active": 2}}),
            None,
        ),
        (
            json!({"Launcher": {"succeeded": 1, "failed": 1}, "Worker": {"active": 1, "failed": 1}}),
            None,
        ),
        (
            json!({"Launcher": {"failed": 1}, "Worker": {"succeeded": 1}}),
            Some("1 of Launcher have failed"),
        ),
        (
            json!({"Launcher": {"succeeded": 1}, "Worker": {"failed": "x"}}),
            Some("the number of failed Worker cannot be read"),
        ),
        (
            json!({"Master": {"succeeded": 1}, "Worker": {"failed": 1}}),
            Some("1 of Worker have failed"),
        ),
        (
            json!({"Chief": {"active": 1}, "Worker": {"succeeded": 1}}),
            Some("1 of Chief are active"),
        ),
    ] {
        let succeeded = [condition("Succeeded", "True")];
        let status = json!({"conditions": succeeded, "replicaStatuses": groups});
        let contradiction =
            contradiction.map(|text| format!("the condition Succeeded is True, but {text}"));
        check(&KUBEFLOW_JOB, json!({}), status, contradiction.as_deref()).await;
    }
}

#[tokio::test]
async fn a_root_node_that_has_not_succeeded_or_cannot_be_read_contradicts_a_success() {
    for (nodes, contradiction) in [
        (
            json!([{"name": "x", "phase": "Failed"}]),
            Some("nodes cannot be read"),
        ),
        (json!("x"), Some("nodes cannot be read")),
        (
            json!({"x": ["Failed"]}),
            Some("phase of node x cannot be read"),
        ),
        (
            json!({"x": {"phase": ["Failed"]}}),
            Some("phase of node x cannot be read"),
        ),
        (
            json!({"x-1": {"name": ["x.onExit"], "phase": "Failed"}}),
            Some("phase of node x-1 is Failed"),
        ),
        (
            json!({"x": {"phase": "Running"}}),
            Some("phase of node x is Running"),
        ),
        (json!({"x": {"phase": "Skipped"}}), None),
        (json!({"x-1": {"name": "x[0]", "phase": "Running"}}), None),
        (json!({}), None),
    ] {
        let status = json!({"phase": "Succeeded", "nodes": nodes});
        let contradiction =
            contradiction.map(|text| format!("the phase is Succeeded, but the {text}"));
        check(&ARGO_WORKFLOW, json!({}), status, contradiction.as_deref()).await;
    }
}
