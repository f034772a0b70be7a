use std::fs;
use std::process::Stdio;

use serde_json::json;

use super::{INSTANCE, command_for, instance_server};
use crate::support::pty::Terminal;
use crate::support::{Joblens, Server, joblens, json as response};

/// Contains terminal control sequences and commands of CI systems.
const HOSTILE: &str = "x\n::error title=pwn::gotcha\n\u{1b}[2J##[error]y";

/// Returns the output of a run on a terminal.
fn on_a_terminal(run: Joblens) -> String {
    let terminal = Terminal::open();
    let output = || Stdio::from(terminal.user.try_clone().unwrap());
    run.env("TERM", "xterm").start(output(), output()).end();
    terminal.shown()
}

#[test]
fn invalid_option_values_are_escaped_in_error_messages() {
    for arguments in [
        &["get", "--color", HOSTILE][..],
        &["get", "-o", HOSTILE],
        &["get", "--time", HOSTILE],
        &["get", HOSTILE],
        &[HOSTILE],
        &["get", &format!("--{HOSTILE}")],
        &["wait", "--on-unknown", HOSTILE],
        &["wait", "--for", HOSTILE],
        &["wait", "-t", HOSTILE, INSTANCE],
        &["schema", HOSTILE],
        &["completion", HOSTILE],
        &["emulate", "--port", HOSTILE],
    ] {
        let run = joblens(arguments).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(
            !run.stderr.contains(['\u{1b}', '\r']),
            "{arguments:?}: {}",
            run.stderr
        );
        assert!(!run.stderr.contains("##["), "{arguments:?}: {}", run.stderr);
        let is_command = |line: &str| line.trim_start().starts_with("::");
        assert!(
            !run.stderr.lines().any(is_command),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn wrapped_text_never_begins_a_line_with_a_ci_command() {
    let text = (0..60)
        .map(|n| format!("::error::x{n}"))
        .collect::<Vec<_>>()
        .join(" ");
    let refusing = Server::answering(response(json!({"code": "10003", "msg": text}).to_string()));
    let failed =
        instance_server(&json!({"status": "Failed", "description": text, "statusDesc": text}));
    for (server, arguments) in [
        (&refusing, &["doctor", "sugon"][..]),
        (&failed, &["describe", INSTANCE]),
    ] {
        let shown = on_a_terminal(command_for(server, arguments));
        assert!(shown.contains("error::x"), "{arguments:?}: {shown}");
        let is_command = |line: &str| line.trim_start().starts_with("::");
        assert!(!shown.lines().any(is_command), "{arguments:?}: {shown}");
    }
}

#[test]
fn completion_omits_profile_names_that_are_unsafe_in_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let names = [
        "$(touch pwned)",
        "`id`",
        "a\\nb\\u001b[2J",
        "x;y",
        "a'b",
        "好",
        "prod",
    ];
    let tables = names.map(|name| format!("[aliyun.\"{name}\"]\nregion = \"x\"\n"));
    fs::write(&config, tables.concat()).unwrap();
    for arguments in [
        &["get", "aliyun@"][..],
        &["get", "-p", ""],
        &["doctor", "aliyun@"],
    ] {
        let words = [&["__complete", "--", "joblens"], arguments].concat();
        let run = joblens(&words)
            .env("JOBLENS_CONFIG", config.display().to_string())
            .run();
        assert!(
            !run.stdout.contains(['$', '`', ';', '\'', '\u{1b}']),
            "{}",
            run.stdout
        );
        for name in ["好", "prod"] {
            assert!(run.stdout.contains(name), "{arguments:?}: {}", run.stdout);
        }
    }
}

#[test]
fn a_long_cell_is_cut_on_a_terminal() {
    let server =
        instance_server(&json!({"notebookName": "n".repeat(100_000), "name": "n".repeat(100_000)}));
    let shown = on_a_terminal(command_for(&server, &["get", INSTANCE]));
    assert!(shown.len() < 5_000, "{} bytes", shown.len());
}
