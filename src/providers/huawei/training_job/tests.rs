mod success;

use std::sync::Arc;

use serde_json::json;

use super::response::{JobPage, decode_job};
use super::*;
use crate::error::Category;
use crate::http::RetryAction;
use crate::providers::huawei::CLOUD;
use crate::providers::huawei::errors::ERRORS;
use crate::providers::test_support::{
    classify, get_options, get_options_without_details, lookup, promptly, reference, response,
};
use crate::providers::{Client, Filter, LogParams, LogPosition, LogRequest, LogSource};
use crate::reference::Scope;
use crate::test_support::ServerResponse;
use crate::test_support::jobs::{hanging, job, responding, serve};
use crate::test_support::kinds::check_kind;

check_kind!(
    &TRAINING_JOB,
    essential: [
        "metadata", "metadata.id", "status", "status.phase", "items", "items[]", "items[].metadata",
        "items[].metadata.id", "items[].status", "items[].status.phase",
    ],
    evidence: ["status.task_statuses[].exit_code", "items[].status.task_statuses[].exit_code"]
);

const ID: &str = "5bd61eea-9de2-4864-a0f7-5fae966171b5";

fn read(body: &Value) -> Result<GetResult, String> {
    let reference = reference(&TRAINING_JOB, &[ID]);
    decode_job(
        body.to_string().as_bytes(),
        lookup(&reference, &get_options()),
        None,
    )
}

fn in_state(phase: &str, statuses: Value) -> GetResult {
    let status =
        json!({"phase": phase, "tasks": ["worker-0", "worker-1"], "task_statuses": statuses});
    read(&json!({"metadata": {"id": ID}, "status": status})).unwrap()
}

#[test]
fn a_failed_job_has_the_cause_of_the_task_with_a_message() {
    let codes = |second: Value| json!([{"task": "worker-0", "exit_code": 143}, second]);
    let oom = json!({"task": "worker-1", "exit_code": 137, "message": "OOM"});
    let job = in_state("Failed", codes(oom)).job;
    assert_eq!(job.exit_code, Some(137));
    assert_eq!(
        job.message.as_deref(),
        Some("worker-1: OOM (exit code 137)")
    );
    let job = in_state("Failed", codes(json!({"task": "worker-1", "exit_code": 1}))).job;
    assert_eq!(job.message.as_deref(), Some("worker-1: exit code 1"));
    assert_eq!(job.exit_code, Some(1));
    let states: Vec<State> = job.tasks.iter().map(|task| task.state).collect();
    assert_eq!(states, [State::Failed, State::Failed]);
}

#[test]
fn the_end_reason_of_a_run_names_the_related_task() {
    let message = |task: &str| {
        let run = json!({"start_at": 1, "end_reason": "node fault", "end_related_task": task});
        let status = json!({"phase": "Abnormal", "running_records": [run]});
        let job = read(&json!({"metadata": {"id": ID}, "status": status}));
        job.unwrap().job.message
    };
    assert_eq!(message("worker-1").as_deref(), Some("worker-1: node fault"));
    assert_eq!(message("").as_deref(), Some("node fault"));
}

#[test]
fn a_response_without_the_requested_job_id_is_an_error() {
    for body in [
        json!({}),
        json!({"metadata": {"id": "other"}, "status": {"phase": "Running"}}),
    ] {
        assert!(read(&body).is_err(), "{body}");
    }
}

#[test]
fn a_page_that_is_not_full_is_the_last_one() {
    let page = |rows: usize, limit: Value| {
        let items: Vec<Value> = (0..rows)
            .map(|id| json!({"metadata": {"id": id}}))
            .collect();
        let body = json!({"total": 5059, "count": rows, "limit": limit, "items": items});
        let page = JobPage::decode(body.to_string().as_bytes()).unwrap();
        page.next(Cursor::FIRST, PAGE_SIZE).is_some()
    };
    assert!(page(50, json!(50)) && page(50, Value::Null));
    assert!(!page(49, json!(50)) && !page(0, json!(50)) && !page(49, json!(0)));
    // The cloud may return fewer rows than requested.
    assert!(page(20, json!(20)) && !page(19, json!(20)));
}

#[test]
fn code_and_status_together_determine_the_category() {
    use Category::{InvalidArgument, NotFound, PermissionDenied, Throttled, Unauthenticated};
    for (status, code, category) in [
        (400, "2775", NotFound),
        (404, "2786", PermissionDenied),
        (400, "2771", PermissionDenied),
        (403, "0108", PermissionDenied),
        (401, "0112", PermissionDenied),
        (500, "0109", PermissionDenied),
        (400, "2837", PermissionDenied),
        (403, "0210", PermissionDenied),
        (400, "0210", InvalidArgument),
        (401, "0210", Unauthenticated),
        (401, "0202", Unauthenticated),
        (403, "0206", Unauthenticated),
        (403, "2784", Unauthenticated),
        (401, "6620", Unauthenticated),
        (400, "2764", InvalidArgument),
        (400, "0102", InvalidArgument),
        (400, "2818", NotFound),
        (400, "2822", NotFound),
        (429, "2799", Throttled),
    ] {
        let body = json!({"error_msg": "m", "error_code": format!("ModelArts.{code}")});
        let error = classify(&ERRORS, &response(status, &body.to_string())).unwrap();
        assert_eq!(error.category, category, "{status} {code}");
        let retry = match category {
            Throttled => RetryAction::Backoff,
            _ => RetryAction::No,
        };
        assert_eq!(error.retry, retry, "{status} {code}");
    }
}

