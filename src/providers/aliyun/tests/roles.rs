use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::super::machine::{CREDENTIALS, ROLE, ROLES_PATH, TOKEN, TOKEN_HEADER, TOKEN_PATH};
use super::super::role::ASSUME_ROLE;
use super::super::{CLOUD, Ehpc};
use crate::error::{Category, Problem};
use crate::providers::Client as _;
use crate::providers::fixture::{self, served::Script, served::Served, served::born};
use crate::providers::serve::{Incoming, Outgoing, Step, Thing, World};

const LOOK: &str = "DescribeServerlessJobs";
const HOUR: i64 = 3600;

async fn cloud(script: impl Fn(&Incoming) -> Option<Outgoing> + Send + Sync + 'static) -> Served {
    let thing = Thing {
        kind: "aliyun/job".to_owned(),
        segments: vec!["ehpc-hz-FYUr32".to_owned(), "5".to_owned()],
        steps: vec![Step {
            state: "Running".to_owned(),
            ..Step::default()
        }],
        ..Thing::default()
    };
    let script: Script = Arc::new(script);
    Served::start(&CLOUD, World::new(vec![thing], born()), script).await
}

fn connect(cloud: &Served, more: &[(&str, &str)]) -> Result<Ehpc, Problem> {
    let mut variables = vec![
        ("JOBLENS_ALIYUN_ENDPOINT", cloud.origin.as_str()),
        ("JOBLENS_ALIYUN_STS_ENDPOINT", &cloud.origin),
        ("JOBLENS_ALIYUN_METADATA_ENDPOINT", &cloud.origin),
    ];
    for (name, value) in more {
        variables.retain(|(known, _)| known != name);
        variables.push((name, value));
    }
    Ehpc::new(&fixture::profile(&CLOUD, &variables), &cloud.wire())
}

const KEY: [(&str, &str); 3] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret"),
    ("JOBLENS_ALIYUN_ROLE_ARN", "acs:ram::1:role/reader"),
];
const MACHINE: (&str, &str) = ("JOBLENS_ALIYUN_SOURCE", "metadata");

async fn look(ehpc: &Ehpc) -> Result<Option<String>, Problem> {
    let reference = super::reference(0, "5");
    let found = ehpc.look_up(&reference, &fixture::ask()).await?;
    Ok(found.job.state_raw)
}

/// Says no so many times to look-ups.
fn refusing(times: usize) -> impl Fn(&Incoming) -> Option<Outgoing> {
    let left = AtomicUsize::new(times);
    let less = move || {
        let less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        less.is_ok()
    };
    move |incoming| {
        let is_look = incoming.header("x-acs-action") == Some(LOOK);
        (is_look && less()).then(CLOUD.server.refused)
    }
}

#[tokio::test]
async fn a_key_takes_on_its_role_once_and_again_before_the_end() {
    let cloud = cloud(|_| None).await;
    let ehpc = connect(&cloud, &KEY).unwrap();
    for (second, asked) in [
        (0, &[ASSUME_ROLE, LOOK][..]),
        (HOUR - 61, &[LOOK]),
        (HOUR - 60, &[ASSUME_ROLE, LOOK]),
        (HOUR, &[LOOK]),
        (3 * HOUR, &[ASSUME_ROLE, LOOK]),
    ] {
        cloud.set(second);
        assert_eq!(look(&ehpc).await.unwrap().as_deref(), Some("Running"));
        assert_eq!(cloud.asked(), asked, "{second}");
    }
}

#[tokio::test]
async fn the_role_of_an_instance_is_fetched_in_three_steps_and_renewed() {
    let cloud = cloud(|_| None).await;
    let ehpc = connect(&cloud, &[MACHINE]).unwrap();
    let fetched = [TOKEN, ROLE, CREDENTIALS, LOOK];
    for (second, asked) in [
        (0, &fetched[..]),
        (6 * HOUR - 61, &[LOOK]),
        (6 * HOUR - 60, &fetched),
        (20 * HOUR, &fetched),
    ] {
        cloud.set(second);
        look(&ehpc).await.unwrap();
        assert_eq!(cloud.asked(), asked, "{second}");
    }
    let named = ("JOBLENS_ALIYUN_SOURCE", "metadata:joblens-emulator");
    look(&connect(&cloud, &[named]).unwrap()).await.unwrap();
    assert_eq!(cloud.asked(), [TOKEN, CREDENTIALS, LOOK]);
}

