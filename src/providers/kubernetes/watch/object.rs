//! An object of an API server as a list, an event or a lookup shows it.

use std::sync::Arc;

use serde_json::Value;

use super::super::trim_document;

/// One object as the server has sent it.
#[derive(Debug, Clone)]
pub(in super::super) struct Object {
    pub uid: String,
    /// Its version, which grows with each change; `None` unless it is a number.
    pub(super) version: Option<u64>,
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
}

impl Object {
    /// An object with its name; `None` where it has none.
    pub fn read(mut value: Value) -> Option<(String, Self)> {
        trim_document(&mut value);
        let name = meta(&value, "name")?;
        let object = Self {
            uid: meta(&value, "uid").unwrap_or_default(),
            version: meta(&value, "resourceVersion").and_then(|text| text.parse().ok()),
            body: value.to_string().into(),
            presence: Presence::Present,
        };
        Some((name, object))
    }

    /// True when both have a UID, and not the same.
    pub(super) fn is_other(&self, object: &Self) -> bool {
        !self.uid.is_empty() && !object.uid.is_empty() && self.uid != object.uid
    }
}

/// A text of the metadata of an object or a list, unless it is empty.
pub(in super::super) fn meta(value: &Value, key: &str) -> Option<String> {
    let text = value.get("metadata")?.get(key)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}
