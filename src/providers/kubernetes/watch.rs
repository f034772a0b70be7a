//! Objects that a stream of their namespace keeps up to date.
//!
//! A list gives the objects and their version, the stream what has changed since. While no stream is
//! connected, the objects are listed again for each batch lookup.

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

/// The objects of a namespace.
#[derive(Default)]
pub(super) struct Listed {
    pub objects: HashMap<String, Object>,
    /// The version that they are of; `None` where not all could be read.
    pub version: Option<String>,
    /// There are more than are read.
    pub is_too_large: bool,
    /// The names of objects that are listed in two ways.
    pub contradictory: HashSet<String>,
}

impl Listed {
    /// Takes in an object of a page; of one that is listed twice the newer version. One that is listed in two ways
    /// with the same version, or without one, is left to its lookup.
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
/// The pods of jobs are watched for this long after they were last followed.
const PODS_TIMEOUT: Duration = Duration::from_secs(60);
/// The label of a pod that names its job.
const JOB_LABEL: &str = "job-name";
/// Maximum bytes of the objects of one list.
const MAX_BYTES: usize = 64 << 20;

/// The objects of a run that are watched, by the path of their list.
#[derive(Default)]
pub(super) struct Watches {
    by_path: Mutex<HashMap<String, Arc<Watch>>>,
    /// The streams, which end with it.
    pub streams: Mutex<JoinSet<()>>,
}

impl Watches {
    /// The watch of a list; beyond the most streams one that is polled.
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

    /// The watch of the pods of the jobs of a namespace, whose changes are reported as those of the jobs.
    pub fn of_pods(&self, path: &str) -> Arc<Watch> {
        let watch = self.at(&format!("{path}?labelSelector={JOB_LABEL}"));
        lock(&watch.state).is_of_pods = true;
        watch
    }

    /// The watch of a list, if there is one.
    pub fn known(&self, path: &str) -> Option<Arc<Watch>> {
        lock(&self.by_path).get(path).cloned()
    }
}

/// The objects of one list.
#[derive(Default)]
pub(super) struct Watch {
    state: Mutex<WatchState>,
    /// A list has set the version.
    listed: Notify,
    /// The stream no longer serves, since more objects are followed than it shows.
    outdated: Notify,
}

/// Why a stream does not go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// The connection broke; the version is still valid.
    Broken(String),
    /// The version is too old, or what has come cannot be read: the objects have to be listed again.
    Outdated(String),
    /// The server does not give the stream.
    Refused(String),
}

