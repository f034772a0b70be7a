//! `joblens logs --follow`.

use super::{HPC_JOB, logs, records};
use crate::support::emulated::Emulated;
use crate::support::jobs::JOB;

/// Starts a job that writes 30 lines within two seconds, with a restart in between, and fails.
fn growing(more: &str) -> Emulated {
    Emulated::start(&format!(
        r#"
[[job]]
ref = "{JOB}"
states = [
  {{ after = "0s", state = "Pending" }},
  {{ after = "400ms", state = "Running" }},
  {{ after = "2400ms", state = "Failed", exit_code = 1 }},
]
log = [
  {{ after = "500ms", line = "line {{n}}", every = "60ms", times = 30 }},
  {{ after = "2390ms", line = "最后一行" }},
]
{more}
"#
    ))
}

fn expected() -> String {
    let lines = (1..=30).map(|number| format!("line {number}\n"));
    lines.chain(["最后一行\n".to_owned()]).collect()
}

#[test]
fn every_line_is_printed_once_until_the_job_has_ended() {
    let emulated = growing("");
    let run = logs(&emulated, &["-f", "--interval", "50ms", JOB]);
    assert_eq!(
        (run.code, run.stdout, run.stderr.as_str()),
        (0, expected(), "")
    );
}

#[test]
fn a_restarted_container_loses_no_line_and_is_noted() {
    let emulated = growing("restarts = ['1200ms']");
    let run = logs(&emulated, &["-f", "--interval", "50ms", JOB]);
    assert_eq!((run.code, run.stdout), (0, expected()), "{}", run.stderr);
    assert_eq!(run.stderr, "note: eci-train-7-1/main was restarted\n");
}

#[test]
fn an_outage_while_following_loses_no_line() {
    let faults = r#"
[[fault]]
operation = "DescribeContainerLog"
kind = "html"
status = 502
skip = 2
times = 5

[[fault]]
operation = "DescribeContainerLog"
kind = "reset"
skip = 3
times = 2
"#;
    let emulated = growing(faults);
    let run = logs(&emulated, &["-f", "--interval", "50ms", JOB]);
    assert_eq!((run.code, run.stdout), (0, expected()), "{}", run.stderr);
}

#[test]
fn the_end_of_a_restarted_container_is_read_after_an_outage() {
    let faults = r#"
restarts = ["1200ms"]

[[fault]]
operation = "DescribeContainerLog"
kind = "status"
status = 502
from = "1100ms"
until = "1500ms"
"#;
    let emulated = growing(faults);
    let once = ["-f", "--interval", "50ms", "--max-attempts", "1", JOB];
    let both = tempfile::NamedTempFile::new().unwrap();
    let output = || both.as_file().try_clone().unwrap();
    let run = emulated.joblens(&[&["logs"][..], &once].concat());
    let code = run.start(output(), output()).end().code;
    let text = std::fs::read_to_string(both.path()).unwrap();
    let is_note = |line: &&str| line.starts_with("note: ");
    let lines: Vec<&str> = text.lines().filter(|line| !is_note(line)).collect();
    assert_eq!((code, lines.join("\n") + "\n"), (0, expected()), "{text}");
    let restarted = "line 12\nnote: eci-train-7-1/main was restarted\nline 13\n";
    assert!(text.contains(restarted), "{text}");
}

#[test]
fn an_outage_before_the_first_lookup_is_retried() {
    let outage = |times: &str| {
        format!(
            "[[fault]]\noperation = 'DescribeServerlessJobs'\nkind = 'status'\nstatus = 502\n{times}\n"
        )
    };
    let emulated = growing(&outage("times = 2"));
    let once = ["-f", "--interval", "50ms", "--max-attempts", "1", JOB];
    let run = logs(&emulated, &once);
    assert_eq!((run.code, run.stdout), (0, expected()), "{}", run.stderr);
    assert_eq!(
        run.stderr.matches("; retrying").count(),
        1,
        "{}",
        run.stderr
    );
    let note = "note: aliyun reports an error (ServiceUnavailable: ";
    assert!(run.stderr.starts_with(note), "{}", run.stderr);
    let lasting = growing(&outage(""));
    let once = ["-f", "--interval", "10ms", "--max-attempts", "1", JOB];
    assert_eq!(logs(&lasting, &once).code, 5);
}

