//! What is known of the objects of a list, and how it changes.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::object::{Object, Presence};
use super::{JOB_LABEL, MAX_BYTES};
use crate::model::{Notice, NoticeCode};
use crate::providers::Changes;

/// What is known of the objects of a list.
#[derive(Default)]
pub(super) struct WatchState {
    /// The references that are followed, by name.
    pub followed: HashMap<String, String>,
    pub objects: HashMap<String, Object>,
    pub position: Position,
    pub is_connected: bool,
    pub mode: Mode,
    pub changes: Option<Arc<Changes>>,
    pub notice: Option<Notice>,
    pub is_noted: bool,
    /// How many objects a page of the list has at most, where that is less than usual.
    pub page_size: Option<usize>,
    pub is_of_pods: bool,
    pub followed_at: Option<Instant>,
}

/// Where a stream goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Position {
    /// The version of the objects; `None` where they have to be listed again.
    pub version: Option<String>,
    /// The parameter and the selector that list and stream have in common.
    pub selector: Option<(&'static str, String)>,
}

/// How changes become known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// No stream was started.
    #[default]
    Idle,
    Streaming,
    /// The server gives no stream: each batch lookup is a list.
    Polling,
    /// There are too many objects to list: each is looked up alone.
    Single,
}

impl WatchState {
    /// The name of the only object that is followed; of pods the names of their jobs.
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

    /// Takes in an object that the stream shows, and reports it.
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

    /// Notes once why jobs are polled.
    pub fn note(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.is_noted, true) {
            let text = format!("polling, since jobs cannot be watched: {reason}");
            self.notice = Some(Notice::new(NoticeCode::WatchUnavailable, text));
        }
    }

    /// Takes in an object as it is now, if it is followed; false when it changes nothing. One that was
    /// deleted stays so. Once another has its name, which is another job, only its own deletion is taken in:
    /// a stream that goes on where it broke shows how it ended.
    pub fn update(&mut self, name: String, object: Object) -> bool {
        if !self.followed.contains_key(&name) {
            return false;
        }
        match self.objects.get_mut(&name) {
            Some(known) if known.presence == Presence::Deleted => false,
            // A stream that goes on repeats what a list has shown.
            Some(known) if known.is_newer_than(&object) => false,
            Some(known) if known.is_other(&object) => {
                // The end of an earlier one is late.
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

    /// Leaves each object to lookups of its own.
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
