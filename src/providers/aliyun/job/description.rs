//! What DescribeServerlessJobs tells of a job.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::container;
use super::details::{ArrayProperties, JobDetails};
use super::group::{self, Group};
use crate::error::Category;
use crate::http::RequestError;
use crate::kind::StateWords;
use crate::model::{
    Array, Container, Event, Job, Level, Notice, NoticeCode, Resources, State, Task, Time,
};
use crate::providers::api::DecodeError;
use crate::providers::lenient::{self, Flag, Int, List, OptionalObject, Text};
use crate::providers::states;

/// What a job's words mean.
pub(in super::super) const STATES: StateWords = &[
    ("Pending", State::Pending),
    ("Initing", State::Starting),
    ("Running", State::Running),
    ("Succeeded", State::Succeeded),
    ("Canceled", State::Canceled),
    ("Failed", State::Failed),
];

/// The words that ListServerlessJobs is documented to filter by: `Initing` is none, though rows show
/// it.
pub(in super::super) const LISTABLE: [&str; 5] =
    ["Pending", "Running", "Succeeded", "Canceled", "Failed"];

/// The cloud keeps no more events of a group than this.
const MAX_EVENTS: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DescribeJobsResponse {
    request_id: Text,
    total_count: Int,
    job_infos: Option<List<JobInfo>>,
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
    submit_time: Int,
    start_time: Int,
    end_time: Int,
    last_modify_time: Int,
    is_array_job: Flag,
    array_properties: OptionalObject<ArrayRange>,
    container_groups: List<Group>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ArrayRange {
    index_start: Int,
    index_end: Int,
    index_step: Int,
}

/// What an answer to DescribeServerlessJobs says of one job.
#[derive(Debug)]
pub(in super::super) struct Described {
    /// The job; `array` is filled where anything says that it is an array job or a part of one.
    pub(in super::super) job: Job,
    /// What a reader should know besides.
    pub(in super::super) notices: Vec<Notice>,
    /// The cloud's own flag for array jobs, where it can be read.
    pub(in super::super) is_array_job: Option<bool>,
}

/// Reads an answer to DescribeServerlessJobs into a job whose address is known already.
///
/// `own` are the user's words for states. Of several jobs, the one with the address's id is taken.
///
/// # Errors
/// `not_found` for an empty list; what was expected of an answer that is none, or is about another job.
pub(in super::super) fn decode(
    body: &[u8],
    at: Job,
    own: &[(String, State)],
) -> Result<Described, DecodeError> {
    let answer: DescribeJobsResponse = lenient::decode(body)?;
    let total_count = answer.total_count.0;
    let Some(List(infos)) = answer.job_infos else {
        return match total_count {
            Some(0) => Err(no_such_job(&at.id, answer.request_id.0)),
            _ => Err(DecodeError::Invalid("a list JobInfos".to_owned())),
        };
    };
    let listed = infos.len();
    let mut ids = infos.iter().filter_map(|info| info.job_id.trimmed());
    let has_subtasks = ids.any(|id| subtask_of(&at.id, id).is_some());
    if listed == 0 {
        return match total_count {
            None | Some(0) => Err(no_such_job(&at.id, answer.request_id.0)),
            Some(_) => Err(DecodeError::Invalid(
                "as many jobs in JobInfos as TotalCount says".to_owned(),
            )),
        };
    }
    let mut asked = infos
        .into_iter()
        .filter(|info| info.job_id.trimmed() == Some(at.id.trim()));
    let info = asked
        .next()
        .ok_or_else(|| DecodeError::Invalid("a job with the requested JobId".to_owned()))?;
    if asked.any(|twin| twin.state.trimmed() != info.state.trimmed()) {
        return Err(DecodeError::Invalid("one state for one JobId".to_owned()));
    }
    let mut notices = Vec::new();
    if let Some(total) = total_count.filter(|total| usize::try_from(*total) != Ok(listed)) {
        notices.push(Notice::new(
            NoticeCode::CountMismatch,
            format!(
                "{}: TotalCount is {total}, but the response has {listed}",
                at.reference
            ),
        ));
    }
    let mut job = at;
    job.request_id = answer.request_id.0;
    let is_array_job = info.is_array_job.0;
    info.fill(&mut job, total_count, own, &mut notices);
    if has_subtasks {
        job.array.get_or_insert(Array::UNKNOWN);
    }
    Ok(Described {
        job,
        notices,
        is_array_job,
    })
}

fn no_such_job(id: &str, request_id: Option<String>) -> DecodeError {
    let what = format!("the cluster has no serverless job {id}");
    let mut missing = RequestError::new(Category::NotFound, what);
    missing.request_id = request_id;
    missing.hint =
        Some("check the job id; a subtask of an array job is JOB_INDEX, e.g. 10_3".to_owned());
    DecodeError::Failed(Box::new(missing))
}

impl JobInfo {
    fn fill(
        self,
        job: &mut Job,
        total_count: Option<i64>,
        own: &[(String, State)],
        notices: &mut Vec<Notice>,
    ) {
        let reading = states::normalize(STATES, own, self.state.trimmed(), "aliyun/job", notices);
        job.state = reading.state;
        job.state_raw = reading.raw;
        job.ended = reading.ended;
        job.name = self.job_name.0;
        job.priority = self.priority.0;
        job.queue = self.queue.0;
        job.user = self.user.0;
        job.created_at = moment(self.submit_time);
        job.started_at = moment(self.start_time);
        job.finished_at = moment(self.end_time).filter(|_| job.ended);
        job.updated_at = moment(self.last_modify_time);
        let properties = self.array_properties.0.map(|range| ArrayProperties {
            start: range.index_start.0,
            end: range.index_end.0,
            step: range.index_step.0,
        });
        let index = subtask_index(&job.id);
        // A range on an id without an index says as much as the flag, whatever became of that.
        let says_range = |range: &_| is_range(range, self.is_array_job.0 == Some(false));
        let has_range = index.is_none() && properties.as_ref().is_some_and(says_range);
        job.array = (self.is_array_job.0 == Some(true) || has_range).then(|| {
            let range = properties.clone().unwrap_or_default();
            Array {
                start: range.start,
                end: range.end,
                step: range.step,
                index,
            }
        });
        job.details = Some(Arc::new(JobDetails {
            total_count,
            array_properties: properties,
        }));
        for Group { mut task, events } in self.container_groups.0 {
            if events.len() >= MAX_EVENTS {
                notices.push(Notice::new(
                    NoticeCode::EventsTruncated,
                    format!(
                        "{}: only the last {MAX_EVENTS} events per container group are available; older events of {} may be missing",
                        job.reference,
                        label(&task),
                    ),
                ));
            }
            explain_task(&mut task, &events);
            job.tasks.push(task);
            job.events.extend(events);
        }
        job.resources = sum(&job.tasks);
        explain_job(job);
        note_unknown_words(&job.tasks, notices);
    }
}

pub(super) fn moment(seconds: Int) -> Option<Time> {
    seconds.0.and_then(Time::from_unix)
}

/// True when the properties say anything; those of ordinary jobs may be zeros. A step alone says
/// nothing against a flag that denies it.
fn is_range(properties: &ArrayProperties, is_denied: bool) -> bool {
    let step = properties.step.filter(|_| !is_denied);
    let numbers = [properties.start, properties.end, step];
    numbers.iter().flatten().any(|number| *number != 0)
}

/// The index of the subtask `id` of the array job `parent`: 3 for `10_3` of `10`.
pub(super) fn subtask_of(parent: &str, id: &str) -> Option<i64> {
    let rest = id.strip_prefix(parent.trim())?;
    rest.starts_with('_').then(|| subtask_index(rest))?
}

/// The index in the id of a subtask: 3 in `10_3`.
pub(super) fn subtask_index(id: &str) -> Option<i64> {
    let (_, index) = id.rsplit_once('_')?;
    index
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| index.parse().ok())?
}

