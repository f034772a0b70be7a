use std::fs::File;
use std::process::Command;

use serde_json::json;

use crate::support::joblens;

/// Invalid command lines, each with its command and a part of the message.
const WRONG: [(&[&str], &str, &str); 13] = [
    (&["get", "--bogus", "-o", "json"], "get", "'--bogus'"),
    (&["-o", "json", "--bogus"], "get", "'--bogus'"),
    (
        &["wait", "-ojson", "--timeout"],
        "wait",
        "'--timeout <TIME>'",
    ),
    (
        &["--output=json", "watch", "-q", "-v", "a/b/c"],
        "watch",
        "cannot be used with",
    ),
    (&["states", "-o", "json", "a", "b"], "states", "'b'"),
    (&["ls", "-o=json", "--color", "no"], "list", "'no'"),
    (&["events", "--x", "-fqojson"], "events", "'--x'"),
    (
        &["auth", "-o", "json"],
        "auth status",
        "requires a subcommand",
    ),
    (&["-o", "json", "config"], "config", "missing subcommand"),
    (
        &["config", "inti2", "-o", "json"],
        "config",
        "unknown command 'inti2'",
    ),
    (
        &["emulate", "--port", "x", "-o", "json"],
        "emulate",
        "invalid value 'x' for --port: expected a number from 0 to 65535",
    ),
    (
        &["emulate", "--port=65536", "-o", "json"],
        "emulate",
        "expected a number from 0 to 65535",
    ),
    (&["--output", "json"], "get", "no command or reference"),
];

#[test]
fn an_invalid_command_line_is_reported_in_the_requested_json() {
    for (arguments, command, part) in WRONG {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}");
        let error = run.error();
        assert_eq!(error["category"], "usage", "{arguments:?}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(part), "{arguments:?}: {message}");
        assert!(error["hint"].is_string(), "{arguments:?}");
        let document = run.json();
        assert_eq!(document["command"], command, "{arguments:?}");
        assert_eq!(document["exit"], json!({ "code": 2, "word": "usage" }));
        let hint = error["hint"].as_str().unwrap();
        assert_eq!(run.stderr, format!("error: {message}\nhint: {hint}\n"));
    }
}

#[test]
fn a_jq_expression_is_applied_to_errors_about_options() {
    let others: [&[&str]; 5] = [
        &["wait", "--bogus"],
        &["get", "-o", "jsonn", "aliyun/job/c/5"],
        &["wait", "--timeout", "1s", "--timeout", "2s"],
        &["list", "-q", "-v"],
        &["wait", "--timeout"],
    ];
    for arguments in WRONG.iter().map(|(arguments, ..)| arguments).chain(&others) {
        let all = [&["--jq", ".exit.word, $a", "--arg", "a", "x"], *arguments].concat();
        let run = joblens(&all).run();
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (2, "usage\nx\n"),
            "{all:?}"
        );
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
    let broken = joblens(&["wait", "--bogus", "--jq", ".exit.word.x"]).run();
    assert_eq!((broken.code, broken.stdout.as_str()), (2, ""));
    let message = "error: --jq: cannot index";
    assert!(broken.stderr.contains(message), "{}", broken.stderr);
    let invalid = joblens(&["wait", "--bogus", "-o", "json", "--jq", ".["]).run();
    assert_eq!(invalid.json()["exit"]["word"], "usage");
}

#[test]
fn errors_for_missing_files_contain_no_os_error_number() {
    let run = joblens(&["get", "--config", "missing.toml", "sugon/instance/i"]).run();
    let whole = std::env::current_dir().unwrap().join("missing.toml");
    let message = format!(
        "cannot read the config file {} (no such file)",
        whole.display()
    );
    assert!(run.stderr.contains(&message), "{}", run.stderr);
    let run = joblens(&["emulate", "--scenario", "missing.toml"]).run();
    let message = "cannot be read (no such file)";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    let report = "json=/dev/null/report.json";
    let run = joblens(&["wait", "-t", "1s", "sugon/instance/i", "--report", report]).run();
    assert_eq!(run.code, 2);
    let message = "cannot write this file: ";
    assert!(run.stderr.contains(message), "{}", run.stderr);
    assert!(!run.stderr.contains("os error"), "{}", run.stderr);
}

