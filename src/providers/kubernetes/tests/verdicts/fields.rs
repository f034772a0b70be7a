//! Tests that a success is undecided if any field that it depends on has another type.

use super::*;
use crate::providers::kubernetes::custom::{ARGO_WORKFLOW, JOBSET, KUBEFLOW_JOB};

/// A job that has succeeded.
struct Case {
    kind: &'static Kind,
    spec: Value,
    status: Value,
    /// JSON pointers of fields that the success does not depend on.
    ignored: &'static [&'static str],
}

/// Adds the JSON pointers of all values in a value.
fn add_pointers(value: &Value, pointer: &str, into: &mut Vec<String>) {
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, part)| (key.clone(), part))
            .collect(),
        Value::Array(list) => (0..list.len())
            .map(|at| (at.to_string(), &list[at]))
            .collect(),
        _ => Vec::new(),
    };
    for (key, part) in parts {
        let pointer = format!("{pointer}/{key}");
        add_pointers(part, &pointer, into);
        into.push(pointer);
    }
}

fn kubernetes_cases() -> [Case; 2] {
    let job = Case {
        kind: &JOB,
        spec: json!({"completions": 2, "completionMode": "Indexed"}),
        status: json!({
            "active": 0, "ready": 0, "succeeded": 2, "failed": 0, "completedIndexes": "0-1",
            "failedIndexes": "", "conditions": [condition("Complete", "True")],
        }),
        ignored: &["/status/ready", "/status/conditions/0/message"],
    };
    let terminated = json!({"exitCode": 0, "signal": 0, "reason": "Completed"});
    let states = json!({"terminated": terminated, "running": null, "waiting": null});
    let pod = Case {
        kind: &POD,
        spec: json!({"containers": [{"name": "a"}], "initContainers": [{"name": "i"}]}),
        status: json!({
            "phase": "Succeeded", "reason": "",
            "containerStatuses": [{"name": "a", "state": states}],
            "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 0}}}],
        }),
        ignored: &[
            "/spec/initContainers",
            "/spec/initContainers/0",
            "/spec/initContainers/0/name",
        ],
    };
    [job, pod]
}

fn custom_cases() -> [Case; 4] {
    let volcano = Case {
        kind: &VOLCANO_JOB,
        spec: json!({}),
        status: json!({
            "state": {"phase": "Completed"}, "pending": 0, "running": 0, "succeeded": 2, "failed": 0,
            "unknown": 0, "terminating": 0,
        }),
        ignored: &["/status/terminating"],
    };
    let ended = |count: u8| json!({"active": 0, "succeeded": count, "failed": 0});
    let kubeflow = Case {
        kind: &KUBEFLOW_JOB,
        spec: json!({"pytorchReplicaSpecs": {"Master": {"replicas": 1}, "Worker": {"replicas": 2}}}),
        status: json!({
            "conditions": [condition("Succeeded", "True")],
            "replicaStatuses": {"Master": ended(1), "Worker": ended(2)},
        }),
        ignored: &[
            "/status/conditions/0/reason",
            "/status/conditions/0/message",
        ],
    };
    let jobset = Case {
        kind: &JOBSET,
        spec: json!({"replicatedJobs": [{"name": "w", "replicas": 1}]}),
        status: json!({
            "terminalState": "Completed", "conditions": [condition("Completed", "True")],
            "replicatedJobsStatus": [{"name": "w", "active": 0, "succeeded": 1, "failed": 0}],
        }),
        ignored: &[
            "/status/conditions/0/reason",
            "/status/conditions/0/message",
        ],
    };
    let argo = Case {
        kind: &ARGO_WORKFLOW,
        spec: json!({}),
        status: json!({
            "phase": "Succeeded",
            "nodes": {
                "x": {"name": "x", "type": "DAG", "phase": "Succeeded"},
                "x-1": {"name": "x.onExit", "phase": "Succeeded"},
            },
        }),
        // A node without a readable name could be any node.
        ignored: &[
            "/status/nodes/x/name",
            "/status/nodes/x/type",
            "/status/nodes/x-1/name",
        ],
    };
    [volcano, kubeflow, jobset, argo]
}

#[tokio::test]
async fn a_success_is_undecided_if_any_field_that_it_depends_on_has_another_type() {
    for case in kubernetes_cases().into_iter().chain(custom_cases()) {
        let metadata = json!({"name": "x", "namespace": "ci", "uid": "1"});
        let object = json!({"metadata": metadata, "spec": case.spec, "status": case.status});
        let found = get(case.kind, object.clone()).await.unwrap();
        assert_eq!(found.state, State::Succeeded, "{}", case.kind);
        let mut pointers = Vec::new();
        for part in ["/spec", "/status"] {
            add_pointers(&object[&part[1..]], part, &mut pointers);
            pointers.push(part.to_owned());
        }
        for pointer in pointers {
            let mut mutated = object.clone();
            let field = mutated.pointer_mut(&pointer).unwrap();
            *field = match field.is_object() || field.is_array() {
                true => json!("text"),
                false => json!(["x"]),
            };
            let found = get(case.kind, mutated).await.unwrap();
            let expected = match case.ignored.contains(&pointer.as_str()) {
                true => State::Succeeded,
                false => State::Unknown,
            };
            assert_eq!(found.state, expected, "{} {pointer}", case.kind);
        }
    }
}
