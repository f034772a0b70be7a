//! Verifies the signatures that the gateways accept: TC3 in a header, and version 2 (`HmacSHA1`, `HmacSHA256`)
//! in a parameter.

use super::PREFIX;
use crate::crypto::{base64, hmac_sha1};
use crate::emulator::prelude::*;
use crate::providers::tencent::products::Product;
use crate::providers::tencent::sign;
use crate::providers::tencent::tc3::SigningParams;

/// Maximum difference between the signed time and the server's time.
const WINDOW: TimeDelta = TimeDelta::minutes(5);

/// The value that replaces the body's hash if an SDK does not sign the body.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Checks a request of API 2.0, whose signature is a parameter.
pub(super) fn api_2(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    call.required("Action")?;
    parameters(call)
}

/// Checks a request of API 3.0.
pub(super) fn product(call: &EmulatedCall<'_>, product: &Product) -> Result<(), EmulatedError> {
    let is_tc3 = call.request.header("x-tc-action").is_some();
    let version = match is_tc3 {
        true => call.header("x-tc-version")?,
        false => call.required("Version")?,
    };
    match (version == product.version, is_tc3) {
        (false, _) => Err(EmulatedError::UnknownOperation),
        (true, true) => tc3(call, product),
        (true, false) => parameters(call),
    }
}

/// Verifies key, time, signature and nonce over all received parameters.
fn parameters(call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
    call.required("Region")?;
    let id = call.required("SecretId")?;
    let signed_at = time(call.required("Timestamp")?);
    let nonce = call.required("Nonce")?;
    let given = call.required("Signature")?;
    let secret = call.secret_of(PREFIX, id, call.parameter("Token"))?;
    call.check_time(signed_at, WINDOW)?;
    if !nonce.parse::<i64>().is_ok_and(|nonce| nonce > 0) {
        return Err(EmulatedError::Replayed);
    }
    let parameters = call.request.parameters();
    let signed: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| *name != "Signature")
        .collect();
    let (method, path) = (&call.request.method, &call.request.path);
    let text = sign::string_to_sign(method, call.header("host")?, path, &signed);
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

/// Verifies key, time and signature; TC3 has no nonce.
fn tc3(call: &EmulatedCall<'_>, product: &Product) -> Result<(), EmulatedError> {
    call.header("x-tc-region")?;
    let signed_at = time(call.header("x-tc-timestamp")?);
    call.check_time(signed_at, WINDOW)?;
    let given = call.header("authorization")?;
    let id = given
        .split_once("Credential=")
        .and_then(|(_, rest)| rest.split_once('/'));
    let (id, _) = id.ok_or(EmulatedError::MissingHeader("authorization"))?;
    let secret = call.secret_of(PREFIX, id, call.request.header("x-tc-token"))?;
    let params = SigningParams {
        method: &call.request.method,
        query: &call.request.query,
        content_type: call.header("content-type")?,
        host: call.header("host")?,
        body: match call.request.header("x-tc-content-sha256") {
            Some(UNSIGNED) => UNSIGNED.as_bytes(),
            _ => &call.request.body,
        },
        service: product.name,
        signed_at: signed_at.unwrap_or_default(),
    };
    match params.authorization(id, &secret) == given {
        true => Ok(()),
        false => Err(EmulatedError::Signature),
    }
}

fn time(seconds: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.parse().ok()?, 0)
}
