//! Ends a command that gets jobs once after a signal, with the results so far.

use std::convert::Infallible;
use std::future;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::context::CommandContext;
use super::runtime::{runtime, spawn_thread};
use super::signals::{Signals, exit_at_once};
use crate::error::Stop;

/// How long a command can print its results after a signal. An output that nobody reads must not keep it running.
const MAX_OUTPUT_TIME: Duration = Duration::from_millis(250);

/// Handles the signals of a command on a separate thread, so that they also end a command that is blocked by its
/// output.
///
/// When this is dropped, signals have no effect until another handler is installed.
pub(super) struct InterruptHandler {
    /// Receives the first signal.
    received: oneshot::Receiver<Stop>,
    /// The thread ends when this is dropped.
    _end: oneshot::Sender<Infallible>,
}

impl InterruptHandler {
    /// Handles signals from now on. The process exits shortly after the first one, and at once after the second.
    pub(super) fn new() -> Self {
        let (sender, received) = oneshot::channel();
        let (end, mut ended) = oneshot::channel();
        let (are_taken, taken) = mpsc::channel();
        spawn_thread(move || {
            runtime().block_on(async {
                let mut signals = Signals::new();
                // The thread that started this one is waiting.
                let _ = are_taken.send(());
                let stop = tokio::select! {
                    biased;
                    _ = &mut ended => return,
                    stop = signals.next() => stop,
                };
                // The command can have its results already.
                let _ = sender.send(stop);
                tokio::select! {
                    _ = ended => return,
                    () = sleep(MAX_OUTPUT_TIME) => {}
                    _ = signals.next() => {}
                }
                exit_at_once(stop);
            });
        });
        // An error means that this process is exiting.
        let _ = taken.recv();
        Self {
            received,
            _end: end,
        }
    }

    /// Waits for a signal, or for that of a replayed recording.
    pub(super) async fn stopped(&mut self, context: &CommandContext) -> Stop {
        let received = async {
            match (&mut self.received).await {
                Ok(stop) => stop,
                Err(_) => future::pending().await,
            }
        };
        tokio::select! {
            biased;
            stop = received => stop,
            stop = context.session.interrupted() => stop,
        }
    }
}
