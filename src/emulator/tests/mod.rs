mod batch;
mod clusters;
mod commands;
mod faults;
mod filters;
mod gateways;
mod id_lists;
mod newest;
mod scopes;
mod server;

use std::io::{self, Read as _};
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::api::{EmulatedCall, EmulatedKind};
use super::*;
use crate::settings::PROXY_URL;

#[test]
fn the_environment_points_every_address_of_every_cloud_to_the_emulator() {
    let origin = "http://127.0.0.1:1";
    let all = environment(origin);
    let variables: BTreeMap<String, String> = all.iter().cloned().collect();
    let is_address = |key: &str| {
        ["endpoint", "host", "url", "address"]
            .iter()
            .any(|word| key.contains(word))
    };
    for (cloud, api) in APIS {
        let schema = cloud.schema;
        let addresses: Vec<_> = schema.all().filter(|spec| is_address(spec.key)).collect();
        assert!(
            addresses.len() >= 2,
            "an API and a metadata service at least"
        );
        for spec in addresses {
            let name = schema.variable(spec.key);
            // Additional hosts are not allowed, and no proxy is used.
            let is_empty = spec.key.ends_with("_hosts") || spec.key == PROXY_URL;
            let expected = if is_empty { "" } else { origin };
            assert_eq!(
                variables.get(&name).map(String::as_str),
                Some(expected),
                "{name}"
            );
        }
        // All other variables that joblens reads are empty, each once.
        for spec in schema.all() {
            let own = (spec.role == SettingRole::Setting).then(|| schema.variable(spec.key));
            let names = spec.variables.iter().map(ToString::to_string).chain(own);
            for name in names {
                let value = &variables[&name];
                let is_given = api.environment().iter().any(|(known, _)| *known == name);
                let is_set = is_given || spec.is_endpoint();
                assert!(is_set || value.is_empty(), "{name}");
                let count = all.iter().filter(|(known, _)| *known == name).count();
                assert_eq!(count, 1, "{name}");
            }
        }
    }
    let shell: BTreeMap<String, String> = shell_environment(origin, None).into_iter().collect();
    assert_eq!(
        (
            shell["JOBLENS_CONFIG"].as_str(),
            shell["JOBLENS_PROFILE"].as_str()
        ),
        (NO_FILE, "")
    );
    assert_eq!(shell["JOBLENS_ALIYUN_CA_FILE"], "");
    let with_tls = shell_environment(origin, Some("/ca.pem"));
    let ca_files = with_tls
        .iter()
        .filter(|(name, _)| name.ends_with("_CA_FILE"));
    let ca_files: Vec<&str> = ca_files.map(|(_, value)| value.as_str()).collect();
    assert_eq!(ca_files, vec!["/ca.pem"; APIS.len()]);
}

/// A cloud that accepts `/fake/OPERATION`.
struct Fake;

impl EmulatedApi for Fake {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const { &[] }
    }

    fn action(&self, request: &ServerRequest) -> Option<String> {
        Some(request.path.strip_prefix("/fake/")?.to_owned())
    }

    /// Handles every request here, because this cloud has no kinds.
    fn verify(&self, call: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        Err(EmulatedError::Response(match call.request.path.as_str() {
            "/fake/Long" => ServerResponse::document(200, &"x".repeat(300_000)),
            "/fake/NoHttp" => ServerResponse::document(200, "").with_header("a b", "c"),
            "/fake/Panic" => panic!("a request to /fake/Panic"),
            "/fake/Look" => {
                let view = call.find("fake/job", &["5"])?;
                ServerResponse::json(200, &json!({"state": view.step.state}))
            }
            _ => echo(call.request),
        }))
    }

    fn error(&self, error: EmulatedError) -> ServerResponse {
        let (status, code) = match error {
            EmulatedError::Throttled => (400, "Throttling"),
            EmulatedError::Refused => (401, "Refused"),
            EmulatedError::Unavailable(status) => (status, "Unavailable"),
            _ => (404, "NotFound"),
        };
        let response = ServerResponse::json(status, &json!({"code": code}));
        match status {
            400 => response
                .with_header("retry-after", "9")
                .with_header("x-acs-retry-after", "200"),
            _ => response,
        }
    }
}

