//! An emulated cloud on loopback whose clock is set by the test, for clients that cache and renew.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::{EmulatedState, ServerRequest, ServerResponse, emulated};
use crate::http::{ClientOptions, Transport};
use crate::providers::Cloud;
use crate::providers::test_support::moment;

const START_TIME: &str = "2026-01-02T03:04:05Z";

/// Function that returns a response to replace the emulator's, or `None`.
pub type Responder = Arc<dyn Fn(&ServerRequest) -> Option<ServerResponse> + Send + Sync>;

/// An emulated cloud behind a real connection.
pub struct TestServer {
    pub origin: String,
    seconds: Arc<AtomicI64>,
    operations: Arc<Mutex<Vec<String>>>,
}

impl TestServer {
    /// Starts a server that answers with `script`, or as the emulator where it returns `None`.
    pub async fn start(cloud: &'static Cloud, state: EmulatedState, script: Responder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let served = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            seconds: Arc::default(),
            operations: Arc::default(),
        };
        let (seconds, operations) = (served.seconds.clone(), served.operations.clone());
        let state = Arc::new(state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let (seconds, operations) = (seconds.clone(), operations.clone());
                let (state, script) = (state.clone(), script.clone());
                tokio::spawn(async move {
                    while let Some(mut incoming) = read(&mut stream).await {
                        incoming.now = at(&seconds);
                        let operation = emulated(cloud).operation(&incoming);
                        operations
                            .lock()
                            .unwrap()
                            .push(operation.unwrap_or_default());
                        let response = script(&incoming)
                            .unwrap_or_else(|| emulated(cloud).respond(&incoming, &state));
                        write(&mut stream, &response, incoming.now).await;
                    }
                });
            }
        });
        served
    }

    /// Returns a transport that uses the server's clock.
    pub fn transport(&self) -> Arc<Transport> {
        let seconds = self.seconds.clone();
        let clock = Arc::new(move || at(&seconds));
        Transport::new(ClientOptions::default(), &[], clock, Arc::new(|_| {})).unwrap()
    }

    /// Sets the clock, in seconds after the start of the test.
    pub fn set(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }

    /// Returns the clock that [`Self::set`] sets.
    pub fn clock(&self) -> Arc<AtomicI64> {
        self.seconds.clone()
    }

    /// Returns the requests since the last call of this function.
    pub fn requested(&self) -> Vec<String> {
        std::mem::take(&mut *self.operations.lock().unwrap())
    }
}

/// Returns the time at which tests begin.
pub fn start_time() -> DateTime<Utc> {
    moment(START_TIME)
}

fn at(seconds: &AtomicI64) -> DateTime<Utc> {
    start_time() + TimeDelta::seconds(seconds.load(Ordering::Relaxed))
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<ServerRequest> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(head).unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    let mut words = first.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = rest
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(ServerRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        certificate: None,
        body,
        now: DateTime::default(),
    })
}

async fn write(stream: &mut BufReader<TcpStream>, response: &ServerResponse, now: DateTime<Utc>) {
    let later = response.later.iter();
    let mut head = format!(
        "HTTP/1.1 {} X\r\ndate: {}\r\ncontent-length: {}\r\n",
        response.status,
        now.format("%a, %d %b %Y %H:%M:%S GMT"),
        response.body.len() + later.map(|(_, part)| part.len()).sum::<usize>()
    );
    for (name, value) in &response.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let bytes = [head.as_bytes(), &response.body].concat();
    // The client may have closed the connection.
    let _ = stream.write_all(&bytes).await;
    for (delay, part) in &response.later {
        sleep(*delay).await;
        let _ = stream.write_all(part).await;
    }
}
