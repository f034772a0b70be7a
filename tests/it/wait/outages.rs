//! Temporary faults during a wait.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use super::{IMAGE_JOB, INSTANCE, JOB, LONG, MAX_DURATION, are, job, reason, verdicts};
use crate::support::emulated::Emulated;
use crate::support::{Joblens, Server, http, in_parallel, joblens, json, wait_until};

fn lines(text: &str, part: &str) -> usize {
    text.lines().filter(|line| line.contains(part)).count()
}

#[test]
fn an_outage_is_reported_once_at_its_beginning_and_once_at_its_end() {
    let kinds = ["status", "html", "empty", "throttle'\nretry_after = '0s"];
    let faults = kinds.map(|kind| {
        format!("[[fault]]\noperation = '*'\ncloud = 'aliyun'\nkind = '{kind}'\nskip = SKIP\ntimes = 2\n")
    });
    let faults = faults
        .concat()
        .replacen("SKIP", "1", 1)
        .replace("SKIP", "0");
    let scenario = job(JOB, "0s Running, 1s Succeeded")
        + &job("aliyun/job/D/1", "0s Running, 1s Succeeded")
        + &job(INSTANCE, "0s Running, 1s Completed")
        + &faults;
    let emulated = Emulated::start(&scenario);
    let references = [JOB, "aliyun/job/D/1", INSTANCE];
    let options = ["--max-attempts", "1", "-t", LONG];
    let run = emulated.wait(&[&references[..], &options].concat()).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(verdicts(&run), are(&references.map(|one| (one, "met"))));
    // The first failure is a gateway's page or an error of the cloud.
    let begun = ["aliyun is unreachable (", "aliyun reports an error ("];
    let begun = begun.map(|text| lines(&run.stderr, text));
    assert_eq!(begun.iter().sum::<usize>(), 1, "{}", run.stderr);
    assert_eq!(
        lines(&run.stderr, "aliyun responds again after"),
        1,
        "{}",
        run.stderr
    );
    assert_eq!(lines(&run.stderr, "; retrying"), 1, "{}", run.stderr);
    let notices = run.json()["notices"].to_string();
    assert!(notices.contains("\"outage\"") && notices.contains("\"recovered\""));
}

#[test]
fn an_outage_around_the_end_of_a_job_does_not_change_the_verdict() {
    let runs = [("Succeeded", 0), ("Failed", 1)].map(|(end, code)| {
        let life = format!("0s Running, 700ms {end}");
        let fault =
            "[[fault]]\noperation = '*'\nkind = 'status'\nfrom = '500ms'\nuntil = '1500ms'\n";
        let emulated = Emulated::start(&(job(JOB, &life) + fault));
        let running = emulated
            .wait(&[JOB, "-t", LONG, "--max-attempts", "1"])
            .start(Stdio::piped(), Stdio::piped());
        (emulated, running, code)
    });
    for (_emulated, running, code) in runs {
        let run = running.end();
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.elapsed < MAX_DURATION);
    }
}

#[test]
fn twelve_throttled_responses_in_a_row_do_not_end_a_wait() {
    let fault = "[[fault]]\noperation = '*'\nkind = 'throttle'\nretry_after = '0s'\ntimes = 12\n";
    let emulated = Emulated::start(&(job(JOB, "0s Succeeded") + fault));
    let run = emulated.wait(&[JOB, "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let requests = emulated.requests();
    assert_eq!(requests["aliyun/DescribeServerlessJobs"], 13);
    assert_eq!(requests["aliyun/ListServerlessJobs"], 1, "its subtasks");
    assert_eq!(run.json()["gate"]["requests"], 14);
}

#[test]
fn throttling_of_one_cloud_does_not_delay_another() {
    let fault = "[[fault]]\noperation = '*'\ncloud = 'aliyun'\nkind = 'throttle'\n";
    let scenario = job(JOB, "0s Running") + &job(INSTANCE, "0s Running, 1s Failed") + fault;
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[JOB, INSTANCE, "-t", LONG]).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
}

#[test]
fn a_service_down_until_the_deadline_ends_a_wait_with_exit_code_5() {
    let fault = "[[fault]]\noperation = '*'\nkind = 'status'\n";
    let emulated = Emulated::start(&(job(JOB, "0s Succeeded") + fault));
    let run = emulated.wait(&[JOB, "-t", "2s"]).run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(run.error()["category"], "service_error");
}

#[test]
fn a_refused_connection_is_an_outage() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = joblens(&["wait", INSTANCE, "-t", "1s", "-o", "json"])
        .env("JOBLENS_SUGON_TOKEN", "sugon-test-token-7f3a")
        .env("JOBLENS_SUGON_ENDPOINT", endpoint)
        .run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(run.error()["category"], "network");
}

