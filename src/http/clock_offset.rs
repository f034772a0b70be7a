//! Compares the local clock with those of servers, for signing, ages and expiry.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

use super::ResponseInfo;
use crate::model::Time;
use crate::sync::lock;

/// Minimum difference of clocks in seconds that can be the reason of a rejection.
const MIN_OFFSET_SECONDS: i64 = 60;
/// Maximum difference: no request is signed with a time that is further off.
const MAX_OFFSET_SECONDS: i64 = 86_400;

/// The offset of the local clock according to responses: the smallest and the largest number of seconds by which a
/// server was ahead of it.
#[derive(Debug, Default)]
pub struct ServerClocks(Mutex<Option<(i64, i64)>>);

impl ServerClocks {
    /// Records the time of a response, except of an HTML page, which another server may have sent.
    pub fn record(&self, response: &ResponseInfo) {
        let ahead = response.clock_ahead_seconds;
        if let Some(ahead) = ahead.filter(|_| response.html_page.is_none()) {
            let mut range = lock(&self.0);
            let (least, greatest) = range.unwrap_or((ahead, ahead));
            *range = Some((least.min(ahead), greatest.max(ahead)));
        }
    }

    /// Returns the time by the servers' clocks if all responses agree that the local clock is wrong, else `now`,
    /// the local time.
    pub fn correct(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let Some((least, greatest)) = *lock(&self.0) else {
            return now;
        };
        let is_agreed = greatest.saturating_sub(least) < MIN_OFFSET_SECONDS;
        let is_wrong = is_agreed && least.saturating_abs() >= MIN_OFFSET_SECONDS;
        let corrected = Time::new(signing_time(now, least)).filter(|_| is_wrong);
        corrected.map_or(now, Time::to_datetime)
    }

    /// Returns `true` if a time has passed by the servers' clocks. If those are unknown, the local clock is assumed
    /// to be wrong by up to a day.
    pub fn is_past(&self, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let is_known = lock(&self.0).is_some();
        match is_known {
            true => at <= self.correct(now),
            false => is_surely_past(at, now),
        }
    }
}

/// Returns `true` if a time has passed even if the local clock is wrong by the maximum offset that is accepted.
pub fn is_surely_past(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(at).num_seconds() >= MAX_OFFSET_SECONDS
}

/// Seconds to add to the local clock when a request is signed; at most a day.
#[derive(Debug, Default)]
pub(super) struct ClockOffset(AtomicI64);

/// Result of the comparison of the local clock with the `Date` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Correction {
    /// The time of the request was right, or the server's time is unknown.
    None,
    /// From now on, requests are signed with the server's time. The local clock is this many seconds behind it
    /// (negative: ahead; 0: they agree and the local time is used). `is_new` unless the previous offset was nearly
    /// the same.
    Applied { seconds: i64, is_new: bool },
    /// The difference of this many seconds is too large to trust either clock.
    Rejected { seconds: i64 },
}

impl ClockOffset {
    /// Updates the offset from the `Date` of a response that rejects the time of a request.
    ///
    /// `signed` is the offset in seconds that the request was signed with. It can be older than the current one, which
    /// the response to a concurrent request may have corrected since.
    pub(super) fn correct(
        &self,
        date: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        signed: i64,
    ) -> Correction {
        let Some(date) = date else {
            return Correction::None;
        };
        let seconds = date.signed_duration_since(now).num_seconds();
        if seconds.saturating_abs() > MAX_OFFSET_SECONDS {
            return Correction::Rejected { seconds };
        }
        if seconds.saturating_sub(signed).saturating_abs() < MIN_OFFSET_SECONDS {
            return Correction::None;
        }
        let seconds = match seconds.saturating_abs() {
            ..MIN_OFFSET_SECONDS => 0,
            _ => seconds,
        };
        let before = self.0.swap(seconds, Ordering::Relaxed);
        // `Date` has whole seconds, so responses to concurrent requests differ by one.
        let is_new = seconds.abs_diff(before) >= MIN_OFFSET_SECONDS.unsigned_abs();
        Correction::Applied { seconds, is_new }
    }

