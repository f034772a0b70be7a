use std::sync::Arc;

use super::super::instance_role::ROLES_PATH;
use super::super::service::EVENTS;
use super::super::*;
use crate::credentials::instance_role::{CREDENTIALS, ROLE};
use crate::error::Category;
use crate::providers::Client as _;
use crate::providers::test_support;
use crate::test_support::{EmulatedJob, EmulatedState, ServerResponse, TestServer, start_time};

const KEYS: &str = "/latest/meta-data/cam/security-credentials/joblens-emulator";
const HOUR: i64 = 3600;

/// Starts a server that returns the given responses for these paths, and otherwise responds as the emulator.
async fn server_with(responses: &[(&'static str, u16, &'static str)]) -> TestServer {
    let job = EmulatedJob {
        kind: "tencent/service".to_owned(),
        segments: ["cls-1", "default", "web"].map(str::to_owned).to_vec(),
        ..EmulatedJob::default()
    };
    let responses = responses.to_vec();
    let script = Arc::new(move |incoming: &crate::test_support::ServerRequest| {
        let found = responses.iter().find(|(path, ..)| *path == incoming.path);
        found.map(|(_, status, body)| ServerResponse::document(*status, body))
    });
    TestServer::start(&CLOUD, EmulatedState::new(vec![job], start_time()), script).await
}

fn new_client(
    cloud: &TestServer,
    source: &str,
    address: &str,
) -> Result<CloudClient<Api>, Problem> {
    let variables = [
        ("JOBLENS_TENCENT_SOURCE", source),
        ("JOBLENS_TENCENT_ENDPOINT", &cloud.origin),
        ("JOBLENS_TENCENT_METADATA_ENDPOINT", address),
        ("TENCENTCLOUD_REGION", "ap-guangzhou"),
    ];
    let profile = test_support::profile(&CLOUD, &variables);
    super::new_client(&profile, &cloud.transport())
}

fn machine(cloud: &TestServer) -> CloudClient<Api> {
    new_client(cloud, "metadata", &cloud.origin).unwrap()
}

async fn get(client: &CloudClient<Api>) -> Result<(), Problem> {
    let reference = test_support::reference(CLOUD.kinds[0], &["cls-1", "default", "web"]);
    let found = client.get(&reference, &test_support::get_options()).await;
    found.map(|_| ())
}

#[tokio::test]
async fn instance_role_keys_are_fetched_and_renewed_before_they_expire() {
    let cloud = server_with(&[]).await;
    let client = machine(&cloud);
    let fetched = [ROLE, CREDENTIALS, EVENTS.name];
    for (second, requested) in [
        (0, &fetched[..]),
        (6 * HOUR - 61, &[EVENTS.name]),
        (6 * HOUR - 60, &fetched),
        (20 * HOUR, &fetched),
    ] {
        cloud.set(second);
        get(&client).await.unwrap();
        assert_eq!(cloud.requested(), requested, "{second}");
    }
    let named = new_client(&cloud, "metadata:joblens-emulator", &cloud.origin).unwrap();
    get(&named).await.unwrap();
    assert_eq!(cloud.requested(), [CREDENTIALS, EVENTS.name]);
}

#[tokio::test]
async fn an_unusable_metadata_response_is_an_error_with_a_hint() {
    for (path, status, body, category, expected) in [
        (
            ROLES_PATH,
            404,
            "no",
            Category::MissingCredentials,
            "bind a CAM role",
        ),
        (
            ROLES_PATH,
            200,
            "../x",
            Category::InvalidResponse,
            "the name of a role",
        ),
        (
            ROLES_PATH,
            503,
            "",
            Category::ServiceError,
            "returned HTTP 503",
        ),
        (KEYS, 200, "{}", Category::InvalidResponse, "expected Code"),
        (
            KEYS,
            200,
            r#"{"Code":"Denied"}"#,
            Category::MissingCredentials,
            "returned no credential",
        ),
        (
            KEYS,
            200,
            r#"{"Code":"Success"}"#,
            Category::InvalidResponse,
            "TmpSecretId",
        ),
        (
            KEYS,
            200,
            r#"{"Code":"Success","TmpSecretId":"a","TmpSecretKey":"hunter2-s","Token":"hunter2-t"}"#,
            Category::InvalidResponse,
            "a time in ExpiredTime",
        ),
        (
            KEYS,
            200,
            r#"{"Code":"Success","TmpSecretId":"a","TmpSecretKey":"hunter2-s","Token":"hunter2-t","ExpiredTime":1700000000}"#,
            Category::MissingCredentials,
            "expired at 2023-11-14T22:13:20Z",
        ),
    ] {
        let cloud = server_with(&[(path, status, body)]).await;
        let problem = get(&machine(&cloud)).await.unwrap_err();
        let text = format!("{}; {}", problem.message, problem.hint.unwrap());
        assert_eq!(problem.category, category, "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(
            !cloud.requested().contains(&EVENTS.name.to_owned()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_metadata_address_that_is_not_documented_or_local_is_a_usage_error() {
    let cloud = server_with(&[]).await;
    for address in [
        "http://100.100.100.200",
        "http://metadata.tencentyun.com.example",
    ] {
        let problem = new_client(&cloud, "metadata", address).err().unwrap();
        assert_eq!(problem.category, Category::Usage, "{address}");
    }
    assert!(new_client(&cloud, "metadata", "http://metadata.tencentyun.com").is_ok());
}
