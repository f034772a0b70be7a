//! Parsing, completion and expansion of references.

use serde_json::json;

use crate::clouds::kinds::refs;
use crate::config::settings::{Config, assert_usage};
use crate::support::emulated::Emulated;
use crate::support::joblens;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, JOB, KINDS, SERVICE, WORLD};

#[test]
fn a_reference_without_a_command_is_looked_up() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&[INSTANCE, "-o", "json"]).run();
    assert_eq!(run.job()["ref"], INSTANCE);
    assert_eq!(run.code, 0);
}

#[test]
fn short_names_are_expanded_and_the_input_is_kept() {
    let emulated = Emulated::start(WORLD);
    let short = [
        "ali/job/ehpc-hz-FYUr32/train-7",
        "ALI/inv/ehpc-hz-FYUr32/c-1",
        "scnet/inst/7d3e1f60b2c94a58a1e0c4f29d8b6e35",
        "hw/img/702371902345678848",
        "qcloud/svc/cls-1/default/web",
    ];
    let envelope = emulated.get(&short).run().json();
    assert_eq!(refs(&envelope), KINDS);
    let inputs: Vec<_> = envelope["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["input"])
        .collect();
    assert_eq!(inputs, short);
}

#[test]
fn a_dash_is_replaced_by_references_from_stdin() {
    let emulated = Emulated::start(WORLD);
    let input = format!("# mine\n\n  {INSTANCE}  \r\n{SERVICE}\n{JOB}\n");
    let run = emulated.get(&[JOB, "-", IMAGE_JOB]).input(&input).run();
    assert_eq!(refs(&run.json()), [JOB, INSTANCE, SERVICE, IMAGE_JOB]);
    let bare = emulated.joblens(&["-", "-o", "json"]).input(&input).run();
    assert_eq!(refs(&bare.json()), [INSTANCE, SERVICE, JOB]);
}

#[test]
fn a_range_is_expanded_to_subtasks_with_the_cluster_of_the_settings() {
    let scenario =
        "[[job]]\nref = 'aliyun/job/C/10_1-9:2'\nstates = [{ after = '0s', state = 'Running' }]\n";
    let emulated = Emulated::start(scenario);
    let run = emulated
        .get(&["aliyun/job/10_1-3"])
        .env("JOBLENS_ALIYUN_CLUSTER", "C")
        .run();
    let envelope = run.json();
    assert_eq!(refs(&envelope), ["aliyun/job/C/10_1", "aliyun/job/C/10_3"]);
    assert_eq!(envelope["jobs"][1]["input"], "aliyun/job/10_1-3");
    assert_eq!(envelope["errors"][0]["ref"], "aliyun/job/C/10_2");
    assert_eq!(run.code, 3);
    let stepped = emulated.get(&["aliyun/job/C/10_1-9:2"]).run();
    assert_eq!((stepped.code, refs(&stepped.json()).len()), (0, 5));
}

#[test]
fn missing_left_segments_come_from_the_settings() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .get(&["tencent/service/web", "tencent/service/default/web"])
        .env("JOBLENS_TENCENT_CLUSTER", "cls-1")
        .env("JOBLENS_TENCENT_NAMESPACE", "default")
        .run();
    assert_eq!(refs(&run.json()), [SERVICE], "the same thing is shown once");
    let run = emulated
        .get(&["tencent/service/web"])
        .env("JOBLENS_TENCENT_CLUSTER", "cls-1")
        .run();
    assert_eq!(
        (run.code, run.error()["category"].as_str()),
        (2, Some("usage"))
    );
    assert!(
        run.error()["message"]
            .to_string()
            .contains("missing NAMESPACE"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_invalid_setting_of_a_short_reference_is_not_called_missing() {
    let config = Config::new(
        "[aliyun.path]\ncluster = '..'\n\
         [aliyun.unset]\ncluster_env = 'NO_SUCH_VARIABLE'\n\
         [aliyun.gone]\ncluster_file = 'gone.txt'\n\
         [aliyun.host]\ncluster = 'C'\nendpoint = 'ehpc'\n\
         [aliyun.offset]\ncluster = 'C'\naccess_key_id_env = 'NO_SUCH_VARIABLE'\n\
         [aliyun.source]\ncluster = 'C'\nsource = 'nobody'\n",
    );
    for (reference, code, expected) in [
        (
            "aliyun@path/job/5",
            2,
            "cluster of profile 'path' (aliyun) cannot be used",
        ),
        (
            "aliyun@path/job/",
            2,
            "cluster of profile 'path' (aliyun) cannot be used",
        ),
        (
            "aliyun@unset/job/5",
            2,
            "refers to the variable NO_SUCH_VARIABLE, which is not set",
        ),
        (
            "aliyun@gone/job/5",
            2,
            "gone.txt, which cannot be read (no such file)",
        ),
        ("aliyun@host/job/5", 2, "endpoint 'ehpc' is not a valid URL"),
        (
            "aliyun@offset/job/5",
            2,
            "access_key_id_env of profile 'offset'",
        ),
        ("aliyun@source/job/5", 2, "has the unknown value 'nobody'"),
        ("aliyun@nobody/job/5", 4, "aliyun has no profile 'nobody'"),
    ] {
        let command = if reference.ends_with('/') {
            "list"
        } else {
            "get"
        };
        let path = config.path();
        let run = joblens(&[command, reference, "-o", "json", "--config", &path]).run();
        assert_eq!(run.code, code, "{reference}: {}", run.stderr);
        let message = run.error()["message"].to_string();
        assert!(message.contains(expected), "{reference}: {message}");
        assert!(!run.stderr.contains("missing CLUSTER"), "{}", run.stderr);
    }
    let config = Config::new("[aliyun.default]\ncluster = 5\n");
    let run = config.get(&["aliyun/job/5"]).run();
    assert_usage(&run, "config.toml:2:1: cluster must be a string in quotes");
    let run = joblens(&["get", "-o", "json", "aliyun/job/5"])
        .env("JOBLENS_ALIYUN_CLUSTER", "a\u{1b}b")
        .run();
    assert_usage(
        &run,
        "a segment contains a control character (from JOBLENS_ALIYUN_CLUSTER)",
    );
}

#[test]
fn an_invalid_reference_is_reported_without_running_a_credential_command() {
    let folder = tempfile::tempdir().unwrap();
    let ran = folder.path().join("ran");
    let config = Config::new(&format!(
        "[aliyun.prod]\ncluster = 'C'\ncredential_command = ['touch', '{}']\n",
        ran.display()
    ));
    let run = config
        .get(&["aliyun@prod/job/5", "aliyun@prod/job/a/b/c"])
        .run();
    assert_usage(
        &run,
        "too many segments: expected aliyun/job/CLUSTER/JOB (2), got 3",
    );
    assert!(!ran.exists(), "nothing runs before the usage is right");
}

#[test]
fn an_id_with_encoded_characters_is_looked_up_decoded() {
    let reference = "tencent/service/cls%201/de%2Ffault/%E7%BD%91%E7%AB%99%26a%3Db%2B";
    let emulated = Emulated::start(&format!("[[job]]\nref = \"{reference}\"\n"));
    let job = emulated.get(&[reference]).run().job();
    assert_eq!(
        (&job["ref"], &job["id"]),
        (&json!(reference), &json!("网站&a=b+"))
    );
    let reference = "huawei/image-job/a%2Fb%20c";
    let scenario = format!(
        "[[job]]\nref = \"{reference}\"\nstates = [{{ after = '0s', state = 'RUNNING' }}]\n"
    );
    assert_eq!(
        Emulated::start(&scenario).get(&[reference]).run().job()["id"],
        "a/b c"
    );
    let reference = "aliyun/job/C%3F/%E4%BD%9C%E4%B8%9A~%2A%27";
    let scenario = format!(
        "[[job]]\nref = \"{reference}\"\nstates = [{{ after = '0s', state = 'Running' }}]\n"
    );
    assert_eq!(
        Emulated::start(&scenario).get(&[reference]).run().job()["id"],
        "作业~*'"
    );
}

#[test]
fn references_are_read_from_files_and_scopes_of_a_list_are_skipped() {
    let emulated = Emulated::start(WORLD);
    let listed = "# a list\naliyun/job/C/\n\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("引用.txt");
    std::fs::write(&file, format!("{listed}{JOB}\n")).unwrap();
    let file = file.to_str().unwrap();
    let get = |arguments: &[&str], input: &str| {
        let all = [&["get", "-o", "name"], arguments].concat();
        emulated.joblens(&all).input(input).run()
    };
    for run in [
        get(&["-f", file], ""),
        get(&["-f", "-"], &format!("{listed}{JOB}\n")),
        get(&["-", "-f", "-"], &format!("{listed}{JOB}\n")),
    ] {
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.stdout, format!("{JOB}\n"));
        let skipped = "skipped 1 scope on the list, such as aliyun/job/C/";
        assert!(run.stderr.contains(skipped), "{}", run.stderr);
    }
    let run = get(&["--exit-status", "-f", file], "");
    assert_eq!(run.code, 2);
    assert!(
        run.stderr
            .contains("this is a scope; expected a single resource")
    );
    let run = get(&["-f", "/nonexistent/list"], "");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("cannot read /nonexistent/list"));
}

#[test]
fn get_with_w_watches_the_job() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&["get", "-w", JOB, "-o", "jsonl"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains(r#""type":"transition""#),
        "{}",
        run.stdout
    );
    let run = emulated.joblens(&["get", "-w", "--exit-status", JOB]).run();
    assert_eq!(run.code, 2);
}

/// Starts a scenario with 150 running subtasks and 30 failed ones.
fn many() -> Emulated {
    let jobs = |range: &str, state: &str| {
        format!(
            "[[job]]\nref = 'aliyun/job/C/{range}'\nstates = [{{ after = '0s', state = '{state}' }}]\n"
        )
    };
    Emulated::start(&(jobs("10_1-150", "Running") + &jobs("10_151-180", "Failed")))
}

#[test]
fn many_references_are_read_from_lists_and_only_20_failures_are_looked_up() {
    let emulated = many();
    let run = emulated.get(&["aliyun/job/C/10_1-180"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let envelope = run.json();
    let jobs = envelope["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 180);
    assert_eq!(jobs[179]["ref"], "aliyun/job/C/10_180");
    let from_list = |job: &&serde_json::Value| job["from_list"] == true;
    assert_eq!(jobs.iter().filter(from_list).count(), 160);
    assert_eq!(envelope["notices"][0]["code"], "from_lists");
    let requests = emulated.requests();
    assert_eq!(requests["aliyun/ListServerlessJobs"], 2, "{requests:?}");
    assert_eq!(
        requests["aliyun/DescribeServerlessJobs"], 20,
        "{requests:?}"
    );
}

#[test]
fn few_references_and_those_with_detail_are_looked_up() {
    let emulated = many();
    let few = emulated.get(&["aliyun/job/C/10_1-20"]).run().json();
    let all = emulated
        .get(&["aliyun/job/C/10_1-30", "--detail"])
        .run()
        .json();
    for (envelope, count) in [(few, 20), (all, 30)] {
        let jobs = envelope["jobs"].as_array().unwrap();
        assert_eq!(jobs.len(), count);
        assert!(jobs.iter().all(|job| job["from_list"] == false));
    }
    assert_eq!(emulated.requests()["aliyun/DescribeServerlessJobs"], 50);
}

#[test]
fn kind_names_of_kubectl_get_a_hint_with_the_joblens_kind() {
    for (typed, meant) in [
        ("k8s/deployments/train/web", "k8s/workload/train/web"),
        ("k8s/Deployment/train/web", "k8s/workload/train/web"),
        (
            "kubernetes/pytorchjobs/train/a",
            "kubernetes/kubeflow-job/train/a",
        ),
        ("k8s/workflow/train/a", "k8s/argo-workflow/train/a"),
        ("k8s/pods/train/a", "k8s/pod/train/a"),
    ] {
        let run = joblens(&["get", typed]).run();
        assert_eq!(run.code, 2, "{typed}");
        let hint = format!("did you mean '{meant}'?");
        assert!(run.stderr.contains(&hint), "{}", run.stderr);
    }
}

#[test]
fn notices_are_in_the_order_of_the_references_whichever_cloud_responds_first() {
    for slow in ["tencent", "sugon"] {
        let fault = format!(
            "[[fault]]\noperation = '*'\ncloud = '{slow}'\nkind = 'slow'\ndelay = '300ms'\n"
        );
        let emulated = Emulated::start(&(WORLD.to_owned() + &fault));
        let run = emulated.get(&[SERVICE, INSTANCE]).run();
        let notices = run.json()["notices"].clone();
        let clouds: Vec<&str> = notices
            .as_array()
            .unwrap()
            .iter()
            .filter(|notice| notice["code"] == "assumed_utc_offset")
            .filter_map(|notice| notice["message"].as_str()?.split(' ').next())
            .collect();
        assert_eq!(clouds, ["tencent", "sugon"], "{notices}");
    }
}

#[test]
fn a_very_long_reference_is_rejected_without_showing_it() {
    let long = "a".repeat(100_000);
    for reference in [
        long.clone(),
        format!("aliyun/{long}"),
        format!("aliyun@{long}/job/C/1"),
        format!("aliyun/job/C/{long}"),
    ] {
        for arguments in [&["get"][..], &["wait", "-t", "2s"], &["list"], &["metrics"]] {
            let run = joblens(&[arguments, &[&reference]].concat()).run();
            assert_eq!(run.code, 2, "{arguments:?}");
            assert!(run.stderr.contains("bytes is too long for a reference"));
            assert!(run.stderr.len() < 1000, "{arguments:?}");
        }
    }
}
