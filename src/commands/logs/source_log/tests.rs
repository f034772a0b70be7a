//! Logs that are longer than one response of the cloud.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::providers;
use crate::providers::aliyun::CLOUD;
use crate::providers::test_support::{get_options, reference as test_reference};
use crate::test_support::kinds::client;
use crate::test_support::{
    EmulatedJob, EmulatedState, LogLine, Responder, ServerResponse, StateChange, TestServer,
    start_time,
};

const KIND: &str = "aliyun/dlc-job";

/// Starts a server with a job that writes a line at each of these times in milliseconds.
async fn server(times: &[u64], responder: Responder) -> TestServer {
    let lines = times.iter().enumerate().map(|(number, after)| LogLine {
        after: Duration::from_millis(*after),
        text: format!("第 {number} 行"),
        is_stderr: false,
    });
    let job = EmulatedJob {
        kind: KIND.to_owned(),
        segments: vec!["j1".to_owned()],
        steps: vec![StateChange {
            state: "Running".to_owned(),
            ..StateChange::default()
        }],
        log: lines.collect(),
        ..EmulatedJob::default()
    };
    TestServer::start(
        &CLOUD,
        EmulatedState::new(vec![job], start_time()),
        responder,
    )
    .await
}

/// Reads the log at these seconds, each time to its end. Returns its text and the notes.
async fn follow(
    server: &TestServer,
    params: &LogParams,
    seconds: impl IntoIterator<Item = i64>,
) -> (String, Vec<String>) {
    let transport = server.transport();
    let client = client(&CLOUD, server, &transport);
    let kind = CLOUD.kinds.iter().find(|kind| kind.to_string() == KIND);
    let reference = test_reference(kind.unwrap(), &["j1"]);
    let source = LogSource {
        task: Some("j1-worker-0".to_owned()),
        ..LogSource::default()
    };
    follow_log(server, &*client, &reference, source, params, seconds).await
}

async fn follow_log(
    server: &TestServer,
    client: &dyn Client,
    reference: &Reference,
    source: LogSource,
    params: &LogParams,
    seconds: impl IntoIterator<Item = i64>,
) -> (String, Vec<String>) {
    let (mut log, mut lines, mut notes) = (SourceLog::new(source, params), Vec::new(), Vec::new());
    for second in seconds {
        server.set(second);
        let mut tail = log.tail();
        loop {
            let reading = log.read(client, reference, &get_options()).await.unwrap();
            assert!(!reading.is_disjoint, "at {second}");
            notes.extend(reading.notes);
            match &mut tail {
                Some(tail) => tail.extend(reading.lines),
                None => lines.extend(reading.lines),
            }
            if !reading.has_more {
                break;
            }
        }
        lines.extend(tail.into_iter().flat_map(Tail::into_lines));
        log.is_opened = true;
    }
    (String::from_utf8(lines.concat()).unwrap(), notes)
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("第 {number} 行\n")).collect()
}

/// Returns times of 5,000 lines in ten minutes, a pause of five minutes, single lines,
/// and 2,500 lines in ten seconds.
fn times() -> Vec<u64> {
    let first = (0..5000).map(|n| n * 120);
    let slow = (0..200).map(|n| 900_000 + n * 1500);
    let burst = (0..2500).map(|n| 1_200_000 + n * 4);
    first.chain(slow).chain(burst).collect()
}

#[tokio::test]
async fn a_growing_log_of_many_responses_is_read_completely_and_once() {
    let times = times();
    let server = server(&times, Arc::new(|_| None)).await;
    let (text, notes) = follow(&server, &LogParams::default(), [1300]).await;
    assert_eq!((text, notes), (lines(0..times.len()), Vec::new()));
    let requests = server.requested().len();
    assert!(requests < 30, "{requests}");
    let seconds = (590..1300).step_by(7);
    let (text, notes) = follow(&server, &LogParams::default(), seconds).await;
    assert_eq!((text, notes), (lines(0..times.len()), Vec::new()));
}

#[tokio::test]
async fn a_tail_of_a_long_log_begins_at_the_requested_line() {
    let times = times();
    let server = server(&times, Arc::new(|_| None)).await;
    for wanted in [1, 300] {
        let params = LogParams {
            tail_lines: Some(wanted),
            ..LogParams::default()
        };
        let (text, notes) = follow(&server, &params, [700, 1000]).await;
        let last = 5000 - wanted as usize;
        assert_eq!((text, notes), (lines(last..5067), Vec::new()));
    }
}

