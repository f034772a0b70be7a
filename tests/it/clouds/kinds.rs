//! Output for each kind, and the forms of its references.

use serde_json::{Value, json};

use crate::support::emulated::Emulated;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, INVOCATION, JOB, KINDS, SERVICE, WORLD};

pub fn refs(envelope: &Value) -> Vec<&str> {
    envelope["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["ref"].as_str().unwrap())
        .collect()
}

#[test]
fn a_failed_serverless_job_names_the_container_and_its_exit_code() {
    let job = Emulated::start(WORLD).get(&[JOB]).run().job();
    assert_eq!(job["state"], "failed");
    assert_eq!(
        (&job["state_raw"], &job["ended"]),
        (&json!("Failed"), &json!(true))
    );
    assert_eq!(
        (&job["cloud"], &job["kind"]),
        (&json!("aliyun"), &json!("job"))
    );
    assert_eq!(
        (&job["cluster"], &job["id"]),
        (&json!("ehpc-hz-FYUr32"), &json!("train-7"))
    );
    assert_eq!(
        (&job["name"], &job["user"], &job["queue"]),
        (&json!("训练 resnet"), &json!("lin"), &json!("gpu"))
    );
    assert_eq!(job["exit_code"], 137);
    assert_eq!(job["duration_seconds"], 118 * 60);
    assert_eq!(job["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(job["tasks"][0]["state"], "succeeded");
    assert_eq!(job["tasks"][1]["containers"][0]["exit_code"], 137);
    assert_eq!(job["tasks"][1]["containers"][0]["reason"], "OOMKilled");
    assert_eq!(job["warning_count"], 1);
    assert_eq!(job["events"][0]["count"], 4);
    assert_eq!(job["resources"]["cpu"], 4.0);
    assert_eq!(job["resources"]["memory_bytes"], 8_u64 << 30);
}

#[test]
fn a_finished_invocation_has_its_exit_codes() {
    let job = Emulated::start(WORLD).get(&[INVOCATION]).run().job();
    assert_eq!(
        (&job["state"], &job["exit_code"]),
        (&json!("succeeded"), &json!(0))
    );
    assert_eq!(job["state_raw"], "Finished");
    assert_eq!(job["details"]["exit_codes"], "known");
    assert_eq!(job["tasks"][1]["node"], "i-node002");
}

#[test]
fn a_terminated_instance_was_canceled() {
    let job = Emulated::start(WORLD).get(&[INSTANCE]).run().job();
    assert_eq!(
        (&job["state"], &job["state_raw"]),
        (&json!("canceled"), &json!("Terminated"))
    );
    assert_eq!(
        (&job["ended"], &job["duration_seconds"]),
        (&json!(true), &json!(58 * 60))
    );
    assert_eq!(
        (&job["user"], &job["queue"]),
        (&json!("magic2"), &json!("TeslaM40"))
    );
    assert_eq!(job["resources"]["accelerator_type"], "dcu");
    assert_eq!(job["resources"]["memory_bytes"], 15_360_u64 << 20);
}

#[test]
fn a_failed_image_job_names_the_sub_job_and_the_reason() {
    let job = Emulated::start(WORLD).get(&[IMAGE_JOB]).run().job();
    assert_eq!(
        (&job["state"], &job["state_raw"]),
        (&json!("failed"), &json!("FAILED"))
    );
    assert_eq!(job["reason"], "WKS.0203");
    assert!(
        job["message"]
            .as_str()
            .unwrap()
            .contains("wks-image-03: no free address"),
        "{job:#}"
    );
    assert_eq!(job["tasks"].as_array().unwrap().len(), 3);
    assert_eq!(job["region"], "cn-north-4");
}

#[test]
fn a_service_has_no_state_and_counts_its_warnings() {
    let job = Emulated::start(WORLD).get(&[SERVICE]).run().job();
    assert_eq!(
        (&job["state"], &job["state_raw"]),
        (&json!("unknown"), &Value::Null)
    );
    assert_eq!(
        (&job["ended"], &job["warning_count"]),
        (&json!(false), &json!(2))
    );
    assert_eq!(job["events"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&job["namespace"], &job["name"]),
        (&json!("default"), &json!("web"))
    );
    let times: Vec<_> = job["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["last_at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
}

#[test]
fn references_of_five_kinds_are_looked_up_in_the_given_order() {
    let emulated = Emulated::start(WORLD);
    let mut order = KINDS;
    order.reverse();
    let run = emulated.get(&order).run();
    let envelope = run.json();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(refs(&envelope), order);
    assert_eq!(envelope["schema"], "joblens/1");
    assert_eq!(envelope["command"], "get");
    assert_eq!(envelope["errors"], json!([]));
    assert_eq!(
        envelope["coverage"],
        json!({"complete": true, "asked": 5, "answered": 5})
    );
    assert_eq!(
        (&envelope["gate"], &envelope["exit"]),
        (&Value::Null, &json!({"code": 0, "word": "ok"}))
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn the_table_has_a_row_for_each_job_and_the_cause_of_a_failure() {
    let emulated = Emulated::start(WORLD);
    let mut arguments = vec!["get"];
    arguments.extend(KINDS);
    let run = emulated.joblens(&arguments).run();
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{}", run.stdout);
    let titles: Vec<_> = lines[0].split_whitespace().collect();
    assert_eq!(titles, ["REF", "STATE", "NAME", "RAN", "CREATED", "WHY"]);
    for (line, (reference, state)) in lines[1..].iter().zip(KINDS.iter().zip([
        "failed",
        "succeeded",
        "canceled",
        "failed",
        "unknown",
    ])) {
        let cells: Vec<_> = line.split_whitespace().collect();
        assert_eq!(cells[..2], [*reference, state], "{line}");
    }
    assert!(
        lines[1].contains("main of train-7-2 exited with 137 (OOMKilled: more than 16 GiB)"),
        "{}",
        lines[1]
    );
    assert!(lines[1].contains("1h58m"), "{}", lines[1]);
    assert!(lines[4].contains("no free address"), "{}", lines[4]);
    assert!(
        lines[5].contains("2 warnings, last: BackOff: pull"),
        "{}",
        lines[5]
    );
    assert!(!run.stdout.contains('\u{1b}'), "no color in a pipe");
}

#[test]
fn the_wide_table_adds_columns_and_the_times_of_a_pipe_are_exact() {
    let run = Emulated::start(WORLD)
        .joblens(&["get", JOB, "-o", "wide"])
        .run();
    let lines: Vec<&str> = run.stdout.lines().collect();
    let titles: Vec<_> = lines[0].split_whitespace().collect();
    let expected = "REF STATE NAME RAN CREATED STATE_RAW EXIT USER QUEUE CPU MEM ACC TASKS REGION STARTED FINISHED WHY";
    assert_eq!(titles.join(" "), expected);
    for text in ["Failed", "137", "lin", "gpu", "8GiB", "cn-hangzhou"] {
        assert!(lines[1].contains(text), "{text}: {}", lines[1]);
    }
    assert_eq!(
        lines[1]
            .split_whitespace()
            .filter(|cell| is_time(cell))
            .count(),
        3,
        "{}",
        lines[1]
    );
}

fn is_time(text: &str) -> bool {
    text.len() == 20 && text.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

/// Checks the guarantees of the model for a document, at every depth.
fn check(value: &Value, at: &str) {
    const LISTS: [&str; 9] = [
        "tasks",
        "events",
        "containers",
        "addresses",
        "volumes",
        "command",
        "args",
        "env",
        "ports",
    ];
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let here = format!("{at}.{key}");
                if key.ends_with("_at") {
                    assert!(
                        value.is_null() || is_time(value.as_str().unwrap()),
                        "{here}: {value}"
                    );
                }
                if LISTS.contains(&key.as_str()) {
                    assert!(value.is_array(), "{here}: {value}");
                }
                check(value, &here);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| check(value, at)),
        Value::String(text) => assert!(!text.is_empty() && text != "--", "{at} should be null"),
        _ => {}
    }
}

#[test]
fn every_key_is_present_and_missing_values_are_null() {
    let envelope = Emulated::start(WORLD).get(&KINDS).run().json();
    check(&envelope["jobs"], "jobs");
    assert!(envelope["errors"].is_array() && envelope["notices"].is_array());
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let model: Value = serde_json::from_str(include_str!(
        "../../../fixtures/aliyun/job/describe-serverless-jobs-every-field.model.json"
    ))
    .unwrap();
    for job in envelope["jobs"].as_array().unwrap() {
        assert_eq!(keys(job), keys(&model), "{}", job["ref"]);
        assert_eq!(keys(&job["resources"]), keys(&model["resources"]));
        for task in job["tasks"].as_array().unwrap() {
            assert_eq!(keys(task), keys(&model["tasks"][0]), "{}", job["ref"]);
            for container in task["containers"].as_array().unwrap() {
                assert_eq!(keys(container), keys(&model["tasks"][0]["containers"][0]));
            }
        }
        for event in job["events"].as_array().unwrap() {
            assert_eq!(keys(event), keys(&model["events"][0]));
        }
        assert_eq!(job["raw"], Value::Null);
    }
}

#[test]
fn raw_contains_the_response_document_of_the_cloud() {
    let emulated = Emulated::start(WORLD);
    let envelope = emulated
        .get(&["--raw", JOB, INVOCATION, INSTANCE, IMAGE_JOB, SERVICE])
        .run()
        .json();
    let raw = |at: usize| &envelope["jobs"][at]["raw"];
    assert_eq!(raw(0)["JobInfos"][0]["JobId"], "train-7");
    assert_eq!(raw(1)["ListInvocationStatus"]["InvokeStatus"], "Finished");
    assert_eq!(raw(1)["ListInvocationResults"][0]["TotalCount"], 2);
    assert_eq!(raw(2)["data"]["status"], "Terminated");
    assert_eq!(raw(3)["sub_jobs_total"], 3);
    assert_eq!(raw(4)["data"]["eventList"].as_array().unwrap().len(), 3);
}
