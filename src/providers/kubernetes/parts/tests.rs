use serde_json::{Value, json};

use super::*;

fn pods(pods: &[Value]) -> Vec<PodTask> {
    let list = json!({"kind": "List", "items": pods}).to_string();
    decode_pods(list.as_bytes()).unwrap().pods
}

/// Returns a pod with a node and one main container in this state.
fn pod(name: &str, phase: &str, main: &Value) -> Value {
    json!({
        "metadata": {"name": name, "uid": name, "creationTimestamp": "2026-11-27T20:00:01Z"},
        "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "main", "state": main}]},
    })
}

/// Adds a sidecar in this state to a pod.
fn with_sidecar(mut pod: Value, state: &Value) -> Value {
    pod["spec"]["initContainers"] = json!([{"name": "side", "restartPolicy": "Always"}]);
    pod["status"]["initContainerStatuses"] = json!([{"name": "side", "state": state}]);
    pod
}

fn exit(code: i64, minute: u32) -> Value {
    let finished_at = format!("2026-11-27T20:{minute:02}:00Z");
    json!({"terminated": {"exitCode": code, "reason": "Error", "finishedAt": finished_at}})
}

fn job(state: State, list: &[Value]) -> Job {
    let mut job = Job {
        state,
        ..Job::default()
    };
    add_pods(&mut job, pods(list), true);
    job
}

#[test]
fn a_job_is_running_once_a_container_of_a_running_pod_runs() {
    let runs = json!({"running": {"startedAt": "2026-11-27T20:00:05Z"}});
    let waits = json!({"waiting": {"reason": "ImagePullBackOff"}});
    let mut stopping = pod("p", "Running", &runs);
    stopping["metadata"]["deletionTimestamp"] = json!("2026-11-27T20:00:30Z");
    for (pod, state) in [
        (pod("p", "Running", &runs), State::Running),
        (pod("p", "Unknown", &runs), State::Starting),
        (stopping, State::Starting),
        (
            with_sidecar(pod("p", "Pending", &waits), &runs),
            State::Starting,
        ),
    ] {
        let found = job(State::Starting, std::slice::from_ref(&pod)).state;
        assert_eq!(found, state, "{pod}");
    }
}

#[test]
fn a_job_whose_pods_have_ended_waits_for_a_retry_if_the_newest_one_failed() {
    let pod_at = |name: &str, phase: &str, code: i64, minute: u32| {
        let mut pod = pod(name, phase, &exit(code, minute));
        let state = &mut pod["status"]["containerStatuses"][0]["state"]["terminated"];
        state["startedAt"] = json!(format!("2026-11-27T20:{minute:02}:00Z"));
        pod["metadata"]["creationTimestamp"] = state["startedAt"].clone();
        pod
    };
    let failed = |minute| pod_at("f", "Failed", 1, minute);
    let succeeded = |minute| pod_at("s", "Succeeded", 0, minute);
    for (list, state) in [
        (vec![failed(1)], State::Starting),
        (vec![succeeded(1), failed(2)], State::Starting),
        (vec![failed(1), succeeded(2)], State::Running),
    ] {
        let start = Time::from_rfc3339("2026-11-27T20:00:00Z");
        let mut job = Job {
            state: State::Starting,
            started_at: start,
            ..Job::default()
        };
        add_pods(&mut job, pods(&list), true);
        assert_eq!((job.state, job.started_at), (state, start));
    }
}

#[test]
fn a_job_has_started_if_it_has_had_pods() {
    let start = Time::from_rfc3339("2026-11-27T20:00:00Z");
    for has_started in [true, false] {
        let mut job = Job {
            state: State::Starting,
            started_at: start,
            has_started,
            ..Job::default()
        };
        add_pods(&mut job, Vec::new(), true);
        assert_eq!(job.started_at, start.filter(|_| has_started));
    }
}

#[test]
fn the_exit_code_of_a_sidecar_is_not_that_of_the_job() {
    let failed = |main: i64| with_sidecar(pod("p", "Failed", &exit(main, 1)), &exit(143, 2));
    let both = job(State::Failed, &[failed(2)]);
    assert_eq!(both.exit_code, Some(2));
    let message = "pod p: container main: Error, exit code 2";
    assert_eq!(both.message.as_deref(), Some(message));
    assert_eq!(job(State::Failed, &[failed(0)]).exit_code, None);
}

