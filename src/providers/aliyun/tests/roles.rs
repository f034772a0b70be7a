//! Tests of roles that a key assumes, and of the machine's role.

mod instance_role;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::super::assume_role::ASSUME_ROLE;
use super::super::instance_role::{ROLES_PATH, TOKEN_HEADER, TOKEN_PATH};
use super::super::{Api, CLOUD, Jobs};
use crate::credentials::instance_role::{CREDENTIALS, ROLE, TOKEN};
use crate::error::{Category, Problem};
use crate::providers::KindOps as _;
use crate::providers::test_support;
use crate::settings::{Environment, Settings};
use crate::test_support::{
    EmulatedJob, EmulatedState, Responder, ServerRequest, ServerResponse, StateChange, TestServer,
    rejected, start_time,
};

const GET: &str = "DescribeServerlessJobs";
const HOUR: i64 = 3600;

async fn cloud(
    script: impl Fn(&ServerRequest) -> Option<ServerResponse> + Send + Sync + 'static,
) -> TestServer {
    let job = EmulatedJob {
        kind: "aliyun/job".to_owned(),
        segments: vec!["ehpc-hz-FYUr32".to_owned(), "5_1".to_owned()],
        steps: vec![StateChange {
            state: "Running".to_owned(),
            ..StateChange::default()
        }],
        ..EmulatedJob::default()
    };
    let script: Responder = Arc::new(script);
    TestServer::start(&CLOUD, EmulatedState::new(vec![job], start_time()), script).await
}

fn new_api(cloud: &TestServer, more: &[(&str, &str)]) -> Result<Api, Problem> {
    let mut variables = vec![
        ("JOBLENS_ALIYUN_ENDPOINT", cloud.origin.as_str()),
        ("JOBLENS_ALIYUN_STS_ENDPOINT", &cloud.origin),
        ("JOBLENS_ALIYUN_METADATA_ENDPOINT", &cloud.origin),
    ];
    for (name, value) in more {
        variables.retain(|(known, _)| known != name);
        variables.push((name, value));
    }
    Api::new(
        &test_support::profile(&CLOUD, &variables),
        &cloud.transport(),
    )
}

const KEY: [(&str, &str); 3] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret"),
    ("JOBLENS_ALIYUN_ROLE_ARN", "acs:ram::1:role/reader"),
];
const MACHINE: (&str, &str) = ("JOBLENS_ALIYUN_SOURCE", "metadata");

async fn get(ehpc: &Api) -> Result<Option<String>, Problem> {
    let reference = super::reference(0, "5_1");
    let found = Jobs
        .get(
            ehpc,
            test_support::lookup(&reference, &test_support::get_options()),
        )
        .await?;
    Ok(found.job.state_raw)
}

/// Returns a responder that rejects this many requests.
fn rejecting(times: usize) -> impl Fn(&ServerRequest) -> Option<ServerResponse> {
    let left = AtomicUsize::new(times);
    let less = move || {
        let less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        less.is_ok()
    };
    move |incoming| {
        let is_look = incoming.header("x-acs-action") == Some(GET);
        (is_look && less()).then(|| rejected(&CLOUD))
    }
}

#[tokio::test]
async fn a_role_is_assumed_once_and_again_before_its_keys_expire() {
    let cloud = cloud(|_| None).await;
    let ehpc = new_api(&cloud, &KEY).unwrap();
    for (second, requested) in [
        (0, &[ASSUME_ROLE, GET][..]),
        (HOUR - 61, &[GET]),
        (HOUR - 60, &[ASSUME_ROLE, GET]),
        (HOUR, &[GET]),
        (3 * HOUR, &[ASSUME_ROLE, GET]),
    ] {
        cloud.set(second);
        assert_eq!(get(&ehpc).await.unwrap().as_deref(), Some("Running"));
        assert_eq!(cloud.requested(), requested, "{second}");
    }
}

#[tokio::test]
async fn an_instance_role_can_assume_another_role() {
    let cloud = cloud(|_| None).await;
    let ehpc = new_api(&cloud, &[MACHINE, KEY[2]]).unwrap();
    get(&ehpc).await.unwrap();
    assert_eq!(
        cloud.requested(),
        [TOKEN, ROLE, CREDENTIALS, ASSUME_ROLE, GET]
    );
    // The keys of the assumed role expire first.
    cloud.set(HOUR);
    get(&ehpc).await.unwrap();
    assert_eq!(cloud.requested(), [ASSUME_ROLE, GET]);
}

