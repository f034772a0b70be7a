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
use crate::error::{Problem, file_error_text};
use crate::model::SkippedSource;
use crate::secret::{MASK, PrivateKeyMasker, Redactor, Secret};
use crate::settings::{RecordedProfile, RecordedSettings};
use crate::sync::lock;

const USAGE: u8 = 2;

/// Records the requests of a run in a folder.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    /// True where the folder was made for the recording.
    is_new: bool,
    masks: RecordingMasks,
    started_at: DateTime<Utc>,
    state: Mutex<RecorderState>,
}

#[derive(Debug)]
struct RecorderState {
    header: Header,
    /// When the first request was sent.
    base: Option<(Instant, DateTime<Utc>)>,
    /// When the last outcome was known, in milliseconds since then.
    last_ms: u64,
    /// Exchanges so far.
    count: u64,
    /// True when other files were written.
    has_files: bool,
    /// Where each log is in a private key, by its URL without the query.
    keys: HashMap<String, PrivateKeyMasker>,
    /// The placeholders of the secrets of the settings.
    placeholders: Placeholders,
    /// Why the recording is not complete.
    failure: Option<String>,
}

/// The time in whole milliseconds, as it is recorded.
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
    /// A recording of a command in a new folder, or in one that is empty. The secrets of the command line
    /// are masked already; `name` is the name of the command, such as `auth status`.
    ///
    /// # Errors
    /// Usage: the folder cannot be made, or is not empty.
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
            command_name: Some(name.to_owned()),
            started_at: rfc3339(started_at),
            utc_offset_seconds: Some(Local::now().offset().local_minus_utc()),
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

    /// The time of the last outcome, or of the start.
    pub fn now(&self) -> DateTime<Utc> {
        let state = lock(&self.state);
        let last = TimeDelta::milliseconds(i64::try_from(state.last_ms).unwrap_or(i64::MAX));
        match state.base {
            Some((_, base)) => base.checked_add_signed(last).unwrap_or(base),
            None => self.started_at,
        }
    }

    /// The offset of the local time zone at the start.
    pub(super) fn utc_offset(&self) -> Option<FixedOffset> {
        lock(&self.state).header.utc_offset()
    }

    /// Records the settings of the run.
    pub fn set_settings(&self, settings: RecordedSettings) {
        lock(&self.state).header.settings = settings;
    }

    /// Records the settings of an account that is used.
    pub fn add_profile(&self, profile: RecordedProfile) {
        lock(&self.state).header.settings.add(profile);
    }

    /// Where the log at a URL is in a private key: a log may be read in several requests, and end within one.
    pub(super) fn keys_of(&self, url: &str) -> PrivateKeyMasker {
        let state = lock(&self.state);
        state.keys.get(path(url)).cloned().unwrap_or_default()
    }

    /// Keeps what [`Self::keys_of`] gives.
    pub(super) fn keep_keys(&self, url: &str, keys: &PrivateKeyMasker) {
        let kept = &mut lock(&self.state).keys;
        match *keys == PrivateKeyMasker::default() {
            true => kept.remove(path(url)),
            false => kept.insert(path(url).to_owned(), keys.clone()),
        };
    }

    /// What is recorded in place of a secret of the settings. Different ones differ, since accounts with the same
    /// key share what is known of it.
    pub fn placeholder(&self, secret: &Secret) -> String {
        lock(&self.state).placeholders.of(secret)
    }

    /// Records why an account could not be used, with its settings where they could be read. The secrets of the
    /// problem are masked already.
    pub fn add_failed_account(
        &self,
        cloud: &str,
        name: &str,
        problem: Problem,
        plain: Option<RecordedProfile>,
    ) {
        let settings = &mut lock(&self.state).header.settings;
        settings.add_failed(cloud, name, problem, plain);
    }

    /// As [`Self::add_failed_account`], for an account whose settings are needed to read references.
    pub fn add_parse_problem(&self, cloud: &str, name: &str, problem: Problem) {
        let settings = &mut lock(&self.state).header.settings;
        settings.add_parse_problem(cloud, name, problem);
    }

    /// Records the sources of credentials that were not used for an account.
    pub fn add_skipped_sources(&self, cloud: &str, name: &str, skipped: &[SkippedSource]) {
        let settings = &mut lock(&self.state).header.settings;
        settings.add_skipped_sources(cloud, name, skipped.to_vec());
    }

    /// Records what was read in place of a word of the command line.
    pub fn add_references(&self, word: &str, references: &[String]) {
        let mut references = references.to_vec();
        references.iter_mut().for_each(self.masks.text);
        let settings = &mut lock(&self.state).header.settings;
        settings.add_references(word, references);
    }

    /// Records a duration, and returns it as a replay will have it.
    pub(super) fn measured(&self, what: &str, duration: Duration) -> Duration {
        let duration = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let measured = &mut lock(&self.state).header.measured;
        measured.insert(what.to_owned(), duration);
        Duration::from_millis(duration)
    }

    /// Records a value, which contains no secrets.
    pub(super) fn add_value(&self, name: &str, value: Value) {
        let values = &mut lock(&self.state).header.values;
        values.insert(name.to_owned(), value);
    }

    /// Writes another file next to the exchanges.
    pub fn add_file(&self, name: &str, text: &[u8]) {
        let written = folder::write_new(&self.folder.join(name), text);
        let mut state = lock(&self.state);
        state.has_files = true;
        note(&mut state, written);
    }

    /// Ends the recording; returns why it is not complete, where it is not.
    pub fn finish(&self, exit_code: u8) -> Option<String> {
        let mut state = lock(&self.state);
        state.header.ended_ms = state.base.map(|(base, _)| elapsed_ms(base) + 1);
        state.header.exit_code = Some(exit_code);
        // What was wrong before the first request leaves all as it was.
        match exit_code == USAGE && state.count == 0 && !state.has_files {
            true => folder::discard(&self.folder, self.is_new),
            false => self.write_header(&mut state),
        }
        state.failure.clone()
    }

    fn write_header(&self, state: &mut RecorderState) {
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
            max_body: MAX_BODY,
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

    /// The same for a failure, which may be that of a deadline: it is not replayed before it happened.
    pub(super) fn failure_step(&self) -> u64 {
        let mut state = lock(&self.state);
        state.last_ms = state.next_ms() + 1;
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
            let written = folder::write_json(&self.folder.join(name), exchange);
            note(&mut state, written);
        }
    }

    /// Begins an attempt: its number, when it is sent, and the same in milliseconds.
    pub(super) fn begin(&self) -> (u64, DateTime<Utc>, u64) {
        let mut state = lock(&self.state);
        let (base, base_at) = *state.base.get_or_insert_with(|| (Instant::now(), now()));
        let start_ms = elapsed_ms(base);
        state.count += 1;
        let at = base_at + TimeDelta::milliseconds(i64::try_from(start_ms).unwrap_or(0));
        (state.count, at, start_ms)
    }
}

impl RecorderState {
    fn next_ms(&self) -> u64 {
        let elapsed = self.base.map_or(0, |(base, _)| elapsed_ms(base));
        elapsed.max(self.last_ms + 1)
    }
}

/// Keeps the first reason why something was not written.
fn note(state: &mut RecorderState, written: io::Result<()>) {
    if let Err(error) = written {
        state.failure.get_or_insert_with(|| file_error_text(&error));
    }
}
