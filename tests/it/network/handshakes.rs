//! Servers that end the TLS handshake, in words that no library has chosen.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::connection::REFERENCE;
use crate::support::{Run, joblens};

/// A server on loopback that answers the first bytes of each connection with these.
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
fn alerts_of_a_server_are_explained() {
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
            "does not speak TLS on this port",
            "http://",
        ),
        (
            b"SSH-2.0-OpenSSH_9.6\r\n",
            "does not speak TLS on this port",
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

#[test]
fn a_variable_that_names_no_certificates_is_named() {
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
