//! Keeps the objects of a namespace up to date with a stream.
//!
//! A list returns the objects and their version, and the stream the changes since then. While no stream is
//! connected, each batch lookup lists the objects again.

mod object;
mod state;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

use super::list::PAGE_SIZE;
use crate::providers::lenient;
use crate::providers::prelude::*;
use crate::sync::lock;

pub(super) use object::{Object, Presence, meta};
pub(super) use state::Position;
use state::{Mode, WatchState};

/// The result of a list of a namespace.
#[derive(Default)]
pub(super) struct Listed {
    pub objects: HashMap<String, Object>,
    /// The `resourceVersion` of the list; `None` if not all of its objects could be read.
    pub version: Option<String>,
    /// True if there are more objects than the maximum that is read.
    pub is_too_large: bool,
    /// Names of objects that the list contains twice with different content.
    pub contradictory: HashSet<String>,
}

impl Listed {
    /// Adds an object of a page. Of an object that is listed twice, the newer version is kept. If its
    /// versions are equal or missing and the contents differ, it is left to a lookup.
    pub fn add(&mut self, name: String, object: Object) {
        if self.contradictory.contains(&name) {
            return;
        }
        match self.objects.entry(name) {
            Entry::Occupied(known) if known.get().version > object.version => {}
            Entry::Occupied(known)
                if known.get().version == object.version && known.get().body != object.body =>
            {
                self.contradictory.insert(known.remove_entry().0);
            }
            entry => {
                entry.insert_entry(object);
            }
        }
    }
}

/// Maximum number of open streams.
const MAX_STREAMS: usize = 32;
/// Time for which the pods of jobs are watched after they were last followed.
const PODS_TIMEOUT: Duration = Duration::from_secs(60);
/// The label of a pod that names its job.
pub(super) const JOB_LABEL: &str = "job-name";
/// Maximum size of the objects of one list, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// The watches of a run, by the path of their list.
#[derive(Default)]
pub(super) struct Watches {
    by_path: Mutex<HashMap<String, Arc<Watch>>>,
    /// The tasks of the streams, which are aborted when this is dropped.
    pub streams: Mutex<JoinSet<()>>,
}

impl Watches {
    /// Returns the watch of a list, and creates it if necessary. Watches beyond [`MAX_STREAMS`] are polled.
    pub fn at(&self, path: &str) -> Arc<Watch> {
        let mut by_path = lock(&self.by_path);
        if let Some(watch) = by_path.get(path) {
            return Arc::clone(watch);
        }
        let watch = Arc::<Watch>::default();
        if by_path.len() >= MAX_STREAMS {
            let mut state = lock(&watch.state);
            state.mode = Mode::Polling;
            if by_path.len() == MAX_STREAMS {
                state.note(&format!("more than {MAX_STREAMS} namespaces or kinds"));
            }
        }
        by_path.insert(path.to_owned(), Arc::clone(&watch));
        watch
    }

    /// Returns the watch of the pods of the jobs of a namespace. Their changes are reported as changes of the
    /// jobs.
    pub fn of_pods(&self, path: &str) -> Arc<Watch> {
        let watch = self.at(&format!("{path}?labelSelector={JOB_LABEL}"));
        lock(&watch.state).is_of_pods = true;
        watch
    }

    /// Forgets the object of a job, so that another object with its name can be followed.
    pub fn forget(&self, reference: &Reference) {
        let canonical = reference.to_string();
        for watch in lock(&self.by_path).values() {
            let mut state = lock(&watch.state);
            if state.followed.get(reference.id()) == Some(&canonical) {
                state.objects.remove(reference.id());
            }
        }
    }

    /// Returns the watch of a list, if there is one.
    pub fn known(&self, path: &str) -> Option<Arc<Watch>> {
        lock(&self.by_path).get(path).cloned()
    }
}

