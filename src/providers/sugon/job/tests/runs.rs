//! Tests which of several rows of the history counts, and details that are missing.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::*;
use crate::providers::{Truncation, list_all, ready};

/// Looks up a job that is only in the history, with these rows in the list and this response with the details.
async fn found(rows: &[Value], details: (u16, Value)) -> Result<GetResult, Problem> {
    let list = json!({"code": "0", "data": {"total": rows.len(), "list": rows}});
    let respond: Responder = Arc::new(move |request| {
        let (status, body) = match request.path.as_str() {
            "/hpc/openapi/v2/jobs/7" => (404, json!({"code": "404", "msg": "not found"})),
            "/hpc/openapi/v2/historyjobs" => (200, list.clone()),
            _ => details.clone(),
        };
        Some(ServerResponse::json(status, &body))
    });
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, respond).await;
    let client = client(&CLOUD, &server, &server.transport());
    client.get(&reference("7"), &get_options()).await
}

/// Creates a row that was queued, ended and booked at these times of a day.
fn row(word: &str, status: i64, times: [&str; 3]) -> Value {
    let [queued, ended, booked] = times.map(|time| match time {
        "" | "x" => json!(time),
        time => json!(format!("2026-03-25 {time}")),
    });
    json!({
        "jobId": "7", "jobName": "a", "jobState": word, "jobExitStatus": status,
        "jobQueueTime": queued, "jobEndTime": ended, "acctTime": booked,
    })
}

#[tokio::test]
async fn the_newest_row_counts_although_a_row_has_no_time_of_booking() {
    let refused = || Err("acctTime".to_owned());
    let failed = || {
        Ok((
            State::Unknown,
            "the job has succeeded, but the history lists statD, exit code 1".to_owned(),
        ))
    };
    let succeeded = || Ok((State::Succeeded, String::new()));
    let old = row("statC", 0, ["10:00:00", "11:00:00", "11:01:00"]);
    let old_failure = row("statD", 1, ["10:00:00", "11:00:00", ""]);
    for (rows, expected) in [
        (
            [row("statD", 1, ["12:00:00", "13:00:00", ""]), old.clone()],
            failed(),
        ),
        (
            [old.clone(), row("statD", 1, ["12:00:00", "13:00:00", "x"])],
            failed(),
        ),
        (
            [old.clone(), row("statD", 1, ["12:00:00", "", ""])],
            failed(),
        ),
        // Both ended at the same time.
        (
            [old.clone(), row("statD", 1, ["10:00:00", "11:00:00", ""])],
            failed(),
        ),
        ([old.clone(), row("statD", 1, ["", "", ""])], refused()),
        ([old.clone(), row("", 0, ["", "", ""])], refused()),
        // The details can be those of the run that failed.
        (
            [
                old_failure.clone(),
                row("statC", 0, ["12:00:00", "13:00:00", ""]),
            ],
            refused(),
        ),
        (
            [
                old_failure,
                row("statC", 0, ["12:00:00", "13:00:00", "13:01:00"]),
            ],
            succeeded(),
        ),
        ([old.clone(), row("statC", 0, ["", "", ""])], succeeded()),
    ] {
        let found = found(&rows, (200, json!({"code": "0", "data": old}))).await;
        let found = match found {
            Ok(found) => Ok((found.job.state, found.job.message.unwrap_or_default())),
            Err(problem) if problem.message.contains("acctTime of each job") => refused(),
            Err(problem) => Err(problem.message),
        };
        assert_eq!(found, expected, "{}", json!(rows));
    }
}

#[tokio::test]
async fn a_job_that_the_history_lists_without_details_is_not_reported_as_missing() {
    let rows = [row("statC", 0, ["10:00:00", "11:00:00", "11:01:00"])];
    for details in [json!(null), json!({})] {
        let details = json!({"code": "0", "data": details});
        let problem = found(&rows, (200, details)).await.unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse);
        let expected = "the details of a job that the history lists";
        assert!(problem.message.contains(expected), "{}", problem.message);
    }
}

/// Lists jobs with these live rows and these pages of the history. Returns the id and the last state of each row that
/// was passed on, and why rows may be missing.
async fn listed(
    live: Vec<Value>,
    history: Vec<Vec<Value>>,
    states: &[State],
) -> (Vec<(String, State)>, Option<Truncation>) {
    let total: usize = history.iter().map(Vec::len).sum();
    let respond: Responder = Arc::new(move |request| {
        let (total, rows) = match request.path.as_str() {
            "/hpc/openapi/v2/jobs" => (live.len(), live.clone()),
            _ => {
                let start = request.parameter("start").unwrap_or_default();
                let starts = history.iter().scan(0, |start, page| {
                    *start += page.len();
                    Some((*start - page.len()).to_string())
                });
                let page = starts.zip(&history).find(|(own, _)| *own == start);
                (
                    total,
                    page.map(|(_, page)| page.clone()).unwrap_or_default(),
                )
            }
        };
        let body = json!({"code": "0", "data": {"total": total, "list": rows}});
        Some(ServerResponse::json(200, &body))
    });
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, respond).await;
    let client = client(&CLOUD, &server, &server.transport());
    let scope = Scope::at(&JOB, "default", &SCOPE).unwrap();
    let filter = Filter {
        states: states.to_vec(),
        ..Filter::default()
    };
    let mut found = Vec::new();
    let mut on_page = |page: Page| {
        let rows = page.rows.into_iter();
        found.extend(rows.map(|row| (row.job.id.clone(), row.job.state)));
        ready(ControlFlow::Continue(()))
    };
    let options = get_options();
    let stats = list_all(&*client, &scope, &filter, &options, None, &mut on_page).await;
    (found, stats.unwrap().truncation)
}

