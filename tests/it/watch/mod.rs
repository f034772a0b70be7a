//! Runs `joblens watch` with the emulated clouds. `src/commands/follow/tests.rs` tests its timing.

mod scopes;
mod terminal;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::emulated::Emulated;
use crate::support::joblens;
use serde_json::{Value, json};

const JOB: &str = "aliyun/job/ehpc-hz-FYUr32/train";
const INSTANCE: &str = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35";
const SERVICE: &str = "tencent/service/cls-1/default/web";

/// Two jobs that end within a second, one of them with a failure, and a service that never ends.
const SCENARIO: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/train"
states = [
  { after = "0s", state = "Pending" },
  { after = "400ms", state = "Running" },
  { after = "800ms", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "more than 16 GiB" },
]

[[job]]
ref = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35"
states = [
  { after = "0s", state = "Running" },
  { after = "500ms", state = "Completed" },
]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "1h"
"#;

/// A watch that runs while the test acts on it.
struct Watching {
    child: Child,
    lines: BufReader<ChildStdout>,
    _home: tempfile::TempDir,
}

impl Watching {
    fn start(emulated: &Emulated, arguments: &[&str]) -> Self {
        Self::start_with(emulated.environment(), arguments)
    }

    fn start_with(environment: Vec<(String, String)>, arguments: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_joblens"))
            .args(["watch", "--interval", "50ms"])
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            _home: home,
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end; returns exit code and standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                panic!("it did not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut text).unwrap();
        (status.code(), text)
    }
}

fn watch(emulated: &Emulated, arguments: &[&str]) -> crate::support::Run {
    let mut all = vec!["watch", "--interval", "50ms"];
    all.extend_from_slice(arguments);
    emulated.joblens(&all).run()
}

fn records(stdout: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Checks that the records are numbered without gaps, that only the last one is a summary, and that all have a
/// time.
fn assert_whole(records: &[Value]) {
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], number + 1, "{records:#?}");
        let at = record["at"].as_str().unwrap();
        assert!(at.len() == 20 && at.ends_with('Z'), "{at}");
        let is_last = number + 1 == records.len();
        assert_eq!(record["type"] == "summary", is_last, "{records:#?}");
    }
}

/// Returns the states of each resource in order. Checks that each transition names the previous state.
fn courses(records: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut courses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let transitions = records.iter().filter(|one| one["type"] == "transition");
    for record in transitions {
        let course = courses
            .entry(record["ref"].as_str().unwrap().to_owned())
            .or_default();
        let previous = course.last().map_or(Value::Null, |state| json!(state));
        assert_eq!(record["previous"], previous, "{record:#}");
        course.push(record["state"].as_str().unwrap().to_owned());
    }
    courses
}

