use chrono::{DateTime, FixedOffset, Local, SecondsFormat, TimeZone};
use clap::ValueEnum;

use crate::model::Time;

/// The zone in which people read times. Formats for programs have UTC whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Zone {
    /// UTC
    Utc,
    /// Local time zone, or $TZ
    Local,
    /// An offset, such as that of the local time zone when a recording was made.
    #[value(skip)]
    Fixed(FixedOffset),
}

impl Zone {
    /// Returns for example `2026-01-02T11:04:05+08:00`, or with `Z` for UTC.
    pub fn rfc3339(self, time: Time) -> String {
        match self {
            Self::Utc => time.rfc3339(),
            Self::Local => rfc3339_in(time, &Local),
            Self::Fixed(offset) => rfc3339_in(time, &offset),
        }
    }

    /// Returns for example `2026-01-02 11:04:05 +08:00`, for pages that are not parsed by programs.
    pub fn clock(self, time: Time) -> String {
        const FORM: &str = "%Y-%m-%d %H:%M:%S %:z";
        let time = time.to_datetime();
        match self {
            Self::Utc => time.format(FORM).to_string(),
            Self::Local => time.with_timezone(&Local).format(FORM).to_string(),
            Self::Fixed(offset) => time.with_timezone(&offset).format(FORM).to_string(),
        }
    }
}

fn rfc3339_in<Tz: TimeZone>(time: Time, zone: &Tz) -> String
where
    Tz::Offset: std::fmt::Display,
{
    let local: DateTime<Tz> = time.to_datetime().with_timezone(zone);
    local.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_carries_its_offset() {
        let time = Time::from_unix(1_700_000_000).unwrap();
        assert_eq!(Zone::Utc.rfc3339(time), "2023-11-14T22:13:20Z");
        assert_eq!(Zone::Utc.clock(time), "2023-11-14 22:13:20 +00:00");
        let fixed = Zone::Fixed(FixedOffset::east_opt(8 * 3600).unwrap());
        assert_eq!(fixed.rfc3339(time), "2023-11-15T06:13:20+08:00");
        assert_eq!(fixed.clock(time), "2023-11-15 06:13:20 +08:00");
    }
}
