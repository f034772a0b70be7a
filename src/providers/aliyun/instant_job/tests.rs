use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::model::{Notice, NoticeCode};
use crate::providers::aliyun::CLOUD;
use crate::providers::api::DecodeError;
use crate::providers::test_support::{ask, lookup, moment, profile, reference, transport};
use crate::test_support::ServerResponse;
use crate::test_support::jobs::{job, responding, serve};
use crate::test_support::kinds::check_kind;

check_kind!(
    &INSTANT_JOB,
    essential: [
        "JobInfo", "JobInfo.JobId", "JobInfo.Status",
        "JobList", "JobList[]", "JobList[].JobId", "JobList[].Status",
    ],
    evidence: ["ExitCode"]
);

fn read(fields: &Value) -> Result<GetResult, DecodeError> {
    let variables = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-id"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret"),
        ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
    ];
    let wire = transport(moment("2026-01-02T03:04:05Z"));
    let api = Api::new(&profile(&CLOUD, &variables), &wire).unwrap();
    let reference = reference(&INSTANT_JOB, &["job-1"]);
    let body = json!({"JobInfo": fields}).to_string();
    decode_job(body.as_bytes(), &api, lookup(&reference, &ask()))
}

#[test]
fn an_exception_is_unknown_and_has_not_ended() {
    let state = |word: &str| {
        let job = read(&json!({"JobId": "job-1", "Status": word})).unwrap();
        let named = job.notices.len();
        (job.job.state, job.job.ended, named)
    };
    assert_eq!(state("Exception"), (State::Unknown, false, 0));
    assert_eq!(state("Succeed"), (State::Succeeded, true, 0));
    assert_eq!(state("Suspended"), (State::Pending, false, 0));
    assert_eq!(state("Expired"), (State::Failed, true, 0));
    assert_eq!(state("Finished"), (State::Unknown, false, 1));
}

#[test]
fn a_response_must_be_about_the_job() {
    for fields in [
        json!(null),
        json!({"Status": "Succeeded"}),
        json!({"JobId": "job-12", "Status": "Succeeded"}),
    ] {
        assert!(
            matches!(read(&fields), Err(DecodeError::Invalid(_))),
            "{fields}"
        );
    }
}

#[test]
fn the_reason_of_a_job_is_that_of_an_executor_in_the_same_state() {
    let executors = json!([
        {"ArrayId": 0, "Status": "Succeeded", "StatusReason": "released"},
        {"ArrayId": 1, "Status": "Failed", "StatusReason": "exit code 137"},
    ]);
    let message = |word: &str| {
        let tasks = json!([{"TaskName": "Task0", "ExecutorStatus": executors}]);
        let job = read(&json!({"JobId": "job-1", "Status": word, "Tasks": tasks}));
        job.unwrap().job.message
    };
    assert_eq!(message("Failed").as_deref(), Some("exit code 137"));
    assert_eq!(message("Succeeded"), None);
    assert_eq!(message("Pending"), None);
}

#[tokio::test]
async fn exit_codes_that_are_not_read_cost_a_notice() {
    let mut job = job(&INSTANT_JOB, "job-1", "Succeed", &[]);
    job.parts = 21;
    let (_server, client) = serve(&CLOUD, vec![job], Arc::new(|_| None)).await;
    let reference = reference(&INSTANT_JOB, &["job-1"]);
    let found = client.get(&reference, &ask()).await.unwrap();
    assert_eq!(found.job.exit_code, None);
    let unread = |notice: &&Notice| notice.code == NoticeCode::ExitCodesUnread;
    let notice = found.notices.iter().find(unread).unwrap();
    assert!(notice.message.ends_with("20 executors, not of 1 more"));
}

#[tokio::test]
async fn a_job_whose_executor_failed_has_failed_whatever_its_word_says() {
    let job = job(&INSTANT_JOB, "job-1", "Succeed", &[]);
    let body = json!({"ExitCode": 3, "Output": ""});
    let results = responding(
        &CLOUD,
        &["DescribeJobResults"],
        ServerResponse::json(200, &body),
    );
    let (_server, client) = serve(&CLOUD, vec![job], results).await;
    let found = client
        .get(&reference(&INSTANT_JOB, &["job-1"]), &ask())
        .await;
    let job = found.unwrap().job;
    assert_eq!((job.state, job.exit_code), (State::Failed, Some(3)));
    assert_eq!(job.state_raw.as_deref(), Some("Succeed"));
    assert!(job.message.unwrap().ends_with(": exit code 3"));
    assert_eq!(job.tasks[0].state, State::Failed);
}
