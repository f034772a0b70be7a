//! Training jobs of ModelArts and asynchronous jobs of services: pages, gates, logs and errors.

use serde_json::json;

use super::kinds::refs;
use crate::support::emulated::Emulated;

const JOB: &str = "huawei/training-job/5bd61eea-9de2-4864-a0f7-5fae966171b5";

fn scenario() -> String {
    let job = |reference: &str, states: &str| {
        format!("[[job]]\nref = '{reference}'\nname = '训练'\nage = '1h'\nstates = [{states}]\n")
    };
    let running = "{ after = '0s', state = 'Pending' }, { after = '1m', state = 'Running' }";
    let many = (2..120).map(|number| job(&format!("huawei/training-job/job-{number}"), running));
    let mut text: String = many.collect();
    text += &job(
        JOB,
        &format!(
            "{running}, {{ after = '5m', state = 'Failed', exit_code = 137, message = '内存不足' }}"
        ),
    );
    text += "parts = 2\nwarnings = [{ after = '5m', reason = 'OOMKilling', message = '超限' }]\n\
             log = [{ after = '2m', line = '第 {n} 轮', every = '1m', times = 3 }]\n";
    text
}

#[test]
fn a_failed_job_shows_its_reason_and_fails_a_gate() {
    let emulated = Emulated::start(&scenario());
    let job = emulated.get(&[JOB]).run().job();
    assert_eq!(
        (&job["state"], &job["exit_code"], &job["message"]),
        (
            &json!("failed"),
            &json!(137),
            &json!("worker-1: 内存不足 (exit code 137)")
        )
    );
    assert_eq!(job["duration_seconds"], 240);
    assert_eq!(job["events"][0]["task"], "worker-1");
    assert_eq!(
        job["details"]["algorithm"]["environments"],
        json!([{"NCCL_DEBUG": "***"}])
    );
    assert_eq!(emulated.joblens(&["wait", JOB]).run().code, 1);
}

#[test]
fn a_list_is_read_page_by_page_and_filtered_by_the_cloud() {
    let emulated = Emulated::start(&scenario());
    let list = |words: &[&str]| {
        let words = [&["list", "-o", "json"], words].concat();
        emulated.joblens(&words).run().json()
    };
    let jobs = list(&["huawei/training-job", "--limit", "none"]);
    assert_eq!(refs(&jobs).len(), 119);
    assert_eq!(emulated.requests()["huawei/ListTrainingJobs"], 3);
    let failed = list(&["hw/train", "--state", "failed"]);
    assert_eq!(refs(&failed), [JOB]);
    assert_eq!(emulated.requests()["huawei/ListTrainingJobs"], 4);
}

#[test]
fn a_gate_reads_many_jobs_from_lists_without_lookups() {
    let emulated = Emulated::start(&scenario());
    let jobs: Vec<String> = (2..120)
        .map(|number| format!("hw/train/job-{number}"))
        .collect();
    let mut words = vec!["wait", "-t", "2m", "--for", "running"];
    words.extend(jobs.iter().map(String::as_str));
    let run = emulated.joblens(&words).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let requests = emulated.requests();
    assert_eq!(requests["huawei/ListTrainingJobs"], 3, "{requests:?}");
    assert!(
        !requests.contains_key("huawei/ShowTrainingJobDetails"),
        "{requests:?}"
    );
}

#[test]
fn the_log_of_the_failed_task_is_shown() {
    let emulated = Emulated::start(&scenario());
    let run = emulated.joblens(&["logs", JOB]).run();
    assert_eq!(run.stdout, "第 1 轮\n第 2 轮\n第 3 轮\n");
    assert!(
        run.stderr.contains("showing worker-1; others: worker-0"),
        "{}",
        run.stderr
    );
    let run = emulated.joblens(&["logs", JOB, "--tail", "1"]).run();
    assert_eq!(run.stdout, "第 3 轮\n");
    let text = emulated.joblens(&["describe", JOB]).run().stdout;
    assert!(text.contains("第 3 轮"), "{text}");
}

