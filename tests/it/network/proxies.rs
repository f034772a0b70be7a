//! Proxies that refuse, hosts that need none, and the data that a proxy receives.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::connection::{REFERENCE, running};
use crate::support::{Joblens, Server, http, joblens};

fn get(endpoint: &str) -> Joblens {
    joblens(&[
        "get",
        "-o",
        "json",
        "--allow-http",
        "--max-attempts",
        "1",
        REFERENCE,
    ])
    .env("JOBLENS_SUGON_ENDPOINT", endpoint)
    .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
}

#[test]
fn a_proxy_that_refuses_connect_is_reported_with_its_status() {
    for (status, words) in [
        ("401 Unauthorized", "HTTP 401 to CONNECT"),
        (
            "403 Forbidden",
            "HTTP 403 to CONNECT: it does not allow the connection",
        ),
        (
            "405 Method Not Allowed",
            "HTTP 405 to CONNECT: it does not support CONNECT",
        ),
        ("407 Proxy Authentication Required", "HTTP 407 to CONNECT"),
        (
            "502 Bad Gateway",
            "HTTP 502 to CONNECT: it cannot reach the host",
        ),
        ("503 Service Unavailable", "HTTP 503 to CONNECT"),
        ("302 Found", "HTTP 302 to CONNECT"),
    ] {
        let page = b"<html><title>Denied by Corp</title>";
        let proxy = Server::answering(http(status, "content-type: text/html\r\n", page));
        let run = get("https://ai.corp.invalid")
            .env("HTTPS_PROXY", proxy.origin())
            .run();
        let error = run.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{words}: {message}");
        assert!(message.contains("the proxy"), "{message}");
        assert!(message.ends_with("'Denied by Corp'"), "{message}");
        assert_eq!((&error["category"], run.code), (&"network".into(), 5));
        assert!(error["hint"].is_string());
    }
}

/// Starts a SOCKS proxy that answers with these parts, one after each read.
fn socks(responses: &[&[u8]]) -> u16 {
    let responses: Vec<Vec<u8>> = responses.iter().map(|response| response.to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            for response in &responses {
                let mut requested = [0; 512];
                let _ = stream.read(&mut requested);
                let _ = stream.write_all(response);
            }
        }
    });
    port
}

#[test]
fn a_socks_proxy_without_authentication_works_with_a_user_in_its_url() {
    let response = running();
    let port = socks(&[b"\x05\x00", b"\x05\x00\x00\x01\0\0\0\0\0\0", &response]);
    let run = get("http://ai.corp.invalid:8080")
        .env(
            "ALL_PROXY",
            format!("socks5h://joe:hunter22@127.0.0.1:{port}"),
        )
        .with_secret("hunter22")
        .run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
}

#[test]
fn doctor_names_the_proxy_and_warns_that_it_can_read_credentials() {
    let proxy = Server::answering(http("502 Bad Gateway", "", b""));
    let run = joblens(&["doctor", "sugon", "--allow-http"])
        .env("JOBLENS_SUGON_ENDPOINT", "http://ai.corp.invalid:8080")
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
        .env("HTTP_PROXY", proxy.origin())
        .run();
    for part in [
        "connected through proxy to ai.corp.invalid:8080",
        "the proxy http://127.0.0.1",
        "can read requests to http://ai.corp.invalid:8080 and their credentials",
        "use an https:// endpoint, or add the host to NO_PROXY",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    let all = run.stdout + &run.stderr;
    assert_eq!(all.matches("can read requests to").count(), 1, "{all}");
}

#[test]
fn each_refusal_of_a_socks_proxy_has_its_own_message() {
    for (scheme, responses, words) in [
        (
            "socks5h",
            &[&b"\x05\x00"[..], b"\x05\x02\x00\x01\0\0\0\0\0\0"][..],
            "does not allow the connection",
        ),
        (
            "socks5h",
            &[b"\x05\x00", b"\x05\x04\x00\x01\0\0\0\0\0\0"],
            "cannot reach the host",
        ),
        (
            "socks5h",
            &[b"\x05\x00", b"\x05\x05\x00\x01\0\0\0\0\0\0"],
            "was refused the connection by the host",
        ),
        ("socks5h", &[b"\x05\xff"], "user and password"),
        ("socks5h", &[b"HTTP/1.1 400 Bad Request\r\n\r\n"], "SOCKS"),
        (
            "socks5h",
            &[b""],
            "closed the connection during the SOCKS handshake",
        ),
        (
            "socks4a",
            &[b"\x00\x5b\0\0\0\0\0\0"],
            "SOCKS proxy rejected or failed",
        ),
    ] {
        let port = socks(responses);
        let run = get("https://ai.corp.invalid")
            .env("ALL_PROXY", format!("{scheme}://127.0.0.1:{port}"))
            .run();
        let error = run.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(words), "{words}: {message}");
        assert!(!message.contains("SOCKS error"), "{message}");
        assert_eq!(run.code, 5);
    }
}