/// The followed objects of one list.
#[derive(Default)]
pub(super) struct Watch {
    state: Mutex<WatchState>,
    /// Notified when a list was applied, which can set the version.
    listed: Notify,
    /// Notified when the stream no longer covers all followed objects.
    outdated: Notify,
}

/// Why a stream was interrupted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WatchError {
    /// The connection broke; the version is still valid.
    Broken(String),
    /// The version has expired, or the received data cannot be read: the objects have to be listed again.
    Outdated(String),
    /// The server rejected the watch.
    Rejected(String),
}

impl Watch {
    /// Follows these jobs too, given as names with references. Returns `true` if no list is needed: a stream is
    /// connected, or each object is looked up individually.
    pub fn follow(&self, jobs: &[(&str, String)], options: &RequestOptions) -> bool {
        let mut state = lock(&self.state);
        state.changes.clone_from(&options.changes);
        state.followed_at = Some(Instant::now());
        let known = state.followed.len();
        for (name, reference) in jobs {
            if !state.followed.contains_key(*name) {
                let name = (*name).to_owned();
                state.followed.insert(name, reference.clone());
            }
        }
        if state.followed.len() > known {
            state.position = Position {
                version: None,
                selector: state.wanted_selector(),
            };
            if std::mem::take(&mut state.is_connected) {
                self.outdated.notify_one();
            }
        }
        state.is_connected || state.mode == Mode::Single
    }

    /// Returns the selector of a list of the followed objects.
    pub fn selector(&self) -> Option<(&'static str, String)> {
        lock(&self.state).position.selector.clone()
    }

    /// Returns the maximum number of objects of a page of the list.
    pub fn page_size(&self) -> usize {
        lock(&self.state).page_size.unwrap_or(PAGE_SIZE)
    }

    /// Stores the maximum number of objects of a page.
    pub fn set_page_size(&self, size: usize) {
        lock(&self.state).page_size = Some(size);
    }

    /// Returns the latest known version of the object with this name.
    pub fn object(&self, name: &str) -> Option<Object> {
        lock(&self.state).objects.get(name).cloned()
    }

    pub fn take_notice(&self) -> Option<Notice> {
        lock(&self.state).notice.take()
    }

    /// Applies a list. Followed objects that it no longer contains keep their last known version.
    pub fn replace(&self, listed: Listed) {
        let mut state = lock(&self.state);
        for (name, known) in &mut state.objects {
            if known.presence == Presence::Present && !listed.objects.contains_key(name) {
                known.presence = Presence::Missing;
            }
        }
        // Without a version to continue from, the list replaces the known objects: a store that was restored
        // from a backup has lower versions.
        let is_start = state.position.version.is_none();
        for (name, object) in listed.objects {
            if let Some(known) = state.objects.get_mut(&name)
                && (known.record_lower_version(&object) || is_start)
            {
                known.version = None;
            }
            state.update(name, object);
        }
        // A broken stream continues from its last version: it reports how an object that was deleted since
        // then ended.
        if state.position.version.is_none() {
            state.position.version = listed.version;
        }
        if listed.is_too_large || state.is_too_large() {
            state.leave_to_lookups();
        }
        self.listed.notify_one();
    }

    /// Applies an object that a lookup returned. Returns false if it is older than the known version.
    pub fn update_from_lookup(&self, (name, object): (String, Object)) -> bool {
        let mut state = lock(&self.state);
        let known = state.objects.get(&name);
        let is_new = known.is_none_or(|known| !known.is_newer_than(&object));
        // A stream that is behind the lookup continues from the object that it already has.
        if known.is_none_or(|known| known.presence == Presence::Missing || known.is_other(&object))
        {
            state.update(name, object);
        }
        is_new
    }

    /// Returns `true` if a stream has to be started, and marks it as started.
    pub fn try_start(&self) -> bool {
        let mut state = lock(&self.state);
        let is_startable =
            state.mode == Mode::Idle && state.changes.is_some() && state.position.version.is_some();
        if is_startable {
            state.mode = Mode::Streaming;
        }
        is_startable
    }

