//! Jobs of E-HPC Instant, API version `2023-07-01`.
//!
//! Source: alibabacloud_ehpcinstant20230701 4.1.0 and its API reference. Not documented: the zone of its
//! times, whether `Exception` is final, what GetJob answers to an unknown id, and what DescribeJobResults
//! gives while an executor runs.

mod details;
mod response;
mod results;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::list_batch::Batch;
use super::{Api, Product};
use crate::error::Problem;
use crate::http::{Method, Request};
use crate::kind::{
    Kind, ListOrder, ListSpec, Operation, Segment, StateTable, StateWords, Template, UnlistedField,
};
use crate::model::State;
use crate::providers::api::Decoded;
use crate::providers::shapes::schema_of;
use crate::providers::{
    BoxFuture, Cursor, Filter, GetOptions, GetResult, KindOps, LogChunk, LogRequest, Page,
};
use crate::reference::{Reference, Scope};
use details::InstantJobDetails;
use response::{decode_job, decode_list};

/// Jobs of E-HPC Instant.
pub static INSTANT_JOB: Kind = Kind::new(
    Template::new(
        ["aliyun", "ali"],
        ["instant-job", "inst"],
        &[Segment::required("JOB")],
        "aliyun/instant-job/job-sh145rw47pegztzd0002",
    ),
    &[
        StateTable {
            allows_user_states: true,
            notes: &[("Exception", "may change: the scheduler reports an error")],
            ..StateTable::new("job", STATES)
        },
        StateTable::new("executor", STATES),
    ],
    GET,
)
.with_details(&[schema_of::<InstantJobDetails>], &[])
.with_list(ListSpec::new(LIST, ListOrder::Unsorted).without(&[UnlistedField::Queue]))
.with_logs(results::LOGS)
.with_batch_from(2);

const GET: Operation = Operation::new(
    "GetJob",
    "E-HPC Instant 2023-07-01 GetJob, ListExecutorEvents, DescribeJobResults",
    "ehpc:GetJob, ehpc:ListExecutorEvents, ehpc:DescribeJobResults",
);

const LIST: Operation = Operation::new(
    "ListJobs",
    "E-HPC Instant 2023-07-01 ListJobs",
    "ehpc:ListJobs",
);

/// The words of jobs and of executors; the last two are those of older pages.
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

/// The most rows of a page that the cloud allows.
const PAGE_SIZE: usize = 100;

/// The operations on jobs of E-HPC Instant.
pub(super) struct InstantJobs;

#[async_trait]
impl KindOps<Api> for InstantJobs {
    fn kind(&self) -> &'static Kind {
        &INSTANT_JOB
    }

    async fn get(
        &self,
        api: &Api,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let request = request(api, GET.name, &[("JobId", reference.id())]);
        let decode = |body: &[u8]| decode_job(body, reference, api, options);
        let found = api.client.call(&request, options.deadline, decode).await;
        let mut found = found.map(Decoded::into_result)?;
        results::read_events(api, reference, &mut found, options).await;
        results::read_exit_codes(api, reference, &mut found, options).await;
        Ok(found)
    }

    fn can_batch(&self, api: &Api, references: &[Reference]) -> bool {
        api.instant_batches.can_batch(references)
    }

    async fn batch_get(
        &self,
        api: &Api,
        references: &[Reference],
        options: &GetOptions,
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let list = |batch: Batch| -> BoxFuture<'_, _> {
            Box::pin(async move {
                let filter = json!({"JobIds": batch.ids});
                list(
                    api,
                    &batch.scope,
                    &filter,
                    Cursor::FIRST,
                    PAGE_SIZE,
                    options,
                )
                .await
            })
        };
        let batches = &api.instant_batches;
        batches.get(&INSTANT_JOB, references, &list).await
    }

    /// One page of the jobs of the region.
    async fn list(
        &self,
        api: &Api,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        let mut asked = json!({});
        if let Some(word) = filter.single_state_word(STATES, &options.states) {
            asked["Status"] = word.into();
        }
        if let Some(since) = filter.since {
            // It may be a time of the region or a Unix time: all zones are within a day.
            let since = since.to_datetime() - TimeDelta::days(1);
            asked["TimeCreatedAfter"] = since.timestamp().into();
        }
        list(api, scope, &asked, at, filter.page_size(PAGE_SIZE), options).await
    }

    async fn read_log(
        &self,
        api: &Api,
        request: LogRequest<'_>,
        options: &GetOptions,
    ) -> Result<LogChunk, Problem> {
        results::read_log(api, request, options).await
    }
}

fn request(api: &Api, operation: &'static str, query: &[(&str, &str)]) -> Request {
    api.product_request(Product::Instant, operation, Method::Post, query)
}

/// A page of the jobs that a filter of the cloud selects.
async fn list(
    api: &Api,
    scope: &Scope,
    filter: &Value,
    at: Cursor,
    size: usize,
    options: &GetOptions,
) -> Result<Page, Problem> {
    let (filter, page, size) = (filter.to_string(), at.page.to_string(), size.to_string());
    let query = [
        ("Filter", &*filter),
        ("PageNumber", &page),
        ("PageSize", &size),
    ];
    let request = request(api, LIST.name, &query);
    let decode = |body: &[u8]| decode_list(body, scope, at, api, options);
    let found = api.client.call(&request, options.deadline, decode).await;
    found.map(Decoded::into_page)
}

#[cfg(test)]
mod tests;
