//! The subtasks of an array job determine the result of a gate on it.

use serde_json::{Value, json};

use crate::support::{Run, Server, http, joblens, json as response};
use std::io::Write as _;

/// Starts a server with these fields of the job 10, and this response for every list.
fn server(fields: &Value, list: Vec<u8>) -> Server {
    let mut job = json!({"JobId": "10", "State": "Succeeded", "ContainerGroups": []});
    let fields = fields.as_object().unwrap().clone();
    job.as_object_mut().unwrap().extend(fields);
    let described = json!({"RequestId": "r", "TotalCount": 1, "JobInfos": [job]}).to_string();
    Server::start(move |_, got, stream| {
        let _ = match got.head.contains("ListServerlessJobs") {
            true => stream.write_all(&list),
            false => stream.write_all(&response(&described)),
        };
    })
}

fn run(server: &Server, arguments: &[&str]) -> Run {
    joblens(arguments)
        .envs(joblens::emulator::environment(&server.origin()))
        .run()
}

const WAIT: [&str; 4] = ["wait", "-t", "0s", "aliyun/job/c/10"];

/// Returns the exit code of a gate on the job 10, and its stderr.
fn gate_on_answer(fields: &Value, list: Vec<u8>) -> (i32, String) {
    let run = run(&server(fields, list), &WAIT);
    (run.code, run.stderr)
}

fn gate(fields: &Value, list: &Value) -> (i32, String) {
    gate_on_answer(fields, response(list.to_string()))
}

fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body = json!({"RequestId": "r", "Code": code, "Message": "no"}).to_string();
    http(
        status,
        "content-type: application/json\r\n",
        body.as_bytes(),
    )
}

/// Returns a list of the subtasks 1, 3, 5, 7 and 9, with this state of subtask 5.
fn list(state: &str) -> Value {
    let rows: Vec<Value> = [9, 7, 5, 3, 1]
        .iter()
        .map(|n| {
            let state = if *n == 5 { state } else { "Succeeded" };
            json!({"JobId": format!("10_{n}"), "State": state, "IsArrayJob": "True"})
        })
        .collect();
    json!({"RequestId": "r", "TotalCount": 5, "PageNumber": 1, "PageSize": 100, "Jobs": rows})
}

fn range(end: i64, step: i64) -> Value {
    json!({"IndexStart": 1, "IndexEnd": end, "IndexStep": step})
}

#[test]
fn a_failed_subtask_fails_the_gate_whatever_the_fields_of_the_job_are() {
    for fields in [
        json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)}),
        json!({"ArrayProperties": range(9, 2)}),
        json!({"IsArrayJob": null, "ArrayProperties": range(9, 2)}),
        json!({"IsArrayJob": false, "ArrayProperties": range(9, 2)}),
        json!({"IsArrayJob": true, "ArrayProperties": range(9, 6)}),
        json!({"IsArrayJob": true, "ArrayProperties": range(3, 1)}),
        json!({"IsArrayJob": true, "ArrayProperties": range(9, 0)}),
        json!({"IsArrayJob": true}),
        json!({"IsArrayJob": false}),
        json!({"IsArrayJob": "false"}),
        json!({"IsArrayJob": 0}),
        json!({}),
        json!({"State": "Running", "IsArrayJob": true, "ArrayProperties": range(9, 2)}),
        json!({"State": "Odd", "IsArrayJob": true, "ArrayProperties": range(9, 2)}),
    ] {
        let (code, stderr) = gate(&fields, &list("Failed"));
        assert_eq!(code, 1, "{fields}: {stderr}");
        assert!(stderr.contains("10_5"), "{fields}: {stderr}");
    }
}

#[test]
fn a_documented_array_job_passes_if_every_subtask_succeeded() {
    let whole = json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)});
    assert_eq!(gate(&whole, &list("Succeeded")).0, 0);
    let unflagged = json!({"ArrayProperties": range(9, 2)});
    assert_eq!(gate(&unflagged, &list("Succeeded")).0, 0);
}

#[test]
fn a_list_that_does_not_confirm_every_subtask_leaves_the_gate_undecided() {
    let whole = json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)});
    let longer = json!({"IsArrayJob": true, "ArrayProperties": range(11, 2)});
    let odd_step = json!({"IsArrayJob": true, "ArrayProperties": range(9, 4)});
    let mut more = list("Succeeded");
    more["TotalCount"] = json!(7);
    for (fields, list) in [
        (&whole, &list("Running")),
        (&whole, &more),
        (&longer, &list("Succeeded")),
        (&odd_step, &list("Succeeded")),
    ] {
        let (code, stderr) = gate(fields, list);
        assert_eq!(code, 8, "{fields}: {stderr}");
    }
}

