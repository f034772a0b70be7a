use std::collections::BTreeSet;

use super::list::MAX_ROWS;
use super::row::Row;
use super::rows::JobRows;
use super::subtask_id::subtask_index;
use crate::model::{Array, failed_tasks};
use crate::providers::prelude::*;

/// If the range of an array job is larger than this, its subtasks are not read one by one.
const MAX_SUBTASKS: u64 = 10_000;

/// Returns `true` for an id that an array job as a whole can have.
pub(in super::super) fn can_be_array_id(id: &str) -> bool {
    subtask_index(id).is_none()
}

/// Returns the ids to list for all subtasks of an array job.
///
/// They are the job's own id and those of every index in its range, whatever its step, and as many next to the
/// range as fit into the same requests, so that an incorrect range or step does not hide a subtask.
pub(in super::super) fn ids_to_list(id: &str, array: Option<&Array>) -> Vec<String> {
    let range = array.and_then(range);
    let (first, last) = match range {
        Some((start, end, _)) => ((start - 1).max(0), end),
        None => (0, 0),
    };
    let needed = usize::try_from(last - first).unwrap_or(0) + 3;
    let count = needed.div_ceil(MAX_ROWS) * MAX_ROWS;
    let indices = (first..=i64::MAX).take(count - 1);
    std::iter::once(id.to_owned())
        .chain(indices.map(|index| format!("{id}_{index}")))
        .collect()
}

/// Returns `true` if the indices of the subtasks are known.
pub(super) fn has_range(array: &Array) -> bool {
    range(array).is_some()
}

/// Returns `known` if only its range is known, otherwise `described`, or `known` if `described` is `None`.
pub(super) fn known_range(described: Option<Array>, known: Option<Array>) -> Option<Array> {
    let is_better = !described.as_ref().is_some_and(has_range);
    match known {
        Some(known) if is_better && has_range(&known) => Some(known),
        known => described.or(known),
    }
}

/// Returns first index, last index and step; `None` if they are invalid or the range is too large.
fn range(array: &Array) -> Option<(i64, i64, usize)> {
    let (start, end) = (array.start?, array.end?);
    let step = usize::try_from(array.step.unwrap_or(1)).ok()?;
    let is_range = 0 <= start && start <= end && 0 < step;
    (is_range && end.abs_diff(start) < MAX_SUBTASKS).then_some((start, end, step))
}

/// Returns the ids of all subtasks in the range of the array job.
fn subtask_ids(id: &str, array: &Array) -> Option<BTreeSet<String>> {
    let (start, end, step) = range(array)?;
    let indices = (start..=end).step_by(step);
    Some(indices.map(|index| format!("{id}_{index}")).collect())
}

/// Sets the fields of an array job without its own row from its subtasks. [`reconcile_subtasks`] then compares
/// its state with them.
pub(super) fn fill_from_subtasks(
    job: &mut Job,
    listing: &JobRows,
    user_states: &[(String, State)],
) {
    let rows: Vec<&Row> = listing.subtasks(&job.id).into_values().flatten().collect();
    if let Some(first) = rows.first() {
        let array = job.array.take();
        first.fill(job, user_states, &mut Vec::new());
        (job.array, job.state_raw) = (array, None);
    }
    let states: Vec<State> = rows.iter().map(|row| row.state(user_states)).collect();
    let has = |wanted: &[State]| states.iter().any(|state| wanted.contains(state));
    let has_ended = has(&[State::Succeeded, State::Failed, State::Canceled]);
    job.state = if has(&[State::Running, State::Stopping]) {
        State::Running
    } else if has(&[State::Unknown]) || listing.is_contradictory(&job.id) {
        State::Unknown
    } else if !has(&[State::Pending, State::Starting]) {
        State::Succeeded
    } else if has_ended {
        State::Running
    } else if has(&[State::Starting]) {
        State::Starting
    } else {
        State::Pending
    };
    let expected = job.array.as_ref();
    let expected = expected.and_then(|array| subtask_ids(&job.id, array));
    let is_listed = |id: &String| listing.row(id).is_some();
    let is_complete = expected.is_some_and(|ids| ids.iter().all(is_listed));
    job.ended = job.state == State::Succeeded && is_complete;
    job.created_at = rows.iter().filter_map(|row| row.created_at).min();
    job.started_at = rows.iter().filter_map(|row| row.started_at).min();
    let finished_at = rows.iter().filter_map(|row| row.finished_at).max();
    job.finished_at = finished_at.filter(|_| job.ended);
}