#[tokio::test]
async fn the_role_of_an_instance_takes_on_another() {
    let cloud = cloud(|_| None).await;
    let ehpc = connect(&cloud, &[MACHINE, KEY[2]]).unwrap();
    look(&ehpc).await.unwrap();
    assert_eq!(cloud.asked(), [TOKEN, ROLE, CREDENTIALS, ASSUME_ROLE, LOOK]);
    // The role ends first.
    cloud.set(HOUR);
    look(&ehpc).await.unwrap();
    assert_eq!(cloud.asked(), [ASSUME_ROLE, LOOK]);
}

#[tokio::test]
async fn temporary_keys_that_are_refused_are_renewed_once() {
    let cloud = cloud(refusing(1)).await;
    look(&connect(&cloud, &KEY).unwrap()).await.unwrap();
    assert_eq!(cloud.asked(), [ASSUME_ROLE, LOOK, ASSUME_ROLE, LOOK]);
    let cloud = self::cloud(refusing(9)).await;
    let ehpc = connect(&cloud, &[MACHINE]).unwrap();
    for _ in 0..2 {
        let problem = look(&ehpc).await.unwrap_err();
        assert_eq!(problem.category, Category::Refused);
        let label = problem.credential.unwrap();
        assert_eq!(label, "role of this machine (metadata)");
    }
    let fetched = [TOKEN, ROLE, CREDENTIALS, LOOK];
    assert_eq!(cloud.asked(), [fetched, fetched].concat());
}

#[tokio::test]
async fn a_no_of_sts_names_role_and_key_and_what_to_do() {
    for (code, status, category, next) in [
        ("NoPermission", 403, Category::Permission, "trust policy"),
        ("NoPermission", 403, Category::Permission, "sts:AssumeRole"),
        (
            "EntityNotExist.Role",
            404,
            Category::NoCredentials,
            "check role_arn",
        ),
        (
            "InvalidParameter.RoleArn",
            400,
            Category::NoCredentials,
            "role_arn",
        ),
        (
            "SignatureDoesNotMatch",
            400,
            Category::Refused,
            "access_key_secret",
        ),
        (
            "InvalidAccessKeyId.NotFound",
            404,
            Category::Refused,
            "access_key_id",
        ),
    ] {
        let body = json!({"Code": code, "Message": "no way.", "RequestId": "R-1"});
        let cloud = cloud(move |_| Some(Outgoing::json(status, &body))).await;
        let problem = look(&connect(&cloud, &KEY).unwrap()).await.unwrap_err();
        assert_eq!(problem.category, category, "{code}");
        let said = "cannot take on acs:ram::1:role/reader: no way";
        assert_eq!(problem.message, said);
        assert_eq!(problem.code.as_deref(), Some(code));
        assert_eq!(problem.request_id.as_deref(), Some("R-1"));
        assert_eq!(problem.operation.as_deref(), Some(ASSUME_ROLE));
        assert_eq!(problem.credential.as_deref(), Some("key te… (environment)"));
        let hint = problem.hint.unwrap();
        assert!(hint.contains(next), "{hint}");
        assert_eq!(cloud.asked(), [ASSUME_ROLE], "{code}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_for_sts() {
    let cloud = cloud(|_| None).await;
    let variables = [
        ("JOBLENS_ALIYUN_ENDPOINT", cloud.origin.as_str()),
        ("JOBLENS_ALIYUN_STS_ENDPOINT", &cloud.origin),
    ];
    let late = fixture::wire(born() - chrono::TimeDelta::hours(2));
    let profile = fixture::profile(&CLOUD, &[&KEY[..], &variables[..]].concat());
    look(&Ehpc::new(&profile, &late).unwrap()).await.unwrap();
    assert_eq!(cloud.asked(), [ASSUME_ROLE, ASSUME_ROLE, LOOK, LOOK]);
}

#[tokio::test]
async fn an_answer_of_sts_that_lacks_a_part_is_told_without_its_text() {
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
            let cloud = cloud(move |_| Some(Outgoing::json(200, &body))).await;
            let problem = look(&connect(&cloud, &KEY).unwrap()).await.unwrap_err();
            assert_eq!(problem.category, Category::Unreadable);
            assert!(problem.message.contains(part), "{}", problem.message);
            assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        }
    }
}