#[test]
fn an_ordinary_job_passes_without_subtasks() {
    let nothing = json!({"Jobs": [], "TotalCount": 0});
    let itself = json!({"TotalCount": 1, "Jobs": [{"JobId": "10", "State": "Succeeded"}]});
    for fields in [json!({"IsArrayJob": false}), json!({})] {
        for list in [&nothing, &itself] {
            assert_eq!(gate(&fields, list).0, 0, "{fields}");
        }
    }
    let flagged = json!({"IsArrayJob": false});
    for list in [
        response("no list"),
        http(
            "200 OK",
            "content-type: text/html\r\n",
            b"<html>sign in</html>",
        ),
        refusal("500 Internal Server Error", "UnknownError"),
    ] {
        let (code, stderr) = gate_on_answer(&flagged, list);
        assert_eq!(code, 0, "nothing contradicts the flag: {stderr}");
    }
    let partly = json!({"Jobs": [null, {"JobId": "10", "State": "Succeeded"}]});
    assert_eq!(gate(&flagged, &partly).0, 5);
}

#[test]
fn a_job_without_the_array_flag_is_undecided_if_its_list_is_unreadable() {
    let succeeded = json!({"JobId": "10_1", "State": "Succeeded"});
    let html = http(
        "200 OK",
        "content-type: text/html\r\n",
        b"<html>sign in</html>",
    );
    let moved = http("302 Found", "location: http://127.0.0.1:9/\r\n", b"");
    for (list, expected) in [
        (
            response(json!({"TotalCount": 1, "Jobs": [null]}).to_string()),
            5,
        ),
        (
            response(json!({"TotalCount": 1, "Jobs": [{"JobId": ["x"]}]}).to_string()),
            5,
        ),
        (
            response(json!({"Jobs": [{"State": "Failed"}]}).to_string()),
            5,
        ),
        (response(json!({"Jobs": [null, succeeded]}).to_string()), 5),
        (response("{}"), 5),
        (
            response(json!({"Jobs": {"Job": [succeeded]}}).to_string()),
            5,
        ),
        (
            response(json!({"TotalCount": 5, "Jobs": null}).to_string()),
            5,
        ),
        (
            response(json!({"TotalCount": 5, "Jobs": []}).to_string()),
            8,
        ),
        (html, 5),
        (moved, 5),
        (refusal("404 Not Found", "ClusterNotFound"), 5),
        (refusal("400 Bad Request", "InvalidParam"), 5),
        (refusal("404 Not Found", "InvalidAccessKeyId.NotFound"), 4),
        (refusal("500 Internal Server Error", "UnknownError"), 5),
    ] {
        let text = String::from_utf8_lossy(&list).into_owned();
        let (code, stderr) = gate_on_answer(&json!({}), list);
        assert_eq!(code, expected, "{text}: {stderr}");
        assert!(stderr.contains("subtasks"), "{text}: {stderr}");
    }
}

#[test]
fn a_failed_subtask_is_found_beside_rows_that_cannot_be_read() {
    let rows = json!({"TotalCount": 2, "Jobs": [null, {"JobId": "10_5", "State": "Failed"}]});
    for fields in [
        json!({}),
        json!({"IsArrayJob": false}),
        json!({"IsArrayJob": true}),
    ] {
        let (code, stderr) = gate(&fields, &rows);
        assert_eq!(code, 1, "{fields}: {stderr}");
        assert!(stderr.contains("10_5"), "{stderr}");
    }
}

#[test]
fn a_success_passes_without_list_permission_only_if_no_array_is_indicated() {
    let denied = || refusal("403 Forbidden", "Forbidden.RAM");
    let unchecked = server(&json!({}), denied());
    let job = run(&unchecked, &["get", "aliyun/job/c/10", "-o", "json"]);
    assert_eq!((job.code, &job.job()["state"]), (0, &json!("succeeded")));
    assert_eq!(job.json()["notices"][0]["code"], "subtasks_unchecked");
    assert_eq!(run(&unchecked, &WAIT).code, 0);
    let (code, stderr) = gate_on_answer(&json!({"IsArrayJob": false}), denied());
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("ListServerlessJobs"), "{stderr}");
    for fields in [
        json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)}),
        json!({"IsArrayJob": false, "ArrayProperties": range(9, 2)}),
        json!({"ArrayProperties": range(9, 2)}),
    ] {
        let server = server(&fields, denied());
        for condition in ["succeeded", "ended"] {
            let arguments = [&WAIT[..], &["--for", condition]].concat();
            let run = run(&server, &arguments);
            assert_eq!(run.code, 4, "{fields}: {}", run.stderr);
            assert!(run.stderr.contains("Forbidden.RAM"), "{}", run.stderr);
        }
    }
}

