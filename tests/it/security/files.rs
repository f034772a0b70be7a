use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::{INSTANCE, JOB, UNKNOWN_SECRET, command_for, instance_server, job_server};
use crate::support::joblens;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_report_with_secrets_is_readable_only_by_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old.json");
    fs::write(&old, "").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).unwrap();
    let server = job_server(&json!({"EnvironmentVars": [{"Key": "A", "Value": UNKNOWN_SECRET}]}));
    for (name, options, expected) in [
        ("new.json", &["--show-secrets"][..], 0o600),
        ("old.json", &["--show-secrets"], 0o600),
        ("masked.json", &[], 0o644),
    ] {
        let report = format!("json={name}");
        let wait = ["wait", "-t", "0", JOB, "--report", &report];
        let run = command_for(&server, &[&wait[..], options].concat());
        run.current_dir(folder.path()).run();
        let path = folder.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.contains(UNKNOWN_SECRET), expected == 0o600, "{name}");
        assert_eq!(mode(&path), expected, "{name}");
    }
}

#[test]
fn a_report_is_written_through_a_link_without_replacing_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("there.json"), "old").unwrap();
    let server = instance_server(&json!({"status": "Completed"}));
    for target in ["there.json", "not-yet.json"] {
        let link = path("link.json");
        symlink(path(target), &link).unwrap();
        let wait = ["wait", "-t", "0", INSTANCE, "--report", "json=link.json"];
        let run = command_for(&server, &wait).current_dir(folder.path()).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(fs::read_link(&link).unwrap(), path(target));
        let report = fs::read_to_string(path(target)).unwrap();
        assert!(report.contains("\"passed\""), "{report}");
        fs::remove_file(link).unwrap();
    }
}

#[test]
fn config_and_secret_files_must_be_regular_files_of_at_most_1_mib() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = Command::new("mkfifo").arg(path("pipe")).status();
    assert!(made.unwrap().success());
    fs::write(path("large"), "#".repeat((1 << 20) + 1)).unwrap();
    for (config, why) in [
        (path("pipe"), "not a regular file"),
        ("/dev/zero".to_owned(), "not a regular file"),
        (path("large"), "too large"),
    ] {
        let run = joblens(&["auth", "status", "--config", &config]).run();
        assert_eq!(run.code, 2, "{config}");
        assert!(run.stderr.contains(why), "{}", run.stderr);
        let words = [
            "__complete",
            "--",
            "joblens",
            "--config",
            &config,
            "get",
            "a",
        ];
        let run = joblens(&words).run();
        assert!(run.stdout.contains("aliyun/"), "{config}: {}", run.stdout);
        assert!(run.elapsed < Duration::from_secs(20), "{config}");
    }
    for name in ["pipe", "large"] {
        let table = "[sugon.default]\nendpoint = \"https://h.test\"\ntoken_file = ";
        fs::write(path("config.toml"), format!("{table}{:?}\n", path(name))).unwrap();
        let run = joblens(&["get", INSTANCE, "--config", &path("config.toml")]).run();
        assert_eq!(run.code, 2, "{name}: {}", run.stderr);
    }
}