#[test]
fn an_outage_longer_than_max_outage_is_given_up() {
    let fault = "[[fault]]\noperation = '*'\ncloud = 'aliyun'\nkind = 'status'\nskip = 1\n";
    let scenario = job(JOB, "0s Running") + &job(INSTANCE, "0s Running, 1500ms Completed") + fault;
    let emulated = Emulated::start(&scenario);
    let options = ["--max-outage", "500ms", "--max-attempts", "1", "-t", LONG];
    let run = emulated
        .wait(&[&[JOB, INSTANCE][..], &options].concat())
        .run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert_eq!(verdicts(&run), are(&[(JOB, "pending"), (INSTANCE, "met")]));
    let limit = "could not be read for 500ms (--max-outage): ";
    assert!(run.stderr.contains(limit), "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
}

#[test]
fn the_deadline_applies_while_polls_hang() {
    in_parallel(["slow'\ndelay = '1m", "drip"], |kind| {
        let fault = format!("[[fault]]\noperation = '*'\nkind = '{kind}'\n");
        let emulated = Emulated::start(&(job(JOB, "0s Running") + &fault));
        let run = emulated.wait(&[JOB, "-t", "1s"]).run();
        assert_eq!(run.code, 5, "nothing was ever read: {}", run.stderr);
        assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
    });
}

#[test]
fn a_poll_that_the_deadline_cuts_off_is_not_an_error_of_the_cloud() {
    let fault = "[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '1m'\nskip = 1\n";
    let emulated = Emulated::start(&(job(JOB, "0s Running") + fault));
    let run = emulated.wait(&[JOB, "-t", "2s"]).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    assert_eq!(run.json()["errors"], serde_json::json!([]));
}

#[test]
fn an_outage_is_given_up_while_a_poll_hangs() {
    let faults = "[[fault]]\noperation = '*'\nkind = 'status'\ntimes = 1\n\
        [[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '2m'\n";
    let emulated = Emulated::start(&(job(JOB, "0s Running") + faults));
    let options = ["--max-outage", "1s", "--max-attempts", "1", "-t", LONG];
    let run = emulated.wait(&[&[JOB][..], &options].concat()).run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
}

#[test]
fn a_server_that_never_responds_is_given_up_after_max_outage() {
    let faults = "[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '5m'\n";
    let later = format!("{faults}skip = 1\n");
    in_parallel([faults.to_owned(), later], |faults| {
        let emulated = Emulated::start(&(job(JOB, "0s Running") + &faults));
        let run = emulated
            .wait(&[JOB, "--max-outage", "1s", "-t", LONG])
            .run();
        assert_eq!(run.code, 5, "{}", run.stderr);
        assert_eq!(
            run.error()["message"],
            "no response for 1s",
            "{}",
            run.stderr
        );
        assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
    });
}

#[test]
fn the_error_of_a_lookup_that_is_still_repeated_is_the_cause_after_max_outage() {
    let fault = "[[fault]]\noperation = '*'\nkind = 'status'\nstatus = 503\nretry_after = '50s'\n";
    let emulated = Emulated::start(&(job(JOB, "0s Running") + fault));
    let options = [JOB, "--max-outage", "1s", "-t", LONG];
    let run = emulated.wait(&options).run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    let error = run.error();
    assert_eq!(
        (&error["http_status"], &error["attempts"]),
        (&503.into(), &1.into())
    );
    assert!(reason(&run).contains("could not be read for 1s (--max-outage)"));
    assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
}

/// Returns a command that looks up an instance on this server.
fn command_for(server: &Server, arguments: &[&str]) -> Joblens {
    joblens(&[arguments, &["--interval", "50ms", INSTANCE]].concat())
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", "a-token-of-a-test")
}

#[test]
fn a_huge_retry_after_does_not_keep_a_wait_from_polling_again() {
    let hints = [
        "7200",
        "100000000000",
        "18446744073709551615",
        "999999999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ];
    in_parallel(hints, |hint| {
        let response = http(
            "503 Service Unavailable",
            &format!("retry-after: {hint}\r\n"),
            b"{}",
        );
        let server = Server::start(move |number, _, stream| {
            let done = json(r#"{"code":"0","data":{"id":"i-1","status":"Completed"}}"#);
            let _ = stream.write_all(if number == 0 { &response } else { &done });
        });
        let options: [&[&str]; 2] = [&["wait", "-o", "json"], &["wait", "-o", "json", "-t", LONG]];
        let run = command_for(&server, options[usize::from(hint == "7200")]).run();
        assert_eq!(run.code, 0, "{hint} {}", run.stderr);
        assert!(run.elapsed < MAX_DURATION, "{hint} {:?}", run.elapsed);
        assert_eq!(server.received().len(), 2, "{hint}");
    });
}

#[test]
fn a_huge_retry_after_does_not_keep_watch_or_events_from_polling_again() {
    let commands = [
        &["watch", "-o", "jsonl"][..],
        &["events", "-f", "-o", "jsonl"],
    ];
    in_parallel(commands, |command| {
        let server = Server::answering(http(
            "503 Service Unavailable",
            "retry-after: 18446744073709551615\r\n",
            b"{}",
        ));
        let running = command_for(&server, command).start(Stdio::piped(), Stdio::piped());
        wait_until(&format!("{command:?} polls again"), || {
            server.received().len() >= 2
        });
        running.signal("TERM");
        assert_eq!(running.end().code, 143, "{command:?}");
    });
}

#[test]
fn a_token_service_that_fails_once_is_called_again_at_the_next_poll() {
    let server = Server::start(|turn, got, stream| {
        let response = match (turn, got.target().contains("/auth/tokens")) {
            (0, _) => http(
                "429 Too Many Requests",
                "Retry-After: 18446744073709551615\r\n",
                b"{}",
            ),
            (_, true) => http(
                "201 Created",
                "X-Subject-Token: issued-token-of-iam\r\n",
                br#"{"token":{"expires_at":"2099-01-01T00:00:00.000000Z"}}"#,
            ),
            (_, false) => json(r#"{"id":"7","status":"SUCCESS","sub_jobs_total":0}"#),
        };
        let _ = stream.write_all(&response);
    });
    let run = joblens(&["wait", IMAGE_JOB, "-t", "6s", "--max-attempts", "1"])
        .env("JOBLENS_HUAWEI_ENDPOINT", server.origin())
        .env("JOBLENS_HUAWEI_IAM_ENDPOINT", server.origin())
        .env("JOBLENS_HUAWEI_USER", "user")
        .env("JOBLENS_HUAWEI_PASSWORD", "password-of-iam")
        .env("JOBLENS_HUAWEI_DOMAIN", "domain")
        .env("JOBLENS_HUAWEI_REGION", "cn-north-4")
        .env("HUAWEICLOUD_SDK_PROJECT_ID", "project")
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn an_outage_is_reported_only_for_its_own_profile_of_a_cloud() {
    let state = |state: &str| {
        json(format!(
            r#"{{"code":"0","data":{{"id":"i-1","status":"{state}"}}}}"#
        ))
    };
    let healthy = Server::answering(state("Running"));
    let completed = state("Completed");
    let failing = Server::start(move |number, _, stream| {
        let _ = match number {
            0 => stream.write_all(&http("503 Busy", "", b"")),
            _ => stream.write_all(&completed),
        };
    });
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.toml");
    let table = [("default", &healthy), ("lab", &failing)].map(|(profile, server)| {
        let origin = server.origin();
        format!("[sugon.{profile}]\nendpoint = '{origin}'\ntoken = 'token-t1'\n")
    });
    crate::support::tls::write(&config, &table.concat(), 0o600);
    let references = ["sugon/instance/i-1", "sugon@lab/instance/i-1"];
    let options = ["wait", "--any", "-t", LONG, "--max-attempts", "1"];
    let run = joblens(&[&options[..], &references].concat())
        .env("JOBLENS_CONFIG", config.to_str().unwrap())
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    for expected in [
        "sugon@lab is unreachable (",
        "sugon@lab responds again after",
    ] {
        assert_eq!(lines(&run.stderr, expected), 1, "{}", run.stderr);
    }
    assert_eq!(lines(&run.stderr, "sugon is "), 0, "{}", run.stderr);
}
