use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::super::errors::ERRORS;
use super::super::invocation::{Results, ResultsPage, Status};
use super::super::sign::Signer;
use super::super::{CLOUD, products::EHPC};
use super::{invocation, job, read_jobs};
use crate::error::Category;
use crate::http::{Endpoint, Method, Request, Response, RetryAction, Signer as _};
use crate::model::State;
use crate::providers::test_support;
use crate::secret::Secret;
use crate::test_support::{
    self as peer, EmulatedError, EmulatedJob, EmulatedState, ServerRequest, StateChange, Warning,
    emulated, received,
};

const CLUSTER: &str = "ehpc-hz-FYUr32";

fn now() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn step(after: u64, state: &str, exit_code: Option<i64>) -> StateChange {
    StateChange {
        after: Duration::from_secs(after),
        state: state.to_owned(),
        exit_code,
        message: exit_code.map(|_| "as planned".to_owned()),
        ..StateChange::default()
    }
}

fn emulated_job(kind: &str, id: &str, parts: usize, steps: Vec<StateChange>) -> EmulatedJob {
    EmulatedJob {
        kind: kind.to_owned(),
        segments: vec![CLUSTER.to_owned(), id.to_owned()],
        user: Some("ana".to_owned()),
        age: Duration::from_secs(100),
        steps,
        parts,
        ..EmulatedJob::default()
    }
}

