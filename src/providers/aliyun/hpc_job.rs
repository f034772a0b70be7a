//! Jobs of the schedulers of E-HPC NEXT clusters, API version `2024-07-30`: GetJob and ListJobs.
//!
//! Source: alibabacloud_ehpc20240730 2.4.0 and the E-HPC NEXT API reference. Not documented: the words
//! of canceled jobs, what GetJob answers to an unknown id, the keys of `ExtraInfo`, the unit of memory
//! (schedulers count by 1024), and which jobs `CreateTimeStart` and `JobStatus=finished` leave out.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Api, CLUSTER, NEXT_VERSION, TRUST_FINISHED, cluster_of};
use crate::error::{Category, Problem};
use crate::http::{Method, RequestError};
use crate::kind::{
    DetailSchemas, Kind, ListOrder, ListSpec, Operation, OutcomeRule, Segment, StateTable,
    StateWords, Template,
};
use crate::model::{Array, Job, Resources, State};
use crate::providers::api::{DecodeError, Decoded};
use crate::providers::lenient::{
    self, Checked, DefaultObject, Flag, Int, List, Map, Num, OptionalObject, Required, Text,
    Timestamp,
};
use crate::providers::shapes::schema_of;
use crate::providers::{Cursor, Filter, GetOptions, GetResult, KindOps, Page, job_at, raw, states};
use crate::reference::{Reference, Scope};
use crate::secret::{MASK, mask_text};

/// Jobs of Slurm and PBS.
pub static HPC_JOB: Kind = Kind {
    template: Template {
        cloud: "aliyun",
        cloud_short: "ali",
        kind: "hpc-job",
        kind_short: "hpc",
        segments: &[CLUSTER, Segment::required("JOB")],
        scope_segments: 1,
        ranges: false,
        sample: "aliyun/hpc-job/ehpc-hz-FYUr32/1.manager",
    },
    states: &[StateTable {
        allows_user_states: true,
        outcome_rules: &[OutcomeRule {
            word: FINISHED,
            when: [
                "exit status 0",
                "another exit status",
                "no exit status; --trust-finished treats it as succeeded",
            ],
        }],
        notes: &[(
            "Completed",
            "an array job as a whole is unknown: its subtasks may not have ended",
        )],
        ..StateTable::new("job", STATES)
    }],
    details: DetailSchemas {
        job: &[schema_of::<HpcJobDetails>],
        ..DetailSchemas::NONE
    },
    get: GET,
    list: Some(ListSpec {
        operation: LIST,
        order: ListOrder::NewestFirst,
        unlisted: &[],
        default_limit: None,
    }),
    batch_from: None,
    needs_check_exists: false,
    flags: &[TRUST_FINISHED],
};

const GET: Operation = Operation {
    name: "GetJob",
    description: "E-HPC 2024-07-30 GetJob",
    permission: "ehpc:GetJob",
};

const LIST: Operation = Operation {
    name: "ListJobs",
    description: "E-HPC 2024-07-30 ListJobs",
    permission: "ehpc:ListJobs",
};

/// PBS says so of every job that ended, however it did.
const FINISHED: &str = "FINISHED";

/// The words of PBS, and those of Slurm where they differ by more than case.
const STATES: StateWords = &[
    ("QUEUED", State::Pending),
    ("Pending", State::Pending),
    ("RUNNING", State::Running),
    (FINISHED, State::Unknown),
    ("Completed", State::Succeeded),
    ("FAILED", State::Failed),
];

/// The cloud's pages hold no more.
const PAGE_SIZE: usize = 50;

/// The operations on jobs of schedulers.
pub(super) struct HpcJobs;

#[async_trait]
impl KindOps<Api> for HpcJobs {
    fn kind(&self) -> &'static Kind {
        &HPC_JOB
    }

    async fn get(
        &self,
        api: &Api,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let query = [
            ("ClusterId", cluster_of(reference.segment("CLUSTER"))),
            ("JobId", reference.id()),
        ];
        let request = api.versioned_request(NEXT_VERSION, GET.name, Method::Post, &query);
        let decode = |body: &[u8]| decode_job(body, reference, api, options);
        let found = api.client.call(&request, options.deadline, decode).await;
        found.map(Decoded::into_result)
    }

    /// One page of the jobs of a cluster, the last submitted first.
    async fn list(
        &self,
        api: &Api,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        let (page, size) = (at.page.to_string(), filter.page_size(PAGE_SIZE).to_string());
        let job_filter = job_filter(filter).to_string();
        let query = [
            ("ClusterId", cluster_of(scope.segment("CLUSTER"))),
            ("JobFilter", &job_filter),
            ("PageNumber", &page),
            ("PageSize", &size),
        ];
        let request = api.versioned_request(NEXT_VERSION, LIST.name, Method::Post, &query);
        let decode = |body: &[u8]| decode_list(body, scope, at, api, options);
        let found = api.client.call(&request, options.deadline, decode).await;
        found.map(Decoded::into_page)
    }
}