#[tokio::test]
async fn all_pages_of_a_list_are_requested_by_page_number() {
    let jobs = (0..120).map(|id| job(&TRAINING_JOB, &format!("job-{id}"), "Running", &[]));
    let (server, client) = serve(&CLOUD, jobs.collect(), Arc::new(|_| None)).await;
    let scope = Scope::at(&TRAINING_JOB, "default", &[]).unwrap();
    let (mut at, mut ids) = (Some(Cursor::FIRST), std::collections::HashSet::new());
    while let Some(cursor) = at {
        let page = client
            .list(&scope, &Filter::default(), cursor, &get_options())
            .await
            .unwrap();
        ids.extend(page.rows.into_iter().map(|row| row.job.id));
        at = page.next;
    }
    assert_eq!(ids.len(), 120);
    assert_eq!(server.requested(), [LIST.name; 3]);
}

#[tokio::test]
async fn several_active_jobs_are_looked_up_by_one_list_request() {
    let job = |id: usize| {
        let word = ["Running", "Pending", "Failed"][id % 3];
        job(&TRAINING_JOB, &format!("job-{id}"), word, &[])
    };
    let (server, client) = serve(&CLOUD, (0..60).map(job).collect(), Arc::new(|_| None)).await;
    let reference = |id: usize| reference(&TRAINING_JOB, &[&format!("job-{id}")]);
    let references: Vec<Reference> = [0, 1, 2, 99].map(reference).into();
    assert!(client.can_batch(&references));
    let rows = client.batch_get(&references, &get_options()).await.unwrap();
    let states: Vec<_> = rows
        .iter()
        .map(|row| row.as_ref().map(|row| row.job.state))
        .collect();
    assert_eq!(
        states,
        [Some(State::Running), Some(State::Pending), None, None]
    );
    assert_eq!(server.requested(), [LIST.name]);
}

#[tokio::test]
async fn jobs_with_conflicting_or_ended_rows_are_left_to_single_lookups() {
    let row = |id: &str, phase: &str| json!({"metadata": {"id": id}, "status": {"phase": phase}});
    let rows = [
        row("a", "Running"),
        row("b", "Running"),
        row("b", "Failed"),
        row("c", "Completed"),
    ];
    let body = json!({"total": 4, "count": 4, "limit": 50, "items": rows});
    let responder = responding(&CLOUD, &[LIST.name], ServerResponse::json(200, &body));
    let (_server, client) = serve(&CLOUD, Vec::new(), responder).await;
    let references = ["a", "b", "c"].map(|id| reference(&TRAINING_JOB, &[id]));
    let found = client.batch_get(&references, &get_options()).await.unwrap();
    let is_used: Vec<bool> = found.iter().map(Option::is_some).collect();
    assert_eq!(is_used, [true, false, false]);
}

#[tokio::test]
async fn unreadable_events_and_stages_are_reported_by_notices() {
    let jobs = vec![job(&TRAINING_JOB, ID, "Pending", &[])];
    let body = json!({"error_code": "ModelArts.2771", "error_msg": "No permission."});
    let operations = &["ListTrainingJobEvents", "ListTrainingJobStages"];
    let rejecting = responding(&CLOUD, operations, ServerResponse::json(400, &body));
    let (_server, client) = serve(&CLOUD, jobs, rejecting).await;
    let found = client
        .get(&reference(&TRAINING_JOB, &[ID]), &get_options())
        .await
        .unwrap();
    assert_eq!(found.job.state, State::Pending);
    assert!(found.job.events_unreadable);
    assert_eq!(found.notices.len(), 2);
    for notice in &found.notices {
        assert!(
            notice
                .message
                .contains("No permission; grant the permission modelarts:trainJob:get"),
            "{notice:?}"
        );
    }
}

