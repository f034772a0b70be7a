//! Runs `joblens metrics` with the emulated clouds.

mod examples;
mod exporter;
mod slow;
mod textfile;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::emulated::Emulated;
use crate::support::exposition::{Family, parse, value};
use crate::support::joblens;

/// Jobs of two clouds in every state that alerts use.
const WORLD: &str = r#"
[[job]]
ref = "aliyun/job/c/train"
name = "训练 \"v2\" \\ 夜间"
user = "lin"
queue = "gpu"
age = "1h"
states = [
  { after = "0s", state = "Running" },
  { after = "50m", state = "Failed", exit_code = 137, reason = "OOMKilled" },
]
warnings = [{ after = "10m", reason = "BackOff", message = "Back-off", count = 4 }]

[[job]]
ref = "aliyun/job/c/eval"
user = "lin"
age = "2h"
states = [{ after = "0s", state = "Pending" }]

[[job]]
ref = "aliyun/job/c/old"
age = "3d"
states = [{ after = "0s", state = "Succeeded", exit_code = 0 }]

[[job]]
ref = "huawei/image-job/7"
age = "35m"
states = [{ after = "0s", state = "RUNNING" }]
"#;

const SCOPE: &str = "aliyun/job/c/";

fn number(families: &[Family], name: &str, label: &str) -> f64 {
    value(families, name, label).unwrap_or_else(|| panic!("no {name} with {label}"))
}

/// Returns the state of a job.
fn state(families: &[Family], reference: &str) -> Option<String> {
    let samples = families.iter().flat_map(|family| &family.samples);
    let mut states = samples.filter(|sample| {
        let is_state = sample.name == "joblens_job_state" && sample.value == 1.0;
        is_state && sample.labels["ref"] == reference
    });
    states.next().map(|sample| sample.labels["state"].clone())
}

#[test]
fn metrics_of_a_scope_and_a_job_are_printed() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .joblens(&["metrics", SCOPE, "huawei/image-job/7"])
        .run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let families = parse(&run.stdout);
    let number = |name: &str, label: &str| number(&families, name, label);
    assert_eq!(state(&families, "aliyun/job/c/train").unwrap(), "failed");
    assert_eq!(state(&families, "aliyun/job/c/eval").unwrap(), "pending");
    assert_eq!(state(&families, "huawei/image-job/7").unwrap(), "running");
    assert_eq!(
        state(&families, "aliyun/job/c/old"),
        None,
        "ended before --keep"
    );
    assert_eq!(number("joblens_job_info", "训练 \"v2\" \\ 夜间"), 1.0);
    assert_eq!(number("joblens_job_exit_code", "aliyun/job/c/train"), 137.0);
    assert_eq!(number("joblens_job_reason", "OOMKilled"), 1.0);
    assert_eq!(
        number("joblens_job_warning_events", "aliyun/job/c/train"),
        1.0
    );
    let lived = number("joblens_job_finished_seconds", "aliyun/job/c/train")
        - number("joblens_job_created_seconds", "aliyun/job/c/train");
    assert_eq!(lived, 3000.0);
    for scope in [SCOPE, "huawei/image-job/7"] {
        assert_eq!(number("joblens_scope_up", scope), 1.0);
        let success = number("joblens_scope_last_success_timestamp_seconds", scope);
        assert!(success > 1e9 && success.fract() == 0.0, "{success}");
    }
    assert_eq!(number("joblens_scope_jobs", "failed"), 1.0);
    let requests = emulated.requests();
    let counted = number("joblens_requests_total", "ListServerlessJobs");
    assert_eq!(requests["aliyun/ListServerlessJobs"] as f64, counted);
}

#[test]
fn a_cloud_selects_all_of_its_scopes() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .joblens(&["metrics", "aliyun", "--keep", "30d"])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let families = parse(&run.stdout);
    assert_eq!(number(&families, "joblens_scope_up", "aliyun/"), 1.0);
    assert_eq!(number(&families, "joblens_scope_up", SCOPE), 1.0);
    assert_eq!(state(&families, "aliyun/job/c/old").unwrap(), "succeeded");
}

