//! JSON objects in which a key is repeated.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, json};

use super::visitor::NUMBER_KEY;

/// The document with each key of an object once. Where the values of a key differ, which of them is
/// meant would be a guess: a value is in their place that no field can be read from.
pub(super) fn merge(body: &str) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let document = Merge.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| document)
}

#[derive(Clone, Copy)]
struct Merge;

impl<'de> DeserializeSeed<'de> for Merge {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Merge {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element_seed(self)? {
            list.push(element);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == NUMBER_KEY {
                let number: String = map.next_value()?;
                let number: Number = serde_json::from_str(&number).map_err(A::Error::custom)?;
                return Ok(number.into());
            }
            let value = map.next_value_seed(self)?;
            let before = object.get(&key);
            let value = match before.is_some_and(|before| *before != value) {
                true => json!([[0]]),
                false => value,
            };
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_two_values_has_none() {
        let merged = |json: &str| merge(json).unwrap().to_string();
        assert_eq!(
            merged(r#"{"a":1,"b":[{"c":"x","c":"x"}],"a":1.50}"#),
            r#"{"a":[[0]],"b":[{"c":"x"}]}"#
        );
        let numbers = r#"{"a":[12345678901234567890123,1.50,null,true]}"#;
        assert_eq!(merged(numbers), numbers);
        assert_eq!(merge("{} {}"), None);
    }
}
