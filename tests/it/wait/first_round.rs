//! No verdict before each reference was answered or has failed once, unless its server hangs, and one row for each
//! reference.

use std::fs;
use std::io::Read as _;

use super::{IMAGE_JOB, INSTANCE, JOB, LONG, OTHER_JOB, are, job, reason, verdicts};
use crate::support::Server;
use crate::support::emulated::Emulated;

const MISSING: &str = "aliyun/job/C/9";

/// Starts a scenario with a failed job and two slow jobs on other clouds.
fn three_jobs() -> Emulated {
    let slow = |cloud: &str| {
        format!("[[fault]]\noperation = '*'\ncloud = '{cloud}'\nkind = 'slow'\ndelay = '300ms'\n")
    };
    let scenario = job(JOB, "0s Failed")
        + &job(INSTANCE, "0s Running")
        + &job(IMAGE_JOB, "0s RUNNING")
        + &slow("sugon")
        + &slow("huawei");
    Emulated::start(&scenario)
}

#[test]
fn a_failure_ends_a_wait_only_after_every_job_was_read_once() {
    let emulated = three_jobs();
    let run = emulated.wait(&[INSTANCE, JOB, IMAGE_JOB, "-t", LONG]).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let expected = [
        (INSTANCE, "pending"),
        (JOB, "unmet"),
        (IMAGE_JOB, "pending"),
    ];
    assert_eq!(verdicts(&run), are(&expected));
    let cause = "failed: container main exited with 1";
    assert_eq!(reason(&run), format!("{JOB} {cause}; 1 failed, 2 pending"));
    let coverage = &run.json()["coverage"];
    assert_eq!(
        *coverage,
        serde_json::json!({"complete": true, "asked": 3, "answered": 3})
    );
}

#[test]
fn a_success_with_any_ends_a_wait_only_after_every_job_was_read_once() {
    let scenario = job(JOB, "0s Succeeded")
        + &job(INSTANCE, "0s Running")
        + "[[fault]]\noperation = '*'\ncloud = 'sugon'\nkind = 'slow'\ndelay = '1s'\n";
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[INSTANCE, JOB, "--any", "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(verdicts(&run), are(&[(INSTANCE, "pending"), (JOB, "met")]));
    assert_eq!(reason(&run), format!("1 of 2 succeeded: {JOB}"));
}

#[test]
fn every_reference_has_a_row_in_every_output() {
    let emulated = three_jobs();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let reports = [
        format!("--report=junit={}", file("junit.xml")),
        format!("--report=json={}", file("report.json")),
        format!("--report=gitlab-dotenv={}", file("env")),
        "--report=github".to_owned(),
    ];
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let references = [INSTANCE, JOB, IMAGE_JOB, MISSING];
    let rest = ["-t", LONG];
    let shown = |format: &str| {
        let arguments = [&["wait", "-o", format][..], &references, &rest, &reports].concat();
        let run = emulated
            .joblens(&arguments)
            .env("GITHUB_STEP_SUMMARY", file("summary.md"))
            .run();
        assert_eq!(run.code, 1, "{}", run.stderr);
        run.stdout
    };
    let outputs = ["table", "csv", "markdown", "json", "jsonl"].map(shown);
    let files = ["junit.xml", "report.json", "env", "summary.md"];
    let files = files.map(|name| fs::read_to_string(file(name)).unwrap());
    for text in outputs.iter().chain(&files) {
        for reference in references {
            assert!(text.contains(reference), "{reference} in:\n{text}");
        }
    }
    let [junit, report, dotenv, summary] = files;
    assert_eq!(
        junit.matches("<skipped message=\"still running; ").count(),
        2,
        "{junit}"
    );
    assert!(summary.contains("| running | skipped |"), "{summary}");
    let pending = format!("JOBLENS_PENDING={INSTANCE},{IMAGE_JOB},{MISSING}\n");
    assert!(dotenv.contains(&pending), "{dotenv}");
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        report["coverage"],
        serde_json::json!({"complete": false, "asked": 4, "answered": 3})
    );
}

#[test]
fn jobs_not_read_before_the_deadline_have_errors_and_are_not_covered() {
    // With one call in flight at a time, the second reference waits for its turn until the end.
    let scenario = job(JOB, "0s Running")
        + &job(OTHER_JOB, "0s Running")
        + "[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '1m'\n";
    let emulated = Emulated::start(&scenario);
    let other = "aliyun/job/D/2";
    let run = emulated
        .wait(&[JOB, other, "-t", "2s", "--concurrency", "1"])
        .run();
    assert_eq!(run.json()["jobs"], serde_json::json!([]), "{}", run.stderr);
    let json = run.json();
    let named: Vec<_> = json["errors"].as_array().unwrap().iter().collect();
    assert_eq!(named.len(), 2, "{named:?}");
    assert_eq!(
        json["coverage"],
        serde_json::json!({"complete": false, "asked": 2, "answered": 0})
    );
    assert!(
        reason(&run).starts_with("timed out after 2s; "),
        "{}",
        reason(&run)
    );
}

#[test]
fn a_server_that_hangs_does_not_delay_a_certain_verdict() {
    for (state, any, code, word) in [("Failed", "", 1, "unmet"), ("Succeeded", "--any", 0, "met")] {
        let hanging = Server::start(|_, _, stream| {
            // Until the client disconnects.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let emulated = Emulated::start(&job(JOB, &format!("0s {state}")));
        let arguments = [INSTANCE, JOB, "-t", "none", "--request-timeout", "50s", any];
        let arguments: Vec<&str> = arguments
            .into_iter()
            .filter(|one| !one.is_empty())
            .collect();
        let run = emulated.wait(&arguments);
        let run = run.env("JOBLENS_SUGON_ENDPOINT", hanging.origin()).run();
        assert_eq!(run.code, code, "{}", run.stderr);
        assert_eq!(verdicts(&run), are(&[(JOB, word)]));
        assert_eq!(run.json()["gate"]["pending"], 1);
        let error = run.error();
        let message = "no response before the verdict was certain";
        assert_eq!(
            (&error["ref"], &error["message"]),
            (&INSTANCE.into(), &message.into())
        );
        assert!(run.elapsed.as_secs() < 30, "{:?}", run.elapsed);
        assert_eq!(hanging.received().len(), 1);
    }
}
