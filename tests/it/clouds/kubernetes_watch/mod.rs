//! Gates on Kubernetes jobs that a stream of changes decides, and servers with broken streams.

mod many;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::emulated::Emulated;
use crate::support::{Joblens, Run, Server, http, in_parallel, joblens, wait_until};

const JOB: &str = "kubernetes/job/ci/迁移";

fn job(uid: &str, version: u64, status: &Value) -> Value {
    json!({
        "metadata": {
            "name": "迁移", "namespace": "ci", "uid": uid, "resourceVersion": version.to_string(),
            "creationTimestamp": "2026-11-27T00:00:00Z",
        },
        "status": status,
    })
}

fn running() -> Value {
    json!({"startTime": "2026-11-27T00:00:00Z", "active": 1, "ready": 1})
}

fn complete() -> Value {
    let condition = json!({"type": "Complete", "status": "True"});
    json!({"startTime": "2026-11-27T00:00:00Z", "succeeded": 1, "conditions": [condition]})
}

fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

/// Behavior of a server after the job was looked up.
#[derive(Clone)]
struct Case {
    name: &'static str,
    /// Responses to the first requests for a stream. Later streams send nothing.
    streams: Vec<Vec<u8>>,
    /// The connections of these streams stay open.
    stay_open: bool,
    /// The job before the first stream was requested.
    first: Option<Value>,
    /// The job after it; `None` if it no longer exists.
    then: Option<Value>,
    code: i32,
    state: &'static str,
}

impl Case {
    /// Creates a case in which the job is complete when it is looked up again.
    fn new(name: &'static str, streams: Vec<Vec<u8>>) -> Self {
        Self {
            name,
            streams,
            stay_open: false,
            first: Some(job("u1", 1, &running())),
            then: Some(job("u1", 9, &complete())),
            code: 0,
            state: "succeeded",
        }
    }

    fn gone(self) -> Self {
        let then = None;
        Self { then, ..self }
    }

    fn failing(self, state: &'static str) -> Self {
        Self {
            code: 1,
            state,
            ..self
        }
    }

    fn staying_open(self) -> Self {
        let stay_open = true;
        Self { stay_open, ..self }
    }
}

/// Returns a stream that sends these lines and then ends.
fn stream(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{lines}").into_bytes()
}

/// Starts the API server of a case.
fn serve(case: Case) -> Server {
    let is_read = AtomicBool::new(false);
    let streams = AtomicUsize::new(0);
    Server::start(move |_, request, connection| {
        let target = request.target();
        let is_first = streams.load(Ordering::SeqCst) == 0;
        let now = match is_first {
            true => case.first.clone(),
            false => case.then.clone(),
        };
        let response = if target.contains("/jobs?watch=1") {
            wait_until("the job is read", || is_read.load(Ordering::SeqCst));
            let number = streams.fetch_add(1, Ordering::SeqCst);
            send_stream(connection, case.streams.get(number), case.stay_open);
            return;
        } else if target.contains("/jobs?") {
            list(now.into_iter().collect())
        } else if target.contains("/jobs/") {
            match now {
                Some(job) => http("200 OK", "", job.to_string().as_bytes()),
                None => {
                    is_read.store(true, Ordering::SeqCst);
                    not_found()
                }
            }
        } else {
            is_read.store(true, Ordering::SeqCst);
            list(Vec::new())
        };
        let _ = connection.write_all(&response);
    })
}

fn list(items: Vec<Value>) -> Vec<u8> {
    let list = json!({"kind": "List", "metadata": {"resourceVersion": "5"}, "items": items});
    http("200 OK", "", list.to_string().as_bytes())
}

fn not_found() -> Vec<u8> {
    let status = json!({
        "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "jobs.batch \"迁移\" not found", "details": {"name": "迁移"},
    });
    http("404 Not Found", "", status.to_string().as_bytes())
}

