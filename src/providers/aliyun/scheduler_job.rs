//! Jobs of the schedulers of E-HPC 1.0 clusters, API version `2018-04-12`: DescribeJob and
//! ListJobsWithFilters.
//!
//! Source: alibabacloud_ehpc20180412 4.0.0 and the E-HPC 1.0 API reference. DescribeJob returns the scheduler's
//! own record of a job, as an object or as JSON text. Not documented: the keys of that record, which are read
//! as those of PBS, and the zone of its times. If it has no state, the list is searched, and Slurm's own word counts
//! if the list lacks the job; a state that cannot be read or that two fields contradict is unknown.

mod document;

use super::products::EHPC;
use super::scheduler::{
    self, EndEvidence, JobFields, SchedulerKind, SlurmWord, decode_list, matches_id, not_found,
    outcome_rule,
};
use super::{Api, cluster_of, scheduler_log};
use crate::http::{Method, RequestError};
use crate::providers::get_result::summarize;
use crate::providers::prelude::*;
use crate::reference::Scope;
use crate::sort::SortExt as _;

/// Jobs of PBS and other schedulers.
pub static SCHEDULER_JOB: Kind = SchedulerKind {
    name: Name::new("scheduler-job", "sched"),
    sample: "aliyun/scheduler-job/ehpc-hz-FYUr32/2.scheduler",
    summary: "Job of the scheduler of an E-HPC 1.0 cluster",
    states: &[scheduler::states(
        STATES,
        &[
            outcome_rule("FINISHED"),
            outcome_rule("F"),
            outcome_rule("X"),
        ],
        &[("X", "a subtask of an array job that has ended")],
    )],
    get: GET,
    list: LIST,
    logs: LOGS,
}
.into_kind();

const GET: Operation = operation!("E-HPC 2018-04-12", "ehpc", "DescribeJob");
const LIST: Operation = operation!("E-HPC 2018-04-12", "ehpc", "ListJobsWithFilters");
const LOGS: LogSpec = scheduler_log::spec(operation!("E-HPC 2018-04-12", "ehpc", "GetJobLog"));

/// State words of the list, and state letters of PBS.
const STATES: StateWords = &[
    ("QUEUED", State::Pending),
    ("RUNNING", State::Running),
    ("FINISHED", State::Unknown),
    ("Q", State::Pending),
    ("H", State::Pending),
    ("W", State::Pending),
    ("T", State::Pending),
    ("S", State::Pending),
    ("U", State::Pending),
    ("R", State::Running),
    ("B", State::Running),
    ("E", State::Running),
    ("F", State::Unknown),
    ("X", State::Unknown),
];

/// Message of a job whose state only the list shows.
const UNREAD_LIST: &str = "the list of jobs, which shows the state, could not be read";

/// Maximum number of list pages that are searched for the state of a job.
const MAX_PAGES: usize = 4;

/// The operations on jobs of schedulers.
pub(super) struct SchedulerJobs;

#[async_trait]
impl KindOps<Api> for SchedulerJobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let cluster = cluster_of(lookup.reference.segment("CLUSTER"));
        let query = [("ClusterId", cluster), ("JobId", lookup.reference.id())];
        let decode = |body: &[u8]| decode_job(body, api, lookup);
        let request = api.request(&EHPC, GET.name, Method::Get, &query);
        let response = api.call(request, lookup.options, decode).await?;
        let record = response.data.1.clone();
        let mut result = response.map(|(result, _)| result).into_result();
        if let Some(Stateless { evidence, word }) = record {
            let row = read_row(api, lookup, &evidence, &mut result).await;
            if let Some(word) = word.filter(|_| row != Row::Found) {
                let is_unlisted = row == Row::Missing;
                evidence.resolve_word(&word, is_unlisted, &mut result.job, lookup.options);
            }
            if let Row::Unread(cause) = row {
                leave_unread(&mut result.job, cause);
            }
        }
        Ok(result)
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let known = |_: &str| EndEvidence::default();
        read_page(api, list, known).await
    }

    fn log_sources(&self, kind: &Kind, job: &Job) -> Vec<LogSource> {
        let details = serde_json::to_value(&job.details).unwrap_or_default();
        let node = details["nodes"].as_str().and_then(first_node);
        let mut sources = LogSource::of_kind(kind, job);
        for source in &mut sources {
            source.node = node.map(str::to_owned);
        }
        sources
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        scheduler_log::read(api, &EHPC, request).await
    }
}

