mod executors;
mod lists;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::model::{Notice, NoticeCode};
use crate::providers::aliyun::CLOUD;
use crate::providers::api::DecodeError;
use crate::providers::test_support::{
    get_options, get_options_without_details, lookup, moment, profile, promptly, reference,
    transport,
};
use crate::test_support::jobs::{hanging, job, responding, serve};
use crate::test_support::kinds::check_kind;
use crate::test_support::{Responder, ServerRequest, ServerResponse, emulated};

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
    let transport = transport(moment("2026-01-02T03:04:05Z"));
    let api = Api::new(&profile(&CLOUD, &variables), &transport).unwrap();
    let reference = reference(&INSTANT_JOB, &["job-1"]);
    let body = json!({"JobInfo": fields}).to_string();
    let job = decode_job(body.as_bytes(), &api, lookup(&reference, &get_options()));
    job.map(|job| job.result)
}

#[test]
fn the_state_exception_is_unknown_and_has_not_ended() {
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
fn an_expired_job_has_the_reason_expired() {
    let reasons = |word: &str| {
        let executors = json!([{"ArrayId": 0, "Status": word}]);
        let tasks = json!([{"TaskName": "Task0", "ExecutorStatus": executors}]);
        let read = read(&json!({"JobId": "job-1", "Status": word, "Tasks": tasks}));
        let job = read.unwrap().job;
        [
            job.reason.clone().map(String::from),
            job.tasks[0].reason.clone(),
        ]
    };
    let expired = Some("Expired".to_owned());
    assert_eq!(reasons("Expired"), [expired.clone(), expired]);
    assert_eq!(reasons("Failed"), [None, None]);
}

#[test]
fn a_response_without_the_requested_job_id_is_invalid() {
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
fn a_failed_job_has_the_message_of_a_failed_executor() {
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
async fn events_are_read_up_to_the_reported_total_and_at_most_1000() {
    // The cloud's total, events per page, events that exist, and events that are read.
    for (total, size, available, read, is_unreadable) in [
        (Some(60), 50, 60, 60, false),
        (None, 50, 60, 50, false),
        (None, 100, 250, 250, false),
        (Some(250), 100, 250, 250, false),
        (Some(1_050), 100, 1_050, 1_000, true),
        (Some(300), 100, 250, 250, true),
    ] {
        let responder: Responder = Arc::new(move |request: &ServerRequest| {
            (emulated(&CLOUD).operation(request)? == "ListExecutorEvents").then_some(())?;
            let page: usize = request.parameter("PageNumber")?.parse().ok()?;
            let numbers = (page - 1) * size..(page * size).min(available);
            let rows: Vec<Value> = numbers
                .map(|number| json!({"Level": "Normal", "Content": number.to_string()}))
                .collect();
            let body = json!({"TotalCount": total, "ExecutorEventList": rows});
            Some(ServerResponse::json(200, &body))
        });
        let job = job(&INSTANT_JOB, "job-1", "Running", &[]);
        let (_server, client) = serve(&CLOUD, vec![job], responder).await;
        let reference = reference(&INSTANT_JOB, &["job-1"]);
        let found = client.get(&reference, &get_options()).await.unwrap();
        let truncated = |notice: &Notice| notice.code == NoticeCode::EventsTruncated;
        assert_eq!(found.job.events.len(), read, "{total:?}");
        assert_eq!(found.job.events_unreadable, is_unreadable, "{total:?}");
        assert_eq!(found.notices.iter().any(truncated), is_unreadable);
    }
}

#[tokio::test]
async fn a_response_without_a_list_of_events_leaves_warnings_unknown() {
    for (body, is_unreadable) in [
        (json!({"TotalCount": 0, "ExecutorEventList": []}), false),
        (json!({"TotalCount": 0, "ExecutorEventList": "x"}), true),
        (json!({}), true),
    ] {
        let responder = responding(
            &CLOUD,
            &["ListExecutorEvents"],
            ServerResponse::json(200, &body),
        );
        let job = job(&INSTANT_JOB, "job-1", "Running", &[]);
        let (_server, client) = serve(&CLOUD, vec![job], responder).await;
        let found = client
            .get(&reference(&INSTANT_JOB, &["job-1"]), &get_options())
            .await;
        assert_eq!(
            found.unwrap().job.events_unreadable,
            is_unreadable,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_success_is_undecided_if_an_executor_has_no_unique_id() {
    let executor = |id: Value| json!({"ArrayId": id, "Status": "Succeeded"});
    for (ids, state) in [
        ([json!(0), json!(1)], State::Succeeded),
        ([json!(0), json!(0)], State::Unknown),
        ([json!(0), json!(null)], State::Unknown),
    ] {
        let executors = ids.clone().map(executor);
        let task = json!({"TaskName": "Task0", "ExecutorStatus": executors});
        assert_eq!(executors::read(task).await.0, state, "{ids:?}");
    }
}

#[tokio::test]
async fn a_success_is_undecided_without_its_executors() {
    let task = |executors: Value, policy: Value| json!([{"TaskName": "Task0", "ExecutorStatus": executors, "ExecutorPolicy": policy}]);
    let executor = |index: u8| json!({"ArrayId": index, "Status": "Succeeded"});
    let array = |last: u8, step: u8| json!({"MaxCount": 2, "ArraySpec": {"IndexStart": 0, "IndexEnd": last, "IndexStep": step}});
    let one = || json!([executor(0)]);
    let succeeded = "the job has succeeded, but";
    for (status, tasks, message) in [
        ("Succeeded", Value::Null, Some("it has no tasks")),
        ("Succeeded", json!([]), Some("it has no tasks")),
        (
            "Succeeded",
            task(json!([]), json!({})),
            Some("Task0 has 0 of 1 executors"),
        ),
        (
            "Succeed",
            task(one(), array(1, 1)),
            Some("Task0 has 1 of 2 executors"),
        ),
        ("Succeeded", task(one(), array(1, 2)), None),
        ("Succeeded", task(one(), json!({"MaxCount": 2})), None),
        (
            "Succeeded",
            task(json!([executor(0), executor(1)]), array(1, 1)),
            None,
        ),
    ] {
        let info = json!({"JobId": "job-1", "Status": status, "Tasks": tasks});
        let body = json!({"JobInfo": info});
        let responder: Responder = Arc::new(move |request: &ServerRequest| {
            match emulated(&CLOUD).operation(request)?.as_str() {
                "GetJob" => Some(ServerResponse::json(200, &body)),
                "DescribeJobResults" => Some(ServerResponse::json(200, &json!({"ExitCode": 0}))),
                _ => None,
            }
        });
        let (_server, client) = serve(&CLOUD, Vec::new(), responder).await;
        let reference = reference(&INSTANT_JOB, &["job-1"]);
        for trusts in [false, true] {
            let options = RequestOptions {
                flags: trusts.then_some(TRUST_FINISHED.name).into_iter().collect(),
                ..get_options()
            };
            let found = client.get(&reference, &options).await.unwrap();
            let missing = message.filter(|_| !trusts);
            let expected = missing.map(|text| {
                format!("{succeeded} {text}; --trust-finished accepts the cloud's state")
            });
            let state = match missing {
                Some(_) => State::Unknown,
                None => State::Succeeded,
            };
            assert_eq!(found.job.state, state, "{info}");
            assert_eq!(found.job.ended, missing.is_none());
            assert_eq!(found.job.message, expected);
            let is_warned = |notice: &Notice| notice.code == NoticeCode::ExitCodesUnread;
            assert_eq!(found.notices.iter().any(is_warned), message.is_some());
        }
    }
}

#[tokio::test]
async fn only_the_exit_codes_of_the_first_100_executors_are_read() {
    let read = async |parts, exit_code| {
        let mut job = job(&INSTANT_JOB, "job-1", "Succeed", &[]);
        (job.parts, job.steps[0].exit_code) = (parts, Some(exit_code));
        let (server, client) = serve(&CLOUD, vec![job], Arc::new(|_| None)).await;
        let reference = reference(&INSTANT_JOB, &["job-1"]);
        let found = client.get(&reference, &get_options()).await.unwrap();
        let requested = server.requested();
        let results = requested
            .iter()
            .filter(|name| *name == "DescribeJobResults");
        (results.count(), found)
    };
    let (requests, found) = read(100, 3).await;
    assert_eq!((requests, found.job.exit_code), (100, Some(3)));
    assert_eq!(found.job.state, State::Failed);
    let unread = |notice: &&Notice| notice.code == NoticeCode::ExitCodesUnread;
    assert_eq!(found.notices.iter().find(unread), None);
    let (requests, found) = read(101, 0).await;
    assert_eq!((requests, found.job.exit_code), (100, None));
    assert_eq!(found.job.state, State::Succeeded);
    let notice = found.notices.iter().find(unread).unwrap();
    assert!(notice.message.ends_with("100 executors, not of 1 more"));
}

#[tokio::test]
async fn a_success_is_undecided_if_exit_codes_cannot_be_read() {
    let respond = |status, body: &Value| {
        responding(
            &CLOUD,
            &["DescribeJobResults"],
            ServerResponse::json(status, body),
        )
    };
    let denied = json!({"Code": "Forbidden.RAM", "Message": "not authorized"});
    let gone = json!({"Code": "NotFound", "Message": "m"});
    let expired = json!({"Code": "InvalidSecurityToken.Expired", "Message": "m"});
    let other = json!({});
    let unread = Some(Reason::SUBTASKS_UNREAD);
    for (status, body, trusts, expected) in [
        (403, &denied, false, (State::Unknown, true, unread)),
        (403, &denied, true, (State::Succeeded, true, None)),
        (404, &gone, false, (State::Unknown, true, unread)),
        // Another credential, or a gateway that is no longer updated, can make the exit codes readable.
        (400, &expired, true, (State::Unknown, true, unread)),
        (404, &other, true, (State::Unknown, true, unread)),
        (
            200,
            &json!({"ExitCode": [0]}),
            true,
            (State::Unknown, false, unread),
        ),
        (
            200,
            &json!({"ExitCode": null}),
            false,
            (State::Unknown, false, unread),
        ),
        (200, &json!({}), false, (State::Unknown, false, unread)),
        (
            200,
            &json!({"ExitCode": ""}),
            true,
            (State::Succeeded, true, None),
        ),
    ] {
        let mut job = job(&INSTANT_JOB, "job-1", "Succeed", &[]);
        job.parts = 30;
        let (server, client) = serve(&CLOUD, vec![job], respond(status, body)).await;
        let options = RequestOptions {
            flags: trusts.then_some(TRUST_FINISHED.name).into_iter().collect(),
            ..get_options()
        };
        let found = client
            .get(&reference(&INSTANT_JOB, &["job-1"]), &options)
            .await;
        let job = found.unwrap().job;
        assert_eq!(
            (job.state, job.ended, job.reason.as_deref()),
            expected,
            "{body}"
        );
        let requested = server.requested();
        let count = requested
            .iter()
            .filter(|name| *name == "DescribeJobResults")
            .count();
        // Without a permission, only the first executors are requested; a rejected credential ends the requests.
        let expected = match status {
            200 => 30..=30,
            400 => 1..=20,
            _ => 20..=20,
        };
        assert!(expected.contains(&count), "{status}: {count}");
    }
}

#[test]
fn executors_that_have_not_succeeded_leave_a_success_undecided() {
    let read = |executors: Value| {
        let tasks = json!([{"TaskName": "Task0", "ExecutorStatus": executors}]);
        let fields = json!({"JobId": "job-1", "Status": "Succeeded", "Tasks": tasks});
        let mut job = read(&fields).unwrap().job;
        states::confirm_success(&mut job, states::FailureCause::default());
        (job.state, job.message.unwrap_or_default())
    };
    let executor = |at, word: &str| json!({"ArrayId": at, "Status": word});
    let exception = "the cloud reports Succeeded, but Task0-1 is Exception";
    let both = json!([executor(0, "Succeeded"), executor(1, "Exception")]);
    assert_eq!(read(both), (State::Unknown, exception.to_owned()));
    let failed = json!([executor(0, "Exception"), executor(1, "Failed")]);
    assert_eq!(
        read(failed),
        (State::Failed, "Task0-1 has failed".to_owned())
    );
    for word in ["Running", "Deleted", "Finished"] {
        assert_eq!(read(json!([executor(0, word)])).0, State::Unknown, "{word}");
    }
    assert_eq!(read(json!([executor(0, "")])).0, State::Succeeded);
}

#[tokio::test]
async fn a_failed_executor_makes_a_succeeded_job_failed() {
    let job = job(&INSTANT_JOB, "job-1", "Succeed", &[]);
    let body = json!({"ExitCode": 3, "Output": ""});
    let results = responding(
        &CLOUD,
        &["DescribeJobResults"],
        ServerResponse::json(200, &body),
    );
    let (_server, client) = serve(&CLOUD, vec![job], results).await;
    let found = client
        .get(&reference(&INSTANT_JOB, &["job-1"]), &get_options())
        .await;
    let job = found.unwrap().job;
    assert_eq!((job.state, job.exit_code), (State::Failed, Some(3)));
    assert_eq!(job.state_raw.as_deref(), Some("Succeed"));
    assert!(job.message.unwrap().ends_with(": exit code 3"));
    assert_eq!(job.tasks[0].state, State::Failed);
}

#[tokio::test]
async fn a_hanging_events_request_does_not_delay_a_failure() {
    let jobs = vec![job(&INSTANT_JOB, "job-1", "Failed", &[])];
    let (_server, client) = serve(&CLOUD, jobs, hanging(&CLOUD, &["ListExecutorEvents"])).await;
    let reference = reference(&INSTANT_JOB, &["job-1"]);
    let found = promptly(client.get(&reference, &get_options_without_details())).await;
    let job = found.unwrap().job;
    assert_eq!((job.state, job.events_unreadable), (State::Failed, true));
}
