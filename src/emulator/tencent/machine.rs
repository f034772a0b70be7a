//! The metadata service of an emulated instance.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::emulator::api::{ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};
use crate::emulator::tokens::TemporaryKey;

const ROLES_PATH: &str = "/latest/meta-data/cam/security-credentials/";
const ROLE: &str = "MetadataRole";
const CREDENTIALS: &str = "MetadataCredentials";

/// The role that the instance has.
const NAME: &str = "joblens-emulator";
/// How ids of temporary keys begin.
const PREFIX: &str = "AKID";
const LIFETIME_HOURS: i64 = 6;

/// The step that a request is.
pub fn operation(incoming: &ServerRequest) -> Option<&'static str> {
    match incoming.path.strip_prefix(ROLES_PATH)? {
        "" => Some(ROLE),
        _ => Some(CREDENTIALS),
    }
}

/// What the service answers; `None` for requests to others.
pub fn respond(incoming: &ServerRequest) -> Option<ServerResponse> {
    let name = incoming.path.strip_prefix(ROLES_PATH)?;
    let text = |status, text: &str| ServerResponse {
        status,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: text.as_bytes().to_vec(),
    };
    Some(match (incoming.method.as_str(), name) {
        ("GET", "") => text(200, NAME),
        ("GET", NAME) => {
            let keys = TemporaryKey::new(PREFIX, incoming.now + Duration::hours(LIFETIME_HOURS));
            let body = json!({
                "TmpSecretId": keys.id,
                "TmpSecretKey": keys.secret,
                "ExpiredTime": keys.expires_at.timestamp(),
                "Expiration": keys.expires_at.to_rfc3339(),
                "Token": keys.token,
                "Code": "Success",
            });
            ServerResponse::json(200, &body)
        }
        ("GET", _) => text(404, "404 - Not Found"),
        _ => text(405, "405 - Method Not Allowed"),
    })
}

/// The key that a call with this id and token is signed with; `None` when they open nothing.
pub fn key_of(id: &str, token: Option<&str>, now: DateTime<Utc>) -> Option<String> {
    if id == TEST_ID {
        return Some(TEST_SECRET.to_owned());
    }
    let keys = TemporaryKey::from_token(PREFIX, token?, now).ok()?;
    (keys.id == id).then_some(keys.secret)
}
