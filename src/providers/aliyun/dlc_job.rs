//! Jobs of PAI-DLC, API version `2020-12-03`.
//!
//! Source: alibabacloud_pai_dlc20201203 1.11.6 and the PAI-DLC API reference. Not documented: the zone of the
//! times of events, which end of a log `MaxLines` keeps, and the HTTP status for an unknown id.

mod details;
mod events;
mod logs;
mod response;
mod workspaces;

use chrono::{DateTime, TimeDelta, Utc};

use super::sign::timestamp;
use super::{Api, CLOUD_NAME, products::DLC};
use crate::crypto::percent_encode;
use crate::providers::prelude::*;
use crate::sync::lock;
use details::{DlcJobDetails, PodDetails};
use response::{decode_job, decode_list};
pub(super) use workspaces::WorkspaceLists;
use workspaces::{Incomplete, WorkspacePage};

/// Jobs of PAI-DLC.
pub static DLC_JOB: Kind = Kind {
    summary: "Training job of PAI-DLC, with its pods",
    list: Some(ListSpec::new(LIST, ListOrder::NewestFirst)),
    logs: LogSupport::Operation(logs::LOGS),
    batch_from: Some(2),
    max_ids: Some(PAGE_SIZE),
    conclusive_rows: true,
    evidence: &[
        "GmtFailedTime",
        "GmtStoppedTime",
        "ReasonCode",
        "ReasonMessage",
        "StatusHistory",
    ],
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("dlc-job", "dlc"),
            &[Segment::required("JOB")],
            "aliyun/dlc-job/dlc1abcdefgh2345",
        ),
        &[
            StateTable {
                allows_user_states: true,
                notes: &[
                    ("Succeeded", SUCCEEDED_NOTE),
                    ("SucceededReserving", "its pods are kept for a while"),
                    ("FailedReserving", "its pods are kept for a while"),
                ],
                ..StateTable::new("job", STATES)
            },
            StateTable::new("pod", POD_STATES),
        ],
        GET,
    )
    .with_details(&[schema_of::<DlcJobDetails>], &[schema_of::<PodDetails>])
};

const GET: Operation = Operation::new(
    "GetJob",
    "PAI-DLC 2020-12-03 GetJob, GetJobEvents",
    "paidlc:GetJob, paidlc:GetJobEvents",
);

const LIST: Operation = Operation::new(
    "ListJobs",
    "PAI-DLC 2020-12-03 ListJobs, AIWorkSpace 2021-02-04 ListWorkspaces",
    "paidlc:ListJobs, paiworkspace:ListWorkspaces",
);

/// Documented state words, and two that third-party clients contain.
const STATES: StateWords = &[
    ("Creating", State::Pending),
    ("Created", State::Pending),
    ("Queuing", State::Pending),
    ("Bidding", State::Pending),
    ("Dequeued", State::Pending),
    ("EnvPreparing", State::Starting),
    ("SanityChecking", State::Starting),
    ("Running", State::Running),
    ("Restarting", State::Running),
    ("Stopping", State::Stopping),
    ("SucceededReserving", State::Succeeded),
    ("FailedReserving", State::Failed),
    ("Succeeded", State::Succeeded),
    ("Failed", State::Failed),
    ("Stopped", State::Canceled),
    ("Deleted", State::Canceled),
    ("SubmitFailed", State::Failed),
];

/// When a job with the word for success has not succeeded.
const SUCCEEDED_NOTE: &str = "failed if its failure time is later than its success time; unknown if it was stopped after its success, or if its reason, its message or the last entry of its history is not that of a success; failed pods are ignored because they may have been replaced";

const POD_STATES: StateWords = &[
    ("Pending", State::Pending),
    ("Running", State::Running),
    ("Succeeded", State::Succeeded),
    ("Failed", State::Failed),
    ("Stopped", State::Canceled),
    ("Unknown", State::Unknown),
];

/// Maximum rows per page.
const PAGE_SIZE: usize = 50;

/// Days of jobs that the cloud lists if no start time is requested.
const DEFAULT_DAYS: i64 = 7;

/// Returns the start of the time range of a list: a full hour, so that all pages of a list, and a replay, use
/// the same start.
fn list_start(now: DateTime<Utc>) -> String {
    let past_hour = TimeDelta::seconds(now.timestamp().rem_euclid(3600));
    timestamp(now - TimeDelta::days(DEFAULT_DAYS) - past_hour)
}

