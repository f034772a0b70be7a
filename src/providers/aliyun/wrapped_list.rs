use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::providers::lenient::List;

/// A list in any of this product's shapes: `{"InvokeInstance": […]}` as the older operations write
/// it, a plain list as the newer ones do, `{}`, null or an empty text.
#[derive(Debug)]
pub(super) struct WrappedList<T>(pub(super) Vec<T>);

impl<T> Default for WrappedList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct WrappedListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for WrappedListVisitor<T> {
    type Value = WrappedList<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<WrappedList<T>, E> {
        Ok(WrappedList::default())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WrappedList<T>, E> {
        match text.trim() {
            "" | "--" => Ok(WrappedList::default()),
            _ => Err(E::invalid_type(de::Unexpected::Other("text"), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<WrappedList<T>, A::Error> {
        List::deserialize(SeqAccessDeserializer::new(seq)).map(|list| WrappedList(list.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrappedList<T>, A::Error> {
        let mut items = WrappedList::default();
        while map.next_key::<IgnoredAny>()?.is_some() {
            items.0.extend(map.next_value::<List<T>>()?.0);
        }
        Ok(items)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WrappedList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrappedListVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::lenient::{self, Text};

    #[test]
    fn every_shape_of_a_list_is_read() {
        let read = |json: &str| -> Result<Vec<Option<String>>, String> {
            let items: WrappedList<Text> = lenient::decode(json.as_bytes())?;
            Ok(items.0.into_iter().map(|text| text.0).collect())
        };
        let one = Ok(vec![Some("a".to_owned())]);
        assert_eq!(read(r#"{"Item":["a"]}"#), one);
        assert_eq!(read(r#"["a"]"#), one);
        for empty in [
            "{}",
            "null",
            "[]",
            r#""""#,
            r#"{"Item":null}"#,
            r#"{"Item":{}}"#,
        ] {
            assert_eq!(read(empty), Ok(vec![]), "{empty}");
        }
        assert!(read("7").is_err());
        assert!(read(r#""a""#).is_err());
    }
}
