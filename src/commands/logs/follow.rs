//! Responses that go on while logs are written.

use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::resume::Resume;
use crate::error::Problem;
use crate::providers::LogBody;

/// This many logs are followed by streams at most; further ones are read at intervals.
pub(super) const MAX_STREAMS: usize = 16;
/// This many parts wait until they are printed.
const MAX_PARTS: usize = 4;
/// A stream is opened at most this often.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// This many streams in a row that end at once mean that the server gives none.
const MAX_UNUSED: u32 = 3;

/// What a stream brings.
#[derive(Debug)]
pub(super) enum Part {
    Text(Vec<u8>),
    /// The end, with the reason if the stream was interrupted.
    End(Result<(), Box<Problem>>),
}

/// The parts of all streams. Those that have come wait until they are taken, so that the memory does not
/// grow.
#[derive(Debug)]
pub(super) struct Streams {
    sender: Sender<(u64, Part)>,
    receiver: Receiver<(u64, Part)>,
    /// How many were opened.
    count: u64,
    /// A note that there are none was printed.
    pub is_noted: bool,
}

impl Default for Streams {
    fn default() -> Self {
        let (sender, receiver) = channel(MAX_PARTS);
        Self {
            sender,
            receiver,
            count: 0,
            is_noted: false,
        }
    }
}

impl Streams {
    /// The next part, with the number of its stream.
    pub(super) async fn next(&mut self) -> (u64, Part) {
        let part = self.receiver.recv().await;
        part.expect("the sender is kept as well")
    }

    /// Opens the stream of a log.
    pub(super) fn open(
        &mut self,
        follow: &mut Follow,
        open: impl Future<Output = Result<LogBody, Problem>> + Send + 'static,
    ) {
        self.count += 1;
        let (number, sender) = (self.count, self.sender.clone());
        let mut task = JoinSet::new();
        task.spawn(async move {
            let end = forward(open, number, &sender).await;
            // The receiver is gone when the run ends.
            let _ = sender
                .send((number, Part::End(end.map_err(Box::new))))
                .await;
        });
        follow.opened_at = Some(Instant::now());
        follow.stream = Some(Stream {
            number,
            resume: None,
            _task: task,
        });
    }
}

async fn forward(
    open: impl Future<Output = Result<LogBody, Problem>>,
    number: u64,
    sender: &Sender<(u64, Part)>,
) -> Result<(), Problem> {
    let mut body = open.await?;
    while let Some(text) = body.next().await? {
        if sender.send((number, Part::Text(text))).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// A stream that is open.
#[derive(Debug)]
struct Stream {
    number: u64,
    /// What of it is new; `None` until anything has come.
    resume: Option<Resume>,
    /// Reads it, until it is dropped.
    _task: JoinSet<()>,
}

/// How a log is followed.
#[derive(Debug, Default)]
pub(super) struct Follow {
    stream: Option<Stream>,
    opened_at: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    /// The server gives no stream.
    is_refused: bool,
}

impl Follow {
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// True for the log of the stream with this number.
    pub(super) fn has(&self, number: u64) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| stream.number == number)
    }

    /// True where all text comes by the stream. Servers may send nothing at all before the first line.
    pub(super) fn is_read(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| stream.resume.is_some())
    }

    /// True when a stream may be opened.
    pub(super) fn is_due(&self) -> bool {
        let pause = MIN_INTERVAL * 2_u32.saturating_pow(self.failures.min(8));
        let is_early = |at: Instant| at.elapsed() < pause.min(MAX_BACKOFF);
        !self.is_open() && !self.is_refused && !self.opened_at.is_some_and(is_early)
    }

    /// What is new of the open stream, after what is known when the first of it comes.
    pub(super) fn resume(&mut self, known: impl FnOnce() -> Resume) -> &mut Resume {
        let stream = self.stream.as_mut().expect("a part is of an open stream");
        stream.resume.get_or_insert_with(known)
    }

    /// Ends the stream; what has not come of it is read otherwise.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    /// The stream has ended; true when there will be no other. A server that has sent nothing until the
    /// request timed out may wait for the first line.
    pub(super) fn end(&mut self, end: &Result<(), Box<Problem>>, is_silent: bool) -> bool {
        let was_short = |at: Instant| at.elapsed() < MIN_INTERVAL;
        let is_unused = match end {
            Ok(()) => self.opened_at.is_some_and(was_short),
            Err(_) => !self.is_read() && !is_silent,
        };
        self.close();
        self.failures = if is_unused { self.failures + 1 } else { 0 };
        self.is_refused = match end {
            Ok(()) => self.failures >= MAX_UNUSED,
            Err(problem) => !problem.category.is_transient() && !is_silent,
        };
        self.is_refused
    }
}
