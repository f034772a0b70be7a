//! Shared test helpers: emulated jobs and their clients.

use super::CLOUD;
use crate::providers::Client;
use crate::providers::test_support;
use crate::test_support::{EmulatedJob, Responder, ServerResponse, TestServer, jobs};

pub use jobs::job;

/// Starts an emulator with these jobs and connects a client. `responder` can replace the emulator's response.
pub async fn serve(jobs: Vec<EmulatedJob>, responder: Responder) -> (TestServer, Box<dyn Client>) {
    jobs::serve(&CLOUD, jobs, responder).await
}

/// Returns a responder that denies these operations.
pub fn rejecting(operations: &'static [&'static str]) -> Responder {
    let body = test_support::json("tencent/errors/cam-no-auth.json");
    jobs::responding(&CLOUD, operations, ServerResponse::json(200, &body))
}
