use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::shutdown::Hangup;

/// The signals that end a command that must tidy up.
pub(super) struct Ends {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hangup: Hangup,
}

impl Ends {
    pub(super) fn new() -> Self {
        Self {
            interrupt: handler(SignalKind::interrupt()),
            terminate: handler(SignalKind::terminate()),
            quit: handler(SignalKind::quit()),
            hangup: Hangup::new(),
        }
    }

    /// The exit code that belongs to the next signal.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
            _ = self.quit.recv() => 131,
            () = self.hangup.recv() => 143,
        }
    }
}

/// A handler of one signal.
pub(super) fn handler(kind: SignalKind) -> Signal {
    signal(kind).expect("a handler of this signal can always be set")
}
