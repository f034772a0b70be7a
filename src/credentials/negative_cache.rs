//! Remembers a recent failure of a service, so that the request is not repeated for each resource of a long list.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Category, Problem};
use crate::sync::lock;

/// Time for which a failure is remembered that needs a change at the service or in the settings.
const NEGATIVE_TTL: TimeDelta = TimeDelta::seconds(10);
/// Time for which a transient failure is remembered: long enough for the jobs of a list that wait for the same
/// request, and shorter than the time to the next poll.
const TRANSIENT_TTL: TimeDelta = TimeDelta::milliseconds(250);

/// Time and problem of the last failure.
#[derive(Default)]
pub(crate) struct NegativeCache(Mutex<Option<(DateTime<Utc>, Problem)>>);

impl NegativeCache {
    /// Returns the problem of a recent failure; `key` names what is missing.
    pub(crate) fn get(&self, key: &str, now: DateTime<Utc>) -> Option<Problem> {
        let last = lock(&self.0);
        let (at, problem) = last.as_ref()?;
        let ttl = match problem.category {
            Category::Throttled | Category::ServiceError | Category::InvalidResponse => {
                TRANSIENT_TTL
            }
            _ => NEGATIVE_TTL,
        };
        let is_recent = (TimeDelta::zero()..ttl).contains(&(now - at));
        is_recent.then(|| {
            let mut problem = problem.clone();
            problem.message = format!("skipped: no {key}: {}", problem.message);
            problem.attempts = 0;
            problem
        })
    }

    /// Remembers a failure.
    pub(crate) fn insert(&self, problem: &Problem, now: DateTime<Utc>) {
        // The client of the service already records rejected credentials and broken connections.
        if !matches!(
            problem.category,
            Category::Unauthenticated | Category::Network
        ) {
            *lock(&self.0) = Some((now, problem.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transient_failure_is_cached_for_250_ms_and_a_rejection_for_10_s() {
        let remembered = |category, milliseconds| {
            let cache = NegativeCache::default();
            let now = DateTime::UNIX_EPOCH;
            cache.insert(&Problem::new(category, "no"), now);
            let later = now + TimeDelta::milliseconds(milliseconds);
            cache.get("credential", later).is_some()
        };
        for category in [
            Category::Throttled,
            Category::ServiceError,
            Category::InvalidResponse,
        ] {
            let seen = [0, 249, 250, 5000].map(|after| remembered(category, after));
            assert_eq!(seen, [true, true, false, false], "{category:?}");
        }
        for category in [Category::PermissionDenied, Category::NotFound] {
            let seen = [0, 9999, 10_000].map(|after| remembered(category, after));
            assert_eq!(seen, [true, true, false], "{category:?}");
        }
    }
}
