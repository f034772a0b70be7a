//! Bodies that are read line by line while they come.

use std::error::Error;
use std::time::Duration;

use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Bytes};
use tokio::time::timeout;

/// Why the body of a stream broke.
pub(super) type StreamError = Box<dyn Error + Send + Sync>;
/// The body of a stream.
pub(super) type LineBody = UnsyncBoxBody<Bytes, StreamError>;

/// Why there are no more lines.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// A line has more bytes than these.
    #[error("a line exceeds {0} bytes")]
    TooLong(usize),
    /// Nothing has come for this long.
    #[error("nothing has come for {} s", .0.as_secs())]
    Silent(Duration),
    /// The connection broke.
    #[error("the connection broke")]
    Lost,
    /// The last line has no end.
    #[error("it ended in the middle of a line")]
    Cut,
}

/// The lines of a body without an end in sight.
#[derive(Debug)]
pub struct Lines<B = LineBody> {
    body: B,
    /// What has come, with lines that were returned.
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    max_line: usize,
    idle_timeout: Duration,
}

impl<B: Body<Data = Bytes> + Unpin> Lines<B> {
    /// The lines of a body, of this many bytes at most, that come at most this far apart.
    pub(super) fn new(body: B, max_line: usize, idle_timeout: Duration) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            start: 0,
            max_line,
            idle_timeout,
        }
    }

    /// Waits for the next line, without its end; `None` at the end of the body.
    ///
    /// # Errors
    /// Why there is none: the connection broke, also in the middle of a line, nothing has come for too
    /// long, or the line is too long.
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

/// Large parts cost less than small ones.
const MIN_CHUNK_BYTES: usize = 64 << 10;

/// A body that is read in parts while it comes, whatever its length.
#[derive(Debug)]
pub struct Chunks<B = LineBody> {
    body: B,
    idle_timeout: Duration,
    /// This many bytes are collected before a part is returned, unless the body ends.
    min_bytes: usize,
    /// Why there are no more, after a part that came before.
    failure: Option<LineError>,
}

impl<B: Body<Data = Bytes> + Unpin> Chunks<B> {
    /// The parts of a body whose bytes come at most this far apart.
    pub(super) fn new(body: B, idle_timeout: Duration) -> Self {
        Self {
            body,
            idle_timeout,
            min_bytes: MIN_CHUNK_BYTES,
            failure: None,
        }
    }

    /// The same in parts that are returned as soon as they come, however small.
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
    /// [`LineError::Lost`] or [`LineError::Silent`], after all that has come.
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

    /// The lines of these pieces, and how the body ended.
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
                Err(why) => return (read, Err(why)),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_joined_and_split_where_they_end() {
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
    async fn a_line_without_an_end_or_with_too_many_bytes_is_an_error() {
        let (read, end) = lines(&["a\nb"], 100).await;
        assert_eq!(read, ["a"]);
        assert_eq!(end, Err(LineError::Cut));
        let long = "x".repeat(30);
        let (read, end) = lines(&["a\n", &long, &long, &long, "\n"], 50).await;
        assert_eq!(read, ["a"]);
        assert_eq!(end, Err(LineError::TooLong(50)));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_has_an_end() {
        let body = StreamBody::new(futures_util::stream::pending::<
            Result<Frame<Bytes>, Infallible>,
        >());
        let why = Lines::new(body, 100, IDLE).next().await.unwrap_err();
        assert_eq!(why.to_string(), "nothing has come for 30 s");
        let mut whole = Lines::new(Full::new(Bytes::from_static(b"a\n")), 100, IDLE);
        assert_eq!(whole.next().await, Ok(Some(b"a".to_vec())));
    }

    #[tokio::test]
    async fn a_body_comes_in_parts_and_its_failure_after_what_came() {
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
