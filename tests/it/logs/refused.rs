//! Logs that cannot be written or do not exist.

use std::fs;
use std::process::Stdio;

use super::{JOB, WORLD, logs};
use crate::support::emulated::Emulated;

#[test]
fn a_log_for_a_full_disk_ends_with_5_as_any_other_output() {
    let emulated = Emulated::start(WORLD);
    for options in [&[][..], &["-o", "jsonl"], &["--all-containers"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let arguments = [&["logs", JOB], options].concat();
        let run = emulated.joblens(&arguments).start(full, Stdio::piped());
        let run = run.end();
        assert_eq!(run.code, 5, "{options:?}: {}", run.stderr);
        assert_eq!(
            run.stderr.matches("No space left").count(),
            1,
            "{}",
            run.stderr
        );
    }
}

#[test]
fn an_array_job_names_the_logs_of_its_subtasks() {
    let emulated = Emulated::start(
        "[[job]]\nref = 'aliyun/job/ehpc-hz-FYUr32/10_3-4'\nage = '1h'\nstates = [{ after = '0s', state = 'Running' }]\n",
    );
    let run = logs(&emulated, &["aliyun/job/ehpc-hz-FYUr32/10"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let hint = "joblens logs aliyun/job/ehpc-hz-FYUr32/10_3\n";
    assert!(run.stderr.contains(hint), "{}", run.stderr);
    assert!(
        !emulated
            .requests()
            .contains_key("aliyun/DescribeContainerLog")
    );
    let subtask = logs(&emulated, &["aliyun/job/ehpc-hz-FYUr32/10_3"]);
    assert_eq!(subtask.code, 0, "{}", subtask.stderr);
}
