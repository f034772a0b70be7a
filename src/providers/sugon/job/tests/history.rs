//! Tests lookups that need the history in addition to the live jobs.

use serde_json::{Value, json};

use super::*;

/// Looks up a job, with the given status and body for the live lookup and for the history.
async fn found(live: (u16, Value), history: (u16, Value)) -> Result<GetResult, Problem> {
    let respond: Responder = Arc::new(move |request| {
        let (status, body) = match request.path.as_str() {
            "/hpc/openapi/v2/jobs/7" => live.clone(),
            "/hpc/openapi/v2/historyjobs" => {
                let data = &history.1["data"];
                let total = history.1["total"].as_i64().unwrap_or(1);
                let list = json!({"code": "0", "data": {"total": total, "list": [data]}});
                let failed = history.0 != 200;
                (history.0, if failed { history.1.clone() } else { list })
            }
            path if path.starts_with("/hpc/openapi/v2/historyjobs/") => history.clone(),
            _ => return None,
        };
        Some(ServerResponse::json(status, &body))
    });
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, respond).await;
    let client = client(&CLOUD, &server, &server.transport());
    client.get(&reference("7"), &get_options()).await
}

fn live() -> (u16, Value) {
    let data = json!({
        "jobId": "7", "jobStatus": "statC", "jobStartTime": "2026-03-25 10:00:00",
        "jobEndTime": "2026-03-25 11:00:00",
    });
    (200, json!({"code": "0", "data": data}))
}

pub(super) fn entry(word: &str, start: &str, end: &str) -> (u16, Value) {
    let data = json!({
        "jobId": "7", "jobState": word, "jobStartTime": start, "jobEndTime": end, "acctTime": end,
    });
    (200, json!({"code": "0", "data": data}))
}

#[tokio::test]
async fn a_history_entry_of_an_earlier_or_requeued_run_is_inconclusive() {
    let [day, start, end] = [
        "2026-03-24 10:00:00",
        "2026-03-25 10:00:00",
        "2026-03-25 11:00:00",
    ];
    for (word, start, end, expected) in [
        ("NODE_FAIL", day, "2026-03-24 11:00:00", State::Unknown),
        ("statC", "", "2026-03-24 11:00:00", State::Unknown),
        ("statC", day, "", State::Unknown),
        ("statRQ", start, end, State::Unknown),
        ("NODE_FAIL", start, end, State::Failed),
        ("statC", start, end, State::Succeeded),
    ] {
        let job = found(live(), entry(word, start, end)).await.unwrap().job;
        assert_eq!((job.state, job.ended), (expected, true), "{word} {start}");
    }
}

#[tokio::test]
async fn a_history_entry_of_another_job_with_the_same_id_is_inconclusive() {
    let job = |fields: Value| {
        let mut data = json!({"jobId": "7", "jobStatus": "statC", "jobName": "new"});
        data.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        (200, json!({"code": "0", "data": data}))
    };
    let queued = || job(json!({"jobSubmitTime": "2026-03-25 10:00:00"}));
    let [before, after] = ["2026-03-24 11:00:00", "2026-03-25 11:00:00"];
    let history_row = |name: &str, start: &str, end: &str, at: &str| {
        let (status, mut body) = entry("statC", start, end);
        body["data"]["jobName"] = name.into();
        body["data"]["acctTime"] = at.into();
        (status, body)
    };
    for (live, history, expected) in [
        (
            queued(),
            history_row("new", before, before, before),
            State::Unknown,
        ),
        (queued(), history_row("new", "", "", before), State::Unknown),
        (
            queued(),
            history_row("new", before, "", after),
            State::Unknown,
        ),
        (
            queued(),
            history_row("old", after, after, after),
            State::Unknown,
        ),
        // An entry without times is not conclusive, and neither is an entry for a job without times.
        (queued(), history_row("new", "", "", ""), State::Unknown),
        (
            job(json!({})),
            history_row("new", "", "", after),
            State::Unknown,
        ),
        (
            queued(),
            history_row("new", after, after, after),
            State::Succeeded,
        ),
        (
            queued(),
            history_row("new", "", "", after),
            State::Succeeded,
        ),
        (
            queued(),
            history_row("", after, after, after),
            State::Succeeded,
        ),
    ] {
        let what = format!("{} {}", live.1, history.1);
        let job = found(live, history).await.unwrap().job;
        assert_eq!((job.state, job.ended), (expected, true), "{what}");
    }
}

