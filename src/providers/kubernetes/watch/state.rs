//! The state of a watch: the known objects of a list and the position of the stream.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::object::{Object, Presence};
use super::{JOB_LABEL, MAX_BYTES};
use crate::model::{Notice, NoticeCode};
use crate::providers::Changes;

/// The state of a watch.
#[derive(Default)]
pub(super) struct WatchState {
    /// References of the followed objects, by name.
    pub followed: HashMap<String, String>,
    pub objects: HashMap<String, Object>,
    pub position: Position,
    pub is_connected: bool,
    pub mode: Mode,
    pub changes: Option<Arc<Changes>>,
    pub notice: Option<Notice>,
    pub is_noted: bool,
    /// The maximum number of objects of a page of the list, if lower than the default.
    pub page_size: Option<usize>,
    pub is_of_pods: bool,
    pub followed_at: Option<Instant>,
}

/// Where a stream continues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Position {
    /// The `resourceVersion` to continue from; `None` if the objects have to be listed again.
    pub version: Option<String>,
    /// The selector of both list and stream, with the name of its parameter.
    pub selector: Option<(&'static str, String)>,
}

/// How changes are detected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// No stream has been started.
    #[default]
    Idle,
    Streaming,
    /// The server rejects the stream: each batch lookup lists the objects.
    Polling,
    /// There are too many objects to list: each is looked up individually.
    Single,
}

impl WatchState {
    /// Returns a selector for the name of the followed object, if there is only one, or for pods the labels
    /// with the names of their jobs.
    pub fn wanted_selector(&self) -> Option<(&'static str, String)> {
        let mut names = self.followed.keys();
        if self.is_of_pods {
            let mut names: Vec<&str> = names.map(String::as_str).collect();
            names.sort_unstable();
            let selector = format!("{JOB_LABEL} in ({})", names.join(","));
            return Some(("labelSelector", selector));
        }
        let only = names.next().filter(|_| names.next().is_none())?;
        let is_plain = !only.contains([',', '=', '!', '\\']);
        is_plain.then(|| ("fieldSelector", format!("metadata.name={only}")))
    }

    /// Applies an object from the stream, and reports the change.
    pub fn update_and_report(&mut self, name: String, object: Object) {
        if self.update(name.clone(), object) {
            self.report(Some(&name));
        }
    }

    /// Reports a change of the job with this name, if it is followed.
    pub fn report(&self, name: Option<&str>) {
        if let Some(changes) = &self.changes {
            changes.report(name.and_then(|name| self.followed.get(name)));
        }
    }

    /// Adds a notice about why jobs are polled, once.
    pub fn note(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.is_noted, true) {
            let text = format!("polling because jobs cannot be watched: {reason}");
            self.notice = Some(Notice::new(NoticeCode::WatchUnavailable, text));
        }
    }

    /// Applies the current version of an object, if it is followed. Returns false if that changes nothing. An
    /// object that was deleted remains deleted. Once another object (a different job) has its name, only its
    /// own deletion is applied: a stream that continues after an interruption reports how it ended.
    pub fn update(&mut self, name: String, object: Object) -> bool {
        if !self.followed.contains_key(&name) {
            return false;
        }
        match self.objects.get_mut(&name) {
            Some(known) if known.presence == Presence::Deleted => false,
            // A stream that continues repeats changes that a list already contained.
            Some(known) if known.is_newer_than(&object) => false,
            Some(known) if known.is_other(&object) => {
                // A late deletion of an earlier object does not replace the known one.
                let is_new = known.presence != Presence::Replaced;
                let is_replaced = is_new && object.presence == Presence::Present;
                if is_replaced {
                    known.presence = Presence::Replaced;
                }
                is_replaced
            }
            Some(known)
                if known.presence == Presence::Replaced && object.presence != Presence::Deleted =>
            {
                false
            }
            _ => {
                self.objects.insert(name, object);
                true
            }
        }
    }

    pub fn is_too_large(&self) -> bool {
        let lengths = self.objects.values().map(|object| object.body.len());
        lengths.sum::<usize>() > MAX_BYTES
    }

    /// Drops all objects, so that each is looked up individually.
    pub fn leave_to_lookups(&mut self) {
        self.objects.clear();
        self.mode = Mode::Single;
        self.position.version = None;
    }

    pub fn report_all(&self) {
        if let Some(changes) = &self.changes {
            changes.report(self.followed.values());
        }
    }
}
