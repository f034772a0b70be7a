use serde_json::json;

use super::*;
use crate::providers::{CLOUDS, job_at, test_support};
use crate::secret::Secret;

const SECRET: &str = "SuperSecretValue0123456789ab";

fn redactor(secrets: &[&str]) -> Redactor {
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
    let redactor = Redactor::default();
    redactor.add(&secrets);
    redactor
}

fn masked(document: Value, secrets: &[&str]) -> Value {
    let mut job = job(document);
    mask_job(&mut job, &redactor(secrets), true);
    *job.raw.unwrap()
}

fn job(document: Value) -> Job {
    let reference = test_support::reference(CLOUDS[0].kinds[0], &["c1", "7"]);
    let mut job = job_at(&reference, None);
    job.raw = Some(Box::new(document));
    job
}

#[test]
fn a_json_manifest_in_an_annotation_is_masked_as_a_document() {
    let env = json!({"spec": {"env": [{"name": "PLAIN", "value": "red"}], "image": "train:1"}});
    let mut document = json!({"annotations": {"kapp.k14s.io/original": env.to_string()}});
    mask_document(&mut document);
    let shown = document["annotations"]["kapp.k14s.io/original"].as_str();
    let shown: Value = serde_json::from_str(shown.unwrap()).unwrap();
    let expected =
        json!({"spec": {"env": [{"name": "PLAIN", "value": "***"}], "image": "train:1"}});
    assert_eq!(shown, expected);
}

#[test]
fn secrets_in_messages_of_jobs_events_and_containers_are_masked() {
    let message = || Some("exit 1: password=hunter2 Authorization: Bearer abcdefgh1".to_owned());
    let mut job =
        job(json!({"csi": {"otherOpts": "-o passwd=hunter2"}, "body": "password=hunter2"}));
    job.message = message();
    job.events = vec![crate::model::Event {
        message: message(),
        ..Default::default()
    }];
    let container = Container {
        message: message(),
        previous: Some(Box::new(crate::model::Termination {
            message: message(),
            ..Default::default()
        })),
        ..Container::default()
    };
    job.tasks = vec![Task {
        message: message(),
        containers: vec![container],
        ..Task::default()
    }];
    mask_document(job.raw.as_mut().unwrap());
    let mut shown = job.clone();
    mask_job(&mut shown, &redactor(&[]), false);
    let text = serde_json::to_string(&shown).unwrap();
    assert!(
        !text.contains("hunter2") && !text.contains("abcdefgh1"),
        "{text}"
    );
    let masked = "exit 1: password=*** Authorization: Bearer ***";
    assert_eq!(shown.message.as_deref(), Some(masked));
    mask_job(&mut job, &redactor(&[]), true);
    assert_eq!(job.message, message());
}

#[test]
fn secrets_used_as_object_keys_are_masked_and_no_entry_is_lost() {
    let document = json!({
        SECRET: {"a": [{format!("x-{SECRET}"): SECRET}]},
        format!("{SECRET}+"): 1,
        "***": 2,
    });
    let mut shown = masked(document, &[SECRET, &format!("{SECRET}+")]);
    let object = shown.as_object_mut().unwrap();
    let keys: Vec<&String> = object.keys().collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    let text = shown.to_string();
    assert!(!text.contains(SECRET), "{text}");
    assert!(text.contains(r#"{"x-***":"***"}"#), "{text}");
}

#[test]
fn secrets_that_are_common_words_change_no_object_key() {
    let document = json!({"status": "x", "ipv4": "y", "exitCodes": 1, "job_type": 2});
    let secrets = ["status", "ipv4", "exitCodes", "job_type"];
    assert_eq!(masked(document.clone(), &secrets), document);
}

#[test]
fn secrets_that_are_common_words_change_no_name_or_reason() {
    let mut job = job(json!({}));
    let words = [
        "main",
        "failed",
        "BackOff",
        "CrashLoopBackOff",
        "training",
        "image-pull",
    ];
    job.name = Some("main".to_owned());
    job.reason = Some("CrashLoopBackOff".into());
    job.queue = Some("image-pull".to_owned());
    job.message = Some("failed: main is in BackOff".to_owned());
    job.labels
        .insert("training".to_owned(), Some("training".to_owned()));
    let shown = |job: &Job| serde_json::to_value(job).unwrap();
    let before = shown(&job);
    mask_job(&mut job, &redactor(&words), true);
    assert_eq!(shown(&job), before);
    job.message = Some("the password training was refused".to_owned());
    job.name = Some("job of hunter2".to_owned());
    mask_job(&mut job, &redactor(&["training", "hunter2"]), true);
    assert_eq!(job.message.as_deref(), Some("the password *** was refused"));
    assert_eq!(job.name.as_deref(), Some("job of ***"));
}

#[test]
fn secrets_are_masked_in_the_region_the_message_and_urls_of_details() {
    let url = "https://u:S3cr3t@h/p?token=S3cr3t&page=2";
    let masked = "https://***@h/p?token=***&page=2";
    let mut job = job(json!({}));
    job.region = Some(format!("x {SECRET} y"));
    job.message = Some(format!("GET {url}"));
    job.details = Some(Arc::new(
        json!({"sources": [{"uri": url, "branch": "main"}]}),
    ));
    let shown = |job: &Job| serde_json::to_value(job).unwrap();
    let mut whole = job.clone();
    mask_job(&mut whole, &redactor(&[SECRET]), true);
    assert_eq!(shown(&whole)["details"]["sources"][0]["uri"], url);
    mask_job(&mut job, &redactor(&[SECRET]), false);
    let shown = shown(&job);
    assert_eq!(shown["region"], "x *** y");
    assert_eq!(shown["message"], format!("GET {masked}"));
    let details = json!({"sources": [{"uri": masked, "branch": "main"}]});
    assert_eq!(shown["details"], details);
}

#[test]
fn a_row_id_that_is_a_secret_is_masked() {
    let mut job = job(json!({}));
    mask_row_ids(&mut job, &redactor(&[SECRET, "c1", "7"]));
    assert_eq!((&*job.id, job.cluster.as_deref()), ("7", Some("c1")));
    job.id = SECRET.to_owned();
    job.reference = format!("aliyun/job/c1/{SECRET}");
    job.input = job.reference.as_str().into();
    mask_row_ids(&mut job, &redactor(&[SECRET]));
    assert_eq!((&*job.id, &*job.reference), ("***", "aliyun/job/c1/***"));
    assert_eq!(&*job.input, job.reference);
}

#[test]
fn fields_equal_to_the_job_id_are_masked_if_the_id_is_a_secret() {
    for (id, shown) in [(SECRET, "***"), ("main", "main")] {
        let mut job = job(json!({"Status": id}));
        job.id = id.to_owned();
        job.details = Some(Arc::new(json!({"charge_type": id})));
        job.user = Some(id.to_owned());
        job.region = Some(id.to_owned());
        job.tasks = vec![Task {
            id: Some(id.to_owned()),
            ..Task::default()
        }];
        mask_job(&mut job, &redactor(&[SECRET, "main"]), false);
        let value = serde_json::to_value(&job).unwrap();
        let fields = [
            &value["details"]["charge_type"],
            &value["region"],
            &value["user"],
            &value["tasks"][0]["id"],
            &value["raw"]["Status"],
        ];
        assert_eq!(fields, [shown; 5]);
    }
}
