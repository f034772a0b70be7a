//! Recognition of array jobs, and the ways to find their subtasks.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::{Run, Server, http, joblens, json as response};

/// A cloud that filters lists by id like E-HPC.
#[derive(Default)]
struct Cloud {
    /// Rows of DescribeServerlessJobs.
    described: Vec<Value>,
    /// All rows of a response to a request for the job 10.
    together: Vec<Value>,
    /// Rows of ListServerlessJobs.
    listed: Vec<Value>,
    /// Maximum number of rows on a page; 0 for the requested number.
    max_rows: usize,
    /// Error code of the response to requests for the job 10.
    refusal: Option<&'static str>,
}

impl Cloud {
    fn start(self) -> Server {
        Server::start(move |_, got, stream| {
            let parameters: Vec<(&str, &str)> = got
                .target()
                .split(['?', '&'])
                .filter_map(|pair| pair.split_once('='))
                .collect();
            let ids: Vec<&str> = parameters
                .iter()
                .filter(|(name, _)| name.starts_with("JobIds."))
                .map(|(_, id)| *id)
                .collect();
            let body = match got.head.contains("ListServerlessJobs") {
                true => response(self.list(&parameters, &ids).to_string()),
                false => self.describe(ids[0]),
            };
            let _ = stream.write_all(&body);
        })
    }

    fn describe(&self, id: &str) -> Vec<u8> {
        if let Some(code) = self.refusal.filter(|_| id == "10") {
            let body = json!({"RequestId": "r", "Code": code, "Message": "no"}).to_string();
            let json = "content-type: application/json\r\n";
            return http("400 Bad Request", json, body.as_bytes());
        }
        let rows = match self.together.is_empty() || id != "10" {
            true => rows_of(&self.described, &[id]),
            false => self.together.clone(),
        };
        response(json!({"TotalCount": rows.len(), "JobInfos": rows}).to_string())
    }

    fn list(&self, parameters: &[(&str, &str)], ids: &[&str]) -> Value {
        let number = |name| {
            let found = parameters.iter().find(|(other, _)| *other == name);
            found.map_or(1, |(_, number)| number.parse::<usize>().unwrap())
        };
        let rows = match ids {
            [] => self.listed.clone(),
            ids => rows_of(&self.listed, ids),
        };
        let size = match self.max_rows {
            0 => number("PageSize"),
            max => max.min(number("PageSize")),
        };
        let page = rows.chunks(size).nth(number("PageNumber") - 1);
        json!({"TotalCount": rows.len(), "Jobs": page.unwrap_or_default()})
    }
}

fn rows_of(rows: &[Value], ids: &[&str]) -> Vec<Value> {
    let is_requested = |row: &&Value| ids.contains(&row["JobId"].as_str().unwrap());
    rows.iter().filter(is_requested).cloned().collect()
}

fn job(id: &str, state: &str) -> Value {
    json!({"JobId": id, "State": state})
}

/// Returns a job whose flag marks it as ordinary.
fn ordinary(id: &str, state: &str) -> Value {
    json!({"JobId": id, "State": state, "IsArrayJob": false})
}

/// Returns the subtasks 1, 3, 5, 7 and 9 in this state, and subtask 5 in another one.
fn subtasks(state: &str, fifth: &str) -> Vec<Value> {
    [1, 3, 5, 7, 9]
        .iter()
        .map(|n| job(&format!("10_{n}"), if *n == 5 { fifth } else { state }))
        .collect()
}

/// Adds a range to the rows.
fn with_range(rows: Vec<Value>, (start, end, step): (i64, i64, i64)) -> Vec<Value> {
    let range = json!({"IndexStart": start, "IndexEnd": end, "IndexStep": step});
    let with_range = |mut row: Value| {
        row["IsArrayJob"] = json!(true);
        row["ArrayProperties"] = range.clone();
        row
    };
    rows.into_iter().map(with_range).collect()
}

fn joined(lists: &[Vec<Value>]) -> Vec<Value> {
    lists.concat()
}

fn run(server: &Server, arguments: &[&str]) -> Run {
    joblens(arguments)
        .envs(joblens::emulator::environment(&server.origin()))
        .run()
}

const WAIT: [&str; 4] = ["wait", "-t", "0s", "aliyun/job/c/10"];

fn wait_for(server: &Server, condition: &str) -> Run {
    run(server, &[&WAIT[..], &["--for", condition]].concat())
}

fn assert_failed(run: &Run, subtask: &str, case: &str) {
    assert_eq!(run.code, 1, "{case}: {}", run.stderr);
    assert!(run.stderr.contains(subtask), "{case}: {}", run.stderr);
}

