//! Jobs with several logs of which some cannot be read.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{WORLD, logs, records};
use crate::support::emulated::Emulated;
use crate::support::jobs::JOB as ALIYUN_JOB;
use crate::support::{Run, Server, http, joblens};

const JOB: &str = "kubernetes/job/ci/j";

/// A cluster with a job of three pods, and the number of requests for the log of the first one.
struct Cluster {
    server: Server,
    requests: Arc<AtomicUsize>,
}

impl Cluster {
    /// Starts a cluster whose job has ended if `ends_after` requests for the log of the first pod were received. That
    /// log is what `first` returns for the number of its request.
    fn new(ends_after: usize, first: fn(usize) -> Vec<u8>) -> Self {
        let requests: Arc<AtomicUsize> = Arc::default();
        let count = Arc::clone(&requests);
        let server = Server::start(move |_, request, connection| {
            let target = request.target();
            let has_ended = count.load(Ordering::SeqCst) >= ends_after;
            let response = match target {
                _ if target.contains("follow=true") => status(400, "BadRequest"),
                _ if target.contains("/pods/j-a/log") => {
                    first(count.fetch_add(1, Ordering::SeqCst))
                }
                _ if target.contains("timestamps=true") => {
                    http("200 OK", "", b"2026-11-27T00:00:00.5Z one\n")
                }
                _ if target.contains("/log") => http("200 OK", "", b"one\n"),
                _ if target.contains("/pods") => ok(&pods()),
                _ if target.contains("/jobs/j") => ok(&job(has_ended)),
                _ => ok(&json!({"kind": "List", "items": []})),
            };
            let _ = connection.write_all(&response);
        });
        Self { server, requests }
    }

    fn logs(&self, options: &[&str]) -> Run {
        let arguments = [
            &["logs", "--all-containers", "--max-attempts", "1"],
            options,
            &[JOB],
        ];
        joblens(&arguments.concat())
            .env("JOBLENS_KUBERNETES_ENDPOINT", self.server.origin())
            .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
            .with_secret("tok-given")
            .start(Stdio::piped(), Stdio::piped())
            .end()
    }
}

fn ok(body: &serde_json::Value) -> Vec<u8> {
    http("200 OK", "", body.to_string().as_bytes())
}

fn status(code: u16, reason: &str) -> Vec<u8> {
    let body = json!({
        "kind": "Status", "status": "Failure", "reason": reason, "code": code,
        "message": "no connection to the node tok-given",
    });
    http(&format!("{code} {reason}"), "", body.to_string().as_bytes())
}

fn job(has_ended: bool) -> serde_json::Value {
    let status = match has_ended {
        true => json!({"succeeded": 3, "conditions": [{"type": "Complete", "status": "True"}]}),
        false => json!({"active": 3}),
    };
    json!({"kind": "Job", "metadata": {"name": "j", "namespace": "ci", "uid": "u1"}, "status": status})
}

fn pods() -> serde_json::Value {
    let pods = ["j-a", "j-b", "j-c"].map(|name| {
        let state = json!({"name": "main", "restartCount": 0, "state": {"running": {}}});
        json!({
            "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "ci", "uid": name, "labels": {"job-name": "j"},
                "ownerReferences": [{"kind": "Job", "name": "j", "uid": "u1", "controller": true}],
            },
            "spec": {"containers": [{"name": "main"}], "nodeName": "n1"},
            "status": {"phase": "Running", "containerStatuses": [state]},
        })
    });
    json!({"kind": "PodList", "metadata": {"resourceVersion": "3"}, "items": pods})
}

/// Checks that the logs of the other pods are printed, and that an error names the first one.
fn assert_others_are_read(run: &Run, code: i32) {
    assert_eq!(run.code, code, "{}", run.stderr);
    assert_eq!(run.stdout, "j-b/main one\nj-c/main one\n");
    let error = "error: kubernetes/job/ci/j: j-a/main: ";
    assert!(run.stderr.contains(error), "{}", run.stderr);
}

#[test]
fn a_log_that_cannot_be_read_does_not_hide_the_others() {
    for (code, expected) in [(500, 5), (403, 4)] {
        let first: fn(usize) -> Vec<u8> = match code {
            500 => |_| status(500, "InternalError"),
            _ => |_| status(403, "Forbidden"),
        };
        let cluster = Cluster::new(0, first);
        let run = cluster.logs(&[]);
        assert_others_are_read(&run, expected);
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{}", run.stderr);
        let run = cluster.logs(&["-o", "jsonl"]);
        let records = records(&run.stdout);
        let [.., error, summary] = &records[..] else {
            panic!("{}", run.stdout);
        };
        assert_eq!(records.len(), 4, "{}", run.stdout);
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("j-a/main: "), "{error:#}");
        assert_eq!(
            (&summary["errors"], &summary["complete"]),
            (&json!(1), &json!(false))
        );
    }
}

#[test]
fn a_log_that_cannot_be_read_is_retried_while_the_others_are_followed() {
    let cluster = Cluster::new(4, |number| match number {
        0..3 => status(500, "InternalError"),
        _ => http("200 OK", "", b"2026-11-27T00:00:01.5Z late\n"),
    });
    let run = cluster.logs(&["-f", "--interval", "10ms"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, "j-b/main one\nj-c/main one\nj-a/main late\n");
    let notes = run.stderr.matches("note: j-a/main: kubernetes ");
    assert_eq!(notes.count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("; retrying"), "{}", run.stderr);
}

#[test]
fn a_log_that_cannot_be_read_until_the_end_of_the_job_is_an_error() {
    for (first, expected) in [
        ((|_| status(500, "InternalError")) as fn(usize) -> _, 5),
        (|_| status(403, "Forbidden"), 4),
    ] {
        let cluster = Cluster::new(1, first);
        let run = cluster.logs(&["-f", "--interval", "10ms"]);
        assert_others_are_read(&run, expected);
        let count = cluster.requests.load(Ordering::SeqCst);
        assert_eq!(count > 1, expected == 5, "{count}");
    }
}

#[test]
fn a_log_that_a_cloud_fails_to_return_does_not_hide_the_others() {
    let fault = "[[fault]]\noperation = 'DescribeContainerLog'\nkind = 'status'\ntimes = 1\n";
    let emulated = Emulated::start(&format!("{fault}{WORLD}"));
    let options = ["--all-containers", "--max-attempts", "1", "--tail", "1"];
    let run = logs(&emulated, &[&options[..], &[ALIYUN_JOB]].concat());
    assert_eq!(
        (run.code, &*run.stdout),
        (5, "eci-train-7-2/main Killed\n"),
        "{}",
        run.stderr
    );
    let error = format!("error: {ALIYUN_JOB}: eci-train-7-1/main: ");
    assert!(run.stderr.contains(&error), "{}", run.stderr);
}
