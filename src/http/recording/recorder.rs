use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::content::{Content, Masker};
use super::exchange::{Exchange, Outcome, Outgoing, RecordedResponse};
use super::folder::{self, Header};
use super::{FORMAT, RecordingMasks, stream};
use crate::error::{Problem, file_error_text};
use crate::http::lines::LineBody;
use crate::http::{RequestError, Response, Transport};
use crate::secret::{MASK, Redactor};
use crate::settings::{RecordedProfile, RecordedSettings};
use crate::sync::lock;

const USAGE: u8 = 2;

/// Records the requests of a run in a folder.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    masks: RecordingMasks,
    started_at: DateTime<Utc>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    header: Header,
    /// When the first request was sent.
    base: Option<(Instant, DateTime<Utc>)>,
    /// When the last outcome was known, in milliseconds since then.
    last_ms: u64,
    /// Exchanges so far.
    count: u64,
    /// Why the recording is not complete.
    failure: Option<String>,
}

/// The present in whole milliseconds, as it is recorded.
fn present() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Recorder {
    /// A recording of a command in a new folder, or in one that is empty. The secrets of the command line
    /// are masked already.
    ///
    /// # Errors
    /// Usage: the folder cannot be made, or is not empty.
    pub fn create(
        folder: &Path,
        command: Vec<String>,
        masks: RecordingMasks,
    ) -> Result<Arc<Self>, Problem> {
        folder::create(folder)?;
        let started_at = present();
        let header = Header {
            format: FORMAT,
            joblens: env!("CARGO_PKG_VERSION").to_owned(),
            command,
            started_at: rfc3339(started_at),
            ended_ms: None,
            exit_code: None,
            settings: RecordedSettings::default(),
        };
        let recorder = Self {
            folder: folder.to_owned(),
            masks,
            started_at,
            state: Mutex::new(State {
                header,
                base: None,
                last_ms: 0,
                count: 0,
                failure: None,
            }),
        };
        Ok(Arc::new(recorder))
    }

    /// The time of the last outcome, or of the start.
    pub fn now(&self) -> DateTime<Utc> {
        let state = lock(&self.state);
        let last = TimeDelta::milliseconds(i64::try_from(state.last_ms).unwrap_or(i64::MAX));
        match state.base {
            Some((_, base)) => base.checked_add_signed(last).unwrap_or(base),
            None => self.started_at,
        }
    }

    /// Records the settings of the run.
    pub fn set_settings(&self, settings: RecordedSettings) {
        lock(&self.state).header.settings = settings;
    }

    /// Records the settings of an account that is used.
    pub fn add_profile(&self, profile: RecordedProfile) {
        lock(&self.state).header.settings.add(profile);
    }

    /// Writes another file beside the exchanges.
    pub fn add_file(&self, name: &str, text: &[u8]) {
        let written = folder::write_new(&self.folder.join(name), text);
        note(&mut lock(&self.state), written);
    }

    /// Ends the recording; returns why it is not complete, where it is not.
    pub fn finish(&self, exit_code: u8) -> Option<String> {
        let mut state = lock(&self.state);
        state.header.ended_ms = state.base.map(|(base, _)| elapsed_ms(base) + 1);
        state.header.exit_code = Some(exit_code);
        // What was wrong before the first request leaves the folder as it was.
        if exit_code != USAGE || state.count > 0 {
            self.write_header(&mut state);
        }
        state.failure.clone()
    }

    fn write_header(&self, state: &mut State) {
        let written = state.header.write(&self.folder);
        note(state, written);
    }

    pub(super) fn masker<'a>(
        &self,
        redactor: &'a Redactor,
        credential: Option<String>,
    ) -> Masker<'a> {
        Masker {
            masks: self.masks,
            redactor,
            credential,
        }
    }

    /// Takes the present as the time of an outcome. All of them are apart, so that they are replayed in
    /// their order.
    pub(super) fn step(&self) -> u64 {
        let mut state = lock(&self.state);
        state.last_ms = state.next_ms();
        state.last_ms
    }

    /// The time of what was canceled, which is after that of its cause.
    pub(super) fn canceled_ms(&self) -> u64 {
        lock(&self.state).next_ms() + 1
    }

    pub(super) fn write(&self, number: u64, exchange: &Exchange) {
        let name = folder::file_name(number, &exchange.cloud, &exchange.operation);
        let mut state = lock(&self.state);
        if state.count == 1 || number == 1 {
            self.write_header(&mut state);
        }
        if state.failure.is_none() {
            let text = serde_json::to_vec_pretty(exchange).map_err(io::Error::from);
            let path = self.folder.join(name);
            let written = text.and_then(|text| folder::write_new(&path, &text));
            note(&mut state, written);
        }
    }

    /// Begins to record an attempt.
    pub(in crate::http) fn start<'a>(
        self: &'a Arc<Self>,
        outgoing: Outgoing<'a>,
        transport: &'a Arc<Transport>,
    ) -> RecordingAttempt<'a> {
        let mut state = lock(&self.state);
        let (base, base_at) = *state
            .base
            .get_or_insert_with(|| (Instant::now(), present()));
        let start_ms = elapsed_ms(base);
        state.count += 1;
        let at = base_at + TimeDelta::milliseconds(i64::try_from(start_ms).unwrap_or(0));
        RecordingAttempt {
            recorder: self,
            outgoing,
            transport,
            number: state.count,
            at,
            start_ms,
            is_done: false,
        }
    }
}