fn state() -> EmulatedState {
    let mut failing = emulated_job(
        "aliyun/job",
        "5",
        3,
        vec![
            step(0, "Pending", None),
            step(10, "Running", None),
            step(60, "Failed", Some(137)),
        ],
    );
    failing.warnings = vec![Warning {
        after: Duration::from_secs(50),
        reason: "OOMKilling".to_owned(),
        message: "out of memory".to_owned(),
        count: 2,
    }];
    let mut served = emulated_job("aliyun/job", "7", 1, vec![]);
    served.document =
        Some(r#"{"TotalCount":1,"JobInfos":[{"JobId":"7","State":"Odd"}]}"#.to_owned());
    EmulatedState::new(
        vec![
            failing,
            served,
            emulated_job("aliyun/job", "6", 1, vec![step(0, "Succeeded", None)]),
            emulated_job(
                "aliyun/invocation",
                "c-1",
                120,
                vec![step(0, "Finished", Some(3))],
            ),
            emulated_job(
                "aliyun/invocation",
                "c-2",
                2,
                vec![step(0, "Running", None)],
            ),
        ],
        now(),
    )
}

fn request(operation: &'static str, query: &[(&str, &str)]) -> Request {
    Request {
        operation,
        method: match operation {
            "DescribeServerlessJobs" => Method::Post,
            _ => Method::Get,
        },
        endpoint: Endpoint::parse("http://127.0.0.1:7411", &[], false).unwrap(),
        path: "/".to_owned(),
        query: query
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        headers: vec![
            ("accept", "application/json".to_owned()),
            ("x-acs-action", operation.to_owned()),
            ("x-acs-version", EHPC.version.to_owned()),
        ],
        body: Vec::new(),
        is_optional: false,
    }
}

fn signer(secret: &str, token: Option<&str>) -> Signer {
    Signer {
        access_key_id: "testid".to_owned(),
        access_key_secret: Secret::new(secret),
        security_token: token.map(Secret::new),
    }
}

/// Returns the request as the emulator receives it.
fn incoming(request: &Request, signer: &Signer, at: DateTime<Utc>, nonce: &str) -> ServerRequest {
    peer::incoming(request, &signer.sign(request, at, nonce), now())
}

fn call(state: &EmulatedState, operation: &'static str, query: &[(&str, &str)]) -> Response {
    let request = request(operation, query);
    let nonce = crate::crypto::nonce();
    let incoming = incoming(&request, &signer("testsecret", None), now(), &nonce);
    assert_eq!(
        emulated(&CLOUD).operation(&incoming).as_deref(),
        Some(operation)
    );
    received(emulated(&CLOUD).respond(&incoming, state))
}

fn code(response: &Response) -> (Category, RetryAction, String) {
    let error = test_support::classify(&ERRORS, response).unwrap();
    (error.category, error.retry, error.code.unwrap())
}

#[test]
fn a_job_of_the_scenario_is_read_from_the_emulator() {
    let state = state();
    let response = call(
        &state,
        "DescribeServerlessJobs",
        &[("ClusterId", CLUSTER), ("JobIds.1", "5")],
    );
    assert_eq!(response.status, 200);
    let (failed, notices) = read_jobs(&response.body, job("5"), &[]).unwrap();
    assert_eq!(notices, []);
    assert_eq!((failed.state, failed.exit_code), (State::Failed, Some(137)));
    assert_eq!(failed.tasks.len(), 3);
    assert_eq!(failed.tasks[0].state, State::Succeeded);
    assert_eq!(failed.user.as_deref(), Some("ana"));
    assert_eq!(failed.events.len(), 1);
    assert_eq!(failed.created_at.unwrap().rfc3339(), "2026-01-02T03:02:25Z");
    assert_eq!(failed.started_at.unwrap().rfc3339(), "2026-01-02T03:02:35Z");
    assert_eq!(
        failed.finished_at.unwrap().rfc3339(),
        "2026-01-02T03:03:25Z"
    );
    assert!(
        failed
            .message
            .unwrap()
            .ends_with("exit code 137 (Error): as planned")
    );

    let response = call(
        &state,
        "DescribeServerlessJobs",
        &[("ClusterId", CLUSTER), ("JobIds.1", "7")],
    );
    let (served, _) = read_jobs(&response.body, job("7"), &[]).unwrap();
    assert_eq!(served.state_raw.as_deref(), Some("Odd"));
    let response = call(
        &state,
        "DescribeServerlessJobs",
        &[("ClusterId", CLUSTER), ("JobIds.1", "8")],
    );
    assert!(read_jobs(&response.body, job("8"), &[]).is_err());
}

#[test]
fn an_invocation_of_the_scenario_is_read_page_by_page() {
    let state = state();
    let command = [("ClusterId", CLUSTER), ("CommandId", "c-1")];
    let status =
        Status::decode(&call(&state, "ListInvocationStatus", &command).body, "c-1").unwrap();
    let mut results = Results::default();
    loop {
        let number = results.next_page().to_string();
        let query = [
            command[0],
            command[1],
            ("PageNumber", &number),
            ("PageSize", "50"),
        ];
        let response = call(&state, "ListInvocationResults", &query);
        if !results.add(ResultsPage::decode(&response.body, "c-1").unwrap()) {
            break;
        }
    }
    assert_eq!(results.next_page(), 4);
    let (job, notices) = status.into_job(invocation("c-1"), &[], Some(results), false);
    assert_eq!(notices, []);
    assert_eq!(
        (job.state, job.exit_code, job.tasks.len()),
        (State::Failed, Some(3), 120)
    );
    assert_eq!(
        job.message.as_deref(),
        Some("node i-node120: exit code 3: as planned")
    );

    let query = [("ClusterId", CLUSTER), ("CommandId", "c-2")];
    let running =
        Status::decode(&call(&state, "ListInvocationStatus", &query).body, "c-2").unwrap();
    assert!(!running.is_finished());
}

#[test]
fn the_emulator_rejects_replayed_expired_and_badly_signed_requests() {
    let state = state();
    let requested = request(
        "DescribeServerlessJobs",
        &[("ClusterId", CLUSTER), ("JobIds.1", "5")],
    );
    let response = |incoming: &ServerRequest| received(emulated(&CLOUD).respond(incoming, &state));
    let good = signer("testsecret", Some("testtoken"));
    let first = incoming(&requested, &good, now(), "n1");
    assert_eq!(response(&first).status, 200);
    let replayed = code(&response(&first));
    assert_eq!(
        replayed,
        (
            Category::ServiceError,
            RetryAction::Immediate,
            "SignatureNonceUsed".to_owned()
        )
    );

    let late = incoming(&requested, &good, now() - TimeDelta::minutes(16), "n2");
    assert_eq!(code(&response(&late)).2, "InvalidTimeStamp.Expired");
    let wrong_secret = incoming(&requested, &signer("other", None), now(), "n3");
    assert_eq!(code(&response(&wrong_secret)).2, "SignatureDoesNotMatch");
    let wrong_token = incoming(
        &requested,
        &signer("testsecret", Some("other")),
        now(),
        "n4",
    );
    assert_eq!(
        code(&response(&wrong_token)).2,
        "InvalidSecurityToken.Malformed"
    );
    let mut unknown = good.clone();
    unknown.access_key_id = "nobody".to_owned();
    let unknown = response(&incoming(&requested, &unknown, now(), "n5"));
    assert_eq!(
        (unknown.status, code(&unknown).0),
        (404, Category::Unauthenticated)
    );

    let mut changed = incoming(&requested, &good, now(), "n6");
    changed.query = changed.query.replace("=5", "=6");
    assert_eq!(code(&response(&changed)).2, "SignatureDoesNotMatch");
    let mut added = incoming(&requested, &good, now(), "n7");
    added
        .headers
        .push(("x-acs-extra".to_owned(), "1".to_owned()));
    assert_eq!(code(&response(&added)).2, "SignatureDoesNotMatch");
    let mut bare = incoming(&requested, &good, now(), "n8");
    bare.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(code(&response(&bare)).2, "IncompleteSignature");
}

#[test]
fn missing_parameters_and_unknown_objects_have_documented_errors() {
    let state = state();
    let text = |operation, query: &[(&str, &str)]| {
        let response = call(&state, operation, query);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        for key in ["RequestId", "HostId", "Recommend", "Message"] {
            assert!(body[key].is_string(), "{key}");
        }
        (response.status, code(&response).2)
    };
    let expected = |status, code: &str| (status, code.to_owned());
    let jobs = "DescribeServerlessJobs";
    assert_eq!(
        text(jobs, &[("JobIds.1", "5")]),
        expected(400, "MissingClusterId")
    );
    assert_eq!(
        text(jobs, &[("ClusterId", CLUSTER)]),
        expected(400, "MissingJobIds")
    );
    assert_eq!(
        text(jobs, &[("ClusterId", "other"), ("JobIds.1", "5")]),
        expected(404, "ClusterNotFound")
    );
    assert_eq!(
        text(
            "ListInvocationStatus",
            &[("ClusterId", CLUSTER), ("CommandId", "c-9")]
        ),
        expected(404, "ObjectNotFound")
    );
    assert_eq!(
        text("StopServerlessJobs", &[("ClusterId", CLUSTER)]),
        expected(404, "InvalidApi.NotFound")
    );
    let size = [
        ("ClusterId", CLUSTER),
        ("CommandId", "c-1"),
        ("PageSize", "51"),
    ];
    assert_eq!(
        text("ListInvocationResults", &size),
        expected(400, "InvalidParams")
    );
}

#[test]
fn emulated_faults_have_the_error_codes_of_the_cloud() {
    let throttled = code(&received(emulated(&CLOUD).error(EmulatedError::Throttled)));
    assert_eq!(
        throttled,
        (
            Category::Throttled,
            RetryAction::Backoff,
            "Throttling.User".to_owned()
        )
    );
    let down = code(&received(
        emulated(&CLOUD).error(EmulatedError::Unavailable(503)),
    ));
    assert_eq!(
        down,
        (
            Category::ServiceError,
            RetryAction::Backoff,
            "ServiceUnavailable".to_owned()
        )
    );
}
