//! The pods of jobs that this run has seen: one that was replaced meanwhile has warnings, too.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use crate::sync::lock;

/// Maximum number of pods that are kept of one job.
const MAX_PODS: usize = 2_000;

/// The UIDs of the pods of jobs, by the reference of the job and its UID.
#[derive(Default)]
pub(super) struct SeenPods(Mutex<HashMap<(String, Option<String>), BTreeSet<String>>>);

impl SeenPods {
    /// Adds pods of a job, and gives all that were seen; `None` where these are more than can be kept.
    pub fn add(
        &self,
        job: (&str, Option<&str>),
        uids: impl Iterator<Item = String>,
    ) -> Option<BTreeSet<String>> {
        let mut jobs = lock(&self.0);
        let key = (job.0.to_owned(), job.1.map(str::to_owned));
        let seen = jobs.entry(key).or_default();
        for uid in uids {
            if seen.len() > MAX_PODS {
                break;
            }
            seen.insert(uid);
        }
        (seen.len() <= MAX_PODS).then(|| seen.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_of_each_job_are_kept_up_to_a_number() {
        let seen = SeenPods::default();
        let add = |job: &str, uids: std::ops::Range<usize>| {
            let all = seen.add((job, Some("u1")), uids.map(|uid| uid.to_string()));
            all.map(|all| all.len())
        };
        assert_eq!(add("a", 0..2), Some(2));
        assert_eq!(add("a", 1..3), Some(3));
        assert_eq!(add("b", 0..1), Some(1));
        assert_eq!(add("a", 0..MAX_PODS), Some(MAX_PODS));
        assert_eq!(add("a", 0..MAX_PODS + 9), None);
        assert_eq!(add("a", 0..1), None);
        assert_eq!(
            seen.add(("a", Some("u2")), std::iter::empty()),
            Some(BTreeSet::new())
        );
    }
}
