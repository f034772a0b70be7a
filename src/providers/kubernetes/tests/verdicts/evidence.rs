//! Tests that other fields of an object can contradict its state.

use super::*;
use crate::providers::RequestOptions;
use crate::providers::kubernetes::custom::{ARGO_WORKFLOW, JOBSET, KUBEFLOW_JOB};

fn pod(phase: &str, statuses: Value) -> Value {
    json!({
        "kind": "Pod", "metadata": {"name": "x", "namespace": "ci"},
        "spec": {
            "nodeName": "n", "containers": [{"name": "a"}, {"name": "b"}],
            "initContainers": [{"name": "i"}],
        },
        "status": {"phase": phase, "containerStatuses": statuses},
    })
}

fn container(name: &str, state: Value) -> Value {
    json!({"name": name, "state": state})
}

fn done(name: &str) -> Value {
    container(
        name,
        json!({"terminated": {"exitCode": 0, "reason": "Completed"}}),
    )
}

#[tokio::test]
async fn a_success_of_a_pod_is_undecided_if_a_container_contradicts_it() {
    let b = |state: Value| json!([done("a"), container("b", state)]);
    for (statuses, message) in [
        (
            b(json!({"running": {"startedAt": null}})),
            "container b is running",
        ),
        (
            b(json!({"waiting": {"reason": "CrashLoopBackOff"}})),
            "container b is waiting",
        ),
        (
            b(json!({"terminated": {"exitCode": "x"}})),
            "container b has not ended with exit code 0",
        ),
        (
            b(json!({"terminated": {"reason": "OOMKilled"}})),
            "container b has not ended with exit code 0",
        ),
        (
            b(json!({"terminated": {"exitCode": 0, "signal": 9}})),
            "container b has not ended with exit code 0",
        ),
        (b(json!("x")), "container b has no state"),
        (json!([done("a")]), "1 of 2 containers have a status"),
        (
            json!([done("a"), done("b"), done("c")]),
            "3 of 2 containers have a status",
        ),
        (json!([done("a"), done("a")]), "container b has no state"),
        (json!("x"), "the states of its containers cannot be read"),
        (
            b(json!({"terminated": {"exitCode": 0}, "running": {"startedAt": null}})),
            "container b is running",
        ),
        (
            b(json!({"terminated": {"exitCode": 0}, "running": "x"})),
            "container b is running",
        ),
        (
            b(json!({"terminated": {"exitCode": 0, "signal": [9]}})),
            "container b has not ended with exit code 0",
        ),
        (
            b(json!({"terminated": {"exitCode": 0, "reason": ["OOMKilled"]}})),
            "container b has not ended with exit code 0",
        ),
        (
            b(json!({"terminated": {"exitCode": 0, "reason": "OOMKilled"}})),
            "container b has the reason OOMKilled",
        ),
    ] {
        let found = get(&POD, pod("Succeeded", statuses.clone())).await.unwrap();
        assert_eq!(
            (found.state, found.ended, found.exit_code, found.finished_at),
            (State::Unknown, false, None, None),
            "{statuses}"
        );
        assert_eq!(found.reason, Some(Reason::SubtasksUnread));
        assert_eq!(found.unread_cause, Some(Category::InvalidResponse));
        let expected = format!("the phase is Succeeded, but {message}");
        assert_eq!(found.message, Some(expected));
    }
}

