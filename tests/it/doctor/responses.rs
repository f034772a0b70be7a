//! Responses of clouds.

use super::{account, aliyun, failure, outcome, sugon};
use crate::support::emulated::Emulated;
use crate::support::{Server, http, json};

const WORLD: &str = "";

#[test]
fn working_clouds_pass_all_checks_with_one_request_each() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&["doctor", "-o", "json"]).run();
    assert_eq!(run.code, 0, "{}", run.stdout);
    let json = run.json();
    let accounts = json["accounts"].as_array().unwrap();
    let clouds: Vec<&str> = accounts
        .iter()
        .map(|one| one["cloud"].as_str().unwrap())
        .collect();
    assert_eq!(
        clouds,
        ["aliyun", "sugon", "huawei", "tencent", "kubernetes"]
    );
    for one in accounts {
        let checks: Vec<String> = one["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(outcome)
            .collect();
        assert_eq!(
            checks,
            [
                "settings ok",
                "connection ok",
                "clock ok",
                "credential ok",
                "permission ok",
                "response ok"
            ],
            "{one:#}"
        );
    }
    assert_eq!(emulated.requests().values().sum::<u64>(), 5);
    let only = emulated
        .joblens(&["doctor", "-o", "json", "hw", "ali"])
        .run();
    assert_eq!(only.json()["accounts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_refused_key_is_shown_with_its_source_and_does_not_affect_other_accounts() {
    let emulated =
        Emulated::start("[[fault]]\ncloud = 'tencent'\noperation = '*'\nkind = 'refuse'\n");
    let run = emulated.joblens(&["doctor", "-o", "json"]).run();
    assert_eq!(run.code, 4, "{}", run.stdout);
    let json = run.json();
    let accounts = json["accounts"].as_array().unwrap();
    let status: Vec<&str> = accounts
        .iter()
        .map(|one| one["status"].as_str().unwrap())
        .collect();
    assert_eq!(status, ["ok", "ok", "ok", "fail", "ok"]);
    let last = accounts[3]["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["name"], "credential");
    let message = last["message"].as_str().unwrap();
    assert!(
        message.contains("from environment (TENCENTCLOUD_SECRET_ID)"),
        "{message}"
    );
    assert!(accounts[3]["problem"]["code"].is_string());
}

#[test]
fn a_missing_permission_fails_the_permission_check_with_a_hint() {
    let body = r#"{"Code":"Forbidden.RAM","Message":"no","RequestId":"R1"}"#;
    let server = Server::answering(http("403 Forbidden", "", body.as_bytes()));
    let run = aliyun(&server.origin(), &[]).run();
    failure(&run)
        .is("permission", "permission_denied", 4)
        .after(&["settings", "connection", "credential"])
        .contains("ListClusters: no (Forbidden.RAM, HTTP 403, request id R1)")
        .advises("ehpc:ListClusters");
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_407_is_a_permission_error_with_a_cloud_code_and_else_a_proxy_error() {
    let body = r#"{"Code":"NotAuthorized","Message":"no","RequestId":"R4"}"#;
    let status = "407 Proxy Authentication Required";
    let server = Server::answering(http(status, "", body.as_bytes()));
    failure(&aliyun(&server.origin(), &[]).run())
        .is("permission", "permission_denied", 4)
        .after(&["credential"]);
    let server = Server::answering(http(status, "", b""));
    failure(&aliyun(&server.origin(), &[]).run()).is("proxy", "network", 5);
}

#[test]
fn a_configured_cluster_that_does_not_exist_fails_the_response_check() {
    let body = r#"{"Code":"ClusterNotFound","Message":"cluster not found","RequestId":"R2"}"#;
    let server = Server::answering(http("404 Not Found", "", body.as_bytes()));
    let run = aliyun(&server.origin(), &[])
        .env("JOBLENS_ALIYUN_CLUSTER", "ehpc-hz-1")
        .run();
    failure(&run)
        .is("response", "not_found", 3)
        .after(&["credential"])
        .contains("ClusterNotFound");
}

#[test]
fn a_failing_or_throttling_cloud_is_called_once_by_default() {
    for (status, name, category) in [
        ("429 Too Many Requests", "response", "throttled"),
        ("503 Service Unavailable", "response", "service_error"),
    ] {
        let server = Server::answering(http(status, "", b"{}"));
        let run = sugon(&server.origin(), &[]).run();
        failure(&run).is(name, category, 5).after(&["connection"]);
        assert_eq!(server.received().len(), 1, "{status}");
    }
    let server = Server::answering(http("503 Service Unavailable", "retry-after: 0\r\n", b"{}"));
    sugon(&server.origin(), &["--max-attempts", "2"]).run();
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_late_or_truncated_response_fails_the_response_check() {
    let emulated = Emulated::start(
        "[[fault]]\ncloud = 'sugon'\noperation = '*'\nkind = 'slow'\ndelay = '5s'\n\
         [[fault]]\ncloud = 'huawei'\noperation = '*'\nkind = 'truncate'\n",
    );
    let late = [
        "doctor",
        "-o",
        "json",
        "sugon",
        "--request-timeout",
        "100ms",
    ];
    let run = emulated.joblens(&late).run();
    failure(&run)
        .is("response", "network", 5)
        .contains("request timed out after 0.1 s")
        .advises("--request-timeout");
    let run = emulated.joblens(&["doctor", "-o", "json", "huawei"]).run();
    failure(&run)
        .is("response", "network", 5)
        .after(&["connection"]);
}

#[test]
fn an_html_page_or_redirect_fails_the_response_check_for_every_status() {
    let page = b"<!DOCTYPE html><html><title>Sign in</title></html>";
    let headers = "content-type: text/html; charset=utf-8\r\nserver: squid/5.7\r\n";
    for status in [
        "200 OK",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
    ] {
        let server = Server::answering(http(status, headers, page));
        for run in [aliyun(&server.origin(), &[]), sugon(&server.origin(), &[])] {
            failure(&run.run())
                .is("response", "invalid_response", 5)
                .contains("got an HTML page instead of an API response")
                .contains("squid/5.7");
        }
    }
    let headers = "location: http://login.example/\r\n";
    let server = Server::answering(http("302 Found", headers, b""));
    failure(&sugon(&server.origin(), &[]).run())
        .is("response", "invalid_response", 5)
        .contains("HTTP 302")
        .advises("captive portal");
}

/// Returns the `Date` header of a response this many seconds from now.
fn date(ahead_seconds: i64) -> String {
    let date = chrono::Utc::now() + chrono::TimeDelta::seconds(ahead_seconds);
    format!("date: {}\r\n", date.format("%a, %d %b %Y %H:%M:%S GMT"))
}

#[test]
fn a_wrong_clock_is_a_warning_unless_the_cloud_rejects_the_request() {
    let list = r#"{"code":"0","data":{"total":0,"list":[]}}"#;
    let server = Server::answering(http("200 OK", &date(1200), list.as_bytes()));
    let run = sugon(&server.origin(), &[]).run();
    assert_eq!(run.code, 0, "{}", run.stdout);
    let account = account(&run);
    assert_eq!(account["status"], "warn");
    let checks = account["checks"].as_array().unwrap();
    let clock = checks
        .iter()
        .find(|check| check["name"] == "clock")
        .unwrap();
    assert_eq!(clock["status"], "warn");
    let message = clock["message"].as_str().unwrap();
    assert!(message.contains(" minutes behind 127.0.0.1"), "{message}");
    let ahead = account["clock_ahead_seconds"].as_i64().unwrap();
    assert!((1190..1210).contains(&ahead), "{ahead}");

    let body = r#"{"Code":"InvalidTimeStamp.Expired","Message":"expired","RequestId":"R3"}"#;
    let server = Server::answering(http("400 Bad Request", &date(-1200), body.as_bytes()));
    failure(&aliyun(&server.origin(), &[]).run())
        .is("clock", "clock_skew", 4)
        .contains(" minutes ahead of 127.0.0.1")
        .contains("InvalidTimeStamp.Expired")
        .advises("NTP");
}

#[test]
fn the_date_of_a_cached_response_is_not_used_for_the_clock() {
    let headers = format!("age: 4000\r\n{}", date(-4000));
    let list = r#"{"code":"0","data":{"total":0,"list":[]}}"#;
    let server = Server::answering(http("200 OK", &headers, list.as_bytes()));
    let run = sugon(&server.origin(), &[]).run();
    assert!(
        account(&run)["clock_ahead_seconds"].is_null(),
        "{}",
        run.stdout
    );
}

#[test]
fn a_slow_cloud_does_not_delay_the_others() {
    let emulated = Emulated::start(
        "[[fault]]\ncloud = 'sugon'\noperation = '*'\nkind = 'slow'\ndelay = '60s'\n\
         [[fault]]\ncloud = 'huawei'\noperation = '*'\nkind = 'slow'\ndelay = '60s'\n",
    );
    let all = ["doctor", "-o", "json", "--request-timeout", "300ms"];
    let run = emulated.joblens(&all).run();
    assert_eq!(run.code, 5, "{}", run.stdout);
    let json = run.json();
    let accounts = json["accounts"].as_array().unwrap();
    let well = accounts.iter().filter(|one| one["status"] == "ok").count();
    assert_eq!(well, 3, "{json:#}");
    assert!(run.elapsed.as_secs() < 20, "{:?}", run.elapsed);
}

#[test]
fn an_empty_response_body_fails_the_response_check() {
    let server = Server::answering(json(""));
    let run = sugon(&server.origin(), &[]).run();
    failure(&run).is("response", "invalid_response", 5);
}

#[test]
fn a_header_that_echoes_the_token_is_masked() {
    let server = Server::start(|_, got, stream| {
        use std::io::Write as _;
        let token = got.header("token").unwrap_or_default();
        let headers = format!("content-type: text/html\r\nserver: gate {token}\r\n");
        let _ = stream.write_all(&http("403 Forbidden", &headers, b"<html>"));
    });
    let run = sugon(&server.origin(), &[]).run();
    failure(&run)
        .is("response", "invalid_response", 5)
        .contains("gate ***");
}
