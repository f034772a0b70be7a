//! Parses the time of `--since`.

use std::sync::Arc;

use chrono::{DateTime, Local, NaiveDate, NaiveTime, TimeZone as _, Utc};

use crate::error::Problem;
use crate::http::ServerClocks;
use crate::model::{Since, Time};
use crate::output::Zone;
use crate::settings::{self, parse_duration};

/// The local time, and the differences of the servers' clocks.
#[derive(Debug, Clone)]
pub(super) struct CurrentTime {
    pub now: DateTime<Utc>,
    pub clocks: Arc<ServerClocks>,
}

/// Parses a duration before now (by the clocks of the servers), a date (its
/// midnight), or a time with its offset.
///
/// # Errors
/// Returns a usage error.
pub(super) fn parse_since(text: &str, current: &CurrentTime, zone: Zone) -> Result<Since, Problem> {
    let exact = || Some(DateTime::parse_from_rfc3339(text.trim()).ok()?.to_utc());
    let date = || {
        let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
        let midnight = date.and_time(NaiveTime::MIN);
        match zone {
            Zone::Utc => Some(midnight.and_utc()),
            Zone::Fixed(offset) => Some(offset.from_local_datetime(&midnight).single()?.to_utc()),
            // If a change to daylight saving time skips midnight, the day begins later.
            Zone::Local => (0..4).find_map(|hour| {
                let begin = midnight + chrono::TimeDelta::hours(hour);
                Some(Local.from_local_datetime(&begin).earliest()?.to_utc())
            }),
        }
    };
    if let Some(since) = ago(text, current) {
        return Ok(since);
    }
    let moment = exact().or_else(date).and_then(Time::new);
    moment.map(Since::from).ok_or_else(|| error(text))
}

/// Parses a duration, and returns the time that long ago.
fn ago(text: &str, current: &CurrentTime) -> Option<Since> {
    let ago = chrono::TimeDelta::from_std(settings::duration(text)?).ok()?;
    let moment = current.now.checked_sub_signed(ago)?;
    let (local, clocks) = (Time::new(moment)?, Arc::clone(&current.clocks));
    Some(Since::new(move || {
        Time::new(clocks.correct(moment)).unwrap_or(local)
    }))
}

fn error(text: &str) -> Problem {
    const EXAMPLES: &str = "use e.g. 2h, 1d, 2026-01-02 or 2026-01-02T03:04:05+08:00";
    match parse_duration("--since", text) {
        Err(problem) if settings::is_almost_duration(text) => problem,
        _ => {
            let expected = "expected a duration, a date, or a time with an offset";
            settings::invalid_value("--since", text, expected).with_hint(EXAMPLES)
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;
    use crate::http::ResponseInfo;

    fn current_time() -> CurrentTime {
        CurrentTime {
            now: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            clocks: Arc::default(),
        }
    }

    fn parse(text: &str) -> Option<String> {
        let since = parse_since(text, &current_time(), Zone::Utc).ok()?;
        Some(since.time().rfc3339())
    }

    #[test]
    fn since_takes_a_duration_a_date_or_a_time_with_an_offset() {
        assert_eq!(parse("2h").as_deref(), Some("2023-11-14T20:13:20Z"));
        assert_eq!(parse("2026-01-02").as_deref(), Some("2026-01-02T00:00:00Z"));
        let fixed = Zone::Fixed(FixedOffset::east_opt(8 * 3600).unwrap());
        let date = parse_since("2026-01-02", &current_time(), fixed).unwrap();
        assert_eq!(date.time().rfc3339(), "2026-01-01T16:00:00Z");
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

    #[test]
    fn a_duration_is_counted_from_the_server_time_and_a_date_is_fixed() {
        let current = current_time();
        let parse = |text| parse_since(text, &current, Zone::Utc).unwrap();
        let (ago, date) = (parse("2h"), parse("2026-01-02"));
        current.clocks.record(&ResponseInfo {
            host: "h:1".to_owned(),
            is_https: true,
            operation: "Get",
            status: 200,
            clock_ahead_seconds: Some(-2_592_000),
            html_page: None,
            server: None,
        });
        assert_eq!(ago.time().rfc3339(), "2023-10-15T20:13:20Z");
        assert_eq!(date.time().rfc3339(), "2026-01-02T00:00:00Z");
    }

    #[test]
    fn an_invalid_duration_or_date_is_an_error_with_a_hint() {
        for (text, words, hint) in [
            ("30", "missing unit", "30s or 30m"),
            ("1.5d", "fractions", "1d12h"),
            ("30min", "unknown unit", "30m"),
            ("-2h", "negative", "e.g."),
            ("2026-13-02", "a date", "2026-01-02"),
            ("yesterday", "a date", "2026-01-02"),
        ] {
            let problem = parse_since(text, &current_time(), Zone::Utc).unwrap_err();
            assert!(
                problem.message.contains(words),
                "{text}: {}",
                problem.message
            );
            let given = problem.hint.unwrap();
            assert!(given.contains(hint), "{text}: {given}");
        }
    }
}