#[test]
fn no_proxy_is_understood_in_every_common_spelling() {
    let proxy = Server::answering(http("502 Bad Gateway", "", b""));
    for (no_proxy, is_direct) in [
        ("*.corp.invalid", true),
        (".corp.invalid", true),
        ("corp.invalid.", true),
        ("ai.corp.invalid:8443", true),
        ("ai.corp.invalid:443", false),
        ("10.0.0.0/8 corp.invalid", true),
        ("localhost;corp.invalid", true),
        ("other.invalid, AI.Corp.Invalid", true),
        ("orp.invalid", false),
    ] {
        let before = proxy.received().len();
        let run = get("https://ai.corp.invalid:8443")
            .env("https_proxy", proxy.origin())
            .env("NO_PROXY", no_proxy)
            .run();
        assert_eq!(run.code, 5);
        let requested = proxy.received().len() - before;
        assert_eq!(
            requested,
            usize::from(!is_direct),
            "{no_proxy}: {}",
            run.stderr
        );
    }
}

#[test]
fn credentials_readable_by_an_http_proxy_are_reported_with_a_notice() {
    let proxy = Server::answering(running());
    let user = "corp%5Cjoe:p%23w";
    let run = get("http://ai.corp.invalid:8080")
        .env(
            "HTTP_PROXY",
            format!("http://{user}@127.0.0.1:{}", proxy.port),
        )
        .run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    let request = &proxy.received()[0];
    assert!(
        request.target().starts_with("http://ai.corp.invalid:8080/"),
        "{}",
        request.head
    );
    let authorization = request.header("proxy-authorization");
    assert_eq!(authorization, Some("Basic Y29ycFxqb2U6cCN3"));
    let notice = &run.json()["notices"][0];
    assert_eq!(notice["code"], "plaintext_proxy");
    let message = notice["message"].as_str().unwrap();
    assert!(message.contains("http://ai.corp.invalid:8080"), "{message}");
    assert!(
        message.contains(&format!("http://***@127.0.0.1:{}", proxy.port)),
        "{message}"
    );
    assert!(run.stderr.contains(message), "{}", run.stderr);
    let direct = get("http://ai.corp.invalid:8080")
        .env("HTTP_PROXY", proxy.origin())
        .env("NO_PROXY", "*.corp.invalid")
        .run();
    assert_eq!(direct.json()["notices"], serde_json::json!([]));
    assert_eq!(proxy.received().len(), 1);
}

#[test]
fn a_socks_proxy_that_can_read_the_credentials_is_reported() {
    for (scheme, responses) in [
        (
            "socks5h",
            &[&b"\x05\x00"[..], b"\x05\x00\x00\x01\0\0\0\0\0\0"][..],
        ),
        ("socks4a", &[b"\x00\x5a\0\0\0\0\0\0"]),
    ] {
        let answer = running();
        let port = socks(&[responses, &[&answer]].concat());
        let url = format!("{scheme}://127.0.0.1:{port}");
        let run = get("http://ai.corp.invalid:8080")
            .env("ALL_PROXY", &url)
            .run();
        assert_eq!(run.job()["state"], "running", "{}", run.stderr);
        let message = format!("the proxy {url} can read requests to http://ai.corp.invalid:8080");
        assert!(run.stderr.contains(&message), "{}", run.stderr);
    }
}