/// What the cloud is asked to filter by, where its documentation leaves no doubt.
fn job_filter(filter: &Filter) -> Value {
    let mut asked = json!({"SortBy": {"SubmitOrder": "desc"}});
    let is_active = |state: &State| !state.is_end() && *state != State::Unknown;
    if !filter.states.is_empty() && filter.states.iter().all(is_active) {
        asked["JobStatus"] = "notfinish".into();
    }
    if let Some(user) = &filter.user {
        asked["Users"] = json!([user]);
    }
    if let Some(queue) = &filter.queue {
        asked["Queues"] = json!([queue]);
    }
    asked
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobResponse {
    request_id: Text,
    success: Checked<Flag>,
    job_info: Required<OptionalObject<JobFields<List<Variable>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListResponse {
    request_id: Text,
    success: Checked<Flag>,
    total_count: Int,
    jobs: Required<List<Row>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Row {
    job_name: Text,
    job_spec: DefaultObject<JobFields<Text>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Variable {
    name: Text,
    value: Text,
}

/// A job as GetJob has it; the other names are those of ListJobs. `V` is the form of its variables.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobFields<V> {
    #[serde(alias = "Id")]
    job_id: Checked<Text>,
    job_name: Text,
    state: Checked<Text>,
    job_queue: Text,
    runas_user: Text,
    priority: Int,
    command_line: Text,
    comment: Text,
    node_list: Text,
    #[serde(alias = "StdoutPath")]
    output_log: Text,
    #[serde(alias = "StderrPath")]
    error_log: Text,
    extra_info: Text,
    array_job_id: Text,
    array_job_sub_id: Int,
    array_request: Checked<Text>,
    #[serde(alias = "SubmitTime")]
    create_time: Timestamp,
    start_time: Timestamp,
    last_modify_time: Timestamp,
    variables: V,
    resources: DefaultObject<Amounts>,
    #[serde(alias = "ResourcesActualOccupied")]
    resources_used: DefaultObject<Amounts>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Amounts {
    cores: Num,
    gpus: Int,
    memory: Text,
    nodes: Int,
}

/// What PBS reports of the end of a job, where the cloud passes it on.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ExtraInfo {
    #[serde(rename = "Exit_status")]
    exit_status: Checked<Int>,
}

fn check_success(success: Checked<Flag>) -> Result<(), DecodeError> {
    match success.value.0 {
        Some(false) => {
            let error = RequestError::new(Category::ServiceError, "Success is false".to_owned());
            Err(DecodeError::Failed(Box::new(error)))
        }
        _ if success.is_unreadable => Err("true or false at Success".to_owned().into()),
        _ => Ok(()),
    }
}

fn decode_job(
    body: &[u8],
    reference: &Reference,
    api: &Api,
    options: &GetOptions,
) -> Result<GetResult, DecodeError> {
    let wire: JobResponse = lenient::decode_response(body)?;
    check_success(wire.success)?;
    let mut fields = match wire.job_info {
        Required::Present(OptionalObject(Some(fields))) => *fields,
        Required::Present(OptionalObject(None)) | Required::Null => {
            let what = format!("job {} not found in the cluster", reference.id());
            let error = RequestError::new(Category::NotFound, what);
            return Err(DecodeError::Failed(Box::new(error)));
        }
        Required::Missing | Required::Unreadable => return Err("JobInfo".to_owned().into()),
    };
    // PBS takes an id without its server, and responds with both.
    let of_server = |id: &str| {
        id.split_once('.')
            .is_some_and(|(id, _)| id == reference.id())
    };
    let is_asked = |id: &str| id == reference.id() || of_server(id);
    let id = &fields.job_id;
    if id.is_unreadable || !id.value.trimmed().is_none_or(is_asked) {
        return Err("the requested JobId".to_owned().into());
    }
    let List(variables) = std::mem::take(&mut fields.variables);
    let variables = variables.into_iter();
    let variables = variables.filter_map(|Variable { name, value }| Some((name.0?, value)));
    let mut found = fields.into_result(reference, variables.collect(), api, options);
    found.job.request_id = wire.request_id.0;
    raw::attach(&mut found.job, &mut found.notices, options, || {
        let mut document = raw::document(body, options)?;
        if !options.show_secrets {
            mask(&mut document);
        }
        Some(document)
    });
    Ok(found)
}

/// Masks in a response to GetJob what is masked in its model.
fn mask(document: &mut Value) {
    if let Some(Value::String(command)) = document.pointer_mut("/JobInfo/CommandLine") {
        *command = mask_text(command);
    }
    match document.pointer_mut("/JobInfo/Variables") {
        Some(Value::Array(variables)) => {
            let values = variables.iter_mut().filter_map(|row| row.get_mut("Value"));
            values.for_each(|value| *value = MASK.into());
        }
        Some(other) if !other.is_null() => *other = MASK.into(),
        _ => {}
    }
}

fn decode_list(
    body: &[u8],
    scope: &Scope,
    at: Cursor,
    api: &Api,
    options: &GetOptions,
) -> Result<Page, DecodeError> {
    let wire: ListResponse = lenient::decode_response(body)?;
    check_success(wire.success)?;
    let total = wire.total_count.0;
    let rows = wire.jobs.rows("Jobs", total)?;
    let address = |row: &Row| {
        let DefaultObject(fields) = &row.job_spec;
        let id = fields.job_id.value.trimmed()?;
        scope
            .reference(&[id])
            .filter(|_| !fields.state.is_unreadable)
    };
    let read = |row: Row, reference: &Reference| {
        let DefaultObject(mut fields) = row.job_spec;
        fields.job_name = row.job_name;
        // A JSON text.
        let variables = fields.variables.0.take().unwrap_or_default();
        let variables = lenient::decode_response::<Map<Text>>(variables.as_bytes());
        let Map(variables) = variables.unwrap_or_default();
        let found = fields.into_result(reference, variables, api, options);
        found.with_request_id(wire.request_id.0.clone())
    };
    Ok(Page::from_addressed_rows(at, total, rows, address, read))
}

impl<V> JobFields<V> {
    fn into_result(
        self,
        reference: &Reference,
        variables: BTreeMap<String, Text>,
        api: &Api,
        options: &GetOptions,
    ) -> GetResult {
        let (clock, mut notices) = (api.clock, Vec::new());
        let times = [&self.create_time, &self.start_time, &self.last_modify_time];
        clock.note_assumed("aliyun", times, &mut notices);
        let word = self.state.value.trimmed();
        let read = states::normalize(
            STATES,
            &options.states,
            word,
            "aliyun/hpc-job",
            &mut notices,
        );
        let (request, used) = (&self.resources.0, &self.resources_used.0);
        let shown = |text: &Text| match options.show_secrets {
            true => text.0.clone(),
            false => text.0.as_deref().map(mask_text),
        };
        let value = |value: Text| match options.show_secrets {
            true => value.0,
            false => value.0.map(|_| MASK.to_owned()),
        };
        let details = HpcJobDetails {
            command: shown(&self.command_line),
            comment: shown(&self.comment),
            stdout_path: self.output_log.0.clone(),
            stderr_path: self.error_log.0.clone(),
            nodes: self.node_list.0.clone(),
            node_count: request.nodes.0,
            used: used.resources(),
            used_node_count: used.nodes.0,
            array_job_id: self.array_job_id.0.clone(),
            array_request: self.array_request.value.0.clone(),
            variables: variables.into_iter().map(|(n, v)| (n, value(v))).collect(),
            extra_info: shown(&self.extra_info),
        };
        let mut job = Job {
            name: self.job_name.0.clone(),
            state: read.state,
            state_raw: read.raw,
            ended: read.ended,
            user: self.runas_user.0.clone(),
            queue: self.job_queue.0.clone(),
            priority: self.priority.0,
            created_at: clock.at(&self.create_time),
            started_at: clock.at(&self.start_time),
            updated_at: clock.at(&self.last_modify_time),
            resources: request.resources(),
            array: self.array(),
            details: Some(Arc::new(details)),
            ..job_at(reference, api.region())
        };
        self.judge(&mut job, options.has_flag(&TRUST_FINISHED));
        GetResult { job, notices }
    }

    /// The place of a subtask in its array job; a job as a whole has no form that all schedulers share.
    fn array(&self) -> Option<Array> {
        let index = Some(self.array_job_sub_id.0?);
        let request = self.array_request.value.trimmed().unwrap_or_default();
        let (range, step) = request.split_once(':').unwrap_or((request, "1"));
        let bounds = range.split_once('-').and_then(|(start, end)| {
            let (start, end, step) = (start.parse().ok()?, end.parse().ok()?, step.parse().ok()?);
            Some((start, end, step))
        });
        let array = bounds.map(|(start, end, step)| Array {
            start: Some(start),
            end: Some(end),
            step: Some(step),
            index,
        });
        array.or(Some(Array {
            index,
            ..Array::UNKNOWN
        }))
    }

    /// Decides how a job ended whose word alone does not say so.
    fn judge(&self, job: &mut Job, trusts_finished: bool) {
        let word = self.state.value.trimmed().unwrap_or_default();
        let is_finished = word.eq_ignore_ascii_case(FINISHED);
        if !is_finished && !job.ended {
            return;
        }
        job.ended = true;
        let extra = self.extra_info.0.as_deref().unwrap_or_default();
        let extra: ExtraInfo = lenient::decode_response(extra.as_bytes()).unwrap_or_default();
        let exit_status = extra.exit_status;
        job.exit_code = exit_status.value.0;
        let request = &self.array_request;
        let has_request = request.is_unreadable || request.value.0.is_some();
        let is_whole_array = has_request && self.array_job_sub_id.0.is_none();
        match (job.state, job.exit_code) {
            (State::Succeeded | State::Unknown, Some(code)) if code != 0 => {
                job.state = State::Failed;
                job.message = Some(format!("exit status {code}"));
            }
            (State::Succeeded, _) if is_whole_array => {
                job.state = State::Unknown;
                job.ended = false;
                job.reason = Some(Job::SUBTASKS_UNREAD.to_owned());
                job.message = Some("the subtasks of the array job may not have ended".to_owned());
            }
            (State::Unknown, Some(0)) if !is_whole_array => job.state = State::Succeeded,
            (State::Unknown, _) if is_finished && trusts_finished => job.state = State::Succeeded,
            (State::Succeeded, _) if !exit_status.is_unreadable => {}
            (State::Succeeded | State::Unknown, _) => {
                job.state = State::Unknown;
                job.reason = Some("exit status unavailable".to_owned());
                job.message = Some(format!("{word} does not say whether the job succeeded"));
            }
            _ => {}
        }
    }
}

impl Amounts {
    fn resources(&self) -> Resources {
        Resources {
            cpu: self.cores.0,
            memory_bytes: self.memory.trimmed().and_then(memory_bytes),
            accelerators: self.gpus.unsigned(),
            ..Resources::default()
        }
    }
}

/// `1gb` of PBS, `1536MB` of Slurm.
fn memory_bytes(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let power = ["b", "kb", "mb", "gb", "tb"]
        .iter()
        .position(|known| *known == unit)?;
    number.parse::<u64>().ok()?.checked_mul(1 << (10 * power))
}

/// `details` of an `aliyun/hpc-job`.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "AliyunHpcJob")]
pub struct HpcJobDetails {
    /// What runs, with secrets in its arguments masked; lists do not report it.
    pub command: Option<String>,
    /// Text of its owner or of the scheduler; only lists report it.
    pub comment: Option<String>,
    /// File of its standard output.
    pub stdout_path: Option<String>,
    /// File of its standard error.
    pub stderr_path: Option<String>,
    /// Its nodes as the scheduler writes them: `compute[002,005]`.
    pub nodes: Option<String>,
    /// How many nodes it asked for.
    pub node_count: Option<i64>,
    /// What it uses, or used, of `resources`.
    pub used: Resources,
    /// How many nodes it uses, or used.
    pub used_node_count: Option<i64>,
    /// Id of the array job it belongs to.
    pub array_job_id: Option<String>,
    /// Indices of the array job as they were submitted: `1-5:2`.
    pub array_request: Option<String>,
    /// Its environment; values are masked.
    pub variables: BTreeMap<String, Option<String>>,
    /// JSON text of the scheduler's own.
    pub extra_info: Option<String>,
}

#[cfg(test)]
mod tests;
