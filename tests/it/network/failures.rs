//! Every category of failure, in the output for scripts and for users.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::emulated::Emulated;
use crate::support::jobs::{CLOUDS, INSTANCE, JOB, KINDS, WORLD};
use crate::support::{Run, joblens};

/// Checks the only error of a run, and that envelope, exit code and text are consistent.
pub fn assert_fails(run: &Run, category: &str, code: Option<&str>, exit: i32) -> Value {
    let error = run.error();
    let shown = format!("{error:#}\n{}", run.stderr);
    assert_eq!(error["category"], category, "{shown}");
    assert_eq!(error["code"], json!(code), "{shown}");
    assert_eq!(run.code, exit, "{shown}");
    assert_eq!(run.json()["exit"]["code"], exit);
    assert_eq!(run.json()["jobs"], json!([]));
    assert_eq!(run.json()["coverage"]["complete"], false);
    let message = error["message"].as_str().unwrap();
    assert!(!message.is_empty() && !message.ends_with('.'), "{shown}");
    assert!(run.stderr.contains(message), "{shown}");
    if let Some(hint) = error["hint"].as_str() {
        assert!(run.stderr.contains(&format!("\nhint: {hint}")), "{shown}");
    }
    error
}

#[test]
fn the_error_for_an_invalid_reference_marks_the_invalid_part() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&["get", "aliyun/jbo/C/5"]).run();
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(run.code, 2);
    assert_eq!(run.stdout, "");
    assert!(
        lines[0].starts_with("error: aliyun/jbo/C/5: "),
        "{}",
        run.stderr
    );
    assert_eq!(lines[1], "              ^^^");
    assert!(lines[2].starts_with("hint: "), "{}", run.stderr);
    assert!(
        lines[2].contains("did you mean 'aliyun/job/C/5'?"),
        "{}",
        run.stderr
    );
    let json = emulated.get(&["aliyun/jbo/C/5"]).run();
    assert_fails(&json, "usage", None, 2);
    assert!(emulated.accesses().is_empty());
}

#[test]
fn an_empty_reference_or_a_missing_cloud_is_reported() {
    for (input, first) in [
        ("", "error: empty reference"),
        ("/job/C/5", "error: /job/C/5: missing cloud"),
    ] {
        let run = joblens(&["get", input]).run();
        assert_eq!((run.code, run.stderr.lines().next()), (2, Some(first)));
    }
}

#[test]
fn a_missing_resource_is_not_found_in_every_cloud() {
    let emulated = Emulated::start(WORLD);
    let missing = [
        ("aliyun/job/other/5", Some("ClusterNotFound"), 404),
        ("aliyun/job/ehpc-hz-FYUr32/5", None, 200),
        (
            "aliyun/invocation/ehpc-hz-FYUr32/c-9",
            Some("ObjectNotFound"),
            404,
        ),
        ("sugon/instance/ffff", None, 200),
        ("huawei/image-job/9", Some("WKS.0202"), 404),
        ("tencent/service/cls-1/default/other", Some("5000"), 200),
    ];
    for (reference, code, status) in missing {
        let run = emulated.get(&[reference]).run();
        let error = assert_fails(&run, "not_found", code, 3);
        assert_eq!(error["http_status"], status, "{reference}");
        assert_eq!(
            (&error["ref"], &error["attempts"]),
            (&json!(reference), &json!(1))
        );
        assert!(error["hint"].is_string(), "{reference}");
        assert_eq!(error["retryable"], false);
        let has_id = reference.starts_with("huawei") || reference.starts_with("aliyun");
        assert_eq!(error["request_id"].is_string(), has_id, "{reference}");
    }
}

#[test]
fn an_error_on_stderr_has_four_lines_ending_with_a_hint() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .joblens(&["get", "aliyun/job/ehpc-hz-other/5"])
        .env("ALIBABA_CLOUD_REGION_ID", "cn-shanghai")
        .run();
    let host = emulated.origin.strip_prefix("http://").unwrap();
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{}", run.stderr);
    assert_eq!(
        lines[0],
        "error: aliyun/job/ehpc-hz-other/5: The specified cluster does not exist"
    );
    assert_eq!(
        lines[1],
        format!(
            "  request: DescribeServerlessJobs at {host}, profile default, key te… (environment)"
        )
    );
    assert!(
        lines[2].starts_with("  response: ClusterNotFound, HTTP 404, request id "),
        "{}",
        lines[2]
    );
    assert!(
        lines[3].starts_with("hint: '-hz-' may mean cn-hangzhou: set region"),
        "{}",
        lines[3]
    );
    assert_eq!((run.stdout.as_str(), run.code), ("", 3));
}

#[test]
fn a_port_without_a_listener_is_a_network_error_for_every_cloud() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let origin = format!("http://127.0.0.1:{port}");
    let environment = joblens::emulator::environment(&origin);
    for (cloud, reference) in CLOUDS {
        let run = joblens(&["get", "-o", "json", "--max-attempts", "1", reference])
            .envs(environment.clone())
            .run();
        let error = assert_fails(&run, "network", None, 5);
        assert!(
            error["message"]
                .to_string()
                .contains("the connection failed"),
            "{error:#}"
        );
        assert_eq!(
            (&error["cloud"], &error["http_status"]),
            (&json!(cloud), &Value::Null)
        );
        assert_eq!(error["retryable"], true);
        assert!(!run.stdout.contains("Signature="), "{}", run.stdout);
    }
}

