//! Jobs and pods of Kubernetes: states, lists, logs and gates.

use serde_json::json;

use super::kinds::refs;
use crate::support::emulated::Emulated;

const JOB: &str = "kubernetes/job/train/模型";
const FAILED: &str = "kubernetes/job/ci/migrate";

fn scenario() -> String {
    let job = |reference: &str, states: &str| {
        format!("[[job]]\nref = '{reference}'\nage = '1h'\nstates = [{states}]\n")
    };
    let many = (10..30).map(|number| {
        let reference = format!("kubernetes/job/many/job-{number}");
        job(&reference, "{ after = '0s', state = 'Complete' }")
    });
    let mut text: String = many.collect();
    text += &job(JOB, "{ after = '0s', state = 'Running' }");
    text += "log = [{ after = '1s', line = '第 {n} 步', every = '1s', times = 30 }]\n";
    text += &job(
        FAILED,
        "{ after = '0s', state = 'Running' }, { after = '5m', state = 'Failed', exit_code = 137, \
         reason = 'BackoffLimitExceeded', message = 'Job has reached the specified backoff limit' }",
    );
    text += "parts = 2\nwarnings = [{ after = '1m', reason = 'BackOff', message = 'Back-off restarting' }]\n";
    text += &job(
        "kubernetes/job/ci/paused",
        "{ after = '0s', state = 'Suspended' }",
    );
    text += &job(
        "kubernetes/pod/ci/shell",
        "{ after = '0s', state = 'Pending', reason = 'Unschedulable', message = '0/3 nodes are available' }",
    );
    text
}

