//! Requests that are sent or not: retries, limits, trust, proxies.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use crate::support::tls::Authority;
use crate::support::{Joblens, Server, http, joblens, json, wait_until};

fn id(number: usize) -> String {
    format!("{number:032x}")
}

fn reference(number: usize) -> String {
    format!("sugon/instance/{}", id(number))
}

/// Returns a running instance with the requested id.
fn running(target: &str) -> Vec<u8> {
    let id = target.split('/').nth(5).unwrap_or_default();
    json(format!(
        r#"{{"code":"0","data":{{"id":"{id}","status":"Running"}}}}"#
    ))
}

fn get(origin: &str, options: &[&str]) -> Joblens {
    let mut arguments = vec!["get", "-o", "json"];
    arguments.extend_from_slice(options);
    joblens(&arguments)
        .env("JOBLENS_SUGON_ENDPOINT", origin)
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
}

#[test]
fn a_request_throttled_with_retry_after_is_sent_again() {
    let server = Server::start(|number, got, stream| {
        let _ = match number {
            0 | 1 => stream.write_all(&http("429 Too Many Requests", "retry-after: 0\r\n", b"{}")),
            _ => stream.write_all(&running(got.target())),
        };
    });
    let run = get(&server.origin(), &[&reference(1)]).run();
    assert_eq!(run.job()["state"], "running");
    assert_eq!(server.received().len(), 3);
}

#[test]
fn a_retry_after_of_more_than_a_minute_ends_a_lookup_and_is_reported() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let server = Server::answering(http(status, "retry-after: 300\r\n", b"{}"));
        let run = get(&server.origin(), &[&reference(1)]).run();
        assert_eq!(
            (run.error()["category"].as_str(), run.code),
            (Some("throttled"), 5)
        );
        assert!(
            run.error()["message"].to_string().contains("300 s"),
            "{}",
            run.stdout
        );
        assert_eq!(server.received().len(), 1);
    }
}

#[test]
fn at_most_two_requests_are_in_flight_until_a_credential_is_accepted() {
    let server = Server::start(|number, got, stream| {
        if number < 2 {
            // Long enough for all other requests to arrive, if they were sent.
            thread::sleep(Duration::from_millis(300));
        } else {
            thread::sleep(Duration::from_millis(30));
        }
        let _ = stream.write_all(&running(got.target()));
    });
    let references: Vec<String> = (0..20).map(reference).collect();
    let options: Vec<&str> = references.iter().map(String::as_str).collect();
    let before = thread::scope(|scope| {
        let watch = scope.spawn(|| {
            wait_until("there is a request", || !server.received().is_empty());
            thread::sleep(Duration::from_millis(150));
            server.received().len()
        });
        let run = get(&server.origin(), &options).run();
        assert_eq!(run.json()["coverage"]["answered"], 20);
        watch.join().unwrap()
    });
    assert!(before <= 2, "{before} calls with an unproven credential");
    assert!(
        server.most_at_once() <= 8,
        "{} at once",
        server.most_at_once()
    );
}

