//! Emulates the metadata services of instances.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::api::{EmulatedCall, EmulatedKind, HandlerResult, Route};
use super::message::{ServerRequest, ServerResponse};
use super::tokens::{SECURITY_TOKEN, TemporaryKey};

/// The step that returns a token for the other steps.
pub const TOKEN: &str = "MetadataToken";
/// The step that returns the name of the role.
pub const ROLE: &str = "MetadataRole";
/// The step that returns the keys of the role.
pub const CREDENTIALS: &str = "MetadataCredentials";

/// The role of every instance.
const NAME: &str = "joblens-emulator";

/// A cloud's metadata service.
#[derive(Debug)]
pub struct Imds {
    /// The paths of its steps.
    pub routes: &'static [Route],
    /// Header with the token. The header with the suffix `-ttl-seconds` sets its lifetime. Empty if the service does
    /// not use tokens.
    pub token_header: &'static str,
    /// Prefix of the ids of temporary keys.
    pub prefix: &'static str,
    /// Lifetime of the keys.
    pub lifetime: TimeDelta,
    /// Returns the document for keys that are issued now.
    pub document: fn(&TemporaryKey, DateTime<Utc>) -> Value,
}

impl EmulatedKind for Imds {
    fn routes(&self) -> &'static [Route] {
        self.routes
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> HandlerResult {
        let (request, now) = (call.request, call.now());
        let role = call.segments.first().map_or(NAME, String::as_str);
        Ok(match (request.method.as_str(), call.operation) {
            ("PUT", TOKEN) => self.token(request),
            ("GET", ROLE | CREDENTIALS) if !self.is_known(request) => {
                ServerResponse::text(401, "unknown or expired token")
            }
            ("GET", ROLE) => ServerResponse::text(200, NAME),
            ("GET", CREDENTIALS) if role == NAME => {
                let key = TemporaryKey::new(self.prefix, now + self.lifetime);
                ServerResponse::json(200, &(self.document)(&key, now))
            }
            ("GET", CREDENTIALS) => ServerResponse::text(404, "404 - Not Found"),
            _ => ServerResponse::text(405, "this method is not supported"),
        })
    }
}

impl Imds {
    fn token(&self, request: &ServerRequest) -> ServerResponse {
        let seconds = request.header(&format!("{}-ttl-seconds", self.token_header));
        let seconds = seconds.and_then(|text| text.parse().ok());
        match seconds.filter(|seconds| (1..=21_600).contains(seconds)) {
            Some(seconds) => {
                let expires_at = request.now + TimeDelta::seconds(seconds);
                ServerResponse::text(200, &SECURITY_TOKEN.issue(json!({}), expires_at))
            }
            None => ServerResponse::text(400, "the time to live is missing or out of range"),
        }
    }

    /// Returns `true` if the token is valid or missing, since no token is required.
    fn is_known(&self, request: &ServerRequest) -> bool {
        let token = request.header(self.token_header);
        token.is_none_or(|token| SECURITY_TOKEN.read(token, request.now).is_ok())
    }
}