#[test]
fn a_listed_failed_subtask_fails_a_running_job_not_marked_as_an_array_job() {
    for described in [job("10", "Running"), ordinary("10", "Running")] {
        for state in ["Running", "Succeeded"] {
            let server = Cloud {
                described: vec![described.clone()],
                listed: joined(&[vec![described.clone()], subtasks(state, "Failed")]),
                ..Cloud::default()
            }
            .start();
            for condition in ["running", "running,succeeded", "succeeded"] {
                let run = wait_for(&server, condition);
                assert_failed(&run, "10_5", condition);
            }
        }
    }
}

#[test]
fn a_success_contradicted_by_the_row_in_the_list_is_undecided() {
    for (word, code) in [
        ("Succeeded", 0),
        ("Running", 0),
        ("Failed", 5),
        ("Canceled", 5),
    ] {
        let server = Cloud {
            described: vec![ordinary("10", "Succeeded")],
            listed: vec![ordinary("10", word)],
            ..Cloud::default()
        }
        .start();
        let gate = run(&server, &["get", "--exit-status", "aliyun/job/c/10"]);
        assert_eq!(gate.code, code, "{word}: {}", gate.stderr);
        let contradiction = format!("the job is Succeeded, but {word} in the list");
        assert_eq!(
            gate.stderr.contains(&contradiction),
            code != 0,
            "{}",
            gate.stderr
        );
    }
}

#[test]
fn an_ordinary_job_is_compared_with_the_list_once_for_each_state() {
    let server = Cloud {
        described: vec![ordinary("10", "Running")],
        ..Cloud::default()
    }
    .start();
    let waited = run(
        &server,
        &["wait", "-t", "3s", "--interval", "1s", "aliyun/job/c/10"],
    );
    assert_eq!(waited.code, 124, "{}", waited.stderr);
    let of = |operation: &str| {
        let received = server.received();
        let sent = received.iter().filter(|got| got.head.contains(operation));
        sent.count()
    };
    assert!(of("DescribeServerlessJobs") > 1);
    assert_eq!(of("ListServerlessJobs"), 1);
    assert_eq!(wait_for(&server, "running").code, 0);
}

#[test]
fn a_failed_subtask_is_found_when_many_jobs_are_listed() {
    let both = ["aliyun/job/c/10", "aliyun/job/c/20"];
    let wait = |server: &Server| {
        let arguments = [&["wait", "-t", "9s", "--for", "running"], &both[..]].concat();
        run(server, &arguments)
    };
    // By the flag of the row, by a subtask in the same list, and by a lookup of each job.
    for row in [
        json!({"JobId": "10", "State": "Running", "IsArrayJob": "True"}),
        ordinary("10", "Running"),
        job("10", "Running"),
    ] {
        let server = Cloud {
            described: vec![job("10", "Running"), job("20", "Running")],
            listed: joined(&[
                vec![row.clone(), ordinary("20", "Running")],
                subtasks("Running", "Failed"),
            ]),
            ..Cloud::default()
        }
        .start();
        assert_failed(&wait(&server), "10_5", &row.to_string());
    }
    let server = Cloud {
        listed: vec![ordinary("10", "Running"), ordinary("20", "Running")],
        ..Cloud::default()
    }
    .start();
    assert_eq!(wait(&server).code, 0);
    assert_eq!(server.received().len(), 1, "one list for both");
}

#[test]
fn an_active_array_job_passes_only_when_its_subtasks_could_be_read() {
    let array = with_range(vec![job("10", "Running")], (1, 9, 2));
    let listed = subtasks("Running", "Running");
    let short = json!({"TotalCount": 5, "Jobs": listed[..4]}).to_string();
    let described = json!({"TotalCount": 1, "JobInfos": array}).to_string();
    let server = Server::start(move |_, got, stream| {
        let _ = match got.head.contains("ListServerlessJobs") {
            true => stream.write_all(&response(&short)),
            false => stream.write_all(&response(&described)),
        };
    });
    let undecided = wait_for(&server, "running");
    assert_eq!(undecided.code, 8, "{}", undecided.stderr);
    assert!(
        undecided.stderr.contains("reports 5 rows"),
        "{}",
        undecided.stderr
    );
    let server = Cloud {
        described: array,
        listed,
        ..Cloud::default()
    }
    .start();
    assert_eq!(wait_for(&server, "running").code, 0);
}

