mod instance_role;

use std::time::Duration;

use super::errors::ERRORS;
use super::service::{EVENTS, LIST, address, decode_events};
use super::*;
use crate::http::Response;
use crate::providers::errors::HintContext;
use crate::providers::test_support::{self, classify, lookup};
use crate::reference::Reference;
use crate::test_support::{
    self as peer, EmulatedJob, EmulatedState, ServerRequest, Warning, emulated,
};

const NOW: &str = "2026-01-02T03:04:05Z";

fn new_api(variables: &[(&str, &str)]) -> Result<Api, Problem> {
    let profile = test_support::profile(&CLOUD, variables);
    Api::new(
        &profile,
        &test_support::transport(test_support::moment(NOW)),
    )
}

fn client(id: &str, key: &str) -> Api {
    new_api(&[
        ("JOBLENS_TENCENT_ENDPOINT", "http://127.0.0.1:7411"),
        ("TENCENTCLOUD_REGION", "gz"),
        ("TENCENTCLOUD_SECRET_ID", id),
        ("TENCENTCLOUD_SECRET_KEY", key),
        ("TENCENTCLOUD_TOKEN", "testtoken"),
    ])
    .unwrap()
}

fn reference(service: &str) -> Reference {
    let segments = ["cls-1", "na me/space", service];
    test_support::reference(CLOUD.kinds[0], &segments)
}

fn incoming(client: &Api, service: &str, nonce: &str) -> ServerRequest {
    let request = client.ccs_request(EVENTS.name, &address(&reference(service)));
    let now = test_support::moment(NOW);
    let proof = client
        .client
        .credentials
        .sign_for_test(&request, now, nonce);
    peer::incoming(&request, &proof, now)
}

fn state() -> EmulatedState {
    let warning = Warning {
        after: Duration::from_secs(60),
        reason: "pod启动失败".to_owned(),
        message: "Back-off\n".to_owned(),
        count: 6530,
    };
    let later = Warning {
        after: Duration::from_secs(9 * 3600),
        ..warning.clone()
    };
    let job = EmulatedJob {
        kind: "tencent/service".to_owned(),
        segments: vec!["cls-1".into(), "na me/space".into(), "服务".into()],
        age: Duration::from_secs(3600),
        parts: 2,
        warnings: vec![warning, later],
        ..EmulatedJob::default()
    };
    EmulatedState::new(vec![job], test_support::moment(NOW))
}

fn served(incoming: &ServerRequest, state: &EmulatedState) -> Response {
    peer::received(emulated(&CLOUD).respond(incoming, state))
}

fn rejected(incoming: &ServerRequest) -> String {
    let response = served(incoming, &state());
    assert_eq!(response.status, 200);
    classify(&ERRORS, &response).unwrap().code.unwrap()
}

#[test]
fn a_missing_key_or_region_is_an_error_that_names_the_variable() {
    let problem = |variables: &[(&str, &str)]| new_api(variables).err().unwrap();
    let none = problem(&[("TENCENTCLOUD_REGION", "gz")]);
    assert_eq!(none.category, Category::MissingCredentials);
    let hint = none.hint.unwrap();
    assert!(hint.contains("TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY"));
    let no_region = problem(&[
        ("TENCENTCLOUD_SECRET_ID", "i"),
        ("TENCENTCLOUD_SECRET_KEY", "k"),
    ]);
    assert!(no_region.hint.unwrap().contains("TENCENTCLOUD_REGION"));
}

#[test]
fn the_region_is_sent_as_configured_to_the_public_host() {
    let client = new_api(&[
        ("TENCENTCLOUD_REGION", "gz"),
        ("TENCENTCLOUD_SECRET_ID", "i"),
        ("TENCENTCLOUD_SECRET_KEY", "k"),
    ])
    .unwrap();
    let request = client.ccs_request(EVENTS.name, &address(&reference("web")));
    assert_eq!(
        format!(
            "{}{}?{}",
            request.endpoint.origin(),
            request.path,
            request.encoded_query()
        ),
        "https://ccs.api.qcloud.com/v2/index.php?Action=DescribeServiceEvent&Region=gz&clusterId=cls-1&namespace=na%20me%2Fspace&serviceName=web"
    );
}

