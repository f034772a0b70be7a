//! Training jobs of ModelArts, API version 2.
//!
//! Source: huaweicloudsdkmodelarts 3.1.219. Not documented: when a job ended (computed from its start and
//! duration), whether `Abnormal` is final, and what the `count` of a list counts.

mod details;
mod logs;
mod parts;
mod response;

use super::products::MODELARTS;
use super::{Api, CLOUD_NAME, ProjectRequest};
use crate::crypto::percent_encode;
use crate::providers::prelude::*;
use details::TrainingJobDetails;
use response::{JobPage, TrainingJob, decode_job};

/// Training jobs.
pub static TRAINING_JOB: Kind = Kind {
    summary: "Training job of ModelArts, with its tasks",
    list: Some(ListSpec::new(LIST, ListOrder::NewestFirst)),
    logs: LogSupport::Operation(logs::LOGS),
    batch_from: Some(2),
    evidence: &[
        "end_reason",
        "exit_code",
        "task_statuses.message",
        "recover_records",
        "recover_result",
        "recover_start_at",
        "status.running_records",
        "secondary_phase",
        "status.running_records.start_at",
        "task_statuses.task",
        "task_statuses",
        "tasks",
    ],
    ..Kind::new(
    Template::new(
        CLOUD_NAME,
        Name::new("training-job", "train"),
        &[Segment::required("JOB")],
        "huawei/training-job/5bd61eea-9de2-4864-a0f7-5fae966171b5",
    ),
    &[StateTable {
        notes: &[
            (
                "Completed",
                "failed if a task has a nonzero exit code; unknown if only some tasks have an exit code, or if the secondary phase belongs to another outcome or to an active job; unknown as well if an end reason, a message or the last recovery describes a failure, or if one of them cannot be read",
            ),
            ("Abnormal", "it could not be created, or was lost"),
        ],
        ..StateTable::new("job", STATES).with_user_states()
    }],
    GET,
).with_details(&[schema_of::<TrainingJobDetails>], &[])
};

const GET: Operation = Operation::new(
    "ShowTrainingJobDetails",
    "ModelArts GET /v2/{project_id}/training-jobs/{job_id}, its events, and its stages before it runs",
    "modelarts:trainJob:get, modelarts:trainJob:listEvents",
);

const LIST: Operation = Operation::new(
    "ListTrainingJobs",
    "ModelArts POST /v2/{project_id}/training-job-searches",
    "modelarts:trainJob:list",
);

const STATES: StateWords = &[
    ("Creating", State::Pending),
    ("Pending", State::Pending),
    ("Running", State::Running),
    ("Terminating", State::Stopping),
    ("Completed", State::Succeeded),
    ("Failed", State::Failed),
    ("Abnormal", State::Failed),
    ("Terminated", State::Canceled),
];

/// Maximum number of rows per page.
const PAGE_SIZE: usize = 50;

fn path(reference: &Reference) -> String {
    format!("training-jobs/{}", percent_encode(reference.id()))
}

/// The operations on training jobs.
pub(super) struct TrainingJobs;

#[async_trait]
impl KindOps<Api> for TrainingJobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let path = path(lookup.reference);
        let decode = |body: &[u8]| decode_job(body, lookup, api.region());
        let request = ProjectRequest::get(&MODELARTS, GET.name, &path);
        let response = api.call(request, lookup.options, decode).await;
        let mut result = response.map(Decoded::into_result)?;
        parts::read(api, lookup, &path, &mut result).await;
        Ok(result)
    }

    /// Returns one page of the jobs, newest first.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let words = list.filter.state_words(STATES, &list.options.states);
        let size = list.filter.page_size(PAGE_SIZE);
        let response = search(api, words.as_deref(), list.cursor, size, list.options).await?;
        let next = response.data.next(list.cursor, size);
        let read = |row: TrainingJob, lookup: GetRequest<'_>| row.into_row(lookup, api.region());
        let page = list.page(None, response.data.rows, TrainingJob::id, read);
        Ok(Page {
            next,
            notices: Vec::from_iter(response.unreadable),
            ..page.with_request_id(&response.request_id)
        })
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

/// Returns a page of the jobs with one of these state words, or of all jobs. Here, a cursor is a page number from 0.
async fn search(
    api: &Api,
    words: Option<&[&str]>,
    cursor: Cursor,
    size: usize,
    options: &RequestOptions,
) -> Result<Decoded<JobPage>, Problem> {
    let mut body = json!({
        "offset": cursor.page - 1, "limit": size, "sort_by": "create_time", "order": "desc",
    });
    if let Some(workspace) = api.profile.get("workspace") {
        body["workspace_id"] = workspace.into();
    }
    if let Some(words) = words {
        let filter: Value = json!({"key": "phase", "operator": "in", "value": words});
        body["filters"] = json!([filter]);
    }
    let request = ProjectRequest {
        body: Some(&body),
        ..ProjectRequest::get(&MODELARTS, LIST.name, "training-job-searches")
    };
    api.call(request, options, JobPage::decode).await
}

#[cfg(test)]
mod tests;
