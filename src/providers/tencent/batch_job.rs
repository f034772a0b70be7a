//! Jobs of Batch, API version `2017-03-12`. A job has tasks, and a task has instances.
//!
//! Source: tencentcloud-sdk-python-batch 3.1.171. Not documented: the state of a canceled job (no state word exists
//! for it, so a terminated job counts as failed), and the order in which jobs are listed.

mod logs;
mod response;

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;

use super::list::{self, Row};
use super::products::BATCH;
use super::{Api, CLOUD_NAME, decode_product};
use crate::model::failed_tasks;
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::prelude::*;
use crate::providers::raw::Documents;
use crate::sort::SortExt as _;
use response::{BatchJob, TaskInstanceDetails, TaskResponse};

/// Jobs of Batch.
pub static BATCH_JOB: Kind = Kind {
    summary: "Job of Batch, with its tasks and their instances",
    has_events: false,
    list: Some(
        ListSpec::new(LIST, ListOrder::Unsorted)
            .without(&[UnlistedField::User, UnlistedField::Queue]),
    ),
    logs: LogSupport::Operation(logs::LOGS),
    batch_from: Some(2),
    max_ids: Some(BatchJob::PAGE_SIZE),
    evidence: &[
        "ExitCode",
        "FailedCount",
        "FailedInterruptedCount",
        "JobId",
        "NextAction",
        "PendingCount",
        "RunnableCount",
        "RunningCount",
        "StartingCount",
        "StateDetailedReason",
        "StateReason",
        "SubmittedCount",
        "TaskInstanceIndex",
        "TaskInstanceMetrics",
        "TaskInstanceSet",
        "TaskInstanceState",
        "TaskInstanceTotalCount",
        "TaskMetrics",
        "TaskName",
        "TaskSet",
        "TaskState",
    ],
    flags: &[TRUST_FINISHED],
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("batch-job", "batch"),
            &[Segment::required("JOB")],
            "tencent/batch-job/job-1y6u9i0o",
        ),
        &[
            StateTable {
                notes: &[
                    ("FAILED", "also a job that was terminated"),
                    (
                        "SUCCEED",
                        "failed if an instance of a task has failed, unknown if one may have failed",
                    ),
                ],
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
};

const GET: Operation = Operation::new(
    "DescribeJob",
    "Batch 2017-03-12 DescribeJob, DescribeTask",
    "batch:DescribeJob, batch:DescribeTask",
);

const LIST: Operation = operation!("Batch 2017-03-12", "batch", "DescribeJobs");

const GET_TASK: &str = "DescribeTask";

/// The kind of tasks.
const TASK: &str = "task";

/// The kind of instances of tasks.
const INSTANCE: &str = "task_instance";

/// State words of jobs, tasks and instances.
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

/// Maximum number of tasks of a job whose instances are read, with one request per task. If a successful job has more
/// tasks, its metrics must show that their instances succeeded.
const MAX_TASKS: usize = 20;

/// Maximum number of instances per response.
const MAX_INSTANCES: usize = 1000;

/// Maximum number of pages of instances that are read per task of a successful job. For other jobs, only the first
/// page is read.
const MAX_PAGES: usize = 10;

/// The operations on jobs.
pub(super) struct BatchJobs;

#[async_trait]
impl KindOps<Api> for BatchJobs {
    /// Requests a job and replaces its tasks by their instances, which have the exit codes. Tasks
    /// that have not begun, or whose instances could not be read, are kept.
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let GetRequest { reference, options } = lookup;
        let id = json!({"JobId": reference.id()});
        let decode = |body: &[u8]| -> Result<_, DecodeError> {
            decode_product::<BatchJob>(body)?.check_id(reference)
        };
        let response = api.call_product(&BATCH, GET.name, &id, options, decode);
        let response = response.await;
        let mut documents = Documents::new(options);
        documents.add(GET.name, None, &response);
        let response = response?;
        let counts = response.data.counts();
        let mut result = response
            .map(|job| job.into_result(api, lookup))
            .into_result();
        let tasks = std::mem::take(&mut result.job.tasks);
        let claims_success =
            result.job.state == State::Succeeded || result.job.has_unread_subtasks();
        let mut unconfirmed = UnconfirmedReasons::default();
        let missing = counts.missing_tasks(&tasks).filter(|_| claims_success);
        unconfirmed.add(&mut result, missing);
        let started_tasks = started_tasks(&tasks, claims_success);
        if let Some(reason) = response::unread_tasks(started_tasks.len()) {
            match claims_success && counts.successes < started_tasks.len() as u64 {
                true => unconfirmed.add(&mut result, Some(reason)),
                false => note_unread(&mut result, &reason),
            }
        }
        let mut is_partial = !claims_success || started_tasks.len() > MAX_TASKS;
        let started_tasks = &started_tasks[..started_tasks.len().min(MAX_TASKS)];
        let pages = if claims_success { MAX_PAGES } else { 1 };
        // A success depends on the instances. Of any other job they are details, which are not waited for as long.
        let options = &match claims_success {
            true => options.clone(),
            false => options.for_details(),
        };
        let lookup = GetRequest { reference, options };
        let names = started_tasks.iter();
        let requests = names.map(|name| read_task(api, lookup, name, pages));
        let (mut instances, mut failed, mut count) = (HashMap::new(), None, 0);
        for (name, pages) in started_tasks.iter().copied().zip(join_all(requests).await) {
            let read = join_pages(name, pages, options, &mut documents, &mut result);
            is_partial |= read.is_none();
            let Some(task) = read else { continue };
            count += task.instances();
            match (task.unconfirmed_reason(name), task.missing_instances(name)) {
                (Some(reason), _) if claims_success => unconfirmed.add(&mut result, Some(reason)),
                (_, Some(reason)) => note_unread(&mut result, &reason),
                (_, None) => {}
            }
            failed = failed.or_else(|| task.failed_instances());
            let has_ended = result.job.ended;
            let of_task =
                task.into_tasks(has_ended, claims_success, api.clock, &mut result.notices);
            instances.insert(name, of_task);
        }
        let missing = counts.missing_instances(count).filter(|_| !is_partial);
        unconfirmed.add(&mut result, missing);
        result.job.tasks = with_instances(&tasks, instances);
        let is_complete = result.is_complete();
        explain(&mut result.job, is_complete);
        let cause = states::FailureCause {
            reason: None,
            message: failed,
        };
        let reason = unconfirmed.first;
        let reason = reason.map(|what| format!("the job has succeeded, but {what}"));
        states::confirm_success_unless(&mut result.job, cause, reason);
        documents.attach(&mut result);
        Ok(result)
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let parameters = match list.filter.state_words(STATES, &list.options.states) {
            _ if !list.filter.ids.is_empty() => json!({"JobIds": list.filter.ids}),
            Some(words) => json!({"Filters": [{"Name": "job-state", "Values": words}]}),
            None => json!({}),
        };
        list::list::<BatchJob>(api, list, parameters).await
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

/// Replaces the tasks of a job by their instances. Tasks without instances are kept.
fn with_instances(tasks: &[Task], mut instances: HashMap<&str, Vec<Task>>) -> Vec<Task> {
    let tasks = tasks.iter().flat_map(|task| {
        let of_task = task.id.as_deref().and_then(|id| instances.remove(id));
        let of_task = of_task.filter(|instances| !instances.is_empty());
        of_task.unwrap_or_else(|| vec![task.clone()])
    });
    tasks.collect()
}

/// Reasons that leave a job's success undecided until the next poll.
#[derive(Default)]
struct UnconfirmedReasons {
    first: Option<String>,
}

impl UnconfirmedReasons {
    fn add(&mut self, result: &mut GetResult, reason: Option<String>) {
        let Some(reason) = reason else { return };
        let text = format!("{} has succeeded, but {reason}", result.job.reference);
        result.note(NoticeCode::PartsUnread, text);
        let cause = &mut result.job.unread_cause;
        cause.get_or_insert(Category::InvalidResponse);
        self.first.get_or_insert(reason);
    }
}

fn note_unread(result: &mut GetResult, reason: &str) {
    let text = format!("{}: {reason}", result.job.reference);
    result.note(NoticeCode::PartsUnread, text);
}

/// Returns the names of the tasks whose instances are read, failed tasks first. These are the tasks that have begun
/// or, if the cloud reports success for the job, all tasks.
fn started_tasks(tasks: &[Task], claims_success: bool) -> Vec<&str> {
    let has_begun =
        |task: &&Task| claims_success || !matches!(task.state, State::Pending | State::Unknown);
    let mut started_tasks: Vec<&Task> = tasks.iter().filter(has_begun).collect();
    started_tasks.order_by_key(|task| task.state != State::Failed);
    started_tasks
        .iter()
        .filter_map(|task| task.id.as_deref())
        .collect()
}

/// Requests a task with its instances, in at most `max_pages` pages. Returns each page with its offset.
async fn read_task(
    api: &Api,
    lookup: GetRequest<'_>,
    task: &str,
    max_pages: usize,
) -> Vec<(usize, Result<Decoded<TaskResponse>, Problem>)> {
    let (id, options) = (lookup.reference.id(), lookup.options);
    let (mut pages, mut known, mut offset) = (Vec::new(), HashSet::new(), 0);
    while pages.len() < max_pages {
        let parameters = json!({
            "JobId": id, "TaskName": task, "Offset": offset, "Limit": MAX_INSTANCES,
        });
        let decode = |body: &[u8]| decode_product::<TaskResponse>(body)?.check_names(id, task);
        let page = api
            .call_product(&BATCH, GET_TASK, &parameters, options, decode)
            .await;
        let rows = page.as_ref().ok();
        let next = rows.and_then(|page| page.data.next_offset(offset, &mut known));
        pages.push((offset, page));
        match next {
            Some(next) => offset = next,
            None => break,
        }
    }
    pages
}

/// Joins the pages of a task, and adds each page to the documents.
fn join_pages(
    task: &str,
    pages: Vec<(usize, Result<Decoded<TaskResponse>, Problem>)>,
    options: &RequestOptions,
    documents: &mut Documents,
    result: &mut GetResult,
) -> Option<TaskResponse> {
    let part_name = format!("the instances of the task {task}");
    let mut read: Option<TaskResponse> = None;
    for (offset, page) in pages {
        let part = match offset {
            0 => task.to_owned(),
            _ => format!("{task} from {offset}"),
        };
        documents.add(GET_TASK, Some(&part), &page);
        let page = result.required_part(options, NoticeCode::PartsUnread, &part_name, page);
        read = match (read, page) {
            (Some(read), Some(page)) => Some(read.join(page)),
            (read, page) => read.or(page),
        };
    }
    read
}

/// Sets the failure of a job from its instances and, if all instances were read, its start time.
fn explain(job: &mut Job, is_complete: bool) {
    let of_kind = |task: &&Task| task.kind == INSTANCE;
    let instances = || job.tasks.iter().filter(of_kind);
    let first = instances().filter_map(|task| task.started_at).min();
    let mut failed = failed_tasks(&job.tasks);
    failed.retain(|task| of_kind(task) && task.state == State::Failed);
    // An instance with an exit code is more specific than one whose node did not start.
    failed.order_by_key(|task| task.exit_code.is_none());
    let cause = failed
        .first()
        .filter(|_| job.state == State::Failed)
        .map(|task| {
            let id = task.id.as_deref().unwrap_or("?");
            let message = format!("instance {id}: {}", failure_of(task));
            (task.exit_code, message)
        });
    job.started_at = first.filter(|_| is_complete);
    if let Some((exit_code, message)) = cause {
        job.exit_code = exit_code;
        job.message = Some(message);
    }
}

/// Describes the failure of an instance by its message or reason, and by its exit code unless the text names it.
fn failure_of(task: &Task) -> String {
    let text = task.message.as_deref().or(task.reason.as_deref());
    let code = task.exit_code.map(|code| code.to_string());
    match (text, code) {
        (Some(text), Some(code)) if !names_exit_code(text, &code) => {
            format!("{text} (exit code {code})")
        }
        (Some(text), _) => text.to_owned(),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "failed".to_owned(),
    }
}

/// Returns `true` if a text has the exit code after a word such as `exited`. Other numbers can be equal to the code.
fn names_exit_code(text: &str, code: &str) -> bool {
    const FILLERS: [&str; 4] = ["with", "code", "status", "is"];
    let text = text.to_ascii_lowercase();
    let mut is_code_expected = false;
    let mut words = text.split(|c: char| c != '-' && !c.is_alphanumeric());
    words.any(|word| {
        if is_code_expected && word == code {
            return true;
        }
        let is_filler = word.is_empty() || FILLERS.contains(&word);
        is_code_expected = word.starts_with("exit") || (is_code_expected && is_filler);
        false
    })
}

#[cfg(test)]
mod tests;
