//! Records the responses of the clouds in a run, in one readable file per attempt of a request, and replays them
//! without a network, with the clock of the recording.
//!
//! In both, the clock advances in steps: it shows the end of the last recorded attempt. Values derived from it are
//! therefore equal in the recorded run and in its replays.

mod attempt;
mod content;
mod exchange;
mod folder;
mod placeholders;
mod recorder;
mod replay;
mod stream;

use std::convert::Infallible;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

pub(super) use attempt::RecordingAttempt;
pub(super) use exchange::Outgoing;
pub use recorder::Recorder;
pub use replay::Replay;

use super::Clock;
use crate::error::{Problem, Stop};

/// Version of the format of recordings.
const FORMAT: u32 = 1;

/// Whether a run is recorded, replayed, or neither.
#[derive(Debug, Clone, Default)]
pub enum Session {
    /// Requests are sent to the network.
    #[default]
    Live,
    /// Requests are sent to the network and recorded with their outcomes.
    Record(Arc<Recorder>),
    /// Responses are read from a recording.
    Replay(Arc<Replay>),
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Live, Self::Live) => true,
            (Self::Record(one), Self::Record(other)) => Arc::ptr_eq(one, other),
            (Self::Replay(one), Self::Replay(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Session {}

impl Session {
    /// Returns `true` if requests are sent to the network and nothing is recorded.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }

    /// Returns the references to use for a command-line argument. A replay returns the recorded ones, or the recorded
    /// error, instead of reading them again.
    ///
    /// # Errors
    /// Returns the error of `read`.
    pub fn references(
        &self,
        word: &str,
        read: impl FnOnce() -> Result<Vec<String>, Problem>,
    ) -> Result<Vec<String>, Problem> {
        match self {
            Self::Live => read(),
            Self::Record(recorder) => {
                let references = read();
                recorder.add_references(word, &references);
                references
            }
            Self::Replay(replay) => replay.settings().references(word).unwrap_or_else(read),
        }
    }

    /// Returns the clock of the run.
    pub fn clock(&self) -> Clock {
        match self.clone() {
            Self::Live => Arc::new(Utc::now),
            Self::Record(recorder) => Arc::new(move || recorder.now()),
            Self::Replay(replay) => Arc::new(move || replay.now()),
        }
    }

    /// Returns the offset of local times, which must be equal in a recorded run and its replays; `None` for the time
    /// zone of this machine.
    pub fn utc_offset(&self) -> Option<FixedOffset> {
        match self {
            Self::Live => None,
            Self::Record(recorder) => recorder.utc_offset(),
            Self::Replay(replay) => replay.utc_offset(),
        }
    }

    /// Starts to measure time.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch {
            session: self.clone(),
            started: Instant::now(),
            began: self.clock()(),
        }
    }

    /// Returns a value that depends on the machine or on the moment, and records it under a name. In a replay,
    /// returns the recorded value, if there is one. The value contains no secrets.
    pub fn recorded_value<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        find: impl FnOnce() -> T,
    ) -> T {
        match self {
            Self::Live => find(),
            Self::Record(recorder) => {
                let value = find();
                // A replay calls `find` for a value that cannot be recorded.
                if let Ok(recorded) = serde_json::to_value(&value) {
                    recorder.add_value(name, recorded);
                }
                value
            }
            Self::Replay(replay) => replay.value(name).unwrap_or_else(find),
        }
    }

    /// Returns `true` if a request of a replay had no recorded response.
    pub fn lacks_responses(&self) -> bool {
        matches!(self, Self::Replay(replay) if replay.lacks_responses())
    }

    /// Returns the time to sign requests with; `now` is the time of the run, which is too old while it is recorded.
    pub(super) fn signing_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Record(_) => Utc::now(),
            Self::Live | Self::Replay(_) => now,
        }
    }

    /// Returns the random part of a delay, from 0 to 1. It is fixed in a recorded run and its replays, whose delays
    /// must be equal.
    pub fn jitter(&self) -> f64 {
        match self {
            Self::Live => crate::crypto::random_fraction(),
            Self::Record(_) | Self::Replay(_) => 0.5,
        }
    }

    /// Waits until a replay is past the end of its recording, and returns why it is stopped there: like the recorded
    /// run if a signal ended that run, and otherwise because it needs more responses than the recording has. The
    /// clock is resumed at that point.
    pub async fn ended(&self) -> Stop {
        match self {
            Self::Replay(replay) => replay.ended().await,
            Self::Live | Self::Record(_) => future::pending().await,
        }
    }

    /// Waits for the end of the recording like [`Session::ended`], but only if a signal ended the recorded run.
    pub async fn interrupted(&self) -> Stop {
        match self {
            Self::Replay(replay) if replay.recorded_stop().is_some() => replay.ended().await,
            Self::Live | Self::Record(_) | Self::Replay(_) => future::pending().await,
        }
    }

    /// Returns `true` if a replay was stopped at the end of its recording, and not by a signal of its own.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Replay(replay) if replay.has_ended())
    }

    /// Stops the clock of a replay while this future is polled, for operations that take real time.
    pub async fn inhibit_auto_advance(&self) -> Infallible {
        match self {
            Self::Replay(replay) => replay.inhibit_auto_advance().await,
            Self::Live | Self::Record(_) => future::pending().await,
        }
    }

    /// Resumes the clock of a replay, so that its last output can be written in real time.
    pub fn resume_clock(&self) {
        if let Self::Replay(replay) = self {
            replay.resume_clock();
        }
    }
}

/// Measures time since its creation.
#[derive(Debug)]
pub struct Stopwatch {
    session: Session,
    started: Instant,
    began: DateTime<Utc>,
}

impl Stopwatch {
    /// Returns the elapsed time; in a recorded run or a replay, the time up to the last outcome.
    pub fn elapsed(&self) -> Duration {
        match self.session.is_live() {
            true => self.started.elapsed(),
            false => {
                let now = self.session.clock()();
                (now - self.began).to_std().unwrap_or_default()
            }
        }
    }

    /// Returns the elapsed time and records it under this name. A replay returns the recorded time, if there is one.
    pub fn measure(&self, name: &str) -> Duration {
        match &self.session {
            Session::Live => self.started.elapsed(),
            Session::Record(recorder) => recorder.measured(name, self.started.elapsed()),
            Session::Replay(replay) => replay.measured(name).unwrap_or_else(|| self.elapsed()),
        }
    }
}

/// How the secrets in a recording are masked. The upper layers know the names of the fields.
#[derive(Debug, Clone, Copy)]
pub struct RecordingMasks {
    /// Masks a document.
    pub document: fn(&mut Value),
    /// Masks a text that is not a document.
    pub text: fn(&mut String),
    /// Fields with the id of a key, in the responses of services that issue credentials.
    pub key_ids: &'static [&'static str],
}
