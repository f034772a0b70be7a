mod events;
mod logs;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::*;
use crate::error::{Category, Problem};
use crate::providers::tencent::CLOUD;
use crate::providers::tencent::test_support::{job, rejecting, serve};
use crate::providers::test_support::{
    get_options, get_options_without_details, promptly, reference,
};
use crate::providers::{
    Client, Cursor, Filter, LogChunk, LogParams, LogPosition, LogRequest, LogSource,
};
use crate::reference::{Reference, Scope};
use crate::test_support::jobs::{hanging, responding};
use crate::test_support::kinds::check_kind;
use crate::test_support::{EmulatedJob, Responder, ServerResponse, emulated};

check_kind!(
    &TRAINING_TASK,
    essential: [
        "Response", "Response.TrainingTaskDetail", "Response.TrainingTaskDetail.Id",
        "Response.TrainingTaskDetail.Status", "Response.TrainingTaskSet",
        "Response.TrainingTaskSet[]", "Response.TrainingTaskSet[].Id",
        "Response.TrainingTaskSet[].Status",
    ],
    evidence: []
);

const TASK: &str = "train-1";

fn task(id: &str, word: &str, lines: &[u64]) -> EmulatedJob {
    job(&TRAINING_TASK, id, word, lines)
}

/// Reads a part of a log.
async fn read_chunk(
    client: &dyn Client,
    params: &LogParams,
    position: &LogPosition,
) -> Result<LogChunk, Problem> {
    let request = LogRequest {
        reference: &reference(&TRAINING_TASK, &[TASK]),
        source: &LogSource::default(),
        position,
        params,
        before: &[],
        options: &get_options(),
    };
    client.read_log(request).await
}

/// Reads a log from a position to its end. Returns its text and the position after it.
async fn read(
    client: &dyn Client,
    params: &LogParams,
    mut position: LogPosition,
) -> (String, LogPosition) {
    let mut text = String::new();
    loop {
        let chunk = read_chunk(client, params, &position).await.unwrap();
        text += &String::from_utf8(chunk.data).unwrap();
        assert_eq!(chunk.truncated, None);
        position = chunk.next.unwrap();
        if !chunk.has_more {
            return (text, position);
        }
    }
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("第 {number} 行\n")).collect()
}

#[tokio::test]
async fn a_growing_log_is_read_completely_and_without_repetition() {
    // More than a page within a second, and lines that are written while the log is followed.
    let times: Vec<u64> = (0..250)
        .map(|number| 30_000 + number * 3)
        .chain([59_900, 60_100, 60_200, 61_000, 75_000])
        .collect();
    let (server, client) = serve(vec![task(TASK, "RUNNING", &times)], Arc::new(|_| None)).await;
    let params = LogParams::default();
    let (text, position) = read(&*client, &params, LogPosition::Start).await;
    assert_eq!(text, lines(0..251));
    let (text, position) = read(&*client, &params, position).await;
    assert_eq!(text, "");
    server.set(1);
    let (text, position) = read(&*client, &params, position).await;
    assert_eq!(text, lines(251..254));
    server.set(20);
    let (text, position) = read(&*client, &params, position).await;
    assert_eq!(text, lines(254..255));
    assert_eq!(read(&*client, &params, position).await.0, "");
}

#[tokio::test]
async fn the_last_lines_are_read_and_followed() {
    let times: Vec<u64> = (0..250)
        .map(|number| 59_000 + number * 3)
        .chain([61_000])
        .collect();
    for wanted in [1_u64, 100, 249, 9000] {
        let (server, client) = serve(vec![task(TASK, "RUNNING", &times)], Arc::new(|_| None)).await;
        let params = LogParams {
            tail_lines: Some(wanted),
            ..LogParams::default()
        };
        let (text, position) = read(&*client, &params, LogPosition::Start).await;
        let first = 250_usize.saturating_sub(wanted as usize);
        assert_eq!(text, lines(first..250), "{wanted}");
        server.set(5);
        assert_eq!(
            read(&*client, &params, position).await.0,
            lines(250..251),
            "{wanted}"
        );
    }
}

#[tokio::test]
async fn lines_written_while_the_last_lines_are_read_are_read_once() {
    let times: Vec<u64> = (0..2000).map(|number| 30_000 + number * 100).collect();
    let clock: Arc<OnceLock<Arc<AtomicI64>>> = Arc::default();
    let seconds = clock.clone();
    let responder: Responder = Arc::new(move |_| {
        seconds.get()?.fetch_add(1, Ordering::Relaxed);
        None
    });
    let (server, client) = serve(vec![task(TASK, "RUNNING", &times)], responder).await;
    server.set(60);
    clock.set(server.clock()).unwrap();
    let params = LogParams {
        tail_lines: Some(700),
        ..LogParams::default()
    };
    let (text, position) = read(&*client, &params, LogPosition::Start).await;
    let first: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    assert_eq!(text, lines(first..first + 700));
    server.set(300);
    let (text, _) = read(&*client, &params, position).await;
    assert_eq!(text, lines(first + 700..2000));
}

