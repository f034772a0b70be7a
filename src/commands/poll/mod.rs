//! Polls many jobs within a request limit.

mod deadline;
mod dispatch;
mod failures;
mod finished;
mod identity;
mod last_poll;
mod outages;
mod polled_job;
mod results;
mod schedule;
mod scope_rows;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::lookup::{AccountId, EndProofs, Lookup, LookupResult};
use crate::error::{Category, Problem};
use crate::model::{Job, State};
use crate::providers::Changes;
use crate::reference::Reference;

use last_poll::{ResponseTimes, UnfinishedCounts};
pub(super) use outages::OutageEvent;
use outages::OutageTracker;
pub(super) use outages::{describe_outage, strip_unsent};
pub(super) use polled_job::PolledJob;
pub(super) use schedule::hint_delay;

/// Jobs that could never be read are followed for this long.
pub(super) const MAX_FIRST_OUTAGE: Duration = Duration::from_secs(600);

/// At most ten requests per second for each account.
pub(super) const MIN_CALL_INTERVAL: Duration = Duration::from_millis(100);

/// A change from a poll.
#[derive(Debug)]
pub(super) enum PollEvent {
    /// A job has a new state: its index, and the previous state.
    State(JobIndex, Option<State>),
    /// A job was read, with or without changes; only sent if [`PollOptions::emit_reads`] is set.
    Read(JobIndex),
    /// A job failed permanently, with another category than before.
    Problem(JobIndex),
    /// A cloud stopped responding or is back.
    Outage(OutageEvent),
    /// A new job is polled that has the id of a previous one: the message.
    Replaced(String),
}

/// The options for polling jobs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PollOptions {
    /// A fixed time between two polls of a job.
    pub interval: Option<Duration>,
    /// When the whole command ends, if it has a deadline.
    pub ends_at: Option<Duration>,
    /// Every job is checked only once.
    pub is_single_check: bool,
    /// Events are needed, which lists do not contain.
    pub needs_events: bool,
    /// The time without warnings to wait for. At its end, jobs that only report
    /// events must be confirmed to exist.
    pub warning_free_time: Option<Duration>,
    /// Send an event for every poll that reads a job.
    pub emit_reads: bool,
}

/// Maximum number of concurrent requests per account. The timeout of a request begins when it starts, so that queued
/// requests of a long list do not time out.
const MAX_IN_FLIGHT: usize = 16;
/// If no response has come for this long, the requests in flight count as hanging.
const STALL: Duration = Duration::from_secs(2);
/// After this many consecutive failures, a job is looked up individually.
const MAX_BATCH_FAILURES: u32 = 3;
/// The time between two checks of all jobs that have no other reason, for each job. A check takes less than a hundredth
/// of it.
const CHECK_INTERVAL_PER_JOB: Duration = Duration::from_micros(50);
/// The maximum time between two such checks.
const MAX_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// An index into the jobs of a poller.
type JobIndex = usize;

/// An index into the accounts of a poller.
type AccountIndex = usize;

/// The result of a request.
struct PollResult {
    /// The jobs of the request, at least one; they have the same account.
    jobs: Vec<JobIndex>,
    /// The time of the whole command was up before the response came.
    is_late: bool,
    response: PollResponse,
}

/// What a request has found.
enum PollResponse {
    /// The job of a lookup.
    Job(Box<LookupResult>, ExistenceCheck),
    /// The row of each job in a list, if it has one.
    Rows(Result<Vec<Option<Job>>, Box<Problem>>),
}

/// Whether a job was confirmed to exist.
enum ExistenceCheck {
    NotRequested,
    Exists,
    Failed(Box<Problem>),
}

/// Polls many jobs until they are final.
pub(super) struct Poller {
    /// The jobs, in the given order.
    pub jobs: Vec<PolledJob>,
    lookup: Arc<Lookup>,
    options: PollOptions,
    running: JoinSet<PollResult>,
    /// Requests that only register jobs for change events.
    followers: JoinSet<()>,
    accounts: Vec<PolledAccount>,
    end_proofs: EndProofs<AccountIndex>,
    /// The random factor for the time to the next polls. It is the same for all jobs
    /// of a response, to keep them together.
    jitter: f64,
    /// The changes that streams report.
    changes: Arc<Changes>,
    outages: OutageTracker,
    /// A poll is due, but its account has too many requests in flight.
    has_deferred: bool,
    started: Instant,
    /// When the last result of a poll came.
    answered_at: Duration,
}

