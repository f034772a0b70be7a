//! What a service has just refused, so that it is not requested again for each resource of a long
//! list.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Category, Problem};
use crate::sync::lock;

/// How long a failure that needs a change at the service or in the settings is remembered.
const NEGATIVE_TTL: TimeDelta = TimeDelta::seconds(10);
/// How long a failure that may pass by itself is remembered: enough for the jobs of a list that are
/// waiting for the same request, and shorter than the time to any later poll.
const TRANSIENT_TTL: TimeDelta = TimeDelta::milliseconds(250);

/// When something could not be had the last time, and why.
#[derive(Default)]
pub(crate) struct NegativeCache(Mutex<Option<(DateTime<Utc>, Problem)>>);

impl NegativeCache {
    /// Why there is none, when that was found just now; `what` is what there is not.
    pub(crate) fn get(&self, what: &str, now: DateTime<Utc>) -> Option<Problem> {
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
            problem.message = format!("skipped: no {what}: {}", problem.message);
            problem.attempts = 0;
            problem
        })
    }

    /// Remembers why there is none.
    pub(crate) fn insert(&self, problem: &Problem, now: DateTime<Utc>) {
        // The client of the service itself records a refusal and a broken connection.
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
    fn a_failure_that_may_pass_is_remembered_for_a_moment_only() {
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
