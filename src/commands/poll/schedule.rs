use std::time::Duration;

use super::MIN_CALL_INTERVAL;
use crate::http::{MAX_RETRY_AFTER, exponential_backoff};
use crate::model::{Job, Time};

/// The minimum time between two polls.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(2);
const MAX_INTERVAL: Duration = Duration::from_secs(30);

/// Returns the polling interval of a job that has not changed for this long: a tenth of this time, from 2 s to
/// 30 s. A recent change makes another one likely; a job that was unchanged for hours tends to stay so.
pub(super) fn interval_after(unchanged: Duration) -> Duration {
    (unchanged / 10).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// Returns the delay between a poll and the next one for a change from a stream. The first change is polled
/// at once; a job that changes all the time is polled no more often than without a stream.
pub(super) fn change_delay(follows_change: bool) -> Duration {
    match follows_change {
        true => MIN_INTERVAL,
        false => MIN_CALL_INTERVAL,
    }
}

/// Returns the backoff after this many consecutive failures: doubling from 1 s, limited to 2 s to 30 s, or the fixed
/// interval if there is one.
pub(super) fn backoff(failures: u32, interval: Option<Duration>) -> Duration {
    let doubled = exponential_backoff(Duration::from_secs(1), failures, MAX_INTERVAL);
    interval.unwrap_or_else(|| doubled.max(MIN_INTERVAL))
}

/// Returns how long a server's retry hint delays the next poll: at most 60 s. A longer hint counts only from the
/// second consecutive failure on: one wrong response must not keep a gate from noticing that a job has ended.
pub(in crate::commands) fn hint_delay(hint: Option<Duration>, is_first_failure: bool) -> Duration {
    match hint {
        Some(hint) if hint > MAX_RETRY_AFTER && is_first_failure => Duration::ZERO,
        Some(hint) => hint.min(MAX_RETRY_AFTER),
        None => Duration::ZERO,
    }
}

/// Returns the polling interval of a job whose state has not changed for this long, or for longer by its own times.
pub(super) fn job_interval(job: &Job, server_now: Option<Time>, unchanged: Duration) -> Duration {
    let known = [job.created_at, job.started_at, job.updated_at]
        .into_iter()
        .flatten()
        .max();
    let on_record = known
        .zip(server_now)
        .and_then(|(at, now)| u64::try_from(now.seconds_since(at)).ok())
        .map(Duration::from_secs);
    interval_after(on_record.unwrap_or_default().max(unchanged))
}

/// Rounds a time up to a multiple of this interval.
pub(super) fn round_up(at: Duration, interval: Duration) -> Duration {
    let interval = interval.as_nanos().max(1);
    let rest = at.as_nanos() % interval;
    let missing = (interval - rest) % interval;
    at + Duration::from_nanos(u64::try_from(missing).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::PolledJob;
    use super::*;
    use crate::providers;
    use crate::providers::test_support::reference;

    #[test]
    fn polls_often_after_a_change_and_rarely_when_nothing_changes() {
        let seconds = |unchanged| interval_after(Duration::from_secs(unchanged)).as_secs();
        assert_eq!([0, 20, 50, 300, 86_400].map(seconds), [2, 2, 5, 30, 30]);
    }

    #[test]
    fn a_job_that_changes_constantly_is_polled_at_the_minimum_interval() {
        let kind = providers::kinds().find(|kind| kind.to_string() == "kubernetes/job");
        let reference = reference(kind.unwrap(), &["ns", "a"]);
        let mut polled = PolledJob::new(&reference, 0);
        polled.current.schedule.next_at = MAX_INTERVAL * 2;
        polled.start(Duration::ZERO);
        let mut polls = Vec::new();
        for _ in 0..3 {
            polled.requests.is_changed = true;
            polls.push(polled.due_at());
            polled.start(polled.due_at());
        }
        let first = MIN_CALL_INTERVAL;
        assert_eq!(
            polls,
            [first, first + MIN_INTERVAL, first + MIN_INTERVAL * 2]
        );
        // After a time without changes, a change is polled at once again.
        polled.start(MAX_INTERVAL);
        polled.requests.is_changed = true;
        assert_eq!(polled.due_at(), MAX_INTERVAL + MIN_CALL_INTERVAL);
    }

    #[test]
    fn a_retry_hint_delays_by_at_most_a_minute_and_a_first_longer_one_is_ignored() {
        let seconds = |hint: Option<u64>, is_first| {
            hint_delay(hint.map(Duration::from_secs), is_first).as_secs()
        };
        assert_eq!(
            [None, Some(5), Some(60)].map(|hint| seconds(hint, true)),
            [0, 5, 60]
        );
        assert_eq!(
            [None, Some(5), Some(60)].map(|hint| seconds(hint, false)),
            [0, 5, 60]
        );
        for long in [61, 7200, u64::MAX] {
            assert_eq!(
                [true, false].map(|first| seconds(Some(long), first)),
                [0, 60]
            );
        }
    }

    #[test]
    fn times_are_rounded_up_to_the_next_multiple() {
        let rounded = |at, interval| {
            let at = Duration::from_millis(at);
            round_up(at, Duration::from_millis(interval)).as_millis()
        };
        assert_eq!(
            [0, 1, 499, 500, 501].map(|at| rounded(at, 500)),
            [0, 500, 500, 500, 1000]
        );
        assert_eq!(rounded(7, 0), 7);
    }

    #[test]
    fn failures_lengthen_the_interval() {
        let seconds = |failures| backoff(failures, None).as_secs();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 99].map(seconds),
            [2, 2, 4, 8, 16, 30, 30]
        );
        let fixed = Duration::from_millis(50);
        assert_eq!(backoff(9, Some(fixed)), fixed);
    }
}
