//! Emulates Alibaba Cloud. Parameters are in the query or form; except for PAI-DLC, all operations use the same path.

mod clusters;
mod dlc_job;
mod eci;
mod hpc_job;
mod instant_job;
mod invocation;
mod job;
mod scheduler;
mod scheduler_job;
mod sts;
mod verify;

use std::fmt::Display;

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::api::{
    EmulatedApi, EmulatedCall, EmulatedError, EmulatedKind, Handler, HandlerResult, Route,
};
use super::imds::{CREDENTIALS, Imds, ROLE, TOKEN};
use super::message::{ServerRequest, ServerResponse};
use super::pager::Pager;
use super::state::{JobView, merge};
use super::tokens::{TEST_ID, TEST_SECRET, TemporaryKey, TokenError};
use crate::crypto;

/// The emulated cloud.
pub struct Gateway;

// API versions.
const EHPC: &str = "2018-04-12";
const EHPC_NEXT: &str = "2024-07-30";
const ECI: &str = "2018-08-08";
const DLC: &str = "2020-12-03";
const INSTANT: &str = "2023-07-01";
const WORKSPACE_API: &str = "2021-02-04";
const STS: &str = "2015-04-01";

/// Creates a route for an operation of one API version that only accepts POST.
const fn post(version: &'static str, operation: &'static str, handler: Handler) -> Route {
    let route = Route::action(operation).version(version);
    route.only(&["POST"]).to(handler)
}

/// Prefix of the ids of temporary keys.
const PREFIX: &str = "STS.";

// Error messages of the cloud.
const TIME_FORMAT: &str = "Specified time stamp or date value is not well formatted.";
const CLOCK_SKEW: &str = "Specified time stamp or date value is expired.";
const SIGNATURE: &str = "Specified signature is not matched with our calculation.";
const REPLAYED: &str = "Specified signature nonce was used already.";
const REFUSED: &str = "Specified access key is not found.";
const UNKNOWN_OPERATION: &str = "Specified api is not found, please check your url and method.";
const UNAVAILABLE: &str = "The request has failed due to a temporary failure of the server.";

/// The metadata service of an emulated instance.
static IMDS: Imds = Imds {
    routes: &[
        Route::public(TOKEN, "/latest/api/token"),
        Route::public(ROLE, "/latest/meta-data/ram/security-credentials/"),
        Route::public(CREDENTIALS, "/latest/meta-data/ram/security-credentials/{}"),
    ],
    token_header: "x-aliyun-ecs-metadata-token",
    prefix: PREFIX,
    lifetime: TimeDelta::hours(6),
    document: |key, now| {
        let updated_at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut document = json!({"Code": "Success", "LastUpdated": updated_at});
        merge(&mut document, key_document(key));
        document
    },
};