#[tokio::test]
async fn temporary_keys_that_are_rejected_are_renewed_once() {
    let cloud = cloud(rejecting(1)).await;
    get(&new_api(&cloud, &KEY).unwrap()).await.unwrap();
    assert_eq!(cloud.requested(), [ASSUME_ROLE, GET, ASSUME_ROLE, GET]);
    let cloud = self::cloud(rejecting(9)).await;
    let ehpc = new_api(&cloud, &[MACHINE]).unwrap();
    for _ in 0..2 {
        let problem = get(&ehpc).await.unwrap_err();
        assert_eq!(problem.category, Category::Unauthenticated);
        let label = problem.credential.unwrap();
        assert_eq!(label, "instance role (metadata)");
    }
    let fetched = [TOKEN, ROLE, CREDENTIALS, GET];
    assert_eq!(cloud.requested(), [fetched, fetched].concat());
}

#[tokio::test]
async fn an_sts_error_names_the_role_the_key_and_the_next_step() {
    for (code, status, category, next) in [
        (
            "NoPermission",
            403,
            Category::PermissionDenied,
            "trust policy",
        ),
        (
            "NoPermission",
            403,
            Category::PermissionDenied,
            "sts:AssumeRole",
        ),
        (
            "EntityNotExist.Role",
            404,
            Category::MissingCredentials,
            "check role_arn",
        ),
        (
            "InvalidParameter.RoleArn",
            400,
            Category::MissingCredentials,
            "role_arn",
        ),
        (
            "SignatureDoesNotMatch",
            400,
            Category::Unauthenticated,
            "access_key_secret",
        ),
        (
            "InvalidAccessKeyId.NotFound",
            404,
            Category::Unauthenticated,
            "access_key_id",
        ),
    ] {
        let body = json!({"Code": code, "Message": "no way.", "RequestId": "R-1"});
        let cloud = cloud(move |_| Some(ServerResponse::json(status, &body))).await;
        let ehpc = new_api(&cloud, &KEY).unwrap();
        let problem = get(&ehpc).await.unwrap_err();
        assert_eq!(problem.category, category, "{code}");
        let expected = "cannot assume acs:ram::1:role/reader: no way";
        assert_eq!(problem.message, expected);
        assert_eq!(problem.code.as_deref(), Some(code));
        assert_eq!(problem.request_id.as_deref(), Some("R-1"));
        assert_eq!(problem.operation.as_deref(), Some(ASSUME_ROLE));
        assert_eq!(problem.credential.as_deref(), Some("key te… (environment)"));
        let hint = problem.hint.unwrap();
        assert!(hint.contains(next), "{hint}");
        let again = get(&ehpc).await.unwrap_err();
        assert_eq!(again.category, category, "{code}");
        assert!(again.message.contains("skipped: "), "{again}");
        assert_eq!(cloud.requested(), [ASSUME_ROLE], "{code}");
    }
}

#[tokio::test]
async fn a_wrong_local_clock_is_corrected_for_sts() {
    let cloud = cloud(|_| None).await;
    let variables = [
        ("JOBLENS_ALIYUN_ENDPOINT", cloud.origin.as_str()),
        ("JOBLENS_ALIYUN_STS_ENDPOINT", &cloud.origin),
    ];
    let late = test_support::transport(start_time() - chrono::TimeDelta::hours(2));
    let profile = test_support::profile(&CLOUD, &[&KEY[..], &variables[..]].concat());
    get(&Api::new(&profile, &late).unwrap()).await.unwrap();
    assert_eq!(cloud.requested(), [ASSUME_ROLE, ASSUME_ROLE, GET, GET]);
}

#[tokio::test]
async fn an_incomplete_sts_response_is_an_error_without_its_secrets() {
    let whole = json!({
        "AccessKeyId": "STS.x",
        "AccessKeySecret": "hunter2-secret",
        "SecurityToken": "hunter2-token",
        "Expiration": "2026-01-02T04:04:05Z",
    });
    for part in [
        "AccessKeyId",
        "AccessKeySecret",
        "SecurityToken",
        "Expiration",
    ] {
        for value in [json!(null), json!(""), json!("a b\u{1b}")] {
            let mut keys = whole.clone();
            keys[part] = value;
            let body = json!({"RequestId": "R-1", "Credentials": keys});
            let cloud = cloud(move |_| Some(ServerResponse::json(200, &body))).await;
            let problem = get(&new_api(&cloud, &KEY).unwrap()).await.unwrap_err();
            assert_eq!(problem.category, Category::InvalidResponse);
            assert!(problem.message.contains(part), "{}", problem.message);
            assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        }
    }
}