/// Adds the subtasks to an array job and adjusts its state to them. A job that has not failed or been canceled
/// itself has failed if a subtask has, but has not ended before the cloud reports its end, because other
/// subtasks may still run. A job that the cloud reports as succeeded is canceled if a subtask was canceled; its
/// state is unknown if the list does not show that every subtask succeeded. An active job stays active, with a
/// reason, if a subtask that was not read may have failed.
///
/// `unread` is the reason why rows are missing.
pub(in super::super) fn reconcile_subtasks(
    job: &mut Job,
    listing: &JobRows,
    unread: Option<&str>,
    user_states: &[(String, State)],
    notices: &mut Vec<Notice>,
) {
    let rows = listing.subtasks(&job.id).into_values().flatten();
    let tasks: Vec<Task> = rows.map(|row| row.task(user_states, notices)).collect();
    let has_failed = tasks.iter().any(is_failed_subtask);
    if job.state != State::Succeeded {
        let unconfirmed_reason = unconfirmed_reason_of_active(job, listing, unread);
        if has_failed && job.state != State::Canceled {
            job.state = State::Failed;
        }
        if let Some(unconfirmed_reason) = unconfirmed_reason {
            let text = format!("{}: {unconfirmed_reason}", job.reference);
            notices.push(Notice::new(NoticeCode::CountMismatch, text));
            if !job.state.is_unsuccessful() {
                job.reason = Some(Reason::SubtasksUnread);
                job.message = Some(unconfirmed_reason);
            }
        }
    } else if let Some(unconfirmed_reason) = inconsistency(job, listing, &tasks, unread) {
        let text = match &job.state_raw {
            Some(raw) => format!(
                "{}: the cloud reports {raw}, but {unconfirmed_reason}",
                job.reference
            ),
            None => format!("{}: {unconfirmed_reason}", job.reference),
        };
        notices.push(Notice::new(NoticeCode::CountMismatch, text));
        job.exit_code = None;
        job.message = Some(unconfirmed_reason);
        if has_failed {
            job.state = State::Failed;
        } else if job.ended && tasks.iter().any(|task| task.state == State::Canceled) {
            // A canceled subtask never succeeds, and no subtask still runs, so the outcome is final.
            job.state = State::Canceled;
        } else {
            job.state = State::Unknown;
            job.ended = false;
            job.finished_at = None;
            job.reason = Some(Reason::SubtasksUnread);
        }
    }
    job.tasks.extend(tasks);
}

/// Returns why a subtask of an active job may have failed without being listed as failed.
fn unconfirmed_reason_of_active(
    job: &Job,
    listing: &JobRows,
    unread: Option<&str>,
) -> Option<String> {
    if let Some(reason) = unread {
        return Some(format!("could not read all subtasks: {reason}"));
    }
    if let Some(((_, id), _)) = listing
        .subtasks(&job.id)
        .iter()
        .find(|(_, row)| row.is_none())
    {
        return Some(format!("{id} is listed with different states"));
    }
    let expected = job.array.as_ref();
    let expected = expected.and_then(|array| subtask_ids(&job.id, array));
    if expected.is_some_and(|ids| ids.iter().all(|id| listing.row(id).is_some())) {
        return None;
    }
    match listing.count_mismatch() {
        Some((total, rows)) => Some(format!("the list reports {total} rows but contains {rows}")),
        None if listing.is_partial() => {
            Some("the list contains more rows than could be read".to_owned())
        }
        None => None,
    }
}

/// Returns why it is not certain that every subtask has succeeded.
fn inconsistency(
    job: &Job,
    listing: &JobRows,
    tasks: &[Task],
    unread: Option<&str>,
) -> Option<String> {
    let why = unread.map_or_else(String::new, |why| format!("; {why}"));
    let is_bad = |task: &&Task| task.ended && task.state != State::Succeeded;
    let bad = tasks.iter().find(is_bad);
    let array = job.array.as_ref();
    let Some(expected) = array.and_then(|array| subtask_ids(&job.id, array)) else {
        let reason = match (bad, array) {
            (Some(task), _) => describe_task(task),
            (None, Some(_)) => "the range of its subtasks could not be read".to_owned(),
            (None, None) => "could not check whether it has subtasks".to_owned(),
        };
        return Some(reason + &why);
    };
    let id_of = |task: &Task| task.id.clone().unwrap_or_default();
    let succeeded = tasks.iter().filter(|t| t.state == State::Succeeded);
    let succeeded: BTreeSet<String> = succeeded.map(id_of).collect();
    let subtasks = listing.subtasks(&job.id);
    let contradictory = || subtasks.iter().find(|(_, row)| row.is_none());
    let missing = || expected.iter().find(|id| listing.row(id).is_none());
    let unsuccessful_task = || tasks.iter().find(|task| task.state != State::Succeeded);
    let extra = || succeeded.difference(&expected).next();
    let first = bad
        .map(describe_task)
        .or_else(|| {
            contradictory().map(|((_, id), _)| format!("{id} is listed with different states"))
        })
        .or_else(|| missing().map(|id| format!("{id} was not found")))
        .or_else(|| unsuccessful_task().map(describe_task))
        .or_else(|| extra().map(|id| format!("{id} is outside its range")))
        .or_else(|| {
            let (total, rows) = listing.count_mismatch()?;
            Some(format!("the list reports {total} rows but contains {rows}"))
        })?;
    let (total, succeeded) = (expected.len(), succeeded.intersection(&expected).count());
    let others = match (total - succeeded).saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!(
        "{succeeded} of {total} subtasks are known to have succeeded; {first}{others}{why}"
    ))
}

