//! Certificates of servers and of clients.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use rcgen::DnType;

use super::{account, failure, outcome, sugon};
use crate::support::tls::{Authority, write};
use crate::support::{Joblens, Run, Server, http, json};

/// A TLS server on loopback with its own CA, whose certificate is in a folder.
struct Tls {
    port: u16,
    folder: tempfile::TempDir,
}

/// Unusual properties of a server.
#[derive(Default)]
struct Unusual {
    ca: Option<&'static str>,
    name: Option<&'static str>,
    years: Option<(i32, i32)>,
    wants_certificates: bool,
}

impl Tls {
    fn start(unusual: Unusual) -> Self {
        let authority = Authority::new(|params| {
            let name = &mut params.distinguished_name;
            name.push(DnType::CommonName, unusual.ca.unwrap_or("Example Proxy CA"));
            name.push(DnType::OrganizationName, "示例公司\u{1b}[2J");
        });
        let host = unusual.name.unwrap_or("localhost");
        let own = authority.signed(host, |leaf| {
            if let Some((from, to)) = unusual.years {
                leaf.not_before = rcgen::date_time_ymd(from, 1, 1);
                leaf.not_after = rcgen::date_time_ymd(to, 1, 1);
            }
        });
        let folder = tempfile::tempdir().unwrap();
        for (name, text, mode) in [
            ("ca.pem", authority.pem(), 0o644),
            ("key.pem", own.1.serialize_pem(), 0o600),
            ("cert.pem", own.0.pem(), 0o644),
        ] {
            write(&folder.path().join(name), &text, mode);
        }
        let port = authority.serve(&own, unusual.wants_certificates, |_| {
            json(r#"{"code":"0","data":{"total":0,"list":[]}}"#)
        });
        Self { port, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn doctor(&self, options: &[&str]) -> Joblens {
        sugon(&format!("https://localhost:{}", self.port), options)
    }

    /// Runs `doctor` for an endpoint that can only be reached through a proxy.
    fn doctor_through(variable: &str, proxy: String) -> Run {
        let other = Self::start(Unusual {
            ca: Some("Another CA"),
            ..Unusual::default()
        });
        sugon("https://sugon.test", &[])
            .env(variable, proxy)
            .env("SSL_CERT_FILE", other.file("ca.pem").to_str().unwrap())
            .with_secret("hunter22")
            .run()
    }

    /// Returns a run that trusts the CA.
    fn doctor_with_ca(&self) -> Joblens {
        let ca = self.file("ca.pem");
        self.doctor(&["--ca-file", ca.to_str().unwrap()])
    }
}

#[test]
fn a_trusted_server_passes_the_tls_check_and_the_ca_file_is_counted() {
    let server = Tls::start(Unusual::default());
    let run = server.doctor_with_ca().run();
    assert_eq!(run.code, 0, "{}", run.stdout);
    let checks: Vec<String> = account(&run)["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(outcome)
        .collect();
    assert!(checks.contains(&"tls ok".to_owned()), "{checks:?}");
    let certificates = run.json()["checks"][2]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(certificates.contains(", 1 by --ca-file "), "{certificates}");
}

#[test]
fn the_issuer_of_an_untrusted_certificate_is_named() {
    let server = Tls::start(Unusual::default());
    let other = |ca| {
        let other = Tls::start(Unusual {
            ca,
            ..Unusual::default()
        });
        let store = other.file("ca.pem");
        let store = store.to_str().unwrap();
        server.doctor(&[]).env("SSL_CERT_FILE", store).run()
    };
    // A CA that was created again with the same name.
    failure(&other(None))
        .is("tls", "network", 5)
        .contains(r"it was not signed by the trusted CA O=示例公司\1b[2J,CN=Example Proxy CA")
        .advises("ca_file or --ca-file");
    let run = other(Some("Another CA"));
    failure(&run)
        .is("tls", "network", 5)
        .after(&["dns", "connection"])
        .contains("CN=Example Proxy CA")
        .contains("O=示例公司")
        .advises("ca_file or --ca-file")
        .advises(&format!(
            "openssl s_client -showcerts -connect localhost:{}",
            server.port
        ));
    let certificates = run.json()["checks"][2]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        certificates.starts_with("1 CA certificates by SSL_CERT_FILE="),
        "{certificates}"
    );
}

#[test]
fn an_expired_future_or_misnamed_certificate_fails_the_tls_check() {
    let of = |years, name| Unusual {
        years,
        name,
        ..Unusual::default()
    };
    for (unusual, expected) in [
        (
            of(Some((2010, 2011)), None),
            "it expired at 2011-01-01T00:00:00Z",
        ),
        (
            of(Some((2090, 2091)), None),
            "it is valid from 2090-01-01T00:00:00Z",
        ),
        (
            of(None, Some("other.example")),
            "certificate is valid for other.example",
        ),
    ] {
        let server = Tls::start(unusual);
        failure(&server.doctor_with_ca().run())
            .is("tls", "network", 5)
            .after(&["connection"])
            .contains(expected);
    }
}

#[test]
fn a_server_that_requires_a_client_certificate_fails_the_tls_check() {
    let server = Tls::start(Unusual {
        wants_certificates: true,
        ..Unusual::default()
    });
    failure(&server.doctor_with_ca().run())
        .is("tls", "unauthenticated", 4)
        .after(&["connection"])
        .advises("client_cert and client_key");
    let stranger = Tls::start(Unusual::default());
    let run = server
        .doctor_with_ca()
        .env(
            "JOBLENS_SUGON_CLIENT_CERT",
            stranger.file("cert.pem").to_str().unwrap(),
        )
        .env(
            "JOBLENS_SUGON_CLIENT_KEY",
            stranger.file("key.pem").to_str().unwrap(),
        )
        .run();
    failure(&run)
        .is("tls", "unauthenticated", 4)
        .after(&["files", "connection"]);
}

#[test]
fn a_server_without_tls_fails_the_tls_check_with_a_hint() {
    let server = Server::answering(http("400 Bad Request", "", b""));
    // A TLS handshake contains no end of an HTTP head, so this server answers only after the client has
    // disconnected. The response of a server that writes immediately is received.
    let talker = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = talker.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in talker.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let run = sugon(&format!("https://localhost:{port}"), &[]).run();
    failure(&run)
        .is("tls", "network", 5)
        .after(&["connection"])
        .contains("does not use TLS")
        .advises("http://");
    assert!(server.received().is_empty());
}

#[test]
fn a_server_that_closes_during_the_handshake_fails_the_tls_check() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let run = sugon(&format!("https://localhost:{port}"), &[]).run();
    failure(&run).is("tls", "network", 5).after(&["connection"]);
}

#[test]
fn insecure_skip_verify_is_a_warning_of_the_tls_check() {
    let server = Tls::start(Unusual::default());
    let path = server.folder.path().join("config.toml");
    write(
        &path,
        "[sugon.default]\ninsecure_skip_verify = true\n",
        0o644,
    );
    let run = server.doctor(&["--config", path.to_str().unwrap()]).run();
    assert_eq!(run.code, 0, "{}", run.stdout);
    let account = account(&run);
    let checks = account["checks"].as_array().unwrap();
    let tls = checks.iter().find(|check| check["name"] == "tls").unwrap();
    assert_eq!(tls["status"], "warn");
    assert!(
        tls["message"]
            .as_str()
            .unwrap()
            .contains("insecure_skip_verify")
    );
}

#[test]
fn missing_ca_certificates_fail_the_certificates_check() {
    let server = Tls::start(Unusual::default());
    let run = server
        .doctor(&[])
        .env("SSL_CERT_FILE", "/nonexistent")
        .run();
    failure(&run)
        .is("certificates", "network", 5)
        .contains("no CA certificates")
        .contains("SSL_CERT_FILE: /nonexistent does not exist")
        .advises("unset the variable");
    assert_eq!(run.json()["checks"][2]["status"], "warn");
}

/// Starts a proxy that answers for every host with the server at this loopback port; returns its port.
fn intercepting(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut client = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0_u8; 1];
            while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    own
}

#[test]
fn the_issuer_of_an_intercepting_proxy_is_named() {
    let server = Tls::start(Unusual {
        name: Some("sugon.test"),
        ..Unusual::default()
    });
    let proxy = format!(
        "http://joe:hunter22@127.0.0.1:{}",
        intercepting(server.port)
    );
    failure(&Tls::doctor_through("HTTPS_PROXY", proxy))
        .is("tls", "network", 5)
        .after(&["proxy", "connection"])
        .contains("sugon.test: the server's certificate")
        .contains("CN=Example Proxy CA")
        .advises("openssl s_client -showcerts -connect sugon.test:443");
}

#[test]
fn an_untrusted_proxy_certificate_fails_the_proxy_check() {
    let server = Tls::start(Unusual::default());
    let proxy = format!("https://joe:hunter22@localhost:{}", server.port);
    failure(&Tls::doctor_through("ALL_PROXY", proxy))
        .is("proxy", "network", 5)
        .contains("the proxy's certificate is not trusted")
        .contains("CN=Example Proxy CA");
}

#[test]
fn a_server_that_accepts_the_connection_and_sends_nothing_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoint = format!("https://localhost:{port}");
    let run = sugon(&endpoint, &["--connect-timeout", "200ms"]).run();
    failure(&run)
        .is("connection", "network", 5)
        .after(&["dns"])
        .contains("timed out in the TLS handshake")
        .advises("--connect-timeout");
}
