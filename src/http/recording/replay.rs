use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;
use tokio::time::{self, Instant, sleep_until};

use super::RecordingMasks;
use super::content::{Content, MAX_BODY, Masker};
use super::exchange::{Exchange, Outgoing, RecordedOutcome, RecordedResponse};
use super::folder::{self, Header, unreadable};
use super::stream::{self, ReplayProgress, moment};
use crate::error::{Category, Problem, Stop};
use crate::http::lines::LineBody;
use crate::http::{RequestError, Response};
use crate::model::Time;
use crate::secret::{Redactor, quotable_path};
use crate::settings::RecordedSettings;
use crate::sync::lock;

/// Duration of each of the blocking tasks that stop the clock.
const BLOCKING_INTERVAL: Duration = Duration::from_millis(10);
/// How long a run can continue after the end of its recording before it is stopped.
const MAX_OVERTIME: Duration = Duration::from_secs(10);

/// A recording that provides the responses of a run.
#[derive(Debug)]
pub struct Replay {
    header: Header,
    masks: RecordingMasks,
    started_at: DateTime<Utc>,
    /// Time of the first recorded request.
    first_at: Option<DateTime<Utc>>,
    /// End of the recording, in milliseconds since the first request.
    end_ms: u64,
    /// Files of the exchanges in order, by the key of their request.
    files: Mutex<HashMap<String, VecDeque<PathBuf>>>,
    /// Time of the first request of this run.
    base: OnceLock<Instant>,
    is_resumed: AtomicBool,
    has_ended: AtomicBool,
    lacks_responses: AtomicBool,
    progress: Arc<ReplayProgress>,
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    in_range(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

/// Returns the time if it is in the range that can be shown.
fn in_range(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Time::new(at).map(Time::to_datetime)
}

impl Replay {
    /// Opens and checks a recording. Responses are read again when they are requested.
    ///
    /// # Errors
    /// Returns a usage error if the folder is not a recording, or if the recording is damaged, has an unsupported
    /// format, or was written by a newer version of the program.
    pub fn open(folder: &Path, masks: RecordingMasks) -> Result<Arc<Self>, Problem> {
        let header = Header::read(folder)?;
        let invalid = || unreadable(folder, "started_at is not a time");
        let started_at = time(&header.started_at).ok_or_else(invalid)?;
        let mut files: HashMap<String, VecDeque<PathBuf>> = HashMap::new();
        let mut first_at = None;
        let mut last_ms = 0;
        for path in folder::exchange_files(folder)? {
            let exchange: Exchange =
                folder::read_json(&path).map_err(|reason| unreadable(&path, &reason))?;
            let start = TimeDelta::milliseconds(i64::try_from(exchange.start_ms).unwrap_or(0));
            let base = time(&exchange.at).and_then(|at| in_range(at.checked_sub_signed(start)?));
            let base = base.ok_or_else(|| unreadable(&path, "at is not a time"))?;
            first_at = first_at.or(Some(base));
            last_ms = last_ms.max(exchange.end_ms);
            files.entry(exchange.key()).or_default().push_back(path);
        }
        Ok(Arc::new(Self {
            end_ms: header.ended_ms.unwrap_or(last_ms.saturating_add(1)),
            header,
            masks,
            started_at,
            first_at,
            files: Mutex::new(files),
            base: OnceLock::new(),
            is_resumed: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            lacks_responses: AtomicBool::new(false),
            progress: Arc::default(),
        }))
    }

    /// Returns the name of the recorded command, such as `auth status`.
    pub fn command_name(&self) -> &str {
        &self.header.command_name
    }

    /// Returns the settings of the recorded run.
    pub fn settings(&self) -> &RecordedSettings {
        &self.header.settings
    }

    /// Returns the offset of the local time zone of the recorded run.
    pub(super) fn utc_offset(&self) -> Option<FixedOffset> {
        self.header.utc_offset()
    }

    /// Returns a duration of the recorded run.
    pub(super) fn measured(&self, name: &str) -> Option<Duration> {
        let duration = self.header.measured.get(name).copied();
        duration.map(Duration::from_millis)
    }

    /// Returns a value of the recorded run.
    pub(super) fn value<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.header.values.get(name)?).ok()
    }

    /// Returns `true` if a request had no recorded response.
    pub(super) fn lacks_responses(&self) -> bool {
        self.lacks_responses.load(Ordering::Relaxed)
    }

    /// Returns the time of the last outcome, or of the start if no request was made.
    pub fn now(&self) -> DateTime<Utc> {
        let last = self.progress.last();
        let last = TimeDelta::try_milliseconds(i64::try_from(last).unwrap_or(0));
        match (self.base.get(), self.first_at) {
            (Some(_), Some(first)) => first.checked_add_signed(last.unwrap_or_default()),
            _ => None,
        }
        .and_then(in_range)
        .unwrap_or(self.started_at)
    }

    /// Returns the time of the first request. The first call pauses the clock, so that waiting takes no real time from
    /// then on.
    fn base(&self) -> Instant {
        *self.base.get_or_init(|| {
            time::pause();
            Instant::now()
        })
    }

