//! Jobs of Batch, API version `2017-03-12`: jobs have tasks, and tasks have instances.
//!
//! Source: tencentcloud-sdk-python-batch 3.1.171. Not documented: what a canceled job is called (there is no
//! word for it, so that a terminated job is failed), and in which order jobs are listed.

mod logs;
mod response;

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::json;

use super::Api;
use super::lookup::{self, Lookup, Row as _};
use super::products::BATCH;
use crate::error::Problem;
use crate::kind::{
    Kind, ListOrder, ListSpec, Operation, Segment, StateTable, StateWords, Template, UnlistedField,
};
use crate::model::{Job, NoticeCode, State, Task};
use crate::providers::shapes::schema_of;
use crate::providers::{
    Cursor, Filter, GetOptions, GetResult, KindOps, LogChunk, LogRequest, LogSource, Page,
};
use crate::reference::{Reference, Scope};
use response::{BatchJob, TaskInstanceDetails, TaskResponse};

/// Jobs of Batch.
pub static BATCH_JOB: Kind = Kind::new(
    Template::new(
        ["tencent", "qcloud"],
        ["batch-job", "batch"],
        &[Segment::required("JOB")],
        "tencent/batch-job/job-1y6u9i0o",
    ),
    &[
        StateTable {
            notes: &[("FAILED", "also a job that was terminated")],
            ..StateTable::new("job", STATES).with_user_states()
        },
        StateTable::new(TASK, STATES),
        StateTable::new(INSTANCE, STATES),
    ],
    GET,
)
.with_details(
    &[schema_of::<BatchJob>],
    &[schema_of::<TaskInstanceDetails>],
)
.with_list(
    ListSpec::new(LIST, ListOrder::Unsorted).without(&[UnlistedField::User, UnlistedField::Queue]),
)
.with_logs(logs::LOGS)
.with_batch_from(2);

const GET: Operation = Operation::new(
    "DescribeJob",
    "Batch 2017-03-12 DescribeJob, DescribeTask",
    "batch:DescribeJob, batch:DescribeTask",
);

const LIST: Operation = Operation::new(
    "DescribeJobs",
    "Batch 2017-03-12 DescribeJobs",
    "batch:DescribeJobs",
);

const GET_TASK: &str = "DescribeTask";

/// The kind of tasks.
const TASK: &str = "task";

/// The kind of instances of tasks.
const INSTANCE: &str = "task_instance";

/// The words of jobs, tasks and instances.
const STATES: StateWords = &[
    ("SUBMITTED", State::Pending),
    ("PENDING", State::Pending),
    ("RUNNABLE", State::Pending),
    ("STARTING", State::Starting),
    ("RUNNING", State::Running),
    ("SUCCEED", State::Succeeded),
    ("FAILED", State::Failed),
    ("FAILED_INTERRUPTED", State::Failed),
];

/// The instances of so many tasks of a job are read at most; each task costs a request.
const MAX_TASKS: usize = 20;

/// The most instances that the cloud gives at once.
const MAX_INSTANCES: usize = 1000;

/// The operations on jobs.
pub(super) struct BatchJobs;

