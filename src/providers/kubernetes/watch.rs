//! Objects that a stream of their namespace keeps up to date.
//!
//! A list gives the objects and their version, the stream what has changed since. While no stream is
//! connected, the objects are listed anew for each batch lookup, which sets the version that the stream
//! goes on from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::trim_document;
use crate::error::Problem;
use crate::model::{Notice, NoticeCode};
use crate::providers::lenient;
use crate::providers::lookup::summarize;
use crate::providers::{Changes, GetOptions};
use crate::reference::Reference;
use crate::sync::lock;

/// One object as the server has sent it.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub uid: String,
    pub body: Arc<str>,
    pub presence: Presence,
}

/// Whether an object is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Present,
    /// The stream has shown how it was deleted.
    Deleted,
    /// A later list does not hold it.
    Missing,
}

impl Object {
    /// An object with its name; `None` where it has none.
    pub fn read(mut value: Value) -> Option<(String, Self)> {
        trim_document(&mut value);
        let name = meta(&value, "name")?;
        let object = Self {
            uid: meta(&value, "uid").unwrap_or_default(),
            body: value.to_string().into(),
            presence: Presence::Present,
        };
        Some((name, object))
    }
}

/// A text of the metadata of an object or a list, unless it is empty.
pub(super) fn meta(value: &Value, key: &str) -> Option<String> {
    let text = value.get("metadata")?.get(key)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

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
    /// The watch of a list; beyond the most streams one that nobody else has.
    pub fn at(&self, path: &str) -> Arc<Watch> {
        let mut by_path = lock(&self.by_path);
        if let Some(watch) = by_path.get(path) {
            return Arc::clone(watch);
        }
        let watch = Arc::<Watch>::default();
        if by_path.len() < MAX_STREAMS {
            by_path.insert(path.to_owned(), Arc::clone(&watch));
        } else {
            lock(&watch.state).mode = Mode::Polling;
        }
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
        let state = &mut *state;
        let followed = &state.followed;
        let mut objects = listed.objects;
        objects.retain(|name, _| followed.contains_key(name));
        for (name, object) in state.objects.drain() {
            let is_deleted = object.presence == Presence::Deleted;
            if is_deleted || !objects.contains_key(&name) {
                let presence = match is_deleted {
                    true => Presence::Deleted,
                    false => Presence::Missing,
                };
                objects.insert(name, Object { presence, ..object });
            }
        }
        state.objects = objects;
        state.position.version = listed.version;
        if listed.is_too_large || state.is_too_large() {
            state.give_up();
        }
        self.listed.notify_one();
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

    /// The stream has ended.
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

    /// Takes in an object as it is now, if it is followed. One that was deleted stays so: another of its
    /// name is another job.
    fn change(&mut self, name: String, object: Object) {
        let Some(reference) = self.followed.get(&name) else {
            return;
        };
        let known = self.objects.get(&name);
        if known.is_none_or(|known| known.presence != Presence::Deleted) {
            if let Some(changes) = &self.changes {
                changes.report([reference]);
            }
            self.objects.insert(name, object);
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
