//! Classifies the errors of an API server: a `Status` object or plain text.

use std::time::Duration;

use serde::Deserialize;

use crate::error::Category::{
    InvalidArgument, MissingCredentials, NotFound, PermissionDenied, ServiceError, Throttled,
    Unauthenticated,
};
use crate::http::{Response, RetryAction};
use crate::providers::errors::{ErrorDetails, ErrorRule, ErrorSpec, HintContext};
use crate::providers::lenient::{self, DefaultObject, Int, Text};
use crate::providers::request_id::RequestIdNames;

/// Part of the message if the request had no credential; the server then uses this user.
const ANONYMOUS: &str = "User \"system:anonymous\"";

/// The path of a kubelet, from which the API server requests logs.
const KUBELET_LOGS: &str = "/containerLogs/";

/// Codes for errors that have no specific `reason`.
const NO_CREDENTIAL: &str = "Forbidden (anonymous)";
const NOT_SERVED: &str = "NotFound (resource)";
const NODE_UNREACHABLE: &str = "NodeUnreachable";

const NO_API: &str = "the server does not serve this API";

/// The response to a request for a group or version that the server does not serve.
const NOT_SERVED_PAGE: &str = "404 page not found";

/// Part of the message of an error about an object, after its name.
const NAMED_NOT_FOUND: &str = "\" not found";

/// The hint for an object that is not found.
pub(super) const CHECK_OBJECT: &str =
    "check the context, the namespace and the name; it may have been deleted";

pub(super) const NOT_INSTALLED: &str =
    "check the server of the kubeconfig; a custom resource has to be installed in the cluster";

pub(super) const ERRORS: ErrorSpec = ErrorSpec {
    error_details,
    request_id: RequestIdNames {
        headers: &["audit-id"],
        members: &[],
    },
    rules: &[
        ErrorRule::codes(&["Unauthorized"], Unauthenticated).hint(
            "the {token} or certificate is unknown or has expired: log in again, or download a new kubeconfig",
        ),
        ErrorRule::codes(&[NO_CREDENTIAL], MissingCredentials)
            .hint_with(no_credential),
        ErrorRule::codes(&["Forbidden"], PermissionDenied).hint_with(permission),
        ErrorRule::codes(&[NOT_SERVED], ServiceError).hint(NOT_INSTALLED),
        ErrorRule::codes(&["NotFound"], NotFound).hint(CHECK_OBJECT),
        ErrorRule::codes(
            &["BadRequest", "Invalid", "MethodNotAllowed", "NotAcceptable"],
            InvalidArgument,
        ),
        ErrorRule::codes(&["Expired", "Gone"], InvalidArgument),
        ErrorRule::codes(&["TooManyRequests"], Throttled).retry(RetryAction::Backoff),
        ErrorRule::codes(&[NODE_UNREACHABLE], ServiceError)
            .hint("see kubectl get nodes; the log is read from the node"),
        ErrorRule::status(404)
            .for_code(false)
            .with_category(ServiceError)
            .message(NO_API)
            .hint(NOT_INSTALLED),
    ],
    overrides: &[],
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: Text,
    message: Text,
    reason: Text,
    details: DefaultObject<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    name: Text,
    retry_after_seconds: Int,
}

impl Status {
    /// Returns `true` for the `Status` of an API server, possibly shortened by a proxy. A message without other
    /// fields does not count: it can come from a proxy and be about something else, such as a cluster.
    fn is_readable(&self) -> bool {
        match self.kind.trimmed() {
            Some(kind) => kind == "Status",
            None => self.reason.trimmed().is_some() || self.details.0.name.trimmed().is_some(),
        }
    }

    /// Returns `true` if the error is about an object with a name.
    fn names_object(&self) -> bool {
        let message = self.message.trimmed().unwrap_or_default();
        self.details.0.name.trimmed().is_some() || message.contains(NAMED_NOT_FOUND)
    }
}

