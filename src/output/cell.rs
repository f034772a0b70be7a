use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::{RenderContext, human};
use crate::model::Time;

/// The typed content of a table cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// The value is unknown.
    Absent,
    /// A text, or a word of the model.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A boolean.
    Flag(bool),
    /// A time.
    Time(Time),
    /// A time that is shown to people as the time since then.
    Age(Time),
    /// A duration in seconds; if it is still running, with the time at which it was measured.
    Seconds(i64, Option<Time>),
    /// A number of bytes.
    Bytes(u64),
    /// A number of resources of a kind.
    Counted(u64, Option<&'a str>),
}

impl Cell<'_> {
    /// Returns the cell for programs: UTC, seconds, bytes, `true`; empty if unknown.
    pub(super) fn raw(&self) -> Cow<'_, str> {
        Cow::Owned(match self {
            Self::Absent => return Cow::Borrowed(""),
            Self::Text(text) => return Cow::Borrowed(text),
            Self::Integer(number) | Self::Seconds(number, _) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Time(time) | Self::Age(time) => time.rfc3339(),
            Self::Bytes(number) | Self::Counted(number, _) => number.to_string(),
        })
    }

    /// Returns the cell for people, not escaped yet; `None` if unknown.
    ///
    /// On a terminal, ages and running durations count up to the current time; in a pipe, a time is shown as such.
    pub(super) fn display(&self, context: &RenderContext) -> Option<Cow<'_, str>> {
        let is_terminal = context.width.is_some();
        Some(Cow::Owned(match self {
            Self::Absent => return None,
            Self::Time(time) => context.zone.rfc3339(*time),
            Self::Age(time) if is_terminal => human::duration(context.now.seconds_since(*time)),
            Self::Age(time) => context.zone.rfc3339(*time),
            Self::Seconds(seconds, counted_at) => {
                let counted_at = counted_at.filter(|_| is_terminal);
                let since = counted_at.map_or(0, |at| context.now.seconds_since(at).max(0));
                human::duration(seconds.saturating_add(since))
            }
            Self::Bytes(bytes) => human::bytes(*bytes),
            Self::Counted(count, Some(kind)) => format!("{count} {kind}"),
            Self::Text(_)
            | Self::Integer(_)
            | Self::Number(_)
            | Self::Flag(_)
            | Self::Counted(_, None) => return Some(self.raw()),
        }))
    }

    /// Compares two cells of one column; unknown values come last.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Absent, Self::Absent) => Ordering::Equal,
            (Self::Absent, _) => Ordering::Greater,
            (_, Self::Absent) => Ordering::Less,
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Time(one), Self::Time(other)) => one.cmp(other),
            // The later time is the smaller age.
            (Self::Age(one), Self::Age(other)) => other.cmp(one),
            (one, other) => one.as_number().total_cmp(&other.as_number()),
        }
    }

    fn as_number(&self) -> f64 {
        match self {
            Self::Integer(number) | Self::Seconds(number, _) => *number as f64,
            Self::Number(number) => *number,
            Self::Flag(flag) => f64::from(u8::from(*flag)),
            Self::Bytes(number) | Self::Counted(number, _) => *number as f64,
            Self::Absent | Self::Text(_) | Self::Time(_) | Self::Age(_) => f64::NAN,
        }
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<i64> for Cell<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Cell<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Time> for Cell<'_> {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}

impl From<Value> for Cell<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Absent,
            Value::Bool(flag) => Self::Flag(flag),
            Value::String(text) => text.into(),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => Self::Integer(number),
                (None, Some(number)) => Self::Number(number),
                (None, None) => number.to_string().into(),
            },
            nested => nested.to_string().into(),
        }
    }
}