    /// Returns the seconds to add to the local clock when a request is signed.
    pub(super) fn seconds(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Returns the time to sign a request with, at an offset in seconds.
pub(super) fn signing_time(now: DateTime<Utc>, offset: i64) -> DateTime<Utc> {
    let offset = TimeDelta::try_seconds(offset);
    let corrected = offset.and_then(|offset| now.checked_add_signed(offset));
    corrected.unwrap_or(now)
}

/// Describes the offset of the local clock to a server that is `seconds` ahead of it: `12 s behind HOST`, `20 hours
/// ahead of HOST`. Uses the largest unit of which there are at least two.
pub fn describe_offset(seconds: i64, host: &str) -> String {
    let direction = if seconds > 0 { "behind" } else { "ahead of" };
    let size = seconds.unsigned_abs();
    let rounded = |unit: u64| (size + unit / 2) / unit;
    let size = match () {
        () if rounded(3600) >= 48 => format!("{} days", rounded(86_400)),
        () if rounded(60) >= 120 => format!("{} hours", rounded(3600)),
        () if size >= 120 => format!("{} minutes", rounded(60)),
        () => format!("{size} s"),
    };
    format!("{size} {direction} {host}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_700_000_000;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// Corrects the offset by a `Date` that is `seconds` ahead of the local clock, after a request that was signed
    /// with the offset `signed`.
    fn correct(offset: &ClockOffset, seconds: i64, signed: i64) -> Correction {
        offset.correct(Some(at(NOW + seconds)), at(NOW), signed)
    }

    fn response(ahead: i64, page: Option<&str>) -> ResponseInfo {
        ResponseInfo {
            host: "h:1".to_owned(),
            is_https: true,
            operation: "Get",
            status: 200,
            clock_ahead_seconds: Some(ahead),
            html_page: page.map(str::to_owned),
            server: None,
        }
    }

    #[test]
    fn the_server_time_is_used_if_all_servers_agree_the_local_clock_is_off() {
        for (ahead, expected) in [
            (&[][..], 0),
            (&[0, 59], 0),
            (&[-59], 0),
            (&[-3600], -3600),
            (&[-3600, -3599, -3610], -3610),
            (&[2_592_000], 2_592_000),
            (&[-3600, 0], 0),
            (&[-3600, 3600], 0),
        ] {
            let clocks = ServerClocks::default();
            for seconds in ahead {
                clocks.record(&response(*seconds, None));
            }
            assert_eq!(clocks.correct(at(NOW)), at(NOW + expected), "{ahead:?}");
        }
        let clocks = ServerClocks::default();
        clocks.record(&response(-3600, Some("a login page")));
        assert_eq!(clocks.correct(at(NOW)), at(NOW));
        clocks.record(&response(i64::MIN, None));
        assert_eq!(clocks.correct(at(NOW)), at(NOW), "out of all bounds");
    }

    #[test]
    fn a_time_is_past_by_a_server_clock_or_by_a_day_of_the_local_clock() {
        let clocks = ServerClocks::default();
        let is_past = |clocks: &ServerClocks, seconds| clocks.is_past(at(NOW + seconds), at(NOW));
        assert_eq!(
            [-86_400, -86_399, 0, 1].map(|at| is_past(&clocks, at)),
            [true, false, false, false]
        );
        clocks.record(&response(-3600, None));
        assert_eq!(
            [-3601, -3600, -3599, 0].map(|at| is_past(&clocks, at)),
            [true, true, false, false]
        );
    }

    #[test]
    fn a_clock_is_corrected_by_at_most_a_day() {
        let offset = ClockOffset::default();
        let correct = |seconds| correct(&offset, seconds, offset.seconds());
        for seconds in [0, 59, -59] {
            assert_eq!(correct(seconds), Correction::None);
        }
        assert_eq!(offset.seconds(), 0);
        for seconds in [1200, -1200, 86_400, -86_400] {
            let is_new = true;
            assert_eq!(correct(seconds), Correction::Applied { seconds, is_new });
            assert_eq!(offset.seconds(), seconds);
        }
        // The request was signed with nearly this time, so the time is not the reason of the rejection.
        assert_eq!(correct(-86_399), Correction::None);
        for seconds in [86_401, -86_401, 3_000_000_000] {
            assert_eq!(correct(seconds), Correction::Rejected { seconds });
        }
        assert_eq!(offset.seconds(), -86_400);
        assert_eq!(
            offset.correct(None, at(NOW), offset.seconds()),
            Correction::None
        );
    }

    #[test]
    fn a_correction_is_undone_when_the_clocks_agree() {
        let applied = |seconds, is_new| Correction::Applied { seconds, is_new };
        for agreeing in [0, 59, -59] {
            let offset = ClockOffset::default();
            assert_eq!(correct(&offset, 72_000, 0), applied(72_000, true));
            assert_eq!(correct(&offset, agreeing, 72_000), applied(0, true));
            assert_eq!(offset.seconds(), 0);
            assert_eq!(correct(&offset, agreeing, 0), Correction::None);
        }
    }

    #[test]
    fn concurrent_requests_are_repeated_with_one_reported_correction() {
        let applied = |seconds, is_new| Correction::Applied { seconds, is_new };
        let offset = ClockOffset::default();
        assert_eq!(correct(&offset, 1200, 0), applied(1200, true));
        assert_eq!(correct(&offset, 1201, 0), applied(1201, false));
        assert_eq!(correct(&offset, 0, 1200), applied(0, true));
        assert_eq!(correct(&offset, 1, 1201), applied(0, false));
        assert_eq!(offset.seconds(), 0);
    }

    #[test]
    fn describes_whether_the_local_clock_is_behind_or_ahead() {
        for (seconds, expected) in [
            (60, "60 s behind h:1"),
            (-119, "119 s ahead of h:1"),
            (1200, "20 minutes behind h:1"),
            (47 * 3600 + 1, "47 hours behind h:1"),
            (86_401, "24 hours behind h:1"),
            (172_799, "2 days behind h:1"),
            (-3 * 86_400, "3 days ahead of h:1"),
            (i64::MIN, "106751991167301 days ahead of h:1"),
        ] {
            assert_eq!(describe_offset(seconds, "h:1"), expected);
        }
    }

    proptest! {
        #[test]
        fn no_date_overflows(date in any::<i64>(), now in any::<i64>()) {
            let date = DateTime::from_timestamp(date, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
            let now = DateTime::from_timestamp(now, 0).unwrap_or(DateTime::<Utc>::MIN_UTC);
            let offset = ClockOffset::default();
            offset.correct(Some(date), now, 0);
            let signed = signing_time(now, offset.seconds()).signed_duration_since(now);
            prop_assert!(signed.num_seconds().abs() <= MAX_OFFSET_SECONDS);
        }
    }
}
