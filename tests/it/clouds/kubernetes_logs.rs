//! Kubernetes logs that are followed with a stream, and servers without such streams.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::{Run, Running, Server, http, joblens, wait_until};

const POD: &str = "kubernetes/pod/ci/p";
const LINES: [&str; 3] = ["one", "two", "three"];

/// A pod whose log is requested, and the output of the run.
struct Pod {
    server: Server,
    stdout: PathBuf,
    _folder: tempfile::TempDir,
}

/// The state of a server.
struct Log {
    /// Number of lines written so far.
    written: AtomicUsize,
    is_gone: AtomicBool,
    stdout: PathBuf,
}

impl Log {
    /// Returns the lines since a time.
    fn text(&self, target: &str) -> String {
        let since = target
            .split(['?', '&'])
            .find_map(|word| word.strip_prefix("sinceTime="));
        let since = since.map_or(String::new(), |since| since.replace("%3A", ":"));
        let written = self.written.load(Ordering::SeqCst);
        let lines = LINES.iter().enumerate().take(written);
        let lines = lines.map(|(number, line)| format!("{} {line}\n", moment(number)));
        lines
            .filter(|line| line.as_str() >= &since[..since.len().saturating_sub(1)])
            .collect()
    }

    /// Waits until a text was printed.
    fn wait_for(&self, text: &str) {
        wait_for(&self.stdout, text);
    }
}

fn moment(number: usize) -> String {
    format!("2026-11-27T00:00:0{number}.500000000Z")
}

fn wait_for(path: &Path, text: &str) {
    wait_until(&format!("{text} is printed"), || {
        fs::read_to_string(path).unwrap().contains(text)
    });
}

