//! How a long command ends: by a signal or by itself, and never delayed by outputs
//! without a reader.

use std::io::{self, BufWriter, Write as _};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::reporter::Reporter;
use super::runtime::{runtime, spawn_thread};
use super::signals::{Signals, exit_by_signal};
use crate::output::OutputOptions;

/// An output gets this much time after a signal: the process must be gone within 100 ms.
const SIGNAL_FLUSH_TIMEOUT: Duration = Duration::from_millis(25);
/// The messages are written before the answer, unless they take longer than this.
const LINE_FLUSH_TIMEOUT: Duration = Duration::from_millis(300);

/// Makes an answer in its form, on this thread.
///
/// An expression of jq may go on without end, and the signals were taken from the system: one that
/// comes meanwhile ends the process, and one that has come, with its exit code here, soon does.
pub(super) fn run_interruptible<T>(
    form: &OutputOptions,
    signalled: Option<u8>,
    make: impl FnOnce() -> T,
) -> T {
    if form.query.is_none() {
        return make();
    }
    let (made, is_made) = oneshot::channel();
    let watch = move || {
        runtime().block_on(async {
            let stopped = async {
                match signalled {
                    Some(code) => {
                        sleep(SIGNAL_FLUSH_TIMEOUT).await;
                        code
                    }
                    None => Signals::new().next().await,
                }
            };
            tokio::select! {
                biased;
                _ = is_made => {}
                code = stopped => exit_by_signal(code),
            }
        });
    };
    let watch = spawn_thread(watch);
    let response = make();
    let _ = made.send(());
    let _ = watch.join();
    response
}

/// Writes the answer to stdout and the remaining messages to stderr, after the lines of the reporter.
///
/// A slow reader is waited for, but not after a signal: then each output gets a moment, and the
/// rest is lost. `complain` makes the lines about an answer that could not be written, which come
/// before what is reported.
pub(super) async fn write(
    reporter: Reporter,
    response: impl FnOnce(&mut dyn io::Write) -> io::Result<()> + Send + 'static,
    messages: Vec<u8>,
    mut signals: Signals,
    mut signalled: bool,
    complain: impl FnOnce(&io::Error) -> Vec<u8>,
) -> WriteResult {
    let mut lines = spawn_blocking_detached(move || reporter.finish());
    let moment = if signalled {
        SIGNAL_FLUSH_TIMEOUT
    } else {
        LINE_FLUSH_TIMEOUT
    };
    let is_printed = timeout(moment, &mut lines).await.is_ok();
    let answered = spawn_blocking_detached(move || write_out(response).err());
    let (failure, mut code) = wait_or_signal(answered, &mut signals, signalled).await;
    let failure = failure.flatten();
    signalled |= code.is_some();
    let complaint = failure.as_ref().map_or_else(Vec::new, complain);
    let all_written = spawn_blocking_detached(move || {
        if !is_printed {
            // The lines come first, however long they take.
            let _ = lines.blocking_recv();
        }
        // Standard error that is gone changes no verdict.
        let _ = io::stderr().write_all(&[complaint, messages].concat());
    });
    let (_, later) = wait_or_signal(all_written, &mut signals, signalled).await;
    code = code.or(later);
    WriteResult { code, failure }
}

/// What came of writing the last outputs.
pub(super) struct WriteResult {
    /// The exit code of a signal that came meanwhile.
    pub code: Option<u8>,
    /// Why stdout did not accept the output. A closed pipe is not a failure.
    pub failure: Option<io::Error>,
}

/// Writes an answer to stdout. A reader that has left, such as `head`, has what it wanted.
///
/// # Errors
/// Those of stdout, such as a full disk.
pub(super) fn write_out(
    response: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match response(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Waits for work to be done and returns its result, if there is one, or the exit code of a signal;
/// after a signal it waits only for a moment.
async fn wait_or_signal<T>(
    done: oneshot::Receiver<T>,
    signals: &mut Signals,
    signalled: bool,
) -> (Option<T>, Option<u8>) {
    if signalled {
        let done = timeout(SIGNAL_FLUSH_TIMEOUT, done).await;
        return (done.ok().and_then(Result::ok), None);
    }
    tokio::select! {
        biased;
        done = done => (done.ok(), None),
        code = signals.next() => (None, Some(code)),
    }
}

/// Does what may block on a thread of its own, which the end of the process ends as well.
pub(super) fn spawn_blocking_detached<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, done) = oneshot::channel();
    spawn_thread(move || {
        let result = work();
        // The receiver may be gone.
        let _ = sender.send(result);
    });
    done
}
