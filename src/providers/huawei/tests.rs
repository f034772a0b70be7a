mod iam;
mod instance_role;

use super::errors::ERRORS;
use super::image_job::{GET, decode, path};
use super::*;
use crate::error::Category;
use crate::http::Response;
use crate::providers::test_support::{self, classify, get_options, lookup};
use crate::reference::Reference;
use crate::test_support::{
    self as peer, EmulatedJob, EmulatedState, ServerRequest, StateChange, emulated,
};

const NOW: &str = "2026-01-02T03:04:05Z";
const PROJECT: &str = "a4da8115c9d8464ead3a38309130523f";

fn new_api(variables: &[(&str, &str)]) -> Result<Api, Problem> {
    let profile = test_support::profile(&CLOUD, variables);
    Api::new(
        &profile,
        &test_support::transport(test_support::moment(NOW)),
    )
}

fn problem(variables: &[(&str, &str)]) -> Problem {
    new_api(variables).err().unwrap()
}

fn with_key(secret: &'static str) -> [(&'static str, &'static str); 5] {
    [
        ("JOBLENS_HUAWEI_ENDPOINT", "http://127.0.0.1:7411"),
        ("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT),
        ("HUAWEICLOUD_SDK_AK", "testid"),
        ("HUAWEICLOUD_SDK_SK", secret),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "testtoken"),
    ]
}

fn reference(id: &str) -> Reference {
    test_support::reference(CLOUD.kinds[0], &[id])
}

fn request(client: &Api, id: &str) -> Request {
    let path = path(&reference(id));
    let request = ProjectRequest::get(&products::WORKSPACE, GET.name, &path);
    client.request(&request, &client.endpoint, PROJECT)
}

fn incoming(client: &Api, id: &str) -> ServerRequest {
    let request = request(client, id);
    let now = test_support::moment(NOW);
    let proof = client.client.credentials.sign_for_test(&request, now, "0");
    peer::incoming(&request, &proof, now)
}

fn served(incoming: &ServerRequest) -> Response {
    let step = StateChange {
        state: "FAILED".to_owned(),
        reason: Some("WKS.00170208".to_owned()),
        message: Some("quota".to_owned()),
        ..StateChange::default()
    };
    let job = EmulatedJob {
        kind: "huawei/image-job".to_owned(),
        segments: vec!["70/2 é".to_owned()],
        steps: vec![step],
        parts: 3,
        ..EmulatedJob::default()
    };
    let state = EmulatedState::new(vec![job], test_support::moment(NOW));
    peer::received(emulated(&CLOUD).respond(incoming, &state))
}

#[test]
fn the_region_decides_the_host_and_an_endpoint_takes_precedence_over_it() {
    let host = |region: &str, endpoint: &str| {
        new_api(&[
            ("JOBLENS_HUAWEI_REGION", region),
            ("JOBLENS_HUAWEI_ENDPOINT", endpoint),
            ("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT),
            ("JOBLENS_HUAWEI_TOKEN", "a-token"),
        ])
        .map(|client| client.endpoint.origin())
    };
    let found = host("cn-north-4", "").unwrap();
    assert_eq!(found, "https://appstream.cn-north-4.myhuaweicloud.com");
    let found = host("ap-southeast-3", "").unwrap();
    assert_eq!(found, "https://workspace.ap-southeast-3.myhuaweicloud.com");
    let found = host("cn-nowhere-1", "https://example.com").unwrap();
    assert_eq!(found, "https://example.com");
    let problem = host("cn-nowhere-1", "").unwrap_err();
    assert_eq!(problem.category, Category::Usage);
    assert!(problem.hint.unwrap().starts_with("set endpoint"));
}

#[test]
fn a_missing_credential_region_or_project_is_an_error_with_a_hint() {
    let none = problem(&[]);
    assert_eq!(none.category, Category::MissingCredentials);
    assert!(
        none.hint
            .unwrap()
            .contains("HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK")
    );
    let half = problem(&[("HUAWEICLOUD_SDK_AK", "ak")]);
    assert!(half.hint.unwrap().contains("HUAWEICLOUD_SDK_SK"));
    let key = [("JOBLENS_HUAWEI_TOKEN", "a-token")];
    assert!(problem(&key).message.contains("region"));
    let without_project = problem(&[key[0], ("JOBLENS_HUAWEI_REGION", "cn-north-4")]);
    assert!(without_project.hint.unwrap().contains("My Credentials"));
    let odd = problem(&[
        key[0],
        ("JOBLENS_HUAWEI_REGION", "cn-north-4"),
        ("HUAWEICLOUD_SDK_PROJECT_ID", "../x"),
    ]);
    assert_eq!(odd.category, Category::Usage);
}

#[test]
fn a_token_and_a_key_together_are_a_usage_error() {
    let both = problem(&[
        ("JOBLENS_HUAWEI_TOKEN", "a-token"),
        ("HUAWEICLOUD_SDK_AK", "ak"),
        ("HUAWEICLOUD_SDK_SK", "sk"),
    ]);
    assert_eq!(both.category, Category::Usage);
}

#[test]
fn any_job_id_is_one_segment_of_the_path() {
    let client = new_api(&with_key("testsecret")).unwrap();
    let path = request(&client, "a/b?c#d").path;
    assert_eq!(
        path,
        format!("/v1/{PROJECT}/image-server-jobs/a%2Fb%3Fc%23d")
    );
}

#[test]
fn the_emulator_accepts_a_valid_signature() {
    let client = new_api(&with_key("testsecret")).unwrap();
    let incoming = incoming(&client, "70/2 é");
    assert_eq!(
        emulated(&CLOUD).operation(&incoming).as_deref(),
        Some(GET.name)
    );
    let response = served(&incoming);
    assert_eq!(classify(&ERRORS, &response), None);
    let reference = reference("70/2 é");
    let job = decode(&response.body, lookup(&reference, &get_options()), None);
    let job = job.unwrap().job;
    assert_eq!(job.tasks.len(), 3);
    assert_eq!(job.reason.as_deref(), Some("WKS.00170208"));
}

#[test]
fn the_emulator_rejects_bad_signatures_wrong_times_and_unknown_jobs() {
    let category =
        |incoming: &ServerRequest| classify(&ERRORS, &served(incoming)).unwrap().category;
    let client = new_api(&with_key("testsecret")).unwrap();
    assert_eq!(category(&incoming(&client, "other")), Category::NotFound);
    let wrong = new_api(&with_key("othersecret")).unwrap();
    assert_eq!(
        category(&incoming(&wrong, "70/2 é")),
        Category::Unauthenticated
    );
    let mut late = incoming(&client, "70/2 é");
    late.now += chrono::Duration::minutes(16);
    assert_eq!(category(&late), Category::ClockSkew);
    let mut changed = incoming(&client, "70/2 é");
    changed.path = changed.path.replace("70", "71");
    assert_eq!(category(&changed), Category::Unauthenticated);
    let mut unsigned = incoming(&client, "70/2 é");
    unsigned.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(category(&unsigned), Category::Unauthenticated);
}

#[test]
fn the_emulator_accepts_only_its_own_token() {
    let of = |token: &str| {
        let client = new_api(&[
            ("JOBLENS_HUAWEI_ENDPOINT", "http://127.0.0.1:7411"),
            ("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT),
            ("JOBLENS_HUAWEI_TOKEN", token),
        ]);
        served(&incoming(&client.unwrap(), "70/2 é")).status
    };
    assert_eq!(of("joblens-test-auth-token"), 200);
    assert_eq!(of("some-other-token"), 401);
}
