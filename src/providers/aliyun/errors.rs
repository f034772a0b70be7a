//! Maps the error codes of the products and of STS to categories and hints.
//!
//! This cloud reports throttling with HTTP status 400, an unknown key with 404, and a missing permission with
//! 407. Source: the error pages of the operations and the SDK's error handling.

use std::time::Duration;

use serde::Deserialize;

use super::products::{self, DLC, EHPC_NEXT};
use super::xml;
use crate::error::Category::{
    ClockSkew, InvalidArgument, MissingCredentials, NotFound, PermissionDenied, ServiceError,
    Throttled, Unauthenticated,
};
use crate::http::{Response, RetryAction};
use crate::providers::errors::{ErrorDetails, ErrorRule, ErrorSpec, HintContext};
use crate::providers::lenient::{self, OptionalObject, Text};
use crate::providers::request_id::RequestIdNames;

/// Maximum size of a body that is searched for an error.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// A longer message of the cloud is truncated to this length.
const MAX_MESSAGE_CHARS: usize = 600;

/// Codes of HTTP 404 about a requested resource. The operations have no common code for a job that does not exist, and
/// the codes for a wrong region or version end with `NotFound` as well.
const MISSING_RESOURCES: [&str; 36] = [
    "*ClusterNotFound",
    "*Cluster.NotFound",
    "*ClusterId.NotFound",
    "*ClusterIdNotFound",
    "*CommandNotFound",
    "*Command.NotFound",
    "*CommandId.NotFound",
    "*CommandIdNotFound",
    "*InstanceNotFound",
    "*Instance.NotFound",
    "*InstanceId.NotFound",
    "*InstanceIdNotFound",
    "*InvocationNotFound",
    "*Invocation.NotFound",
    "*InvocationId.NotFound",
    "*InvocationIdNotFound",
    "*InvokeNotFound",
    "*Invoke.NotFound",
    "*InvokeId.NotFound",
    "*InvokeIdNotFound",
    "*JobNotFound",
    "*Job.NotFound",
    "*JobId.NotFound",
    "*JobIdNotFound",
    "*ResourceNotFound",
    "*Resource.NotFound",
    "*ResourceId.NotFound",
    "*ResourceIdNotFound",
    "*TaskNotFound",
    "*Task.NotFound",
    "*TaskId.NotFound",
    "*TaskIdNotFound",
    "*WorkspaceNotFound",
    "*Workspace.NotFound",
    "*WorkspaceId.NotFound",
    "*WorkspaceIdNotFound",
];

const ENDPOINT: &str = "wrong endpoint or region: check endpoint and region of the profile";
const KEY_ID: &str = "check {access_key_id}: it is unknown or disabled";
const KEY_SECRET: &str = "check {access_key_secret}: it does not belong to the key id";
const TOKEN: &str =
    "check {security_token}: temporary keys need the token they were issued with, and expire";

/// The errors of E-HPC.
pub(super) const ERRORS: ErrorSpec = ErrorSpec {
    error_details,
    request_id: RequestIdNames {
        headers: &["x-acs-request-id"],
        members: &["RequestId", "requestId", "requestid"],
    },
    rules: &[
        ErrorRule::codes(&["SignatureNonceUsed"], ServiceError).retry(RetryAction::Immediate),
        ErrorRule::codes(&["InvalidTimeStamp.Expired", "IllegalTimestamp"], ClockSkew)
            .retry(RetryAction::AfterClockSync)
            .hint("synchronize the local clock"),
        ErrorRule::codes(
            &["SignatureDoesNotMatch", "IncompleteSignature"],
            Unauthenticated,
        )
        .hint(KEY_SECRET),
        ErrorRule::codes(
            &["MissingSecurityToken", "InvalidSecurityToken*"],
            Unauthenticated,
        )
        .hint(TOKEN),
        ErrorRule::codes(
            &["Forbidden.AccessKeyDisabled", "InvalidAccessKeyId*"],
            Unauthenticated,
        )
        .hint(KEY_ID),
        ErrorRule::codes(
            &["NotAuthorized", "Forbidden", "Forbidden.*", "NoPermission"],
            PermissionDenied,
        )
        .hint_with(permission),
        ErrorRule::codes(&["OperationForbidden"], PermissionDenied)
            .hint("the job belongs to another user, or its workspace does not allow this"),
        ErrorRule::codes(&["NotEnabled"], PermissionDenied).hint("enable E-HPC for this account"),
        ErrorRule::codes(&["InDebt"], PermissionDenied).hint("pay the overdue bill of the account"),
        ErrorRule::codes(
            &[
                "ClusterNotFound",
                "InvalidCluster.NotFound",
                "InvalidClusterId.NotFound",
            ],
            NotFound,
        )
        .hint_with(no_cluster),
        ErrorRule::codes(&["ObjectNotFound"], NotFound)
            .hint("check the id, and the region and cluster that it belongs to"),
        // A container group, its container, or the node of a job.
        ErrorRule::codes(
            &[
                "InvalidContainerGroup.NotFound",
                "ContainerNotExists",
                "ComputeNotFound",
            ],
            NotFound,
        ),
        ErrorRule::codes(&["NotFound"], NotFound)
            .hint("check the id and the region; records of old jobs are deleted"),
        // A command of the scheduler failed. Its HTTP status 403 is not about a permission.
        ErrorRule::codes(&["ExecFail"], ServiceError)
            .hint("check the id, and the scheduler of the cluster"),
        ErrorRule::codes(&["ManagerNotFound"], ServiceError)
            .hint("the cluster's manager node is missing or abnormal"),
        ErrorRule::codes(&["InvalidClusterStatus"], ServiceError)
            .hint("the cluster is not running; try again when it is"),
        ErrorRule::codes(
            &[
                "EcsError",
                "AliyunError",
                "AgentError",
                "DbError",
                "RedisError",
                "PartFailure",
            ],
            ServiceError,
        ),
        ErrorRule::codes(
            &[
                "ConflictOpt",
                "UnknownError",
                "InternalError",
                "ServiceUnavailable*",
            ],
            ServiceError,
        )
        .retry(RetryAction::Backoff),
        ErrorRule::codes(
            &[
                "InvalidApi.NotFound",
                "InvalidProduct.NotFound",
                "InvalidRegion.NotFound",
                "InvalidAction.NotFound",
                "InvalidRegionId.NotFound",
                "RegionNotFound",
                "InvalidVersion",
                "InvalidVersion.NotFound",
                "NoSuchVersion",
                "ServiceNotFound",
                "EndpointNotFound",
                "HostNotFound",
                "InvalidDomain.NotFound",
            ],
            InvalidArgument,
        )
        .hint(ENDPOINT),
        ErrorRule::codes(&MISSING_RESOURCES, NotFound)
            .for_status(404)
            .hint("check the id and the region; records of old jobs are deleted"),
        ErrorRule::codes(&["InvalidProtocol.NeedSsl"], InvalidArgument)
            .hint("the endpoint must be https://"),
        ErrorRule::codes(&["Throttling*"], Throttled).retry(RetryAction::Backoff),
        ErrorRule::codes(&["Missing*", "Invalid*"], InvalidArgument),
        // An error without a code is not from the operation: a gateway or proxy sent it.
        ErrorRule::status(404).for_code(false).hint(ENDPOINT),
        ErrorRule::status(407)
            .for_code(false)
            .hint("set the proxy's user name and password in its URL"),
        ErrorRule::status(407)
            .with_category(PermissionDenied)
            .hint_with(permission),
        ErrorRule::category(PermissionDenied)
            .for_code(true)
            .hint_with(permission),
    ],
    overrides: &[],
};

