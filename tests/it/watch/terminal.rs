//! `watch` on a terminal: keys, job control, and the text that remains at the end.

use std::os::fd::AsFd;

use rustix::termios::{LocalModes, tcgetattr};

use super::{INSTANCE, SERVICE};
use crate::support::emulated::Emulated;
use crate::support::in_parallel;
use crate::support::pty::{Shell, Terminal};

const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// The end of the status line, so that it was drawn completely.
const DRAWN: &str = "ago, q to quit";

/// Starts an instance that runs forever.
fn running() -> Emulated {
    Emulated::start(&format!(
        "[[job]]\nref = '{INSTANCE}'\nage = '1h'\nstates = [{{ after = '0s', state = 'Running' }}]\n"
    ))
}

fn shell(emulated: &Emulated) -> Shell {
    Shell::start(&emulated.environment())
}

/// Returns `true` if the alternate screen was left.
fn has_left_alternate_screen(shown: &str) -> bool {
    shown.rfind(LEAVE) > shown.rfind(ENTER)
}

fn is_echoing(terminal: impl AsFd) -> bool {
    let modes = tcgetattr(terminal).unwrap().local_modes;
    modes.contains(LocalModes::ECHO | LocalModes::ICANON)
}

#[test]
fn every_end_restores_the_terminal_and_keeps_the_table() {
    let ends = [
        ("INT", 130),
        ("TERM", 143),
        ("HUP", 143),
        ("QUIT", 131),
        ("q", 130),
    ];
    in_parallel(ends, |(end, code)| {
        let emulated = running();
        let terminal = Terminal::open();
        let watch = emulated.joblens(&["watch", INSTANCE]).env("TERM", "xterm");
        let watch = watch.start_on(&terminal);
        let drawn = terminal.wait_for_after(0, "1 running, polled 0 s ago, q to quit");
        assert!(!is_echoing(&terminal.user), "{end}");
        match end {
            "q" => terminal.press("hello\rq"),
            signal => watch.signal(signal),
        }
        assert_eq!(watch.end().code, code, "{end}");
        assert!(is_echoing(&terminal.user), "{end}");
        let shown = terminal.shown();
        assert!(
            shown.starts_with(ENTER) && has_left_alternate_screen(&shown),
            "{shown:?}"
        );
        assert!(!shown.contains("hello"), "{shown:?}");
        let rest = &shown[drawn..];
        let last = &rest[rest.rfind(LEAVE).unwrap() + LEAVE.len()..];
        assert_eq!(last.lines().count(), 2, "the table stays: {last:?}");
        assert!(last.contains(INSTANCE), "{last:?}");
    });
}

#[test]
fn suspending_restores_the_terminal_and_resuming_redraws_it() {
    let emulated = running();
    let shell = shell(&emulated);
    let start = shell.type_line(&format!("joblens watch {INSTANCE}"));
    shell.terminal.wait_for_after(start, DRAWN);
    shell.terminal.press("\u{1a}");
    let shown = shell.prompt_after(start);
    assert!(has_left_alternate_screen(&shown), "{shown:?}");
    assert!(shown.contains("Stopped"), "{shown:?}");
    let modes = shell.enter("stty -a");
    assert!(
        !modes.contains("-echo ") && !modes.contains("-icanon"),
        "{modes}"
    );
    let start = shell.type_line("fg");
    let entered = shell.terminal.wait_for_after(start, ENTER);
    shell.terminal.wait_for_after(entered, DRAWN);
    shell.terminal.press("q");
    let shown = shell.prompt_after(entered);
    assert!(has_left_alternate_screen(&shown), "{shown:?}");
    assert!(shell.enter("echo code=$?").contains("code=130"));
}

#[test]
fn a_watch_resumed_in_the_background_runs_without_drawing() {
    let emulated = running();
    let shell = shell(&emulated);
    let start = shell.type_line(&format!("joblens watch {INSTANCE}"));
    shell.terminal.wait_for_after(start, DRAWN);
    shell.terminal.press("\u{1a}");
    let stopped = start + shell.prompt_after(start).len();
    shell.enter("bg");
    // At least two polls, and a key that the shell reads.
    shell.enter("sleep 3");
    let jobs = shell.enter("jobs");
    assert!(jobs.contains("Running"), "{jobs:?}");
    let since = shell.terminal.so_far()[stopped..].to_owned();
    assert!(!since.contains("\u{1b}[?"), "{since:?}");
    let start = shell.type_line("fg");
    shell.terminal.wait_for_after(start, DRAWN);
    shell.terminal.press("q");
    shell.prompt_after(start);
}