#[test]
fn an_unknown_help_topic_gets_a_suggestion_or_the_general_help() {
    let run = joblens(&["help", "zzz"]).run();
    let typo = joblens(&["help", "lsit"]).run();
    let message = "error: unknown command 'lsit'\nhint: did you mean 'joblens help list'?\n";
    assert_eq!((typo.code, &*typo.stderr), (2, message));
    let message = "error: unknown command 'zzz'\nhint: see: joblens --help\n";
    assert_eq!((run.code, run.stderr.as_str()), (2, message));
}

#[test]
fn the_hint_for_an_unknown_option_names_a_similar_one() {
    let error = joblens(&["get", "--concurency", "3", "-o", "json"])
        .run()
        .error();
    assert!(error["hint"].as_str().unwrap().contains("'--concurrency'"));
    let error = joblens(&["get", "--region", "x", "-o", "json"])
        .run()
        .error();
    assert!(error["hint"].as_str().unwrap().starts_with("set region"));
    for (arguments, hint) in [
        (
            ["list", "--follow"],
            "--follow is an option of logs, events",
        ),
        (["watch", "-t"], "-t is an option of wait"),
        (
            ["--allow-empty", "a/b/c"],
            "--allow-empty is an option of wait",
        ),
        (
            ["--allow-empty", "wait"],
            "options of a command follow it: joblens wait --allow-empty",
        ),
    ] {
        let run = joblens(&arguments).run();
        assert!(
            run.stderr.ends_with(&format!("hint: {hint}\n")),
            "{}",
            run.stderr
        );
    }
    let run = joblens(&["get", "-w", "--exit-status", "a/b/c"]).run();
    assert!(
        run.stderr.ends_with("hint: see: joblens get --help\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn an_option_without_the_one_that_it_requires_is_an_error_that_names_both() {
    for (arguments, message) in [
        (
            &["logs", "--interval", "5s", "aliyun/job/c/1"][..],
            "--interval requires --follow",
        ),
        (
            &["events", "--interval", "5s", "aliyun/job/c/1"],
            "--interval requires --follow",
        ),
        (
            &["events", "--missing-grace", "5s", "aliyun/job/c/1"],
            "--missing-grace requires --follow",
        ),
        (
            &["metrics", "aliyun", "--min-interval", "5s"],
            "--min-interval requires --listen",
        ),
        (
            &["emulate", "--tls-cert", "a.pem"],
            "--tls-cert requires --tls-key",
        ),
        (
            &["emulate", "--tls-key", "a.pem", "--print-env"],
            "--tls-key requires --tls-cert",
        ),
        (
            &["emulate", "--client-ca", "a.pem"],
            "--client-ca requires --tls-cert",
        ),
    ] {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        let first = run.stderr.lines().next().unwrap();
        assert_eq!(first, format!("error: {message}"));
    }
}

#[test]
fn a_usage_error_prints_no_json_document_for_tables_and_streams() {
    let table = joblens(&["get", "--bogus"]).run();
    assert_eq!((table.code, table.stdout.as_str()), (2, ""));
    let stream = joblens(&["get", "--bogus", "-o", "jsonl"]).run();
    assert_eq!(stream.stdout.lines().count(), 2, "{}", stream.stdout);
}

#[test]
fn a_usage_error_about_options_names_the_command() {
    let run = joblens(&["wait", "-o", "json", "--columns", "ref", "aliyun/job/c/5"]).run();
    assert_eq!(run.json()["command"], "wait");
    assert_eq!(run.code, 2);
}

#[test]
fn columns_and_sorting_of_kinds_states_and_schema_are_usage_errors() {
    for (arguments, what, hint) in [
        (["kinds", "--columns", "template"], "--columns", "--jq"),
        (["states", "--sort-by", "word"], "--sort-by", "-o csv"),
        (
            ["schema", "--sort-by", "ref"],
            "prints JSON only",
            "omit -o",
        ),
    ] {
        let run = joblens(&arguments).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        let is_reported = run.stderr.contains(what) && run.stderr.contains(hint);
        assert!(is_reported, "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn commands_with_one_output_format_refuse_format_options() {
    for (arguments, what) in [
        (&["completion", "bash", "-o", "json"][..], "a script only"),
        (&["completion", "fish", "--columns", "ref"], "a script only"),
        (
            &["man", "pages", "--jq", "."],
            "the paths of the pages only",
        ),
        (&["emulate", "--print-env", "-o", "yaml"], "text only"),
        (&["metrics", "aliyun", "-o", "csv"], "text format only"),
    ] {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        let is_reported = run.stderr.contains(what) && run.stderr.contains("omit -o");
        assert!(is_reported, "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_full_disk_is_reported_with_exit_code_5() {
    for command in ["schema", "kinds"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_joblens"))
            .arg(command)
            .stdout(full)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(5), "{text}");
        assert!(text.contains("cannot write the output"), "{text}");
    }
}

#[test]
fn invalid_values_have_a_hint_with_the_correct_form() {
    let reference = "aliyun/job/c/5";
    for (arguments, part) in [
        (
            &["emulate", "--scenario", "nowhere.toml"][..],
            "--print-scenario",
        ),
        (
            &["get", reference, "--concurrency", "0"],
            "the default is 8",
        ),
        (
            &["get", reference, "--max-attempts", "0"],
            "the default is 4",
        ),
        (&["get", reference, "--max-body", "1"], "KiB, MiB and GiB"),
        (
            &["get", reference, "--jq", ".", "--argjson", "x", "{"],
            "--arg x TEXT",
        ),
        (&["logs", "-p", "prod", reference], "--profile prod"),
        (&["watch", reference, "-n", "5"], "--interval 5s"),
    ] {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_json_document_in_place_of_references_is_one_error() {
    let document = "{\n\"schema\": \"joblens/1\",\n\"jobs\": [\n{}\n]\n}\n";
    for arguments in [
        &["wait", "-t", "2s", "-"][..],
        &["get", "-f", "-"],
        &["metrics", "-f", "-"],
    ] {
        let run = joblens(arguments).input(document).run();
        let first = run.stderr.lines().next().unwrap();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert_eq!(first, "error: stdin is JSON, not references");
        assert_eq!(run.stderr.lines().count(), 2, "{}", run.stderr);
    }
    let lines = "no reference\n".repeat(50);
    let run = joblens(&["wait", "-t", "2s", "-"]).input(&lines).run();
    assert_eq!(run.stderr.matches("error: ").count(), 11, "{}", run.stderr);
    assert!(
        run.stderr.contains("40 more references are invalid"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_line_with_several_words_is_a_usage_error_before_any_request() {
    for line in [
        "aliyun/job/c/5 # x\n",
        "aliyun/job/c/5 6\n",
        "aliyun/job/c/5,aliyun/job/c/6\n",
    ] {
        let run = joblens(&["wait", "-t", "2s", "-"]).input(line).run();
        assert_eq!(run.code, 2, "{line}: {}", run.stderr);
        assert!(run.stderr.contains("hint: write "), "{}", run.stderr);
    }
}

#[test]
fn a_table_for_programs_has_no_header_after_a_usage_error() {
    for arguments in [
        &["list", "aliyun/job/c", "--columns", "name,nope"][..],
        &["list", "aliyun/job/c", "--columns", "details.nope"],
        &["list", "aliyun/job/c", "--sort-by", "nope"],
        &["list", "aliyun/job/c", "--since", "x"],
        &["get", "aliyun/nope/c/5"],
        &["events", "aliyun/job/c/5", "--columns", "nope"],
    ] {
        for format in ["csv", "tsv", "markdown"] {
            let run = joblens(&[arguments, &["-o", format]].concat()).run();
            assert_eq!((run.code, &*run.stdout), (2, ""), "{arguments:?} {format}");
            assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
        }
    }
}
