//! The config file that `config init` writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Joblens, joblens};

/// A reference that cannot be looked up without settings.
const REFERENCE: &str = "aliyun/job/ehpc-hz-FYUr32/5";

fn init(home: &Path) -> Joblens {
    joblens(&["config", "init"]).env("HOME", home.to_str().unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_file_is_readable_only_by_its_owner() {
    let home = tempfile::tempdir().unwrap();
    let run = init(home.path()).run();
    let path = home.path().join(".config/joblens/config.toml");
    assert_eq!((run.code, run.stdout.trim()), (0, path.to_str().unwrap()));
    assert_eq!(mode(&path), 0o600);
    for folder in [".config", ".config/joblens"] {
        assert_eq!(mode(&home.path().join(folder)), 0o700, "{folder}");
    }
    let names = fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 1, "nothing else is left behind");
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.lines()
            .all(|line| line.is_empty() || line.starts_with('#'))
    );
    let get = joblens(&["get", "-o", "json", REFERENCE]);
    let run = get.env("HOME", home.path().to_str().unwrap()).run();
    assert_eq!(
        run.error()["category"],
        "missing_credentials",
        "{}",
        run.stderr
    );
}

#[test]
fn the_table_of_each_cloud_begins_with_its_required_keys() {
    let home = tempfile::tempdir().unwrap();
    init(home.path()).run();
    let text = fs::read_to_string(home.path().join(".config/joblens/config.toml")).unwrap();
    for (cloud, keys) in [
        ("aliyun", ["region", "access_key_id", "access_key_secret"]),
        ("sugon", ["user", "access_key", "secret_key"]),
        ("huawei", ["region", "access_key_id", "secret_access_key"]),
        ("tencent", ["region", "secret_id", "secret_key"]),
    ] {
        let head = format!("# [{cloud}.default]");
        let mut lines = text.lines().skip_while(|line| *line != head).skip(1);
        for key in keys {
            let line = lines.next().unwrap();
            assert!(line.starts_with(&format!("# {key} = ")), "{cloud}: {line}");
        }
        assert!(
            lines.next().unwrap().starts_with("## alternatives"),
            "{cloud}"
        );
    }
}

#[test]
fn the_file_is_valid_with_every_line_uncommented() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("config.toml");
    let place = place.to_str().unwrap();
    let run = joblens(&["config", "init", "--config", place]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let text = fs::read_to_string(place).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("##"));
    let lines = lines.map(|line| line.strip_prefix("# ").unwrap_or(line));
    fs::write(place, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let run = joblens(&["get", "-o", "json", "--config", place, REFERENCE]).run();
    assert_eq!(
        run.error()["category"],
        "missing_credentials",
        "{}",
        run.stderr
    );
}

#[test]
fn an_existing_file_or_link_is_never_overwritten() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("mine.toml");
    fs::write(&path, "[http]\n").unwrap();
    let init = |path: &Path| {
        let place = path.to_str().unwrap();
        joblens(&["config", "init", "-o", "json"]).env("JOBLENS_CONFIG", place)
    };
    let run = init(&path).run();
    assert_eq!(
        (run.code, run.error()["category"].as_str()),
        (2, Some("usage"))
    );
    assert_eq!(run.json()["command"], "config init");
    assert!(
        run.stderr.contains(path.to_str().unwrap()),
        "{}",
        run.stderr
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "[http]\n");
    let dangling = home.path().join("link.toml");
    std::os::unix::fs::symlink(home.path().join("nowhere"), &dangling).unwrap();
    assert_eq!(init(&dangling).run().code, 2);
    assert!(!home.path().join("nowhere").exists());
}

#[test]
fn the_path_that_means_no_file_is_not_an_existing_file() {
    let init = ["config", "init"];
    let run = joblens(&init).env("JOBLENS_CONFIG", "/dev/null").run();
    assert_eq!(run.code, 2);
    assert_eq!(
        run.stderr,
        "error: JOBLENS_CONFIG=/dev/null means no config file, so none can be created\n\
         hint: unset it, or pass --config FILE\n"
    );
    let run = joblens(&[&init[..], &["--config", "/dev/null"]].concat()).run();
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("hint: pass another path with --config"),
        "{}",
        run.stderr
    );
    let run = joblens(&["doctor"])
        .env("JOBLENS_CONFIG", "/dev/null")
        .run();
    let expected = "no config file; JOBLENS_CONFIG or --config is /dev/null";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
}

#[test]
fn a_path_that_cannot_be_written_is_a_usage_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let place = file.path().join("joblens/config.toml");
    let run = joblens(&["config", "init", "--config", place.to_str().unwrap()]).run();
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("cannot write the config file"),
        "{}",
        run.stderr
    );
    let run = joblens(&["config", "init"]).env("HOME", "").run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("--config"), "{}", run.stderr);
}

#[test]
fn no_file_is_written_to_a_folder_writable_by_others() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("shared");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let place = folder.join("config.toml");
    let run = joblens(&["config", "init"])
        .env("JOBLENS_CONFIG", place.to_str().unwrap())
        .run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let expected = "which is writable by others (mode 777)";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    assert!(!place.exists());
}

#[test]
fn config_path_prefers_the_option_then_the_variable_then_xdg_then_home() {
    let path = |arguments: &[&str]| {
        let run = joblens(arguments)
            .env("HOME", "/h")
            .env("XDG_CONFIG_HOME", "/x")
            .env("JOBLENS_CONFIG", "/j.toml")
            .run();
        run.stdout
    };
    assert_eq!(path(&["config", "path"]), "/j.toml\n");
    let document = r#"{"schema":"joblens/1","command":"config path","path":"/j.toml"}"#;
    let shown = path(&["config", "path", "-o", "json"]);
    assert_eq!(
        shown.split_whitespace().collect::<String>(),
        document.replace(' ', "")
    );
    assert_eq!(path(&["config", "path", "--jq", ".path"]), "/j.toml\n");
    assert_eq!(path(&["config", "path", "-o", "tsv"]), "path\n/j.toml\n");
    assert_eq!(
        path(&["config", "path", "--config", "/c.toml"]),
        "/c.toml\n"
    );
    let run = joblens(&["config", "path"])
        .env("XDG_CONFIG_HOME", "/x")
        .run();
    assert_eq!(run.stdout, "/x/joblens/config.toml\n");
    // A relative path is ignored, since the config file would depend on the current folder.
    let run = joblens(&["config", "path"])
        .env("HOME", "/h")
        .env("XDG_CONFIG_HOME", "x")
        .run();
    assert_eq!(run.stdout, "/h/.config/joblens/config.toml\n");
}

#[test]
fn init_prints_the_path_as_json_and_refuses_the_name_format() {
    let home = tempfile::tempdir().unwrap();
    let init = |format| {
        joblens(&["config", "init", "-o", format])
            .env("HOME", home.path().to_str().unwrap())
            .run()
    };
    let path = home.path().join(".config/joblens/config.toml");
    let run = init("name");
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(!path.exists());
    let run = init("json");
    assert_eq!(run.json()["path"], path.display().to_string());
    assert!(path.exists());
}