/// Lists one page of a cluster's jobs, the last submitted first. `known` returns what other responses have
/// shown about the end of a job, by its id.
async fn read_page(
    api: &Api,
    list: ListRequest<'_>,
    known: impl Fn(&str) -> EndEvidence + Send,
) -> Result<Page, Problem> {
    let [page, size] = list.page_numbers(scheduler::PAGE_SIZE);
    let mut query = vec![
        ("ClusterId", cluster_of(list.scope.segment("CLUSTER"))),
        ("PageNumber", &page),
        ("PageSize", &size),
        ("SubmitOrder", "desc"),
    ];
    if list.filter.is_active_only() {
        query.push(("JobStatus", "notfinish"));
    }
    query.extend(list.filter.user.as_deref().map(|user| ("Users.1", user)));
    query.extend(
        list.filter
            .queue
            .as_deref()
            .map(|queue| ("Queues.1", queue)),
    );
    let decode = |body: &[u8]| decode_list::<JobFields<Text>>(body, api, list, known);
    let request = api.request(&EHPC, LIST.name, Method::Get, &query);
    let response = api.call(request, list.options, decode).await;
    response.map(Decoded::into_page)
}

/// What the list contains about a job.
#[derive(Clone, Copy, PartialEq)]
enum Row {
    /// Its row.
    Found,
    /// No row among the newest jobs.
    Missing,
    /// The list could not be read, or does not show which row is that of the job; the category of the error.
    Unread(Category),
}

/// The record of a job without a state.
#[derive(Clone)]
struct Stateless {
    /// The evidence of its end.
    evidence: EndEvidence,
    /// Slurm's state word.
    word: Option<SlurmWord>,
}

/// Marks that a job without a state is undecided because the list, which shows its state, could not be read.
fn leave_unread(job: &mut Job, cause: Category) {
    if job.state == State::Unknown {
        let message = job.message.take();
        let message = message.unwrap_or_else(|| UNREAD_LIST.to_owned());
        states::leave_unread(job, cause, message);
    }
}

/// Fills a job from its row in the list, if it is among the newest jobs. Keeps its raw response and the
/// evidence of its end.
async fn read_row(
    api: &Api,
    lookup: GetRequest<'_>,
    evidence: &EndEvidence,
    result: &mut GetResult,
) -> Row {
    let reference = lookup.reference;
    let segments = [cluster_of(reference.segment("CLUSTER"))];
    let scope = Scope::at(&SCHEDULER_JOB, &reference.profile, &segments);
    let scope = scope.expect("a cluster is a scope of the kind");
    let mut list = ListRequest {
        scope: &scope,
        filter: &Filter::default(),
        cursor: Cursor::FIRST,
        options: lookup.options,
    };
    let known = |id: &str| match matches_id(id, reference) {
        true => evidence.clone(),
        false => EndEvidence::default(),
    };
    let unread = |reason: &str, result: &mut GetResult| {
        let text = format!("cannot read the state of {reference}: {reason}");
        result.note(NoticeCode::PartsUnread, text);
        Row::Unread(Category::InvalidResponse)
    };
    let mut rows_without_id = 0;
    for _ in 0..MAX_PAGES {
        let page = match read_page(api, list, known).await {
            Ok(page) => page,
            Err(problem) => {
                let reason = summarize(&problem);
                let text = format!("cannot read the state of {reference}: {reason}");
                result.note(NoticeCode::PartsUnread, text);
                return Row::Unread(problem.category);
            }
        };
        result.notices.extend(page.notices);
        rows_without_id += page.rows_without_id;
        let mut rows = page.rows;
        rows.retain(|row| matches_id(&row.job.id, reference));
        rows.order_by_key(|row| row.job.id != reference.id());
        if let Some(reason) = conflict(&rows, reference) {
            return unread(&reason, result);
        }
        if let Some(row) = rows.into_iter().next() {
            result.notices.extend(row.notices);
            let known = std::mem::replace(&mut result.job, row.job);
            result.job.reference = known.reference;
            result.job.input = known.input;
            result.job.id = known.id;
            result.job.raw = known.raw;
            return Row::Found;
        }
        match page.next {
            Some(next) => list.cursor = next,
            None => break,
        }
    }
    if rows_without_id > 0 {
        // One of them can be that of the job.
        return unread("a row of the list has no id", result);
    }
    Row::Missing
}

