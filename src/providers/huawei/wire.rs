use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Job, Notice, NoticeCode, State, Task, Time};
use crate::providers::lenient::{self, Int, List, OptionalObject, Text};
use crate::providers::states::{self, StateWords};
use crate::providers::{GetOptions, GetResult, job_at, vendor};
use crate::reference::Reference;

mod errors;

pub use errors::classify;

/// Words of sub-jobs; the first four are those of jobs.
pub const STATES: StateWords = &[
    ("WAITING", State::Pending),
    ("RUNNING", State::Running),
    ("SUCCESS", State::Succeeded),
    ("FAILED", State::Failed),
    ("ROLLBACK", State::Stopping),
    ("ABORTING", State::Stopping),
    ("ABNORMAL", State::Unknown),
];

/// Words of jobs.
pub const JOB_STATES: StateWords = STATES.split_at(4).0;

const SUB_JOB: &str = "a sub-job of huawei/image-job";

#[derive(Default, Deserialize)]
#[serde(default)]
struct ImageJob {
    id: Text,
    job_type: Text,
    begin_time: Text,
    end_time: Text,
    status: Text,
    sub_jobs_total: Int,
    sub_jobs: List<SubJob>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubJob {
    id: Text,
    job_type: Text,
    job_resource_info: OptionalObject<ResourceInfo>,
    begin_time: Text,
    end_time: Text,
    status: Text,
    job_execute_info: OptionalObject<ExecuteInfo>,
    project_id: Text,
    job_id: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceInfo {
    resource_id: Text,
    resource_name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExecuteInfo {
    error_code: Text,
    error_message: Text,
}

/// What only a Huawei image job has.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "HuaweiImageJob")]
pub struct ImageJobDetails {
    /// What is done, such as `CREATE_SERVER` or `CREATE_SERVER_IMAGE`.
    pub job_type: Option<String>,
    /// How many sub-jobs the cloud counts.
    pub sub_jobs_total: Option<i64>,
}

/// What only a sub-job of a Huawei image job has.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "HuaweiSubJob")]
pub struct SubJobDetails {
    /// What is done.
    pub job_type: Option<String>,
    /// Id of the resource it works on.
    pub resource_id: Option<String>,
    /// Project it belongs to.
    pub project_id: Option<String>,
    /// Job it belongs to.
    pub job_id: Option<String>,
}

/// Reads an answer that `classify` let pass.
///
/// # Errors
/// What was expected and not there, such as a job with the requested id.
pub fn decode(
    body: &[u8],
    reference: &Reference,
    ask: &GetOptions,
    region: Option<&str>,
) -> Result<GetResult, String> {
    let answered: ImageJob = lenient::decode(body)?;
    if answered.id.trimmed() != Some(reference.id()) {
        return Err("the requested id".to_owned());
    }
    let mut notices = Vec::new();
    let mut job = job(answered, reference, ask, region, &mut notices);
    vendor::attach_raw(&mut job, &mut notices, body, ask, &mut |_, _| {});
    Ok(GetResult { job, notices })
}

/// The types of jobs that the cloud lists, one a call; jobs of others are shown by their id only.
pub const JOB_TYPES: [&str; 3] = ["CREATE_SERVER", "CREATE_SERVER_IMAGE", "DELETE_SERVER"];

/// How many rows a page of the list holds; the cloud allows no more.
pub const PAGE_SIZE: usize = 100;

/// One page of the list of jobs.
pub struct Page {
    /// How many jobs the list holds in all.
    pub count: Option<i64>,
    /// Jobs without their sub-jobs.
    pub items: Vec<Row>,
}

/// One job of the list.
pub struct Row(ImageJob);

#[derive(Default, Deserialize)]
#[serde(default)]
struct ImageJobsResponse {
    count: Int,
    items: Option<List<ImageJob>>,
}

impl Page {
    /// Reads a page that `classify` let pass.
    ///
    /// # Errors
    /// What was expected and not there.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        let page: ImageJobsResponse = lenient::decode(body)?;
        let count = page.count.0;
        let items = match (page.items, count) {
            (Some(List(items)), _) => items,
            (None, Some(0)) => Vec::new(),
            (None, _) => return Err("a list items".to_owned()),
        };
        Ok(Self {
            count,
            items: items.into_iter().map(Row).collect(),
        })
    }
}

impl Page {
    /// How many jobs the list holds in all, where the cloud gives a sensible count.
    pub fn total(&self) -> Option<u64> {
        self.count.and_then(|count| u64::try_from(count).ok())
    }
}

impl Row {
    /// When the job began.
    pub fn begin_time(&self) -> Option<Time> {
        time(&self.0.begin_time)
    }

    /// The id of the job.
    pub fn id(&self) -> Option<&str> {
        self.0.id.trimmed()
    }

    /// True when the row gives a state.
    pub fn has_state(&self) -> bool {
        self.0.status.trimmed().is_some()
    }

    /// The job as far as the list tells it, which is without its sub-jobs and thus without a cause.
    pub fn into_result(
        self,
        reference: &Reference,
        ask: &GetOptions,
        region: Option<&str>,
    ) -> GetResult {
        let total = self.0.sub_jobs_total.0;
        let mut notices = Vec::new();
        let listed = ImageJob {
            sub_jobs_total: Int(None),
            sub_jobs: List::default(),
            ..self.0
        };
        let job_type = listed.job_type.0.clone();
        let mut job = job(listed, reference, ask, region, &mut notices);
        job.details = Some(Arc::new(ImageJobDetails {
            job_type,
            sub_jobs_total: total,
        }));
        GetResult { job, notices }
    }
}

fn job(
    answered: ImageJob,
    reference: &Reference,
    ask: &GetOptions,
    region: Option<&str>,
    notices: &mut Vec<Notice>,
) -> Job {
    let reading = states::normalize(
        JOB_STATES,
        &ask.states,
        answered.status.trimmed(),
        "huawei/image-job",
        notices,
    );
    let total = answered.sub_jobs_total.0;
    let listed = answered.sub_jobs.0.len();
    if total.is_some_and(|total| usize::try_from(total) != Ok(listed)) {
        notices.push(Notice::new(
            NoticeCode::CountMismatch,
            format!(
                "{reference} reports {} sub-jobs but lists {listed}",
                total.unwrap_or_default()
            ),
        ));
    }
    let tasks: Vec<Task> = answered
        .sub_jobs
        .0
        .into_iter()
        .map(|sub_job| task(sub_job, ask))
        .collect();
    note_unknown_words(&tasks, ask, notices);
    let (reason, message) = match (reading.state, &reading.raw) {
        (State::Failed, _) => failure(&tasks),
        (_, None) => (
            Some("no status".to_owned()),
            Some("the response has no status".to_owned()),
        ),
        _ => (None, None),
    };
    let started_at = match reading.state {
        State::Pending => None,
        _ => tasks.iter().filter_map(|task| task.started_at).min(),
    };
    Job {
        state: reading.state,
        state_raw: reading.raw,
        ended: reading.ended,
        reason,
        message,
        created_at: time(&answered.begin_time),
        started_at,
        finished_at: time(&answered.end_time),
        tasks,
        details: Some(Arc::new(ImageJobDetails {
            job_type: answered.job_type.0,
            sub_jobs_total: total,
        })),
        ..job_at(reference, region)
    }
}

/// A thousand sub-jobs in one unknown state are one thing to tell.
fn note_unknown_words(tasks: &[Task], ask: &GetOptions, notices: &mut Vec<Notice>) {
    let words: BTreeSet<&str> = tasks
        .iter()
        .filter_map(|task| task.state_raw.as_deref())
        .collect();
    for word in words {
        states::normalize(STATES, &ask.states, Some(word), SUB_JOB, notices);
    }
}

fn task(sub_job: SubJob, ask: &GetOptions) -> Task {
    let word = sub_job.status.trimmed();
    let reading = states::normalize(STATES, &ask.states, word, SUB_JOB, &mut Vec::new());
    let resource = sub_job.job_resource_info.0.unwrap_or_default();
    let execution = sub_job.job_execute_info.0.unwrap_or_default();
    let created_at = time(&sub_job.begin_time);
    let is_waiting = reading.state == State::Pending;
    Task {
        id: sub_job.id.0,
        name: resource.resource_name.0,
        kind: "sub_job".to_owned(),
        state: reading.state,
        state_raw: reading.raw,
        ended: reading.ended,
        reason: execution.error_code.0,
        message: execution.error_message.0,
        created_at,
        started_at: created_at.filter(|_| !is_waiting),
        finished_at: time(&sub_job.end_time).filter(|_| reading.ended),
        details: Some(Arc::new(SubJobDetails {
            job_type: sub_job.job_type.0,
            resource_id: resource.resource_id.0,
            project_id: sub_job.project_id.0,
            job_id: sub_job.job_id.0,
        })),
        ..Task::default()
    }
}

fn time(text: &Text) -> Option<Time> {
    Time::from_rfc3339(text.trimmed()?)
}

/// Why a job failed, which only its sub-jobs know: code of the first failed one, and a sentence.
fn failure(tasks: &[Task]) -> (Option<String>, Option<String>) {
    let has_error = |task: &&Task| task.reason.is_some() || task.message.is_some();
    let mut failed: Vec<&Task> = tasks.iter().filter(|t| t.state == State::Failed).collect();
    if failed.is_empty() {
        failed = tasks.iter().filter(has_error).collect();
    }
    // One that says why is worth more than one that came earlier.
    let Some(first) = failed
        .iter()
        .find(|task| has_error(task))
        .or(failed.first())
    else {
        return (None, None);
    };
    let name = first.name.as_deref().or(first.id.as_deref());
    let what = first.message.as_deref().or(first.reason.as_deref());
    let mut message = format!(
        "{}: {}",
        name.unwrap_or("a sub-job"),
        what.unwrap_or("failed")
    );
    if failed.len() > 1 {
        message += &format!(" (and {} more)", failed.len() - 1);
    }
    (first.reason.clone(), Some(message))
}

#[cfg(test)]
mod tests;