/// Creates the row of a live job that began at this time of a day.
fn live_row(word: &str, started: &str) -> Value {
    let mut row = json!({"jobId": "7", "jobName": "a", "jobStatus": word});
    if !started.is_empty() {
        row["jobStartTime"] = format!("2026-03-25 {started}").into();
    }
    row
}

#[tokio::test]
async fn an_earlier_run_in_the_history_does_not_replace_a_live_job() {
    let older = || row("statD", 1, ["08:00:00", "09:00:00", "09:01:00"]);
    let same = || row("statD", 1, ["09:00:00", "11:00:00", "11:01:00"]);
    let untimed = || row("statD", 1, ["", "", ""]);
    let seven = |state| ("7".to_owned(), state);
    let (running, failed) = (seven(State::Running), seven(State::Failed));
    for (word, history, expected) in [
        ("statR", older(), vec![running.clone()]),
        ("statR", untimed(), vec![running.clone()]),
        // The job has ended since the live list was read.
        ("statR", same(), vec![running.clone(), failed.clone()]),
        ("statC", older(), vec![seven(State::Unknown)]),
        ("statC", same(), vec![seven(State::Unknown), failed.clone()]),
        (
            "statC",
            untimed(),
            vec![seven(State::Unknown), failed.clone()],
        ),
    ] {
        let live = live_row(word, "10:00:00");
        let found = listed(vec![live], vec![vec![history.clone()]], &[]).await;
        assert_eq!(found, (expected, None), "{word} {history}");
    }
    let live = || vec![live_row("statR", "10:00:00")];
    let found = listed(live(), vec![vec![older()]], &[State::Failed]).await;
    assert_eq!(found, (Vec::new(), None));
    let newer_job = json!({"jobId": "7", "jobName": "b", "jobStatus": "statR"});
    let found = listed(vec![newer_job], vec![vec![same()]], &[]).await;
    assert_eq!(found, (vec![running], None));
}

#[tokio::test]
async fn a_job_that_is_queued_again_does_not_have_the_state_of_its_earlier_run() {
    for (word, status) in [("statD", 1), ("statC", 0)] {
        let earlier = || row(word, status, ["08:00:00", "09:00:00", "09:01:00"]);
        for queued in ["statQ", "statH"] {
            let live = || {
                let mut live = live_row(queued, "");
                live["jobSubmitTime"] = "2026-03-25 08:00:00".into();
                live["jobQueueTime"] = "2026-03-25 08:00:00".into();
                live
            };
            let (rows, truncation) = listed(vec![live()], vec![vec![earlier()]], &[]).await;
            assert_eq!(rows, [("7".to_owned(), State::Pending)], "{queued} {word}");
            assert_eq!(truncation, None);
            let ends = [State::Failed, State::Succeeded];
            let found = listed(vec![live()], vec![vec![earlier()]], &ends).await;
            assert_eq!(found, (Vec::new(), None), "{queued} {word}");
        }
    }
}

#[tokio::test]
async fn the_newest_run_of_a_job_with_several_rows_in_the_history_is_listed() {
    let newest = || row("statC", 0, ["12:00:00", "13:00:00", "13:01:00"]);
    let older = || row("statD", 1, ["10:00:00", "11:00:00", "11:01:00"]);
    let booked_before = || row("statC", 0, ["12:00:00", "13:00:00", "12:59:00"]);
    let other = || {
        let mut row = newest();
        row["jobId"] = "8".into();
        row
    };
    let succeeded = |id: &str| (id.to_owned(), State::Succeeded);
    let both = || vec![succeeded("7"), succeeded("8")];
    for pages in [
        vec![vec![newest(), older(), other()]],
        vec![vec![older(), newest(), other()]],
        vec![vec![newest(), booked_before(), other()]],
        vec![vec![newest(), other()], vec![older()]],
        vec![vec![newest(), other()], vec![booked_before(), older()]],
    ] {
        let found = listed(Vec::new(), pages.clone(), &[]).await;
        assert_eq!(found, (both(), None), "{}", json!(pages));
    }
    let found = listed(Vec::new(), vec![vec![newest(), older()]], &[State::Failed]).await;
    assert_eq!(found, (Vec::new(), None));
    // Copies of one row may take the place of another row.
    let (rows, truncation) = listed(Vec::new(), vec![vec![newest(), newest(), other()]], &[]).await;
    assert_eq!(rows, both());
    assert_eq!(truncation, Some(Truncation::CountMismatch(2, 3)));
    // Two states of one run contradict each other.
    let failed = row("statD", 1, ["12:00:00", "13:00:00", "13:01:00"]);
    let (rows, _) = listed(Vec::new(), vec![vec![newest(), failed]], &[]).await;
    assert_eq!(rows, [("7".to_owned(), State::Unknown)]);
}