#[test]
fn a_failed_scope_does_not_hide_others_and_decides_the_exit_code() {
    for (fault, code, category) in [
        ("kind = \"status\"", 5, "service_error"),
        ("kind = \"refuse\"", 4, "unauthenticated"),
    ] {
        let fault = format!("{WORLD}\n[[fault]]\ncloud = \"huawei\"\noperation = \"*\"\n{fault}\n");
        let emulated = Emulated::start(&fault);
        let targets = ["metrics", "--max-attempts", "1", "huawei/image-job/", SCOPE];
        let run = emulated.joblens(&targets).run();
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(
            run.stderr.contains("error: huawei/image-job/: "),
            "{}",
            run.stderr
        );
        let families = parse(&run.stdout);
        assert_eq!(
            number(&families, "joblens_scope_up", "huawei/image-job/"),
            0.0
        );
        assert_eq!(number(&families, "joblens_scope_up", SCOPE), 1.0);
        let errors = |cloud: &str| -> f64 {
            let samples = families.iter().flat_map(|family| &family.samples);
            let samples = samples.filter(|sample| {
                sample.name == "joblens_request_errors_total"
                    && sample.labels["category"] == category
                    && sample.labels["cloud"] == cloud
            });
            samples.map(|sample| sample.value).sum()
        };
        assert!(errors("huawei") >= 1.0, "{}", run.stdout);
        // A counter exists before its first increment.
        let zero = format!(r#"operation="ListServerlessJobs",category="{category}"}} 0"#);
        assert!(run.stdout.contains(&zero), "{}", run.stdout);
        assert_eq!(state(&families, "aliyun/job/c/eval").unwrap(), "pending");
    }
}

#[test]
fn a_job_that_does_not_exist_is_reported_as_down() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .joblens(&["metrics", "aliyun/job/c/none", "aliyun/job/c/eval"])
        .run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    let families = parse(&run.stdout);
    assert_eq!(
        number(&families, "joblens_scope_up", "aliyun/job/c/none"),
        0.0
    );
    assert_eq!(state(&families, "aliyun/job/c/eval").unwrap(), "pending");
}

#[test]
fn max_jobs_and_max_lookups_limit_jobs_and_requests() {
    let jobs = "[[job]]\nref = \"aliyun/job/c/10_1-30\"\nage = \"1h\"\n\
        states = [{ after = \"0s\", state = \"Failed\", exit_code = 1 }]\n";
    let emulated = Emulated::start(jobs);
    let options = ["metrics", SCOPE, "--max-jobs", "12", "--max-lookups", "5"];
    let run = emulated.joblens(&options).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let families = parse(&run.stdout);
    assert_eq!(run.stdout.matches("joblens_job_info{").count(), 12);
    assert_eq!(number(&families, "joblens_scope_jobs_dropped", SCOPE), 18.0);
    assert_eq!(number(&families, "joblens_scope_jobs", "failed"), 30.0);
    assert_eq!(emulated.requests()["aliyun/DescribeServerlessJobs"], 5);
    let run = emulated
        .joblens(&["metrics", SCOPE, "--max-lookups", "0"])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(emulated.requests()["aliyun/DescribeServerlessJobs"], 5);
}