    /// Returns why the recorded run was stopped, if a signal ended it.
    pub(super) fn recorded_stop(&self) -> Option<Stop> {
        self.header.exit_code.and_then(Stop::of_recorded_run)
    }

    pub(super) async fn ended(&self) -> Stop {
        // A run without requests ends without being stopped.
        if self.first_at.is_none() {
            future::pending::<()>().await;
        }
        let stop = self.recorded_stop();
        // A run that was not ended by a signal usually ends before this time.
        let margin = stop.map_or(MAX_OVERTIME, |_| Duration::ZERO);
        sleep_until(moment(self.base(), self.end_ms) + margin).await;
        if self.is_resumed.load(Ordering::Relaxed) {
            // The run is ending and writes its last output.
            future::pending::<()>().await;
        }
        self.resume_clock();
        self.has_ended.store(true, Ordering::Relaxed);
        stop.unwrap_or(Stop::EndOfRecording)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    pub(super) async fn inhibit_auto_advance(&self) -> Infallible {
        loop {
            // A paused clock does not advance while a blocking task runs.
            let _ = spawn_blocking(|| thread::sleep(BLOCKING_INTERVAL)).await;
        }
    }

    pub(super) fn resume_clock(&self) {
        if self.base.get().is_some() && !self.is_resumed.swap(true, Ordering::Relaxed) {
            time::resume();
        }
    }

    /// Takes the file of the next recorded exchange that has the same request. Waits for the end of a recording
    /// that was interrupted if there is none: the recorded run was stopped before this request.
    pub(in crate::http) async fn take(
        &self,
        outgoing: &Outgoing<'_>,
        redactor: &Redactor,
    ) -> Option<PathBuf> {
        let base = self.base();
        let masker = Masker {
            masks: self.masks,
            redactor,
            max_body: MAX_BODY,
            credential: None,
        };
        let key = outgoing.key(&outgoing.masked(&masker));
        let next = lock(&self.files)
            .get_mut(&key)
            .and_then(VecDeque::pop_front);
        if next.is_none() && self.recorded_stop().is_some() {
            self.wait_past_end(base).await;
        }
        next
    }

    async fn wait_past_end(&self, base: Instant) {
        sleep_until(moment(base, self.end_ms) + MAX_OVERTIME).await;
    }

    /// Returns the outcome of a recorded exchange at its time. Leaves the body of a stream in `stream`.
    ///
    /// # Errors
    /// Returns the recorded error, or an error if the recording has no valid response.
    pub(in crate::http) async fn respond(
        &self,
        recorded: Option<PathBuf>,
        stream: Option<&Mutex<Option<LineBody>>>,
    ) -> Result<Response, RequestError> {
        let base = self.base();
        let path = recorded.ok_or_else(|| {
            self.missing("the recording has no response to this request".to_owned())
        })?;
        let damaged = |reason: &str| self.missing(format!("{}: {reason}", quotable_path(&path)));
        let exchange: Exchange = folder::read_json(&path).map_err(|reason| damaged(&reason))?;
        sleep_until(moment(base, exchange.end_ms)).await;
        // The clock of the recorded run shows the time of the last outcome, and a canceled request has none.
        if !matches!(exchange.outcome, RecordedOutcome::Canceled) {
            self.progress.advance_to(exchange.end_ms);
        }
        let recorded = match exchange.outcome {
            RecordedOutcome::Response(recorded) if recorded.is_cut => {
                return Err(damaged(
                    "the response was too large to be recorded completely",
                ));
            }
            // For an error response, the status is sufficient.
            RecordedOutcome::Response(recorded) if recorded.is_masked && recorded.status < 400 => {
                let cause = match recorded.body.is_xml() {
                    true => "is XML",
                    false => "could not be read",
                };
                let message = format!(
                    "{}: the response {cause}, so its values were not recorded",
                    quotable_path(&path)
                );
                return Err(RequestError::new(Category::InvalidResponse, message));
            }
            RecordedOutcome::Response(recorded) if !(100..=599).contains(&recorded.status) => {
                return Err(damaged("the status is not valid"));
            }
            RecordedOutcome::Response(recorded) => recorded,
            RecordedOutcome::Error(error) => return Err(error),
            // The recorded run did not wait for the response, and neither does this one.
            RecordedOutcome::Canceled => {
                self.wait_past_end(base).await;
                return Err(damaged("the request was canceled"));
            }
        };
        let RecordedResponse {
            status,
            headers,
            body,
            ..
        } = recorded;
        let bytes = body
            .bytes()
            .ok_or_else(|| damaged("the body is not valid"))?;
        if let (Content::Stream { parts, end_ms, end }, Some(stream)) = (body, stream) {
            let progress = Arc::clone(&self.progress);
            *lock(stream) = Some(stream::replay(parts, (end_ms, end), base, progress));
        }
        Ok(Response {
            status,
            headers,
            body: bytes,
        })
    }

    /// Returns the error of a request that has no recorded response. It is not retried.
    fn missing(&self, message: String) -> RequestError {
        self.lacks_responses.store(true, Ordering::Relaxed);
        let hint = "run the recorded command, or record again";
        RequestError::new(Category::InvalidArgument, message).with_hint(hint)
    }
}
