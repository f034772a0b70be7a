use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::super::*;
use crate::error::Category;
use crate::model::Time;
use crate::providers::Client as _;
use crate::providers::test_support;
use crate::test_support::{
    EmulatedJob, EmulatedState, Responder, ServerResponse, StateChange, TestServer, start_time,
};

mod kept;

use kept::kept_client;

const DAY: i64 = 24 * 3600;
const GET: &str = instance::GET.name;

async fn cloud(
    script: impl Fn(&str, &str) -> Option<ServerResponse> + Send + Sync + 'static,
) -> TestServer {
    let job = EmulatedJob {
        kind: "sugon/instance".to_owned(),
        segments: vec!["i-1".to_owned()],
        steps: vec![StateChange {
            state: "Running".to_owned(),
            ..StateChange::default()
        }],
        ..EmulatedJob::default()
    };
    let script: Responder = Arc::new(move |incoming| {
        let host = incoming.header("host").unwrap_or_default();
        script(&incoming.path, host)
    });
    TestServer::start(&CLOUD, EmulatedState::new(vec![job], start_time()), script).await
}

fn client(cloud: &TestServer, more: &[(&str, &str)]) -> Result<CloudClient<Api>, Problem> {
    let mut variables = vec![
        ("JOBLENS_SUGON_USER", "张三"),
        ("JOBLENS_SUGON_ACCESS_KEY", "testid"),
        ("JOBLENS_SUGON_SECRET_KEY", "testsecret"),
        ("JOBLENS_SUGON_AUTH_ENDPOINT", &cloud.origin),
        ("JOBLENS_SUGON_PLATFORM_ENDPOINT", &cloud.origin),
    ];
    for (name, value) in more {
        variables.retain(|(known, _)| known != name);
        variables.push((name, value));
    }
    new_client(
        &test_support::profile(&CLOUD, &variables),
        &cloud.transport(),
    )
}

async fn get(client: &CloudClient<Api>) -> Result<Option<String>, Problem> {
    let reference = test_support::reference(CLOUD.kinds[0], &["i-1"]);
    let found = client.get(&reference, &test_support::get_options()).await?;
    Ok(found.job.state_raw)
}

fn rejected() -> ServerResponse {
    ServerResponse::json(
        200,
        &json!({"code": "10008", "msg": "权限不足", "data": null}),
    )
}

/// Rejects the first `times` requests.
fn rejecting(times: usize) -> impl Fn(&str, &str) -> Option<ServerResponse> {
    let left = AtomicUsize::new(times);
    let less = move || {
        let less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        less.is_ok()
    };
    move |path, _| (path.contains("/instance-service/") && less()).then(rejected)
}

#[tokio::test]
async fn a_key_pair_gets_a_token_and_finds_its_host_once() {
    let cloud = cloud(|_, _| None).await;
    let client = client(&cloud, &[]).unwrap();
    for _ in 0..2 {
        assert_eq!(get(&client).await.unwrap().as_deref(), Some("Running"));
    }
    assert_eq!(cloud.requested(), [TOKENS, CENTRE, GET, GET]);
}

