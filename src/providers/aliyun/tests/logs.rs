//! Tests of logs of PAI-DLC and E-HPC Instant jobs over time.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::model::Time;
use crate::providers::aliyun::CLOUD;
use crate::providers::test_support::{get_options, reference};
use crate::providers::{Client, LogChunk, LogParams, LogPosition, LogRequest, LogSource};
use crate::test_support::kinds::client;
use crate::test_support::{
    EmulatedJob, EmulatedState, LogLine, StateChange, TestServer, start_time,
};

fn step(after: u64, state: &str) -> StateChange {
    StateChange {
        after: Duration::from_secs(after),
        state: state.to_owned(),
        ..StateChange::default()
    }
}

/// Starts a server with a job of two parts that writes a line every 10 seconds and is restarted after 25 seconds.
async fn server(kind: &Kind) -> TestServer {
    let line = |n: u64| LogLine {
        after: Duration::from_secs(n * 10),
        text: format!("第 {n} 行"),
        is_stderr: false,
    };
    let job = EmulatedJob {
        kind: kind.to_string(),
        segments: vec!["j1".to_owned()],
        steps: vec![step(0, "Running"), step(60, "Failed")],
        parts: 2,
        log: (1..=5).map(line).collect(),
        restarts: vec![Duration::from_secs(25)],
        ..EmulatedJob::default()
    };
    let state = EmulatedState::new(vec![job], start_time());
    TestServer::start(&CLOUD, state, Arc::new(|_| None)).await
}

async fn read(
    client: &dyn Client,
    kind: &'static Kind,
    params: LogParams,
) -> (Vec<LogSource>, Result<LogChunk, Problem>) {
    let reference = reference(kind, &["j1"]);
    let job = client.get(&reference, &get_options()).await.unwrap().job;
    let sources = client.log_sources(&reference, &job);
    let request = LogRequest {
        reference: &reference,
        source: sources.last().unwrap(),
        position: &LogPosition::Start,
        params: &params,
        before: &[],
        options: &get_options(),
    };
    let chunk = client.read_log(request).await;
    (sources, chunk)
}

async fn text(client: &dyn Client, kind: &'static Kind, params: LogParams) -> String {
    let chunk = read(client, kind, params).await.1.unwrap();
    assert_eq!((chunk.has_more, chunk.truncated), (false, None));
    String::from_utf8(chunk.data).unwrap()
}

#[tokio::test]
async fn a_growing_log_is_read_whole_or_since_a_given_time() {
    for kind in [CLOUD.kinds[3], CLOUD.kinds[4]] {
        let server = server(kind).await;
        let transport = server.transport();
        let client = client(&CLOUD, &server, &transport);
        server.set(21);
        assert_eq!(
            text(&*client, kind, LogParams::default()).await,
            "第 1 行\n第 2 行\n"
        );
        server.set(35);
        assert_eq!(
            text(&*client, kind, LogParams::default()).await,
            "第 3 行\n"
        );
        server.set(70);
        let all = text(&*client, kind, LogParams::default()).await;
        assert_eq!(all, "第 3 行\n第 4 行\n第 5 行\n");
        let since = Time::new(start_time() + Duration::from_secs(45));
        let params = LogParams {
            since,
            ..LogParams::default()
        };
        assert_eq!(text(&*client, kind, params).await, "第 5 行\n");
        let (sources, _) = read(&*client, kind, LogParams::default()).await;
        let ids: Vec<_> = sources
            .iter()
            .map(|source| source.task.as_deref())
            .collect();
        let expected = match kind == CLOUD.kinds[3] {
            true => [Some("j1-worker-0"), Some("j1-worker-1")],
            false => [Some("j1-Task0-0"), Some("j1-Task0-1")],
        };
        assert_eq!(ids, expected);
    }
}

#[tokio::test]
async fn the_previous_log_is_that_of_the_pod_before_the_restart() {
    let kind = CLOUD.kinds[3];
    let server = server(kind).await;
    let transport = server.transport();
    let client = client(&CLOUD, &server, &transport);
    let previous = || LogParams {
        previous: true,
        ..LogParams::default()
    };
    server.set(21);
    let (sources, missing) = read(&*client, kind, previous()).await;
    assert_eq!(sources[1].restarts, 0);
    assert_eq!(missing.unwrap_err().category, Category::NotFound);
    server.set(35);
    assert_eq!(text(&*client, kind, previous()).await, "第 1 行\n第 2 行\n");
    let (sources, _) = read(&*client, kind, previous()).await;
    assert_eq!(sources[1].restarts, 1);
}
