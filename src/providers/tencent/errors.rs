//! Maps the error codes of both APIs to error categories: numbers in API 2.0, words in API 3.0. Both APIs send them
//! with HTTP status 200.

use serde::Deserialize;

use super::{products, regions};
use crate::error::Category::{
    ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
    Unauthenticated,
};
use crate::http::{Response, RetryAction};
use crate::providers::errors::{ErrorDetails, ErrorRule, ErrorSpec, HintContext};
use crate::providers::lenient::{self, DefaultObject, OptionalObject, Required, Text};
use crate::providers::request_id::RequestIdNames;

/// The hint for an error that can mean that the API no longer exists.
pub(super) const RETIRED: &str = "API 2.0 is retired (the vendor announced it for 2020) and may not respond; the cluster's own API has the same events and more: joblens get kubernetes/workload/NAMESPACE/SERVICE";

/// The hint that the events of a service are also available elsewhere.
const CLUSTER_API_HINT: &str =
    "the cluster's own API has the same events: joblens get kubernetes/workload/NAMESPACE/SERVICE";

/// The hint if a service is not found.
pub(super) const CHECK_ADDRESS: &str =
    "check cluster, namespace, service and region, or run: joblens list tencent";

/// The hint if a task or job is not found.
const CHECK_ID: &str = "check the id, and the region and account of the profile";

const KEY: &str = "check {secret_id}, {secret_key} and {token}";
const CLOCK: &str = "check the local clock";

/// Error rules of all operations.
pub(super) const ERRORS: ErrorSpec = ErrorSpec {
    error_details,
    request_id: RequestIdNames {
        headers: &[],
        members: &["RequestId"],
    },
    rules: &[
        ErrorRule::codes(&["4000"], InvalidArgument)
            .message("a parameter is wrong or missing")
            .hint_with(other_region),
        ErrorRule::codes(&["4100", "4104", "4105", "4106"], Unauthenticated)
            .message("authentication failed")
            .hint(KEY),
        ErrorRule::codes(&["4101", "4102", "4103", "4110", "4300"], PermissionDenied)
            .message("permission denied")
            .hint_with(permission),
        ErrorRule::codes(&["4200"], ClockSkew)
            .retry(RetryAction::AfterClockSync)
            .message("the request has expired")
            .hint(CLOCK),
        ErrorRule::codes(&["4400"], Throttled)
            .retry(RetryAction::Backoff)
            .message("rate limited"),
        ErrorRule::codes(&["4500"], ClockSkew)
            .retry(RetryAction::Immediate)
            .message("the request was rejected as a replay, or its time is too far off")
            .hint(CLOCK),
        ErrorRule::codes(&["4600"], InvalidArgument)
            .message("the protocol is not supported")
            .hint("set an endpoint with https://"),
        ErrorRule::codes(&["5000"], NotFound)
            .message("resource not found")
            .hint_with(not_found),
        ErrorRule::codes(&["5100"], ServiceError).message("the operation failed"),
        ErrorRule::codes(&["6000"], ServiceError)
            .retry(RetryAction::Backoff)
            .message("internal error"),
        ErrorRule::codes(&["6100"], InvalidArgument)
            .message("the operation is not supported")
            .hint(RETIRED),
        ErrorRule::codes(&["6200"], ServiceError)
            .retry(RetryAction::Backoff)
            .message("temporarily unavailable"),
        ErrorRule::codes(&["AuthFailure.SignatureExpire"], ClockSkew)
            .retry(RetryAction::AfterClockSync)
            .hint(CLOCK),
        ErrorRule::codes(PERMISSION_CODES, PermissionDenied).hint_with(permission),
        ErrorRule::codes(&["AuthFailure*", "*.InvalidAuthToken"], Unauthenticated).hint(KEY),
        ErrorRule::codes(&["ResourceNotFound*", "*NotFound"], NotFound).hint_with(not_found),
        ErrorRule::codes(&["RequestLimitExceeded*"], Throttled).retry(RetryAction::Backoff),
        ErrorRule::codes(&["UnsupportedRegion"], InvalidArgument)
            .hint("the product is not offered in this region; set region to another one"),
        ErrorRule::codes(RETIRED_CODES, InvalidArgument).hint(
            "the operation or its version is retired, or not offered at this endpoint: check the endpoint, and update joblens",
        ),
        ErrorRule::codes(&["InvalidParameter.JobIdMalformed"], InvalidArgument)
            .hint("check the job id: it has the form job- and 8 characters"),
        ErrorRule::codes(USAGE_CODES, InvalidArgument),
        ErrorRule::codes(&["InternalError*", "ServiceUnavailable*"], ServiceError)
            .retry(RetryAction::Backoff),
        ErrorRule::category(PermissionDenied).hint_with(permission),
        // A failure without a code does not come from this API.
        ErrorRule::category(InvalidArgument)
            .for_code(false)
            .hint_with(check_endpoint),
    ],
    overrides: &[],
};