impl State {
    fn next_ms(&self) -> u64 {
        let elapsed = self.base.map_or(0, |(base, _)| elapsed_ms(base));
        elapsed.max(self.last_ms + 1)
    }
}

/// Keeps the first reason why something was not written.
fn note(state: &mut State, written: io::Result<()>) {
    if let Err(error) = written {
        state.failure.get_or_insert_with(|| file_error_text(&error));
    }
}

/// An attempt whose outcome is not known yet. One that is dropped was canceled.
pub(in crate::http) struct RecordingAttempt<'a> {
    recorder: &'a Arc<Recorder>,
    outgoing: Outgoing<'a>,
    transport: &'a Arc<Transport>,
    number: u64,
    at: DateTime<Utc>,
    start_ms: u64,
    is_done: bool,
}

impl RecordingAttempt<'_> {
    /// Records the outcome. The body of a stream is replaced by one that is recorded as it is read.
    pub(in crate::http) fn finish(
        mut self,
        outcome: &Result<Response, RequestError>,
        stream: Option<&Mutex<Option<LineBody>>>,
    ) {
        self.is_done = true;
        let outcome = match outcome {
            Ok(response) => Outcome::Response(RecordedResponse::masked(response, &self.masker())),
            Err(error) => Outcome::Error(self.masked(error)),
        };
        let exchange = self.exchange(outcome, self.recorder.step());
        let mut stream = stream.map(lock);
        match stream.as_mut().and_then(|stream| stream.take()) {
            Some(body) => {
                let (recorder, transport) = (self.recorder, self.transport);
                let body = stream::record(body, recorder, transport, self.number, exchange);
                if let Some(stream) = &mut stream {
                    **stream = Some(body);
                }
            }
            None => self.recorder.write(self.number, &exchange),
        }
    }

    fn masker(&self) -> Masker<'_> {
        let mask = format!("{MASK}{}", self.number);
        let credential = self.outgoing.is_for_credential.then_some(mask);
        self.recorder.masker(self.transport.redactor(), credential)
    }

    fn masked(&self, error: &RequestError) -> RequestError {
        let mut error = error.clone();
        self.transport.redactor().text(&mut error.message);
        error
    }

    fn exchange(&self, mut outcome: Outcome, end_ms: u64) -> Exchange {
        let outgoing = &self.outgoing;
        let masker = self.recorder.masker(self.transport.redactor(), None);
        if let Outcome::Response(response) = &mut outcome
            && outgoing.has_secret_response()
        {
            response.body = Content::Text(format!("{MASK}{}", self.number));
        }
        Exchange {
            at: rfc3339(self.at),
            start_ms: self.start_ms,
            end_ms,
            cloud: outgoing.cloud.to_owned(),
            profile: outgoing.profile.to_owned(),
            operation: outgoing.request.operation.to_owned(),
            attempt: outgoing.attempt,
            request: outgoing.masked(&masker),
            outcome,
        }
    }
}

impl Drop for RecordingAttempt<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let exchange = self.exchange(Outcome::Canceled, self.recorder.canceled_ms());
            self.recorder.write(self.number, &exchange);
        }
    }
}
