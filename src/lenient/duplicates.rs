//! Handles JSON objects with duplicate keys.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value, json};

use crate::json::{EXACT_NUMBER, UNREADABLE};

/// Returns the document with each key of an object once. If the values of a key differ, they are replaced by a
/// value that no field can read, since choosing one of them would be a guess.
pub(super) fn merge(body: &str) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let document = Merge.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| document)
}

/// A value of any type. A key of an object that has different values gets a value that no type is read from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document(pub Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Merge.deserialize(deserializer).map(Self)
    }
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
            if key == EXACT_NUMBER {
                let number: String = map.next_value()?;
                let number: Number = serde_json::from_str(&number).map_err(A::Error::custom)?;
                return Ok(number.into());
            }
            let value = map.next_value_seed(self)?;
            match object.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(mut known) if *known.get() != value => {
                    known.insert(json!({ UNREADABLE: 0 }));
                }
                Entry::Occupied(_) => {}
            }
        }
        Ok(object.into())
    }
}

/// Hides one of two spellings of a field; the second one is the last key before `end`. Hides the keys of the object
/// that have no value, if there are any, else the second spelling. Hidden keys get names that no field has. `None`
/// if that is impossible.
pub(super) fn hide_spelling(body: &str, end: usize) -> Option<String> {
    let end = body.get(..end)?.trim_end_matches(':').len();
    let keys = keys_of_object(body.get(..end)?);
    let is_absent = |key: &usize| {
        let value = body[*key + 1..]
            .split_once("\":")
            .map_or("", |(_, value)| value);
        let mut values = ["null", "\"\"", "\"--\""].into_iter();
        values.any(|absent| value.starts_with(absent))
    };
    let second = keys.last()?;
    let absent: Vec<usize> = match is_absent(second) {
        true => vec![*second],
        false => keys.iter().copied().filter(is_absent).collect(),
    };
    let hidden = if absent.is_empty() {
        vec![*second]
    } else {
        absent
    };
    let mut bytes = body.as_bytes().to_vec();
    let mut is_changed = false;
    for key in hidden {
        let first = bytes.get_mut(key + 1)?;
        if first.is_ascii_alphanumeric() {
            (*first, is_changed) = (HIDDEN, true);
        }
    }
    is_changed.then(|| String::from_utf8(bytes).ok()).flatten()
}

/// First character of the names of hidden keys.
const HIDDEN: u8 = b'#';

/// Returns the positions of the keys of the last open object in compact JSON, which ends after a key.
fn keys_of_object(read: &str) -> Vec<usize> {
    let bytes = read.as_bytes();
    let mut open: Vec<Vec<usize>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => open.push(Vec::new()),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let start = at;
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let is_key = matches!(bytes.get(at + 1), Some(b':') | None);
                if let Some(keys) = open.last_mut().filter(|_| is_key) {
                    keys.push(start);
                }
            }
            _ => {}
        }
        at += 1;
    }
    open.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_spellings_of_a_key_one_without_a_value_is_hidden_first() {
        for (before, after) in [
            (r#"{"x":[{"a":1,"b"|:2}]}"#, r##"{"x":[{"a":1,"#":2}]}"##),
            (
                r#"{"x":{"b":0},"a":null,"b"|:2}"#,
                r##"{"x":{"b":0},"#":null,"b":2}"##,
            ),
            (
                r#"{"a":"--","c":"","b"|:"t"}"#,
                r##"{"#":"--","#":"","b":"t"}"##,
            ),
            (
                r#"{"a":"x\"}","b"|:null,"c":1}"#,
                r##"{"a":"x\"}","#":null,"c":1}"##,
            ),
        ] {
            let (json, end) = (before.replacen('|', "", 1), before.find('|').unwrap());
            assert_eq!(hide_spelling(&json, end).as_deref(), Some(after));
        }
        assert_eq!(hide_spelling("[1]", 3), None);
    }

    #[test]
    fn a_duplicate_key_with_different_values_is_unreadable() {
        let merged = |json: &str| merge(json).unwrap().to_string();
        assert_eq!(
            merged(r#"{"a":1,"b":[{"c":"x","c":"x"}],"a":1.50}"#),
            r#"{"a":{"$unreadable":0},"b":[{"c":"x"}]}"#
        );
        let numbers = r#"{"a":[12345678901234567890123,1.50,null,true]}"#;
        assert_eq!(merged(numbers), numbers);
        let three = r#"{"a":1,"a":2,"a":1}"#;
        assert_eq!(merged(three), r#"{"a":{"$unreadable":0}}"#);
        assert_eq!(merge("{} {}"), None);
    }
}