/// A cloud that also accepts a path of [`Fake`].
struct Greedy;

impl EmulatedApi for Greedy {
    fn environment(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn kinds(&self) -> &'static [&'static dyn EmulatedKind] {
        const { &[] }
    }

    fn action(&self, request: &ServerRequest) -> Option<String> {
        (request.path == "/fake/Mine" || request.path == "/greedy").then(|| "G".into())
    }

    fn verify(&self, _: &EmulatedCall<'_>) -> Result<(), EmulatedError> {
        Ok(())
    }

    fn error(&self, _: EmulatedError) -> ServerResponse {
        ServerResponse::json(200, &json!("greedy"))
    }
}

fn echo(request: &ServerRequest) -> ServerResponse {
    let echoed = json!({
        "method": request.method,
        "query": request.query,
        "token": request.header("x-token"),
        "length": request.body.len(),
        "now": request.now.timestamp(),
    });
    ServerResponse::json(200, &echoed)
}

type Accesses = Arc<Mutex<Vec<AccessRecord>>>;

async fn start(scenario: Scenario) -> (Emulator, Accesses) {
    let accesses = Accesses::default();
    let sink = Arc::clone(&accesses);
    let log: AccessLog = Arc::new(move |access| sink.lock().unwrap().push(access));
    let clouds: Vec<(_, &dyn EmulatedApi)> = vec![("fake", &Fake), ("greedy", &Greedy)];
    let emulator = Emulator::start_with(scenario, 0, None, log, clouds)
        .await
        .unwrap();
    (emulator, accesses)
}

#[derive(Debug)]
struct Reply {
    head: String,
    body: Vec<u8>,
    /// Result of reading.
    end: io::Result<usize>,
}

impl Reply {
    fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn connect(emulator: &Emulator) -> TcpStream {
    TcpStream::connect(emulator.address).await.unwrap()
}

/// Reads until the server ends the connection.
async fn read(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).await;
    let at = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let body = at.map_or(Vec::new(), |at| bytes.split_off(at + 4));
    Reply {
        head: String::from_utf8(bytes).unwrap(),
        body,
        end,
    }
}

async fn send(emulator: &Emulator, request: &str) -> Reply {
    let mut stream = connect(emulator).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    read(&mut stream).await
}

async fn get(emulator: &Emulator, path: &str) -> Reply {
    send(
        emulator,
        &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    )
    .await
}

#[tokio::test]
async fn passes_a_request_to_its_cloud_unchanged() {
    let (emulator, _) = start(Scenario::default()).await;
    let reply = send(
        &emulator,
        "POST /fake/Echo?a=%20b&c HTTP/1.1\r\nHost: x\r\nX-Token: t\r\nConnection: close\r\ncontent-length: 3\r\n\r\nabc",
    )
    .await;
    let echoed = reply.json();
    assert_eq!(echoed["method"], "POST");
    assert_eq!(echoed["query"], "a=%20b&c");
    assert_eq!(echoed["token"], "t");
    assert_eq!(echoed["length"], 3);
    let length: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!(length, reply.body.len());
}

#[tokio::test]
async fn a_cloud_responds_to_a_client_configured_by_the_environment() {
    let text = "[[job]]\nref = 'sugon/instance/5'\nname = '训练'\nstates = [{ after = '0s', state = 'Running' }]";
    let kinds: Vec<_> = providers::kinds().collect();
    let scenario = Scenario::parse(text, "s.toml".as_ref(), &kinds).unwrap();
    let emulator = Emulator::start(scenario, 0, Arc::new(|_| {}))
        .await
        .unwrap();
    let variables: BTreeMap<_, _> = environment(&emulator.origin()).into_iter().collect();
    assert_eq!(variables["JOBLENS_SUGON_ENDPOINT"], emulator.origin());
    let token = &variables["JOBLENS_SUGON_TOKEN"];
    let reply = send(
        &emulator,
        &format!("GET /ai/openapi/v2/instance-service/5/detail HTTP/1.1\r\nhost: x\r\ntoken: {token}\r\nconnection: close\r\n\r\n"),
    )
    .await;
    let data = &reply.json()["data"];
    assert_eq!(data["instanceServiceName"], "训练");
    assert_eq!(data["status"], "Running");
}