#[test]
fn watch_and_wait_in_the_background_print_lines_and_are_not_stopped() {
    let emulated = running();
    let shell = shell(&emulated);
    let start = shell.type_line(&format!("joblens watch {INSTANCE} &"));
    shell
        .terminal
        .wait_for_after(start, &format!("{INSTANCE}  running"));
    let start = shell.type_line(&format!("joblens wait -t 90s {INSTANCE} &"));
    shell
        .terminal
        .wait_for_after(start, &format!("{INSTANCE}: running"));
    let jobs = shell.enter("jobs");
    assert_eq!(jobs.matches("Running").count(), 2, "{jobs:?}");
    let shown = shell.terminal.so_far();
    assert!(!shown.contains("\u{1b}[?1049h"), "{shown:?}");
    shell.enter("kill %1 %2; wait");
}

#[test]
fn a_resumed_wait_draws_below_the_output_of_the_shell() {
    let emulated = running();
    let shell = shell(&emulated);
    let start = shell.type_line(&format!("joblens wait -t 90s {INSTANCE}"));
    let status = "waiting for succeeded: 0 of 1 met, times out in 1m";
    let read = shell
        .terminal
        .wait_for_after(start, "running\u{1b}[0m    1h00m");
    shell.terminal.wait_for_after(read, status);
    shell.terminal.press("\u{1a}");
    shell.prompt_after(start);
    let start = shell.type_line("fg");
    let end = shell.terminal.wait_for_after(start, status);
    let shown = shell.terminal.so_far()[start..end].to_owned();
    assert!(
        !shown.contains("A\u{1b}") && !shown.contains("[2A"),
        "{shown:?}"
    );
    shell.terminal.press("\u{3}");
    shell.prompt_after(end);
    assert!(shell.enter("echo code=$?").contains("code=130"));
}

#[test]
fn a_resize_draws_the_table_for_the_new_size() {
    let emulated = running();
    let terminal = Terminal::open();
    let watch = emulated.joblens(&["watch", INSTANCE]).env("TERM", "xterm");
    let watch = watch.start_on(&terminal);
    let drawn = terminal.wait_for_after(0, DRAWN);
    assert!(terminal.so_far().contains("RAN"));
    terminal.resize(10, 62);
    watch.signal("WINCH");
    let narrow = "REF                                              STATE\u{1b}[K\r";
    terminal.wait_for_after(drawn, narrow);
    watch.signal("TERM");
    assert_eq!(watch.end().code, 143);
}

#[test]
fn keys_are_read_from_the_terminal_while_references_come_from_a_pipe() {
    let emulated = running();
    let shell = shell(&emulated);
    let start = shell.type_line(&format!("echo {INSTANCE} | joblens watch -"));
    shell.terminal.wait_for_after(start, DRAWN);
    shell.terminal.press("q");
    let shown = shell.prompt_after(start);
    assert!(has_left_alternate_screen(&shown), "{shown:?}");
    assert!(shell.enter("echo code=$?").contains("code=130"));
}

#[test]
fn a_vt100_gets_only_supported_escape_sequences() {
    let emulated = Emulated::start(&format!("[[job]]\nref = '{SERVICE}'\nage = '1h'\n"));
    let terminal = Terminal::open();
    let watch = emulated.joblens(&["watch", SERVICE]).env("TERM", "vt100");
    let watch = watch.start_on(&terminal);
    let first = terminal.wait_for_after(0, DRAWN);
    terminal.wait_for_after(first, DRAWN);
    watch.signal("TERM");
    assert_eq!(watch.end().code, 143);
    let shown = terminal.shown();
    // The terminal supports the codes that disable line wrapping.
    let unwrapped = shown.replace("\u{1b}[?7l", "").replace("\u{1b}[?7h", "");
    let codes = unwrapped.split('\u{1b}').skip(1);
    let codes: Vec<&str> = codes.map(|rest| &rest[..2]).collect();
    let is_known = |code: &&str| ["[K", "[J", "[3"].contains(code);
    assert!(codes.iter().all(is_known), "{codes:?}");
    assert!(shown.contains("\u{1b}[3A"), "{shown:?}");
}
