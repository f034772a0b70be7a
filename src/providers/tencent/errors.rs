//! What the codes of API 2.0 mean; all of them come with HTTP status 200.

use serde::Deserialize;

use super::regions;
use crate::error::Category::{
    ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
    Unauthenticated,
};
use crate::http::{Response, RetryAction};
use crate::providers::errors::{ErrorContext, ErrorRule, ErrorSpec, Failure};
use crate::providers::lenient::{self, Text};

/// Said where the API itself may be gone.
pub(super) const RETIRED: &str = "API 2.0 may be retired (the vendor announced it for 2020); the cluster's own Kubernetes API has the same events";

/// Said where a service is not found.
pub(super) const CHECK_ADDRESS: &str =
    "check cluster, namespace, service and region, or run: joblens list tencent";

const KEY: &str = "check {secret_id}, {secret_key} and {token}";
const CLOCK: &str = "check the local clock";

/// The errors of every operation.
pub(super) const ERRORS: ErrorSpec = ErrorSpec {
    failure,
    request_id: |_| None,
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
            .hint(CHECK_ADDRESS),
        ErrorRule::codes(&["5100"], ServiceError).message("the operation failed"),
        ErrorRule::codes(&["6000"], ServiceError)
            .retry(RetryAction::Backoff)
            .message("internal error"),
        ErrorRule::codes(&["6100"], ServiceError)
            .message("the operation is not supported")
            .hint(RETIRED),
        ErrorRule::codes(&["6200"], ServiceError)
            .retry(RetryAction::Backoff)
            .message("temporarily unavailable"),
        ErrorRule::category(PermissionDenied).hint_with(permission),
        // A failure without a code did not come from this API.
        ErrorRule::category(InvalidArgument)
            .for_code(false)
            .hint_with(|_| Some(format!("check the endpoint; {RETIRED}"))),
    ],
    overrides: &[],
};

/// The envelope without its data.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ErrorHead {
    code: Text,
    message: Text,
    code_desc: Text,
}

fn failure(response: &Response) -> Failure {
    let head = lenient::decode_response::<ErrorHead>(&response.body).unwrap_or_default();
    let said = head.message.trimmed();
    let is_failure = |word: &&str| !word.eq_ignore_ascii_case("success");
    let described = head.code_desc.trimmed().filter(is_failure);
    // A success that is described as something else is none.
    let code = match head.code.trimmed() {
        Some("0") => described,
        code => code,
    };
    let Some(code) = code else {
        return Failure::default();
    };
    let described = described.filter(|word| *word != code);
    Failure {
        code: Some(code.to_owned()),
        message: match (said, described) {
            (Some(said), Some(word)) => Some(format!("{said} ({word})")),
            (said, word) => said.or(word).map(str::to_owned),
        },
        ..Failure::default()
    }
}

fn permission(context: &ErrorContext<'_>) -> Option<String> {
    let operation = context.request.operation;
    Some(format!("grant the permission ccs:{operation}"))
}

/// A parameter that is not taken may be the region, which has two spellings.
fn other_region(context: &ErrorContext<'_>) -> Option<String> {
    let region = context.parameter("Region");
    let other = regions::other_spelling(region)?;
    Some(format!(
        "check the parameters; the region {region} is also spelled {other}"
    ))
}
