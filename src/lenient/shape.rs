//! Lists and objects as clouds write them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::{Deserialize, Serialize};

use super::ELEMENTS;
use super::scalar::Verbatim;
use super::visitor::{Peeked, Shape, read, without_fields};

/// More list elements than this in one answer are refused: each costs far more memory than bytes.
const MAX_ELEMENTS: u32 = 200_000;

pub(super) const TOO_MANY: &str = "at most 200000 list elements in one response";

/// A list of objects; null, an empty text and an empty object are an empty list. An element of another
/// type is one without fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const IS_WRAPPED: bool = false>(pub Vec<T>);

/// A list that may be within an object, as in `{"Item": […]}`.
pub type WrappedList<T> = List<T, true>;

/// A list whose elements are added to a `C` as they are decoded, so that they are never in memory twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccumulatedList<T, C> {
    /// What the elements were added to.
    pub all: C,
    element: PhantomData<T>,
}

/// The words of a command line or the like, exactly as they came; null is an empty list, and an empty
/// word within it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Words(pub Vec<String>);

/// A part that may be null, an empty text, an empty list (PHP's empty object) or missing. Boxed, since
/// most parts are rare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OptionalObject<T>(pub Option<Box<T>>);

/// A part that is read as one without fields where it is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DefaultObject<T>(pub T);

/// Values by names that the cloud's users choose. Entries beyond [`Map::MAX_ENTRIES`] are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Map<V>(pub BTreeMap<String, V>);

/// A value that some responses show as a list and others as an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOrObject<T, O> {
    /// The elements, where it is a list.
    pub list: Option<Vec<T>>,
    /// The object, where it is one.
    pub object: Option<O>,
}

/// What must not be missed, such as the list of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Required<S> {
    /// There is no such key.
    #[default]
    Missing,
    /// It is null.
    Null,
    /// It is an empty text or object.
    Empty,
    /// It has another type.
    Unreadable,
    /// It is there.
    Present(S),
}

impl<T, const IS_WRAPPED: bool> Required<List<T, IS_WRAPPED>> {
    /// The rows of a list that is called `name`; none where there is no list and the response counts
    /// 0 rows in all.
    ///
    /// # Errors
    /// That a list was expected.
    pub fn rows(self, name: &str, total: Option<i64>) -> Result<Vec<T>, String> {
        match (self, total) {
            (Self::Present(List(rows)), _) => Ok(rows),
            (Self::Empty, Some(0) | None) => Ok(Vec::new()),
            (Self::Missing | Self::Null, Some(0)) => Ok(Vec::new()),
            _ => Err(format!("a list {name}")),
        }
    }

    /// The rows of the first page of a list, which is not empty where the response counts rows.
    ///
    /// # Errors
    /// That a list was expected.
    pub fn first_page(self, name: &str, total: Option<i64>) -> Result<Vec<T>, String> {
        let rows = self.rows(name, total)?;
        match total {
            Some(total) if total > 0 && rows.is_empty() => {
                Err(format!("a list {name} with some of its {total} rows"))
            }
            _ => Ok(rows),
        }
    }

    /// The rows of a list that proves that there are no others; none where it is left out.
    ///
    /// # Errors
    /// That a list was expected, also for null or an empty text or object in its place.
    pub fn all_rows(self, name: &str) -> Result<Vec<T>, String> {
        match self {
            Self::Null | Self::Empty => Err(format!("a list {name}")),
            other => other.rows(name, Some(0)),
        }
    }
}

impl<T, C: Default> Required<AccumulatedList<T, C>> {
    /// What was accumulated, and whether there may be more that cannot be read: null or an empty text in place of the
    /// list.
    pub fn accumulated(self) -> (C, bool) {
        match self {
            Self::Present(list) => (list.all, false),
            Self::Missing => (C::default(), false),
            Self::Null | Self::Empty | Self::Unreadable => (C::default(), true),
        }
    }
}

impl<S> Required<S> {
    /// This one unless it is missing or null.
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

/// The list within an object; `None` for another type.
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
        elements(seq, |Verbatim(word)| words.push(word))?;
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
    /// This many are kept at most.
    pub const MAX_ENTRIES: usize = 100;
}

impl<'de, V: Deserialize<'de>> Shape<'de> for Map<V> {
    const EXPECTED: &'static str = "an object";

    fn empty() -> Self {
        Self::default()
    }

    fn from_map<A: MapAccess<'de>>(map: &mut Peeked<'de, A>) -> Result<Option<Self>, A::Error> {
        let mut read = Self::default();
        while let Some((name, value)) = map.next_entry()? {
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

/// A value, unless it is an empty text or object.
struct Filled<S>(Option<S>);

impl<'de, S: Shape<'de>> Shape<'de> for Filled<S> {
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
            match Option::<Nested<Filled<S>>>::deserialize(deserializer)? {
                None => Self::Null,
                Some(Nested(None)) => Self::Unreadable,
                Some(Nested(Some(Filled(None)))) => Self::Empty,
                Some(Nested(Some(Filled(Some(present))))) => Self::Present(present),
            },
        )
    }
}

/// Absent where it has another type.
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