/// A service that answers these paths so, and the rest as it should.
async fn answering(answers: &[(&'static str, u16, &'static str)]) -> Served {
    let answers = answers.to_vec();
    cloud(move |incoming| {
        let found = answers.iter().find(|(path, ..)| *path == incoming.path);
        found.map(|(_, status, body)| Outgoing {
            headers: vec![("location".to_owned(), "http://127.0.0.1:1/".to_owned())],
            ..Outgoing::document(*status, body)
        })
    })
    .await
}

#[tokio::test]
async fn what_a_service_says_that_is_no_role_goes_into_no_path() {
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
        let cloud = answering(&[(ROLES_PATH, 200, body)]).await;
        let problem = look(&connect(&cloud, &[MACHINE]).unwrap())
            .await
            .unwrap_err();
        assert_eq!(problem.category, Category::Unreadable, "{body}");
        assert!(
            problem.message.ends_with("the name of a role"),
            "{}",
            problem.message
        );
        assert_eq!(cloud.asked(), [TOKEN, ROLE]);
    }
}

#[tokio::test]
async fn a_metadata_service_that_is_none_says_what_to_do() {
    const KEYS: &str = "/latest/meta-data/ram/security-credentials/joblens-emulator";
    let huge = "x".repeat(65 << 10).leak();
    for (path, status, body, category, said) in [
        (
            ROLES_PATH,
            404,
            "no",
            Category::NoCredentials,
            "knows no role of this machine",
        ),
        (
            ROLES_PATH,
            302,
            "",
            Category::NoCredentials,
            "answered with status 302",
        ),
        (
            ROLES_PATH,
            401,
            "",
            Category::NoCredentials,
            "answered with status 401",
        ),
        (
            ROLES_PATH,
            500,
            "<html>",
            Category::Service,
            "answered with status 500",
        ),
        (
            ROLES_PATH,
            200,
            huge,
            Category::Unreadable,
            "larger than 65536 bytes",
        ),
        (
            KEYS,
            200,
            "<html>",
            Category::Unreadable,
            "could not be understood",
        ),
        (KEYS, 200, "{}", Category::Unreadable, "expected Code"),
        (
            KEYS,
            200,
            r#"{"Code":"Failed"}"#,
            Category::NoCredentials,
            "gives no credential",
        ),
        (
            KEYS,
            200,
            r#"{"Code":"Success"}"#,
            Category::Unreadable,
            "AccessKeyId",
        ),
        (
            KEYS,
            200,
            r#"{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hunter2-s","SecurityToken":"hunter2-t","Expiration":"soon"}"#,
            Category::Unreadable,
            "a time in Expiration",
        ),
        (
            KEYS,
            200,
            r#"{"Code":"Success","AccessKeyId":"a","AccessKeySecret":"hunter2-s","SecurityToken":"hunter2-t","Expiration":"2026-01-02T03:04:05Z"}"#,
            Category::NoCredentials,
            "ended at 2026-01-02T03:04:05Z",
        ),
    ] {
        let cloud = answering(&[(path, status, body)]).await;
        let problem = look(&connect(&cloud, &[MACHINE]).unwrap())
            .await
            .unwrap_err();
        let told = format!("{}; {}", problem.message, problem.hint.unwrap());
        assert_eq!(problem.category, category, "{told}");
        assert!(told.contains(said), "{said}: {told}");
        assert!(
            !told.contains("hunter2") && !told.contains("max-body"),
            "{told}"
        );
        assert!(!cloud.asked().contains(&LOOK.to_owned()), "{told}");
    }
}

#[tokio::test]
async fn without_a_token_the_service_is_asked_all_the_same_unless_that_is_off() {
    const ONLY: (&str, &str) = ("ALIBABA_CLOUD_IMDSV1_DISABLED", "true");
    for (status, body) in [(404, ""), (403, "no"), (200, ""), (200, "a b")] {
        let cloud = answering(&[(TOKEN_PATH, status, body)]).await;
        look(&connect(&cloud, &[MACHINE]).unwrap()).await.unwrap();
        assert_eq!(cloud.asked(), [TOKEN, ROLE, CREDENTIALS, LOOK]);
        let strict = connect(&cloud, &[MACHINE, ONLY]).unwrap();
        let problem = look(&strict).await.unwrap_err();
        assert!(problem.hint.unwrap().contains(ONLY.0));
        assert_eq!(cloud.asked(), [TOKEN]);
    }
    let cloud = cloud(|_| None).await;
    look(&connect(&cloud, &[MACHINE, ONLY]).unwrap())
        .await
        .unwrap();
    assert_eq!(cloud.asked(), [TOKEN, ROLE, CREDENTIALS, LOOK]);
}