#[test]
fn a_pipe_gets_a_line_for_each_change_until_all_have_ended() {
    let emulated = Emulated::start(SCENARIO);
    let run = watch(&emulated, &[JOB, INSTANCE]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let last = |reference: &str| -> Vec<String> {
        let lines = run.stdout.lines().map(str::split_whitespace);
        let lines = lines.map(|line| line.map(str::to_owned).collect());
        let mut lines = lines.filter(|line: &Vec<String>| line[1] == reference);
        lines.next_back().unwrap()
    };
    assert_eq!(last(JOB)[2], "failed", "{}", run.stdout);
    assert!(last(JOB).concat().contains("137"), "{}", run.stdout);
    assert_eq!(last(INSTANCE)[2], "succeeded", "{}", run.stdout);
}

#[test]
fn quiet_jsonl_is_a_numbered_stream_with_a_summary_through_an_outage() {
    let outage = "[[fault]]\noperation = '*'\ncloud = 'aliyun'\nkind = 'status'\nstatus = 503\nskip = 1\ntimes = 4\nretry_after = '0s'\n";
    let emulated = Emulated::start(&format!("{SCENARIO}{outage}"));
    let options = ["-q", "-o", "jsonl", "--max-attempts", "1"];
    let run = watch(&emulated, &[&options[..], &[JOB, INSTANCE]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let records = records(&run.stdout);
    assert_whole(&records);
    let courses = courses(&records);
    assert_eq!(courses[JOB].last().unwrap(), "failed");
    assert_eq!(courses[INSTANCE].last().unwrap(), "succeeded");
    let failed = records.iter().find(|one| one["state"] == "failed").unwrap();
    assert_eq!(failed["state_raw"], "Failed");
    assert!(failed["reason"].is_string(), "{failed:#}");
    let error = records.iter().find(|one| one["type"] == "error").unwrap();
    assert_eq!(
        (&error["ref"], &error["category"], &error["retryable"]),
        (&json!(JOB), &json!("service_error"), &json!(true))
    );
    let summary = records.last().unwrap();
    assert_eq!(
        (&summary["jobs"], &summary["errors"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        summary["requests"],
        emulated.requests().values().sum::<u64>()
    );
}

#[test]
fn a_signal_ends_a_watch_within_a_second_with_the_summary() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let emulated = Emulated::start(SCENARIO);
        let mut watching = Watching::start(&emulated, &["-o", "jsonl", SERVICE]);
        let first = watching.line();
        let sent = Instant::now();
        watching.signal(signal);
        let second = watching.line();
        let (ended, stderr) = watching.end();
        assert!(
            sent.elapsed() < Duration::from_secs(1),
            "{:?}",
            sent.elapsed()
        );
        assert_eq!((ended, stderr.as_str()), (Some(code), ""));
        let records = records(&format!("{first}{second}"));
        assert_whole(&records);
        assert_eq!(records[0]["state"], "unknown");
        assert_eq!(records[1]["jobs"], 1);
    }
}

#[test]
fn a_closed_output_ends_a_watch_silently_even_without_changes() {
    let emulated = Emulated::start(SCENARIO);
    let mut watching = Watching::start(&emulated, &[SERVICE]);
    assert!(watching.line().contains(SERVICE));
    let Watching {
        child,
        lines,
        _home,
    } = watching;
    drop(lines);
    let nothing = Command::new("true")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
        .stdout
        .unwrap();
    let left = Watching {
        child,
        lines: BufReader::new(nothing),
        _home,
    };
    assert_eq!(left.end(), (Some(141), String::new()));
}

#[test]
fn an_output_that_is_not_read_does_not_delay_an_interrupt() {
    // A thousand records exceed the capacity of a pipe.
    let many = "aliyun/job/ehpc-hz-FYUr32/10_1-1000";
    let watching = Watching::start_with(Vec::new(), &["-q", "-o", "jsonl", many]);
    std::thread::sleep(Duration::from_secs(1));
    let sent = Instant::now();
    watching.signal("INT");
    assert_eq!(watching.end().0, Some(130));
    let elapsed = sent.elapsed();
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
}

#[test]
fn refused_credentials_are_not_sent_again() {
    let emulated = Emulated::start(SCENARIO);
    let run = emulated
        .joblens(&["watch", "--interval", "50ms", INSTANCE])
        .env("JOBLENS_SUGON_TOKEN", "another-token")
        .run();
    assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{}", run.stderr);
    assert!(
        run.stderr.starts_with(&format!("error: {INSTANCE}: ")),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.matches(INSTANCE).count(), 1, "{}", run.stderr);
    assert_eq!(emulated.requests().values().sum::<u64>(), 1);
}

#[test]
fn a_usage_error_is_reported_before_the_first_request() {
    let wrong: [(&[&str], &str); 7] = [
        (&["watch"], "no references given"),
        (&["watch", "--sort-by", "state", JOB], "joblens get"),
        (&["watch", "-o", "json", JOB], "-o jsonl"),
        (
            &["watch", "--interval", "0", JOB],
            "for --interval: must be greater than 0",
        ),
        (&["watch", "--interval", "5", JOB], "did you mean 5s or 5m?"),
        (&["watch", "aliyun/job/a/b/c/"], "too many segments"),
        (
            &["watch", "aliyun/job/a"],
            "hint: for all jobs of this scope: aliyun/job/a/",
        ),
    ];
    for (arguments, message) in wrong {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}\n{}", run.stderr);
        assert!(
            run.stderr.contains(message),
            "{arguments:?}\n{}",
            run.stderr
        );
    }
    let run = joblens(&["watch", "-o", "jsonl", "no/such/job"]).run();
    let records = records(&run.stdout);
    assert_whole(&records);
    assert_eq!((run.code, &records[0]["category"]), (2, &json!("usage")));
}
