use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, FixedOffset, Local, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::content::{MAX_BODY, Masker};
use super::exchange::Exchange;
use super::folder::{self, Header};
use super::placeholders::Placeholders;
use super::{FORMAT, RecordingMasks};
use crate::error::{Problem, exit_code, file_error_text};
use crate::secret::{MASK, PrivateKeyMasker, Redactor, Secret};
use crate::settings::RecordedSettings;
use crate::sync::lock;

/// Records the requests of a run in a folder.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    /// The folder was created for the recording.
    is_new: bool,
    masks: RecordingMasks,
    started_at: DateTime<Utc>,
    state: Mutex<RecorderState>,
}

#[derive(Debug)]
struct RecorderState {
    header: Header,
    /// The file of the header has its current values.
    header_is_written: bool,
    /// Time of the first request.
    base: Option<(Instant, DateTime<Utc>)>,
    /// Time of the last outcome, in milliseconds since `base`.
    last_ms: u64,
    /// Number of exchanges so far.
    count: u64,
    /// Files other than exchanges were written.
    has_files: bool,
    /// The state of the masker of private keys for each log that was read up to a part of a key, by its URL without the
    /// query.
    keys: HashMap<String, PrivateKeyMasker>,
    /// Placeholders of the secrets in the settings.
    placeholders: Placeholders,
    /// Why the recording is incomplete.
    failure: Option<String>,
}

/// Returns the current time, rounded down to the milliseconds that a recording contains.
fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
}

