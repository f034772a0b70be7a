//! Lists the live jobs, then the ended ones, page by page.
//!
//! The platform lists the jobs of all regions; a region lists the jobs of one scheduler.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::TimeDelta;

use super::super::Api;
use super::super::envelope::ListPage;
use super::super::region::Region;
use super::outcome::RecordSource;
use super::response::JobFields;
use super::{LIST, LIST_ENDED, get_request};
use crate::http::{Method, Request};
use crate::providers::prelude::*;
use crate::providers::runs::{Run, Runs};
use crate::reference::Scope;

pub(super) const HISTORY_PATH: &str = "/hpc/openapi/v2/historyjobs";

const LIVE_PATH: &str = "/hpc/openapi/v2/jobs";
const LIST_ALL: &str = "ListJobsOfPlatform";
const LIST_ALL_ENDED: &str = "ListHistoryJobsOfPlatform";

/// Requested page size in rows.
const PAGE_SIZE: usize = 100;

/// Number of days of history that are listed without a start time; it is also the platform's default.
const DEFAULT_DAYS: i64 = 7;

/// Requests a page of the jobs of a scope.
pub(super) async fn list(api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
    let source = match list.cursor.lists.offsets[0] {
        Some(_) => RecordSource::Live,
        None => RecordSource::History,
    };
    let (region, request) = request(api, list, source)?;
    let decode = ListPage::<JobFields>::decode;
    let response = region.call(request, list.options.deadline, decode).await?;
    let ListPage { total, mut rows } = response.data;
    let count = rows.len();
    // The cloud's filters are not trusted: a row of another scheduler would get the address of another job.
    let [region_id, scheduler] = ["REGION", "SCHEDULER"].map(|name| list.scope.segment(name));
    rows.retain(|row| row.is_at(region_id, scheduler));
    let dropped = count - rows.len();
    let earlier_runs = match source {
        RecordSource::Live => Vec::new(),
        RecordSource::History => drop_earlier_runs(&mut rows, list.scope, region.clock),
    };
    let address = |row: &JobFields| row.reference(list.scope);
    let mut runs = HashMap::new();
    let read = |row: JobFields, reference: &Reference| {
        let run = row.run(region.clock);
        let result = row.into_result(source, list.lookup(reference), region.clock);
        let run = match source {
            RecordSource::Live => Run::of_job(&result.job),
            RecordSource::History => run,
        };
        runs.insert(result.job.reference.clone(), run);
        result
    };
    let mut page = Page::from_addressed_rows(list.cursor, total, rows, address, read);
    page.runs = Runs {
        of_rows: runs,
        earlier: earlier_runs,
    };
    page.notices.extend(response.unreadable);
    // The list of all regions uses page numbers, and the history is sorted, so their pages do not overlap.
    page.may_overlap = scheduler.is_some() && source == RecordSource::Live && dropped == 0;
    let total = total.and_then(|total| u64::try_from(total).ok());
    page.list_total = total;
    let known = total.filter(|_| dropped == 0);
    let known = known
        .zip(list.cursor.lists.ended_total)
        .map(|(one, other)| one + other);
    let has_ended = !list.filter.is_active_only();
    (page.next, page.total) = match list.cursor.after(count - page.repeated_rows, total) {
        Some(next) => (Some(next), None),
        None if source == RecordSource::Live && has_ended => {
            let mut next = Cursor::FIRST.without_lists([0]);
            next.lists.ended_total = known;
            (Some(next), None)
        }
        None => (None, known),
    };
    if source == RecordSource::History && list.filter.since.is_none() {
        let text = format!(
            "sugon/job lists jobs that ended in the last {DEFAULT_DAYS} days; joblens list --since shows older ones"
        );
        page.notices.push(Notice::new(NoticeCode::ListWindow, text));
    }
    Ok(page)
}

