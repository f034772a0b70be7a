mod batch;
mod commands;
mod faults;
mod filters;
mod newest;
mod places;
mod scopes;

use std::io::{self, Read as _};
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::providers::serve::{EmulatedJob, ServerRequest, ServerResponse, StateChange};

#[test]
fn every_address_of_every_cloud_is_that_of_the_emulator() {
    let origin = "http://127.0.0.1:1";
    let variables: BTreeMap<String, String> = environment(origin).into_iter().collect();
    let is_address = |key: &str| {
        ["endpoint", "host", "url", "address"]
            .iter()
            .any(|word| key.contains(word))
    };
    for cloud in CLOUDS {
        let keys = cloud.settings_schema();
        let addresses: Vec<_> = keys.all().filter(|spec| is_address(spec.key)).collect();
        assert!(
            addresses.len() >= 2,
            "an API and a metadata service at least"
        );
        for spec in addresses {
            let name = keys.variable(spec.key);
            // Other hosts are not allowed at all.
            let expected = if spec.is_host_list() { "" } else { origin };
            assert_eq!(
                variables.get(&name).map(String::as_str),
                Some(expected),
                "{name}"
            );
        }
        // What is not a test credential is empty.
        for name in keys.credential_keys().flat_map(|spec| spec.variables) {
            let value = &variables[*name];
            let is_given = cloud
                .emulator
                .environment
                .iter()
                .any(|(known, _)| known == name);
            assert!(is_given || value.is_empty(), "{name}");
        }
        assert_eq!(variables[&keys.variable(SOURCE)], "");
    }
    let shell: BTreeMap<String, String> = shell_environment(origin).into_iter().collect();
    assert_eq!(
        (
            shell["JOBLENS_CONFIG"].as_str(),
            shell["JOBLENS_PROFILE"].as_str()
        ),
        (NO_FILE, "")
    );
}

/// A cloud that takes `/fake/OPERATION`.
static FAKE: EmulatedApi = EmulatedApi {
    operation: |request| Some(request.path.strip_prefix("/fake/")?.to_owned()),
    respond: |request, world| match request.path.as_str() {
        "/fake/Long" => ServerResponse::document(200, &"x".repeat(300_000)),
        "/fake/NoHttp" => ServerResponse::document(200, "").with_header("a b", "c"),
        "/fake/Panic" => panic!("the fake cloud was asked to panic"),
        "/fake/Look" => match world.find("fake/job", &["5"], request.now) {
            Some(view) => ServerResponse::json(200, &json!({"state": view.step.state})),
            None => ServerResponse::json(404, &json!({"code": "NotFound"})),
        },
        _ => echo(request),
    },
    throttled: || {
        ServerResponse::json(400, &json!({"code": "Throttling"})).with_header("retry-after", "9")
    },
    refused: || ServerResponse::json(401, &json!({"code": "Refused"})),
    unavailable: |status| ServerResponse::json(status, &json!({"code": "Unavailable"})),
    environment: &[],
};

/// A cloud that would take everything.
static GREEDY: EmulatedApi = EmulatedApi {
    operation: |request| {
        (request.path == "/fake/Mine" || request.path == "/greedy").then(|| "G".into())
    },
    respond: |_, _| ServerResponse::json(200, &json!("greedy")),
    throttled: || ServerResponse::json(429, &json!(null)),
    refused: || ServerResponse::json(401, &json!(null)),
    unavailable: |status| ServerResponse::json(status, &json!(null)),
    environment: &[],
};

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
    let clouds = vec![("fake", &FAKE), ("greedy", &GREEDY)];
    let emulator = Emulator::start_with(scenario, 0, log, clouds)
        .await
        .unwrap();
    (emulator, accesses)
}