fn send_stream(connection: &mut TcpStream, response: Option<&Vec<u8>>, stays_open: bool) {
    let silent = stream("");
    let _ = connection.write_all(response.unwrap_or(&silent));
    if stays_open || response.is_none() {
        // Until the client disconnects.
        let _ = std::io::copy(connection, &mut std::io::sink());
    }
}

fn run(server: &Server, arguments: &[&str]) -> Run {
    let words = [
        "wait",
        "-o",
        "json",
        "-t",
        "50s",
        "--request-timeout",
        "1s",
        "--missing-grace",
        "40s",
    ];
    at(server, &[&words, arguments].concat()).run()
}

fn at(server: &Server, arguments: &[&str]) -> Joblens {
    joblens(arguments)
        .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
        .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
}

fn cases() -> Vec<Case> {
    let ended = event("MODIFIED", &job("u1", 6, &complete()));
    let deleted = event("DELETED", &job("u1", 7, &complete()));
    let stopped = event("DELETED", &job("u1", 6, &running()));
    let again = event("ADDED", &job("u2", 7, &running()));
    let expired = json!({"kind": "Status", "reason": "Expired", "code": 410, "message": "too old"});
    let error = event("ERROR", &expired);
    let bookmark = event("BOOKMARK", &json!({"metadata": {"resourceVersion": "6"}}));
    let added = event("ADDED", &job("u1", 3, &running()));
    let half = &ended[..ended.len() / 2];
    let gone = http(
        "410 Gone",
        "",
        br#"{"kind":"Status","status":"Failure","reason":"Expired","code":410}"#,
    );
    vec![
        Case::new(
            "deleted by its TTL",
            vec![stream(&format!("{ended}{deleted}"))],
        )
        .gone(),
        Case::new(
            "deleted in a stream that stays open",
            vec![stream(&format!("{ended}{deleted}"))],
        )
        .gone()
        .staying_open(),
        Case::new("deleted while it runs", vec![stream(&stopped)])
            .gone()
            .failing("canceled"),
        Case {
            then: Some(job("u2", 7, &running())),
            ..Case::new("made again", vec![stream(&format!("{stopped}{again}"))])
                .failing("canceled")
        },
        Case::new(
            "error in a stream",
            vec![stream(&format!("{bookmark}{error}"))],
        )
        .staying_open(),
        Case::new("status 410", vec![gone]),
        Case::new(
            "status 401",
            vec![http("401 Unauthorized", "", b"Unauthorized")],
        ),
        Case {
            first: None,
            ..Case::new(
                "not there yet",
                vec![stream(&format!("{added}{ended}{deleted}"))],
            )
            .gone()
        },
        Case::new("no event", vec![stream("<html>模\n")]).staying_open(),
        Case::new(
            "long line",
            vec![stream(&format!("{}\n", "x".repeat(10 << 20)))],
        )
        .staying_open(),
        Case::new(
            "cut in a line",
            vec![stream(half), stream(&format!("{ended}{deleted}"))],
        )
        .gone(),
        Case::new("empty", vec![stream(""), stream(&ended)]),
        Case::new("silent", Vec::new()),
    ]
}

#[test]
fn a_stream_decides_the_gate_and_polling_replaces_a_broken_one() {
    in_parallel(cases(), |case| {
        let (name, code, state) = (case.name, case.code, case.state);
        let server = serve(case);
        let run = run(&server, &[JOB]);
        assert_eq!(run.code, code, "{name}: {}", run.stderr);
        assert_eq!(run.job()["state"], state, "{name}");
        assert_eq!(run.json()["notices"], json!([]), "{name}");
    });
}

