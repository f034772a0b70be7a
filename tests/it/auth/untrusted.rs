//! Files that another user can change, and secrets that others can read, are rejected.

use std::os::unix::fs::{chown, symlink};

use super::damaged::{is_program_open, is_root};
use super::*;

const CONFIG: &str = ".config/joblens/config.toml";
const OTHER_USER: Option<u32> = Some(65_534);

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns a config file whose command creates a file.
fn with_tracing_command() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let ran = sandbox.home.path().join("ran");
    sandbox.configure(&format!(
        "[sugon.lab]\nendpoint = 'ORIGIN'\ncredential_command = ['sh', '-c', 'touch {}; echo token=lab-token-t1']\n",
        ran.display()
    ));
    (sandbox, ran)
}

#[test]
fn a_config_file_that_others_can_write_runs_no_command() {
    let (sandbox, ran) = with_tracing_command();
    let path = sandbox.home.path().join(CONFIG);
    let shown = path.to_str().unwrap();
    for mode in [0o620, 0o602, 0o666, 0o777] {
        set_mode(&path, mode);
        for arguments in [
            &["get", "sugon@lab/instance/i1"][..],
            &["list"],
            &["auth", "status"],
            &["doctor"],
            &["wait", "-t", "0", "sugon@lab/instance/i1"],
        ] {
            let run = sandbox.joblens(arguments).run();
            assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
            let output = format!("{}{}", run.stdout, run.stderr).replace("\n ", "");
            let words = output.split_whitespace().collect::<Vec<_>>().join(" ");
            for expected in [
                &*format!("(mode {mode:03o})"),
                "is writable by others",
                "chmod go-w",
            ] {
                assert!(words.contains(expected), "{expected}: {output}");
            }
        }
        let by_name = joblens(&["--config", shown, "list"]).run();
        let by_variable = joblens(&["list"]).env("JOBLENS_CONFIG", shown).run();
        assert_eq!((by_name.code, by_variable.code), (2, 2));
    }
    assert!(!ran.exists());
    assert!(sandbox.server.received().is_empty());
    let place = sandbox.joblens(&["config", "path"]).run();
    assert_eq!((place.code, place.stdout.trim()), (0, shown));
    set_mode(&path, 0o644);
    sandbox.get("sugon@lab/instance/i1").run();
    assert!(ran.exists(), "a config file without a secret may be read");
}

#[test]
fn a_config_file_in_a_folder_that_others_can_write_runs_no_command() {
    let (sandbox, ran) = with_tracing_command();
    for folder in [".config/joblens", ".config", ""] {
        let folder = sandbox.home.path().join(folder);
        set_mode(&folder, 0o777);
        let run = sandbox.get("sugon@lab/instance/i1").run();
        let message = run.error()["message"].to_string();
        assert_eq!(run.code, 2, "{message}");
        assert!(
            message.contains("which is writable by others (mode 777)"),
            "{message}"
        );
        set_mode(&folder, 0o755);
    }
    assert!(!ran.exists());
    // In a folder with the sticky bit, users cannot replace the files of others.
    set_mode(&sandbox.home.path().join(".config"), 0o1777);
    sandbox.get("sugon@lab/instance/i1").run();
    assert!(ran.exists());
}

#[test]
fn files_of_another_user_are_refused() {
    // Only root can change the owner of a file.
    if !is_root() {
        return;
    }
    let (sandbox, ran) = with_tracing_command();
    let config = sandbox.home.path().join(CONFIG);
    chown(&config, OTHER_USER, None).unwrap();
    let run = sandbox.get("sugon@lab/instance/i1").run();
    let error = run.error();
    assert_eq!(run.code, 2, "{error}");
    let (message, hint) = (error["message"].to_string(), error["hint"].to_string());
    assert!(
        message.contains("is owned by another user (uid 65534)"),
        "{message}"
    );
    assert!(hint.contains("run: chown 0 '"), "{hint}");
    // A link does not change the owner.
    let link = sandbox.home.path().join("link.toml");
    symlink(&config, &link).unwrap();
    let run = sandbox
        .joblens(&["--config", link.to_str().unwrap(), "list"])
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(!ran.exists());
    for (file, reference) in damaged::FILES {
        let sandbox = Sandbox::with(&[file]);
        chown(sandbox.home.path().join(file.path), OTHER_USER, None).unwrap();
        let run = sandbox.get(reference).run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(
            run.stderr.contains("is owned by another user"),
            "{}",
            run.stderr
        );
        assert!(sandbox.server.received().is_empty());
    }
}

