//! Tencent Cloud, CCS (API 2.0): one path, parameters in query or form, signature v2.

mod clusters;
mod service;

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use super::api::{EmulatedApi, EmulatedCall, EmulatedError, EmulatedKind, Route};
use super::imds::{CREDENTIALS, Imds, ROLE};
use super::message::{ServerRequest, ServerResponse};
use super::tokens::{TEST_ID, TEST_SECRET};
use crate::crypto::{base64, hmac_sha1};
use crate::providers::tencent::sign;

/// The emulator in the cloud's place.
pub struct Ccs;

/// How ids of temporary keys begin.
const PREFIX: &str = "AKID";

/// The metadata service of an instance.
static IMDS: Imds = Imds {
    routes: &[
        Route::public(ROLE, "/latest/meta-data/cam/security-credentials/"),
        Route::public(CREDENTIALS, "/latest/meta-data/cam/security-credentials/{}"),
    ],
    token_header: "",
    prefix: PREFIX,
    lifetime: TimeDelta::hours(6),
    document: |key, _| {
        json!({
            "TmpSecretId": key.id, "TmpSecretKey": key.secret, "Token": key.token,
            "ExpiredTime": key.expires_at.timestamp(), "Expiration": key.expires_at.to_rfc3339(),
            "Code": "Success",
        })
    },
};

impl EmulatedApi for Ccs {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("TENCENTCLOUD_REGION", "ap-guangzhou"),
            ("TENCENTCLOUD_SECRET_ID", TEST_ID),
            ("TENCENTCLOUD_SECRET_KEY", TEST_SECRET),
        ]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const { &[&service::Service, &clusters::Clusters, &IMDS] }
    }

    fn action(&self, request: &ServerRequest) -> Option<String> {
        let is_ours = request.path == "/v2/index.php";
        let action = || request.parameter("Action");
        is_ours.then(|| action().unwrap_or_else(|| "unnamed".to_owned()))
    }

    /// Checks key, time, signature and nonce over all that was received.
    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        call.required("Action")?;
        call.required("Region")?;
        let id = call.required("SecretId")?;
        let timestamp = call.required("Timestamp")?.parse().ok();
        let nonce = call.required("Nonce")?;
        let given = call.required("Signature")?;
        let secret = call.secret_of(PREFIX, id, call.parameter("Token"))?;
        let signed_at = timestamp.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        call.check_time(signed_at, TimeDelta::minutes(5))?;
        if !nonce.parse::<i64>().is_ok_and(|nonce| nonce > 0) {
            return Err(EmulatedError::Replayed);
        }
        let parameters = call.parameters.iter();
        let signed: Vec<(&str, &str)> = parameters
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| *name != "Signature")
            .collect();
        let (method, path) = (&call.request.method, &call.request.path);
        let host = call.request.header("host").unwrap_or_default();
        let text = sign::text_to_sign(method, host, path, &signed);
        let expected = match call.parameter("SignatureMethod") {
            Some(sign::METHOD) => sign::signature(&secret, &text),
            None | Some("HmacSHA1") => base64(&hmac_sha1(secret.as_bytes(), text.as_bytes())),
            Some(_) => return Err(EmulatedError::Signature),
        };
        if given != expected {
            return Err(EmulatedError::Signature);
        }
        call.check_nonce(&format!("tencent {nonce}"))
    }

    fn success(&self, data: Value) -> ServerResponse {
        let body = json!({"code": 0, "message": "", "codeDesc": "Success", "data": data});
        ServerResponse::json(200, &body)
    }

    fn error(&self, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        let (code, word, message) = match error {
            E::Response(response) => return response,
            E::Missing(name) | E::MissingHeader(name) => (
                4000,
                "InvalidParameter",
                format!("missing parameter {name}"),
            ),
            E::Invalid(name) => (4000, "InvalidParameter", format!("{name} is wrong")),
            E::Signature => (4100, "AuthFailure", "signature verification failed".into()),
            E::Token(_) => (4100, "AuthFailure", "token verification failed".into()),
            E::Refused => (4104, "SecretIdNotFound", "SecretId does not exist".into()),
            E::Throttled => (
                4400,
                "RequestLimitExceeded",
                "quota of requests exceeded".into(),
            ),
            E::Replayed | E::ClockSkew | E::TimeFormat => {
                (4500, "ReplayAttack", "replay attack".into())
            }
            E::NotFound => (5000, "ResourceNotFound", "resource does not exist".into()),
            E::Unavailable(_) => (6000, "InternalError", "internal error".into()),
            E::UnknownOperation | E::Method => {
                (6100, "InvalidAction", "action is not supported".into())
            }
        };
        let message = format!("({code}){message}");
        let body = json!({"code": code, "message": message, "codeDesc": word});
        let status = match error {
            E::Unavailable(status) => status,
            _ => 200,
        };
        ServerResponse::json(status, &body)
    }
}