#[tokio::test]
async fn events_are_unreadable_unless_the_newest_100_are_in_the_response() {
    let full = |total: usize, order: &str, is_reversed: bool| {
        let event = |second: usize| json!({"message": "m", "time": format!("2026-09-13T19:{:02}:{:02}Z", second / 60, second % 60)});
        let mut events: Vec<Value> = (0..100).rev().map(event).collect();
        if is_reversed {
            events.reverse();
        }
        json!({"total": total, "order": order, "events": events})
    };
    for (body, is_unreadable) in [
        (json!({"total": 5}), true),
        (json!({"total": 5, "events": null}), true),
        (json!({"total": 5, "events": []}), true),
        (json!({}), true),
        (json!({"total": 0, "events": []}), false),
        (json!({"events": []}), false),
        (json!({"total": 1, "events": [{"message": "m"}]}), false),
        (json!({"total": 5, "events": [{"message": "m"}]}), true),
        (json!({"total": [5], "events": [{"message": "m"}]}), true),
        (full(100, "desc", false), false),
        (full(101, "desc", false), false),
        (full(101, "desc", true), true),
        (full(101, "asc", false), true),
    ] {
        let jobs = vec![job(&TRAINING_JOB, ID, "Running", &[])];
        let response = ServerResponse::json(200, &body);
        let responder = responding(&CLOUD, &["ListTrainingJobEvents"], response);
        let (_server, client) = serve(&CLOUD, jobs, responder).await;
        let found = client
            .get(&reference(&TRAINING_JOB, &[ID]), &get_options())
            .await;
        let found = found.unwrap();
        assert_eq!(found.job.events_unreadable, is_unreadable, "{body}");
        let count = body["events"].as_array().map_or(0, Vec::len);
        let is_truncated = count > 0 && body["total"].as_u64() > Some(count as u64);
        let mut notices = found.notices.iter();
        let has_notice = notices.any(|notice| notice.code == NoticeCode::EventsTruncated);
        assert_eq!(has_notice, is_truncated, "{body}");
    }
}

#[test]
fn a_list_with_the_total_0_needs_no_items() {
    for body in [
        r#"{"total": 0}"#,
        r#"{"total": 0, "items": null}"#,
        r#"{"total": "0", "items": []}"#,
    ] {
        assert_eq!(JobPage::decode(body.as_bytes()).unwrap().rows.len(), 0);
    }
    for body in [r#"{"total": 1, "items": null}"#, r#"{"items": null}"#, "{}"] {
        assert!(JobPage::decode(body.as_bytes()).is_err(), "{body}");
    }
}

#[tokio::test]
async fn a_waiting_job_shows_its_stage() {
    let jobs = vec![job(&TRAINING_JOB, ID, "Pending", &[])];
    let stages = json!({"running_records": [{"stages": [
        {"en_message": "Scheduling", "start_time": "t", "end_time": "t"},
        {"en_message": "Preparing", "start_time": "t", "end_time": "",
         "sub_stages": [{"en_message": "Download code"}, {"en_message": "Pull image"}]},
    ]}]});
    let stages = ServerResponse::json(200, &stages);
    let responder = responding(&CLOUD, &["ListTrainingJobStages"], stages);
    let (_server, client) = serve(&CLOUD, jobs, responder).await;
    let found = client
        .get(&reference(&TRAINING_JOB, &[ID]), &get_options())
        .await
        .unwrap();
    assert_eq!(found.job.message.as_deref(), Some("Preparing: Pull image"));
}

/// Reads a log of a task from a position.
async fn read_log(
    client: &dyn Client,
    position: &LogPosition,
) -> Result<(String, Option<LogPosition>), Problem> {
    let source = LogSource {
        task: Some("worker-0".to_owned()),
        ..LogSource::default()
    };
    let request = LogRequest {
        reference: &reference(&TRAINING_JOB, &[ID]),
        source: &source,
        position,
        params: &LogParams::default(),
        before: &[],
        options: &get_options(),
    };
    let chunk = client.read_log(request).await?;
    Ok((String::from_utf8(chunk.data).unwrap(), chunk.next))
}

#[tokio::test]
async fn a_growing_log_is_read_completely_and_without_repetition() {
    let jobs = vec![job(&TRAINING_JOB, ID, "Running", &[1_000, 59_000, 61_000])];
    let (server, client) = serve(&CLOUD, jobs, Arc::new(|_| None)).await;
    let (text, next) = read_log(&*client, &LogPosition::Start).await.unwrap();
    assert_eq!(text, "第 0 行\n第 1 行\n");
    let next = next.unwrap();
    assert_eq!(read_log(&*client, &next).await.unwrap().0, "");
    server.set(5);
    assert_eq!(read_log(&*client, &next).await.unwrap().0, "第 2 行\n");
}

#[tokio::test]
async fn a_job_that_has_not_started_has_no_log() {
    let jobs = vec![job(&TRAINING_JOB, ID, "Pending", &[1_000])];
    let (_server, client) = serve(&CLOUD, jobs, Arc::new(|_| None)).await;
    let problem = read_log(&*client, &LogPosition::Start).await.unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
    assert_eq!(problem.message, "the log is not generated yet");
}

#[tokio::test]
async fn a_hanging_events_request_does_not_delay_a_failure() {
    let jobs = vec![job(&TRAINING_JOB, ID, "Failed", &[])];
    let (_server, client) = serve(&CLOUD, jobs, hanging(&CLOUD, &["ListTrainingJobEvents"])).await;
    let reference = reference(&TRAINING_JOB, &[ID]);
    let found = promptly(client.get(&reference, &get_options_without_details())).await;
    let job = found.unwrap().job;
    assert_eq!((job.state, job.events_unreadable), (State::Failed, true));
}
