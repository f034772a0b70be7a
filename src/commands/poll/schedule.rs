use std::time::Duration;

/// Shortest time between two looks.
pub(super) const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);

/// The time between two looks at a thing that has not changed for so long: a tenth of it, from 2 s
/// to 30 s. What has just changed may change again soon; what was quiet for hours will be.
pub(super) fn pause(unchanged: Duration) -> Duration {
    (unchanged / 10).clamp(SHORTEST, LONGEST)
}

/// The time to the next look after so many failures in a row: doubling from 1 s to 30 s, or the
/// fixed interval if there is one.
pub(super) fn after_failures(failures: u32, interval: Option<Duration>) -> Duration {
    let doubled = Duration::from_secs(1 << failures.saturating_sub(1).min(5));
    interval.unwrap_or_else(|| doubled.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_often_at_what_has_just_changed_and_seldom_at_what_is_quiet() {
        let seconds = |unchanged| pause(Duration::from_secs(unchanged)).as_secs();
        assert_eq!([0, 20, 50, 300, 86_400].map(seconds), [2, 2, 5, 30, 30]);
    }

    #[test]
    fn failures_make_it_patient() {
        let seconds = |failures| after_failures(failures, None).as_secs();
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 99].map(seconds),
            [2, 2, 4, 8, 16, 30, 30]
        );
        let fixed = Duration::from_millis(50);
        assert_eq!(after_failures(9, Some(fixed)), fixed);
    }
}
