//! What gates and followers write on a terminal: in CI it is a log.

use std::process::Stdio;

use super::{INSTANCE, LONG, job};
use crate::support::emulated::Emulated;
use crate::support::in_parallel;
use crate::support::pty::Terminal;

/// Runs a command whose outputs are a terminal; the exit code and what was shown.
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

/// Whether anything was drawn in the place of something else.
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
fn a_terminal_is_redrawn_unless_ci_is_set_or_nothing_is_known_of_it() {
    let environments: [(&[(&str, &str)], bool); 4] = [
        (&[("TERM", "xterm")], true),
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
fn other_commands_write_plain_lines_on_the_terminal_of_a_ci_step() {
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
