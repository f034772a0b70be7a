//! Servers that end the TLS handshake, and the error messages, which contain no text of a library.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::thread;

use super::connection::{REFERENCE, running};
use crate::support::tls::{Authority, write};
use crate::support::{Run, joblens};

/// Starts a server on loopback that answers the first bytes of each connection with these.
fn server(response: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(response);
        }
    });
    port
}

fn run(arguments: &[&str], port: u16) -> Run {
    joblens(&[arguments, &["--max-attempts", "1"]].concat())
        .env(
            "JOBLENS_SUGON_ENDPOINT",
            format!("https://localhost:{port}"),
        )
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
        .run()
}

#[test]
fn tls_alerts_and_servers_without_tls_are_explained() {
    for (response, words, advice) in [
        (
            &b"\x15\x03\x01\x00\x02\x02\x46"[..],
            "neither TLS 1.2 nor TLS 1.3",
            "TLS 1.2 or later",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x28",
            "no cipher suite or key type",
            "P-521",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x70",
            "does not serve this host name",
            "host",
        ),
        (b"\x15\x03\x03\x00\x02\x02\x50", "internal error", "network"),
        (
            b"\x15\x03\x03\x00\x02\x02\x74",
            "a certificate is required",
            "client_cert",
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "does not use TLS on this port",
            "http://",
        ),
        (
            b"SSH-2.0-OpenSSH_9.6\r\n",
            "does not use TLS on this port",
            "http://",
        ),
        (b"", "closed during the TLS handshake", "TLS"),
    ] {
        let port = server(response);
        let error = run(&["get", "-o", "json", REFERENCE], port).error();
        let (message, hint) = (error["message"].to_string(), error["hint"].to_string());
        assert!(message.contains(words), "{words}: {message}");
        assert!(hint.contains(advice), "{advice}: {hint}");
        for library in [
            "fatal alert",
            "peer",
            "InvalidContentType",
            "os error",
            "rustls",
        ] {
            assert!(!message.contains(library), "{library}: {message}");
        }
        let doctor = run(&["doctor", "sugon"], port);
        assert!(
            doctor.stdout.replace("\n", " ").contains(words),
            "{}",
            doctor.stdout
        );
    }
}

/// Starts a TLS 1.2 server that requests a certificate and then answers with these bytes; also returns its CA.
fn requesting(response: &'static [u8]) -> (u16, tempfile::TempDir) {
    let authority = Authority::new(|_| {});
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("ca.pem"), &authority.pem(), 0o644);
    let own = authority.signed("localhost", |_| {});
    let config = Arc::new(authority.config(&own, true, &[&rustls::version::TLS12]));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            while !connection.wants_write() {
                connection.read_tls(&mut stream).unwrap();
                connection.process_new_packets().unwrap();
            }
            while connection.wants_write() {
                connection.write_tls(&mut stream).unwrap();
            }
            let mut reply = [0; 4096];
            let _ = stream.read(&mut reply);
            let _ = stream.write_all(response);
            let _ = stream.shutdown(Shutdown::Write);
            // Closing a connection with unread bytes would reset it.
            let _ = io::copy(&mut stream, &mut io::sink());
        }
    });
    (port, folder)
}

#[test]
fn a_handshake_that_fails_without_a_client_certificate_gets_a_hint() {
    for (response, words) in [
        (
            &b"\x15\x03\x03\x00\x02\x02\x28"[..],
            "rejected the client certificate: a certificate is required",
        ),
        (b"", "closed during the TLS handshake"),
    ] {
        let (port, folder) = requesting(response);
        let ca_file = folder.path().join("ca.pem");
        let options = ["--ca-file", ca_file.to_str().unwrap()];
        let get = run(
            &[&["get", "-o", "json", REFERENCE][..], &options].concat(),
            port,
        );
        let error = get.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("set client_cert and client_key"), "{hint}");
        let doctor = run(&[&["doctor", "sugon"][..], &options].concat(), port);
        let shown = doctor.stdout.split_whitespace().collect::<Vec<_>>();
        let shown = shown.join(" ");
        assert!(shown.contains(words), "{shown}");
        assert!(shown.contains("set client_cert and client_key"), "{shown}");
    }
}

