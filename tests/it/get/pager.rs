//! The page of `describe` in a pager.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::emulated::Emulated;
use crate::support::in_parallel;
use crate::support::jobs::{JOB, WORLD};
use crate::support::pty::Terminal;

/// A pager that marks the lines that it shows.
const PAGER: &str = "sed 's/^/paged: /'";
const MISSING: &str = "aliyun/job/ehpc-hz-FYUr32/none";

/// Arguments and variables.
type Case = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// Runs a command on a terminal; returns the exit code and the output.
fn on_a_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let emulated = Emulated::start(WORLD);
    let terminal = Terminal::open();
    let run = emulated
        .joblens(arguments)
        .env("TERM", "xterm")
        .env("PATH", std::env::var("PATH").unwrap())
        .envs(variables.iter().copied())
        .start_on(&terminal);
    let code = run.end().code;
    (code, terminal.shown())
}

fn is_paged(shown: &str) -> bool {
    shown.contains("paged: ")
}

#[test]
fn a_page_on_a_terminal_goes_through_the_pager_with_its_colors() {
    let (code, shown) = on_a_terminal(&["describe", JOB], &[("PAGER", PAGER)]);
    assert_eq!(code, 0);
    assert!(
        shown.lines().all(|line| line.starts_with("paged: ")),
        "{shown}"
    );
    assert!(
        shown.starts_with("paged: \u{1b}[31mfailed\u{1b}[0m "),
        "{shown:?}"
    );
    let variables = [("JOBLENS_PAGER", PAGER), ("PAGER", "false")];
    let (code, shown) = on_a_terminal(&["describe", JOB, MISSING], &variables);
    assert_eq!(code, 3, "the exit code is that of the requests: {shown}");
    assert!(is_paged(&shown) && shown.contains("error:"), "{shown}");
}

#[test]
fn no_pager_is_used_if_it_is_disabled_or_the_output_is_no_page() {
    let cases: [Case; 9] = [
        (&["describe", "--no-pager", JOB], &[]),
        (&["describe", JOB], &[("JOBLENS_PAGER", "")]),
        (&["describe", JOB], &[("JOBLENS_PAGER", "cat")]),
        (&["describe", JOB], &[("CI", "true")]),
        (&["describe", JOB], &[("TERM", "dumb")]),
        (&["describe", JOB, "-o", "json"], &[]),
        (&["describe", JOB, "--columns", "ref"], &[]),
        (&["describe", MISSING], &[]),
        (&["get", JOB], &[]),
    ];
    in_parallel(cases, |(arguments, variables)| {
        let variables = [&[("PAGER", PAGER)], variables].concat();
        let (code, shown) = on_a_terminal(arguments, &variables);
        assert_eq!(code, if arguments.contains(&MISSING) { 3 } else { 0 });
        assert!(!is_paged(&shown) && !shown.is_empty(), "{shown}");
    });
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&["describe", JOB]).env("PAGER", PAGER);
    assert!(!is_paged(&run.env("TERM", "xterm").run().stdout), "a pipe");
}

#[test]
fn a_pager_that_is_missing_or_exits_early_is_not_an_error() {
    let (code, shown) = on_a_terminal(&["describe", JOB], &[("PAGER", "true")]);
    assert_eq!((code, shown.as_str()), (0, ""));
    let (code, shown) = on_a_terminal(&["describe", JOB], &[("PAGER", "no-such-pager -x")]);
    assert_eq!(code, 0);
    let warning = "warning: PAGER: cannot run 'no-such-pager' (";
    assert!(
        shown.starts_with(warning) && shown.contains("OOMKilled"),
        "{shown}"
    );
    let (code, shown) = on_a_terminal(&["describe", JOB], &[("PATH", "/nonexistent")]);
    assert_eq!(code, 0);
    assert!(!shown.contains("warning: "), "less need not exist: {shown}");
    assert!(shown.contains("OOMKilled"), "{shown}");
}

#[test]
fn less_gets_the_default_options_of_git_unless_less_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let less = folder.path().join("less");
    fs::write(&less, "#!/bin/sh\necho \"less=$LESS lv=$LV\"\ncat\n").unwrap();
    fs::set_permissions(&less, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    let first = |variables: &[(&str, &str)]| {
        let variables = [&[("PATH", path.as_str())], variables].concat();
        let (code, shown) = on_a_terminal(&["describe", JOB], &variables);
        assert_eq!(code, 0);
        shown.lines().next().unwrap().to_owned()
    };
    assert_eq!(first(&[]), "less=FRX lv=-c");
    assert_eq!(first(&[("LESS", "R")]), "less=R lv=-c");
}

#[test]
fn an_interrupt_is_left_to_the_pager_and_sigterm_ends_both() {
    let emulated = Emulated::start(WORLD);
    let terminal = Terminal::open();
    let run = emulated
        .joblens(&["describe", JOB])
        .env("TERM", "xterm")
        .env("PATH", std::env::var("PATH").unwrap())
        .env("PAGER", "sh -c 'cat; echo end of page; exec sleep 60'")
        .start_on(&terminal);
    terminal.wait_for("end of page");
    run.signal("INT");
    run.signal("TERM");
    let run = run.end();
    assert_eq!(run.code, 143);
    assert!(run.elapsed.as_secs() < 50, "{:?}", run.elapsed);
    // This waits until every program has closed the terminal.
    terminal.shown();
}
