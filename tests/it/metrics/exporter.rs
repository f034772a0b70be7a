//! Tests of the metrics exporter.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{SCOPE, WORLD, number, state};
use crate::support::emulated::Emulated;
use crate::support::exposition::{Family, parse};
use crate::support::wait_for;

/// A running exporter that ends with the test.
struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(emulated: &Emulated, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_joblens"))
            .args(["metrics", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .envs(emulated.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let address = line.strip_prefix("listening on http://").unwrap();
        let address = address.strip_suffix("/metrics").unwrap().to_owned();
        // Its output must be read, or it would block when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let _ = stream.write_all(request.as_bytes());
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        String::from_utf8(response).unwrap()
    }

    /// Returns head and body of a response.
    fn get(&self, target: &str, headers: &str) -> (String, String) {
        let response = self.send(&format!("GET {target} HTTP/1.0\r\n{headers}\r\n"));
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    fn metrics(&self, target: &str) -> Vec<Family> {
        let (head, body) = self.get(target, "");
        assert!(head.contains(" 200 OK\r\n"), "{target}: {head}\n{body}");
        parse(&body)
    }

    fn signal(mut self, name: &str) -> Option<i32> {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn both_formats_are_served_and_scrapes_share_a_poll() {
    let emulated = Emulated::start(WORLD);
    let exporter = Exporter::start(&emulated, &[SCOPE, "huawei/image-job/7"]);
    let (head, body) = exporter.get("/metrics", "");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{head}"
    );
    let families = parse(&body);
    assert_eq!(state(&families, "aliyun/job/c/train").unwrap(), "failed");
    let requests = emulated.requests();
    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let (head, body) = exporter.get("/metrics", accept);
    let expected = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(expected), "{head}");
    assert!(body.ends_with("\n# EOF\n"), "{body}");
    assert!(
        body.contains("# UNIT joblens_job_created_seconds seconds\n"),
        "{body}"
    );
    let families = parse(&body);
    assert_eq!(
        number(&families, "joblens_scope_up", "huawei/image-job/7"),
        1.0
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| exporter.metrics("/metrics"));
        }
    });
    assert_eq!(emulated.requests(), requests);
    assert_eq!(exporter.signal("TERM"), Some(0));
}

#[test]
fn a_probe_reads_one_target_of_the_accounts_of_the_exporter() {
    let emulated = Emulated::start(WORLD);
    let exporter = Exporter::start(&emulated, &["aliyun/job/c/eval"]);
    let families = exporter.metrics("/probe?target=ali%2Fjob%2Fc%2F");
    assert_eq!(state(&families, "aliyun/job/c/train").unwrap(), "failed");
    assert_eq!(number(&families, "joblens_scope_up", SCOPE), 1.0);
    let requests = emulated.requests();
    exporter.metrics("/probe?module=x&target=aliyun/job/c/");
    assert_eq!(emulated.requests(), requests, "the same target");
    let families = exporter.metrics("/probe?target=aliyun/job/c/none");
    assert_eq!(
        number(&families, "joblens_scope_up", "aliyun/job/c/none"),
        0.0
    );
    for (query, part) in [
        ("", "missing parameter target"),
        ("?target=", "missing parameter target"),
        (
            "?target=-",
            "work only as arguments in an interactive shell",
        ),
        (
            "?target=%251",
            "work only as arguments in an interactive shell",
        ),
        ("?target=a&target=b", "given once"),
        ("?target=nope", "'nope' is not a reference"),
        (
            "?target=aliyun/job/c",
            "for all jobs of this scope: aliyun/job/c/",
        ),
        (
            "?target=huawei/image-job/",
            "not in an account that this exporter reads",
        ),
        (
            "?target=aliyun@prod/job/c/",
            "not in an account that this exporter reads",
        ),
        ("?target=%1b%0a%00", "\\u{1b}"),
        (
            "?target=aliyun/job/c/10_1-10000",
            "'aliyun/job/c/10_1-10000' is more than one reference",
        ),
        ("?target=aliyun@c/", "'aliyun@c/' is not in an account"),
    ] {
        let (head, body) = exporter.get(&format!("/probe{query}"), "");
        assert!(head.contains(" 400 Bad Request\r\n"), "{query}: {head}");
        assert!(body.contains(part), "{query}: {body}");
    }
    assert_eq!(exporter.signal("INT"), Some(130));
}

