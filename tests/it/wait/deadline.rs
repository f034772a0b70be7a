//! The last poll before the deadline; `src/commands/wait/tests.rs` tests its rules.

use std::fs;
use std::io::{self, Write as _};
use std::time::Duration;

use super::{JOB, job_with, reason};
use crate::support::Joblens;
use crate::support::emulated::Emulated;

/// Returns a job that is polled every 30 s, since it has not changed for a day.
fn old(reference: &str) -> String {
    job_with(reference, "0s Running", "age = '1d'")
}

/// Returns such a job that ends in this state this many seconds from now.
fn old_until(reference: &str, seconds: u64, end: &str) -> String {
    let life = format!("0s Running, {}s {end}", 86_400 + seconds);
    job_with(reference, &life, "age = '1d'")
}

/// Returns a wait with the default interval.
fn wait(emulated: &Emulated, arguments: &[&str]) -> Joblens {
    emulated.joblens(&[&["wait", "-o", "json"], arguments].concat())
}

/// At the start and before the deadline; only once if a busy machine starts slowly.
fn assert_polled_at_most_twice(emulated: &Emulated) {
    let polls = emulated.requests()["aliyun/DescribeServerlessJobs"];
    assert!(polls <= 2, "{polls} polls");
}

#[test]
fn a_rarely_polled_job_is_polled_again_just_before_the_deadline() {
    let emulated = Emulated::start(&old_until(JOB, 1, "Succeeded"));
    let run = wait(&emulated, &[JOB, "-t", "4s"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_polled_at_most_twice(&emulated);
}

#[test]
fn a_server_that_hangs_at_the_last_poll_does_not_delay_the_timeout() {
    let hang = "[[fault]]\noperation = 'DescribeServerlessJobs'\nkind = 'slow'\ndelay = '1m'\n\
        skip = 1\n";
    let emulated = Emulated::start(&(old(JOB) + hang));
    let run = wait(&emulated, &[JOB, "-t", "2s"]).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
    assert_eq!(
        reason(&run),
        format!("timed out after 2s; 1 of 1 still running: {JOB}")
    );
    assert_polled_at_most_twice(&emulated);
}

#[test]
fn a_first_lookup_without_a_response_was_sent_and_needs_a_longer_timeout() {
    let hang = "[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '1m'\n";
    let emulated = Emulated::start(&(old(JOB) + hang));
    let run = emulated.joblens(&["wait", JOB, "-t", "4s"]).run();
    assert_eq!(run.code, 5, "{}", run.stderr);
    let lines = |text: &str| {
        run.stderr
            .lines()
            .filter(|line| line.contains(text))
            .count()
    };
    assert_eq!(
        lines("request: DescribeServerlessJobs at "),
        1,
        "{}",
        run.stderr
    );
    assert_eq!(lines("not sent"), 0, "{}", run.stderr);
    assert_eq!(lines("hint: allow more time"), 1, "{}", run.stderr);
}

#[test]
fn a_timeout_of_zero_polls_only_once() {
    let emulated = Emulated::start(&old(JOB));
    let run = wait(&emulated, &[JOB, "-t", "0"]).run();
    assert_eq!(run.code, 8, "{}", run.stderr);
    assert_eq!(emulated.requests()["aliyun/DescribeServerlessJobs"], 1);
    assert_eq!(reason(&run), format!("1 of 1 still running: {JOB}"));
}

#[test]
fn the_timeout_includes_the_time_to_read_references_from_stdin() {
    let emulated = Emulated::start(&old(JOB));
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(format!("{JOB}\n").as_bytes()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    fs::write(file("r.env"), "JOBLENS_VERDICT=passed\n").unwrap();
    let (junit, dotenv) = (file("r.xml"), file("r.env"));
    let options = [format!("junit={junit}"), format!("gitlab-dotenv={dotenv}")];
    let [junit_option, dotenv_option] = &options;
    let arguments = [
        "-",
        "-t",
        "1s",
        "--report",
        junit_option,
        "--report",
        dotenv_option,
    ];
    let run = wait(&emulated, &arguments).run_with(reader);
    assert_eq!(run.code, 124, "{}", run.stderr);
    let message = "timed out after 1s: the references on stdin are not complete";
    let last = run.stderr.lines().last().unwrap();
    assert!(
        last.starts_with(&format!("undecided: {message} (")),
        "{}",
        run.stderr
    );
    let json = run.json();
    assert_eq!(json["exit"]["word"], "timeout");
    assert_eq!(json["gate"]["verdict"], "undecided");
    assert_eq!(json["gate"]["reason"], message);
    let dotenv = fs::read_to_string(dotenv).unwrap();
    assert!(
        dotenv.starts_with("JOBLENS_VERDICT=undecided\nJOBLENS_EXIT=124\n"),
        "{dotenv}"
    );
    assert!(dotenv.contains("\nJOBLENS_PENDING=\n"), "{dotenv}");
    assert!(fs::read_to_string(junit).unwrap().contains(message));
    assert!(emulated.requests().is_empty());
    drop(writer);
}
