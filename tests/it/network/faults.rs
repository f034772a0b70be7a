//! Faults in transit: retries, corrections, timeouts; and concurrent requests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::emulated::Emulated;
use crate::support::jobs::{CLOUDS, IMAGE_JOB, INSTANCE, INVOCATION, JOB, KINDS, SERVICE, WORLD};

fn with(faults: &str) -> Emulated {
    Emulated::start(&format!("{WORLD}{faults}"))
}

/// Starts a scenario with one occurrence of a fault for each cloud.
fn once_each(fault: &str) -> Emulated {
    let faults = CLOUDS.map(|(cloud, _)| {
        format!("[[fault]]\noperation = '*'\ncloud = '{cloud}'\ntimes = 1\n{fault}\n")
    });
    with(&faults.concat())
}

/// Looks up one resource of each cloud; all must succeed at the second attempt.
fn assert_recovers(emulated: &Emulated, word: &'static str, options: &[&str]) {
    let mut arguments: Vec<&str> = CLOUDS.map(|(_, reference)| reference).to_vec();
    arguments.extend_from_slice(options);
    let run = emulated.get(&arguments).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (cloud, _) in CLOUDS {
        let faults: Vec<_> = emulated
            .answers_of(cloud)
            .iter()
            .map(|(_, fault)| *fault)
            .collect();
        assert_eq!(faults, [Some(word), None], "{cloud}");
    }
}

#[test]
fn a_request_throttled_twice_succeeds_at_the_third_attempt() {
    let faults = CLOUDS.map(|(cloud, _)| {
        format!("[[fault]]\noperation = '*'\ncloud = '{cloud}'\nkind = 'throttle'\ntimes = 2\nretry_after = '0s'\n")
    });
    let emulated = with(&faults.concat());
    let run = emulated.get(&CLOUDS.map(|(_, reference)| reference)).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for (cloud, _) in CLOUDS {
        let faults: Vec<_> = emulated
            .answers_of(cloud)
            .iter()
            .map(|(_, fault)| *fault)
            .collect();
        assert_eq!(
            faults,
            [Some("throttle"), Some("throttle"), None],
            "{cloud}"
        );
    }
}

#[test]
fn throttling_with_the_status_of_each_cloud_is_retried() {
    let emulated = once_each("kind = 'throttle'\nretry_after = '0s'");
    assert_recovers(&emulated, "throttle", &[]);
    let statuses = CLOUDS.map(|(cloud, _)| emulated.answers_of(cloud)[0].0);
    assert_eq!(statuses, [400, 429, 429, 200]);
}

#[test]
fn a_response_with_status_503_is_retried() {
    assert_recovers(
        &once_each("kind = 'status'\nstatus = 503\nretry_after = '0s'"),
        "status",
        &[],
    );
}

#[test]
fn an_html_page_with_status_502_is_retried() {
    assert_recovers(&once_each("kind = 'html'\nstatus = 502"), "html", &[]);
}

#[test]
fn a_truncated_response_is_requested_again_with_a_new_nonce() {
    // The cloud has already received the first call, so it would reject the same nonce.
    assert_recovers(&once_each("kind = 'truncate'"), "truncate", &[]);
}

#[test]
fn a_reset_connection_is_retried_with_a_new_nonce() {
    assert_recovers(&once_each("kind = 'reset'"), "reset", &[]);
}

#[test]
fn a_response_slower_than_the_request_timeout_is_requested_again() {
    let emulated = once_each("kind = 'slow'\ndelay = '1m'");
    let mut arguments: Vec<&str> = CLOUDS.map(|(_, reference)| reference).to_vec();
    arguments.extend(["--request-timeout", "2s"]);
    let run = emulated.get(&arguments).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        emulated.requests().values().all(|count| *count == 2),
        "{:?}",
        emulated.requests()
    );
    for (cloud, _) in CLOUDS {
        assert_eq!(
            emulated.answers_of(cloud),
            [(200, None)],
            "the slow answer was given up"
        );
    }
}

#[test]
fn an_endless_response_is_requested_again_after_the_timeout() {
    assert_recovers(
        &once_each("kind = 'drip'"),
        "drip",
        &["--request-timeout", "2s"],
    );
}

#[test]
fn slow_clouds_end_at_the_request_timeout_with_a_hint() {
    let emulated = with("[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '1m'\n");
    let mut arguments = KINDS.to_vec();
    arguments.extend(["--request-timeout", "300ms", "--max-attempts", "1"]);
    let run = emulated.get(&arguments).run();
    assert_eq!(run.code, 5);
    let envelope = run.json();
    for error in envelope["errors"].as_array().unwrap() {
        assert_eq!(error["category"], "network");
        assert!(
            error["hint"]
                .as_str()
                .unwrap()
                .contains("--request-timeout"),
            "{error:#}"
        );
        assert!(
            error["message"]
                .to_string()
                .contains("timed out after 0.3 s"),
            "{error:#}"
        );
    }
    assert_eq!(envelope["errors"].as_array().unwrap().len(), 5);
    assert!(run.elapsed < Duration::from_secs(20), "{:?}", run.elapsed);
}

#[test]
fn an_empty_response_is_invalid_and_not_requested_again() {
    let emulated = once_each("kind = 'empty'");
    for (cloud, reference) in CLOUDS {
        let run = emulated.get(&[reference]).run();
        assert_eq!(
            (&run.error()["category"], run.code),
            (&json!("invalid_response"), 5),
            "{cloud}"
        );
        assert!(
            run.error()["message"].to_string().contains("empty"),
            "{}",
            run.stdout
        );
        assert_eq!(emulated.answers_of(cloud).len(), 1, "{cloud}");
    }
}

