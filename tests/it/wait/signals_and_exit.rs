//! The end of a wait: by signals, and with full or closed outputs.

use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{INSTANCE, JOB, LONG, job};
use crate::support::emulated::Emulated;
use crate::support::{Joblens, Run, wait_until};

/// Returns a full pipe that is not read while the reader exists.
fn full() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    // The default capacity of a pipe on Linux.
    writer.write_all(&[b'\n'; 65536]).unwrap();
    (reader, writer)
}

/// Returns the rest of the data that was written to a full pipe.
fn rest(mut reader: PipeReader) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

/// Sends a signal after the first call and checks that the run ends immediately.
fn end_by(
    emulated: &Emulated,
    signal: &str,
    run: Joblens,
    stdout: impl Into<Stdio>,
    stderr: impl Into<Stdio>,
) -> Run {
    let running = run.start(stdout, stderr);
    emulated.wait_for_request("sugon/InstanceServiceDetail");
    let sent = Instant::now();
    running.signal(signal);
    let run = running.end();
    assert!(
        sent.elapsed() < Duration::from_secs(1),
        "{:?}",
        sent.elapsed()
    );
    run
}

fn running() -> Emulated {
    Emulated::start(&job(INSTANCE, "0s Running"))
}

#[test]
fn signals_end_a_wait_at_once_with_the_summary() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let emulated = running();
        let wait = emulated.wait(&[INSTANCE, "-t", LONG]);
        let run = end_by(&emulated, signal, wait, Stdio::piped(), Stdio::piped());
        assert_eq!(run.code, code, "{}", run.stderr);
        assert_eq!(run.json()["exit"]["code"], code);
        assert_eq!(run.json()["gate"]["verdict"], "undecided");
        let last = run.stderr.lines().last().unwrap();
        assert!(last.contains("undecided: "), "{}", run.stderr);
    }
}

#[test]
fn a_signal_ends_a_wait_while_a_request_hangs() {
    let fault = "[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '1m'\n";
    let emulated = Emulated::start(&(job(INSTANCE, "0s Running") + fault));
    let wait = emulated.wait(&[INSTANCE, "-t", LONG]);
    let run = end_by(&emulated, "TERM", wait, Stdio::piped(), Stdio::piped());
    assert_eq!(run.code, 143, "{}", run.stderr);
    assert!(
        run.stderr.contains("undecided: terminated after"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_signal_ends_a_wait_with_its_summary_while_stdout_is_not_read() {
    let emulated = running();
    let (reader, writer) = full();
    let wait = emulated.wait(&[INSTANCE, "-t", LONG]);
    let run = end_by(&emulated, "INT", wait, writer, Stdio::piped());
    assert_eq!(run.code, 130, "{}", run.stderr);
    assert!(
        run.stderr.contains("undecided: interrupted after"),
        "{}",
        run.stderr
    );
    drop(reader);
}

#[test]
fn a_signal_ends_a_wait_with_its_answer_while_stderr_is_not_read() {
    let emulated = running();
    let (reader, writer) = full();
    let wait = emulated.wait(&[INSTANCE, "-t", LONG]);
    let run = end_by(&emulated, "INT", wait, Stdio::piped(), writer);
    assert_eq!(run.code, 130);
    assert_eq!(run.json()["exit"]["code"], 130);
    drop(reader);
}

#[test]
fn a_signal_ends_a_decided_wait_whose_answer_is_not_read() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Completed"));
    let (reader, writer) = full();
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let option = format!("json={}", report.display());
    let wait = emulated.wait(&[INSTANCE, "-t", LONG, "--report", &option]);
    let running = wait.start(writer, Stdio::piped());
    // The report is written completely before the answer, so that it shows when all verdicts are known.
    let is_decided =
        || std::fs::read_to_string(&report).is_ok_and(|text| text.contains("\"passed\""));
    wait_until("the wait is decided", is_decided);
    running.signal("TERM");
    let run = running.end();
    assert_eq!(run.code, 143, "{}", run.stderr);
    assert!(run.stderr.contains("passed"), "{}", run.stderr);
    drop(reader);
}

#[test]
fn a_slow_reader_of_stdout_gets_the_complete_answer() {
    let emulated = Emulated::start(&job("aliyun/job/C/1_1-300", "0s Running"));
    let (reader, writer) = full();
    let running = emulated
        .wait(&["aliyun/job/C/1_1-300", "--for", "running", "-t", LONG])
        .start(writer, Stdio::piped());
    emulated.wait_for_request("aliyun/ListServerlessJobs");
    let response = std::thread::spawn(move || rest(reader));
    assert_eq!(running.end().code, 0);
    let response: serde_json::Value =
        serde_json::from_str(response.join().unwrap().trim()).unwrap();
    assert_eq!(response["gate"]["met"], 300);
}

#[test]
fn a_full_standard_error_does_not_delay_polls() {
    let scenario = job(JOB, "0s Running, 1s Succeeded");
    let emulated = Emulated::start(&scenario);
    let (reader, writer) = full();
    let running = emulated
        .wait(&[JOB, "-t", LONG])
        .start(Stdio::piped(), writer);
    emulated.wait_for_request("aliyun/DescribeServerlessJobs");
    let message = std::thread::spawn(move || rest(reader));
    let run = running.end();
    assert_eq!(run.code, 0);
    assert_eq!(run.json()["gate"]["verdict"], "passed");
    assert!(message.join().unwrap().contains("passed: 1 of 1 succeeded"));
}

#[test]
fn outputs_that_were_closed_early_do_not_change_the_verdict() {
    for (end, code) in [("Succeeded", 0), ("Failed", 1)] {
        let life = format!("0s Running, 800ms {end}");
        let emulated = Emulated::start(&job(JOB, &life));
        let closed = || pipe().unwrap().1;
        let wait = || emulated.wait(&[JOB, "-t", LONG]);
        assert_eq!(wait().start(closed(), Stdio::piped()).end().code, code);
        assert_eq!(wait().start(Stdio::piped(), closed()).end().code, code);
        assert_eq!(wait().start(closed(), closed()).end().code, code);
    }
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    for command in ["wait", "watch"] {
        let emulated = running();
        let run = emulated.joblens(&[command, INSTANCE]).ignoring("INT");
        let running = run.start(Stdio::piped(), Stdio::piped());
        emulated.wait_for_request("sugon/InstanceServiceDetail");
        running.signal("INT");
        // If the first signal were not ignored, it would determine the exit code.
        running.signal("TERM");
        assert_eq!(running.end().code, 143, "{command}");
    }
}
