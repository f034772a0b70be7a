//! IAM in the emulator: tokens for a password, and projects.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::crypto::{base64url, from_base64url, hmac_sha256, nonce};
use crate::emulator::api::{ServerRequest, ServerResponse, TEST_ID, TEST_SECRET};

pub const TOKENS_PATH: &str = "/v3/auth/tokens";
pub const PROJECTS_PATH: &str = "/v3/projects";

const LIFETIME_HOURS: i64 = 24;
/// The region and project that the emulator's variables name.
const REGION: &str = "cn-north-4";
const PROJECT: &str = "a4da8115c9d8464ead3a38309130523f";

/// Checks user, password, domain and scope, and gives a token of the project.
pub fn token(incoming: &ServerRequest) -> ServerResponse {
    let body: Value = serde_json::from_slice(&incoming.body).unwrap_or_default();
    let identity = &body["auth"]["identity"];
    let user = &identity["password"]["user"];
    if incoming.method != "POST" || identity["methods"] != json!(["password"]) {
        return error(400, "Bad Request", "The request body is invalid.");
    }
    let has_domain = user["domain"]["name"]
        .as_str()
        .is_some_and(|name| !name.is_empty());
    if !has_domain || user["name"] != TEST_ID || user["password"] != TEST_SECRET {
        let message = "The username or password is wrong.";
        return error(401, "Unauthorized", message);
    }
    let scope = &body["auth"]["scope"]["project"];
    if scope["name"] != REGION && scope["id"] != PROJECT {
        return error(400, "Bad Request", "The project does not exist.");
    }
    let expires_at = incoming.now + Duration::hours(LIFETIME_HOURS);
    let mut about = json!({
        "expires_at": expires_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "issued_at": incoming.now.to_rfc3339_opts(SecondsFormat::Micros, true),
        "methods": ["password"],
        "project": {"id": PROJECT, "name": REGION, "domain": user["domain"]},
        "user": {"name": user["name"], "domain": user["domain"]},
        "roles": [],
    });
    if incoming.parameter("nocatalog").is_none() {
        about["catalog"] = json!([]);
    }
    ServerResponse::json(201, &json!({"token": about}))
        .with_header("x-subject-token", encode_token(expires_at))
        .with_header("x-iam-trace-id", nonce())
}

/// The projects of a name; the caller has checked the signature.
pub fn projects(incoming: &ServerRequest) -> ServerResponse {
    let project = json!({"id": PROJECT, "name": REGION, "enabled": true, "is_domain": false});
    let is_wanted = incoming.parameter("name").is_none_or(|name| name == REGION);
    let projects: Vec<_> = Some(project).filter(|_| is_wanted).into_iter().collect();
    ServerResponse::json(200, &json!({"projects": projects, "links": {}}))
        .with_header("x-iam-trace-id", nonce())
}

fn error(status: u16, title: &str, message: &str) -> ServerResponse {
    let error = json!({"code": status, "message": message, "title": title});
    ServerResponse::json(status, &json!({"error": error})).with_header("x-iam-trace-id", nonce())
}

/// A token of which no two are alike.
fn encode_token(expires_at: DateTime<Utc>) -> String {
    let claims = format!("{} {}", expires_at.timestamp_millis(), nonce());
    let claims = base64url(claims.as_bytes());
    format!("MII{claims}.{}", sign_claims(&claims))
}

fn sign_claims(claims: &str) -> String {
    base64url(&hmac_sha256(TEST_SECRET.as_bytes(), claims.as_bytes()))
}

/// True for a token that was given here and has not run out.
pub fn is_good(token: &str, now: DateTime<Utc>) -> bool {
    let parts = token
        .strip_prefix("MII")
        .and_then(|rest| rest.split_once('.'));
    let Some((claims, given)) = parts else {
        return false;
    };
    let expires_at = from_base64url(claims)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.split(' ').next()?.parse::<i64>().ok());
    given == sign_claims(claims) && expires_at.is_some_and(|at| now.timestamp_millis() < at)
}