#[tokio::test]
async fn an_invalid_token_response_is_an_error_without_its_text() {
    for body in [
        "token=hunter2-token",
        "<token>hunter2-token</token>",
        r#"{"code":"0","data":[{"clusterId":"1","token":"hunter2-t\u00f6ken"}]}"#,
        r#"{"code":"0","data":{"hunter2-token":1}}"#,
    ] {
        let cloud = cloud(|path, _| {
            path.ends_with("/tokens")
                .then(|| ServerResponse::document(200, body))
        })
        .await;
        let problem = get(&client(&cloud, &[]).unwrap()).await.unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse, "{body}");
        assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        assert_eq!(problem.hint.as_deref(), Some("check auth_endpoint"));
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    let cloud = cloud(|_, _| None).await;
    let client = client(&cloud, &[("JOBLENS_SUGON_ENDPOINT", &cloud.origin)]).unwrap();
    for (second, requested) in [
        (0, &[TOKENS, GET][..]),
        (DAY - 61, &[GET]),
        (DAY - 60, &[TOKENS, GET]),
        (DAY, &[GET]),
        (3 * DAY, &[TOKENS, GET]),
    ] {
        cloud.set(second);
        get(&client).await.unwrap();
        assert_eq!(cloud.requested(), requested, "{second}");
    }
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once() {
    let cloud = cloud(rejecting(1)).await;
    let client = client(&cloud, &[("JOBLENS_SUGON_ENDPOINT", &cloud.origin)]).unwrap();
    get(&client).await.unwrap();
    assert_eq!(cloud.requested(), [TOKENS, GET, TOKENS, GET]);
}

#[tokio::test]
async fn after_two_rejected_tokens_no_further_request_is_sent() {
    let cloud = cloud(rejecting(9)).await;
    let client = client(&cloud, &[("JOBLENS_SUGON_ENDPOINT", &cloud.origin)]).unwrap();
    for _ in 0..3 {
        let problem = get(&client).await.unwrap_err();
        assert_eq!(problem.category, Category::Unauthenticated);
        assert_eq!(problem.code.as_deref(), Some("10008"));
        assert!(problem.hint.unwrap().contains("cluster_id"));
    }
    assert_eq!(cloud.requested(), [TOKENS, GET, TOKENS, GET]);
}

#[tokio::test]
async fn the_access_key_is_masked_in_messages_of_the_cloud() {
    const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    for path_of_error in ["/tokens", "/instance-service/"] {
        let cloud = cloud(move |path, _| {
            let body = json!({"code": "10009", "msg": format!("{KEY} 验证失败"), "data": null});
            path.contains(path_of_error)
                .then(|| ServerResponse::json(200, &body))
        })
        .await;
        let variables = [
            ("JOBLENS_SUGON_ACCESS_KEY", KEY),
            ("JOBLENS_SUGON_ENDPOINT", &cloud.origin),
        ];
        let problem = get(&client(&cloud, &variables).unwrap()).await.unwrap_err();
        assert!(problem.message.contains("验证失败"), "{problem:?}");
        assert!(!format!("{problem:?}").contains(KEY), "{problem:?}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_sent_once_and_the_error_names_the_exchange() {
    let cloud = cloud(|_, _| None).await;
    let wrong = [("JOBLENS_SUGON_SECRET_KEY", "some-other-secret")];
    let client = client(&cloud, &wrong).unwrap();
    for _ in 0..2 {
        let problem = get(&client).await.unwrap_err();
        assert_eq!(problem.category, Category::Unauthenticated);
        assert_eq!(problem.code.as_deref(), Some("10009"));
        assert!(problem.message.ends_with("验证失败"), "{}", problem.message);
        assert_eq!(problem.operation.as_deref(), Some(TOKENS));
        assert_eq!(problem.profile.as_deref(), Some("default"));
        assert_eq!(
            problem.host.as_deref(),
            cloud.origin.strip_prefix("http://")
        );
        assert_eq!(problem.credential.as_deref(), Some("key te… (environment)"));
        assert!(problem.hint.unwrap().contains("access_key"));
    }
    assert_eq!(cloud.requested(), [TOKENS]);
}

#[tokio::test]
async fn the_clock_is_not_corrected_after_an_unspecific_login_error() {
    let cloud = cloud(|_, _| None).await;
    let variables = [
        ("JOBLENS_SUGON_USER", "bob"),
        ("JOBLENS_SUGON_ACCESS_KEY", "testid"),
        ("JOBLENS_SUGON_SECRET_KEY", "testsecret"),
        ("JOBLENS_SUGON_AUTH_ENDPOINT", cloud.origin.as_str()),
        ("JOBLENS_SUGON_ENDPOINT", &cloud.origin),
    ];
    let late = test_support::transport(start_time() - TimeDelta::hours(2));
    let client = new_client(&test_support::profile(&CLOUD, &variables), &late).unwrap();
    let problem = get(&client).await.unwrap_err();
    assert_eq!(problem.category, Category::Unauthenticated);
    assert!(problem.hint.unwrap().contains("the local clock"));
    assert_eq!(cloud.requested(), [TOKENS]);
}

/// Returns a centre with two hosts: one without a listener, then the emulator itself.
fn two_hosts(dead: String) -> impl Fn(&str, &str) -> Option<ServerResponse> {
    move |path, host| {
        let urls = json!([
            {"url": format!("http://{dead}/ai"), "enable": "true"},
            {"url": format!("http://{host}/ai/"), "enable": "true"},
        ]);
        let data = json!([{"id": "11112", "aiUrls": urls}]);
        let body = json!({"code": "0", "msg": "success", "data": data});
        path.ends_with("/center")
            .then(|| ServerResponse::json(200, &body))
    }
}

/// Returns an address without a listener.
fn dead() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn the_next_host_is_used_from_then_on_if_one_is_unreachable() {
    let dead = dead();
    let listed = format!("http://{dead}");
    let cloud = cloud(two_hosts(dead)).await;
    let client = client(&cloud, &[("JOBLENS_SUGON_AI_HOSTS", &listed)]).unwrap();
    get(&client).await.unwrap();
    assert_eq!(cloud.requested(), [TOKENS, CENTRE, GET]);
    let before = client.api.home.transport.requests_sent();
    get(&client).await.unwrap();
    assert_eq!(client.api.home.transport.requests_sent(), before + 1);
}

#[tokio::test]
async fn a_host_that_responds_not_found_is_not_replaced_by_another() {
    let other = cloud(|_, _| None).await;
    let authority = other.origin.strip_prefix("http://").unwrap().to_owned();
    let two = two_hosts(authority);
    let cloud = cloud(move |path, host| two(path, host)).await;
    let client = client(&cloud, &[("JOBLENS_SUGON_AI_HOSTS", &other.origin)]).unwrap();
    let reference = test_support::reference(CLOUD.kinds[0], &["other"]);
    let problem = client
        .get(&reference, &test_support::get_options())
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
    assert_eq!(other.requested(), [GET]);
    assert_eq!(cloud.requested(), [TOKENS, CENTRE]);
}

#[tokio::test]
async fn no_token_is_sent_to_a_host_that_the_host_policy_rejects() {
    let other = cloud(|_, _| None).await;
    let authority = other.origin.strip_prefix("http://").unwrap().to_owned();
    let cloud = cloud(move |path, _| {
        let urls = json!([{"url": format!("http://{authority}/ai"), "enable": "true"}]);
        let body = json!({"code": "0", "data": {"aiUrls": urls}});
        path.ends_with("/center")
            .then(|| ServerResponse::json(200, &body))
    })
    .await;
    let problem = get(&client(&cloud, &[]).unwrap()).await.unwrap_err();
    assert_eq!(problem.category, Category::InvalidResponse);
    assert_eq!(problem.operation.as_deref(), Some(CENTRE));
    let reason = format!("{} is plain HTTP", other.origin);
    assert!(problem.message.ends_with(&reason), "{problem}");
    assert!(problem.hint.unwrap().contains("ai_hosts"));
    assert!(other.requested().is_empty());
}

#[tokio::test]
async fn cached_hosts_that_the_host_policy_rejects_are_not_used() {
    let other = cloud(|_, _| None).await;
    let cloud = cloud(|_, _| None).await;
    let home = tempfile::tempdir().unwrap();
    let client = kept_client(&cloud, &home);
    let kept_hosts = client.api.home.services[0].stored.as_ref().unwrap();
    kept_client(&cloud, &home)
        .api
        .home
        .client
        .credentials
        .get(
            &kept_client(&cloud, &home).api.home.client.http,
            test_support::get_options().deadline,
        )
        .await
        .unwrap();
    let parts = BTreeMap::from([("hosts".to_owned(), other.origin.clone())]);
    kept_hosts.put(parts).await;
    get(&kept_client(&cloud, &home)).await.unwrap();
    assert_eq!(cloud.requested(), [TOKENS, CENTRE, GET]);
    assert!(other.requested().is_empty());
}

#[tokio::test]
async fn a_response_without_an_enabled_host_is_an_error() {
    let cloud = cloud(|path, _| {
        let body =
            json!({"code": "0", "data": {"aiUrls": [{"url": "https://x.cn", "enable": "false"}]}});
        path.ends_with("/center")
            .then(|| ServerResponse::json(200, &body))
    })
    .await;
    let client = client(&cloud, &[]).unwrap();
    let problem = get(&client).await.unwrap_err();
    let expected = "the platform returned no enabled AI host";
    assert_eq!(problem.message, expected);
    assert_eq!(problem.operation.as_deref(), Some(CENTRE));
    assert!(problem.hint.unwrap().contains("endpoint"));
    let again = get(&client).await.unwrap_err();
    assert!(again.message.ends_with(expected), "{again}");
    assert_eq!(cloud.requested(), [TOKENS, CENTRE]);
}

#[tokio::test]
async fn an_incomplete_key_pair_or_a_second_credential_is_an_error() {
    let cloud = cloud(|_, _| None).await;
    let problem = |more: &[(&str, &str)]| client(&cloud, more).err().unwrap();
    let half = problem(&[("JOBLENS_SUGON_SECRET_KEY", "")]);
    assert_eq!(half.category, Category::MissingCredentials);
    assert_eq!(
        half.hint.unwrap(),
        "set JOBLENS_SUGON_SECRET_KEY as well, or unset JOBLENS_SUGON_USER and JOBLENS_SUGON_ACCESS_KEY"
    );
    let both = problem(&[("JOBLENS_SUGON_TOKEN", "a-token")]);
    assert_eq!(both.category, Category::Usage);
    assert!(
        both.message
            .contains("and an access key are mutually exclusive")
    );
}

#[tokio::test]
async fn a_token_without_an_endpoint_requires_a_configured_platform() {
    let cloud = cloud(|_, _| None).await;
    let of = |variables: &[(&str, &str)]| {
        new_client(
            &test_support::profile(&CLOUD, variables),
            &cloud.transport(),
        )
    };
    let token = ("JOBLENS_SUGON_TOKEN", super::test_token());
    let problem = of(&[token]).err().unwrap();
    assert_eq!(problem.category, Category::MissingCredentials);
    let platform = ("JOBLENS_SUGON_PLATFORM_ENDPOINT", cloud.origin.as_str());
    get(&of(&[token, platform]).unwrap()).await.unwrap();
    assert_eq!(cloud.requested(), [CENTRE, GET]);
}

#[tokio::test]
async fn an_expired_token_file_is_read_again_until_it_has_a_new_token() {
    use crate::crypto::base64url;
    use crate::settings::{Environment, Settings};
    let cloud = cloud(|_, _| None).await;
    let home = tempfile::tempdir().unwrap();
    let (config, file) = (home.path().join("c.toml"), home.path().join("t.txt"));
    let origin = &cloud.origin;
    let toml = format!("[sugon.default]\nendpoint = '{origin}'\ntoken_file = 't.txt'\n");
    std::fs::write(&config, toml).unwrap();
    let end = start_time() + TimeDelta::seconds(100);
    let claims = json!({"expireTime": end.timestamp_millis()}).to_string();
    let token = format!("e30.{}.c2ln", base64url(claims.as_bytes()));
    test_support::write_secret(&file, &token);
    let settings = Settings::load(Some(config), Environment::default(), &[CLOUD.schema], &[]);
    let profile = test_support::default_profile(&CLOUD, &settings.unwrap());
    let client = new_client(&profile, &cloud.transport()).unwrap();
    assert_eq!(client.api().credential().expires_at, Time::new(end));
    cloud.set(200);
    for _ in 0..2 {
        let problem = get(&client).await.unwrap_err();
        assert!(
            problem.message.starts_with("the token expired"),
            "{problem}"
        );
    }
    std::fs::write(&file, super::test_token()).unwrap();
    get(&client).await.unwrap();
    assert_eq!(cloud.requested(), [GET]);
}