/// Sums over all groups; unknown when one group does not say.
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

fn label(task: &Task) -> String {
    let name = task.name.as_ref().or(task.id.as_ref());
    name.map_or_else(
        || "unnamed group".to_owned(),
        |name| format!("group {name}"),
    )
}

/// Gives a group that has ended its exit code, and a failed one its cause: the first container
/// that failed, else the newest warning.
fn explain_task(task: &mut Task, events: &[Event]) {
    match task.state {
        State::Succeeded => task.exit_code = all_zero(task.containers.iter()),
        State::Failed => {
            let failed = failed_container(&task.containers, "");
            if let Some((code, reason, message)) = failed {
                task.exit_code = code;
                task.reason = reason;
                task.message = Some(message);
            } else {
                task.reason.clone_from(&task.state_raw);
                task.message = events
                    .iter()
                    .filter(|event| event.level == Some(Level::Warning))
                    .max_by_key(|event| event.last_at.or(event.first_at))
                    .and_then(|event| event.message.clone().or_else(|| event.reason.clone()));
            }
        }
        _ => {}
    }
}

/// 0 when every main container ended with 0.
fn all_zero<'a>(containers: impl Iterator<Item = &'a Container>) -> Option<i64> {
    let mut main = containers.filter(|container| !container.init).peekable();
    main.peek()?;
    main.all(|container| container.exit_code == Some(0))
        .then_some(0)
}