#[test]
fn an_unreadable_log_of_an_ended_job_ends_with_an_error() {
    let emulated = Emulated::start(&format!(
        "[[job]]\nref = '{JOB}'\nage = '1h'\nstates = [{{ after = '0s', state = 'Succeeded' }}]\n\
         [[fault]]\noperation = 'DescribeContainerLog'\nkind = 'status'\nstatus = 502\n"
    ));
    let once = ["-f", "--interval", "10ms", "--max-attempts", "1", JOB];
    let run = logs(&emulated, &once);
    assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{}", run.stderr);
}

#[test]
fn a_log_file_is_followed_without_lost_or_repeated_lines() {
    let emulated = Emulated::start(&format!(
        r#"
[[job]]
ref = "{HPC_JOB}"
states = [
  {{ after = "0s", state = "RUNNING" }},
  {{ after = "2s", state = "COMPLETED" }},
]
log = [{{ after = "100ms", line = "iteration {{n}}", every = "50ms", times = 36 }}]
"#
    ));
    let arguments = [
        "-qf",
        "--interval",
        "50ms",
        "-c",
        "stdout",
        "-o",
        "jsonl",
        HPC_JOB,
    ];
    let run = logs(&emulated, &arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = records(&run.stdout);
    let (summary, lines) = records.split_last().unwrap();
    assert_eq!(summary["type"], "summary");
    let lines = lines
        .iter()
        .map(|line| line["line"].as_str().unwrap().to_owned());
    assert!(lines.eq((1..=36).map(|number| format!("iteration {number}"))));
}

#[test]
fn pods_that_appear_later_are_waited_for() {
    let job = "aliyun/dlc-job/dlc1abcdefgh9999";
    let emulated = Emulated::start(&format!(
        r#"
[[job]]
ref = "{job}"
states = [
  {{ after = "0s", state = "Creating" }},
  {{ after = "500ms", state = "Running" }},
  {{ after = "2s", state = "Succeeded" }},
]
log = [{{ after = "700ms", line = "line {{n}}", every = "100ms", times = 5 }}]
"#
    ));
    let run = logs(&emulated, &["-qf", "--interval", "50ms", job]);
    let expected: String = (1..=5).map(|number| format!("line {number}\n")).collect();
    assert_eq!((run.code, run.stdout), (0, expected), "{}", run.stderr);
}

#[test]
fn a_pod_that_is_replaced_is_read_to_its_end_and_the_new_one_is_followed() {
    let job = "tencent/training-task/train-1";
    let emulated = Emulated::start(&format!(
        r#"
[[job]]
ref = "{job}"
states = [
  {{ after = "0s", state = "RUNNING" }},
  {{ after = "3s", state = "SUCCEED" }},
]
restarts = ["1500ms"]
log = [{{ after = "100ms", line = "第 {{n}} 行", every = "20ms", times = 130 }}]
"#
    ));
    let run = logs(&emulated, &["-f", "--interval", "50ms", job]);
    let expected: String = (1..=130)
        .map(|number| format!("第 {number} 行\n"))
        .collect();
    assert_eq!((run.code, run.stdout), (0, expected), "{}", run.stderr);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(
        lines.len() == 1 && lines[0].contains(" no longer belongs to the job; showing "),
        "{}",
        run.stderr
    );
}

#[test]
fn a_file_that_was_truncated_is_read_from_its_start() {
    let emulated = Emulated::start(&format!(
        r#"
[[job]]
ref = "{HPC_JOB}"
states = [
  {{ after = "0s", state = "RUNNING" }},
  {{ after = "2400ms", state = "COMPLETED" }},
]
restarts = ["1300ms"]
log = [
  {{ after = "100ms", line = "line {{n}} of a file that is rotated", every = "30ms", times = 30 }},
  {{ after = "1800ms", line = "第 {{n}} 行", every = "50ms", times = 5 }},
]
"#
    ));
    let arguments = ["-f", "--interval", "50ms", "-c", "stdout", HPC_JOB];
    let run = logs(&emulated, &arguments);
    let old = (1..=30).map(|number| format!("line {number} of a file that is rotated\n"));
    let expected = old.chain((1..=5).map(|number| format!("第 {number} 行\n")));
    assert_eq!(
        (run.code, run.stdout),
        (0, expected.collect()),
        "{}",
        run.stderr
    );
    let note = "note: stdout: the log was truncated or replaced and is read from its start; lines between two readings may be missing\n";
    assert_eq!(run.stderr, note);
}

#[test]
fn a_file_rotated_during_an_outage_loses_no_line() {
    let emulated = Emulated::start(&format!(
        r#"
[[job]]
ref = "{HPC_JOB}"
states = [
  {{ after = "0s", state = "RUNNING" }},
  {{ after = "3500ms", state = "COMPLETED" }},
]
restarts = ["2000ms"]
log = [
  {{ after = "100ms", line = "line {{n}} of a file that is rotated", every = "30ms", times = 30 }},
  {{ after = "2100ms", line = "第 {{n}} 行", every = "50ms", times = 20 }},
]

[[fault]]
operation = "GetJobLog"
kind = "html"
status = 502
from = "1900ms"
until = "2400ms"
"#
    ));
    let once = ["-f", "--interval", "50ms", "--max-attempts", "1"];
    let run = logs(&emulated, &[&once[..], &["-c", "stdout", HPC_JOB]].concat());
    let old = (1..=30).map(|number| format!("line {number} of a file that is rotated\n"));
    let expected = old.chain((1..=20).map(|number| format!("第 {number} 行\n")));
    let expected: String = expected.collect();
    assert_eq!((run.code, run.stdout), (0, expected), "{}", run.stderr);
    let notes: Vec<&str> = run.stderr.lines().collect();
    assert!(
        notes.len() == 2
            && notes[0].ends_with("; retrying")
            && notes[1].contains("stdout: the log was truncated or replaced"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_restart_and_an_outage_lose_no_line_of_a_dlc_job() {
    let job = "aliyun/dlc-job/dlc1abcdefgh9999";
    let emulated = Emulated::start(&format!(
        r#"
[[job]]
ref = "{job}"
states = [
  {{ after = "0s", state = "Running" }},
  {{ after = "2600ms", state = "Failed" }},
]
restarts = ["1500ms"]
log = [{{ after = "100ms", line = "第 {{n}} 行", every = "20ms", times = 120 }}]

[[fault]]
operation = "GetPodLogs"
kind = "html"
status = 502
from = "600ms"
until = "1000ms"
"#
    ));
    let arguments = ["-f", "--interval", "50ms", "--max-attempts", "1", job];
    let run = logs(&emulated, &arguments);
    let lines = (1..=120).map(|number| format!("第 {number} 行\n"));
    let expected: String = lines.collect();
    assert_eq!((run.code, run.stdout), (0, expected), "{}", run.stderr);
}

#[test]
fn a_full_log_response_that_does_not_change_is_noted_once() {
    let job = "tencent/batch-job/job-1y6u9i0o";
    let emulated = Emulated::start(&format!(
        r#"
[[job]]
ref = "{job}"
states = [
  {{ after = "0s", state = "RUNNING" }},
  {{ after = "2s", state = "SUCCEED" }},
]
log = [{{ after = "10ms", line = "iteration {{n}}", times = 300 }}]
"#
    ));
    let arguments = ["-f", "--interval", "50ms", "-c", "stdout", job];
    let run = logs(&emulated, &arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let missing = "DescribeTaskLogs returned no more of the log; newer lines may be missing";
    assert_eq!(run.stderr.matches(missing).count(), 1, "{}", run.stderr);
}

#[test]
fn lines_before_the_tail_are_not_printed_when_the_log_is_read_again() {
    for reference in [JOB, "kubernetes/job/ci/x"] {
        let emulated = Emulated::start(&format!(
            r#"
[[job]]
ref = "{reference}"
age = "1m"
states = [
  {{ after = "0s", state = "Pending" }},
  {{ after = "10s", state = "Running" }},
  {{ after = "61500ms", state = "{}", exit_code = 0 }},
]
log = [
  {{ after = "58s", line = "line {{n}}", every = "1ms", times = 40 }},
  {{ after = "61s", line = "last" }},
]
"#,
            if reference == JOB {
                "Succeeded"
            } else {
                "Complete"
            }
        ));
        let arguments = ["-f", "--interval", "50ms", "--tail", "2", reference];
        let run = logs(&emulated, &arguments);
        let shown = (run.code, run.stdout.as_str(), run.stderr.as_str());
        assert_eq!(shown, (0, "line 39\nline 40\nlast\n", ""), "{reference}");
        // The job has ended at this point.
        let none = logs(&emulated, &["-f", "--tail", "0", reference]);
        assert_eq!((none.code, none.stdout.as_str()), (0, ""), "{reference}");
    }
}