fn describe_task(task: &Task) -> String {
    let id = task.id.as_deref().unwrap_or_default();
    match task.state {
        State::Failed => format!("{id} failed"),
        State::Canceled => format!("{id} was canceled"),
        state => format!("{id} is {state}"),
    }
}

/// Returns the id of the newest failed subtask of a failed array job.
pub(in super::super) fn failed_subtask(job: &Job) -> Option<&str> {
    let failed = newest_failed_subtask(&job.tasks).filter(|_| job.state == State::Failed);
    job.tasks[failed?].id.as_deref()
}

fn newest_failed_subtask(tasks: &[Task]) -> Option<usize> {
    let mut failed = failed_tasks(tasks).into_iter();
    let newest = failed.find(|task| is_failed_subtask(task))?;
    tasks.iter().position(|task| std::ptr::eq(task, newest))
}

fn is_failed_subtask(task: &Task) -> bool {
    task.kind == "subtask" && task.state == State::Failed
}

/// Sets the cause of a failed array job to that of its newest failed subtask. `cause` is the job in the
/// response to the lookup of that subtask.
pub(in super::super) fn explain(job: &mut Job, cause: Option<&Job>) {
    let more = job
        .tasks
        .iter()
        .filter(|task| is_failed_subtask(task))
        .count();
    let Some(newest) = newest_failed_subtask(&job.tasks) else {
        return;
    };
    let task = &mut job.tasks[newest];
    let cause = cause.filter(|cause| cause.state == State::Failed);
    if let Some(cause) = cause {
        task.exit_code = cause.exit_code;
        task.reason = cause.reason.clone().map(String::from);
        task.message.clone_from(&cause.message);
    }
    let id = task.id.as_deref().unwrap_or_default();
    let reason = task.reason.as_ref().or(task.state_raw.as_ref());
    let text = task.message.as_deref().or(reason.map(String::as_str));
    let others = match more.saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    job.message = Some(format!("{id}: {}{others}", text.unwrap_or("failed")));
    job.reason = match cause.and_then(|cause| cause.reason.clone()) {
        Some(reason) => Some(reason),
        None => reason.cloned().map(Reason::from),
    };
    job.exit_code = task.exit_code;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(start: Option<i64>, end: Option<i64>, step: Option<i64>) -> Array {
        Array {
            start,
            end,
            step,
            index: None,
        }
    }

    #[test]
    fn an_invalid_or_oversized_index_range_yields_no_subtask_ids() {
        let ids = |start, end, step| {
            let ids = subtask_ids("10", &array(start, end, step))?;
            Some(ids.into_iter().collect::<Vec<_>>())
        };
        let some = |ids: &[&str]| Some(ids.iter().map(ToString::to_string).collect());
        let odd = ids(Some(1), Some(6), Some(2));
        assert_eq!(odd, some(&["10_1", "10_3", "10_5"]));
        assert_eq!(ids(Some(0), Some(0), None), some(&["10_0"]));
        assert_eq!(ids(Some(1), Some(10_000), Some(1)).unwrap().len(), 10_000);
        for (start, end, step) in [
            (None, Some(5), Some(1)),
            (Some(1), None, Some(1)),
            (Some(5), Some(1), Some(1)),
            (Some(-1), Some(1), Some(1)),
            (Some(1), Some(5), Some(0)),
            (Some(1), Some(5), Some(-1)),
            (Some(0), Some(10_000), Some(1)),
            (Some(0), Some(i64::MAX), Some(i64::MAX)),
        ] {
            assert_eq!(ids(start, end, step), None, "{start:?} {end:?} {step:?}");
        }
    }

    #[test]
    fn the_list_request_contains_subtask_ids_next_to_the_range() {
        let listed = |range: Option<Array>| ids_to_list("10", range.as_ref());
        let ids = listed(Some(array(Some(1), Some(9), Some(2))));
        assert_eq!(ids.len(), MAX_ROWS);
        assert_eq!(ids[..3], ["10", "10_0", "10_1"]);
        assert_eq!(ids[99], "10_98");
        let ids = listed(Some(array(Some(5), Some(102), None)));
        assert_eq!((ids.len(), ids[1].as_str()), (2 * MAX_ROWS, "10_4"));
        let last = Some(i64::MAX);
        assert_eq!(listed(Some(array(last, last, None))).len(), 3);
        let ids = listed(None);
        assert_eq!((ids.len(), ids[1].as_str()), (MAX_ROWS, "10_0"));
    }
}
