//! Lists by state with a state that changes or is unknown.

use std::io::Write as _;

use serde_json::{Value, json};

use super::each;
use crate::support::{self, Run, Server, joblens};

fn row(id: &str, state: Value) -> Value {
    json!({"JobId": id, "JobName": "train", "State": state, "SubmitTime": "1700000000"})
}

fn page(rows: &[Value], total: usize) -> Vec<u8> {
    support::json(json!({"RequestId": "r", "TotalCount": total, "Jobs": rows}).to_string())
}

/// Lists the cluster of a server that answers with these pages in order.
fn listed(pages: Vec<Vec<u8>>, arguments: &[&str]) -> Run {
    let server = Server::start(move |number, _, stream| {
        let _ = stream.write_all(&pages[number.min(pages.len() - 1)]);
    });
    joblens(&[&["list", "aliyun/job/c"], arguments].concat())
        .env("JOBLENS_ALIYUN_ENDPOINT", server.origin())
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret")
        .run()
}

/// Returns the pages of a list that loses a row after its first page and is read again; meanwhile the first job has
/// failed.
fn changing() -> Vec<Vec<u8>> {
    let running = |ids: std::ops::Range<usize>| -> Vec<Value> {
        ids.map(|id| row(&format!("j{id}"), json!("Running")))
            .collect()
    };
    let again = [vec![row("j0", json!("Failed"))], running(2..101)].concat();
    vec![
        page(&running(0..100), 120),
        page(&running(101..120), 119),
        page(&again, 119),
        page(&running(101..120), 119),
    ]
}

#[test]
fn a_job_that_changed_while_the_list_was_read_has_its_new_state() {
    for format in ["json", "table"] {
        let run = listed(changing(), &["-o", format, "--limit", "none"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let notice = "aliyun/job/c/j0 is listed as running and as failed: the later row counts";
        assert!(run.stderr.contains(notice), "{}", run.stderr);
        if format == "table" {
            let rows: Vec<&str> = run.stdout.lines().skip(1).collect();
            assert!(
                rows[0].starts_with("aliyun/job/c/j0    failed"),
                "{}",
                rows[0]
            );
            assert_eq!(rows.len(), 120);
            continue;
        }
        let found = run.json();
        assert_eq!(found["jobs"][0]["state"], "failed");
        assert_eq!(found["coverage"]["complete"], true);
    }
    let names = listed(changing(), &["-o", "name"]);
    assert_eq!(names.stdout.matches("/j0\n").count(), 1);
    assert_eq!(names.stdout.lines().count(), 120);
}

#[test]
fn the_state_filter_applies_to_the_last_listed_state_of_a_job() {
    for format in ["json", "name", "csv"] {
        let run = listed(changing(), &["-s", "running", "-o", format]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stdout.contains("aliyun/job/c/j0\""), "{}", run.stdout);
        assert!(!run.stdout.contains("aliyun/job/c/j0\n"), "{}", run.stdout);
        assert!(run.stdout.matches("aliyun/job/c/j1").count() > 20);
    }
    let run = listed(changing(), &["-s", "failed", "-o", "name"]);
    assert_eq!(run.stdout, "aliyun/job/c/j0\n", "{}", run.stderr);
}

#[test]
fn the_state_filter_reports_jobs_with_an_unknown_state() {
    let rows = [
        row("none", Value::Null),
        row("odd", json!("Paused")),
        row("bad", json!("Failed")),
    ];
    let run = listed(vec![page(&rows, 3)], &["-s", "failed", "-o", "json"]);
    assert_eq!(each(&run.json()["jobs"], "id"), ["none", "bad"]);
    for message in [
        "aliyun/job/c/: --state kept 1 without a known state",
        "aliyun/job: jobs in states that are not recognized, such as 'Paused', are left out",
    ] {
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    let run = listed(vec![page(&rows, 3)], &["--active", "-o", "json"]);
    assert_eq!(each(&run.json()["jobs"], "id"), ["none", "odd"]);
    let message = "--active kept 2 without a known state";
    assert!(run.stderr.contains(message), "{}", run.stderr);
}

#[test]
fn the_total_of_a_scope_is_not_shown_for_a_filtered_list() {
    let rows: Vec<Value> = (0..100)
        .map(|id| row(&id.to_string(), json!("Running")))
        .collect();
    let limit = ["--name", "*", "--limit", "5", "-o", "jsonl"];
    let run = listed(vec![page(&rows, 250)], &limit);
    let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(last["complete"], false);
    let notice = json!({"code": "list_incomplete",
        "message": "aliyun/job/c/: showing 5 results; use --limit none to show all"});
    assert_eq!(last["notices"], json!([notice]));
}
