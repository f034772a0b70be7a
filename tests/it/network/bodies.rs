//! Response bodies: encodings, and HTML pages received instead of responses.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::connection::REFERENCE;
use crate::support::{Joblens, Server, http, joblens};

const RUNNING: &[u8] =
    br#"{"code":"0","data":{"id":"00000000000000000000000000000001","status":"Running"}}"#;

fn run(arguments: &[&str], server: &Server) -> Joblens {
    joblens(&[arguments, &["-o", "json", "--max-attempts", "1"]].concat())
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_and_identity_encodings_are_read_in_every_common_form() {
    let (head, tail) = RUNNING.split_at(20);
    let members = [gzip(head), gzip(tail)].concat();
    for (encoding, body) in [
        ("gzip", gzip(RUNNING)),
        ("GZIP", members),
        ("x-gzip", gzip(RUNNING)),
        ("identity", RUNNING.to_vec()),
    ] {
        let headers = format!("content-encoding: {encoding}\r\n");
        let server = Server::answering(http("200 OK", &headers, &body));
        let run = run(&["get", REFERENCE], &server).run();
        assert_eq!(run.job()["state"], "running", "{encoding}: {}", run.stderr);
    }
}

#[test]
fn unsupported_encodings_are_reported_for_every_status() {
    for (status, encoding) in [
        ("200 OK", "br"),
        ("200 OK", "zstd"),
        ("200 OK", "deflate"),
        ("502 Bad Gateway", "br"),
        ("403 Forbidden", "br"),
    ] {
        let headers = format!("content-encoding: {encoding}\r\n");
        let server = Server::answering(http(status, &headers, b"\x0b\x02\x80"));
        let error = run(&["get", REFERENCE], &server).run().error();
        let message = error["message"].as_str().unwrap();
        let expected = format!("unsupported Content-Encoding '{encoding}'");
        assert!(message.contains(&expected), "{message}");
    }
    let headers = "content-encoding: gzip\r\n";
    let server = Server::answering(http("200 OK", headers, &gzip(RUNNING)[..30]));
    let error = run(&["get", REFERENCE], &server).run().error();
    assert!(error["message"].to_string().contains("gzip"), "{error}");
}

#[test]
fn an_html_page_is_reported_with_its_title_for_every_status_and_command() {
    let token = crate::support::SECRETS[0];
    let page = format!("<html><head><title>网关 登录 {token}</title></head></html>");
    for status in [
        "200 OK",
        "302 Found",
        "400 Bad",
        "401 No",
        "403 No",
        "404 No",
        "500 E",
        "502 E",
        "503 E",
    ] {
        let headers = "content-type: text/html; charset=utf-8\r\n";
        let server = Server::answering(http(status, headers, page.as_bytes()));
        for command in [
            &["get", REFERENCE][..],
            &["describe", REFERENCE],
            &["events", REFERENCE],
            &["list", "sugon/instance"],
            &["wait", REFERENCE, "-t", "0"],
        ] {
            let run = run(command, &server).run();
            let message = run.error()["message"].as_str().unwrap().to_owned();
            let expected = "got an HTML page instead of an API response: '网关 登录 ***'";
            assert!(
                message.contains(expected),
                "{status} {command:?}: {message}"
            );
        }
        let doctor = run(&["doctor", "sugon"], &server).run();
        assert!(
            doctor.stdout.contains("网关 登录 ***"),
            "{status}: {}",
            doctor.stdout
        );
    }
}

#[test]
fn an_html_page_instead_of_a_credential_is_reported_with_its_title() {
    for status in [
        "200 OK",
        "302 Found",
        "400 Bad",
        "403 No",
        "404 No",
        "502 E",
    ] {
        let page = b"<html><title>Corp Gateway</title></html>";
        let server = Server::answering(http(status, "content-type: text/html\r\n", page));
        let origin = &server.origin();
        let cases: [(&str, &[(&str, &str)]); 3] = [
            (
                "aliyun/job/c/1",
                &[
                    ("JOBLENS_ALIYUN_ENDPOINT", origin),
                    ("JOBLENS_ALIYUN_STS_ENDPOINT", origin),
                    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIexample0001"),
                    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "example-secret"),
                    ("JOBLENS_ALIYUN_ROLE_ARN", "acs:ram::1:role/r"),
                ],
            ),
            (
                "aliyun/job/c/1",
                &[
                    ("JOBLENS_ALIYUN_ENDPOINT", origin),
                    ("JOBLENS_ALIYUN_METADATA_ENDPOINT", origin),
                    ("JOBLENS_ALIYUN_SOURCE", "metadata"),
                ],
            ),
            (
                REFERENCE,
                &[
                    ("JOBLENS_SUGON_AUTH_ENDPOINT", origin),
                    ("JOBLENS_SUGON_USER", "u"),
                    ("JOBLENS_SUGON_ACCESS_KEY", "example-key"),
                    ("JOBLENS_SUGON_SECRET_KEY", "example-secret"),
                ],
            ),
        ];
        for (reference, variables) in cases {
            let run = joblens(&["get", "-o", "json", "--max-attempts", "1", reference])
                .env("JOBLENS_ALIYUN_REGION", "cn-hangzhou")
                .envs(variables.iter().copied())
                .run();
            let message = run.error()["message"].as_str().unwrap().to_owned();
            let expected = "got an HTML page instead of an API response: 'Corp Gateway'";
            assert!(
                message.contains(expected),
                "{status} {variables:?}: {message}"
            );
        }
    }
}

