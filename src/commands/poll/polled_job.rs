//! What is known about a polled job, grouped by how long it is valid.

use std::time::Duration;

use super::last_poll::LastPoll;
use super::{AccountIndex, is_stateless, schedule};
use crate::commands::job_identity::KnownIdentity;
use crate::commands::lookup::LookupResult;
use crate::error::Problem;
use crate::gate::{JobHistory, Observation};
use crate::model::Job;
use crate::reference::Reference;

/// A job that is polled.
pub(in crate::commands) struct PolledJob {
    /// Its reference.
    pub reference: Reference,
    pub(super) account: AccountIndex,
    /// It was found by a list, so its ids are masked when they are shown.
    pub(super) is_discovered: bool,
    /// A new job with its id is polled instead of it.
    pub(super) follows_id: bool,
    /// A lookup that finds its end sends a second request.
    pub(super) confirms_end: bool,
    /// The job that has its reference at the moment.
    pub current: CurrentJob,
    /// The requests for its reference, also those that were sent before a new job had its id.
    pub(super) requests: RequestState,
    /// The polls that are scheduled relative to the deadline.
    pub(super) deadline_polls: DeadlinePolls,
}

/// What the responses have shown of a job. All of it is replaced when another job has the same reference.
pub(in crate::commands) struct CurrentJob {
    /// The results of its polls.
    pub history: JobHistory,
    /// The last job that was read, if any.
    pub job: Option<Job>,
    /// The last failure, while it lasts.
    pub problem: Option<Box<Problem>>,
    /// The number of the scope whose last list contains the job, since its lookups fail.
    pub(super) row_of_scope: Option<usize>,
    /// No more polls are needed.
    pub is_final: bool,
    /// What all responses have shown of its identity.
    pub(super) identity: KnownIdentity,
    /// The row of a list that proves its end, while its details or those of other jobs are requested.
    pub(super) final_row: Option<Box<Job>>,
    /// Its last poll is a lookup, because a list call does not explain why it does not run.
    pub(super) explains_last: bool,
    /// That lookup was made.
    pub(super) is_explained: bool,
    /// When it is polled again.
    pub(super) schedule: Schedule,
}

/// When a job is polled again, as far as this depends on its own responses.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// When the next poll is due.
    pub next_at: Duration,
    /// The time between the last response and the next poll.
    pub interval: Duration,
    /// The number of consecutive failures.
    pub failures: u32,
}

/// The requests for a reference.
#[derive(Debug, Default)]
pub(super) struct RequestState {
    /// A request has no response yet.
    pub is_in_flight: bool,
    /// When the newest poll was started.
    pub started_at: Duration,
    /// The total time of the requests with a result.
    pub total_time: Duration,
    /// A response has come.
    pub was_polled: bool,
    /// The last response came from a list call.
    pub is_listed: bool,
    /// The request waits for the client of the account.
    pub awaits_client: bool,
    /// The next poll is due, but the account has too many requests in flight.
    pub is_deferred: bool,
    /// A list did not contain the reference or showed a change, so it is looked up individually.
    pub poll_individually: bool,
    /// The next lookup is one of those that can contradict rows.
    /// [`PolledAccount::detail_requests`](super::PolledAccount) counts it until its response has come, whatever job it
    /// is about.
    pub has_detail_request: bool,
    /// A stream has reported a change since the newest poll was started.
    pub is_changed: bool,
    /// The newest poll was started because of a change from a stream.
    pub follows_change: bool,
}

/// The polls of a reference that are scheduled relative to the deadline.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DeadlinePolls {
    /// The list call that still leaves time to confirm each change by a separate request.
    pub early: LastPoll,
    /// The last poll.
    pub last: LastPoll,
}

impl PolledJob {
    /// Creates a job that was not polled yet.
    pub(super) fn new(reference: &Reference, account: AccountIndex) -> Self {
        Self {
            account,
            is_discovered: false,
            follows_id: false,
            confirms_end: false,
            current: CurrentJob::new(reference),
            requests: RequestState::default(),
            deadline_polls: DeadlinePolls::default(),
            reference: reference.clone(),
        }
    }

    /// Creates a job from its only check.
    pub(in crate::commands) fn polled_once(reference: &Reference, result: LookupResult) -> Self {
        let mut polled = Self::new(reference, 0);
        let current = &mut polled.current;
        match result {
            Ok(job) => {
                let read = Observation::Read(&job);
                current.history.observe(read, Duration::ZERO);
                current.job = Some(job);
            }
            Err(problem) => current.record_failure(problem, Duration::ZERO),
        }
        polled
    }

    /// Returns when the next poll is due: as scheduled, after a change, or right before the deadline.
    pub(super) fn due_at(&self) -> Duration {
        let requests = &self.requests;
        let delay = schedule::change_delay(requests.follows_change);
        let change = requests.is_changed.then(|| requests.started_at + delay);
        let due = self.deadline_polls.due_at().chain(change);
        due.fold(self.current.schedule.next_at, Duration::min)
    }

    /// Returns `true` if the last poll before the deadline is due.
    pub(super) fn is_last_due(&self, now: Duration) -> bool {
        self.deadline_polls.due_at().any(|at| at <= now)
    }

    /// Returns since when it cannot be read: since a failure, or since a request without a response.
    pub(super) fn unreadable_since(&self) -> Option<Duration> {
        let failed = self.current.history.unreadable_since();
        let requests = &self.requests;
        failed.or_else(|| requests.is_in_flight.then_some(requests.started_at))
    }

    /// Records that a poll starts.
    pub(super) fn start(&mut self, now: Duration) {
        let requests = &mut self.requests;
        requests.follows_change = std::mem::take(&mut requests.is_changed);
        (requests.is_in_flight, requests.started_at) = (true, now);
        self.deadline_polls.start(now);
    }

    /// Records that the response of a poll has come.
    pub(super) fn finish_poll(&mut self) {
        let requests = &mut self.requests;
        (requests.is_in_flight, requests.was_polled) = (false, true);
        requests.poll_individually = false;
    }
}

impl CurrentJob {
    /// Creates a job that was not read yet and is due at once.
    pub(super) fn new(reference: &Reference) -> Self {
        let kind = reference.kind;
        Self {
            history: JobHistory::new(is_stateless(reference))
                .with_endless(kind.is_endless())
                .with_missing_grace(kind.missing_grace),
            job: None,
            problem: None,
            row_of_scope: None,
            is_final: false,
            identity: KnownIdentity::default(),
            final_row: None,
            explains_last: false,
            is_explained: false,
            schedule: Schedule::default(),
        }
    }

    /// Records that it could not be read.
    pub(super) fn record_failure(&mut self, problem: Problem, at: Duration) {
        self.history.observe(Observation::Failed(&problem), at);
        self.problem = Some(Box::new(problem));
        self.row_of_scope = None;
    }
}

impl DeadlinePolls {
    /// Returns when those polls are due that were not started.
    fn due_at(self) -> impl Iterator<Item = Duration> {
        [self.early, self.last]
            .into_iter()
            .filter_map(LastPoll::due_at)
    }

    /// Records that a poll starts now.
    fn start(&mut self, now: Duration) {
        self.early.start(now);
        self.last.start(now);
    }
}
