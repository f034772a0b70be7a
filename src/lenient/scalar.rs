//! Single values as clouds write them, each in any spelling.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::is_absent;
use crate::model::Time;

/// Text; absent when null, empty, `--` or missing. Numbers and booleans are taken as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Option<String>);

/// A whole number; absent like [`Text`]. Text and whole floats are read as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Int(pub Option<i64>);

/// A number; absent like [`Text`]. Text is read as well.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Num(pub Option<f64>);

/// A truth value; absent like [`Text`]. The words true and false are read as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flag(pub Option<bool>);

/// Text exactly as it came: `""` and `--` are words here, as in a command line. Null is an empty
/// text; numbers and booleans are taken as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verbatim(pub String);

impl Text {
    /// The text of a time that could not be read; `None` where it was read, is absent or is a zero
    /// date.
    pub fn unread(&self, read: Option<Time>) -> Option<String> {
        let text = self.trimmed().filter(|text| !Time::is_unset(text));
        text.filter(|_| read.is_none()).map(str::to_owned)
    }

    /// The time that the text names by RFC 3339; `None` for anything else.
    pub fn rfc3339(&self) -> Option<Time> {
        Time::from_rfc3339(self.trimmed()?)
    }

    /// The text, trimmed, for comparing.
    pub fn trimmed(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim)
    }
}

impl Int {
    /// The number, if it is not negative.
    pub fn unsigned(self) -> Option<u64> {
        self.0.and_then(|number| u64::try_from(number).ok())
    }

    /// The number, if it is not 0.
    pub fn not_zero(self) -> Option<i64> {
        self.0.filter(|number| *number != 0)
    }
}

/// A scalar of any spelling.
enum Scalar {
    Absent,
    Text(String),
    Number(String),
    Flag(bool),
}

/// The key under which serde_json hands a number over, read without a copy of it.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum NumberKey {
    #[serde(rename = "$serde_json::private::Number")]
    Number,
    #[serde(other)]
    Other,
}

/// Reads a scalar. What is wrong with it is found before the reader goes on, so that the error has
/// the place of the value.
struct ScalarVisitor<T> {
    expected: &'static str,
    read: fn(Scalar) -> Option<T>,
}

impl<T> ScalarVisitor<T> {
    fn read<E: de::Error>(self, scalar: Scalar) -> Result<T, E> {
        (self.read)(scalar)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Other("another value"), &self.expected))
    }
}

impl<'de, T> Visitor<'de> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        self.read(Scalar::Absent)
    }

    fn visit_none<E: de::Error>(self) -> Result<T, E> {
        self.read(Scalar::Absent)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<T, E> {
        self.read(Scalar::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.read(Scalar::Number(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.read(Scalar::Number(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.read(Scalar::Number(number.to_string()))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<T, E> {
        self.read(if is_absent(&text) {
            Scalar::Absent
        } else {
            Scalar::Text(text)
        })
    }

    /// With `arbitrary_precision`, serde_json hands a number over as a map of one private key.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match map.next_key()? {
            Some(NumberKey::Number) => {
                let number = map.next_value()?;
                self.read(Scalar::Number(number))
            }
            _ => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }
}

macro_rules! scalar {
    ($name:ident, $expected:literal, $read:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(ScalarVisitor {
                    expected: $expected,
                    read: $read,
                })
            }
        }
    };
}

scalar!(Text, "text", |scalar| Some(Self(match scalar {
    Scalar::Absent => None,
    Scalar::Text(text) | Scalar::Number(text) => Some(text),
    Scalar::Flag(flag) => Some(flag.to_string()),
})));

scalar!(Int, "a whole number", |scalar| match scalar {
    Scalar::Absent => Some(Self(None)),
    Scalar::Text(text) | Scalar::Number(text) => whole(text.trim()).map(|n| Self(Some(n))),
    Scalar::Flag(_) => None,
});

scalar!(Num, "a number", |scalar| match scalar {
    Scalar::Absent => Some(Self(None)),
    Scalar::Text(text) | Scalar::Number(text) => text
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map(|number| Self(Some(number))),
    Scalar::Flag(_) => None,
});

scalar!(Flag, "true or false", |scalar| match scalar {
    Scalar::Absent => Some(Self(None)),
    Scalar::Flag(flag) => Some(Self(Some(flag))),
    Scalar::Text(text) | Scalar::Number(text) => match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(Self(Some(true))),
        "false" | "0" => Some(Self(Some(false))),
        _ => None,
    },
});

struct VerbatimVisitor;

impl<'de> Visitor<'de> for VerbatimVisitor {
    type Value = Verbatim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_unit<E>(self) -> Result<Verbatim, E> {
        Ok(Verbatim::default())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Verbatim, E> {
        Ok(Verbatim(flag.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Verbatim, E> {
        Ok(Verbatim(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Verbatim, E> {
        Ok(Verbatim(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Verbatim, A::Error> {
        let number = ScalarVisitor {
            expected: "text",
            read: |scalar| match scalar {
                Scalar::Number(text) => Some(Verbatim(text)),
                Scalar::Absent | Scalar::Text(_) | Scalar::Flag(_) => None,
            },
        };
        number.visit_map(map)
    }
}

impl<'de> Deserialize<'de> for Verbatim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(VerbatimVisitor)
    }
}

/// A whole number written as integer or as float without a fraction.
fn whole(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().or_else(|| {
        let number = text.parse::<f64>().ok()?;
        // Beyond 2^53 a float no longer holds every whole number.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}
