use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, mpsc};

use serde_json::Value;

use super::{fault_after, many, pages_requested};
use crate::support::emulated::Emulated;
use crate::support::{Server, json};

/// A list that runs while the test acts on it.
struct Listing {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _home: tempfile::TempDir,
}

impl Listing {
    fn start(emulated: &Emulated, arguments: &[&str]) -> Self {
        Self::start_with(emulated.environment(), arguments)
    }

    fn start_with<N: AsRef<OsStr>>(
        environment: impl IntoIterator<Item = (N, String)>,
        arguments: &[&str],
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_joblens"))
            .arg("list")
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .envs(environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            _home: home,
        }
    }

    /// Reads the next lines as soon as they are written.
    fn take(&mut self, count: usize) -> Vec<String> {
        let lines = self.lines.by_ref().take(count);
        let lines: Vec<String> = lines.map(Result::unwrap).collect();
        assert_eq!(lines.len(), count, "the list ended early");
        lines
    }

    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        let killed = Command::new("sh").args(["-c", &kill]).status();
        assert!(killed.unwrap().success());
    }

    /// Returns its peak memory so far, in KiB.
    fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let number = line.unwrap().split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    }

    /// Stops reading; returns exit code and standard error.
    fn end(self) -> (Option<i32>, String) {
        let Self {
            mut child, lines, ..
        } = self;
        drop(lines);
        let code = child.wait().unwrap().code();
        let mut message = String::new();
        child.stderr.unwrap().read_to_string(&mut message).unwrap();
        (code, message)
    }
}

/// Far longer than any of these tests needs.
const HELD: &str = "kind = 'slow'\ndelay = '10m'";

#[test]
fn the_first_page_is_printed_before_the_second_arrives() {
    for (format, before) in [("name", 0), ("jsonl", 0), ("csv", 1), ("tsv", 1)] {
        let emulated = Emulated::start(&(many("c", 250) + &fault_after(1, HELD)));
        let mut listing = Listing::start(&emulated, &["aliyun/job/c", "-o", format]);
        let lines = listing.take(before + 100);
        assert!(
            lines[before].contains("aliyun/job/c/1_"),
            "{}",
            lines[before]
        );
        listing.child.kill().unwrap();
        listing.end();
    }
}

#[test]
fn a_closed_output_ends_a_list_silently_without_more_requests() {
    let emulated = Emulated::start(&(many("c", 250) + &fault_after(1, HELD)));
    let mut listing = Listing::start(&emulated, &["aliyun/job/c", "-o", "name"]);
    listing.take(100);
    assert_eq!(listing.end(), (Some(141), String::new()));
    assert!(pages_requested(&emulated) <= 2);
}

#[test]
fn an_interrupted_list_ends_with_an_incomplete_mark_or_summary() {
    let world = many("c", 250) + &fault_after(1, HELD);
    let emulated = Emulated::start(&world);
    let mut listing = Listing::start(&emulated, &["aliyun/job/c", "-o", "name"]);
    listing.take(100);
    listing.interrupt();
    assert_eq!(listing.take(1), ["#!incomplete: interrupted"]);
    assert_eq!(listing.end(), (Some(130), String::new()));

    let emulated = Emulated::start(&world);
    let mut listing = Listing::start(&emulated, &["aliyun/job/c", "-o", "jsonl"]);
    listing.take(100);
    listing.interrupt();
    let last: Value = serde_json::from_str(&listing.take(1)[0]).unwrap();
    assert_eq!(
        (&last["type"], &last["jobs"]),
        (&"summary".into(), &100.into())
    );
    assert_eq!(listing.end().0, Some(130));
}

#[test]
fn an_interrupt_ends_an_endless_jq_expression() {
    let emulated = Emulated::start(&many("c", 2));
    let endless = ["aliyun/job/c", "--jq", "last(repeat(1))"];
    let mut listing = Listing::start(&emulated, &endless);
    emulated.wait_for_request("aliyun/ListServerlessJobs");
    listing.interrupt();
    // An interrupt before the expression began leaves an answer, which must be read.
    listing.lines.by_ref().for_each(drop);
    assert_eq!(listing.end().0, Some(130));
}

