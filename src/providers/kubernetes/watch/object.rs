//! An object as a list, a stream or a lookup returned it.

use std::sync::Arc;

use serde_json::Value;

use super::super::document::trim_document;
use crate::crypto::percent_encode;

/// An object as the server sent it, and whether it still exists.
#[derive(Debug, Clone)]
pub(in super::super) struct Object {
    pub uid: String,
    /// Its `resourceVersion`, which increases with each change; `None` if it is not a number.
    pub(super) version: Option<u64>,
    /// The lower version in the latest list, which was ignored.
    pub(super) lower_version: Option<u64>,
    pub body: Arc<str>,
    pub presence: Presence,
}

/// Whether an object still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Presence {
    Present,
    /// The stream reported its deletion, with its last state.
    Deleted,
    /// A later list does not contain it.
    Missing,
    /// Another object has its name, and the stream has not reported its deletion.
    Replaced,
}

impl Object {
    /// Reads an object of the list at a path, with its name; `None` if it has no name or belongs to another
    /// list.
    pub fn read(mut value: Value, path: &str) -> Option<(String, Self)> {
        if !belongs_to(&value, path) {
            return None;
        }
        trim_document(&mut value);
        let name = meta(&value, "name")?;
        let object = Self {
            uid: meta(&value, "uid").unwrap_or_default(),
            version: meta(&value, "resourceVersion").and_then(|text| text.parse().ok()),
            lower_version: None,
            body: value.to_string().into(),
            presence: Presence::Present,
        };
        Some((name, object))
    }

    /// Returns `true` if both objects have a UID and the UIDs differ.
    pub(super) fn is_other(&self, object: &Self) -> bool {
        !self.uid.is_empty() && !object.uid.is_empty() && self.uid != object.uid
    }

    /// Returns `true` if `object` is an earlier version of the same object. Versions that are not numbers have
    /// no order.
    pub(super) fn is_newer_than(&self, object: &Self) -> bool {
        let versions = self.version.zip(object.version);
        self.uid == object.uid && versions.is_some_and(|(own, other)| own > other)
    }

    /// Stores the version in a list if it is lower than the known one. Returns `true` if two lists in a row
    /// contain a lower version, as after a restore of the store from a backup.
    pub(super) fn record_lower_version(&mut self, object: &Self) -> bool {
        let lower = object.version.filter(|_| self.is_newer_than(object));
        let before = std::mem::replace(&mut self.lower_version, lower);
        before.zip(lower).is_some_and(|(before, now)| before <= now)
    }
}

/// Returns `true` if an object belongs to the list at a path, by its kind and namespace where they are present:
/// the items of a list have no `kind`.
fn belongs_to(object: &Value, path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (plural, namespace) = (parts.next(), parts.next());
    let matches = |field: Option<&Value>, is_right: &dyn Fn(&str) -> bool| match field {
        None | Some(Value::Null) => true,
        Some(field) => field
            .as_str()
            .is_some_and(|text| text.is_empty() || is_right(text)),
    };
    let own_namespace = object
        .get("metadata")
        .and_then(|meta| meta.get("namespace"));
    matches(object.get("kind"), &|kind| {
        plural == Some(&format!("{}s", kind.to_ascii_lowercase()))
    }) && matches(own_namespace, &|own| {
        namespace == Some(&percent_encode(own))
    })
}

/// Returns a text field of the metadata of an object or a list, unless it is empty.
pub(in super::super) fn meta(value: &Value, key: &str) -> Option<String> {
    let text = value.get("metadata")?.get(key)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
