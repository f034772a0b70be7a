//! Many resources in one wait, and the number of requests they need.

use super::{INSTANCE, JOB, LONG, MAX_DURATION, job, reason};
use crate::support::emulated::Emulated;
use crate::support::in_parallel;

#[test]
fn five_hundred_jobs_are_decided_from_lists_without_lookups() {
    let emulated = Emulated::start(&job("aliyun/job/C/1_1-500", "0s Running"));
    let run = emulated
        .wait(&["aliyun/job/C/1_1-500", "--for", "running", "-t", LONG])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["gate"]["met"], 500);
    let requests: Vec<_> = emulated.requests().into_iter().collect();
    let [(operation, count)] = &requests[..] else {
        panic!("{requests:?}");
    };
    assert_eq!(operation, "aliyun/ListServerlessJobs");
    // On a slow machine a second round may begin before the first one has ended.
    assert!((5..=10).contains(count), "{count}");
}

#[test]
fn one_failed_job_among_500_is_found_and_looked_up() {
    let scenario = job("aliyun/job/C/1_1-499", "0s Running")
        + &job("aliyun/job/C/1_500", "0s Running, 1s Failed");
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&["aliyun/job/C/1_1-500", "-t", LONG]).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
    let requests = emulated.requests();
    assert_eq!(requests["aliyun/DescribeServerlessJobs"], 1, "{requests:?}");
}

#[test]
fn ended_jobs_are_read_from_lists_and_only_20_failures_are_looked_up() {
    let scenario = job("aliyun/job/C/1_1-200", "0s Running, 1s Succeeded")
        + &job("aliyun/job/C/1_201-250", "0s Running, 1s Failed");
    let emulated = Emulated::start(&scenario);
    let run = emulated
        .wait(&["aliyun/job/C/1_1-250", "--no-fail-fast", "-t", LONG])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
    let requests = emulated.requests();
    assert_eq!(
        requests["aliyun/DescribeServerlessJobs"], 20,
        "{requests:?}"
    );
    let json = run.json();
    assert_eq!(json["gate"]["unmet"], 50);
    let jobs = json["jobs"].as_array().unwrap().iter();
    let looked_up: Vec<_> = jobs.filter(|job| job["from_list"] == false).collect();
    assert_eq!(looked_up.len(), 20);
    assert!(looked_up.iter().all(|job| job["exit_code"] == 1));
    assert_eq!(json["notices"][0]["code"], "from_lists");
}

#[test]
fn jobs_are_looked_up_one_by_one_if_listing_is_forbidden() {
    let scenario = job("aliyun/job/C/1_1-5", "0s Running, 1s Succeeded")
        + "[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'html'\nstatus = 403\n";
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&["aliyun/job/C/1_1-5", "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
}

#[test]
fn jobs_are_looked_up_one_by_one_if_lists_keep_failing() {
    in_parallel(["empty", "status"], |kind| {
        let fault = format!("[[fault]]\noperation = 'ListServerlessJobs'\nkind = '{kind}'\n");
        let life = job("aliyun/job/C/1_1-5", "0s Running, 1s Succeeded");
        let emulated = Emulated::start(&(life + &fault));
        let options = ["-t", LONG, "--max-attempts", "1"];
        let run = emulated
            .wait(&[&["aliyun/job/C/1_1-5"][..], &options].concat())
            .run();
        assert_eq!(run.code, 0, "{kind}: {}", run.stderr);
        assert!(run.elapsed < MAX_DURATION);
    });
}

#[test]
fn at_most_ten_requests_per_second_are_sent_for_an_account() {
    let instances: String = (0..12)
        .map(|number| job(&format!("sugon/instance/i-{number}"), "0s Running"))
        .collect();
    let emulated = Emulated::start(&instances);
    let input: String = (0..12)
        .map(|number| format!("sugon/instance/i-{number}\n"))
        .collect();
    let run = emulated.wait(&["-", "-t", "2s"]).input(&input).run();
    assert_eq!(run.code, 124, "{}", run.stderr);
    let calls = emulated.requests()["sugon/InstanceServiceDetail"];
    assert!(calls <= 21, "{calls} calls in 2 s");
    assert_eq!(
        run.json()["jobs"].as_array().unwrap().len(),
        12,
        "all were read"
    );
}

#[test]
fn an_ended_job_is_not_requested_again() {
    let scenario = job(JOB, "0s Succeeded") + &job(INSTANCE, "0s Running, 1s Completed");
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[JOB, INSTANCE, "-t", LONG]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let requests = emulated.requests();
    assert_eq!(requests["aliyun/DescribeServerlessJobs"], 1);
    assert_eq!(requests["aliyun/ListServerlessJobs"], 1, "its subtasks");
    assert!(emulated.answers_of("sugon").len() > 1);
    assert_eq!(reason(&run), "2 of 2 succeeded");
}