#[test]
fn a_tool_file_writable_by_others_is_refused_and_nothing_is_sent() {
    for (file, reference) in damaged::FILES {
        let sandbox = Sandbox::with(&[file]);
        let path = sandbox.home.path().join(file.path);
        for mode in [0o620, 0o666] {
            set_mode(&path, mode);
            let run = sandbox.get(reference).run();
            let error = run.error();
            assert_eq!(
                (run.code, &error["category"]),
                (4, &"missing_credentials".into())
            );
            let expected = format!("{} is writable by others (mode {mode:03o})", path.display());
            assert_eq!(error["message"], expected.as_str());
            let hint = format!("run: chmod go-w '{}'", path.display());
            assert!(error["hint"].as_str().unwrap().ends_with(&hint), "{error}");
            let run = sandbox.joblens(&["auth", "status", "-o", "json"]).run();
            assert_eq!(run.code, 4, "{}", run.stdout);
            assert!(run.stdout.contains(&expected), "{}", run.stdout);
        }
        assert!(sandbox.server.received().is_empty());
    }
}

#[test]
fn a_secret_file_that_others_can_read_or_change_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.configure("[sugon.lab]\nendpoint = 'ORIGIN'\ntoken_file = 'token'\n");
    let path = sandbox.write(".config/joblens/token", "lab-token-t1\n");
    let get = || {
        sandbox
            .get("sugon@lab/instance/i1")
            .with_secret("lab-token-t1")
            .run()
    };
    for mode in [0o644, 0o640, 0o604, 0o666, 0o620] {
        set_mode(&path, mode);
        let (run, error) = (get(), get().error());
        assert_eq!(
            (run.code, &error["category"]),
            (2, &"usage".into()),
            "{error}"
        );
        let how = if mode == 0o620 {
            "writable"
        } else {
            "readable"
        };
        let expected = format!("{how} by others (mode {mode:03o})");
        assert!(error["message"].to_string().contains(&expected), "{error}");
        let hint = format!("run: chmod 600 '{}'", path.display());
        assert_eq!(error["hint"], hint.as_str());
        let status = sandbox.joblens(&["auth", "status"]).run();
        assert!(status.stdout.contains(&expected), "{}", status.stdout);
    }
    assert!(sandbox.server.received().is_empty());
    for mode in [0o600, 0o400] {
        set_mode(&path, mode);
        get();
    }
    assert_eq!(sandbox.server.received().len(), 2);
    // A file without a secret can be readable by all users, but writable only by its owner.
    let endpoint = sandbox.write(".config/joblens/endpoint", &sandbox.server.origin());
    sandbox.configure("[sugon.lab]\nendpoint_file = 'endpoint'\ntoken_file = 'token'\n");
    for (mode, arrived) in [(0o644, 3), (0o664, 3)] {
        set_mode(&endpoint, mode);
        get();
        assert_eq!(sandbox.server.received().len(), arrived, "{mode:o}");
    }
}

