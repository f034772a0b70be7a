//! The network of a company: client certificates, servers with untrusted certificates, proxies, IPv6.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::tls::{Authority, write};
use crate::support::{Joblens, Run, joblens, json};

pub const REFERENCE: &str = "sugon/instance/00000000000000000000000000000001";

pub fn running() -> Vec<u8> {
    json(r#"{"code":"0","data":{"id":"00000000000000000000000000000001","status":"Running"}}"#)
}

/// A computing centre with a separate CA on loopback, and a folder with the files of its users.
struct Centre {
    port: u16,
    folder: tempfile::TempDir,
}

impl Centre {
    /// Serves clients with a certificate of its CA, or all clients.
    fn start(requests_certificates: bool) -> Self {
        let authority = Authority::new(|_| {});
        let folder = tempfile::tempdir().unwrap();
        let (user, user_key) = authority.signed("user", |_| {});
        for (name, text, mode) in [
            ("ca.pem", authority.pem(), 0o644),
            ("user.pem", user.pem(), 0o644),
            ("user.key", user_key.serialize_pem(), 0o600),
        ] {
            write(&folder.path().join(name), &text, mode);
        }
        let own = authority.signed("localhost", |_| {});
        let port = authority.serve(&own, requests_certificates, |_| running());
        Self { port, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `get` for the profile `centre` with a config file in the folder.
    fn get(&self, settings: &str) -> Joblens {
        self.get_from(&format!("https://localhost:{}", self.port), settings)
    }

    /// Runs another command with these settings.
    fn run(&self, arguments: &[&str], settings: &str) -> Run {
        let endpoint = format!("https://localhost:{}", self.port);
        let config = self.configure(&endpoint, settings);
        joblens(&[arguments, &["-p", "centre", "--config", &config]].concat()).run()
    }

    fn configure(&self, endpoint: &str, settings: &str) -> String {
        let token = crate::support::SECRETS[0];
        let toml =
            format!("[sugon.centre]\nendpoint = '{endpoint}'\ntoken = '{token}'\n{settings}\n");
        let config = self.file("config.toml");
        write(&config, &toml, 0o600);
        config.to_str().unwrap().to_owned()
    }

    fn get_from(&self, endpoint: &str, settings: &str) -> Joblens {
        let config = self.configure(endpoint, settings);
        let options = ["get", "-o", "json", "-p", "centre", "--max-attempts", "1"];
        joblens(&[&options[..], &["--config", &config, REFERENCE]].concat())
    }
}

fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0_u8; 1];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

const IDENTITY: &str = "ca_file = 'ca.pem'\nclient_cert = 'user.pem'\nclient_key = 'user.key'";

#[test]
fn a_server_that_requests_a_client_certificate_gets_that_of_the_profile() {
    let centre = Centre::start(true);
    let run = centre.get(IDENTITY).run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    let run = centre.get("ca_file = 'ca.pem'").run();
    assert_eq!(
        (run.error()["category"].as_str(), run.code),
        (Some("unauthenticated"), 4)
    );
    let stranger = Centre::start(true);
    for name in ["user.pem", "user.key"] {
        fs::copy(stranger.file(name), centre.file(name)).unwrap();
    }
    let run = centre.get(IDENTITY).run();
    assert_eq!(
        (run.error()["category"].as_str(), run.code),
        (Some("unauthenticated"), 4)
    );
}

#[test]
fn an_unusable_client_certificate_or_key_is_a_usage_error() {
    let centre = Centre::start(false);
    let key = fs::read_to_string(centre.file("user.key")).unwrap();
    let middle = key.lines().nth(1).unwrap().to_owned();
    let refused = |settings: &str, message: &str| {
        let run = centre.get(settings).with_secret(&middle).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(message), "{message}: {}", run.stderr);
    };
    refused("client_cert = 'user.pem'", "requires client_key");
    refused("client_key = 'user.key'", "requires client_cert");
    refused(
        "ca_file = 'ca.pem'\nclient_cert = 'no.pem'\nclient_key = 'user.key'",
        "cannot be read",
    );
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    write(&centre.file("other.key"), &other, 0o600);
    let mixed = "ca_file = 'ca.pem'\nclient_cert = 'user.pem'\nclient_key = 'other.key'";
    refused(mixed, "does not match the certificate");
    let swapped = "ca_file = 'ca.pem'\nclient_cert = 'user.pem'\nclient_key = 'ca.pem'";
    write(
        &centre.file("ca.pem"),
        &fs::read_to_string(centre.file("ca.pem")).unwrap(),
        0o600,
    );
    refused(swapped, "contains no readable private key");
    write(&centre.file("user.key"), &key, 0o640);
    refused(
        IDENTITY,
        "contains a secret and is readable by others (mode 640)",
    );
    refused(IDENTITY, "chmod 600");
}

#[test]
fn insecure_skip_verify_applies_only_if_configured_and_is_always_reported() {
    let centre = Centre::start(false);
    for flag in ["true", "'true'"] {
        let run = centre.get(&format!("insecure_skip_verify = {flag}")).run();
        assert_eq!(run.job()["state"], "running", "{}", run.stderr);
        assert_eq!(run.json()["notices"][0]["code"], "insecure_skip_verify");
        let reported = run.stderr.matches("certificate is not checked").count();
        assert_eq!(reported, 1, "{}", run.stderr);
    }
    for arguments in [
        &["get", "-q", REFERENCE][..],
        &["wait", "-q", "-t", "0", REFERENCE],
        &["list", "-q", "sugon/instance"],
        &["auth", "status", "-q"],
    ] {
        let run = centre.run(arguments, "insecure_skip_verify = true");
        let reported = run.stderr.matches("certificate is not checked").count();
        assert_eq!(reported, 1, "{arguments:?}: {}", run.stderr);
    }
    // The CA of another centre replaces the machine's store, which may be empty.
    let other = Centre::start(false);
    let store = other.file("ca.pem");
    let store = store.to_str().unwrap();
    for settings in ["insecure_skip_verify = false", ""] {
        let run = centre.get(settings).env("SSL_CERT_FILE", store).run();
        assert_eq!(run.error()["category"], "network", "{}", run.stderr);
        assert!(run.json()["notices"].as_array().unwrap().is_empty());
    }
    let run = centre.get("insecure_skip_verify = 'yes'").run();
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("must be true or false"),
        "{}",
        run.stderr
    );
}

