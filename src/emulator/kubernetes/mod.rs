//! Emulates the API server of a Kubernetes cluster, for jobs, workloads, pods, their events and logs.

mod custom;
mod discovery;
mod event;
mod job;
mod list;
mod namespace;
mod objects;
mod owner;
mod pod;
mod watch;
mod workload;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::api::{EmulatedApi, EmulatedCall, EmulatedError, EmulatedKind};
use super::message::{ServerRequest, ServerResponse};
use super::state::JobView;
use crate::crypto::sha256_hex;

/// A token that is valid only in the emulator.
const TEST_TOKEN: &str = "joblens-emulator-token";

/// The reasons in `Status` objects.
const REASONS: [(u16, &str); 9] = [
    (400, "BadRequest"),
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "NotFound"),
    (405, "MethodNotAllowed"),
    (409, "Conflict"),
    (410, "Expired"),
    (503, "ServiceUnavailable"),
    (504, "Timeout"),
];

/// The kind of an object in the cluster, and the version of its API.
#[derive(Clone, Copy)]
struct TypeMeta {
    kind: &'static str,
    api_version: &'static str,
}

impl TypeMeta {
    const fn new(kind: &'static str, api_version: &'static str) -> Self {
        Self { kind, api_version }
    }
}

/// The emulated API server.
pub struct ApiServer;

impl EmulatedApi for ApiServer {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[("JOBLENS_KUBERNETES_TOKEN", TEST_TOKEN)]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const {
            &[
                &job::JOBS,
                &pod::PODS,
                &event::EVENTS,
                &namespace::NAMESPACES,
                &workload::WORKLOADS,
                &workload::WORKLOAD_PARTS,
                &custom::VOLCANO_JOBS,
                &custom::KUBEFLOW_JOBS,
                &custom::JOBSETS,
                &custom::ARGO_WORKFLOWS,
                &discovery::DISCOVERY,
            ]
        }
    }

    /// Returns the operation of a watch, which has the same path as a list.
    fn action(&self, request: &ServerRequest) -> Option<String> {
        let watch = request.parameter("watch");
        watch.filter(|watch| watch == "1" || watch == "true")?;
        let mut routes = self.kinds().iter().flat_map(|kind| kind.routes());
        let route = routes
            .find(|route| route.operation.starts_with("Watch") && route.has_path(&request.path));
        route.map(|route| route.operation.to_owned())
    }

    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        user(call.request).map(drop)
    }

    fn success(&self, data: Value) -> ServerResponse {
        with_audit_id(ServerResponse::json(200, &data))
    }

    fn document(&self, text: &str) -> ServerResponse {
        with_audit_id(ServerResponse::document(200, text))
    }

    fn error(&self, error: EmulatedError) -> ServerResponse {
        use EmulatedError as E;
        const ANONYMOUS: &str =
            "User \"system:anonymous\" cannot access this resource at the cluster scope";
        let (code, reason, message) = match error {
            E::Response(response) => return response,
            E::Throttled => {
                let text = "Too many requests, please try again later.\n";
                let response = ServerResponse::text(429, text);
                return with_audit_id(response.with_header("retry-after", "1"));
            }
            E::UnknownOperation => {
                return with_audit_id(ServerResponse::text(404, "404 page not found\n"));
            }
            E::MissingHeader(_) => (403, "Forbidden", format!("forbidden: {ANONYMOUS}")),
            E::Refused | E::Token(_) | E::Signature => {
                (401, "Unauthorized", "Unauthorized".to_owned())
            }
            E::NotFound => return not_found("jobs.batch", "unknown"),
            E::Method => {
                let message = "the server does not allow this method on the requested resource";
                (405, "MethodNotAllowed", message.to_owned())
            }
            E::Missing(name) | E::Invalid(name) => (
                400,
                "BadRequest",
                format!("the parameter {name} is invalid"),
            ),
            E::Unavailable(status) => {
                let known = REASONS.iter().find(|(known, _)| *known == status);
                let (_, reason) = known.unwrap_or(&(500, "InternalError"));
                (status, *reason, "an error of the scenario".to_owned())
            }
            E::TimeFormat | E::ClockSkew | E::Replayed => {
                (400, "BadRequest", "the request is invalid".to_owned())
            }
        };
        status(code, reason, &message, json!({}))
    }
}

/// Returns name and groups of the user, from the certificate or otherwise from the token.
///
/// # Errors
/// An error if the credential is rejected or missing.
fn user(request: &ServerRequest) -> Result<(String, Vec<String>), EmulatedError> {
    let authenticated = |name: &str, mut groups: Vec<String>| {
        groups.push("system:authenticated".to_owned());
        (name.to_owned(), groups)
    };
    let certificate = request.certificate.as_ref();
    if let Some(own) = certificate.filter(|own| own.is_trusted) {
        return Ok(authenticated(&own.name, own.organizations.clone()));
    }
    let token = request.header("authorization");
    match token.map(|token| token.strip_prefix("Bearer ")) {
        Some(Some(TEST_TOKEN)) => Ok(authenticated("joblens", Vec::new())),
        None if certificate.is_none() => Err(EmulatedError::MissingHeader("authorization")),
        _ => Err(EmulatedError::Refused),
    }
}

/// Adds the id of the request.
fn with_audit_id(response: ServerResponse) -> ServerResponse {
    response.with_header("audit-id", "4f1c0f2a-7d1b-4f53-9b0e-5a0a6f0a9d11")
}

/// Returns an error in the format of API servers.
fn status(code: u16, reason: &str, message: &str, details: Value) -> ServerResponse {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "details": details, "code": code,
    });
    with_audit_id(ServerResponse::json(code, &body))
}

/// Returns the error for a missing object.
fn not_found(resource: &str, name: &str) -> ServerResponse {
    let (kind, group) = resource.split_once('.').unwrap_or((resource, ""));
    let details = json!({"name": name, "group": group, "kind": kind});
    let message = format!("{resource} \"{name}\" not found");
    status(404, "NotFound", &message, details)
}

/// Formats a time as in objects.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns the UID of an object.
fn uid(kind: &str, namespace: &str, name: &str) -> String {
    let hash = sha256_hex(format!("{kind}/{namespace}/{name}").as_bytes());
    let parts = [
        &hash[..8],
        &hash[8..12],
        &hash[12..16],
        &hash[16..20],
        &hash[20..32],
    ];
    parts.join("-")
}

/// The resource version at the emulator's start; it increases by one per millisecond.
const FIRST_VERSION: i64 = 1000;

/// Returns the resource version at a time.
fn version(call: &EmulatedCall<'_>, at: DateTime<Utc>) -> String {
    let age = at - call.state.started_at;
    (age.num_milliseconds().max(0) + FIRST_VERSION).to_string()
}

/// Returns the resource version of an object, which depends on the time of its last change.
fn version_of(view: &JobView<'_>) -> String {
    let started_at = view.created_at + view.job.age;
    let changed_at = view.state_since.max(started_at + view.job.appears_after);
    let age = changed_at - started_at;
    (age.num_milliseconds().max(0) + FIRST_VERSION).to_string()
}

#[cfg(test)]
mod tests;
