mod machine;

use std::time::Duration;

use super::*;
use crate::model::Time;
use crate::providers::serve::{EmulatedJob, EmulatedState, ServerRequest, Warning};
use crate::providers::test_support;

const NOW: &str = "2026-01-02T03:04:05Z";

fn connected(variables: &[(&str, &str)]) -> Result<Client, Problem> {
    let profile = test_support::profile(&CLOUD, variables);
    Client::new(
        &profile,
        &test_support::transport(test_support::moment(NOW)),
    )
}

fn client(id: &str, key: &str) -> Client {
    connected(&[
        ("JOBLENS_TENCENT_ENDPOINT", "http://127.0.0.1:7411"),
        ("TENCENTCLOUD_REGION", "gz"),
        ("TENCENTCLOUD_SECRET_ID", id),
        ("TENCENTCLOUD_SECRET_KEY", key),
        ("TENCENTCLOUD_TOKEN", "to/ken+=="),
    ])
    .unwrap()
}

fn reference(service: &str) -> Reference {
    let segments = ["cls-1", "na me/space", service];
    test_support::reference(&CLOUD.kinds[0].template, &segments)
}

fn incoming(client: &Client, service: &str, nonce: &str) -> ServerRequest {
    let request = client.request(OPERATION, &reference(service));
    let now = test_support::moment(NOW);
    let proof = client.credentials.sign_for_test(&request, now, nonce);
    test_support::incoming(&request, &proof, now)
}

fn world() -> EmulatedState {
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

fn served(incoming: &ServerRequest, world: &EmulatedState) -> Response {
    test_support::received((CLOUD.emulator.respond)(incoming, world))
}

fn refused(incoming: &ServerRequest) -> String {
    let answer = served(incoming, &world());
    assert_eq!(answer.status, 200);
    wire::classify(&answer).unwrap().code.unwrap()
}

#[test]
fn says_what_is_missing() {
    let problem = |variables: &[(&str, &str)]| connected(variables).err().unwrap();
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
fn the_region_goes_out_as_given_to_the_vendors_host() {
    let client = connected(&[
        ("TENCENTCLOUD_REGION", "gz"),
        ("TENCENTCLOUD_SECRET_ID", "i"),
        ("TENCENTCLOUD_SECRET_KEY", "k"),
    ])
    .unwrap();
    let request = client.request(OPERATION, &reference("web"));
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

#[test]
fn a_rejected_parameter_names_the_other_spelling_of_the_region() {
    let hint = |code: &str, region: &str| {
        let refusal = RequestError {
            code: Some(code.to_owned()),
            ..RequestError::new(Category::InvalidArgument, "")
        };
        with_hint(refusal, OPERATION, region).hint
    };
    assert!(hint("4000", "gz").unwrap().contains("ap-guangzhou"));
    assert!(hint("4000", "ap-chongqing").unwrap().ends_with("cq"));
    assert_eq!(hint("4000", "mars"), None);
    assert_eq!(hint("5100", "gz"), None);
}

#[test]
fn a_missing_permission_is_that_of_the_operation() {
    let hint = |operation| {
        with_hint(
            RequestError::new(Category::PermissionDenied, ""),
            operation,
            "gz",
        )
        .hint
    };
    for operation in [OPERATION, LIST, CLUSTERS] {
        let wanted = format!("grant the permission ccs:{operation}");
        assert_eq!(hint(operation), Some(wanted));
    }
}

#[test]
fn a_broken_network_may_mean_that_the_api_is_gone() {
    let network = || Problem::new(Category::Network, "no such host").with_hint("check the name");
    let vendors = connected(&[
        ("TENCENTCLOUD_REGION", "gz"),
        ("TENCENTCLOUD_SECRET_ID", "i"),
        ("TENCENTCLOUD_SECRET_KEY", "k"),
    ])
    .unwrap();
    let hint = |problem| vendors.with_retirement_hint(problem).hint;
    let shown = hint(network()).unwrap();
    assert!(shown.starts_with("check the name; API 2.0 may be retired"));
    assert_eq!(hint(Problem::new(Category::Throttled, "x")), None);
    let own = client("i", "k").with_retirement_hint(network());
    assert_eq!(own.hint.as_deref(), Some("check the name"));
}

#[test]
fn the_emulator_verifies_our_signature_and_answers() {
    let incoming = incoming(&client("testid", "testsecret"), "服务", "1f");
    assert_eq!(
        (CLOUD.emulator.operation)(&incoming).as_deref(),
        Some(OPERATION)
    );
    let answer = served(&incoming, &world());
    assert_eq!(wire::classify(&answer), None);
    let clock = WallClock {
        offset_seconds: 8 * 3600,
        is_assumed: false,
    };
    let found = wire::decode(
        &answer.body,
        &reference("服务"),
        &test_support::ask(),
        None,
        clock,
    );
    let mut job = found.unwrap().job;
    job.finalize(Time::new(test_support::moment(NOW)).unwrap());
    assert_eq!((job.events.len(), job.warning_count), (3, 1));
    let newest = &job.events[0];
    assert_eq!(newest.count, Some(6530));
    assert_eq!(newest.first_at.unwrap().rfc3339(), "2026-01-02T02:05:05Z");
    assert_eq!(newest.last_at.unwrap().rfc3339(), NOW);
}

#[test]
fn the_emulator_refuses_as_the_cloud_does() {
    let good = client("testid", "testsecret");
    assert_eq!(refused(&incoming(&good, "other", "1")), "5000");
    let unknown = client("otherid", "testsecret");
    assert_eq!(refused(&incoming(&unknown, "服务", "1")), "4104");
    let wrong = client("testid", "othersecret");
    assert_eq!(refused(&incoming(&wrong, "服务", "1")), "4100");
    let mut late = incoming(&good, "服务", "1");
    late.now += chrono::Duration::seconds(301);
    assert_eq!(refused(&late), "4500");
    let mut changed = incoming(&good, "服务", "1");
    changed.query = changed.query.replace("cls-1", "cls-2");
    assert_eq!(refused(&changed), "4100");
    let mut short = incoming(&good, "服务", "1");
    short.query = short.query.replace("Region=gz&", "");
    assert_eq!(refused(&short), "4000");
}

#[test]
fn the_emulator_takes_a_nonce_once() {
    let world = world();
    let incoming = incoming(&client("testid", "testsecret"), "服务", "abc");
    assert_eq!(wire::classify(&served(&incoming, &world)), None);
    let again = wire::classify(&served(&incoming, &world)).unwrap();
    assert_eq!(again.code.as_deref(), Some("4500"));
}