#[test]
fn a_failed_job_shows_its_pods_and_fails_a_gate() {
    let emulated = Emulated::start(&scenario());
    let job = emulated.get(&[FAILED]).run().job();
    assert_eq!(
        (&job["state"], &job["exit_code"], &job["reason"]),
        (
            &json!("failed"),
            &json!(137),
            &json!("BackoffLimitExceeded")
        )
    );
    let message = job["message"].as_str().unwrap();
    assert!(
        message.contains("container main: OOMKilled, exit code 137"),
        "{message}"
    );
    assert_eq!(
        (&job["namespace"], &job["region"]),
        (&json!("ci"), &json!("127.0.0.1"))
    );
    assert_eq!(job["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(job["warning_count"], 1);
    for (reference, code) in [(FAILED, 1), ("k8s/job/many/job-10", 0)] {
        let run = emulated.wait(&[reference]).run();
        assert_eq!(run.code, code, "{}", run.stderr);
    }
    let run = emulated
        .get(&["k8s/po/ci/shell", "k8s/job/ci/paused"])
        .run();
    let jobs = run.json()["jobs"].clone();
    assert_eq!(
        (&jobs[0]["state"], &jobs[0]["reason"]),
        (&json!("pending"), &json!("Unschedulable"))
    );
    assert_eq!(
        (&jobs[1]["state"], &jobs[1]["reason"]),
        (&json!("pending"), &json!("Suspended"))
    );
    let missing = emulated.get(&["kubernetes/job/ci/nothing"]).run();
    assert_eq!(missing.code, 3, "{}", missing.stderr);
    assert_eq!(missing.error()["code"], "NotFound");
}

#[test]
fn jobs_of_one_or_all_namespaces_are_listed_and_filtered() {
    let emulated = Emulated::start(&scenario());
    let list = |words: &[&str]| {
        let words = [&["list", "-o", "json"], words].concat();
        let run = emulated.joblens(&words).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.json()
    };
    assert_eq!(refs(&list(&["kubernetes/job/many/"])).len(), 20);
    let failed = list(&["kubernetes/job", "--state", "failed", "--limit", "none"]);
    assert_eq!(refs(&failed), [FAILED]);
    let pods = list(&["k8s/pod/ci/"]);
    assert_eq!(refs(&pods).len(), 3, "{pods:#}");
    let labeled = list(&["kubernetes/job/many/", "-l", "app=job-12"]);
    assert_eq!(refs(&labeled), ["kubernetes/job/many/job-12"]);
    let run = emulated
        .joblens(&["list", "aliyun/job/c", "-l", "app=x"])
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let namespaces = list(&["kubernetes", "-R", "--active"]);
    assert_eq!(refs(&namespaces).len(), 2, "{namespaces:#}");
    let first = list(&["kubernetes/job/many/", "--limit", "3"]);
    assert_eq!(refs(&first).len(), 3);
}

#[test]
fn the_log_of_a_container_is_read() {
    let emulated = Emulated::start(&scenario());
    let run = emulated.joblens(&["logs", JOB, "--tail", "2"]).run();
    assert_eq!(run.stdout, "第 29 步\n第 30 步\n", "{}", run.stderr);
    let run = emulated.joblens(&["logs", JOB, "-c", "main", "-p"]).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(
        run.stderr.contains("previous terminated container"),
        "{}",
        run.stderr
    );
    let run = emulated.joblens(&["events", FAILED]).run();
    assert!(run.stdout.contains("Back-off restarting"), "{}", run.stdout);
}

#[test]
fn a_wrong_token_throttling_and_forbidden_pods_are_distinguished() {
    let emulated = Emulated::start(&scenario());
    let wrong = emulated
        .get(&[JOB])
        .env("JOBLENS_KUBERNETES_TOKEN", "wrong-token")
        .run();
    assert_eq!(wrong.code, 4, "{}", wrong.stderr);
    assert_eq!(wrong.error()["category"], "unauthenticated");
    let faults = "[[fault]]\ncloud = 'kubernetes'\noperation = 'ReadNamespacedJob'\nkind = 'throttle'\ntimes = 1\n\
         [[fault]]\noperation = 'ListNamespacedPod'\nkind = 'status'\nstatus = 403\n";
    let emulated = Emulated::start(&(scenario() + faults));
    let run = emulated.get(&[FAILED]).run();
    assert_eq!(run.job()["state"], "failed", "{}", run.stderr);
    assert_eq!(emulated.requests()["kubernetes/ReadNamespacedJob"], 2);
    assert_eq!(run.json()["notices"][0]["code"], "parts_unread");
}

#[test]
fn doctor_tries_other_namespaces_where_one_is_forbidden() {
    let forbidden = |times: &str| {
        let fault = "[[fault]]\noperation = 'ListNamespacedJob'\nkind = 'status'\nstatus = 403\n";
        Emulated::start(&format!("{}{fault}{times}", scenario()))
    };
    for (times, code, status, hint) in [
        (
            "times = 1\n",
            0,
            "warn",
            "set namespace = \"ci\" in [kubernetes.default]",
        ),
        (
            "",
            1,
            "fail",
            "set namespace in [kubernetes.default] of the config file",
        ),
    ] {
        let emulated = forbidden(times);
        let run = emulated
            .joblens(&["doctor", "kubernetes"])
            .env("JOBLENS_KUBERNETES_NAMESPACE", "train")
            .run();
        assert_eq!(run.code == 0, code == 0, "{}", run.stdout);
        assert!(
            run.stdout
                .contains(&format!("kubernetes default: {status}")),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains(hint), "{}", run.stdout);
    }
}

#[test]
fn a_named_namespace_that_does_not_exist_is_an_error() {
    let emulated = Emulated::start(&scenario());
    let list = |scope: &str| emulated.joblens(&["list", "-o", "json", scope]).run();
    for kind in ["job", "pod", "workload", "kubeflow-job"] {
        let run = list(&format!("kubernetes/{kind}/NOPE/"));
        assert_eq!(run.code, 3, "{kind}: {}", run.stderr);
        let message = run.error()["message"].as_str().unwrap().to_owned();
        assert_eq!(message, "namespaces \"NOPE\" not found", "{kind}");
        let empty = list(&format!("kubernetes/{kind}/train/"));
        assert_eq!(empty.code, 0, "{kind}: {}", empty.stderr);
    }
    let count = || emulated.requests()["kubernetes/ReadNamespace"];
    let before = count();
    assert_eq!(list("kubernetes").code, 0);
    assert_eq!(count(), before);
    let denied = scenario()
        + "[[fault]]\ncloud = 'kubernetes'\noperation = 'ReadNamespace'\nkind = 'refuse'\n";
    let emulated = Emulated::start(&denied);
    let run = emulated.joblens(&["list", "kubernetes/job/NOPE/"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
}
