//! A gate never passes by accident, and usage errors are reported before the first call.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{INSTANCE, JOB, LONG, SERVICE, job};
use crate::support::emulated::Emulated;
use crate::support::joblens;

#[test]
fn no_references_are_a_usage_error_unless_allow_empty_is_set() {
    let emulated = Emulated::start(&job(JOB, "0s Running"));
    for input in ["", "\n# nothing today\n"] {
        let run = emulated.wait(&["-", "-t", LONG]).input(input).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("no references given"), "{}", run.stderr);
        let run = emulated
            .wait(&["-", "-t", LONG, "--allow-empty"])
            .input(input)
            .run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.json()["gate"]["verdict"], "passed");
    }
    let run = emulated.wait(&["-t", LONG]).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(emulated.accesses().is_empty());
}

#[test]
fn an_incomplete_list_of_references_on_stdin_is_refused() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    for options in [&[][..], &["--allow-empty"]] {
        let run = emulated
            .wait(&[&["-", "-t", LONG], options].concat())
            .input(&format!("{JOB}\n#!incomplete: HTTP 502\n"))
            .run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(
            run.stderr.contains("is incomplete: HTTP 502"),
            "{}",
            run.stderr
        );
    }
    assert!(emulated.accesses().is_empty());
}

#[test]
fn a_wait_in_ci_needs_an_explicit_timeout() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let run = emulated.wait(&[JOB]).env("CI", "true").run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(emulated.accesses().is_empty());
    for deadline in ["none", "1h"] {
        let run = emulated
            .wait(&[JOB, "-t", deadline])
            .env("CI", "true")
            .run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains("no timeout"), "{}", run.stderr);
    }
    let run = emulated.wait(&[JOB]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("no timeout is set"), "{}", run.stderr);
}

#[test]
fn a_usage_error_has_a_hint_with_the_right_form() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    for (arguments, message, hint) in [
        (&["-t", "30", JOB][..], "missing unit", "30s or 30m?"),
        (&["-t", "1.5h", JOB], "fractions are not supported", "1h30m"),
        (&["-t", "30min", JOB], "unknown unit", "30m"),
        (
            &["-t", "-5m", JOB],
            "invalid value '-5m' for --timeout: a duration cannot be negative",
            "15m",
        ),
        (&["--timeout=-5m", JOB], "cannot be negative", "15m"),
        (
            &["-t", "1m", "--for", "no-warnings", JOB],
            "a duration is missing",
            "--for no-warnings=10m",
        ),
        (
            &["-t", "1m", "--for", "no-warnings=10", JOB],
            "missing unit",
            "10s or 10m?",
        ),
        (
            &[
                "-t",
                "1m",
                "--for",
                "no-warnings=10s",
                JOB,
                "huawei/image-job/5",
            ],
            "huawei/image-job has no events; --for no-warnings requires them",
            "wait for a state: joblens wait -t 2h huawei/image-job/5",
        ),
        (
            &["-t", "1m", "aliyun/job/C/"],
            "this is a scope; expected a single resource",
            "joblens list aliyun/job/C --active -o name | joblens wait - -t 5m",
        ),
        (
            &["-t", "1m", "huawei/job/ecs/"],
            "this is a scope; expected a single resource",
            "name its jobs by their references: huawei/job/SERVICE/JOB",
        ),
        (
            &["-t", "1m", "aliyun/job/C/5/"],
            "this is a scope",
            "did you mean 'aliyun/job/C/5'?",
        ),
    ] {
        let run = emulated.joblens(&[&["wait"], arguments].concat()).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        let (error, next) = run.stderr.split_once("\nhint: ").unwrap();
        assert!(error.contains(message), "{arguments:?}: {error}");
        assert!(next.contains(hint), "{arguments:?}: {next}");
    }
    assert!(emulated.accesses().is_empty());
}

#[test]
fn wrong_times_goals_and_references_are_reported_before_the_first_request() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    for wrong in [
        &[JOB, "-t", "90"][..],
        &[JOB, "-t", "1h", "--for", "done"],
        &[JOB, "-t", "1h", "--for", "no-warnings=10"],
        &[JOB, "-t", "1h", "--max-outage", "soon"],
        &[JOB, "-t", "1h", "--missing-grace", "60"],
        &[JOB, "-t", "1h", "--interval", "0"],
        &[JOB, "-t", "1h", "aliyun/jab/C/1"],
    ] {
        let run = emulated.joblens(&[&["wait"], wrong].concat()).run();
        assert_eq!(run.code, 2, "{wrong:?}: {}", run.stderr);
    }
    assert!(emulated.accesses().is_empty());
}

