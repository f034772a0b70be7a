//! The completion scripts of zsh and fish, tested in these shells if they are installed.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use super::completion::{home, listed};
use crate::support::emulated::Emulated;
use crate::support::joblens;
use crate::support::pty::Terminal;

/// A line and all suggestions for its last word.
const LINES: [(&str, &[&str]); 22] = [
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
    ("joblens list --sort-by=-cre", &["--sort-by=-created_at"]),
    ("joblens get sugon/instance/100", &["sugon/instance/100%25"]),
    ("joblens wait --for running,succ", &["running,succeeded"]),
    ("joblens wait --for=no", &["--for=no-warnings="]),
    ("joblens wait --report j", &["junit=", "json="]),
    ("joblens get aliyun@生", &["aliyun@生产/"]),
    ("joblens get 'aliyun@生", &["aliyun@生产/"]),
    ("joblens get \"aliyun@pr", &["aliyun@prod/"]),
    ("joblens -p 'a ", &["a b"]),
    ("joblens -p a\\ ", &["a b"]),
    ("joblens s", &["states", "schema", "sugon/"]),
];

/// Lines for which nothing is offered: their last words are not file names.
const NOTHING: [&str; 6] = [
    "joblens wait -t ",
    "joblens list -u ",
    "joblens list --name ",
    "joblens logs --task ",
    "joblens list -s failed,f",
    "joblens wait --report github,",
];

/// A line that ends in a file name, and the completed word in fish and in zsh.
const FILES: [(&str, &str, &str); 9] = [
    ("joblens get -f ~/bin/jo", "~/bin/joblens", "~/bin/joblens"),
    (
        "joblens get -f ~/refs",
        "~/refs (1).txt",
        "~/refs\\ \\(1\\).txt",
    ),
    (
        "joblens --config $HOME/bin/jo",
        "$HOME/bin/joblens",
        "$HOME/bin/joblens",
    ),
    ("joblens --record ~/bi", "~/bin/", "~/bin/"),
    (
        "joblens wait --report junit=~/bin/jo",
        "junit=~/bin/joblens",
        "junit=~/bin/joblens",
    ),
    (
        "joblens wait --report=junit=~/bin/jo",
        "--report=junit=~/bin/joblens",
        "--report=junit=~/bin/joblens",
    ),
    (
        "joblens list -o json > ~/bin/jo",
        "~/bin/joblens",
        "~/bin/joblens",
    ),
    ("joblens get < ~/bin/jo", "~/bin/joblens", "~/bin/joblens"),
    ("joblens get $HOM", "$HOME", "$HOME/"),
];

/// Returns a home folder with settings, stored references, and the program in its `bin`.
fn furnished() -> tempfile::TempDir {
    let home = home();
    let settings = home.path().join(".config/joblens/config.toml");
    let more = "[aliyun.'a b']\nregion = 'x'\n[aliyun.'生产']\nregion = 'x'\n";
    let all = fs::read_to_string(&settings).unwrap() + more;
    fs::write(settings, all).unwrap();
    listed(
        home.path(),
        "aliyun@prod/job/ehpc-b/10_1-9:2\naliyun/job/ehpc-a/5\nsugon/instance/100%25\n",
    );
    fs::write(home.path().join("refs (1).txt"), "").unwrap();
    fs::create_dir(home.path().join("bin")).unwrap();
    let program = env!("CARGO_BIN_EXE_joblens");
    std::os::unix::fs::symlink(program, home.path().join("bin/joblens")).unwrap();
    home
}

/// Runs a shell with this home folder; `None` if it is not installed.
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
    // Exit code of `timeout` for a program that does not exist.
    if output.status.code() == Some(127) {
        skipped(shell);
        return None;
    }
    Some(output)
}

/// Writes to standard error directly, since the test harness hides the output of passing tests.
fn skipped(shell: &str) {
    let _ = writeln!(io::stderr(), "skipped: {shell} is not installed");
}

/// Returns the lines to complete.
fn all_lines() -> Vec<&'static str> {
    let files = FILES.iter().map(|(line, _, _)| *line);
    LINES.iter().map(|(line, _)| *line).chain(files).collect()
}

