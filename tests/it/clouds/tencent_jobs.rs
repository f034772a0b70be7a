//! Training tasks and batch jobs of Tencent Cloud: pages, filters, gates and requests.

use serde_json::json;

use super::kinds::refs;
use crate::support::emulated::Emulated;

const TASK: &str = "tencent/training-task/train-1";
const JOB: &str = "tencent/batch-job/job-1";

fn scenario() -> String {
    let job = |reference: &str, states: &str| {
        format!("[[job]]\nref = '{reference}'\nname = '训练'\nage = '1h'\nstates = [{states}]\n")
    };
    let running = "{ after = '0s', state = 'RUNNING' }";
    let many = (2..70).map(|number| job(&format!("tencent/training-task/train-{number}"), running));
    let failed = "{ after = '0s', state = 'RUNNING' }, \
         { after = '5m', state = 'FAILED', exit_code = 3, reason = 'RunCommandFailed', message = '内存不足' }";
    let mut text: String = many.collect();
    text += &job(TASK, failed);
    text += "warnings = [{ after = '5m', reason = 'x', message = 'Memory limit reached' }]\n";
    text += &job(JOB, failed);
    text += &job(
        "tencent/batch-job/job-2",
        "{ after = '0s', state = 'SUCCEED' }",
    );
    text
}

#[test]
fn a_failed_job_shows_its_reason_and_fails_a_gate() {
    let emulated = Emulated::start(&scenario());
    let task = emulated.get(&[TASK]).run().job();
    assert_eq!(
        (&task["state"], &task["message"], &task["duration_seconds"]),
        (&json!("failed"), &json!("内存不足"), &json!(300))
    );
    assert_eq!(
        (&task["warning_count"], &task["tasks"][0]["kind"]),
        (&json!(1), &json!("pod"))
    );
    let job = emulated.get(&[JOB]).run().job();
    assert_eq!(
        (&job["state"], &job["exit_code"], &job["message"]),
        (
            &json!("failed"),
            &json!(3),
            &json!("instance main/0: 内存不足 (exit code 3)")
        )
    );
    let text = emulated.joblens(&["describe", JOB]).run().stdout;
    assert!(
        text.contains("task instance main/0 exited with 3"),
        "{text}"
    );
    let passed = emulated.joblens(&["wait", "tencent/batch-job/job-2"]).run();
    assert_eq!(passed.code, 0, "{}", passed.stderr);
    for reference in [TASK, JOB] {
        assert_eq!(emulated.joblens(&["wait", reference]).run().code, 1);
    }
}

#[test]
fn events_of_a_training_task_include_those_of_its_pods() {
    let emulated = Emulated::start(&scenario());
    let run = emulated.joblens(&["events", TASK, "-o", "json"]).run();
    assert!(
        run.stdout.contains("Memory limit reached"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_list_is_read_page_by_page_and_filtered_by_the_cloud() {
    let emulated = Emulated::start(&scenario());
    let list = |words: &[&str]| {
        let words = [&["list", "-o", "json"], words].concat();
        emulated.joblens(&words).run().json()
    };
    let tasks = list(&["tencent/training-task", "--limit", "none"]);
    assert_eq!(refs(&tasks).len(), 69);
    assert_eq!(emulated.requests()["tencent/DescribeTrainingTasks"], 2);
    let failed = list(&["qcloud/train", "--state", "failed"]);
    assert_eq!(refs(&failed), [TASK]);
    assert_eq!(emulated.requests()["tencent/DescribeTrainingTasks"], 3);
    let failed = list(&["qcloud/batch", "--state", "failed"]);
    assert_eq!(refs(&failed), [JOB]);
}

#[test]
fn a_missing_job_and_a_wrong_key_are_distinguished() {
    let emulated = Emulated::start(&scenario());
    for kind in ["training-task", "batch-job"] {
        let run = emulated.get(&[&format!("tencent/{kind}/none")]).run();
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(run.stderr.contains("ResourceNotFound"), "{}", run.stderr);
        let wrong = emulated
            .get(&[&format!("tencent/{kind}/job-1")])
            .env("TENCENTCLOUD_SECRET_KEY", "another")
            .run();
        assert_eq!(wrong.code, 4, "{}", wrong.stderr);
        assert!(
            wrong.stderr.contains("AuthFailure.SignatureFailure"),
            "{}",
            wrong.stderr
        );
    }
}

#[test]
fn throttling_is_retried_and_unreadable_events_are_a_notice() {
    let faults = "[[fault]]\noperation = 'DescribeTrainingTask'\nkind = 'throttle'\ntimes = 1\n\
         [[fault]]\noperation = 'DescribeEvents'\nkind = 'refuse'\n";
    let emulated = Emulated::start(&(scenario() + faults));
    let run = emulated.get(&[TASK]).run();
    assert_eq!(run.job()["state"], "failed", "{}", run.stderr);
    let notices = &run.json()["notices"];
    assert_eq!(notices[0]["code"], "parts_unread", "{notices}");
    assert_eq!(emulated.requests()["tencent/DescribeTrainingTask"], 2);
}
