//! Tests of the role of an instance.

use super::*;

#[tokio::test]
async fn instance_role_keys_are_fetched_in_three_steps_and_renewed() {
    let cloud = cloud(|_| None).await;
    let ehpc = new_api(&cloud, &[MACHINE]).unwrap();
    let fetched = [TOKEN, ROLE, CREDENTIALS, GET];
    for (second, requested) in [
        (0, &fetched[..]),
        (6 * HOUR - 61, &[GET]),
        (6 * HOUR - 60, &fetched),
        (20 * HOUR, &fetched),
    ] {
        cloud.set(second);
        get(&ehpc).await.unwrap();
        assert_eq!(cloud.requested(), requested, "{second}");
    }
    let named = ("JOBLENS_ALIYUN_SOURCE", "metadata:joblens-emulator");
    get(&new_api(&cloud, &[named]).unwrap()).await.unwrap();
    assert_eq!(cloud.requested(), [TOKEN, CREDENTIALS, GET]);
}

/// Starts a server with these responses for paths, and the usual ones for other paths.
async fn server_with(responses: &[(&'static str, u16, &'static str)]) -> TestServer {
    let responses = responses.to_vec();
    cloud(move |incoming| {
        let found = responses.iter().find(|(path, ..)| *path == incoming.path);
        found.map(|(_, status, body)| ServerResponse {
            headers: vec![("location".to_owned(), "http://127.0.0.1:1/".to_owned())],
            ..ServerResponse::document(*status, body)
        })
    })
    .await
}

#[tokio::test]
async fn an_invalid_role_name_from_the_metadata_service_is_an_error() {
    for body in [
        "../../x",
        "a/b",
        "",
        " ",
        "<html>no</html>",
        "\u{1b}[2J",
        "..",
        "a\u{0}b",
    ] {
        let cloud = server_with(&[(ROLES_PATH, 200, body)]).await;
        let problem = get(&new_api(&cloud, &[MACHINE]).unwrap())
            .await
            .unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse, "{body}");
        let expected = match body.starts_with('<') {
            true => "got an HTML page instead of an API response",
            false => "the name of a role",
        };
        let message = problem.message;
        assert!(message.ends_with(expected), "{message}");
        assert_eq!(cloud.requested(), [TOKEN, ROLE]);
    }
}

const KEYS: &str = "/latest/meta-data/ram/security-credentials/joblens-emulator";

/// Path of the metadata service, status and body of its response, and the category and text of the error.
const UNUSABLE: [(&str, u16, &str, Category, &str); 13] = [
    (
        ROLES_PATH,
        404,
        "<html><title>404 - Not Found</title>",
        Category::MissingCredentials,
        "no role is attached to this instance: got an HTML page instead of an API response: '404 - Not Found'",
    ),
    (
        ROLES_PATH,
        302,
        "<html><title>Login</title>",
        Category::InvalidResponse,
        "'Login'",
    ),
    (
        KEYS,
        200,
        "<html><title>Login</title>",
        Category::InvalidResponse,
        "'Login'",
    ),
    (
        ROLES_PATH,
        404,
        "no",
        Category::MissingCredentials,
        "no role is attached to this instance",
    ),
    (
        ROLES_PATH,
        302,
        "",
        Category::MissingCredentials,
        "returned HTTP 302",
    ),
    (
        ROLES_PATH,
        401,
        "",
        Category::MissingCredentials,
        "returned HTTP 401",
    ),
    (
        ROLES_PATH,
        500,
        "<html>",
        Category::ServiceError,
        "returned HTTP 500",
    ),
    (
        KEYS,
        200,
        "<html>",
        Category::InvalidResponse,
        "invalid response",
    ),
    (KEYS, 200, "{}", Category::InvalidResponse, "expected Code"),
    (
        KEYS,
        200,
        r#"{"Code":"Failed"}"#,
        Category::MissingCredentials,
        "returned no credential",
    ),
    (
        KEYS,
        200,
        r#"{"Code":"Success"}"#,
        Category::InvalidResponse,
        "AccessKeyId",
    ),
    (
        KEYS,
        200,
        r#"{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hunter2-s","SecurityToken":"hunter2-t","Expiration":"soon"}"#,
        Category::InvalidResponse,
        "a time in Expiration",
    ),
    (
        KEYS,
        200,
        r#"{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hunter2-s","SecurityToken":"hunter2-t","Expiration":"2026-01-02T03:04:05Z"}"#,
        Category::MissingCredentials,
        "expired at 2026-01-02T03:04:05Z",
    ),
];