fn error_details(response: &Response) -> ErrorDetails {
    if response.status < 400 {
        return ErrorDetails::default();
    }
    if response.status == 404 && response.body.trim_ascii() == NOT_SERVED_PAGE.as_bytes() {
        return ErrorDetails {
            code: Some(NOT_SERVED.to_owned()),
            message: Some(format!("{NO_API}: {NOT_SERVED_PAGE}")),
            ..ErrorDetails::default()
        };
    }
    let status = lenient::decode_response::<Status>(&response.body).unwrap_or_default();
    if !status.is_readable() {
        return ErrorDetails::default();
    }
    let names_object = status.names_object();
    let DefaultObject(details) = status.details;
    let message = status.message.0.unwrap_or_default();
    let code = match status.reason.trimmed() {
        Some("Forbidden") if message.contains(ANONYMOUS) => Some(NO_CREDENTIAL),
        Some("NotFound") if !names_object => Some(NOT_SERVED),
        None if response.status == 404 && names_object => Some("NotFound"),
        None if message.contains(KUBELET_LOGS) => Some(NODE_UNREACHABLE),
        reason => reason,
    };
    let seconds = details.retry_after_seconds.unsigned();
    let is_limit = response.status == 429;
    ErrorDetails {
        code: code.map(str::to_owned),
        message: Some(message)
            .map(|text| node_message(&text).unwrap_or(text))
            .filter(|text| !text.is_empty()),
        request_id: None,
        retry_after: seconds
            .filter(|seconds| is_limit && *seconds > 0)
            .map(Duration::from_secs),
    }
}

/// Returns the hint for a request without a credential.
fn no_credential(context: &HintContext<'_>) -> Option<String> {
    let hint = match context.request.endpoint.is_https() {
        true => "the user of the context has no token, certificate or exec plugin",
        false => "no credential is sent over http: use an https:// server in the kubeconfig",
    };
    Some(hint.to_owned())
}

/// Returns a hint with the permission that a request needs, as RBAC names it.
fn permission(context: &HintContext<'_>) -> Option<String> {
    let parts: Vec<&str> = context.request.path.split('/').collect();
    let api = parts
        .iter()
        .position(|part| ["api", "apis"].contains(part))?;
    let (group, rest) = match parts[api] {
        "api" => (None, parts.get(api + 2..)?),
        _ => (parts.get(api + 1), parts.get(api + 3..)?),
    };
    let rest = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    let resource = rest.first()?;
    let group = group.map_or_else(String::new, |group| format!(".{group}"));
    let part = rest
        .get(2)
        .map_or_else(String::new, |part| format!("/{part}"));
    let verb = match (context.parameter("watch"), rest.len()) {
        ("1", _) => "watch",
        (_, 1) => "list",
        _ => "get",
    };
    Some(format!(
        "the account needs the permission {verb} on {resource}{group}{part}"
    ))
}

