//! Workloads and custom resources of Kubernetes, and gates on several clouds.

use std::time::{Duration, Instant};

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
fn a_workload_shows_its_pods_and_services_and_can_be_waited_for() {
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
fn parts_of_a_deployment_that_may_not_be_read_cause_notices() {
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

/// Returns faults of the cluster's operations with an HTTP status.
fn faults(operations: &[(&str, u16)]) -> String {
    let fault = |(operation, status): &(&str, u16)| {
        format!(
            "[[fault]]\ncloud = 'kubernetes'\noperation = '{operation}'\nkind = 'status'\nstatus = {status}\n"
        )
    };
    operations.iter().map(fault).collect()
}

const CUSTOM_KINDS: [&str; 4] = ["argo-workflow", "jobset", "kubeflow-job", "volcano-job"];

/// Returns the references of the jobs of these custom kinds in the scenario, and of a job of the cluster itself.
fn expected(kinds: &[&str]) -> Vec<String> {
    let jobs = kinds
        .iter()
        .flat_map(|kind| ["done", "failed"].map(|name| format!("kubernetes/{kind}/train/{name}")));
    let mut all: Vec<String> = jobs.collect();
    all.push("kubernetes/job/ci/migrate".to_owned());
    all.sort_unstable();
    all
}

fn cluster(faults: &str) -> Emulated {
    let migrate = job(
        "kubernetes/job/ci/migrate",
        "{ after = '0s', state = 'Running' }",
    );
    Emulated::start(&(scenario() + &migrate + faults))
}

#[test]
fn a_list_of_kubernetes_contains_the_jobs_of_every_installed_kind() {
    let list = ["list", "-R", "kubernetes", "-o", "json"];
    let missing = [
        ("ListNamespacedJobSet", 404),
        ("ListNamespacedWorkflow", 404),
    ];
    let discovery = [("GetAPIVersions", 403)];
    for (failing, kinds) in [
        (String::new(), &CUSTOM_KINDS[..]),
        (faults(&discovery), &CUSTOM_KINDS),
        (faults(&missing), &CUSTOM_KINDS[2..]),
        (
            faults(&[&missing[..], &discovery].concat()),
            &CUSTOM_KINDS[2..],
        ),
    ] {
        let emulated = cluster(&failing);
        let run = emulated.joblens(&list).run();
        let listed = run.json();
        let mut found = refs(&listed);
        found.sort_unstable();
        assert_eq!(found, expected(kinds), "{failing} {}", run.stderr);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let coverage = &run.json()["coverage"];
        assert_eq!(coverage["complete"], true, "{failing} {coverage}");
        assert_eq!(run.json()["notices"], json!([]), "{failing}");
        assert_eq!(emulated.requests()["kubernetes/GetAPIVersions"], 1);
    }
}

#[test]
fn a_forbidden_kind_is_a_notice_unless_it_is_named_in_the_scope() {
    let emulated = cluster(&faults(&[("ListNamespacedWorkflow", 403)]));
    let run = emulated
        .joblens(&["list", "-R", "kubernetes", "-o", "json"])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let listed = run.json();
    let mut found = refs(&listed);
    found.sort_unstable();
    assert_eq!(found, expected(&CUSTOM_KINDS[1..]));
    assert_eq!(run.json()["errors"], json!([]));
    let notices = run.json()["notices"].to_string();
    let scope = "kubernetes/argo-workflow (all namespaces): ";
    assert!(notices.contains(scope), "{notices}");
    let named = emulated
        .joblens(&["list", "kubernetes/argo-workflow"])
        .run();
    assert_eq!(named.code, 4, "{}", named.stderr);
    let missing = cluster(&faults(&[("ListNamespacedJobSet", 404)]));
    let named = missing.joblens(&["list", "kubernetes/jobset"]).run();
    assert_ne!(named.code, 0);
    assert!(
        named.stderr.contains("JobSet is not installed"),
        "{}",
        named.stderr
    );
}

#[test]
fn a_kind_alone_is_listed_in_the_configured_namespace_or_in_all() {
    let emulated = cluster("");
    let list = |words: &[&str]| {
        let run = emulated
            .joblens(&[&["list"], words].concat())
            .env("JOBLENS_KUBERNETES_NAMESPACE", "ci")
            .run();
        (run.code, run.stdout.lines().count(), run.stderr)
    };
    let kind = "kubernetes/volcano-job";
    let (code, _, stderr) = list(&[kind]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stderr, "nothing found in kubernetes/volcano-job/ci/\n");
    for words in [[kind, "-R"], ["kubernetes/volcano-job/", "-R"]] {
        let (code, _, stderr) = list(&words);
        assert_eq!(code, 0, "{stderr}");
        let text = "2 found in kubernetes/volcano-job (all namespaces)\n";
        assert_eq!(stderr, text, "{words:?}");
    }
    let (_, _, stderr) = list(&[kind, "-s", "running"]);
    assert!(stderr.contains("kubernetes/volcano-job/ci/"), "{stderr}");
    let (_, _, stderr) = list(&["kubernetes/volcano-job/train", "-R"]);
    assert_eq!(stderr, "2 found in kubernetes/volcano-job/train/\n");
    let (_, _, stderr) = list(&["kubernetes", "-R", "-s", "failed"]);
    let title = "kubernetes/volcano-job (all namespaces)";
    assert!(
        stderr.contains(title) || stderr.contains(" scopes"),
        "{stderr}"
    );
}

#[test]
fn a_kind_that_cannot_be_listed_in_all_clusters_is_a_usage_error_with_recursive() {
    let emulated = cluster("");
    let run = emulated
        .joblens(&["list", "-R", "aliyun/job"])
        .env("JOBLENS_ALIYUN_CLUSTER", "c")
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let message = "-R: aliyun/job cannot be listed in all clusters at once";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(
        run.stderr.contains("joblens list -R aliyun"),
        "{}",
        run.stderr
    );
}

#[test]
fn scopes_listed_concurrently_share_the_request_rate_limit() {
    let namespaces = (0..20).map(|number| {
        job(
            &format!("kubernetes/job/ns-{number}/job"),
            "{ after = '0s', state = 'Running' }",
        )
    });
    let emulated = Emulated::start(&namespaces.collect::<String>());
    let started = Instant::now();
    let run = emulated
        .joblens(&["list", "-R", "kubernetes", "-o", "json"])
        .run();
    let requests: u64 = emulated.requests().values().copied().sum();
    assert!(requests > 25, "{requests}");
    let least = Duration::from_millis(100 * (requests - 10));
    assert!(started.elapsed() >= least, "{requests} {}", run.stderr);
    assert_eq!(refs(&run.json()).len(), 20);
}

#[test]
fn metrics_of_a_cluster_contain_every_installed_and_permitted_kind() {
    let emulated = cluster(&faults(&[
        ("ListNamespacedJobSet", 404),
        ("ListNamespacedWorkflow", 403),
    ]));
    let run = emulated
        .joblens(&["metrics", "kubernetes", "--keep", "30d"])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    for reference in expected(&CUSTOM_KINDS[2..]) {
        assert!(
            run.stdout.contains(&format!("ref=\"{reference}\"")),
            "{reference}"
        );
    }
    let up = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("joblens_scope_up{"));
    let up: Vec<&str> = up.collect();
    assert!(up.iter().all(|line| line.ends_with(" 1")), "{up:#?}");
    assert!(!run.stdout.contains("kubernetes/workload"));
    assert!(!run.stdout.contains("kubernetes/argo-workflow"));
}

#[test]
fn one_wait_can_cover_a_kubernetes_job_and_a_cloud_job() {
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
