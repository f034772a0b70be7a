//! Jobs that are not found while their logs are followed.

use std::time::{Duration, Instant};

use super::LogStream;
use crate::error::{Category, Problem};
use crate::gate::{MISSING_RECHECK_INTERVAL, REJECTION_GRACE};
use crate::kind::Kind;

/// Since when a followed job cannot be read.
#[derive(Debug, Default)]
pub(super) struct Absence {
    /// Since when it is not found.
    missing: Option<Instant>,
    /// Since when its server responds with HTTP 404, and not about the job.
    rejected: Option<Instant>,
}

impl LogStream<'_> {
    /// Returns true while a followed job that was not read may be read later; notes once that it is not found.
    pub(super) fn may_come_back(&self, problem: &Problem, absence: &mut Absence) -> bool {
        let is_first = absence.missing.is_none() && problem.category == Category::NotFound;
        let may_end = absence.may_end(self.reference.kind, problem, Instant::now());
        if may_end && is_first {
            self.note(format!("{}; retrying", problem.message));
        }
        may_end
    }
}

impl Absence {
    /// Returns true while a job that was not read at this moment may be read later. A gateway may be being updated
    /// while it responds with HTTP 404.
    fn may_end(&mut self, kind: &Kind, problem: &Problem, now: Instant) -> bool {
        let since = |first: &mut Option<Instant>| now.duration_since(*first.get_or_insert(now));
        match (problem.category, problem.http_status) {
            (Category::NotFound, _) => !is_believed_missing(kind, since(&mut self.missing)),
            (category, Some(404)) => {
                category.is_transient() && since(&mut self.rejected) < REJECTION_GRACE
            }
            (category, _) => {
                self.rejected = None;
                category.is_transient()
            }
        }
    }
}

/// Whether a job that was not found for this long is gone, as `wait` decides it.
fn is_believed_missing(kind: &Kind, missing: Duration) -> bool {
    kind.is_watched || missing >= MISSING_RECHECK_INTERVAL.max(kind.missing_grace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;

    #[test]
    fn a_job_is_missing_after_the_grace_of_its_kind() {
        let is_missing = |kind: &str, seconds| {
            let kind = providers::kinds().find(|known| known.to_string() == kind);
            is_believed_missing(kind.unwrap(), Duration::from_secs(seconds))
        };
        assert!(!is_missing("sugon/job", 179) && is_missing("sugon/job", 180));
        assert!(!is_missing("aliyun/job", 0) && is_missing("aliyun/job", 15));
        assert!(is_missing("kubernetes/job", 0));
    }

    #[test]
    fn a_server_that_rejects_requests_for_long_ends_the_log() {
        let mut kinds = providers::kinds();
        let kind = kinds.find(|kind| kind.to_string() == "kubernetes/pod");
        let failure = |category, status| Problem {
            http_status: Some(status),
            ..Problem::new(category, "no")
        };
        let rejection = failure(Category::ServiceError, 404);
        let outage = failure(Category::ServiceError, 503);
        let (start, mut absence) = (Instant::now(), Absence::default());
        let mut may_end =
            |problem: &Problem, after| absence.may_end(kind.unwrap(), problem, start + after);
        assert!(may_end(&rejection, Duration::ZERO));
        assert!(may_end(&outage, REJECTION_GRACE));
        assert!(may_end(&rejection, REJECTION_GRACE));
        assert!(may_end(
            &rejection,
            2 * REJECTION_GRACE - Duration::from_secs(1)
        ));
        assert!(!may_end(&rejection, 2 * REJECTION_GRACE));
        assert!(may_end(&outage, 9 * REJECTION_GRACE));
        assert!(!may_end(
            &failure(Category::InvalidArgument, 404),
            Duration::ZERO
        ));
    }
}
