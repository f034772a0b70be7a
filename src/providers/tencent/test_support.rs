//! What the tests of the kinds share: emulated jobs and their clients.

use std::sync::Arc;
use std::time::Duration;

use super::CLOUD;
use crate::kind::Kind;
use crate::providers::Client;
use crate::providers::test_support::{self, profile};
use crate::test_support::{
    EmulatedJob, EmulatedState, LogLine, Responder, ServerResponse, StateChange, TestServer,
    emulated, start_time,
};

/// A job that was created a minute ago and writes its lines so many milliseconds after its creation.
pub fn job(kind: &Kind, id: &str, word: &str, lines: &[u64]) -> EmulatedJob {
    let log = lines.iter().enumerate();
    EmulatedJob {
        kind: kind.to_string(),
        segments: vec![id.to_owned()],
        age: Duration::from_secs(60),
        steps: vec![StateChange {
            state: word.to_owned(),
            ..StateChange::default()
        }],
        log: log
            .map(|(number, after)| LogLine {
                after: Duration::from_millis(*after),
                text: format!("第 {number} 行"),
                is_stderr: false,
            })
            .collect(),
        ..EmulatedJob::default()
    }
}

/// A client of an emulator with these jobs, in which the responder has the first word.
pub async fn serve(jobs: Vec<EmulatedJob>, responder: Responder) -> (TestServer, Box<dyn Client>) {
    let server = TestServer::start(&CLOUD, EmulatedState::new(jobs, start_time()), responder).await;
    let mut variables = vec![("JOBLENS_TENCENT_ENDPOINT", server.origin.as_str())];
    variables.extend(emulated(&CLOUD).environment());
    let client = (CLOUD.connect)(&profile(&CLOUD, &variables), &server.transport()).unwrap();
    (server, client)
}

/// Refuses these operations.
pub fn refusing(operations: &'static [&'static str]) -> Responder {
    let body = test_support::json("tencent/errors/cam-no-auth.json");
    Arc::new(move |request| {
        let operation = emulated(&CLOUD).operation(request)?;
        let is_refused = operations.contains(&operation.as_str());
        is_refused.then(|| ServerResponse::json(200, &body))
    })
}
