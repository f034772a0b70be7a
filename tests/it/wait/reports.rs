//! Reports of a gate, and outputs that cannot be written.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{INSTANCE, JOB, LONG, job};
use crate::support::emulated::Emulated;
use crate::support::{Run, in_parallel, joblens};

#[test]
fn a_missing_folder_of_a_report_is_created() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("build/报告/joblens.xml");
    let option = format!("junit={}", file.display());
    let run = emulated.wait(&[JOB, "-t", LONG, "--report", &option]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(fs::read_to_string(&file).unwrap().contains("<testsuites"));
}

#[test]
fn a_report_that_cannot_be_written_is_a_usage_error_before_the_first_request() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for (option, variable) in [
        (format!("json={}", at("file/r.json")), None),
        (format!("gitlab-dotenv={}", folder.path().display()), None),
        ("github".to_owned(), Some(at("file/summary"))),
    ] {
        let mut wait = emulated.wait(&[JOB, "-t", LONG, "--report", &option]);
        if let Some(path) = variable {
            wait = wait.env("GITHUB_STEP_SUMMARY", path);
        }
        let run = wait.run();
        assert_eq!(run.code, 2, "{option}: {}", run.stderr);
        assert_eq!(run.error()["category"], "usage");
        assert!(
            run.stderr.contains("cannot write this file"),
            "{}",
            run.stderr
        );
    }
    assert!(emulated.accesses().is_empty());
}

/// Runs a command on a job that ends in this state, with stdout on a full disk.
fn on_a_full_disk(state: &str, command: &[&str]) -> Run {
    let emulated = Emulated::start(&job(JOB, &format!("0s {state}")));
    let full = File::options().write(true).open("/dev/full").unwrap();
    emulated.joblens(command).start(full, Stdio::piped()).end()
}

#[test]
fn lost_output_changes_exit_code_0_to_5_and_no_other() {
    let cases = [("Succeeded", 5), ("Failed", 1), ("Running", 124)];
    in_parallel(cases, |(state, code)| {
        for format in ["json", "table", "yaml", "csv", "jsonl", "markdown", "name"] {
            // Only a job that does not end needs a deadline that is reached.
            let deadline = if code == 124 { "300ms" } else { LONG };
            let run = on_a_full_disk(state, &["wait", JOB, "-t", deadline, "-o", format]);
            assert_eq!(run.code, code, "{format}: {}", run.stderr);
            assert!(run.stderr.contains("No space left"), "{}", run.stderr);
        }
        let look = ["get", JOB, "--exit-status", "-o", "json"];
        let run = on_a_full_disk(state, &look);
        let code = if code == 124 { 8 } else { code };
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.contains("No space left"), "{}", run.stderr);
    });
    assert_eq!(on_a_full_disk("Running", &["--help"]).code, 5);
}

#[test]
fn reports_also_contain_exit_code_5_if_the_output_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (json, outputs) = (folder.path().join("r.json"), folder.path().join("outputs"));
    let option = format!("json={}", json.display());
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let reports = ["--report", &option, "--report", "github"];
    let run = emulated
        .wait(&[&[JOB, "-t", LONG][..], &reports].concat())
        .env("GITHUB_OUTPUT", outputs.display().to_string())
        .start(full, Stdio::piped())
        .end();
    assert_eq!(run.code, 5, "{}", run.stderr);
    let report: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(report["exit"]["code"], 5);
    let outputs = fs::read_to_string(outputs).unwrap();
    let last = outputs.lines().rfind(|line| line.starts_with("exit="));
    assert_eq!(last, Some("exit=5"), "{outputs}");
}

#[test]
fn a_jq_expression_that_fails_at_run_time_never_passes_a_gate() {
    let expression = ".jobs[0].ref | tonumber";
    for (state, code) in [("Succeeded", 5), ("Failed", 1)] {
        let emulated = Emulated::start(&job(JOB, &format!("0s {state}")));
        for command in [
            &["wait", JOB, "-t", LONG][..],
            &["get", JOB, "--exit-status"],
        ] {
            let arguments = [command, &["--jq", expression]].concat();
            let run = emulated.joblens(&arguments).run();
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (code, ""),
                "{}",
                run.stderr
            );
            assert!(run.stderr.contains("--jq:"), "{}", run.stderr);
        }
    }
}