#[tokio::test]
async fn an_invalid_role_source_or_sts_endpoint_is_a_usage_error() {
    let cloud = cloud(|_| None).await;
    for (variable, expected) in [
        (("JOBLENS_ALIYUN_ROLE_ARN", "reader"), "role_arn of profile"),
        (
            ("JOBLENS_ALIYUN_ROLE_ARN", "acs:ram::1:role/a b"),
            "role_arn of profile",
        ),
        (
            ("JOBLENS_ALIYUN_SOURCE", "metadata:../x"),
            "source of profile",
        ),
        (
            ("JOBLENS_ALIYUN_STS_ENDPOINT", "http://example.com"),
            "sts_endpoint of profile",
        ),
    ] {
        let problem = new_api(&cloud, &[KEY[0], KEY[1], KEY[2], variable])
            .err()
            .unwrap();
        assert_eq!(problem.category, Category::Usage, "{variable:?}");
        assert!(problem.message.starts_with(expected), "{}", problem.message);
    }
    assert!(cloud.requested().is_empty());
}

#[tokio::test]
async fn role_variables_of_another_login_method_are_ignored() {
    let cloud = cloud(|_| None).await;
    let stray = [
        KEY[0],
        KEY[1],
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/other"),
        ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "other"),
        ("ALIBABA_CLOUD_ECS_METADATA", "other"),
        ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
    ];
    get(&new_api(&cloud, &stray).unwrap()).await.unwrap();
    assert_eq!(cloud.requested(), [GET]);
}

#[test]
fn the_sts_endpoint_comes_from_the_config_file_of_the_vendors_tool() {
    let text = String::from_utf8(test_support::read("aliyun/tools/config.json")).unwrap();
    let region = r#""sts_region": "cn-beijing""#;
    assert!(text.contains(region));
    for (more, expected) in [
        ("", "sts.cn-beijing.aliyuncs.com"),
        (r#", "enable_vpc": true"#, "sts-vpc.cn-beijing.aliyuncs.com"),
        (r#", "sts_endpoint": "sts.example.com""#, "sts.example.com"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.json");
        std::fs::write(&path, text.replace(region, &format!("{region}{more}"))).unwrap();
        let profile = test_support::profile(
            &CLOUD,
            &[
                ("ALIBABA_CLOUD_CONFIG_FILE", path.to_str().unwrap()),
                ("ALIBABA_CLOUD_PROFILE", "role"),
            ],
        );
        assert_eq!(profile.get("sts_endpoint"), Some(expected));
        let transport = test_support::transport(start_time());
        assert!(Api::new(&profile, &transport).is_ok(), "{expected}");
    }
}

#[tokio::test]
async fn an_error_names_the_reloaded_key_and_its_role() {
    let folder = tempfile::tempdir().unwrap();
    let write = {
        let folder = folder.path().to_path_buf();
        move |id: &str, secret: &str| {
            std::fs::write(folder.join("id"), id).unwrap();
            test_support::write_secret(&folder.join("secret"), secret);
        }
    };
    write("OLDIDOFMINE0001", "an-old-secret-of-mine");
    let no = |code| {
        Some(ServerResponse::json(
            403,
            &json!({"Code": code, "Message": "no"}),
        ))
    };
    let cloud = cloud(move |incoming| {
        if incoming.query.contains("OLDIDOFMINE0001") {
            write("testid", "testsecret");
            return no("InvalidAccessKeyId.NotFound");
        }
        let is_look = incoming.header("x-acs-action") == Some(GET);
        is_look.then(|| no("NoPermission")).flatten()
    })
    .await;
    let origin = &cloud.origin;
    let toml = format!(
        "[aliyun.default]\nendpoint = '{origin}'\nsts_endpoint = '{origin}'\nrole_arn = '{}'\n\
         access_key_id_file = 'id'\naccess_key_secret_file = 'secret'\n",
        KEY[2].1
    );
    let config = folder.path().join("config.toml");
    std::fs::write(&config, toml).unwrap();
    let settings = Settings::load(Some(config), Environment::default(), &[CLOUD.schema], &[]);
    let profile = test_support::default_profile(&CLOUD, &settings.unwrap());
    let ehpc = Api::new(&profile, &cloud.transport()).unwrap();
    let problem = get(&ehpc).await.unwrap_err();
    assert_eq!(problem.operation.as_deref(), Some(GET));
    let expected = "role acs:ram::1:role/reader by key te… (config file)";
    assert_eq!(problem.credential.as_deref(), Some(expected));
    assert_eq!(cloud.requested(), [ASSUME_ROLE, ASSUME_ROLE, GET]);
}
