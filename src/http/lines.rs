//! Reads a response body line by line, or in parts, while it arrives.

use std::error::Error;
use std::time::Duration;

use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Bytes};
use tokio::time::timeout;

/// The reason why the body of a stream broke off.
pub(super) type StreamError = Box<dyn Error + Send + Sync>;
/// The body of a stream.
pub(super) type LineBody = UnsyncBoxBody<Bytes, StreamError>;

/// The reason why a stream ended early.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A line has more bytes than this limit.
    #[error("a line exceeds {0} bytes")]
    TooLong(usize),
    /// No data arrived for this long.
    #[error("no data received for {} s", .0.as_secs())]
    Silent(Duration),
    /// The connection broke.
    #[error("the connection broke")]
    Lost,
    /// The last line is incomplete.
    #[error("the last line is incomplete")]
    Cut,
}

/// The lines of a body of unknown length.
#[derive(Debug)]
pub struct Lines<B = LineBody> {
    body: B,
    /// Bytes received, including lines that were already returned.
    buffer: Vec<u8>,
    /// Start of the next line in the buffer.
    start: usize,
    max_line: usize,
    idle_timeout: Duration,
}

impl<B: Body<Data = Bytes> + Unpin> Lines<B> {
    /// Reads lines of at most `max_line` bytes; fails after `idle_timeout` without data.
    pub(super) fn new(body: B, max_line: usize, idle_timeout: Duration) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            start: 0,
            max_line,
            idle_timeout,
        }
    }

    /// Waits for the next line and returns it without its line end; `None` at the end of the body.
    ///
    /// # Errors
    /// The connection broke, even within a line, no data arrived for too long, or the line is too long.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let mut searched = self.start;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[searched..]) {
                let line = self.buffer[self.start..searched + end].to_vec();
                self.start = searched + end + 1;
                return Ok(Some(line));
            }
            self.buffer.drain(..std::mem::take(&mut self.start));
            searched = self.buffer.len();
            if searched > self.max_line {
                return Err(LineError::TooLong(self.max_line));
            }
            let frame = timeout(self.idle_timeout, self.body.frame()).await;
            match frame.map_err(|_| LineError::Silent(self.idle_timeout))? {
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    self.buffer.extend_from_slice(&data);
                }
                Some(Err(_)) => return Err(LineError::Lost),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(LineError::Cut),
            }
        }
    }
}

/// Minimum size of a part, since few large parts cost less than many small ones.
const MIN_CHUNK_BYTES: usize = 64 << 10;

/// A body of any length that is read in parts while it arrives.
#[derive(Debug)]
pub struct Chunks<B = LineBody> {
    body: B,
    idle_timeout: Duration,
    /// Number of bytes to collect before a part is returned, unless the body ends.
    min_bytes: usize,
    /// The error that follows the last part.
    failure: Option<LineError>,
}

impl<B: Body<Data = Bytes> + Unpin> Chunks<B> {
    /// Reads the parts of a body; fails after `idle_timeout` without data.
    pub(super) fn new(body: B, idle_timeout: Duration) -> Self {
        Self {
            body,
            idle_timeout,
            min_bytes: MIN_CHUNK_BYTES,
            failure: None,
        }
    }

    /// Returns parts as soon as they arrive, however small.
    #[must_use]
    pub fn as_received(self) -> Self {
        Self {
            min_bytes: 1,
            ..self
        }
    }

    /// Waits for the next part, which is never empty; `None` at the end of the body.
    ///
    /// # Errors
    /// [`LineError::Lost`] or [`LineError::Silent`], after all received bytes were returned.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError> {
        let mut chunk = Vec::new();
        while chunk.len() < self.min_bytes && self.failure.is_none() {
            self.failure = match timeout(self.idle_timeout, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    chunk.extend_from_slice(&frame.into_data().unwrap_or_default());
                    None
                }
                Ok(Some(Err(_))) => Some(LineError::Lost),
                Ok(None) => break,
                Err(_) => Some(LineError::Silent(self.idle_timeout)),
            };
        }
        match self.failure.take_if(|_| chunk.is_empty()) {
            Some(failure) => Err(failure),
            None => Ok((!chunk.is_empty()).then_some(chunk)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const IDLE: Duration = Duration::from_secs(30);

    /// Returns the lines of these pieces, and the result at the end of the body.
    async fn lines(pieces: &[&str], max_line: usize) -> (Vec<String>, Result<(), LineError>) {
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece.to_string()))))
            .collect();
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let mut lines = Lines::new(body, max_line, IDLE);
        let mut read = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(line)) => read.push(String::from_utf8(line).unwrap()),
                Ok(None) => return (read, Ok(())),
                Err(reason) => return (read, Err(reason)),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_assembled_from_chunks_and_split_at_newlines() {
        let (read, end) = lines(&["模", "型\n\nb\nc", "", "d\n"], 100).await;
        assert_eq!(
            (read, end),
            (
                vec!["模型".into(), String::new(), "b".into(), "cd".into()],
                Ok(())
            )
        );
        assert_eq!(lines(&[], 100).await, (Vec::new(), Ok(())));
    }

    #[tokio::test]
    async fn an_incomplete_or_too_long_line_is_an_error() {
        let (read, end) = lines(&["a\nb"], 100).await;
        assert_eq!(read, ["a"]);
        assert_eq!(end, Err(LineError::Cut));
        let long = "x".repeat(30);
        let (read, end) = lines(&["a\n", &long, &long, &long, "\n"], 50).await;
        assert_eq!(read, ["a"]);
        assert_eq!(end, Err(LineError::TooLong(50)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_without_data_times_out() {
        let body = StreamBody::new(futures_util::stream::pending::<
            Result<Frame<Bytes>, Infallible>,
        >());
        let reason = Lines::new(body, 100, IDLE).next().await.unwrap_err();
        assert_eq!(reason.to_string(), "no data received for 30 s");
        let mut whole = Lines::new(Full::new(Bytes::from_static(b"a\n")), 100, IDLE);
        assert_eq!(whole.next().await, Ok(Some(b"a".to_vec())));
    }

    #[tokio::test]
    async fn chunks_of_a_body_are_returned_before_its_failure() {
        let part = vec![b'x'; MIN_CHUNK_BYTES - 1];
        let frames = [
            Ok(part),
            Ok(b"yz".to_vec()),
            Ok(b"end".to_vec()),
            Err("lost"),
        ];
        let frames = frames.map(|data| data.map(|data| Frame::data(Bytes::from(data))));
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let mut chunks = Chunks::new(body, IDLE);
        let first = chunks.next().await.unwrap().unwrap();
        assert_eq!(first.len(), MIN_CHUNK_BYTES + 1);
        assert_eq!(chunks.next().await, Ok(Some(b"end".to_vec())));
        assert_eq!(chunks.next().await, Err(LineError::Lost));
        let mut empty = Chunks::new(Full::new(Bytes::new()), IDLE);
        assert_eq!(empty.next().await, Ok(None));
    }
}
