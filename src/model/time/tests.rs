use super::*;
use chrono::SecondsFormat;
use proptest::prelude::*;

fn shown(time: Option<Time>) -> Option<String> {
    time.map(Time::rfc3339)
}

#[test]
fn distinguishes_seconds_from_milliseconds_by_size() {
    let seconds = shown(Time::from_unix(1_647_423_718));
    assert_eq!(seconds.as_deref(), Some("2022-03-16T09:41:58Z"));
    let milliseconds = shown(Time::from_unix(1_663_831_441_000));
    assert_eq!(milliseconds.as_deref(), Some("2022-09-22T07:24:01Z"));
    assert_eq!(Time::from_unix(0), None);
    assert_eq!(Time::from_unix(i64::MAX), None);
}

#[test]
fn reads_a_time_in_every_usual_format() {
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
fn an_unset_or_invalid_time_is_none() {
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
fn distinguishes_an_unset_time_from_an_unreadable_one() {
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
fn reads_local_times_at_their_offset_and_zeros_as_unset() {
    let time = Time::from_text("2022-05-11 19:30:34", 8 * 3600);
    assert_eq!(shown(time).as_deref(), Some("2022-05-11T11:30:34Z"));
    assert_eq!(Time::from_text("0000-00-00 00:00:00", 0), None);
    assert_eq!(Time::from_text("--", 0), None);
}

#[test]
fn rejects_years_outside_of_rfc_3339() {
    assert_eq!(Time::from_rfc3339("+10000-01-01T00:00:00Z"), None);
    assert_eq!(Time::from_text("12345-01-01 00:00:00", 0), None);
}

proptest! {
    #[test]
    fn every_time_is_written_like_chrono_and_z_is_read_like_an_offset(
        seconds in -62_135_596_800_i64..=253_402_300_799,
        digits in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    ) {
        let moment = DateTime::from_timestamp(seconds, 0).unwrap();
        let written = Time::new(moment).unwrap().rfc3339();
        prop_assert_eq!(&written, &moment.to_rfc3339_opts(SecondsFormat::Secs, true));
        for text in [written, digits] {
            let with_offset = TimeText::parse(&text.replace('Z', "+00:00"));
            if !matches!(with_offset, TimeText::Unreadable(_)) {
                prop_assert_eq!(TimeText::parse(&text), with_offset);
            }
        }
    }
}
