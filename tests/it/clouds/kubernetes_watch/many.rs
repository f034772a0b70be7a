//! Lists and streams of many jobs, of their pods and of the other kinds.

use super::*;

#[test]
fn a_job_is_running_once_the_stream_of_its_pods_shows_it() {
    let starting = job(
        "u1",
        1,
        &json!({"startTime": "2026-11-27T00:00:00Z", "active": 1, "ready": 0}),
    );
    let pod = |phase: &str, state: &str| {
        json!({
            "metadata": {
                "name": "迁移-1", "namespace": "ci", "uid": "p1", "resourceVersion": "7",
                "labels": {"job-name": "迁移"}, "ownerReferences": [{"kind": "Job", "uid": "u1"}],
            },
            "spec": {"nodeName": "n", "containers": [{"name": "main"}]},
            "status": {"phase": phase, "containerStatuses": [{"name": "main", "state": {state: {"startedAt": "2026-11-27T00:00:00Z"}}}]},
        })
    };
    let has_changed = AtomicBool::new(false);
    let server = Server::start(move |_, request, connection| {
        let target = request.target();
        let response = if target.contains("/pods?") && target.contains("watch=1") {
            has_changed.store(true, Ordering::SeqCst);
            let lines = event("MODIFIED", &pod("Running", "running"));
            send_stream(connection, Some(&stream(&lines)), true);
            return;
        } else if target.contains("watch=1") {
            send_stream(connection, None, true);
            return;
        } else if target.contains("/pods?") {
            list(vec![match has_changed.load(Ordering::SeqCst) {
                true => pod("Running", "running"),
                false => pod("Pending", "waiting"),
            }])
        } else if target.contains("/jobs?") {
            list(vec![starting.clone()])
        } else if target.contains("/jobs/") {
            http("200 OK", "", starting.to_string().as_bytes())
        } else {
            list(Vec::new())
        };
        let _ = connection.write_all(&response);
    });
    let started = Instant::now();
    let words = ["wait", "-o", "json", "-t", "50s", "--for", "running", JOB];
    let run = at(&server, &words).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.job()["state"], "running");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "a poll took the place of the stream"
    );
    assert_eq!(run.json()["notices"], json!([]));
}

