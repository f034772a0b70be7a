use std::fs::File;
use std::future;
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::net::unix::pipe;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::context::CommandContext;
use super::runtime::spawn_thread;
use super::signals::Signals;
use crate::http::Session;

/// An interrupted command ends within this time, even if its outputs are blocked.
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_millis(60);

/// Standard output, written by a separate thread: a blocked reader must not stop the command.
///
/// Each part is written at once and in full, without the line buffer of the standard library.
pub(super) struct StdoutWriter {
    sender: Sender<Vec<u8>>,
    backlog: Arc<Backlog>,
    /// Receives the write error; `None` once it was returned.
    failure: Option<oneshot::Receiver<io::Error>>,
    /// Detects that the reader has closed the pipe; `None` if the system does not support this.
    pipe: Option<pipe::Sender>,
    /// The clock of a replay stops while the command waits for a reader.
    session: Session,
}

/// The parts that are not written yet.
#[derive(Debug, Default)]
struct Backlog {
    parts: AtomicUsize,
    /// Notified when the last part is written.
    none: Notify,
}

impl StdoutWriter {
    /// Opens the writer to the stdout of a run.
    ///
    /// # Errors
    /// Returns an error if no file descriptor is free.
    pub(super) fn open(context: &CommandContext) -> io::Result<Self> {
        let session = context.session.clone();
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        if io::stdout().is_terminal() {
            let terminal = context.progress.share_terminal(out);
            return Ok(Self::new(terminal, None).with_session(session));
        }
        let polled = io::stdout().as_fd().try_clone_to_owned()?;
        // This descriptor is only polled for readiness, so it need not be in non-blocking mode.
        let pipe = pipe::Sender::from_owned_fd_unchecked(polled).ok();
        Ok(Self::new(out, pipe).with_session(session))
    }

    fn with_session(self, session: Session) -> Self {
        Self { session, ..self }
    }

    /// Creates a writer to `out`; `pipe` detects that its reader has closed it.
    pub(super) fn new(mut out: impl Write + Send + 'static, pipe: Option<pipe::Sender>) -> Self {
        let (sender, parts) = mpsc::channel::<Vec<u8>>();
        let (failed, failure) = oneshot::channel();
        let backlog = Arc::<Backlog>::default();
        let pending = Arc::clone(&backlog);
        spawn_thread(move || {
            for part in parts {
                if let Err(error) = out.write_all(&part) {
                    // The receiver is gone when the command has ended.
                    let _ = failed.send(error);
                    return;
                }
                if pending.parts.fetch_sub(1, Ordering::AcqRel) == 1 {
                    pending.none.notify_one();
                }
            }
        });
        Self {
            sender,
            backlog,
            failure: Some(failure),
            pipe,
            session: Session::Live,
        }
    }

    /// Queues a part, which is written after the earlier ones.
    pub(super) fn write(&self, part: Vec<u8>) {
        if !part.is_empty() {
            self.backlog.parts.fetch_add(1, Ordering::AcqRel);
            // A writer that has failed has reported it.
            let _ = self.sender.send(part);
        }
    }

    /// Returns `true` if the reader has not read everything.
    pub(super) fn has_backlog(&self) -> bool {
        self.backlog.parts.load(Ordering::Acquire) > 0
    }

    /// Blocks this thread until the reader has read everything, or for [`FLUSH_TIMEOUT`].
    pub(super) fn flush_blocking(&self) {
        let started = Instant::now();
        while self.has_backlog() && started.elapsed() < FLUSH_TIMEOUT {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the reader has read everything, so that later output does not accumulate.
    ///
    /// # Errors
    /// Returns why nothing can be written any longer.
    pub(super) async fn flushed(&mut self) -> io::Result<()> {
        let backlog = Arc::clone(&self.backlog);
        let all_written = async {
            while backlog.parts.load(Ordering::Acquire) > 0 {
                backlog.none.notified().await;
            }
        };
        let session = self.session.clone();
        tokio::select! {
            biased;
            () = all_written => Ok(()),
            error = self.closed() => Err(error),
            never = session.inhibit_auto_advance() => match never {},
        }
    }

    /// Waits until nothing can be written any longer, and returns why.
    pub(super) async fn closed(&mut self) -> io::Error {
        let (failure, pipe) = (&mut self.failure, &self.pipe);
        let failed = async {
            match failure {
                Some(failure) => failure.await.ok(),
                None => None,
            }
        };
        let error = tokio::select! {
            Some(error) = failed => error,
            () = reader_closed(pipe.as_ref()) => return io::ErrorKind::BrokenPipe.into(),
        };
        self.failure = None;
        error
    }

    /// Waits until everything is written. Returns the error, unless [`StdoutWriter::closed`] has returned it.
    pub(super) async fn close(self) -> Option<io::Error> {
        drop(self.sender);
        let failure = self.failure?;
        tokio::select! {
            // A writer that succeeds drops the channel without sending an error.
            failure = failure => failure.ok(),
            never = self.session.inhibit_auto_advance() => match never {},
        }
    }

    /// Closes the writer after an interruption: output that cannot be written soon is lost. If the recorded run
    /// was interrupted, its replay writes all of the output.
    pub(super) async fn close_soon(self) {
        if self.session.has_ended() {
            let mut signals = Signals::new();
            tokio::select! {
                _ = self.close() => {}
                _ = signals.next() => {}
            }
        } else {
            let _ = timeout(FLUSH_TIMEOUT, self.close()).await;
        }
    }
}

async fn reader_closed(pipe: Option<&pipe::Sender>) {
    if let Some(pipe) = pipe
        && pipe.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    future::pending().await
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::http::Replay;
    use crate::providers::RECORDING_MASKS;

    /// A disk without free space.
    struct FullDisk;

    impl Write for FullDisk {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_a_replay_stops_while_waiting_for_a_slow_reader() {
        /// A pipe that is full at first.
        struct SlowPipe;

        impl Write for SlowPipe {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                thread::sleep(Duration::from_millis(30));
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/recordings/wait-failed"
        );
        let replay = Replay::open(Path::new(folder), RECORDING_MASKS).unwrap();
        let stdout = StdoutWriter::new(SlowPipe, None);
        let mut stdout = stdout.with_session(Session::Replay(replay));
        stdout.write(b"line\n".to_vec());
        let flushed = timeout(Duration::from_secs(3600), stdout.flushed()).await;
        flushed.expect("no time passes").unwrap();
        stdout.write(b"line\n".to_vec());
        let failure = timeout(Duration::from_secs(3600), stdout.close()).await;
        assert!(failure.expect("no time passes").is_none());
    }

    #[tokio::test]
    async fn a_write_error_is_returned_once() {
        let mut stdout = StdoutWriter::new(FullDisk, None);
        stdout.write(b"line\n".to_vec());
        let error = stdout.flushed().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(stdout.close().await.is_none());
        let stdout = StdoutWriter::new(FullDisk, None);
        stdout.write(b"line\n".to_vec());
        let error = stdout.close().await.unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
