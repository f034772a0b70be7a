use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use super::super::image_job::{GET as GET_JOB, LIST};
use super::super::*;
use crate::error::Category;
use crate::providers::Client as _;
use crate::providers::test_support;
use crate::providers::{Filter, Page, list_all, ready};
use crate::reference::Scope;
use crate::test_support::{
    EmulatedJob, EmulatedState, Responder, ServerRequest, ServerResponse, StateChange, TestServer,
    rejected, start_time,
};

const DAY: i64 = 24 * 3600;
const PROJECT: &str = super::PROJECT;
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
    let script: Responder = Arc::new(script);
    TestServer::start(&CLOUD, EmulatedState::new(vec![job], start_time()), script).await
}

fn client(cloud: &TestServer, variables: &[(&str, &str)]) -> Result<CloudClient<Api>, Problem> {
    let mut all = vec![
        ("JOBLENS_HUAWEI_REGION", "cn-north-4"),
        ("JOBLENS_HUAWEI_ENDPOINT", &cloud.origin),
        ("JOBLENS_HUAWEI_IAM_ENDPOINT", &cloud.origin),
    ];
    for (name, value) in variables {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    new_client(&test_support::profile(&CLOUD, &all), &cloud.transport())
}

const USER: [(&str, &str); 3] = [
    ("JOBLENS_HUAWEI_USER", "testid"),
    ("JOBLENS_HUAWEI_PASSWORD", "testsecret"),
    ("JOBLENS_HUAWEI_DOMAIN", "公司"),
];

const KEY: [(&str, &str); 2] = [
    ("HUAWEICLOUD_SDK_AK", "testid"),
    ("HUAWEICLOUD_SDK_SK", "testsecret"),
];

async fn get(client: &CloudClient<Api>) -> Result<Option<String>, Problem> {
    let reference = test_support::reference(CLOUD.kinds[0], &["7"]);
    let found = client.get(&reference, &test_support::get_options()).await?;
    Ok(found.job.state_raw)
}

#[tokio::test]
async fn a_password_gets_a_token_and_a_project_and_a_new_token_before_expiry() {
    let cloud = cloud(|_| None).await;
    let client = client(&cloud, &USER).unwrap();
    for (second, requested) in [
        (0, &[TOKEN, GET][..]),
        (DAY - 61, &[GET]),
        (DAY - 60, &[TOKEN, GET]),
        (9 * DAY, &[TOKEN, GET]),
    ] {
        cloud.set(second);
        assert_eq!(get(&client).await.unwrap().as_deref(), Some("RUNNING"));
        assert_eq!(cloud.requested(), requested, "{second}");
    }
    let found = client
        .api
        .project(test_support::get_options().deadline)
        .await;
    assert_eq!(found.unwrap(), PROJECT);
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once() {
    let left = AtomicUsize::new(1);
    let cloud = cloud(move |incoming| {
        let is_look = incoming.path.starts_with("/v1/");
        let is_first = is_look && left.swap(0, Ordering::Relaxed) == 1;
        is_first.then(|| rejected(&CLOUD))
    })
    .await;
    let client = client(&cloud, &USER).unwrap();
    get(&client).await.unwrap();
    assert_eq!(cloud.requested(), [TOKEN, GET, TOKEN, GET]);
}

#[tokio::test]
async fn a_new_token_equal_to_the_rejected_one_is_not_sent() {
    let cloud = cloud(|incoming| {
        let about = json!({"token": {"project": {"id": PROJECT}}});
        let given =
            ServerResponse::json(201, &about).with_header("x-subject-token", "one-and-only");
        (incoming.path == "/v3/auth/tokens").then_some(given)
    })
    .await;
    let problem = get(&client(&cloud, &USER).unwrap()).await.unwrap_err();
    assert_eq!(problem.code.as_deref(), Some("APIGW.0301"));
    assert_eq!(cloud.requested(), [TOKEN, GET, TOKEN]);
}

#[tokio::test]
async fn a_token_of_a_hundred_kilobytes_is_accepted_and_sent() {
    let long = "x".repeat(100_000);
    let sent = long.clone();
    let cloud = cloud(move |incoming| {
        let about = json!({"token": {"expires_at": "2026-01-03T03:04:05.194000Z"}});
        let given = ServerResponse::json(201, &about).with_header("x-subject-token", &sent);
        match incoming.path.as_str() {
            "/v3/auth/tokens" => Some(given),
            _ if incoming.header("x-auth-token") == Some(&sent) => Some(ServerResponse::json(
                200,
                &json!({"id": "7", "status": "RUNNING"}),
            )),
            _ => None,
        }
    })
    .await;
    let project = ("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT);
    let client = client(&cloud, &[&USER[..], &[project]].concat()).unwrap();
    get(&client).await.unwrap();
    assert_eq!(cloud.requested(), [TOKEN, GET]);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_and_is_an_error_with_a_hint() {
    let cloud = cloud(|_| None).await;
    let wrong = [USER[0], ("JOBLENS_HUAWEI_PASSWORD", "wrong-one"), USER[2]];
    let client = client(&cloud, &wrong).unwrap();
    for _ in 0..2 {
        let problem = get(&client).await.unwrap_err();
        assert_eq!(problem.category, Category::Unauthenticated);
        assert_eq!(problem.operation.as_deref(), Some(TOKEN));
        assert_eq!(problem.code.as_deref(), Some("401"));
        assert_eq!(
            problem.credential.as_deref(),
            Some("user te… (environment)")
        );
        assert!(problem.hint.unwrap().contains("IAM user"));
    }
    assert_eq!(cloud.requested(), [TOKEN]);
}

#[tokio::test]
async fn the_response_with_a_token_is_not_shown_if_it_cannot_be_read() {
    for body in [
        json!("token MIIsecretServerToken123456789"),
        json!({"MIIsecretServerToken123456789": 1}),
    ] {
        let response = ServerResponse::json(201, &body).with_header("x-request-id", "r-1");
        let cloud =
            cloud(move |incoming| (incoming.path == "/v3/auth/tokens").then(|| response.clone()))
                .await;
        let problem = get(&client(&cloud, &USER).unwrap()).await.unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse);
        assert_eq!(problem.hint.as_deref(), Some("check iam_endpoint"));
        assert_eq!(problem.request_id.as_deref(), Some("r-1"));
        let shown = format!("{problem:?}");
        assert!(!shown.contains("MIIsecret"), "{shown}");
    }
}

#[tokio::test]
async fn a_key_pair_finds_the_project_of_its_region_once() {
    let cloud = cloud(|_| None).await;
    let client = client(&cloud, &KEY).unwrap();
    for _ in 0..2 {
        get(&client).await.unwrap();
    }
    assert_eq!(cloud.requested(), [PROJECTS, GET, GET]);
}

#[tokio::test]
async fn no_project_or_several_are_an_error_with_a_hint() {
    for (projects, what, hint) in [
        (json!([]), "no project", "set project_id"),
        (
            json!([{"id": "p1"}, {"id": "p2"}]),
            "several projects",
            "set project_id to one of: p1, p2",
        ),
    ] {
        let cloud = cloud(move |incoming| {
            assert_eq!(incoming.header("x-project-id"), None);
            assert_eq!(incoming.query, "name=cn-north-4");
            Some(ServerResponse::json(200, &json!({"projects": projects})))
        })
        .await;
        let client = client(&cloud, &KEY).unwrap();
        // The failure is cached: a second resource in a list sends no new request, but a request a while later does.
        for (second, requested) in [(0, &[PROJECTS][..]), (9, &[]), (10, &[PROJECTS])] {
            cloud.set(second);
            let problem = get(&client).await.unwrap_err();
            assert_eq!(problem.category, Category::MissingCredentials);
            assert!(problem.message.contains(what), "{}", problem.message);
            assert!(problem.hint.unwrap().contains(hint));
            assert_eq!(cloud.requested(), requested, "{second}");
        }
    }
}

#[tokio::test]
async fn an_incomplete_user_a_second_credential_or_a_bad_region_is_an_error() {
    let cloud = cloud(|_| None).await;
    let problem = |variables: &[(&str, &str)]| client(&cloud, variables).err().unwrap();
    let half = problem(&USER[..2]);
    assert_eq!(half.category, Category::MissingCredentials);
    assert!(half.hint.unwrap().contains("JOBLENS_HUAWEI_DOMAIN"));
    let both = problem(&[&USER[..], &KEY[..]].concat());
    assert_eq!(both.category, Category::Usage);
    let region = problem(&[&USER[..], &[("JOBLENS_HUAWEI_REGION", "x.evil")]].concat());
    assert_eq!(region.category, Category::Usage);
    let none = problem(&[&USER[..], &[("JOBLENS_HUAWEI_REGION", "")]].concat());
    assert_eq!(none.category, Category::MissingCredentials);
}

#[test]
fn the_region_decides_the_host_of_iam() {
    let transport = test_support::transport(start_time());
    let variables = [("JOBLENS_HUAWEI_REGION", "cn-north-4")];
    let profile = test_support::profile(&CLOUD, &variables);
    let origin = iam::endpoint(&profile, &transport).unwrap().origin();
    assert_eq!(origin, "https://iam.cn-north-4.myhuaweicloud.com");
}

#[tokio::test]
async fn a_token_rejected_during_a_list_is_renewed_and_each_row_is_listed_once() {
    let job = |number: usize| EmulatedJob {
        kind: "huawei/image-job".to_owned(),
        segments: vec![number.to_string()],
        steps: vec![StateChange {
            state: "RUNNING".to_owned(),
            ..StateChange::default()
        }],
        ..EmulatedJob::default()
    };
    let state = EmulatedState::new((0..205).map(job).collect(), start_time());
    // The first token expires after the first page.
    let pages = AtomicUsize::new(0);
    let script: Responder = Arc::new(move |incoming| {
        let is_list = incoming.path.ends_with("/image-server-jobs");
        let is_second = is_list && pages.fetch_add(1, Ordering::Relaxed) == 1;
        is_second.then(|| rejected(&CLOUD))
    });
    let cloud = TestServer::start(&CLOUD, state, script).await;
    let client = client(&cloud, &USER).unwrap();
    let scope = Scope {
        kind: CLOUD.kinds[0],
        profile: "default".into(),
        segments: Vec::new(),
        input: String::new(),
    };
    let mut ids = std::collections::BTreeSet::new();
    let mut rows = 0;
    let mut on_page = |page: Page| {
        rows += page.rows.len();
        ids.extend(page.rows.into_iter().map(|found| found.job.id));
        ready(std::ops::ControlFlow::Continue(()))
    };
    let filter = Filter::default();
    let options = test_support::get_options();
    let stats = list_all(&client, &scope, &filter, &options, None, &mut on_page).await;
    let stats = stats.unwrap();
    assert_eq!((stats.rows, stats.pages, stats.truncation), (205, 3, None));
    assert_eq!((rows, ids.len()), (205, 205));
    // The lists of the three types are requested concurrently, in any order with the token.
    let mut requested = cloud.requested();
    requested.sort();
    assert_eq!(requested, [[TOKEN; 2].as_slice(), &[LIST.name; 6]].concat());
}

#[tokio::test]
async fn a_cached_token_is_stored_with_its_project() {
    let cloud = cloud(|_| None).await;
    let home = tempfile::tempdir().unwrap();
    let kept = [
        ("HOME", home.path().to_str().unwrap()),
        ("JOBLENS_HUAWEI_TOKEN_CACHE", "true"),
    ];
    let run = || client(&cloud, &[&USER[..], &kept].concat()).unwrap();
    for requested in [&[TOKEN, GET][..], &[GET]] {
        let client = run();
        get(&client).await.unwrap();
        assert_eq!(cloud.requested(), requested);
        let project = client
            .api
            .project(test_support::get_options().deadline)
            .await;
        assert_eq!(project.unwrap(), PROJECT);
    }
    // The token expires between two runs.
    cloud.set(DAY - 60);
    get(&run()).await.unwrap();
    assert_eq!(cloud.requested(), [TOKEN, GET]);
}

#[tokio::test]
async fn a_cached_token_of_another_project_is_replaced_at_once() {
    const OLD: &str = "0123456789abcdef0123456789abcdef";
    let is_old = Arc::new(AtomicBool::new(true));
    let before = Arc::clone(&is_old);
    let cloud = cloud(move |incoming| {
        let about = json!({"token": {
            "expires_at": "2026-01-03T03:04:05Z", "project": {"id": OLD},
        }});
        let old = ServerResponse::json(201, &about).with_header("x-subject-token", "old-token");
        match incoming.path.as_str() {
            _ if !before.load(Ordering::Relaxed) => None,
            "/v3/auth/tokens" => Some(old),
            path => path
                .contains(OLD)
                .then(|| ServerResponse::json(404, &json!({}))),
        }
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    let kept = [
        ("HOME", home.path().to_str().unwrap()),
        ("JOBLENS_HUAWEI_TOKEN_CACHE", "true"),
    ];
    let run = || client(&cloud, &[&USER[..], &kept].concat()).unwrap();
    get(&run()).await.unwrap_err();
    assert_eq!(cloud.requested(), [TOKEN, GET]);
    is_old.store(false, Ordering::Relaxed);
    for requested in [&[GET, TOKEN, GET][..], &[GET]] {
        assert_eq!(get(&run()).await.unwrap().as_deref(), Some("RUNNING"));
        assert_eq!(cloud.requested(), requested);
    }
}
