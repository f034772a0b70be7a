//! Hints about credentials name the actual problem.

use super::*;

/// Returns message and hint of the only error.
fn problem(run: Joblens) -> (String, String) {
    let run = run.env("PATH", "/usr/bin:/bin").run();
    let error = run.error();
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    (text("message"), text("hint"))
}

#[test]
fn a_program_that_cannot_be_run_is_reported_with_the_reason() {
    let sandbox = Sandbox::new();
    let folder = sandbox.home.path().join(".config/joblens");
    sandbox.configure("");
    fs::create_dir(folder.join("folder")).unwrap();
    let script = sandbox.write(".config/joblens/script", "echo access_key_id=x\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    for (program, message, hint) in [
        (
            "./folder",
            "cannot be run (not a regular file)",
            "fix its path",
        ),
        (
            "./gone",
            "cannot be run (no such file)",
            "fix its path, or create ",
        ),
        (
            "gone",
            "cannot be run (no such file)",
            "fix its path, or install gone",
        ),
        (
            "./script",
            "cannot be run (neither a program nor a script that begins with #!)",
            "such as #!/bin/sh",
        ),
    ] {
        sandbox.configure(&format!(
            "[aliyun.default]\nregion = 'cn-x'\ncredential_command = ['{program}']\n"
        ));
        let (shown, next) = problem(sandbox.get(JOB));
        assert!(shown.ends_with(message), "{program}: {shown}");
        assert!(next.contains(hint), "{program}: {next}");
    }
}

#[test]
fn a_missing_tool_profile_is_reported_with_the_setting_that_names_it() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox.configure("[aliyun.default]\nsource = 'aliyun-cli:nope'\n");
    let run = sandbox.get(JOB).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let (message, hint) = problem(sandbox.get(JOB));
    for part in [
        "source of profile 'default' (aliyun)",
        "has no profile 'nope'",
        "config.toml:2:10",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(hint, "fix source");
}

#[test]
fn a_token_file_that_is_a_folder_gets_a_hint_to_fix_the_path() {
    let sandbox = Sandbox::new();
    let folder = sandbox.home.path().join(".config/joblens/folder");
    fs::create_dir_all(folder).unwrap();
    sandbox.configure("[sugon.default]\ntoken_file = 'folder'\n");
    let (message, hint) = problem(sandbox.get(INSTANCE));
    assert!(message.contains("not a regular file"), "{message}");
    assert_eq!(hint, "fix the file or its permissions, or fix the path");
}

#[test]
fn a_kubernetes_endpoint_over_plain_http_is_reported_with_its_position() {
    let sandbox = Sandbox::new();
    sandbox.configure("[kubernetes.lab]\nendpoint = 'http://192.0.2.1'\ntoken = 'x'\n");
    let (message, hint) = problem(sandbox.get("kubernetes@lab/job/a/b"));
    for part in [
        "endpoint of profile 'lab' (kubernetes)",
        "uses plain HTTP",
        "config.toml:2:12",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(hint.contains("--allow-http"), "{hint}");
}
