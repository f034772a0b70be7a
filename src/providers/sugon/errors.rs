//! Maps the error codes of the open API to error categories.

use serde::Deserialize;

use crate::error::Category::{
    InvalidArgument, NotFound, PermissionDenied, ServiceError, Unauthenticated,
};
use crate::http::{Response, RetryAction};
use crate::providers::errors::{ErrorDetails, ErrorRule, ErrorSpec};
use crate::providers::lenient::{self, Checked, Text};
use crate::providers::request_id::RequestIdNames;

const PERMISSION: &str = "check that {token} is of the computing region, not of the platform, and that its user may read this";
const EXPIRED: &str = "permission denied or token expired";

/// Error rules for requests with a token.
pub(super) const ERRORS: ErrorSpec = ErrorSpec {
    error_details,
    request_id: RequestIdNames {
        headers: &[],
        members: &[],
    },
    rules: &[
        ErrorRule::codes(&["10008"], Unauthenticated)
            .message(EXPIRED)
            .hint("log in again and set the new {token} of the computing region"),
        ErrorRule::codes(&["1001"], Unauthenticated)
            .message("authentication failed")
            .hint("set the endpoint of the open API, and a {token} of the computing region"),
        ErrorRule::codes(&["10007", "10009"], PermissionDenied)
            .message("permission denied")
            .hint(PERMISSION),
        ErrorRule::codes(&["10003", "10004"], InvalidArgument).message("request rejected"),
        ErrorRule::codes(&["10012"], ServiceError)
            .retry(RetryAction::Backoff)
            .message("connection interrupted"),
        ErrorRule::codes(&["911020"], NotFound).message("file does not exist"),
        ErrorRule::codes(&["10001"], ServiceError).message("internal error"),
        ErrorRule::category(PermissionDenied).hint(PERMISSION),
        ErrorRule::any_code().message("service error"),
        ErrorRule::status(404).hint("check the endpoint: this response is not from the open API"),
    ],
    overrides: &[],
};

/// Error rules for exchanging a key for tokens, where two codes have another meaning.
pub(super) const EXCHANGE_ERRORS: ErrorSpec = ErrorSpec {
    overrides: &[
        ErrorRule::codes(&["10009"], Unauthenticated).hint(
            "check {user}, {access_key} and {secret_key} against the authorization file, and the local clock",
        ),
        ErrorRule::codes(&["10008"], PermissionDenied)
            .hint("the platform issues no tokens for this user; contact its support"),
    ],
    ..ERRORS
};

/// The envelope without the data, whose shape is documented only for success.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorHead {
    code: Text,
    msg: Text,
    message: Text,
}

/// Checks that the code of a response means success.
///
/// # Errors
/// A description of the expected code.
pub(super) fn check_code(code: &Checked<Text>) -> Result<(), String> {
    match code.value.trimmed() {
        Some("0") => Ok(()),
        _ if code.is_unreadable => Err("text or a number at code".to_owned()),
        _ => Err("code 0".to_owned()),
    }
}

fn error_details(response: &Response) -> ErrorDetails {
    let head = lenient::decode_response::<ErrorHead>(&response.body).unwrap_or_default();
    let Some(code) = head.code.trimmed().filter(|code| *code != "0") else {
        return ErrorDetails::default();
    };
    let message = head.msg.0.or(head.message.0);
    let message = message.map(|text| text.trim().to_owned());
    ErrorDetails {
        code: Some(code.to_owned()),
        message: match code {
            "10008" => message.map(|text| format!("{EXPIRED}: {text}")),
            _ => message,
        },
        ..ErrorDetails::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_or_missing_response_code_is_an_error() {
        let check = |json| check_code(&serde_json::from_str(json).unwrap());
        assert_eq!(check("\"0\""), Ok(()));
        assert_eq!(check("0"), Ok(()));
        assert_eq!(check("[[0]]"), Err("text or a number at code".to_owned()));
        assert_eq!(check("null"), Err("code 0".to_owned()));
    }
}