#[test]
fn endless_throttling_is_reported_as_throttled_after_all_attempts() {
    let emulated = Emulated::start(&format!(
        "{WORLD}[[fault]]\noperation = '*'\nkind = 'throttle'\nretry_after = '0s'\n"
    ));
    for (cloud, reference) in CLOUDS {
        let run = emulated.get(&[reference, "--max-attempts", "2"]).run();
        let error = run.error();
        assert!(error["hint"].is_string(), "{error:#}");
        assert_eq!(
            (&error["category"], run.code),
            (&json!("throttled"), 5),
            "{error:#}"
        );
        assert_eq!(
            (&error["attempts"], &error["retryable"]),
            (&json!(2), &json!(true))
        );
        assert_eq!(emulated.answers_of(cloud).len(), 2);
        assert!(run.stderr.contains("2 attempts"), "{}", run.stderr);
    }
}

#[test]
fn status_503_is_a_service_error_for_every_cloud() {
    let emulated = Emulated::start(&format!(
        "{WORLD}[[fault]]\noperation = '*'\nkind = 'status'\nstatus = 503\n"
    ));
    for (_, reference) in CLOUDS {
        let run = emulated.get(&[reference, "--max-attempts", "1"]).run();
        let error = run.error();
        assert!(error["hint"].is_string(), "{error:#}");
        assert_eq!(
            (&error["category"], run.code),
            (&json!("service_error"), 5),
            "{error:#}"
        );
        assert_eq!(error["http_status"], 503);
    }
}

#[test]
fn an_html_page_is_an_invalid_response_and_is_not_requested_again() {
    let emulated = Emulated::start(&format!(
        "{WORLD}[[fault]]\noperation = '*'\nkind = 'html'\nstatus = 200\n"
    ));
    for (cloud, reference) in CLOUDS {
        let run = emulated.get(&[reference]).run();
        let error = assert_fails(&run, "invalid_response", None, 5);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("got an HTML page"), "{message}");
        assert_eq!(
            emulated.answers_of(cloud).len(),
            1,
            "a response that was received is not requested again"
        );
    }
}

#[test]
fn an_error_of_one_cloud_does_not_hide_jobs_of_the_others() {
    let faults = "[[fault]]\noperation = '*'\ncloud = 'sugon'\nkind = 'html'\nstatus = 200\n";
    let emulated = Emulated::start(&format!("{WORLD}{faults}"));
    let run = emulated.get(&KINDS).run();
    let envelope = run.json();
    assert_eq!(envelope["jobs"].as_array().unwrap().len(), 4);
    assert_eq!(run.error()["ref"], INSTANCE);
    assert_eq!(
        envelope["coverage"],
        json!({"complete": false, "asked": 5, "answered": 4})
    );
    assert_eq!(
        (run.code, &envelope["exit"]),
        (5, &json!({"code": 5, "word": "service"}))
    );
    let mut arguments = vec!["get"];
    arguments.extend(KINDS);
    let table = emulated.joblens(&arguments).run();
    assert_eq!(table.stdout.lines().count(), 5, "{}", table.stdout);
    assert!(
        table.stderr.starts_with(&format!("error: {INSTANCE}: ")),
        "{}",
        table.stderr
    );
}

#[test]
fn the_gravest_failure_decides_the_exit_code() {
    let faults = "[[fault]]\noperation = '*'\ncloud = 'sugon'\nkind = 'html'\nstatus = 200\n";
    let emulated = Emulated::start(&format!("{WORLD}{faults}"));
    let missing = "tencent/service/cls-1/default/other";
    assert_eq!(emulated.get(&[JOB, missing]).run().code, 3);
    assert_eq!(emulated.get(&[missing, INSTANCE, JOB]).run().code, 5);
    let refused = emulated
        .get(&[missing, INSTANCE, JOB])
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong")
        .run();
    assert_eq!(
        (refused.code, &refused.json()["exit"]["word"]),
        (4, &json!("credentials"))
    );
    let categories: Vec<Value> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["category"].clone())
        .collect();
    assert_eq!(
        categories,
        ["not_found", "invalid_response", "unauthenticated"],
        "in the order of the references"
    );
}

#[test]
fn quiet_does_not_hide_errors() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.get(&["-q", "aliyun/job/other/5"]).run();
    assert_eq!(run.code, 3);
    assert_eq!(run.error()["code"], "ClusterNotFound");
    for (command, code) in [
        (&["get", "aliyun/job/other/5"][..], 3),
        (&["describe", "aliyun/job/other/5"], 3),
        (&["logs", "aliyun/job/other/5"], 3),
        (&["events", "aliyun/job/other/5"], 3),
        // Only one check, since a wait for a job that may appear later takes its grace period.
        (&["wait", "-t", "0", "aliyun/job/other/5"], 3),
        (&["list", "aliyun/job/other"], 3),
        (&["metrics", "aliyun/job/other/5"], 3),
        (&["get", "aliyun/jbo/c/5"], 2),
        (&["kinds", "azure"], 2),
    ] {
        let quiet = emulated.joblens(&[command, &["-q"]].concat()).run();
        assert_eq!(quiet.code, code, "{command:?}: {}", quiet.stderr);
        let lines: Vec<&str> = quiet.stderr.lines().collect();
        assert!(
            lines[0].starts_with("error: "),
            "{command:?}: {}",
            quiet.stderr
        );
    }
}