#[tokio::test]
async fn lines_that_become_readable_late_are_read_once() {
    // Every seventh line is readable two seconds later than the others.
    let seconds: Arc<AtomicI64> = Arc::default();
    let now = seconds.clone();
    let responder: Responder = Arc::new(move |request| {
        let operation = emulated(&CLOUD).operation(request)?;
        let now = now.load(Ordering::Relaxed);
        let is_readable = |number: &i64| now >= number / 20 + if number % 7 == 3 { 2 } else { 0 };
        let line = |number| {
            let (second, millisecond) = (number / 20, number % 20 * 50);
            json!({
                "Message": format!("第 {number} 行"),
                "Timestamp": format!("2026-01-02T03:04:{second:02}.{millisecond:03}Z"),
            })
        };
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let start = body["StartTime"].as_str()?[17..19].parse::<i64>().ok()?;
        let start = if body["StartTime"].as_str()? < "2026-01-02T03:04" {
            0
        } else {
            start
        };
        let offset = usize::try_from(body["Offset"].as_u64()?).ok()?;
        let numbers = (start * 20..120).filter(is_readable).skip(offset);
        let lines: Vec<Value> = numbers.take(100).map(line).collect();
        let body = json!({"Response": {"Content": lines}});
        (operation == "DescribeLogs").then(|| ServerResponse::json(200, &body))
    });
    let (server, client) = serve(vec![task(TASK, "RUNNING", &[])], responder).await;
    let (mut text, mut position) = (String::new(), LogPosition::Start);
    for second in 0..9 {
        server.set(second);
        seconds.store(second, Ordering::Relaxed);
        let (new, next) = read(&*client, &LogParams::default(), position).await;
        text += &new;
        position = next;
    }
    let mut numbers: Vec<u64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(0..120), "{numbers:?}");
}

#[tokio::test]
async fn a_server_that_ignores_log_offsets_is_an_invalid_response() {
    let line =
        |number| json!({"Message": format!("{number}"), "Timestamp": "2026-01-02T03:03:30Z"});
    let page: Vec<Value> = (0..100).map(line).collect();
    let body = json!({"Response": {"Content": page}});
    let responder: Responder = Arc::new(move |request| {
        let operation = emulated(&CLOUD).operation(request)?;
        (operation == "DescribeLogs").then(|| ServerResponse::json(200, &body))
    });
    for tail_lines in [None, Some(500)] {
        let jobs = vec![task(TASK, "RUNNING", &[])];
        let (_server, client) = serve(jobs, responder.clone()).await;
        let (reference, mut position) = (reference(&TRAINING_TASK, &[TASK]), LogPosition::Start);
        let problem = loop {
            let request = LogRequest {
                reference: &reference,
                source: &LogSource::default(),
                position: &position,
                params: &LogParams {
                    tail_lines,
                    ..LogParams::default()
                },
                before: &[],
                options: &get_options(),
            };
            match client.read_log(request).await {
                Ok(chunk) => position = chunk.next.unwrap(),
                Err(problem) => break problem,
            }
        };
        assert_eq!(problem.category, Category::InvalidResponse);
    }
}

#[tokio::test]
async fn a_log_can_start_at_a_time_and_show_timestamps() {
    let jobs = vec![task(TASK, "RUNNING", &[10_000, 20_000, 30_500])];
    let (_server, client) = serve(jobs, Arc::new(|_| None)).await;
    let params = LogParams {
        since: Time::from_rfc3339("2026-01-02T03:03:25Z"),
        timestamps: true,
        ..LogParams::default()
    };
    let (text, _) = read(&*client, &params, LogPosition::Start).await;
    assert_eq!(
        text,
        "2026-01-02T03:03:25Z 第 1 行\n2026-01-02T03:03:35.500Z 第 2 行\n"
    );
}

#[tokio::test]
async fn unreadable_pods_and_events_are_reported_by_notices() {
    let jobs = vec![task(TASK, "FAILED", &[])];
    let (_server, client) = serve(jobs, rejecting(&[PODS, EVENTS])).await;
    let reference = reference(&TRAINING_TASK, &[TASK]);
    let found = client.get(&reference, &get_options()).await.unwrap();
    assert_eq!(
        (found.job.state, found.job.events_unreadable),
        (State::Failed, true)
    );
    let notices: Vec<&str> = found
        .notices
        .iter()
        .map(|notice| notice.message.as_str())
        .collect();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[0].ends_with("; grant the permission tione:DescribeTrainingTaskPods"));
}

