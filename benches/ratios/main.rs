//! Compares the cost of joblens with that of equivalent tools: `cargo bench`.
//!
//! Times are those of whole processes and are compared within one run, so that a slow or busy machine changes them
//! equally. It needs hyperfine, curl, jq and GNU time, and takes two minutes. The exit code is 1 if a limit is
//! exceeded.

#![allow(clippy::unwrap_used, reason = "a measurement may fail")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod response;
mod tls;
mod tools;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use joblens::emulator::{self, EmulatedJob, Emulator, Scenario, StateChange};
use tls::TlsServer;
use tools::{Bench, CommandLine, Cost, command};

const JOBLENS: &str = env!("CARGO_BIN_EXE_joblens");
const TOKEN: &str = "bench-token-0000";
const MIB: f64 = 1024.0 * 1024.0;

fn main() -> ExitCode {
    let missing = tools::missing();
    if !missing.is_empty() {
        println!(
            "not measured, since these are missing: {}",
            missing.join(", ")
        );
        return ExitCode::from(2);
    }
    let bench = Bench::new();
    let mut table = Table::new();
    startup_time(&bench, &mut table);
    single_lookup_over_tls(&bench, &mut table);
    large_response(&bench, &mut table);
    list_memory(&bench, &mut table);
    many_references(&bench, &mut table);
    processor_time_per_job(&bench, &mut table);
    let size = fs::metadata(JOBLENS).unwrap().len() as f64 / 1e6;
    table.row("release binary", format!("{size:.1} MB"), "", size, 10.0);
    ExitCode::from(u8::from(table.missed))
}

/// The table, printed row by row.
struct Table {
    missed: bool,
}

impl Table {
    fn new() -> Self {
        println!(
            "{:<46} {:>12}  {:<22} {:>7} {:>6}",
            "", "joblens", "beside", "value", "limit"
        );
        Self { missed: false }
    }

    /// Prints a measured value, the value it is compared with, and the number that must not exceed `limit`.
    fn row(&mut self, what: &str, measured: String, beside: &str, value: f64, limit: f64) {
        let verdict = if value <= limit { "ok" } else { "MISS" };
        self.missed |= value > limit;
        println!("{what:<46} {measured:>12}  {beside:<22} {value:>7.2} {limit:>6.2}  {verdict}");
    }

    /// Compares the costs of a lookup over TLS with those of curl.
    fn compare_lookup_with_curl(&mut self, cas: &str, ours: &Cost, theirs: &Cost) {
        let what = |measure: &str| format!("get over TLS, {cas}: {measure}");
        let (cpu, wall) = (("curl", theirs.cpu), ("curl", theirs.wall));
        self.ratio(&what("processor"), ours.cpu, cpu, 0.6);
        self.ratio(&what("wall"), ours.wall, wall, 1.0);
    }

