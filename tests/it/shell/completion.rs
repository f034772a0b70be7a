//! Completion as requested by shells.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::emulated::Emulated;
use crate::support::joblens;

/// Returns the suggestions of bash for a line with the cursor at its end. `parts` are the words as bash splits
/// them; the answer replaces the last one.
fn bash(home: &Path, line: &str, parts: &[&str]) -> Vec<String> {
    const TAB: u8 = 9;
    let folder = Path::new(env!("CARGO_BIN_EXE_joblens")).parent().unwrap();
    bash_with(folder, home, (line, parts), TAB)
}

/// Completes with the program in `folder`, and with the type of the completion.
fn bash_with(
    folder: &Path,
    home: &Path,
    (line, parts): (&str, &[&str]),
    comp_type: u8,
) -> Vec<String> {
    let script = joblens(&["completion", "bash"]).run().stdout;
    let words = parts.iter().map(|part| shlex::try_quote(part).unwrap());
    let words = words.collect::<Vec<_>>().join(" ");
    let typed = shlex::try_quote(parts.last().unwrap()).unwrap();
    let call = format!(
        "{script}\nCOMP_LINE={}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({words}); COMP_TYPE={comp_type}; \
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n_joblens joblens {typed} x\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        shlex::try_quote(line).unwrap()
    );
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", &call])
        .env_clear()
        .env("HOME", home)
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.is_empty(), "{errors}");
    let offered = String::from_utf8(output.stdout).unwrap();
    offered
        .lines()
        .filter(|one| !one.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns a home folder with the settings of two profiles.
pub fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/joblens");
    fs::create_dir_all(&folder).unwrap();
    let toml = "[aliyun.default]\nregion = 'cn-hangzhou'\n[aliyun.prod]\nregion = 'cn-shanghai'\n";
    fs::write(folder.join("config.toml"), toml).unwrap();
    home
}

/// Writes the references that a list stores for completion.
pub fn listed(home: &Path, text: &str) {
    fs::create_dir_all(home.join(".cache/joblens")).unwrap();
    fs::write(home.join(".cache/joblens/references"), text).unwrap();
}

#[test]
fn bash_completes_row_numbers_and_shows_their_references() {
    const SECOND_TAB: u8 = b'?';
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("joblens");
    fs::write(
        &program,
        "#!/bin/sh\nprintf '%%1\\taliyun/job/c/5\\n%%2\\taliyun/job/c/6\\n'\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let line = ("joblens get %", &["joblens", "get", "%"][..]);
    let listed = bash_with(folder.path(), folder.path(), line, SECOND_TAB);
    assert_eq!(listed, ["%1 aliyun/job/c/5", "%2 aliyun/job/c/6"]);
    let inserted = bash_with(folder.path(), folder.path(), line, b'%');
    assert_eq!(inserted, ["%1", "%2"]);
}

#[test]
fn bash_completes_commands_options_and_option_values() {
    let home = home();
    let bash = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        bash(home.path(), line, &parts)
    };
    assert_eq!(bash("joblens desc"), ["describe"]);
    assert!(!bash("joblens ").contains(&"__complete".to_owned()));
    assert_eq!(bash("joblens get --show-s"), ["--show-secrets"]);
    assert_eq!(bash("joblens get -o js"), ["json", "jsonl"]);
    assert_eq!(bash("joblens get -p "), ["default", "prod"]);
    assert_eq!(
        bash("joblens list --state pending,run"),
        ["pending,running"]
    );
    assert_eq!(bash("joblens list --sort-by exi"), ["exit_code"]);
    assert_eq!(bash("joblens completion z"), ["zsh"]);
    assert_eq!(
        bash("joblens kinds sug"),
        ["sugon", "sugon/instance", "sugon/job"]
    );
    assert_eq!(bash("joblens  get   ali"), ["aliyun/", "aliyun@prod/"]);
    assert!(bash("joblens nothing zzz").is_empty());
}

#[test]
fn bash_completes_words_that_it_splits_at_colon_at_and_equals() {
    let home = home();
    listed(
        home.path(),
        "aliyun@prod/job/ehpc-b/10_1-9:2\naliyun/job/ehpc-a/5\n",
    );
    let bash = |line: &str, parts: &[&str]| bash(home.path(), line, parts);
    let at = ["joblens", "get", "aliyun", "@pr"];
    assert_eq!(bash("joblens get aliyun@pr", &at), ["@prod/"]);
    let at = ["joblens", "get", "aliyun", "@", "pr"];
    assert_eq!(bash("joblens get aliyun@pr", &at), ["prod/"]);
    let at = [
        "joblens",
        "get",
        "aliyun",
        "@",
        "prod/job/ehpc-b/10_1-9",
        ":",
        "",
    ];
    let line = "joblens get aliyun@prod/job/ehpc-b/10_1-9:";
    assert_eq!(bash(line, &at), ["2"]);
    let equals = ["joblens", "get", "--output", "=", "js"];
    assert_eq!(bash("joblens get --output=js", &equals), ["json", "jsonl"]);
    let other = [
        "joblens",
        "wait",
        "aliyun",
        "@",
        "prod/job/x/1",
        "aliyun/job/",
    ];
    let line = "joblens wait aliyun@prod/job/x/1 aliyun/job/";
    assert_eq!(bash(line, &other), ["aliyun/job/ehpc-a/"]);
}

