//! `joblens watch`, the real binary against the emulated clouds.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::emulated::Emulated;
use crate::support::{Server, http, joblens, json as answer};
use serde_json::{Value, json};

const JOB: &str = "aliyun/job/ehpc-hz-FYUr32/train";
const INSTANCE: &str = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35";
const SERVICE: &str = "tencent/service/cls-1/default/web";

/// Two jobs that end within a few seconds, one of them badly, and a service that never ends.
const WORLD: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/train"
states = [
  { after = "0s", state = "Pending" },
  { after = "1500ms", state = "Running" },
  { after = "3s", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "more than 16 GiB" },
]

[[job]]
ref = "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35"
states = [
  { after = "0s", state = "Running" },
  { after = "2s", state = "Completed" },
]

[[job]]
ref = "tencent/service/cls-1/default/web"
age = "1h"
"#;

/// A watch that goes on while the test does something to it.
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

    /// Waits for the end: exit code, and what stderr holds.
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
        let mut told = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut told).unwrap();
        (status.code(), told)
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

/// The records are numbered without gaps, the last one is the only summary, and all hold a time.
fn assert_whole(records: &[Value]) {
    for (number, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], number + 1, "{records:#?}");
        let at = record["at"].as_str().unwrap();
        assert!(at.len() == 20 && at.ends_with('Z'), "{at}");
        let is_last = number + 1 == records.len();
        assert_eq!(record["type"] == "summary", is_last, "{records:#?}");
    }
}

/// The states that each resource was seen in, in their order; each transition names the one before
/// it.
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
    let emulated = Emulated::start(WORLD);
    let run = watch(&emulated, &[JOB, INSTANCE]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let fields = |reference: &str| -> Vec<Vec<String>> {
        run.stdout
            .lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .filter(|fields: &Vec<String>| fields[1] == reference)
            .collect()
    };
    let job = fields(JOB);
    let states: Vec<_> = job.iter().map(|line| (&*line[2], &*line[3])).collect();
    assert_eq!(
        states,
        [
            ("pending", "-"),
            ("running", "pending"),
            ("failed", "running")
        ]
    );
    assert!(job[2].concat().contains("137"), "{job:?}");
    let instance = fields(INSTANCE);
    assert_eq!(instance.len(), 2, "{}", run.stdout);
    assert_eq!(instance[1][2..4], ["succeeded", "running"]);
    let is_time = |line: &str| {
        line.split_whitespace()
            .next()
            .is_some_and(|at| at.ends_with('Z'))
    };
    assert!(run.stdout.lines().all(is_time), "{}", run.stdout);
}

#[test]
fn jsonl_is_a_numbered_stream_with_a_summary() {
    let emulated = Emulated::start(WORLD);
    let run = watch(&emulated, &["-o", "jsonl", JOB, INSTANCE]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let records = records(&run.stdout);
    assert_whole(&records);
    let courses = courses(&records);
    assert_eq!(courses[JOB], ["pending", "running", "failed"]);
    assert_eq!(courses[INSTANCE], ["running", "succeeded"]);
    let failed = records.iter().find(|one| one["state"] == "failed").unwrap();
    assert_eq!(failed["state_raw"], "Failed");
    assert!(failed["reason"].is_string(), "{failed:#}");
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
fn an_interrupt_ends_it_within_a_second_with_the_summary() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let emulated = Emulated::start(WORLD);
        let mut watching = Watching::start(&emulated, &["-o", "jsonl", SERVICE]);
        let first = watching.line();
        let sent = Instant::now();
        watching.signal(signal);
        let second = watching.line();
        let (ended, told) = watching.end();
        assert!(
            sent.elapsed() < Duration::from_secs(1),
            "{:?}",
            sent.elapsed()
        );
        assert_eq!((ended, told.as_str()), (Some(code), ""));
        let records = records(&format!("{first}{second}"));
        assert_whole(&records);
        assert_eq!(records[0]["state"], "unknown");
        assert_eq!(records[1]["jobs"], 1);
    }
}

