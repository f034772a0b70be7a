use super::*;
use crate::error::Category;
use crate::http::RequestError;
use crate::providers::test_support;
use proptest::prelude::*;

fn response(status: u16, body: &str) -> Response {
    test_support::response(status, body)
}

/// Classifies a response to a request about a cluster in a region.
fn classify_in(region: &str, response: &Response) -> Option<RequestError> {
    let query = [("ClusterId", "ehpc-hz-FYUr32")];
    let context = HintContext {
        request: &test_support::request("DescribeServerlessJobs", &query),
        region: Some(region),
    };
    ERRORS.classify(&context, response)
}

fn classify(response: &Response) -> Option<RequestError> {
    classify_in("cn-shanghai", response)
}

fn error_of(status: u16, code: &str) -> RequestError {
    let body = format!(r#"{{"RequestId":"R1","Message":"No.\n Not at all.","Code":"{code}"}}"#);
    classify(&response(status, &body)).unwrap()
}

const ERRORS_BY_CODE: [(u16, &str, Category, RetryAction); 41] = [
    (400, "Throttling.User", Throttled, RetryAction::Backoff),
    (400, "Throttling", Throttled, RetryAction::Backoff),
    (
        400,
        "SignatureNonceUsed",
        ServiceError,
        RetryAction::Immediate,
    ),
    (
        400,
        "InvalidTimeStamp.Expired",
        ClockSkew,
        RetryAction::AfterClockSync,
    ),
    (
        400,
        "IllegalTimestamp",
        ClockSkew,
        RetryAction::AfterClockSync,
    ),
    (
        400,
        "InvalidTimeStamp.Format",
        InvalidArgument,
        RetryAction::No,
    ),
    (
        404,
        "InvalidAccessKeyId.NotFound",
        Unauthenticated,
        RetryAction::No,
    ),
    (404, "InvalidAccessKeyId", Unauthenticated, RetryAction::No),
    (
        400,
        "SignatureDoesNotMatch",
        Unauthenticated,
        RetryAction::No,
    ),
    (
        400,
        "MissingSecurityToken",
        Unauthenticated,
        RetryAction::No,
    ),
    (
        400,
        "InvalidSecurityToken.Expired",
        Unauthenticated,
        RetryAction::No,
    ),
    (407, "NotAuthorized", PermissionDenied, RetryAction::No),
    (400, "NotEnabled", PermissionDenied, RetryAction::No),
    (403, "Forbidden.RAM", PermissionDenied, RetryAction::No),
    (404, "ClusterNotFound", NotFound, RetryAction::No),
    (
        404,
        "InvalidContainerGroup.NotFound",
        NotFound,
        RetryAction::No,
    ),
    (400, "ContainerNotExists", NotFound, RetryAction::No),
    (404, "ComputeNotFound", NotFound, RetryAction::No),
    (404, "ObjectNotFound", NotFound, RetryAction::No),
    (403, "ExecFail", ServiceError, RetryAction::No),
    (404, "ManagerNotFound", ServiceError, RetryAction::No),
    (404, "InvalidApi.NotFound", InvalidArgument, RetryAction::No),
    (
        404,
        "InvalidProduct.NotFound",
        InvalidArgument,
        RetryAction::No,
    ),
    (
        404,
        "InvalidRegion.NotFound",
        InvalidArgument,
        RetryAction::No,
    ),
    (
        404,
        "InvalidAction.NotFound",
        InvalidArgument,
        RetryAction::No,
    ),
    (404, "JobNotFound", NotFound, RetryAction::No),
    (404, "InvalidJobId.NotFound", NotFound, RetryAction::No),
    (404, "InvalidClusterId.NotFound", NotFound, RetryAction::No),
    (404, "SomethingNew", InvalidArgument, RetryAction::No),
    (
        400,
        "InvalidJobId.NotFound",
        InvalidArgument,
        RetryAction::No,
    ),
    (400, "MissingClusterId", InvalidArgument, RetryAction::No),
    (400, "InvalidParams", InvalidArgument, RetryAction::No),
    (403, "ConflictOpt", ServiceError, RetryAction::Backoff),
    (406, "EcsError", ServiceError, RetryAction::No),
    (406, "DbError", ServiceError, RetryAction::No),
    (409, "PartFailure", ServiceError, RetryAction::No),
    (500, "UnknownError", ServiceError, RetryAction::Backoff),
    (
        503,
        "ServiceUnavailable",
        ServiceError,
        RetryAction::Backoff,
    ),
    (500, "SomethingNew", ServiceError, RetryAction::Backoff),
    (403, "SomethingNew", PermissionDenied, RetryAction::No),
    (407, "SomethingNew", PermissionDenied, RetryAction::No),
];

#[test]
fn the_error_code_takes_precedence_over_the_http_status() {
    for (status, code, category, retry) in ERRORS_BY_CODE {
        let error = error_of(status, code);
        assert_eq!((error.category, error.retry), (category, retry), "{code}");
        assert_eq!(error.code.as_deref(), Some(code));
        assert_eq!(error.request_id.as_deref(), Some("R1"));
        assert_eq!(error.message, "No. Not at all");
    }
}

#[test]
fn http_404_is_about_a_missing_job_only_if_the_code_names_a_resource() {
    for code in [
        "InvalidWorkspaceId.NotFound",
        "Workspace.NotFound",
        "InvalidInstanceId.NotFound",
        "InvalidInvokeId.NotFound",
        "ServerlessJobNotFound",
        "ResourceNotFound",
    ] {
        assert_eq!(error_of(404, code).category, NotFound, "{code}");
    }
    for code in [
        "InvalidRegionId.NotFound",
        "RegionNotFound",
        "InvalidVersion.NotFound",
        "ServiceNotFound",
        "EndpointNotFound",
        "HostNotFound",
    ] {
        let error = error_of(404, code);
        assert_eq!(error.category, InvalidArgument, "{code}");
        assert_eq!(error.hint.as_deref(), Some(ENDPOINT), "{code}");
    }
    for code in [
        "InvalidParameter.NotFound",
        "UserNotFound",
        "QueueNotFound",
        "PageNotFound",
    ] {
        assert_eq!(error_of(404, code).category, InvalidArgument, "{code}");
    }
}

#[test]
fn a_valid_retry_header_makes_any_error_a_throttled_one() {
    let mut throttled = response(503, r#"{"Code":"ServiceUnavailable"}"#);
    throttled.headers = vec![("x-acs-retry-after".into(), "1500".into())];
    let error = classify(&throttled).unwrap();
    assert_eq!(error.category, Throttled);
    assert_eq!(error.retry_after, Some(Duration::from_millis(1500)));
    throttled.headers = vec![("x-acs-retry-after".into(), "-1".into())];
    assert_eq!(classify(&throttled).unwrap().category, ServiceError);
    let mut good = response(200, r#"{"RequestId":"R"}"#);
    good.headers = vec![("x-acs-retry-after".into(), "1500".into())];
    assert_eq!(classify(&good), None);
}

#[test]
fn hints_name_the_next_step() {
    let hint = |status, code| error_of(status, code).hint.unwrap();
    assert_eq!(
        hint(407, "NotAuthorized"),
        "grant the permission ehpc:DescribeServerlessJobs"
    );
    assert!(hint(404, "ClusterNotFound").starts_with("'-hz-' may mean cn-hangzhou"));
    assert!(hint(404, "ClusterNotFound").contains("joblens list aliyun; clusters of E-HPC NEXT"));
    assert_eq!(
        hint(404, "InvalidClusterId.NotFound"),
        hint(404, "ClusterNotFound")
    );
    assert!(hint(404, "InvalidJobId.NotFound").starts_with("check the id"));
    assert!(hint(404, "InvalidAccessKeyId.NotFound").contains("access_key_id"));
    assert!(hint(400, "SignatureDoesNotMatch").contains("access_key_secret"));
    assert!(hint(400, "InvalidSecurityToken.Expired").contains("security_token"));
    assert!(hint(404, "InvalidApi.NotFound").contains("wrong endpoint or region"));
    let gone = response(404, r#"{"Code":"ClusterNotFound"}"#);
    let here = classify_in("cn-hangzhou", &gone).unwrap();
    assert!(!here.hint.unwrap().contains("may mean"));
    assert_eq!(here.message, "ClusterNotFound");
}

#[test]
fn http_407_without_an_error_code_is_an_error_of_a_proxy() {
    let error = classify(&response(407, "<html>denied</html>")).unwrap();
    assert_eq!(error.category, Category::Network);
    assert_eq!(error.code, None);
    let error = classify(&response(404, "")).unwrap();
    assert_eq!(error.category, InvalidArgument);
}

#[test]
fn error_bodies_of_the_fixtures_are_classified() {
    let read = |name: &str, status| {
        let response = test_support::fixture_response(status, &format!("aliyun/{name}"));
        let error = classify(&response).unwrap();
        (
            error.category,
            error.code.unwrap(),
            error.request_id.unwrap(),
        )
    };
    let id = "04F0F334-1335-436C-A1D7-6C044FE73368".to_owned();
    assert_eq!(
        read("error-cluster-not-found.json", 404),
        (NotFound, "ClusterNotFound".to_owned(), id.clone())
    );
    assert_eq!(
        read("error-lower-case.json", 407),
        (PermissionDenied, "NotAuthorized".to_owned(), id.clone())
    );
    assert_eq!(
        read("error-throttling.xml", 400),
        (Throttled, "Throttling.User".to_owned(), id)
    );
}

#[test]
fn an_error_body_with_http_200_is_an_error() {
    let body = r#"{"RequestId":"R","Code":"ClusterNotFound","Message":"gone"}"#;
    let error = classify(&response(200, body)).unwrap();
    assert_eq!(error.category, NotFound);
    assert_eq!(classify(&response(200, r#"{"RequestId":"R"}"#)), None);
    assert_eq!(classify(&response(200, "not JSON")), None);
}

proptest! {
    #[test]
    fn every_http_status_from_400_is_an_error_with_a_message(status in 400_u16..600, body in ".{0,80}") {
        let error = classify(&response(status, &body));
        prop_assert!(error.is_some_and(|error| !error.message.is_empty()));
    }
}
