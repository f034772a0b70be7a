//! Jobs of the schedulers of computing regions.
//!
//! A job is listed as live until five minutes after its end, and in the history once it is booked
//! (entered into the accounting records), about a minute after its end. It may be in neither until
//! it is booked, and right after its submission. Not documented: the time zone (UTC+8 in published
//! examples), exit statuses of the platform above 255, and how long jobs stay in the history.

mod details;
mod history;
mod list;
mod logs;
mod outcome;
mod response;

use std::time::Duration;

use super::region::Region;
use super::{Api, CLOUD_NAME, REGION_TOKEN};
use crate::crypto::percent_encode;
use crate::http::{Request, pairs};
use crate::kind::{IdReuse, OutcomeRule};
use crate::providers::get_result::summarize;
use crate::providers::prelude::*;
use details::JobDetails;
use history::get_ended;
use outcome::RecordSource;
use response::decode_job;

/// Jobs of schedulers.
pub static JOB: Kind = Kind {
    summary: "HPC job of SCNet, current or past",
    has_events: false,
    list: Some(ListSpec::new(LIST, ListOrder::Unsorted)),
    logs: LogSupport::Operation(logs::LOGS),
    batch_from: Some(2),
    missing_grace: Duration::from_secs(180),
    id_reuse: IdReuse::NumberedAndRequeued,
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("job", "job"),
            &[
                Segment::with_setting("REGION", "cluster_id"),
                Segment::with_setting("SCHEDULER", "scheduler_id"),
                Segment::required("JOB"),
            ],
            "sugon/job/11112/1638523853/8231456",
        )
        .with_scope_segments(0),
        &[StateTable {
            allows_user_states: true,
            outcome_rules: &[OutcomeRule {
                word: COMPLETED,
                when: [
                    "in the history, or the scheduler reports COMPLETED",
                    "the scheduler reports a failure, or an exit code other than 0",
                    "a job that has just ended, if the scheduler reports no state",
                ],
            }],
            notes: &[
                ("statC", "canceled if the scheduler reports it"),
                ("statS", "suspended"),
            ],
            ..StateTable::new("job", STATES)
        }],
        GET,
    )
    .with_details(&[schema_of::<JobDetails>], &[])
};

/// Requests a live job. The vendor has no name for this and the other operations here.
const GET: Operation = Operation::new(
    "GetJob",
    "GET /hpc/openapi/v2/jobs/{id}, else historyjobs/{scheduler}/{id}",
    REGION_TOKEN,
);

/// Lists the live jobs of a scheduler, then its ended jobs; or the jobs of all regions.
const LIST: Operation = Operation::new(
    "ListJobs",
    "POST /ac/openapi/v2/jobs/monitor/page-list, history/page-list; of one scheduler GET /hpc/openapi/v2/jobs, historyjobs",
    "a platform token; for a single scheduler, the token of its region",
);

const GET_ENDED: &str = "GetHistoryJob";
const LIST_ENDED: &str = "ListHistoryJobs";

/// State word of a live job that has ended, with any outcome.
const COMPLETED: &str = "statC";

/// State words of the platform, then those of Slurm, which the platform passes through for some jobs.
const STATES: StateWords = &[
    ("statQ", State::Pending),
    ("statH", State::Pending),
    ("statW", State::Pending),
    ("statRQ", State::Pending),
    ("statR", State::Running),
    ("statS", State::Running),
    ("statE", State::Stopping),
    (COMPLETED, State::Unknown),
    ("statX", State::Unknown),
    ("statD", State::Failed),
    ("statT", State::Failed),
    ("statN", State::Failed),
    ("statEX", State::Failed),
    ("statDE", State::Canceled),
    ("PENDING", State::Pending),
    ("REQUEUED", State::Pending),
    ("REQUEUE_HOLD", State::Pending),
    ("SPECIAL_EXIT", State::Pending),
    ("RESV_DEL_HOLD", State::Pending),
    ("CONFIGURING", State::Starting),
    ("RUNNING", State::Running),
    ("SUSPENDED", State::Running),
    ("COMPLETING", State::Stopping),
    ("STOPPED", State::Stopping),
    ("STAGE_OUT", State::Stopping),
    ("SIGNALING", State::Stopping),
    ("COMPLETED", State::Succeeded),
    ("FAILED", State::Failed),
    ("TIMEOUT", State::Failed),
    ("NODE_FAIL", State::Failed),
    ("BOOT_FAIL", State::Failed),
    ("OUT_OF_MEMORY", State::Failed),
    ("DEADLINE", State::Failed),
    ("LAUNCH_FAILED", State::Failed),
    ("CANCELLED", State::Canceled),
    ("REVOKED", State::Canceled),
    ("PREEMPTED", State::Canceled),
];