#[test]
fn certificate_and_key_files_must_be_regular_files_of_limited_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = Command::new("mkfifo").arg(path("pipe")).status();
    assert!(made.unwrap().success());
    let large = fs::File::create(path("large")).unwrap();
    large.set_len((8 << 20) + 1).unwrap();
    let unusable = [
        (path("pipe"), "not a regular file"),
        ("/dev/zero".to_owned(), "not a regular file"),
        (folder.path().display().to_string(), "not a regular file"),
        (path("large"), "too large"),
        (path("gone"), "no such file"),
    ];
    let get = ["get", "--max-attempts", "1", INSTANCE];
    for (file, why) in &unusable {
        for keys in [
            format!("ca_file = {file:?}"),
            format!("client_cert = {file:?}\nclient_key = {file:?}"),
        ] {
            let table = "[sugon.default]\nendpoint = \"https://127.0.0.1:9\"\ntoken = \"t\"\n";
            fs::write(path("config.toml"), format!("{table}{keys}\n")).unwrap();
            fs::set_permissions(path("config.toml"), fs::Permissions::from_mode(0o600)).unwrap();
            let config = ["--config", &path("config.toml")];
            let run = joblens(&[&get[..], &config].concat()).run();
            assert_eq!(run.code, 2, "{keys}: {}", run.stderr);
            assert!(run.stderr.contains(why), "{keys}: {}", run.stderr);
        }
        let ca_file = ["--ca-file", file];
        let run = joblens(&[&get[..], &ca_file].concat()).run();
        assert_eq!(run.code, 2, "{file}: {}", run.stderr);
        let run = joblens(&get)
            .env("JOBLENS_SUGON_ENDPOINT", "https://127.0.0.1:9")
            .env("JOBLENS_SUGON_TOKEN", "sugonTOKENabcdef0123456789xyz")
            .env("SSL_CERT_FILE", file)
            .run();
        assert_eq!(run.code, 5, "{file}: {}", run.stderr);
        assert!(
            run.stderr.contains("SSL_CERT_FILE: "),
            "{file}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_low_limit_of_open_files_is_reported_in_one_line() {
    let run = joblens(&["get", INSTANCE])
        .env("JOBLENS_SUGON_TOKEN", "sugonTOKENabcdef0123456789xyz")
        .open_files(8)
        .run();
    assert_eq!(
        (run.code, run.stderr.lines().count()),
        (5, 1),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("open files"), "{}", run.stderr);
}

#[test]
fn a_failure_to_start_threads_is_reported_in_one_line() {
    for arguments in [
        &["get", INSTANCE] as &[&str],
        &["get", INSTANCE, "--jq", "."],
        &["wait", INSTANCE, "-t", "1m"],
        &["list", "sugon/instance"],
        &["watch", INSTANCE],
        &["events", "-f", INSTANCE],
        &["kinds", "--jq", "."],
    ] {
        let mut run = joblens(arguments)
            .env("JOBLENS_SUGON_TOKEN", "sugonTOKENabcdef0123456789xyz")
            .env("JOBLENS_SUGON_ENDPOINT", "https://localhost:9")
            .processes(0);
        if rustix::process::getuid().is_root() {
            // The limit does not apply to root.
            run = run.with_user_nobody();
        }
        let run = run.run();
        assert_eq!(
            (run.code, run.stderr.lines().count()),
            (5, 1),
            "{arguments:?}: {}",
            run.stderr
        );
        assert!(run.stderr.contains("no more threads"), "{}", run.stderr);
    }
}

#[test]
fn kinds_runs_with_a_stack_of_64_kib() {
    let run = joblens(&["kinds"]).stack_kib(64).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn secrets_in_the_stderr_of_a_credential_command_are_masked() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    for complaint in [
        "+ curl -H 'Authorization: Bearer S3cr3tV4lue99' https://vault",
        "+ curl -u bob:S3cr3tV4lue99 https://vault",
        "bad token S3cr3tV4lue99",
    ] {
        let table = format!(
            "[sugon.default]\nendpoint = \"https://h.test\"\n\
            credential_command = [\"sh\", \"-c\", '''cat >&2 <<'Q'\n{complaint}\nQ\nexit 3''']\n"
        );
        fs::write(&config, table).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
        for arguments in [
            &["get", INSTANCE][..],
            &["doctor", "sugon"],
            &["auth", "status"],
        ] {
            let run = joblens(arguments)
                .env("JOBLENS_CONFIG", config.display().to_string())
                .env("PATH", "/usr/bin:/bin")
                .with_secret(UNKNOWN_SECRET)
                .run();
            assert_ne!(run.code, 0, "{arguments:?}");
        }
    }
}
