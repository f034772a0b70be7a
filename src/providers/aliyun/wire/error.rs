use std::time::Duration;

use serde::Deserialize;

use super::xml;
use crate::error::Category;
use crate::http::{RequestError, Response, RetryAction};
use crate::providers::lenient::{self, Text};

/// What was asked, as far as a hint about a refusal needs it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct ErrorContext<'a> {
    /// The cloud's name of the operation.
    pub(in super::super) operation: &'a str,
    /// The cluster.
    pub(in super::super) cluster: &'a str,
    /// The region of the profile.
    pub(in super::super) region: Option<&'a str>,
}

/// The error body; the gateway writes its keys in upper or lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(rename = "Code", alias = "code")]
    code: Text,
    #[serde(rename = "Message", alias = "message")]
    message: Text,
    #[serde(rename = "RequestId", alias = "requestId", alias = "requestid")]
    request_id: Text,
    /// The root of the XML form.
    #[serde(rename = "Error")]
    error: lenient::OptionalObject<Body>,
}

/// A larger body of a good answer is not looked at for an error.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// A longer message of the cloud is cut.
const MAX_MESSAGE_CHARS: usize = 600;

/// Reads a "no" by the cloud's code first, then by the HTTP status.
///
/// Throttling comes with status 400 here, an unknown key with 404, and a missing permission with
/// 407. Source: the error pages of both operations and the SDK's error handling.
pub(in super::super) fn classify(
    asked: &ErrorContext<'_>,
    answer: &Response,
) -> Option<RequestError> {
    let by_status = RequestError::from_status(answer);
    if by_status.is_none() && answer.body.len() > MAX_ERROR_BYTES {
        return None;
    }
    let body = decode(&answer.body);
    let request_id = body.request_id.trimmed().map(str::to_owned);
    let request_id = request_id.or_else(|| answer.header("x-acs-request-id").map(str::to_owned));
    let code = body.code.trimmed();
    let mut refusal = match (by_status, code) {
        (None, None) => return None,
        // A good status with a code is an error only when it says what is wrong.
        (None, Some(code)) => {
            body.message.trimmed()?;
            of_code(asked, code).unwrap_or_else(|| RequestError::new(Category::ServiceError, ""))
        }
        (Some(by_status), None) => without_code(by_status, answer.status),
        (Some(by_status), Some(code)) => {
            of_code(asked, code).unwrap_or_else(|| with_unknown_code(asked, by_status, answer))
        }
    };
    if let (Some(wait), 400..) = (retry_after(answer), answer.status) {
        refusal.category = Category::Throttled;
        refusal.retry = RetryAction::Backoff;
        refusal.retry_after = Some(wait);
    }
    refusal.message = match (body.message.trimmed(), code) {
        (Some(message), _) => sentence(message),
        (None, Some(code)) if refusal.message.is_empty() => code.to_owned(),
        (None, _) => refusal.message,
    };
    refusal.code = code.map(str::to_owned);
    refusal.request_id = request_id;
    Some(refusal)
}

fn decode(body: &[u8]) -> Body {
    if body.len() > MAX_ERROR_BYTES {
        return Body::default();
    }
    let decoded = if xml::is_xml(body) {
        xml::tree(body, "Error").and_then(|tree| lenient::decode(tree.to_string().as_bytes()))
    } else {
        lenient::decode::<Body>(body)
    };
    // What is no error body has no code; the status decides then.
    let body = decoded.unwrap_or_default();
    match body.error.0 {
        Some(inner) => *inner,
        None => body,
    }
}

