//! Bodies that come piece by piece.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::unfold;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::time::{Instant, sleep_until};

use super::content::{Content, MAX_BODY, StreamEnd, StreamLine};
use super::exchange::{Exchange, Outcome};
use super::recorder::Recorder;
use super::replay::Steps;
use crate::http::Transport;
use crate::http::lines::{LineBody, StreamError};

/// A body whose lines are recorded as they are read. The exchange is written when nobody reads any more.
struct RecordedBody {
    body: LineBody,
    recorder: Arc<Recorder>,
    transport: Arc<Transport>,
    number: u64,
    exchange: Exchange,
    lines: Vec<StreamLine>,
    /// When and how it ended.
    end: Option<(u64, StreamEnd)>,
    /// The line that is not complete.
    rest: Vec<u8>,
    /// Bytes of all lines.
    length: usize,
}

/// The same body, recorded.
pub(super) fn record(
    body: LineBody,
    recorder: &Arc<Recorder>,
    transport: &Arc<Transport>,
    number: u64,
    exchange: Exchange,
) -> LineBody {
    let recorded = RecordedBody {
        body,
        recorder: Arc::clone(recorder),
        transport: Arc::clone(transport),
        number,
        exchange,
        lines: Vec::new(),
        end: None,
        rest: Vec::new(),
        length: 0,
    };
    let frames = unfold(recorded, |mut recorded| async move {
        let frame = recorded.body.frame().await;
        match &frame {
            Some(Ok(frame)) => recorded.take(frame.data_ref().map_or(&[], |data| data)),
            Some(Err(_)) => recorded.end = Some((recorded.recorder.step(), StreamEnd::Lost)),
            None => recorded.end = Some((recorded.recorder.step(), StreamEnd::Closed)),
        }
        frame.map(|frame| (frame, recorded))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl RecordedBody {
    fn take(&mut self, data: &[u8]) {
        self.length += data.len();
        if self.length > MAX_BODY {
            return;
        }
        self.rest.extend_from_slice(data);
        let Some(end) = memchr::memrchr(b'\n', &self.rest) else {
            return;
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let at_ms = self.recorder.step();
        let masker = self.recorder.masker(self.transport.redactor(), None);
        let lines = whole[..end].split(|byte| *byte == b'\n');
        let lines = lines.map(|line| StreamLine {
            at_ms,
            line: masker.line(line),
        });
        self.lines.extend(lines);
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let canceled = || (self.recorder.canceled_ms(), StreamEnd::Canceled);
        let (end_ms, end) = self.end.unwrap_or_else(canceled);
        if let Outcome::Response(response) = &mut self.exchange.outcome {
            response.is_cut = self.length > MAX_BODY;
            let lines = std::mem::take(&mut self.lines);
            response.body = Content::Stream { lines, end_ms, end };
        }
        self.recorder.write(self.number, &self.exchange);
    }
}

/// The lines as they came, counted from `base`.
pub(super) fn replay(
    lines: Vec<StreamLine>,
    (end_ms, end): (u64, StreamEnd),
    base: Instant,
    steps: Arc<Steps>,
) -> LineBody {
    let frames = unfold(Some(lines.into_iter()), move |lines| {
        let steps = Arc::clone(&steps);
        async move {
            let mut lines = lines?;
            let line = lines.next();
            let at_ms = line.as_ref().map_or(end_ms, |line| line.at_ms);
            sleep_until(base + Duration::from_millis(at_ms)).await;
            steps.reach(at_ms);
            let lost = || StreamError::from("the recorded stream ended here");
            match (line, end) {
                (Some(StreamLine { line, .. }), _) => {
                    Some((Ok(Frame::data(Bytes::from(line + "\n"))), Some(lines)))
                }
                (None, StreamEnd::Closed) => None,
                (None, StreamEnd::Lost | StreamEnd::Canceled) => Some((Err(lost()), None)),
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
