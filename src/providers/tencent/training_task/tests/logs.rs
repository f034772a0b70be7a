//! Tests of logs whose pages are shorter than requested, and of tasks without a run.

use chrono::{DateTime, TimeDelta};

use super::*;

/// Responds with at most `page` of the 250 lines of a log per request.
fn paged(page: usize) -> Responder {
    let line = |number: usize| {
        let (minute, second) = (number / 60, number % 60);
        json!({
            "Id": number.to_string(), "Message": format!("第 {number} 行"),
            "Timestamp": format!("2026-01-02T03:{minute:02}:{second:02}Z"),
        })
    };
    paged_lines((0..250).map(line).collect(), page)
}

/// Responds with at most `page` of the lines of a log per request.
fn paged_lines(lines: Vec<Value>, page: usize) -> Responder {
    Arc::new(move |request| {
        let operation = emulated(&CLOUD).operation(request)?;
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        let offset = usize::try_from(body["Offset"].as_u64()?).ok()?;
        let mut lines = lines.clone();
        if let Some(end) = body["EndTime"].as_str() {
            lines.retain(|line| line["Timestamp"].as_str() <= Some(end));
        }
        if body["Order"] == "DESC" {
            lines.reverse();
        }
        let lines: Vec<Value> = lines.into_iter().skip(offset).take(page).collect();
        let body = json!({"Response": {"Content": lines}});
        (operation == "DescribeLogs").then(|| ServerResponse::json(200, &body))
    })
}

#[tokio::test]
async fn a_page_with_fewer_lines_than_requested_is_not_taken_for_the_last() {
    for page in [7, 50, 99, 100] {
        for (tail_lines, first) in [(None, 0), (Some(10_000), 0), (Some(120), 130)] {
            let jobs = vec![task(TASK, "RUNNING", &[])];
            let (server, client) = serve(jobs, paged(page)).await;
            server.set(300);
            let params = LogParams {
                tail_lines,
                ..LogParams::default()
            };
            let (text, _) = read(&*client, &params, LogPosition::Start).await;
            assert_eq!(text, lines(first..250), "{page} {tail_lines:?}");
        }
    }
}

#[tokio::test]
async fn equal_lines_without_an_id_are_all_read() {
    for page in [3, 7, 20, 100] {
        for tail_lines in [None, Some(10_000)] {
            let line = |number: usize| {
                let second = number / 5;
                json!({"Message": "same", "Timestamp": format!("2026-01-02T03:03:{second:02}Z")})
            };
            let lines = (0..250).map(line).collect();
            let jobs = vec![task(TASK, "RUNNING", &[])];
            let (server, client) = serve(jobs, paged_lines(lines, page)).await;
            server.set(300);
            let params = LogParams {
                tail_lines,
                ..LogParams::default()
            };
            let (text, _) = read(&*client, &params, LogPosition::Start).await;
            assert_eq!(text.lines().count(), 250, "{page} {tail_lines:?}");
        }
    }
}

#[tokio::test]
async fn a_short_page_that_is_repeated_is_the_whole_log() {
    let content = json!([{"Message": "a"}, {"Message": "b"}]);
    let body = json!({"Response": {"Content": content}});
    let response = ServerResponse::json(200, &body);
    for tail_lines in [None, Some(7)] {
        let responder = responding(&CLOUD, &["DescribeLogs"], response.clone());
        let (_server, client) = serve(vec![task(TASK, "RUNNING", &[])], responder).await;
        let params = LogParams {
            tail_lines,
            ..LogParams::default()
        };
        let (mut text, _) = read(&*client, &params, LogPosition::Start).await;
        if tail_lines.is_some() {
            text = text.lines().rev().map(|line| format!("{line}\n")).collect();
        }
        assert_eq!(text, "a\nb\n");
    }
}

#[tokio::test]
async fn lines_that_are_written_during_a_read_do_not_extend_it() {
    for delay in [0, 3] {
        let requests: Arc<AtomicI64> = Arc::default();
        let count = requests.clone();
        // Writes ten lines per second. Each request takes 0.2 s.
        let responder: Responder = Arc::new(move |request| {
            let operation = emulated(&CLOUD).operation(request)?;
            if operation != "DescribeLogs" {
                return None;
            }
            let body: Value = serde_json::from_slice(&request.body).ok()?;
            let offset = usize::try_from(body["Offset"].as_u64()?).ok()?;
            let request = count.fetch_add(1, Ordering::Relaxed);
            let readable = 50 + request * 2 - delay * 10;
            let start = DateTime::parse_from_rfc3339(body["StartTime"].as_str()?).ok()?;
            let lines = (0..readable).filter_map(|number| {
                let base = DateTime::parse_from_rfc3339("2026-01-02T03:04:00Z").ok()?;
                let at = base + TimeDelta::milliseconds(100 * number);
                let line = json!({
                    "Id": number.to_string(), "Message": format!("第 {number} 行"),
                    "Timestamp": at.to_rfc3339(),
                });
                (at >= start).then_some(line)
            });
            let lines: Vec<Value> = lines.skip(offset).take(100).collect();
            let body = json!({"Response": {"Content": lines}});
            Some(ServerResponse::json(200, &body))
        });
        let (_server, client) = serve(vec![task(TASK, "RUNNING", &[])], responder).await;
        let params = LogParams::default();
        let (mut text, position) = read(&*client, &params, LogPosition::Start).await;
        let first = requests.load(Ordering::Relaxed);
        assert!((1..=5).contains(&first), "{first} requests");
        let (rest, _) = read(&*client, &params, position).await;
        text += &rest;
        let last = requests.load(Ordering::Relaxed);
        assert!((2..=10).contains(&last), "{last} requests");
        let count = text.lines().count();
        assert!(count >= 28, "{count}");
        assert_eq!(text, lines(0..count));
    }
}

#[tokio::test]
async fn a_task_without_a_run_has_no_log() {
    let jobs = vec![task(TASK, "SUBMITTING", &[])];
    let (_server, client) = serve(jobs, Arc::new(|_| None)).await;
    let read = read_chunk(&*client, &LogParams::default(), &LogPosition::Start).await;
    assert_eq!(read.unwrap_err().category, Category::NotFound);
}

#[tokio::test]
async fn the_message_for_a_missing_run_depends_on_the_state() {
    let waiting = "the task has not started; it has no log yet";
    let unknown = "the run of the task is not known (no LatestInstanceId)";
    for (word, start, message) in [
        ("PENDING", json!(null), waiting),
        ("PENDING", json!("2026-01-02T03:04:05Z"), unknown),
        ("RUNNING", json!(null), unknown),
        ("SUCCEED", json!(null), unknown),
    ] {
        let detail = json!({"Id": TASK, "Status": word, "StartTime": start});
        let body = json!({"Response": {"TrainingTaskDetail": detail}});
        let response = ServerResponse::json(200, &body);
        let responder = responding(&CLOUD, &[GET.name], response);
        let (_server, client) = serve(Vec::new(), responder).await;
        let read = read_chunk(&*client, &LogParams::default(), &LogPosition::Start).await;
        let problem = read.unwrap_err();
        assert_eq!(problem.category, Category::NotFound);
        assert_eq!(problem.message, message, "{word} {start}");
    }
}
