//! The completion scripts of zsh and fish, in these shells where they are installed.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use super::completion::{home, listed};
use crate::support::joblens;

/// A line and all that is offered for its last word.
const LINES: [(&str, &[&str]); 19] = [
    ("joblens desc", &["describe"]),
    ("~/bin/joblens desc", &["describe"]),
    ("joblens get --show-s", &["--show-secrets"]),
    ("joblens get -o js", &["json", "jsonl"]),
    (
        "joblens get --output=js",
        &["--output=json", "--output=jsonl"],
    ),
    ("joblens get -p ", &["a b", "default", "prod", "生产"]),
    ("joblens list --state pending,run", &["pending,running"]),
    (
        "joblens get ali",
        &["aliyun/", "aliyun@a b/", "aliyun@prod/", "aliyun@生产/"],
    ),
    ("joblens get aliyun@pr", &["aliyun@prod/"]),
    (
        "joblens get aliyun@prod/job/ehpc-b/10_1-9:",
        &["aliyun@prod/job/ehpc-b/10_1-9:2"],
    ),
    ("joblens get 5", &["aliyun/job/ehpc-a/5"]),
    ("joblens wait --for running,succ", &["running,succeeded"]),
    ("joblens wait --for=no", &["--for=no-warnings="]),
    ("joblens wait --report j", &["junit=", "json="]),
    ("joblens get aliyun@生", &["aliyun@生产/"]),
    ("joblens get 'aliyun@生", &["aliyun@生产/"]),
    ("joblens get \"aliyun@pr", &["aliyun@prod/"]),
    ("joblens -p 'a ", &["a b"]),
    ("joblens -p a\\ ", &["a b"]),
];

/// A home with settings, what was listed, and the program in its `bin`.
fn furnished() -> tempfile::TempDir {
    let home = home();
    let settings = home.path().join(".config/joblens/config.toml");
    let more = "[aliyun.'a b']\nregion = 'x'\n[aliyun.'生产']\nregion = 'x'\n";
    let all = fs::read_to_string(&settings).unwrap() + more;
    fs::write(settings, all).unwrap();
    listed(
        home.path(),
        "aliyun@prod/job/ehpc-b/10_1-9:2\naliyun/job/ehpc-a/5\n",
    );
    fs::create_dir(home.path().join("bin")).unwrap();
    let program = env!("CARGO_BIN_EXE_joblens");
    std::os::unix::fs::symlink(program, home.path().join("bin/joblens")).unwrap();
    home
}

/// Runs a shell at this home; `None` where it is not installed.
fn run(shell: &str, arguments: &[&str], home: &Path) -> Option<Output> {
    let path = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", home.display());
    let output = Command::new("timeout")
        .args(["60", shell])
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("PATH", path)
        .env("TERM", "dumb")
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap();
    // What `timeout` reports about a program that is not there.
    if output.status.code() == Some(127) {
        // Past the harness, which shows nothing of tests that pass.
        let _ = writeln!(io::stderr(), "skipped: {shell} is not installed");
        return None;
    }
    Some(output)
}

#[test]
fn fish_is_offered_the_same() {
    let home = furnished();
    let script = home.path().join("joblens.fish");
    fs::write(&script, joblens(&["completion", "fish"]).run().stdout).unwrap();
    let call = format!(
        "source {}; for line in $argv; complete -C $line; echo ---; end",
        script.display()
    );
    let lines = LINES.iter().map(|(line, _)| *line);
    let typed: Vec<&str> = ["--no-config", "-c", &call]
        .into_iter()
        .chain(lines)
        .collect();
    let Some(output) = run("fish", &typed, home.path()) else {
        return;
    };
    let shown = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shown.matches("---\n").count(), LINES.len(), "{errors}");
    for ((line, expected), offered) in LINES.iter().zip(shown.split("---\n")) {
        let offered = offered.lines().map(|line| line.split('\t').next().unwrap());
        assert_eq!(offered.collect::<Vec<_>>(), *expected, "{line}");
    }
}

#[test]
fn zsh_is_offered_the_same_and_sets_a_blank_after_whole_words_only() {
    let home = furnished();
    let folder = home.path().join("functions");
    fs::create_dir(&folder).unwrap();
    let script = joblens(&["completion", "zsh"]).run().stdout;
    fs::write(folder.join("_joblens"), script).unwrap();
    let typing = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/shell/complete.zsh");
    let lines = LINES.iter().map(|(line, _)| *line);
    let typed: Vec<&str> = ["-f", typing].into_iter().chain(lines).collect();
    let Some(output) = run("zsh", &typed, home.path()) else {
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let between = |begin: &str, end: &str| -> Vec<&str> {
        let parts = shown.split(begin).skip(1);
        parts.map(|part| part.split(end).next().unwrap()).collect()
    };
    let offered = between("OFFERED<\n", "\n>ALL_OF_IT");
    assert_eq!(offered.len(), LINES.len(), "{output:?}");
    for ((line, expected), offered) in LINES.iter().zip(offered) {
        assert_eq!(offered, expected.join("\n"), "{line}");
    }
    let lines = between("LINE<", ">THE_END");
    let becomes = [0, 3, 7].map(|at| lines[at]);
    assert_eq!(
        becomes,
        [
            "joblens describe ",
            "joblens get -o json",
            "joblens get aliyun"
        ]
    );
    let prefix = LINES.iter().position(|(line, _)| line.ends_with("@pr"));
    assert_eq!(lines[prefix.unwrap()], "joblens get aliyun@prod/");
}
