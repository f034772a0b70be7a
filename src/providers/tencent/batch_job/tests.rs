mod counts;
mod slow;
mod success;

use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::error::Category;
use crate::providers::tencent::CLOUD;
use crate::providers::tencent::test_support::{job, rejecting, serve};
use crate::providers::test_support::{get_options, reference};
use crate::providers::{Cursor, Filter, LogParams, LogPosition, LogRequest, LogSource};
use crate::reference::{Reference, Scope};
use crate::test_support::jobs::responding;
use crate::test_support::kinds::check_kind;
use crate::test_support::{EmulatedJob, ServerResponse};

check_kind!(
    &BATCH_JOB,
    essential: [
        "Response", "Response.JobId", "Response.JobState", "Response.JobSet", "Response.JobSet[]",
        "Response.JobSet[].JobId", "Response.JobSet[].JobState", "Response.TaskName",
    ],
    evidence: []
);

fn failed(lines: &[u64]) -> EmulatedJob {
    let mut job = job(&BATCH_JOB, "job-1", "FAILED", lines);
    job.parts = 3;
    job.steps[0].exit_code = Some(137);
    job.steps[0].message = Some("container exit with code 137".to_owned());
    job
}

#[tokio::test]
async fn the_exit_code_and_message_of_a_job_are_those_of_its_failed_instance() {
    let (server, client) = serve(vec![failed(&[])], Arc::new(|_| None)).await;
    let reference = reference(&BATCH_JOB, &["job-1"]);
    let job = client.get(&reference, &get_options()).await.unwrap().job;
    assert_eq!(server.requested(), [GET.name, GET_TASK]);
    assert_eq!((job.state, job.exit_code), (State::Failed, Some(137)));
    let message = "instance main/2: container exit with code 137";
    assert_eq!(job.message.as_deref(), Some(message));
    let ids: Vec<_> = job
        .tasks
        .iter()
        .filter_map(|task| task.id.as_deref())
        .collect();
    assert_eq!(ids, ["main/0", "main/1", "main/2"]);
}

#[tokio::test]
async fn a_failed_instance_makes_a_succeeded_job_failed() {
    let instance = |fields: Value| {
        let mut instance = json!({"TaskInstanceIndex": 0, "TaskInstanceState": "SUCCEED"});
        instance
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        json!({"Response": {"TaskName": "main", "TaskInstanceTotalCount": 1, "TaskInstanceSet": [instance]}})
    };
    let reference = reference(&BATCH_JOB, &["job-1"]);
    for (fields, expected) in [
        (json!({}), (State::Succeeded, None)),
        (json!({"ExitCode": 1}), (State::Failed, Some(1))),
        (
            json!({"TaskInstanceState": "FAILED"}),
            (State::Failed, None),
        ),
        (
            json!({"TaskInstanceState": "RUNNING", "ExitCode": 2}),
            (State::Failed, Some(2)),
        ),
        (
            json!({"TaskInstanceState": "ZOMBIE", "ExitCode": 2}),
            (State::Failed, Some(2)),
        ),
    ] {
        let job = job(&BATCH_JOB, "job-1", "SUCCEED", &[]);
        let response = ServerResponse::json(200, &instance(fields));
        let responder = responding(&CLOUD, &[GET_TASK], response);
        let (_server, client) = serve(vec![job], responder).await;
        let job = client.get(&reference, &get_options()).await.unwrap().job;
        assert_eq!((job.state, job.exit_code), expected);
    }
}

#[tokio::test]
async fn the_message_of_a_failure_has_the_exit_code_and_no_text_for_a_success() {
    let reference = reference(&BATCH_JOB, &["job-1"]);
    for (code, reason, detailed, expected) in [
        (json!(137), "", "", "exit code 137"),
        (json!(137), "", "successful", "exit code 137"),
        (json!(137), "OOM", "successful", "OOM (exit code 137)"),
        (json!(137), "", "exit with code 137", "exit with code 137"),
        (
            json!(13),
            "",
            "exit with code 137",
            "exit with code 137 (exit code 13)",
        ),
        (
            json!(1),
            "",
            "worker 1 of 4: node lost",
            "worker 1 of 4: node lost (exit code 1)",
        ),
        (
            json!(1),
            "",
            "failed at 10.0.0.1",
            "failed at 10.0.0.1 (exit code 1)",
        ),
        (json!(137), "", "Exit code: 137.", "Exit code: 137."),
        (json!(-1), "", "exited with -1", "exited with -1"),
        (json!(0), "", "node lost", "node lost"),
        (json!(null), "", "success", "failed"),
    ] {
        let instance = json!({
            "TaskInstanceIndex": 0, "TaskInstanceState": "FAILED", "ExitCode": code,
            "StateReason": reason, "StateDetailedReason": detailed,
        });
        let task =
            json!({"TaskName": "main", "TaskInstanceTotalCount": 1, "TaskInstanceSet": [instance]});
        let response = ServerResponse::json(200, &json!({"Response": task}));
        for word in ["FAILED", "SUCCEED"] {
            let responder = responding(&CLOUD, &[GET_TASK], response.clone());
            let job = job(&BATCH_JOB, "job-1", word, &[]);
            let (_server, client) = serve(vec![job], responder).await;
            let job = client.get(&reference, &get_options()).await.unwrap().job;
            assert_eq!(job.state, State::Failed);
            let message = job.message.unwrap();
            match word == "SUCCEED" {
                true => assert!(!message.contains("success"), "{message}"),
                false => assert_eq!(message, format!("instance main/0: {expected}")),
            }
        }
    }
}