#[test]
fn the_hint_for_socks_authentication_matches_the_scheme_of_the_proxy() {
    let port = socks(&[b"\x05\x02", b"\x01\x01"]);
    let refused = |url: String| {
        let run = get("https://ai.corp.invalid").env("ALL_PROXY", url).run();
        run.error()["hint"].as_str().unwrap().to_owned()
    };
    let hint = refused(format!("socks5h://127.0.0.1:{port}"));
    assert!(hint.contains("socks5h://NAME:PASSWORD@"), "{hint}");
    let hint = refused(format!("socks5h://joe:x@127.0.0.1:{port}"));
    assert!(hint.contains("check the user and password"), "{hint}");
    let hint = refused(format!("socks5://127.0.0.1:{port}"));
    assert!(hint.contains("use socks5h://"), "{hint}");
}

#[test]
fn a_407_of_a_proxy_for_plain_http_names_the_required_authentication() {
    for (user, header, words, advice) in [
        ("", "", "requires authentication", "http://NAME:PASSWORD@"),
        (
            "joe:x@",
            "Proxy-Authenticate: Basic realm=x\r\n",
            "rejected the user or password",
            "check the user",
        ),
        (
            "joe:x@",
            "Proxy-Authenticate: NTLM\r\n",
            "requires NTLM authentication",
            "local proxy",
        ),
    ] {
        let page = b"<html><title>Denied by Corp</title>";
        let response = http("407 Proxy Authentication Required", header, page);
        let proxy = Server::answering(response);
        let url = format!("http://{user}127.0.0.1:{}", proxy.port);
        let run = get("http://ai.corp.invalid").env("HTTP_PROXY", url).run();
        let error = run.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("the proxy {words}")), "{message}");
        assert!(message.ends_with("'Denied by Corp'"), "{message}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains(advice), "{hint}");
    }
}

#[test]
fn every_command_warns_on_stderr_that_a_proxy_can_read_the_credentials() {
    let proxy = Server::answering(running());
    for command in [
        &["get", "--exit-status"][..],
        &["get", "-q"],
        &["wait", "-t", "0s"],
        &["describe"],
    ] {
        let run = joblens(&[command, &["--allow-http", REFERENCE]].concat())
            .env("JOBLENS_SUGON_ENDPOINT", "http://ai.corp.invalid:8080")
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
            .env("HTTP_PROXY", proxy.origin())
            .run();
        let shown = run.stderr.matches("can read requests to").count();
        assert_eq!(shown, 1, "{command:?}: {}", run.stderr);
    }
}

#[test]
fn characters_that_end_a_host_must_be_encoded_in_the_url_of_a_proxy() {
    for (password, encoded) in [
        ("hunter#22", "%23"),
        ("hunter/22", "%2F"),
        ("hunter?22", "%3F"),
    ] {
        let run = get("https://ai.corp.invalid")
            .env("HTTPS_PROXY", format!("http://joe:{password}@127.0.0.1:9"))
            .with_secret("hunter")
            .run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        let hint = run.error()["hint"].to_string();
        assert!(
            hint.contains(encoded) && hint.contains("HTTPS_PROXY"),
            "{hint}"
        );
    }
    let proxy = Server::answering(http("502 Bad Gateway", "", b""));
    for user in [r"corp\joe:hunter22", "joe@corp:hunter22"] {
        let run = get("https://ai.corp.invalid")
            .env(
                "HTTPS_PROXY",
                format!("http://{user}@127.0.0.1:{}", proxy.port),
            )
            .with_secret("hunter22")
            .run();
        assert_eq!(run.code, 5, "{}", run.stderr);
    }
    assert_eq!(proxy.received().len(), 2);
}
