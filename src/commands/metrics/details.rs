//! Completes the rows of lists with the results of lookups.

use std::collections::HashMap;

use tokio::time::Instant;

use super::jobs::JobRow;
use crate::model::State;
use crate::sort::SortExt as _;

/// The last lookup of a job.
#[derive(Clone)]
pub(super) struct Detail {
    /// When it was looked up.
    pub read_at: Instant,
    /// `None` if the lookup failed.
    pub row: Option<JobRow>,
}

/// Returns the references of the jobs to look up, in turn from three groups, so that a large group leaves lookups for
/// the others: successes that a lookup must confirm, other ended jobs, and active jobs. In each group, jobs that were
/// never looked up come first, then those whose last lookup is the oldest.
pub(super) fn lookup_candidates(
    rows: &[JobRow],
    details: &HashMap<String, Detail>,
    max: usize,
) -> Vec<String> {
    let mut sorts: [Vec<&JobRow>; 3] = Default::default();
    for row in rows {
        if is_unproven_success(row, details) {
            sorts[0].push(row);
        } else if !row.ended {
            sorts[2].push(row);
        } else if row.state != State::Succeeded && !is_known(row, details) {
            sorts[1].push(row);
        }
    }
    for rows in &mut sorts {
        rows.order_by_key(|row| {
            let read_at = details.get(&row.reference).map(|known| known.read_at);
            (read_at, row.priority())
        });
    }
    let most = sorts.iter().map(Vec::len).max().unwrap_or_default();
    let turns = (0..most).flat_map(|turn| sorts.iter().filter_map(move |rows| rows.get(turn)));
    turns.take(max).map(|row| row.reference.clone()).collect()
}

/// Returns `true` if a success in a list is not confirmed: lists of the kind can show failed jobs as succeeded, and no
/// lookup has shown the end of the job yet.
pub(super) fn is_unproven_success(row: &JobRow, details: &HashMap<String, Detail>) -> bool {
    let is_success = row.ended && row.state == State::Succeeded;
    is_success && !row.is_conclusive && !is_known(row, details)
}

/// Returns `true` if a lookup has shown the end of this run of the job.
fn is_known(row: &JobRow, details: &HashMap<String, Detail>) -> bool {
    let detail = details.get(&row.reference);
    let known = detail.and_then(|detail| detail.row.as_ref());
    known.is_some_and(|known| known.ended && row.is_run_of(known))
}

/// The age of a lookup.
#[derive(Clone, Copy)]
pub(super) enum LookupAge {
    /// Of this poll, and therefore newer than the list.
    ThisPoll,
    /// Of an earlier poll, but still recent enough to show its state.
    Recent,
    /// Older than that.
    Old,
}

/// Fills in the result of a lookup. A lookup of this poll replaces the row. An earlier one replaces the row only if it
/// shows the end of this run, or if the list has no states and the lookup is recent; otherwise it only adds missing
/// values, and none from another run.
pub(super) fn fill(row: &mut JobRow, known: &JobRow, age: LookupAge) {
    let is_same_run = row.is_run_of(known);
    let is_final = known.ended && (row.ended || row.has_no_state) && is_same_run;
    let is_newer = match age {
        LookupAge::ThisPoll => true,
        LookupAge::Recent => row.has_no_state,
        LookupAge::Old => false,
    };
    if is_newer || is_final {
        let listed = std::mem::replace(row, known.clone());
        row.complete_from(&listed);
        return;
    }
    if row.ended && known.ended {
        return;
    }
    row.complete_from(known);
}

/// Adds what another scope knows about a job, which was read earlier.
pub(super) fn merge(row: &mut JobRow, other: &JobRow) {
    if row.is_listed && !other.is_listed {
        fill(row, other, LookupAge::Recent);
    } else {
        row.complete_from(other);
    }
}
