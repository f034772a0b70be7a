//! Objects that a stream of their namespace keeps up to date.
//!
//! A list gives the objects and their version, the stream what has changed since. While no stream is
//! connected, the objects are listed anew for each batch lookup, which sets the version that the stream
//! goes on from.

mod object;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::error::Problem;
use crate::model::{Notice, NoticeCode};
use crate::providers::lenient;
use crate::providers::lookup::summarize;
use crate::providers::{Changes, GetOptions};
use crate::reference::Reference;
use crate::sync::lock;

pub(super) use object::{Object, Presence, meta};

/// The objects of a namespace.
#[derive(Default)]
pub(super) struct Listed {
    pub objects: HashMap<String, Object>,
    /// The version that they are of; `None` where not all could be read.
    pub version: Option<String>,
    /// There are more than are read.
    pub is_too_large: bool,
}

/// So many streams are open at most.
const MAX_STREAMS: usize = 32;
/// The objects of one list take so many bytes at most.
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
            lock(&watch.state).mode = Mode::Polling;
        }
        by_path.insert(path.to_owned(), Arc::clone(&watch));
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
    state: Mutex<State>,
    /// A list has set the version.
    listed: Notify,
    /// The stream no longer serves, since more objects are followed than it shows.
    outdated: Notify,
}

#[derive(Default)]
struct State {
    /// The references that are followed, by name.
    followed: HashMap<String, String>,
    objects: HashMap<String, Object>,
    position: Position,
    is_connected: bool,
    mode: Mode,
    changes: Option<Arc<Changes>>,
    notice: Option<Notice>,
}

/// Where a stream goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The version of the objects; `None` where they have to be listed anew.
    pub version: Option<String>,
    /// The field selector that list and stream have in common.
    pub selector: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// No stream was started.
    #[default]
    Idle,
    Streaming,
    /// There is no stream: each batch lookup is a list.
    Polling,
    /// There are too many objects to list: each is looked up alone.
    Single,
}

/// Why a stream does not go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// The connection broke; the version still holds.
    Broken(String),
    /// The version is too old, or what has come cannot be read: the objects have to be listed anew.
    Outdated(String),
}

