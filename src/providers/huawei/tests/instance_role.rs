use std::sync::Arc;

use super::super::image_job::GET as GET_JOB;
use super::super::instance_role::{KEY_PATH, TOKEN_HEADER, TOKEN_PATH};
use super::super::*;
use crate::credentials::instance_role::{CREDENTIALS, TOKEN};
use crate::error::Category;
use crate::providers::Client as _;
use crate::providers::test_support;
use crate::test_support::{
    EmulatedJob, EmulatedState, ServerRequest, ServerResponse, StateChange, TestServer, start_time,
};

const DAY: i64 = 24 * 3600;
const GET: &str = GET_JOB.name;

async fn cloud(
    script: impl Fn(&ServerRequest) -> Option<ServerResponse> + Send + Sync + 'static,
) -> TestServer {
    let job = EmulatedJob {
        kind: "huawei/image-job".to_owned(),
        segments: vec!["7".to_owned()],
        steps: vec![StateChange {
            state: "RUNNING".to_owned(),
            ..StateChange::default()
        }],
        ..EmulatedJob::default()
    };
    TestServer::start(
        &CLOUD,
        EmulatedState::new(vec![job], start_time()),
        Arc::new(script),
    )
    .await
}

/// Starts a server that returns the given responses for these paths, and otherwise responds as the emulator.
async fn server_with(responses: &[(&'static str, u16, &'static str)]) -> TestServer {
    let responses = responses.to_vec();
    cloud(move |incoming| {
        let found = responses.iter().find(|(path, ..)| *path == incoming.path);
        found.map(|(_, status, body)| ServerResponse::document(*status, body))
    })
    .await
}

fn new_client(cloud: &TestServer, more: &[(&str, &str)]) -> Result<CloudClient<Api>, Problem> {
    let mut all = vec![
        ("JOBLENS_HUAWEI_SOURCE", "metadata"),
        ("JOBLENS_HUAWEI_REGION", "cn-north-4"),
        ("JOBLENS_HUAWEI_ENDPOINT", &cloud.origin),
        ("JOBLENS_HUAWEI_IAM_ENDPOINT", &cloud.origin),
        ("JOBLENS_HUAWEI_METADATA_ENDPOINT", &cloud.origin),
        ("HUAWEICLOUD_SDK_PROJECT_ID", super::PROJECT),
    ];
    for (name, value) in more {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    super::new_client(&test_support::profile(&CLOUD, &all), &cloud.transport())
}

async fn get(client: &CloudClient<Api>) -> Result<Option<String>, Problem> {
    let reference = test_support::reference(CLOUD.kinds[0], &["7"]);
    let found = client.get(&reference, &test_support::get_options()).await?;
    Ok(found.job.state_raw)
}

#[tokio::test]
async fn agency_keys_of_an_instance_are_fetched_and_renewed_before_they_expire() {
    let cloud = cloud(|_| None).await;
    let client = new_client(&cloud, &[]).unwrap();
    let fetched = [TOKEN, CREDENTIALS, GET];
    for (second, requested) in [
        (0, &fetched[..]),
        (DAY - 61, &[GET]),
        (DAY - 60, &fetched),
        (3 * DAY, &fetched),
    ] {
        cloud.set(second);
        assert_eq!(get(&client).await.unwrap().as_deref(), Some("RUNNING"));
        assert_eq!(cloud.requested(), requested, "{second}");
    }
    // The project is looked up as for any other key.
    let client = new_client(&cloud, &[("HUAWEICLOUD_SDK_PROJECT_ID", "")]).unwrap();
    get(&client).await.unwrap();
    assert_eq!(cloud.requested(), [TOKEN, CREDENTIALS, PROJECTS, GET]);
}

#[tokio::test]
async fn a_metadata_service_without_tokens_is_called_without_one() {
    for status in [404, 405, 503] {
        let cloud = server_with(&[(TOKEN_PATH, status, "")]).await;
        get(&new_client(&cloud, &[]).unwrap()).await.unwrap();
        assert_eq!(cloud.requested(), [TOKEN, CREDENTIALS, GET], "{status}");
    }
}

#[tokio::test]
async fn a_metadata_token_is_requested_again_if_the_service_requires_one() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let tokens = AtomicUsize::new(0);
    let cloud = cloud(move |incoming| match incoming.path.as_str() {
        TOKEN_PATH if tokens.fetch_add(1, Ordering::Relaxed) == 0 => {
            Some(ServerResponse::document(503, ""))
        }
        KEY_PATH if incoming.header(TOKEN_HEADER).is_none() => {
            Some(ServerResponse::document(401, "token needed"))
        }
        _ => None,
    })
    .await;
    get(&new_client(&cloud, &[]).unwrap()).await.unwrap();
    let requested = [TOKEN, CREDENTIALS, TOKEN, CREDENTIALS, GET];
    assert_eq!(cloud.requested(), requested);
}

