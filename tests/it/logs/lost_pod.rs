//! Jobs with a pod that has failed, whose log cannot be read, and a pod that has replaced it.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Run, Server, http, joblens};

const JOB: &str = "kubernetes/job/ci/j";

/// The response to a request for the log of the lost pod.
type LostLog = fn() -> Vec<u8>;

/// Runs `logs` for a job whose first pod was evicted, and which ends once the log of its second pod was read twice.
fn logs(lost_log: LostLog, options: &[&str]) -> Run {
    let read: Arc<AtomicUsize> = Arc::default();
    let server = Server::start(move |_, request, connection| {
        let target = request.target();
        let has_ended = read.load(Ordering::SeqCst) >= 2;
        let response = match target {
            _ if target.contains("follow=true") => http("400 Bad Request", "", b"{}"),
            _ if target.contains("/pods/j-a/log") => lost_log(),
            _ if target.contains("/log") => {
                read.fetch_add(1, Ordering::SeqCst);
                let has_times = target.contains("timestamps=true");
                let time = if has_times {
                    "2026-11-27T00:02:00.5Z "
                } else {
                    ""
                };
                http("200 OK", "", format!("{time}one\n").as_bytes())
            }
            _ if target.contains("/pods") => ok(&pods(has_ended)),
            _ if target.contains("/jobs/j") => ok(&job(has_ended)),
            _ => ok(&json!({"kind": "List", "items": []})),
        };
        let _ = connection.write_all(&response);
    });
    let arguments = [&["logs", "--max-attempts", "1"], options, &[JOB]];
    joblens(&arguments.concat())
        .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
        .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
        .with_secret("tok-given")
        .start(Stdio::piped(), Stdio::piped())
        .end()
}

fn ok(body: &Value) -> Vec<u8> {
    http("200 OK", "", body.to_string().as_bytes())
}

fn status(code: u16, reason: &str, message: &str) -> Vec<u8> {
    let body = json!({
        "kind": "Status", "status": "Failure", "reason": reason, "code": code, "message": message,
    });
    http(&format!("{code} {reason}"), "", body.to_string().as_bytes())
}

/// The response about a container that was removed.
fn removed() -> Vec<u8> {
    let message = "container \"main\" in pod \"j-a\" is terminated";
    status(400, "BadRequest", message)
}

/// The response about a node that was lost.
fn no_node() -> Vec<u8> {
    status(500, "InternalError", "dial tcp 10.0.0.9:10250: i/o timeout")
}

fn job(has_ended: bool) -> Value {
    let conditions = json!([{"type": "Complete", "status": "True"}]);
    let status = match has_ended {
        true => json!({"succeeded": 1, "failed": 1, "conditions": conditions}),
        false => json!({"active": 1, "ready": 1, "failed": 1}),
    };
    json!({"kind": "Job", "metadata": {"name": "j", "namespace": "ci", "uid": "u1"}, "status": status})
}

fn pods(have_ended: bool) -> Value {
    let succeeded = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
    let (phase, state) = match have_ended {
        true => ("Succeeded", succeeded),
        false => ("Running", json!({"running": {}})),
    };
    let main = json!([{"name": "main", "restartCount": 0, "state": state}]);
    let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"});
    let pods = [
        ("j-a", "2026-11-27T00:00:00Z", evicted),
        (
            "j-b",
            "2026-11-27T00:01:00Z",
            json!({"phase": phase, "containerStatuses": main}),
        ),
    ];
    let pods = pods.map(|(name, created_at, status)| {
        json!({
            "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "ci", "uid": name, "labels": {"job-name": "j"},
                "creationTimestamp": created_at,
                "ownerReferences": [{"kind": "Job", "name": "j", "uid": "u1", "controller": true}],
            },
            "spec": {"containers": [{"name": "main"}], "nodeName": "n1"},
            "status": status,
        })
    });
    json!({"kind": "PodList", "metadata": {"resourceVersion": "3"}, "items": pods})
}

#[test]
fn the_log_of_the_running_pod_is_printed_in_place_of_one_that_cannot_be_read() {
    for (lost_log, reason) in [
        (removed as LostLog, "has no log: it wrote nothing"),
        (no_node, "dial tcp 10.0.0.9:10250: i/o timeout"),
    ] {
        let run = logs(lost_log, &[]);
        assert_eq!((run.code, &*run.stdout), (0, "one\n"), "{}", run.stderr);
        let last = run.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("note: j-a/main"), "{}", run.stderr);
        assert!(last.contains(reason), "{}", run.stderr);
        assert!(last.ends_with("; showing j-b/main"), "{}", run.stderr);
    }
}

#[test]
fn a_log_that_is_requested_by_its_task_is_not_replaced() {
    for (lost_log, code) in [(removed as LostLog, 3), (no_node, 5)] {
        let run = logs(lost_log, &["--task", "j-a"]);
        assert_eq!((run.code, &*run.stdout), (code, ""), "{}", run.stderr);
    }
}

#[test]
fn the_pod_that_replaced_a_failed_one_is_followed_if_the_log_of_that_is_gone() {
    let run = logs(removed, &["-f", "--interval", "10ms"]);
    assert_eq!((run.code, &*run.stdout), (0, "one\n"), "{}", run.stderr);
    let notes: Vec<&str> = run.stderr.lines().collect();
    let expected = [
        "note: j-a/main: its log cannot be read: container \"main\" in pod \"j-a\" is terminated",
        "note: j-a/main failed; showing j-b/main",
    ];
    assert!(notes[1..].starts_with(&expected), "{}", run.stderr);
}
