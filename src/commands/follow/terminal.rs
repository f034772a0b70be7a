use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind};

use crate::commands::job_control;
use crate::commands::keyboard::Keyboard;
use crate::commands::signals::handler;

/// The terminal below a live table: its keys, its size, and the shell that may suspend the command.
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
    /// Ctrl-Z: the shell wants it back.
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

    /// Waits for what happens next.
    pub(super) async fn next(&mut self) -> TerminalEvent {
        loop {
            return tokio::select! {
                biased;
                _ = self.suspended.recv() => TerminalEvent::Suspended,
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