#[test]
fn an_output_that_is_not_read_delays_requests_but_not_an_interrupt() {
    // A page of these records exceeds the capacity of a pipe.
    let emulated = Emulated::start(&many("c", 250));
    let listing = Listing::start(&emulated, &["aliyun/job/c", "-o", "jsonl"]);
    emulated.wait_for_request("aliyun/ListServerlessJobs");
    listing.interrupt();
    let mut child = listing.child;
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(pages_requested(&emulated), 1);
}

#[test]
fn an_interrupted_list_of_several_scopes_marks_names_and_prints_no_table() {
    let held = format!("[[fault]]\noperation = 'ListServerlessJobs'\n{HELD}\n");
    let instance =
        "[[job]]\nref = 'sugon/instance/i'\nstates = [{ after = '0s', state = 'Running' }]\n";
    let world = many("c", 2) + instance + &held;
    let emulated = Emulated::start(&world);
    let scopes = ["aliyun/job/c", "sugon"];
    let mut listing = Listing::start(&emulated, &[&scopes[..], &["-o", "name"]].concat());
    emulated.wait_for_request("aliyun/ListServerlessJobs");
    listing.interrupt();
    let lines: Vec<String> = listing.lines.by_ref().map(Result::unwrap).collect();
    assert_eq!(lines.last().unwrap(), "#!incomplete: interrupted");
    assert_eq!(listing.end().0, Some(130));

    let emulated = Emulated::start(&world);
    let mut listing = Listing::start(&emulated, &[&scopes[..], &["-o", "table"]].concat());
    emulated.wait_for_request("aliyun/ListServerlessJobs");
    listing.interrupt();
    assert_eq!(listing.lines.by_ref().count(), 0);
    assert_eq!(listing.end(), (Some(130), String::new()));
}

/// Returns a page with a hundred of ten thousand jobs.
fn page(number: usize) -> String {
    let row = |n: usize| {
        format!(
            r#"{{"JobId":"{n}","JobName":"train","State":"Running","Queue":"gpu","User":"lin","SubmitTime":"1700000000","StartTime":"1700000100"}}"#
        )
    };
    let rows: Vec<String> = (0..100).map(|n| row(number * 100 + n)).collect();
    let rows = rows.join(",");
    format!(r#"{{"RequestId":"r-{number}","TotalCount":10000,"Jobs":[{rows}]}}"#)
}

#[test]
fn ten_thousand_jobs_need_little_memory() {
    // The debug build itself takes 28 MiB of it.
    const MAX_KIB: u64 = 48 << 10;
    for (format, before) in [("name", 0), ("jsonl", 0), ("csv", 1), ("tsv", 1)] {
        let (measured, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let server = Server::start(move |number, _, stream| {
            if number == 99 {
                // The last page is sent after the memory was measured.
                let _ = wait.lock().unwrap().recv();
            }
            let _ = stream.write_all(&json(page(number)));
        });
        let environment = [
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid".to_owned()),
            ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret".to_owned()),
            ("JOBLENS_ALIYUN_ENDPOINT", server.origin()),
        ];
        let mut listing = Listing::start_with(environment, &["aliyun/job/c", "-o", format]);
        listing.take(before + 9_900);
        let peak = listing.peak_kib();
        assert!(peak < MAX_KIB, "{format}: {peak} KiB");
        measured.send(()).unwrap();
        listing.take(100);
        let rest: Vec<String> = listing.lines.by_ref().map(Result::unwrap).collect();
        assert_eq!(rest.len(), usize::from(format == "jsonl"), "{rest:?}");
        assert_eq!(listing.end(), (Some(0), String::new()));
    }
}
