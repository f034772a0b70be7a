use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Interval, Sleep, interval, sleep_until};

use crate::http::ServerBody;

/// Interval between the bytes of a dripping body.
const DRIP_INTERVAL: Duration = Duration::from_millis(100);

/// The body of a response, which may be faulty on purpose.
#[derive(Debug)]
pub(super) enum Payload {
    /// The complete body.
    Whole(Bytes),
    /// The first half of the announced length, then a broken connection.
    Half {
        head: Bytes,
        announced: u64,
        flushed: bool,
    },
    /// One byte per interval, without end.
    Drip(Interval),
    /// Parts, each sent at its time.
    Timed {
        pieces: VecDeque<(Instant, Bytes)>,
        timer: Pin<Box<Sleep>>,
    },
}

/// The error that ends a connection in the middle of a body.
#[derive(Debug, thiserror::Error)]
#[error("the emulator broke the connection")]
pub(super) struct Broken;

impl Payload {
    pub fn half(body: &Bytes) -> Self {
        // A response without a body must also announce bytes that never arrive.
        let announced = body.len().max(2) as u64;
        let half = body.len() / 2;
        Self::Half {
            head: body.slice(..half),
            announced,
            flushed: false,
        }
    }

    /// Creates a body that continues after its first part.
    pub fn timed(first: Bytes, later: Vec<(Duration, Vec<u8>)>) -> Self {
        let now = Instant::now();
        let later = later.into_iter();
        let later = later.map(|(after, piece)| (now + after, Bytes::from(piece)));
        Self::Timed {
            pieces: std::iter::once((now, first)).chain(later).collect(),
            timer: Box::pin(sleep_until(now)),
        }
    }

    pub fn drip() -> Self {
        Self::Drip(interval(DRIP_INTERVAL))
    }

    /// Converts the body to the type that the server accepts.
    pub fn boxed(self) -> ServerBody {
        self.map_err(Into::into).boxed_unsync()
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let data = match self.get_mut() {
            Self::Whole(bytes) | Self::Half { head: bytes, .. } if !bytes.is_empty() => {
                std::mem::take(bytes)
            }
            Self::Whole(_) => return Poll::Ready(None),
            Self::Half { flushed, .. } => {
                // While a body is not ready, the server sends what it has buffered, so the client
                // receives the first half before the connection breaks.
                if !std::mem::replace(flushed, true) {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                return Poll::Ready(Some(Err(Broken)));
            }
            Self::Drip(interval) => {
                ready!(interval.poll_tick(context));
                Bytes::from_static(b" ")
            }
            Self::Timed { pieces, timer } => {
                let Some((at, _)) = pieces.front() else {
                    return Poll::Ready(None);
                };
                if timer.deadline() != *at {
                    timer.as_mut().reset(*at);
                }
                ready!(timer.as_mut().poll(context));
                pieces
                    .pop_front()
                    .map_or_else(Bytes::new, |(_, piece)| piece)
            }
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Half { announced, .. } => SizeHint::with_exact(*announced),
            Self::Drip(_) | Self::Timed { .. } => SizeHint::default(),
        }
    }
}