#[test]
fn active_jobs_older_than_the_list_window_are_shown() {
    let job = |id, state| {
        format!(
            "[[job]]\nref = 'aliyun/dlc-job/{id}'\nage = '200h'\nstates = [{{after='0s', state='{state}'}}]\n"
        )
    };
    let emulated = Emulated::start(&(job("dlc1", "Running") + &job("dlc2", "Succeeded")));
    let run = emulated.joblens(&["metrics", "aliyun/dlc-job/"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let families = parse(&run.stdout);
    assert_eq!(state(&families, "aliyun/dlc-job/dlc1").unwrap(), "running");
    assert_eq!(
        value(&families, "joblens_job_info", "aliyun/dlc-job/dlc2"),
        None
    );
    let truncated = |scope| number(&families, "joblens_scope_truncated", scope);
    assert_eq!(truncated("aliyun/dlc-job/"), 1.0);
    let run = emulated
        .joblens(&["list", "aliyun/dlc-job/", "-o", "json"])
        .run();
    let list = run.json();
    assert_eq!(
        (&list["jobs"], &list["coverage"]["complete"]),
        (&json!([]), &json!(true))
    );
}

/// Returns a setting with a Sugon token that expires at this time.
fn token_expiring(at: i64) -> String {
    let claims = format!(r#"{{"expireTime":"{at}000"}}"#);
    let claims = joblens::crypto::base64url(claims.as_bytes());
    format!("token = 'e30.{claims}.c2ln'")
}

#[test]
fn the_expiry_of_a_credential_without_renewal_is_a_metric() {
    const EXPIRY: i64 = 4_000_000_000;
    let emulated = Emulated::start(WORLD);
    let command = "credential_command = ['printf', 'access_key_id=testid\\naccess_key_secret=testsecret\\nexpiration=2096-10-02T07:06:40Z\\n']";
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    for (cloud, line, expiry) in [
        ("sugon", &*token_expiring(EXPIRY), Some(EXPIRY as f64)),
        ("aliyun", command, None),
    ] {
        let origin = &emulated.origin;
        let table = format!("[{cloud}.default]\nendpoint = '{origin}'\n");
        let region = if cloud == "aliyun" {
            "region = 'cn-x'\n"
        } else {
            ""
        };
        fs::write(&config, format!("{table}{region}{line}\n")).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
        let scope = format!(
            "{cloud}/{}",
            if cloud == "aliyun" {
                "job/c/"
            } else {
                "instance/"
            }
        );
        let run = joblens(&["metrics", "--max-attempts", "1", &scope])
            .env("JOBLENS_CONFIG", config.to_str().unwrap())
            .env("PATH", "/usr/bin:/bin")
            .with_secret("testsecret")
            .run();
        let families = parse(&run.stdout);
        let name = "joblens_credential_expiry_timestamp_seconds";
        assert_eq!(value(&families, name, cloud), expiry, "{}", run.stderr);
    }
}

#[test]
fn wrong_targets_and_options_are_usage_errors() {
    for (arguments, part) in [
        (&[][..], "no references or scopes given"),
        (
            &["aliyun/job/c"],
            "for all jobs of this scope: aliyun/job/c/",
        ),
        (&["aliyun/job/c/@latest"], "@latest cannot be used here"),
        (&["huawei/job/ecs/"], "huawei/job cannot be listed"),
        (&["azure"], "'azure' is not a reference"),
        (&["aliyun", "-o", "jsonl"], "omit -o"),
        (&["aliyun", "--columns", "ref"], "omit -o"),
        (&["aliyun", "--jq", "."], "omit -o"),
        (&["aliyun", "--listen", "9774"], "127.0.0.1:9774"),
        (
            &["aliyun", "--listen", "127.0.0.1:0", "--textfile", "a.prom"],
            "cannot be used with",
        ),
        (&["aliyun", "--min-interval", "1m"], "--listen"),
        (
            &["aliyun", "--listen", "127.0.0.1:0", "--min-interval", "5"],
            "did you mean 5s",
        ),
        (&["aliyun", "--keep", "-1h"], "cannot be negative"),
        (&["aliyun", "--max-jobs", "x"], "expected a number"),
        (&["aliyun/job/c/"], "missing access key"),
    ] {
        let run = joblens(&[&["metrics"], arguments].concat()).run();
        let code = if part == "missing access key" { 4 } else { 2 };
        assert_eq!(run.code, code, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
    }
    let run = joblens(&["metrics", "-o", "json"]).run();
    assert_eq!(run.json()["exit"]["word"], "usage");
}

#[test]
fn targets_are_also_read_from_files() {
    let emulated = Emulated::start(WORLD);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("references.txt");
    fs::write(&file, "# jobs\naliyun/job/c/eval\nhuawei/image-job/\n").unwrap();
    let run = emulated.joblens(&["metrics", "-f", file.to_str().unwrap()]);
    let run = run.run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let families = parse(&run.stdout);
    for (reference, expected) in [
        ("aliyun/job/c/eval", Some("pending")),
        ("huawei/image-job/7", Some("running")),
        ("aliyun/job/c/train", None),
    ] {
        assert_eq!(
            state(&families, reference).as_deref(),
            expected,
            "{reference}"
        );
    }
    let run = emulated
        .joblens(&["metrics", "--file", "no-such-file"])
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
}
