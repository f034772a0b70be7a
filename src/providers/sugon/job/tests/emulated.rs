//! Tests the client with emulated jobs.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::super::super::{CLOUD, new_client};
use super::*;
use crate::providers::{
    Client, CloudClient, Cursor, Filter, LogParams, LogPosition, LogRequest, list_all, ready,
};
use crate::reference::Scope;
use crate::test_support::kinds::client;
use crate::test_support::{
    EmulatedJob, EmulatedState, LogLine, Responder, ServerResponse, StateChange, TestServer,
    start_time,
};

fn job(id: &str, steps: &[(u64, &str)], lines: u64) -> EmulatedJob {
    let steps = steps.iter().map(|(after, word)| StateChange {
        after: Duration::from_secs(*after),
        state: (*word).to_owned(),
        ..StateChange::default()
    });
    let log = (1..=lines).map(|number| LogLine {
        after: Duration::from_secs(20 + number / 100),
        text: format!("line {number} 损失"),
        is_stderr: false,
    });
    EmulatedJob {
        kind: JOB.to_string(),
        segments: [SCOPE[0], SCOPE[1], id].map(str::to_owned).to_vec(),
        steps: steps.collect(),
        log: log.collect(),
        ..EmulatedJob::default()
    }
}

async fn server(jobs: Vec<EmulatedJob>) -> TestServer {
    let state = EmulatedState::new(jobs, start_time());
    TestServer::start(&CLOUD, state, Arc::new(|_| None)).await
}

fn with_key(server: &TestServer, more: &[(&str, &str)]) -> CloudClient<Api> {
    let mut variables = vec![
        ("JOBLENS_SUGON_USER", "bob"),
        ("JOBLENS_SUGON_ACCESS_KEY", "testid"),
        ("JOBLENS_SUGON_SECRET_KEY", "testsecret"),
        ("JOBLENS_SUGON_AUTH_ENDPOINT", server.origin.as_str()),
        ("JOBLENS_SUGON_PLATFORM_ENDPOINT", server.origin.as_str()),
    ];
    variables.extend(more);
    new_client(
        &test_support::profile(&CLOUD, &variables),
        &server.transport(),
    )
    .unwrap()
}

#[tokio::test]
async fn a_job_is_live_until_five_minutes_after_its_end_and_then_in_the_history() {
    let steps = [(0, "statQ"), (10, "statR"), (100, "statC")];
    let server = server(vec![job("1", &steps, 0)]).await;
    let client = client(&CLOUD, &server, &server.transport());
    let live = &["GetJob"][..];
    let from_history = &["GetJob", LIST_ENDED, GET_ENDED][..];
    for (second, state, word, requested) in [
        (20, State::Running, "statR", live),
        (101, State::Succeeded, "statC", live),
        (399, State::Succeeded, "statC", live),
        (400, State::Succeeded, "statC", from_history),
        (86_400, State::Succeeded, "statC", from_history),
    ] {
        server.set(second);
        let found = client
            .get(&reference("1"), &get_options())
            .await
            .unwrap()
            .job;
        assert_eq!(
            (found.state, found.state_raw.as_deref()),
            (state, Some(word)),
            "{second}"
        );
        assert_eq!(server.requested(), requested, "{second}");
    }
    let missing = client
        .get(&reference("2"), &get_options())
        .await
        .unwrap_err();
    assert_eq!(missing.category, Category::NotFound);
    assert_eq!(server.requested(), ["GetJob", LIST_ENDED, LIST_ENDED]);
}

#[tokio::test]
async fn one_token_exchange_returns_the_tokens_of_a_region_and_the_platform() {
    let server = server(vec![job("1", &[(0, "statR")], 0)]).await;
    let client = with_key(&server, &[("JOBLENS_SUGON_CLUSTER_ID", "emulator")]);
    client.get(&reference("1"), &get_options()).await.unwrap();
    let scope = Scope::at(&JOB, "default", &[]).unwrap();
    let page = client
        .list(&scope, &Filter::default(), Cursor::FIRST, &get_options())
        .await;
    assert_eq!(
        page.unwrap().rows[0].job.reference,
        reference("1").to_string()
    );
    let requested = [
        "GetUserTokens",
        "GetCenterInfo",
        "GetJob",
        "ListJobsOfPlatform",
    ];
    assert_eq!(server.requested(), requested);
    let other = test_support::reference(&JOB, &["11250", SCOPE[1], "1"]);
    let problem = client.get(&other, &get_options()).await.unwrap_err();
    assert_eq!(
        problem.message,
        "no token issued for region 11250 (stopped)"
    );
}

