//! Words of the options, and filters in words.

use chrono::{DateTime, Local, NaiveDate, NaiveTime, TimeZone as _};
use glob::Pattern;

use crate::error::Problem;
use crate::model::{State, Time};
use crate::output::Zone;
use crate::providers::Filter;
use crate::settings;

/// The states of what is on its way.
pub(super) const ACTIVE: [State; 4] = [
    State::Pending,
    State::Starting,
    State::Running,
    State::Stopping,
];

/// # Errors
/// Wrong use, with the nearest word.
pub(super) fn state(word: &str) -> Result<State, Problem> {
    let lower = word.trim().to_ascii_lowercase();
    State::from_word(&lower).ok_or_else(|| {
        let nearest = State::ALL
            .into_iter()
            .min_by_key(|state| strsim::damerau_levenshtein(state.word(), &lower))
            .map_or("", State::word);
        let all = State::ALL.map(State::word).join(", ");
        Problem::usage(format!("--state: there is no state “{word}”"))
            .hint(format!("the nearest is {nearest}; known are {all}"))
    })
}

/// # Errors
/// Wrong use, saying what is wrong with the pattern.
pub(super) fn pattern(text: &str) -> Result<Pattern, Problem> {
    Pattern::new(text).map_err(|error| {
        Problem::usage(format!("--name {text}: {}", error.msg)).hint(
            "* stands for any text, ? for one character, [ab] for one of several; [[] is a bracket",
        )
    })
}

/// A moment: so long ago, the midnight a date begins with, or a time with its offset.
///
/// # Errors
/// Wrong use.
pub(super) fn moment(text: &str, now: Time, zone: Zone) -> Result<Time, Problem> {
    let ago = || {
        let ago = chrono::TimeDelta::from_std(settings::duration(text)?).ok()?;
        now.moment().checked_sub_signed(ago)
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
                "--since {text}: a time ago with its unit, a date, or a time with its offset was expected"
            ))
            .hint("write 2h, 1d, 2026-01-02 or 2026-01-02T03:04:05+08:00")
        })
}

/// What a filter asks for, in words; `None` where everything passes.
pub(super) fn asked_for(filter: &Filter) -> Option<String> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.word()).collect();
    let states = match filter.states == ACTIVE {
        true => Some("active".to_owned()),
        false => (!states.is_empty()).then(|| format!("state {}", states.join(" or "))),
    };
    let part = |name: &str, text: Option<&str>| text.map(|text| format!("{name} {text}"));
    let since = filter.since.map(Time::rfc3339);
    let parts: Vec<String> = [
        states,
        part("name", filter.name.as_ref().map(Pattern::as_str)),
        part("user", filter.user.as_deref()),
        part("queue", filter.queue.as_deref()),
        part("since", since.as_deref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let now = Time::from_unix(1_700_000_000).unwrap();
        moment(text, now, Zone::Utc).ok().map(Time::rfc3339)
    }

    #[test]
    fn a_moment_is_a_time_ago_a_date_or_a_time_with_its_offset() {
        assert_eq!(read("2h").as_deref(), Some("2023-11-14T20:13:20Z"));
        assert_eq!(read("2026-01-02").as_deref(), Some("2026-01-02T00:00:00Z"));
        let exact = read("2026-01-02T03:04:05+08:00");
        assert_eq!(exact.as_deref(), Some("2026-01-01T19:04:05Z"));
        for wrong in [
            "",
            "2",
            "yesterday",
            "2026-01-02T03:04:05",
            "9999999d",
            "2026-13-01",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wrong_state_names_the_nearest() {
        let problem = state("runing").unwrap_err();
        assert!(problem.hint.unwrap().starts_with("the nearest is running"));
    }
}
