//! Retries by the status of the response, and by which clock requests are signed.

use std::io::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use joblens::emulator::environment;

use super::failures::assert_fails;
use crate::support::emulated::Emulated;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, INVOCATION, JOB, SERVICE, WORLD};
use crate::support::{Joblens, Server, http, in_parallel, joblens, json};

const STATUSES: [&str; 4] = [
    "429 Too Many Requests",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
];

fn get(server: &Server, arguments: &[&str]) -> Joblens {
    joblens(&[&["get", "-o", "json"], arguments].concat()).envs(environment(&server.origin()))
}

/// Returns an error document of the cloud of a reference.
fn coded(reference: &str, code: &str) -> String {
    match reference {
        IMAGE_JOB => format!(r#"{{"error_code":"{code}","error_msg":"Not accepted"}}"#),
        JOB | INVOCATION => {
            format!(r#"{{"RequestId":"R-1","Code":"{code}","Message":"Not accepted"}}"#)
        }
        _ => format!(r#"{{"code":"{code}","msg":"Not accepted","message":"Not accepted"}}"#),
    }
}

#[test]
fn a_gateway_status_is_retried_whatever_error_code_the_body_has() {
    let cases = [
        (INSTANCE, "10001"),
        (INSTANCE, "10004"),
        (INSTANCE, "716020"),
        (INVOCATION, "EcsError"),
        (INVOCATION, "ObjectNotFound"),
        (INVOCATION, "InvalidTimeStamp.Expired"),
        (IMAGE_JOB, "WKS.0001"),
        (IMAGE_JOB, "WKS.0202"),
        (IMAGE_JOB, "APIGW.0302"),
        (SERVICE, "5100"),
        (SERVICE, "5000"),
        (SERVICE, "4200"),
        (SERVICE, "4500"),
    ];
    in_parallel(
        cases.into_iter().enumerate(),
        |(number, (reference, code))| {
            let status = STATUSES[number % STATUSES.len()];
            let body = coded(reference, code);
            let server = Server::answering(http(status, "retry-after: 0\r\n", body.as_bytes()));
            let run = get(&server, &[reference]).run();
            let error = run.error();
            assert_eq!(server.received().len(), 4, "{status} {error:#}");
            assert_eq!(
                (&error["attempts"], &error["code"]),
                (&4.into(), &code.into())
            );
            let is_about_time = ["4200", "4500", "InvalidTimeStamp.Expired"].contains(&code);
            let exit = if is_about_time { 4 } else { 5 };
            assert_eq!(run.code, exit, "{status} {error:#}");
        },
    );
}

#[test]
fn a_request_succeeds_after_two_responses_with_status_503() {
    let server = Server::start(|number, got, stream| {
        let id = got.target().split('/').nth(5).unwrap_or_default();
        let found = format!(r#"{{"code":"0","data":{{"id":"{id}","status":"Completed"}}}}"#);
        let body = coded(INSTANCE, "10001");
        let _ = stream.write_all(&match number {
            0 | 1 => http(STATUSES[2], "retry-after: 0\r\n", body.as_bytes()),
            _ => json(found),
        });
    });
    let run = get(&server, &[INSTANCE]).run();
    assert_eq!(run.job()["state"], "succeeded", "{}", run.stderr);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn a_refused_credential_is_not_sent_again_even_with_a_retryable_status() {
    for (reference, code) in [
        (INSTANCE, "10008"),
        (INVOCATION, "SignatureDoesNotMatch"),
        (IMAGE_JOB, "APIGW.0301"),
        (SERVICE, "4100"),
    ] {
        for status in STATUSES {
            let body = coded(reference, code);
            let server = Server::answering(http(status, "", body.as_bytes()));
            let run = get(&server, &[reference]).run();
            assert_eq!(run.code, 4, "{status} {}", run.stdout);
            assert_eq!(server.received().len(), 1, "{status} {code}");
        }
    }
}

#[test]
fn a_clock_more_than_a_day_off_is_an_error_without_a_retry() {
    for (reference, status, code) in [
        (INVOCATION, "400 Bad Request", "InvalidTimeStamp.Expired"),
        (IMAGE_JOB, "401 Unauthorized", "APIGW.0303"),
        (SERVICE, "200 OK", "4200"),
    ] {
        let body = coded(reference, code);
        let date = "date: Thu, 01 Jan 2099 00:00:00 GMT\r\n";
        let server = Server::answering(http(status, date, body.as_bytes()));
        let error = assert_fails(
            &get(&server, &[reference]).run(),
            "clock_skew",
            Some(code),
            4,
        );
        let message = error["message"].as_str().unwrap();
        for part in [
            "Not accepted",
            " days behind 127.0.0.1",
            "more than one day",
        ] {
            assert!(message.contains(part), "{message}");
        }
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("synchronize the local clock"), "{hint}");
        assert_eq!(server.received().len(), 1, "{code}");
    }
}

#[test]
fn a_clock_is_corrected_only_by_less_than_a_day() {
    for (offset, code) in [("-23h", 0), ("+23h", 0), ("-25h", 4), ("+25h", 4)] {
        let emulated = Emulated::start(&format!("clock_offset = '{offset}'\n{WORLD}"));
        let run = emulated.get(&[JOB]).run();
        assert_eq!(run.code, code, "{offset} {}", run.stdout);
        let is_reported = run.json()["notices"]
            .to_string()
            .contains("clock_corrected");
        assert_eq!(is_reported, code == 0, "{offset}");
    }
}

#[test]
fn the_date_of_a_response_corrects_the_clock_only_for_time_errors() {
    let body = coded(INVOCATION, "ConflictOpt");
    let headers = "date: Thu, 01 Jan 2026 00:00:00 GMT\r\nretry-after: 0\r\n";
    let server = Server::answering(http("403 Forbidden", headers, body.as_bytes()));
    let run = get(&server, &["--max-attempts", "2", INVOCATION]).run();
    assert_fails(&run, "service_error", Some("ConflictOpt"), 5);
    let dates: Vec<String> = server
        .received()
        .iter()
        .map(|got| got.header("x-acs-date").unwrap()[..10].to_owned())
        .collect();
    assert_eq!(dates.len(), 2);
    assert!(!dates.contains(&"2026-01-01".to_owned()), "{dates:?}");
}

/// Starts a server that reports a wrong time in its first response, and to every call whose time is wrong.
/// `hours_off` returns the error of the `Date` in the nth response.
fn server_with_dates(hours_off: fn(usize) -> i64) -> Server {
    Server::start(move |number, got, stream| {
        let now = Utc::now();
        let signed = got.header("x-acs-date").unwrap();
        let signed = DateTime::parse_from_rfc3339(signed).unwrap();
        let is_off = signed.signed_duration_since(now).num_minutes().abs() > 15;
        let date = now + TimeDelta::hours(hours_off(number));
        let date = date
            .format("date: %a, %d %b %Y %H:%M:%S GMT\r\n")
            .to_string();
        let found =
            r#"{"RequestId":"r","TotalCount":1,"JobInfos":[{"JobId":"10_1","State":"Succeeded"}]}"#;
        let refusal = coded(JOB, "IllegalTimestamp");
        let _ = stream.write_all(&match number == 0 || is_off {
            true => http("400 Bad Request", &date, refusal.as_bytes()),
            false => json(found),
        });
    })
}

#[test]
fn a_clock_correction_is_undone_when_the_clocks_agree() {
    let server = server_with_dates(|number| if number == 0 { 20 } else { 0 });
    let run = get(&server, &["aliyun/job/C/10_1"]).run();
    assert_eq!(run.job()["state"], "succeeded", "{}", run.stderr);
    assert_eq!(server.received().len(), 3);
    let json = run.json();
    let notices = json["notices"].as_array().unwrap();
    let messages: Vec<_> = notices
        .iter()
        .filter(|notice| notice["code"] == "clock_corrected")
        .map(|notice| notice["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(
        messages[0].contains("using the server time"),
        "{messages:?}"
    );
    assert!(
        messages[1].contains("agrees with 127.0.0.1"),
        "{messages:?}"
    );
}

#[test]
fn clocks_that_keep_disagreeing_end_a_request_with_clock_skew() {
    let server = server_with_dates(|number| if number % 2 == 0 { 20 } else { -20 });
    let run = get(&server, &["aliyun/job/C/10_1"]).run();
    assert_fails(&run, "clock_skew", Some("IllegalTimestamp"), 4);
    assert_eq!(server.received().len(), 3);
}