#[test]
fn an_array_range_outweighs_a_flag_that_denies_an_array_job() {
    let denying = json!({"IsArrayJob": false, "ArrayProperties": range(9, 2)});
    let (code, stderr) = gate(&denying, &json!({"Jobs": [], "TotalCount": 0}));
    assert_eq!(code, 8, "{stderr}");
    assert_eq!(gate(&denying, &list("Succeeded")).0, 0);
    let zeros = json!({"IsArrayJob": false,
        "ArrayProperties": {"IndexStart": 0, "IndexEnd": 0, "IndexStep": 1}});
    assert_eq!(gate(&zeros, &json!({"Jobs": [], "TotalCount": 0})).0, 0);
}

#[test]
fn a_failing_list_of_subtasks_ends_a_gate_with_a_service_error() {
    let whole = json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)});
    let broken = refusal("500 Internal Server Error", "UnknownError");
    let server = server(&whole, broken);
    for condition in ["succeeded", "ended"] {
        let run = run(&server, &[&WAIT[..], &["--for", condition]].concat());
        assert_eq!(run.code, 5, "{}", run.stderr);
        assert!(run.stderr.contains("UnknownError"), "{}", run.stderr);
    }
}

#[test]
fn a_canceled_subtask_makes_a_succeeded_job_canceled() {
    let whole = json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)});
    let (code, stderr) = gate(&whole, &list("Canceled"));
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("10_5 was canceled"), "{stderr}");
}

#[test]
fn a_failed_subtask_fails_a_job_whose_other_subtasks_still_run() {
    let running = json!({"State": "Running", "IsArrayJob": true, "ArrayProperties": range(9, 2)});
    let server = server(&running, response(list("Failed").to_string()));
    let job = run(&server, &["get", "aliyun/job/c/10", "-o", "json"]).job();
    assert_eq!(
        (&job["state"], &job["state_raw"]),
        (&json!("failed"), &json!("Running"))
    );
    assert_eq!(
        (&job["ended"], &job["finished_at"]),
        (&json!(false), &Value::Null)
    );
    let ended = run(&server, &[&WAIT[..], &["--for", "ended"]].concat());
    assert_eq!(ended.code, 8, "{}", ended.stderr);
    let quiet = run(&server, &[&WAIT[..], &["--for", "no-warnings=1s"]].concat());
    assert_eq!(quiet.code, 1, "{}", quiet.stderr);
}

#[test]
fn unreadable_subtasks_never_pass_a_gate_on_warnings() {
    let whole = json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)});
    let forbidden = refusal("403 Forbidden", "NoPermission");
    let goal = ["-t", "4s", "--for", "no-warnings=100ms"];
    let run = run(
        &server(&whole, forbidden),
        &[&WAIT[..1], &WAIT[3..], &goal].concat(),
    );
    assert_eq!(run.code, 4, "{}", run.stderr);
}

/// Starts a server that filters lists like the cloud.
fn filtering_server() -> Server {
    let rows: Vec<Value> = [150, 151]
        .iter()
        .map(|n| json!({"JobId": format!("10_{n}"), "State": "Failed", "IsArrayJob": "True"}))
        .collect();
    let job = |id: &str| json!({"JobId": id, "State": "Succeeded", "SubmitTime": 1_647_423_718});
    let (ten, all) = (job("10"), [vec![job("10"), job("20")], rows].concat());
    Server::start(move |_, got, stream| {
        let is_list = got.head.contains("ListServerlessJobs");
        let body = match got.target().contains("JobIds") {
            _ if !is_list => json!({"TotalCount": 1, "JobInfos": [ten]}),
            true => json!({"TotalCount": 2, "Jobs": all[..2]}),
            false => json!({"TotalCount": all.len(), "Jobs": all}),
        };
        let _ = stream.write_all(&response(body.to_string()));
    })
}

#[test]
fn subtasks_of_high_indices_are_found_for_a_job_without_the_array_flag() {
    let server = filtering_server();
    let Run { code, stderr, .. } = run(&server, &WAIT);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("10_150"), "{stderr}");
    let heads: Vec<String> = server.received().into_iter().map(|got| got.head).collect();
    let search = heads
        .iter()
        .find(|head| head.contains("SubmitTimeStart=1647423718"));
    assert!(
        search.is_some_and(|head| head.contains("SubmitTimeEnd=1647423778")),
        "{heads:?}"
    );
}

#[test]
fn a_failed_subtask_is_found_among_jobs_flagged_as_ordinary() {
    let mut rows = list("Failed");
    let jobs = rows["Jobs"].as_array_mut().unwrap();
    for id in ["10", "20"] {
        jobs.push(json!({"JobId": id, "State": "Succeeded", "IsArrayJob": "False"}));
    }
    rows["TotalCount"] = json!(7);
    let server = server(&json!({"IsArrayJob": false}), response(rows.to_string()));
    let both = ["wait", "-t", "0s", "aliyun/job/c/10", "aliyun/job/c/20"];
    let failed = run(&server, &both);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    assert!(failed.stderr.contains("10_5"), "{}", failed.stderr);
}