/// Converts a message such as `Get "https://NODE:10250/containerLogs/…": CAUSE` into one about a node that
/// does not respond.
fn node_message(message: &str) -> Option<String> {
    let url = message.strip_prefix("Get \"https://")?;
    let (url, cause) = url.split_once("\": ")?;
    let (host, _) = url.split_once(KUBELET_LOGS)?;
    let node = host.rsplit_once(':').map_or(host, |(node, _)| node);
    Some(format!("node {node} does not respond: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::RequestError;
    use crate::providers::test_support::{classify, fixture_response, request, response};

    fn error(status: u16, name: &str) -> RequestError {
        classify(
            &ERRORS,
            &fixture_response(status, &format!("kubernetes/errors/{name}")),
        )
        .unwrap()
    }

    #[test]
    fn recorded_errors_have_the_expected_categories() {
        for (status, name, category, retry) in [
            (
                401,
                "err-401-bad-token.json",
                Unauthenticated,
                RetryAction::No,
            ),
            (
                403,
                "err-403-anonymous.json",
                MissingCredentials,
                RetryAction::No,
            ),
            (403, "err-403-pods.json", PermissionDenied, RetryAction::No),
            (404, "err-404-job.json", NotFound, RetryAction::No),
            (
                404,
                "err-404-resource-unknown.json",
                ServiceError,
                RetryAction::No,
            ),
            (
                404,
                "err-404-group-unknown.txt",
                ServiceError,
                RetryAction::No,
            ),
            (400, "err-400-limit.json", InvalidArgument, RetryAction::No),
            (405, "err-405-method.json", InvalidArgument, RetryAction::No),
            (406, "err-406-accept.json", InvalidArgument, RetryAction::No),
            (
                410,
                "err-410-continue-expired.json",
                InvalidArgument,
                RetryAction::No,
            ),
            (
                422,
                "err-log-both-since.json",
                InvalidArgument,
                RetryAction::No,
            ),
            (429, "err-429.txt", Throttled, RetryAction::Backoff),
            (
                500,
                "err-log-node-unreachable.json",
                ServiceError,
                RetryAction::No,
            ),
            (
                504,
                "err-504-future-rv.json",
                ServiceError,
                RetryAction::Backoff,
            ),
        ] {
            let error = error(status, name);
            assert_eq!((error.category, error.retry), (category, retry), "{name}");
        }
    }

    #[test]
    fn a_denied_request_names_the_required_permission() {
        for (path, query, permission) in [
            (
                "/apis/batch/v1/namespaces/ci/jobs/api",
                &[][..],
                "get on jobs.batch",
            ),
            ("/p/api/v1/namespaces/ci/pods/a/log", &[], "get on pods/log"),
            ("/api/v1/namespaces/ci/pods", &[], "list on pods"),
            ("/api/v1/namespaces", &[], "list on namespaces"),
            (
                "/apis/kubeflow.org/v1/tfjobs",
                &[("watch", "1")],
                "watch on tfjobs.kubeflow.org",
            ),
        ] {
            let mut request = request("Operation", query);
            request.path = path.to_owned();
            let context = HintContext {
                request: &request,
                region: None,
            };
            let expected = format!("the account needs the permission {permission}");
            assert_eq!(super::permission(&context), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_node_that_does_not_respond_is_named() {
        let error = error(500, "err-log-node-unreachable.json");
        assert!(error.message.starts_with("node "), "{}", error.message);
        assert!(
            error.message.contains(" does not respond: dial tcp"),
            "{}",
            error.message
        );
    }

    #[test]
    fn errors_of_a_gateway_or_a_missing_api_are_read_without_a_status_object() {
        let error = classify(&ERRORS, &response(404, "404 page not found\n")).unwrap();
        assert_eq!(error.code.as_deref(), Some(NOT_SERVED));
        assert_eq!(
            error.message,
            "the server does not serve this API: 404 page not found"
        );
        assert!(classify(&ERRORS, &response(200, "{\"kind\": \"Status\"}")).is_none());
        assert_eq!(
            classify(&ERRORS, &response(502, "<html>")).unwrap().code,
            None
        );
    }

    #[test]
    fn an_error_about_an_object_is_recognized_without_some_of_its_fields() {
        let is_missing = |body: &str| {
            let error = classify(&ERRORS, &response(404, body)).unwrap();
            error.category == NotFound
        };
        for body in [
            r#"{"kind": "Status", "reason": "NotFound", "details": {"name": "p"}}"#,
            r#"{"kind": "Status", "status": "Success", "details": {"name": "p"}}"#,
            r#"{"kind": "Status", "reason": "NotFound", "message": "pods \"p\" not found"}"#,
            r#"{"details": {"name": "p"}}"#,
        ] {
            assert!(is_missing(body), "{body}");
        }
        for body in [
            "",
            "404 page not found",
            "<html>",
            "{}",
            "[]",
            "\"p\" not found",
            r#"{"kind": "Status", "code": 404}"#,
            r#"{"kind": "Status", "reason": "NotFound", "details": {}}"#,
            r#"{"kind": "Page", "details": {"name": "p"}}"#,
            r#"{"message": "no Route matched with those values"}"#,
            r#"{"type": "error", "code": "NotFound", "message": "clusters \"c\" not found"}"#,
        ] {
            assert!(!is_missing(body), "{body}");
        }
        let forbidden = r#"{"reason": "Forbidden", "details": {"name": "p"}, "message": "no"}"#;
        let error = classify(&ERRORS, &response(403, forbidden)).unwrap();
        assert_eq!(error.code.as_deref(), Some("Forbidden"));
    }
}