#[tokio::test]
async fn the_token_goes_with_both_steps_after_it() {
    let cloud = cloud(|incoming| {
        let is_step = incoming.path.starts_with(ROLES_PATH);
        let is_bare = is_step && incoming.header(TOKEN_HEADER).is_none();
        is_bare.then(|| Outgoing::document(401, ""))
    })
    .await;
    look(&connect(&cloud, &[MACHINE]).unwrap()).await.unwrap();
}

#[tokio::test]
async fn an_address_that_is_neither_documented_nor_this_machine_is_wrong_use() {
    let cloud = cloud(|_| None).await;
    let at = |address| {
        let set = ("JOBLENS_ALIYUN_METADATA_ENDPOINT", address);
        connect(&cloud, &[MACHINE, set])
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
        assert_eq!(hint, "write http://100.100.100.200, or leave it out");
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
async fn what_can_be_no_role_is_wrong_use() {
    let cloud = cloud(|_| None).await;
    for (variable, said) in [
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
        let problem = connect(&cloud, &[KEY[0], KEY[1], KEY[2], variable])
            .err()
            .unwrap();
        assert_eq!(problem.category, Category::Usage, "{variable:?}");
        assert!(problem.message.starts_with(said), "{}", problem.message);
    }
    assert!(cloud.asked().is_empty());
}

#[tokio::test]
async fn a_variable_of_the_vendors_forbids_to_ask_or_names_the_role() {
    let cloud = cloud(|_| None).await;
    let off = ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "True");
    let problem = connect(&cloud, &[MACHINE, off]).err().unwrap();
    assert_eq!(problem.category, Category::NoCredentials);
    assert!(problem.message.contains(off.0), "{}", problem.message);
    let role = ("ALIBABA_CLOUD_ECS_METADATA", "joblens-emulator");
    look(&connect(&cloud, &[MACHINE, role]).unwrap())
        .await
        .unwrap();
    assert_eq!(cloud.asked(), [TOKEN, CREDENTIALS, LOOK]);
}

#[tokio::test]
async fn variables_of_another_way_to_log_in_make_no_key_take_on_a_role() {
    let cloud = cloud(|_| None).await;
    let stray = [
        KEY[0],
        KEY[1],
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/other"),
        ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "other"),
        ("ALIBABA_CLOUD_ECS_METADATA", "other"),
        ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
    ];
    look(&connect(&cloud, &stray).unwrap()).await.unwrap();
    assert_eq!(cloud.asked(), [LOOK]);
}

#[test]
fn the_address_of_sts_is_that_of_the_tools_region_or_its_own() {
    let text = String::from_utf8(fixture::read("aliyun/tools/config.json")).unwrap();
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
        let profile = fixture::profile(
            &CLOUD,
            &[
                ("ALIBABA_CLOUD_CONFIG_FILE", path.to_str().unwrap()),
                ("ALIBABA_CLOUD_PROFILE", "role"),
            ],
        );
        assert_eq!(profile.get("sts_endpoint"), Some(expected));
        let wire = fixture::wire(born());
        assert!(Ehpc::new(&profile, &wire).is_ok(), "{expected}");
    }
}

#[tokio::test]
async fn a_role_that_is_named_and_not_there_is_told_by_its_name() {
    let cloud = cloud(|_| None).await;
    let other = ("JOBLENS_ALIYUN_SOURCE", "metadata:other");
    let problem = look(&connect(&cloud, &[other]).unwrap()).await.unwrap_err();
    assert_eq!(
        problem.message,
        "the metadata service does not know the role other"
    );
}

#[tokio::test]
async fn a_dead_service_is_not_asked_for_each_thing_in_turn() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let cloud = cloud(|_| None).await;
    let at = ("JOBLENS_ALIYUN_METADATA_ENDPOINT", dead.as_str());
    let wire = cloud.wire();
    let variables = [MACHINE, at, ("JOBLENS_ALIYUN_ENDPOINT", &cloud.origin)];
    let ehpc = Ehpc::new(&fixture::profile(&CLOUD, &variables), &wire).unwrap();
    for _ in 0..3 {
        let problem = look(&ehpc).await.unwrap_err();
        assert_eq!(problem.category, Category::Network);
        assert!(problem.hint.unwrap().contains("attach a RAM role"));
    }
    // The token, and the role without one.
    assert_eq!(wire.calls(), 2);
}
