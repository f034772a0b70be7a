use std::borrow::Cow;

use chrono::{
    DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// A moment in UTC, shown as RFC 3339 in whole seconds with `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(DateTime<Utc>);

impl Time {
    /// The moment; `None` outside the years 1 to 9999, which RFC 3339 cannot write. A leap second is the
    /// second after it, since few programs read one.
    pub fn new(moment: DateTime<Utc>) -> Option<Self> {
        let in_leap_second = moment.timestamp_subsec_nanos() >= 1_000_000_000;
        let moment = match in_leap_second {
            true => DateTime::from_timestamp(moment.timestamp() + 1, 0)?,
            false => moment,
        };
        (1..=9999).contains(&moment.year()).then_some(Self(moment))
    }

    /// From a Unix time in seconds, or in milliseconds when it is 100,000,000,000 or more;
    /// 0 means "not set".
    pub fn from_unix(value: i64) -> Option<Self> {
        const MILLISECONDS_FROM: i64 = 100_000_000_000;
        let moment = match value {
            i64::MIN..=0 => return None,
            MILLISECONDS_FROM.. => DateTime::from_timestamp_millis(value),
            _ => DateTime::from_timestamp(value, 0),
        };
        moment.and_then(Self::new)
    }

    /// From RFC 3339 or any other form that [`TimeText`] reads; a missing zone is taken as UTC.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        Self::from_text(text, 0)
    }

    /// From any form that [`TimeText`] reads. Text without a zone is taken at `offset_seconds` east of
    /// UTC. `None` for anything else, and for what means "not set".
    pub fn from_text(text: &str, offset_seconds: i32) -> Option<Self> {
        TimeText::parse(text).at(offset_seconds)
    }

    /// Whole seconds from `earlier` to this moment, rounded down.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).num_milliseconds().div_euclid(1000)
    }

    /// The moment as chrono has it.
    pub fn to_datetime(self) -> DateTime<Utc> {
        self.0
    }

    /// `2026-01-02T03:04:05Z`
    pub fn rfc3339(self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// What a server's text of a time says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TimeText {
    /// Nothing: zeros, or a date that stands for a missing one, such as one of year 1 or 1970-01-01.
    #[default]
    Unset,
    /// A moment.
    Zoned(Time),
    /// A date and a time of day without a zone.
    Local(NaiveDateTime),
    /// Anything else.
    Unreadable(String),
}

