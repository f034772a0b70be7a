use chrono::{TimeDelta, Utc};

use super::*;

fn with_command(sandbox: &Sandbox, words: &str) -> Joblens {
    sandbox.configure(&format!(
        "[aliyun.lone]\nendpoint = 'ORIGIN'\nregion = 'cn-x'\ncredential_command = {words}\n"
    ));
    sandbox
        .get("aliyun@lone/job/ehpc-hz-1/5")
        .env("PATH", "/usr/bin:/bin")
        .with_secret("command-secret-x6")
}

#[test]
fn a_credential_command_may_print_json_or_assignments() {
    let sandbox = Sandbox::new();
    for printed in [
        r#"{"access_key_id":"CMDKEY","access_key_secret":"command-secret-x6","other":null}"#,
        "access_key_id=CMDKEY\\naccess_key_secret=command-secret-x6\\n",
        "export ALIBABA_CLOUD_ACCESS_KEY_ID=\"CMDKEY\"\\nALIBABA_CLOUD_ACCESS_KEY_SECRET=command-secret-x6",
    ] {
        let before = sandbox.server.received().len();
        let run = with_command(&sandbox, &format!("['printf', '{printed}']")).run();
        assert!(sandbox.server.received().len() > before, "{}", run.stderr);
        assert_eq!(sandbox.signed_by(), "CMDKEY");
        assert!(
            run.stderr.contains("(credential_command)"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_credential_command_is_not_run_through_a_shell() {
    let sandbox = Sandbox::new();
    let run = with_command(
        &sandbox,
        "['printf', '%s', 'access_key_id=$(id)', ';', 'id']",
    )
    .run();
    assert_eq!(run.code, 4, "an id alone: {}", run.stderr);
    assert!(!run.stderr.contains("uid="), "{}", run.stderr);
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn a_command_that_fails_is_reported_with_its_stderr() {
    let sandbox = Sandbox::new();
    let fails = "['sh', '-c', 'echo password=command-secret-x6 >&2; printf \"no \\033[31mpinentry\" >&2; exit 2']";
    let run = with_command(&sandbox, fails).run();
    assert_eq!(
        (run.code, &run.error()["category"]),
        (4, &"missing_credentials".into())
    );
    assert!(
        run.stderr.contains("failed with exit code 2: password=***"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("pinentry") && !run.stderr.contains('\u{1b}'),
        "{}",
        run.stderr
    );
    for (words, expected) in [
        ("['nothing-of-this-name']", "cannot be run"),
        ("['true']", "printed no credential"),
        (
            "['echo', 'command-secret-x6']",
            "did not print JSON or key=value lines",
        ),
    ] {
        let run = with_command(&sandbox, words).run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
}

#[test]
fn a_command_credential_is_refused_a_day_after_expiry_and_noticed_before() {
    let sandbox = Sandbox::new();
    let printed = |ago: TimeDelta| {
        let at = (Utc::now() - ago).format("%FT%TZ").to_string();
        let words = format!(
            r#"['printf', '{{"access_key_id":"CMDKEY","access_key_secret":"command-secret-x6","Expiration":"{at}"}}']"#
        );
        (at, words)
    };
    let (at, words) = printed(TimeDelta::hours(25));
    let run = with_command(&sandbox, &words).run();
    assert_eq!(
        (run.code, &run.error()["category"]),
        (4, &"unauthenticated".into())
    );
    let expected = format!(
        "the credential that credential_command of profile 'lone' (aliyun) (printf) printed expired at {at}"
    );
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
    assert!(sandbox.server.received().is_empty());

    // The local clock may be wrong by this amount.
    let (at, words) = printed(TimeDelta::minutes(30));
    let run = with_command(&sandbox, &words).run();
    assert_eq!(sandbox.signed_by(), "CMDKEY");
    let expected = format!("expired at {at} by the local clock; have the command print a new one");
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
}

#[test]
fn a_credential_of_two_sources_in_one_table_is_a_usage_error() {
    let sandbox = Sandbox::new();
    for (table, expected) in [
        (
            "source = 'aliyun-cli'\naccess_key_id = 'X'",
            ":2:1: source and access_key_id are mutually exclusive",
        ),
        (
            "access_key_id = 'X'\ncredential_command = ['x']",
            ":3:1: credential_command and access_key_id are mutually exclusive",
        ),
        (
            "credential_command = 'pass show x'",
            ":2:1: credential_command must be a list of strings",
        ),
        (
            "credential_command = []",
            ":2:1: credential_command must be a list of strings",
        ),
    ] {
        sandbox.configure(&format!("[aliyun.default]\n{table}\n"));
        let run = sandbox.get(JOB).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        let has_hint = run.stderr.contains("hint: a profile has one source");
        assert_eq!(has_hint, expected.contains("exclusive"), "{}", run.stderr);
    }
}

#[test]
fn command_output_in_a_vendor_format_is_used_with_its_token() {
    let sandbox = Sandbox::new();
    for printed in [
        r#"{"mode":"StsToken","access_key_id":"CMDKEY","access_key_secret":"command-secret-x6","sts_token":"CMDTOKEN"}"#,
        r#"{"Code":"Success","AccessKeyId":"CMDKEY","AccessKeySecret":"command-secret-x6","SecurityToken":"CMDTOKEN","Expiration":"2100-01-01T00:00:00Z"}"#,
    ] {
        let run = with_command(&sandbox, &format!("['printf', '%s', '{printed}']")).run();
        assert_eq!(sandbox.signed_by(), "CMDKEY", "{}", run.stderr);
        let got = sandbox.server.received();
        let token = got.last().unwrap().header("x-acs-security-token");
        assert_eq!(token, Some("CMDTOKEN"), "{printed}");
    }
}

#[test]
fn an_invalid_expiration_printed_by_a_command_is_reported() {
    let sandbox = Sandbox::new();
    let keys = "access_key_id=CMDKEY\\naccess_key_secret=command-secret-x6\\nexpiration=";
    let run = with_command(&sandbox, &format!("['printf', '{keys}soon\\n']")).run();
    assert!(
        run.stderr.contains("printed an invalid time in expiration"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.signed_by(), "CMDKEY");
}

#[test]
fn a_missing_or_non_executable_command_gets_a_hint_to_fix_it() {
    let run = with_command(&Sandbox::new(), "['nothing-of-this-name']").run();
    let hint = "fix its path, or install nothing-of-this-name";
    assert_eq!(run.error()["hint"], hint, "{}", run.stderr);
    let sandbox = Sandbox::new();
    let path = sandbox.write("get-token", "#!/bin/sh\n");
    let run = with_command(&sandbox, &format!("['{}']", path.display())).run();
    let hint = format!("run: chmod u+x {}", path.display());
    assert_eq!(run.error()["hint"], hint, "{}", run.stderr);
}

/// Writes a program that writes its working directory to a file and prints this token.
fn write_program(folder: &Path, token: &str) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let path = folder.join("get-token");
    let text = format!("#!/bin/sh\npwd > \"$HOME/ran-{token}\"\necho token={token}\n");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_relative_command_is_resolved_from_the_config_files_folder() {
    let sandbox = Sandbox::new();
    let home = fs::canonicalize(sandbox.home.path()).unwrap();
    let (here, beside) = (home.join("here"), home.join(".config/joblens"));
    write_program(&here, "token-from-here");
    write_program(&here.join("bin"), "token-from-here");
    let ran = |token: &str| fs::read_to_string(home.join(format!("ran-{token}"))).ok();
    let get = |words: &str| {
        sandbox.configure(&format!(
            "[sugon.lab]\nendpoint = 'ORIGIN'\ncredential_command = {words}\n"
        ));
        sandbox
            .get("sugon@lab/instance/i1")
            .env("PATH", ":.:bin:/usr/bin:/bin:")
            .current_dir(&here)
            .run()
    };
    for words in [
        "['./get-token']",
        "['bin/get-token']",
        "['get-token']",
        "['../here/../get-token']",
    ] {
        let run = get(words);
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(
            run.stderr.contains("cannot be run (no such file)"),
            "{}",
            run.stderr
        );
    }
    // Relative paths among the arguments do not start in the current folder either.
    for words in ["['sh', './get-token']", "['sh', '-c', './get-token']"] {
        assert_eq!(get(words).code, 4);
    }
    assert!(sandbox.server.received().is_empty());
    assert_eq!(ran("token-from-here"), None);
    write_program(&beside, "token-beside");
    write_program(&home.join("bin"), "token-of-home");
    for (words, token) in [
        ("['./get-token']", "token-beside"),
        ("['sh', './get-token']", "token-beside"),
        ("['~/bin/get-token']", "token-of-home"),
    ] {
        let run = get(words);
        let sent = sandbox
            .server
            .received()
            .last()
            .unwrap()
            .header("token")
            .map(str::to_owned);
        assert_eq!(sent.as_deref(), Some(token), "{}", run.stderr);
        let folder = ran(token).unwrap();
        assert_eq!(Path::new(folder.trim()), beside);
    }
    // The same applies if the config file is given by a relative path.
    let run = sandbox
        .joblens(&[
            "--config",
            "../.config/joblens/config.toml",
            "get",
            "sugon@lab/instance/i1",
        ])
        .current_dir(&here)
        .run();
    assert!(!run.stderr.contains("cannot be run"), "{}", run.stderr);
}

#[test]
fn a_program_that_others_can_write_is_not_run() {
    let sandbox = Sandbox::new();
    let program = write_program(&sandbox.home.path().join(".config/joblens"), "token-beside");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o777)).unwrap();
    for word in ["./get-token", program.to_str().unwrap()] {
        sandbox.configure(&format!(
            "[sugon.lab]\nendpoint = 'ORIGIN'\ncredential_command = ['{word}']\n"
        ));
        let run = sandbox.get("sugon@lab/instance/i1").run();
        let error = run.error();
        assert_eq!(run.code, 4, "{error}");
        assert!(
            error["message"]
                .to_string()
                .contains("is writable by others"),
            "{error}"
        );
        assert!(
            error["hint"].to_string().contains("chmod go-w '"),
            "{error}"
        );
    }
    assert!(!sandbox.home.path().join("ran-token-beside").exists());
}

#[test]
fn a_program_in_a_writable_folder_or_found_writable_on_path_is_not_run() {
    let sandbox = Sandbox::new();
    let folder = sandbox.home.path().join("programs");
    let program = write_program(&folder, "token-replaced");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let refused = |word: &str, expected: &str| {
        sandbox.configure(&format!(
            "[sugon.lab]\nendpoint = 'ORIGIN'\ncredential_command = ['{word}']\n"
        ));
        let run = sandbox
            .get("sugon@lab/instance/i1")
            .env("PATH", &path)
            .run();
        let error = run.error();
        assert_eq!(run.code, 4, "{error}");
        assert!(error["message"].to_string().contains(expected), "{error}");
        assert!(
            error["hint"].to_string().contains("chmod go-w '"),
            "{error}"
        );
    };
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    for word in [program.to_str().unwrap(), "get-token"] {
        refused(word, "programs, which is writable by others (mode 777)");
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o757)).unwrap();
    refused("get-token", "is writable by others (mode 757)");
    assert!(!sandbox.home.path().join("ran-token-replaced").exists());
}

#[test]
fn a_relative_home_is_not_used_to_find_the_config_file() {
    let sandbox = Sandbox::new();
    sandbox.configure("[sugon.lab]\nendpoint = 'ORIGIN'\ntoken = 'lab-token-t1'\n");
    let run = sandbox
        .get("sugon@lab/instance/i1")
        .env("HOME", ".")
        .current_dir(sandbox.home.path())
        .run();
    assert_eq!(
        run.error()["category"],
        "missing_credentials",
        "{}",
        run.stderr
    );
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn a_command_that_a_short_timeout_ends_gets_a_hint_about_the_timeout() {
    let sandbox = Sandbox::new();
    sandbox.configure("[aliyun.lone]\nregion = 'cn-x'\ncredential_command = ['sleep', '600']\n");
    let run = sandbox.joblens(&["wait", "-o", "json", "-t", "1s", "aliyun@lone/job/c/5"]);
    let run = run.env("PATH", "/usr/bin:/bin").run();
    let error = run.error();
    let hint = error["hint"].as_str().unwrap();
    assert!(
        hint.contains("--timeout") && !hint.contains("30 s"),
        "{error:#}"
    );
}
