//! Reads single values as clouds write them, in any type.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{is_absent, mismatch};

/// Text; absent if it is null, empty, `--` or missing. Numbers and booleans are read as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(pub Option<String>);

/// A whole number; absent like [`Text`]. Texts and floats without a fraction are also read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Int(pub Option<i64>);

/// A number; absent like [`Text`]. Texts are also read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Num(pub Option<f64>);

/// A boolean; absent like [`Text`]. The texts `true` and `false` are also read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Flag(pub Option<bool>);

/// Text exactly as it was received: `""` and `--` are values here, as in a command line. Null is an empty text;
/// numbers and booleans are read as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ExactText(pub(super) String);

impl Text {
    /// Returns the trimmed text, for comparisons.
    pub fn trimmed(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim)
    }
}

impl Num {
    /// Returns the number of bytes in this many units; `None` if it is negative or unrealistically large.
    pub fn times(self, unit: u64) -> Option<u64> {
        // Above this limit a float cannot represent every whole number.
        const MAX_BYTES: f64 = (1_u64 << 53) as f64;
        let bytes = (self.0? * unit as f64).round();
        (0.0..=MAX_BYTES).contains(&bytes).then_some(bytes as u64)
    }
}

impl Int {
    /// Returns the number if it is not negative.
    pub fn unsigned(self) -> Option<u64> {
        self.0.and_then(|number| u64::try_from(number).ok())
    }

    /// Returns the number if it is not 0.
    pub fn not_zero(self) -> Option<i64> {
        self.0.filter(|number| *number != 0)
    }
}

/// A value of any type.
pub(super) enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
    Whole(i64),
    /// Any other number.
    Number(String),
    Flag(bool),
    /// A list or an object.
    Other,
}

impl Scalar<'_> {
    /// Replaces a placeholder text by null.
    pub(super) fn or_absent(self) -> Self {
        match self {
            Self::Text(text) if is_absent(&text) => Self::Null,
            other => other,
        }
    }
}

/// The key under which serde_json passes a number, read without a copy.
#[derive(Deserialize)]
#[serde(field_identifier)]
enum NumberKey {
    #[serde(rename = "$serde_json::private::Number")]
    Number,
    #[serde(other)]
    Other,
}

/// Reads a scalar; `read` returns an error with a replacement for a value of another type.
///
/// Errors are detected before the reader continues, so that they contain the position of the value.
pub(super) struct ScalarVisitor<T> {
    pub(super) expected: &'static str,
    pub(super) read: fn(Scalar<'_>) -> Result<T, T>,
}

impl<T> ScalarVisitor<T> {
    fn read<E: de::Error>(self, scalar: Scalar<'_>) -> Result<T, E> {
        match (self.read)(scalar) {
            Ok(value) => Ok(value),
            Err(substitute) => mismatch(&self.expected).map(|()| substitute),
        }
    }
}

impl<'de, T> Visitor<'de> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        self.read(Scalar::Null)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<T, E> {
        self.read(Scalar::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.read(Scalar::Whole(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.read(match i64::try_from(number) {
            Ok(number) => Scalar::Whole(number),
            Err(_) => Scalar::Number(number.to_string()),
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        self.read(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<T, E> {
        self.read(Scalar::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        let substitute = self.read(Scalar::Other)?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(substitute)
    }

    /// With `arbitrary_precision`, serde_json passes most numbers as a map with one private key.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match map.next_key()? {
            Some(NumberKey::Number) => {
                let number = map.next_value()?;
                self.read(Scalar::Number(number))
            }
            Some(NumberKey::Other) => {
                let substitute = self.read(Scalar::Other)?;
                map.next_value::<IgnoredAny>()?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(substitute)
            }
            None => self.read(Scalar::Other),
        }
    }
}

macro_rules! scalar {
    ($name:ident, $expected:literal, $read:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read: fn(Scalar<'_>) -> Result<Self, Self> = $read;
                let expected = $expected;
                deserializer.deserialize_any(ScalarVisitor { expected, read })
            }
        }
    };
}
pub(super) use scalar;

scalar!(Text, "text", |scalar| match scalar.or_absent() {
    Scalar::Null => Ok(Self(None)),
    Scalar::Text(text) => Ok(Self(Some(text.into_owned()))),
    Scalar::Whole(number) => Ok(Self(Some(number.to_string()))),
    Scalar::Number(text) => Ok(Self(Some(text))),
    Scalar::Flag(flag) => Ok(Self(Some(flag.to_string()))),
    Scalar::Other => Err(Self(None)),
});

scalar!(ExactText, "text", |scalar| match scalar {
    Scalar::Null => Ok(Self::default()),
    Scalar::Text(text) => Ok(Self(text.into_owned())),
    Scalar::Whole(number) => Ok(Self(number.to_string())),
    Scalar::Number(text) => Ok(Self(text)),
    Scalar::Flag(flag) => Ok(Self(flag.to_string())),
    Scalar::Other => Err(Self::default()),
});

scalar!(Int, "a whole number", |scalar| {
    let number = number(scalar, |number| number, parse_integer);
    number.map(Self).map_err(Self)
});

scalar!(Num, "a number", |scalar| {
    let number = number(scalar, |number| number as f64, finite);
    number.map(Self).map_err(Self)
});

scalar!(Flag, "true or false", |scalar| match scalar.or_absent() {
    Scalar::Null => Ok(Self(None)),
    Scalar::Flag(flag) => Ok(Self(Some(flag))),
    Scalar::Text(text) => flag(&text),
    Scalar::Whole(number @ 0..=1) => Ok(Self(Some(number == 1))),
    Scalar::Whole(_) | Scalar::Number(_) | Scalar::Other => Err(Self(None)),
});

fn number<N>(
    scalar: Scalar<'_>,
    from_whole: fn(i64) -> N,
    parse: fn(&str) -> Option<N>,
) -> Result<Option<N>, Option<N>> {
    let number = match scalar.or_absent() {
        Scalar::Null => return Ok(None),
        Scalar::Text(text) => parse(text.trim()),
        Scalar::Whole(number) => Some(from_whole(number)),
        Scalar::Number(text) => parse(&text),
        Scalar::Flag(_) | Scalar::Other => None,
    };
    number.map(Some).ok_or(None)
}

fn finite(text: &str) -> Option<f64> {
    let number = text.parse::<f64>().ok();
    number.filter(|number| number.is_finite())
}

fn flag(text: &str) -> Result<Flag, Flag> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Flag(Some(true))),
        "false" | "0" => Ok(Flag(Some(false))),
        _ => Err(Flag(None)),
    }
}

/// Parses a whole number, written as an integer or as a float without a fraction.
fn parse_integer(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().or_else(|| {
        let number = text.parse::<f64>().ok()?;
        // Above 2^53 a float cannot represent every whole number.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}