#[tokio::test]
async fn an_unusable_metadata_service_is_an_error_with_a_hint() {
    let huge = "x".repeat(65 << 10).leak();
    let too_long = (
        ROLES_PATH,
        200,
        &*huge,
        Category::InvalidResponse,
        "response exceeds 65536 bytes",
    );
    for (path, status, body, category, expected) in UNUSABLE.into_iter().chain([too_long]) {
        let cloud = server_with(&[(path, status, body)]).await;
        let problem = get(&new_api(&cloud, &[MACHINE]).unwrap())
            .await
            .unwrap_err();
        let text = format!("{}; {}", problem.message, problem.hint.unwrap());
        assert_eq!(problem.category, category, "{text}");
        assert!(text.contains(expected), "{expected}: {text}");
        // A missing role causes neither of them.
        let is_unrelated_to_roles = matches!(status, 300..=399 | 500..);
        assert!(
            !(is_unrelated_to_roles && text.contains("attach a RAM role")),
            "{text}"
        );
        assert!(
            !text.contains("hunter2") && !text.contains("max-body"),
            "{text}"
        );
        assert!(!cloud.requested().contains(&GET.to_owned()), "{text}");
    }
}

#[tokio::test]
async fn the_role_is_fetched_without_a_metadata_token_unless_disabled() {
    const ONLY: (&str, &str) = ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
    for (status, body) in [(404, ""), (403, "no"), (200, ""), (200, "a b")] {
        let cloud = server_with(&[(TOKEN_PATH, status, body)]).await;
        get(&new_api(&cloud, &[MACHINE]).unwrap()).await.unwrap();
        assert_eq!(cloud.requested(), [TOKEN, ROLE, CREDENTIALS, GET]);
        let strict = new_api(&cloud, &[MACHINE, ONLY]).unwrap();
        let problem = get(&strict).await.unwrap_err();
        assert!(problem.hint.unwrap().contains(ONLY.0));
        assert_eq!(cloud.requested(), [TOKEN]);
    }
    let cloud = cloud(|_| None).await;
    get(&new_api(&cloud, &[MACHINE, ONLY]).unwrap())
        .await
        .unwrap();
    assert_eq!(cloud.requested(), [TOKEN, ROLE, CREDENTIALS, GET]);
}

#[tokio::test]
async fn the_metadata_token_is_sent_with_the_role_and_keys_requests() {
    let cloud = cloud(|incoming| {
        let is_step = incoming.path.starts_with(ROLES_PATH);
        let is_bare = is_step && incoming.header(TOKEN_HEADER).is_none();
        is_bare.then(|| ServerResponse::document(401, ""))
    })
    .await;
    get(&new_api(&cloud, &[MACHINE]).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_metadata_address_that_is_not_documented_or_local_is_a_usage_error() {
    let cloud = cloud(|_| None).await;
    let at = |address| {
        let set = ("JOBLENS_ALIYUN_METADATA_ENDPOINT", address);
        new_api(&cloud, &[MACHINE, set])
    };
    for address in [
        "http://169.254.169.254",
        "http://100.100.100.200:81",
        "https://100.100.100.200",
        "http://100.100.100.200.example",
        "http://metadata.tencentyun.com",
        "http://100.100.100.200/latest",
        "https://127.0.0.1",
        "not one",
    ] {
        let problem = at(address).err().unwrap();
        assert_eq!(problem.category, Category::Usage, "{address}");
        let hint = problem.hint.unwrap();
        assert_eq!(hint, "use http://100.100.100.200, or remove it");
    }
    for address in [
        "http://100.100.100.200",
        "http://[::1]:7",
        "http://localhost:7",
    ] {
        assert!(at(address).is_ok(), "{address}");
    }
}

#[tokio::test]
async fn vendor_variables_disable_the_metadata_service_or_name_the_role() {
    let cloud = cloud(|_| None).await;
    let off = ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "True");
    let problem = new_api(&cloud, &[MACHINE, off]).err().unwrap();
    assert_eq!(problem.category, Category::MissingCredentials);
    assert!(problem.message.contains(off.0), "{}", problem.message);
    let role = ("ALIBABA_CLOUD_ECS_METADATA", "joblens-emulator");
    get(&new_api(&cloud, &[MACHINE, role]).unwrap())
        .await
        .unwrap();
    assert_eq!(cloud.requested(), [TOKEN, CREDENTIALS, GET]);
}

#[tokio::test]
async fn a_configured_role_that_does_not_exist_is_named_in_the_error() {
    let cloud = cloud(|_| None).await;
    let other = ("JOBLENS_ALIYUN_SOURCE", "metadata:other");
    let problem = get(&new_api(&cloud, &[other]).unwrap()).await.unwrap_err();
    assert_eq!(problem.message, "the metadata service has no role other");
}

#[tokio::test]
async fn an_unreachable_metadata_service_is_not_called_for_each_job() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let cloud = cloud(|_| None).await;
    let at = ("JOBLENS_ALIYUN_METADATA_ENDPOINT", dead.as_str());
    let transport = cloud.transport();
    let variables = [MACHINE, at, ("JOBLENS_ALIYUN_ENDPOINT", &cloud.origin)];
    let ehpc = Api::new(&test_support::profile(&CLOUD, &variables), &transport).unwrap();
    for _ in 0..3 {
        let problem = get(&ehpc).await.unwrap_err();
        assert_eq!(problem.category, Category::Network);
        assert!(problem.hint.unwrap().contains("attach a RAM role"));
    }
    // One request is for the token, the other for the role without a token.
    assert_eq!(transport.requests_sent(), 2);
}
