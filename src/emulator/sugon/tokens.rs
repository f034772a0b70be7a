//! Emulates the platform's tokens and list of hosts.

use crate::emulator::prelude::*;
use crate::emulator::tokens::{TEST_ID, TEST_SECRET, TokenError, TokenFormat};
use crate::providers::sugon::token_exchange;

/// Routes of the platform's services.
pub static PLATFORM_SERVICES: &[Route] = &[
    Route::public("GetUserTokens", "/api/user/v3/tokens").to(tokens),
    Route::get("GetCenterInfo", "/ac/openapi/v2/center").to(|call| call.data(centre(call))),
];

/// The id of the only region.
pub const REGION: &str = "11112";
/// The id under which the platform issues its own token.
pub const PLATFORM: &str = "0";

/// A JWT, signed with HMAC-SHA256.
const FORMAT: TokenFormat = TokenFormat {
    prefix: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
    suffix: "",
};

/// Checks the signature of a key pair and issues the tokens of its regions.
fn tokens(call: &EmulatedCall<'_>) -> HandlerResult {
    if call.request.method != "POST" {
        return Err(EmulatedError::Method);
    }
    let (user, access_key) = (call.header("user")?, call.header("accesskey")?);
    let (timestamp, signature) = (call.header("timestamp")?, call.header("signature")?);
    let seconds = timestamp.parse().ok();
    let signed_at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    // The cloud's time window is not documented.
    call.check_time(signed_at, TimeDelta::minutes(15))?;
    let message = token_exchange::message(access_key, timestamp, user);
    if access_key != TEST_ID || signature != token_exchange::signature(TEST_SECRET, &message) {
        return Err(EmulatedError::Signature);
    }
    let token = |region: &str| {
        let claims = json!({"user": user, "clusterId": region});
        FORMAT.issue(claims, call.now() + TimeDelta::hours(24))
    };
    call.data(json!([
        {"clusterName": "ac", "clusterId": PLATFORM, "token": token(PLATFORM)},
        {"clusterName": "emulator", "clusterId": REGION, "token": token(REGION)},
        {"clusterName": "stopped", "clusterId": "11250", "token": null},
    ]))
}

/// Returns the centre of the emulated region; its host is the emulator.
fn centre(call: &EmulatedCall<'_>) -> Value {
    let host = call.request.header("host").unwrap_or_default();
    json!({
        "id": 11112, "name": "emulator", "description": "",
        "clusterUserInfo": {"userName": "joblens-emulator", "homePath": "/public/home/joblens"},
        "aiUrls": [
            {"url": "https://disabled.emulator.example/ai", "enable": "false", "version": "2.0"},
            {"url": format!("http://{host}/ai"), "enable": "true", "version": "2.0"},
        ],
        "hpcUrls": [{"url": format!("http://{host}/hpc"), "enable": "true"}],
    })
}

/// Returns the region or platform that a token gives access to.
pub fn region_or_platform(token: &str, now: DateTime<Utc>) -> Result<&'static str, EmulatedError> {
    let (claims, _) = FORMAT.read(token, now).map_err(EmulatedError::Token)?;
    let mut ids = [REGION, PLATFORM].into_iter();
    let id = ids.find(|id| claims["clusterId"] == *id);
    id.ok_or(EmulatedError::Token(TokenError::Unknown))
}