#[tokio::test]
async fn unreadable_instances_cause_a_notice_and_pending_tasks_no_request() {
    let reference = reference(&BATCH_JOB, &["job-1"]);
    let (_server, client) = serve(vec![failed(&[])], rejecting(&[GET_TASK])).await;
    let found = client.get(&reference, &get_options()).await.unwrap();
    assert_eq!(
        (found.job.state, found.job.exit_code),
        (State::Failed, None)
    );
    assert_eq!(found.notices.len(), 1);
    assert_eq!(found.notices[0].code, NoticeCode::PartsUnread);
    let pending = job(&BATCH_JOB, "job-1", "RUNNABLE", &[]);
    let (server, client) = serve(vec![pending], Arc::new(|_| None)).await;
    let found = client.get(&reference, &get_options()).await.unwrap();
    assert_eq!(
        (found.job.state, found.job.tasks.len()),
        (State::Pending, 1)
    );
    assert_eq!(server.requested(), [GET.name]);
}

#[tokio::test]
async fn a_success_is_undecided_if_instances_cannot_be_read() {
    let reference = reference(&BATCH_JOB, &["job-1"]);
    let error = |code: &str| {
        let body = json!({"Response": {"Error": {"Code": code, "Message": "m"}, "RequestId": "r"}});
        responding(&CLOUD, &[GET_TASK], ServerResponse::json(200, &body))
    };
    let unread = Some(Reason::SUBTASKS_UNREAD);
    let undecided = |has_ended| (State::Unknown, has_ended, unread);
    for (responder, trusts, expected) in [
        (error("InternalError"), false, undecided(false)),
        (error("InternalError"), true, undecided(false)),
        // A repeated request would get the same response.
        (rejecting(&[GET_TASK]), false, undecided(true)),
        (rejecting(&[GET_TASK]), true, (State::Succeeded, true, None)),
    ] {
        let options = RequestOptions {
            flags: trusts.then_some(TRUST_FINISHED.name).into_iter().collect(),
            ..get_options()
        };
        let job = job(&BATCH_JOB, "job-1", "SUCCEED", &[]);
        let (_server, client) = serve(vec![job], responder).await;
        let found = client.get(&reference, &options).await.unwrap();
        let job = found.job;
        assert_eq!((job.state, job.ended, job.reason.as_deref()), expected);
        assert_eq!(found.notices[0].code, NoticeCode::PartsUnread);
    }
}

#[tokio::test]
async fn jobs_are_looked_up_by_one_list_request_per_100() {
    let ids: Vec<String> = (0..101).map(|number| format!("job-{number}")).collect();
    let jobs = ids.iter().map(|id| job(&BATCH_JOB, id, "RUNNING", &[]));
    let (server, client) = serve(jobs.collect(), Arc::new(|_| None)).await;
    let references = ids.iter().map(|id| reference(&BATCH_JOB, &[id]));
    let references: Vec<Reference> = references.collect();
    let rows = client.batch_get(&references, &get_options()).await.unwrap();
    assert_eq!(server.requested(), [LIST.name; 2]);
    let states = rows.iter().flatten().map(|row| row.job.state);
    assert_eq!(states.filter(|state| *state == State::Running).count(), 101);
}

#[tokio::test]
async fn a_state_filter_requests_all_words_that_can_mean_the_state() {
    let words = ["FAILED_INTERRUPTED", "FAILED", "SUCCEED", "RUNNING"];
    let jobs = words.map(|word| job(&BATCH_JOB, word, word, &[])).to_vec();
    let (_server, client) = serve(jobs, Arc::new(|_| None)).await;
    let scope = Scope::at(&BATCH_JOB, "default", &[]).unwrap();
    let filter = Filter {
        states: vec![State::Failed],
        ..Filter::default()
    };
    let page = client
        .list(&scope, &filter, Cursor::FIRST, &get_options())
        .await;
    assert_eq!(page.unwrap().rows.len(), 3);
}

#[tokio::test]
async fn each_instance_has_two_logs_of_at_most_the_last_2048_bytes() {
    let times: Vec<u64> = (0..300).map(|number| 30_000 + number).collect();
    let (_server, client) = serve(vec![failed(&times)], Arc::new(|_| None)).await;
    let reference = reference(&BATCH_JOB, &["job-1"]);
    let job = client.get(&reference, &get_options()).await.unwrap().job;
    let sources = client.log_sources(&reference, &job);
    assert_eq!(sources.len(), 6);
    let read = async |source: &LogSource| {
        let request = LogRequest {
            reference: &reference,
            source,
            position: &LogPosition::Start,
            params: &LogParams::default(),
            before: &[],
            options: &get_options(),
        };
        client.read_log(request).await
    };
    let stdout = read(&sources[4]).await.unwrap();
    let text = String::from_utf8(stdout.data).unwrap();
    assert!(text.ends_with("第 298 行\n第 299 行\n"), "{text}");
    assert_eq!(stdout.truncated.as_deref(), Some("at most 2048 bytes"));
    let chunk = read(&sources[5]).await.unwrap();
    assert_eq!((chunk.data, chunk.truncated), (Vec::new(), None));
    let problem = read(&LogSource::default()).await.unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
}