#[test]
fn a_secret_file_of_root_may_be_readable_by_a_group_but_not_by_all() {
    if !is_root() || !is_program_open() {
        // Writes to standard error directly, since the test harness hides the output of passing tests.
        let why = "skipped: only root can make files for another user to read";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), why.as_bytes());
        return;
    }
    let sandbox = Sandbox::new();
    set_mode(sandbox.home.path(), 0o755);
    let secret = sandbox.write("run/..data/token", "lab-token-t1");
    symlink("..data/token", sandbox.home.path().join("run/token")).unwrap();
    let config = sandbox.write(
        "etc/joblens.toml",
        &format!(
            "[sugon.lab]\nendpoint = '{}'\ntoken_file = '../run/token'\n",
            sandbox.server.origin()
        ),
    );
    set_mode(&config, 0o644);
    chown(&secret, None, OTHER_USER).unwrap();
    let get = || {
        let config = config.to_str().unwrap();
        let run = sandbox.joblens(&[
            "get",
            "-o",
            "json",
            "--config",
            config,
            "sugon@lab/instance/i1",
        ]);
        run.with_user_nobody().run()
    };
    for mode in [0o444, 0o644] {
        set_mode(&secret, mode);
        let error = get().error();
        assert!(
            error["message"].to_string().contains("readable by others"),
            "{error}"
        );
        assert!(error["hint"].to_string().contains("0440"), "{error}");
    }
    assert!(sandbox.server.received().is_empty());
    set_mode(&secret, 0o440);
    get();
    assert_eq!(sandbox.server.received().len(), 1);
}

#[test]
fn the_config_file_may_be_dev_stdin_or_dev_null() {
    let sandbox = Sandbox::new();
    let toml = format!(
        "[sugon.lab]\nendpoint = '{}'\ntoken = 'lab-token-t1'\n",
        sandbox.server.origin()
    );
    let get = ["get", "--config", "/dev/stdin", "sugon@lab/instance/i1"];
    sandbox.joblens(&get).input(&toml).run();
    assert_eq!(sandbox.server.received().len(), 1);
    let run = sandbox
        .joblens(&["--config", "/dev/null", "config", "path"])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = sandbox
        .joblens(&["--config", "/dev/null", "auth", "status"])
        .run();
    assert!(run.stdout.contains("sugon default"), "{}", run.stdout);
    // Nothing is configured.
    assert_eq!(run.code, 4, "{}", run.stdout);
}

#[test]
fn certificates_that_others_can_write_are_refused() {
    let sandbox = Sandbox::new();
    let path = sandbox.write(".config/joblens/ca.pem", "");
    set_mode(&path, 0o646);
    for (key, more) in [("ca_file", ""), ("client_cert", "client_key = 'me.key'\n")] {
        let origin = "https://127.0.0.1:1";
        sandbox.configure(&format!(
            "[sugon.lab]\nendpoint = '{origin}'\ntoken = 'lab-token-t1'\n{key} = 'ca.pem'\n{more}"
        ));
        let error = sandbox.get("sugon@lab/instance/i1").run().error();
        let expected = format!("{} is writable by others (mode 646)", path.display());
        assert!(error["message"].to_string().contains(&expected), "{error}");
        let run = sandbox
            .joblens(&["doctor", "sugon@lab", "-o", "json"])
            .run();
        assert!(
            run.stdout.contains("is writable by others"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn a_token_cache_in_a_folder_writable_by_others_gets_a_notice() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[sugon.lab]\nendpoint = 'ORIGIN'\ntoken = 'lab-token-t1'\ntoken_cache = true\n",
    );
    let cache = sandbox.home.path().join("cache");
    fs::create_dir(&cache).unwrap();
    for (mode, notices) in [(0o755, 0), (0o1777, 0), (0o777, 1)] {
        set_mode(&cache, mode);
        let run = sandbox.joblens(&["auth", "status", "-p", "lab", "-o", "json"]);
        let json = run
            .env("XDG_CACHE_HOME", cache.to_str().unwrap())
            .run()
            .json();
        let found = json["accounts"][0]["notices"].as_array().unwrap().clone();
        assert_eq!(found.len(), notices, "{mode:o} {json:#}");
        let all = found.iter().all(|notice| {
            let message = notice["message"].as_str().unwrap();
            notice["code"] == "token_cache" && message.contains("writable by others (mode 777)")
        });
        assert!(all, "{json:#}");
    }
}