#[test]
fn a_missing_client_certificate_is_recognized_in_an_html_page() {
    let page = b"<html><head><title>400 No required SSL certificate was sent</title></head></html>";
    let server = Server::answering(http("400 Bad Request", "content-type: text/html\r\n", page));
    let error = run(&["get", REFERENCE], &server).run().error();
    assert!(
        error["message"]
            .to_string()
            .contains("No required SSL certificate"),
        "{error}"
    );
    assert!(error["hint"].to_string().contains("client_cert"), "{error}");
    assert_eq!(error["category"], "invalid_argument");
}

#[test]
fn an_invalid_http_response_is_reported_with_a_hint_about_the_endpoint() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let invalid = "the response is not valid HTTP";
    let header = format!("x: {}\r\n", "y".repeat(1 << 20));
    for (response, message) in [
        ("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), invalid),
        (format!("{chunked}5\r\n{{\"a\":1}}\r\n0\r\n\r\n"), invalid),
        (format!("{chunked}{}\r\n{{}}\r\n", "f".repeat(30)), invalid),
        (
            format!("HTTP/1.1 200 OK\r\n{header}\r\n{{}}"),
            "the headers of the response are too large",
        ),
    ] {
        let server = Server::answering(response.into_bytes());
        let error = run(&["get", REFERENCE], &server).run().error();
        assert_eq!(error["message"], message);
        let hint = error["hint"].as_str().unwrap();
        assert!(
            hint.contains("endpoint") && !hint.contains("timeout"),
            "{hint}"
        );
    }
}

#[test]
fn a_response_with_too_large_headers_is_not_requested_again() {
    let header = format!("x: {}\r\n", "y".repeat(1 << 20));
    let response = format!("HTTP/1.1 200 OK\r\n{header}\r\n{{}}");
    let server = Server::answering(response.into_bytes());
    let error = joblens(&["get", REFERENCE, "-o", "json"])
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
        .run()
        .error();
    assert_eq!(error["attempts"], 1, "{error}");
    let message = "the headers of the response are too large";
    assert_eq!(error["message"], message);
}

#[test]
fn a_plain_text_error_of_a_gateway_is_shown_for_every_cloud() {
    let text = "Client sent an HTTP request to an HTTPS server, trace=71\n";
    let server = Server::answering(http(
        "400 Bad",
        "content-type: text/plain\r\n",
        text.as_bytes(),
    ));
    let secret = crate::support::SECRETS[0];
    for (cloud, reference, names) in [
        ("SUGON", REFERENCE, &["JOBLENS_SUGON_TOKEN"][..]),
        (
            "HUAWEI",
            "huawei/image-job/1",
            &["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"],
        ),
        (
            "ALIYUN",
            "aliyun/job/C/1",
            &[
                "ALIBABA_CLOUD_ACCESS_KEY_ID",
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            ],
        ),
        (
            "TENCENT",
            "tencent/batch-job/1",
            &["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"],
        ),
    ] {
        let endpoints = ["", "BATCH_"].map(|part| format!("JOBLENS_{cloud}_{part}ENDPOINT"));
        let run = joblens(&["get", reference, "-o", "json"])
            .envs(
                endpoints
                    .iter()
                    .map(|name| (name.as_str(), server.origin())),
            )
            .envs(names.iter().map(|name| (*name, secret)))
            .env(&format!("JOBLENS_{cloud}_REGION"), "cn-north-4")
            .env(&format!("JOBLENS_{cloud}_PROJECT_ID"), "p")
            .run();
        let error = run.error();
        let message = error["message"].as_str().unwrap();
        assert!(message.ends_with(text.trim()), "{cloud}: {message}");
    }
}

#[test]
fn an_empty_response_is_reported_as_empty() {
    let server = Server::answering(http("200 OK", "", b""));
    let error = run(&["get", REFERENCE], &server).run().error();
    assert_eq!(error["message"], "empty response; expected JSON");
}
