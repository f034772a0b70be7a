//! The terminal below what is drawn again and again.

use std::future;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind};

use super::job_control;
use super::keyboard::Keyboard;
use super::signals::handler;

/// The terminal below live lines: its keys, its size, and the shell that may suspend the command.
pub(super) struct LiveTerminal<'a> {
    /// `None` where no keys can be read.
    pub keyboard: Option<&'a Keyboard>,
    resized: Signal,
    suspended: Signal,
    continued: Signal,
    /// The command has stopped itself and was not yet informed that it goes on.
    was_stopped: bool,
}

/// What happens to the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TerminalEvent {
    /// It has another size.
    Resized,
    /// Ctrl-Z, where a shell can continue the command: it is given back before [`LiveTerminal::stop`].
    Suspended,
    /// The command goes on after something else has stopped it.
    Continued,
}

impl<'a> LiveTerminal<'a> {
    /// Takes SIGWINCH, SIGTSTP and SIGCONT.
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

    /// Waits for what happens next to a terminal; forever where there is none.
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