/// Codes of missing permissions, with any text before the dot.
const PERMISSION_CODES: &[&str] = &[
    "UnauthorizedOperation*",
    "*.UnauthorizedOperation",
    "*.NoPermission",
    "*.CamNoAuth",
    "AuthFailure.CamException",
];

/// Codes of an operation, version or product that the host does not offer. A repeated request gets the same response.
const RETIRED_CODES: &[&str] = &[
    "ActionOffline",
    "FailedOperation.DeprecatedAPI",
    "InvalidAction",
    "NoSuchProduct",
    "NoSuchVersion",
];

/// Codes of rejected requests and parameters.
const USAGE_CODES: &[&str] = &[
    "InvalidParameter*",
    "InvalidFilter*",
    "InvalidRequest",
    "RequestSizeLimitExceeded",
    "UnsupportedProtocol",
    "MissingParameter*",
    "UnknownParameter*",
    "InternalError.Param",
];

/// The envelope of API 3.0 without the data.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ProductErrorHead {
    response: DefaultObject<ErrorResponse>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ErrorResponse {
    error: Required<OptionalObject<ResponseError>>,
    request_id: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResponseError {
    code: Text,
    message: Text,
}

/// The envelope of API 2.0 without the data.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ErrorHead {
    code: Text,
    return_code: Text,
    message: Text,
    code_desc: Text,
}

fn error_details(response: &Response) -> ErrorDetails {
    let head = lenient::decode_response::<ProductErrorHead>(&response.body).unwrap_or_default();
    let ErrorResponse { error, request_id } = head.response.0;
    let error = match error {
        Required::Present(OptionalObject(error)) => Some(error.unwrap_or_default()),
        Required::Unreadable => Some(Box::default()),
        Required::Missing | Required::Null | Required::Empty => None,
    };
    if let Some(error) = error {
        // An error without a code is still an error, even if the response contains data.
        let code = error.code.trimmed().unwrap_or("Error");
        return ErrorDetails {
            code: Some(code.to_owned()),
            message: error.message.trimmed().map(str::to_owned),
            request_id: request_id.0,
            ..ErrorDetails::default()
        };
    }
    let head = lenient::decode_response::<ErrorHead>(&response.body).unwrap_or_default();
    let message = head.message.trimmed();
    let is_failure = |word: &&str| !word.eq_ignore_ascii_case("success");
    let described = head.code_desc.trimmed().filter(is_failure);
    // A code of success with a description other than "success" is a failure.
    let codes = [&head.code, &head.return_code].map(|code| code.trimmed());
    let failed = codes.into_iter().flatten().find(|code| *code != "0");
    let code = match codes {
        [None, None] => None,
        _ => failed.or(described),
    };
    let Some(code) = code else {
        return ErrorDetails::default();
    };
    let described = described.filter(|word| *word != code);
    ErrorDetails {
        code: Some(code.to_owned()),
        message: match (message, described) {
            (Some(text), Some(word)) => Some(format!("{text} ({word})")),
            (text, word) => text.or(word).map(str::to_owned),
        },
        ..ErrorDetails::default()
    }
}

fn permission(context: &HintContext<'_>) -> Option<String> {
    let operation = context.request.operation;
    let product = products::of_request(context.request).map_or("ccs", |product| product.name);
    Some(format!("grant the permission {product}:{operation}"))
}

fn check_endpoint(context: &HintContext<'_>) -> Option<String> {
    Some(match products::of_request(context.request) {
        Some(_) => "check the endpoint".to_owned(),
        None => format!("check the endpoint; {RETIRED}"),
    })
}

/// Returns the other spelling of the region, because the region may be the rejected parameter.
fn other_region(context: &HintContext<'_>) -> Option<String> {
    let region = context.parameter("Region");
    let other_spelling = regions::other_spelling(region)?;
    Some(format!(
        "check the parameters; the region {region} is also spelled {other_spelling}"
    ))
}

/// Returns what to check if a resource is not found. The cluster's own API may know a service that this API does not.
fn not_found(context: &HintContext<'_>) -> Option<String> {
    Some(match context.request.operation.contains("Service") {
        true => format!("{CHECK_ADDRESS}; {CLUSTER_API_HINT}"),
        false => CHECK_ID.to_owned(),
    })
}

#[cfg(test)]
mod tests;
