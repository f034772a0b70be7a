use super::jobs::subtask_index;
use super::list::Listing;
use crate::model::{Array, Job, Notice, State, Task};

/// An array job with more subtasks than this is not read subtask by subtask.
const MOST_SUBTASKS: u64 = 10_000;

/// True for an array job as a whole.
pub(in super::super) fn is_parent(job: &Job) -> bool {
    job.array
        .as_ref()
        .is_some_and(|array| array.index.is_none())
}

/// True for an id that an array job as a whole may have.
pub(in super::super) fn may_be_parent(id: &str) -> bool {
    subtask_index(id).is_none()
}

/// The ids of all subtasks; `None` when the range cannot be read or holds too many.
pub(in super::super) fn subtask_ids(id: &str, array: &Array) -> Option<Vec<String>> {
    let (start, end) = (array.start?, array.end?);
    let step = u64::try_from(array.step.unwrap_or(1)).ok()?;
    let is_range = 0 <= start && start <= end && 0 < step;
    if !is_range || end.abs_diff(start) / step >= MOST_SUBTASKS {
        return None;
    }
    let step = usize::try_from(step).ok()?;
    let ids = (start..=end).step_by(step);
    Some(ids.map(|index| format!("{id}_{index}")).collect())
}

/// Gives an array job its subtasks, and takes back a success that they do not bear out.
///
/// `ids` are all its subtasks, if their range is known; `unread` says why rows are missing.
pub(in super::super) fn judge(
    job: &mut Job,
    ids: Option<&[String]>,
    listing: &Listing,
    unread: Option<&str>,
    own: &[(String, State)],
    notices: &mut Vec<Notice>,
) {
    let rows = || ids.unwrap_or_default().iter().map(|id| listing.row(id));
    let tasks: Vec<Task> = rows().flatten().map(|row| row.task(own, notices)).collect();
    if job.state == State::Succeeded {
        if let Some(doubt) = doubt(ids, listing, &tasks, unread) {
            notices.push(Notice::new(
                "count_mismatch",
                format!(
                    "{}: the cloud says {}, and {doubt}",
                    job.reference,
                    job.state_raw.as_deref().unwrap_or_default()
                ),
            ));
            job.state = State::Unknown;
            job.ended = false;
            job.exit_code = None;
            job.finished_at = None;
            job.reason = Some(Job::SUBTASKS_UNREAD.to_owned());
            job.message = Some(doubt);
        }
    } else if let Some(why) = unread {
        notices.push(Notice::new(
            "count_mismatch",
            format!(
                "{}: its subtasks could not all be read: {why}",
                job.reference
            ),
        ));
    }
    job.tasks.extend(tasks);
}

/// Why it is not certain that every subtask has succeeded.
fn doubt(
    ids: Option<&[String]>,
    listing: &Listing,
    tasks: &[Task],
    unread: Option<&str>,
) -> Option<String> {
    let why = unread.map_or_else(String::new, |why| format!("; {why}"));
    let Some(ids) = ids else {
        return Some(format!("the range of its subtasks could not be read{why}"));
    };
    let succeeded = tasks.iter().filter(|t| t.state == State::Succeeded).count();
    if succeeded == ids.len() && succeeded > 0 {
        return None;
    }
    let shown = |task: &Task| {
        let id = task.id.as_deref().unwrap_or_default();
        match task.state {
            State::Failed => format!("{id} failed"),
            State::Canceled => format!("{id} was canceled"),
            state => format!("{id} is {state}"),
        }
    };
    let is_bad = |task: &&Task| task.ended && task.state != State::Succeeded;
    let missing = || ids.iter().find(|id| listing.row(id).is_none());
    let other = || tasks.iter().find(|task| task.state != State::Succeeded);
    let first = tasks
        .iter()
        .find(is_bad)
        .map(shown)
        .or_else(|| missing().map(|id| format!("{id} was not found")))
        .or_else(|| other().map(shown))
        .unwrap_or_default();
    let others = match (ids.len() - succeeded).saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let total = ids.len();
    Some(format!(
        "{succeeded} of {total} subtasks were seen succeeded; {first}{others}{why}"
    ))
}

/// The id of the first subtask that failed, when the array job failed.
pub(in super::super) fn failed_subtask(job: &Job) -> Option<&str> {
    let failed = job.tasks.iter().find(|task| is_failed_subtask(task));
    failed
        .filter(|_| job.state == State::Failed)
        .and_then(|task| task.id.as_deref())
}

fn is_failed_subtask(task: &Task) -> bool {
    task.kind == "subtask" && task.state == State::Failed
}

/// Gives a failed array job the cause of its first failed subtask, as far as a look at that one
/// (`cause`) could tell it.
pub(in super::super) fn explain(job: &mut Job, cause: Option<&Job>) {
    let more = job
        .tasks
        .iter()
        .filter(|task| is_failed_subtask(task))
        .count();
    let Some(task) = job.tasks.iter_mut().find(|task| is_failed_subtask(task)) else {
        return;
    };
    if let Some(cause) = cause.filter(|cause| cause.state == State::Failed) {
        task.exit_code = cause.exit_code;
        task.reason.clone_from(&cause.reason);
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
    job.reason = reason.cloned();
    job.exit_code = task.exit_code;
}
