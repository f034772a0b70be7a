//! Looks up ended jobs in the history.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::super::envelope::ListPage;
use super::super::region::Region;
use super::outcome::RecordSource;
use super::response::{JobFields, decode_job};
use super::{GET_ENDED, LIST_ENDED, get_request, list, scheduler};
use crate::crypto::percent_encode;
use crate::http::RequestError;
use crate::providers::prelude::*;

/// How many days back the history is searched, in the first and in the second attempt.
const HISTORY_DAYS: [i64; 2] = [30, 365];

/// Requests a job from the history, which is fast only with the time of its booking; `live` is the run whose outcome is
/// wanted.
pub(super) async fn get_ended(
    region: &Region,
    lookup: GetRequest<'_>,
    live: Option<&Job>,
) -> Result<GetResult, Problem> {
    let entry = history_entry(region, lookup, live).await?;
    let (scheduler, id) = (scheduler(lookup.reference), lookup.reference.id());
    let [scheduler, id] = [scheduler, id].map(percent_encode);
    let path = format!("/hpc/openapi/v2/historyjobs/{scheduler}/{id}");
    let parameters = entry.booked_at.as_deref().map(|at| ("acctTime", at));
    let request = get_request(region, GET_ENDED, &path, parameters.as_slice());
    let decode = |body: &[u8]| {
        let (origin, clock) = (RecordSource::History, region.clock);
        let result = decode_job(body, origin, lookup, live, clock)?;
        result.ok_or_else(|| match live {
            // The details are those of another run.
            Some(_) => missing(),
            None => "the details of a job that the history lists"
                .to_owned()
                .into(),
        })
    };
    let response = region.call(request, lookup.options.deadline, decode).await;
    let mut result = response.map(Decoded::into_result)?;
    if let Some(end) = entry.unsuccessful_outcome
        && result.job.state == State::Succeeded
    {
        let text = format!("the job has succeeded, but the history lists {end}");
        states::contradict(&mut result.job, text);
    }
    if let Some(names) = entry.other_names {
        let reference = lookup.reference;
        let text = format!("{reference} is the newest of several jobs with this id: {names}");
        result.note(NoticeCode::ConflictingRows, text);
    }
    Ok(result)
}

/// The fields of a job in the list of the history.
#[derive(Default)]
struct HistoryEntry {
    /// When the job was booked in the history, in the cloud's format; `None` if it is missing.
    booked_at: Option<String>,
    /// The names of the jobs with this id, if there are several.
    other_names: Option<String>,
    /// The outcome in the list, if it is not a success.
    unsuccessful_outcome: Option<String>,
}

/// Returns the newest history entry of a job.
///
/// # Errors
/// `not_found` if the job is not in the history.
async fn history_entry(
    region: &Region,
    lookup: GetRequest<'_>,
    live: Option<&Job>,
) -> Result<HistoryEntry, Problem> {
    let GetRequest { reference, options } = lookup;
    let now = region.client.http.server_now();
    let time = |days: i64| region.clock.text(now - TimeDelta::days(days));
    let end = time(-1);
    for days in HISTORY_DAYS {
        let start = time(days);
        let mut parameters = list::history_query(scheduler(reference), &start, &end);
        parameters.extend([("start", "0"), ("limit", "100"), ("jobId", reference.id())]);
        let request = get_request(region, LIST_ENDED, list::HISTORY_PATH, &parameters);
        let decode = |body: &[u8]| -> Result<_, DecodeError> {
            let ListPage { total, rows } = ListPage::<JobFields>::decode(body)?;
            let is_complete = total.is_none_or(|total| total <= rows.len() as i64);
            let unreadable = || "text or a number at jobId".to_owned();
            if rows.iter().any(JobFields::is_id_unreadable) {
                return Err(unreadable().into());
            }
            let lacks_id = rows.iter().any(|row| row.id().is_none());
            let rows = rows_of(rows, reference, live, region.clock);
            match newest_entry(rows, lookup, region.clock)? {
                // This row can be that of the requested job.
                None if lacks_id => Err(unreadable().into()),
                // These rows are other jobs; the requested job may follow after them.
                None if !is_complete => Err("the rows of the requested jobId".to_owned().into()),
                None if days == HISTORY_DAYS[1] => Err(missing()),
                entry => Ok(entry),
            }
        };
        let response = region.call(request, options.deadline, decode).await?;
        if let Some(entry) = response.data {
            return Ok(entry);
        }
    }
    Ok(HistoryEntry::default())
}