#[tokio::test]
async fn a_reason_or_an_init_container_can_contradict_the_success_of_a_pod() {
    let all = || json!([done("a"), done("b")]);
    let reason = |reason: Value| {
        let mut pod = pod("Succeeded", all());
        pod["status"]["reason"] = reason;
        pod
    };
    let with = |text: &str, init: Value| {
        let mut pod = reason(text.into());
        pod["status"]["initContainerStatuses"] = json!([container("i", init)]);
        pod
    };
    let removed = json!({"waiting": {"reason": "PodInitializing"}});
    let failed = json!({"terminated": {"exitCode": 1}});
    let killed = json!({"terminated": {"exitCode": 0, "reason": "OOMKilled"}});
    // The specification has no such init container.
    let other = |state: &Value| {
        let mut pod = reason("".into());
        pod["status"]["initContainerStatuses"] = json!([done("i"), container("j", state.clone())]);
        pod
    };
    for (pod, state) in [
        (other(&failed), State::Unknown),
        (other(&json!({"running": {}})), State::Unknown),
        (other(&done("j")["state"]), State::Succeeded),
        (with("", killed), State::Unknown),
        (pod("Succeeded", all()), State::Succeeded),
        (pod("Succeeded", json!([])), State::Succeeded),
        (pod("Succeeded", Value::Null), State::Succeeded),
        (with("", removed), State::Succeeded),
        (with("", done("i")["state"].clone()), State::Succeeded),
        (with("", failed.clone()), State::Unknown),
        (with("Evicted", done("i")["state"].clone()), State::Unknown),
        (with("", json!("x")), State::Unknown),
        (reason("OutOfcpu".into()), State::Unknown),
        (reason("OutOfnvidia.com/gpu".into()), State::Unknown),
        (reason("Shutdown".into()), State::Unknown),
        (reason("TopologyAffinityError".into()), State::Unknown),
        (reason(json!(["Evicted"])), State::Unknown),
        (reason("Evict\u{fffd}".into()), State::Unknown),
        (reason("Completed".into()), State::Succeeded),
    ] {
        let found = get(&POD, pod.clone()).await.unwrap();
        assert_eq!(found.state, state, "{pod}");
    }
}

