//! Reads JSON as clouds write it: missing values in four forms, numbers as text, lists as null.
//!
//! A value of another type than expected is also read as absent, so that only its own field is lost;
//! [`decode_response`] reports such fields. Values that must not be silently missing use a type that distinguishes
//! the two cases: [`Checked`] or [`Required`].

mod duplicates;
mod error_path;
pub mod repair;
mod scalar;
mod schema;
mod shape;
mod timestamp;
mod unreadable;
mod visitor;

use std::borrow::Cow;
use std::cell::Cell;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::json;

pub use duplicates::Document;
pub use scalar::{Flag, Int, Num, Text};
pub use shape::{
    AccumulatedList, DefaultObject, List, ListOrObject, Map, OptionalObject, Required, Words,
    WrappedList,
};
pub use timestamp::Timestamp;
pub use unreadable::{UnreadableFields, collect_unreadable};

thread_local! {
    /// Number of elements read so far in the response that is decoded on this thread.
    static ELEMENTS: Cell<u32> = const { Cell::new(0) };
    /// Number of values of another type than expected read so far in that response.
    static MISMATCHES: Cell<u32> = const { Cell::new(0) };
    /// Number of the mismatch to report as an error, from 1.
    static FAIL_AT: Cell<u32> = const { Cell::new(NEVER) };
}

const NOT_UTF_8: &str = "JSON in UTF-8";

const NEVER: u32 = u32::MAX;

/// Maximum number of unreadable fields of a response that are named.
const MAX_NAMED: u32 = 8;

/// Decodes a JSON document in which every value must have the expected type. Skips a byte order mark.
///
/// # Errors
/// What was expected and where (path, line, column), without any text of the document.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = std::str::from_utf8(without_byte_order_mark(body));
    let body = body.map_err(|_| NOT_UTF_8.to_owned())?;
    attempt(body, 1).map_err(|error| error_path::explain(&error, body.as_bytes()))
}

/// Decodes a JSON response. Values of another type than expected are read as absent, and invalid characters as
/// U+FFFD; [`collect_unreadable`] reports both.
///
/// # Errors
/// As [`decode`], if the response is not a JSON object or has too many elements.
pub fn decode_response<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let original = without_byte_order_mark(body);
    let text = std::str::from_utf8(original);
    let mut body = Cow::Borrowed(text.unwrap_or_default());
    let mut decoded = attempt(&body, NEVER);
    let explained = match decoded.as_ref().err() {
        Some(error) if text.is_ok() => error_path::explain(error, original),
        _ => NOT_UTF_8.to_owned(),
    };
    let is_syntax = text.is_err() || decoded.as_ref().is_err_and(json::Error::is_syntax);
    if (is_syntax || is_duplicate(&decoded))
        && let Some(repaired) = repair::repair(original)
    {
        decoded = attempt(&repaired.body, NEVER);
        if decoded.is_ok() || is_duplicate(&decoded) {
            note_broken(&repaired);
        }
        body = Cow::Owned(repaired.body);
    }
    if is_duplicate(&decoded)
        && has_bounded_values(body.as_bytes())
        && let Some(merged) = duplicates::merge(&body)
    {
        let (text, found) = without_clashes(merged.to_string());
        (body, decoded) = (Cow::Owned(text), found);
    }
    let data = decoded.map_err(|_| explained)?;
    note_mismatches::<T>(&body);
    Ok(data)
}

/// Returns the document that [`decode_response`] reads, and whether invalid characters and numbers in it were
/// repaired; then [`repair::with_faults`] restores them in its text. A key with different values gets a value that
/// no field can read. `None` if the document cannot be repaired.
pub fn document(body: &[u8]) -> Option<(Value, bool)> {
    let body = without_byte_order_mark(body);
    let text = std::str::from_utf8(body).ok();
    let strict = text.and_then(duplicates::merge);
    let strict = strict.map(|document| (document, false));
    strict.or_else(|| {
        let repaired = repair::repair(body)?.with_marks();
        Some((duplicates::merge(&repaired)?, true))
    })
}

/// Decodes a document without duplicate keys. If a field occurs in two spellings, the first one that is not absent
/// is read.
fn without_clashes<T: DeserializeOwned>(mut body: String) -> (String, Result<T, json::Error>) {
    /// Maximum number of bytes decoded in all passes.
    const MAX_BYTES: usize = 256 << 20;
    let mut left = MAX_BYTES;
    loop {
        let decoded = attempt(&body, NEVER);
        let clash = decoded.as_ref().err().filter(|_| is_duplicate(&decoded));
        let end = clash.map(json::Error::offset);
        let changed = end.and_then(|end| duplicates::hide_spelling(&body, end));
        match (changed, left.checked_sub(body.len())) {
            (Some(changed), Some(rest)) => (body, left) = (changed, rest),
            _ => return (body, decoded),
        }
    }
}

/// Returns `true` if the error is a duplicate field of an object.
fn is_duplicate<T>(decoded: &Result<T, json::Error>) -> bool {
    let error = decoded.as_ref().err();
    error.is_some_and(|error| error.is_data() && error.to_string().starts_with("duplicate field"))
}