#[async_trait]
impl KindOps<Api> for BatchJobs {
    fn kind(&self) -> &'static Kind {
        &BATCH_JOB
    }

    /// A job with the instances of its tasks, which have the exit codes, in the place of the tasks; those
    /// that have not begun, or could not be read, stand for themselves.
    async fn get(
        &self,
        api: &Api,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let lookup = Lookup::new(api, &BATCH, options);
        let id = json!({"JobId": reference.id()});
        let read = |wire: BatchJob| wire.check_id(reference);
        let job = lookup.call(GET.name, id, read).await?;
        let mut notices = Vec::new();
        let mut job = job.into_job(reference, api, options, &mut notices);
        let tasks = std::mem::take(&mut job.tasks);
        let has_begun = |task: &&Task| !matches!(task.state, State::Pending | State::Unknown);
        let mut begun: Vec<&str> = Vec::new();
        for is_failed in [true, false] {
            let some = tasks.iter().filter(has_begun);
            let some = some.filter(|task| (task.state == State::Failed) == is_failed);
            begun.extend(some.filter_map(|task| task.id.as_deref()));
        }
        if begun.len() > MAX_TASKS {
            let what = format!(
                "read the instances of {MAX_TASKS} tasks, of {} that have begun",
                begun.len()
            );
            lookup.note(NoticeCode::PartsUnread, what);
        }
        begun.truncate(MAX_TASKS);
        let instances = begun.iter().map(|name| instances(&lookup, reference, name));
        let mut instances: Vec<_> = join_all(instances).await;
        for task in &tasks {
            let at = begun
                .iter()
                .position(|name| Some(*name) == task.id.as_deref());
            let found = at.map(|at| std::mem::take(&mut instances[at]));
            let found = found.map(|found| found.into_tasks(api.clock, &mut notices));
            match found.filter(|found| !found.is_empty()) {
                Some(found) => job.tasks.extend(found),
                None => job.tasks.push(task.clone()),
            }
        }
        explain(&mut job, lookup.is_whole());
        Ok(lookup.into_result(job, notices))
    }

    async fn batch_get(
        &self,
        api: &Api,
        references: &[Reference],
        options: &GetOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let by_id = |ids: &[&str]| json!({"JobIds": ids});
        lookup::batch_get::<BatchJob>(api, references, by_id, options).await
    }

    async fn list(
        &self,
        api: &Api,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        let words = filter.state_words(STATES, &options.states);
        let parameters = match words {
            Some(words) => json!({"Filters": [{"Name": "job-state", "Values": words}]}),
            None => json!({}),
        };
        let size = filter.page_size(BatchJob::PAGE_SIZE);
        lookup::list::<BatchJob>(api, scope, parameters, size, at, options).await
    }

    fn log_sources(&self, job: &Job) -> Vec<LogSource> {
        logs::sources(job)
    }

    async fn read_log(
        &self,
        api: &Api,
        request: LogRequest<'_>,
        options: &GetOptions,
    ) -> Result<LogChunk, Problem> {
        logs::read(api, request, options).await
    }
}

/// The instances of a task; none, with a notice, where they cannot be read.
async fn instances(lookup: &Lookup<'_>, reference: &Reference, task: &str) -> TaskResponse {
    let parameters = json!({
        "JobId": reference.id(), "TaskName": task, "Offset": 0, "Limit": MAX_INSTANCES,
    });
    let found: Option<TaskResponse> = lookup.part(GET_TASK, Some(task), parameters).await;
    let Some(found) = found else {
        return TaskResponse::default();
    };
    if !found.is_about(task) {
        let what = format!("the response of {GET_TASK} is not about the task {task}");
        lookup.note(NoticeCode::PartsUnread, what);
        return TaskResponse::default();
    }
    if let Some(what) = found.missing_instances(task) {
        lookup.note(NoticeCode::PartsUnread, what);
    }
    found
}

/// Gives a job what its instances say of its failure and, where all were read, of its start.
fn explain(job: &mut Job, is_whole: bool) {
    let of_kind = |task: &&Task| task.kind == INSTANCE;
    let instances = || job.tasks.iter().filter(of_kind);
    let first = instances().filter_map(|task| task.started_at).min();
    let mut failed: Vec<&Task> = instances()
        .filter(|task| task.state == State::Failed)
        .collect();
    // An instance with an exit code says more than one whose node did not start.
    failed.sort_by_key(|task| task.exit_code.is_none());
    let cause = failed
        .first()
        .filter(|_| job.state == State::Failed)
        .map(|task| {
            let id = task.id.as_deref().unwrap_or("?");
            let why = task.message.as_deref().or(task.reason.as_deref());
            let message = format!("instance {id}: {}", why.unwrap_or("failed"));
            (task.exit_code, message)
        });
    job.started_at = first.filter(|_| is_whole);
    if let Some((exit_code, message)) = cause {
        job.exit_code = exit_code;
        job.message = Some(message);
    }
}

#[cfg(test)]
mod tests;
