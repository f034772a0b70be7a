//! Handles jobs that are not found while their logs are followed.

use std::time::Duration;

use super::LogStream;
use crate::error::Problem;
use crate::gate::MISSING_RECHECK_INTERVAL;
use crate::http::Stopwatch;
use crate::kind::Kind;

impl LogStream<'_> {
    /// Reports whether a followed job that is not found may still exist; notes it once.
    pub(super) fn may_come_back(&self, problem: &Problem, since: &mut Option<Stopwatch>) -> bool {
        let is_first = since.is_none();
        let missing = since.get_or_insert_with(|| self.context.session.stopwatch());
        let missing = missing.elapsed();
        let may_come_back = !is_believed_missing(self.reference.kind, missing);
        if may_come_back && is_first {
            self.note(format!("{}; retrying", problem.message));
        }
        may_come_back
    }
}

/// Reports whether a job that was not found for this long counts as gone, by the same rule as in `wait`.
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
}