/// Records the texts and keys with invalid characters. An invalid number is recorded by the type that it was
/// expected for.
fn note_broken(repaired: &repair::RepairedDocument) {
    let repair::RepairedDocument {
        body,
        invalid_values,
    } = repaired;
    let texts = invalid_values
        .iter()
        .filter(|(_, reason)| *reason != repair::NOT_A_NUMBER);
    let named = texts.clone().take(MAX_NAMED as usize).map(|(end, reason)| {
        // A key is recorded with its own path, which is known only where its value begins.
        let rest = &body.as_bytes()[*end..];
        let colon = rest.len() - rest.trim_ascii_start().len();
        let end = match rest.get(colon) {
            Some(b':') => end + colon + 1,
            _ => *end,
        };
        let path = error_path::path(&body.as_bytes()[..end]);
        format!("{path} ({reason})")
    });
    unreadable::record_fields(named.collect(), texts.count());
}

/// Records the values that the decoding of `body` as `T` has just dropped. Only the error of another decoding
/// contains the position of a value.
fn note_mismatches<T: DeserializeOwned>(body: &str) {
    let count = MISMATCHES.get();
    let named = (1..=count.min(MAX_NAMED)).filter_map(|number| {
        let error = attempt::<T>(body, number).err()?;
        Some(error_path::explain_path(&error, body.as_bytes()))
    });
    unreadable::record_fields(named.collect(), count as usize);
}

/// Decodes a document; the mismatch with the number `fail_at` is an error.
fn attempt<T: DeserializeOwned>(body: &str, fail_at: u32) -> Result<T, json::Error> {
    ELEMENTS.set(0);
    MISMATCHES.set(0);
    FAIL_AT.set(fail_at);
    let mut deserializer = json::Deserializer::new(body);
    let data = T::deserialize(MapOnly(&mut deserializer))?;
    deserializer.end().map(|()| data)
}

/// Counts a value of another type than expected.
///
/// # Errors
/// The mismatch with the requested number.
fn mismatch<E: de::Error>(expected: &dyn de::Expected) -> Result<(), E> {
    let number = MISMATCHES.get() + 1;
    MISMATCHES.set(number);
    match number == FAIL_AT.get() {
        true => Err(E::invalid_type(
            de::Unexpected::Other("another value"),
            expected,
        )),
        false => Ok(()),
    }
}

/// A value with the information whether it, or any part of it, could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked<T> {
    /// The value; absent if it could not be read.
    pub value: T,
    /// `true` if it has another type than expected.
    pub is_unreadable: bool,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let before = MISMATCHES.get();
        let value = T::deserialize(deserializer)?;
        let is_unreadable = MISMATCHES.get() > before;
        Ok(Self {
            value,
            is_unreadable,
        })
    }
}

impl<T: Serialize> Serialize for Checked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl Checked<Text> {
    /// Returns the text, or `other` if it is absent; `None` if it could not be read, since the two texts are
    /// compared with different words.
    pub fn or(&self, other: &Text) -> Option<String> {
        let text = self.value.0.as_ref().or(other.0.as_ref());
        text.filter(|_| !self.is_unreadable).cloned()
    }
}

/// Deserializes structs only from objects: serde would also accept a list, with fields in the order of their
/// declaration.
struct MapOnly<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for MapOnly<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn is_absent(text: &str) -> bool {
    // Fast path: most texts begin with a letter or a digit.
    let first = text.as_bytes().first();
    !first.is_some_and(u8::is_ascii_alphanumeric) && matches!(text.trim(), "" | "--")
}

fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Returns `true` if the number of values is limited, so that a tree of them does not take far more memory than the
/// document.
fn has_bounded_values(body: &[u8]) -> bool {
    const MAX_VALUES: usize = 2_000_000;
    memchr::memchr_iter(b',', body).count() <= MAX_VALUES
}

/// Parses a response as JSON to decide by its values: a key with different values and an invalid number get a value
/// that no type is read from, as in [`decode_response`]. Otherwise like [`parse_shown`].
pub fn parse(body: &[u8]) -> Option<Value> {
    let body = without_byte_order_mark(body);
    if !has_bounded_values(body) {
        return None;
    }
    let strict = std::str::from_utf8(body).ok().and_then(duplicates::merge);
    strict.or_else(|| duplicates::merge(&repair::repair(body)?.body))
}

/// Parses a response as JSON to show it, with the last value of a duplicate key, null for an invalid number and for
/// what [`parse`] could not read, and U+FFFD for invalid characters. `None` if it is not valid JSON, is nested too
/// deeply, or has so many values that it would take far more memory than bytes.
pub fn parse_shown(body: &[u8]) -> Option<Value> {
    let body = without_byte_order_mark(body);
    if !has_bounded_values(body) {
        return None;
    }
    // An object from a list or a stream was already read by `parse`.
    let is_readable = memchr::memmem::find(body, repair::UNREADABLE_VALUE.as_bytes()).is_none();
    if is_readable && let Ok(document) = serde_json::from_slice(body) {
        return Some(document);
    }
    let text = match std::str::from_utf8(body) {
        Ok(text) if !is_readable => Cow::Borrowed(text),
        _ => Cow::Owned(repair::repair(body)?.body),
    };
    serde_json::from_str(&text.replace(repair::UNREADABLE_VALUE, "null")).ok()
}

#[cfg(test)]
mod tests;