/// The errors of STS, which need other hints than those of E-HPC.
pub(super) const STS_ERRORS: ErrorSpec = ErrorSpec {
    overrides: &[
        ErrorRule::category(PermissionDenied).hint(
            "allow the key's account in the role's trust policy, and grant the key sts:AssumeRole",
        ),
        ErrorRule::category(NotFound)
            .with_category(MissingCredentials)
            .hint("check role_arn"),
        ErrorRule::category(InvalidArgument)
            .with_category(MissingCredentials)
            .hint("check role_arn, role_session_name and sts_endpoint"),
    ],
    ..ERRORS
};

/// The body of an error; the gateway sends its keys in upper or lower case.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    #[serde(rename = "Code", alias = "code")]
    code: Text,
    #[serde(rename = "Message", alias = "message")]
    message: Text,
    #[serde(rename = "RequestId", alias = "requestId", alias = "requestid")]
    request_id: Text,
    /// The root element of an error in XML.
    #[serde(rename = "Error")]
    error: OptionalObject<ErrorBody>,
}

fn error_details(response: &Response) -> ErrorDetails {
    let body = decode(&response.body);
    let message = body.message.trimmed().map(sentence);
    // A successful status with a code is an error only if it has a message.
    let is_error = response.status >= 300 || message.is_some();
    ErrorDetails {
        code: body.code.trimmed().filter(|_| is_error).map(str::to_owned),
        message,
        request_id: body.request_id.trimmed().map(str::to_owned),
        retry_after: retry_after(response),
    }
}

fn decode(body: &[u8]) -> ErrorBody {
    if body.len() > MAX_ERROR_BYTES {
        return ErrorBody::default();
    }
    let decoded = match xml::is_xml(body) {
        true => xml::json(body, "Error").and_then(|json| lenient::decode_response(json.as_bytes())),
        false => lenient::decode_response::<ErrorBody>(body),
    };
    // Another body has no code; then the status decides.
    let body = decoded.unwrap_or_default();
    match body.error.0 {
        Some(inner) => *inner,
        None => body,
    }
}

/// Parses `x-acs-retry-after`, in milliseconds. Only a positive whole number is valid.
fn retry_after(response: &Response) -> Option<Duration> {
    let milliseconds: u64 = response.header("x-acs-retry-after")?.trim().parse().ok()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// Converts a message to one line of limited length without a final period.
fn sentence(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        None => line.to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}

fn permission(context: &HintContext<'_>) -> Option<String> {
    let operation = context.request.operation;
    let product = products::of_request(context.request);
    let prefix = product.permission_prefix;
    let alternative = match product == &DLC {
        // The vendor's documentation uses both.
        true => format!(" or pai:{operation}, and a role in the workspace"),
        false => String::new(),
    };
    Some(format!(
        "grant the permission {prefix}:{operation}{alternative}"
    ))
}

fn no_cluster(context: &HintContext<'_>) -> Option<String> {
    let is_next = products::of_request(context.request) == &EHPC_NEXT;
    let is_hangzhou = context.parameter("ClusterId").contains("-hz-");
    let first = match is_hangzhou && context.region != Some("cn-hangzhou") {
        true => {
            "'-hz-' may mean cn-hangzhou: set region in the profile, or ALIBABA_CLOUD_REGION_ID"
        }
        false => "a cluster exists only in its own region: check the region and the cluster id",
    };
    if is_next {
        return Some(format!(
            "{first}; clusters of E-HPC 1.0 (API 2018-04-12) are not visible to this API"
        ));
    }
    Some(format!(
        "{first}, or run: joblens list aliyun; clusters of E-HPC NEXT (API 2024-07-30) are not visible to this API"
    ))
}

#[cfg(test)]
mod tests;