#[test]
fn a_pending_job_has_no_log_yet() {
    let emulated = Emulated::start(
        "[[job]]\nref = 'huawei/training-job/a'\nstates = [{ after = '0s', state = 'Pending', reason = 'Queuing' }]\n",
    );
    let run = emulated.joblens(&["logs", "hw/train/a"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(
        run.stderr
            .contains("worker-0 has not started yet; the job is pending"),
        "{}",
        run.stderr
    );
    let job = emulated.get(&["hw/train/a"]).run().job();
    assert_eq!(
        (&job["reason"], &job["message"]),
        (&json!("Queuing"), &json!("Scheduling"))
    );
}

#[test]
fn a_missing_job_a_wrong_project_and_a_wrong_key_are_distinguished() {
    let emulated = Emulated::start(&scenario());
    let run = emulated.get(&["hw/train/none"]).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("ModelArts.2775"), "{}", run.stderr);
    let other = "0123456789abcdef0123456789abcdef";
    let run = emulated
        .get(&[JOB])
        .env("HUAWEICLOUD_SDK_PROJECT_ID", other)
        .run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(
        run.stderr.contains("hint: check project_id"),
        "{}",
        run.stderr
    );
    let run = emulated
        .get(&[JOB])
        .env("HUAWEICLOUD_SDK_SK", "another")
        .run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("APIGW.0301"), "{}", run.stderr);
}

#[test]
fn throttling_is_retried_and_unreadable_events_are_a_notice() {
    let faults = "[[fault]]\noperation = 'ShowTrainingJobDetails'\nkind = 'throttle'\ntimes = 1\n\
         [[fault]]\noperation = 'ListTrainingJobEvents'\nkind = 'refuse'\n";
    let emulated = Emulated::start(&(scenario() + faults));
    let run = emulated.get(&[JOB]).run();
    assert_eq!(run.job()["state"], "failed", "{}", run.stderr);
    let notices = &run.json()["notices"];
    assert_eq!(notices[0]["code"], "parts_unread", "{notices}");
    assert_eq!(emulated.requests()["huawei/ShowTrainingJobDetails"], 2);
}

const SERVER: &str = "huawei/job/ecs/ff80808288d41e1b018990260955687b";

const ASYNC_JOBS: &str = r#"
[[job]]
ref = "huawei/job/ecs/ff80808288d41e1b018990260955687b"
name = "web"
age = "9m"
parts = 2
states = [
  { after = "0s", state = "RUNNING" },
  { after = "26s", state = "FAIL", reason = "Ecs.0219", message = "no valid host was found" },
]
[[job]]
ref = "huawei/job/ims/8aace0c8523c082201523f215b0903b3"
name = "镜像-01"
states = [{ after = "0s", state = "SUCCESS" }]
"#;

#[test]
fn an_asynchronous_job_is_looked_up_by_its_service_and_id() {
    let emulated = Emulated::start(ASYNC_JOBS);
    let job = emulated.get(&[SERVER]).run().job();
    assert_eq!(
        (&job["state"], &job["reason"]),
        (&json!("failed"), &json!("Ecs.0219"))
    );
    assert_eq!(job["tasks"][0]["state"], "succeeded");
    assert_eq!(job["duration_seconds"], 26);
    let message = job["message"].as_str().unwrap();
    assert!(message.ends_with(": no valid host was found"), "{message}");
    assert_eq!(emulated.joblens(&["wait", SERVER]).run().code, 1);
    let image = "hw/job/ims/8aace0c8523c082201523f215b0903b3";
    assert_eq!(emulated.get(&[image]).run().job()["name"], "镜像-01");
    assert_eq!(emulated.joblens(&["wait", image]).run().code, 0);
    let run = emulated.get(&["huawei/job/evs/none"]).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    let run = emulated.joblens(&["logs", SERVER]).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
}

#[test]
fn an_unknown_service_and_a_list_are_usage_errors_without_a_request() {
    let emulated = Emulated::start(ASYNC_JOBS);
    let run = emulated.get(&["huawei/job/esc/1"]).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("unknown SERVICE 'esc'"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("did you mean 'ecs'? SERVICE is one of: ecs, evs, ims"),
        "{}",
        run.stderr
    );
    for words in [
        ["list", "huawei/job"],
        ["list", "huawei/job/ecs"],
        ["get", "huawei/job/ecs/@latest"],
    ] {
        let run = emulated.joblens(&words).run();
        assert_eq!(run.code, 2, "{words:?}: {}", run.stderr);
        assert!(
            run.stderr.contains("huawei/job cannot be listed"),
            "{}",
            run.stderr
        );
    }
    assert!(emulated.requests().is_empty(), "{:?}", emulated.requests());
}
