//! Jobs of E-HPC Instant, API version `2023-07-01`.
//!
//! Source: alibabacloud_ehpcinstant20230701 4.1.0 and its API reference. Not documented: the zone of its times,
//! whether `Exception` is final, the response of GetJob to an unknown id, the response of DescribeJobResults while
//! an executor runs, and whether a job can succeed without executors or exit codes: no documented response shows it.

mod details;
mod response;
mod results;

use chrono::TimeDelta;

use super::{Api, CLOUD_NAME, products::INSTANT};
use crate::http::{Method, Request};
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::prelude::*;
use details::InstantJobDetails;
use response::{decode_job, decode_list};

/// Jobs of E-HPC Instant.
pub static INSTANT_JOB: Kind = Kind {
    summary: "Job of E-HPC Instant, with its executors",
    list: Some(ListSpec {
        unlisted: &[UnlistedField::Queue],
        hidden_evidence: Some("executors"),
        ..ListSpec::new(LIST, ListOrder::Unsorted)
    }),
    logs: LogSupport::Operation(results::LOGS),
    batch_from: Some(2),
    max_ids: Some(50),
    evidence: &[
        "ArrayId",
        "ArraySpec",
        "ExecutorPolicy",
        "ExecutorStatus",
        "IndexEnd",
        "IndexStart",
        "IndexStep",
        "Status",
        "StatusReason",
        "TaskName",
        "Tasks",
    ],
    flags: &[TRUST_FINISHED],
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("instant-job", "inst"),
            &[Segment::required("JOB")],
            "aliyun/instant-job/job-sh145rw47pegztzd0002",
        ),
        &[
            StateTable {
                allows_user_states: true,
                notes: &[
                    ("Exception", "may change: the scheduler reports an error"),
                    ("Succeeded", SUCCEEDED_NOTE),
                    ("Succeed", SUCCEEDED_NOTE),
                ],
                ..StateTable::new("job", STATES)
            },
            StateTable::new("executor", STATES),
        ],
        GET,
    )
    .with_details(&[schema_of::<InstantJobDetails>], &[])
};

const GET: Operation = Operation::new(
    "GetJob",
    "E-HPC Instant 2023-07-01 GetJob, ListExecutorEvents, DescribeJobResults",
    "ehpc:GetJob, ehpc:ListExecutorEvents, ehpc:DescribeJobResults",
);

const LIST: Operation = operation!("E-HPC Instant 2023-07-01", "ehpc", "ListJobs");

/// State words of jobs and of executors. `Deleting` and `Unknown` are from older documentation.
const STATES: StateWords = &[
    ("Pending", State::Pending),
    ("Suspended", State::Pending),
    ("Initing", State::Starting),
    ("Running", State::Running),
    ("Retrying", State::Running),
    ("Restarting", State::Running),
    ("Succeeded", State::Succeeded),
    ("Succeed", State::Succeeded),
    ("Failed", State::Failed),
    ("Expired", State::Failed),
    ("Deleted", State::Canceled),
    ("Exception", State::Unknown),
    ("Deleting", State::Stopping),
    ("Unknown", State::Unknown),
];

/// When a job with the word for success has not succeeded.
const SUCCEEDED_NOTE: &str = "failed if an executor failed or exited with a code other than 0; unknown if this cannot be determined, such as without executors or exit codes";

/// Maximum rows per page that the cloud allows.
const PAGE_SIZE: usize = 100;

/// The operations on jobs of E-HPC Instant.
pub(super) struct InstantJobs;

#[async_trait]
impl KindOps<Api> for InstantJobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let request = request(api, GET.name, &[("JobId", lookup.reference.id())]);
        let decode = |body: &[u8]| decode_job(body, api, lookup);
        let response = api.call(request, lookup.options, decode).await?;
        let missing = response.data.missing_executors.clone();
        let mut result = response.map(|job| job.result).into_result();
        results::read_events(api, lookup, &mut result).await;
        let events = std::mem::take(&mut result.job.events);
        result.job.events = EventOrder::OldestFirst.newest_first(events);
        results::read_exit_codes(api, lookup, missing, &mut result).await;
        Ok(result)
    }

    /// Lists one page of the region's jobs.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let mut fields = json!({});
        if !list.filter.ids.is_empty() {
            fields["JobIds"] = json!(list.filter.ids);
        }
        if let Some(word) = list.filter.single_state_word(STATES, &list.options.states) {
            fields["Status"] = word.into();
        }
        if let Some(since) = &list.filter.since {
            // The value can be a local time or a Unix time, which differ by less than a day.
            let since = since.time().to_datetime() - TimeDelta::days(1);
            fields["TimeCreatedAfter"] = since.timestamp().into();
        }
        let (fields, page) = (fields.to_string(), list.cursor.page.to_string());
        let size = list.filter.page_size(PAGE_SIZE).to_string();
        let query = [
            ("Filter", &*fields),
            ("PageNumber", &page),
            ("PageSize", &size),
        ];
        let request = request(api, LIST.name, &query);
        let decode = |body: &[u8]| decode_list(body, api, list);
        let response = api.call(request, list.options, decode).await;
        response.map(Decoded::into_page)
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        results::read_log(api, request).await
    }
}

fn request(api: &Api, operation: &'static str, query: &[(&str, &str)]) -> Request {
    api.request(&INSTANT, operation, Method::Post, query)
}

#[cfg(test)]
mod tests;
