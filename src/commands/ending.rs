//! How a long command ends: by a signal or by itself, and never held up by outputs that nobody
//! reads.

use std::future::Future;
use std::io::{self, Write as _};
use std::process;
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::runtime;
use super::voice::Voice;
use crate::output::Form;

/// An output gets so much time after a signal: the process must be gone within 100 ms.
const PATIENCE: Duration = Duration::from_millis(25);
/// The lines that were said stand before the answer, unless they take longer than this.
const FOR_LINES: Duration = Duration::from_millis(100);

/// The signals that end a command.
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    /// Takes SIGINT and SIGTERM, which from now on do nothing by themselves.
    pub(super) fn new() -> Self {
        let handler = |kind| signal(kind).expect("SIGINT and SIGTERM can always be handled");
        Self {
            interrupt: handler(SignalKind::interrupt()),
            terminate: handler(SignalKind::terminate()),
        }
    }

    /// Waits for a signal and tells its exit code.
    pub(super) async fn next(&mut self) -> u8 {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

/// Makes an answer in its form, on this thread.
///
/// An expression of jq may go on without end, and the signals were taken from the system: one that
/// comes meanwhile ends the process, and one that has come, with its exit code here, soon does.
pub(super) fn making<T>(form: &Form, signalled: Option<u8>, make: impl FnOnce() -> T) -> T {
    if form.query.is_none() {
        return make();
    }
    let (made, is_made) = oneshot::channel();
    let watch = move || {
        runtime().block_on(async {
            let stopped = async {
                match signalled {
                    Some(code) => {
                        sleep(PATIENCE).await;
                        code
                    }
                    None => Signals::new().next().await,
                }
            };
            tokio::select! {
                biased;
                _ = is_made => {}
                code = stopped => process::exit(code.into()),
            }
        });
    };
    let watch = thread::spawn(watch);
    let answer = make();
    let _ = made.send(());
    let _ = watch.join();
    answer
}

/// Writes the answer to standard output and what remains to be told to standard error, after the
/// lines of the voice.
///
/// A slow reader is waited for, but not after a signal: then each output gets a moment, and the
/// rest is lost. Answers with the exit code of a signal that came meanwhile.
pub(super) async fn write(
    voice: Voice,
    answer: Vec<u8>,
    told: Vec<u8>,
    mut signals: Signals,
    mut signalled: bool,
) -> Option<u8> {
    let mut lines = beside(move || voice.end());
    let moment = if signalled { PATIENCE } else { FOR_LINES };
    let is_said = timeout(moment, &mut lines).await.is_ok();
    let mut code = None;
    let answered = beside(move || {
        // An output that is gone changes no verdict.
        let _ = io::stdout().write_all(&answer);
    });
    code = code.or(until(answered, &mut signals, signalled).await);
    signalled |= code.is_some();
    let all_told = beside(move || {
        if !is_said {
            // The lines come first, however long they take.
            let _ = lines.blocking_recv();
        }
        let _ = io::stderr().write_all(&told);
    });
    code.or(until(all_told, &mut signals, signalled).await)
}

/// Waits for work to be done; after a signal only for a moment.
async fn until(done: impl Future, signals: &mut Signals, signalled: bool) -> Option<u8> {
    if signalled {
        let _ = timeout(PATIENCE, done).await;
        return None;
    }
    tokio::select! {
        biased;
        _ = done => None,
        code = signals.next() => Some(code),
    }
}

/// Does what may block on a thread of its own, which the end of the process ends as well.
fn beside(work: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
    let (sender, done) = oneshot::channel();
    thread::spawn(move || {
        work();
        // Nobody may be waiting any more.
        let _ = sender.send(());
    });
    done
}