/// Returns the rows of a job; `live` is the run whose outcome is wanted.
fn rows_of(
    mut rows: Vec<JobFields>,
    reference: &Reference,
    live: Option<&Job>,
    clock: WallClock,
) -> Vec<JobFields> {
    let [region, scheduler] = ["REGION", "SCHEDULER"].map(|name| reference.segment(name));
    rows.retain(|row| {
        let is_of_run = |live: &Job| row.is_of_run(live, clock) != Some(false);
        row.id() == Some(reference.id()) && live.is_none_or(is_of_run)
    });
    if rows.iter().any(|row| row.is_at(region, scheduler)) {
        rows.retain(|row| row.is_at(region, scheduler));
    }
    rows
}

/// A row of a job in the list of the history. A requeued job has several.
struct ListedRun {
    booked_at: Option<Time>,
    job: Job,
}

impl ListedRun {
    fn has_succeeded(&self) -> bool {
        self.job.state == State::Succeeded
    }

    /// Describes the outcome if it is known and not a success.
    fn unsuccessful_outcome(&self) -> Option<String> {
        let is_known = !matches!(self.job.state, State::Succeeded | State::Unknown);
        let parts = [&self.job.state_raw, &self.job.message];
        let parts = Vec::from_iter(parts.into_iter().flatten().cloned());
        is_known.then(|| parts.join(", "))
    }
}

/// Returns the newest entry among the rows of a job; `None` if there are no rows.
///
/// # Errors
/// The missing field if the rows do not show which of them is the newest.
fn newest_entry(
    rows: Vec<JobFields>,
    lookup: GetRequest<'_>,
    clock: WallClock,
) -> Result<Option<HistoryEntry>, DecodeError> {
    let names: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row.name().map(|name| format!("{name:?}")))
        .collect();
    let runs = rows.into_iter().map(|row| ListedRun {
        booked_at: row.booked_at(clock),
        job: row.into_result(RecordSource::History, lookup, clock).job,
    });
    let runs = Vec::from_iter(runs);
    if names.len() > 1 && runs.iter().any(|run| run.booked_at.is_none()) {
        return Err(without_times());
    }
    let newest = newest_runs(runs)?;
    let booked_at = newest.iter().filter_map(|run| run.booked_at).max();
    Ok((!newest.is_empty()).then(|| HistoryEntry {
        booked_at: booked_at.map(|at| clock.text(at.to_datetime())),
        other_names: (names.len() > 1).then(|| Vec::from_iter(names).join(", ")),
        unsuccessful_outcome: newest.iter().find_map(ListedRun::unsuccessful_outcome),
    }))
}

/// Returns the runs that were booked last. If this time of a run is missing, the end or else the submission of the
/// runs is compared.
fn newest_runs(mut runs: Vec<ListedRun>) -> Result<Vec<ListedRun>, DecodeError> {
    let booked_at: fn(&ListedRun) -> Option<Time> = |run| run.booked_at;
    let times = [
        booked_at,
        |run| run.job.finished_at,
        |run| run.job.created_at,
    ];
    let is_unambiguous = runs.len() < 2 || runs.iter().all(ListedRun::has_succeeded);
    let mut times = times.into_iter();
    let time = match times.find(|time| runs.iter().all(|run| time(run).is_some())) {
        Some(time) => time,
        None if is_unambiguous => booked_at,
        None => return Err(without_times()),
    };
    let newest = runs.iter().map(time).max();
    runs.retain(|run| Some(time(run)) == newest);
    // The details of a run are requested by this time. Without it, they can be those of an older run.
    let has_details = |run: &ListedRun| run.booked_at.is_some();
    let has_failed = |run: &ListedRun| run.unsuccessful_outcome().is_some();
    let is_usable = |run: &ListedRun| has_details(run) || has_failed(run);
    match is_unambiguous || runs.iter().any(is_usable) {
        true => Ok(runs),
        false => Err(without_times()),
    }
}

fn without_times() -> DecodeError {
    let expected = "acctTime of each job with the requested jobId";
    expected.to_owned().into()
}

fn missing() -> DecodeError {
    let mut missing = RequestError::new(Category::NotFound, "job not found");
    missing.hint = Some(
        "check region, scheduler and id; a job that was just submitted or has just ended may take a minute to appear"
            .to_owned(),
    );
    DecodeError::Failed(Box::new(missing))
}
