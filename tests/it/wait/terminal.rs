//! Output of gates and followers on a terminal, which in CI is a log.

use std::process::Stdio;

use super::{INSTANCE, LONG, job, job_with};
use crate::support::emulated::Emulated;
use crate::support::in_parallel;
use crate::support::pty::Terminal;

/// Runs a command with a terminal as its outputs; returns the exit code and the output.
fn on_a_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let emulated = Emulated::start(&job(INSTANCE, "0s Running, 1s Completed"));
    let terminal = Terminal::open();
    let output = || Stdio::from(terminal.user.try_clone().unwrap());
    let run = emulated
        .joblens(arguments)
        .envs(variables.iter().copied())
        .start(output(), output());
    let code = run.end().code;
    (code, terminal.shown())
}

/// Returns `true` if any output was redrawn.
fn is_redrawn(shown: &str) -> bool {
    let codes = [
        "\u{1b}[?",
        "\u{1b}[K",
        "\u{1b}[2K",
        "\u{1b}[A",
        "\u{1b}[1A",
        "\u{1b}[J",
    ];
    let spins = shown
        .chars()
        .any(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
    let returns = shown.replace("\r\n", "").contains('\r');
    spins || returns || codes.iter().any(|code| shown.contains(code))
}

const WAIT: &[&str] = &["wait", INSTANCE, "-t", LONG, "--interval", "50ms"];
const WATCH: &[&str] = &["watch", INSTANCE, "--interval", "50ms"];

#[test]
fn a_terminal_is_redrawn_unless_ci_is_set_or_term_is_unknown() {
    let environments: [(&[(&str, &str)], bool); 6] = [
        (&[("TERM", "xterm")], true),
        (&[("TERM", "vt100")], true),
        (&[("TERM", "no-such-terminal")], false),
        (&[("TERM", "xterm"), ("CI", "true")], false),
        (&[("TERM", "dumb")], false),
        (&[], false),
    ];
    let cases = [WAIT, WATCH].map(|command| environments.map(|case| (command, case)));
    in_parallel(cases.concat(), |(command, (variables, redraws))| {
        let (code, shown) = on_a_terminal(command, variables);
        assert_eq!(code, 0, "{shown}");
        assert_eq!(
            is_redrawn(&shown),
            redraws,
            "{command:?} {variables:?}: {shown:?}"
        );
        if !redraws {
            let changes = shown.lines().filter(|line| line.contains(INSTANCE));
            assert!(changes.count() >= 2, "each change has a line: {shown:?}");
        }
    });
}

#[test]
fn get_list_and_events_do_not_redraw_a_terminal_in_ci() {
    let ci = [("TERM", "xterm"), ("CI", "true")];
    for command in [
        &["get", INSTANCE][..],
        &["list", "sugon/instance"],
        &["events", "-f", INSTANCE, "--interval", "50ms"],
    ] {
        let (code, shown) = on_a_terminal(command, &ci);
        assert_eq!(code, 0, "{shown}");
        assert!(!is_redrawn(&shown), "{command:?}: {shown:?}");
    }
}

#[test]
fn an_unknown_or_dumb_terminal_gets_no_escape_sequences() {
    let commands: [&[&str]; 9] = [
        &["get", INSTANCE],
        &["get", "no-reference"],
        &["get", "--no-such-option"],
        &["describe", INSTANCE],
        &["list", "sugon/instance"],
        &["events", INSTANCE],
        &["auth", "status"],
        &["doctor", "sugon"],
        &["--help"],
    ];
    in_parallel(commands, |command| {
        for variables in [&[][..], &[("TERM", "unknown")], &[("TERM", "dumb")]] {
            let (_, shown) = on_a_terminal(command, variables);
            assert!(!shown.is_empty() && !shown.contains('\u{1b}'), "{shown:?}");
        }
    });
}

#[test]
fn the_terminal_shows_each_job_with_its_time_in_state_above_the_gate() {
    let ids = ["i-1", "i-2"].map(|id| format!("sugon/instance/{id}-{}", "x".repeat(80)));
    let scenario = ids
        .each_ref()
        .map(|id| job_with(id, "0s Running", "age = '1h'"));
    let emulated = Emulated::start(&scenario.concat());
    let terminal = Terminal::open();
    let wait = emulated.joblens(&["wait", "-t", "2m", &ids[0], &ids[1]]);
    let wait = wait.env("TERM", "xterm").start_on(&terminal);
    let status = "waiting for succeeded: 0 of 2 met, times out in 1m";
    // Both instances were read, and the line was drawn since then.
    let line = "running\u{1b}[0m    1h00m  sugon/instance/i-2";
    let read = terminal.wait_for_after(0, line);
    terminal.wait_for_after(read, status);
    wait.signal("INT");
    assert_eq!(wait.end().code, 130);
    let shown = terminal.shown();
    let lines = shown.lines().filter(|line| line.contains(" 1h00m  "));
    for line in lines {
        let ends = line.trim_end().ends_with("xxx");
        assert!(line.contains('…') && ends, "{line:?}");
    }
    let count = |code| shown.matches(code).count();
    let off = count("\u{1b}[?7l");
    assert_eq!(off, count("\u{1b}[?7h"), "{shown:?}");
    assert_eq!(
        2 * off,
        count("\u{1b}[?"),
        "no other mode is changed: {shown:?}"
    );
    let cleared = shown.rfind("\u{1b}[J").unwrap();
    assert!(!shown[cleared..].contains("waiting for"), "{shown:?}");
}