#[test]
fn fish_completes_the_expected_words_and_file_names() {
    let home = furnished();
    let script = home.path().join("joblens.fish");
    fs::write(&script, joblens(&["completion", "fish"]).run().stdout).unwrap();
    let call = format!(
        "source {}; for line in $argv; complete -C $line; echo ---; end",
        script.display()
    );
    let typed: Vec<&str> = ["--no-config", "-c", &call]
        .into_iter()
        .chain(all_lines())
        .chain(NOTHING)
        .collect();
    let Some(output) = run("fish", &typed, home.path()) else {
        return;
    };
    let shown = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        shown.matches("---\n").count(),
        all_lines().len() + NOTHING.len(),
        "{errors}"
    );
    let files = FILES
        .iter()
        .map(|(line, offered, _)| (line, vec![*offered]));
    let expected = LINES.iter().map(|(line, offered)| (line, offered.to_vec()));
    let expected = expected.chain(files);
    let expected = expected.chain(NOTHING.iter().map(|line| (line, Vec::new())));
    for ((line, expected), offered) in expected.zip(shown.split("---\n")) {
        let offered = offered.lines().map(|line| line.split('\t').next().unwrap());
        assert_eq!(offered.collect::<Vec<_>>(), expected, "{line}");
    }
}

/// Completes lines in zsh; `None` if it is not installed.
fn zsh(lines: &[&str]) -> Option<String> {
    let home = furnished();
    let folder = home.path().join("functions");
    fs::create_dir(&folder).unwrap();
    let script = joblens(&["completion", "zsh"]).run().stdout;
    fs::write(folder.join("_joblens"), script).unwrap();
    let typing = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/shell/complete.zsh");
    let typed = [&["-f", typing], lines].concat();
    let output = run("zsh", &typed, home.path())?;
    Some(String::from_utf8_lossy(&output.stdout).replace('\r', ""))
}

/// Returns the texts between marks.
fn between<'a>(shown: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    let parts = shown.split(begin).skip(1);
    parts.map(|part| part.split(end).next().unwrap()).collect()
}

#[test]
fn zsh_offers_no_file_names_for_other_values() {
    let Some(shown) = zsh(&NOTHING) else {
        return;
    };
    let offered = between(&shown, "OFFERED<\n", "\n>ALL_OF_IT");
    assert_eq!(offered, [""; NOTHING.len()], "{shown}");
}

#[test]
fn zsh_completes_the_expected_words_with_a_space_only_after_whole_ones() {
    let Some(shown) = zsh(&all_lines()) else {
        return;
    };
    let offered = between(&shown, "OFFERED<\n", "\n>ALL_OF_IT");
    assert_eq!(offered.len(), all_lines().len(), "{shown}");
    assert!(!shown.contains("ANOTHER_COMPLETER_RAN"), "{shown}");
    for ((line, expected), offered) in LINES.iter().zip(offered) {
        assert_eq!(offered, expected.join("\n"), "{line}");
    }
    let lines = between(&shown, "LINE<", ">THE_END");
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
    for ((line, _, expected), becomes) in FILES.iter().zip(&lines[LINES.len()..]) {
        let (_, word) = line.rsplit_once(' ').unwrap();
        let before = line.strip_suffix(word).unwrap();
        assert_eq!(becomes.trim_end(), format!("{before}{expected}"));
    }
}

#[test]
fn short_references_work_in_fish_and_zsh() {
    let emulated = Emulated::start(super::WORLD);
    let home = furnished();
    let script = home.path().join("joblens.fish");
    fs::write(&script, joblens(&["completion", "fish"]).run().stdout).unwrap();
    let offer = format!("source {}; complete -C 'joblens get %'", script.display());
    for (shell, options, offer) in [
        ("fish", "--no-config", offer.as_str()),
        ("zsh", "-f", "joblens __complete -- joblens get %"),
    ] {
        let command = format!(
            "joblens list sugon/instance -o name -q; joblens get %1 -o name; joblens get - -o name; {offer}"
        );
        let terminal = Terminal::open();
        let device = || terminal.user.try_clone().unwrap();
        let path = format!("{}/bin:/usr/local/bin:/usr/bin:/bin", home.path().display());
        // Each terminal has its own session.
        let status = Command::new("timeout")
            .args([
                "60", "setsid", "--ctty", "--wait", shell, options, "-c", &command,
            ])
            .env_clear()
            .env("HOME", home.path())
            .env("PATH", path)
            .env("TERM", "dumb")
            .envs(emulated.environment())
            .stdin(device())
            .stdout(device())
            .stderr(device())
            .status()
            .unwrap();
        let shown = terminal.shown();
        if status.code() == Some(127) {
            skipped(shell);
            continue;
        }
        let lines: Vec<&str> = shown.lines().collect();
        let id = "sugon/instance/i-0123456789";
        assert_eq!(lines, [id, id, id, &format!("%1\t{id}")], "{shell}");
    }
}