#[test]
fn the_cause_among_retries_is_the_pod_that_failed_last() {
    let mut retry = pod("p2", "Failed", &exit(7, 9));
    retry["metadata"]["creationTimestamp"] = json!("2026-11-27T20:05:00Z");
    let list = [retry, pod("p1", "Failed", &exit(3, 1))];
    let failed = job(State::Failed, &list);
    assert_eq!(failed.exit_code, Some(7));
    assert!(failed.message.unwrap().starts_with("pod p2: "));
}

#[test]
fn the_cause_among_parallel_pods_is_the_one_that_failed_first() {
    let list = [
        pod("p0", "Failed", &exit(143, 2)),
        pod("p1", "Failed", &exit(3, 1)),
    ];
    let failed = job(State::Failed, &list);
    assert_eq!(failed.exit_code, Some(3));
    assert!(failed.message.unwrap().starts_with("pod p1: "));
}

#[test]
fn the_cause_of_a_pod_that_was_preempted_is_its_condition() {
    let mut preempted = pod("p", "Failed", &exit(137, 1));
    preempted["status"]["conditions"] = json!([{
        "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "preempting",
    }]);
    let failed = job(State::Failed, std::slice::from_ref(&preempted));
    assert_eq!(
        (failed.exit_code, failed.message.as_deref()),
        (Some(137), Some("pod p: preempting"))
    );
    let main = &mut preempted["status"]["containerStatuses"][0]["state"]["terminated"];
    main["reason"] = json!("OOMKilled");
    let failed = job(State::Failed, &[preempted]);
    assert_eq!(failed.tasks[0].reason.as_deref(), Some("OOMKilled"));
}

#[test]
fn the_full_stop_of_a_message_is_removed_before_the_cause() {
    let mut failed = Job {
        state: State::Failed,
        message: Some("It has timed out.".to_owned()),
        ..Job::default()
    };
    add_pods(&mut failed, pods(&[pod("p", "Failed", &exit(1, 1))]), true);
    let message = "It has timed out; pod p: container main: Error, exit code 1";
    assert_eq!(failed.message.as_deref(), Some(message));
}

#[test]
fn the_cause_of_a_pod_without_an_exit_code_is_its_condition_or_message() {
    let mut lost = pod("p", "Failed", &Value::Null);
    lost["status"]["conditions"] = json!([{
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC", "message": "node is gone",
    }]);
    let failed = job(State::Failed, std::slice::from_ref(&lost));
    assert_eq!(failed.tasks[0].reason.as_deref(), Some("DeletionByPodGC"));
    assert_eq!(failed.message.as_deref(), Some("pod p: node is gone"));
    lost["status"]["conditions"] = Value::Null;
    lost["status"]["message"] = json!("Pod was lost");
    let failed = job(State::Failed, &[lost]);
    assert_eq!(failed.message.as_deref(), Some("pod p: Pod was lost"));
}

#[test]
fn pods_of_an_earlier_object_of_the_same_name_are_ignored() {
    let meta = json!({"name": "a", "uid": "u2", "creationTimestamp": "2026-11-27T20:00:00Z"});
    let owner = |kind: &str| Owner::new(kind, &serde_json::from_value(meta.clone()).unwrap());
    let of = |kind: &str, name: &str, uid: &str, created_at: &str| {
        json!({"metadata": {
            "name": "p", "creationTimestamp": created_at, "labels": {JOBSET_UID: uid},
            "ownerReferences": [{"kind": kind, "name": name, "uid": uid}],
        }})
    };
    let (old, new) = ("2026-11-27T19:00:00Z", "2026-11-27T20:00:05Z");
    for (kind, pod, is_own) in [
        ("Job", of("Job", "a", "u2", new), true),
        ("Job", of("Job", "a", "u2", old), true),
        ("Job", of("Job", "a", "u1", new), false),
        ("MPIJob", of("Job", "a-launcher", "u3", new), true),
        ("MPIJob", of("Job", "a-launcher", "u3", old), false),
        ("JobSet", of("Job", "a-w-0", "u2", new), true),
        ("JobSet", of("Job", "a-w-0", "u1", new), false),
        ("TrainJob", of("Job", "a-w-0", "u1", new), true),
    ] {
        let pods = pods(std::slice::from_ref(&pod));
        assert_eq!(owner(kind).owns(&pods[0]), is_own, "{kind}: {pod}");
    }
}
