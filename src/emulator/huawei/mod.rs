//! Emulates Huawei Cloud: Workspace APP, ModelArts, asynchronous jobs and IAM. Each operation has a path; tokens or
//! signatures are in headers.

mod iam;
mod image_job;
mod job;
mod training_job;

use chrono::{NaiveDateTime, SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::api::{EmulatedApi, EmulatedCall, EmulatedError, EmulatedKind, Route};
use super::imds::{CREDENTIALS, Imds, TOKEN};
use super::message::{ServerRequest, ServerResponse};
use super::tokens::{TEST_ID, TEST_SECRET};
use crate::crypto::nonce;
use crate::providers::huawei::sign;

/// The emulated cloud.
pub struct Gateway;

/// The only project.
const PROJECT: &str = "a4da8115c9d8464ead3a38309130523f";
/// The region of the project.
const REGION: &str = "cn-north-4";

/// An `X-Auth-Token` that is valid only in the emulator.
const TEST_TOKEN: &str = "joblens-test-auth-token";

/// Prefix of the ids of temporary keys.
const PREFIX: &str = "HST3";

// Error messages of the cloud.
const REFUSED: &str = "Incorrect IAM authentication information";
const CLOCK_SKEW: &str = "the time of the request is off by more than 15 minutes";
const UNKNOWN_OPERATION: &str =
    "The API does not exist or has not been published in the environment";
const THROTTLED: &str =
    "The throttling threshold has been reached: policy user over ratelimit,limit:200,time:1 second";

/// The metadata service of an emulated instance.
static IMDS: Imds = Imds {
    routes: &[
        Route::public(TOKEN, "/meta-data/latest/api/token"),
        Route::public(CREDENTIALS, "/openstack/latest/securitykey"),
    ],
    token_header: "x-metadata-token",
    prefix: PREFIX,
    lifetime: TimeDelta::hours(24),
    document: |key, _| {
        json!({"credential": {
            "access": key.id, "secret": key.secret, "securitytoken": key.token,
            "expires_at": key.expires_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        }})
    },
};

impl EmulatedApi for Gateway {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("JOBLENS_HUAWEI_REGION", REGION),
            ("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT),
            ("HUAWEICLOUD_SDK_AK", TEST_ID),
            ("HUAWEICLOUD_SDK_SK", TEST_SECRET),
        ]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const {
            &[
                &image_job::IMAGE_JOB,
                &training_job::TRAINING_JOB,
                &job::JOB,
                &iam::IAM,
                &IMDS,
            ]
        }
    }

    /// Verifies the token or signature.
    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        match call.request.header("x-auth-token") {
            Some(TEST_TOKEN) => Ok(()),
            Some(token) => {
                let read = iam::TOKEN_FORMAT.read(token, call.now());
                read.map(drop).map_err(EmulatedError::Token)
            }
            None => verify_signature(call),
        }
    }

    fn success(&self, data: Value) -> ServerResponse {
        ServerResponse::json(200, &data).with_header("x-request-id", nonce())
    }

    fn document(&self, text: &str) -> ServerResponse {
        ServerResponse::document(200, text).with_header("x-request-id", nonce())
    }

    fn error(&self, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        let (status, code, message) = match error {
            E::Response(response) => return response,
            E::Missing(name) | E::Invalid(name) => {
                (400, "WKS.0001", format!("The parameter {name} is invalid."))
            }
            E::Refused => return unauthenticated("verify ak sk signature fail"),
            E::Token(_) => return unauthenticated("decrypt token fail"),
            E::MissingHeader(name) => return unauthenticated(&format!("{name} not found")),
            E::Signature => return unauthenticated("verify ak sk signature fail"),
            E::TimeFormat => return unauthenticated("x-sdk-date is malformed"),
            E::ClockSkew | E::Replayed => (401, "APIGW.0303", format!("{REFUSED}: {CLOCK_SKEW}")),
            E::NotFound => (404, "WKS.0202", "The resource does not exist.".into()),
            E::UnknownOperation | E::Method => (404, "APIGW.0101", UNKNOWN_OPERATION.into()),
            E::Throttled => (429, "APIGW.0308", THROTTLED.into()),
            E::Unavailable(status) => (status, "APIGW.0201", "Backend unavailable".into()),
        };
        failure(status, code, &message)
    }

    fn error_to(&self, request: &ServerRequest, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        match error {
            E::NotFound if request.path.starts_with("/v2/") => {
                failure(400, "ModelArts.2775", "Training job not found.")
            }
            E::Missing(name) | E::Invalid(name) if request.path.starts_with("/v2/") => failure(
                400,
                "ModelArts.2764",
                &format!("The parameter {name} is invalid."),
            ),
            error => self.error(error),
        }
    }
}

fn failure(status: u16, code: &str, message: &str) -> ServerResponse {
    let request_id = nonce();
    let body = json!({"error_code": code, "error_msg": message, "request_id": request_id});
    ServerResponse::json(status, &body).with_header("x-request-id", request_id)
}

/// Checks the project in the path.
///
/// # Errors
/// An error if the project in the path is not that of the credential.
fn check_project(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    match call.segments[0] == PROJECT {
        true => Ok(()),
        false => {
            let response = unauthenticated("project id does not match");
            Err(EmulatedError::Response(response))
        }
    }
}

fn unauthenticated(message: &str) -> ServerResponse {
    failure(401, "APIGW.0301", &format!("{REFUSED}: {message}"))
}

fn verify_signature(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    let request = call.request;
    let (id, names, given) = parts(call.header("authorization")?)
        .ok_or(EmulatedError::MissingHeader("authorization"))?;
    let date = call.header("x-sdk-date")?;
    let signed_at = NaiveDateTime::parse_from_str(date, sign::DATE_FORMAT).ok();
    let signed_at = signed_at.map(|date| date.and_utc());
    call.check_time(signed_at, TimeDelta::minutes(15))?;
    let secret = call.secret_of(PREFIX, id, request.header("x-security-token"))?;
    let names: Vec<&str> = names.split(';').collect();
    let headers = names
        .iter()
        .map(|name| Some((*name, request.header(name)?)));
    let headers: Option<Vec<(&str, &str)>> = headers.collect();
    let headers = headers
        .filter(|_| names.contains(&"host") && names.contains(&"x-sdk-date"))
        .ok_or(EmulatedError::MissingHeader("a signed header"))?;
    let (canonical, _) = sign::canonical_request(
        &request.method,
        &request.path,
        &request.query_parameters(),
        &headers,
        &request.body,
    );
    if given != sign::signature(&secret, &sign::string_to_sign(date, &canonical)) {
        let echo = canonical.replace('\n', "|");
        let message = format!("verify ak sk signature fail, canonicalRequest: {echo}");
        return Err(EmulatedError::Response(unauthenticated(&message)));
    }
    Ok(())
}

/// Returns key id, names of the signed headers, and signature.
fn parts(authorization: &str) -> Option<(&str, &str, &str)> {
    let rest = authorization
        .strip_prefix(sign::ALGORITHM)?
        .strip_prefix(" Access=")?;
    let (id, rest) = rest.split_once(", SignedHeaders=")?;
    let (names, signature) = rest.split_once(", Signature=")?;
    Some((id, names, signature))
}
