use std::time::Duration;

/// The longest duration that is read: 100 years of 365 days, so that none overflows a clock.
const MAX_DURATION: Duration = Duration::from_secs(36_500 * 86_400);

/// Reads `90s`, `15m`, `2h30m`, `1d`, `500ms` or `0`; a bare number other than 0 and more than 100
/// years (36500d) are refused.
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
        let one = match unit {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _ => return None,
        };
        total = total.checked_add(one.checked_mul(number)?)?;
    }
    (!text.is_empty() && total <= MAX_DURATION).then_some(total)
}

/// Reads a size in bytes: `64MiB`, `512KiB`, `1GiB` or `1048576B`.
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

/// Reads `+08:00`, `-0530`, `+8` or `Z` as seconds east of UTC.
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
    fn durations_carry_a_unit() {
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
    fn sizes_carry_a_unit() {
        assert_eq!(byte_size("64MiB"), Some(64 << 20));
        assert_eq!(byte_size("10B"), Some(10));
        for wrong in ["", "64", "64MB", "MiB", "99999999999999999999GiB"] {
            assert_eq!(byte_size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn offsets_are_read_as_people_write_them() {
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
        }
    }
}
