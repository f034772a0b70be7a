//! Ends a long command, after a signal or normally, without waiting for outputs that nobody reads.

use std::io::{self, BufWriter, Write as _};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::reporter::Reporter;
use super::runtime::{runtime, spawn_thread};
use super::signals::{Signals, exit_at_once};
use crate::error::Stop;
use crate::http::Session;
use crate::output::OutputOptions;

/// How long an output can take after a signal: the process must exit within 100 ms.
const SIGNAL_FLUSH_TIMEOUT: Duration = Duration::from_millis(25);
/// Messages are written before the report, unless they take longer than this.
const LINE_FLUSH_TIMEOUT: Duration = Duration::from_millis(300);

/// Calls `make` to generate the output, on this thread.
///
/// A jq expression can run forever, and the signals have no default action now. A signal during the call
/// therefore ends the process at once, and an earlier one, `stop`, after a moment. A replay that was stopped at the
/// end of its recording has received no signal, so its output is complete.
pub(super) fn run_interruptible<T>(
    options: &OutputOptions,
    session: &Session,
    stop: Option<Stop>,
    make: impl FnOnce() -> T,
) -> T {
    if options.query.is_none() {
        return make();
    }
    let stop = stop.filter(|_| !session.has_ended());
    let (done_sender, done) = oneshot::channel();
    let watch = move || {
        runtime().block_on(async {
            let stopped = async {
                match stop {
                    Some(stop) => {
                        sleep(SIGNAL_FLUSH_TIMEOUT).await;
                        stop
                    }
                    None => Signals::new().next().await,
                }
            };
            tokio::select! {
                biased;
                _ = done => {}
                stop = stopped => exit_at_once(stop),
            }
        });
    };
    let watch = spawn_thread(watch);
    let result = make();
    let _ = done_sender.send(());
    let _ = watch.join();
    result
}

/// Writes the report to stdout and the remaining messages to stderr, after the lines of the reporter.
///
/// Waits for a slow reader, but after a signal only for a moment; the rest is then lost. `describe_error` returns the
/// lines about a report that could not be written, which come before `messages`.
pub(super) async fn write(
    reporter: Reporter,
    write_report: impl FnOnce(&mut dyn io::Write) -> io::Result<()> + Send + 'static,
    messages: Vec<u8>,
    mut signals: Signals,
    mut is_signalled: bool,
    describe_error: impl FnOnce(&io::Error) -> Vec<u8>,
) -> WriteResult {
    let mut lines = spawn_blocking_detached(move || reporter.finish());
    let moment = if is_signalled {
        SIGNAL_FLUSH_TIMEOUT
    } else {
        LINE_FLUSH_TIMEOUT
    };
    let is_printed = timeout(moment, &mut lines).await.is_ok();
    let writing = spawn_blocking_detached(move || write_out(write_report).err());
    let (failure, mut stop) = wait_or_signal(writing, &mut signals, is_signalled).await;
    let failure = failure.flatten();
    is_signalled |= stop.is_some();
    let error_message = failure.as_ref().map_or_else(Vec::new, describe_error);
    let all_written = spawn_blocking_detached(move || {
        if !is_printed {
            // The lines come first, however long they take.
            let _ = lines.blocking_recv();
        }
        // A closed stderr does not change the verdict.
        let _ = io::stderr().write_all(&[error_message, messages].concat());
    });
    let (_, later) = wait_or_signal(all_written, &mut signals, is_signalled).await;
    stop = stop.or(later);
    WriteResult { stop, failure }
}

/// The result of writing the last outputs.
pub(super) struct WriteResult {
    /// The signal during the writes.
    pub stop: Option<Stop>,
    /// Why stdout did not accept the output. A closed pipe is not a failure.
    pub failure: Option<io::Error>,
}

/// Writes a report to stdout. A closed pipe is a success: its reader, such as `head`, has read what it needs.
///
/// # Errors
/// Returns other errors of stdout, such as a full disk.
pub(super) fn write_out(
    write_report: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match write_report(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Waits for a result, or for a signal. After a signal, waits for the result only for a moment.
async fn wait_or_signal<T>(
    done: oneshot::Receiver<T>,
    signals: &mut Signals,
    is_signalled: bool,
) -> (Option<T>, Option<Stop>) {
    if is_signalled {
        let done = timeout(SIGNAL_FLUSH_TIMEOUT, done).await;
        return (done.ok().and_then(Result::ok), None);
    }
    tokio::select! {
        biased;
        done = done => (done.ok(), None),
        stop = signals.next() => (None, Some(stop)),
    }
}

/// Runs blocking work on a separate thread, which does not keep the process running.
pub(super) fn spawn_blocking_detached<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, done) = oneshot::channel();
    spawn_thread(move || {
        let result = work();
        // The receiver can be gone.
        let _ = sender.send(result);
    });
    done
}