#[tokio::test]
async fn a_note_reports_a_second_with_more_lines_than_a_response_can_hold() {
    let times: Vec<u64> = (0..5000).map(|n| 30_000 + n / 5).chain([50_000]).collect();
    let server = server(&times, Arc::new(|_| None)).await;
    let (text, notes) = follow(&server, &LogParams::default(), [60]).await;
    assert!(text.ends_with("\n第 5000 行\n"));
    assert_eq!(
        notes,
        ["2000 lines of one second, the maximum of a response"]
    );
}

#[tokio::test]
async fn requests_to_a_server_that_ignores_the_end_time_are_limited() {
    let body = serde_json::json!({"Logs": vec!["x"; 2000]});
    let responder: Responder = Arc::new(move |request| {
        let is_log = request.path.ends_with("/logs");
        is_log.then(|| ServerResponse::json(200, &body))
    });
    let server = server(&[], responder).await;
    let (_, notes) = follow(&server, &LogParams::default(), [80_000]).await;
    assert!(!notes.is_empty());
    let requests = server.requested().len();
    assert!(requests < 60, "{requests}");
}

#[tokio::test]
async fn a_truncated_log_that_grew_past_its_old_length_loses_no_line() {
    for (kind, state) in [
        ("aliyun/hpc-job", "RUNNING"),
        ("huawei/training-job", "Running"),
        ("sugon/job", "statR"),
    ] {
        let kind = providers::kinds()
            .find(|one| one.to_string() == kind)
            .unwrap();
        let cloud = providers::cloud(kind.template.cloud).unwrap();
        let segments: Vec<&str> = kind.template.sample.split('/').skip(2).collect();
        let line = |(after, text): (u64, &str)| LogLine {
            after: Duration::from_millis(after),
            text: text.to_owned(),
            is_stderr: false,
        };
        let times = [
            (3000, "第 1 行"),
            (6100, "第 2 行"),
            (6200, "第 3 行"),
            (9000, "第 4 行"),
        ];
        let job = EmulatedJob {
            kind: kind.to_string(),
            segments: segments.iter().map(|text| (*text).to_owned()).collect(),
            steps: vec![StateChange {
                state: state.to_owned(),
                ..StateChange::default()
            }],
            log: times.into_iter().map(line).collect(),
            restarts: vec![Duration::from_secs(6)],
            ..EmulatedJob::default()
        };
        let state = EmulatedState::new(vec![job], start_time());
        let server = TestServer::start(cloud, state, Arc::new(|_| None)).await;
        let transport = server.transport();
        let client = client(cloud, &server, &transport);
        let reference = test_reference(kind, &segments);
        server.set(4);
        let job = client.get(&reference, &get_options()).await.unwrap().job;
        let source = client.log_sources(&reference, &job).remove(0);
        let params = LogParams::default();
        let read = follow_log(
            &server,
            &*client,
            &reference,
            source,
            &params,
            [4, 5, 8, 10],
        );
        let (text, notes) = read.await;
        assert_eq!(text, lines(1..5), "{kind}");
        assert_eq!(notes.len(), 1, "{kind}: {notes:?}");
        assert!(
            notes[0].starts_with("the log was truncated or replaced"),
            "{kind}: {notes:?}"
        );
    }
}

/// Follows the last two of five lines of one second; others follow later.
#[tokio::test]
async fn lines_of_one_second_before_the_tail_are_never_printed() {
    for (reference, lines) in [
        ("aliyun/job/c/a", ["a1", "a2", "a3", "a4", "a5", "b1", "b2"]),
        ("aliyun/job/c/a", ["same"; 7]),
        ("kubernetes/job/t/a", ["same"; 7]),
    ] {
        let (kind, name) = reference.split_at(reference.rmatch_indices('/').nth(1).unwrap().0);
        let kind = providers::kinds().find(|one| one.to_string() == kind);
        let kind = kind.unwrap();
        let cloud = providers::cloud(kind.template.cloud).unwrap();
        let segments: Vec<&str> = name[1..].split('/').collect();
        let line = |(number, text): (usize, &&str)| LogLine {
            after: Duration::from_secs(if number < 5 { 2 } else { 6 }),
            text: (*text).to_owned(),
            is_stderr: false,
        };
        let job = EmulatedJob {
            kind: kind.to_string(),
            segments: segments.iter().map(|text| (*text).to_owned()).collect(),
            steps: vec![StateChange {
                state: "Running".to_owned(),
                ..StateChange::default()
            }],
            log: lines.iter().enumerate().map(line).collect(),
            ..EmulatedJob::default()
        };
        let state = EmulatedState::new(vec![job], start_time());
        let server = TestServer::start(cloud, state, Arc::new(|_| None)).await;
        let transport = server.transport();
        let client = client(cloud, &server, &transport);
        let known = test_reference(kind, &segments);
        server.set(4);
        let job = client.get(&known, &get_options()).await.unwrap().job;
        let source = client.log_sources(&known, &job).remove(0);
        for tail in [0, 2] {
            let params = LogParams {
                tail_lines: Some(tail),
                timestamps: true,
                follow: true,
                ..LogParams::default()
            };
            let source = source.clone();
            let read = follow_log(&server, &*client, &known, source, &params, [4, 5, 8, 9]);
            let (text, _) = read.await;
            let printed = text.lines().map(|line| line.split_once(' ').unwrap().1);
            let printed: Vec<&str> = printed.collect();
            assert_eq!(printed, &lines[5 - tail as usize..], "{reference} {tail}");
        }
    }
}

