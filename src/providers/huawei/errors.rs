//! Maps the error codes of the API gateway, the products and IAM to error categories.
//!
//! ModelArts uses the same code with several HTTP statuses, and HTTP 400 for a job that does not exist.

use serde_json::Value;

use super::CLOUD;
use super::error_body::{error_in, error_in_success, parse_short, strip_echo};
use super::job::JOB;
use super::training_job::TRAINING_JOB;
use crate::error::Category::{
    ClockSkew, InvalidArgument, NotFound, PermissionDenied, ServiceError, Throttled,
    Unauthenticated,
};
use crate::http::{Response, RetryAction};
use crate::providers::errors::{ErrorDetails, ErrorRule, ErrorSpec, HintContext};
use crate::providers::request_id::RequestIdNames;

const CHECK_CREDENTIAL: &str = "check the {credential} and the {project_id} before retrying: five failures in a row lock it for five minutes";
const PROJECT: &str = "check project_id and region: each region has its own projects";
const CHECK_REFERENCE: &str = "check the job id, the region and the project id";

/// Codes of ModelArts for a log that is not generated yet, was deleted, or is not stored.
const NO_LOG: &[&str] = &[
    "ModelArts.2776",
    "ModelArts.2818",
    "ModelArts.2819",
    "ModelArts.2820",
    "ModelArts.2822",
];

/// Codes of ModelArts for a rejected credential; they also come with HTTP status 403.
const CREDENTIAL: &[&str] = &[
    "ModelArts.0202",
    "ModelArts.0203",
    "ModelArts.0206",
    "ModelArts.0212",
    "ModelArts.2784",
    "ModelArts.6620",
];

/// Codes of ModelArts for a missing permission or a frozen account; they also come with HTTP statuses 400,
/// 401 and 500.
const DENIED: &[&str] = &[
    "ModelArts.0108",
    "ModelArts.0109",
    "ModelArts.0112",
    "ModelArts.2771",
    "ModelArts.2785",
    "ModelArts.2837",
];

/// Error rules of the products.
pub(super) const ERRORS: ErrorSpec = ErrorSpec {
    error_details,
    request_id: RequestIdNames {
        headers: &["x-request-id"],
        members: &["request_id"],
    },
    rules: &[
        ErrorRule::codes(&["APIGW.0301", "APIGW.0305"], Unauthenticated).hint(CHECK_CREDENTIAL),
        ErrorRule::codes(&["APIGW.0303"], ClockSkew).retry(RetryAction::AfterClockSync),
        ErrorRule::codes(&["APIGW.0302", "APIGW.0306"], PermissionDenied).hint_with(permission),
        ErrorRule::codes(&["APIGW.0308", "ModelArts.2799"], Throttled).retry(RetryAction::Backoff),
        ErrorRule::codes(&["APIGW.0101"], InvalidArgument)
            .hint("unknown API on this host: wrong endpoint or region"),
        ErrorRule::codes(&["WKS.0202"], NotFound).hint(CHECK_REFERENCE),
        ErrorRule::codes(&["ModelArts.2775"], NotFound).hint(CHECK_REFERENCE),
        ErrorRule::codes(NO_LOG, NotFound),
        ErrorRule::codes(CREDENTIAL, Unauthenticated).hint(CHECK_CREDENTIAL),
        ErrorRule::codes(DENIED, PermissionDenied).hint_with(permission),
        // It comes with HTTP status 404, but does not mean that the job is missing.
        ErrorRule::codes(&["ModelArts.2786"], PermissionDenied).hint(PROJECT),
        ErrorRule::codes(&["ModelArts.0102"], InvalidArgument)
            .for_status(400)
            .hint("check {workspace}: ModelArts has no such workspace in this project"),
        ErrorRule::codes(&["ModelArts.0210"], InvalidArgument)
            .for_status(400)
            .hint(PROJECT),
        ErrorRule::codes(&["ModelArts.0210"], PermissionDenied)
            .for_status(403)
            .hint(PROJECT),
        // The service also uses HTTP 500 for its own errors, and a retry does not help.
        ErrorRule::codes(&["WKS.*"], ServiceError).for_status(500),
        ErrorRule::category(Unauthenticated).hint(CHECK_CREDENTIAL),
        ErrorRule::category(PermissionDenied).hint_with(permission),
        // A 404 without a code can come from a proxy or another host.
        ErrorRule::status(404)
            .for_code(true)
            .with_category(NotFound)
            .hint(CHECK_REFERENCE),
        ErrorRule::status(400)
            .for_code(true)
            .hint_with(check_asynchronous_job),
    ],
    overrides: &[],
};

