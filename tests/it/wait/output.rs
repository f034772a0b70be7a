//! Output of `wait`: only the answer on stdout, everything else on stderr.

use serde_json::json;

use super::{INSTANCE, JOB, LONG, OTHER_JOB, job};
use crate::support::emulated::Emulated;

#[test]
fn standard_error_shows_changes_and_the_verdict_last() {
    let emulated = Emulated::start(&job(JOB, "0s Running, 2s Succeeded"));
    let run = emulated.wait(&[JOB, "-t", LONG]).run();
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", run.stderr);
    assert!(
        lines[0].ends_with(&format!("{JOB}: running")),
        "{}",
        lines[0]
    );
    assert!(lines[1].ends_with(&format!("{JOB}: succeeded, was running")));
    assert!(lines[2].starts_with("passed: 1 of 1 succeeded ("));
    let calls = run.json()["gate"]["requests"].as_u64().unwrap();
    assert!(
        lines[2].ends_with(&format!(", {calls} requests)")),
        "{}",
        lines[2]
    );
    assert_eq!(calls, emulated.accesses().len() as u64);
}

#[test]
fn quiet_prints_only_the_verdict_on_stderr() {
    let scenario = job(JOB, "0s Running, 1s Hibernating, 2s Succeeded")
        + "[[fault]]\noperation = '*'\nkind = 'status'\nskip = 1\ntimes = 2\n";
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[JOB, "-q"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.starts_with("passed: "), "{}", run.stderr);
}

#[test]
fn json_contains_the_gate_verdicts_errors_and_exit_code() {
    let emulated = Emulated::start(&job(JOB, "0s Failed"));
    let run = emulated
        .wait(&[JOB, OTHER_JOB, "-t", "1s", "--no-fail-fast"])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let json = run.json();
    assert_eq!(
        (&json["schema"], &json["command"]),
        (&json!("joblens/1"), &json!("wait"))
    );
    assert_eq!(json["jobs"][0]["verdict"], "unmet");
    assert_eq!(json["errors"][0]["ref"], OTHER_JOB);
    assert_eq!(json["errors"][0]["category"], "not_found");
    assert_eq!(
        json["coverage"],
        json!({"complete": false, "asked": 2, "answered": 1})
    );
    assert_eq!(json["exit"]["code"], 1);
    let gate = json["gate"].as_object().unwrap();
    assert_eq!(
        (&gate["verdict"], &gate["pending"]),
        (&json!("failed"), &json!(1))
    );
    assert!(gate["elapsed_seconds"].as_u64().unwrap() >= 1);
}

#[test]
fn a_table_shows_the_jobs() {
    let scenario = job(JOB, "0s Succeeded") + &job(INSTANCE, "0s Completed");
    let emulated = Emulated::start(&scenario);
    let run = emulated.joblens(&["wait", JOB, INSTANCE, "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains(JOB) && run.stdout.contains(INSTANCE),
        "{}",
        run.stdout
    );
}

#[test]
fn secrets_of_a_job_are_masked_on_stdout_and_stderr_unless_requested() {
    let document =
        include_str!("../../../fixtures/aliyun/job/describe-serverless-jobs-every-field.json");
    let value = "hunter2-of-the-job";
    let document = document.replace("Value 1805", value).replace("10_3", "1");
    assert!(document.contains(value), "the fixture has a variable");
    let scenario = format!("[[job]]\nref = '{JOB}'\ndocument = '''\n{document}'''\n");
    let emulated = Emulated::start(&scenario);
    for format in ["json", "wide", "table"] {
        let options = ["-o", format, "-v", "-t", LONG];
        let raw = ["--raw"].into_iter().filter(|_| format == "json");
        let arguments = [&["wait", JOB][..], &options].concat();
        let arguments: Vec<&str> = arguments.into_iter().chain(raw).collect();
        let run = emulated.joblens(&arguments).with_secret(value).run();
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(!run.stdout.is_empty());
    }
    let shown = emulated.wait(&[JOB, "--show-secrets", "-t", LONG]).run();
    assert!(shown.stdout.contains(value), "{}", shown.stdout);
}

#[test]
fn the_last_record_of_a_stream_contains_the_verdict_and_the_exit() {
    for (state, code, verdict) in [("Failed", 1, "failed"), ("Succeeded", 0, "passed")] {
        let emulated = Emulated::start(&job(JOB, &format!("0s {state}")));
        let run = emulated
            .joblens(&["wait", JOB, "-t", LONG, "-o", "jsonl"])
            .run();
        let last: serde_json::Value =
            serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap();
        assert_eq!((run.code, &last["type"]), (code, &json!("summary")));
        assert_eq!(last["gate"]["verdict"], verdict);
        assert_eq!(last["exit"]["code"], code);
    }
}

#[test]
fn wait_and_watch_read_references_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("references.txt");
    std::fs::write(&path, format!("{JOB}\n")).unwrap();
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let file = path.to_str().unwrap();
    let run = emulated.wait(&["-t", LONG, "--file", file]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = emulated.joblens(&["watch", "-f", file]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains(JOB), "{}", run.stdout);
}
