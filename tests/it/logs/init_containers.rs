//! Containers that run before the main one while the log of their pod is followed.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{ReceivedRequest, Run, Server, http, joblens};

/// Returns the pod after its logs were read this many times.
type Pod = fn(usize) -> Value;

/// Follows the log of a pod. Each log has one line with the name of its container.
fn follow(pod: Pod) -> Run {
    let read: Arc<AtomicUsize> = Arc::default();
    let server = Server::start(move |_, request, connection| {
        let target = request.target();
        let response = match target {
            _ if target.contains("follow=true") => http("400 Bad Request", "", b"{}"),
            _ if target.contains("/log?") => {
                read.fetch_add(1, Ordering::SeqCst);
                let line = format!("2026-11-27T00:00:00.5Z {}\n", container(request));
                http("200 OK", "", line.as_bytes())
            }
            _ if target.contains("/pods/p") => ok(&pod(read.load(Ordering::SeqCst))),
            _ => ok(&json!({"kind": "List", "items": []})),
        };
        let _ = connection.write_all(&response);
    });
    let arguments = ["logs", "-f", "--interval", "10ms", "kubernetes/pod/ci/p"];
    joblens(&arguments)
        .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
        .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
        .with_secret("tok-given")
        .start(Stdio::piped(), Stdio::piped())
        .end()
}

fn container(request: &ReceivedRequest) -> String {
    let (_, rest) = request.target().split_once("container=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

fn ok(body: &Value) -> Vec<u8> {
    http("200 OK", "", body.to_string().as_bytes())
}

/// Returns a pod with containers in these states; the names of init containers begin with `fetch`.
fn pod(phase: &str, containers: &[(&str, Value)]) -> Value {
    let (init, main): (Vec<_>, Vec<_>) = containers
        .iter()
        .partition(|(name, _)| name.starts_with("fetch"));
    let names = |of: &[&(&str, Value)]| -> Vec<Value> {
        of.iter().map(|(name, _)| json!({"name": name})).collect()
    };
    let statuses = |of: &[&(&str, Value)]| -> Vec<Value> {
        let status = |(name, state): &&(&str, Value)| {
            let is_restarted = !state["waiting"]["reason"].is_null();
            json!({"name": name, "restartCount": u8::from(is_restarted), "state": state})
        };
        of.iter().map(status).collect()
    };
    json!({
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "ci", "uid": "u1"},
        "spec": {"initContainers": names(&init), "containers": names(&main), "nodeName": "n1"},
        "status": {
            "phase": phase,
            "initContainerStatuses": statuses(&init),
            "containerStatuses": statuses(&main),
        },
    })
}

fn crashed() -> Value {
    json!({"waiting": {"reason": "CrashLoopBackOff"}})
}

fn waiting() -> Value {
    json!({"waiting": {}})
}

fn running() -> Value {
    json!({"running": {}})
}

fn succeeded() -> Value {
    json!({"terminated": {"exitCode": 0, "reason": "Completed"}})
}

#[test]
fn the_logs_of_all_init_containers_are_followed_in_their_order() {
    // A log is read once while its container runs, and again after its end.
    let run = follow(|read| {
        let (phase, [first, second, main]) = match read {
            0 => ("Pending", [crashed(), waiting(), waiting()]),
            1..=2 => ("Pending", [succeeded(), running(), waiting()]),
            3..=4 => ("Running", [succeeded(), succeeded(), running()]),
            _ => ("Succeeded", [succeeded(), succeeded(), succeeded()]),
        };
        let names = ["fetch1", "fetch2", "main"];
        let states: Vec<_> = names.into_iter().zip([first, second, main]).collect();
        pod(phase, &states)
    });
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "fetch1\nfetch2\nmain\n", "{}", run.stderr);
    for note in [
        "note: p/fetch1 has succeeded; showing p/fetch2\n",
        "note: p/fetch2 has succeeded; showing p/main\n",
    ] {
        assert!(run.stderr.contains(note), "{}", run.stderr);
    }
}

#[test]
fn no_log_is_repeated_after_all_init_containers_have_succeeded() {
    let run = follow(|read| {
        let (phase, states) = match read {
            0 => ("Pending", [crashed(), waiting()]),
            1..9 => ("Running", [succeeded(), succeeded()]),
            _ => ("Succeeded", [succeeded(), succeeded()]),
        };
        let states: Vec<_> = ["fetch1", "fetch2"].into_iter().zip(states).collect();
        pod(phase, &states)
    });
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "fetch1\nfetch2\n", "{}", run.stderr);
}
