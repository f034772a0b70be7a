//! Parses ids of subtasks: `10_3` is subtask 3 of the array job `10`.

/// Returns the index of the subtask `id` of the array job `parent`: 3 for `10_3` of `10`.
pub(super) fn subtask_of(parent: &str, id: &str) -> Option<i64> {
    let rest = id.strip_prefix(parent.trim())?;
    rest.starts_with('_').then(|| subtask_index(rest))?
}

/// Returns the index in the id of a subtask: 3 in `10_3`.
pub(super) fn subtask_index(id: &str) -> Option<i64> {
    let (_, index) = id.rsplit_once('_')?;
    index
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| index.parse().ok())?
}

/// Returns the id of the array job of a subtask: `10` for `10_3`.
pub(super) fn parent_of(id: &str) -> Option<&str> {
    subtask_index(id)?;
    id.rsplit_once('_').map(|(parent, _)| parent)
}
