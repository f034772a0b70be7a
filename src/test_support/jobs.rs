//! Emulated jobs and their clients for tests.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::kinds::client;
use super::{
    EmulatedJob, EmulatedState, LogLine, Responder, ServerResponse, StateChange, TestServer,
    emulated, start_time,
};
use crate::kind::Kind;
use crate::model::State;
use crate::providers::test_support::get_options;
use crate::providers::{Client, Cloud, Filter, Page, Truncation, list_all, ready};
use crate::reference::Scope;

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

/// A list of 250 rows. The first five leave it when a page after the first one is requested.
#[derive(Default)]
pub struct LeavingRows {
    have_left: AtomicBool,
}

impl LeavingRows {
    /// Number of rows of the list, and of those that leave it.
    pub const ROWS: usize = 250;
    const LEAVING: usize = 5;

    /// Returns the numbers of the rows of a page, and the total number of rows.
    pub fn page(&self, offset: usize, size: usize) -> (Vec<usize>, usize) {
        if offset > 0 {
            self.have_left.store(true, Ordering::Relaxed);
        }
        let first = match self.have_left.load(Ordering::Relaxed) {
            true => Self::LEAVING,
            false => 0,
        };
        let rows = (first..Self::ROWS).skip(offset).take(size);
        (rows.collect(), Self::ROWS - first)
    }
}

/// Lists the jobs in these states, or in any. Returns the ids, and why rows may be missing.
pub async fn listed_ids(
    client: &dyn Client,
    scope: &Scope,
    states: &[State],
) -> (BTreeSet<String>, Option<Truncation>) {
    let filter = Filter {
        states: states.to_vec(),
        ..Filter::default()
    };
    let mut ids = BTreeSet::new();
    let mut on_page = |page: Page| {
        ids.extend(page.rows.into_iter().map(|row| row.job.id));
        ready(ControlFlow::Continue(()))
    };
    let listed = list_all(client, scope, &filter, &get_options(), None, &mut on_page).await;
    (ids, listed.unwrap().truncation)
}