#[test]
fn an_undecided_job_has_ended_once_a_stream_reports_its_deletion() {
    let mut undecided = job("u1", 1, &complete());
    undecided["metadata"]["deletionTimestamp"] = json!("2026-11-27T00:00:05Z");
    undecided["status"]["completionTime"] = json!("2026-11-27T00:00:09Z");
    let mut deleted = undecided.clone();
    deleted["metadata"]["resourceVersion"] = json!("6");
    let deleted = stream(&event("DELETED", &deleted));
    let server = serve(Case {
        first: Some(undecided),
        ..Case::new("undecided", vec![deleted]).gone()
    });
    let run = run(&server, &["--for", "ended", JOB]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let job = run.job();
    assert_eq!(
        (&job["state"], &job["ended"], &job["reason"]),
        (&json!("unknown"), &json!(true), &json!("Deleted"))
    );
    let message = job["message"].as_str().unwrap();
    let deleted = "it was deleted, and how it ended is not known; the condition Complete is True, ";
    assert!(message.starts_with(deleted), "{message}");
}

#[test]
fn a_stream_is_resumed_from_the_last_resource_version() {
    let half = event("MODIFIED", &job("u1", 8, &complete()));
    let bookmark = event("BOOKMARK", &json!({"metadata": {"resourceVersion": "7"}}));
    let cut = stream(&format!("{bookmark}{}", &half[..20]));
    let server = serve(Case::new("", vec![cut, stream(&half)]).gone());
    assert_eq!(run(&server, &[JOB]).code, 0);
    let received = server.received();
    let targets = received.iter().map(|request| request.target());
    let streams: Vec<&str> = targets
        .filter(|target| target.contains("watch=1"))
        .collect();
    assert!(streams.len() >= 2, "{streams:?}");
    for (target, version) in streams.iter().zip(["5", "7"]) {
        let query =
            format!("?watch=1&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=1");
        assert!(target.contains(&query), "{target}");
    }
}

#[test]
fn jobs_are_polled_with_a_notice_if_the_server_refuses_a_stream() {
    let forbidden = json!({
        "kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403,
        "message": "User \"ci\" cannot watch resource \"jobs\"",
    });
    let forbidden = http("403 Forbidden", "", forbidden.to_string().as_bytes());
    let refusals = [
        (forbidden, "cannot watch"),
        (
            http("404 Not Found", "", b"404 page not found\n"),
            "does not serve this API",
        ),
        (
            http("405 Method Not Allowed", "", b"no"),
            "request rejected",
        ),
        (
            http("302 Found", "location: http://127.0.0.1:1/\r\n", b""),
            "redirect",
        ),
    ];
    in_parallel(refusals, |(refusal, why)| {
        let server = serve(Case::new("", vec![refusal]));
        let run = run(&server, &["--interval", "50ms", JOB]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.json()["notices"][0]["code"], "watch_unavailable");
        let notices = run.stderr.matches("polling because jobs cannot be watched");
        assert_eq!(notices.count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains(why), "{}", run.stderr);
        let received = server.received();
        let streams = received
            .iter()
            .filter(|request| request.target().contains("watch=1"));
        assert_eq!(streams.count(), 1);
    });
}

#[test]
fn following_events_uses_the_stream_of_the_job() {
    let ended = event("MODIFIED", &job("u1", 6, &complete()));
    let deleted = event("DELETED", &job("u1", 7, &complete()));
    let server = serve(Case::new("", vec![stream(&format!("{ended}{deleted}"))]).gone());
    let arguments = ["events", "-f", "-o", "jsonl", "--interval", "10m", JOB];
    let run = at(&server, &arguments).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("\"succeeded\""), "{}", run.stdout);
}

#[test]
fn a_server_that_is_not_kubernetes_ends_a_wait_with_exit_code_5() {
    let server = Server::answering(http("404 Not Found", "", b"404 page not found\n"));
    let run = run(&server, &[JOB]);
    assert_eq!(run.code, 5, "{}", run.stderr);
    let message = "the server does not serve this API: 404 page not found";
    assert_eq!(run.error()["message"], message);
    assert!(run.elapsed < Duration::from_secs(40), "{:?}", run.elapsed);
}