#[test]
fn insecure_skip_verify_is_a_usage_error_for_hosts_of_public_clouds() {
    let centre = Centre::start(false);
    for endpoint in [
        "https://ai.scnet.cn",
        "https://ai.hpccube.com",
        "https://ims.eu-west-101.myhuaweicloud.com",
        "https://ims.eu-west-101.myhuaweicloud.eu",
        "https://www.huaweicloud.com",
        "https://tione.intl.tencentcloudapi.com",
        "https://www.tencentcloud.com",
        "https://ehpc.eu-central-1.aliyuncs.com",
        "https://www.alibabacloud.com",
    ] {
        let run = centre
            .get_from(endpoint, "insecure_skip_verify = true")
            .run();
        assert_eq!(
            (run.error()["category"].as_str(), run.code),
            (Some("usage"), 2),
            "{endpoint}"
        );
        assert!(
            run.stderr.contains("a host of a public cloud"),
            "{}",
            run.stderr
        );
    }
}

/// Starts a SOCKS5 proxy that requires a user and password and answers for all hosts. It records what it receives,
/// one entry per line.
fn socks(reported: &Arc<Mutex<Vec<String>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reported = Arc::clone(reported);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = serve_socks(&mut stream.unwrap(), &reported);
        }
    });
    port
}

fn serve_socks(stream: &mut TcpStream, reported: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let take = |stream: &mut TcpStream, count: usize| {
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes).map(|()| bytes)
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let methods = take(stream, 2)?[1];
    take(stream, methods.into())?;
    stream.write_all(&[5, 2])?;
    let length = take(stream, 2)?[1];
    let name = text(take(stream, length.into())?);
    let length = take(stream, 1)?[0];
    let password = text(take(stream, length.into())?);
    stream.write_all(&[1, 0])?;
    let length = take(stream, 5)?[4];
    let host = text(take(stream, length.into())?);
    take(stream, 2)?;
    reported
        .lock()
        .unwrap()
        .push(format!("{name}:{password} {host}"));
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    head(stream).map_or(Ok(()), |_| stream.write_all(&running()))
}

