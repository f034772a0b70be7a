//! Workloads and custom resources of Kubernetes, and gates on several clouds.

use serde_json::{Value, json};

use super::kinds::refs;
use crate::support::emulated::Emulated;

const WEB: &str = "kubernetes/workload/prod/web";

fn job(reference: &str, states: &str) -> String {
    format!("[[job]]\nref = '{reference}'\nage = '1h'\nstates = [{states}]\n")
}

fn scenario() -> String {
    let mut text = job(WEB, "{ after = '0s', state = 'Available' }");
    text += "log = [{ after = '1s', line = '监听 :80' }]\n";
    text += &job(
        "kubernetes/workload/ci/stuck",
        "{ after = '0s', state = 'ProgressDeadlineExceeded', reason = 'ImagePullBackOff', message = '拉取镜像失败' }",
    );
    text += "warnings = [{ after = '1m', reason = 'Failed', message = 'Failed to pull image' }]\n";
    let failed =
        "{ after = '0s', state = 'Running' }, { after = '5m', state = 'Failed', exit_code = 3 }";
    for kind in ["volcano-job", "kubeflow-job", "jobset", "argo-workflow"] {
        text += &job(&format!("kubernetes/{kind}/train/failed"), failed);
        text += "parts = 2\nlog = [{ after = '1s', line = 'epoch 1' }]\n";
        let word = match kind {
            "kubeflow-job" | "argo-workflow" => "Succeeded",
            _ => "Completed",
        };
        let done = format!("{{ after = '0s', state = '{word}' }}");
        text += &job(&format!("kubernetes/{kind}/train/done"), &done);
    }
    text
}

#[test]
fn a_workload_shows_its_pods_and_services_and_is_a_gate() {
    let emulated = Emulated::start(&scenario());
    let run = emulated.get(&[WEB, "kubernetes/workload/ci/stuck"]).run();
    let jobs = run.json()["jobs"].clone();
    let web = &jobs[0];
    assert_eq!(
        (&web["state"], &web["ended"]),
        (&json!("running"), &json!(false))
    );
    assert_eq!(web["tasks"].as_array().unwrap().len(), 1);
    let service = &web["details"]["services"][0];
    assert_eq!(service["name"], "web");
    assert_eq!(
        (&service["endpoints"], &service["ready_endpoints"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(web["details"]["replica_sets"][0]["ready"], 1);
    let stuck = &jobs[1];
    assert_eq!(
        (&stuck["state"], &stuck["ended"]),
        (&json!("failed"), &json!(false))
    );
    assert_eq!(stuck["reason"], "ProgressDeadlineExceeded");
    assert!(
        stuck["message"].as_str().unwrap().contains("拉取镜像失败"),
        "{stuck:#}"
    );
    assert_eq!(stuck["warning_count"], 1);
    for (reference, code) in [(WEB, 0), ("k8s/deploy/ci/stuck", 1)] {
        let run = emulated.wait(&[reference, "--for", "running"]).run();
        assert_eq!(run.code, code, "{}", run.stderr);
    }
    let run = emulated.wait(&[WEB]).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("never ends"), "{}", run.stderr);
    let log = emulated.joblens(&["logs", WEB]).run();
    assert_eq!(log.stdout, "监听 :80\n", "{}", log.stderr);
    let list = emulated
        .joblens(&["list", "-o", "json", "kubernetes/workload"])
        .run();
    assert_eq!(refs(&list.json()), ["kubernetes/workload/ci/stuck", WEB]);
    let page = emulated.joblens(&["describe", WEB]).run();
    assert!(page.stdout.contains("10.0.0.181"), "{}", page.stdout);
}

#[test]
fn custom_resources_have_states_pods_and_logs() {
    let emulated = Emulated::start(&scenario());
    for kind in ["volcano-job", "kubeflow-job", "jobset", "argo-workflow"] {
        let failed = format!("kubernetes/{kind}/train/failed");
        let job = emulated.get(&[&failed]).run().job();
        assert_eq!(
            (&job["state"], &job["exit_code"]),
            (&json!("failed"), &json!(3)),
            "{kind}"
        );
        assert_eq!(job["tasks"].as_array().unwrap().len(), 2, "{kind}");
        let log = emulated.joblens(&["logs", &failed]).run();
        assert_eq!(log.stdout, "epoch 1\n", "{kind}: {}", log.stderr);
        let done = format!("kubernetes/{kind}/train/done");
        let run = emulated.wait(&[&done, &failed]).run();
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert_eq!(run.json()["gate"]["met"], 1);
        if kind != "jobset" {
            assert_ne!(run.json()["jobs"][1]["started_at"], Value::Null, "{kind}");
        }
        let list = ["list", "-o", "json", &format!("kubernetes/{kind}/train/")];
        let list = emulated.joblens(&list).run();
        assert_eq!(list.code, 0, "{}", list.stderr);
        assert_eq!(refs(&list.json()), [done, failed]);
    }
}

#[test]
fn what_may_not_be_read_besides_the_deployment_is_noticed() {
    let lists = ["ReplicaSet", "Pod", "Service", "Event"];
    let faults = lists.map(|kind| {
        format!(
            "[[fault]]\ncloud = 'kubernetes'\noperation = 'ListNamespaced{kind}'\nkind = 'refuse'\n"
        )
    });
    let emulated = Emulated::start(&(scenario() + &faults.concat()));
    let run = emulated.get(&[WEB]).run();
    let document = run.json();
    assert_eq!(document["jobs"][0]["state"], "running", "{}", run.stderr);
    let notices = document["notices"].as_array().unwrap();
    let unread: Vec<&Value> = notices
        .iter()
        .filter(|one| one["code"] == "parts_unread")
        .collect();
    assert_eq!(unread.len(), 4, "{notices:#?}");
}

#[test]
fn one_gate_waits_for_a_cluster_and_a_cloud() {
    let world = |word: &str| {
        let states = format!(
            "{{ after = '0s', state = 'Running' }}, {{ after = '3600200ms', state = '{word}' }}"
        );
        let aliyun =
            "{ after = '0s', state = 'Running' }, { after = '3600100ms', state = 'Succeeded' }";
        job("kubernetes/job/ci/migrate", &states) + &job("aliyun/job/ehpc-hz-1/5", aliyun)
    };
    for (word, code, verdict) in [("Complete", 0, "passed"), ("Failed", 1, "failed")] {
        let emulated = Emulated::start(&world(word));
        let references = [
            "kubernetes/job/ci/migrate",
            "aliyun/job/ehpc-hz-1/5",
            "-t",
            "1h",
        ];
        let run = emulated.wait(&references).run();
        assert_eq!(run.code, code, "{}", run.stderr);
        assert_eq!(run.json()["gate"]["verdict"], verdict);
    }
}
