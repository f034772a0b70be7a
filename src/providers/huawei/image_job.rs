//! Jobs of image servers.
//!
//! Each list request returns jobs of one type, so a page here is merged from one page per type.

mod active;
mod merge;
mod response;

use futures_util::future::join_all;

use super::products::WORKSPACE;
use super::{Api, CLOUD_NAME, ProjectRequest};
use crate::crypto::percent_encode;
use crate::providers::prelude::*;
use merge::{TypePage, merge};
use response::{ImageJob, ImageJobDetails, JOB_STATES, JobPage, STATES, SubJobDetails};

pub(super) use active::ListRotation;
pub(super) use response::{JOB_TYPES, decode};

/// Jobs of image servers.
pub static IMAGE_JOB: Kind = Kind {
    summary: "Job on image servers of Workspace APP",
    has_events: false,
    logs: LogSupport::Unavailable("see the job in the console of Workspace APP"),
    list: Some(
        ListSpec::new(LIST, ListOrder::Unsorted)
            .without(&[UnlistedField::User, UnlistedField::Queue]),
    ),
    batch_from: Some(2),
    evidence: &[
        "error_code",
        "error_message",
        "job_execute_info",
        "job_id",
        "status",
        "sub_jobs",
        "sub_jobs_total",
    ],
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("image-job", "img"),
            &[Segment::required("JOB")],
            "huawei/image-job/702364883651395584",
        ),
        &[
            StateTable::new("job", JOB_STATES).with_user_states(),
            StateTable::new("sub_job", STATES).with_user_states(),
        ],
        GET,
    )
    .with_details(
        &[schema_of::<ImageJobDetails>],
        &[schema_of::<SubJobDetails>],
    )
};

/// Gets one job with its sub-jobs.
pub(super) const GET: Operation = Operation::new(
    "ShowImageJob",
    "Workspace APP GET /v1/{project_id}/image-server-jobs/{job_id}",
    "Workspace ReadOnlyAccess",
);

/// Lists jobs without their sub-jobs.
pub(super) const LIST: Operation = Operation::new(
    "ListImageJobs",
    "Workspace APP GET /v1/{project_id}/image-server-jobs, once for each job type",
    "Workspace ReadOnlyAccess",
);

const PATH: &str = "image-server-jobs";

/// Maximum number of rows that the cloud allows per page.
const PAGE_SIZE: usize = 100;

/// The operations on image jobs.
pub(super) struct ImageJobs;

#[async_trait]
impl KindOps<Api> for ImageJobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let decode = |body: &[u8]| decode(body, lookup, api.region());
        let path = path(lookup.reference);
        let request = ProjectRequest::get(&WORKSPACE, GET.name, &path);
        let response = api.call(request, lookup.options, decode).await;
        response.map(Decoded::into_result)
    }

    async fn batch_get(&self, api: &Api, batch: BatchRequest<'_>) -> BatchResult {
        let results = api.image_lists.batch_get(api, batch).await;
        results.map(Some)
    }

    /// Returns one page of the project's jobs of all types, newest first, limited to one status if the filter
    /// requests exactly one. It fails if the requests for all types fail. If only some fail, the page lists
    /// them as failed parts, and they are not requested again.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let status = list.filter.single_state_word(STATES, &list.options.states);
        let lists = list.cursor.lists.offsets.into_iter().enumerate();
        let requests = lists.filter_map(|(number, offset)| {
            let offset = offset?;
            Some(async move {
                let page = list_page(api, JOB_TYPES[number], status, offset, list.options);
                let page = page.await.map(|page| TypePage {
                    list: number,
                    offset,
                    request_id: page.request_id,
                    unreadable: page.unreadable,
                    page: page.data,
                });
                page.map_err(|problem| (number, problem))
            })
        });
        // A check that lists are permitted needs one row, so it sends one request instead of one per type.
        let requests = requests.take(list.filter.page_size(JOB_TYPES.len()));
        let (mut pages, mut failed) = (Vec::new(), Vec::new());
        for outcome in join_all(requests).await {
            match outcome {
                Ok(page) => pages.push(page),
                Err(failure) => failed.push(failure),
            }
        }
        if pages.is_empty() && !failed.is_empty() {
            return Err(failed.swap_remove(0).1);
        }
        let failed_lists = failed.iter().map(|(number, _)| *number);
        let merged = merge(list.cursor.without_lists(failed_lists), pages);
        let read = |(row, request_id): (ImageJob, Option<String>), lookup: GetRequest<'_>| {
            let result = row.into_row(lookup, api.region());
            result.with_request_id(request_id)
        };
        Ok(Page {
            next: merged.next,
            total: merged.total,
            failed_parts: failed.into_iter().map(with_type).collect(),
            notices: merged.notices,
            ..list.page(None, merged.rows, |(row, _)| row.id(), read)
        })
    }
}

/// Returns the path of a job below the project's path.
pub(super) fn path(reference: &Reference) -> String {
    format!("{PATH}/{}", percent_encode(reference.id()))
}

/// Requests the jobs of one type after the first `offset` jobs, with one status or with any.
async fn list_page(
    api: &Api,
    job_type: &str,
    status: Option<&str>,
    offset: usize,
    options: &RequestOptions,
) -> Result<Decoded<JobPage>, Problem> {
    let (limit, offset) = (PAGE_SIZE.to_string(), offset.to_string());
    let query = [
        ("job_type", Some(job_type)),
        ("limit", Some(&limit)),
        ("offset", Some(&offset)),
        ("status", status),
    ];
    let query: Vec<(&str, &str)> = query
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let request = ProjectRequest {
        query: &query,
        ..ProjectRequest::get(&WORKSPACE, LIST.name, PATH)
    };
    api.call(request, options, JobPage::decode).await
}

/// Adds the job type to the message of a failed list request.
fn with_type((list, mut problem): (usize, Problem)) -> Problem {
    problem.message = format!("job_type {}: {}", JOB_TYPES[list], problem.message);
    problem
}

#[cfg(test)]
mod tests;
