//! Logs that cannot be written or do not exist.

use std::fs;
use std::process::Stdio;

use super::{JOB, WORLD, logs};
use crate::support::emulated::Emulated;

#[test]
fn a_full_disk_ends_logs_with_exit_code_5() {
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
fn the_log_of_an_array_job_is_that_of_its_failed_subtask() {
    let job = |id: &str, end: &str| {
        format!(
            "[[job]]\nref = 'aliyun/job/ehpc-hz-FYUr32/{id}'\nage = '1h'\n\
             log = [{{ after = '1m', line = 'log of {id}' }}]\n\
             states = [{{ after = '0s', state = 'Running' }}, {{ after = '30m', {end} }}]\n"
        )
    };
    let succeeded = job("10_3", "state = 'Succeeded', exit_code = 0");
    let failed = job(
        "10_4",
        "state = 'Failed', exit_code = 137, reason = 'OOMKilled'",
    );
    let emulated = Emulated::start(&(succeeded + &failed));
    let run = logs(&emulated, &["aliyun/job/ehpc-hz-FYUr32/10"]);
    assert_eq!(
        (run.code, &*run.stdout),
        (0, "log of 10_4\n"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("showing 10_4"), "{}", run.stderr);
    let run = logs(
        &emulated,
        &["--task", "10_3", "aliyun/job/ehpc-hz-FYUr32/10"],
    );
    assert_eq!(
        (run.code, &*run.stdout),
        (0, "log of 10_3\n"),
        "{}",
        run.stderr
    );
    let page = emulated
        .joblens(&["describe", "aliyun/job/ehpc-hz-FYUr32/10"])
        .run();
    assert!(page.stdout.contains("    log of 10_4\n"), "{}", page.stdout);
    let subtask = logs(&emulated, &["aliyun/job/ehpc-hz-FYUr32/10_3"]);
    assert_eq!(subtask.code, 0, "{}", subtask.stderr);
}
