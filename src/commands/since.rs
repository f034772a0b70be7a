//! Since when: the moment that `--since` names.

use chrono::{DateTime, Local, NaiveDate, NaiveTime, TimeZone as _};

use crate::error::Problem;
use crate::model::Time;
use crate::output::Zone;
use crate::settings;

/// A moment: so long ago, the midnight a date begins with, or a time with its offset.
///
/// # Errors
/// A usage error.
pub(super) fn parse_since(text: &str, now: Time, zone: Zone) -> Result<Time, Problem> {
    let ago = || {
        let ago = chrono::TimeDelta::from_std(settings::duration(text)?).ok()?;
        now.to_datetime().checked_sub_signed(ago)
    };
    let exact = || DateTime::parse_from_rfc3339(text.trim()).ok();
    let date = || {
        let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
        let midnight = date.and_time(NaiveTime::MIN);
        match zone {
            Zone::Utc => Some(midnight.and_utc()),
            // Where a change of the clock skips midnight, the day begins later.
            Zone::Local => (0..4).find_map(|hour| {
                let begin = midnight + chrono::TimeDelta::hours(hour);
                Some(Local.from_local_datetime(&begin).earliest()?.to_utc())
            }),
        }
    };
    ago()
        .or_else(|| exact().map(|moment| moment.to_utc()))
        .or_else(date)
        .and_then(Time::new)
        .ok_or_else(|| {
            Problem::usage(format!(
                "invalid value '{text}' for --since; expected a duration, a date, or a time with an offset"
            ))
            .with_hint("use e.g. 2h, 1d, 2026-01-02 or 2026-01-02T03:04:05+08:00")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<String> {
        let now = Time::from_unix(1_700_000_000).unwrap();
        parse_since(text, now, Zone::Utc).ok().map(Time::rfc3339)
    }

    #[test]
    fn a_moment_is_a_time_ago_a_date_or_a_time_with_its_offset() {
        assert_eq!(parse("2h").as_deref(), Some("2023-11-14T20:13:20Z"));
        assert_eq!(parse("2026-01-02").as_deref(), Some("2026-01-02T00:00:00Z"));
        let exact = parse("2026-01-02T03:04:05+08:00");
        assert_eq!(exact.as_deref(), Some("2026-01-01T19:04:05Z"));
        for wrong in [
            "",
            "2",
            "none",
            "yesterday",
            "2026-01-02T03:04:05",
            "9999999d",
            "2026-13-01",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
