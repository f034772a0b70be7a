mod tokens;

use super::envelope::ListPage;
use super::errors::ERRORS;
use super::instance::{GET, Instance, LIST, ListParams, ListVariant, decode, list_request, path};
use super::*;
use crate::error::Category;
use crate::http::{Method, Response};
use crate::providers::api::DecodeError;
use crate::providers::test_support::{self, classify, get_options, lookup};
use crate::providers::wall_clock::WallClock;
use crate::reference::Reference;
use crate::test_support::{self as peer, EmulatedJob, EmulatedState, StateChange, emulated};

const NOW: &str = "2026-01-02T03:04:05Z";

fn client(endpoint: &str, token: &str) -> Result<Api, Problem> {
    let profile = test_support::profile(
        &CLOUD,
        &[
            ("JOBLENS_SUGON_ENDPOINT", endpoint),
            ("JOBLENS_SUGON_TOKEN", token),
        ],
    );
    Api::new(
        &profile,
        &test_support::transport(test_support::moment(NOW)),
    )
}

/// Returns the token that the emulator accepts without an exchange.
fn test_token() -> &'static str {
    emulated(&CLOUD).environment()[0].1
}

fn reference(id: &str) -> Reference {
    test_support::reference(CLOUD.kinds[0], &[id])
}

/// Returns the emulator's response to a request signed by the client.
fn requested(token: &str, id: &str) -> Response {
    let client = client("http://127.0.0.1:7411", token).unwrap();
    let request = client.home.request(GET.name, &path(&reference(id)));
    let now = test_support::moment(NOW);
    let proof = client
        .home
        .client
        .credentials
        .sign_for_test(&request, now, "0");
    let incoming = peer::incoming(&request, &proof, now);
    assert_eq!(
        emulated(&CLOUD).operation(&incoming).as_deref(),
        Some(GET.name)
    );
    let job = EmulatedJob {
        kind: "sugon/instance".to_owned(),
        segments: vec!["my id/1".to_owned()],
        steps: vec![StateChange {
            state: "Running".to_owned(),
            ..StateChange::default()
        }],
        parts: 2,
        ..EmulatedJob::default()
    };
    peer::received(emulated(&CLOUD).respond(&incoming, &EmulatedState::new(vec![job], now)))
}

#[test]
fn the_path_ai_at_the_end_of_an_endpoint_is_not_doubled() {
    for endpoint in [
        "https://ai01.example.com:65011",
        "https://ai01.example.com:65011/ai",
        "https://ai01.example.com:65011/ai/",
    ] {
        let request = client(endpoint, "opaque-token")
            .unwrap()
            .home
            .request(GET.name, &path(&reference("a b")));
        assert_eq!(
            request.endpoint.origin() + &request.path,
            "https://ai01.example.com:65011/ai/openapi/v2/instance-service/a%20b/detail"
        );
    }
}

#[test]
fn each_variant_of_the_list_request_sends_the_same_parameters() {
    let client = client("http://127.0.0.1:7411", test_token()).unwrap();
    let now = test_support::moment(NOW);
    let jobs = (0..101).map(|n| EmulatedJob {
        kind: "sugon/instance".to_owned(),
        segments: vec![n.to_string()],
        ..EmulatedJob::default()
    });
    let state = EmulatedState::new(jobs.collect(), now);
    let (task, list) = ("task", "task/list");
    for (form, below, has_body) in [
        (ListVariant::JsonBody, task, true),
        (ListVariant::Query, task, false),
        (ListVariant::ListPath, list, false),
    ] {
        let request = list_request(&client, form, 100, &ListParams::default());
        let path = format!("/ai/openapi/v2/instance-service/{below}");
        assert_eq!((&request.path, request.method), (&path, Method::Get));
        assert_eq!(request.encoded_query(), "start=100&limit=100&sort=desc");
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        assert_eq!(body["start"] == 100 && body["limit"] == 100, has_body);
        let mut incoming = peer::incoming(
            &request,
            &client
                .home
                .client
                .credentials
                .sign_for_test(&request, now, "0"),
            now,
        );
        assert_eq!(
            emulated(&CLOUD).operation(&incoming).as_deref(),
            Some(LIST.name)
        );
        if has_body {
            // The body is sufficient without the query.
            incoming.query.clear();
        }
        let response = peer::received(emulated(&CLOUD).respond(&incoming, &state));
        assert_eq!(classify(&ERRORS, &response), None);
        let rows = ListPage::<Instance>::decode(&response.body).unwrap().rows;
        let ids: Vec<_> = rows.iter().map(Instance::id).collect();
        assert_eq!(ids, [Some("100")]);
    }
}

