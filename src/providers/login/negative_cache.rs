//! What a service has just refused, so that it is not requested again for each resource of a long
//! list.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Category, Problem};

/// So long nothing is asked again.
const NEGATIVE_TTL: TimeDelta = TimeDelta::seconds(10);

/// When something could not be had the last time, and why.
#[derive(Default)]
pub(in crate::providers) struct NegativeCache(Mutex<Option<(DateTime<Utc>, Problem)>>);

impl NegativeCache {
    /// Why there is none, when that was found just now; `what` is what there is not.
    pub(in crate::providers) fn get(&self, what: &str, now: DateTime<Utc>) -> Option<Problem> {
        let last = self.last();
        let (at, problem) = last.as_ref()?;
        let is_recent = (TimeDelta::zero()..NEGATIVE_TTL).contains(&(now - at));
        is_recent.then(|| {
            let mut problem = problem.clone();
            problem.message = format!("skipped: no {what}: {}", problem.message);
            problem.attempts = 0;
            problem
        })
    }

    /// Remembers why there is none.
    pub(in crate::providers) fn insert(&self, problem: &Problem, now: DateTime<Utc>) {
        // The account of the service knows by itself of a refusal, and of a way that is broken.
        if !matches!(
            problem.category,
            Category::Unauthenticated | Category::Network
        ) {
            *self.last() = Some((now, problem.clone()));
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<(DateTime<Utc>, Problem)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
