//! Verifies the signatures that the gateway accepts: ACS3, and version 1 in a parameter or header.

use super::{PREFIX, wrong_signature};
use crate::crypto::{base64, hmac_sha1};
use crate::emulator::message::ServerRequest;
use crate::emulator::prelude::*;
use crate::providers::aliyun::sign::{Authorization, SigningParams};
use crate::providers::aliyun::sign_v1;
use crate::sort::SortExt as _;

/// Maximum difference between the signed time and the server's time.
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Prefix of the `authorization` header for a signature of version 1.
const VERSION_1: &str = "acs ";

/// Checks key, time, signature and nonce. SDKs send `x-acs-action` with every version.
pub(super) fn signature(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    let is_named = call.request.header("x-acs-action").is_some();
    match call.request.header("authorization") {
        Some(value) if value.starts_with(VERSION_1) => version_1_header(call),
        None if !is_named || call.parameter("Signature").is_some() => version_1_parameter(call),
        _ => acs3(call),
    }
}

fn acs3(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    let request = call.request;
    call.header("x-acs-version")?;
    let nonce = call.header("x-acs-signature-nonce")?;
    let hash = call.header("x-acs-content-sha256")?;
    call.check_time(call.header("x-acs-date")?.parse().ok(), WINDOW)?;
    let authorization = Authorization::parse(call.header("authorization")?)
        .ok_or(EmulatedError::MissingHeader("authorization"))?;
    let token = request.header("x-acs-security-token");
    let secret = call.secret_of(PREFIX, &authorization.access_key_id, token)?;
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-acs-");
    let mut names = request.headers.iter().map(|(name, _)| name);
    let all_signed =
        names.all(|name| !must_be_signed(name) || authorization.signed_headers.contains(name));
    let params = SigningParams {
        method: &request.method,
        path: &request.path,
        query: &request.query_parameters(),
        headers: &request.headers,
        body: &request.body,
    };
    let is_signed = hash == sha256_hex(&request.body)
        && all_signed
        && authorization.is_signed_with(&secret, &params);
    check(call, is_signed, nonce)
}

fn version_1_parameter(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    call.required("Version")?;
    call.check_time(call.required("Timestamp")?.parse().ok(), WINDOW)?;
    let nonce = call.required("SignatureNonce")?;
    let id = call.required("AccessKeyId")?;
    let secret = call.secret_of(PREFIX, id, call.parameter("SecurityToken"))?;
    let mut signed = call.parameters.clone();
    signed.retain(|(name, _)| name != "Signature");
    let canonical = sign_v1::canonical_query(&signed);
    let text = sign_v1::string_to_sign(&call.request.method, &canonical);
    let is_signed = call.parameter("SignatureMethod") == Some("HMAC-SHA1")
        && call.parameter("SignatureVersion") == Some("1.0")
        && call.required("Signature")? == sign_v1::signature(&secret, &text);
    // The vendor's SDK fails if the error does not contain the text.
    check(call, is_signed, nonce).map_err(|error| match error {
        EmulatedError::Signature => EmulatedError::Response(wrong_signature(&text)),
        error => error,
    })
}

fn version_1_header(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    call.header("x-acs-version")?;
    let signed_at = DateTime::parse_from_rfc2822(call.header("date")?);
    call.check_time(signed_at.ok().map(Into::into), WINDOW)?;
    let authorization = call.header("authorization")?.trim_start_matches(VERSION_1);
    let (id, given) = authorization
        .split_once(':')
        .ok_or(EmulatedError::MissingHeader("authorization"))?;
    let token = call.request.header("x-acs-security-token");
    let secret = call.secret_of(PREFIX, id, token)?;
    let text = text_of_headers(call.request);
    let is_signed = call.request.header("x-acs-signature-method") == Some("HMAC-SHA1")
        && given == base64(&hmac_sha1(secret.as_bytes(), text.as_bytes()));
    // SDKs of this version send no nonce if the signature is in a header.
    let nonce = call.request.header("x-acs-signature-nonce");
    match (is_signed, nonce) {
        (true, None) => Ok(()),
        (true, Some(nonce)) => call.check_nonce(nonce),
        (false, _) => Err(EmulatedError::Response(wrong_signature(&text))),
    }
}

/// Returns the text to sign for version 1 with the signature in a header; values of the query are decoded.
fn text_of_headers(request: &ServerRequest) -> String {
    let mut lines = vec![request.method.clone()];
    let plain = ["accept", "content-md5", "content-type", "date"];
    lines.extend(plain.map(|name| request.header(name).unwrap_or_default().to_owned()));
    let mut headers: Vec<_> = request.headers.iter().collect();
    headers.retain(|(name, _)| name.starts_with("x-acs-"));
    headers.order();
    lines.extend(
        headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}")),
    );
    let mut query = request.query_parameters();
    query.order();
    let query: Vec<String> = query
        .into_iter()
        .map(|(name, value)| match value.is_empty() {
            true => name,
            false => format!("{name}={value}"),
        })
        .collect();
    lines.push(match query.is_empty() {
        true => request.path.clone(),
        false => format!("{}?{}", request.path, query.join("&")),
    });
    lines.join("\n")
}

fn check(call: &EmulatedCall<'_>, is_signed: bool, nonce: &str) -> Result<(), EmulatedError> {
    match is_signed {
        true => call.check_nonce(nonce),
        false => Err(EmulatedError::Signature),
    }
}
