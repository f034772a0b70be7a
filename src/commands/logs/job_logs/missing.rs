//! Handles jobs that are not found while their logs are followed.

use std::time::Duration;

use super::JobLogs;
use crate::error::{Category, Problem};
use crate::gate::{MISSING_RECHECK_INTERVAL, REJECTION_GRACE};
use crate::http::{Session, Stopwatch};
use crate::kind::Kind;

/// How long a followed job could not be read.
#[derive(Debug)]
pub(super) struct Absence {
    /// Runs since it was read last.
    stopwatch: Stopwatch,
    /// When it was not found first.
    missing: Option<Duration>,
    /// When its server first responded with an HTTP 404 that is not about the job.
    rejected: Option<Duration>,
}

impl JobLogs<'_> {
    /// Returns `true` if a followed job that was not read may be read later; notes once why it was not read.
    pub(super) fn may_reappear(&mut self, problem: &Problem, absence: &mut Absence) -> bool {
        let is_first = absence.missing.is_none() && problem.category == Category::NotFound;
        let now = absence.stopwatch.elapsed();
        let may_end = absence.may_end(self.reference.kind, problem, now);
        if may_end && is_first {
            self.note(format!("{}; retrying", problem.message));
        } else if may_end && problem.category.is_transient() {
            self.note_outage(problem);
        }
        may_end
    }
}

impl Absence {
    /// Creates the state of a job that was just read.
    pub(super) fn new(session: &Session) -> Self {
        Self {
            stopwatch: session.stopwatch(),
            missing: None,
            rejected: None,
        }
    }

    /// Returns `true` if a job that was not read at this time may be read later. A gateway can respond with HTTP 404
    /// during an update.
    fn may_end(&mut self, kind: &Kind, problem: &Problem, now: Duration) -> bool {
        let since = |first: &mut Option<Duration>| now.saturating_sub(*first.get_or_insert(now));
        match (problem.category, problem.http_status) {
            (Category::NotFound, _) => !counts_as_gone(kind, since(&mut self.missing)),
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

/// Returns `true` if a job that was not found for this long counts as gone, by the same rule as in `wait`.
fn counts_as_gone(kind: &Kind, missing: Duration) -> bool {
    kind.is_watched || missing >= MISSING_RECHECK_INTERVAL.max(kind.missing_grace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;

    #[test]
    fn a_job_counts_as_missing_after_the_grace_period_of_its_kind() {
        let is_missing = |kind: &str, seconds| {
            let kind = providers::kinds().find(|known| known.to_string() == kind);
            counts_as_gone(kind.unwrap(), Duration::from_secs(seconds))
        };
        assert!(!is_missing("sugon/job", 179) && is_missing("sugon/job", 180));
        assert!(!is_missing("aliyun/job", 0) && is_missing("aliyun/job", 15));
        assert!(is_missing("kubernetes/job", 0));
    }

    #[test]
    fn rejections_beyond_the_grace_period_end_the_log_and_outages_do_not() {
        let mut kinds = providers::kinds();
        let kind = kinds.find(|kind| kind.to_string() == "kubernetes/pod");
        let failure = |category, status| Problem {
            http_status: Some(status),
            ..Problem::new(category, "no")
        };
        let rejection = failure(Category::ServiceError, 404);
        let outage = failure(Category::ServiceError, 503);
        let mut absence = Absence::new(&Session::default());
        let mut may_end = |problem: &Problem, after| absence.may_end(kind.unwrap(), problem, after);
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