#[test]
fn references_of_the_last_list_are_completed_without_a_request() {
    let emulated = Emulated::start(super::WORLD);
    let home = tempfile::tempdir().unwrap();
    let run = joblens(&["list", "sugon/instance", "-o", "jsonl"])
        .envs(emulated.environment())
        .env("HOME", home.path().to_str().unwrap())
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    drop(emulated);
    let kept = fs::read_to_string(home.path().join(".cache/joblens/references")).unwrap();
    let first = kept.lines().next().unwrap();
    assert!(first.starts_with("sugon/instance/"), "{kept}");
    for secret in crate::support::SECRETS {
        assert!(!kept.contains(secret));
    }
    let line = format!("joblens get {}", &first[..first.len() - 2]);
    let parts: Vec<&str> = line.split(' ').collect();
    assert!(bash(home.path(), &line, &parts).contains(&first.to_owned()));
    let line = "joblens get scnet/inst/";
    let offered = bash(home.path(), line, &line.split(' ').collect::<Vec<_>>());
    let short = first.replacen("sugon/instance", "scnet/inst", 1);
    assert!(offered.contains(&short), "{offered:?}");
}

#[test]
fn a_failed_list_stores_no_references_and_an_unwritable_home_is_no_error() {
    let home = tempfile::tempdir().unwrap();
    let run = joblens(&["list", "sugon/instance"])
        .env("HOME", home.path().to_str().unwrap())
        .run();
    assert_eq!(run.code, 4);
    assert!(!home.path().join(".cache").exists());
    let emulated = Emulated::start(super::WORLD);
    let run = joblens(&["list", "sugon/instance"])
        .envs(emulated.environment())
        .env("HOME", "/proc/nowhere")
        .run();
    assert_eq!((run.code, run.stderr.contains("cache")), (0, false));
}

#[test]
fn an_invalid_config_file_does_not_prevent_completion() {
    let home = home();
    fs::write(home.path().join(".config/joblens/config.toml"), "[azure]\n").unwrap();
    let run = joblens(&["__complete", "--", "joblens", "ge"])
        .env("HOME", home.path().to_str().unwrap())
        .run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout.starts_with("get\tGet one or more resources"),
        "{}",
        run.stdout
    );
}

#[test]
fn every_completion_script_calls_the_hidden_complete_command() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let run = joblens(&["completion", shell]).run();
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("__complete"), "{shell}");
    }
    assert_eq!(joblens(&["completion", "tcsh"]).run().code, 2);
}

#[test]
fn bash_completes_conditions_and_reports() {
    let home = home();
    for (words, offered) in [
        (&["joblens", "wait", "--for", "ru"][..], &["running"][..]),
        (
            &["joblens", "wait", "--for", "running,su"],
            &["running,succeeded"],
        ),
        (&["joblens", "wait", "--for", "no"], &["no-warnings="]),
        (&["joblens", "wait", "--for", "Su"], &["succeeded"]),
        (&["joblens", "list", "--state", "FAI"], &["failed"]),
        (&["joblens", "list", "-s", "failed,f"], &[]),
        (&["joblens", "list", "-sfailed,f"], &[]),
        (&["joblens", "wait", "--for", "failed,f"], &[]),
        (&["joblens", "wait", "--report", "j"], &["junit=", "json="]),
        (&["joblens", "wait", "--report", "junit="], &[]),
    ] {
        assert_eq!(
            bash(home.path(), &words.join(" "), words),
            offered,
            "{words:?}"
        );
    }
}

