//! The command line itself: help, unknown words, closed outputs.

use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::support::emulated::Emulated;
use crate::support::joblens;
use crate::support::jobs::{INSTANCE, JOB, WORLD};

const BINARY: &str = env!("CARGO_BIN_EXE_joblens");

/// The commands that have a help text.
const COMMANDS: [&str; 22] = [
    "get",
    "describe",
    "events",
    "logs",
    "list",
    "wait",
    "watch",
    "metrics",
    "kinds",
    "states",
    "schema",
    "auth",
    "auth status",
    "doctor",
    "config",
    "config init",
    "config path",
    "completion",
    "man",
    "demo",
    "emulate",
    "",
];

#[test]
fn every_help_has_two_examples_after_the_summary() {
    for command in COMMANDS {
        let words = || command.split_whitespace();
        for arguments in [
            words().chain(["--help"]).collect::<Vec<_>>(),
            words().chain(["-h"]).collect(),
            ["help"].into_iter().chain(words()).collect(),
        ] {
            let run = joblens(&arguments).run();
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
            let (summary, rest) = run.stdout.split_once("\n\nExamples:\n").unwrap();
            assert_eq!(summary.lines().count(), 1, "{arguments:?}: {summary}");
            let (examples, rest) = rest.split_once("\n\nUsage: joblens").unwrap();
            let examples = examples.lines().filter(|line| line.contains("joblens "));
            assert!(examples.count() >= 2, "{arguments:?}: {}", run.stdout);
            assert!(
                rest.contains("--output") && rest.contains("--profile"),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn help_accepts_global_options() {
    let plain = |command: &[&str]| joblens(&[&["help"], command].concat()).run().stdout;
    for (arguments, command) in [
        (&["help", "--color", "never"][..], &[][..]),
        (&["help", "-v"], &[]),
        (&["help", "--help"], &[]),
        (&["help", "list", "-o", "csv"], &["list"]),
        (&["help", "-o=wide", "auth", "status"], &["auth", "status"]),
        (&["auth", "help", "-q", "status"], &["auth", "status"]),
    ] {
        let run = joblens(arguments).run();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
        assert_eq!(run.stdout, plain(command), "{arguments:?}");
    }
    for (arguments, message) in [
        (
            &["help", "lsit", "-o", "json"][..],
            "unknown command 'lsit'",
        ),
        (
            &["help", "list", "--bogus", "-o", "json"],
            "unexpected argument '--bogus' found",
        ),
    ] {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}");
        assert_eq!(run.json()["command"], "help");
        assert_eq!(run.error()["message"], message);
    }
}

#[test]
fn a_copied_example_is_complete_on_a_terminal_of_80_columns() {
    for command in COMMANDS {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let examples = |columns: &str| {
            let help = joblens(&words).env("COLUMNS", columns).run().stdout;
            let (_, examples) = help.split_once("Examples:\n").unwrap();
            examples.split_once("\n\nUsage:").unwrap().0.to_owned()
        };
        let wide = examples("100");
        assert_eq!(examples("80"), wide, "{command}");
        let mut is_continued = false;
        for line in wide.lines() {
            assert!(line.len() <= 80, "{command}: {line}");
            let indent = line.len() - line.trim_start().len();
            assert_eq!(
                indent,
                if is_continued { 6 } else { 2 },
                "{command}: {line}"
            );
            is_continued = line.ends_with(" \\");
        }
        assert!(!is_continued, "{command}");
        check_arguments(&wide);
    }
}

/// Checks that joblens accepts the arguments of all examples.
fn check_arguments(examples: &str) {
    // Only zsh and PowerShell run these.
    let is_of_sh = |line: &&str| !line.contains("fpath") && !line.contains("Out-String");
    let lines: Vec<&str> = examples.lines().filter(is_of_sh).collect();
    let script = format!(
        "set -e; touch references.txt; mkdir -p .config/fish/completions \
         .local/share/bash-completion/completions\n\
         joblens() {{ \"$BINARY\" \"$@\" --help > /dev/null || kill $$; }}\n\
         jq() {{ cat > /dev/null; }}; less() {{ cat; }}; man() {{ :; }}\n{}\n",
        lines.join("\n")
    );
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(home.path())
        .env_clear()
        .envs([
            ("PATH", "/usr/bin:/bin"),
            ("EDITOR", "true"),
            ("BINARY", BINARY),
        ])
        .env("HOME", home.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{examples}\n{errors}"
    );
}

#[test]
fn joblens_without_arguments_prints_help_as_a_usage_error() {
    let run = joblens(&[]).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("\nExamples:\n"), "{}", run.stderr);
}

#[test]
fn the_version_is_one_line() {
    let run = joblens(&["-V"]).run();
    assert_eq!(
        (run.code, run.stdout),
        (0, format!("joblens {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn commands_and_options_of_other_tools_get_a_hint() {
    for (arguments, sentence) in [
        (&["delete", "aliyun/job/C/5"][..], "joblens is read-only"),
        (&["submit"], "joblens is read-only"),
        (&["history", "aliyun/job/C/5"], "joblens events REF"),
        (&["gte", "aliyun/job/C/5"], "joblens get"),
        (
            &["--no-pager", "describe", JOB],
            "joblens describe --no-pager",
        ),
        (&["kinds", "aliyun／job"], "did you mean 'aliyun/job'?"),
        (&["states", "https://a/b"], "this is a URL"),
        (
            &["get", "--region", "x", JOB],
            "set region in the config file",
        ),
        (
            &["get", "--format", "json", JOB],
            "-o table, -o wide or -o json",
        ),
        (&["get", "-o", "xml", JOB], "table, wide, json"),
        (&["get"], "pass a reference"),
    ] {
        let run = joblens(arguments).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(
            run.stderr.contains(sentence),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_usage_error_with_json_output_prints_an_envelope() {
    for arguments in [
        &["get", "-o", "json"][..],
        &["delete", "-o", "json"],
        &["-o", "json", "get", "a/b/c"],
    ] {
        let run = joblens(arguments).run();
        assert_eq!(
            (run.code, &run.json()["exit"]["word"]),
            (2, &"usage".into()),
            "{arguments:?}"
        );
        assert_eq!(run.error()["category"], "usage");
    }
}

#[test]
fn an_empty_list_on_standard_input_is_an_empty_result() {
    let run = joblens(&["get", "-o", "json", "-"])
        .input("# nothing\n\n")
        .run();
    assert_eq!(run.json()["jobs"], serde_json::json!([]));
    assert_eq!(run.json()["coverage"]["asked"], 0);
}

#[test]
fn a_usage_error_has_a_coverage_of_zero_requested_resources() {
    for arguments in [
        &["get", "-o", "json"][..],
        &["get", "-o", "json", "nope/job/1"],
        &["wait", "-o", "json", "aliyun/job"],
        &["get", "-o", "json", "--no-such-option"],
        &["list", "-o", "json", "nope"],
    ] {
        let run = joblens(arguments).run();
        let coverage = run.json()["coverage"].clone();
        let expected = serde_json::json!({"complete": false, "asked": 0, "answered": 0});
        assert_eq!((run.code, coverage), (2, expected), "{arguments:?}");
    }
}

#[test]
fn raw_requires_json_jsonl_or_yaml_output() {
    for arguments in [
        &["get", "--raw", "aliyun/job/c/1"][..],
        &["get", "--raw", "-o", "csv", "aliyun/job/c/1"],
        &["describe", "--raw", "aliyun/job/c/1"],
        &["wait", "--raw", "-o", "name", "aliyun/job/c/1"],
    ] {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}");
        let message = "--raw requires -o json, jsonl or yaml";
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
}

#[test]
fn the_hint_for_an_unknown_cloud_lists_the_supported_clouds() {
    let run = joblens(&["list", "nope"]).run();
    let hint = "hint: expected CLOUD/KIND[/SEGMENT…]/, where CLOUD is one of \
        aliyun, sugon, huawei, tencent, kubernetes; see: joblens kinds\n";
    assert!(run.stderr.ends_with(hint), "{}", run.stderr);
}

#[test]
fn a_wait_refuses_a_list_without_a_final_newline() {
    let emulated = Emulated::start(WORLD);
    let cut = "sugon/instance/i-1\nsugon/instance/i";
    let run = emulated.joblens(&["wait", "-"]).input(cut).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.stderr.contains("has no newline"), "{}", run.stderr);
    assert!(run.stderr.contains("set -o pipefail"), "{}", run.stderr);
    assert!(emulated.requests().is_empty());
}

#[test]
fn a_closed_output_ends_a_command_silently_with_exit_code_141() {
    let emulated = Emulated::start(WORLD);
    for arguments in [
        &["get", "-o", "json", INSTANCE][..],
        &["get", "-o", "wide", INSTANCE],
        &[INSTANCE],
        &["demo"],
        &["emulate", "--print-env"],
        &["--help"],
        &["-V"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = Command::new(BINARY)
            .args(arguments)
            .env_clear()
            .envs(emulated.environment())
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(
            (child.wait().unwrap().code(), stderr.as_str()),
            (Some(141), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn output_to_a_pipe_is_colored_only_on_request() {
    let emulated = Emulated::start(WORLD);
    let colored = |options: &[&str], variables: &[(&str, &str)]| {
        let mut arguments = vec!["get", INSTANCE];
        arguments.extend_from_slice(options);
        let run = emulated.joblens(&arguments).envs(variables.to_vec()).run();
        run.stdout.contains('\u{1b}')
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&["--color", "always"], &[]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(
        !colored(&["-o", "json", "--color", "always"], &[]),
        "a machine format has no color"
    );
}
