//! Remembers which jobs of an account earlier responses have shown to be array jobs.

use std::collections::HashMap;
use std::sync::Mutex;

use super::cluster_of;
use super::list::MAX_ROWS;
use super::parent::{can_be_array_id, has_range};
use super::rows::JobRows;
use crate::model::{Array, State};
use crate::reference::Reference;
use crate::sync::lock;

/// Minimum number of subtasks per job that the first list of several jobs requests.
const MIN_PROBES: usize = 2;

/// What earlier responses have shown about jobs, by cluster and id.
///
/// One response can show that a job is an array job while the next one does not, so this is kept. A list
/// that was read need not be read again while the state of the job does not change.
#[derive(Debug, Default)]
pub(in super::super) struct KnownArrays(Mutex<HashMap<(String, String), KnownJob>>);

/// What earlier responses have shown about one job.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownJob {
    /// The range of an array job, as far as it is known; `None` if it is not known to be one.
    pub(super) array: Option<Array>,
    /// The state in which it was last compared with the list, which contained no subtask.
    pub(super) checked_in: Option<State>,
    /// True if a list of several jobs has already requested its first subtasks.
    is_probed: bool,
}

impl KnownArrays {
    /// Returns what is known about a job.
    pub(super) fn of(&self, reference: &Reference) -> KnownJob {
        lock(&self.0)
            .get(&key(reference))
            .cloned()
            .unwrap_or_default()
    }

    /// Drops what is known about a job.
    pub(in super::super) fn forget(&self, reference: &Reference) {
        lock(&self.0).remove(&key(reference));
    }

    /// Records an array job and its range.
    pub(super) fn record_array(&self, reference: &Reference, array: Array) {
        let mut jobs = lock(&self.0);
        let known = jobs.entry(key(reference)).or_default();
        known.record_array(array);
    }

    /// Records that the list contained no subtask of a job in this state.
    pub(super) fn record_ordinary(&self, reference: &Reference, state: State) {
        lock(&self.0).entry(key(reference)).or_default().checked_in = Some(state);
    }

    /// Returns the ids to list for these jobs of a cluster. For jobs whose subtasks no list has requested yet,
    /// they include the ids of the first subtasks: at least [`MIN_PROBES`], and as many as fit into the same
    /// requests.
    pub(super) fn with_probes(&self, cluster: &str, ids: &[&str]) -> Vec<String> {
        let jobs = lock(&self.0);
        let is_new = |id: &&str| {
            let known = jobs.get(&(cluster.to_owned(), (*id).to_owned()));
            can_be_array_id(id) && known.is_none_or(|known| !known.needs_no_probe())
        };
        let new: Vec<&str> = ids.iter().copied().filter(is_new).collect();
        let free = ids.len().next_multiple_of(MAX_ROWS) - ids.len();
        let each = (free / new.len().max(1)).max(MIN_PROBES);
        let probes = new
            .iter()
            .flat_map(|id| (0..each).map(move |index| format!("{id}_{index}")));
        let requested = ids.iter().map(|id| (*id).to_owned());
        requested.chain(probes).collect()
    }

    /// Records the result of the list for the ids of [`Self::with_probes`].
    pub(super) fn record_probes(&self, cluster: &str, ids: &[&str], listing: &JobRows) {
        let mut jobs = lock(&self.0);
        for id in ids.iter().filter(|id| can_be_array_id(id)) {
            let key = (cluster.to_owned(), (*id).to_owned());
            let known = jobs.entry(key).or_default();
            known.is_probed = true;
            if listing.is_array(id) {
                known.record_array(Array::UNKNOWN);
            }
        }
    }
}

impl KnownJob {
    fn record_array(&mut self, array: Array) {
        let is_better = has_range(&array) || self.array.is_none();
        if is_better {
            self.array = Some(array);
        }
    }

    /// Returns `true` if a list of several jobs need not request subtasks of this job.
    fn needs_no_probe(&self) -> bool {
        self.is_probed || self.array.is_some() || self.checked_in.is_some()
    }
}

fn key(reference: &Reference) -> (String, String) {
    let cluster = cluster_of(reference.segment("CLUSTER"));
    (cluster.to_owned(), reference.id().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_batch_list_also_requests_the_first_subtasks() {
        let known = KnownArrays::default();
        let ids = known.with_probes("c", &["10", "20"]);
        assert_eq!(ids.len(), MAX_ROWS);
        assert_eq!(ids[..4], ["10", "20", "10_0", "10_1"]);
        assert_eq!(ids[99], "20_48");
        assert_eq!(
            known.with_probes("c", &["10", "20_3"])[2..4],
            ["10_0", "10_1"]
        );
        assert_eq!(known.with_probes("c", &["10_1", "20_3"]).len(), 2);
        let many: Vec<String> = (0..MAX_ROWS).map(|id| id.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let ids = known.with_probes("c", &many);
        assert_eq!((ids.len(), ids[100].as_str()), (300, "0_0"));
    }

    #[test]
    fn the_first_subtasks_of_a_job_are_requested_once_per_cluster() {
        let known = KnownArrays::default();
        known.record_probes("c", &["10", "20"], &JobRows::default());
        assert_eq!(known.with_probes("c", &["10", "20"]), ["10", "20"]);
        let ids = known.with_probes("c", &["10", "30"]);
        assert_eq!((ids.len(), ids[2].as_str()), (MAX_ROWS, "30_0"));
        let other = known.with_probes("d", &["10", "20"]);
        assert_eq!(other.len(), MAX_ROWS, "another cluster has other jobs");
    }

    #[test]
    fn a_known_range_is_not_replaced_by_an_unknown_one() {
        let mut known = KnownJob::default();
        known.record_array(Array::UNKNOWN);
        let range = Array {
            start: Some(5),
            end: Some(9),
            ..Array::UNKNOWN
        };
        known.record_array(range.clone());
        known.record_array(Array::UNKNOWN);
        assert_eq!(known.array, Some(range));
    }
}