#[test]
fn a_log_that_begins_again_twice_in_one_reading_ends_it() {
    let mut log = SourceLog::new(LogSource::default(), &LogParams::default());
    let mut take = |text: &str, is_disjoint, has_more| {
        let reading = log.take(LogChunk {
            data: text.as_bytes().to_vec(),
            next: Some(LogPosition::Offset(8)),
            is_disjoint,
            has_more,
            ..LogChunk::default()
        });
        (reading.lines.concat(), reading.lacks_rest, reading.has_more)
    };
    let new = |text: &str| (text.as_bytes().to_vec(), false, true);
    let repeated = || (Vec::new(), true, false);
    assert_eq!(take("a\nb\n", false, true), new("a\nb\n"));
    assert_eq!(take("a\nb\n", false, true), new("a\nb\n"));
    assert_eq!(take("d\n", true, true), new("d\n"));
    assert_eq!(take("e\n", true, true), repeated());
    assert!(!take("f\n", false, false).1);
    assert_eq!(take("f\n", false, false).0, b"f\n");
}

#[test]
fn a_message_in_place_of_log_lines_is_neither_a_line_nor_a_gap() {
    let params = LogParams {
        timestamps: true,
        ..LogParams::default()
    };
    let message = "unable to retrieve container logs for containerd://0123";
    let line = "2026-01-02T03:04:05.5Z a\n";
    let mut log = SourceLog::new(LogSource::default(), &params);
    let mut take = |text: &str| {
        let reading = log.take(LogChunk {
            data: text.as_bytes().to_vec(),
            ..LogChunk::default()
        });
        assert!(!reading.is_disjoint, "{text}");
        let lines = String::from_utf8(reading.lines.concat()).unwrap();
        (lines, reading.message)
    };
    assert_eq!(take(message), (String::new(), Some(message.to_owned())));
    assert_eq!(take(line), (line.to_owned(), None));
    assert_eq!(take(message), (String::new(), Some(message.to_owned())));
    let text = format!("{line}failed to open log file");
    let expected = Some("failed to open log file".to_owned());
    assert_eq!(take(&text), (String::new(), expected));
    let next = "2026-01-02T03:04:06.5Z failed to open\n";
    assert_eq!(take(&format!("{line}{next}")), (next.to_owned(), None));
}

#[test]
fn lines_before_the_tail_are_requested_only_to_follow_a_log_with_times() {
    let requested = |lines, timestamps, follow| {
        let params = LogParams {
            tail_lines: Some(lines),
            timestamps,
            follow,
            ..LogParams::default()
        };
        let log = SourceLog::new(LogSource::default(), &params);
        log.requested_tail()
    };
    assert_eq!(requested(1, true, false), Some(1));
    assert_eq!(requested(1, false, true), Some(1));
    assert_eq!(requested(0, true, false), Some(1));
    assert_eq!(requested(1, true, true), Some(101));
    assert_eq!(requested(1950, true, true), Some(2000));
    assert_eq!(requested(3000, true, true), Some(3000));
}

#[test]
fn a_truncated_response_with_all_requested_lines_is_not_noted() {
    let notes = |tail_lines, text: &str| {
        let params = LogParams {
            tail_lines,
            ..LogParams::default()
        };
        let mut log = SourceLog::new(LogSource::default(), &params);
        let reading = log.take(LogChunk {
            data: text.as_bytes().to_vec(),
            truncated: Some("only the last 1 MiB".to_owned()),
            ..LogChunk::default()
        });
        reading.notes.len()
    };
    assert_eq!(notes(Some(2), "a\nb\nc\n"), 0);
    assert_eq!(notes(Some(2), "a\nb\nc"), 0);
    assert_eq!(notes(Some(3), "a\nb\nc\n"), 1);
    assert_eq!(notes(None, "a\nb\nc\n"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_log_is_requested_for_a_limited_time() {
    let mut log = SourceLog::new(LogSource::default(), &LogParams::default());
    assert!(log.may_be_read());
    log.unread = Some(crate::http::Session::default().stopwatch());
    tokio::time::advance(REST_TIMEOUT - Duration::from_millis(1)).await;
    assert!(log.may_be_read());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!log.may_be_read());
}
