//! Shared test helpers: the emulated clouds as servers for their clients.

pub mod jobs;
pub mod kinds;
pub mod mutations;
mod processor_time;
mod server;

pub(crate) use crate::emulator::{
    EmulatedApi, EmulatedError, EmulatedJob, EmulatedState, LogLine, ServerRequest, ServerResponse,
    StateChange, Warning,
};
pub use processor_time::processor_time;
pub use server::{Responder, TestServer, start_time};

use chrono::{DateTime, Utc};

use crate::crypto::percent_encode;
use crate::emulator;
use crate::http::{Request, Response, SigningInstructions};
use crate::providers::Cloud;

/// Returns the emulator of a cloud.
pub fn emulated(cloud: &Cloud) -> &'static dyn EmulatedApi {
    emulator::api(cloud.name()).expect("every cloud is emulated")
}

/// Returns the cloud's response to a rejected credential.
pub fn rejected(cloud: &Cloud) -> ServerResponse {
    emulated(cloud).error(EmulatedError::Refused)
}

/// Converts a signed request to the form in which the emulator receives it.
pub fn incoming(
    request: &Request,
    signing: &SigningInstructions,
    now: DateTime<Utc>,
) -> ServerRequest {
    let mut query = request.encoded_query();
    for (name, value) in &signing.query {
        let joint = if query.is_empty() { "" } else { "&" };
        query += &format!("{joint}{name}={}", percent_encode(value.expose()));
    }
    let mut headers = vec![("host".to_owned(), request.endpoint.authority().to_owned())];
    headers.extend(
        request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone())),
    );
    headers.extend(
        signing
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.expose().to_owned())),
    );
    ServerRequest {
        method: request.method.as_str().to_owned(),
        path: request.path.clone(),
        query,
        headers,
        certificate: None,
        body: request.body.clone(),
        now,
    }
}

/// Converts a response of the emulator to the form in which the client receives it.
pub fn received(outgoing: ServerResponse) -> Response {
    Response {
        status: outgoing.status,
        headers: outgoing.headers,
        body: outgoing.body,
    }
}
