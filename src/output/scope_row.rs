//! Scopes as rows of the columns of resources: the scope as the reference, the status as the cloud's state.

use super::cell::Cell;
use super::{JobColumn, Zone};
use crate::model::{Job, ScopeSummary};

/// The columns that scopes have, apart from their details.
const SHARED: [&str; 7] = [
    "ref",
    "input",
    "name",
    "state_raw",
    "created_at",
    "age",
    "region",
];

/// Returns the row of a scope. Its cells are those of [`cell`], since it has no state.
pub(super) fn scope_row(scope: &ScopeSummary) -> Job {
    Job {
        reference: scope.scope.clone(),
        input: scope.scope.as_str().into(),
        name: scope.name.clone(),
        state_raw: scope.status.clone(),
        created_at: scope.created_at,
        region: scope.region.clone(),
        details: scope.details.clone(),
        ..Job::default()
    }
}

/// Returns `true` if scopes have the column.
pub(super) fn is_shared(column: &JobColumn) -> bool {
    let name = column.name.as_ref();
    SHARED.contains(&name) || name.starts_with("details.")
}

/// Returns the cell of the row of a scope; absent if scopes do not have the column.
pub(super) fn cell<'r>(column: &JobColumn, row: &'r Job) -> Cell<'r> {
    match is_shared(column) {
        true => column.cell(row, Zone::Utc),
        false => Cell::Absent,
    }
}

/// Returns those of the chosen columns that scopes have; the reference if they have none of them.
pub(super) fn shared_columns(chosen: &[JobColumn]) -> Vec<JobColumn> {
    let shared: Vec<JobColumn> = chosen
        .iter()
        .filter(|column| is_shared(column))
        .cloned()
        .collect();
    match shared.is_empty() {
        true => JobColumn::all(&["ref"]),
        false => shared,
    }
}
