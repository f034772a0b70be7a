mod text;

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

pub use text::TimeText;

/// Template of RFC 3339 in UTC with whole seconds.
const RFC_3339: &[u8; 20] = b"0000-00-00T00:00:00Z";

/// A time in UTC, shown as RFC 3339 in whole seconds with `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(DateTime<Utc>);

impl Time {
    /// Creates a time; `None` outside the years 1 to 9999, which RFC 3339 cannot represent. A leap second becomes
    /// the following second, since few programs can parse it.
    pub fn new(moment: DateTime<Utc>) -> Option<Self> {
        let in_leap_second = moment.timestamp_subsec_nanos() >= 1_000_000_000;
        let moment = match in_leap_second {
            true => DateTime::from_timestamp(moment.timestamp() + 1, 0)?,
            false => moment,
        };
        (1..=9999).contains(&moment.year()).then_some(Self(moment))
    }

    /// Converts a Unix time in seconds, or in milliseconds if it is 100,000,000,000 or more; 0 means "not set".
    pub fn from_unix(value: i64) -> Option<Self> {
        const MILLISECONDS_FROM: i64 = 100_000_000_000;
        let moment = match value {
            i64::MIN..=0 => return None,
            MILLISECONDS_FROM.. => DateTime::from_timestamp_millis(value),
            _ => DateTime::from_timestamp(value, 0),
        };
        moment.and_then(Self::new)
    }

    /// Parses RFC 3339 or any other format that [`TimeText`] accepts; a time without a zone is UTC.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        Self::from_text(text, 0)
    }

    /// Parses any format that [`TimeText`] accepts. A time without a zone is `offset_seconds` east of UTC. `None`
    /// for anything else, and for a time that is not set.
    pub fn from_text(text: &str, offset_seconds: i32) -> Option<Self> {
        TimeText::parse(text).at(offset_seconds)
    }

    /// Returns the whole seconds from `earlier` to this time, rounded down.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).num_milliseconds().div_euclid(1000)
    }

    /// Returns the time without the fraction of its second.
    pub fn whole_second(self) -> Self {
        Self(self.0.with_nanosecond(0).unwrap_or(self.0))
    }

    /// Returns the time as a type of chrono.
    pub fn to_datetime(self) -> DateTime<Utc> {
        self.0
    }

    /// Formats the time as `2026-01-02T03:04:05Z`.
    pub fn rfc3339(self) -> String {
        let mut text = *RFC_3339;
        self.write_rfc3339(&mut text).to_owned()
    }

    /// Writes the digits into `text`. Responses contain thousands of times, and chrono takes ten times as long.
    fn write_rfc3339(self, text: &mut [u8; RFC_3339.len()]) -> &str {
        let moment = self.0.naive_utc();
        let [month, day] = [moment.month(), moment.day()];
        let [hour, minute, second] = [moment.hour(), moment.minute(), moment.second()];
        let year = moment.year().unsigned_abs();
        let pairs = [year / 100, year % 100, month, day, hour, minute, second];
        for (at, number) in [0, 2, 5, 8, 11, 14, 17].into_iter().zip(pairs) {
            text[at] = b'0' + (number / 10) as u8;
            text[at + 1] = b'0' + (number % 10) as u8;
        }
        str::from_utf8(text).expect("digits and signs are ASCII")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write_rfc3339(&mut RFC_3339.clone()))
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$",
        })
    }
}

#[cfg(test)]
mod tests;
