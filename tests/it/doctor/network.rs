//! Problems of the network between this machine and a cloud.

use std::net::TcpListener;

use super::{account, failure, sugon};
use crate::support::{Server, http, joblens, json};

/// Returns a loopback port without a listener.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_port_without_a_listener_is_reported_as_refused() {
    let port = free_port();
    failure(&sugon(&format!("http://127.0.0.1:{port}"), &[]).run())
        .is("connection", "network", 5)
        .contains(&format!("127.0.0.1:{port}"))
        .contains("refused")
        .advises("host and port of the endpoint");
}

#[test]
fn an_unresolvable_host_name_fails_the_dns_check() {
    let endpoint = "https://no-such-host.invalid";
    let run = sugon(endpoint, &["--connect-timeout", "2s"]).run();
    let failed = failure(&run);
    failed
        .is("dns", "network", 5)
        .contains("no-such-host.invalid");
    // The advice depends on whether this machine has a name service.
    let is_advised = ["getent hosts no-such-host.invalid", "/etc/resolv.conf"]
        .iter()
        .any(|advice| failed.hint.contains(advice));
    assert!(is_advised, "{failed:#?}");
}

#[test]
fn a_resolved_host_name_is_shown_with_its_addresses() {
    let server = Server::answering(json(r#"{"code":"0","data":{"total":0,"list":[]}}"#));
    let run = sugon(&format!("http://localhost:{}", server.port), &[]).run();
    assert_eq!(run.code, 0, "{}", run.stdout);
    let account = account(&run);
    let checks = account["checks"].as_array().unwrap();
    let dns = checks.iter().find(|check| check["name"] == "dns").unwrap();
    let message = dns["message"].as_str().unwrap();
    assert!(
        message.contains("localhost is ") && message.contains("127.0.0.1"),
        "{message}"
    );
}

#[test]
fn an_unreachable_proxy_fails_the_proxy_check_with_its_variable() {
    let port = free_port();
    for (variable, scheme, endpoint, options) in [
        ("HTTPS_PROXY", "http", "https://sugon.test", &[][..]),
        ("ALL_PROXY", "http", "http://sugon.test", &["--allow-http"]),
        ("ALL_PROXY", "socks5h", "https://sugon.test", &[]),
    ] {
        let run = sugon(endpoint, options)
            .env(
                variable,
                format!("{scheme}://joe:hunter22@127.0.0.1:{port}"),
            )
            .with_secret("hunter22")
            .run();
        failure(&run)
            .is("proxy", "network", 5)
            .contains(&format!("{scheme}://***@127.0.0.1:{port} ({variable})"))
            .contains("the connection to the proxy failed")
            .advises(&format!("host and port in {variable}"));
    }
}

#[test]
fn an_unresolvable_proxy_name_fails_the_proxy_check() {
    let run = sugon("https://sugon.test", &["--connect-timeout", "2s"])
        .env(
            "HTTPS_PROXY",
            "http://joe:hunter22@no-such-proxy.invalid:3128",
        )
        .with_secret("hunter22")
        .run();
    failure(&run)
        .is("proxy", "network", 5)
        .contains("http://***@no-such-proxy.invalid:3128 (HTTPS_PROXY)")
        .contains("cannot resolve the proxy's host name")
        .advises("HTTPS_PROXY");
}

#[test]
fn a_proxy_that_rejects_its_password_fails_the_proxy_check() {
    let proxy = Server::answering(http("407 Proxy Authentication Required", "", b""));
    for (variable, endpoint, options) in [
        ("HTTPS_PROXY", "https://sugon.test", &[][..]),
        ("http_proxy", "http://sugon.test", &["--allow-http"][..]),
    ] {
        let run = sugon(endpoint, options)
            .env(
                variable,
                format!("http://joe:hunter22@127.0.0.1:{}", proxy.port),
            )
            .with_secret("hunter22")
            .run();
        failure(&run)
            .is("proxy", "network", 5)
            .contains(&format!(
                "({variable}): the proxy rejected the user or password"
            ))
            .advises("check the user and password");
    }
    assert_eq!(proxy.received().len(), 2);
}

#[test]
fn a_proxy_that_forbids_the_host_fails_the_proxy_check() {
    let proxy = Server::answering(http("403 Forbidden", "", b""));
    let run = sugon("https://sugon.test", &[])
        .env("https_proxy", proxy.origin())
        .run();
    failure(&run)
        .is("proxy", "network", 5)
        .contains("HTTP 403 to CONNECT")
        .advises("allow sugon.test");
}

#[test]
fn the_proxy_of_a_profile_is_shown_without_its_password() {
    let proxy = format!("http://me:s3cret-pw@127.0.0.1:{}", free_port());
    let run = joblens(&["doctor", "kubernetes", "--max-attempts", "1"])
        .env("JOBLENS_KUBERNETES_ENDPOINT", "https://127.0.0.1:1")
        .env("JOBLENS_KUBERNETES_TOKEN", "tok-of-test")
        .env("JOBLENS_KUBERNETES_PROXY_URL", &proxy)
        .run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.stdout.contains("(proxy_url)"), "{}", run.stdout);
    assert!(!run.stdout.contains("s3cret-pw"), "{}", run.stdout);
}

#[test]
fn a_used_or_bypassed_proxy_is_shown_with_its_variable() {
    let proxy = Server::answering(json(r#"{"code":"0","data":{"total":0,"list":[]}}"#));
    let shown = |no_proxy: &str| {
        let run = sugon(
            "http://localhost.test",
            &["--allow-http", "--connect-timeout", "2s"],
        )
        .env(
            "HTTP_PROXY",
            format!("http://joe:hunter22@127.0.0.1:{}", proxy.port),
        )
        .env("NO_PROXY", no_proxy)
        .with_secret("hunter22")
        .run();
        let account = account(&run);
        let checks = account["checks"].as_array().unwrap().clone();
        let own = checks
            .iter()
            .find(|check| check["name"] == "proxy")
            .unwrap();
        let of_machine = run.json()["checks"][1]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        (own["message"].as_str().unwrap().to_owned(), of_machine)
    };
    let (own, of_machine) = shown("other.test");
    assert_eq!(
        own,
        format!("via http://***@127.0.0.1:{} ($HTTP_PROXY)", proxy.port)
    );
    assert!(
        of_machine.starts_with("HTTP_PROXY=http://***@127.0.0.1:")
            && of_machine.ends_with("NO_PROXY=other.test"),
        "{of_machine}"
    );
    let (own, _) = shown(".test");
    assert_eq!(own, "bypassed ($NO_PROXY)");
}

#[test]
fn an_invalid_proxy_variable_fails_only_accounts_that_need_it() {
    let response = json(r#"{"code":"0","data":{"total":0,"list":[]}}"#);
    let server = Server::answering(response);
    let run = sugon(&server.origin(), &[])
        .env("all_proxy", "quic://joe:hunter22@proxy:1")
        .with_secret("hunter22")
        .run();
    assert_eq!(run.code, 0, "{}", run.stdout);
    let checks = run.json()["checks"].clone();
    let mut of_machine = checks.as_array().unwrap().iter();
    let proxy = of_machine.find(|check| check["name"] == "proxy").unwrap();
    assert_eq!(proxy["status"], "warn");
    let run = sugon("https://sugon.test", &[])
        .env("all_proxy", "socks9://joe:hunter22@proxy:1")
        .with_secret("hunter22")
        .run();
    failure(&run)
        .is("proxy", "usage", 2)
        .contains("all_proxy is 'socks9://***@proxy:1'")
        .advises("NO_PROXY");
}