/// `x-acs-retry-after`: milliseconds; only a positive whole number counts.
fn retry_after(answer: &Response) -> Option<Duration> {
    let milliseconds: u64 = answer.header("x-acs-retry-after")?.trim().parse().ok()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// One line without its period, not longer than a reader takes in.
fn sentence(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        None => line.to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}

/// A failure without a code did not come from the operation: a gateway or proxy wrote it.
fn without_code(mut refusal: RequestError, status: u16) -> RequestError {
    match status {
        404 => refusal.hint = Some(ENDPOINT.to_owned()),
        407 => {
            refusal.hint = Some("set the proxy's user name and password in its URL".to_owned());
        }
        _ => {}
    }
    refusal
}

/// A code that no table holds. Whatever a 404 misses, it is not known to be the thing itself.
fn with_unknown_code(
    asked: &ErrorContext<'_>,
    mut refusal: RequestError,
    answer: &Response,
) -> RequestError {
    if answer.status == 407 {
        refusal.category = Category::PermissionDenied;
    }
    if refusal.category == Category::PermissionDenied {
        refusal.hint = Some(permission(asked));
    }
    refusal
}

const ENDPOINT: &str = "wrong endpoint or region: check endpoint and region of the profile";
const KEY_ID: &str = "check access_key_id (in the environment: ALIBABA_CLOUD_ACCESS_KEY_ID): it is unknown or disabled";
const KEY_SECRET: &str = "check access_key_secret (in the environment: ALIBABA_CLOUD_ACCESS_KEY_SECRET): it does not belong to the key id";
const TOKEN: &str = "check security_token (in the environment: ALIBABA_CLOUD_SECURITY_TOKEN): temporary keys need the \
                     token they were issued with, and expire";

fn permission(asked: &ErrorContext<'_>) -> String {
    format!("grant the permission ehpc:{}", asked.operation)
}

fn no_cluster(asked: &ErrorContext<'_>) -> String {
    let hangzhou = asked.cluster.contains("-hz-") && asked.region != Some("cn-hangzhou");
    let first = if hangzhou {
        "'-hz-' may mean cn-hangzhou: set region in the profile, or ALIBABA_CLOUD_REGION_ID"
    } else {
        "a cluster exists only in its own region: check the region and the cluster id"
    };
    format!(
        "{first}, or run: joblens list aliyun; clusters of E-HPC NEXT (API 2024-07-30) are not visible to this API"
    )
}

/// What a code means, whatever the status; `None` for codes that no table holds.
fn of_code(asked: &ErrorContext<'_>, code: &str) -> Option<RequestError> {
    use Category::{
        ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
        Unauthenticated,
    };
    use RetryAction::{Backoff, Immediate, No};
    let hint = |text: &str| Some(text.to_owned());
    let (category, retry, hint) = match code {
        "SignatureNonceUsed" => (ServiceError, Immediate, None),
        "InvalidTimeStamp.Expired" | "IllegalTimestamp" => (
            ClockSkew,
            RetryAction::AfterClockSync,
            hint("synchronize the local clock"),
        ),
        "SignatureDoesNotMatch" | "IncompleteSignature" => (Unauthenticated, No, hint(KEY_SECRET)),
        "MissingSecurityToken" => (Unauthenticated, No, hint(TOKEN)),
        "Forbidden.AccessKeyDisabled" => (Unauthenticated, No, hint(KEY_ID)),
        "NotAuthorized" | "Forbidden" | "NoPermission" => {
            (PermissionDenied, No, Some(permission(asked)))
        }
        "NotEnabled" => (PermissionDenied, No, hint("enable E-HPC for this account")),
        "InDebt" => (
            PermissionDenied,
            No,
            hint("pay the overdue bill of the account"),
        ),
        "ClusterNotFound" => (NotFound, No, Some(no_cluster(asked))),
        "ObjectNotFound" => (
            NotFound,
            No,
            hint("check the id, and that it belongs to this cluster"),
        ),
        "ManagerNotFound" => (
            ServiceError,
            No,
            hint("the cluster's manager node is missing or abnormal"),
        ),
        "InvalidClusterStatus" => (
            ServiceError,
            No,
            hint("the cluster is not running; try again when it is"),
        ),
        "EcsError" | "AliyunError" | "AgentError" | "DbError" | "RedisError" | "PartFailure" => {
            (ServiceError, No, None)
        }
        "ConflictOpt" | "UnknownError" | "InternalError" => (ServiceError, Backoff, None),
        "InvalidApi.NotFound"
        | "InvalidProduct.NotFound"
        | "InvalidRegion.NotFound"
        | "InvalidAction.NotFound"
        | "InvalidVersion"
        | "NoSuchVersion" => (InvalidArgument, No, hint(ENDPOINT)),
        "InvalidProtocol.NeedSsl" => (InvalidArgument, No, hint("the endpoint must be https://")),
        _ if code.starts_with("Throttling") => (Throttled, Backoff, None),
        _ if code.starts_with("ServiceUnavailable") => (ServiceError, Backoff, None),
        _ if code.starts_with("InvalidAccessKeyId") => (Unauthenticated, No, hint(KEY_ID)),
        _ if code.starts_with("InvalidSecurityToken") => (Unauthenticated, No, hint(TOKEN)),
        _ if code.starts_with("Forbidden.") => (PermissionDenied, No, Some(permission(asked))),
        _ if code.starts_with("Missing") || code.starts_with("Invalid") => {
            (InvalidArgument, No, None)
        }
        _ => return None,
    };
    let mut refusal = RequestError::new(category, "");
    refusal.retry = retry;
    refusal.hint = hint;
    Some(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::test_support;
    use proptest::prelude::*;

    const ASKED: ErrorContext<'static> = ErrorContext {
        operation: "DescribeServerlessJobs",
        cluster: "ehpc-hz-FYUr32",
        region: Some("cn-shanghai"),
    };

    fn answer(status: u16, body: &str) -> Response {
        Response {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn of(status: u16, code: &str) -> RequestError {
        let body = format!(r#"{{"RequestId":"R1","Message":"No.\n Not at all.","Code":"{code}"}}"#);
        classify(&ASKED, &answer(status, &body)).unwrap()
    }

    #[test]
    fn the_code_decides_before_the_status() {
        use Category::*;
        let table = [
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
            (404, "ObjectNotFound", NotFound, RetryAction::No),
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
                "SomethingNew.NotFound",
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
        for (status, code, category, retry) in table {
            let refusal = of(status, code);
            assert_eq!(
                (refusal.category, refusal.retry),
                (category, retry),
                "{code}"
            );
            assert_eq!(refusal.code.as_deref(), Some(code));
            assert_eq!(refusal.request_id.as_deref(), Some("R1"));
            assert_eq!(refusal.message, "No. Not at all");
        }
    }

    #[test]
    fn the_retry_header_makes_any_error_throttling() {
        let mut throttled = answer(503, r#"{"Code":"ServiceUnavailable"}"#);
        throttled.headers = vec![("x-acs-retry-after".into(), "1500".into())];
        let refusal = classify(&ASKED, &throttled).unwrap();
        assert_eq!(refusal.category, Category::Throttled);
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(1500)));
        throttled.headers = vec![("x-acs-retry-after".into(), "-1".into())];
        assert_eq!(
            classify(&ASKED, &throttled).unwrap().category,
            Category::ServiceError
        );
        let mut good = answer(200, r#"{"RequestId":"R"}"#);
        good.headers = vec![("x-acs-retry-after".into(), "1500".into())];
        assert_eq!(classify(&ASKED, &good), None);
    }

    #[test]
    fn hints_name_the_next_step() {
        let hint = |status, code| of(status, code).hint.unwrap();
        assert_eq!(
            hint(407, "NotAuthorized"),
            "grant the permission ehpc:DescribeServerlessJobs"
        );
        assert!(hint(404, "ClusterNotFound").starts_with("'-hz-' may mean cn-hangzhou"));
        assert!(
            hint(404, "ClusterNotFound").contains("joblens list aliyun; clusters of E-HPC NEXT")
        );
        assert!(hint(404, "InvalidAccessKeyId.NotFound").contains("access_key_id"));
        assert!(hint(400, "SignatureDoesNotMatch").contains("access_key_secret"));
        assert!(hint(400, "InvalidSecurityToken.Expired").contains("security_token"));
        assert!(hint(404, "InvalidApi.NotFound").contains("wrong endpoint or region"));
        let here = ErrorContext {
            region: Some("cn-hangzhou"),
            ..ASKED
        };
        assert!(!no_cluster(&here).contains("may mean"));
    }

    #[test]
    fn a_407_without_a_code_is_a_proxys() {
        let refusal = classify(&ASKED, &answer(407, "<html>denied</html>")).unwrap();
        assert_eq!(refusal.category, Category::Network);
        assert_eq!(refusal.code, None);
        let refusal = classify(&ASKED, &answer(404, "")).unwrap();
        assert_eq!(refusal.category, Category::InvalidArgument);
    }

    #[test]
    fn reads_the_error_bodies_of_the_fixtures() {
        let read = |name: &str, status| {
            let answer = test_support::answer(status, &format!("aliyun/{name}"));
            let refusal = classify(&ASKED, &answer).unwrap();
            (
                refusal.category,
                refusal.code.unwrap(),
                refusal.request_id.unwrap(),
            )
        };
        let id = "04F0F334-1335-436C-A1D7-6C044FE73368".to_owned();
        assert_eq!(
            read("error-cluster-not-found.json", 404),
            (Category::NotFound, "ClusterNotFound".to_owned(), id.clone())
        );
        assert_eq!(
            read("error-lower-case.json", 407),
            (
                Category::PermissionDenied,
                "NotAuthorized".to_owned(),
                id.clone()
            )
        );
        assert_eq!(
            read("error-throttling.xml", 400),
            (Category::Throttled, "Throttling.User".to_owned(), id)
        );
    }

    #[test]
    fn a_good_status_with_an_error_body_is_still_a_no() {
        let body = r#"{"RequestId":"R","Code":"ClusterNotFound","Message":"gone"}"#;
        let refusal = classify(&ASKED, &answer(200, body)).unwrap();
        assert_eq!(refusal.category, Category::NotFound);
        assert_eq!(classify(&ASKED, &answer(200, r#"{"RequestId":"R"}"#)), None);
        assert_eq!(classify(&ASKED, &answer(200, "not JSON")), None);
    }

    proptest! {
        #[test]
        fn every_status_of_400_and_more_is_a_no(status in 400_u16..600, body in ".{0,80}") {
            let refusal = classify(&ASKED, &answer(status, &body));
            prop_assert!(refusal.is_some_and(|refusal| !refusal.message.is_empty()));
        }
    }
}