#[test]
fn the_emulator_filters_its_list_by_state() {
    let client = client("http://127.0.0.1:7411", test_token()).unwrap();
    let now = test_support::moment(NOW);
    let jobs = ["Running", "Failed", "Running"].map(|word| EmulatedJob {
        kind: "sugon/instance".to_owned(),
        segments: vec![word.to_lowercase()],
        steps: vec![StateChange {
            state: word.to_owned(),
            ..StateChange::default()
        }],
        ..EmulatedJob::default()
    });
    let only_failed = ListParams {
        status: Some("Failed"),
        ..ListParams::default()
    };
    let request = list_request(&client, ListVariant::Query, 0, &only_failed);
    let proof = client
        .home
        .client
        .credentials
        .sign_for_test(&request, now, "0");
    let incoming = peer::incoming(&request, &proof, now);
    let state = EmulatedState::new(jobs.to_vec(), now);
    let response = peer::received(emulated(&CLOUD).respond(&incoming, &state));
    let rows = ListPage::<Instance>::decode(&response.body).unwrap().rows;
    let ids: Vec<_> = rows.iter().map(Instance::id).collect();
    assert_eq!(ids, [Some("failed")]);
}

#[test]
fn an_expired_token_is_an_error_before_the_first_request() {
    // {"expireTime":"1686900109231"}
    let token = "e30.eyJleHBpcmVUaW1lIjoiMTY4NjkwMDEwOTIzMSJ9.c2ln";
    let problem = client("https://ai01.example.com", token).err().unwrap();
    assert_eq!(problem.category, Category::Unauthenticated);
    assert_eq!(problem.message, "the token expired at 2023-06-16T07:21:49Z");
    assert!(!problem.retryable);
}

#[test]
fn a_missing_token_or_endpoint_is_an_error_that_names_the_variable() {
    let transport = test_support::transport(test_support::moment(NOW));
    let of = |variables: &[(&str, &str)]| {
        Api::new(&test_support::profile(&CLOUD, variables), &transport)
            .err()
            .unwrap()
    };
    let problem = of(&[("JOBLENS_SUGON_ENDPOINT", "https://x.cn")]);
    assert_eq!(problem.category, Category::MissingCredentials);
    assert!(problem.hint.unwrap().contains("JOBLENS_SUGON_TOKEN"));
    let problem = of(&[("JOBLENS_SUGON_TOKEN", "opaque-token")]);
    assert!(problem.hint.unwrap().contains("JOBLENS_SUGON_ENDPOINT"));
}

#[test]
fn the_emulator_accepts_its_own_token() {
    let response = requested(test_token(), "my id/1");
    assert_eq!(classify(&ERRORS, &response), None);
    let clock = WallClock {
        offset_seconds: 8 * 3600,
        is_assumed: false,
    };
    let reference = reference("my id/1");
    let found = decode(&response.body, lookup(&reference, &get_options()), clock);
    let job = found.unwrap().job;
    assert_eq!(job.state_raw.as_deref(), Some("Running"));
    assert_eq!(job.created_at.unwrap().rfc3339(), NOW);
}

#[test]
fn the_emulator_rejects_other_tokens_and_unknown_jobs() {
    let rejected = classify(&ERRORS, &requested("some-other-token", "my id/1")).unwrap();
    assert_eq!(rejected.category, Category::Unauthenticated);
    let missing = requested(test_token(), "other");
    let clock = WallClock {
        offset_seconds: 0,
        is_assumed: false,
    };
    let missing = decode(
        &missing.body,
        lookup(&reference("other"), &get_options()),
        clock,
    )
    .err();
    let Some(DecodeError::Failed(missing)) = missing else {
        panic!("{missing:?}")
    };
    assert_eq!(missing.category, Category::NotFound);
}
