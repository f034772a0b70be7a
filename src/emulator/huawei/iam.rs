use super::{PROJECT, REGION};
use crate::crypto::nonce;
use crate::emulator::prelude::*;
use crate::emulator::tokens::{TEST_ID, TEST_SECRET, TokenFormat};

/// Routes of the service that issues tokens for a password and lists the projects.
pub static IAM: &[Route] = &[
    Route::public("KeystoneCreateUserTokenByPassword", "/v3/auth/tokens")
        .to(|call| Ok(traced(token(call)))),
    Route::get("KeystoneListProjects", "/v3/projects").to(|call| Ok(traced(projects(call)))),
];

/// Tokens look like the cloud's CMS documents.
pub const TOKEN_FORMAT: TokenFormat = TokenFormat {
    prefix: "MII",
    suffix: "",
};

fn traced(response: ServerResponse) -> ServerResponse {
    response.with_header("x-iam-trace-id", nonce())
}

/// Checks user, password, domain and scope, and issues a token for the project.
fn token(call: &EmulatedCall<'_>) -> ServerResponse {
    let body: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
    let identity = &body["auth"]["identity"];
    let user = &identity["password"]["user"];
    if call.request.method != "POST" || identity["methods"] != json!(["password"]) {
        return error(400, "Bad Request", "The request body is invalid.");
    }
    let domain = user["domain"]["name"].as_str().unwrap_or_default();
    if domain.is_empty() || user["name"] != TEST_ID || user["password"] != TEST_SECRET {
        return error(401, "Unauthorized", "The username or password is wrong.");
    }
    let scope = &body["auth"]["scope"]["project"];
    if scope["name"] != REGION && scope["id"] != PROJECT {
        return error(400, "Bad Request", "The project does not exist.");
    }
    let expires_at = call.now() + TimeDelta::hours(24);
    let mut about = json!({
        "expires_at": expires_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "issued_at": call.now().to_rfc3339_opts(SecondsFormat::Micros, true),
        "methods": ["password"],
        "project": {"id": PROJECT, "name": REGION, "domain": user["domain"]},
        "user": {"name": user["name"], "domain": user["domain"]},
        "roles": [],
    });
    if call.parameter("nocatalog").is_none() {
        about["catalog"] = json!([]);
    }
    ServerResponse::json(201, &json!({"token": about}))
        .with_header("x-subject-token", TOKEN_FORMAT.issue(json!({}), expires_at))
}

/// Returns the projects with a name.
fn projects(call: &EmulatedCall<'_>) -> ServerResponse {
    let project = json!({"id": PROJECT, "name": REGION, "enabled": true, "is_domain": false});
    let is_wanted = call.parameter("name").is_none_or(|name| name == REGION);
    let projects: Vec<_> = Some(project).filter(|_| is_wanted).into_iter().collect();
    ServerResponse::json(200, &json!({"projects": projects, "links": {}}))
}

fn error(status: u16, title: &str, message: &str) -> ServerResponse {
    let error = json!({"code": status, "message": message, "title": title});
    ServerResponse::json(status, &json!({"error": error}))
}
