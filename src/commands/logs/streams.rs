//! Streams: responses that continue while a log is written.

use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use super::resume::Resume;
use crate::error::Problem;
use crate::http::Stopwatch;
use crate::providers::LogBody;

/// Maximum number of logs to follow by streams; further ones are read at intervals.
pub(super) const MAX_STREAMS: usize = 16;
/// Maximum number of events that wait to be handled.
pub(super) const MAX_EVENTS: usize = 4;
/// Minimum time between two attempts to open a stream.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// After this many consecutive streams that end at once, the server is assumed not to support streams.
const MAX_UNUSED: u32 = 3;

/// An event of a stream.
#[derive(Debug)]
pub(super) enum StreamEvent {
    Text(Vec<u8>),
    /// The end, with the error if the stream was interrupted.
    End(Result<(), Box<Problem>>),
}

/// The events of all streams. The queue is bounded, so that slow printing does not increase the memory.
#[derive(Debug)]
pub(super) struct Streams {
    sender: Sender<(u64, StreamEvent)>,
    receiver: Receiver<(u64, StreamEvent)>,
    /// The number of streams opened so far.
    count: u64,
    /// The note about missing support for streams was printed.
    pub is_noted: bool,
}

impl Default for Streams {
    fn default() -> Self {
        let (sender, receiver) = channel(MAX_EVENTS);
        Self {
            sender,
            receiver,
            count: 0,
            is_noted: false,
        }
    }
}

impl Streams {
    /// Returns the next event, with the number of its stream.
    pub(super) async fn next(&mut self) -> (u64, StreamEvent) {
        let event = self.receiver.recv().await;
        event.expect("the sender is kept as well")
    }

    /// Returns the next event if one was received.
    pub(super) fn received(&mut self) -> Option<(u64, StreamEvent)> {
        self.receiver.try_recv().ok()
    }

    /// Opens the stream of a log.
    pub(super) fn open(
        &mut self,
        state: &mut StreamState,
        opened_at: Stopwatch,
        open: impl Future<Output = Result<LogBody, Problem>> + Send + 'static,
    ) {
        self.count += 1;
        let (number, sender) = (self.count, self.sender.clone());
        let mut task = JoinSet::new();
        task.spawn(async move {
            let end = forward(open, number, &sender).await;
            // The receiver is gone when the run ends.
            let _ = sender
                .send((number, StreamEvent::End(end.map_err(Box::new))))
                .await;
        });
        state.opened_at = Some(opened_at);
        state.stream = Some(Stream {
            number,
            resume: None,
            _task: task,
        });
    }
}

async fn forward(
    open: impl Future<Output = Result<LogBody, Problem>>,
    number: u64,
    sender: &Sender<(u64, StreamEvent)>,
) -> Result<(), Problem> {
    let mut body = open.await?;
    while let Some(text) = body.next().await? {
        if sender
            .send((number, StreamEvent::Text(text)))
            .await
            .is_err()
        {
            break;
        }
    }
    Ok(())
}

/// An open stream.
#[derive(Debug)]
struct Stream {
    number: u64,
    /// Finds the new text; `None` until the first text has come.
    resume: Option<Resume>,
    /// The task that reads the stream; dropping it stops the task.
    _task: JoinSet<()>,
}

/// The stream of a log while the log is written, and why it can or cannot be opened again.
#[derive(Debug, Default)]
pub(super) struct StreamState {
    stream: Option<Stream>,
    /// Runs since the last stream was opened.
    opened_at: Option<Stopwatch>,
    /// The number of consecutive failures.
    failures: u32,
    /// The server does not support streams for this log.
    is_unsupported: bool,
}

impl StreamState {
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Returns `true` if this log has the stream with this number.
    pub(super) fn has(&self, number: u64) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| stream.number == number)
    }

    /// Returns `true` if the stream delivers all text. Before the first line, a server might not even send a response.
    pub(super) fn is_read(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| stream.resume.is_some())
    }

    /// Returns `true` if a stream can be opened now.
    pub(super) fn is_due(&self) -> bool {
        let pause = MIN_INTERVAL * 2_u32.saturating_pow(self.failures.min(8));
        let is_early = |at: &Stopwatch| at.elapsed() < pause.min(MAX_BACKOFF);
        !self.is_open() && !self.is_unsupported && !self.opened_at.as_ref().is_some_and(is_early)
    }

    /// Returns the filter for new text of the open stream. Calls `known` at the first
    /// text, for the text known by then.
    pub(super) fn resume(&mut self, known: impl FnOnce() -> Resume) -> &mut Resume {
        let stream = self.stream.as_mut().expect("text is of an open stream");
        stream.resume.get_or_insert_with(known)
    }

    /// Closes the stream; the rest of the log is read in another way.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    /// Handles the end of the stream. Returns `true` if no other stream will be opened. A server that sends nothing
    /// before the request times out (`is_silent`) may be waiting for the first line.
    pub(super) fn end(&mut self, end: &Result<(), Box<Problem>>, is_silent: bool) -> bool {
        let was_short = |at: &Stopwatch| at.elapsed() < MIN_INTERVAL;
        let is_unused = match end {
            Ok(()) => self.opened_at.as_ref().is_some_and(was_short),
            Err(_) => !self.is_read() && !is_silent,
        };
        self.close();
        self.failures = if is_unused { self.failures + 1 } else { 0 };
        self.is_unsupported = match end {
            Ok(()) => self.failures >= MAX_UNUSED,
            Err(problem) => !problem.category.is_transient() && !is_silent,
        };
        self.is_unsupported
    }
}