#[test]
fn the_password_of_a_socks_proxy_is_sent_and_never_shown() {
    let reported = Arc::default();
    let port = socks(&reported);
    for (name, scheme) in [("ALL_PROXY", "socks5h"), ("http_proxy", "socks5h")] {
        let run = joblens(&["get", "-v", "-o", "json", "--allow-http", REFERENCE])
            .env("JOBLENS_SUGON_ENDPOINT", "http://sugon.test")
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
            .env(name, format!("{scheme}://joe:hunter22@127.0.0.1:{port}"))
            .with_secret("hunter22")
            .run();
        assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    }
    assert_eq!(*reported.lock().unwrap(), ["joe:hunter22 sugon.test"; 2]);
}

#[test]
fn no_error_of_a_proxy_shows_its_password() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let get = |proxy: &str| {
        joblens(&["get", "-v", "-o", "json", "--max-attempts", "1", REFERENCE])
            .env("JOBLENS_SUGON_ENDPOINT", "https://sugon.test")
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
            .env("HTTPS_PROXY", proxy)
            .with_secret("hunter22")
            .run()
    };
    for scheme in ["http", "https", "socks5h", "socks5"] {
        let run = get(&format!("{scheme}://joe:hunter22@{free}"));
        assert_eq!(
            (run.error()["category"].as_str(), run.code),
            (Some("network"), 5)
        );
    }
    for wrong in ["socks6://joe:hunter22@proxy:1", "http://joe:hunter22@"] {
        assert_eq!(get(wrong).code, 2, "{wrong}");
    }
}

#[test]
fn an_invalid_proxy_variable_is_an_error_only_if_a_request_would_use_it() {
    let server = crate::support::Server::answering(running());
    let get = |command: &str, endpoint: &str| {
        joblens(&[command, "-o", "json", "--max-attempts", "1", REFERENCE])
            .env("JOBLENS_SUGON_ENDPOINT", endpoint)
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
            .env("all_proxy", "quic://joe:hunter22@proxy:1")
            .with_secret("hunter22")
    };
    assert_eq!(get("get", &server.origin()).run().code, 0);
    for command in ["get", "wait"] {
        let run = get(command, "https://sugon.test").run();
        assert_eq!(
            (run.error()["category"].as_str(), run.code),
            (Some("usage"), 2)
        );
        let message = run.error()["message"].as_str().unwrap().to_owned();
        assert!(
            message.contains("all_proxy is 'quic://***@proxy:1'"),
            "{message}"
        );
    }
    let unreachable = "http://127.0.0.1:9";
    let elsewhere = get("get", "https://sugon.test").env("https_proxy", unreachable);
    assert_eq!(elsewhere.run().code, 5);
    let excepted = get("get", "https://no-such-host.invalid").env("no_proxy", "*");
    assert_eq!(excepted.run().code, 5);
}

/// Starts a SOCKS4 proxy that answers its only client itself; returns the request.
fn socks4() -> (u16, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut requested = [0; 8];
        stream.read_exact(&mut requested).unwrap();
        let mut byte = [1];
        while byte != [0] {
            stream.read_exact(&mut byte).unwrap();
        }
        stream.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).unwrap();
        head(&mut stream).unwrap();
        stream.write_all(&running()).unwrap();
        requested.to_vec()
    });
    (port, served)
}

#[test]
fn a_socks_url_without_a_version_means_socks4_as_in_curl() {
    let (port, requested) = socks4();
    let run = joblens(&["get", "-o", "json", "--allow-http", REFERENCE])
        .env("JOBLENS_SUGON_ENDPOINT", "http://192.0.2.7")
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
        .env("all_proxy", format!("socks://127.0.0.1:{port}/"))
        .run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    assert_eq!(requested.join().unwrap(), [4, 1, 0, 80, 192, 0, 2, 7]);
}

#[test]
fn an_endpoint_may_be_an_ipv6_address() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        // Skipped on a machine without IPv6.
        return;
    };
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let requested = head(&mut stream).unwrap();
        stream.write_all(&running()).unwrap();
        requested
    });
    let run = joblens(&["get", "-o", "json", REFERENCE])
        .env("JOBLENS_SUGON_ENDPOINT", format!("http://[::1]:{port}"))
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    let requested = server.join().unwrap();
    assert!(
        requested.contains(&format!("host: [::1]:{port}")),
        "{requested}"
    );
}