/// Returns the hint for an error code of an operation in a region.
fn hint(operation: &'static str, region: &str, code: u32) -> Option<String> {
    let response = test_support::response(200, &format!(r#"{{"code":{code}}}"#));
    let context = HintContext {
        request: &test_support::request(operation, &[("Region", region)]),
        region: None,
    };
    ERRORS.classify(&context, &response).unwrap().hint
}

#[test]
fn the_hint_for_a_rejected_parameter_has_the_other_name_of_the_region() {
    let hint = |code, region| hint(EVENTS.name, region, code);
    assert!(hint(4000, "gz").unwrap().contains("ap-guangzhou"));
    assert!(hint(4000, "ap-chongqing").unwrap().ends_with("cq"));
    assert_eq!(hint(4000, "mars"), None);
    assert_eq!(hint(5100, "gz"), None);
}

#[test]
fn the_hint_for_a_missing_permission_names_the_operation() {
    for operation in [EVENTS.name, LIST.name, CLUSTERS] {
        let wanted = format!("grant the permission ccs:{operation}");
        assert_eq!(hint(operation, "gz", 4103), Some(wanted));
    }
}

#[test]
fn a_network_error_at_the_public_host_has_a_hint_that_the_api_is_retired() {
    let network = || Problem::new(Category::Network, "no such host").with_hint("check the name");
    let vendors = new_api(&[
        ("TENCENTCLOUD_REGION", "gz"),
        ("TENCENTCLOUD_SECRET_ID", "i"),
        ("TENCENTCLOUD_SECRET_KEY", "k"),
    ])
    .unwrap();
    let hint = |problem| vendors.with_retirement_hint(problem).hint;
    let shown = hint(network()).unwrap();
    assert!(shown.starts_with("check the name; API 2.0 is retired"));
    assert_eq!(hint(Problem::new(Category::Throttled, "x")), None);
    let own = client("i", "k").with_retirement_hint(network());
    assert_eq!(own.hint.as_deref(), Some("check the name"));
}

#[test]
fn the_emulator_accepts_a_valid_signature() {
    let incoming = incoming(&client("testid", "testsecret"), "服务", "1f");
    assert_eq!(
        emulated(&CLOUD).operation(&incoming).as_deref(),
        Some(EVENTS.name)
    );
    let response = served(&incoming, &state());
    assert_eq!(classify(&ERRORS, &response), None);
    let (api, options) = (client("testid", "testsecret"), test_support::get_options());
    let found = decode_events(&response.body, &api, lookup(&reference("服务"), &options));
    let mut job = found.unwrap().job;
    job.finalize(crate::model::Time::new(test_support::moment(NOW)).unwrap());
    assert_eq!((job.events.len(), job.warning_count), (3, 1));
    let newest = &job.events[0];
    assert_eq!(newest.count, Some(6530));
    assert_eq!(newest.first_at.unwrap().rfc3339(), "2026-01-02T02:05:05Z");
    assert_eq!(newest.last_at.unwrap().rfc3339(), NOW);
}

#[test]
fn the_emulator_rejects_bad_signatures_wrong_times_and_unknown_services() {
    let good = client("testid", "testsecret");
    assert_eq!(rejected(&incoming(&good, "other", "1")), "5000");
    let unknown = client("otherid", "testsecret");
    assert_eq!(rejected(&incoming(&unknown, "服务", "1")), "4104");
    let wrong = client("testid", "othersecret");
    assert_eq!(rejected(&incoming(&wrong, "服务", "1")), "4100");
    let mut late = incoming(&good, "服务", "1");
    late.now += chrono::Duration::seconds(301);
    assert_eq!(rejected(&late), "4500");
    let mut changed = incoming(&good, "服务", "1");
    changed.query = changed.query.replace("cls-1", "cls-2");
    assert_eq!(rejected(&changed), "4100");
    let mut short = incoming(&good, "服务", "1");
    short.query = short.query.replace("Region=gz&", "");
    assert_eq!(rejected(&short), "4000");
}

#[test]
fn the_emulator_accepts_a_nonce_only_once() {
    let state = state();
    let incoming = incoming(&client("testid", "testsecret"), "服务", "abc");
    assert_eq!(classify(&ERRORS, &served(&incoming, &state)), None);
    let again = classify(&ERRORS, &served(&incoming, &state)).unwrap();
    assert_eq!(again.code.as_deref(), Some("4500"));
}
