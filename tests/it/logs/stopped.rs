//! Logs that end before the end of the job.

use std::process::Stdio;

use super::records;
use crate::support::emulated::Emulated;
use crate::support::jobs::JOB;

/// Starts a running job with a log.
fn running(more: &str) -> Emulated {
    Emulated::start(&format!(
        "[[job]]\nref = '{JOB}'\nstates = [{{ after = '0s', state = 'Running' }}]\n\
         log = [{{ after = '0s', line = 'epoch 1' }}]\n{more}"
    ))
}

#[test]
fn a_signal_ends_a_followed_log_with_a_summary() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let emulated = running("");
        let arguments = ["logs", "-f", "--interval", "50ms", "-o", "jsonl", JOB];
        let running = emulated
            .joblens(&arguments)
            .start(Stdio::piped(), Stdio::piped());
        emulated.wait_for_request("aliyun/DescribeContainerLog");
        running.signal(signal);
        let run = running.end();
        assert_eq!((run.code, run.stderr.as_str()), (code, ""));
        let records = records(&run.stdout);
        let last = records.last().unwrap();
        assert_eq!(
            (&last["type"], &last["complete"], &last["errors"]),
            (&"summary".into(), &false.into(), &0.into())
        );
    }
}

#[test]
fn a_signal_before_the_job_is_known_ends_records_with_a_summary() {
    let fault = "[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'slow'\ndelay = '1m'\n";
    let emulated = running(fault);
    let newest = format!("{}@latest", JOB.trim_end_matches(|c| c != '/'));
    let running = emulated
        .joblens(&["logs", "-o", "jsonl", &newest])
        .start(Stdio::piped(), Stdio::piped());
    emulated.wait_for_request("aliyun/ListServerlessJobs");
    running.signal("TERM");
    let run = running.end();
    let records = records(&run.stdout);
    assert_eq!((run.code, records.len()), (143, 1), "{}", run.stdout);
    assert_eq!(records[0]["type"], "summary");
}

#[test]
fn records_end_with_a_summary_if_the_newest_job_cannot_be_found() {
    let fault = "[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'status'\nstatus = 500\n";
    let emulated = running(fault);
    let newest = format!("{}@latest", JOB.trim_end_matches(|c| c != '/'));
    let run = emulated
        .joblens(&["logs", "-o", "jsonl", "--max-attempts", "1", &newest])
        .run();
    let records = records(&run.stdout);
    assert_eq!(run.code, 5, "{}", run.stderr);
    let types: Vec<_> = records.iter().map(|record| &record["type"]).collect();
    assert_eq!(types, ["error", "summary"]);
}