/// An account whose jobs are polled.
struct PolledAccount {
    id: AccountId,
    /// The number of requests in flight.
    in_flight: usize,
    response_times: ResponseTimes,
    /// When the last response came.
    responded_at: Duration,
    unfinished: UnfinishedCounts,
    /// The number of jobs whose details are requested. Until these are known, rows are held back.
    detail_requests: usize,
}

impl Poller {
    /// Creates a poller that has not polled anything yet.
    pub(super) fn new(lookup: Arc<Lookup>, options: PollOptions) -> Self {
        let mut poller = Self {
            jobs: Vec::new(),
            lookup: Arc::clone(&lookup),
            options,
            running: JoinSet::new(),
            followers: JoinSet::new(),
            accounts: Vec::new(),
            end_proofs: EndProofs::default(),
            jitter: 1.0,
            changes: Arc::default(),
            outages: OutageTracker::new(options.is_single_check),
            has_deferred: false,
            started: Instant::now(),
            answered_at: Duration::ZERO,
        };
        for reference in &lookup.references {
            poller.add(reference);
        }
        poller
    }

    /// Adds a job to poll; it gets the next index.
    pub(super) fn add(&mut self, reference: &Reference) {
        let account = self.account_index(reference.kind.template.cloud, &reference.profile);
        let mut polled = PolledJob::new(reference, account);
        let client = self.lookup.client(reference);
        polled.confirms_end = client.is_ok_and(|client| client.confirms_end(reference));
        self.jobs.push(polled);
    }

    /// Adds a job like [`Poller::add`], but found by a list. Secrets of the run in its ids are masked. With
    /// `follows_id`, a new job with its id is polled instead of it.
    pub(super) fn add_discovered(&mut self, reference: &Reference, follows_id: bool) {
        self.add(reference);
        if let Some(polled) = self.jobs.last_mut() {
            (polled.is_discovered, polled.follows_id) = (true, follows_id);
        }
    }

    /// Returns the reference of a job for display.
    pub(super) fn display_reference(&self, polled: &PolledJob) -> String {
        let mut reference = polled.reference.to_string();
        if polled.is_discovered {
            let redactor = self.lookup.transport.redactor();
            redactor.masks().value(&mut reference);
        }
        reference
    }

    fn account_index(&mut self, cloud: &'static str, profile: &Arc<str>) -> AccountIndex {
        let mut known = self.accounts.iter();
        let known = known.position(|account_entry| {
            account_entry.id.cloud == cloud && account_entry.id.profile == *profile
        });
        known.unwrap_or_else(|| {
            self.accounts.push(PolledAccount {
                id: AccountId {
                    cloud,
                    profile: Arc::clone(profile),
                },
                in_flight: 0,
                response_times: ResponseTimes::default(),
                responded_at: Duration::ZERO,
                unfinished: UnfinishedCounts::default(),
                detail_requests: 0,
            });
            self.accounts.len() - 1
        })
    }

    /// Returns the start on a monotonic clock.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Returns the time since the start on a monotonic clock.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns how long responses that change nothing can be left unchecked, and how close to each other list calls
    /// start together. A check reads all jobs: after each response, it would make the CPU time of a round quadratic.
    fn check_interval(&self) -> Duration {
        let jobs = u32::try_from(self.jobs.len()).unwrap_or(u32::MAX);
        let interval = CHECK_INTERVAL_PER_JOB.saturating_mul(jobs);
        interval.min(MAX_CHECK_INTERVAL)
    }

    /// Returns `true` if every job was polled once.
    pub(super) fn has_polled_all(&self) -> bool {
        self.jobs.iter().all(|polled| polled.requests.was_polled)
    }

    /// Returns when to stop waiting for the first poll of all jobs: requests hang if no response comes for a
    /// while. Returns `None` if all were polled.
    pub(super) fn stalls_at(&self) -> Option<Duration> {
        (!self.has_polled_all()).then(|| self.answered_at + STALL)
    }

    /// Returns `true` if a late result contains no information: the earlier result is still valid, and a job
    /// whose request was cut off by the deadline was not checked.
    fn is_uninformative(&self, index: JobIndex, problem: &Problem) -> bool {
        let polled = &self.jobs[index];
        let is_known = polled.current.job.is_some() || polled.current.problem.is_some();
        problem.category == Category::Network && (is_known || problem.is_deadline_exceeded())
    }

    /// Returns when the next request is due that need not wait for another to complete.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.jobs
            .iter()
            .filter(|polled| {
                !polled.requests.is_in_flight
                    && !polled.current.is_final
                    && !polled.requests.is_deferred
            })
            .map(PolledJob::due_at)
            .min()
    }
}

/// Returns `true` if jobs of the kind only report events.
pub(super) fn is_stateless(reference: &Reference) -> bool {
    !reference.kind.has_states()
}