/// A time before the first job.
const FIRST_TIME: &str = "2000-01-01T00:00:00Z";

const PATH: &str = "/api/v1/jobs";

fn path(reference: &Reference) -> String {
    format!("{PATH}/{}", percent_encode(reference.id()))
}

/// The operations on jobs of PAI-DLC.
pub(super) struct DlcJobs;

#[async_trait]
impl KindOps<Api> for DlcJobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let request = api.path_request(&DLC, GET.name, path(lookup.reference), &[]);
        let decode = |body: &[u8]| decode_job(body, api, lookup);
        let response = api.call(request, lookup.options, decode).await;
        let mut result = response.map(Decoded::into_result)?;
        events::read(api, lookup, &mut result).await;
        Ok(result)
    }

    /// Returns the job's workspace, if a lookup has shown it.
    fn batch_group(&self, api: &Api, id: &str) -> Option<String> {
        lock(&api.dlc_workspaces).get(id).cloned()
    }

    /// Lists one page of the jobs of the profile's workspace, or of all workspaces if none is set, the last
    /// created first. Without a start time it lists the jobs of the last days, unless a few rows or certain
    /// jobs are requested.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let word = list.filter.single_state_word(STATES, &list.options.states);
        let since = list.filter.since.as_ref();
        let since = since.map(|since| timestamp(since.time().to_datetime()));
        // An active job can be older.
        let is_cut = since.is_none()
            && list.filter.page_rows.is_none()
            && list.filter.ids.is_empty()
            && !list.filter.is_active_only();
        let start = match is_cut {
            true => list_start(api.client.http.server_now()),
            false => since.unwrap_or_else(|| FIRST_TIME.to_owned()),
        };
        // The cloud filters by user name; an account id is not a name.
        let is_name = |user: &&str| !user.bytes().all(|byte| byte.is_ascii_digit());
        let user = list.filter.user.as_deref().filter(is_name);
        let [page, size] = list.page_numbers(PAGE_SIZE);
        let (first, ids) = (list.filter.ids.first(), list.filter.ids.join(","));
        let (parts, incomplete) = match first {
            Some(id) => {
                let known = self.batch_group(api, id).or(api.workspace.clone());
                (WorkspacePage::of_one(known), Incomplete::default())
            }
            None => workspaces::page_workspaces(api, list.cursor, list.options).await,
        };
        let query = [
            ("JobIds", first.map(|_| &*ids)),
            ("Status", word),
            ("Username", user),
            ("ResourceId", list.filter.queue.as_deref()),
            ("StartTime", Some(&*start)),
            ("SortBy", Some("GmtCreateTime")),
            ("Order", Some("desc")),
            ("PageNumber", Some(&*page)),
            ("PageSize", Some(&*size)),
        ];
        let page = async |(workspace, cursor): &(Option<String>, Cursor)| {
            let mut query = query.to_vec();
            query.push(("WorkspaceId", workspace.as_deref()));
            let request = api.path_request(&DLC, LIST.name, PATH.to_owned(), &query);
            let list = ListRequest {
                cursor: *cursor,
                ..list
            };
            let decode = |body: &[u8]| decode_list(body, api, list);
            let response = api.call(request, list.options, decode).await;
            response.map(Decoded::into_page)
        };
        let positions = parts.unread(list.cursor);
        let pages = positions.iter().map(page);
        let mut page = workspaces::merge(api, list.cursor, parts, pages).await?;
        page.notices.extend(incomplete.notice);
        page.failed_parts.extend(incomplete.problem);
        page.omits_old = is_cut;
        if is_cut {
            let text = format!(
                "aliyun/dlc-job lists jobs created in the last {DEFAULT_DAYS} days; joblens list --since shows older ones"
            );
            page.notices.push(Notice::new(NoticeCode::ListWindow, text));
        }
        Ok(page)
    }

    fn log_sources(&self, _: &Kind, job: &Job) -> Vec<LogSource> {
        let mut sources = LogSource::of_job(job);
        for (source, task) in sources.iter_mut().zip(&job.tasks) {
            source.restarts = logs::restarts(task);
        }
        sources
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

#[cfg(test)]
mod tests;