/// Exit code, reason and sentence of the first container that failed; where none has, of the first
/// that failed before its last restart. `of` stands after the container's name.
fn failed_container(
    containers: &[Container],
    of: &str,
) -> Option<(Option<i64>, Option<String>, String)> {
    let now = containers
        .iter()
        .find(|container| container.state == State::Failed)
        .map(|container| {
            let text = (&container.reason, &container.message);
            (container, container.exit_code, text)
        });
    let before = || {
        containers.iter().find_map(|container| {
            let previous = container.previous.as_ref()?;
            let text = (&previous.reason, &previous.message);
            (previous.state == State::Failed).then_some((container, previous.exit_code, text))
        })
    };
    let (container, code, (reason, text)) = now.or_else(before)?;
    let name = container.name.as_deref().unwrap_or("without a name");
    let mut sentence = format!("container {name}{of}");
    if let Some(code) = code {
        sentence.push_str(&format!(": exit code {code}"));
    }
    if let Some(reason) = reason {
        sentence.push_str(&format!(" ({})", reason.trim()));
    }
    if let Some(text) = text {
        sentence.push_str(&format!(": {}", text.trim()));
    }
    Some((
        code,
        reason.as_deref().map(|reason| reason.trim().to_owned()),
        sentence,
    ))
}

/// Gives a failed job the cause of its first failed group, one with a failed container first.
fn explain_job(job: &mut Job) {
    match job.state {
        State::Succeeded => {
            job.exit_code = all_zero(job.tasks.iter().flat_map(|task| &task.containers));
        }
        State::Failed => {
            // A side container of a group that went well may have been killed at its end.
            let of_groups = |is_failed: bool| {
                job.tasks
                    .iter()
                    .filter(|task| (task.state == State::Failed) == is_failed)
                    .filter(|task| task.state != State::Succeeded)
                    .find_map(|task| {
                        failed_container(&task.containers, &format!(" of {}", label(task)))
                    })
            };
            let by_container = of_groups(true).or_else(|| of_groups(false));
            let by_group = || {
                let task = job.tasks.iter().find(|task| task.state == State::Failed)?;
                let word = task.state_raw.clone()?;
                let text = match &task.message {
                    Some(text) => format!("{}: {word}: {text}", label(task)),
                    None => format!("{}: {word}", label(task)),
                };
                Some((None, Some(word), text))
            };
            if let Some((code, reason, message)) = by_container.or_else(by_group) {
                job.exit_code = code;
                job.reason = reason;
                job.message = Some(message);
            }
        }
        _ => {}
    }
}

/// Tells each word of groups and containers that no table holds, once.
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
    let mut told = BTreeSet::new();
    for (what, table, word) in groups.chain(containers) {
        if told.insert((what, word)) {
            states::normalize(table, &[], Some(word), what, notices);
        }
    }
}