#[tokio::test]
async fn a_configured_token_is_not_sent_to_another_region_or_the_platform() {
    let server = server(vec![job("1", &[(0, "statR")], 0)]).await;
    for (region, message) in [
        (
            None,
            "missing region of the token for profile 'default' (sugon)",
        ),
        (Some("11250"), "the token is for computing region '11250'"),
    ] {
        let mut variables = vec![
            ("JOBLENS_SUGON_ENDPOINT", server.origin.as_str()),
            ("JOBLENS_SUGON_TOKEN", "opaque-token"),
        ];
        variables.extend(region.map(|region| ("JOBLENS_SUGON_CLUSTER_ID", region)));
        let profile = test_support::profile(&CLOUD, &variables);
        let client = new_client(&profile, &server.transport()).unwrap();
        let problem = client
            .get(&reference("1"), &get_options())
            .await
            .unwrap_err();
        assert_eq!(
            (problem.category, &*problem.message),
            (Category::MissingCredentials, message)
        );
        let scope = Scope::at(&JOB, "default", &[]).unwrap();
        let problem = client
            .list(&scope, &Filter::default(), Cursor::FIRST, &get_options())
            .await;
        assert!(
            problem
                .unwrap_err()
                .hint
                .unwrap()
                .contains("PLATFORM_TOKEN")
        );
    }
    assert!(server.requested().is_empty());
}

#[tokio::test]
async fn live_jobs_are_listed_before_history_jobs_and_each_job_once() {
    let ended = |id, word| job(id, &[(0, "statR"), (100, word)], 0);
    let many = (10..120).map(|id| job(&id.to_string(), &[(0, "statR")], 0));
    let mut jobs = vec![ended("1", "statD"), ended("2", "statC")];
    jobs.extend(many);
    let server = server(jobs).await;
    let client = client(&CLOUD, &server, &server.transport());
    for (parents, operations) in [
        (&[][..], ["ListJobsOfPlatform", "ListHistoryJobsOfPlatform"]),
        (
            &SCOPE[..1],
            ["ListJobsOfPlatform", "ListHistoryJobsOfPlatform"],
        ),
        (&SCOPE[..], ["ListJobs", LIST_ENDED]),
    ] {
        let scope = Scope::at(&JOB, "default", parents).unwrap();
        let [live, history] = operations;
        for (second, states, count, requested) in [
            // The ended jobs are still in the live list.
            (200, vec![], 112, vec![live, live, history]),
            (1000, vec![], 112, vec![live, live, history]),
            (1000, vec![State::Running], 110, vec![live, live]),
            (1000, vec![State::Failed], 1, vec![live, live, history]),
        ] {
            server.set(second);
            let filter = Filter {
                states,
                ..Filter::default()
            };
            let found = listed(&*client, &scope, &filter).await;
            assert_eq!(found.len(), count, "{second} {parents:?}");
            assert_eq!(server.requested(), requested, "{second} {parents:?}");
        }
    }
}

#[tokio::test]
async fn a_state_filter_finds_a_job_whose_end_is_only_in_the_history() {
    let jobs = vec![job("1", &[(0, "statR"), (100, "statD")], 0)];
    let state = EmulatedState::new(jobs, start_time());
    let row = json!({"jobId": "1", "jobStatus": "statC", "reason": "None"});
    let body = json!({"code": "0", "data": {"total": 1, "list": [row]}});
    let live: Responder = Arc::new(move |request| {
        let is_live = request.path == "/hpc/openapi/v2/jobs";
        is_live.then(|| ServerResponse::json(200, &body))
    });
    let server = TestServer::start(&CLOUD, state, live).await;
    server.set(200);
    let client = client(&CLOUD, &server, &server.transport());
    let scope = Scope::at(&JOB, "default", &SCOPE).unwrap();
    for (states, expected) in [
        (vec![State::Failed], vec![State::Failed]),
        // The row of the history comes later and takes precedence.
        (vec![], vec![State::Unknown, State::Failed]),
    ] {
        let filter = Filter {
            states,
            ..Filter::default()
        };
        assert_eq!(listed(&*client, &scope, &filter).await, expected);
    }
}

