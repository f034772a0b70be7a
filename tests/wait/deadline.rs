//! The last poll before the deadline.

use std::time::Duration;

use crate::support::Joblens;
use crate::support::emulated::Emulated;
use crate::{JOB, job_with, reason};

/// A job that is polled every 30 s, as nothing has changed for a day.
fn old(reference: &str) -> String {
    job_with(reference, "0s Running", "age = '1d'")
}

/// Such a job that ends in this state so many seconds from now.
fn old_until(reference: &str, seconds: u64, end: &str) -> String {
    let life = format!("0s Running, {}s {end}", 86_400 + seconds);
    job_with(reference, &life, "age = '1d'")
}

/// A wait with the usual interval.
fn wait(emulated: &Emulated, arguments: &[&str]) -> Joblens {
    emulated.joblens(&[&["wait", "-o", "json"], arguments].concat())
}

/// At the start and before the deadline; once where a busy machine took long to start.
fn assert_polled_at_most_twice(emulated: &Emulated) {
    let polls = emulated.requests()["aliyun/DescribeServerlessJobs"];
    assert!(polls <= 2, "{polls} polls");
}

#[test]
fn an_old_job_that_succeeds_before_the_deadline_passes() {
    let emulated = Emulated::start(&old_until(JOB, 1, "Succeeded"));
    let run = wait(&emulated, &[JOB, "-t", "6s"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_polled_at_most_twice(&emulated);
}

#[test]
fn a_fixed_interval_longer_than_the_timeout_leaves_the_last_poll() {
    let emulated = Emulated::start(&old_until(JOB, 1, "Failed"));
    let options = ["-t", "6s", "--interval", "1h"];
    let run = wait(&emulated, &[&[JOB][..], &options].concat()).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_polled_at_most_twice(&emulated);
}

#[test]
fn jobs_that_share_a_list_call_are_polled_for_the_last_time_by_it() {
    let scenario = old("aliyun/job/C/1_1-19") + &old_until("aliyun/job/C/1_20", 1, "Succeeded");
    let emulated = Emulated::start(&scenario);
    let run = wait(&emulated, &["aliyun/job/C/1_1-20", "-t", "6s"]).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    assert_eq!(run.json()["gate"]["met"], 1);
    let reason = reason(&run);
    assert!(reason.contains("19 of 20 still running: "), "{reason}");
    let requests = emulated.requests();
    // At the start, early enough to confirm each row, and right before the deadline.
    assert_eq!(requests["aliyun/ListServerlessJobs"], 3, "{requests:?}");
}

#[test]
fn many_jobs_that_end_before_the_deadline_are_all_confirmed() {
    let emulated = Emulated::start(&old_until("aliyun/job/C/1_1-20", 2, "Succeeded"));
    let run = wait(&emulated, &["aliyun/job/C/1_1-20", "-t", "8s"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["gate"]["met"], 20);
}

#[test]
fn a_slow_cloud_is_polled_so_early_that_it_can_respond() {
    let slow = "[[fault]]\noperation = '*'\nkind = 'slow'\ndelay = '1s'\n";
    let emulated = Emulated::start(&(old_until(JOB, 2, "Succeeded") + slow));
    let run = wait(&emulated, &[JOB, "-t", "8s"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_polled_at_most_twice(&emulated);
}

#[test]
fn a_retry_hint_does_not_put_off_the_last_poll() {
    let throttled = "[[fault]]\noperation = '*'\nkind = 'throttle'\nretry_after = '50s'\n\
        skip = 1\ntimes = 1\n";
    let life = "0s Running, 1s Succeeded";
    let emulated = Emulated::start(&(job_with(JOB, life, "") + throttled));
    let options = ["-t", "6s", "--max-attempts", "1"];
    let run = wait(&emulated, &[&[JOB][..], &options].concat()).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_server_that_hangs_at_the_last_poll_does_not_delay_the_end() {
    let hang = "[[fault]]\noperation = 'DescribeServerlessJobs'\nkind = 'slow'\ndelay = '1m'\n\
        skip = 1\n";
    let emulated = Emulated::start(&(old(JOB) + hang));
    let run = wait(&emulated, &[JOB, "-t", "3s"]).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    assert!(run.elapsed < Duration::from_secs(15), "{:?}", run.elapsed);
    assert_eq!(
        reason(&run),
        format!("timed out after 3s; 1 of 1 still running: {JOB}")
    );
    // The first poll reads the list of subtasks as well.
    assert_eq!(run.json()["gate"]["requests"], 3);
}

#[test]
fn no_time_means_one_poll() {
    let emulated = Emulated::start(&old(JOB));
    let run = wait(&emulated, &[JOB, "-t", "0"]).run();
    assert_eq!(run.code, 8, "{}", run.stderr);
    let requests = emulated.requests();
    assert_eq!(requests["aliyun/DescribeServerlessJobs"], 1);
    assert_eq!(requests["aliyun/ListServerlessJobs"], 1);
    assert_eq!(reason(&run), format!("1 of 1 still running: {JOB}"));
}
