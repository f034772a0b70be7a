//! Commands that print credentials slowly, while other accounts need no command.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use super::*;
use crate::support::emulated::Emulated;
use crate::support::{Joblens, wait_until};

/// A command that does not end in time by itself.
const SLOW: &str = "['sh', '-c', 'exec sleep 100']";

fn run(emulated: &Emulated, command: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    prepared(folder.path(), emulated, command, arguments).run()
}

/// Returns a run whose profiles `one` and `two` have this command. Its config file is in `folder`.
fn prepared(folder: &Path, emulated: &Emulated, command: &str, arguments: &[&str]) -> Joblens {
    let config = folder.join("config.toml");
    let table = |name: &str| {
        let origin = &emulated.origin;
        format!(
            "[aliyun.{name}]\nendpoint = '{origin}'\nregion = 'cn-x'\ncredential_command = {command}\n"
        )
    };
    let toml = table("one") + &table("two");
    fs::write(&config, toml).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    emulated
        .joblens(arguments)
        .env("HOME", folder.to_str().unwrap())
        .env("JOBLENS_CONFIG", config.to_str().unwrap())
        .env("PATH", "/usr/bin:/bin")
}

const FIRST: &str = "aliyun@one/job/C/1";
const SECOND: &str = "aliyun@two/job/C/2";

#[test]
fn a_certain_verdict_does_not_wait_for_a_slow_credential_command() {
    let succeeded = Emulated::start(&job(INSTANCE, "0s Completed"));
    let failed = Emulated::start(&job(INSTANCE, "0s Failed"));
    for (emulated, option, code) in [
        (&succeeded, "--any", 0),
        (&failed, "--fail-fast", 1),
        (&failed, "--quiet", 1),
    ] {
        let limit = if option == "--quiet" { "5s" } else { LONG };
        let run = run(
            emulated,
            SLOW,
            &["wait", "-t", limit, option, FIRST, INSTANCE],
        );
        assert_eq!(run.code, code, "{option}: {}", run.stderr);
        assert!(run.elapsed < Duration::from_secs(25), "{:?}", run.elapsed);
    }
}

#[test]
fn the_deadline_ends_credential_commands_and_the_errors_name_them() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Completed"));
    for references in [&[FIRST][..], &[FIRST, SECOND, INSTANCE]] {
        let wait = ["wait", "-t", "2s", "-o", "json"];
        let run = run(&emulated, SLOW, &[&wait, references].concat());
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(run.elapsed < Duration::from_secs(20), "{:?}", run.elapsed);
        let json = run.json();
        let errors = json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), references.len().min(2), "{json}");
        for (error, profile) in errors.iter().zip(["one", "two"]) {
            let name = format!("credential_command of profile '{profile}' (aliyun) (sh)");
            assert_eq!(error["message"], format!("{name} timed out after 2 s"));
        }
    }
}

#[test]
fn a_certain_verdict_names_a_credential_command_that_has_not_ended() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Failed"));
    let run = run(
        &emulated,
        SLOW,
        &["wait", "-t", LONG, "-o", "json", FIRST, INSTANCE],
    );
    assert_eq!(run.code, 1, "{}", run.stderr);
    let message = "not checked before the verdict was certain: credential_command of profile 'one' (aliyun) (sh) has not ended";
    assert_eq!(run.json()["errors"][0]["message"], message);
}

#[test]
fn a_signal_during_a_credential_command_ends_a_wait_with_its_reports() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Running"));
    for references in [&[FIRST][..], &[FIRST, INSTANCE]] {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report.json");
        let option = format!("json={}", report.display());
        let wait = ["wait", "-t", LONG, "-o", "json", "--report", &option];
        let arguments = [&wait, references].concat();
        let wait = prepared(folder.path(), &emulated, SLOW, &arguments);
        let running = wait.start(Stdio::piped(), Stdio::piped());
        wait_until("there is a report", || {
            fs::metadata(&report).is_ok_and(|file| file.len() > 0)
        });
        running.signal("TERM");
        let run = running.end();
        assert_eq!(run.code, 143, "{}", run.stderr);
        assert!(run.stderr.contains("undecided: terminated after"));
        let json = run.json();
        assert_eq!(json["gate"]["pending"], references.len());
        let message = json["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("credential_command of profile 'one'"));
        let report = fs::read_to_string(report).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["exit"]["code"], 143);
    }
}

#[test]
fn a_watch_follows_other_accounts_during_a_credential_command_and_ends_with_a_summary() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Running"));
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["watch", "-o", "jsonl", FIRST, INSTANCE, "aliyun@two/job/C/"];
    let watch = prepared(folder.path(), &emulated, SLOW, &arguments);
    let running = watch.start(Stdio::piped(), Stdio::piped());
    emulated.wait_for_request("sugon/InstanceServiceDetail");
    running.signal("INT");
    let run = running.end();
    assert_eq!(run.code, 130, "{}", run.stderr);
    let summary = run.stdout.lines().last().unwrap_or_default();
    assert!(summary.starts_with(r#"{"type":"summary""#), "{summary}");

    let marker = folder.path().join("started");
    let script = format!("touch {}; exec sleep 100", marker.display());
    let command = format!("['sh', '-c', '{script}']");
    let watch = prepared(folder.path(), &emulated, &command, &arguments[..4]);
    let running = watch.start(Stdio::piped(), Stdio::piped());
    wait_until("the command is started", || marker.exists());
    running.signal("TERM");
    let run = running.end();
    assert_eq!(run.code, 143, "{}", run.stderr);
    assert!(run.stdout.starts_with(r#"{"type":"summary","seq":1"#));
}

#[test]
fn credential_commands_of_several_accounts_run_concurrently() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Completed"));
    let folder = tempfile::tempdir().unwrap();
    // Each command ends only after the other one has started.
    let meet = format!(
        "['sh', '-c', 'f={0}/$$; touch $f; until [ $(ls {0} | wc -l) = 2 ]; do sleep 0.01; done; echo access_key_id=testid; echo access_key_secret=testsecret']",
        folder.path().display()
    );
    let run = run(&emulated, &meet, &["get", FIRST, SECOND, INSTANCE]);
    assert!(!run.stderr.contains("timed out"), "{}", run.stderr);
    assert_eq!(run.code, 3, "{}", run.stderr);
}

#[test]
fn the_credential_or_error_of_a_slow_command_is_used_by_the_wait() {
    let emulated = Emulated::start(&format!(
        "{}{}",
        job(INSTANCE, "0s Completed"),
        job(FIRST, "0s Succeeded")
    ));
    let prints =
        "['sh', '-c', 'sleep 1; echo access_key_id=testid; echo access_key_secret=testsecret']";
    let used = run(&emulated, prints, &["wait", "-t", LONG, FIRST, INSTANCE]);
    assert_eq!(used.code, 0, "{}", used.stderr);
    let fails = "['sh', '-c', 'echo no >&2; exit 3']";
    let failed = run(&emulated, fails, &["wait", "-t", LONG, FIRST, INSTANCE]);
    assert_eq!(failed.code, 4, "{}", failed.stderr);
    let reason = "failed with exit code 3: no";
    assert!(failed.stderr.contains(reason), "{}", failed.stderr);
}