#[tokio::test]
async fn metadata_keys_under_other_field_names_are_read() {
    for body in [
        r#"{"credential":{"accessKeyId":"a","secretAccessKey":"s","securityToken":"t","expiration":"2026-01-02T04:04:05.1Z"}}"#,
        r#"{"credentials":{"access_key_id":"a","secret_access_key":"s","security_token":"t","expires_at":"2026-01-02T04:04:05.194000Z"}}"#,
    ] {
        let cloud = server_with(&[(KEY_PATH, 200, body)]).await;
        let problem = get(&new_client(&cloud, &[]).unwrap()).await.unwrap_err();
        // The emulator does not know this key.
        assert_eq!(problem.category, Category::Unauthenticated);
        let requested = [TOKEN, CREDENTIALS, GET, TOKEN, CREDENTIALS];
        assert_eq!(cloud.requested(), requested);
    }
}

#[tokio::test]
async fn an_unusable_metadata_response_is_an_error_with_a_hint() {
    for (status, body, category, expected) in [
        (
            401,
            r#"{"message": "Please configure Cloud Service Agency first."}"#,
            Category::MissingCredentials,
            "no role is attached to this instance; set an agency",
        ),
        (401, "no", Category::MissingCredentials, "returned HTTP 401"),
        (404, "no", Category::MissingCredentials, "set an agency"),
        (500, "<html>", Category::ServiceError, "returned HTTP 500"),
        (200, "<html>", Category::InvalidResponse, "invalid response"),
        (200, "{}", Category::InvalidResponse, "access of printable"),
        (
            200,
            r#"{"credential":{"access":"a","secret":"hunter2-s","securitytoken":"hunter2-t"}}"#,
            Category::InvalidResponse,
            "a time in expires_at",
        ),
        (
            200,
            r#"{"credential":{"access":"a","secret":"hunter2-s","securitytoken":"hunter2-t","expires_at":"2024-05-20T11:03:24.194000Z"}}"#,
            Category::MissingCredentials,
            "expired at 2024-05-20T11:03:24Z",
        ),
    ] {
        let cloud = server_with(&[(KEY_PATH, status, body)]).await;
        let problem = get(&new_client(&cloud, &[]).unwrap()).await.unwrap_err();
        let text = format!("{}; {}", problem.message, problem.hint.unwrap());
        assert_eq!(problem.category, category, "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(!cloud.requested().contains(&GET.to_owned()), "{text}");
    }
}

#[tokio::test]
async fn an_undocumented_metadata_address_or_a_role_name_is_a_usage_error() {
    let cloud = cloud(|_| None).await;
    for variable in [
        ("JOBLENS_HUAWEI_METADATA_ENDPOINT", "http://100.100.100.200"),
        ("JOBLENS_HUAWEI_SOURCE", "metadata:role"),
    ] {
        let problem = new_client(&cloud, &[variable]).err().unwrap();
        assert_eq!(problem.category, Category::Usage, "{variable:?}");
    }
    let documented = ("JOBLENS_HUAWEI_METADATA_ENDPOINT", "http://169.254.169.254");
    assert!(new_client(&cloud, &[documented]).is_ok());
}
