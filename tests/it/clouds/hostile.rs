//! Invalid responses of servers: each request ends in time, with a clear error or a correct result, without a
//! panic, with bounded memory and without a secret in its output.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::support::{Joblens, ReceivedRequest, Run, Server, http, joblens, json};
use serde_json::Value;

const ID: &str = "8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f";

fn get(server: &Server, options: &[&str]) -> Joblens {
    let reference = format!("sugon/instance/{ID}");
    let mut arguments = vec!["get", reference.as_str(), "-o", "json"];
    arguments.extend_from_slice(options);
    // The limit is for address space: stacks of threads and mappings count completely, even if unused.
    sugon(server, &arguments).memory_mib(700)
}

fn sugon(server: &Server, arguments: &[&str]) -> Joblens {
    joblens(arguments)
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
}

/// Runs one attempt with a response.
fn response(bytes: Vec<u8>) -> Run {
    get(&Server::answering(bytes), &["--max-attempts", "1"]).run()
}

fn category(run: &Run) -> String {
    assert_eq!(run.json()["exit"]["code"], run.code);
    run.error()["category"].as_str().unwrap().to_owned()
}

fn detail(fields: &str) -> String {
    format!(r#"{{"code":"0","msg":"success","data":{{"id":"{ID}","status":"Running"{fields}}}}}"#)
}

#[test]
fn an_html_page_instead_of_json_is_reported_with_its_title() {
    let run = response(http(
        "200 OK",
        "content-type: text/html\r\n",
        b"<html><title>Login</title></html>",
    ));
    assert_eq!((category(&run).as_str(), run.code), ("invalid_response", 5));
    let message = run.error()["message"].to_string();
    assert!(
        message.contains("got an HTML page instead of an API response: 'Login'"),
        "{message}"
    );
}

#[test]
fn an_html_page_with_status_502_is_a_service_error_and_retried() {
    let server = Server::answering(http("502 Bad Gateway", "", b"<html>nginx</html>"));
    let run = get(&server, &["--max-attempts", "2"]).run();
    assert_eq!((category(&run).as_str(), run.code), ("service_error", 5));
    assert_eq!(server.received().len(), 2);
    assert_eq!(run.error()["attempts"], 2);
}

#[test]
fn truncated_json_is_an_invalid_response() {
    let whole = detail("");
    let run = response(json(&whole[..whole.len() / 2]));
    assert_eq!(category(&run), "invalid_response");
    assert!(
        run.error()["message"].to_string().contains("more JSON"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_body_shorter_than_its_content_length_is_a_network_error() {
    let run = response(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"code\":\"0\"".to_vec());
    assert_eq!(category(&run), "network");
}

#[test]
fn bytes_after_the_content_length_are_ignored() {
    let mut bytes = json(detail(""));
    bytes.extend_from_slice(b"{\"status\":\"Failed\"}");
    assert_eq!(response(bytes).job()["state"], "running");
}

#[test]
fn an_empty_body_is_an_invalid_response() {
    let run = response(json(""));
    assert_eq!(category(&run), "invalid_response");
    assert!(
        run.error()["message"].to_string().contains("empty"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_closed_connection_without_a_response_is_a_network_error() {
    assert_eq!(category(&response(Vec::new())), "network");
}

#[test]
fn a_body_of_200_mb_is_an_error_at_the_max_body_limit() {
    let server = Server::start(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 209715200\r\n\r\n");
        let chunk = vec![b' '; 1 << 20];
        for _ in 0..200 {
            if stream.write_all(&chunk).is_err() {
                return;
            }
        }
    });
    let run = get(&server, &["--max-attempts", "1", "--max-body", "16MiB"])
        .memory_mib(400)
        .run();
    assert_eq!(category(&run), "invalid_response");
    assert!(
        run.error()["message"]
            .to_string()
            .contains("response exceeds 16777216"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_gzip_bomb_is_limited_by_its_expanded_size() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let chunk = vec![b' '; 1 << 20];
    for _ in 0..256 {
        encoder.write_all(&chunk).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 4 << 20);
    let server = Server::answering(http("200 OK", "content-encoding: gzip\r\n", &bomb));
    let run = get(&server, &["--max-attempts", "1", "--max-body", "16MiB"])
        .memory_mib(400)
        .run();
    assert_eq!(category(&run), "invalid_response");
    assert!(
        run.error()["message"]
            .to_string()
            .contains("response exceeds"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_gzip_response_is_read() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(detail("").as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let run = response(http("200 OK", "content-encoding: gzip\r\n", &body));
    assert_eq!(run.job()["state"], "running");
}

#[test]
fn a_million_empty_elements_are_refused() {
    let list = format!(r#","mountInfoList":[{}{{}}]"#, "{},".repeat(999_999));
    let run = response(json(detail(&list)));
    assert_eq!(category(&run), "invalid_response");
    assert!(
        run.error()["message"].to_string().contains("200000"),
        "{}",
        run.stdout
    );
}

#[test]
fn invalid_utf_8_affects_only_its_own_field_with_a_notice() {
    let mut body = detail(r#","instanceServiceName":"aXb""#).into_bytes();
    let at = body.iter().position(|byte| *byte == b'X').unwrap();
    body[at] = 0xff;
    let run = response(json(body));
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    assert_eq!(run.job()["name"], "a\u{fffd}b");
    let notice = &run.json()["notices"][0];
    assert_eq!(notice["code"], "unreadable_field");
    let message = notice["message"].as_str().unwrap();
    assert!(message.contains("instanceServiceName"), "{message}");
}

#[test]
fn commands_that_wait_report_an_unreadable_field_once() {
    let body = detail(r#","createTime":["x"]"#).replace("Running", "Terminated");
    let server = Server::answering(json(body));
    let reference = format!("sugon/instance/{ID}");
    for arguments in [
        &["wait", "-t", "0", &reference][..],
        &["watch", &reference],
        &["get", "--exit-status", &reference],
        &["events", "--follow", &reference],
    ] {
        let run = sugon(&server, arguments).run();
        let lines = run.stderr.matches("unreadable fields in the response of ");
        assert_eq!(lines.count(), 1, "{arguments:?}: {}", run.stderr);
    }
    let quiet = sugon(&server, &["get", "--exit-status", "-q", &reference]).run();
    assert!(!quiet.stderr.contains("unreadable"), "{}", quiet.stderr);
}

#[test]
fn a_wait_reports_that_a_response_has_no_state() {
    let body = detail("").replace("\"Running\"", "null");
    let server = Server::answering(json(body));
    let reference = format!("sugon/instance/{ID}");
    let run = sugon(&server, &["wait", "-t", "0", &reference]).run();
    assert!(
        run.stderr.contains("no state in the response"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("'none'"), "{}", run.stderr);
}

#[test]
fn a_bad_row_of_a_list_is_an_error_of_that_row_only() {
    let row = format!(r#"{{"id":"{ID}","status":"Running"}}"#);
    for bad in ["null", r#"{"id":["x"],"status":"Running"}"#, "7", "{}"] {
        let rows = format!(r#"{{"code":"0","msg":"success","data":[{row},{bad}]}}"#);
        let server = Server::answering(json(rows));
        let run = sugon(&server, &["list", "sugon/instance/", "-o", "json"]).run();
        assert_eq!(run.code, 5, "{bad}: {}", run.stderr);
        assert_eq!(run.job()["state"], "running", "{bad}");
        assert_eq!(run.error()["category"], "invalid_response", "{bad}");
        assert_eq!(run.error()["message"], "a row has no valid id", "{bad}");
        let error = "error: sugon/instance/: a row has no valid id\n";
        assert!(run.stderr.starts_with(error), "{bad}: {}", run.stderr);
        let footer = "\n1 found in sugon/instance/\n";
        assert!(run.stderr.ends_with(footer), "{bad}: {}", run.stderr);
        let lines = run.stderr.matches("valid id").count();
        assert_eq!(lines, 1, "{bad}: {}", run.stderr);
        assert_eq!(run.json()["coverage"]["complete"], false, "{bad}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let body = format!("\u{feff}{}", detail(""));
    assert_eq!(response(json(body)).job()["state"], "running");
}

#[test]
fn deeply_nested_arrays_are_skipped_or_reported_as_invalid() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let run = response(json(detail(&format!(r#","other":{deep}"#))));
    assert_eq!(run.job()["state"], "running");
    let run = response(json(format!(r#"{{"code":"0","data":{deep}}}"#)));
    assert_eq!(category(&run), "invalid_response");
}

#[test]
fn raw_omits_a_deeply_nested_document_with_a_notice() {
    let deep = format!(r#","other":{}{}"#, "[".repeat(5_000), "]".repeat(5_000));
    let server = Server::answering(json(detail(&deep)));
    let run = get(&server, &["--raw"]).run();
    assert_eq!(run.job()["raw"], Value::Null);
    assert_eq!(run.json()["notices"][0]["code"], "raw_omitted");
}

#[test]
fn numbers_as_text_and_nulls_everywhere_are_read() {
    let fields = r#","cpuNumber":"3","gpuNumber":"1","ramSize":"15360","taskNumber":"2",
        "taskType":null,"resourceGroup":null,"createTime":null,"mountInfoList":null,
        "containerPortInfoList":null,"useStartScript":null,"headerNotebookIp":null"#;
    let job = response(json(detail(fields))).job();
    assert_eq!(job["resources"]["cpu"], 3.0);
    assert_eq!(job["resources"]["memory_bytes"], 15360_u64 << 20);
    assert_eq!(job["queue"], Value::Null);
}

#[test]
fn an_unrecognized_state_word_is_unknown_with_a_notice() {
    let body = format!(r#"{{"code":0,"data":{{"id":"{ID}","status":"Zombie"}}}}"#);
    let run = response(json(body));
    let job = run.job();
    assert_eq!(
        (&job["state"], &job["ended"]),
        (&Value::from("unknown"), &Value::from(false))
    );
    assert_eq!(job["state_raw"], "Zombie");
    assert_eq!(run.json()["notices"][0]["code"], "unknown_state");
    assert_eq!(run.code, 0);
}

#[test]
fn an_endless_response_ends_at_the_request_timeout() {
    let server = Server::start(|_, _, stream: &mut TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream.write_all(b"1\r\n \r\n").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let run = get(&server, &["--max-attempts", "1", "--request-timeout", "1s"]).run();
    assert_eq!(category(&run), "network");
    assert!(
        run.error()["message"]
            .to_string()
            .contains("timed out after 1 s"),
        "{}",
        run.stdout
    );
    assert!(run.elapsed < Duration::from_secs(10), "{:?}", run.elapsed);
}

#[test]
fn a_connection_reset_during_a_response_is_retried() {
    let server = Server::start(|number, _, stream: &mut TcpStream| match number {
        0 => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"code\"");
            let _ = socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
        }
        _ => {
            let _ = stream.write_all(&json(detail("")));
        }
    });
    let run = get(&server, &[]).run();
    assert_eq!(run.job()["state"], "running");
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_redirect_is_an_error_and_its_target_gets_no_request() {
    let other = Server::answering(json(detail("")));
    let headers = format!("location: {}/ai/openapi/v2\r\n", other.origin());
    let server = Server::answering(http("302 Found", &headers, b""));
    let run = get(&server, &[]).run();
    assert_eq!(category(&run), "invalid_response");
    assert!(
        run.error()["message"].to_string().contains("redirect"),
        "{}",
        run.stdout
    );
    assert!(other.received().is_empty());
}

#[test]
fn a_response_with_another_id_is_an_invalid_response() {
    let body =
        r#"{"code":"0","data":{"id":"ffffffffffffffffffffffffffffffff","status":"Completed"}}"#;
    assert_eq!(category(&response(json(body))), "invalid_response");
}

#[test]
fn a_credential_echoed_in_an_error_message_is_masked() {
    let server = Server::start(|_, got: &ReceivedRequest, stream| {
        let token = got.header("token").unwrap_or_default().to_owned();
        assert!(!token.is_empty());
        let body = format!(r#"{{"code":"10008","msg":"bad token {token} \/ {token}"}}"#);
        let _ = stream.write_all(&json(body));
    });
    let run = get(&server, &["-v"]).run();
    assert_eq!((category(&run).as_str(), run.code), ("unauthenticated", 4));
    assert!(
        run.error()["message"].to_string().contains("***"),
        "{}",
        run.stdout
    );
    assert_eq!(
        server.received().len(),
        1,
        "a refused credential is not tried again"
    );
}

#[test]
fn escape_sequences_in_a_name_are_not_printed() {
    let fields = r#","instanceServiceName":"a\u001b]0;x\u0007\u009b2J\tb\nc\u202ed""#;
    let server = Server::answering(json(detail(fields)));
    let reference = format!("sugon/instance/{ID}");
    for format in ["table", "wide", "json"] {
        let run = joblens(&["get", &reference, "-o", format])
            .env("JOBLENS_SUGON_ENDPOINT", server.origin())
            .env("JOBLENS_SUGON_TOKEN", crate::support::SECRETS[0])
            .run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        let harmless = |c: char| c == '\n' || !(c.is_control() || c == '\u{202e}');
        assert!(
            run.stdout.chars().all(harmless),
            "{format}: {:?}",
            run.stdout
        );
        if format != "json" {
            assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
        }
    }
}
