//! The metadata service of an emulated instance.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::json;

use crate::emulator::api::{ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};
use crate::emulator::tokens::{TemporaryKey, decode_token, encode_token};

const TOKEN_PATH: &str = "/meta-data/latest/api/token";
const KEY_PATH: &str = "/openstack/latest/securitykey";
const TOKEN_HEADER: &str = "x-metadata-token";
const TTL_HEADER: &str = "x-metadata-token-ttl-seconds";

const TOKEN: &str = "MetadataToken";
const CREDENTIALS: &str = "MetadataCredentials";

/// How ids of temporary keys begin.
const PREFIX: &str = "HST3";
const LIFETIME_HOURS: i64 = 24;

/// The step that a path is.
pub fn operation(path: &str) -> Option<&'static str> {
    match path {
        TOKEN_PATH => Some(TOKEN),
        KEY_PATH => Some(CREDENTIALS),
        _ => None,
    }
}

/// What the service answers.
pub fn respond(incoming: &ServerRequest) -> ServerResponse {
    let text = |status, text: &str| ServerResponse {
        status,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: text.as_bytes().to_vec(),
    };
    let token = incoming.header(TOKEN_HEADER);
    match (incoming.method.as_str(), incoming.path.as_str()) {
        ("PUT", TOKEN_PATH) => {
            let seconds = incoming.header(TTL_HEADER);
            let seconds = seconds.and_then(|text| text.parse().ok());
            match seconds.filter(|seconds| (1..=21_600).contains(seconds)) {
                Some(seconds) => text(
                    200,
                    &encode_token(incoming.now + Duration::seconds(seconds)),
                ),
                None => text(400, "the time to live is missing or out of range"),
            }
        }
        // A token that is shown must be good; none is needed.
        ("GET", KEY_PATH)
            if token
                .is_some_and(|token| decode_token(token).is_none_or(|end| end <= incoming.now)) =>
        {
            text(401, "Unauthorized")
        }
        ("GET", KEY_PATH) => {
            let expires_at = incoming.now + Duration::hours(LIFETIME_HOURS);
            let key = TemporaryKey::new(PREFIX, expires_at);
            let credential = json!({
                "access": key.id,
                "secret": key.secret,
                "securitytoken": key.token,
                "expires_at": expires_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            });
            ServerResponse::json(200, &json!({"credential": credential}))
        }
        _ => text(405, "Method Not Allowed"),
    }
}

/// The secret that a call with this id and token is signed with; `None` when they open nothing.
pub fn secret_of(id: &str, token: Option<&str>, now: DateTime<Utc>) -> Option<String> {
    if id == TEST_ID {
        return Some(TEST_SECRET.to_owned());
    }
    let keys = TemporaryKey::from_token(PREFIX, token?, now).ok()?;
    (keys.id == id).then_some(keys.secret)
}
