//! The metadata service of an emulated instance.

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use super::sts;
use crate::emulator::api::{ServerRequest, ServerResponse};
use crate::emulator::tokens::{decode_token, encode_token};

const TOKEN_PATH: &str = "/latest/api/token";
const ROLES_PATH: &str = "/latest/meta-data/ram/security-credentials/";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";
const TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";

const TOKEN: &str = "MetadataToken";
const ROLE: &str = "MetadataRole";
const CREDENTIALS: &str = "MetadataCredentials";

/// The role that the instance has.
const NAME: &str = "joblens-emulator";
const LIFETIME_HOURS: i64 = 6;

/// The step that a request is.
pub fn operation(request: &ServerRequest) -> Option<&'static str> {
    match request.path.strip_prefix(ROLES_PATH) {
        Some("") => Some(ROLE),
        Some(_) => Some(CREDENTIALS),
        None => (request.path == TOKEN_PATH).then_some(TOKEN),
    }
}

/// What the service answers.
pub fn respond(request: &ServerRequest) -> ServerResponse {
    let text = |status, text: &str| ServerResponse {
        status,
        headers: vec![("content-type".into(), "text/plain".into())],
        body: text.as_bytes().to_vec(),
    };
    match (
        request.method.as_str(),
        request.path.strip_prefix(ROLES_PATH),
    ) {
        ("PUT", None) => {
            let seconds = request
                .header(TTL_HEADER)
                .and_then(|text| text.parse().ok());
            match seconds.filter(|seconds| (1..=21_600).contains(seconds)) {
                Some(seconds) => text(200, &encode_token(request.now + Duration::seconds(seconds))),
                None => text(400, "the time to live is missing or out of range"),
            }
        }
        // A token that is shown must be good; none is needed.
        ("GET", Some(_)) if !is_good(request.header(TOKEN_HEADER), request.now) => {
            text(401, "unknown or expired token")
        }
        ("GET", Some("")) => text(200, NAME),
        ("GET", Some(NAME)) => {
            let mut keys = sts::keys(request.now + Duration::hours(LIFETIME_HOURS));
            let updated_at = request.now.to_rfc3339_opts(SecondsFormat::Secs, true);
            keys["LastUpdated"] = updated_at.into();
            keys["Code"] = "Success".into();
            ServerResponse::json(200, &keys)
        }
        ("GET", _) => text(404, "404 - Not Found"),
        _ => text(405, "this method is not supported"),
    }
}

fn is_good(token: Option<&str>, now: DateTime<Utc>) -> bool {
    token.is_none_or(|token| decode_token(token).is_some_and(|ends_at| now < ends_at))
}
