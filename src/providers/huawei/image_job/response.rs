//! Decodes responses about image jobs.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::error_body::contradict_by_message;
use super::super::sub_jobs::{JobParts, SubJobParts, distinct};
use crate::providers::prelude::*;

/// State words of sub-jobs; the first four also apply to jobs.
pub const STATES: StateWords = &[
    ("WAITING", State::Pending),
    ("RUNNING", State::Running),
    ("SUCCESS", State::Succeeded),
    ("FAILED", State::Failed),
    ("ROLLBACK", State::Stopping),
    ("ABORTING", State::Stopping),
    ("ABNORMAL", State::Unknown),
];

/// State words of jobs.
pub const JOB_STATES: StateWords = STATES.split_at(4).0;

/// A job in the response of a lookup or list.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ImageJob {
    id: Text,
    job_type: Text,
    begin_time: Timestamp,
    end_time: Timestamp,
    status: Text,
    sub_jobs_total: Int,
    sub_jobs: Required<List<SubJob>>,
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

/// Fields that only a Huawei image job has.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "HuaweiImageJob")]
pub struct ImageJobDetails {
    /// Type of operation, such as `CREATE_SERVER` or `CREATE_SERVER_IMAGE`.
    pub job_type: Option<String>,
    /// Number of sub-jobs, as reported by the cloud.
    pub sub_jobs_total: Option<i64>,
}

/// Fields that only a sub-job of a Huawei image job has.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "HuaweiSubJob")]
pub struct SubJobDetails {
    /// Type of operation.
    pub job_type: Option<String>,
    /// Id of the resource that the sub-job works on.
    pub resource_id: Option<String>,
    /// Id of the project.
    pub project_id: Option<String>,
    /// Id of the parent job.
    pub job_id: Option<String>,
}

/// Decodes a response about one job.
///
/// # Errors
/// A description of what is missing in the response, such as a job with the requested id.
pub fn decode(
    body: &[u8],
    lookup: GetRequest<'_>,
    region: Option<&str>,
) -> Result<GetResult, String> {
    let job: ImageJob = lenient::decode_response(body)?;
    if job.id() != Some(lookup.reference.id()) {
        return Err("the requested id".to_owned());
    }
    let mut result = job.into_result(lookup, region);
    mark_unknown_if_unconfirmed(&mut result.job);
    contradict_by_message(&mut result.job, body);
    Ok(result.with_raw(body, lookup.options))
}

/// Changes a success to an unknown state unless all sub-jobs confirm it.
fn mark_unknown_if_unconfirmed(job: &mut Job) {
    let mut tasks = job.tasks.iter();
    let open = tasks.find(|task| task.state != State::Succeeded);
    let open = open.filter(|_| job.state == State::Succeeded);
    if let Some(task) = open {
        let name = task.name.as_deref().or(task.id.as_deref());
        let name = name.unwrap_or("without an id");
        let word = task.state_raw.as_deref().unwrap_or("without a status");
        let text = format!("the job has succeeded, but sub-job {name} is {word}");
        states::contradict(job, text);
    }
}

impl ImageJob {
    /// Returns when the job began.
    pub fn begin_time(&self) -> Option<Time> {
        self.begin_time.utc()
    }

    pub fn id(&self) -> Option<&str> {
        self.id.trimmed()
    }

    /// Removes the state if another row of the same job has a different one.
    pub fn compare_state(&mut self, other: &Self) {
        if self.status.trimmed() != other.status.trimmed() {
            self.status = Text(None);
        }
    }

    pub fn has_state(&self) -> bool {
        self.status.trimmed().is_some()
    }

    /// Converts a row to a job without sub-jobs, and therefore without a failure cause.
    pub fn into_row(self, lookup: GetRequest<'_>, region: Option<&str>) -> GetResult {
        let details = ImageJobDetails {
            job_type: self.job_type.0.clone(),
            sub_jobs_total: self.sub_jobs_total.0,
        };
        let listed = Self {
            sub_jobs_total: Int(None),
            sub_jobs: Required::Empty,
            ..self
        };
        let mut result = listed.into_result(lookup, region);
        result.job.details = Some(Arc::new(details));
        result
    }
}

/// The job types that can be listed, one per request. A job of another type can only be looked up by its id.
pub const JOB_TYPES: [&str; 3] = ["CREATE_SERVER", "CREATE_SERVER_IMAGE", "DELETE_SERVER"];

/// A page of the list of jobs.
pub struct JobPage {
    /// Total number of jobs in the list, if the cloud reports a plausible number.
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
    /// A description of what is missing in the response.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        let page: ImageJobsResponse = lenient::decode_response(body)?;
        let items = page.items.rows("items", page.count.0)?;
        let total = page.count.0.and_then(|count| u64::try_from(count).ok());
        Ok(Self { total, items })
    }
}

impl ImageJob {
    fn into_result(self, lookup: GetRequest<'_>, region: Option<&str>) -> GetResult {
        let total = self.sub_jobs_total.0;
        let (is_listed, sub_jobs) = match self.sub_jobs {
            Required::Present(List(sub_jobs)) => (true, sub_jobs),
            Required::Empty => (true, Vec::new()),
            _ => (total.is_some(), Vec::new()),
        };
        // A lookup always reports the sub-jobs, or that there are 0 of them.
        let unlisted = (!is_listed).then(|| "its sub-jobs are not listed".to_owned());
        let id = lookup.reference.id();
        let unconfirmed_reason =
            unlisted.or_else(|| sub_jobs.iter().find_map(|one| one.unconfirmed_reason(id)));
        let parts = JobParts {
            name: None,
            status: self.status,
            created_at: self.begin_time.utc(),
            started_at: None,
            finished_at: self.end_time.utc(),
            cause: states::FailureCause::default(),
            counts: (total, distinct(sub_jobs.iter().map(|one| &one.id))),
            sub_jobs: sub_jobs.into_iter().map(SubJob::into_parts).collect(),
            unconfirmed_reason,
            details: Arc::new(ImageJobDetails {
                job_type: self.job_type.0,
                sub_jobs_total: total,
            }),
        };
        parts.into_result(lookup, region)
    }
}

impl SubJob {
    /// Returns a message if the sub-job belongs to another job.
    fn unconfirmed_reason(&self, job: &str) -> Option<String> {
        let other_id = self.job_id.trimmed().filter(|id| *id != job)?;
        let id = self.id.trimmed().unwrap_or("a sub-job");
        Some(format!("{id} is a sub-job of {other_id}"))
    }

    fn into_parts(self) -> SubJobParts {
        let resource = self.job_resource_info.0.unwrap_or_default();
        let execution = self.job_execute_info.0.unwrap_or_default();
        SubJobParts {
            id: self.id.0,
            name: resource.resource_name.0,
            status: self.status,
            begin_time: self.begin_time,
            end_time: self.end_time,
            reason: states::failure(execution.error_code),
            message: states::failure(execution.error_message),
            details: Arc::new(SubJobDetails {
                job_type: self.job_type.0,
                resource_id: resource.resource_id.0,
                project_id: self.project_id.0,
                job_id: self.job_id.0,
            }),
        }
    }
}
