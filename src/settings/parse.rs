use std::fmt::Display;
use std::time::Duration;

use crate::error::Problem;
use crate::secret::quotable;

/// Maximum duration: 100 years of 365 days, so that no clock overflows.
const MAX_DURATION: Duration = Duration::from_secs(36_500 * 86_400);

/// Parses `90s`, `15m`, `2h30m`, `1d`, `500ms` or `0`. Rejects a number without a unit other than 0, and more than
/// 100 years (36500d).
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u32 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = &rest[..rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len())];
        rest = &rest[unit.len()..];
        let unit_duration = match unit {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _ => return None,
        };
        total = total.checked_add(unit_duration.checked_mul(number)?)?;
    }
    (!text.is_empty() && total <= MAX_DURATION).then_some(total)
}

/// Parses the duration of an option or a key.
///
/// # Errors
/// A usage error with the reason and the expected form.
pub fn parse_duration(name: &str, text: &str) -> Result<Duration, Problem> {
    duration(text).ok_or_else(|| {
        let (reason, hint) = duration_error(text.trim());
        invalid_value(name, text, reason).with_hint(hint)
    })
}

/// Returns a usage error about the value of an option or a key.
pub fn invalid_value(name: &str, text: &str, reason: impl Display) -> Problem {
    let text = quotable(text);
    Problem::usage(format!("invalid value '{text}' for {name}: {reason}"))
}

/// Returns `true` if a text looks like a duration and not like a date.
pub fn is_almost_duration(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix('-').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['-', ':', '/'])
}

/// Returns the reason why a text is not a duration, and a hint with the correct form.
fn duration_error(text: &str) -> (&'static str, String) {
    const EXAMPLES: &str = "use e.g. 90s, 15m, 2h30m or 1d";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if text.starts_with('-') && text[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return ("a duration cannot be negative", EXAMPLES.to_owned());
    }
    if !number.is_empty() && rest.is_empty() {
        return ("missing unit", format!("did you mean {text}s or {text}m?"));
    }
    if rest.starts_with(['.', ',']) {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || ".,".contains(c));
        let amount: Option<f64> = text[..text.len() - unit.len()]
            .replace(',', ".")
            .parse()
            .ok();
        let hint = amount.and_then(|amount| whole_units(amount, unit));
        let hint = hint.map_or_else(|| EXAMPLES.to_owned(), |text| format!("use {text}"));
        return ("fractions are not supported", hint);
    }
    corrected_units(text).unwrap_or_else(|| {
        let reason = "expected a duration of at most 100 years with units of ms, s, m, h or d";
        (reason, EXAMPLES.to_owned())
    })
}

/// Units in the forms that users write.
const UNITS: [(&str, &[&str]); 6] = [
    ("ms", &["ms", "毫秒"]),
    ("s", &["s", "sec", "secs", "second", "seconds", "秒"]),
    (
        "m",
        &["m", "min", "mins", "minute", "minutes", "分", "分钟"],
    ),
    ("h", &["h", "hr", "hrs", "hour", "hours", "小时"]),
    ("d", &["d", "day", "days", "天"]),
    ("w", &["w", "wk", "week", "weeks", "周"]),
];

/// Returns the reason why the units of a duration are invalid, and a hint with the correct ones.
fn corrected_units(text: &str) -> Option<(&'static str, String)> {
    let (mut rest, mut corrected, mut last) = (text, String::new(), "");
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let mut number: u32 = number.parse().ok()?;
        let end = tail.find(|c: char| c.is_ascii_digit());
        let (word, tail) = tail.split_at(end.unwrap_or(tail.len()));
        let word = word.trim().to_lowercase();
        let known = UNITS.iter().find(|(_, words)| words.contains(&&*word));
        last = match (word.as_str(), known, last) {
            ("", _, "d") => "h",
            ("", _, "h") => "m",
            ("", _, "m") => "s",
            (_, Some(("w", _)), _) => {
                number = number.checked_mul(7)?;
                "d"
            }
            (_, Some((unit, _)), _) => unit,
            _ => return None,
        };
        corrected.push_str(&format!("{number}{last}"));
        rest = tail;
        if word.is_empty() {
            let hint = format!("did you mean {corrected}?");
            return duration(&corrected).map(|_| ("missing unit", hint));
        }
    }
    duration(&corrected)?;
    Some(("unknown unit", format!("use {corrected}")))
}