/// Returns the states of the listed jobs.
async fn listed(client: &dyn Client, scope: &Scope, filter: &Filter) -> Vec<State> {
    let mut found = Vec::new();
    let mut on_page = |page: Page| {
        found.extend(page.rows.into_iter().map(|row| row.job.state));
        ready(ControlFlow::Continue(()))
    };
    let listed = list_all(client, scope, filter, &get_options(), None, &mut on_page).await;
    assert_eq!(listed.unwrap().truncation, None);
    found
}

#[tokio::test]
async fn live_jobs_of_a_scheduler_are_looked_up_by_one_list_request() {
    let jobs = ["1", "2", "3"].map(|id| job(id, &[(0, "statR")], 0));
    let server = server(jobs.to_vec()).await;
    let client = client(&CLOUD, &server, &server.transport());
    let wanted = ["2", "9", "1"].map(reference);
    assert!(client.can_batch(&wanted));
    let found = client.batch_get(&wanted, &get_options()).await.unwrap();
    let ids: Vec<_> = found
        .iter()
        .map(|found| found.as_ref().map(|row| &*row.job.id))
        .collect();
    assert_eq!(ids, [Some("2"), None, Some("1")]);
    assert_eq!(server.requested(), ["ListJobs"]);
}

/// Reads a log from a position to its end.
async fn read_log(
    client: &dyn Client,
    job: &Job,
    position: &mut LogPosition,
    tail_lines: Option<u64>,
) -> String {
    let reference = reference(&job.id);
    let source = client.log_sources(&reference, job).remove(0);
    let params = LogParams {
        tail_lines,
        ..LogParams::default()
    };
    let mut text: Vec<u8> = Vec::new();
    loop {
        let request = LogRequest {
            reference: &reference,
            source: &source,
            position,
            params: &params,
            before: &text[text.len().saturating_sub(256)..],
            options: &get_options(),
        };
        let chunk = client.read_log(request).await.unwrap();
        text.extend(chunk.data);
        *position = chunk.next.unwrap();
        if !chunk.has_more {
            return String::from_utf8(text).unwrap();
        }
    }
}

#[tokio::test]
async fn a_log_of_identical_pages_is_read_to_its_end() {
    let mut same = job("1", &[(0, "statR")], 3000);
    for line in &mut same.log {
        line.text = "retry".to_owned();
    }
    let server = server(vec![same]).await;
    let client = client(&CLOUD, &server, &server.transport());
    server.set(60);
    let job = client
        .get(&reference("1"), &get_options())
        .await
        .unwrap()
        .job;
    let mut position = LogPosition::Start;
    for (tail, lines) in [(None, 3000), (Some(600), 1000)] {
        let text = read_log(&*client, &job, &mut position, tail).await;
        assert_eq!(text, "retry\n".repeat(lines));
        position = LogPosition::Start;
    }
}

#[tokio::test]
async fn a_log_is_read_page_by_page_and_followed() {
    let server = server(vec![job("1", &[(0, "statR")], 2500)]).await;
    let client = client(&CLOUD, &server, &server.transport());
    let get = async |second| {
        server.set(second);
        client
            .get(&reference("1"), &get_options())
            .await
            .unwrap()
            .job
    };
    let lines = |range: std::ops::RangeInclusive<u64>| -> String {
        range
            .map(|number| format!("line {number} 损失\n"))
            .collect()
    };
    // The file has 199 lines after 21 seconds, 1,099 after 30 and 2,500 after 45.
    let (mut position, running) = (LogPosition::Start, get(21).await);
    let sources = client.log_sources(&reference("1"), &running);
    assert_eq!(
        sources
            .iter()
            .filter_map(|one| one.container.as_deref())
            .collect::<Vec<_>>(),
        ["stdout", "stderr"]
    );
    assert_eq!(
        read_log(&*client, &running, &mut position, None).await,
        lines(1..=199)
    );
    assert_eq!(read_log(&*client, &running, &mut position, None).await, "");
    get(30).await;
    assert_eq!(
        read_log(&*client, &running, &mut position, None).await,
        lines(200..=1099)
    );
    get(45).await;
    assert_eq!(
        read_log(&*client, &running, &mut position, None).await,
        lines(1100..=2500)
    );
    server.requested();
    let mut position = LogPosition::Start;
    assert_eq!(
        read_log(&*client, &running, &mut position, Some(600)).await,
        lines(1001..=2500)
    );
    assert_eq!(server.requested(), [logs::LOGS.operation.name; 3]);
}
