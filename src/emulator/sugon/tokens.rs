//! Tokens and the centre, as the platform gives them.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use super::{error, success};
use crate::crypto::{base64url, from_base64url, hmac_sha256, nonce};
use crate::emulator::api::{ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};
use crate::providers::sugon::token_exchange;

pub const PATH: &str = "/api/user/v3/tokens";
pub const CENTRE_PATH: &str = "/ac/openapi/v2/center";

/// How far a signed time may be off; the cloud's own window is not documented.
const WINDOW_MINUTES: u64 = 15;
const LIFETIME_HOURS: i64 = 24;
const REGION: &str = "11112";

/// Checks the signature of a key pair and gives the tokens of its regions.
pub fn tokens(incoming: &ServerRequest) -> ServerResponse {
    if incoming.method != "POST" {
        return error("10004", "参数不合法");
    }
    let header = |name| incoming.header(name).filter(|text| !text.is_empty());
    let given = ["user", "accesskey", "timestamp", "signature"].map(header);
    let [
        Some(user),
        Some(access_key),
        Some(timestamp),
        Some(signature),
    ] = given
    else {
        return error("10003", "缺少必要参数");
    };
    let message = token_exchange::message(access_key, timestamp, user);
    let is_recent = timestamp.parse().is_ok_and(|seconds: i64| {
        incoming.now.timestamp().abs_diff(seconds) <= WINDOW_MINUTES * 60
    });
    let is_signed =
        access_key == TEST_ID && signature == token_exchange::signature(TEST_SECRET, &message);
    if !is_recent || !is_signed {
        return error("10009", "验证失败");
    }
    success(json!([
        {"clusterName": "ac", "clusterId": "0", "token": token(user, "0", incoming.now)},
        {"clusterName": "emulator", "clusterId": REGION, "token": token(user, REGION, incoming.now)},
        {"clusterName": "stopped", "clusterId": "11250", "token": null},
    ]))
}

/// The centre of the emulator's region, where it stands itself.
pub fn centre(incoming: &ServerRequest) -> ServerResponse {
    let host = incoming.header("host").unwrap_or_default();
    success(json!({
        "id": 11112,
        "name": "emulator",
        "description": "",
        "clusterUserInfo": {"userName": "joblens-emulator", "homePath": "/public/home/joblens"},
        "aiUrls": [
            {"url": "https://disabled.emulator.example/ai", "enable": "false", "version": "2.0"},
            {"url": format!("http://{host}/ai"), "enable": "true", "version": "2.0"},
        ],
        "hpcUrls": [{"url": format!("http://{host}/hpc"), "enable": "true"}],
    }))
}

/// A token of the documented shape, of which no two are alike.
fn token(user: &str, region: &str, now: DateTime<Utc>) -> String {
    let expires_at = now + Duration::hours(LIFETIME_HOURS);
    let claims = json!({
        "user": user,
        "clusterId": region,
        "expireTime": expires_at.timestamp_millis().to_string(),
        "invoker": nonce(),
    });
    let head = base64url(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", base64url(claims.to_string().as_bytes()));
    format!("{signed}.{}", sign_claims(&signed))
}

fn sign_claims(signed: &str) -> String {
    base64url(&hmac_sha256(TEST_SECRET.as_bytes(), signed.as_bytes()))
}

/// True for a token of the region that was given here and has not run out.
pub fn is_good(token: &str, now: DateTime<Utc>) -> bool {
    let Some((signed, seal_given)) = token.rsplit_once('.') else {
        return false;
    };
    let claims = signed
        .split_once('.')
        .and_then(|(_, claims)| serde_json::from_slice::<Value>(&from_base64url(claims)?).ok())
        .unwrap_or_default();
    let expires_at = claims["expireTime"]
        .as_str()
        .and_then(|text| text.parse().ok());
    seal_given == sign_claims(signed)
        && claims["clusterId"] == REGION
        && expires_at.is_some_and(|at: i64| now.timestamp_millis() < at)
}