impl Pod {
    /// Starts a pod with one line in its log; a script sends its streams.
    fn new(follow: impl Fn(usize, &Log, &str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stdout = folder.path().join("stdout");
        File::create(&stdout).unwrap();
        let log = Log {
            written: AtomicUsize::new(1),
            is_gone: AtomicBool::new(false),
            stdout: stdout.clone(),
        };
        let (log, streams) = (Arc::new(log), AtomicUsize::new(0));
        let server = Server::start(move |_, request, connection| {
            let target = request.target();
            if target.contains("follow=true") {
                let number = streams.fetch_add(1, Ordering::SeqCst);
                return follow(number, &log, target, connection);
            }
            let response = match target {
                _ if target.contains("/events") => json!({"kind": "List", "items": []}).to_string(),
                _ if log.is_gone.load(Ordering::SeqCst) => {
                    let _ = connection.write_all(&gone());
                    return;
                }
                _ if target.contains("/log") => log.text(target),
                _ => pod().to_string(),
            };
            let _ = connection.write_all(&http("200 OK", "", response.as_bytes()));
        });
        Self {
            server,
            stdout,
            _folder: folder,
        }
    }

    fn start(&self, arguments: &[&str]) -> Running {
        self.start_to(File::create(&self.stdout).unwrap(), arguments)
    }

    fn start_to(&self, stdout: impl Into<Stdio>, arguments: &[&str]) -> Running {
        let arguments = [&["logs", "-f", POD][..], arguments].concat();
        joblens(&arguments)
            .env("JOBLENS_KUBERNETES_ENDPOINT", self.server.origin())
            .env("JOBLENS_KUBERNETES_TOKEN", "tok-given")
            .with_secret("tok-given")
            .start(stdout, Stdio::piped())
    }

    fn run(&self, arguments: &[&str]) -> (Run, String) {
        let run = self.start(arguments).end();
        (run, fs::read_to_string(&self.stdout).unwrap())
    }

    fn streams(&self) -> Vec<String> {
        let requests = self.server.received();
        let targets = requests.iter().map(|request| request.target().to_owned());
        let is_stream = |target: &String| target.contains("follow=true");
        targets.filter(is_stream).collect()
    }
}

fn pod() -> serde_json::Value {
    let status =
        json!({"name": "main", "ready": true, "restartCount": 0, "state": {"running": {}}});
    json!({
        "kind": "Pod", "metadata": {"name": "p", "namespace": "ci", "uid": "u1", "resourceVersion": "3"},
        "spec": {"containers": [{"name": "main"}], "nodeName": "n1"},
        "status": {"phase": "Running", "containerStatuses": [status]},
    })
}

fn gone() -> Vec<u8> {
    let status = json!({
        "kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "pods \"p\" not found", "details": {"name": "p"},
    });
    http("404 Not Found", "", status.to_string().as_bytes())
}

/// Sends the head of a stream and its first text.
fn begin(connection: &mut TcpStream, text: &str) {
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    connection
        .write_all(format!("{head}{text}").as_bytes())
        .unwrap();
}

/// Keeps a connection open until the client disconnects.
fn keep(connection: &mut TcpStream) {
    let _ = std::io::copy(connection, &mut std::io::sink());
}

#[test]
fn streamed_lines_are_printed_until_the_pod_is_deleted() {
    let pod = Pod::new(|_, log, target, connection| {
        begin(
            connection,
            &format!("{}{} two\n", log.text(target), moment(1)),
        );
        log.wait_for("two\n");
        let secret = format!("{} a tok-gi", moment(2));
        connection.write_all(secret.as_bytes()).unwrap();
        connection.write_all(b"ven b\n").unwrap();
        log.wait_for(" b\n");
        log.is_gone.store(true, Ordering::SeqCst);
        let last = format!("{} last", moment(3));
        connection.write_all(last.as_bytes()).unwrap();
    });
    let (run, stdout) = pod.run(&["--interval", "10m"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(stdout.starts_with("one\ntwo\na "), "{stdout}");
    assert!(
        stdout.ends_with(" b\nlast") && !stdout.contains("ven"),
        "{stdout}"
    );
    let streams = pod.streams();
    assert_eq!(streams.len(), 1, "{streams:?}");
    assert!(
        streams[0].contains("sinceTime=2026-11-27T00%3A00%3A00Z"),
        "{streams:?}"
    );
}

#[test]
fn a_broken_stream_is_resumed_where_it_broke() {
    let pod = Pod::new(|number, log, target, connection| {
        if number == 0 {
            log.written.store(2, Ordering::SeqCst);
            let text = log.text(target);
            let text = &text[..text.len() - 3];
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
            let broken = format!("{head}{:x}\r\n{text}\r\n", text.len());
            connection.write_all(broken.as_bytes()).unwrap();
            return;
        }
        log.written.store(3, Ordering::SeqCst);
        begin(connection, &log.text(target));
        log.wait_for("three\n");
        log.is_gone.store(true, Ordering::SeqCst);
    });
    let (run, stdout) = pod.run(&["--interval", "100ms"]);
    assert_eq!(
        (run.code, &*stdout),
        (0, "one\ntwo\nthree\n"),
        "{}",
        run.stderr
    );
    let streams = pod.streams();
    assert_eq!(streams.len(), 2, "{streams:?}");
    assert!(
        streams[1].contains("sinceTime=2026-11-27T00%3A00%3A01Z"),
        "{streams:?}"
    );
}

#[test]
fn a_log_silent_for_longer_than_the_request_timeout_is_still_followed() {
    let pod = Pod::new(|_, log, target, connection| {
        begin(connection, &log.text(target));
        thread::sleep(Duration::from_secs(3));
        log.written.store(2, Ordering::SeqCst);
        let line = format!("{} two\n", moment(1));
        connection.write_all(line.as_bytes()).unwrap();
        log.wait_for("two\n");
        log.is_gone.store(true, Ordering::SeqCst);
    });
    let (run, stdout) = pod.run(&["--interval", "200ms", "--request-timeout", "1s"]);
    assert_eq!((run.code, &*stdout), (0, "one\ntwo\n"), "{}", run.stderr);
    assert_eq!(pod.streams().len(), 1);
}

#[test]
fn a_log_whose_stream_is_refused_is_read_at_intervals() {
    let pod = Pod::new(|_, log, _, connection| {
        log.written.store(3, Ordering::SeqCst);
        let status = json!({
            "kind": "Status", "status": "Failure", "reason": "BadRequest", "code": 400,
            "message": "follow is not supported",
        });
        let _ = connection.write_all(&http("400 Bad Request", "", status.to_string().as_bytes()));
    });
    let running = pod.start(&["--interval", "50ms"]);
    wait_for(&pod.stdout, "three\n");
    running.signal("INT");
    let run = running.end();
    assert_eq!(run.code, 130, "{}", run.stderr);
    let note =
        "note: reading at intervals because the log cannot be followed: follow is not supported\n";
    assert_eq!(run.stderr, note);
    assert_eq!(pod.streams().len(), 1);
    assert_eq!(
        fs::read_to_string(&pod.stdout).unwrap(),
        "one\ntwo\nthree\n"
    );
}

#[test]
fn lines_are_read_at_intervals_while_a_stream_gets_no_response() {
    let pod = Pod::new(|_, log, _, connection| {
        log.written.store(3, Ordering::SeqCst);
        keep(connection);
    });
    let running = pod.start(&["--interval", "50ms"]);
    wait_for(&pod.stdout, "three\n");
    running.signal("INT");
    let run = running.end();
    assert_eq!((run.code, &*run.stderr), (130, ""));
    assert!(run.elapsed < Duration::from_secs(20), "{:?}", run.elapsed);
}

#[test]
fn a_log_still_written_after_the_end_of_its_job_is_ended_with_a_note() {
    let pod = Pod::new(|_, log, target, connection| {
        begin(connection, &log.text(target));
        log.is_gone.store(true, Ordering::SeqCst);
        for number in 0.. {
            let line = format!("2026-11-27T00:00:01.{number:09}Z tick {number}\n");
            if connection.write_all(line.as_bytes()).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(300));
        }
    });
    let (run, stdout) = pod.run(&["--interval", "100ms"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(stdout.starts_with("one\ntick 0\n"), "{stdout}");
    let note =
        "note: p/main still writes after the end of the job; its later lines are not printed";
    assert!(run.stderr.contains(note), "{}", run.stderr);
}

#[test]
fn a_long_unfinished_line_is_printed_while_it_arrives() {
    let pod = Pod::new(|_, log, target, connection| {
        begin(connection, &format!("{}{} ", log.text(target), moment(1)));
        let words = "2020-01-01T00:00:00Z ".repeat(10_000);
        connection.write_all(words.as_bytes()).unwrap();
        log.wait_for(&words[..100_000]);
        log.is_gone.store(true, Ordering::SeqCst);
        connection.write_all(b"end\n").unwrap();
    });
    let (run, stdout) = pod.run(&["--interval", "10m"]);
    let expected = format!("one\n{}end\n", "2020-01-01T00:00:00Z ".repeat(10_000));
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(stdout == expected, "{}", stdout.len());
}

#[test]
fn a_timestamp_in_the_text_of_a_line_is_not_used_to_resume_a_stream() {
    let app = "2031-01-01T00:00:00Z app\n";
    let pod = Pod::new(move |number, log, target, connection| {
        log.written.store(2, Ordering::SeqCst);
        if number == 0 {
            let begun = format!("{}{} ", log.text(target), moment(2));
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
            let first = format!("{head}{:x}\r\n{begun}\r\n", begun.len());
            connection.write_all(first.as_bytes()).unwrap();
            log.wait_for("two\n");
            let broken = format!("{:x}\r\n{app}\r\n", app.len());
            connection.write_all(broken.as_bytes()).unwrap();
            return;
        }
        begin(
            connection,
            &format!("{} {app}{} last\n", moment(2), moment(3)),
        );
        log.wait_for("last\n");
        log.is_gone.store(true, Ordering::SeqCst);
    });
    let (run, stdout) = pod.run(&["--interval", "100ms"]);
    let expected = format!("one\ntwo\n{app}last\n");
    assert_eq!((run.code, stdout), (0, expected), "{}", run.stderr);
    let streams = pod.streams();
    assert!(
        streams[1].contains("sinceTime=2026-11-27T00%3A00%3A02Z"),
        "{streams:?}"
    );
}

#[test]
fn an_unfinished_line_is_printed_on_a_signal_without_a_partial_secret() {
    let pod = Pod::new(|_, log, target, connection| {
        let text = format!(
            "{}{} two\n{} half tok-gi",
            log.text(target),
            moment(1),
            moment(2)
        );
        begin(connection, &text);
        keep(connection);
    });
    let running = pod.start(&["--interval", "10m"]);
    wait_for(&pod.stdout, "two\n");
    running.signal("INT");
    assert_eq!(running.end().code, 130);
    let stdout = fs::read_to_string(&pod.stdout).unwrap();
    assert_eq!(stdout, "one\ntwo\nhalf ");
}

#[test]
fn a_kubelet_message_in_a_log_is_printed_as_a_note() {
    let message = "failed to create fsnotify watcher: too many open files";
    let pod = Pod::new(move |number, log, target, connection| {
        if number == 0 {
            begin(connection, &format!("{}{message}", log.text(target)));
            return;
        }
        log.written.store(2, Ordering::SeqCst);
        begin(connection, &log.text(target));
        log.wait_for("two\n");
        log.is_gone.store(true, Ordering::SeqCst);
    });
    let (run, stdout) = pod.run(&["--interval", "100ms"]);
    assert_eq!((run.code, &*stdout), (0, "one\ntwo\n"), "{}", run.stderr);
    let note = format!("note: p/main: {message}\n");
    assert!(run.stderr.starts_with(&note), "{}", run.stderr);
}

#[test]
fn following_a_silent_log_ends_when_the_output_is_closed() {
    let pod = Pod::new(|_, log, target, connection| {
        begin(connection, &log.text(target));
        keep(connection);
    });
    let (mut reader, writer) = std::io::pipe().unwrap();
    let running = pod.start_to(OwnedFd::from(writer), &["--interval", "10m"]);
    reader.read_exact(&mut [0; 4]).unwrap();
    drop(reader);
    let run = running.end();
    assert_eq!((run.code, &*run.stderr), (141, ""));
}