    /// Waits for the position from which the stream continues.
    pub async fn position(&self) -> Position {
        loop {
            let position = lock(&self.state).position.clone();
            if position.version.is_some() {
                return position;
            }
            self.listed.notified().await;
        }
    }

    /// Waits until the stream no longer covers all followed objects.
    pub async fn outdated(&self) {
        self.outdated.notified().await;
    }

    /// Returns `true` if the stream can end, and resets the watch of pods that were not followed
    /// recently.
    pub fn is_over(&self) -> bool {
        let mut state = lock(&self.state);
        let since = state.followed_at.filter(|_| state.is_of_pods);
        if since.is_some_and(|at| at.elapsed() > PODS_TIMEOUT) {
            *state = WatchState {
                is_of_pods: true,
                ..WatchState::default()
            };
            return true;
        }
        state.mode == Mode::Single
    }

    /// Marks the stream as connected if it was opened at the current position; false if that has changed.
    pub fn connect(&self, position: &Position) -> bool {
        let mut state = lock(&self.state);
        state.is_connected = state.position == *position;
        if state.is_connected {
            state.mode = Mode::Streaming;
        }
        state.is_connected
    }

    /// Marks the stream as disconnected after its regular end. Changes are not reported until it is opened
    /// again.
    pub fn pause(&self) {
        lock(&self.state).is_connected = false;
    }

    /// Marks the stream as interrupted.
    pub fn disconnect(&self, watch_error: &WatchError) {
        let mut state = lock(&self.state);
        state.is_connected = false;
        if let WatchError::Outdated(_) = watch_error {
            state.position.version = None;
            state.report_all();
        }
    }

    /// Switches to polling, since the server rejected the stream.
    pub fn reject(&self, reason: &str) {
        let mut state = lock(&self.state);
        (state.is_connected, state.mode) = (false, Mode::Polling);
        state.note(reason);
        state.report_all();
    }

    /// Reports a change of all followed objects, so that they are looked up immediately.
    pub fn report_all(&self) {
        lock(&self.state).report_all();
    }

    /// Applies a line of the stream of the list at a path.
    ///
    /// # Errors
    /// The reason for which the stream cannot continue.
    pub fn apply(&self, line: &[u8], path: &str) -> Result<(), WatchError> {
        let unreadable = || WatchError::Outdated("a line that is not an event".to_owned());
        let mut event = lenient::parse(line).ok_or_else(unreadable)?;
        let object = event.get_mut("object").map(Value::take);
        let object = object.ok_or_else(unreadable)?;
        let kind = event.get("type").and_then(Value::as_str);
        if kind == Some("ERROR") {
            let reason = object.get("reason").and_then(Value::as_str);
            let reason = reason.unwrap_or("without a reason");
            return Err(WatchError::Outdated(format!("error: {reason}")));
        }
        let version = meta(&object, "resourceVersion").ok_or_else(unreadable)?;
        let presence = match kind {
            Some("ADDED" | "MODIFIED") => Some(Presence::Present),
            Some("DELETED") => Some(Presence::Deleted),
            Some("BOOKMARK") => None,
            _ => return Err(unreadable()),
        };
        let mut state = lock(&self.state);
        // Events that arrive after the set of followed objects has changed are covered by the next list.
        if !state.is_connected {
            return Ok(());
        }
        if state.is_of_pods {
            let job = object["metadata"]["labels"][JOB_LABEL].as_str();
            state.report(job.filter(|_| presence.is_some()));
        } else if let Some(presence) = presence {
            let (name, object) = Object::read(object, path).ok_or_else(unreadable)?;
            state.update_and_report(name, Object { presence, ..object });
        }
        if state.is_too_large() {
            state.leave_to_lookups();
            let reason = format!("the objects exceed {MAX_BYTES} bytes");
            return Err(WatchError::Outdated(reason));
        }
        state.position.version = Some(version);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
