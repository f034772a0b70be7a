//! Logs in one response of any length.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::{Joblens, Server, http, joblens};

const POD: &str = "kubernetes/pod/ci/训练";

/// Starts a server with a pod whose phase depends on the number of log requests. `log` returns the response to the
/// nth request for the log.
fn serve(log: impl Fn(usize) -> Vec<u8> + Send + Sync + 'static, ends_after: usize) -> Server {
    let logs = AtomicUsize::new(0);
    Server::start(move |_, request, connection| {
        let response = if request.target().contains("/log?") {
            log(logs.fetch_add(1, Ordering::SeqCst))
        } else if request.target().contains("/pods/") {
            pod("u", logs.load(Ordering::SeqCst) >= ends_after)
        } else {
            http("200 OK", "", br#"{"kind":"List","metadata":{},"items":[]}"#)
        };
        let _ = connection.write_all(&response);
    })
}

fn pod(uid: &str, has_ended: bool) -> Vec<u8> {
    let (phase, state) = match has_ended {
        true => (
            "Succeeded",
            json!({"terminated": {"exitCode": 0, "reason": "Completed"}}),
        ),
        false => (
            "Running",
            json!({"running": {"startedAt": "2026-11-27T00:00:00Z"}}),
        ),
    };
    let status = json!({"name": "main", "restartCount": 0, "image": "i", "state": state});
    let pod = json!({
        "metadata": {"name": "训练", "namespace": "ci", "uid": uid, "creationTimestamp": "2026-11-27T00:00:00Z"},
        "spec": {"containers": [{"name": "main", "image": "i"}]},
        "status": {"phase": phase, "containerStatuses": [status]},
    });
    http("200 OK", "", pod.to_string().as_bytes())
}

fn text(body: &[u8]) -> Vec<u8> {
    http("200 OK", "content-type: text/plain\r\n", body)
}

/// Returns a response whose connection closes before its end.
fn cut(body: &[u8]) -> Vec<u8> {
    let length = body.len() + 1;
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn logs(server: &Server, arguments: &[&str]) -> Joblens {
    joblens(&[&["logs", POD], arguments].concat())
        .env("JOBLENS_KUBERNETES_ENDPOINT", server.origin())
        .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
}

#[test]
fn a_log_may_be_longer_than_max_body() {
    let lines: String = (0..60_000)
        .map(|number| format!("第 {number} 步 损失 0.9\n"))
        .collect();
    let body = text(lines.as_bytes());
    let server = serve(move |_| body.clone(), 0);
    let run = logs(&server, &["--max-body", "1MiB"]).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout == lines, "{} bytes", run.stdout.len());
    let run = logs(&server, &["--max-body", "1MiB", "--tail", "2"]).run();
    assert_eq!(run.stdout, "第 59998 步 损失 0.9\n第 59999 步 损失 0.9\n");
}

#[test]
fn a_truncated_log_is_an_error_after_its_complete_lines() {
    let server = serve(|_| cut("第 1 步\n第 2".as_bytes()), 0);
    let run = logs(&server, &[]).run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(run.stdout, "第 1 步\n");
    let message = "the log was not read to its end: the connection broke";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(
        run.stderr.contains("ReadNamespacedPodLog"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_html_page_instead_of_a_log_is_an_error() {
    let page = b"<html><title>Login</title></html>";
    let server = serve(|_| http("200 OK", "content-type: text/html\r\n", page), 0);
    let run = logs(&server, &[]).run();
    assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("HTML page instead of an API response: 'Login'"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_followed_log_that_breaks_off_is_resumed_from_there() {
    let line = |number: usize| format!("2026-11-27T00:00:0{number}Z 第 {number} 步\n");
    let lines = move |numbers: std::ops::Range<usize>| numbers.map(line).collect::<String>();
    let log = move |number| match number {
        0 => cut((lines(0..3) + &line(3)[..30]).as_bytes()),
        // Starts at the second of the last complete line.
        1 => text(lines(2..6).as_bytes()),
        _ => text(lines(5..8).as_bytes()),
    };
    let server = serve(log, 2);
    let run = logs(&server, &["-f", "--interval", "10ms"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let all: String = (0..8).map(|number| format!("第 {number} 步\n")).collect();
    assert_eq!(run.stdout, all, "{}", run.stderr);
    let received = server.received();
    let mut targets = received.iter().map(|request| request.target().to_owned());
    let is_later = |target: String| target.contains("/log?") && target.contains("sinceTime");
    assert!(targets.any(is_later));
}

#[test]
fn the_log_of_a_new_pod_with_the_same_name_is_not_followed() {
    let lookups = AtomicUsize::new(0);
    let server = Server::start(move |_, request, connection| {
        let response = if request.target().contains("/log?") {
            text("第 1 步\n".as_bytes())
        } else if request.target().contains("/pods/") {
            let uid = ["u", "u", "v"][lookups.fetch_add(1, Ordering::SeqCst).min(2)];
            pod(uid, false)
        } else {
            http("200 OK", "", br#"{"kind":"List","metadata":{},"items":[]}"#)
        };
        let _ = connection.write_all(&response);
    });
    let run = logs(&server, &["-f", "--interval", "10ms"]).run();
    assert_eq!((run.code, &*run.stdout), (0, "第 1 步\n"), "{}", run.stderr);
    let note = "note: the log ended: this id now belongs to another job, created at ";
    assert!(run.stderr.starts_with(note), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}
