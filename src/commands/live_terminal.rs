//! The terminal of output that is redrawn.

use std::future;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind};

use super::job_control;
use super::keyboard::Keyboard;
use super::signals::handler;

/// The terminal of live lines: its keys, its size, and the suspension by a shell.
pub(super) struct LiveTerminal<'a> {
    /// `None` if keys cannot be read.
    pub keyboard: Option<&'a Keyboard>,
    resized: Signal,
    suspended: Signal,
    continued: Signal,
    /// The command stopped itself and has not yet received SIGCONT.
    was_stopped: bool,
}

/// An event of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TerminalEvent {
    /// The size has changed.
    Resized,
    /// Ctrl-Z, if a shell can continue the command. Restore the terminal before [`LiveTerminal::stop`].
    Suspended,
    /// The command continues after another process stopped it.
    Continued,
}

impl<'a> LiveTerminal<'a> {
    /// Handles SIGWINCH, SIGTSTP and SIGCONT.
    pub(super) fn new(keyboard: Option<&'a Keyboard>) -> Self {
        let signal = |number: Number| handler(SignalKind::from_raw(number.as_raw()));
        Self {
            keyboard,
            resized: handler(SignalKind::window_change()),
            suspended: signal(Number::TSTP),
            continued: signal(Number::CONT),
            was_stopped: false,
        }
    }

    /// Waits for the next event of a terminal; forever without one.
    pub(super) async fn next_event(terminal: &mut Option<Self>) -> TerminalEvent {
        match terminal {
            Some(terminal) => terminal.next().await,
            None => future::pending().await,
        }
    }

    async fn next(&mut self) -> TerminalEvent {
        loop {
            return tokio::select! {
                biased;
                _ = self.suspended.recv() => match job_control::can_be_stopped() {
                    true => TerminalEvent::Suspended,
                    false => continue,
                },
                _ = self.continued.recv() => match std::mem::take(&mut self.was_stopped) {
                    true => continue,
                    false => TerminalEvent::Continued,
                },
                _ = self.resized.recv() => TerminalEvent::Resized,
            };
        }
    }

    /// Stops the process until the shell continues it.
    pub(super) fn stop(&mut self) {
        self.was_stopped = true;
        job_control::stop();
    }
}
