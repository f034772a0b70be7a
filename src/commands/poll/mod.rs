//! Looking again and again at many things, on a budget of calls.

mod last_poll;
mod schedule;
mod sending;
mod taking;
mod weather;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::look_up::{Account, BUDGET, Lens, Outcome};
use crate::error::{Category, Problem};
use crate::gate::{Look, Rules, Track};
use crate::http::Deadline;
use crate::model::{Job, State};
use crate::providers;
use crate::reference::Reference;

use last_poll::ResponseTimes;
pub(super) use schedule::obeyed_hint;
pub(super) use weather::Turn;
use weather::Weather;

/// At most ten calls a second for each account.
pub(super) const PACE: Duration = Duration::from_millis(100);

/// One thing that is looked at again and again.
pub(super) struct Watched {
    /// What it is.
    pub reference: Reference,
    /// What the looks have shown.
    pub track: Track,
    /// The last answer, if there was one.
    pub job: Option<Job>,
    /// The last failure, while it lasts.
    pub problem: Option<Problem>,
    /// No more looks are needed.
    pub done: bool,
    next_at: Duration,
    every: Duration,
    /// When the newest poll was started.
    polled_at: Duration,
    /// When the last poll before the deadline starts.
    last_poll_at: Option<Duration>,
    /// The last poll before the deadline was started.
    last_polled: bool,
    /// The last response came from a list call.
    listed: bool,
    busy: bool,
    /// It is due, and the account has too many looks under way.
    queued: bool,
    looked: bool,
    /// List calls have missed it or seen it change, so that it is asked for alone.
    alone: bool,
    failures: u32,
}

/// Something that a look has changed.
#[derive(Debug)]
pub(super) enum Change {
    /// A thing is in another state than before; its number, and the state before.
    State(usize, Option<State>),
    /// A thing was read, whatever its state; told only where [`Manner::tells_reads`] asks for it.
    Read(usize),
    /// A look at a thing failed in a way that will not pass by itself, or in another than before.
    Problem(usize),
    /// A cloud stopped answering or is back.
    Weather(Turn),
}

/// How things are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// A fixed time between two looks at a thing.
    pub interval: Option<Duration>,
    /// When the whole command ends, if it has a deadline.
    pub ends_at: Option<Duration>,
    /// Events are needed, which lists do not hold.
    pub needs_events: bool,
    /// Things that report events only must be confirmed to exist.
    pub confirms: bool,
    /// Every look that reads a thing is a change.
    pub tells_reads: bool,
}

impl Watched {
    /// A thing that was not looked at yet.
    fn new(reference: &Reference) -> Self {
        Self {
            track: Track::new(is_stateless(reference)),
            reference: reference.clone(),
            job: None,
            problem: None,
            done: false,
            next_at: Duration::ZERO,
            every: Duration::ZERO,
            polled_at: Duration::ZERO,
            last_poll_at: None,
            last_polled: false,
            listed: false,
            busy: false,
            queued: false,
            looked: false,
            alone: false,
            failures: 0,
        }
    }

    /// When the next poll is due: as scheduled, or for the last time before the deadline.
    fn due_at(&self) -> Duration {
        match self.last_poll_at.filter(|_| !self.last_polled) {
            Some(last) => self.next_at.min(last),
            None => self.next_at,
        }
    }

    /// Notes that a poll is started.
    fn start(&mut self, now: Duration) {
        (self.busy, self.polled_at) = (true, now);
        self.last_polled |= self.last_poll_at.is_some_and(|last| last <= now);
    }

    /// A thing of which one look is all there will be.
    pub(super) fn seen_once(reference: &Reference, outcome: Outcome) -> Self {
        let mut watched = Self::new(reference);
        match &outcome {
            Ok(job) => watched.track.see(Look::Job(job), Duration::ZERO),
            Err(problem) => watched.track.see(Look::Failed(problem), Duration::ZERO),
        }
        (watched.job, watched.problem) = match outcome {
            Ok(job) => (Some(job), None),
            Err(problem) => (None, Some(problem)),
        };
        watched
    }
}

/// Looks of one account that are under way at once. The time of a look begins when it starts, so a
/// long list must not wait for its turn on that time.
const MOST_AT_ONCE: usize = 16;
/// What a look leaves of the command's time, so that a busy machine can still take its end in.
const REMNANT: Duration = Duration::from_millis(300);
/// After so many failures in a row a thing is asked for alone.
const MOST_BAD_LISTS: u32 = 3;

