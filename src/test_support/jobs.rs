//! Emulated jobs and their clients for tests.

use std::sync::Arc;
use std::time::Duration;

use super::kinds::client;
use super::{
    EmulatedJob, EmulatedState, LogLine, Responder, ServerResponse, StateChange, TestServer,
    emulated, start_time,
};
use crate::kind::Kind;
use crate::providers::{Client, Cloud};

/// Returns a job that was created a minute ago; `lines` are the milliseconds between its creation and each log line.
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

/// Starts an emulator with these jobs and connects a client. `responder` can replace the emulator's response.
pub async fn serve(
    cloud: &'static Cloud,
    jobs: Vec<EmulatedJob>,
    responder: Responder,
) -> (TestServer, Box<dyn Client>) {
    let state = EmulatedState::new(jobs, start_time());
    let server = TestServer::start(cloud, state, responder).await;
    let client = client(cloud, &server, &server.transport());
    (server, client)
}

/// Returns a responder that sends this response for these operations.
pub fn responding(
    cloud: &'static Cloud,
    operations: &'static [&'static str],
    response: ServerResponse,
) -> Responder {
    Arc::new(move |request| {
        let operation = emulated(cloud).operation(request)?;
        let is_meant = operations.contains(&operation.as_str());
        is_meant.then(|| response.clone())
    })
}

/// Returns a responder that never completes the response for these operations.
pub fn hanging(cloud: &'static Cloud, operations: &'static [&'static str]) -> Responder {
    let never = (Duration::from_secs(3_600), b"x".to_vec());
    let response = ServerResponse::stream(Vec::new(), vec![never]);
    responding(cloud, operations, response)
}
