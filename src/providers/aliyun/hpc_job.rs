//! Jobs of the schedulers of E-HPC NEXT clusters, API version `2024-07-30`: GetJob and ListJobs.
//!
//! Source: alibabacloud_ehpc20240730 2.4.0 and the E-HPC NEXT API reference. Not documented: the words
//! of canceled jobs, what GetJob answers to an unknown id, the keys of `ExtraInfo`, the unit of memory
//! (schedulers count by 1024), and which jobs `CreateTimeStart` and `JobStatus=finished` leave out.

mod response;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::scheduler::{EndEvidence, SchedulerJobDetails, decode_list, outcome_rule};
use super::{Api, CLUSTER, TRUST_FINISHED, cluster_of, products::EHPC_NEXT, scheduler_log};
use crate::error::Problem;
use crate::http::Method;
use crate::kind::{
    Kind, ListOrder, ListSpec, LogSpec, Operation, Segment, StateTable, StateWords, Template,
};
use crate::model::State;
use crate::providers::api::Decoded;
use crate::providers::shapes::schema_of;
use crate::providers::{
    Filter, GetRequest, GetResult, KindOps, ListRequest, LogChunk, LogRequest, Page,
};
use response::{Row, decode_job};

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
        outcome_rules: &[outcome_rule(FINISHED)],
        notes: &[(
            "Completed",
            "an array job as a whole is unknown: its subtasks may not have ended",
        )],
        ..StateTable::new("job", STATES)
    }],
    GET,
)
.with_summary("Slurm or PBS job of an E-HPC NEXT cluster")
.with_details(&[schema_of::<SchedulerJobDetails>], &[])
.with_list(ListSpec::new(LIST, ListOrder::NewestFirst))
.with_logs(LOGS)
.with_batch_from(2)
.with_flags(&[TRUST_FINISHED]);

const GET: Operation = Operation::new("GetJob", "E-HPC 2024-07-30 GetJob", "ehpc:GetJob");

const LIST: Operation = Operation::new("ListJobs", "E-HPC 2024-07-30 ListJobs", "ehpc:ListJobs");

const LOGS: LogSpec = scheduler_log::spec(Operation::new(
    "GetJobLog",
    "E-HPC 2024-07-30 GetJobLog",
    "ehpc:GetJobLog",
));

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

    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let query = [
            ("ClusterId", cluster_of(lookup.reference.segment("CLUSTER"))),
            ("JobId", lookup.reference.id()),
        ];
        let request = api.product_request(&EHPC_NEXT, GET.name, Method::Post, &query);
        let decode = |body: &[u8]| decode_job(body, api, lookup);
        let found = api
            .client
            .call(&request, lookup.options.deadline, decode)
            .await;
        found.map(Decoded::into_result)
    }

    /// One page of the jobs of a cluster, the last submitted first.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let (page, size) = (
            list.at.page.to_string(),
            list.filter.page_size(PAGE_SIZE).to_string(),
        );
        let job_filter = job_filter(list.filter).to_string();
        let query = [
            ("ClusterId", cluster_of(list.scope.segment("CLUSTER"))),
            ("JobFilter", &job_filter),
            ("PageNumber", &page),
            ("PageSize", &size),
        ];
        let request = api.product_request(&EHPC_NEXT, LIST.name, Method::Post, &query);
        let decode = |body: &[u8]| decode_list::<Row>(body, api, list, |_| EndEvidence::default());
        let found = api
            .client
            .call(&request, list.options.deadline, decode)
            .await;
        found.map(Decoded::into_page)
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        scheduler_log::read(api, &EHPC_NEXT, request).await
    }
}

/// The filters that the cloud applies, where its documentation leaves no doubt.
fn job_filter(filter: &Filter) -> Value {
    let mut fields = json!({"SortBy": {"SubmitOrder": "desc"}});
    if filter.is_active_only() {
        fields["JobStatus"] = "notfinish".into();
    }
    if let Some(user) = &filter.user {
        fields["Users"] = json!([user]);
    }
    if let Some(queue) = &filter.queue {
        fields["Queues"] = json!([queue]);
    }
    fields
}

#[cfg(test)]
mod tests;