fn path(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Recorder {
    /// Creates the recording of a command in a new or empty folder. The caller has masked the secrets of `command`;
    /// `name` is the name of the command, such as `auth status`.
    ///
    /// # Errors
    /// Returns a usage error if the folder cannot be created or is not empty.
    pub fn create(
        folder: &Path,
        name: &str,
        command: Vec<String>,
        masks: RecordingMasks,
    ) -> Result<Arc<Self>, Problem> {
        let is_new = folder::create(folder)?;
        let started_at = now();
        let header = Header {
            format: FORMAT,
            joblens: env!("CARGO_PKG_VERSION").to_owned(),
            command,
            command_name: name.to_owned(),
            started_at: rfc3339(started_at),
            utc_offset_seconds: Local::now().offset().local_minus_utc(),
            ended_ms: None,
            exit_code: None,
            measured: BTreeMap::new(),
            values: BTreeMap::new(),
            settings: RecordedSettings::default(),
        };
        let recorder = Self {
            folder: folder.to_owned(),
            is_new,
            masks,
            started_at,
            state: Mutex::new(RecorderState {
                header,
                header_is_written: false,
                base: None,
                last_ms: 0,
                count: 0,
                has_files: false,
                keys: HashMap::new(),
                placeholders: Placeholders::new(MASK),
                failure: None,
            }),
        };
        Ok(Arc::new(recorder))
    }

    /// Returns the time of the last outcome, or of the start if no request was sent.
    pub fn now(&self) -> DateTime<Utc> {
        let state = lock(&self.state);
        let last = TimeDelta::milliseconds(i64::try_from(state.last_ms).unwrap_or(i64::MAX));
        match state.base {
            Some((_, base)) => base.checked_add_signed(last).unwrap_or(base),
            None => self.started_at,
        }
    }

    /// Returns the offset of the local time zone at the start.
    pub(super) fn utc_offset(&self) -> Option<FixedOffset> {
        lock(&self.state).header.utc_offset()
    }

    /// Changes the recorded settings. `update` must not use the recorder.
    pub fn update_settings(&self, update: impl FnOnce(&mut RecordedSettings)) {
        update(&mut lock(&self.state).header_mut().settings);
    }

    /// Returns the state of the masker for the log at a URL. A log can be read in several requests, and a response can
    /// end within a private key.
    pub(super) fn private_key_masker(&self, url: &str) -> PrivateKeyMasker {
        let state = lock(&self.state);
        state.keys.get(path(url)).cloned().unwrap_or_default()
    }

    /// Stores the state that [`Self::private_key_masker`] returns.
    pub(super) fn store_private_key_masker(&self, url: &str, keys: &PrivateKeyMasker) {
        let kept = &mut lock(&self.state).keys;
        match *keys == PrivateKeyMasker::default() {
            true => kept.remove(path(url)),
            false => kept.insert(path(url).to_owned(), keys.clone()),
        };
    }

    /// Returns the placeholder of a secret in the settings. Different secrets have different placeholders, since
    /// accounts with the same key share its state.
    pub fn placeholder(&self, secret: &Secret) -> String {
        lock(&self.state).placeholders.of(secret)
    }

    /// Records the references that were read for a command-line argument, or why they could not be read.
    pub fn add_references(&self, word: &str, references: &Result<Vec<String>, Problem>) {
        let mut references = references.clone();
        match &mut references {
            Ok(references) => references.iter_mut().for_each(self.masks.text),
            Err(problem) => {
                (self.masks.text)(&mut problem.message);
                problem.hint.iter_mut().for_each(self.masks.text);
            }
        }
        self.update_settings(|settings| settings.add_references(word, references));
    }

    /// Records a duration, and returns it with the precision of the recording, so that a replay has the same value.
    pub(super) fn measured(&self, name: &str, duration: Duration) -> Duration {
        let duration = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        lock(&self.state)
            .header_mut()
            .measured
            .insert(name.to_owned(), duration);
        Duration::from_millis(duration)
    }

    /// Records a value, which must not contain secrets.
    pub(super) fn add_value(&self, name: &str, value: Value) {
        lock(&self.state)
            .header_mut()
            .values
            .insert(name.to_owned(), value);
    }

    /// Writes a file next to the exchanges.
    pub fn add_file(&self, name: &str, text: &[u8]) {
        let written = folder::write_new(&self.folder.join(name), text);
        let mut state = lock(&self.state);
        state.has_files = true;
        note(&mut state, written);
    }

    /// Ends the recording. Returns why it is incomplete, if it is.
    pub fn finish(&self, code: u8) -> Option<String> {
        let mut state = lock(&self.state);
        let ended_ms = state.base.map(|(base, _)| elapsed_ms(base) + 1);
        let header = state.header_mut();
        header.ended_ms = ended_ms;
        header.exit_code = Some(code);
        // A usage error before the first request leaves no files behind.
        match code == exit_code::USAGE && state.count == 0 && !state.has_files {
            true => folder::discard(&self.folder, self.is_new),
            false => self.write_header(&mut state),
        }
        state.failure.clone()
    }

    fn write_header(&self, state: &mut RecorderState) {
        let written = state.header.write(&self.folder);
        state.header_is_written = written.is_ok();
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
            max_body: MAX_BODY,
            credential,
        }
    }

    /// Returns the current time as that of an outcome, in milliseconds. No two outcomes have the same time, so that a
    /// replay keeps their order.
    pub(super) fn step(&self) -> u64 {
        let mut state = lock(&self.state);
        state.last_ms = state.next_ms();
        state.last_ms
    }

    /// Like [`Self::step`] for a failure, rounded up: the failure can be a timeout, which must not be replayed before
    /// its deadline.
    pub(super) fn failure_step(&self) -> u64 {
        let mut state = lock(&self.state);
        state.last_ms = state.next_ms() + 1;
        state.last_ms
    }

    /// Returns the time for a canceled request, which is later than that of its cause.
    pub(super) fn canceled_ms(&self) -> u64 {
        lock(&self.state).next_ms() + 1
    }

    pub(super) fn write(&self, number: u64, exchange: &Exchange) {
        let name = folder::file_name(number, &exchange.cloud, &exchange.operation);
        let mut state = lock(&self.state);
        if state.failure.is_none() {
            let written = folder::write_json(&self.folder.join(name), exchange);
            note(&mut state, written);
        }
    }

    /// Starts an attempt. Returns its number, its time, and its time in milliseconds since the first request.
    pub(super) fn begin(&self) -> (u64, DateTime<Utc>, u64) {
        let mut state = lock(&self.state);
        // A run that is killed does not call `finish`, and a replay needs the settings of the accounts.
        if !state.header_is_written && state.failure.is_none() {
            self.write_header(&mut state);
        }
        let (base, base_at) = *state.base.get_or_insert_with(|| (Instant::now(), now()));
        let start_ms = elapsed_ms(base);
        state.count += 1;
        let at = base_at + TimeDelta::milliseconds(i64::try_from(start_ms).unwrap_or(0));
        (state.count, at, start_ms)
    }
}

impl RecorderState {
    /// Returns the header to change it.
    fn header_mut(&mut self) -> &mut Header {
        self.header_is_written = false;
        &mut self.header
    }

    fn next_ms(&self) -> u64 {
        let elapsed = self.base.map_or(0, |(base, _)| elapsed_ms(base));
        elapsed.max(self.last_ms + 1)
    }
}

/// Keeps the first error of writing a file.
fn note(state: &mut RecorderState, written: io::Result<()>) {
    if let Err(error) = written {
        state.failure.get_or_insert_with(|| file_error_text(&error));
    }
}