#[test]
fn a_hangup_ends_a_wait_and_writes_reports_unless_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.json");
    let option = format!("json={}", file.display());
    let reported = || {
        let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        report["exit"]["code"].clone()
    };
    let requested = "sugon/InstanceServiceDetail";
    let emulated = Emulated::start(&job(INSTANCE, "0s Running"));
    let wait = emulated.wait(&[INSTANCE, "-t", LONG, "--report", &option]);
    let running = wait.start(Stdio::piped(), Stdio::piped());
    emulated.wait_for_request(requested);
    running.signal("HUP");
    assert_eq!(running.end().code, 143);
    assert_eq!(reported(), 143);

    let emulated = Emulated::start(&job(INSTANCE, "0s Running, 2s Completed"));
    let wait = emulated.wait(&[INSTANCE, "-t", LONG, "--report", &option]);
    let running = wait.ignoring("HUP").start(Stdio::piped(), Stdio::piped());
    emulated.wait_for_request(requested);
    running.signal("HUP");
    let run = running.end();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(reported(), 0);
}

#[test]
fn a_usage_error_found_after_a_credential_command_is_in_the_reports() {
    let folder = tempfile::tempdir().unwrap();
    let (config, report) = (folder.path().join("config"), folder.path().join("r.json"));
    let text = r#"{"current-context": "m", "contexts": [{"name": "m", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s.example"}}],
        "users": [{"name": "u", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "Never", "command": "echo", "args":
        ["{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}"]}}}]}"#;
    fs::write(&config, text).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    let option = format!("json={}", report.display());
    let wait = [
        "wait",
        "-t",
        LONG,
        "kubernetes/job/a/b",
        "--report",
        &option,
    ];
    let run = joblens(&wait)
        .env("KUBECONFIG", config)
        .env("HTTPS_PROXY", "quic://proxy:1")
        .env("PATH", "/usr/bin:/bin")
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["exit"]["code"], 2);
    assert_eq!(report["errors"][0]["category"], "usage");
}

#[test]
fn a_usage_error_replaces_the_reports_of_an_earlier_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.env");
    let option = format!("gitlab-dotenv={}", file.display());
    for wrong in [
        &["wait", "-", "-t", LONG][..],
        &["wait", JOB],
        &["wait", "-t", LONG, "aliyun/jab/C/1"],
        &["wait", "-t", "soon", JOB],
        &["wait", "-t", LONG, JOB, "--raw"],
        &["wait", "-t", LONG, JOB, "--columns", "nosuch"],
        &["wait", "-t", LONG, JOB, "-o", "json", "--jq", ".["],
        &[JOB, "wait", "-t", LONG],
        &["--config", "/nosuch/config.toml", "wait", "-t", LONG, JOB],
    ] {
        fs::write(&file, "JOBLENS_VERDICT=passed\nJOBLENS_EXIT=0\n").unwrap();
        let arguments = [wrong, &["--report", &option]].concat();
        let run = joblens(&arguments).env("CI", "true").run();
        assert_eq!(run.code, 2, "{wrong:?}: {}", run.stderr);
        let report = fs::read_to_string(&file).unwrap();
        assert!(
            report.starts_with("JOBLENS_VERDICT=undecided\nJOBLENS_EXIT=2\n"),
            "{wrong:?}: {report}"
        );
        let is_reference = wrong.contains(&"aliyun/jab/C/1");
        let pending = if is_reference { "aliyun/jab/C/1" } else { "" };
        let line = format!("\nJOBLENS_PENDING={pending}\n");
        assert!(report.contains(&line), "{wrong:?}: {report}");
    }
}

#[test]
fn a_report_is_kept_until_the_references_have_been_read_from_it() {
    let emulated = Emulated::start(&job(JOB, "0s Failed"));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (report, pipe) = (path("r.env"), path("references"));
    fs::write(&report, format!("JOBLENS_PENDING={JOB}\n")).unwrap();
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    // The shell opens the pipe only when joblens has opened it to read references, and sed starts after that.
    let mut producer = Command::new("sh")
        .args(["-c", "sed -n s/^JOBLENS_PENDING=//p \"$0\" >\"$1\""])
        .args([&report, &pipe])
        .spawn()
        .unwrap();
    let option = format!("gitlab-dotenv={report}");
    let arguments = [
        "-f",
        &pipe,
        "-t",
        LONG,
        "--allow-empty",
        "--report",
        &option,
    ];
    let run = emulated.wait(&arguments).run();
    producer.kill().unwrap();
    producer.wait().unwrap();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let report = fs::read_to_string(&report).unwrap();
    assert!(
        report.starts_with("JOBLENS_VERDICT=failed\nJOBLENS_EXIT=1\n"),
        "{report}"
    );
}
