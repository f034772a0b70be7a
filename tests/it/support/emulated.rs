//! The four emulated clouds for one test, on a separate port.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use joblens::emulator::{AccessRecord, Emulator, Scenario, environment};
use joblens::http::ServerTls;
use tokio::sync::oneshot;

use super::{Joblens, joblens, wait_until};

/// A running emulator and the requests that it received; it stops when it is dropped.
pub struct Emulated {
    pub origin: String,
    accesses: Arc<Mutex<Vec<AccessRecord>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulated {
    /// Starts the scenario in this TOML text.
    pub fn start(scenario: &str) -> Self {
        Self::start_with(scenario, None)
    }

    /// Starts the scenario with TLS.
    pub fn start_tls(scenario: &str, tls: ServerTls) -> Self {
        Self::start_with(scenario, Some(tls))
    }

    fn start_with(scenario: &str, tls: Option<ServerTls>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scenario.toml");
        fs::write(&path, scenario).unwrap();
        let scenario = Scenario::read(&path).unwrap_or_else(|problem| panic!("{problem}"));
        let accesses: Arc<Mutex<Vec<AccessRecord>>> = Arc::default();
        let seen = Arc::clone(&accesses);
        let (sender, message) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let log = Arc::new(move |access| seen.lock().unwrap().push(access));
                let started = match tls {
                    Some(tls) => Emulator::start_tls(scenario, 0, tls, log).await,
                    None => Emulator::start(scenario, 0, log).await,
                };
                let emulator = started.unwrap();
                sender.send(emulator.origin()).unwrap();
                // An error means that the test ended without a message, which also stops the emulator.
                let _ = stopped.await;
                emulator.stop().await;
            });
        });
        Self {
            origin: message.recv().unwrap(),
            accesses,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns the variables with which a run uses this emulator.
    pub fn environment(&self) -> Vec<(String, String)> {
        environment(&self.origin)
    }

    /// Returns a run that uses this emulator and whose output must not contain its secrets.
    pub fn joblens(&self, arguments: &[&str]) -> Joblens {
        let is_secret = |name: &str| {
            ["SECRET_KEY", "KEY_SECRET", "_SK", "TOKEN"]
                .iter()
                .any(|end| name.ends_with(end))
        };
        let environment = self.environment();
        environment
            .iter()
            .filter(|(name, value)| is_secret(name) && !value.is_empty())
            .fold(joblens(arguments), |run, (_, secret)| {
                run.with_secret(secret)
            })
            .envs(environment_pairs(&environment))
    }

    /// Runs `get` in JSON, with more options or references.
    pub fn get(&self, arguments: &[&str]) -> Joblens {
        let mut all = vec!["get", "-o", "json"];
        all.extend_from_slice(arguments);
        self.joblens(&all)
    }

    /// Runs `wait` in JSON with a short interval, with more options or references.
    pub fn wait(&self, arguments: &[&str]) -> Joblens {
        let mut all = vec!["wait", "-o", "json", "--interval", "50ms"];
        all.extend_from_slice(arguments);
        self.joblens(&all)
    }

    /// Waits until an operation, as `cloud/operation`, was requested; fails after a minute.
    pub fn wait_for_request(&self, operation: &str) {
        let is_requested = || self.requests().contains_key(operation);
        wait_until(&format!("{operation} is requested"), is_requested);
    }

    /// Returns the requests so far, in the order of the responses.
    pub fn accesses(&self) -> Vec<AccessRecord> {
        self.accesses.lock().unwrap().clone()
    }

    /// Returns the number of requests of each operation by the emulator's own count, which includes requests whose
    /// client disconnected before the response.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        requests(&self.origin)
    }

    /// Returns HTTP status and fault of each request to a cloud.
    pub fn answers_of(&self, cloud: &str) -> Vec<(u16, Option<&'static str>)> {
        self.accesses()
            .iter()
            .filter(|access| access.cloud == Some(cloud))
            .map(|access| (access.status, access.fault))
            .collect()
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns the response to `GET /_emulator/requests`.
pub fn requests(origin: &str) -> BTreeMap<String, u64> {
    let mut stream = TcpStream::connect(origin.strip_prefix("http://").unwrap()).unwrap();
    let request = "GET /_emulator/requests HTTP/1.1\r\nhost: emulator\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// Forwards a request with this head to the emulator and returns the response; reads its body from `client`.
pub fn passed_on(origin: &str, head: &str, client: &mut TcpStream) -> Vec<u8> {
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    client.read_exact(&mut body).unwrap();
    let mut stream = TcpStream::connect(origin.strip_prefix("http://").unwrap()).unwrap();
    let head = head.trim_end();
    let request = format!("{head}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}

fn environment_pairs(environment: &[(String, String)]) -> Vec<(&str, &str)> {
    environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}