#[test]
fn no_credentials_are_sent_to_the_target_of_a_redirect() {
    let other = Emulated::start(WORLD);
    let emulated = once_each(&format!(
        "kind = 'redirect'\nlocation = '{}/'",
        other.origin
    ));
    for (cloud, reference) in CLOUDS {
        let run = emulated.get(&[reference]).run();
        assert_eq!(
            (&run.error()["category"], run.code),
            (&json!("invalid_response"), 5),
            "{cloud}"
        );
        assert!(
            run.error()["message"].to_string().contains("redirect"),
            "{}",
            run.stdout
        );
    }
    assert!(other.accesses().is_empty());
}

#[test]
fn a_wrong_clock_is_corrected_with_one_retry_and_reported() {
    for (offset, direction) in [("-20m", "ahead of"), ("+20m", "behind")] {
        let emulated = Emulated::start(&format!("clock_offset = '{offset}'\n{WORLD}"));
        let run = emulated.get(&[JOB, IMAGE_JOB]).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.json()["jobs"][0]["state"], "failed");
        assert_eq!(run.json()["jobs"][1]["state"], "failed");
        assert_eq!(emulated.answers_of("aliyun"), [(400, None), (200, None)]);
        assert_eq!(emulated.answers_of("huawei"), [(401, None), (200, None)]);
        let notices = run.json()["notices"].clone();
        for notice in notices.as_array().unwrap() {
            assert_eq!(notice["code"], "clock_corrected");
            let message = notice["message"].as_str().unwrap();
            assert!(message.contains(direction), "{message}");
            assert!(
                message.contains(" 20 minutes") || message.contains(" 19 minutes"),
                "{message}"
            );
            assert!(run.stderr.contains(message), "{}", run.stderr);
        }
        assert!(!notices.as_array().unwrap().is_empty());
    }
}

#[test]
fn many_parallel_requests_report_the_wrong_clock_once() {
    let scenario = "clock_offset = '+20m'\n[[job]]\nref = 'aliyun/job/C/1_1-30'\nstates = [{ after = '0s', state = 'Running' }]\n";
    let emulated = Emulated::start(scenario);
    let run = emulated.get(&["aliyun/job/C/1_1-30", "--detail"]).run();
    assert_eq!(run.json()["coverage"]["answered"], 30, "{}", run.stderr);
    assert_eq!(
        run.json()["notices"].as_array().unwrap().len(),
        1,
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    let refused = emulated
        .answers_of("aliyun")
        .iter()
        .filter(|(status, _)| *status == 400)
        .count();
    assert!(
        refused <= 2,
        "{refused} calls were signed with the wrong time"
    );
}

#[test]
fn the_second_call_of_an_account_is_signed_with_the_corrected_clock() {
    let emulated = Emulated::start(&format!("clock_offset = '-20m'\n{WORLD}"));
    let run = emulated.get(&[INVOCATION]).run();
    assert_eq!(run.job()["state"], "succeeded");
    // The status twice, then the results in one attempt.
    assert_eq!(
        emulated.answers_of("aliyun"),
        [(400, None), (200, None), (200, None)]
    );
}

#[test]
fn a_wrong_clock_is_corrected_for_tencent_as_well() {
    for offset in ["-20m", "+20m"] {
        let emulated = Emulated::start(&format!("clock_offset = '{offset}'\n{WORLD}"));
        let run = emulated.get(&[SERVICE]).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.job()["id"], "web");
        assert_eq!(run.json()["notices"][0]["code"], "clock_corrected");
        assert_eq!(emulated.answers_of("tencent").len(), 2);
    }
}

#[test]
fn a_token_is_independent_of_the_clock() {
    let emulated = Emulated::start(&format!("clock_offset = '-20m'\n{WORLD}"));
    assert_eq!(emulated.get(&[INSTANCE]).run().code, 0);
    assert_eq!(emulated.answers_of("sugon").len(), 1);
}

#[test]
fn all_clouds_are_called_at_the_same_time() {
    let latency = Duration::from_secs(2);
    let emulated = Emulated::start(&format!("latency = '2s'\n{WORLD}"));
    let run = emulated.get(&CLOUDS.map(|(_, reference)| reference)).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.elapsed >= latency);
    assert!(
        run.elapsed < latency * 3,
        "{:?}: one after the other",
        run.elapsed
    );
    assert_eq!(emulated.accesses().len(), 4);
}

#[test]
fn lookups_of_one_cloud_run_concurrently_and_keep_their_order() {
    let scenario = "latency = '200ms'\n[[job]]\nref = 'aliyun/job/C/1_1-60'\nstates = [{ after = '0s', state = 'Running' }]\n";
    let emulated = Emulated::start(scenario);
    let run = emulated
        .get(&["aliyun/job/C/1_1-60", "--detail", "--concurrency", "20"])
        .run();
    let jobs: Vec<Value> = run.json()["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].clone())
        .collect();
    let expected: Vec<Value> = (1..=60).map(|index| json!(format!("1_{index}"))).collect();
    assert_eq!(jobs, expected);
    assert_eq!(emulated.accesses().len(), 60);
    // Sixty requests in sequence would take twelve seconds.
    assert!(run.elapsed < Duration::from_secs(6), "{:?}", run.elapsed);
}