#[test]
fn a_list_that_is_too_large_is_read_in_smaller_pages() {
    let server = Server::start(|_, request, connection| {
        let parameter = |name: &str| {
            let query = request.target().split(['?', '&']);
            let mut values = query.filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            values.next().and_then(|value| value.parse::<usize>().ok())
        };
        let start = parameter("continue").unwrap_or(0);
        let end = (start + parameter("limit").unwrap_or(100)).min(100);
        let items = (start..end).map(|number| {
            let mut job = job("u1", 1, &complete());
            job["metadata"]["name"] = format!("a{number}").into();
            job["metadata"]["annotations"] = json!({"note": "x".repeat(100)});
            job
        });
        let mut metadata = json!({"resourceVersion": "5"});
        if end < 100 {
            metadata["continue"] = end.to_string().into();
        }
        let items: Vec<Value> = items.collect();
        let list = json!({"kind": "List", "metadata": metadata, "items": items});
        let _ = connection.write_all(&http("200 OK", "", list.to_string().as_bytes()));
    });
    let names: Vec<String> = (0..30)
        .map(|number| format!("kubernetes/job/ci/a{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let limits = ["-o", "json", "--max-body", "20KiB"];
    let all = ["list", "kubernetes/job/ci/", "--limit", "none"];
    for (words, count) in [
        ([&["get"], &names[..], &limits].concat(), 30),
        ([&all[..], &limits].concat(), 100),
    ] {
        let run = at(&server, &words).run();
        assert_eq!(run.code, 0, "{words:?}: {}", run.stderr);
        assert_eq!(run.json()["jobs"].as_array().unwrap().len(), count);
    }
}

#[test]
fn five_hundred_jobs_need_only_one_list_and_one_stream() {
    let mut scenario = String::new();
    for number in 0..500 {
        writeln!(
            scenario,
            "[[job]]\nref = 'kubernetes/job/train/job-{number}'\n\
             states = [{{ after = '0s', state = 'Running' }}, {{ after = '1s', state = 'Complete' }}]"
        )
        .unwrap();
    }
    let references: String = (0..500)
        .map(|number| format!("kubernetes/job/train/job-{number}\n"))
        .collect();
    let emulated = Emulated::start(&scenario);
    let run = emulated
        .joblens(&["wait", "-o", "json", "-"])
        .input(&references)
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let jobs = run.json()["jobs"].as_array().unwrap().clone();
    assert!(
        jobs.iter()
            .all(|job| job["state"] == "succeeded" && job["exit_code"] == 0)
    );
    let requests = emulated.requests();
    let count = |operation: &str| {
        requests
            .get(&format!("kubernetes/{operation}"))
            .copied()
            .unwrap_or_default()
    };
    assert_eq!(count("ListNamespacedJob"), 1, "{requests:?}");
    assert!(count("WatchNamespacedJob") <= 1, "{requests:?}");
    assert_eq!(
        requests.values().sum::<u64>() - count("WatchNamespacedJob"),
        1,
        "{requests:?}"
    );
}

#[test]
fn states_of_several_jobs_and_pods_are_followed_with_their_reasons() {
    let scenario = "
        [[job]]
        ref = 'kubernetes/job/ci/starts'
        states = [{ after = '0s', state = 'Starting', reason = 'ImagePullBackOff', message = 'no image' }]
        [[job]]
        ref = 'kubernetes/job/ci/fails'
        states = [{ after = '0s', state = 'Running' }, { after = '300ms', state = 'Failed', exit_code = 137 }]
        [[job]]
        ref = 'kubernetes/pod/ci/shell'
        states = [{ after = '0s', state = 'Running' }, { after = '300ms', state = 'Succeeded' }]
    ";
    let emulated = Emulated::start(scenario);
    let names = [
        "kubernetes/job/ci/starts",
        "kubernetes/job/ci/fails",
        "kubernetes/pod/ci/shell",
    ];
    let run = emulated.wait(&[&names[..], &["-t", "3s"]].concat()).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let jobs = &run.json()["jobs"];
    assert_eq!(
        (
            &jobs[0]["state"],
            &jobs[0]["reason"],
            &jobs[0]["tasks"][0]["state"]
        ),
        (
            &json!("starting"),
            &json!("ImagePullBackOff"),
            &json!("starting")
        )
    );
    assert_eq!(
        (&jobs[1]["state"], &jobs[1]["exit_code"]),
        (&json!("failed"), &json!(137))
    );
    assert_eq!(jobs[2]["state"], "succeeded");
}

#[test]
fn custom_resources_and_workloads_are_followed_by_one_stream_each() {
    const KINDS: [(&str, &str, [&str; 2]); 5] = [
        ("volcano-job", "VolcanoJob", ["Running", "Completed"]),
        ("kubeflow-job", "PyTorchJob", ["Running", "Succeeded"]),
        ("jobset", "JobSet", ["Running", "Completed"]),
        ("argo-workflow", "Workflow", ["Running", "Succeeded"]),
        ("workload", "Deployment", ["Progressing", "Available"]),
    ];
    in_parallel(KINDS, |(kind, resource, [first, then])| {
        let mut scenario = String::new();
        for name in ["甲", "b"] {
            writeln!(
                scenario,
                "[[job]]\nref = 'kubernetes/{kind}/train/{name}'\n\
                 states = [{{ after = '0s', state = '{first}' }}, {{ after = '1s', state = '{then}' }}]"
            )
            .unwrap();
        }
        let emulated = Emulated::start(&scenario);
        let names = ["甲", "b"].map(|name| format!("kubernetes/{kind}/train/{name}"));
        let condition = match kind {
            "workload" => "running",
            _ => "succeeded",
        };
        let words = ["wait", "--for", condition, &names[0], &names[1]];
        let run = emulated.joblens(&words).run();
        assert_eq!(run.code, 0, "{kind}: {}", run.stderr);
        let requests = emulated.requests();
        let count = |verb: &str| {
            let name = format!("kubernetes/{verb}Namespaced{resource}");
            requests.get(&name).copied().unwrap_or_default()
        };
        // For Kubeflow, a list must first determine the resource.
        let lists = 1 + u64::from(kind == "kubeflow-job");
        let streams = 2 - lists;
        assert_eq!(
            [count("Read"), count("List")],
            [0, lists],
            "{kind}: {requests:?}"
        );
        assert!((streams..=1).contains(&count("Watch")), "{requests:?}");
    });
}