#[tokio::test]
async fn the_newest_of_several_history_jobs_with_the_same_id_is_shown() {
    let row = |name: &str, scheduler: u64, at: &str| json!({"jobId": "7", "jobName": name, "jobmanagerId": scheduler, "jobState": "statC", "acctTime": at});
    let [old, new] = ["2026-03-24 11:00:00", "2026-03-25 11:00:00"];
    let newest =
        "sugon/job/11112/1638523853/7 is the newest of several jobs with this id: \"a\", \"b\"";
    let own = 1_638_523_853;
    for (rows, expected) in [
        (
            [row("a", own, old), row("b", own, new)],
            Ok((new, Some(newest))),
        ),
        // A requeued job, then a job of another scheduler.
        ([row("b", own, old), row("b", own, new)], Ok((new, None))),
        ([row("b", own, old), row("a", 999, new)], Ok((old, None))),
        (
            [row("a", own, ""), row("b", own, new)],
            Err(Category::InvalidResponse),
        ),
    ] {
        let what = json!(rows).to_string();
        let respond: Responder = Arc::new(move |request| {
            let (status, body) = match request.path.as_str() {
                "/hpc/openapi/v2/jobs/7" => (404, json!({"code": "404", "msg": "not found"})),
                "/hpc/openapi/v2/historyjobs" => (
                    200,
                    json!({"code": "0", "data": {"total": 2, "list": rows}}),
                ),
                path if path.starts_with("/hpc/openapi/v2/historyjobs/") => {
                    let at = request.query_parameters().into_iter().next();
                    let at = at.map(|(_, at)| at);
                    (
                        200,
                        json!({"code": "0", "data": row("b", own, &at.unwrap())}),
                    )
                }
                _ => return None,
            };
            Some(ServerResponse::json(status, &body))
        });
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, respond).await;
        let client = client(&CLOUD, &server, &server.transport());
        let found = client.get(&reference("7"), &get_options()).await;
        let found = found.map_err(|problem| problem.category).map(|found| {
            let details = serde_json::to_value(&found.job.details).unwrap();
            let mut notices = found.notices.into_iter();
            let notice = notices.find(|notice| notice.code == NoticeCode::ConflictingRows);
            (
                details["booked_at"].clone(),
                notice.map(|notice| notice.message),
            )
        });
        let expected = expected.map(|(at, notice)| {
            let at = format!("{}Z", at.replace(' ', "T").replace("T11", "T03"));
            (json!(at), notice.map(str::to_owned))
        });
        assert_eq!(found, expected, "{what}");
    }
}

#[tokio::test]
async fn a_success_is_undecided_if_the_history_list_contradicts_it() {
    let [old, new] = ["2026-03-24 11:00:00", "2026-03-25 11:00:00"];
    let row = |word: &str, status: i64, at: &str| json!({"jobId": "7", "jobState": word, "jobExitStatus": status, "acctTime": at});
    let listed = |end: &str| format!("the job has succeeded, but the history lists {end}");
    let success = row("statC", 0, new);
    for (rows, details, expected) in [
        (vec![success.clone()], success.clone(), Ok(State::Succeeded)),
        // A requeued job has an earlier history entry.
        (
            vec![row("statRQ", 10006, old), success.clone()],
            success.clone(),
            Ok(State::Succeeded),
        ),
        (
            vec![success.clone()],
            row("statD", 0, new),
            Ok(State::Failed),
        ),
        (vec![row("", 0, new)], success.clone(), Ok(State::Succeeded)),
        (
            vec![row("statD", 0, new)],
            success.clone(),
            Err(listed("statD")),
        ),
        (
            vec![row("statC", 3, new)],
            success.clone(),
            Err(listed("statC, exit code 3")),
        ),
        (
            vec![success.clone(), row("TIMEOUT", 0, new)],
            success.clone(),
            Err(listed("TIMEOUT, reached its time limit")),
        ),
        // The details belong to another history entry.
        (
            vec![row("statC", 0, old), row("CANCELLED", 0, new)],
            row("statC", 0, old),
            Err(listed("CANCELLED")),
        ),
    ] {
        let what = json!([rows, details]).to_string();
        let respond: Responder = Arc::new(move |request| {
            let (status, body) = match request.path.as_str() {
                "/hpc/openapi/v2/jobs/7" => (404, json!({"code": "404", "msg": "not found"})),
                "/hpc/openapi/v2/historyjobs" => (
                    200,
                    json!({"code": "0", "data": {"total": rows.len(), "list": rows}}),
                ),
                _ => (200, json!({"code": "0", "data": details})),
            };
            Some(ServerResponse::json(status, &body))
        });
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, respond).await;
        let client = client(&CLOUD, &server, &server.transport());
        let job = client
            .get(&reference("7"), &get_options())
            .await
            .unwrap()
            .job;
        let found = match (job.state, job.ended) {
            (State::Unknown, false) => Err(job.message.unwrap()),
            (state, _) => Ok(state),
        };
        assert_eq!(found, expected, "{what}");
    }
}

