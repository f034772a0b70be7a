use std::fs;
use std::future;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a command.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// `None` keeps the default action, which ends the process at once.
    quit: Option<Signal>,
    /// `None` while it is ignored.
    hangup: Option<Signal>,
}

impl Signals {
    /// Takes SIGINT, SIGTERM and SIGHUP, which from now on do nothing by themselves. SIGHUP stays
    /// ignored if it was ignored when the process started, as `nohup` does.
    pub(super) fn new() -> Self {
        let is_ours = !is_ignored(SignalKind::hangup());
        Self {
            interrupt: handler(SignalKind::interrupt()),
            terminate: handler(SignalKind::terminate()),
            quit: None,
            hangup: is_ours.then(|| signal(SignalKind::hangup()).ok()).flatten(),
        }
    }

    /// Takes SIGQUIT as well, for a command that has to restore the terminal.
    pub(super) fn with_quit(mut self) -> Self {
        self.quit = Some(handler(SignalKind::quit()));
        self
    }

    /// Waits for a signal and returns its exit code; SIGHUP ends a command as SIGTERM does.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
            () = received(&mut self.quit) => 131,
            () = received(&mut self.hangup) => 143,
        }
    }
}

/// A handler of one signal.
pub(super) fn handler(kind: SignalKind) -> Signal {
    signal(kind).expect("a handler of this signal can always be set")
}

/// Waits for a signal; for ever where it is not handled.
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => future::pending().await,
    }
}

/// True when the process ignores a signal, and where that cannot be found out: `/proc` exists on
/// Linux only, and to handle a signal that shall be ignored would be worse than its default action.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, kind.as_raw_value())
}

/// Whether a signal is in the mask of ignored signals of a `/proc/PID/status`; true without a mask.
fn ignores(status: &str, number: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (number - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_found_in_the_mask() {
        let status = |mask: &str| format!("Name:\tjoblens\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        assert!(ignores(&status("0000000000000001"), 1));
        assert!(ignores(&status("0000000000001001"), 1));
        assert!(!ignores(&status("0000000000001000"), 1));
        assert!(ignores(&status("0000000000001000"), 13));
        assert!(ignores("", 1), "without a mask nothing is known");
    }
}