#[test]
fn a_reader_that_leaves_ends_it_quietly_even_when_nothing_changes() {
    let emulated = Emulated::start(WORLD);
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
fn a_reader_that_takes_nothing_does_not_hold_up_an_interrupt() {
    // A thousand records are more than a pipe holds.
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
fn an_outage_is_told_when_it_begins_and_when_it_is_over() {
    let outage = "[[fault]]\noperation = '*'\ncloud = 'aliyun'\nkind = 'status'\nstatus = 503\nskip = 1\ntimes = 4\nretry_after = '0s'\n";
    let emulated = Emulated::start(&format!("{WORLD}{outage}"));
    let run = watch(&emulated, &["-o", "jsonl", "--max-attempts", "1", JOB]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let told: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(told.len(), 2, "{}", run.stderr);
    assert!(told[0].contains("aliyun is unreachable"), "{}", told[0]);
    assert!(told[1].contains("aliyun is reachable again"), "{}", told[1]);
    let records = records(&run.stdout);
    assert_whole(&records);
    let errors: Vec<_> = records
        .iter()
        .filter(|one| one["type"] == "error")
        .collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0]["ref"], JOB);
    assert_eq!(
        (&errors[0]["category"], &errors[0]["retryable"]),
        (&json!("service_error"), &json!(true))
    );
    assert_eq!(courses(&records)[JOB].last().unwrap(), "failed");
    assert_eq!(records.last().unwrap()["errors"], 0);
}

#[test]
fn quiet_keeps_standard_error_silent() {
    let outage = "[[fault]]\noperation = '*'\ncloud = 'aliyun'\nkind = 'status'\nstatus = 503\nskip = 1\ntimes = 4\nretry_after = '0s'\n";
    let emulated = Emulated::start(&format!("{WORLD}{outage}"));
    let run = watch(&emulated, &["-q", "--max-attempts", "1", JOB]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.stdout.lines().count(), 3, "{}", run.stdout);
}

#[test]
fn what_does_not_exist_is_believed_in_time_and_does_not_hold_up_the_rest() {
    let emulated = Emulated::start(WORLD);
    let missing = "aliyun/job/ehpc-hz-FYUr32/nothing";
    let run = watch(
        &emulated,
        &["-o", "jsonl", "--missing-grace", "0s", missing, INSTANCE],
    );
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.elapsed > Duration::from_secs(15), "{:?}", run.elapsed);
    let records = records(&run.stdout);
    assert_whole(&records);
    let of_missing: Vec<_> = records.iter().filter(|one| one["ref"] == missing).collect();
    let told: Vec<_> = of_missing
        .iter()
        .map(|one| (one["category"].as_str().unwrap(), &one["retryable"]))
        .collect();
    assert_eq!(
        told,
        [("not_found", &json!(true)), ("not_found", &json!(false))]
    );
    assert_eq!(courses(&records)[INSTANCE], ["running", "succeeded"]);
    let summary = records.last().unwrap();
    assert_eq!(
        (&summary["jobs"], &summary["errors"]),
        (&json!(1), &json!(1))
    );
    assert!(run.stderr.contains("; retrying"), "{}", run.stderr);
}

#[test]
fn credentials_that_are_refused_are_not_tried_again() {
    let emulated = Emulated::start(WORLD);
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
fn wrong_use_is_told_before_the_first_call() {
    let wrong: [(&[&str], &str); 6] = [
        (&["watch"], "no references given"),
        (&["watch", "--sort-by", "state", JOB], "joblens get"),
        (&["watch", "-o", "json", JOB], "-o jsonl"),
        (
            &["watch", "--interval", "0", JOB],
            "--interval must be greater than 0",
        ),
        (&["watch", "--interval", "5", JOB], "a duration with a unit"),
        (&["watch", "aliyun/job/a/b/c/"], "too many segments"),
    ];
    for (arguments, told) in wrong {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}\n{}", run.stderr);
        assert!(run.stderr.contains(told), "{arguments:?}\n{}", run.stderr);
    }
    let run = joblens(&["watch", "-o", "jsonl", "no/such/thing"]).run();
    let records = records(&run.stdout);
    assert_whole(&records);
    assert_eq!((run.code, &records[0]["category"]), (2, &json!("usage")));
}

/// Jobs of one cluster: one that ended long ago, one that ends soon, and one that comes later.
const CLUSTER: &str = r#"
[[job]]
ref = "aliyun/job/c-1/old"
age = "1d"
states = [{ after = "0s", state = "Succeeded", exit_code = 0 }]

[[job]]
ref = "aliyun/job/c-1/now"
age = "1h"
states = [
  { after = "0s", state = "Running" },
  { after = "3601s", state = "Succeeded", exit_code = 0 },
]

[[job]]
ref = "aliyun/job/c-1/later"
appears = "1s"
states = [{ after = "0s", state = "Failed", exit_code = 1 }]
"#;

