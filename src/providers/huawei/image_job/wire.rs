//! What answers about image jobs hold, and the jobs they become.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kind::StateWords;
use crate::model::{Job, Notice, NoticeCode, State, Task, Time};
use crate::providers::lenient::{self, Int, List, OptionalObject, Required, Text, Timestamp};
use crate::providers::states;
use crate::providers::{GetOptions, GetResult, job_at, raw};
use crate::reference::Reference;

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

/// One job, as it is looked up or listed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ImageJob {
    id: Text,
    job_type: Text,
    begin_time: Timestamp,
    end_time: Timestamp,
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
    begin_time: Timestamp,
    end_time: Timestamp,
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

/// Decodes a response about one job.
///
/// # Errors
/// What was expected and not there, such as a job with the requested id.
pub fn decode(
    body: &[u8],
    reference: &Reference,
    options: &GetOptions,
    region: Option<&str>,
) -> Result<GetResult, String> {
    let found: ImageJob = lenient::decode_response(body)?;
    if found.id() != Some(reference.id()) {
        return Err("the requested id".to_owned());
    }
    let mut notices = Vec::new();
    let mut job = job(found, reference, options, region, &mut notices);
    raw::attach_raw(&mut job, &mut notices, body, options);
    Ok(GetResult { job, notices })
}

impl ImageJob {
    /// When the job began.
    pub fn begin_time(&self) -> Option<Time> {
        self.begin_time.utc()
    }

    /// The id of the job.
    pub fn id(&self) -> Option<&str> {
        self.id.trimmed()
    }

    /// True when the row gives a state.
    pub fn has_state(&self) -> bool {
        self.status.trimmed().is_some()
    }

    /// The job as far as the list reports it, which is without its sub-jobs and thus without a
    /// cause.
    pub fn into_row(
        self,
        reference: &Reference,
        options: &GetOptions,
        region: Option<&str>,
    ) -> GetResult {
        let details = ImageJobDetails {
            job_type: self.job_type.0.clone(),
            sub_jobs_total: self.sub_jobs_total.0,
        };
        let listed = Self {
            sub_jobs_total: Int(None),
            sub_jobs: List::default(),
            ..self
        };
        let mut notices = Vec::new();
        let mut job = job(listed, reference, options, region, &mut notices);
        job.details = Some(Arc::new(details));
        GetResult { job, notices }
    }
}

/// The types of jobs that the cloud lists, one a call; jobs of others are shown by their id only.
pub const JOB_TYPES: [&str; 3] = ["CREATE_SERVER", "CREATE_SERVER_IMAGE", "DELETE_SERVER"];

/// One page of the list of jobs.
pub struct JobPage {
    /// How many jobs the list holds in all, where the cloud gives a sensible count.
    pub total: Option<u64>,
    /// Jobs without their sub-jobs.
    pub items: Vec<ImageJob>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ImageJobsResponse {
    count: Int,
    items: Required<List<ImageJob>>,
}

impl JobPage {
    /// Decodes a page.
    ///
    /// # Errors
    /// What was expected and not there.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        let page: ImageJobsResponse = lenient::decode_response(body)?;
        let items = page.items.rows("items", page.count.0)?;
        let total = page.count.0.and_then(|count| u64::try_from(count).ok());
        Ok(Self { total, items })
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
        created_at: answered.begin_time.utc(),
        started_at,
        finished_at: answered.end_time.utc(),
        tasks,
        details: Some(Arc::new(ImageJobDetails {
            job_type: answered.job_type.0,
            sub_jobs_total: total,
        })),
        ..job_at(reference, region)
    }
}

/// A thousand sub-jobs in one unknown state are reported once.
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
    let created_at = sub_job.begin_time.utc();
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
        finished_at: sub_job.end_time.utc().filter(|_| reading.ended),
        details: Some(Arc::new(SubJobDetails {
            job_type: sub_job.job_type.0,
            resource_id: resource.resource_id.0,
            project_id: sub_job.project_id.0,
            job_id: sub_job.job_id.0,
        })),
        ..Task::default()
    }
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