#[derive(Debug)]
struct Reply {
    head: String,
    body: Vec<u8>,
    /// How reading ended.
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
async fn hands_a_cloud_the_request_as_it_came() {
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
async fn keeps_a_connection_alive() {
    let (emulator, accesses) = start(Scenario::default()).await;
    let mut stream = connect(&emulator).await;
    let both = "GET /fake/A HTTP/1.1\r\nhost: x\r\n\r\nGET /fake/B HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(both.as_bytes()).await.unwrap();
    let reply = read(&mut stream).await;
    assert_eq!(reply.text().matches("HTTP/1.1 200 OK").count(), 1);
    assert_eq!(accesses.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_off_shows_in_the_date_and_to_the_cloud() {
    let offset = TimeDelta::minutes(-20);
    let (emulator, _) = start(Scenario {
        clock: EmulatorClock { offset },
        ..Scenario::default()
    })
    .await;
    let earliest = Utc::now().timestamp() + offset.num_seconds();
    let reply = get(&emulator, "/fake/Echo").await;
    let latest = Utc::now().timestamp() + offset.num_seconds();
    let date = reply.header("date").unwrap();
    assert!(date.ends_with(" GMT"), "{date}");
    let date = DateTime::parse_from_rfc2822(date).unwrap().timestamp();
    assert!((earliest..=latest).contains(&date));
    let now = reply.json()["now"].as_i64().unwrap();
    assert!((earliest..=latest).contains(&now));
}

#[tokio::test]
async fn answers_from_the_things_of_the_scenario() {
    let step = |after, state: &str| StateChange {
        after: Duration::from_secs(after),
        state: state.to_owned(),
        ..StateChange::default()
    };
    let (emulator, _) = start(Scenario {
        jobs: vec![EmulatedJob {
            kind: "fake/job".into(),
            segments: vec!["5".into()],
            age: Duration::from_secs(60),
            steps: vec![
                step(0, "Pending"),
                step(60, "Running"),
                step(86_400, "Failed"),
            ],
            ..EmulatedJob::default()
        }],
        ..Scenario::default()
    })
    .await;
    let reply = get(&emulator, "/fake/Look").await;
    assert_eq!(reply.json(), json!({"state": "Running"}));
}

#[tokio::test]
async fn the_first_cloud_that_knows_a_request_takes_it() {
    let (emulator, accesses) = start(Scenario::default()).await;
    get(&emulator, "/fake/Mine").await;
    assert_eq!(get(&emulator, "/greedy").await.json(), "greedy");
    let clouds: Vec<_> = accesses.lock().unwrap().iter().map(|a| a.cloud).collect();
    assert_eq!(clouds, [Some("fake"), Some("greedy")]);
}

#[tokio::test]
async fn says_what_it_is_where_no_cloud_answers() {
    let (emulator, accesses) = start(Scenario::default()).await;
    let reply = get(&emulator, "/index.html?secret=1").await;
    assert_eq!(reply.status(), 404);
    assert!(reply.text().contains("joblens emulator"));
    let line = accesses.lock().unwrap()[0].to_string();
    assert_eq!(line, "404 GET /index.html");
}

#[tokio::test]
async fn tells_what_was_asked_and_never_a_query_or_a_header() {
    let (emulator, accesses) = start(Scenario {
        faults: vec![Fault {
            cloud: Some("fake"),
            operation: Some("Look".into()),
            effect: Effect::Throttle,
            skip: 0,
            times: Some(1),
            retry_after: None,
            from: Duration::ZERO,
            until: None,
        }],
        ..Scenario::default()
    })
    .await;
    for _ in 0..2 {
        send(
            &emulator,
            "GET /fake/Look?Signature=hunter2 HTTP/1.1\r\nhost: x\r\nx-token: hunter2\r\nconnection: close\r\n\r\n",
        )
        .await;
    }
    let lines: Vec<String> = accesses
        .lock()
        .unwrap()
        .iter()
        .map(AccessRecord::to_string)
        .collect();
    assert_eq!(
        lines,
        [
            "400 GET /fake/Look fake Look (fault: throttle)",
            "404 GET /fake/Look fake Look"
        ]
    );
    assert!(!format!("{:?}", accesses.lock().unwrap()).contains("hunter2"));
    let counts = get(&emulator, "/_emulator/requests").await.json();
    assert_eq!(counts, json!({"fake/Look": 2}));
    assert_eq!(json!(emulator.requests()), counts);
}

#[tokio::test]
async fn takes_bodies_of_64_kib_and_no_more() {
    let (emulator, _) = start(Scenario::default()).await;
    let post = |length: usize| {
        let body = "b".repeat(length);
        format!(
            "POST /fake/Echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let reply = send(&emulator, &post(65_536)).await;
    assert_eq!(reply.json()["length"], 65_536);
    assert_eq!(send(&emulator, &post(65_537)).await.status(), 413);
}

#[tokio::test]
async fn a_cloud_that_panics_or_answers_nonsense_takes_nobody_along() {
    let (emulator, _) = start(Scenario::default()).await;
    assert_eq!(get(&emulator, "/fake/NoHttp").await.status(), 500);
    assert_eq!(get(&emulator, "/fake/Panic").await.head, "");
    assert_eq!(
        send(&emulator, "\x16\x03\x01 hello\r\n\r\n").await.status(),
        400
    );
    assert_eq!(get(&emulator, "/fake/Echo").await.status(), 200);
}

#[tokio::test]
async fn compresses_for_those_who_accept_it() {
    let (emulator, _) = start(Scenario {
        gzip: true,
        ..Scenario::default()
    })
    .await;
    let plain = get(&emulator, "/fake/Long").await;
    assert_eq!(plain.header("content-encoding"), None);
    let packed = send(
        &emulator,
        "GET /fake/Long HTTP/1.1\r\nhost: x\r\naccept-encoding: br, gzip;q=0.5\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
}

#[tokio::test]
async fn serves_300_connections_at_once() {
    let (emulator, _) = start(Scenario {
        latency: Duration::from_millis(20),
        ..Scenario::default()
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..300 {
        streams.push(connect(&emulator).await);
    }
    for stream in &mut streams {
        let request = b"GET /fake/Echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
    }
    for stream in &mut streams {
        assert_eq!(read(stream).await.status(), 200);
    }
    assert_eq!(emulator.requests()["fake/Echo"], 300);
}

#[tokio::test]
async fn stopping_ends_connections_and_gives_the_port_back() {
    let (emulator, _) = start(Scenario::default()).await;
    let port = emulator.address.port();
    assert_eq!(emulator.origin(), format!("http://127.0.0.1:{port}"));
    let again = || Emulator::start(Scenario::default(), port, Arc::new(|_| {}));
    assert_eq!(again().await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let mut stream = connect(&emulator).await;
    emulator.stop().await;
    assert_eq!(read(&mut stream).await.body, b"");
    assert!(again().await.is_ok());
}

#[tokio::test]
async fn a_registered_cloud_answers_what_its_environment_makes_a_client_ask() {
    let text = "[[job]]\nref = 'sugon/instance/5'\nname = '训练'\nstates = [{ after = '0s', state = 'Running' }]";
    let kinds: Vec<_> = crate::providers::kinds().collect();
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