#[test]
fn only_names_of_files_are_left_to_the_shell() {
    let home = home();
    let folder = Path::new(env!("CARGO_BIN_EXE_joblens")).parent().unwrap();
    let script = joblens(&["completion", "bash"]).run().stdout;
    // Outside of a completion, the builtin fails.
    let script = format!("compopt() {{ echo \"compopt $*\"; }}\n{script}");
    for (line, expects_file) in [
        ("joblens wait -t", false),
        ("joblens list -u", false),
        ("joblens list --name", false),
        ("joblens logs --task", false),
        ("joblens get", false),
        ("joblens wait -f", true),
        ("joblens wait --report", false),
        ("joblens wait --report junit=", true),
        ("joblens get --ca-file", true),
        ("joblens get --record", true),
        ("joblens get --replay", true),
        ("joblens --config", true),
        ("joblens metrics --textfile", true),
        ("joblens emulate --scenario", true),
    ] {
        let typed = match line.strip_suffix("junit=") {
            Some(_) => "junit=z",
            None => "zz",
        };
        let line = line.trim_end_matches("junit=").trim_end();
        let words = format!("{line} {typed}");
        let call = format!(
            "{script}\nCOMP_LINE='{words}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({words}); COMP_TYPE=9; \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n_joblens joblens {typed} x\necho \"${{COMPREPLY[@]}}\"\n"
        );
        let output = Command::new("bash")
            .args(["--norc", "--noprofile", "-c", &call])
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .output()
            .unwrap();
        let expected = match expects_file {
            true => "compopt -o bashdefault -o default\n\n",
            false => "\n",
        };
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{words}");
    }
}

#[test]
fn files_of_redirections_and_variables_are_left_to_the_shell() {
    let script = joblens(&["completion", "bash"]).run().stdout;
    // The stub replaces the program, which would offer this word for every line.
    let stubs = "compopt() { echo \"compopt $*\"; }\njoblens() { echo offered; }\n";
    // The words as bash splits them.
    for (parts, is_left) in [
        (&["list", "-o", "json", ">", "ou"][..], true),
        (&["list", "2", ">", "ou"], true),
        (&["list", ">>", "\"ou"], true),
        (&["get", "<", ""], true),
        (&["get", "<<<", "ou"], true),
        (&["get", "$HOM"], true),
        (&["get", "\"$HOM"], true),
        (&["get", "`who"], true),
        (&["get", "~roo"], true),
        (&["list", "--name", "=", "$HOM"], true),
        (&["list", "'>'", "ou"], false),
        (&["list", "\"a>b\"", "ou"], false),
        (&["get", "'$HOM"], false),
        (&["get", "\\$HOM"], false),
        (&["get", ">", "out", "ou"], false),
    ] {
        let words = parts.iter().map(|part| shlex::try_quote(part).unwrap());
        let words = words.collect::<Vec<_>>().join(" ");
        let line = format!("joblens {}", parts.join(" "));
        let line = shlex::try_quote(&line).unwrap();
        let last = shlex::try_quote(parts.last().unwrap()).unwrap();
        let call = format!(
            "{script}\n{stubs}COMP_LINE={line}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=(joblens {words}); \
             COMP_TYPE=9; COMP_CWORD={}\n_joblens joblens {last} x\necho \"${{COMPREPLY[@]}}\"\n",
            parts.len()
        );
        let output = Command::new("bash")
            .args(["--norc", "--noprofile", "-c", &call])
            .output()
            .unwrap();
        let expected = match is_left {
            true => "compopt -o bashdefault -o default\n\n",
            false => "offered\n",
        };
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            expected,
            "{parts:?}"
        );
    }
}

#[test]
fn profiles_are_completed_unless_their_name_is_unsafe_in_a_shell() {
    let home = home();
    let toml = "[aliyun.'a b']\nregion = 'x'\n[aliyun.'生产']\nregion = 'x'\n\
        [aliyun.'$(id)']\nregion = 'x'\n[aliyun.\"c\\nd\\u001b[2J\"]\nregion = 'x'\n";
    fs::write(home.path().join(".config/joblens/config.toml"), toml).unwrap();
    listed(
        home.path(),
        "aliyun@%E7%94%9F%E4%BA%A7/job/ehpc-a/5\nsugon/instance/%E8%AE%AD%E7%BB%83-1\n",
    );
    let bash = |words: &[&str]| bash(home.path(), &words.join(" "), words);
    assert_eq!(bash(&["joblens", "-p", "a"]), ["a\\ b"]);
    assert_eq!(bash(&["joblens", "-p", "a\\ "]), ["a\\ b"]);
    assert_eq!(bash(&["joblens", "-p", "\"a "]), ["a b"]);
    assert_eq!(bash(&["joblens", "get", "aliyun@生"]), ["aliyun@生产/"]);
    assert_eq!(
        bash(&["joblens", "get", "aliyun@生产/job/"]),
        ["aliyun@生产/job/ehpc-a/"]
    );
    assert_eq!(
        bash(&["joblens", "get", "sugon/instance/训"]),
        ["sugon/instance/训练-1"]
    );
    let mut all = bash(&["joblens", "-p", ""]);
    all.sort();
    assert_eq!(all, ["a\\ b", "default", "生产"]);
}

#[test]
fn bash_completes_an_alias() {
    let home = home();
    let words = ["jl", "get", "-o", "js"];
    assert_eq!(bash(home.path(), "jl get -o js", &words), ["json", "jsonl"]);
}
