use std::time::Duration;

use serde::Deserialize;

use super::xml;
use crate::error::Category;
use crate::http::{Answer, Refusal, Retry};
use crate::providers::lenient::{self, Text};

/// What was asked, as far as a hint about a refusal needs it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Asked<'a> {
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
    error: lenient::Part<Body>,
}

/// A larger body of a good answer is not looked at for an error.
const LARGEST_ERROR: usize = 64 << 10;
/// A longer message of the cloud is cut.
const LONGEST_MESSAGE: usize = 600;

/// Reads a "no" by the cloud's code first, then by the HTTP status.
///
/// Throttling comes with status 400 here, an unknown key with 404, and a missing permission with
/// 407. Source: the error pages of both operations and the SDK's error handling.
pub(in super::super) fn classify(asked: &Asked<'_>, answer: &Answer) -> Option<Refusal> {
    let by_status = Refusal::from_status(answer);
    if by_status.is_none() && answer.body.len() > LARGEST_ERROR {
        return None;
    }
    let body = read(&answer.body);
    let request_id = body.request_id.trimmed().map(str::to_owned);
    let request_id = request_id.or_else(|| answer.header("x-acs-request-id").map(str::to_owned));
    let code = body.code.trimmed();
    let mut refusal = match (by_status, code) {
        (None, None) => return None,
        // A good status with a code is an error only when it says what is wrong.
        (None, Some(code)) => {
            body.message.trimmed()?;
            of_code(asked, code).unwrap_or_else(|| Refusal::new(Category::Service, ""))
        }
        (Some(by_status), None) => without_code(by_status, answer.status),
        (Some(by_status), Some(code)) => {
            of_code(asked, code).unwrap_or_else(|| with_unknown_code(asked, by_status, answer))
        }
    };
    if let (Some(wait), 400..) = (retry_after(answer), answer.status) {
        refusal.category = Category::Throttled;
        refusal.retry = Retry::Backoff;
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

fn read(body: &[u8]) -> Body {
    if body.len() > LARGEST_ERROR {
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
fn retry_after(answer: &Answer) -> Option<Duration> {
    let milliseconds: u64 = answer.header("x-acs-retry-after")?.trim().parse().ok()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// One line without its period, not longer than a reader takes in.
fn sentence(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LONGEST_MESSAGE) {
        None => line.to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}

/// A failure without a code did not come from the operation: a gateway or proxy wrote it.
fn without_code(mut refusal: Refusal, status: u16) -> Refusal {
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
fn with_unknown_code(asked: &Asked<'_>, mut refusal: Refusal, answer: &Answer) -> Refusal {
    if answer.status == 407 {
        refusal.category = Category::Permission;
    }
    if refusal.category == Category::Permission {
        refusal.hint = Some(permission(asked));
    }
    refusal
}

const ENDPOINT: &str = "wrong endpoint or region: check endpoint and region of the profile";
const KEY_ID: &str = "check access_key_id (in the environment: ALIBABA_CLOUD_ACCESS_KEY_ID): it is unknown or disabled";
const KEY_SECRET: &str = "check access_key_secret (in the environment: ALIBABA_CLOUD_ACCESS_KEY_SECRET): it does not belong to the key id";
const TOKEN: &str = "check security_token (in the environment: ALIBABA_CLOUD_SECURITY_TOKEN): temporary keys need the \
                     token they were issued with, and expire";

fn permission(asked: &Asked<'_>) -> String {
    format!("ask for permission ehpc:{}", asked.operation)
}

fn no_cluster(asked: &Asked<'_>) -> String {
    let hangzhou = asked.cluster.contains("-hz-") && asked.region != Some("cn-hangzhou");
    let first = if hangzhou {
        "“-hz-” may mean cn-hangzhou: set region in the profile, or ALIBABA_CLOUD_REGION_ID"
    } else {
        "a cluster is known in its own region only: check region and the cluster's id"
    };
    format!(
        "{first}, or run: joblens list aliyun; clusters of E-HPC NEXT (API 2024-07-30) are not known \
         to this API"
    )
}

/// What a code means, whatever the status; `None` for codes that no table holds.
fn of_code(asked: &Asked<'_>, code: &str) -> Option<Refusal> {
    use Category::{Clock, NotFound, Permission, Refused, Rejected, Service, Throttled};
    use Retry::{Backoff, Never, Once};
    let hint = |text: &str| Some(text.to_owned());
    let (category, retry, hint) = match code {
        "SignatureNonceUsed" => (Service, Once, None),
        "InvalidTimeStamp.Expired" | "IllegalTimestamp" => {
            (Clock, Retry::Clock, hint("set this machine's clock"))
        }
        "SignatureDoesNotMatch" | "IncompleteSignature" => (Refused, Never, hint(KEY_SECRET)),
        "MissingSecurityToken" => (Refused, Never, hint(TOKEN)),
        "Forbidden.AccessKeyDisabled" => (Refused, Never, hint(KEY_ID)),
        "NotAuthorized" | "Forbidden" | "NoPermission" => {
            (Permission, Never, Some(permission(asked)))
        }
        "NotEnabled" => (Permission, Never, hint("enable E-HPC for this account")),
        "InDebt" => (Permission, Never, hint("settle the account's bill")),
        "ClusterNotFound" => (NotFound, Never, Some(no_cluster(asked))),
        "ObjectNotFound" => (
            NotFound,
            Never,
            hint("check the id, and that it belongs to this cluster"),
        ),
        "ManagerNotFound" => (
            Service,
            Never,
            hint("the cluster's manager node is missing or abnormal"),
        ),
        "InvalidClusterStatus" => (
            Service,
            Never,
            hint("the cluster is not running; ask again once it is"),
        ),
        "EcsError" | "AliyunError" | "AgentError" | "DbError" | "RedisError" | "PartFailure" => {
            (Service, Never, None)
        }
        "ConflictOpt" | "UnknownError" | "InternalError" => (Service, Backoff, None),
        "InvalidApi.NotFound"
        | "InvalidProduct.NotFound"
        | "InvalidRegion.NotFound"
        | "InvalidAction.NotFound"
        | "InvalidVersion"
        | "NoSuchVersion" => (Rejected, Never, hint(ENDPOINT)),
        "InvalidProtocol.NeedSsl" => (Rejected, Never, hint("the endpoint must be https://")),
        _ if code.starts_with("Throttling") => (Throttled, Backoff, None),
        _ if code.starts_with("ServiceUnavailable") => (Service, Backoff, None),
        _ if code.starts_with("InvalidAccessKeyId") => (Refused, Never, hint(KEY_ID)),
        _ if code.starts_with("InvalidSecurityToken") => (Refused, Never, hint(TOKEN)),
        _ if code.starts_with("Forbidden.") => (Permission, Never, Some(permission(asked))),
        _ if code.starts_with("Missing") || code.starts_with("Invalid") => (Rejected, Never, None),
        _ => return None,
    };
    let mut refusal = Refusal::new(category, "");
    refusal.retry = retry;
    refusal.hint = hint;
    Some(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::fixture;
    use proptest::prelude::*;

    const ASKED: Asked<'static> = Asked {
        operation: "DescribeServerlessJobs",
        cluster: "ehpc-hz-FYUr32",
        region: Some("cn-shanghai"),
    };

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn of(status: u16, code: &str) -> Refusal {
        let body = format!(r#"{{"RequestId":"R1","Message":"No.\n Not at all.","Code":"{code}"}}"#);
        classify(&ASKED, &answer(status, &body)).unwrap()
    }

    #[test]
    fn the_code_decides_before_the_status() {
        use Category::*;
        let table = [
            (400, "Throttling.User", Throttled, Retry::Backoff),
            (400, "Throttling", Throttled, Retry::Backoff),
            (400, "SignatureNonceUsed", Service, Retry::Once),
            (400, "InvalidTimeStamp.Expired", Clock, Retry::Clock),
            (400, "IllegalTimestamp", Clock, Retry::Clock),
            (400, "InvalidTimeStamp.Format", Rejected, Retry::Never),
            (404, "InvalidAccessKeyId.NotFound", Refused, Retry::Never),
            (404, "InvalidAccessKeyId", Refused, Retry::Never),
            (400, "SignatureDoesNotMatch", Refused, Retry::Never),
            (400, "MissingSecurityToken", Refused, Retry::Never),
            (400, "InvalidSecurityToken.Expired", Refused, Retry::Never),
            (407, "NotAuthorized", Permission, Retry::Never),
            (400, "NotEnabled", Permission, Retry::Never),
            (403, "Forbidden.RAM", Permission, Retry::Never),
            (404, "ClusterNotFound", NotFound, Retry::Never),
            (404, "ObjectNotFound", NotFound, Retry::Never),
            (404, "ManagerNotFound", Service, Retry::Never),
            (404, "InvalidApi.NotFound", Rejected, Retry::Never),
            (404, "InvalidProduct.NotFound", Rejected, Retry::Never),
            (404, "SomethingNew.NotFound", Rejected, Retry::Never),
            (400, "MissingClusterId", Rejected, Retry::Never),
            (400, "InvalidParams", Rejected, Retry::Never),
            (403, "ConflictOpt", Service, Retry::Backoff),
            (406, "EcsError", Service, Retry::Never),
            (406, "DbError", Service, Retry::Never),
            (409, "PartFailure", Service, Retry::Never),
            (500, "UnknownError", Service, Retry::Backoff),
            (503, "ServiceUnavailable", Service, Retry::Backoff),
            (500, "SomethingNew", Service, Retry::Backoff),
            (403, "SomethingNew", Permission, Retry::Never),
            (407, "SomethingNew", Permission, Retry::Never),
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
            Category::Service
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
            "ask for permission ehpc:DescribeServerlessJobs"
        );
        assert!(hint(404, "ClusterNotFound").starts_with("“-hz-” may mean cn-hangzhou"));
        assert!(
            hint(404, "ClusterNotFound").contains("joblens list aliyun; clusters of E-HPC NEXT")
        );
        assert!(hint(404, "InvalidAccessKeyId.NotFound").contains("access_key_id"));
        assert!(hint(400, "SignatureDoesNotMatch").contains("access_key_secret"));
        assert!(hint(400, "InvalidSecurityToken.Expired").contains("security_token"));
        assert!(hint(404, "InvalidApi.NotFound").contains("wrong endpoint or region"));
        let here = Asked {
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
        assert_eq!(refusal.category, Category::Rejected);
    }

    #[test]
    fn reads_the_error_bodies_of_the_fixtures() {
        let read = |name: &str, status| {
            let answer = fixture::answer(status, &format!("aliyun/{name}"));
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
            (Category::Permission, "NotAuthorized".to_owned(), id.clone())
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
