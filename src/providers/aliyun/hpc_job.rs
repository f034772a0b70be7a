//! Jobs of the schedulers of E-HPC NEXT clusters, API version `2024-07-30`: GetJob and ListJobs.
//!
//! Source: alibabacloud_ehpc20240730 2.4.0 and the E-HPC NEXT API reference. Not documented: the state words of
//! canceled jobs, the response of GetJob to an unknown id, the keys of `ExtraInfo`, the unit of memory
//! (schedulers use 1024), and which jobs `CreateTimeStart` and `JobStatus=finished` omit.

mod response;

use super::scheduler::{self, EndEvidence, SchedulerKind, decode_list, outcome_rule};
use super::{Api, cluster_of, products::EHPC_NEXT, scheduler_log};
use crate::http::Method;
use crate::providers::prelude::*;
use response::{Row, decode_job};

/// Jobs of Slurm and PBS.
pub static HPC_JOB: Kind = SchedulerKind {
    name: Name::new("hpc-job", "hpc"),
    sample: "aliyun/hpc-job/ehpc-hz-FYUr32/1.manager",
    summary: "Slurm or PBS job of an E-HPC NEXT cluster",
    states: &[scheduler::states(
        STATES,
        &[outcome_rule(FINISHED)],
        &[(
            "Completed",
            "an array job as a whole is unknown: its subtasks may not have ended",
        )],
    )],
    get: GET,
    list: LIST,
    logs: LOGS,
}
.into_kind();

const GET: Operation = operation!("E-HPC 2024-07-30", "ehpc", "GetJob");
const LIST: Operation = operation!("E-HPC 2024-07-30", "ehpc", "ListJobs");
const LOGS: LogSpec = scheduler_log::spec(operation!("E-HPC 2024-07-30", "ehpc", "GetJobLog"));

/// The state that PBS reports for every job that ended, with any outcome.
const FINISHED: &str = "FINISHED";

/// State words of PBS, and those of Slurm that differ by more than case.
const STATES: StateWords = &[
    ("QUEUED", State::Pending),
    ("Pending", State::Pending),
    ("RUNNING", State::Running),
    (FINISHED, State::Unknown),
    ("Completed", State::Succeeded),
    ("FAILED", State::Failed),
];

/// The operations on jobs of schedulers.
pub(super) struct HpcJobs;

#[async_trait]
impl KindOps<Api> for HpcJobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let query = [
            ("ClusterId", cluster_of(lookup.reference.segment("CLUSTER"))),
            ("JobId", lookup.reference.id()),
        ];
        let request = api.request(&EHPC_NEXT, GET.name, Method::Post, &query);
        let decode = |body: &[u8]| decode_job(body, api, lookup);
        let response = api.call(request, lookup.options, decode).await;
        response.map(Decoded::into_result)
    }

    /// Lists one page of a cluster's jobs, the last submitted first.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let [page, size] = list.page_numbers(scheduler::PAGE_SIZE);
        let job_filter = job_filter(list.filter).to_string();
        let query = [
            ("ClusterId", cluster_of(list.scope.segment("CLUSTER"))),
            ("JobFilter", &job_filter),
            ("PageNumber", &page),
            ("PageSize", &size),
        ];
        let request = api.request(&EHPC_NEXT, LIST.name, Method::Post, &query);
        let decode = |body: &[u8]| decode_list::<Row>(body, api, list, |_| EndEvidence::default());
        let response = api.call(request, list.options, decode).await;
        response.map(Decoded::into_page)
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        scheduler_log::read(api, &EHPC_NEXT, request).await
    }
}

/// Returns the filters for the cloud to apply. Uses only those whose meaning its documentation makes clear.
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