#[tokio::test]
async fn a_failure_reason_makes_a_succeeded_task_failed() {
    let row = |reason: Value| {
        let mut row = json!({"Id": TASK, "Status": "SUCCEED", "FailureReason": reason});
        if reason == "(none)" {
            row.as_object_mut().unwrap().remove("FailureReason");
        }
        ServerResponse::json(
            200,
            &json!({"Response": {"TotalCount": 1, "TrainingTaskSet": [row]}}),
        )
    };
    let scope = Scope::at(&TRAINING_TASK, "default", &[]).unwrap();
    for (reason, state) in [
        (json!("OOMKilled"), State::Failed),
        (json!("\u{fffd}\u{fffd}"), State::Failed),
        (json!(""), State::Succeeded),
        (json!("None"), State::Succeeded),
        (Value::Null, State::Succeeded),
        (json!(["OOMKilled"]), State::Unknown),
        (json!("(none)"), State::Unknown),
    ] {
        let responder = responding(&CLOUD, &[LIST.name], row(reason));
        let (_server, client) = serve(Vec::new(), responder).await;
        let filter = Filter::default();
        let page = client
            .list(&scope, &filter, Cursor::FIRST, &get_options())
            .await;
        assert_eq!(page.unwrap().rows[0].job.state, state);
        let references = [reference(&TRAINING_TASK, &[TASK])];
        let found = client.batch_get(&references, &get_options()).await.unwrap();
        // The task is then looked up individually.
        assert_eq!(found[0].is_none(), state == State::Unknown);
    }
}

#[tokio::test]
async fn a_message_that_describes_a_failure_leaves_a_succeeded_task_undecided() {
    for (message, expected) in [
        (json!("worker-0: OOMKilled"), State::Unknown),
        (json!("exit code 137"), State::Unknown),
        (json!("task timed out after 3600s"), State::Unknown),
        (json!(["OOMKilled"]), State::Unknown),
        (json!("task finished"), State::Succeeded),
        (json!("exit code 0"), State::Succeeded),
        (json!(""), State::Succeeded),
        (Value::Null, State::Succeeded),
    ] {
        let task = json!({
            "Id": TASK, "Status": "SUCCEED", "FailureReason": "", "Message": message,
        });
        let body = json!({"Response": {"TrainingTaskDetail": task}});
        let responder = responding(&CLOUD, &[GET.name], ServerResponse::json(200, &body));
        let (_server, client) = serve(Vec::new(), responder).await;
        let reference = reference(&TRAINING_TASK, &[TASK]);
        let job = client.get(&reference, &get_options()).await.unwrap().job;
        assert_eq!(
            (job.state, job.ended),
            (expected, expected == State::Succeeded),
            "{message}"
        );
        let row = json!({"Response": {"TotalCount": 1, "TrainingTaskSet": [task]}});
        let responder = responding(&CLOUD, &[LIST.name], ServerResponse::json(200, &row));
        let (_server, client) = serve(Vec::new(), responder).await;
        let found = client
            .batch_get(&[reference], &get_options())
            .await
            .unwrap();
        // The task is then looked up individually.
        assert_eq!(found[0].is_none(), expected == State::Unknown, "{message}");
    }
}

#[tokio::test]
async fn tasks_are_looked_up_by_one_list_request_per_50() {
    let ids: Vec<String> = (0..101).map(|number| format!("train-{number}")).collect();
    let jobs: Vec<EmulatedJob> = ids.iter().map(|id| task(id, "RUNNING", &[])).collect();
    let mut references: Vec<Reference> = ids
        .iter()
        .map(|id| reference(&TRAINING_TASK, &[id]))
        .collect();
    references.push(reference(&TRAINING_TASK, &["train-missing"]));
    let (server, client) = serve(jobs.clone(), Arc::new(|_| None)).await;
    assert!(client.can_batch(&references));
    let rows = client.batch_get(&references, &get_options()).await.unwrap();
    assert_eq!(server.requested(), [LIST.name; 3]);
    let found = rows.iter().flatten().zip(&references);
    for (row, reference) in found {
        assert_eq!(row.job.reference, reference.to_string());
        assert_eq!(row.job.state, State::Running);
    }
    assert_eq!(
        rows.iter().map(Option::is_some).collect::<Vec<_>>()[100..],
        [true, false]
    );
    let (_server, client) = serve(jobs, rejecting(&[LIST.name])).await;
    let rows = client.batch_get(&references, &get_options()).await.unwrap();
    assert_eq!(rows.iter().flatten().count(), 0);
}

#[tokio::test]
async fn a_state_filter_requests_all_words_that_can_mean_the_state() {
    let words = ["SUBMIT_FAILED", "FAILED", "SUCCEED", "RUNNING"];
    let jobs = words.map(|word| task(word, word, &[])).to_vec();
    let seen: Arc<std::sync::Mutex<Vec<Value>>> = Arc::default();
    let keep = seen.clone();
    let responder: Responder = Arc::new(move |request| {
        keep.lock()
            .unwrap()
            .push(serde_json::from_slice(&request.body).unwrap());
        None
    });
    let (_server, client) = serve(jobs, responder).await;
    let scope = Scope::at(&TRAINING_TASK, "default", &[]).unwrap();
    let filter = Filter {
        states: vec![State::Failed],
        ..Filter::default()
    };
    let page = client
        .list(&scope, &filter, Cursor::FIRST, &get_options())
        .await
        .unwrap();
    assert_eq!(page.rows.len(), 3);
    let request = seen.lock().unwrap().remove(0);
    let filters = json!([{"Name": "Status", "Values": ["SUCCEED", "FAILED", "SUBMIT_FAILED"]}]);
    assert_eq!(request["Filters"], filters);
    assert_eq!(request["OrderField"], "CreateTime");
}
