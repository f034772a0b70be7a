//! Reads fields that can contradict a success, so that a gate does not pass if they cannot be read.

use serde::{Deserialize, Deserializer};

use crate::providers::lenient::{Checked, Int, OptionalObject, Required, Text};

/// Returns `true` if a text cannot be read or contains characters that could not be read.
pub(super) fn is_unreadable(text: &Checked<Text>) -> bool {
    let is_damaged = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
    text.is_unreadable || text.value.trimmed().is_some_and(is_damaged)
}

/// Returns `true` if a count cannot be read or is negative.
pub(super) fn is_invalid(count: &Checked<Int>) -> bool {
    count.is_unreadable || count.value.0.is_some_and(|count| count < 0)
}

/// An object that is read as one without fields if it is absent or has another type.
#[derive(Debug, Default)]
pub(super) struct CheckedObject<T> {
    pub value: T,
    /// True if it has another type. A field of it that cannot be read does not count.
    pub is_unreadable: bool,
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for CheckedObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (value, is_readable) = object(Required::deserialize(deserializer)?);
        Ok(Self {
            value,
            is_unreadable: !is_readable,
        })
    }
}

/// Returns the object of a field (the default if absent), and false if it cannot be read.
pub(super) fn object<T: Default>(field: Required<OptionalObject<T>>) -> (T, bool) {
    match field {
        Required::Present(OptionalObject(Some(object))) => (*object, true),
        Required::Unreadable => (T::default(), false),
        _ => (T::default(), true),
    }
}
