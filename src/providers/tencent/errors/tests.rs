use super::*;
use crate::providers::test_support::{classify, fixture_response, json, path, request, response};

/// Returns the category of an API 3.0 code, and whether to retry.
fn read(code: &str) -> (crate::error::Category, RetryAction) {
    let body = serde_json::json!({"Response": {"Error": {"Code": code}, "RequestId": "r"}});
    let error = classify(&ERRORS, &response(200, &body.to_string())).unwrap();
    assert_eq!(error.request_id.as_deref(), Some("r"));
    (error.category, error.retry)
}

#[test]
fn an_error_without_a_code_counts_even_beside_data() {
    let read = |error: serde_json::Value| {
        let content = serde_json::json!({"TotalCount": 0, "JobSet": [], "Error": error});
        let body = serde_json::json!({"Response": content}).to_string();
        let read = classify(&ERRORS, &response(200, &body));
        read.map(|error| (error.category, error.message))
    };
    let failed = |message: &str| Some((ServiceError, message.to_owned()));
    let message = read(serde_json::json!({"Message": "internal"}));
    assert_eq!(message, failed("internal"));
    for unreadable in [
        serde_json::json!("internal error"),
        serde_json::json!([{"Code": "InternalError"}]),
    ] {
        assert!(read(unreadable).is_some_and(|(category, _)| category == ServiceError));
    }
    assert_eq!(read(serde_json::Value::Null), None);
}

#[test]
fn an_error_code_in_the_field_return_code_is_read() {
    let read = |body: &str| classify(&ERRORS, &response(200, body)).map(|error| error.category);
    assert_eq!(
        read(r#"{"code":0,"returnCode":4000}"#),
        Some(InvalidArgument)
    );
    assert_eq!(read(r#"{"returnCode":"5000"}"#), Some(NotFound));
    assert_eq!(read(r#"{"code":"0","returnCode":0}"#), None);
    assert_eq!(read(r#"{"returnCode":0,"codeDesc":"Success"}"#), None);
}

#[test]
fn codes_of_api_3_are_classified_by_their_last_part_first() {
    for (category, retry, codes) in [
        (
            PermissionDenied,
            RetryAction::No,
            &[
                "UnauthorizedOperation.CamNoAuth",
                "UnauthorizedOperation.UserNotAllowedToUseBatch",
                "FailedOperation.CamNoAuth",
                "FailedOperation.NoPermission",
                "InternalError.NoPermission",
                "OperationDenied.UnauthorizedOperation",
                "AuthFailure.UnauthorizedOperation",
                "AuthFailure.NoPermission",
                "AuthFailure.CamException",
            ][..],
        ),
        (
            Unauthenticated,
            RetryAction::No,
            &[
                "AuthFailure",
                "AuthFailure.TokenFailure",
                "AuthFailure.SecretIdNotFound",
                "FailedOperation.InvalidAuthToken",
            ],
        ),
        (
            ClockSkew,
            RetryAction::AfterClockSync,
            &["AuthFailure.SignatureExpire"],
        ),
        (
            NotFound,
            RetryAction::No,
            &[
                "ResourceNotFound",
                "ResourceNotFound.Job",
                "FailedOperation.RecordNotFound",
                "InternalError.TaskNotFound",
                "InvalidParameterValue.JobNotFound",
            ],
        ),
        (
            Throttled,
            RetryAction::Backoff,
            &[
                "RequestLimitExceeded",
                "RequestLimitExceeded.UinLimitExceeded",
            ],
        ),
        (
            InvalidArgument,
            RetryAction::No,
            &[
                "InvalidParameter.JobIdMalformed",
                "InvalidParameterValue.LimitExceeded",
                "InvalidFilter",
                "InternalError.Param",
                "UnsupportedRegion",
                "MissingParameter",
                "UnknownParameter",
                "InvalidRequest",
                "ActionOffline",
                "FailedOperation.DeprecatedAPI",
                "InvalidAction",
                "NoSuchProduct",
                "NoSuchVersion",
            ],
        ),
        (
            ServiceError,
            RetryAction::Backoff,
            &["InternalError", "InternalError.CallCvm"],
        ),
        (
            ServiceError,
            RetryAction::No,
            &["ResourceUnavailable", "LimitExceeded"],
        ),
    ] {
        for code in codes {
            assert_eq!(read(code), (category, retry), "{code}");
        }
    }
}

#[test]
fn a_retired_operation_and_a_malformed_id_have_a_hint() {
    let read = |body: serde_json::Value| {
        let error = classify(&ERRORS, &response(200, &body.to_string())).unwrap();
        (error.category, error.retry, error.hint.unwrap())
    };
    let product = |code: &str| {
        read(serde_json::json!({"Response": {"Error": {"Code": code}, "RequestId": "r"}}))
    };
    let (_, _, hint) = product("ActionOffline");
    assert!(hint.contains("retired"), "{hint}");
    let (_, _, hint) = product("InvalidParameter.JobIdMalformed");
    assert!(hint.contains("job- and 8 characters"), "{hint}");
    let error = read(serde_json::json!({"code": 6100, "message": "m"}));
    let expected = (InvalidArgument, RetryAction::No, RETIRED.to_owned());
    assert_eq!(error, expected);
}

#[test]
fn the_hint_for_a_missing_service_names_the_kubernetes_workload() {
    let hint = |operation: &'static str| {
        let request = request(operation, &[]);
        let context = HintContext {
            request: &request,
            region: None,
        };
        not_found(&context).unwrap()
    };
    assert!(hint("DescribeServiceEvent").contains("joblens get kubernetes/workload/"));
    assert_eq!(hint("DescribeJob"), CHECK_ID);
}

#[test]
fn the_code_message_and_request_id_of_an_error_are_kept() {
    for file in std::fs::read_dir(path("tencent/errors")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = format!("tencent/errors/{name}");
        let error = classify(&ERRORS, &fixture_response(200, &name)).unwrap();
        let response = &json(&name)["Response"];
        assert_eq!(
            error.code.as_deref(),
            response["Error"]["Code"].as_str(),
            "{name}"
        );
        assert_eq!(error.message, response["Error"]["Message"], "{name}");
        assert_eq!(
            error.request_id.as_deref(),
            response["RequestId"].as_str(),
            "{name}"
        );
    }
}