#[test]
fn an_array_job_listed_only_by_its_subtasks_has_their_state() {
    for refusal in [None, Some("InvalidParam.JobIds")] {
        for (fifth, state, code) in [
            ("Failed", "failed", 1),
            ("Succeeded", "succeeded", 0),
            ("Running", "running", 8),
        ] {
            let rows = subtasks("Succeeded", fifth);
            let server = Cloud {
                described: with_range(rows.clone(), (1, 9, 2)),
                listed: rows,
                refusal,
                ..Cloud::default()
            }
            .start();
            let waited = run(&server, &WAIT);
            assert_eq!(waited.code, code, "{refusal:?} {fifth}: {}", waited.stderr);
            let get = ["get", "--raw", "-o", "json", "aliyun/job/c/10"];
            let job = run(&server, &get).job();
            assert_eq!(
                (&job["state"], &job["state_raw"]),
                (&json!(state), &Value::Null)
            );
            assert_eq!(job["ended"], json!(fifth != "Running"));
            assert_eq!(job["tasks"].as_array().unwrap().len(), 5);
            assert_eq!(job["raw"]["TotalCount"], 5);
        }
    }
    let nothing = Cloud::default().start();
    assert_eq!(run(&nothing, &["get", "aliyun/job/c/10"]).code, 3);
}

#[test]
fn all_pages_are_read_for_an_array_job_that_is_only_in_the_list() {
    let mut rows: Vec<Value> = (1..=60)
        .rev()
        .map(|n| {
            job(
                &format!("10_{n}"),
                if n == 3 { "Failed" } else { "Succeeded" },
            )
        })
        .collect();
    rows.push(json!({"JobId": "10", "State": "Succeeded", "IsArrayJob": "True"}));
    let server = Cloud {
        listed: rows,
        max_rows: 10,
        ..Cloud::default()
    }
    .start();
    assert_failed(&run(&server, &WAIT), "10_3", "10 rows a page");
}

#[test]
fn the_range_of_an_array_job_is_read_from_any_of_its_subtasks() {
    let indices = [5, 7, 9].map(|n| job(&format!("10_{n}"), "Succeeded"));
    let parent = json!({"JobId": "10", "State": "Succeeded", "IsArrayJob": true});
    let described = with_range(indices.to_vec(), (5, 9, 2));
    let server = Cloud {
        described: joined(&[vec![parent], described]),
        listed: indices.to_vec(),
        ..Cloud::default()
    }
    .start();
    let run = run(&server, &WAIT);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_failed_subtask_in_the_lookup_response_fails_the_gate() {
    let fifth = || job("10_5", "Failed");
    for listed in [vec![], vec![job("10_5", "Running")]] {
        let server = Cloud {
            together: vec![job("10", "Succeeded"), fifth()],
            listed,
            ..Cloud::default()
        }
        .start();
        assert_failed(&run(&server, &WAIT), "10_5", "together");
    }
    let server = Cloud {
        together: vec![fifth()],
        listed: vec![fifth()],
        ..Cloud::default()
    }
    .start();
    assert_failed(&run(&server, &WAIT), "10_5", "without the job itself");
}

#[test]
fn subtasks_of_high_indices_are_found_if_the_range_is_unreadable() {
    let failed = || json!({"JobId": "10_150", "State": "Failed", "IsArrayJob": "True"});
    for state in ["Succeeded", "Running"] {
        let server = Cloud {
            described: with_range(vec![job("10", state)], (160, 150, 1)),
            listed: vec![job("10_151", "Succeeded"), failed()],
            ..Cloud::default()
        }
        .start();
        assert_failed(&run(&server, &WAIT), "10_150", state);
        let parent = json!({"JobId": "10", "State": state, "IsArrayJob": "True"});
        let server = Cloud {
            listed: vec![parent, failed()],
            ..Cloud::default()
        }
        .start();
        assert_failed(&run(&server, &WAIT), "10_150", state);
    }
}

#[test]
fn a_gate_on_warnings_of_an_array_job_never_passes_and_suggests_its_subtasks() {
    let server = Cloud {
        described: with_range(vec![job("10", "Running")], (1, 9, 2)),
        listed: subtasks("Running", "Running"),
        ..Cloud::default()
    }
    .start();
    let arguments = [
        "wait",
        "-t",
        "30s",
        "--for",
        "no-warnings=1s",
        "aliyun/job/c/10",
    ];
    let waited = run(&server, &arguments);
    assert_eq!(waited.code, 124, "{}", waited.stderr);
    let hint = "wait for aliyun/job/c/10_1-9:2 instead";
    assert!(waited.stderr.contains(hint), "{}", waited.stderr);
}
