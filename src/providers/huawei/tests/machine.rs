use std::sync::Arc;

use super::super::machine::{CREDENTIALS, KEY_PATH, TOKEN, TOKEN_HEADER, TOKEN_PATH};
use super::super::*;
use crate::error::Category;
use crate::providers::Client as _;
use crate::providers::fixture::{self, served::Served, served::born};
use crate::providers::serve::{Incoming, Outgoing, Step, Thing, World};

const DAY: i64 = 24 * 3600;
const LOOK: &str = OPERATION;

async fn cloud(script: impl Fn(&Incoming) -> Option<Outgoing> + Send + Sync + 'static) -> Served {
    let thing = Thing {
        kind: "huawei/image-job".to_owned(),
        segments: vec!["7".to_owned()],
        steps: vec![Step {
            state: "RUNNING".to_owned(),
            ..Step::default()
        }],
        ..Thing::default()
    };
    Served::start(&CLOUD, World::new(vec![thing], born()), Arc::new(script)).await
}

/// A service that answers these paths so, and the rest as it should.
async fn answering(answers: &[(&'static str, u16, &'static str)]) -> Served {
    let answers = answers.to_vec();
    cloud(move |incoming| {
        let found = answers.iter().find(|(path, ..)| *path == incoming.path);
        found.map(|(_, status, body)| Outgoing::document(*status, body))
    })
    .await
}

fn connect(cloud: &Served, more: &[(&str, &str)]) -> Result<Client, Problem> {
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
    Client::new(&fixture::profile(&CLOUD, &all), &cloud.wire())
}

async fn look(client: &Client) -> Result<Option<String>, Problem> {
    let reference = fixture::reference(&CLOUD.kinds[0].template, &["7"]);
    let found = client.look_up(&reference, &fixture::ask()).await?;
    Ok(found.job.state_raw)
}

#[tokio::test]
async fn the_agency_of_an_instance_is_fetched_and_renewed_before_the_end() {
    let cloud = cloud(|_| None).await;
    let client = connect(&cloud, &[]).unwrap();
    let fetched = [TOKEN, CREDENTIALS, LOOK];
    for (second, asked) in [
        (0, &fetched[..]),
        (DAY - 61, &[LOOK]),
        (DAY - 60, &fetched),
        (3 * DAY, &fetched),
    ] {
        cloud.set(second);
        assert_eq!(look(&client).await.unwrap().as_deref(), Some("RUNNING"));
        assert_eq!(cloud.asked(), asked, "{second}");
    }
    // Its project is found as that of any key is.
    let client = connect(&cloud, &[("HUAWEICLOUD_SDK_PROJECT_ID", "")]).unwrap();
    look(&client).await.unwrap();
    assert_eq!(cloud.asked(), [TOKEN, CREDENTIALS, PROJECTS, LOOK]);
}

#[tokio::test]
async fn a_service_without_tokens_is_asked_without_one() {
    for status in [404, 405, 503] {
        let cloud = answering(&[(TOKEN_PATH, status, "")]).await;
        look(&connect(&cloud, &[]).unwrap()).await.unwrap();
        assert_eq!(cloud.asked(), [TOKEN, CREDENTIALS, LOOK], "{status}");
    }
}

#[tokio::test]
async fn a_service_that_needs_a_token_is_asked_for_one_once_more() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let tokens = AtomicUsize::new(0);
    let cloud = cloud(move |incoming| match incoming.path.as_str() {
        TOKEN_PATH if tokens.fetch_add(1, Ordering::Relaxed) == 0 => {
            Some(Outgoing::document(503, ""))
        }
        KEY_PATH if incoming.header(TOKEN_HEADER).is_none() => {
            Some(Outgoing::document(401, "token needed"))
        }
        _ => None,
    })
    .await;
    look(&connect(&cloud, &[]).unwrap()).await.unwrap();
    let asked = [TOKEN, CREDENTIALS, TOKEN, CREDENTIALS, LOOK];
    assert_eq!(cloud.asked(), asked);
}

#[tokio::test]
async fn keys_under_other_names_are_read() {
    for body in [
        r#"{"credential":{"accessKeyId":"a","secretAccessKey":"s","securityToken":"t","expiration":"2026-01-02T04:04:05.1Z"}}"#,
        r#"{"credentials":{"access_key_id":"a","secret_access_key":"s","security_token":"t","expires_at":"2026-01-02T04:04:05.194000Z"}}"#,
    ] {
        let cloud = answering(&[(KEY_PATH, 200, body)]).await;
        let problem = look(&connect(&cloud, &[]).unwrap()).await.unwrap_err();
        // The emulator knows no such key.
        assert_eq!(problem.category, Category::Refused);
        let asked = [TOKEN, CREDENTIALS, LOOK, TOKEN, CREDENTIALS];
        assert_eq!(cloud.asked(), asked);
    }
}

#[tokio::test]
async fn a_metadata_service_that_is_none_says_what_to_do() {
    for (status, body, category, said) in [
        (
            401,
            r#"{"message": "Please configure Cloud Service Agency first."}"#,
            Category::NoCredentials,
            "knows no role of this machine; set an agency",
        ),
        (
            401,
            "no",
            Category::NoCredentials,
            "answered with status 401",
        ),
        (404, "no", Category::NoCredentials, "set an agency"),
        (500, "<html>", Category::Service, "answered with status 500"),
        (
            200,
            "<html>",
            Category::Unreadable,
            "could not be understood",
        ),
        (200, "{}", Category::Unreadable, "access of printable"),
        (
            200,
            r#"{"credential":{"access":"a","secret":"hunter2-s","securitytoken":"hunter2-t"}}"#,
            Category::Unreadable,
            "a time in expires_at",
        ),
        (
            200,
            r#"{"credential":{"access":"a","secret":"hunter2-s","securitytoken":"hunter2-t","expires_at":"2024-05-20T11:03:24.194000Z"}}"#,
            Category::NoCredentials,
            "ended at 2024-05-20T11:03:24Z",
        ),
    ] {
        let cloud = answering(&[(KEY_PATH, status, body)]).await;
        let problem = look(&connect(&cloud, &[]).unwrap()).await.unwrap_err();
        let told = format!("{}; {}", problem.message, problem.hint.unwrap());
        assert_eq!(problem.category, category, "{told}");
        assert!(told.contains(said), "{said}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
        assert!(!cloud.asked().contains(&LOOK.to_owned()), "{told}");
    }
}

#[tokio::test]
async fn another_address_and_a_role_are_wrong_use() {
    let cloud = cloud(|_| None).await;
    for variable in [
        ("JOBLENS_HUAWEI_METADATA_ENDPOINT", "http://100.100.100.200"),
        ("JOBLENS_HUAWEI_SOURCE", "metadata:role"),
    ] {
        let problem = connect(&cloud, &[variable]).err().unwrap();
        assert_eq!(problem.category, Category::Usage, "{variable:?}");
    }
    let documented = ("JOBLENS_HUAWEI_METADATA_ENDPOINT", "http://169.254.169.254");
    assert!(connect(&cloud, &[documented]).is_ok());
}