impl Watch {
    /// Follows these as well, which are names with references; true when all that is known of them is up
    /// to date.
    pub fn follow(&self, jobs: &[(&str, String)], options: &GetOptions) -> bool {
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

    /// The selector of a list of what is followed.
    pub fn selector(&self) -> Option<(&'static str, String)> {
        lock(&self.state).position.selector.clone()
    }

    /// How many objects a page of the list has at most.
    pub fn page_size(&self) -> usize {
        lock(&self.state).page_size.unwrap_or(PAGE_SIZE)
    }

    /// Keeps how many objects a page may have.
    pub fn set_page_size(&self, size: usize) {
        lock(&self.state).page_size = Some(size);
    }

    /// What is known of the object with this name.
    pub fn object(&self, name: &str) -> Option<Object> {
        lock(&self.state).objects.get(name).cloned()
    }

    pub fn take_notice(&self) -> Option<Notice> {
        lock(&self.state).notice.take()
    }

    /// Takes in a list. Followed objects that it no longer contains are kept as they were last seen.
    pub fn replace(&self, listed: Listed) {
        let mut state = lock(&self.state);
        for (name, known) in &mut state.objects {
            if known.presence == Presence::Present && !listed.objects.contains_key(name) {
                known.presence = Presence::Missing;
            }
        }
        // Without a version to continue from, the list replaces what was known: that of a store that was
        // restored from a backup has lower versions.
        let is_start = state.position.version.is_none();
        for (name, object) in listed.objects {
            if let Some(known) = state.objects.get_mut(&name)
                && (known.record_lower_version(&object) || is_start)
            {
                known.version = None;
            }
            state.update(name, object);
        }
        // A stream that broke goes on where it broke: how an object ended that was deleted since is there.
        if state.position.version.is_none() {
            state.position.version = listed.version;
        }
        if listed.is_too_large || state.is_too_large() {
            state.leave_to_lookups();
        }
        self.listed.notify_one();
    }

    /// Takes in an object that a lookup has shown; false for an earlier version than is known.
    pub fn update_from_lookup(&self, (name, object): (String, Object)) -> bool {
        let mut state = lock(&self.state);
        let known = state.objects.get(&name);
        let is_new = known.is_none_or(|known| !known.is_newer_than(&object));
        // A stream that is behind the lookup goes on from the object that it has.
        if known.is_none_or(|known| known.presence == Presence::Missing || known.is_other(&object))
        {
            state.update(name, object);
        }
        is_new
    }

    /// True when a stream is to be started, which is then taken as started.
    pub fn try_start(&self) -> bool {
        let mut state = lock(&self.state);
        let is_startable =
            state.mode == Mode::Idle && state.changes.is_some() && state.position.version.is_some();
        if is_startable {
            state.mode = Mode::Streaming;
        }
        is_startable
    }

    /// Waits until it is known where the stream goes on.
    pub async fn position(&self) -> Position {
        loop {
            let position = lock(&self.state).position.clone();
            if position.version.is_some() {
                return position;
            }
            self.listed.notified().await;
        }
    }

    /// Waits until the stream no longer serves.
    pub async fn outdated(&self) {
        self.outdated.notified().await;
    }

    /// True when no stream is needed any longer.
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

    /// A stream was opened that goes on from here; false when it no longer serves.
    pub fn connect(&self, position: &Position) -> bool {
        let mut state = lock(&self.state);
        state.is_connected = state.position == *position;
        if state.is_connected {
            state.mode = Mode::Streaming;
        }
        state.is_connected
    }

    /// The stream has ended as it should. Until the next one is open, it hides changes.
    pub fn pause(&self) {
        lock(&self.state).is_connected = false;
    }

    /// The stream was interrupted.
    pub fn disconnect(&self, interruption: &Interruption) {
        let mut state = lock(&self.state);
        state.is_connected = false;
        if let Interruption::Outdated(_) = interruption {
            state.position.version = None;
            state.report_all();
        }
    }

    /// The server gives no stream.
    pub fn reject(&self, reason: &str) {
        let mut state = lock(&self.state);
        (state.is_connected, state.mode) = (false, Mode::Polling);
        state.note(reason);
        state.report_all();
    }

    /// Reports all that is followed, so that it is looked up at once.
    pub fn report_all(&self) {
        lock(&self.state).report_all();
    }

    /// Takes in a line of the stream of the list at a path.
    ///
    /// # Errors
    /// Why the stream does not go on.
    pub fn apply(&self, line: &[u8], path: &str) -> Result<(), Interruption> {
        let unreadable = || Interruption::Outdated("a line that is not an event".to_owned());
        let mut event = lenient::parse_raw(line).ok_or_else(unreadable)?;
        let object = event.get_mut("object").map(Value::take);
        let object = object.ok_or_else(unreadable)?;
        let kind = event.get("type").and_then(Value::as_str);
        if kind == Some("ERROR") {
            let reason = object.get("reason").and_then(Value::as_str);
            let reason = reason.unwrap_or("without a reason");
            return Err(Interruption::Outdated(format!("error: {reason}")));
        }
        let version = meta(&object, "resourceVersion").ok_or_else(unreadable)?;
        let presence = match kind {
            Some("ADDED" | "MODIFIED") => Some(Presence::Present),
            Some("DELETED") => Some(Presence::Deleted),
            Some("BOOKMARK") => None,
            _ => return Err(unreadable()),
        };
        let mut state = lock(&self.state);
        // What comes after a change of what is followed is part of the next list.
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
            return Err(Interruption::Outdated(reason));
        }
        state.position.version = Some(version);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