#[test]
fn after_a_refused_credential_other_lookups_of_the_account_are_skipped() {
    let server = Server::answering(json(r#"{"code":"10008","msg":"no"}"#));
    let references: Vec<String> = (0..20).map(reference).collect();
    let options: Vec<&str> = references.iter().map(String::as_str).collect();
    let run = get(&server.origin(), &options).run();
    assert_eq!(run.code, 4);
    assert!(
        server.received().len() <= 2,
        "{} calls",
        server.received().len()
    );
    let json = run.json();
    let errors = json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 20);
    assert!(
        errors[19]["message"].to_string().contains("skipped: "),
        "{}",
        errors[19]
    );
    assert_eq!(errors[19]["attempts"], 0);
}

#[test]
fn results_keep_the_given_order_and_duplicates_are_requested_once() {
    let server = Server::start(|number, got, stream| {
        if number == 0 {
            thread::sleep(Duration::from_millis(100));
        }
        let _ = match got.target().contains(&id(3)) {
            true => stream.write_all(&json(r#"{"code":"0","data":null}"#)),
            false => stream.write_all(&running(got.target())),
        };
    });
    let (first, second, third) = (reference(1), reference(2), reference(3));
    let short = format!("scnet/inst/{}", id(1));
    let input = format!("\u{feff}# comment\r\n{second}\r\n\r\n{short}\r\n");
    let run = get(&server.origin(), &[&first, &third, "-", &first])
        .input(&input)
        .run();
    let json = run.json();
    let refs: Vec<_> = json["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["ref"].clone())
        .collect();
    assert_eq!(refs, [first.as_str(), second.as_str()]);
    assert_eq!(json["errors"][0]["ref"], third.as_str());
    assert_eq!(
        json["coverage"],
        serde_json::json!({"complete": false, "asked": 3, "answered": 2})
    );
    assert_eq!(run.code, 3);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn every_invalid_reference_is_reported_and_nothing_is_requested() {
    let server = Server::answering(json("{}"));
    let run = get(
        &server.origin(),
        &[&reference(1), "sugn/instance/1", "sugon/job/1"],
    )
    .run();
    assert_eq!(run.code, 2);
    assert_eq!(run.json()["errors"].as_array().unwrap().len(), 2);
    assert!(server.received().is_empty());
}

#[test]
fn verbose_shows_each_request_and_response_and_no_secret() {
    let server = Server::start(|_, got, stream| {
        let _ = stream.write_all(&running(got.target()));
    });
    let run = get(&server.origin(), &["-v", &reference(1)]).run();
    let expected = format!(
        "> GET {}/ai/openapi/v2/instance-service/{}/detail",
        server.origin(),
        id(1)
    );
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
    assert!(run.stderr.contains("< 200 in "), "{}", run.stderr);
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    let server = Server::start(|_, got, stream| {
        let _ = stream.write_all(&running(got.target()));
    });
    let proxy = Server::answering(http("502 Bad Gateway", "", b""));
    let run = get(&server.origin(), &[&reference(1)])
        .env("HTTP_PROXY", proxy.origin())
        .env("ALL_PROXY", proxy.origin())
        .run();
    assert_eq!(run.job()["state"], "running");
    assert!(proxy.received().is_empty());
}

#[test]
fn other_hosts_are_called_through_the_proxy_of_the_environment() {
    let proxy = Server::start(|_, got, stream| {
        let _ = stream.write_all(&running(
            got.target().trim_start_matches("http://sugon.test"),
        ));
    });
    let run = get("http://sugon.test", &[&reference(1), "--allow-http"])
        .env("http_proxy", proxy.origin())
        .run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    assert!(
        proxy.received()[0]
            .target()
            .starts_with("http://sugon.test/ai/openapi")
    );
}

#[test]
fn a_407_of_a_proxy_is_a_network_error_and_its_password_is_sent_once() {
    let proxy = Server::answering(http("407 Proxy Authentication Required", "", b""));
    let run = get("https://sugon.test", &[&reference(1)])
        .env(
            "HTTPS_PROXY",
            format!("http://joe:hunter22@127.0.0.1:{}", proxy.port),
        )
        .run();
    assert_eq!(proxy.received().len(), 1, "a wrong password is sent once");
    assert_eq!(run.error()["category"], "network");
    assert!(
        run.error()["message"].to_string().contains("proxy"),
        "{}",
        run.stdout
    );
    assert!(
        proxy.received()[0]
            .head
            .starts_with("CONNECT sugon.test:443")
    );
    assert!(!run.stdout.contains("hunter22") && !run.stderr.contains("hunter22"));
}

#[test]
fn plain_http_beyond_loopback_is_a_usage_error() {
    let run = get("http://sugon.test", &[&reference(1)]).run();
    assert_eq!(run.code, 2);
    assert!(
        run.error()["hint"].to_string().contains("--allow-http"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_host_without_a_server_is_a_network_error() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let run = get(
        &format!("http://{free}"),
        &[&reference(1), "--max-attempts", "1"],
    )
    .run();
    assert_eq!(
        (run.error()["category"].as_str(), run.code),
        (Some("network"), 5)
    );
}

/// A TLS server on loopback with a certificate of a separate CA.
struct Tls {
    port: u16,
    ca: tempfile::NamedTempFile,
}

impl Tls {
    fn start() -> Self {
        let authority = Authority::new(|_| {});
        let mut ca = tempfile::NamedTempFile::new().unwrap();
        ca.write_all(authority.pem().as_bytes()).unwrap();
        let own = authority.signed("localhost", |_| {});
        let port = authority.serve(&own, false, |head| {
            running(head.split(' ').nth(1).unwrap_or_default())
        });
        Self { port, ca }
    }

    fn ca(&self) -> &str {
        self.ca.path().to_str().unwrap()
    }

    fn get(&self, options: &[&str]) -> Joblens {
        let first = reference(1);
        let mut all = vec![first.as_str(), "--max-attempts", "1"];
        all.extend_from_slice(options);
        get(&format!("https://localhost:{}", self.port), &all)
    }
}

#[test]
fn a_private_ca_is_trusted_by_option_variable_or_setting() {
    let server = Tls::start();
    let run = server.get(&["--ca-file", server.ca()]).run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    let by_variable = server.get(&[]).env("SSL_CERT_FILE", server.ca()).run();
    assert_eq!(by_variable.job()["state"], "running");
    let by_setting = server
        .get(&[])
        .env("JOBLENS_SUGON_CA_FILE", server.ca())
        .run();
    assert_eq!(by_setting.job()["state"], "running");
}

#[test]
fn an_untrusted_certificate_is_refused_with_a_hint() {
    let server = Tls::start();
    let other = Tls::start();
    let run = server.get(&["--ca-file", other.ca()]).run();
    assert_eq!(run.error()["category"], "network");
    assert!(
        run.error()["message"].to_string().contains("not trusted"),
        "{}",
        run.stdout
    );
    assert!(run.error()["hint"].to_string().contains("--ca-file"));
}

#[test]
fn without_ca_certificates_tls_fails_and_plain_loopback_works() {
    let server = Tls::start();
    let run = server.get(&[]).env("SSL_CERT_FILE", "/nonexistent").run();
    assert!(
        run.error()["message"]
            .to_string()
            .contains("no CA certificates"),
        "{}",
        run.stdout
    );
    let plain = Server::start(|_, got, stream| {
        let _ = stream.write_all(&running(got.target()));
    });
    let run = get(&plain.origin(), &[&reference(1)])
        .env("SSL_CERT_FILE", "/nonexistent")
        .run();
    assert_eq!(run.job()["state"], "running");
}

#[test]
fn further_lookups_are_skipped_after_a_host_failed_to_respond() {
    let server = Server::start(|_, _, _| {});
    let references: Vec<String> = (0..40).map(reference).collect();
    let mut options: Vec<&str> = references.iter().map(String::as_str).collect();
    options.extend(["--max-attempts", "1"]);
    let run = get(&server.origin(), &options).run();
    assert_eq!(run.code, 5);
    let json = run.json();
    let errors = json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 40);
    assert!(
        errors[39]["message"].to_string().contains("skipped: "),
        "{}",
        errors[39]
    );
    assert!(
        server.received().len() <= 2,
        "{} calls",
        server.received().len()
    );
}

#[test]
fn a_ca_file_that_cannot_be_used_is_reported_before_the_first_request() {
    let server = Server::answering(json("{}"));
    let run = get(
        &server.origin(),
        &[&reference(1), "--ca-file", "/nonexistent.pem"],
    )
    .run();
    assert_eq!(run.code, 2);
    assert!(server.received().is_empty());
}
