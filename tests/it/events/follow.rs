//! `joblens events --follow`; `src/commands/follow/tests.rs` tests its timing.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::json;

use super::{GONE, JOB, SERVICE, WORLD, events, records, text};
use crate::support::emulated::Emulated;
use crate::support::wait_until;

/// A job that fails within a second, after a warning.
const FAILING_SOON: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/train-7"
states = [
  { after = "0s", state = "Pending" },
  { after = "300ms", state = "Running" },
  { after = "900ms", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "more than 16 GiB" },
]
warnings = [{ after = "600ms", reason = "BackOff", message = "again" }]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "1h"
"#;

#[test]
fn following_shows_each_entry_once_until_the_job_has_ended() {
    let emulated = Emulated::start(FAILING_SOON);
    let run = events(&emulated, &["-f", "--interval", "50ms", JOB]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let lines = run.stdout.lines();
    let entries: Vec<&str> = lines.map(|line| line.split_once("  ").unwrap().1).collect();
    let unique: HashSet<_> = entries.iter().collect();
    assert_eq!(unique.len(), entries.len(), "{entries:#?}");
    // It was created and started in the same second, so there is one entry for both.
    for text in ["job started", "BackOff", "job failed"] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
    assert_eq!(run.stdout.matches("◀ first problem").count(), 1);
}

#[test]
fn following_writes_records_and_ends_with_the_summary() {
    let emulated = Emulated::start(FAILING_SOON);
    let arguments = ["-f", "--interval", "50ms", "-o", "jsonl", "--warnings", JOB];
    let run = events(&emulated, &arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = records(&run.stdout);
    let (last, events) = records.split_last().unwrap();
    assert_eq!((text(last, "type"), &last["jobs"]), ("summary", &json!(1)));
    assert!(
        events
            .iter()
            .all(|one| one["type"] == "event" && one["is_problem"] == true)
    );
    assert_eq!(text(&events[0], "reason"), "BackOff");
}

#[test]
fn following_a_service_continues_until_a_signal() {
    let emulated = Emulated::start(FAILING_SOON);
    let arguments = ["events", "-f", "--interval", "50ms", SERVICE];
    let running = emulated
        .joblens(&arguments)
        .start(Stdio::piped(), Stdio::piped());
    emulated.wait_for_request("tencent/DescribeServiceEvent");
    running.signal("INT");
    assert_eq!(running.end().code, 130);
}

#[test]
fn following_reports_once_that_a_job_is_missing() {
    let emulated = Emulated::start(FAILING_SOON);
    let arguments = [
        "events",
        "-f",
        "--interval",
        "50ms",
        "--missing-grace",
        "1s",
        GONE,
    ];
    let running = emulated
        .joblens(&arguments)
        .start(Stdio::piped(), Stdio::piped());
    wait_until("the job is read five times", || {
        let requests = emulated.requests();
        let count = requests.get("aliyun/DescribeServerlessJobs");
        count.is_some_and(|count| *count >= 5)
    });
    running.signal("TERM");
    let run = running.end();
    assert_eq!(run.code, 143);
    assert_eq!(
        run.stderr.matches("; retrying").count(),
        1,
        "{}",
        run.stderr
    );
}

#[test]
fn following_ends_when_the_output_is_closed() {
    let emulated = Emulated::start(WORLD);
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_joblens"))
        .args(["events", "-f", "--interval", "50ms", SERVICE])
        .env_clear()
        .env("HOME", home.path())
        .envs(emulated.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.contains("Pod"), "{line}");
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(141));
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
}
