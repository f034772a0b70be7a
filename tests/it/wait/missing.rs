//! Resources that do not exist: not yet, no longer, or never.

use std::time::Duration;

use super::{INSTANCE, JOB, LONG, OTHER_JOB, job, job_with, reason};
use crate::support::emulated::Emulated;

#[test]
fn a_job_that_appears_later_is_waited_for() {
    let scenario = job_with(JOB, "0s Succeeded", "appears = '1s'")
        + &job_with(INSTANCE, "0s Completed", "appears = '1500ms'");
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[JOB, INSTANCE, "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["errors"], serde_json::json!([]));
}

#[test]
fn a_job_that_never_appears_is_not_found_at_the_deadline() {
    let emulated = Emulated::start(&job(JOB, "0s Running"));
    let options = ["--missing-grace", "0", "--missing", "wait", "-t", "1s"];
    let run = emulated.wait(&[&options[..], &[OTHER_JOB]].concat()).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.elapsed >= Duration::from_secs(1), "{:?}", run.elapsed);
}

#[test]
fn empty_responses_are_treated_as_a_temporary_outage() {
    let scenario = job(JOB, "0s Running, 1s Succeeded")
        + "[[fault]]\noperation = '*'\nkind = 'empty'\nskip = 1\ntimes = 2\n";
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[JOB, "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_job_that_disappears_during_the_wait_is_reported_as_such() {
    let emulated = Emulated::start(&job_with(JOB, "0s Running", "vanishes = '1s'"));
    let run = emulated.wait(&[JOB, "-t", "2500ms"]).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        reason(&run).ends_with(": disappeared (was running)"),
        "{}",
        reason(&run)
    );
}
