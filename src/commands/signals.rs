use std::fs;
use std::future;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, mpsc};

use rustix::process::{Pid, getpid};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::runtime::{runtime, spawn_thread};
use crate::credentials::end_commands;
use crate::error::Stop;
use crate::output::restore_terminal;

/// True once a command handles the signals itself.
static ARE_HANDLED: AtomicBool = AtomicBool::new(false);

/// The signals that end a command; `None` if ignored.
pub(super) struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    /// `None` keeps the default action, which ends the process at once.
    quit: Option<Signal>,
    hangup: Option<Signal>,
}

impl Signals {
    /// Handles SIGINT, SIGTERM and SIGHUP, in place of their default actions. Signals that were ignored when
    /// the process started stay ignored: SIGHUP under `nohup`, and SIGINT in a background job of a script. The
    /// first process of a container is not such a job, so it always handles SIGINT.
    pub(super) fn new() -> Self {
        ARE_HANDLED.store(true, Ordering::Release);
        Self::take()
    }

    fn take() -> Self {
        Self {
            interrupt: match is_first_process() {
                true => Some(handler(SignalKind::interrupt())),
                false => unless_ignored(SignalKind::interrupt()),
            },
            terminate: unless_ignored(SignalKind::terminate()),
            quit: None,
            hangup: unless_ignored(SignalKind::hangup()),
        }
    }

    /// Also handles SIGQUIT, for a command that has to restore the terminal.
    pub(super) fn with_quit(mut self) -> Self {
        self.quit = unless_ignored(SignalKind::quit());
        self
    }

    /// Stops handling signals: from now on, they end this process at once.
    pub(super) fn release(self) {
        ARE_HANDLED.store(false, Ordering::Release);
        end_process_by_signals();
    }

    /// Waits for a signal; SIGHUP has the same effect as SIGTERM.
    pub(super) async fn next(&mut self) -> Stop {
        tokio::select! {
            biased;
            () = received(&mut self.interrupt) => Stop::Interrupted,
            () = received(&mut self.terminate) => Stop::Terminated,
            () = received(&mut self.quit) => Stop::Quit,
            () = received(&mut self.hangup) => Stop::Terminated,
        }
    }
}

/// Makes signals end the first process of a container, for which they have no default action.
pub(super) fn end_first_process_by_signals() {
    if is_first_process() {
        end_process_by_signals();
    }
}

/// Makes signals end this process and its child processes while no command handles them.
pub(super) fn end_process_by_signals() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let (are_taken, taken) = mpsc::channel();
        spawn_thread(move || {
            runtime().block_on(async {
                let mut signals = Signals::take().with_quit();
                // The thread that started this one is waiting.
                let _ = are_taken.send(());
                loop {
                    let stop = signals.next().await;
                    if stop == Stop::Quit || !ARE_HANDLED.load(Ordering::Acquire) {
                        exit_at_once(stop);
                    }
                }
            });
        });
        // An error means that this process is exiting.
        let _ = taken.recv();
    });
}

/// Ends this process and its child processes at once, and restores the terminal.
pub(super) fn exit_at_once(stop: Stop) -> ! {
    restore_terminal();
    end_commands();
    process::exit(stop.exit_code().into())
}

fn is_first_process() -> bool {
    getpid() == Pid::INIT
}

/// Installs a handler for a signal.
pub(super) fn handler(kind: SignalKind) -> Signal {
    signal(kind).expect("a handler of this signal can always be set")
}

fn unless_ignored(kind: SignalKind) -> Option<Signal> {
    (!is_ignored(kind)).then(|| handler(kind))
}

/// Waits for a signal; forever if it is not handled.
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => future::pending().await,
    }
}

/// Returns `true` if the process ignores a signal. Without `/proc`, which only Linux has, assumes so for SIGHUP:
/// its default action ends a command as well.
fn is_ignored(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, kind.as_raw_value()).unwrap_or(kind == SignalKind::hangup())
}

/// Returns `true` if a signal is in the mask of ignored signals in `/proc/PID/status`; `None` without a mask.
fn ignores(status: &str, number: i32) -> Option<bool> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask >> (number - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_found_in_the_mask() {
        let status = |mask: &str| format!("Name:\tjoblens\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        assert_eq!(ignores(&status("0000000000000001"), 1), Some(true));
        assert_eq!(ignores(&status("0000000000001001"), 1), Some(true));
        assert_eq!(ignores(&status("0000000000001000"), 1), Some(false));
        assert_eq!(ignores(&status("0000000000001000"), 13), Some(true));
        assert_eq!(ignores("", 1), None, "without a mask nothing is known");
    }
}