/// Returns temporary keys in the format of the cloud.
fn key_document(key: &TemporaryKey) -> Value {
    json!({
        "AccessKeyId": key.id, "AccessKeySecret": key.secret, "SecurityToken": key.token,
        "Expiration": key.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}

impl EmulatedApi for Gateway {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", TEST_ID),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", TEST_SECRET),
            ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
        ]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const {
            &[
                &job::JOB,
                &invocation::INVOCATION,
                &hpc_job::HPC_JOB,
                &dlc_job::DLC_JOB,
                &instant_job::INSTANT_JOB,
                &scheduler_job::SCHEDULER_JOB,
                &eci::CONTAINER_LOGS,
                &clusters::CLUSTERS,
                &sts::STS_KEYS,
                &IMDS,
            ]
        }
    }

    /// Requests of the SDKs name the operation in a header; requests with signature version 1 can
    /// also use a parameter.
    fn action(&self, request: &ServerRequest) -> Option<String> {
        let is_ours = request.path == "/" || request.path.starts_with("/api/v1/");
        let named = request.header("x-acs-action").map(str::to_owned);
        // Tencent Cloud uses this name for keys in parameters.
        let is_foreign = || named.is_none() && request.parameter("SecretId").is_some();
        if !is_ours || is_foreign() {
            return None;
        }
        named.or_else(|| request.parameter("Action"))
    }

    fn version(&self, request: &ServerRequest) -> Option<String> {
        let named = request.header("x-acs-version").map(str::to_owned);
        named.or_else(|| request.parameter("Version"))
    }

    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        verify::signature(call)
    }

    fn error(&self, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        let (status, code, message) = match error {
            E::Response(response) => return response,
            // The response has status 400 and an additional header.
            E::Throttled => {
                let message = "Request was denied due to user flow control.";
                let response = failure(400, "Throttling.User", message);
                return response.with_header("x-acs-retry-after", "200");
            }
            E::Missing(name) => {
                let name = name.split('.').next().unwrap_or(name);
                let message = format!("{name} is mandatory for this action.");
                return failure(400, &format!("Missing{name}"), &message);
            }
            E::MissingHeader(name) => {
                let message = "The request signature does not conform to the standards";
                return failure(400, "IncompleteSignature", &format!("{message}: {name}"));
            }
            E::Invalid(name) => {
                let message = format!("The parameter {name} is invalid.");
                return failure(400, "InvalidParams", &message);
            }
            E::Token(error) => {
                let (code, what) = match error {
                    TokenError::Expired => ("Expired", "expired"),
                    TokenError::Unknown => ("Malformed", "malformed"),
                };
                let message = format!("Specified SecurityToken is {what}.");
                return failure(400, &format!("InvalidSecurityToken.{code}"), &message);
            }
            E::TimeFormat => (400, "InvalidTimeStamp.Format", TIME_FORMAT),
            E::ClockSkew => (400, "InvalidTimeStamp.Expired", CLOCK_SKEW),
            E::Signature => (400, "SignatureDoesNotMatch", SIGNATURE),
            E::Replayed => (400, "SignatureNonceUsed", REPLAYED),
            E::Refused => (404, "InvalidAccessKeyId.NotFound", REFUSED),
            E::NotFound => (
                404,
                "ObjectNotFound",
                "The specified object does not exist.",
            ),
            E::UnknownOperation => (404, "InvalidApi.NotFound", UNKNOWN_OPERATION),
            E::Method => (
                405,
                "UnsupportedHTTPMethod",
                "This http method is not supported.",
            ),
            E::Unavailable(status) => (status, "ServiceUnavailable", UNAVAILABLE),
        };
        failure(status, code, message)
    }
}

/// Returns the error for a signature that does not match a text.
fn wrong_signature(text: &str) -> ServerResponse {
    let message = format!("{SIGNATURE} server string to sign is:{text}");
    failure(400, "SignatureDoesNotMatch", &message)
}

fn failure(status: u16, code: &str, message: &str) -> ServerResponse {
    let request_id = request_id(code);
    let recommend =
        format!("https://api.aliyun.com/troubleshoot?q={code}&product=EHPC&requestId={request_id}");
    let body = json!({
        "RequestId": request_id, "Message": message, "Recommend": recommend,
        "HostId": "ehpc.cn-hangzhou.aliyuncs.com", "Code": code,
    });
    ServerResponse::json(status, &body)
}

/// Returns an id in the cloud's format. The same seed gives the same id, so that output is reproducible.
fn request_id(seed: impl Display) -> String {
    let hex = crypto::sha256_hex(seed.to_string().as_bytes()).to_ascii_uppercase();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32],
    ];
    parts.join("-")
}

/// Returns the requested cluster. A cluster exists if any emulated resource belongs to it.
fn cluster<'a>(call: &'a EmulatedCall<'_>) -> Result<&'a str, EmulatedError> {
    let cluster = call.required("ClusterId")?;
    if call.state.has_cluster("aliyun/", cluster) {
        return Ok(cluster);
    }
    let message = "The specified cluster does not exist.";
    Err(EmulatedError::Response(failure(
        404,
        "ClusterNotFound",
        message,
    )))
}

/// Finds a job by its id only. For a missing job, other products return another code than E-HPC.
fn find_job<'a>(
    call: &'a EmulatedCall<'_>,
    kind: &str,
    id: &str,
) -> Result<JobView<'a>, EmulatedError> {
    call.find(kind, &[id]).map_err(|_| {
        let message = "The specified job does not exist.";
        EmulatedError::Response(failure(404, "NotFound", message))
    })
}

/// Returns the requested page of the rows; `wrap` puts them into a field.
fn list<T>(
    call: &EmulatedCall<'_>,
    pager: &Pager,
    rows: Vec<T>,
    row: impl Fn(T) -> Value,
    wrap: impl Fn(Vec<Value>) -> Value,
) -> HandlerResult {
    let page = pager.page(call)?;
    let mut body = json!({
        "RequestId": request_id(format_args!("{} {}", call.operation, call.request.query)),
        "TotalCount": rows.len(), "PageNumber": page.at, "PageSize": page.size,
    });
    merge(&mut body, wrap(page.of(rows).map(row).collect()));
    call.data(body)
}