#[test]
fn a_scope_follows_what_is_on_its_way_and_what_appears() {
    let emulated = Emulated::start(CLUSTER);
    let mut watching = Watching::start(&emulated, &["-o", "jsonl", "aliyun/job/c-1/"]);
    let mut seen = BTreeMap::new();
    while !seen.contains_key("aliyun/job/c-1/later")
        || seen.get("aliyun/job/c-1/now") != Some(&json!("succeeded"))
    {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        assert_eq!(record["type"], "transition", "{record}");
        let reference = record["ref"].as_str().unwrap().to_owned();
        seen.insert(reference, record["state"].clone());
    }
    assert_eq!(seen["aliyun/job/c-1/later"], "failed");
    assert!(!seen.contains_key("aliyun/job/c-1/old"), "{seen:?}");
    // All have ended, and yet something more may appear.
    watching.signal("INT");
    let last: Value = serde_json::from_str(&watching.line()).unwrap();
    assert_eq!(last["type"], "summary");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn a_scope_that_cannot_be_listed_is_told_and_ends_the_watch_with_its_cause() {
    let emulated = Emulated::start(CLUSTER);
    let run = watch(&emulated, &["-o", "jsonl", "aliyun/job/no-such-cluster/"]);
    let all = records(&run.stdout);
    assert_whole(&all);
    assert_eq!((run.code, &all[0]["category"]), (3, &json!("not_found")));
    assert_eq!(all[0]["ref"], "aliyun/job/no-such-cluster/");
}

#[test]
fn a_cluster_with_all_its_namespaces_and_the_commands_of_one_can_be_watched() {
    const JOBS: &str = r#"
[[job]]
ref = "tencent/service/cls-1/default/web"
[[job]]
ref = "tencent/service/cls-1/other/web"
[[job]]
ref = "aliyun/invocation/c-1/c-7"
states = [{ after = "0s", state = "Running" }]
"#;
    let emulated = Emulated::start(JOBS);
    let scopes = ["tencent/service/cls-1/", "aliyun/invocation/c-1/"];
    let mut watching = Watching::start(&emulated, &[&["-o", "jsonl"], &scopes[..]].concat());
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < 3 {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        seen.push(record["ref"].as_str().unwrap().to_owned());
    }
    seen.sort();
    let wanted = [
        "aliyun/invocation/c-1/c-7",
        "tencent/service/cls-1/default/web",
        "tencent/service/cls-1/other/web",
    ];
    assert_eq!(seen, wanted);
    watching.signal("INT");
    assert_eq!(watching.end().0, Some(130));
}

#[test]
fn a_part_of_a_scope_that_cannot_be_listed_is_told_and_the_rest_is_followed() {
    use std::io::Write as _;
    let server = Server::start(|_, request, stream| {
        let target = request.target();
        let answer = match () {
            () if target.contains("job_type=DELETE_SERVER&") => http("403 Forbidden", "", b"{}"),
            () if target.contains("job_type=CREATE_SERVER_IMAGE&") => answer(r#"{"items": []}"#),
            () if target.contains("job_type=") => {
                answer(r#"{"items": [{"id": "7", "status": "RUNNING"}]}"#)
            }
            () => answer(r#"{"id": "7", "status": "RUNNING"}"#),
        };
        let _ = stream.write_all(&answer);
    });
    let origin = server.origin();
    let environment = [
        ("JOBLENS_HUAWEI_ENDPOINT", origin.as_str()),
        ("JOBLENS_HUAWEI_PROJECT_ID", "p1"),
        ("JOBLENS_HUAWEI_TOKEN", "a-token"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let scope = ["-o", "jsonl", "huawei/image-job/"];
    let mut watching = Watching::start_with(environment.to_vec(), &scope);
    let mut seen = BTreeMap::new();
    while seen.len() < 2 {
        let record: Value = serde_json::from_str(&watching.line()).unwrap();
        let reference = record["ref"].as_str().unwrap().to_owned();
        let what = [&record["type"], &record["state"], &record["category"]];
        seen.insert(reference, what.map(Value::to_string).concat());
    }
    assert_eq!(
        seen["huawei/image-job/"],
        r#""error"null"permission_denied""#
    );
    assert_eq!(seen["huawei/image-job/7"], r#""transition""running"null"#);
    watching.signal("INT");
    assert_eq!(watching.end().0, Some(130));
}
