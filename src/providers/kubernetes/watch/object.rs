//! An object of an API server as a list, an event or a lookup shows it.

use std::sync::Arc;

use serde_json::Value;

use super::super::document::trim_document;
use crate::crypto::percent_encode;

/// One object as the server has sent it.
#[derive(Debug, Clone)]
pub(in super::super) struct Object {
    pub uid: String,
    /// Its version, which grows with each change; `None` unless it is a number.
    pub(super) version: Option<u64>,
    /// The lower version that the latest list has shown, which was not taken in.
    pub(super) lower_version: Option<u64>,
    pub body: Arc<str>,
    pub presence: Presence,
}

/// Whether an object is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Presence {
    Present,
    /// The stream has shown how it was deleted.
    Deleted,
    /// A later list does not contain it.
    Missing,
    /// Another object has its name, and no stream has shown how it was deleted.
    Replaced,
}

impl Object {
    /// An object of the list at a path with its name; `None` where it has none, or is of another list.
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

    /// True when both have a UID, and not the same.
    pub(super) fn is_other(&self, object: &Self) -> bool {
        !self.uid.is_empty() && !object.uid.is_empty() && self.uid != object.uid
    }

    /// True for an earlier version of the same object. Versions that are not numbers have no order.
    pub(super) fn is_newer_than(&self, object: &Self) -> bool {
        let versions = self.version.zip(object.version);
        self.uid == object.uid && versions.is_some_and(|(own, other)| own > other)
    }

    /// Notes the version that a list shows; true where two lists in a row show a lower one, as those of a
    /// store do that was restored from a backup.
    pub(super) fn record_lower_version(&mut self, object: &Self) -> bool {
        let lower = object.version.filter(|_| self.is_newer_than(object));
        let before = std::mem::replace(&mut self.lower_version, lower);
        before.zip(lower).is_some_and(|(before, now)| before <= now)
    }
}

/// True for an object of the list at a path, by its kind and its namespace where it has them: the objects of
/// a list have no kind.
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

/// A text of the metadata of an object or a list, unless it is empty.
pub(in super::super) fn meta(value: &Value, key: &str) -> Option<String> {
    let text = value.get("metadata")?.get(key)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
