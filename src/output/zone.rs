use chrono::{Local, SecondsFormat};
use clap::ValueEnum;

use crate::model::Time;

/// The zone in which people read times. Formats for programs have UTC whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Zone {
    /// UTC
    Utc,
    /// Local time zone, or $TZ
    Local,
}

impl Zone {
    /// `2026-01-02T11:04:05+08:00`, or with `Z` for UTC.
    pub(super) fn rfc3339(self, time: Time) -> String {
        match self {
            Self::Utc => time.rfc3339(),
            Self::Local => time
                .to_datetime()
                .with_timezone(&Local)
                .to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }

    /// `2026-01-02 11:04:05 +08:00`, for pages that are read and not parsed.
    pub fn clock(self, time: Time) -> String {
        const FORM: &str = "%Y-%m-%d %H:%M:%S %:z";
        match self {
            Self::Utc => time.to_datetime().format(FORM).to_string(),
            Self::Local => time
                .to_datetime()
                .with_timezone(&Local)
                .format(FORM)
                .to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_carries_its_offset() {
        let time = Time::from_unix(1_700_000_000).unwrap();
        assert_eq!(Zone::Utc.rfc3339(time), "2023-11-14T22:13:20Z");
        assert_eq!(Zone::Utc.clock(time), "2023-11-14 22:13:20 +00:00");
    }
}
