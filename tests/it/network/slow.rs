//! Output while a cloud does not answer.

use std::io::{BufRead as _, BufReader, Read as _, Write as _, pipe};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex};

use crate::support::pty::Terminal;
use serde_json::{Value, json};

use crate::support::{Joblens, Run, Server, joblens, json as json_response};

fn reference(number: usize) -> String {
    format!("sugon/instance/{number:032x}")
}

fn running(number: usize) -> Vec<u8> {
    json_response(format!(
        r#"{{"code":"0","data":{{"id":"{number:032x}","status":"Running"}}}}"#
    ))
}

/// A server that answers for one instance only after the test allows it.
struct HeldServer {
    server: Server,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl HeldServer {
    fn start(held: usize) -> Self {
        let gate: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let shared = Arc::clone(&gate);
        let server = Server::start(move |_, request, stream| {
            let find = |number: &usize| request.target().contains(&format!("{number:032x}"));
            let number = (1..9).find(find).unwrap_or_default();
            if number == held || number == 0 {
                let (is_open, opened) = &*shared;
                let is_open = is_open.lock().unwrap();
                drop(opened.wait_while(is_open, |is_open| !*is_open).unwrap());
            }
            let _ = stream.write_all(&running(number));
        });
        Self { server, gate }
    }

    fn release(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }

    fn get(&self, options: &[&str]) -> Joblens {
        let references = [reference(1), reference(2), reference(3)];
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        self.run(&[&["get"], &references[..], options].concat())
    }

    fn run(&self, arguments: &[&str]) -> Joblens {
        joblens(arguments)
            .env("JOBLENS_SUGON_ENDPOINT", self.server.origin())
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
    }
}

#[test]
fn rows_before_a_slow_one_are_printed_immediately_and_in_order() {
    for (options, header) in [
        (&["-o", "table"][..], true),
        (&["-o", "csv", "--columns", "ref,state"], true),
        (&["-o", "name"], false),
    ] {
        let held = HeldServer::start(2);
        let (reader, writer) = pipe().unwrap();
        let started = held
            .get(options)
            .start(OwnedFd::from(writer), Stdio::piped());
        let mut lines = BufReader::new(reader);
        let mut line = String::new();
        if header {
            lines.read_line(&mut line).unwrap();
            assert!(line.to_lowercase().contains("ref"), "{line}");
        }
        line.clear();
        lines.read_line(&mut line).unwrap();
        assert!(line.starts_with(&reference(1)), "{line}");
        held.release();
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        let rest: Vec<&str> = rest.lines().collect();
        assert_eq!(rest.len(), 2, "{rest:?}");
        assert!(rest[0].starts_with(&reference(2)), "{rest:?}");
        assert_eq!(
            rest[0].replace(&reference(2), &reference(1)),
            line.trim_end()
        );
        assert!(rest[1].starts_with(&reference(3)), "{rest:?}");
        assert_eq!(started.end().code, 0);
    }
}

#[test]
fn doctor_prints_its_local_checks_before_a_cloud_responds() {
    let held = HeldServer::start(1);
    let (reader, writer) = pipe().unwrap();
    let run = held.run(&["doctor", "sugon", "--max-attempts", "1"]);
    let started = run.start(OwnedFd::from(writer), Stdio::piped());
    let mut lines = BufReader::new(reader).lines();
    let mut shown = String::new();
    while !shown.contains("accounts") {
        shown += &lines.next().unwrap().unwrap();
    }
    assert!(
        shown.contains("certificates") && !shown.contains("response"),
        "{shown}"
    );
    held.release();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(rest.join("\n").contains("sugon default"), "{rest:?}");
    started.end();
}

#[test]
fn doctor_does_not_wait_for_a_slow_account_to_print_the_others() {
    let held = HeldServer::start(1);
    let quick = Server::answering(json_response("{}"));
    let (reader, writer) = pipe().unwrap();
    let run = held
        .run(&["doctor", "sugon", "tencent", "--max-attempts", "1"])
        .env("TENCENTCLOUD_SECRET_ID", "AKIDexample")
        .env("TENCENTCLOUD_SECRET_KEY", "example-secret")
        .env("TENCENTCLOUD_REGION", "ap-guangzhou")
        .env("JOBLENS_TENCENT_ENDPOINT", quick.origin());
    let started = run.start(OwnedFd::from(writer), Stdio::piped());
    let mut lines = BufReader::new(reader).lines();
    let mut shown = String::new();
    while !shown.contains("tencent default") {
        shown += &lines.next().unwrap().unwrap();
    }
    assert!(!shown.contains("sugon default"), "{shown}");
    held.release();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(rest.join("\n").contains("sugon default"), "{rest:?}");
    started.end();
}

#[test]
fn logs_and_events_follow_show_a_slow_request_on_a_terminal() {
    let reference = reference(2);
    for command in [
        &["logs", "tencent/batch-job/job-1", "--max-attempts", "1"][..],
        &["events", "-f", &reference],
    ] {
        let held = HeldServer::start(2);
        let terminal = Terminal::open();
        let stderr = Stdio::from(terminal.user.try_clone().unwrap());
        let run = held
            .run(command)
            .env("TENCENTCLOUD_SECRET_ID", "AKIDexample")
            .env("TENCENTCLOUD_SECRET_KEY", "example-secret")
            .env("TENCENTCLOUD_REGION", "ap-guangzhou")
            .env("JOBLENS_TENCENT_BATCH_ENDPOINT", held.server.origin())
            .env("TERM", "xterm")
            .start(Stdio::piped(), stderr);
        terminal.wait_for("(attempt 1, 1 s)");
        run.signal("INT");
        assert_eq!(run.end().code, 130);
        let shown = terminal.shown();
        assert!(shown.ends_with("\r\u{1b}[K"), "{shown:?}");
    }
}

#[test]
fn a_slow_request_is_shown_on_a_terminal_and_cleared_afterwards() {
    let held = HeldServer::start(2);
    let terminal = Terminal::open();
    let stderr = Stdio::from(terminal.user.try_clone().unwrap());
    let run = held
        .get(&[])
        .env("TERM", "xterm")
        .start(Stdio::piped(), stderr);
    terminal.wait_for("waiting for sugon (attempt 1, 1 s)");
    held.release();
    assert_eq!(run.end().code, 0);
    let shown = terminal.shown();
    assert!(shown.ends_with("\r\u{1b}[K"), "{shown:?}");
}

#[test]
fn a_connection_timeout_is_reported_with_the_connect_timeout_option() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let get = |endpoint: &str| {
        let options = ["get", "-o", "json", "--max-attempts", "1"];
        let limits = ["--connect-timeout", "200ms", "sugon/instance/i1"];
        joblens(&[&options[..], &limits].concat())
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
            .env("JOBLENS_SUGON_ENDPOINT", endpoint)
    };
    let run = get(&format!("https://localhost:{port}")).run();
    let hint = "check that the endpoint's port uses TLS and whether a proxy is needed (HTTPS_PROXY); --connect-timeout allows more time";
    assert_eq!(run.error()["hint"], hint, "{}", run.stderr);
    assert_eq!(run.error()["message"], "timed out in the TLS handshake");
    let proxy = format!("http://127.0.0.1:{port}");
    let run = get("https://sugon.test").env("HTTPS_PROXY", proxy).run();
    let hint = "check HTTPS_PROXY, ALL_PROXY and NO_PROXY; --connect-timeout allows more time";
    assert_eq!(run.error()["hint"], hint, "{}", run.stderr);
}

