//! Tests how responses with errors are classified.

use super::*;
use crate::error::Category;
use crate::http::RetryAction;
use crate::providers::huawei::errors::ERRORS;
use crate::providers::test_support::{classify, error_of};

#[test]
fn error_codes_take_precedence_over_the_http_status() {
    use Category::{
        ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
        Unauthenticated,
    };
    let cases = [
        (401, "APIGW.0301", Unauthenticated, RetryAction::No),
        (401, "APIGW.0303", ClockSkew, RetryAction::AfterClockSync),
        (401, "APIGW.0302", PermissionDenied, RetryAction::No),
        (401, "APIGW.0306", PermissionDenied, RetryAction::No),
        (403, "APIGW.0305", Unauthenticated, RetryAction::No),
        (403, "APIGW.0308", Throttled, RetryAction::Backoff),
        (404, "APIGW.0101", InvalidArgument, RetryAction::No),
        (500, "WKS.0202", NotFound, RetryAction::No),
        (400, "WKS.0202", NotFound, RetryAction::No),
        (500, "WKS.0001", ServiceError, RetryAction::No),
        (404, "WKS.00081103", NotFound, RetryAction::No),
        (403, "WKS.00010099", PermissionDenied, RetryAction::No),
        (429, "WKS.0429", Throttled, RetryAction::Backoff),
        (400, "WKS.00170117", InvalidArgument, RetryAction::No),
        (502, "APIGW.0201", ServiceError, RetryAction::Backoff),
        (200, "WKS.0001", ServiceError, RetryAction::No),
    ];
    for (status, code, category, retry) in cases {
        let body = format!(r#"{{"error_code":"{code}","error_msg":"m"}}"#);
        let error = error_of(&ERRORS, status, &body).unwrap();
        assert_eq!((error.category, error.retry), (category, retry), "{code}");
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(error.message, "m");
    }
    assert!(
        classify(
            &ERRORS,
            &test_support::fixture_response(200, "huawei/image-job/success.json")
        )
        .is_none()
    );
    for (body, is_error) in [
        (
            r#"{"id":"7","status":"SUCCESS","error_code":"WKS.1","error_msg":"quota"}"#,
            true,
        ),
        (
            r#"{"status":500,"error_code":"WKS.1","count":0,"items":[]}"#,
            true,
        ),
        (
            r#"{"id":"7","status":"SUCCESS","error":{"code":"WKS.1"}}"#,
            true,
        ),
        (
            r#"{"id":"7","status":"SUCCESS","error_code":"0","code":"WKS.1"}"#,
            true,
        ),
        (
            r#"{"id":"7","status":"SUCCESS","error_code":"0","error_msg":"success"}"#,
            false,
        ),
        (
            r#"{"id":"7","status":"SUCCESS","error_code":"","error":{}}"#,
            false,
        ),
    ] {
        let found = error_of(&ERRORS, 200, body);
        assert_eq!(found.is_some(), is_error, "{body}");
    }
}

#[test]
fn an_error_is_read_from_every_known_field_name() {
    for (body, code) in [
        (r#"{"error_msg":"m","error_code":"X.1","code":"no"}"#, "X.1"),
        (r#"{"errorMsg":"m","errorCode":"X.2"}"#, "X.2"),
        (r#"{"message":"m","code":"X.3"}"#, "X.3"),
        (
            r#"{"error":{"message":"m","code":403,"title":"Forbidden"}}"#,
            "403",
        ),
        (r#"{"a":{"b":{"error_msg":"m","error_code":"X.4"}}}"#, "X.4"),
    ] {
        let error = error_of(&ERRORS, 403, body).unwrap();
        assert_eq!(error.code.as_deref(), Some(code), "{body}");
        assert_eq!(error.message, "m", "{body}");
        assert_eq!(error.category, Category::PermissionDenied);
        assert!(error.hint.unwrap().contains("ReadOnlyAccess"));
    }
    for body in ["", "<html>", "[]", r#"{"error_code":""}"#] {
        let error = error_of(&ERRORS, 503, body).unwrap();
        assert_eq!((error.category, error.code), (Category::ServiceError, None));
    }
}

#[test]
fn a_rejected_signature_warns_of_the_account_lock_and_hides_the_echo() {
    let response = test_support::fixture_response(401, "huawei/error-signature.json");
    let rejected = classify(&ERRORS, &response).unwrap();
    assert_eq!(rejected.category, Category::Unauthenticated);
    assert!(rejected.hint.unwrap().contains("five"));
    assert!(
        !rejected.message.contains("x-security-token"),
        "{}",
        rejected.message
    );
    assert_eq!(
        rejected.request_id.as_deref(),
        Some("7c9d0f4e5b6a4d3c8e2f1a0b9c8d7e6f")
    );
    let mut response = response;
    response.headers = vec![("x-request-id".into(), "of-the-header".into())];
    let rejected = classify(&ERRORS, &response).unwrap();
    assert_eq!(rejected.request_id.as_deref(), Some("of-the-header"));
}

#[test]
fn a_success_with_the_message_of_an_error_is_undecided() {
    let state = |field: &str, text: &str| {
        let sub_job = r#"{"id":"8","status":"SUCCESS"}"#;
        let body = format!(
            r#"{{"id":"7","status":"SUCCESS","sub_jobs_total":1,"sub_jobs":[{sub_job}],"{field}":"{text}"}}"#
        );
        let job = read_text(&body).unwrap().job;
        (job.state, job.ended, job.message)
    };
    let message = "the job has succeeded, but the response has the error busy".to_owned();
    let undecided = (State::Unknown, false, Some(message));
    for field in ["error_msg", "errorMsg"] {
        assert_eq!(state(field, "busy"), undecided, "{field}");
        let found = state(field, "success");
        assert_eq!(found, (State::Succeeded, true, None), "{field}");
    }
}