/// Drops the rows of earlier runs of jobs that have several rows in the history. Returns their keys. Rows of one run,
/// and rows without times to compare, remain.
fn drop_earlier_runs(rows: &mut Vec<JobFields>, scope: &Scope, clock: WallClock) -> Vec<String> {
    let key = |row: &JobFields| row.reference(scope).map(|one| one.to_string());
    let mut newest: HashMap<String, Run> = HashMap::new();
    for row in rows.iter() {
        let Some(key) = key(row) else { continue };
        let run = row.run(clock);
        match newest.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(run)),
            Entry::Occupied(mut known) => {
                if run.order(known.get()) == Some(Ordering::Greater) {
                    known.insert(run);
                }
            }
        }
    }
    let mut earlier = Vec::new();
    rows.retain(|row| {
        let Some(key) = key(row) else { return true };
        let run = row.run(clock);
        let order = newest.get(&key).and_then(|newest| run.order(newest));
        let is_earlier = order == Some(Ordering::Less);
        earlier.extend(is_earlier.then(|| run.key(&key)));
        !is_earlier
    });
    earlier
}

/// Returns the request for a page and the region that receives it.
fn request(
    api: &Api,
    list: ListRequest<'_>,
    source: RecordSource,
) -> Result<(Arc<Region>, Request), Problem> {
    let region = match (
        list.scope.segment("REGION"),
        list.scope.segment("SCHEDULER"),
    ) {
        (Some(region), Some(_)) => api.region(region)?,
        _ => api.platform()?,
    };
    let now = region.client.http.server_now();
    let since = list.filter.since.as_ref();
    let since = since.map(|since| since.time().to_datetime());
    let since = since.unwrap_or_else(|| now - TimeDelta::days(DEFAULT_DAYS));
    let (start, end) = (
        region.clock.text(since),
        region.clock.text(now + TimeDelta::days(1)),
    );
    let size = list.filter.page_size(PAGE_SIZE);
    let (user, queue) = (list.filter.user.as_deref(), list.filter.queue.as_deref());
    let Some(scheduler) = list.scope.segment("SCHEDULER") else {
        let (operation, path) = match source {
            RecordSource::Live => (LIST_ALL, "/ac/openapi/v2/jobs/monitor/page-list"),
            RecordSource::History => (LIST_ALL_ENDED, "/ac/openapi/v2/jobs/history/page-list"),
        };
        // The effect of a time window on jobs that have not started is not documented.
        let is_cut = source == RecordSource::History;
        let [start, end] = [start, end].map(|time| if is_cut { time } else { String::new() });
        let body = json!({
            "page": list.cursor.page, "size": size, "clusterId": list.scope.segment("REGION").unwrap_or_default(),
            "queue": queue.unwrap_or_default(), "jobId": "", "jobState": "",
            "startTime": start, "endTime": end, "showGroupJobs": false,
            "clusterUserName": user.unwrap_or_default(), "showAllData": true,
        });
        let request = Request {
            method: Method::Post,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
            ..region.request(operation, path)
        };
        return Ok((region, request));
    };
    let (offset, size) = (list.cursor.offset.to_string(), size.to_string());
    let page = [("start", &*offset), ("limit", &*size)];
    let (operation, path, mut parameters, names) = match source {
        RecordSource::Live => {
            let parameters = vec![("strClusterIDList", scheduler)];
            (
                LIST.name,
                LIVE_PATH,
                parameters,
                ["strJobOwner", "strQueueName"],
            )
        }
        RecordSource::History => {
            let parameters = history_query(scheduler, &start, &end);
            (LIST_ENDED, HISTORY_PATH, parameters, ["strUser", "queue"])
        }
    };
    parameters.extend(page);
    let filters = names.into_iter().zip([user, queue]);
    parameters.extend(filters.filter_map(|(name, value)| Some((name, value?))));
    let request = get_request(&region, operation, path, &parameters);
    Ok((region, request))
}

/// Returns the required parameters for the history of a scheduler.
pub(super) fn history_query<'a>(
    scheduler: &'a str,
    start: &'a str,
    end: &'a str,
) -> Vec<(&'static str, &'a str)> {
    vec![
        ("strClusterNameList", scheduler),
        ("startTime", start),
        ("endTime", end),
        ("timeType", "CUSTOM"),
        ("isQueryByQueueTime", "false"),
        ("sort", "DESC"),
    ]
}

impl JobFields {
    /// Returns the address of a row, which begins with the segments of the scope.
    fn reference(&self, scope: &Scope) -> Option<Reference> {
        let segments = [self.region(), self.scheduler(), self.id()];
        let below: Option<Vec<&str>> = segments[scope.segments.len()..].iter().copied().collect();
        scope.reference(&below.filter(|_| !self.is_id_unreadable())?)
    }
}
