//! Jobs of the schedulers of E-HPC NEXT clusters, API version `2024-07-30`: GetJob and ListJobs.
//!
//! Source: alibabacloud_ehpc20240730 2.4.0 and the E-HPC NEXT API reference. Not documented: the words
//! of canceled jobs, what GetJob answers to an unknown id, the keys of `ExtraInfo`, the unit of memory
//! (schedulers count by 1024), and which jobs `CreateTimeStart` and `JobStatus=finished` leave out.

mod logs;
mod response;

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Api, CLUSTER, TRUST_FINISHED, cluster_of, products::EHPC_NEXT};
use crate::error::Problem;
use crate::http::Method;
use crate::kind::{
    Kind, ListOrder, ListSpec, Operation, OutcomeRule, Segment, StateTable, StateWords, Template,
};
use crate::model::{Resources, State};
use crate::providers::api::Decoded;
use crate::providers::shapes::schema_of;
use crate::providers::{
    Cursor, Filter, GetOptions, GetResult, KindOps, LogChunk, LogRequest, Page,
};
use crate::reference::{Reference, Scope};
use response::{decode_job, decode_list};

pub(super) use response::memory_bytes;

/// Jobs of Slurm and PBS.
pub static HPC_JOB: Kind = Kind::new(
    Template::new(
        ["aliyun", "ali"],
        ["hpc-job", "hpc"],
        &[CLUSTER, Segment::required("JOB")],
        "aliyun/hpc-job/ehpc-hz-FYUr32/1.manager",
    ),
    &[StateTable {
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
    GET,
)
.with_summary("Slurm or PBS job of an E-HPC NEXT cluster")
.with_details(&[schema_of::<HpcJobDetails>], &[])
.with_list(ListSpec::new(LIST, ListOrder::NewestFirst))
.with_logs(logs::LOGS)
.with_flags(&[TRUST_FINISHED]);

const GET: Operation = Operation::new("GetJob", "E-HPC 2024-07-30 GetJob", "ehpc:GetJob");

const LIST: Operation = Operation::new("ListJobs", "E-HPC 2024-07-30 ListJobs", "ehpc:ListJobs");

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

/// The most rows of a page that the cloud allows.
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
        let request = api.product_request(&EHPC_NEXT, GET.name, Method::Post, &query);
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
        let request = api.product_request(&EHPC_NEXT, LIST.name, Method::Post, &query);
        let decode = |body: &[u8]| decode_list(body, scope, at, api, options);
        let found = api.client.call(&request, options.deadline, decode).await;
        found.map(Decoded::into_page)
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