#[test]
fn without_targets_all_configured_accounts_can_be_probed() {
    let emulated = Emulated::start(WORLD);
    let exporter = Exporter::start(&emulated, &[]);
    let families = exporter.metrics("/probe?target=huawei/image-job/");
    assert_eq!(state(&families, "huawei/image-job/7").unwrap(), "running");
    let families = exporter.metrics("/metrics");
    assert_eq!(
        number(&families, "joblens_build_info", env!("CARGO_PKG_VERSION")),
        1.0
    );
    assert!(
        !emulated
            .requests()
            .contains_key("aliyun/ListServerlessJobs")
    );
}

#[test]
fn a_slow_cloud_never_makes_a_scrape_fail() {
    let slow =
        "\n[[fault]]\noperation = \"ListServerlessJobs\"\nkind = \"slow\"\ndelay = \"30s\"\n";
    let emulated = Emulated::start(&format!("{WORLD}{slow}"));
    let exporter = Exporter::start(&emulated, &[SCOPE, "huawei/image-job/7"]);
    let started = Instant::now();
    let timeout = "x-prometheus-scrape-timeout-seconds: 0.8\r\n";
    let (_, body) = exporter.get("/metrics", timeout);
    assert!(started.elapsed() < Duration::from_secs(20));
    let families = parse(&body);
    assert_eq!(number(&families, "joblens_scope_up", SCOPE), 0.0);
    assert_eq!(exporter.signal("TERM"), Some(0));
}

#[test]
fn invalid_requests_are_rejected_and_idle_clients_do_not_block_a_scrape() {
    let emulated = Emulated::start(WORLD);
    let exporter = Exporter::start(&emulated, &["aliyun/job/c/eval"]);
    let status = |request: &str| {
        let response = exporter.send(request);
        response.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
        ("GET /-/healthy HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
        ("HEAD /metrics HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
        ("GET /metrics/ HTTP/1.1\r\nhost: a\r\n\r\n", "404"),
        (
            "POST /metrics HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n",
            "405",
        ),
        ("\u{0}\u{1}\u{2}\r\n\r\n", "400"),
        ("GET /metrics HTTP/9.9\r\n\r\n", "400"),
    ] {
        assert_eq!(status(request), expected, "{request}");
    }
    let header = "a".repeat(20_000);
    assert_eq!(
        status(&format!("GET / HTTP/1.1\r\nx: {header}\r\n\r\n")),
        "431"
    );
    // Clients that send nothing or disconnect.
    let idle: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(&exporter.address).unwrap())
        .collect();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&exporter.address).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n")
            .unwrap();
    }
    let families = exporter.metrics("/metrics");
    assert_eq!(state(&families, "aliyun/job/c/eval").unwrap(), "pending");
    drop(idle);
    let taken = ["metrics", SCOPE, "--listen", &exporter.address];
    let run = emulated.joblens(&taken).run();
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("cannot listen on 127.0.0.1:"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_scope_refused_after_a_successful_poll_is_down_and_keeps_its_jobs() {
    let fault = "[[fault]]\ncloud = 'aliyun'\noperation = 'ListServerlessJobs'\nkind = 'status'\nstatus = 403\nskip = 1\n";
    let emulated = Emulated::start(&format!("{WORLD}\n{fault}"));
    let exporter = Exporter::start(&emulated, &["aliyun", "--min-interval", "1s"]);
    let up = |families: &[Family]| number(families, "joblens_scope_up", SCOPE);
    let families = exporter.metrics("/metrics");
    assert_eq!(up(&families), 1.0);
    let families = wait_for("the scope is down", || {
        let families = exporter.metrics("/metrics");
        (up(&families) == 0.0).then_some(families)
    });
    assert_eq!(state(&families, "aliyun/job/c/train").unwrap(), "failed");
}
