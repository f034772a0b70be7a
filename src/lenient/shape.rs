//! Reads lists and objects as clouds write them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::{Deserialize, Serialize};

use super::ELEMENTS;
use super::scalar::ExactText;
use super::visitor::{Peeked, Shape, read, without_fields};

/// Maximum number of list elements in one response, since each takes far more memory than bytes.
const MAX_ELEMENTS: u32 = 200_000;

pub(super) const TOO_MANY: &str = "at most 200000 list elements in one response";

/// A list of objects; null, an empty text and an empty object are an empty list. An element of another type becomes
/// an object without fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const IS_WRAPPED: bool = false>(pub Vec<T>);

/// A list that can be wrapped in an object, as in `{"Item": […]}`.
pub type WrappedList<T> = List<T, true>;

/// A list whose elements are added to a `C` while they are decoded, so that they are not in memory twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccumulatedList<T, C> {
    /// The collection to which the elements were added.
    pub all: C,
    element: PhantomData<T>,
}

/// Words of a command line and similar lists, exactly as received. Null is an empty list, and within a list an
/// empty word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Words(pub Vec<String>);

/// An object that can be null, an empty text, an empty list (PHP's empty object) or missing. It is boxed, since
/// most of these objects are rare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OptionalObject<T>(pub Option<Box<T>>);

/// An object that is read as one without fields if it is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DefaultObject<T>(pub T);

/// Values by names that the cloud's users choose. Entries beyond [`Map::MAX_ENTRIES`] are dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Map<V>(pub BTreeMap<String, V>);

/// A value that is a list in some responses and an object in others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOrObject<T, O> {
    /// The elements, if it is a list.
    pub list: Option<Vec<T>>,
    /// The object, if it is one.
    pub object: Option<O>,
}

/// A value that must not be silently missing, such as the list of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Required<S> {
    /// The key is missing.
    #[default]
    Missing,
    /// The value is null.
    Null,
    /// The value is an empty text or object.
    Empty,
    /// It has another type.
    Unreadable,
    /// The value was read.
    Present(S),
}

impl<T, const IS_WRAPPED: bool> Required<List<T, IS_WRAPPED>> {
    /// Returns the rows of the list `name`; no rows if the list is missing and the response reports a total of 0.
    ///
    /// # Errors
    /// A list was expected.
    pub fn rows(self, name: &str, total: Option<i64>) -> Result<Vec<T>, String> {
        match (self, total) {
            (Self::Present(List(rows)), _) => Ok(rows),
            (Self::Empty, Some(0) | None) => Ok(Vec::new()),
            (Self::Missing | Self::Null, Some(0)) => Ok(Vec::new()),
            _ => Err(format!("a list at {name}")),
        }
    }

    /// Returns the rows of the first page of a list, which must not be empty if the response reports a total.
    ///
    /// # Errors
    /// A list was expected.
    pub fn first_page(self, name: &str, total: Option<i64>) -> Result<Vec<T>, String> {
        let rows = self.rows(name, total)?;
        match total {
            Some(total) if total > 0 && rows.is_empty() => {
                Err(format!("a list at {name} with some of its {total} rows"))
            }
            _ => Ok(rows),
        }
    }

    /// Returns the rows of a list that must be complete, to rule out other rows; no rows if the list is missing.
    ///
    /// # Errors
    /// A list was expected; null, an empty text and an empty object are errors as well.
    pub fn all_rows(self, name: &str) -> Result<Vec<T>, String> {
        match self {
            Self::Null | Self::Empty => Err(format!("a list at {name}")),
            other => other.rows(name, Some(0)),
        }
    }
}

impl<T, C: Default> Required<AccumulatedList<T, C>> {
    /// Returns the accumulated collection, and whether elements may be missing because the list is null, an empty
    /// text or of another type.
    pub fn accumulated(self) -> (C, bool) {
        match self {
            Self::Present(list) => (list.all, false),
            Self::Missing => (C::default(), false),
            Self::Null | Self::Empty | Self::Unreadable => (C::default(), true),
        }
    }
}

impl<S> Required<S> {
    /// Returns `other` if this value is missing or null.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Missing | Self::Null => other,
            Self::Empty | Self::Unreadable | Self::Present(_) => self,
        }
    }
}

/// An element of a list.
struct Element<T>(T);

impl<'de, T: Deserialize<'de>> Shape<'de> for Element<Option<T>> {
    const EXPECTED: &'static str = "an object";

    fn empty() -> Self {
        Self(None)
    }

    fn from_map<A: MapAccess<'de>>(map: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        let element = T::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Some(Self(Some(element))))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if let Some(Element(Some(element))) = read(deserializer)? {
            return Ok(Self(element));
        }
        without_fields().map(Self).map_err(de::Error::custom)
    }
}

impl<'de, T: Deserialize<'de>, const IS_WRAPPED: bool> Shape<'de> for List<T, IS_WRAPPED> {
    const EXPECTED: &'static str = "a list";

    fn empty() -> Self {
        Self::default()
    }

    fn from_seq<A: SeqAccess<'de>>(seq: &mut A) -> Result<Option<Self>, A::Error> {
        let mut list = Vec::new();
        elements(seq, |Element(element)| list.push(element))?;
        Ok(Some(Self(list)))
    }

    fn from_map<A: MapAccess<'de>>(map: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        if !IS_WRAPPED {
            return Ok(None);
        }
        let mut all = Some(Self::default());
        while map.next_key::<IgnoredAny>()?.is_some() {
            let Nested(list) = map.next_value()?;
            all = all.zip(list).map(|(Self(mut all), Self(mut list))| {
                all.append(&mut list);
                Self(all)
            });
        }
        Ok(all)
    }
}

