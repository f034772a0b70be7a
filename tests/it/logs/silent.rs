//! `joblens logs --follow` for jobs that write nothing.

use super::{WORLD, logs};
use crate::support::emulated::Emulated;
use crate::support::jobs::JOB;

const SILENT: &str = "aliyun/job/ehpc-hz-FYUr32/silent";

#[test]
fn a_followed_log_that_stays_empty_is_noted() {
    let emulated = Emulated::start(WORLD);
    let all = ["-f", "--interval", "50ms", "--all-containers", SILENT];
    let run = logs(&emulated, &all);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert_eq!(run.stderr, "note: the logs are empty\n");
    let one = ["-f", "--interval", "50ms", SILENT];
    let run = logs(&emulated, &one);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert!(
        run.stderr.ends_with("note: the log is empty\n"),
        "{}",
        run.stderr
    );
    let none = ["-f", "--interval", "50ms", "--tail", "0", JOB];
    let run = logs(&emulated, &none);
    assert!(!run.stderr.contains("empty"), "{}", run.stderr);
}

#[test]
fn several_restarts_between_two_polls_are_noted() {
    let emulated = Emulated::start(&format!(
        "[[job]]\nref = '{JOB}'\nrestarts = ['600ms', '700ms', '800ms']\n\
         states = [{{ after = '0s', state = 'Running' }}, {{ after = '3s', state = 'Failed', exit_code = 1 }}]\n\
         log = [{{ after = '100ms', line = 'line {{n}}', every = '100ms', times = 20 }}]\n\
         [[fault]]\noperation = 'DescribeServerlessJobs'\nkind = 'status'\nstatus = 502\n\
         from = '400ms'\nuntil = '1500ms'\n"
    ));
    let once = ["-f", "--interval", "50ms", "--max-attempts", "1", JOB];
    let run = logs(&emulated, &once);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let words = "was restarted 3 times; lines of the runs before the last may be missing";
    assert!(run.stderr.contains(words), "{}", run.stderr);
}
