//! Tests of requests for results that fail.

use std::sync::Arc;

use super::*;
use crate::http::{ClientOptions, Transport};
use crate::model::Reason;
use crate::providers::aliyun::CLOUD;
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::test_support::{get_options, reference};
use crate::providers::{GetResult, RequestOptions};
use crate::test_support::kinds::client;
use crate::test_support::{EmulatedState, Responder, ServerResponse, TestServer, start_time};

/// State, whether the job has ended, its reason, and why parts of it are unread.
type Outcome = (State, bool, Option<String>, Option<Category>);

fn outcome(job: Job) -> Outcome {
    let reason = job.reason.map(String::from);
    (job.state, job.ended, reason, job.unread_cause)
}

fn undecided(has_ended: bool, cause: Category) -> Outcome {
    let reason = Some(Reason::SUBTASKS_UNREAD.to_owned());
    (State::Unknown, has_ended, reason, Some(cause))
}

fn trusted() -> Outcome {
    let reason = Some("exit codes unavailable".to_owned());
    (State::Succeeded, true, reason, None)
}

#[test]
fn unread_results_are_trusted_only_if_they_can_never_be_read() {
    use Category::*;
    for (cause, has_ended, is_permanent) in [
        (Network, false, false),
        (Throttled, false, false),
        (ServiceError, false, false),
        (InvalidResponse, false, false),
        (Unauthenticated, true, false),
        (ClockSkew, true, false),
        (InvalidArgument, true, false),
        (PermissionDenied, true, true),
        (NotFound, true, true),
    ] {
        for trusts in [false, true] {
            let mut results = Results::default();
            results.fail(&Problem::new(cause, "m"));
            let status = status("Finished", TWO);
            let (job, notices) = status.into_job(invocation("c"), &[], Some(results), trusts);
            let expected = match trusts && is_permanent {
                true => trusted(),
                false => undecided(has_ended, cause),
            };
            assert_eq!(notices[0].code.as_str(), "exit_codes_unread");
            let message = job.message.clone().unwrap_or_default();
            let reason = format!("{}: m", cause.as_str());
            assert!(message.ends_with(&reason), "{message}");
            assert_eq!(outcome(job), expected, "{cause:?}, {trusts}");
        }
    }
}

#[test]
fn unread_results_do_not_end_an_invocation_with_a_node_that_runs() {
    for trusts in [false, true] {
        let mut results = Results::default();
        results.fail(&Problem::new(Category::PermissionDenied, "m"));
        let nodes = [("i-1", "Finished"), ("i-2", "Running")];
        let status = status("Finished", &nodes);
        let (job, _) = status.into_job(invocation("c"), &[], Some(results), trusts);
        assert_eq!(outcome(job), undecided(false, Category::PermissionDenied));
    }
}

/// Looks up a finished invocation with this response to the request for its results, in a single attempt.
async fn read(response: ServerResponse, trusts: bool) -> GetResult {
    let nodes = json!([{"InstanceId": "i-1", "InstanceInvokeStatus": "Finished"}]);
    let status = json!({"RequestId": "R", "CommandId": "c", "InvokeStatus": "Finished",
        "InvokeInstances": {"InvokeInstance": nodes}});
    let respond: Responder = Arc::new(move |request| {
        let is_status = request.header("x-acs-action") == Some("ListInvocationStatus");
        Some(match is_status {
            true => ServerResponse::json(200, &status),
            false => response.clone(),
        })
    });
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&CLOUD, state, respond).await;
    let options = ClientOptions {
        max_attempts: 1,
        ..ClientOptions::default()
    };
    let transport = Transport::new(options, &[], Arc::new(start_time), Arc::new(|_| {})).unwrap();
    let client = client(&CLOUD, &server, &transport);
    let options = RequestOptions {
        flags: trusts.then_some(TRUST_FINISHED.name).into_iter().collect(),
        ..get_options()
    };
    let reference = reference(&INVOCATION, &["ehpc-1", "c"]);
    client.get(&reference, &options).await.unwrap()
}

#[tokio::test]
async fn the_response_to_the_request_for_results_decides_whether_they_are_trusted() {
    let error = |status, code: &str| {
        let body = json!({"RequestId": "R", "Code": code, "Message": "m"});
        ServerResponse::json(status, &body)
    };
    let html = |status| ServerResponse::html(status, "<html>gateway</html>".to_owned());
    let failed = exit("i-1", json!(3), json!(false));
    let rows = json!({"RequestId": "R", "TotalCount": 1,
        "InvocationResults": {"InvocationResult": [failed]}});
    use Category::*;
    for (response, expected) in [
        (
            error(503, "ServiceUnavailable"),
            Some((ServiceError, false)),
        ),
        (error(400, "Throttling.User"), Some((Throttled, false))),
        (html(502), Some((ServiceError, false))),
        (
            ServerResponse::document(200, r#"{"RequestId":"R""#),
            Some((InvalidResponse, false)),
        ),
        (html(404), Some((InvalidArgument, true))),
        (error(403, "Forbidden.RAM"), Some((PermissionDenied, true))),
        (ServerResponse::json(200, &rows), None),
    ] {
        for trusts in [false, true] {
            let found = outcome(read(response.clone(), trusts).await.job);
            let expected = match expected {
                None => (State::Failed, true, Some("exit code 3".to_owned()), None),
                Some((PermissionDenied, _)) if trusts => trusted(),
                Some((cause, has_ended)) => undecided(has_ended, cause),
            };
            assert_eq!(found, expected, "{response:?}, {trusts}");
        }
    }
}
