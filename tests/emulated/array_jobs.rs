//! A gate on an array job is decided by its subtasks.

use serde_json::{Value, json};

use crate::support::{Server, joblens, json as answer};
use std::io::Write as _;

/// The exit code of a gate on the job 10, and what it says.
fn gate(fields: &Value, list: &Value) -> (i32, String) {
    let mut job = json!({"JobId": "10", "State": "Succeeded", "ContainerGroups": []});
    let fields = fields.as_object().unwrap().clone();
    job.as_object_mut().unwrap().extend(fields);
    let described = json!({"RequestId": "r", "TotalCount": 1, "JobInfos": [job]}).to_string();
    let listed = list.to_string();
    let server = Server::start(move |_, got, stream| {
        let body = match got.head.contains("ListServerlessJobs") {
            true => &listed,
            false => &described,
        };
        let _ = stream.write_all(&answer(body));
    });
    let run = joblens(&["wait", "-t", "0s", "aliyun/job/c/10"])
        .envs(joblens::emulator::environment(&server.origin()))
        .run();
    (run.code, run.stderr)
}

/// A list of the subtasks 1, 3, 5, 7 and 9, of which 5 has this state.
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
fn a_failed_subtask_fails_the_gate_whatever_the_job_says_of_itself() {
    for fields in [
        json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)}),
        json!({"ArrayProperties": range(9, 2)}),
        json!({"IsArrayJob": null, "ArrayProperties": range(9, 2)}),
        json!({"IsArrayJob": false, "ArrayProperties": range(9, 2)}),
        json!({"IsArrayJob": true, "ArrayProperties": range(9, 6)}),
        json!({"IsArrayJob": true, "ArrayProperties": range(3, 1)}),
        json!({"IsArrayJob": true, "ArrayProperties": range(9, 0)}),
        json!({"IsArrayJob": true}),
        json!({}),
    ] {
        let (code, said) = gate(&fields, &list("Failed"));
        assert_eq!(code, 1, "{fields}: {said}");
        assert!(said.contains("10_5"), "{fields}: {said}");
    }
}

#[test]
fn the_documented_form_passes_when_every_subtask_succeeded() {
    let whole = json!({"IsArrayJob": true, "ArrayProperties": range(9, 2)});
    assert_eq!(gate(&whole, &list("Succeeded")).0, 0);
    let unflagged = json!({"ArrayProperties": range(9, 2)});
    assert_eq!(gate(&unflagged, &list("Succeeded")).0, 0);
}

#[test]
fn a_list_that_does_not_bear_a_success_out_decides_nothing() {
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
        let (code, said) = gate(fields, list);
        assert_eq!(code, 8, "{fields}: {said}");
    }
}

#[test]
fn an_ordinary_job_passes_without_a_list() {
    let nothing = json!({"Jobs": [], "TotalCount": 0});
    let unreadable = json!("no list");
    for fields in [json!({"IsArrayJob": false}), json!({})] {
        for list in [&nothing, &unreadable] {
            assert_eq!(gate(&fields, list).0, 0, "{fields}");
        }
    }
}
