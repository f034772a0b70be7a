//! `joblens logs --follow` for jobs that write nothing.

use super::{WORLD, logs};
use crate::support::emulated::Emulated;
use crate::support::jobs::JOB;

const SILENT: &str = "aliyun/job/ehpc-hz-FYUr32/silent";

#[test]
fn a_job_that_ended_without_a_log_is_an_error_with_and_without_follow() {
    let emulated = Emulated::start(WORLD);
    let follow = ["-f", "--interval", "50ms"];
    for options in [&[][..], &follow] {
        for (more, name) in [
            (&[][..], "eci-silent-1/main"),
            (&["--all-containers"], "the job"),
        ] {
            let run = logs(&emulated, &[options, more, &[SILENT]].concat());
            assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{}", run.stderr);
            let message = format!("{name} has no log: it wrote nothing, or its log was removed");
            assert!(run.stderr.contains(&message), "{}", run.stderr);
        }
    }
    let none = ["-f", "--interval", "50ms", "--tail", "0", JOB];
    let run = logs(&emulated, &none);
    assert!(!run.stderr.contains("empty"), "{}", run.stderr);
}

#[test]
fn a_command_that_wrote_nothing_has_no_hint_about_containers() {
    let command = "aliyun/invocation/ehpc-hz-FYUr32/c-9";
    let emulated = Emulated::start(&format!(
        "[[job]]\nref = '{command}'\nstates = [{{ after = '0s', state = 'Finished', exit_code = 0 }}]\n"
    ));
    let run = logs(&emulated, &[command]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{}", run.stderr);
    let message = "i-node001 has no log: it wrote nothing\n";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(!run.stderr.contains("hint:"), "{}", run.stderr);
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