/// Sends a signal to a run with `-v` after the responses for two of the three instances.
fn interrupt(held: &HeldServer, command: &str, signal: &str, options: &[&str]) -> Run {
    let references = [reference(1), reference(2), reference(3)];
    let mut all = vec![command, "-v"];
    all.extend(references.iter().map(String::as_str));
    all.extend(options);
    let (reader, writer) = pipe().unwrap();
    let run = held.run(&all).start(Stdio::piped(), OwnedFd::from(writer));
    let mut responses = BufReader::new(reader).lines().map(Result::unwrap);
    let mut next = || responses.find(|line| line.starts_with("< ")).unwrap();
    next();
    next();
    run.signal(signal);
    // Nobody closes the pipe before the end.
    let run = run.end();
    drop(responses);
    run
}

#[test]
fn an_interrupted_command_prints_what_was_read() {
    let held = HeldServer::start(2);
    let read = [reference(1), reference(3)];
    for (command, signal, code, word) in [
        ("get", "INT", 130, "interrupted"),
        ("describe", "TERM", 143, "terminated"),
        ("events", "HUP", 143, "terminated"),
    ] {
        let run = interrupt(&held, command, signal, &["-o", "json"]);
        assert_eq!(run.code, code, "{command}: {}", run.stdout);
        let document = run.json();
        assert_eq!(document["exit"], json!({"code": code, "word": word}));
        let coverage = json!({"complete": false, "asked": 3, "answered": 2});
        assert_eq!(document["coverage"], coverage, "{command}");
        let error = &document["errors"][0];
        assert_eq!(error["ref"], reference(2));
        assert_eq!(error["message"], "not checked before joblens was stopped");
        if command != "events" {
            let jobs = document["jobs"].as_array().unwrap();
            assert!(jobs.iter().map(|job| &job["ref"]).eq(&read), "{command}");
        }
    }
}

