//! Records and replays bodies that are received in parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{StreamExt as _, unfold};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::time::{Instant, sleep_until};

use super::content::{Content, MAX_BODY, StreamEnd, StreamPart};
use super::exchange::{Exchange, RecordedOutcome};
use super::recorder::Recorder;
use crate::http::Transport;
use crate::http::lines::{LineBody, StreamError};
use crate::secret::PrivateKeyMasker;

/// Progress of a replay: the time of the last outcome, in milliseconds since the first request.
#[derive(Debug, Default)]
pub(super) struct ReplayProgress(AtomicU64);

impl ReplayProgress {
    pub(super) fn advance_to(&self, at_ms: u64) {
        self.0.fetch_max(at_ms, Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Returns the time `at_ms` milliseconds after the first request. Limits `at_ms`, since a recording can contain any
/// number.
pub(super) fn moment(base: Instant, at_ms: u64) -> Instant {
    const MAX_MS: u64 = 10 * 366 * 86_400_000;
    base + Duration::from_millis(at_ms.min(MAX_MS))
}

/// A body whose lines are recorded while they are read. The exchange is written when the body is dropped.
struct RecordedBody {
    body: LineBody,
    recorder: Arc<Recorder>,
    transport: Arc<Transport>,
    number: u64,
    exchange: Exchange,
    parts: Vec<StreamPart>,
    /// When and how the stream ended.
    end: Option<(u64, StreamEnd)>,
    /// State of the masker of private keys after the last line.
    keys: PrivateKeyMasker,
    /// The last, incomplete line.
    rest: Vec<u8>,
    /// Total number of bytes received.
    length: usize,
}

/// Returns a body that reads from `body` and records its lines.
pub(super) fn record(
    body: LineBody,
    recorder: &Arc<Recorder>,
    transport: &Arc<Transport>,
    number: u64,
    exchange: Exchange,
) -> LineBody {
    let key_masker = recorder.private_key_masker(&exchange.request.url);
    let recorded = RecordedBody {
        body,
        recorder: Arc::clone(recorder),
        transport: Arc::clone(transport),
        number,
        exchange,
        parts: Vec::new(),
        end: None,
        keys: key_masker,
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
    // The end of a body can be polled more than once.
    StreamBody::new(frames.fuse()).boxed_unsync()
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
        let line: Vec<u8> = self.rest.drain(..=end).collect();
        let at_ms = self.recorder.step();
        self.push(at_ms, &line);
    }

    fn push(&mut self, at_ms: u64, text: &[u8]) {
        let mut reversed = PrivateKeyMasker::reversed();
        let text = reversed.lines(&String::from_utf8_lossy(text));
        // A private key that ends in this part can have started in an earlier part, or before the start of the log.
        for part in self.parts.iter_mut().rev() {
            if !reversed.is_inside() {
                break;
            }
            part.text = reversed.lines(&part.text);
        }
        let masker = self.recorder.masker(self.transport.redactor(), None);
        let text = masker.lines(&text, &mut self.keys);
        self.recorder
            .store_private_key_masker(&self.exchange.request.url, &self.keys);
        self.parts.push(StreamPart { at_ms, text });
    }
}

impl Drop for RecordedBody {
    fn drop(&mut self) {
        let canceled = || (self.recorder.canceled_ms(), StreamEnd::Canceled);
        let (end_ms, end) = self.end.unwrap_or_else(canceled);
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.push(end_ms, &rest);
        }
        if let RecordedOutcome::Response(response) = &mut self.exchange.outcome {
            response.is_cut = self.length > MAX_BODY;
            let parts = std::mem::take(&mut self.parts);
            response.body = Content::Stream { parts, end_ms, end };
        }
        self.recorder.write(self.number, &self.exchange);
    }
}

/// Returns a body that yields the parts at their recorded times after `base`.
pub(super) fn replay(
    parts: Vec<StreamPart>,
    (end_ms, end): (u64, StreamEnd),
    base: Instant,
    progress: Arc<ReplayProgress>,
) -> LineBody {
    let frames = unfold(Some(parts.into_iter()), move |parts| {
        let progress = Arc::clone(&progress);
        async move {
            let mut parts = parts?;
            let part = parts.next();
            let at_ms = part.as_ref().map_or(end_ms, |part| part.at_ms);
            sleep_until(moment(base, at_ms)).await;
            progress.advance_to(at_ms);
            let lost = || StreamError::from("the recorded stream ended here");
            match (part, end) {
                (Some(StreamPart { text, .. }), _) => {
                    Some((Ok(Frame::data(Bytes::from(text))), Some(parts)))
                }
                (None, StreamEnd::Closed) => None,
                (None, StreamEnd::Lost | StreamEnd::Canceled) => Some((Err(lost()), None)),
            }
        }
    });
    // The end of a body can be polled more than once.
    StreamBody::new(frames.fuse()).boxed_unsync()
}