impl Watch {
    /// Follows these as well; true when all that is known of them is up to date.
    pub fn follow(&self, references: &[&Reference], options: &GetOptions) -> bool {
        let mut state = lock(&self.state);
        state.changes.clone_from(&options.changes);
        let known = state.followed.len();
        for reference in references {
            if !state.followed.contains_key(reference.id()) {
                let name = reference.id().to_owned();
                state.followed.insert(name, reference.to_string());
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

    /// The field selector of a list of what is followed.
    pub fn selector(&self) -> Option<String> {
        lock(&self.state).position.selector.clone()
    }

    /// What is known of the object with this name.
    pub fn object(&self, name: &str) -> Option<Object> {
        lock(&self.state).objects.get(name).cloned()
    }

    pub fn take_notice(&self) -> Option<Notice> {
        lock(&self.state).notice.take()
    }

    /// Takes in a list. Followed objects that it no longer holds are kept as they were last seen.
    pub fn replace(&self, listed: Listed) {
        let mut state = lock(&self.state);
        for (name, known) in &mut state.objects {
            if known.presence == Presence::Present && !listed.objects.contains_key(name) {
                known.presence = Presence::Missing;
            }
        }
        for (name, object) in listed.objects {
            state.take(name, object);
        }
        // A stream that broke goes on where it broke: how an object ended that was deleted since is there.
        if state.mode != Mode::Streaming || state.position.version.is_none() {
            state.position.version = listed.version;
        }
        if listed.is_too_large || state.is_too_large() {
            state.give_up();
        }
        self.listed.notify_one();
    }

    /// Takes in an object that a lookup has shown.
    pub fn take_lookup(&self, (name, object): (String, Object)) {
        let mut state = lock(&self.state);
        let known = state.objects.get(&name);
        // A stream that is behind the lookup goes on from the object that it knows.
        if known.is_none_or(|known| known.presence == Presence::Missing || known.is_other(&object))
        {
            state.take(name, object);
        }
    }

    /// True when a stream is to be started, which is then taken as started.
    pub fn starts(&self) -> bool {
        let mut state = lock(&self.state);
        let starts =
            state.mode == Mode::Idle && state.changes.is_some() && state.position.version.is_some();
        if starts {
            state.mode = Mode::Streaming;
        }
        starts
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

    /// True until there can be no stream.
    pub fn is_streaming(&self) -> bool {
        lock(&self.state).mode == Mode::Streaming
    }

    /// A stream was opened that goes on from here; false when it no longer serves.
    pub fn connect(&self, position: &Position) -> bool {
        let mut state = lock(&self.state);
        state.is_connected = state.position == *position;
        state.is_connected
    }

    /// The stream has ended as it should. Until the next one is open, it hides changes.
    pub fn pause(&self) {
        lock(&self.state).is_connected = false;
    }

    /// The stream was interrupted.
    pub fn disconnect(&self, why: &Interruption) {
        let mut state = lock(&self.state);
        state.is_connected = false;
        if let Interruption::Outdated(_) = why {
            state.position.version = None;
            state.report_all();
        }
    }

    /// The server allows no stream.
    pub fn reject(&self, problem: &Problem) {
        let mut state = lock(&self.state);
        (state.is_connected, state.mode) = (false, Mode::Polling);
        let text = format!(
            "polling, since jobs cannot be watched: {}",
            summarize(problem)
        );
        state.notice = Some(Notice::new(NoticeCode::WatchUnavailable, text));
        state.report_all();
    }

    /// Takes in a line of the stream.
    ///
    /// # Errors
    /// Why the stream does not go on.
    pub fn apply(&self, line: &[u8]) -> Result<(), Interruption> {
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
        if let Some(presence) = presence {
            let (name, object) = Object::read(object).ok_or_else(unreadable)?;
            state.change(name, Object { presence, ..object });
        }
        if state.is_too_large() {
            state.give_up();
            let why = format!("the objects exceed {MAX_BYTES} bytes");
            return Err(Interruption::Outdated(why));
        }
        state.position.version = Some(version);
        Ok(())
    }
}

impl State {
    /// The name of the only object that is followed.
    fn wanted_selector(&self) -> Option<String> {
        let mut names = self.followed.keys();
        let only = names.next().filter(|_| names.next().is_none())?;
        let is_plain = !only.contains([',', '=', '!', '\\']);
        is_plain.then(|| format!("metadata.name={only}"))
    }

    /// Takes in an object that the stream shows, and reports it.
    fn change(&mut self, name: String, object: Object) {
        if self.take(name.clone(), object)
            && let Some(changes) = &self.changes
        {
            changes.report(self.followed.get(&name));
        }
    }

    /// Takes in an object as it is now, if it is followed; false when it changes nothing. One that was
    /// deleted stays so, and is deleted once another has its name: that is another job.
    fn take(&mut self, name: String, object: Object) -> bool {
        if !self.followed.contains_key(&name) {
            return false;
        }
        match self.objects.get_mut(&name) {
            Some(known) if known.presence == Presence::Deleted => false,
            // A stream that goes on repeats what a list has shown.
            Some(known) if known.uid == object.uid && known.version > object.version => false,
            Some(known) if known.is_other(&object) => {
                // The end of an earlier one is late.
                let is_replaced = object.presence == Presence::Present;
                if is_replaced {
                    known.presence = Presence::Deleted;
                }
                is_replaced
            }
            _ => {
                self.objects.insert(name, object);
                true
            }
        }
    }

    fn is_too_large(&self) -> bool {
        let lengths = self.objects.values().map(|object| object.body.len());
        lengths.sum::<usize>() > MAX_BYTES
    }

    /// Leaves each object to lookups of its own.
    fn give_up(&mut self) {
        self.objects.clear();
        self.mode = Mode::Single;
        self.position.version = None;
    }

    fn report_all(&self) {
        if let Some(changes) = &self.changes {
            changes.report(self.followed.values());
        }
    }
}

#[cfg(test)]
mod tests;
