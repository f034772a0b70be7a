//! Requests for events that fail although the job was read.

use serde_json::{Value, json};

use super::{IMAGE_JOB, JOB, WORLD, events, list, records, text};
use crate::support::emulated::Emulated;

const POD: &str = "kubernetes/pod/ci/migrate";

/// Starts a scenario with a job that has failed, and a fault of an operation.
fn emulated(reference: &str, operation: &str, fault: &str) -> Emulated {
    let states = match reference.split('/').next() {
        Some("kubernetes") => ["Pending", "Failed"],
        Some("tencent") => ["RUNNING", "FAILED"],
        _ => ["Running", "Failed"],
    };
    let [first, last] = states;
    Emulated::start(&format!(
        "[[job]]\nref = '{reference}'\nage = '1h'\nstates = [{{ after = '0s', state = '{first}' }}, \
         {{ after = '9m', state = '{last}' }}]\n[[fault]]\noperation = '{operation}'\n{fault}\n"
    ))
}

const FORBIDDEN: &str = "kind = 'status'\nstatus = 403";
const EMPTY: &str = "kind = 'empty'";

#[test]
fn a_failed_request_for_events_decides_the_exit_code_and_does_not_hide_the_job() {
    for (reference, operation, fault, code) in [
        (POD, "ListNamespacedEvent", FORBIDDEN, 4),
        (POD, "ListNamespacedEvent", EMPTY, 5),
        ("kubernetes/job/ci/x", "ListNamespacedPod", FORBIDDEN, 4),
        ("aliyun/dlc-job/dlc1", "GetJobEvents", EMPTY, 5),
        ("aliyun/instant-job/job-1", "ListExecutorEvents", EMPTY, 5),
        ("tencent/training-task/train-1", "DescribeEvents", EMPTY, 5),
        (
            "huawei/training-job/5bd61eea-9de2-4864-a0f7-5fae966171b5",
            "ListTrainingJobEvents",
            EMPTY,
            5,
        ),
    ] {
        let emulated = emulated(reference, operation, fault);
        let run = events(&emulated, &["-o", "json", reference]);
        assert_eq!(run.code, code, "{reference}: {}", run.stderr);
        let envelope = run.json();
        assert_eq!(
            (&envelope["exit"]["code"], &envelope["coverage"]),
            (
                &json!(code),
                &json!({"complete": false, "asked": 1, "answered": 1})
            )
        );
        let error = run.error();
        assert_eq!(error["ref"], reference);
        let message = text(&error, "message").to_owned();
        assert!(message.starts_with("cannot read its events: "), "{message}");
        let is_end = |one: &Value| text(one, "state") == "failed";
        assert!(list(&run).iter().any(is_end), "{reference}: {envelope}");
        let is_repeated = run.stderr.contains("warning: cannot read the events of");
        assert!(!is_repeated || operation.ends_with("Pod"), "{}", run.stderr);
        // A lookup only has a notice.
        let found = emulated.get(&[reference]).run();
        assert_eq!(found.code, 0, "{reference}: {}", found.stderr);
    }
}

#[test]
fn following_ends_with_the_error_of_the_last_request_for_events() {
    let emulated = emulated(POD, "ListNamespacedEvent", FORBIDDEN);
    let run = events(&emulated, &["-f", "--interval", "50ms", "-o", "jsonl", POD]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    let records = records(&run.stdout);
    let [.., error, summary] = &records[..] else {
        panic!("{records:#?}");
    };
    assert_eq!(
        (text(error, "type"), text(error, "category")),
        ("error", "permission_denied")
    );
    assert_eq!(
        (&summary["errors"], &summary["complete"]),
        (&json!(1), &json!(false))
    );
}

#[test]
fn names_are_followed_by_a_mark_if_events_could_not_be_read() {
    let emulated = emulated(POD, "ListNamespacedEvent", FORBIDDEN);
    let run = events(&emulated, &["-o", "name", POD]);
    let expected = format!("{POD}\n#!incomplete: events could not be read\n");
    assert_eq!((run.code, run.stdout), (4, expected));
}

#[test]
fn a_kind_without_events_has_a_notice_that_only_its_own_times_are_shown() {
    let emulated = Emulated::start(WORLD);
    let message = "huawei/image-job has no events in its API; only the times of the job and its tasks are shown";
    let run = events(&emulated, &["--warnings", "--since", "1s", IMAGE_JOB, JOB]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert_eq!(run.stderr, format!("no matching events\nnote: {message}\n"));
    let json = events(&emulated, &["-o", "json", IMAGE_JOB, IMAGE_JOB]).json();
    let notices = json["notices"].as_array().unwrap().iter();
    let mut notices = notices.filter(|notice| notice["code"] == "no_events");
    assert_eq!(notices.next().unwrap()["message"], message);
    assert!(notices.next().is_none());
    assert_eq!(json["coverage"]["complete"], true);
    let run = events(&emulated, &["-f", IMAGE_JOB]);
    assert!(run.stderr.contains(message), "{}", run.stderr);
    let run = events(&emulated, &["-o", "json", JOB]);
    assert!(!run.stdout.contains("no_events"), "{}", run.stdout);
}
