//! What the tests of the kinds share: emulated jobs and their clients.

use super::CLOUD;
use crate::providers::Client;
use crate::providers::test_support;
use crate::test_support::{EmulatedJob, Responder, ServerResponse, TestServer, jobs};

pub use jobs::job;

/// A client of an emulator with these jobs, in which the responder has the first word.
pub async fn serve(jobs: Vec<EmulatedJob>, responder: Responder) -> (TestServer, Box<dyn Client>) {
    jobs::serve(&CLOUD, jobs, responder).await
}

/// Refuses these operations.
pub fn refusing(operations: &'static [&'static str]) -> Responder {
    let body = test_support::json("tencent/errors/cam-no-auth.json");
    jobs::responding(&CLOUD, operations, ServerResponse::json(200, &body))
}