type Number = usize;

/// The time of the whole command was over before the answer came.
type IsLate = bool;

/// What came back from a cloud.
enum Back {
    Looked(Number, Box<Outcome>, Confirmation, IsLate),
    Glanced(Vec<Number>, Result<Vec<Option<Job>>, Box<Problem>>, IsLate),
}

/// When a look must be done.
#[derive(Debug, Clone, Copy)]
struct LookEnds {
    deadline: Deadline,
    /// Since the command ends, and not since it has had its time.
    with_the_command: bool,
}

impl LookEnds {
    /// True when no time is left because the command ends.
    fn is_late(self) -> bool {
        self.with_the_command && self.deadline.remaining().is_zero()
    }
}

/// Whether a thing was confirmed to exist.
enum Confirmation {
    NotAsked,
    Exists,
    Failed(Box<Problem>),
}

/// Looks at many things until they are done.
pub(super) struct Poller {
    /// The things, in the order given.
    pub watched: Vec<Watched>,
    lens: Arc<Lens>,
    manner: Manner,
    running: JoinSet<Back>,
    /// Looks at single things that are under way.
    looks: HashMap<Account, usize>,
    weather: Weather,
    response_times: ResponseTimes,
    started: Instant,
}

impl Poller {
    /// A poller that has not looked yet.
    pub(super) fn new(lens: Arc<Lens>, manner: Manner) -> Self {
        let mut poller = Self {
            watched: Vec::new(),
            lens: Arc::clone(&lens),
            manner,
            running: JoinSet::new(),
            looks: HashMap::new(),
            weather: Weather::default(),
            response_times: ResponseTimes::default(),
            started: Instant::now(),
        };
        for reference in &lens.references {
            poller.add(reference);
        }
        poller
    }

    /// Looks at one more thing from now on; its number is the next one.
    pub(super) fn add(&mut self, reference: &Reference) {
        self.watched.push(Watched::new(reference));
    }

    /// The start on a monotonic clock.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Time since the start; the clock of the wall plays no part in it.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// True when everything was looked at once.
    pub(super) fn has_looked_at_all(&self) -> bool {
        self.watched.iter().all(|watched| watched.looked)
    }

    /// True while a look is under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    /// Until when a look that starts now may take: a little less than there is, so that what kept
    /// the first look at a thing from its answer is known when the time is over.
    fn look_ends(&self) -> LookEnds {
        let left = self.manner.ends_at.map(|end| {
            let left = end.saturating_sub(self.elapsed());
            left - (left / 20).max(REMNANT.min(left / 4))
        });
        let left = left.filter(|left| *left < BUDGET);
        LookEnds {
            deadline: Deadline::after(left.unwrap_or(BUDGET)),
            with_the_command: left.is_some(),
        }
    }

    /// True when a look that came too late tells nothing: what was known before still is, and what no
    /// call was sent for was not looked at.
    fn tells_nothing(&self, number: Number, problem: &Problem) -> bool {
        let watched = &self.watched[number];
        let is_known = watched.job.is_some() || watched.problem.is_some();
        problem.category == Category::Network && (is_known || problem.attempts == 0)
    }

    /// When the next look is due that need not wait for the end of another.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.watched
            .iter()
            .filter(|watched| !watched.busy && !watched.done && !watched.queued)
            .map(Watched::due_at)
            .min()
    }

    /// When the first outage that lasts will have lasted too long.
    pub(super) fn given_up_at(&self, rules: &Rules) -> Option<Duration> {
        let limit = rules.max_outage?;
        let since = self
            .watched
            .iter()
            .filter(|watched| !watched.done)
            .filter_map(|watched| watched.track.unreadable_since())
            .min()?;
        since.checked_add(limit)
    }
}

/// True for kinds whose things report events only.
pub(super) fn is_stateless(reference: &Reference) -> bool {
    providers::kinds().any(|kind| kind.template == *reference.template && !kind.has_states())
}

/// A fault that may pass by itself.
pub(super) fn is_weather(category: Category) -> bool {
    matches!(
        category,
        Category::Network | Category::Throttled | Category::Service | Category::Unreadable
    )
}
