//! Commands that print credentials slowly, while other accounts need no command.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::support::emulated::Emulated;

/// A command that does not end in time by itself.
const SLOW: &str = "['sh', '-c', 'exec sleep 100']";

fn run(emulated: &Emulated, command: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
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
        .env("HOME", folder.path().to_str().unwrap())
        .env("JOBLENS_CONFIG", config.to_str().unwrap())
        .env("PATH", "/usr/bin:/bin")
        .run()
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
fn the_deadline_ends_concurrent_credential_commands() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Completed"));
    let run = run(
        &emulated,
        SLOW,
        &["wait", "-t", "2s", FIRST, SECOND, INSTANCE],
    );
    assert_eq!(run.code, 124, "{}", run.stderr);
    assert!(run.elapsed < Duration::from_secs(20), "{:?}", run.elapsed);
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