#[test]
fn wrong_settings_of_one_account_end_a_gate_before_the_first_request() {
    let scenario = job(JOB, "0s Succeeded") + &job(INSTANCE, "0s Completed");
    let emulated = Emulated::start(&scenario);
    for (name, value) in [
        ("JOBLENS_SUGON_UTC_OFFSET", "abc"),
        ("JOBLENS_SUGON_ENDPOINT", "foo"),
        ("JOBLENS_SUGON_TOKEN", "a token"),
    ] {
        for gate in [
            &["wait", "-t", LONG][..],
            &["wait", "-t", "0", "--any"],
            &["get", "--exit-status"],
        ] {
            let run = emulated
                .joblens(&[gate, &[JOB, INSTANCE]].concat())
                .env(name, value)
                .run();
            assert_eq!(run.code, 2, "{gate:?} {name}: {}", run.stderr);
            assert!(run.stderr.contains(INSTANCE), "{}", run.stderr);
        }
    }
    assert!(emulated.accesses().is_empty());
}

#[test]
fn unusable_tls_files_end_a_gate_before_the_first_request() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    file("garbage.pem", "garbage", 0o600);
    file("open.pem", "garbage", 0o666);
    for (settings, expected) in [
        ("ca_file = 'missing.pem'", "missing.pem cannot be read"),
        ("ca_file = '.'", "cannot be read (not a regular file)"),
        ("ca_file = 'garbage.pem'", "contains no certificate"),
        ("ca_file = 'open.pem'", "is writable by others"),
        (
            "client_cert = 'missing.pem'\nclient_key = 'missing.pem'",
            "missing.pem cannot be read",
        ),
        (
            "client_cert = 'garbage.pem'\nclient_key = 'garbage.pem'",
            "contains no certificate",
        ),
        (
            "client_cert = 'open.pem'\nclient_key = 'garbage.pem'",
            "is writable by others",
        ),
    ] {
        let table = format!(
            "[sugon.lab]\nendpoint = 'https://127.0.0.1:1'\ntoken = 'lab-token-t1'\n{settings}\n"
        );
        let config = file("c.toml", &table, 0o600);
        for gate in [
            &["wait", "-t", LONG][..],
            &["wait", "-t", "0", "--any"],
            &["get", "--exit-status"],
        ] {
            let lab = "sugon@lab/instance/i-1";
            let run = emulated
                .joblens(&[gate, &[JOB, lab]].concat())
                .env("JOBLENS_CONFIG", config.to_str().unwrap())
                .run();
            assert_eq!(run.code, 2, "{gate:?} {settings}: {}", run.stderr);
            assert!(run.stderr.contains(lab), "{}", run.stderr);
            assert!(run.stderr.contains(expected), "{}", run.stderr);
        }
    }
    assert!(emulated.accesses().is_empty());
}

#[test]
fn no_credential_command_is_run_if_arguments_or_settings_are_invalid() {
    let folder = tempfile::tempdir().unwrap();
    let (config, marker) = (folder.path().join("c.toml"), folder.path().join("marker"));
    let table = format!(
        "[aliyun.default]\nregion = 'cn-x'\ncredential_command = ['touch', '{}']\n\
         [sugon.bad]\nendpoint = 'http://127.0.0.1:9'\ntoken = 'a'\nutc_offset = 'abc'\n\
         [sugon.tls]\nendpoint = 'http://127.0.0.1:9'\nca_file = 'missing.pem'\n\
         credential_command = ['touch', '{}']\n",
        marker.display(),
        marker.display()
    );
    fs::write(&config, table).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    let report = format!("junit={}", folder.path().display());
    let run = |arguments: &[&str]| {
        joblens(arguments)
            .env("JOBLENS_CONFIG", config.to_str().unwrap())
            .env("PATH", "/usr/bin:/bin")
            .run()
    };
    let bad = "sugon@bad/instance/i-1";
    let tls = "sugon@tls/instance/i-1";
    for (wrong, expected) in [
        (
            &["wait", "-t", "5s", JOB, "--report", &report][..],
            "junit=",
        ),
        (&["wait", "-t", "5s", JOB, SERVICE], SERVICE),
        (&["wait", "-t", "5s", JOB, "aliyun/jab/C/1"], "jab"),
        (&["get", "--exit-status", JOB, SERVICE], SERVICE),
        (&["wait", "-t", "5s", JOB, bad], "utc_offset"),
        (&["get", "--exit-status", JOB, bad], "utc_offset"),
        (&["wait", "-t", "5s", JOB, tls], "missing.pem"),
        (&["wait", "-t", "5s", tls], "missing.pem"),
        (&["get", "--exit-status", JOB, tls], "missing.pem"),
    ] {
        let run = run(wrong);
        assert_eq!(run.code, 2, "{wrong:?}: {}", run.stderr);
        assert!(run.stderr.contains(expected), "{wrong:?}: {}", run.stderr);
        assert!(!marker.exists(), "{wrong:?}");
    }
    run(&["wait", "-t", "0", JOB]);
    assert!(marker.exists(), "the command is run when nothing is wrong");
}