/// The operations on jobs.
pub(super) struct Jobs;

#[async_trait]
impl KindOps<Api> for Jobs {
    /// Looks up a job among the live ones. If it is not there, or has ended without a known outcome, looks it up
    /// in the history.
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let reference = lookup.reference;
        let region = api.region(reference.segment("REGION").unwrap_or_default())?;
        let live = get_live(&region, lookup).await?;
        let Some(mut live) = live else {
            return get_ended(&region, lookup, None).await;
        };
        if live.job.ended && live.job.state == State::Unknown {
            match get_ended(&region, lookup, Some(&live.job)).await {
                Ok(ended) if ended.job.ended || ended.job.unread_cause.is_some() => {
                    return Ok(confirmed_by(ended, live));
                }
                Err(problem) if problem.category != Category::NotFound => {
                    let reason = summarize(&problem);
                    let text = format!("cannot read the history of {reference}: {reason}");
                    live.note(NoticeCode::PartsUnread, text);
                    let text = format!(
                        "the history, which shows how the job ended, could not be read: {reason}"
                    );
                    states::leave_unread(&mut live.job, problem.category, text);
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(live)
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        list::list(api, list).await
    }

    fn log_sources(&self, _: &Kind, job: &Job) -> Vec<LogSource> {
        logs::sources(job)
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

/// Returns a job from the history with the notices about the live job. A success becomes unknown if fields of the live
/// job contradict it or cannot be read, as long as the job is live.
fn confirmed_by(mut ended: GetResult, live: GetResult) -> GetResult {
    for notice in live.notices {
        if !ended.notices.contains(&notice) {
            ended.notices.push(notice);
        }
    }
    if ended.job.state == State::Succeeded && live.job.unread_cause.is_some() {
        let text = "the job has succeeded in the history, but fields of the live job contradict it or cannot be read";
        let cause = live.job.message.map(|cause| format!(": {cause}"));
        states::contradict(
            &mut ended.job,
            format!("{text}{}", cause.unwrap_or_default()),
        );
    }
    ended
}

fn scheduler(reference: &Reference) -> &str {
    reference.segment("SCHEDULER").unwrap_or_default()
}

/// Builds a GET request with a query.
fn get_request(
    region: &Region,
    operation: &'static str,
    path: &str,
    query: &[(&str, &str)],
) -> Request {
    Request {
        query: pairs(query),
        ..region.request(operation, path)
    }
}

/// Requests a live job; `None` if it is not, or no longer, live.
async fn get_live(region: &Region, lookup: GetRequest<'_>) -> Result<Option<GetResult>, Problem> {
    let path = format!(
        "/hpc/openapi/v2/jobs/{}",
        percent_encode(lookup.reference.id())
    );
    let parameters = [("strJobManagerID", scheduler(lookup.reference))];
    let request = get_request(region, GET.name, &path, &parameters);
    let decode = |body: &[u8]| decode_job(body, RecordSource::Live, lookup, None, region.clock);
    match region.call(request, lookup.options.deadline, decode).await {
        Ok(found) => Ok(found.into_optional_result()),
        // A 404 without the envelope comes from another server.
        Err(problem) if problem.code.as_deref() == Some("404") => Ok(None),
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests;
