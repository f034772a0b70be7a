//! Reads the responses of DescribeServerlessJobs.

use super::cause::explain_job;
use super::container;
use super::details::{ArrayProperties, JobDetails};
use super::group::{self, Group, Groups, MAX_EVENTS};
use super::row::Row;
use super::subtask_id::{subtask_index, subtask_of};
use super::success;
use crate::http::RequestError;
use crate::model::Array;
use crate::providers::lenient::AccumulatedList;
use crate::providers::prelude::*;
use std::collections::BTreeSet;

/// State words of a job.
pub(in super::super) const STATES: StateWords = &[
    ("Pending", State::Pending),
    ("Initing", State::Starting),
    ("Running", State::Running),
    ("Succeeded", State::Succeeded),
    ("Canceled", State::Canceled),
    ("Failed", State::Failed),
];

/// State words by which ListServerlessJobs can filter according to its documentation. `Initing` is not among
/// them, although rows contain it.
pub(in super::super) const LISTABLE: [&str; 5] =
    ["Pending", "Running", "Succeeded", "Canceled", "Failed"];

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DescribeJobsResponse {
    request_id: Text,
    total_count: Checked<Int>,
    job_infos: Required<List<JobInfo>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobInfo {
    job_id: Text,
    job_name: Text,
    state: Text,
    priority: Int,
    queue: Text,
    user: Text,
    submit_time: Timestamp,
    start_time: Timestamp,
    end_time: Timestamp,
    last_modify_time: Timestamp,
    is_array_job: Checked<Flag>,
    array_properties: Checked<OptionalObject<ArrayProperties>>,
    container_groups: Checked<Required<AccumulatedList<Group, Groups>>>,
}

/// One job in a response to DescribeServerlessJobs.
#[derive(Debug)]
pub(in super::super) struct Described {
    /// The job. `array` is set if any field shows that it is an array job or a subtask.
    pub(in super::super) job: Job,
    /// Additional notices.
    pub(in super::super) notices: Vec<Notice>,
    /// The cloud's flag for array jobs, if it can be read.
    pub(in super::super) is_array_job: Option<bool>,
    /// True if a field that shows whether it is an array job has another type than expected.
    pub(super) is_flag_unreadable: bool,
    /// Subtasks of the job in the same response.
    pub(super) subtasks: Vec<Row>,
}

/// Decodes a response to DescribeServerlessJobs. `base` contains the job's reference.
///
/// `user_states` are the user's state words. If the response contains several jobs, the one with the id of `base` is
/// used.
///
/// # Errors
/// `not_found` for an empty list; what was expected of an invalid response, or of one about another job.
pub(in super::super) fn decode(
    body: &[u8],
    base: Job,
    user_states: &[(String, State)],
) -> Result<Described, DecodeError> {
    let response: DescribeJobsResponse = lenient::decode_response(body)?;
    let total_count = response.total_count.value.0;
    let infos = response.job_infos.rows("JobInfos", total_count)?;
    let listed = infos.len();
    if listed == 0 {
        return match total_count {
            None | Some(0) if !response.total_count.is_unreadable => {
                Err(no_such_job(&base.id, response.request_id.0))
            }
            _ => Err(DecodeError::Invalid(
                "as many jobs in JobInfos as TotalCount".to_owned(),
            )),
        };
    }
    let is_subtask = |info: &JobInfo| {
        let id = info.job_id.trimmed();
        id.is_some_and(|id| subtask_of(&base.id, id).is_some())
    };
    let (subtasks, others): (Vec<_>, Vec<_>) = infos.into_iter().partition(is_subtask);
    let mut requested = others
        .into_iter()
        .filter(|info| info.job_id.trimmed() == Some(base.id.trim()));
    let Some(info) = requested.next() else {
        return Err(match subtasks.is_empty() {
            true => DecodeError::Invalid("a job with the requested JobId".to_owned()),
            // The list may contain the array job of these subtasks.
            false => no_such_job(&base.id, response.request_id.0),
        });
    };
    if requested.any(|twin| twin.state.trimmed() != info.state.trimmed()) {
        return Err(DecodeError::Invalid("one state for one JobId".to_owned()));
    }
    let mut notices = Vec::new();
    if let Some(total) = total_count.filter(|total| usize::try_from(*total) != Ok(listed)) {
        notices.push(Notice::new(
            NoticeCode::CountMismatch,
            format!(
                "{}: TotalCount is {total}, but the response has {listed}",
                base.reference
            ),
        ));
    }
    let mut job = base;
    job.request_id = response.request_id.0;
    let is_flag_unreadable = info.is_array_job.is_unreadable || info.array_properties.is_unreadable;
    let flag = info.is_array_job.value.0;
    let is_array_job = flag.filter(|flag| *flag || !is_flag_unreadable);
    info.fill(&mut job, total_count, user_states, &mut notices);
    if !subtasks.is_empty() {
        job.array.get_or_insert(Array::UNKNOWN);
    }
    Ok(Described {
        job,
        notices,
        is_array_job,
        is_flag_unreadable,
        subtasks: subtasks.into_iter().map(Row::from).collect(),
    })
}

fn no_such_job(id: &str, request_id: Option<String>) -> DecodeError {
    let message = format!("the cluster has no serverless job {id}");
    let mut missing = RequestError::new(Category::NotFound, message);
    missing.request_id = request_id;
    missing.hint =
        Some("check the job id; a subtask of an array job is JOB_INDEX, e.g. 10_3".to_owned());
    DecodeError::Failed(Box::new(missing))
}

impl From<JobInfo> for Row {
    fn from(info: JobInfo) -> Self {
        Self {
            id: info.job_id.trimmed().map(str::to_owned),
            name: info.job_name.0,
            word: info.state.trimmed().map(str::to_owned),
            priority: info.priority.0,
            queue: info.queue.0,
            user: info.user.0,
            created_at: info.submit_time.utc(),
            started_at: info.start_time.utc(),
            finished_at: info.end_time.utc(),
            is_array: info.is_array_job.value.0,
            is_unreadable: info.is_array_job.is_unreadable,
        }
    }
}

impl JobInfo {
    fn fill(
        self,
        job: &mut Job,
        total_count: Option<i64>,
        user_states: &[(String, State)],
        notices: &mut Vec<Notice>,
    ) {
        let state = states::normalize(STATES, user_states, self.state.trimmed());
        notices.extend(state.unknown_state_notice("aliyun/job"));
        state.apply_to(job);
        job.name = self.job_name.0;
        job.priority = self.priority.0;
        job.queue = self.queue.0;
        job.user = self.user.0;
        job.created_at = self.submit_time.utc();
        job.started_at = self.start_time.utc();
        job.finished_at = self.end_time.utc().filter(|_| job.ended);
        job.updated_at = self.last_modify_time.utc();
        let properties = self.array_properties.value;
        let index = subtask_index(&job.id);
        // A range for an id without an index shows an array job, like the flag, which may be unreadable.
        let flag = self.is_array_job.value.0;
        let is_given = |range: &ArrayProperties| is_range(range, flag == Some(false));
        let range = properties.0.as_deref();
        let has_range = index.is_none() && range.is_some_and(is_given);
        job.array = (flag == Some(true) || has_range).then(|| Array {
            start: range.and_then(|range| range.start.0),
            end: range.and_then(|range| range.end.0),
            step: range.and_then(|range| range.step.0),
            index,
        });
        job.details = Some(Arc::new(JobDetails {
            total_count,
            array_properties: properties,
        }));
        let (groups, is_unreadable) = self.container_groups.value.accumulated();
        job.events_unreadable = is_unreadable || groups.events_unreadable;
        notices.extend(groups.truncated.iter().map(|label| {
            Notice::new(
                NoticeCode::EventsTruncated,
                format!(
                    "{}: only the last {MAX_EVENTS} events per container group are available; older events of {label} may be missing",
                    job.reference,
                ),
            )
        }));
        (job.tasks, job.events) = (groups.tasks, groups.events);
        job.resources = sum(&job.tasks);
        explain_job(job);
        success::confirm(job, notices);
        note_unknown_words(&job.tasks, notices);
    }
}

/// Returns `true` if the properties contain a range; those of ordinary jobs can be zeros. If the flag is false,
/// a step is not enough.
fn is_range(properties: &ArrayProperties, is_denied: bool) -> bool {
    let step = properties.step.0.filter(|_| !is_denied);
    let numbers = [properties.start.0, properties.end.0, step];
    numbers.iter().flatten().any(|number| *number != 0)
}

/// Adds up the resources of all groups. A resource is unknown if one group does not report it.
fn sum(tasks: &[Task]) -> Resources {
    let known = !tasks.is_empty();
    Resources {
        cpu: known
            .then(|| tasks.iter().map(|task| task.resources.cpu).sum())
            .flatten(),
        memory_bytes: known
            .then(|| total(tasks.iter().map(|task| task.resources.memory_bytes)))
            .flatten(),
        ephemeral_storage_bytes: known
            .then(|| {
                total(
                    tasks
                        .iter()
                        .map(|task| task.resources.ephemeral_storage_bytes),
                )
            })
            .flatten(),
        ..Resources::default()
    }
}

fn total(mut parts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    parts.try_fold(0_u64, |sum, part| sum.checked_add(part?))
}

/// Adds one notice for each unrecognized state of groups and containers.
fn note_unknown_words(tasks: &[Task], notices: &mut Vec<Notice>) {
    let groups = tasks.iter().filter_map(|task| {
        Some((
            "aliyun container group",
            group::STATES,
            task.state_raw.as_deref()?,
        ))
    });
    let containers = tasks
        .iter()
        .flat_map(|task| &task.containers)
        .flat_map(|container| {
            let previous = container.previous.as_ref();
            [
                container.state_raw.as_deref(),
                previous.and_then(|previous| previous.state_raw.as_deref()),
            ]
        })
        .flatten()
        .map(|word| ("aliyun container", container::STATES, word));
    let mut reported = BTreeSet::new();
    for (source, table, word) in groups.chain(containers) {
        if reported.insert((source, word)) {
            let state = states::normalize(table, &[], Some(word));
            notices.extend(state.unknown_state_notice(source));
        }
    }
}