/// Error rules of IAM. Their hints differ from those of Workspace APP.
pub(super) const IAM_ERRORS: ErrorSpec = ErrorSpec {
    request_id: RequestIdNames {
        headers: &["x-request-id", "x-iam-trace-id"],
        members: &["request_id"],
    },
    overrides: &[
        ErrorRule::category(Unauthenticated).for_codes(&["APIGW.*"]),
        ErrorRule::category(Unauthenticated).hint(
            "check the {credential}: for user, password and domain, that the user is an IAM user (a HUAWEI ID itself gets no tokens)",
        ),
        ErrorRule::category(PermissionDenied).hint(
            "the user or key has no access to IAM; set project_id, or grant the permission iam:projects:listProjects",
        ),
        ErrorRule::category(NotFound)
            .with_category(InvalidArgument)
            .hint("check iam_endpoint and region"),
        ErrorRule::category(InvalidArgument).hint("check region, project_id, user and domain"),
    ],
    ..ERRORS
};

/// Returns the permission that the operation needs, if a kind declares it.
fn permission(context: &HintContext<'_>) -> Option<String> {
    let name = context.request.operation;
    let operations = CLOUD.kinds.iter().flat_map(|kind| kind.operations());
    let mut matching = operations.filter(|operation| operation.name == name);
    let default_permission = match context.request.path.contains("/training-job") {
        true => TRAINING_JOB.get.permission,
        false => "ReadOnlyAccess of the product",
    };
    let permission = matching
        .next()
        .map_or(default_permission, |operation| operation.permission);
    Some(format!("grant the permission {permission} in this project"))
}

/// Returns what to check if the lookup of an asynchronous job is rejected: some services respond with HTTP status 400
/// if the job does not exist.
fn check_asynchronous_job(context: &HintContext<'_>) -> Option<String> {
    let is_lookup = context.request.operation == JOB.get.name;
    is_lookup.then(|| CHECK_REFERENCE.to_owned())
}

fn error_details(response: &Response) -> ErrorDetails {
    let document = parse_short(&response.body);
    let Some(top) = document.as_ref().and_then(Value::as_object) else {
        return ErrorDetails::default();
    };
    let is_good = (200..300).contains(&response.status);
    let has = |name: &str| top.get(name).is_some_and(|value| !value.is_null());
    let error = match is_good {
        // An asynchronous job can contain the code of its failure; its decoder reads all spellings.
        true if has("job_id") && has("status") => None,
        true => error_in_success(top),
        false => error_in(top),
    };
    let (code, message) = error.unwrap_or_default();
    ErrorDetails {
        code,
        message: message.map(|message| strip_echo(&message)),
        ..ErrorDetails::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::test_support::{request, response};

    #[test]
    fn a_rejected_lookup_has_a_hint_for_its_operation() {
        let hint = |operation: &'static str, body: &str| {
            let request = request(operation, &[]);
            let context = HintContext {
                request: &request,
                region: None,
            };
            let error = ERRORS.classify(&context, &response(400, body)).unwrap();
            assert_eq!(error.category, InvalidArgument);
            error.hint
        };
        let unknown = r#"{"error":{"code":"EVS.5400","message":"job id not exist"}}"#;
        assert_eq!(
            hint(JOB.get.name, unknown).as_deref(),
            Some(CHECK_REFERENCE)
        );
        assert_eq!(hint("Other", unknown), None);
        assert_eq!(hint(JOB.get.name, "{}"), None);
        let workspace = hint("Other", r#"{"error_code":"ModelArts.0102"}"#);
        assert!(workspace.unwrap().contains("{workspace}"));
    }

    #[test]
    fn a_contradictory_error_code_of_a_success_is_an_error() {
        let code = |body: &str| error_details(&response(200, body)).code;
        let error = Some("unreadable".to_owned());
        assert_eq!(code(r#"{"error_code":"A","error_code":""}"#), error);
        assert_eq!(code(r#"{"error":{"code":"","code":"A"}}"#), error);
        assert_eq!(code(r#"{"error_code":"","error_code":""}"#), None);
    }
}
