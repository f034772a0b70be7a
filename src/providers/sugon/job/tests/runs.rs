//! Tests which of several rows of the history counts, and details that are missing.

use serde_json::{Value, json};

use super::*;

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