/// Converts a fraction such as `1.5` of `h` to `1h30m`.
fn whole_units(amount: f64, unit: &str) -> Option<String> {
    let unit = Some(unit).filter(|unit| unit.bytes().all(|byte| byte.is_ascii_alphabetic()))?;
    let seconds = duration(&format!("1{unit}"))?.as_secs_f64() * amount;
    let seconds = seconds.round().min(MAX_DURATION.as_secs_f64()) as u64;
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let text: String = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    (!text.is_empty()).then_some(text)
}

/// Parses a size in bytes: `64MiB`, `512KiB`, `1GiB` or `1048576B`.
pub fn byte_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Parses `+08:00`, `-0530`, `+8` or `Z` as seconds east of UTC.
pub fn utc_offset(text: &str) -> Option<i32> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    if !rest.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 => rest.split_at(2),
        None => (rest, "0"),
    };
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && minutes < 60)
        .then(|| sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_require_a_unit_unless_zero() {
        assert_eq!(duration("2h30m"), Some(Duration::from_secs(9000)));
        assert_eq!(duration("1d"), Some(Duration::from_secs(86_400)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("0"), Some(Duration::ZERO));
        for wrong in [
            "",
            "5",
            "5x",
            "m",
            "-5s",
            "1.5h",
            "5s5",
            "99999999999s",
            "4294967295d",
            "36500d1ms",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(duration("36500d"), Some(MAX_DURATION));
    }

    #[test]
    fn an_invalid_duration_has_a_reason_and_a_hint() {
        for (text, reason, hint) in [
            ("30", "missing unit", "did you mean 30s or 30m?"),
            ("1.5h", "fractions are not supported", "use 1h30m"),
            ("0.5d", "fractions are not supported", "use 12h"),
            ("1,5m", "fractions are not supported", "use 1m30s"),
            (
                "0.0001s",
                "fractions are not supported",
                "use e.g. 90s, 15m, 2h30m or 1d",
            ),
            ("30min", "unknown unit", "use 30m"),
            ("2 Hours", "unknown unit", "use 2h"),
            ("10S", "unknown unit", "use 10s"),
            (
                "-5m",
                "a duration cannot be negative",
                "use e.g. 90s, 15m, 2h30m or 1d",
            ),
            (
                "soon",
                "expected a duration of at most 100 years with units of ms, s, m, h or d",
                "use e.g. 90s, 15m, 2h30m or 1d",
            ),
            (
                "100y",
                "expected a duration of at most 100 years with units of ms, s, m, h or d",
                "use e.g. 90s, 15m, 2h30m or 1d",
            ),
            (
                "40000d",
                "expected a duration of at most 100 years with units of ms, s, m, h or d",
                "use e.g. 90s, 15m, 2h30m or 1d",
            ),
        ] {
            let problem = parse_duration("--timeout", text).unwrap_err();
            assert_eq!(
                problem.message,
                format!("invalid value '{text}' for --timeout: {reason}")
            );
            assert_eq!(problem.hint.as_deref(), Some(hint), "{text}");
        }
    }

    #[test]
    fn sizes_require_a_unit() {
        assert_eq!(byte_size("64MiB"), Some(64 << 20));
        assert_eq!(byte_size("10B"), Some(10));
        for wrong in ["", "64", "64MB", "MiB", "99999999999999999999GiB"] {
            assert_eq!(byte_size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn utc_offsets_are_read_in_the_usual_spellings() {
        assert_eq!(utc_offset("+08:00"), Some(28_800));
        assert_eq!(utc_offset("-0530"), Some(-19_800));
        assert_eq!(utc_offset("+8"), Some(28_800));
        assert_eq!(utc_offset("Z"), Some(0));
        for wrong in [
            "",
            "8",
            "+25:00",
            "+08:60",
            "+",
            "你好",
            "+99999999",
            "+0:99999999999",
        ] {
            assert_eq!(utc_offset(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_number_overflows(
            sign in "[+-]",
            hours in "[0-9]{1,22}",
            minutes in "[0-9]{1,22}",
            unit in "ms|s|m|h|d|B|KiB|MiB|GiB",
        ) {
            if let Some(seconds) = utc_offset(&format!("{sign}{hours}:{minutes}")) {
                prop_assert!(seconds.abs() < 15 * 3600);
            }
            utc_offset(&format!("{sign}{hours}"));
            if let Some(time) = duration(&format!("{hours}{unit}{minutes}{unit}")) {
                prop_assert!(time <= MAX_DURATION);
            }
            byte_size(&format!("{hours}{unit}"));
            let _ = parse_duration("", &format!("{hours}.{minutes}{unit}"));
        }
    }
}
