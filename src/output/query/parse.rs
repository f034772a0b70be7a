//! Parses JSON text directly to values of jaq.

use std::borrow::Cow;
use std::fmt;

use jaq_core::ValT as _;
use jaq_json::{Map, Num, Val};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::value::push_shared;
use crate::json::EXACT_NUMBER;

/// Parses one JSON value.
///
/// # Errors
/// Returns an error if the text is not JSON, or too deep.
pub(super) fn from_json(text: &str) -> serde_json::Result<Val> {
    serde_json::from_str::<Parsed>(text).map(|parsed| parsed.0)
}

struct Parsed(Val);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValVisitor).map(Self)
    }
}

struct ValVisitor;

impl<'de> Visitor<'de> for ValVisitor {
    type Value = Val;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Val, E> {
        Ok(Val::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Val, E> {
        Ok(Val::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Val, E> {
        Ok(Val::Num(Num::from_integral(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Val, E> {
        Ok(Val::Num(Num::from_integral(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Val, E> {
        Ok(Val::utf8_str(text.as_bytes().to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Val, A::Error> {
        let mut list = Vec::new();
        while let Some(Parsed(element)) = elements.next_element()? {
            push_shared(&mut list, element);
        }
        Ok(Val::Arr(list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Val, A::Error> {
        let mut fields = Map::default();
        while let Some(key) = entries.next_key::<Cow<'_, str>>()? {
            // serde_json passes any number that is not a small integer as an object with its digits.
            if key == EXACT_NUMBER {
                let digits: String = entries.next_value()?;
                return Val::from_num(&digits).map_err(de::Error::custom);
            }
            let Parsed(value) = entries.next_value()?;
            fields.insert(Val::utf8_str(key.into_owned().into_bytes()), value);
        }
        Ok(Val::obj(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::to_jaq;
    use super::*;

    #[test]
    fn a_json_text_is_read_as_the_same_value_as_its_document() {
        for text in [
            r#"{"a": [1, -7, 1.10, 1e3, -0.0, 18446744073709551616], "a\u0000训": {"": null}}"#,
            r#"[{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, true, "\ud83d\ude00"]"#,
        ] {
            let document: serde_json::Value = serde_json::from_str(text).unwrap();
            let expected = to_jaq(&document).unwrap().to_string();
            assert_eq!(from_json(text).unwrap().to_string(), expected);
        }
        for text in ["", "[1,]", "1 2", "NaN", &"[".repeat(200)] {
            assert!(from_json(text).is_err(), "{text}");
        }
    }
}