impl TimeText {
    /// Reads the forms that servers write times in: RFC 3339, ISO 8601 with `+0800` or `+08`, without
    /// seconds, or in compact digits, a zone by its name (`UTC`, `GMT`, `CST`), Go's, Java's and C's
    /// default texts, RFC 2822, wall-clock text with `-` or `/`, and Unix times in seconds,
    /// milliseconds, microseconds or nanoseconds.
    pub fn parse(text: &str) -> Self {
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

    /// The time; one without a zone is so many seconds east of UTC.
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

/// The text without the name of the zone that Java writes after its offset, and with a point before a
/// fraction: `2024-01-02T15:04:05,999+08:00[Asia/Shanghai]`.
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

/// True for zeros, for dates that no calendar has, and for what stands for no time: placeholders without
/// a time of day, and as Unix times, -1 and those before 1970.
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

/// The beginning of a day that has no time of day.
fn midnight(text: &str) -> Option<DateTime<Utc>> {
    const DATE_LEN: usize = 10;
    let mut forms = ["%Y-%m-%d", "%Y/%m/%d"].iter();
    let date = (text.len() == DATE_LEN)
        .then(|| forms.find_map(|form| NaiveDate::parse_from_str(text, form).ok()));
    Some(date??.and_time(NaiveTime::MIN).and_utc())
}

/// True for the dates that languages and databases have in the place of a missing one: those of the
/// years 1, 1601, 1753, 1900 and the like, and the first days of 1970 in any zone.
fn is_placeholder(moment: DateTime<Utc>) -> bool {
    const TWO_DAYS: i64 = 2 * 86_400;
    moment.timestamp() < TWO_DAYS
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

/// `2024-01-02 15:04:05.999 +0800 CST m=+0.01`, as Go prints times.
fn go(text: &str) -> Option<DateTime<Utc>> {
    let (end, _) = text.match_indices(' ').nth(2)?;
    let (moment, name) = text.split_at(end);
    let is_name = |c: char| c.is_ascii_alphanumeric() || " +-=.".contains(c);
    let moment = DateTime::parse_from_str(moment, "%Y-%m-%d %H:%M:%S%.f %z").ok();
    Some(moment.filter(|_| name.chars().all(is_name))?.to_utc())
}

/// On servers of Chinese clouds it is China Standard Time.
const CHINA: (&str, i32) = ("CST", 8);

/// `Tue Jan 02 15:04:05 CST 2024`, as Java prints times.
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

/// `2024-01-02 15:04:05 UTC`, and every form without a zone that `Z` follows.
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
        // As `asctime` of C writes it.
        "%a %b %e %H:%M:%S %Y",
    ];
    // chrono reads a date as long as there are digits, and would take these for the year 20260102.
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

/// A Unix time as text, with its unit by the number of digits; fewer than 10 may be anything.
fn unix(text: &str) -> Option<DateTime<Utc>> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let rest = text.get(whole.len() + 1..).unwrap_or_default();
    if !whole
        .bytes()
        .chain(rest.bytes())
        .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 | 11 => DateTime::from_timestamp(number, 0),
        12 | 13 => DateTime::from_timestamp_millis(number),
        16 => DateTime::from_timestamp_micros(number),
        19 => Some(DateTime::from_timestamp_nanos(number)),
        _ => None,
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
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
mod tests {
    use super::*;

    fn shown(time: Option<Time>) -> Option<String> {
        time.map(Time::rfc3339)
    }

    #[test]
    fn tells_seconds_from_milliseconds_by_size() {
        let seconds = shown(Time::from_unix(1_647_423_718));
        assert_eq!(seconds.as_deref(), Some("2022-03-16T09:41:58Z"));
        let milliseconds = shown(Time::from_unix(1_663_831_441_000));
        assert_eq!(milliseconds.as_deref(), Some("2022-09-22T07:24:01Z"));
        assert_eq!(Time::from_unix(0), None);
        assert_eq!(Time::from_unix(i64::MAX), None);
    }

    #[test]
    fn reads_one_moment_in_every_usual_form() {
        for text in [
            "2024-05-20T10:39:49Z",
            "2024-05-20T18:39:49+08:00",
            "2024-05-20T18:39:49.000+0800",
            "2024-05-20T18:39:49+08",
            "2024-05-20 18:39:49 +0800",
            "2024-05-20 18:39:49+08:00",
            "2024/05/20 18:39:49 +0800",
            "2024-05-20 18:39:49",
            "2024-05-20T18:39:49.5",
            "2024/05/20 18:39:49",
            "20240520183949",
            "1716201589",
            "1716201589.75",
            "1716201589000",
            "1716201589000000",
            "1716201589000000000",
            "2024-05-20 10:39:49.5 +0000 UTC",
            "2024-05-20 18:39:49 +0800 CST m=+0.012",
            "2024-05-20 18:39:49 +0800 +0800",
            "Mon May 20 18:39:49 CST 2024",
            "Mon May 20 10:39:49 UTC 2024",
            "Mon May 20 18:39:49 GMT+08:00 2024",
            "Mon, 20 May 2024 10:39:49 GMT",
            "2024-05-20 10:39:49 UTC",
            "2024-05-20T10:39:49.123 GMT",
            "2024-05-20 18:39:49 CST",
            "2024-05-20T10:39:49,123Z",
            "2024-05-20 18:39:49,5",
            "2024-05-20T18:39:49+08:00[Asia/Shanghai]",
            "2024-05-20T10:39:49Z[UTC]",
            "Mon May 20 18:39:49 2024",
            "20240520T103949Z",
            "20240520T183949",
        ] {
            let time = shown(Time::from_text(text, 8 * 3600));
            assert_eq!(time.as_deref(), Some("2024-05-20T10:39:49Z"), "{text}");
        }
        for text in [
            "2024-05-20 18:39",
            "2024-05-20T10:39Z",
            "2024-05-20T18:39+08:00",
            "2024-05-20T18:39+0800",
            "2024-05-20 18:39 +08:00",
            "2024-05-20T10:38:60Z",
            "2024-05-20 18:38:60",
        ] {
            let time = shown(Time::from_text(text, 8 * 3600));
            assert_eq!(time.as_deref(), Some("2024-05-20T10:39:00Z"), "{text}");
        }
        let day = Time::from_text("Thu Jan  2 15:04:05 2020", 0);
        assert_eq!(shown(day).as_deref(), Some("2020-01-02T15:04:05Z"));
    }

    #[test]
    fn what_is_not_set_or_no_time_is_none() {
        for text in [
            "",
            "--",
            "0",
            "5",
            "20240520",
            "1.",
            ".",
            "1716201589.x",
            "-1716201589",
            "0001-01-01T00:00:00Z",
            "0000-00-00 00:00:00",
            "1970-01-01T00:00:00Z",
            "1970-01-01 08:00:00",
            "99999999999999999999",
            "昨天",
            "2024-13-01 00:00:00",
        ] {
            assert_eq!(Time::from_text(text, 8 * 3600), None, "{text}");
        }
    }

    #[test]
    fn tells_a_time_that_is_not_set_from_one_that_cannot_be_read() {
        for text in [
            "",
            " 0 ",
            "0000-00-00 00:00:00",
            "0001-01-01T00:00:00Z",
            "0001/01/01 08:05:43",
            "0001-01-01 00:00:00 +0000 UTC",
            "1601-01-01T00:00:00Z",
            "1753-01-01 00:00:00",
            "1900-01-01T00:00:00+08:00",
            "1970-01-01T00:00:00Z",
            "1970-01-01 08:00:00",
            "Thu Jan 01 08:00:00 CST 1970",
            "0000000001",
            "-1",
            "-62135596800",
            "-62135596800000",
            "0001-01-01",
            "1900/01/01",
            "1970-01-01",
            "0.0",
            "-28800",
            "-2208988800",
            "1970-01-01 00:00:00 UTC",
            "1970-01-01T00:00Z",
        ] {
            assert_eq!(TimeText::parse(text), TimeText::Unset, "{text}");
        }
        for text in [
            "--",
            "昨天",
            "00:05",
            "1",
            "0001",
            "-7",
            "20240520",
            "2024-05-20",
            "12345-01-01 00:00:00",
            "2024-05-20T10:39:49,Z",
            "[UTC]",
            "UTC",
            "Z",
        ] {
            let unreadable = TimeText::Unreadable(text.to_owned());
            assert_eq!(TimeText::parse(text), unreadable);
        }
    }

    #[test]
    fn reads_fractions_of_any_length_and_a_missing_zone_as_utc() {
        for text in [
            "2024-05-20T10:39:49.61Z",
            "2024-05-20T10:39:49",
            "2024-05-20T18:39:49.123456789+08:00\n",
        ] {
            assert_eq!(
                shown(Time::from_rfc3339(text)).as_deref(),
                Some("2024-05-20T10:39:49Z")
            );
        }
    }

    #[test]
    fn reads_wall_clocks_at_their_offset_and_zeros_as_not_set() {
        let time = Time::from_text("2022-05-11 19:30:34", 8 * 3600);
        assert_eq!(shown(time).as_deref(), Some("2022-05-11T11:30:34Z"));
        assert_eq!(Time::from_text("0000-00-00 00:00:00", 0), None);
        assert_eq!(Time::from_text("--", 0), None);
    }

    #[test]
    fn refuses_years_that_rfc_3339_cannot_write() {
        assert_eq!(Time::from_rfc3339("+10000-01-01T00:00:00Z"), None);
        assert_eq!(Time::from_text("12345-01-01 00:00:00", 0), None);
    }
}
