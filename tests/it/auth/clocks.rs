//! A wrong local clock: the servers' time determines expiry and durations.

use std::io::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;

/// Returns a token of Sugon that expires at this time.
fn token(at: DateTime<Utc>) -> String {
    let claims = format!(r#"{{"expireTime":"{}"}}"#, at.timestamp_millis());
    format!("e30.{}.c2ln", joblens::crypto::base64url(claims.as_bytes()))
}

/// Starts a server whose clock is this many minutes behind the local one, with an instance that has run for 10
/// minutes by the server's clock.
fn server(minutes_behind: i64) -> Server {
    Server::start(move |_, request, stream| {
        let now = Utc::now() - TimeDelta::minutes(minutes_behind);
        let china = |at: DateTime<Utc>| (at + TimeDelta::hours(8)).format("%Y-%m-%d %H:%M:%S");
        let started = china(now - TimeDelta::minutes(10));
        let instance = format!(
            r#"{{"id":"i1","status":"Running","createTime":"{started}","startTime":"{started}"}}"#
        );
        let data = match request.target().contains("detail") {
            true => instance,
            false => format!(r#"{{"total":1,"list":[{instance}]}}"#),
        };
        let body = format!(r#"{{"code":"0","msg":"success","data":{data}}}"#);
        let headers = format!(
            "content-type: application/json\r\ndate: {}\r\n",
            now.format("%a, %d %b %Y %H:%M:%S GMT")
        );
        let response = crate::support::http("200 OK", &headers, body.as_bytes());
        let _ = stream.write_all(&response);
    })
}

fn get(server: &Server, token: &str, command: &[&str]) -> Joblens {
    joblens(command)
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", token)
        .env("JOBLENS_SUGON_UTC_OFFSET", "+08:00")
        .with_secret(token)
}

#[test]
fn a_token_expired_only_by_the_local_clock_is_used() {
    let server = server(60);
    // By the local clock it expired half an hour ago.
    let token = token(Utc::now() - TimeDelta::minutes(30));
    let run = get(&server, &token, &["get", "-o", "json", INSTANCE]).run();
    assert_eq!(run.job()["state"], "running", "{}", run.stderr);
    let wait = [
        "wait",
        "-o",
        "json",
        "-t",
        "1s",
        "--interval",
        "50ms",
        INSTANCE,
    ];
    let run = get(&server, &token, &wait).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    assert!(server.received().len() > 2, "{:?}", server.received().len());
}

#[test]
fn a_token_expired_by_the_servers_clock_is_sent_at_most_once() {
    let server = server(0);
    let expired = token(Utc::now() - TimeDelta::minutes(30));
    let wait = [
        "wait",
        "-o",
        "json",
        "-t",
        "1m",
        "--interval",
        "50ms",
        INSTANCE,
    ];
    let run = get(&server, &expired, &wait).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr.contains("the token expired at"),
        "{}",
        run.stderr
    );
    assert_eq!(server.received().len(), 1);
    // Clocks are assumed to be wrong by at most a day.
    let old = token(Utc::now() - TimeDelta::hours(25));
    let run = get(&server, &old, &["get", "-o", "json", INSTANCE]).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn durations_are_measured_by_the_servers_clock() {
    for minutes_behind in [0, 60, -60, 30 * 24 * 60] {
        let server = server(minutes_behind);
        let run = get(&server, "tok-en", &["get", "-o", "json", INSTANCE]).run();
        let seconds = run.job()["duration_seconds"].as_i64().unwrap();
        assert!((595..660).contains(&seconds), "{minutes_behind}: {seconds}");
        let list = ["list", "-o", "json", "sugon/instance"];
        let run = get(&server, "tok-en", &list).run();
        let seconds = run.json()["jobs"][0]["duration_seconds"].as_i64().unwrap();
        assert!((595..660).contains(&seconds), "{minutes_behind}: {seconds}");
        let describe = get(&server, "tok-en", &["describe", INSTANCE]).run();
        assert!(
            describe.stdout.contains("10m") || describe.stdout.contains("9m5"),
            "{}",
            describe.stdout
        );
    }
}

#[test]
fn file_keys_expired_only_by_the_local_clock_are_used_with_a_notice() {
    let sandbox = Sandbox::new();
    let profile = |at: DateTime<Utc>| {
        format!(
            r#"{{"current":"s","profiles":[{{"name":"s","mode":"StsToken","access_key_id":"STSKEY","access_key_secret":"x","sts_token":"t","sts_expiration":{},"region_id":"cn-x"}}]}}"#,
            at.timestamp()
        )
    };
    sandbox.write(
        ALIYUN_CLI.path,
        &profile(Utc::now() - TimeDelta::minutes(30)),
    );
    let run = sandbox.get(JOB).run();
    assert_eq!(sandbox.signed_by(), "STSKEY");
    let document = run.json();
    let notices = document["notices"].as_array().unwrap().iter();
    let notice = notices.clone().find(|one| one["code"] == "credential_ends");
    let message = notice.unwrap()["message"].as_str().unwrap();
    assert!(
        message.contains("by the local clock; get new ones"),
        "{message}"
    );
    let before = sandbox.server.received().len();
    sandbox.write(ALIYUN_CLI.path, &profile(Utc::now() - TimeDelta::hours(25)));
    let run = sandbox.get(JOB).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert_eq!(sandbox.server.received().len(), before);
}
