//! Reading of JSON as clouds write it: absence in four spellings, numbers as text, lists as null.

mod error_path;
mod map;
mod scalar;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess,
    SeqAccess, Visitor,
};

pub use map::Map;
pub use scalar::{Flag, Int, Num, Text, Verbatim};

/// More list elements than this in one answer are refused: each costs far more memory than bytes.
const MAX_ELEMENTS: u32 = 200_000;

thread_local! {
    /// Elements read so far in the response that is being decoded on this thread.
    static ELEMENTS: Cell<u32> = const { Cell::new(0) };
}

/// Decodes a JSON answer; a byte order mark is skipped.
///
/// # Errors
/// What was expected and where (path, line, column), without any text of the response.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    ELEMENTS.set(0);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    T::deserialize(MapOnly(&mut deserializer))
        .and_then(|read| deserializer.end().map(|()| read))
        .map_err(|error| error_path::explain(&error, body))
}

/// Gives structs to read from objects only: serde would take a list as well, as a row of fields in
/// the order in which we happen to declare them.
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

/// The seed of a list's element.
struct ElementSeed<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for ElementSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(MapOnly(deserializer))
    }
}

const TOO_MANY: &str = "at most 200000 list elements in one response";

/// A list; null, an empty text and an empty object are an empty list. Null elements are kept by
/// `T`'s own reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

/// A part that may be null, an empty text, an empty list (PHP's empty object) or missing. Boxed, since
/// most parts are rare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalObject<T>(pub Option<Box<T>>);

/// For a key that may be missing: null is still read as `T` reads it, such as an empty list.
///
/// # Errors
/// What `T` expected.
pub fn deserialize_some<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Default for OptionalObject<T> {
    fn default() -> Self {
        Self(None)
    }
}

fn is_absent(text: &str) -> bool {
    matches!(text.trim(), "" | "--")
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<List<T>, E> {
        if is_absent(text) {
            Ok(List::default())
        } else {
            Err(E::invalid_type(de::Unexpected::Other("text"), &self))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<T>, A::Error> {
        match map.next_key::<de::IgnoredAny>()? {
            None => Ok(List::default()),
            Some(_) => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element_seed(ElementSeed(PhantomData))? {
            let elements = ELEMENTS.get() + 1;
            ELEMENTS.set(elements);
            if elements > MAX_ELEMENTS {
                return Err(de::Error::custom(format_args!("expected {TOO_MANY}")));
            }
            list.push(element);
        }
        Ok(List(list))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct OptionalObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OptionalObjectVisitor<T> {
    type Value = OptionalObject<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<OptionalObject<T>, E> {
        Ok(OptionalObject::default())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OptionalObject<T>, E> {
        if is_absent(text) {
            Ok(OptionalObject::default())
        } else {
            Err(E::invalid_type(de::Unexpected::Other("text"), &self))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OptionalObject<T>, A::Error> {
        match seq.next_element::<de::IgnoredAny>()? {
            None => Ok(OptionalObject::default()),
            Some(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OptionalObject<T>, A::Error> {
        let first = map.next_key::<String>()?;
        if first.as_deref() == Some(NUMBER_KEY) {
            return Err(de::Error::invalid_type(
                de::Unexpected::Other("a number"),
                &self,
            ));
        }
        T::deserialize(de::value::MapAccessDeserializer::new(Peeked { first, map }))
            .map(|part| OptionalObject(Some(Box::new(part))))
    }
}

/// The key under which serde_json hands a number over with `arbitrary_precision`, as a map of one.
const NUMBER_KEY: &str = "$serde_json::private::Number";

/// A map whose first key was read already.
struct Peeked<A> {
    first: Option<String>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Peeked<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OptionalObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OptionalObjectVisitor(PhantomData))
    }
}

/// The raw response as a JSON value; `None` when it is not valid JSON, nested too deep, or has so
/// many values that it would take far more memory than bytes.
pub fn parse_raw(body: &[u8]) -> Option<serde_json::Value> {
    const MAX_VALUES: usize = 2_000_000;
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if memchr::memchr_iter(b',', body).count() > MAX_VALUES {
        return None;
    }
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests;
