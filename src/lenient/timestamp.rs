//! Reads times as clouds write them.

use serde::Deserialize;
use serde::de::Deserializer;

use super::scalar::{Scalar, ScalarVisitor, scalar};
use crate::model::{Time, TimeText};

/// A time in any format that [`TimeText`] parses, or a Unix time as a number; absent if it is not set, or
/// `Unknown`, which Slurm writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timestamp(TimeText);

impl Timestamp {
    /// Parses a text.
    pub fn parse(text: &str) -> Self {
        Self(TimeText::parse(text))
    }

    /// Returns the time; one without a zone is UTC.
    pub fn utc(&self) -> Option<Time> {
        self.0.at(0)
    }

    /// Returns the time; one without a zone is `offset_seconds` east of UTC.
    pub fn at(&self, offset_seconds: i32) -> Option<Time> {
        self.0.at(offset_seconds)
    }

    /// Returns `true` if the time has no zone.
    pub fn is_local(&self) -> bool {
        matches!(self.0, TimeText::Local(_))
    }

    /// Returns the text of a time that could not be parsed.
    pub fn into_unreadable(self) -> Option<String> {
        match self.0 {
            TimeText::Unreadable(text) => Some(text),
            _ => None,
        }
    }
}

scalar!(Timestamp, "a time", |scalar| {
    let text = match scalar.or_absent() {
        Scalar::Null => return Ok(Self::default()),
        Scalar::Text(text) if text.trim().eq_ignore_ascii_case("Unknown") => TimeText::Unset,
        Scalar::Text(text) => TimeText::parse(&text),
        Scalar::Whole(number) => TimeText::parse(&number.to_string()),
        Scalar::Number(text) => TimeText::parse(&text),
        Scalar::Flag(flag) => TimeText::Unreadable(flag.to_string()),
        Scalar::Other => TimeText::Unreadable(String::new()),
    };
    match text {
        TimeText::Unreadable(_) => Err(Self(text)),
        _ => Ok(Self(text)),
    }
});