#[test]
fn a_wait_ends_if_tls_cannot_be_established() {
    let authority = Authority::new(|_| {});
    let own = authority.signed("localhost", |_| {});
    for (port, code) in [
        (authority.serve(&own, false, |_| running()), 5),
        (server(b"SSH-2.0-OpenSSH_9.6\r\n"), 5),
        (server(b"\x15\x03\x03\x00\x02\x02\x74"), 4),
    ] {
        let wait = run(&["wait", "-t", "1h", REFERENCE], port);
        assert_eq!(wait.code, code, "{}", wait.stderr);
        assert!(!wait.stderr.contains("retrying"), "{}", wait.stderr);
        let get = run(&["get", REFERENCE], port);
        assert_eq!(get.code, code, "{}", get.stderr);
    }
}

#[test]
fn a_missing_ssl_cert_file_is_reported_even_if_other_certificates_exist() {
    let named = |name: &'static str| {
        Authority::new(move |params| {
            let subject = &mut params.distinguished_name;
            subject.push(rcgen::DnType::CommonName, name);
        })
    };
    let authority = named("Corp CA");
    let own = authority.signed("localhost", |_| {});
    let port = authority.serve(&own, false, |_| running());
    let other = tempfile::tempdir().unwrap();
    let ca_file = other.path().join("other.pem");
    write(&ca_file, &named("Other CA").pem(), 0o644);
    let ca_file = ca_file.to_str().unwrap();
    let run = |arguments: &[&str], name: &str, value: &str| {
        joblens(&[arguments, &["--max-attempts", "1"]].concat())
            .env(
                "JOBLENS_SUGON_ENDPOINT",
                format!("https://localhost:{port}"),
            )
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
            .env("SSL_CERT_FILE", "/nope")
            .env(name, value)
            .run()
    };
    let folder = other.path().to_str().unwrap();
    let get = ["get", "-o", "json", REFERENCE];
    let by_option = [&get[..], &["--ca-file", ca_file]].concat();
    for (arguments, name, value) in [
        (&get[..], "SSL_CERT_DIR", folder),
        (&by_option, "UNUSED", ""),
    ] {
        let error = run(arguments, name, value).error();
        let (message, hint) = (error["message"].to_string(), error["hint"].to_string());
        let problem = "SSL_CERT_FILE: /nope does not exist";
        assert!(message.contains(problem), "{message}");
        assert!(hint.contains("unset the variable"), "{hint}");
    }
    let doctor = run(&["doctor", "sugon", "-o", "json"], "SSL_CERT_DIR", folder).json();
    let check = &doctor["checks"][2];
    assert_eq!(check["status"], "warn");
    let shown = check["message"].as_str().unwrap();
    assert!(
        shown.ends_with("SSL_CERT_FILE: /nope does not exist"),
        "{shown}"
    );
    assert_eq!(check["hint"], "correct or unset the variable");
}

#[test]
fn an_ssl_cert_variable_without_certificates_is_named_in_the_error() {
    let port = server(b"");
    for (name, value, message) in [
        (
            "SSL_CERT_FILE",
            "/nope/ca.pem",
            "SSL_CERT_FILE: /nope/ca.pem does not exist",
        ),
        (
            "SSL_CERT_DIR",
            "/nope",
            "SSL_CERT_DIR: /nope does not exist",
        ),
        ("SSL_CERT_FILE", "/", "SSL_CERT_FILE: / is a directory"),
        (
            "SSL_CERT_FILE",
            "/dev/null",
            "SSL_CERT_FILE: /dev/null contains no CA certificate",
        ),
    ] {
        for arguments in [&["get", REFERENCE][..], &["doctor", "sugon"]] {
            let run = joblens(arguments)
                .env(
                    "JOBLENS_SUGON_ENDPOINT",
                    format!("https://localhost:{port}"),
                )
                .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
                .env(name, value)
                .run();
            let shown = format!("{}{}", run.stdout, run.stderr);
            assert!(shown.contains(message), "{message}: {shown}");
            assert_eq!(run.code, 5, "{shown}");
        }
    }
}