#[tokio::test]
async fn a_pod_is_running_while_any_main_container_runs() {
    let running = || container("b", json!({"running": {"startedAt": null}}));
    let waiting = |name| container(name, json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    let failed = container("b", json!({"terminated": {"exitCode": 1}}));
    for (statuses, state) in [
        (json!([waiting("a"), running()]), State::Running),
        (json!([done("a"), running()]), State::Running),
        (json!([done("a"), done("b")]), State::Running),
        (json!(null), State::Running),
        (json!([waiting("a"), waiting("b")]), State::Starting),
        (json!([done("a"), waiting("b")]), State::Starting),
        (json!([done("a"), failed]), State::Starting),
    ] {
        let found = get(&POD, pod("Running", statuses.clone())).await.unwrap();
        assert_eq!(found.state, state, "{statuses}");
    }
}

#[tokio::test]
async fn pod_counts_of_a_job_can_contradict_its_completion() {
    let three = json!({"completions": 3});
    let indexed = json!({"completions": 3, "completionMode": "Indexed"});
    let reached = "CompletionsReached";
    for (spec, reason, counts, state) in [
        (&three, reached, json!({"succeeded": 3}), State::Succeeded),
        (&three, "", json!({"succeeded": 4}), State::Succeeded),
        (&three, reached, json!({"succeeded": 1}), State::Unknown),
        (&three, "", json!({"failed": 3}), State::Unknown),
        (
            &three,
            "SuccessPolicy",
            json!({"succeeded": 1}),
            State::Succeeded,
        ),
        (
            &three,
            "BackoffLimitExceeded",
            json!({"succeeded": 3}),
            State::Unknown,
        ),
        (
            &three,
            reached,
            json!({"succeeded": 3, "active": 1}),
            State::Unknown,
        ),
        (
            &indexed,
            reached,
            json!({"succeeded": 3, "completedIndexes": "0-2"}),
            State::Succeeded,
        ),
        (
            &indexed,
            reached,
            json!({"succeeded": 3, "completedIndexes": "0,2"}),
            State::Unknown,
        ),
        (
            &indexed,
            reached,
            json!({"succeeded": 3, "failedIndexes": "1"}),
            State::Unknown,
        ),
        (
            &Value::Null,
            reached,
            json!({"active": 1}),
            State::Succeeded,
        ),
    ] {
        let mut complete = condition("Complete", "True");
        complete["reason"] = reason.into();
        let mut job = job("ci", &[complete]);
        job["spec"] = spec.clone();
        for (name, count) in counts.as_object().unwrap() {
            job["status"][name] = count.clone();
        }
        let found = get(&JOB, job).await.unwrap();
        assert_eq!(found.state, state, "{spec} {reason} {counts}");
    }
}

#[tokio::test]
async fn other_fields_can_contradict_the_availability_of_a_deployment() {
    let with = |field: &str, value: Value| {
        let mut deployment = json!({
            "kind": "Deployment", "metadata": {"name": "x", "namespace": "ci", "generation": 1},
            "spec": {"replicas": 1},
            "status": {
                "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1,
                "availableReplicas": 1, "conditions": [condition("Available", "True")],
            },
        });
        match field {
            "spec" => deployment["spec"] = value,
            field => deployment["status"][field] = value,
        }
        deployment
    };
    let mut overdue = condition("Progressing", "False");
    overdue["reason"] = "ProgressDeadlineExceeded".into();
    let mut unreadable = overdue.clone();
    unreadable["reason"] = json!(["ProgressDeadlineExceeded"]);
    for (field, value, state) in [
        ("readyReplicas", Value::Null, State::Running),
        ("readyReplicas", json!(0), State::Starting),
        ("readyReplicas", json!("x"), State::Unknown),
        ("unavailableReplicas", json!(0), State::Running),
        ("unavailableReplicas", json!(1), State::Starting),
        ("conditions", json!([]), State::Running),
        (
            "conditions",
            json!([condition("Available", "False")]),
            State::Starting,
        ),
        ("conditions", json!([overdue]), State::Starting),
        ("conditions", json!([unreadable]), State::Unknown),
        ("spec", json!("x"), State::Unknown),
        ("spec", json!({}), State::Running),
        ("spec", json!({"replicas": -1}), State::Unknown),
    ] {
        let found = get(&WORKLOAD, with(field, value.clone())).await.unwrap();
        assert_eq!(found.state, state, "{field} {value}");
    }
}

#[tokio::test]
async fn fields_of_other_kinds_do_not_affect_the_state() {
    let is_true = |word: &str| condition(word, "True");
    let phase = |word: &str| json!({"phase": word});
    for (kind, status, state) in [
        (
            &ARGO_WORKFLOW,
            json!({"phase": "Failed", "state": phase("Succeeded")}),
            State::Failed,
        ),
        (
            &ARGO_WORKFLOW,
            json!({"phase": "Running", "state": "x"}),
            State::Running,
        ),
        (
            &KUBEFLOW_JOB,
            json!({"conditions": [is_true("Running")], "phase": "Succeeded"}),
            State::Running,
        ),
        (
            &KUBEFLOW_JOB,
            json!({"conditions": [is_true("Suspended"), is_true("Succeeded")]}),
            State::Unknown,
        ),
        (
            &VOLCANO_JOB,
            json!({"terminalState": "Completed"}),
            State::Pending,
        ),
        (
            &VOLCANO_JOB,
            json!({"state": phase("Completed"), "failed": 2}),
            State::Unknown,
        ),
        (
            &VOLCANO_JOB,
            json!({"state": phase("Completed"), "failed": 2, "succeeded": 1}),
            State::Succeeded,
        ),
        (
            &JOBSET,
            json!({"conditions": [is_true("Completed")], "terminalState": "Broken"}),
            State::Unknown,
        ),
        (
            &JOBSET,
            json!({"conditions": [is_true("Completed")], "terminalState": "Completed", "phase": "Failed"}),
            State::Succeeded,
        ),
    ] {
        let object =
            json!({"metadata": {"name": "x", "namespace": "ci", "uid": "1"}, "status": status});
        let found = get(kind, object).await.unwrap();
        assert_eq!(found.state, state, "{kind}: {status}");
    }
}

#[tokio::test]
async fn a_lookup_older_than_a_list_does_not_revert_a_failure() {
    let versioned = |version: &str, conditions: &[Value]| {
        let mut job = job("ci", conditions);
        job["metadata"]["resourceVersion"] = version.into();
        job
    };
    for (list, lookup, state) in [
        ("900", "100", State::Failed),
        ("100", "900", State::Pending),
    ] {
        let failed = versioned(list, &[condition("Failed", "True")]);
        let before = versioned(lookup, &[]);
        let responder = move |request: &ServerRequest| {
            let path = request.path.as_str();
            let body = if path.ends_with("/x") {
                before.clone()
            } else if path.ends_with("/jobs") {
                json!({"metadata": {"resourceVersion": "900"}, "kind": "List", "items": [failed]})
            } else {
                json!({"kind": "List", "items": []})
            };
            Some(ServerResponse::json(200, &body))
        };
        let state_of_emulator = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state_of_emulator, Arc::new(responder)).await;
        let client = client(&CLOUD, &server, &server.transport());
        let x = reference(&JOB, "kubernetes/job/ci/x");
        let options = RequestOptions {
            changes: Some(Arc::default()),
            ..get_options()
        };
        let rows = client.batch_get(std::slice::from_ref(&x), &options).await;
        assert_eq!(rows.unwrap()[0].as_ref().unwrap().job.state, State::Failed);
        let found = client.get(&x, &options).await.unwrap().job;
        assert_eq!(found.state, state, "{list} {lookup}");
    }
}