#[tokio::test]
async fn a_live_job_with_conflicting_history_entries_is_undecided() {
    let (start, end) = ("2026-03-25 10:00:00", "2026-03-25 11:00:00");
    let details = entry("statC", start, end);
    let row = entry("statD", start, end);
    let live = live();
    let respond: Responder = Arc::new(move |request| {
        let (status, body) = match request.path.as_str() {
            "/hpc/openapi/v2/jobs/7" => live.clone(),
            "/hpc/openapi/v2/historyjobs" => {
                let list = json!({"code": "0", "data": {"total": 1, "list": [row.1["data"]]}});
                (200, list)
            }
            _ => details.clone(),
        };
        Some(ServerResponse::json(status, &body))
    });
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, respond).await;
    let client = client(&CLOUD, &server, &server.transport());
    let job = client
        .get(&reference("7"), &get_options())
        .await
        .unwrap()
        .job;
    assert_eq!((job.state, job.ended), (State::Unknown, false));
    let message = "the job has succeeded, but the history lists statD";
    assert_eq!(job.message.as_deref(), Some(message));
}

#[tokio::test]
async fn a_job_is_not_found_only_if_the_history_list_is_complete() {
    let missing = (404, json!({"code": "404", "msg": "not found"}));
    for (total, expected) in [(1, Category::NotFound), (300, Category::InvalidResponse)] {
        let (status, mut body) = entry("statC", "", "2026-03-25 11:00:00");
        body["data"]["jobId"] = "8".into();
        body["total"] = total.into();
        let problem = found(missing.clone(), (status, body)).await.unwrap_err();
        assert_eq!(problem.category, expected, "{total}");
    }
}

#[tokio::test]
async fn a_job_is_not_missing_if_a_row_of_the_history_has_no_id() {
    let other = json!({"jobId": "8", "jobState": "statC"});
    for row in [
        json!("x"),
        json!(1),
        json!(null),
        json!({}),
        json!({"jobId": null}),
        json!([]),
    ] {
        let list = json!({"code": "0", "data": {"total": 2, "list": [other, row]}});
        let respond: Responder = Arc::new(move |request| {
            let (status, body) = match request.path.as_str() {
                "/hpc/openapi/v2/historyjobs" => (200, list.clone()),
                _ => (404, json!({"code": "404", "msg": "not found"})),
            };
            Some(ServerResponse::json(status, &body))
        });
        let state = EmulatedState::new(Vec::new(), start_time());
        let server = TestServer::start(&CLOUD, state, respond).await;
        let client = client(&CLOUD, &server, &server.transport());
        let problem = client.get(&reference("7"), &get_options()).await;
        let problem = problem.unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse, "{row}");
    }
}

#[tokio::test]
async fn a_job_is_looked_up_in_the_history_if_the_live_lookup_finds_none() {
    let end = "2026-03-25 11:00:00";
    let missing = (404, json!({"code": "404", "msg": "not found"}));
    let job = found(missing.clone(), entry("statD", end, end)).await;
    assert_eq!(job.unwrap().job.state, State::Failed);
    let other_server = (404, json!({"error": "Not Found"}));
    let problem = found(other_server, entry("statD", end, end)).await;
    assert_eq!(problem.unwrap_err().http_status, Some(404));
}

#[tokio::test]
async fn a_history_error_leaves_the_live_job_undecided_with_a_notice() {
    let expired = json!({"code": "10008", "msg": "token expired"});
    let (_, mut incomplete) = entry("statC", "", "2026-03-25 11:00:00");
    incomplete["data"]["jobId"] = "8".into();
    incomplete["total"] = 300.into();
    for (history, cause, has_ended) in [
        ((401, expired), Category::Unauthenticated, true),
        ((501, json!({})), Category::ServiceError, false),
        ((200, incomplete), Category::InvalidResponse, false),
    ] {
        let found = found(live(), history).await.unwrap();
        let job = &found.job;
        let found_state = (job.state, job.ended, job.unread_cause);
        assert_eq!(found_state, (State::Unknown, has_ended, Some(cause)));
        assert_eq!(job.reason, Some(Reason::SubtasksUnread));
        let mut notices = found.notices.iter();
        let notice = notices.find(|notice| notice.code == NoticeCode::PartsUnread);
        let message = &notice.unwrap().message;
        assert!(message.starts_with("cannot read the history of sugon/job/11112/1638523853/7: "));
    }
}
