//! The verdict on a finished invocation.

use std::io::Write as _;

use serde_json::json;

use crate::support::emulated::Emulated;
use crate::support::{Run, Server, http, joblens, json as response};

const COMMAND: &str = "aliyun/invocation/C/c-1";

fn scenario(parts: usize, states: &str, faults: &str) -> Emulated {
    Emulated::start(&format!(
        "[[job]]\nref = '{COMMAND}'\nage = '1h'\nparts = {parts}\nstates = [{{ after = '0s', state = 'Running' }}, {states}]\n{faults}"
    ))
}

fn finished(parts: usize, exit_code: i64, faults: &str) -> Emulated {
    let state = format!(
        "{{ after = '3m', state = 'Finished', exit_code = {exit_code}, message = 'tar: no such file' }}"
    );
    scenario(parts, &state, faults)
}

fn operations(emulated: &Emulated) -> Vec<String> {
    emulated
        .accesses()
        .into_iter()
        .filter_map(|access| access.operation)
        .collect()
}

#[test]
fn an_invocation_succeeds_if_every_exit_code_is_0() {
    let emulated = finished(3, 0, "");
    let job = emulated.get(&[COMMAND]).run().job();
    assert_eq!(
        (&job["state"], &job["ended"], &job["exit_code"]),
        (&json!("succeeded"), &json!(true), &json!(0))
    );
    assert!(
        job["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|task| task["exit_code"] == 0 && task["state"] == "succeeded")
    );
    assert!(job["finished_at"].is_string());
    assert_eq!(
        operations(&emulated),
        ["ListInvocationStatus", "ListInvocationResults"]
    );
}

#[test]
fn an_invocation_fails_if_one_exit_code_is_not_0() {
    let job = finished(3, 2, "").get(&[COMMAND]).run().job();
    assert_eq!(
        (&job["state"], &job["state_raw"], &job["exit_code"]),
        (&json!("failed"), &json!("Finished"), &json!(2))
    );
    assert_eq!(job["reason"], "exit code 2");
    assert_eq!(
        job["message"],
        "node i-node003: exit code 2: tar: no such file"
    );
    let states: Vec<_> = job["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["state"].clone())
        .collect();
    assert_eq!(states, ["succeeded", "succeeded", "failed"]);
}

#[test]
fn results_of_a_running_invocation_are_not_requested() {
    let emulated = scenario(2, "", "");
    let job = emulated.get(&[COMMAND]).run().job();
    assert_eq!(
        (&job["state"], &job["ended"]),
        (&json!("running"), &json!(false))
    );
    assert_eq!(operations(&emulated), ["ListInvocationStatus"]);
}

#[test]
fn an_invocation_that_cannot_run_is_failed_and_a_stopped_one_canceled() {
    let failed = scenario(2, "{ after = '1m', state = 'Failed' }", "")
        .get(&[COMMAND])
        .run()
        .job();
    assert_eq!(
        (&failed["state"], &failed["message"]),
        (&json!("failed"), &json!("node i-node002: failed to run"))
    );
    let stopped = scenario(2, "{ after = '1m', state = 'Stopped' }", "")
        .get(&[COMMAND])
        .run()
        .job();
    assert_eq!(
        (&stopped["state"], &stopped["ended"]),
        (&json!("canceled"), &json!(true))
    );
}

fn assert_unread(run: &Run, what: &str) {
    let job = run.job();
    assert_eq!(
        (&job["state"], &job["ended"]),
        (&json!("unknown"), &json!(false)),
        "{what}"
    );
    assert_eq!(job["state_raw"], "Finished");
    assert_eq!(job["reason"], "subtasks_unread");
    assert_eq!(job["details"]["exit_codes"], "unknown");
    assert_eq!(job["exit_code"], json!(null));
    let notices = run.json()["notices"].clone();
    assert_eq!(notices.as_array().unwrap().len(), 1, "{what}: {notices:#}");
    assert_eq!(notices[0]["code"], "exit_codes_unread");
    let message = notices[0]["message"].as_str().unwrap();
    assert!(
        message.contains("ListInvocationResults") || message.contains("answer"),
        "{message}"
    );
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert_eq!(run.code, 0, "{what}: {}", run.stderr);
}

#[test]
fn a_finished_invocation_without_readable_exit_codes_is_unknown() {
    for fault in [
        "kind = 'html'\nstatus = 200",
        "kind = 'empty'",
        "kind = 'status'\nstatus = 500",
        "kind = 'truncate'",
        "kind = 'throttle'\nretry_after = '0s'",
    ] {
        let fault = format!("[[fault]]\noperation = 'ListInvocationResults'\n{fault}\n");
        let emulated = finished(2, 0, &fault);
        assert_unread(
            &emulated.get(&[COMMAND, "--max-attempts", "2"]).run(),
            &fault,
        );
        let table = emulated.joblens(&[COMMAND, "--max-attempts", "1"]).run();
        assert!(
            table.stdout.contains("its exit codes could not be read"),
            "{}",
            table.stdout
        );
    }
}

/// Starts a server with a finished command whose results are forbidden.
fn forbidden() -> Server {
    let node = json!({"InstanceId": "i-1", "InstanceInvokeStatus": "Finished"});
    let status = json!({"RequestId": "R", "CommandId": "c-1", "InvokeStatus": "Finished",
        "InvokeInstances": {"InvokeInstance": [node]}});
    let denied = json!({"RequestId": "R", "Code": "Forbidden.RAM", "Message": "no"}).to_string();
    let headers = "content-type: application/json\r\n";
    let denied = http("403 Forbidden", headers, denied.as_bytes());
    Server::start(move |_, got, stream| {
        let _ = match got.head.contains("ListInvocationResults") {
            true => stream.write_all(&denied),
            false => stream.write_all(&response(status.to_string())),
        };
    })
}

fn run(server: &Server, arguments: &[&str]) -> Run {
    joblens(arguments)
        .envs(joblens::emulator::environment(&server.origin()))
        .run()
}

#[test]
fn forbidden_results_end_a_gate_with_4_unless_finished_is_trusted() {
    let server = forbidden();
    for (options, code) in [
        (&[][..], 4),
        (&["--for", "ended"], 0),
        (&["--trust-finished"], 0),
    ] {
        let wait = [&["wait", COMMAND, "-t", "90s"], options].concat();
        let run = run(&server, &wait);
        assert_eq!(run.code, code, "{options:?}: {}", run.stderr);
        assert!(run.stderr.contains("Forbidden.RAM"), "{}", run.stderr);
    }
    let run = run(&server, &["get", COMMAND, "--exit-status", "-o", "json"]);
    assert_eq!((run.code, &run.job()["state"]), (4, &json!("unknown")));
}

#[test]
fn trust_finished_makes_an_invocation_with_forbidden_results_succeeded_with_a_notice() {
    let get = ["get", COMMAND, "--trust-finished", "-o", "json"];
    let run = run(&forbidden(), &get);
    let job = run.job();
    assert_eq!(
        (&job["state"], &job["ended"], run.code),
        (&json!("succeeded"), &json!(true), 0)
    );
    assert_eq!(
        job["exit_code"],
        json!(null),
        "an exit code that was not read is not made up"
    );
    assert_eq!(run.json()["notices"][0]["code"], "exit_codes_unread");
    let failed = finished(2, 3, "")
        .get(&[COMMAND, "--trust-finished"])
        .run()
        .job();
    assert_eq!(
        failed["state"], "failed",
        "what can be read is not trusted away"
    );
}

#[test]
fn results_of_many_nodes_are_read_in_pages() {
    let emulated = finished(120, 7, "");
    let job = emulated.get(&[COMMAND]).run().job();
    assert_eq!(
        (&job["state"], &job["exit_code"]),
        (&json!("failed"), &json!(7))
    );
    let tasks = job["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 120);
    assert!(
        tasks.iter().all(|task| task["exit_code"].is_number()),
        "{job:#}"
    );
    assert_eq!(tasks[119]["exit_code"], 7, "it is on the last page");
    assert_eq!(operations(&emulated).len(), 4);
}

#[test]
fn an_unreadable_page_of_results_leaves_an_invocation_unknown() {
    let fault =
        "[[fault]]\noperation = 'ListInvocationResults'\nkind = 'html'\nstatus = 200\nskip = 1\n";
    let run = finished(120, 0, fault).get(&[COMMAND]).run();
    let job = run.job();
    assert_eq!(
        (&job["state"], &job["ended"]),
        (&json!("unknown"), &json!(false))
    );
    assert_eq!(job["tasks"][0]["exit_code"], 0);
    assert_eq!(job["tasks"][119]["exit_code"], json!(null));
    assert_eq!(run.json()["notices"][0]["code"], "exit_codes_unread");
}