/// Describes why rows with the id of a job do not show its state: they are those of several jobs, or differ.
fn conflict(rows: &[GetResult], reference: &Reference) -> Option<String> {
    let (first, others) = rows.split_first()?;
    let mut others = others.iter();
    let mut other_ids = others.clone().map(|other| &*other.job.id);
    if first.job.id != reference.id()
        && let Some(id) = other_ids.find(|id| *id != first.job.id)
    {
        return Some(format!("several jobs have its id: {}, {id}", first.job.id));
    }
    let is_contradicted = others
        .any(|other| first.job.id == other.job.id && first.job.state_raw != other.job.state_raw);
    is_contradicted.then(|| "the list contains it in different states".to_owned())
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobResponse {
    request_id: Text,
    message: OptionalObject<Message>,
}

/// A job as the scheduler reports it.
type JobInfo = Required<OptionalObject<JobFields<Map<Text>>>>;

/// Jobs as the scheduler reports them, by id.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Message {
    job_info: Required<Map<JobInfo>>,
}

/// A response with the jobs as JSON text.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TextResponse {
    request_id: Text,
}

/// Decodes a response of DescribeJob to the job and, if it has no state, what else its record shows.
fn decode_job(
    body: &[u8],
    api: &Api,
    lookup: GetRequest<'_>,
) -> Result<(GetResult, Option<Stateless>), DecodeError> {
    let (mut fields, request_id) = decode_fields(body, lookup.reference)?;
    let record = fields.lacks_state().then(|| Stateless {
        evidence: fields.evidence(),
        word: fields.slurm_word(),
    });
    let Map(variables) = std::mem::take(&mut fields.variables);
    let result = fields.into_result(variables, api, lookup);
    let mut result = result.with_request_id(request_id.0);
    raw::attach(&mut result.job, &mut result.notices, lookup.options, || {
        document::masked_document(body, lookup.options)
    });
    Ok((result, record))
}

fn decode_fields(
    body: &[u8],
    reference: &Reference,
) -> Result<(JobFields<Map<Text>>, Text), DecodeError> {
    let document = lenient::parse(body).unwrap_or_default();
    let info = document.pointer(document::JOB_INFO);
    let (jobs, request_id) = match info {
        Some(Value::String(text)) if text.trim().is_empty() => return Err(not_found(reference)),
        Some(info) if let Some(job) = document::single_job(info) => {
            let response: TextResponse = lenient::decode_response(body)?;
            let mut fields: JobFields<Map<Text>> =
                lenient::decode_response(job.to_string().as_bytes())?;
            fields.known = document::single_evidence(info, job);
            let is_right = fields.id().is_some_and(|id| matches_id(id, reference));
            return match is_right && !fields.is_id_unreadable() {
                true => Ok((fields, response.request_id)),
                false => Err("the requested job".to_owned().into()),
            };
        }
        Some(Value::String(text)) => {
            let response: TextResponse = lenient::decode_response(body)?;
            (
                lenient::decode_response(text.as_bytes())?,
                response.request_id,
            )
        }
        _ => {
            let response: JobResponse = lenient::decode_response(body)?;
            let message = response.message.0.unwrap_or_default();
            match message.job_info {
                Required::Present(jobs) => (jobs, response.request_id),
                Required::Null | Required::Empty => return Err(not_found(reference)),
                Required::Missing | Required::Unreadable => {
                    return Err("JobInfo".to_owned().into());
                }
            }
        }
    };
    let Map(jobs): Map<JobInfo> = jobs;
    if jobs.is_empty() {
        return Err(not_found(reference));
    }
    let jobs = jobs.into_iter();
    let mut matching: Vec<_> = jobs.filter(|(id, _)| matches_id(id, reference)).collect();
    matching.order_by_key(|(id, _)| id != reference.id());
    if let [(first, _), (second, _), ..] = &matching[..]
        && first != reference.id()
    {
        return Err(ambiguous(reference, [first, second]));
    }
    let first_match = matching.into_iter().next();
    let (id, job) = first_match.ok_or_else(|| "the requested job".to_owned())?;
    let mut fields = match job {
        Required::Present(OptionalObject(Some(fields))) => *fields,
        Required::Present(OptionalObject(None)) | Required::Empty => JobFields::default(),
        Required::Missing | Required::Null | Required::Unreadable => JobFields::unreadable(),
    };
    fields.known = document::evidence_of(info, &id);
    Ok((fields, request_id))
}

/// Creates the error for an id without a server name that several jobs have.
fn ambiguous(reference: &Reference, ids: [&str; 2]) -> DecodeError {
    let [first, second] = ids;
    let message = format!(
        "{} is the id of several jobs: {first}, {second}",
        reference.id()
    );
    let mut error = RequestError::new(Category::InvalidArgument, message);
    error.hint = Some(format!("use the full id, e.g. {first}"));
    DecodeError::Failed(Box::new(error))
}

/// Returns the first node of `["compute2", "compute3"]`, of `compute2/0+compute3/0` or of `compute2`.
fn first_node(nodes: &str) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == '.';
    let mut parts = nodes.split(|c| !is_part(c));
    parts.find(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;