#[test]
fn every_format_of_an_interrupted_get_has_the_rows_that_were_read() {
    let held = HeldServer::start(2);
    let run = interrupt(&held, "get", "INT", &["-o", "jsonl"]);
    let records = run.stdout.lines().map(serde_json::from_str::<Value>);
    let records: Vec<Value> = records.map(Result::unwrap).collect();
    let types: Vec<_> = records.iter().map(|record| &record["type"]).collect();
    assert_eq!(types, ["job", "job", "error", "summary"]);
    assert_eq!(records[3]["complete"], false);
    let run = interrupt(&held, "get", "INT", &["-o", "name"]);
    let expected = format!(
        "{}\n{}\n#!incomplete: interrupted\n",
        reference(1),
        reference(3)
    );
    assert_eq!((run.code, run.stdout), (130, expected));
    for format in ["table", "csv", "yaml", "markdown"] {
        let run = interrupt(&held, "get", "TERM", &["-o", format]);
        assert_eq!(run.code, 143, "{format}");
        for number in [1, 3] {
            assert!(run.stdout.contains(&reference(number)), "{}", run.stdout);
        }
    }
    let run = interrupt(&held, "describe", "INT", &[]);
    for number in [1, 3] {
        assert!(run.stdout.contains(&reference(number)), "{}", run.stdout);
    }
}

#[test]
fn an_interrupted_gate_of_one_check_is_undecided() {
    let held = HeldServer::start(2);
    let run = interrupt(&held, "get", "INT", &["--exit-status", "-o", "json"]);
    let document = run.json();
    assert_eq!(
        (run.code, &document["exit"]["word"]),
        (130, &json!("interrupted"))
    );
    assert_eq!(document["gate"]["verdict"], "undecided");
    let reason = document["gate"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("interrupted after "), "{reason}");
}

#[test]
fn an_interrupt_ends_a_get_whose_output_is_not_read() {
    let server = Server::start(|_, request, stream| {
        let number = (1..=2000).find(|number| request.target().contains(&format!("{number:032x}")));
        let _ = stream.write_all(&running(number.unwrap()));
    });
    let references: Vec<String> = (1..=400).map(reference).collect();
    // More than the capacity of a pipe.
    let mut all = vec!["get", "-o", "json", "-v"];
    all.extend(references.iter().map(String::as_str));
    let (_unread, writer) = pipe().unwrap();
    let (reader, errors) = pipe().unwrap();
    let run = joblens(&all)
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
        .start(OwnedFd::from(writer), OwnedFd::from(errors));
    let responses = BufReader::new(reader).lines().map(Result::unwrap);
    let responses = responses.filter(|line| line.starts_with("< "));
    assert_eq!(responses.take(references.len()).count(), references.len());
    run.signal("INT");
    assert_eq!(run.end().code, 130);
}