fn elements<'de, A: SeqAccess<'de>, E: Deserialize<'de>>(
    seq: &mut A,
    mut push: impl FnMut(E),
) -> Result<(), A::Error> {
    while let Some(element) = seq.next_element()? {
        let elements = ELEMENTS.get() + 1;
        ELEMENTS.set(elements);
        if elements > MAX_ELEMENTS {
            return Err(de::Error::custom(format_args!("expected {TOO_MANY}")));
        }
        push(element);
    }
    Ok(())
}

impl<'de, T: Deserialize<'de>, C: Default + Extend<T>> Shape<'de> for AccumulatedList<T, C> {
    const EXPECTED: &'static str = "a list";

    fn empty() -> Self {
        let (all, element) = (C::default(), PhantomData);
        Self { all, element }
    }

    fn from_seq<A: SeqAccess<'de>>(seq: &mut A) -> Result<Option<Self>, A::Error> {
        let mut list = Self::empty();
        elements(seq, |Element(element)| list.all.extend(Some(element)))?;
        Ok(Some(list))
    }
}

/// A list nested in an object; `None` for another type.
struct Nested<S>(Option<S>);

impl<'de, S: Shape<'de>> Deserialize<'de> for Nested<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer).map(Self)
    }
}

impl<'de> Shape<'de> for Words {
    const EXPECTED: &'static str = "a list";

    fn empty() -> Self {
        Self::default()
    }

    fn from_seq<A: SeqAccess<'de>>(seq: &mut A) -> Result<Option<Self>, A::Error> {
        let mut words = Vec::new();
        elements(seq, |ExactText(word)| words.push(word))?;
        Ok(Some(Self(words)))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer).map(Option::unwrap_or_default)
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for OptionalObject<T> {
    const EXPECTED: &'static str = "an object";

    fn empty() -> Self {
        Self(None)
    }

    fn from_map<A: MapAccess<'de>>(map: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        let object = T::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Some(Self(Some(Box::new(object)))))
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for DefaultObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let OptionalObject(part) = OptionalObject::<T>::deserialize(deserializer)?;
        Ok(Self(part.map_or_else(T::default, |part| *part)))
    }
}

impl<V> Map<V> {
    /// Maximum number of entries.
    pub const MAX_ENTRIES: usize = 100;
}

impl<'de, V: Deserialize<'de>> Shape<'de> for Map<V> {
    const EXPECTED: &'static str = "an object";

    fn empty() -> Self {
        Self::default()
    }

    fn from_map<A: MapAccess<'de>>(map: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        let mut read = Self::default();
        while let Some(name) = map.next_key::<String>()? {
            // The values of a duplicate key can differ; `decode_response` compares them.
            if read.0.contains_key(&name) {
                return Err(de::Error::duplicate_field("name"));
            }
            let value = map.next_value()?;
            if read.0.len() < Self::MAX_ENTRIES {
                read.0.insert(name, value);
            }
        }
        Ok(Some(read))
    }
}

impl<'de, T: Deserialize<'de>, O: Deserialize<'de>> Shape<'de> for ListOrObject<T, O> {
    const EXPECTED: &'static str = "a list or an object";

    fn empty() -> Self {
        Self::default()
    }

    fn from_seq<A: SeqAccess<'de>>(seq: &mut A) -> Result<Option<Self>, A::Error> {
        let list = List::<T>::from_seq(seq)?;
        Ok(list.map(|List(list)| Self {
            list: Some(list),
            object: None,
        }))
    }

    fn from_map<A: MapAccess<'de>>(map: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        let object = O::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Some(Self {
            list: None,
            object: Some(object),
        }))
    }
}

/// A value that is not an empty text or object.
struct NonEmpty<S>(Option<S>);

impl<'de, S: Shape<'de>> Shape<'de> for NonEmpty<S> {
    const EXPECTED: &'static str = S::EXPECTED;

    fn empty() -> Self {
        Self(None)
    }

    fn from_seq<A: SeqAccess<'de>>(seq: &mut A) -> Result<Option<Self>, A::Error> {
        Ok(S::from_seq(seq)?.map(|value| Self(Some(value))))
    }

    fn from_map<A: MapAccess<'de>>(map: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        Ok(S::from_map(map)?.map(|value| Self(Some(value))))
    }
}

impl<'de, S: Shape<'de>> Deserialize<'de> for Required<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(
            match Option::<Nested<NonEmpty<S>>>::deserialize(deserializer)? {
                None => Self::Null,
                Some(Nested(None)) => Self::Unreadable,
                Some(Nested(Some(NonEmpty(None)))) => Self::Empty,
                Some(Nested(Some(NonEmpty(Some(present))))) => Self::Present(present),
            },
        )
    }
}

/// A value of another type is read as absent.
macro_rules! lenient_shape {
    ($name:ident<$($parameter:ident),+>, $empty:expr) => {
        impl<$($parameter),+> Default for $name<$($parameter),+> {
            fn default() -> Self {
                $empty
            }
        }

        impl<'de, $($parameter: Deserialize<'de>),+> Deserialize<'de> for $name<$($parameter),+> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer).map(Option::unwrap_or_default)
            }
        }
    };
}

impl<T, const IS_WRAPPED: bool> Default for List<T, IS_WRAPPED> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>, const IS_WRAPPED: bool> Deserialize<'de> for List<T, IS_WRAPPED> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer).map(Option::unwrap_or_default)
    }
}

lenient_shape!(OptionalObject<T>, Self(None));
lenient_shape!(Map<V>, Self(BTreeMap::new()));
lenient_shape!(ListOrObject<T, O>, Self { list: None, object: None });
