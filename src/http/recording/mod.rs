//! Recordings: what the clouds answered in a run, one readable file for each attempt of a request, and
//! runs that are answered from them, without a network, with the clock of the recording.
//!
//! Time passes in steps in both: the clock is at the end of the last recorded attempt. What is derived
//! from it is thus the same in the run that is recorded and in those that replay it.

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

/// The version of the format of recordings.
const FORMAT: u32 = 1;

/// What a run is recorded in, or answered from.
#[derive(Debug, Clone, Default)]
pub enum Session {
    /// Requests are sent.
    #[default]
    Live,
    /// Requests are sent, and recorded with what came back.
    Record(Arc<Recorder>),
    /// Requests are answered from a recording.
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
    /// True when requests are sent as usual and nothing is recorded.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }

    /// What is read in place of a word of the command line: in a replay, what was recorded of it.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn references<E>(
        &self,
        word: &str,
        read: impl FnOnce() -> Result<Vec<String>, E>,
    ) -> Result<Vec<String>, E> {
        match self {
            Self::Live => read(),
            Self::Record(recorder) => {
                let references = read()?;
                recorder.add_references(word, &references);
                Ok(references)
            }
            Self::Replay(replay) => match replay.settings().references(word) {
                Some(references) => Ok(references.to_vec()),
                None => read(),
            },
        }
    }

    /// The clock of the run.
    pub fn clock(&self) -> Clock {
        match self.clone() {
            Self::Live => Arc::new(Utc::now),
            Self::Record(recorder) => Arc::new(move || recorder.now()),
            Self::Replay(replay) => Arc::new(move || replay.now()),
        }
    }

    /// The offset of local times where those of two runs must be equal; `None` for the time zone of this machine.
    pub fn utc_offset(&self) -> Option<FixedOffset> {
        match self {
            Self::Live => None,
            Self::Record(recorder) => recorder.utc_offset(),
            Self::Replay(replay) => replay.utc_offset(),
        }
    }

    /// Measures the time from now on.
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
                // A replay finds by itself what cannot be recorded.
                if let Ok(recorded) = serde_json::to_value(&value) {
                    recorder.add_value(name, recorded);
                }
                value
            }
            Self::Replay(replay) => replay.value(name).unwrap_or_else(find),
        }
    }

    /// Returns true after a request of a replay that has no recorded response.
    pub fn lacks_responses(&self) -> bool {
        matches!(self, Self::Replay(replay) if replay.lacks_responses())
    }

    /// The time to sign requests with, where that of the run is `now`.
    pub(super) fn signing_time(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Record(_) => Utc::now(),
            Self::Live | Self::Replay(_) => now,
        }
    }

    /// The random part of a delay, from 0 to 1; a fixed one where the delays of two runs must be equal.
    pub fn jitter(&self) -> f64 {
        match self {
            Self::Live => crate::crypto::random_fraction(),
            Self::Record(_) | Self::Replay(_) => 0.5,
        }
    }

    /// Waits until a replay is past the end of its recording, and returns the exit code of a run that is
    /// stopped there. From then on time passes as usual.
    pub async fn ended(&self) -> u8 {
        match self {
            Self::Replay(replay) => replay.ended().await,
            Self::Live | Self::Record(_) => future::pending().await,
        }
    }

    /// True when a replay was stopped at the end of its recording, and not by a signal.
    pub fn has_ended(&self) -> bool {
        matches!(self, Self::Replay(replay) if replay.has_ended())
    }

    /// Prevents tokio from advancing the paused clock of a replay while this future is polled, for waits that take
    /// real time.
    pub async fn inhibit_auto_advance(&self) -> Infallible {
        match self {
            Self::Replay(replay) => replay.inhibit_auto_advance().await,
            Self::Live | Self::Record(_) => future::pending().await,
        }
    }

    /// Lets time pass as usual, for what a replay still has to write.
    pub fn resume_clock(&self) {
        if let Self::Replay(replay) = self {
            replay.resume_clock();
        }
    }
}

/// Measures time.
#[derive(Debug)]
pub struct Stopwatch {
    session: Session,
    started: Instant,
    began: DateTime<Utc>,
}

impl Stopwatch {
    /// The time up to now: where there is a recording, up to its last response.
    pub fn elapsed(&self) -> Duration {
        match self.session.is_live() {
            true => self.started.elapsed(),
            false => {
                let now = self.session.clock()();
                (now - self.began).to_std().unwrap_or_default()
            }
        }
    }

    /// The time up to now, which is recorded under this name: in a replay, that of the recording if it has it.
    pub fn measure(&self, name: &str) -> Duration {
        match &self.session {
            Session::Live => self.started.elapsed(),
            Session::Record(recorder) => recorder.measured(name, self.started.elapsed()),
            Session::Replay(replay) => replay.measured(name).unwrap_or_else(|| self.elapsed()),
        }
    }
}

/// How secrets are masked in what is recorded. The layers above provide the names of fields.
#[derive(Debug, Clone, Copy)]
pub struct RecordingMasks {
    /// Masks a document.
    pub document: fn(&mut Value),
    /// Masks a text that is not a document.
    pub text: fn(&mut String),
}