    /// Prints a time and its ratio to another one.
    fn ratio(&mut self, what: &str, ours: f64, beside: (&str, f64), limit: f64) {
        let (name, theirs) = beside;
        let beside = format!("{name} {}", milliseconds(theirs));
        self.row(what, milliseconds(ours), &beside, ours / theirs, limit);
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

fn startup_time(bench: &Bench, table: &mut Table) {
    let [cost] = bench.costs(1, 200, [&command([JOBLENS, "--version"])]);
    let (shown, median) = (milliseconds(cost.fastest), milliseconds(cost.wall));
    let beside = format!("median {median}");
    table.row(
        "--version: fastest, ms",
        shown,
        &beside,
        cost.fastest * 1e3,
        3.0,
    );
}

/// Returns a response with the instance that closes the connection.
fn instance_response(id: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sugon/instance/running.json");
    let mut body: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    body["data"]["id"] = id.into();
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Measures one lookup over TLS, with the same CAs as curl.
fn single_lookup_over_tls(bench: &Bench, table: &mut Table) {
    let id = "8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f";
    let server = TlsServer::start(instance_response(id));
    let ca = bench.file("ca.pem", &server.ca);
    let ca = ca.to_str().unwrap();
    let joblens = |options: &[&str]| {
        let reference = format!("sugon/instance/{id}");
        let words = [JOBLENS, "get", "-o", "json", &reference];
        command(words.iter().chain(options)).envs([
            ("JOBLENS_SUGON_ENDPOINT", server.origin.as_str()),
            ("JOBLENS_SUGON_TOKEN", TOKEN),
        ])
    };
    let url = format!(
        "{}/ai/openapi/v2/instance-service/{id}/detail",
        server.origin
    );
    let token = format!("token: {TOKEN}");
    let curl = |ca: &str| {
        command([
            "curl",
            "--silent",
            "--show-error",
            "--fail",
            "--header",
            "accept: application/json",
            "--header",
            &token,
            "--cacert",
            ca,
            &url,
        ])
    };
    let only = joblens(&[]).envs([("SSL_CERT_FILE", ca)]);
    let [ours, theirs] = bench.costs(3, 40, [&only, &curl(ca)]);
    table.compare_lookup_with_curl("one CA", &ours, &theirs);

    let system = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
    ];
    let Some(system) = system.iter().find_map(|path| fs::read_to_string(path).ok()) else {
        println!("get over TLS, system's CAs: not measured, there is no file of them");
        return;
    };
    let all = bench.file("all.pem", system + &server.ca);
    let added = joblens(&["--ca-file", ca]);
    let [ours, theirs] = bench.costs(3, 20, [&added, &curl(all.to_str().unwrap())]);
    table.compare_lookup_with_curl("system's CAs", &ours, &theirs);
}

/// Reads and writes a response of 5,000 container groups; compared with jq, which only formats it.
fn large_response(bench: &Bench, table: &mut Table) {
    let body = response::groups(5000);
    let size = body.len() as f64;
    let file = bench.file("body.json", &body);
    let mut job = emulated_job("aliyun/job", &["ehpc-hz-FYUr32", "5"]);
    job.document = Some(body);
    let scenario = Scenario {
        jobs: vec![job],
        ..Scenario::default()
    };
    let clouds = Clouds::start(scenario);
    let ours = clouds.joblens(["get", "-o", "json", "aliyun/job/ehpc-hz-FYUr32/5"]);
    let jq = command(["jq", ".", file.to_str().unwrap()]);
    let [ours_cost, jq_cost] = bench.costs(3, 5, [&ours, &jq]);
    let what = format!("get -o json of {:.1} MB", size / 1e6);
    table.ratio(
        &format!("{what}: processor"),
        ours_cost.cpu,
        ("jq", jq_cost.cpu),
        0.25,
    );
    table.ratio(
        &format!("{what}: wall"),
        ours_cost.wall,
        ("jq", jq_cost.wall),
        0.25,
    );
    jq_on_large_response(bench, table, &clouds);
    let peak = bench.memory(&ours);
    let beside = format!("body {:.1} MiB", size / MIB);
    let shown = format!("{:.1} MiB", peak / MIB);
    table.row(
        &format!("{what}: peak memory"),
        shown,
        &beside,
        peak / size,
        6.0,
    );
}

/// Runs `--jq` on the same response; compared with a pipe into jq, and with jq on a file with the JSON that went
/// through the pipe.
fn jq_on_large_response(bench: &Bench, table: &mut Table, clouds: &Clouds) {
    const EXPRESSION: &str = r#"[.jobs[].tasks[] | select(.state == "running") | .id] | length"#;
    let get = ["get", "aliyun/job/ehpc-hz-FYUr32/5"];
    let ours = clouds.joblens(get.into_iter().chain(["--jq", EXPRESSION]));
    let as_json = clouds.joblens(get.into_iter().chain(["-o", "json"]));
    let file = bench.file("envelope.json", bench.output(&as_json));
    let jq = command(["jq", EXPRESSION, file.to_str().unwrap()]);
    let script = format!("{JOBLENS} {} -o json | jq '{EXPRESSION}'\n", get.join(" "));
    let script = bench.file("pipe.sh", script);
    let pipe = command(["sh", script.to_str().unwrap()]);
    let pipe = pipe.envs(emulator::environment(&clouds.origin));
    let [ours, pipe, jq] = bench.costs(2, 5, [&ours, &pipe, &jq]);
    let what = "get --jq of the same";
    table.ratio(
        &format!("{what}: processor"),
        ours.cpu,
        ("| jq", pipe.cpu),
        0.25,
    );
    table.ratio(
        &format!("{what}: processor"),
        ours.cpu,
        ("jq alone", jq.cpu),
        0.25,
    );
    table.ratio(
        &format!("{what}: wall"),
        ours.wall,
        ("jq alone", jq.wall),
        0.25,
    );
}

/// Lists 10,000 jobs on 100 pages, in the formats whose rows are independent.
fn list_memory(bench: &Bench, table: &mut Table) {
    let jobs = (0..10_000).map(|number| EmulatedJob {
        name: Some(format!("训练 {number}")),
        ..emulated_job("aliyun/job", &["ehpc-hz-FYUr32", &number.to_string()])
    });
    let clouds = Clouds::start(Scenario {
        jobs: jobs.collect(),
        ..Scenario::default()
    });
    for form in ["jsonl", "csv", "tsv", "name"] {
        let ours = clouds.joblens(["list", "aliyun/job/ehpc-hz-FYUr32", "-o", form]);
        let rows = bench.output(&ours).split(|byte| *byte == b'\n').count();
        assert!(rows >= 10_000, "{rows} rows of {form}");
        let peak = bench.memory(&ours) / MIB;
        table.row(
            &format!("list of 10,000 jobs as {form}: peak MiB"),
            format!("{peak:.1} MiB"),
            "",
            peak,
            40.0,
        );
    }
}

/// Looks up 100 references of each cloud, each answered after 100 ms.
fn many_references(bench: &Bench, table: &mut Table) {
    const EACH: usize = 100;
    const LATENCY: Duration = Duration::from_millis(100);
    const AT_ONCE: f64 = 8.0;
    let of_kind = |number: usize| {
        [
            emulated_job("aliyun/job", &["ehpc-hz-FYUr32", &number.to_string()]),
            emulated_job("sugon/instance", &[&format!("{number:032x}")]),
            emulated_job(
                "huawei/image-job",
                &[&(702_364_883_651_395_584 + number).to_string()],
            ),
            emulated_job(
                "tencent/service",
                &["cls-xxxxx", "default", &format!("web-{number}")],
            ),
        ]
    };
    let jobs: Vec<EmulatedJob> = (0..EACH).flat_map(of_kind).collect();
    let references: Vec<String> = jobs
        .iter()
        .map(|job| format!("{}/{}", job.kind, job.segments.join("/")))
        .collect();
    let scenario = Scenario {
        jobs,
        latency: LATENCY,
        ..Scenario::default()
    };
    let clouds = Clouds::start(scenario);
    let get = ["get", "-o", "json"].into_iter();
    let ours = clouds.joblens(get.chain(references.iter().map(String::as_str)));
    let ideal = EACH as f64 / AT_ONCE * LATENCY.as_secs_f64();
    let [cost] = bench.costs(1, 5, [&ours]);
    let what = "get of 400 references, 100 ms each";
    table.ratio(&format!("{what}: wall"), cost.wall, ("ideal", ideal), 1.3);
    let peak = bench.memory(&ours) / MIB;
    table.row(
        &format!("{what}: peak MiB"),
        format!("{peak:.1} MiB"),
        "",
        peak,
        40.0,
    );
}

/// Measures the processor time per job for 1, 100 and 10,000 jobs, each compared with the smaller number.
fn processor_time_per_job(bench: &Bench, table: &mut Table) {
    let subtasks = (1..=10_000).map(|number| format!("10_{number}"));
    let jobs = subtasks.map(|id| emulated_job("aliyun/job", &["ehpc-hz-FYUr32", &id]));
    let clouds = Clouds::start(Scenario {
        jobs: jobs.collect(),
        ..Scenario::default()
    });
    let mut before = None;
    for (count, runs) in [(1, 20), (100, 10), (10_000, 3)] {
        let range = format!("aliyun/job/ehpc-hz-FYUr32/10_1-{count}");
        let ours = clouds.joblens(["get", "-o", "name", &range]);
        let [cost] = bench.costs(1, runs, [&ours]);
        let each = cost.cpu / f64::from(count) * 1e6;
        let (beside, smaller) = match before.replace(each) {
            Some(smaller) => (format!("{smaller:.0} us of fewer"), smaller),
            None => (String::new(), each),
        };
        let what = format!("get of {count} references: processor for each");
        table.row(&what, format!("{each:.0} us"), &beside, each / smaller, 1.0);
    }
}

fn emulated_job(kind: &str, segments: &[&str]) -> EmulatedJob {
    let state = match kind.split('/').next() {
        Some("huawei") => "RUNNING",
        _ => "Running",
    };
    EmulatedJob {
        kind: kind.to_owned(),
        segments: segments.iter().map(ToString::to_string).collect(),
        steps: vec![StateChange {
            state: state.to_owned(),
            ..StateChange::default()
        }],
        parts: 1,
        ..EmulatedJob::default()
    }
}

/// The emulator on a separate thread, which ends with this process.
struct Clouds {
    origin: String,
}

impl Clouds {
    fn start(scenario: Scenario) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let emulator = Emulator::start(scenario, 0, Arc::new(|_| {}))
                    .await
                    .unwrap();
                sender.send(emulator.origin()).unwrap();
                std::future::pending::<()>().await;
            });
        });
        Self {
            origin: receiver.recv().unwrap(),
        }
    }

    fn joblens<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> CommandLine {
        command(std::iter::once(JOBLENS).chain(arguments)).envs(emulator::environment(&self.origin))
    }
}
