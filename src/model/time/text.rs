//! Parses the formats in which servers write times.

use std::borrow::Cow;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::Time;

/// A time in a server's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TimeText {
    /// Not set: zeros, or a placeholder such as a date of year 1 or 1970-01-01.
    #[default]
    Unset,
    /// A time with a zone.
    Zoned(Time),
    /// A date and a time without a zone.
    Local(NaiveDateTime),
    /// Any other text.
    Unreadable(String),
}

impl TimeText {
    /// Parses RFC 3339; ISO 8601 with `+0800` or `+08`, without seconds, or in compact digits; a named zone (`UTC`,
    /// `GMT`, `CST`); the default formats of Go, Java and C; RFC 2822; local time with `-` or `/`; and Unix times
    /// in seconds, milliseconds, microseconds or nanoseconds.
    pub fn parse(text: &str) -> Self {
        if let Some(moment) = rfc3339_utc(text).filter(|moment| !is_placeholder(*moment))
            && let Some(time) = Time::new(moment)
        {
            return Self::Zoned(time);
        }
        let original = text.trim();
        let normalized = normalized(original);
        let text = &*normalized;
        let readers = [with_zone, unix, go, java, with_named_zone];
        if is_zero(text) {
            Self::Unset
        } else if let Some(moment) = readers.iter().find_map(|read| read(text)) {
            match (is_placeholder(moment), Time::new(moment)) {
                (true, _) => Self::Unset,
                (false, Some(time)) => Self::Zoned(time),
                (false, None) => Self::Unreadable(original.to_owned()),
            }
        } else {
            match without_zone(text) {
                Some(wall) if is_placeholder(wall.and_utc()) => Self::Unset,
                Some(wall) if wall.year() <= 9999 => Self::Local(wall),
                _ => Self::Unreadable(original.to_owned()),
            }
        }
    }

    /// Returns the time; one without a zone is `offset_seconds` east of UTC.
    pub fn at(&self, offset_seconds: i32) -> Option<Time> {
        match self {
            Self::Unset | Self::Unreadable(_) => None,
            Self::Zoned(time) => Some(*time),
            Self::Local(wall) => {
                let zone = FixedOffset::east_opt(offset_seconds)?;
                Time::new(wall.and_local_timezone(zone).single()?.to_utc())
            }
        }
    }
}

/// Removes the zone name that Java writes after the offset, and replaces the comma before a fraction by a point:
/// `2024-01-02T15:04:05,999+08:00[Asia/Shanghai]`.
fn normalized(text: &str) -> Cow<'_, str> {
    let named = text.strip_suffix(']').and_then(|rest| rest.split_once('['));
    let text = match named {
        Some((moment, _)) if !moment.is_empty() => moment,
        _ => text,
    };
    match text.split_once(',') {
        Some((moment, fraction)) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{moment}.{fraction}").into()
        }
        _ => text.into(),
    }
}

/// Returns `true` if a text means that no time is set: zeros, invalid dates of year 0, placeholder dates without a
/// time, -1, and Unix times before 1970.
fn is_zero(text: &str) -> bool {
    const MIN_DIGITS: usize = 5;
    let is_negative = |digits: &str| {
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number && (digits == "1" || digits.len() >= MIN_DIGITS)
    };
    text.is_empty()
        || text.parse() == Ok(0.0)
        || ["0000-", "0000/"].iter().any(|year| text.starts_with(year))
        || text.strip_prefix('-').is_some_and(is_negative)
        || midnight(text).is_some_and(is_placeholder)
}

/// Parses a date without a time of day as the beginning of the day.
fn midnight(text: &str) -> Option<DateTime<Utc>> {
    const DATE_LEN: usize = 10;
    let mut forms = ["%Y-%m-%d", "%Y/%m/%d"].iter();
    let date = (text.len() == DATE_LEN)
        .then(|| forms.find_map(|form| NaiveDate::parse_from_str(text, form).ok()));
    Some(date??.and_time(NaiveTime::MIN).and_utc())
}

/// Returns `true` if a date is the placeholder of a language or database for a missing one: the years 1, 1601, 1753,
/// 1900 and the like, and the first days of 1970 in any zone.
fn is_placeholder(moment: DateTime<Utc>) -> bool {
    const TWO_DAYS: i64 = 2 * 86_400;
    moment.timestamp() < TWO_DAYS
}

