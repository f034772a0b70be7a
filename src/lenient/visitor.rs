//! Reads a list or an object, and accepts values of other types.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, CowStrDeserializer, MapAccessDeserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, IgnoredAny, IntoDeserializer as _, MapAccess, SeqAccess,
    Visitor,
};

use super::{MISMATCHES, is_absent, mismatch};
use crate::json;

/// A type that is read from a list or an object.
pub(super) trait Shape<'de>: Sized {
    /// The expected type, for messages.
    const EXPECTED: &'static str;

    /// Returns the value for null, an empty text, an empty list and an empty object.
    fn empty() -> Self;

    /// Reads a list; `None` if another type is expected, in which case nothing was read.
    fn from_seq<A: SeqAccess<'de>>(_: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(None)
    }

    /// Reads an object that is not empty; `None` as in [`Self::from_seq`], or if a mismatch within it was already
    /// counted.
    fn from_map<A: MapAccess<'de>>(_: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        Ok(None)
    }
}

struct ShapeVisitor<S>(PhantomData<S>);

/// Counts a value of another type once and reads it to its end.
impl<'de, S: Shape<'de>> Visitor<'de> for ShapeVisitor<S> {
    type Value = Option<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::EXPECTED)
    }

    fn visit_unit<E>(self) -> Result<Option<S>, E> {
        Ok(Some(S::empty()))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Option<S>, E> {
        mismatch(&self).map(|()| None)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Option<S>, E> {
        mismatch(&self).map(|()| None)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Option<S>, E> {
        mismatch(&self).map(|()| None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<S>, E> {
        match is_absent(text) {
            true => Ok(Some(S::empty())),
            false => mismatch(&self).map(|()| None),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<S>, A::Error> {
        if let Some(read) = S::from_seq(&mut seq)? {
            return Ok(Some(read));
        }
        if seq.next_element::<IgnoredAny>()?.is_none() {
            return Ok(Some(S::empty()));
        }
        mismatch(&self)?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<S>, A::Error> {
        let Some(Key(first)) = map.next_key()? else {
            return Ok(Some(S::empty()));
        };
        let is_object = ![json::EXACT_NUMBER, json::UNREADABLE].contains(&&*first);
        let first = Some(first);
        let mut map = Peeked { first, map };
        let before = MISMATCHES.get();
        if is_object && let Some(read) = S::from_map(&mut map)? {
            return Ok(Some(read));
        }
        if MISMATCHES.get() == before {
            mismatch(&self)?;
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// A key that is copied only if it contains escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A map whose first key has already been read.
pub(super) struct Peeked<'de, A> {
    first: Option<Cow<'de, str>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Peeked<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(Cow::Borrowed(key)) => {
                let key = BorrowedStrDeserializer::new(key);
                seed.deserialize(key).map(Some)
            }
            Some(key) => {
                let key: CowStrDeserializer<'_, A::Error> = key.into_deserializer();
                seed.deserialize(key).map(Some)
            }
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

pub(super) fn read<'de, S, D>(deserializer: D) -> Result<Option<S>, D::Error>
where
    S: Shape<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ShapeVisitor(PhantomData))
}

struct WithoutFields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for WithoutFields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let mut map = Peeked { first: None, map };
        T::deserialize(MapAccessDeserializer::new(&mut map))
    }
}

/// Returns a value without any fields. It is read from a document instead of an empty iterator, so that it uses the
/// same code that reads a `T` from a response: a second copy for each type would take half a megabyte.
pub(super) fn without_fields<'de, T: Deserialize<'de>>() -> Result<T, json::Error> {
    json::Deserializer::new("{}").deserialize_map(WithoutFields(PhantomData))
}