/// Parses `2024-01-02T15:04:05Z`, the most common form. chrono takes ten times as long.
fn rfc3339_utc(text: &str) -> Option<DateTime<Utc>> {
    let text: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let signs = [text[4], text[7], text[10], text[13], text[16], text[19]];
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0, |number, digit| {
            let digit = char::from(*digit).to_digit(10)?;
            Some(10 * number + digit)
        })
    };
    let year = number(0, 4).filter(|_| signs == *b"--T::Z")?;
    let date = NaiveDate::from_ymd_opt(year.try_into().ok()?, number(5, 7)?, number(8, 10)?)?;
    let moment = date.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    Some(moment.and_utc())
}

fn with_zone(text: &str) -> Option<DateTime<Utc>> {
    const FORMS: [&str; 6] = [
        "%Y-%m-%dT%H:%M%#z",
        "%Y-%m-%d %H:%M %#z",
        "%Y-%m-%dT%H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f %#z",
        "%Y/%m/%d %H:%M:%S%.f %#z",
    ];
    let other = || {
        let mut forms = FORMS.iter();
        forms.find_map(|form| DateTime::parse_from_str(text, form).ok())
    };
    let rfc2822 = || DateTime::parse_from_rfc2822(text).ok();
    let moment = DateTime::parse_from_rfc3339(text).ok().or_else(other);
    Some(moment.or_else(rfc2822)?.to_utc())
}

/// Parses `2024-01-02 15:04:05.999 +0800 CST m=+0.01`, the format of Go.
fn go(text: &str) -> Option<DateTime<Utc>> {
    let (end, _) = text.match_indices(' ').nth(2)?;
    let (moment, name) = text.split_at(end);
    let is_name = |c: char| c.is_ascii_alphanumeric() || " +-=.".contains(c);
    let moment = DateTime::parse_from_str(moment, "%Y-%m-%d %H:%M:%S%.f %z").ok();
    Some(moment.filter(|_| name.chars().all(is_name))?.to_utc())
}

/// On servers of Chinese clouds, CST means China Standard Time.
const CHINA: (&str, i32) = ("CST", 8);

/// Parses `Tue Jan 02 15:04:05 CST 2024`, the format of Java.
fn java(text: &str) -> Option<DateTime<Utc>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [day, month, date, clock, zone, year] = words[..] else {
        return None;
    };
    let offset = match zone {
        "UTC" | "GMT" | "Z" => "+0000",
        _ if zone == CHINA.0 => "+0800",
        _ => zone.strip_prefix("GMT").or(zone.strip_prefix("UTC"))?,
    };
    let text = format!("{day} {month} {date} {clock} {offset} {year}");
    let moment = DateTime::parse_from_str(&text, "%a %b %d %H:%M:%S %#z %Y");
    Some(moment.ok()?.to_utc())
}

/// Parses `2024-01-02 15:04:05 UTC`, and every format without a zone followed by `Z`.
fn with_named_zone(text: &str) -> Option<DateTime<Utc>> {
    const ZONES: [(&str, i32); 4] = [("UTC", 0), ("GMT", 0), ("Z", 0), CHINA];
    ZONES.iter().find_map(|(name, hours)| {
        let wall = without_zone(text.strip_suffix(name)?.trim_end())?;
        let zone = FixedOffset::east_opt(hours * 3600)?;
        Some(wall.and_local_timezone(zone).single()?.to_utc())
    })
}

fn without_zone(text: &str) -> Option<NaiveDateTime> {
    const FORMS: [&str; 7] = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y/%m/%d %H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y/%m/%d %H:%M",
        // Format of C's `asctime`.
        "%a %b %e %H:%M:%S %Y",
    ];
    // chrono would read all digits as the year 20260102.
    let (date, time) = text.split_at_checked(8).unwrap_or((text, ""));
    let time = time.strip_prefix('T').unwrap_or(time);
    let mut digits = date.bytes().chain(time.bytes());
    if time.len() == 6 && digits.all(|byte| byte.is_ascii_digit()) {
        return NaiveDateTime::parse_from_str(&format!("{date}{time}"), "%Y%m%d%H%M%S").ok();
    }
    FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

/// Parses a Unix time, whose unit depends on the number of digits. Fewer than 10 digits are ambiguous.
fn unix(text: &str) -> Option<DateTime<Utc>> {
    let seconds = text.split_once('.').map_or(text, |(seconds, _)| seconds);
    let rest = text.get(seconds.len() + 1..).unwrap_or_default();
    if !seconds
        .bytes()
        .chain(rest.bytes())
        .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let number: i64 = seconds.parse().ok()?;
    match seconds.len() {
        10 | 11 => DateTime::from_timestamp(number, 0),
        12 | 13 => DateTime::from_timestamp_millis(number),
        16 => DateTime::from_timestamp_micros(number),
        19 => Some(DateTime::from_timestamp_nanos(number)),
        _ => None,
    }
}
