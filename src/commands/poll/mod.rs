//! Looking again and again at many things, on a budget of calls.

mod schedule;
mod weather;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::look_up::{Account, BUDGET, Lens, Outcome, account_of, addressed};
use crate::crypto;
use crate::error::{Category, Problem};
use crate::gate::{Look, Rules, Track};
use crate::http::Deadline;
use crate::model::{Job, State, Time};
use crate::providers;
use crate::reference::Reference;

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
            busy: false,
            queued: false,
            looked: false,
            alone: false,
            failures: 0,
        }
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
        let left = |end: Duration| end.saturating_sub(self.elapsed()).mul_f64(0.95);
        let left = self.manner.ends_at.map(left).filter(|left| *left < BUDGET);
        LookEnds {
            deadline: Deadline::after(left.unwrap_or(BUDGET)),
            with_the_command: left.is_some(),
        }
    }

    /// True when a look that came too late tells nothing: what was read before is on its way, and
    /// what no call was sent for was not looked at.
    fn tells_nothing(&self, number: Number, problem: &Problem) -> bool {
        let was_sent = problem.attempts > 0;
        problem.category == Category::Network && (self.watched[number].job.is_some() || !was_sent)
    }

    /// When the next look is due that need not wait for the end of another.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.watched
            .iter()
            .filter(|watched| !watched.busy && !watched.done && !watched.queued)
            .map(|watched| watched.next_at)
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

    /// Sends the looks that are due; things of one account and kind share list calls.
    pub(super) fn start_due(&mut self) {
        let now = self.elapsed();
        let mut groups: HashMap<(Account, &str), Vec<Number>> = HashMap::new();
        for (number, watched) in self.watched.iter_mut().enumerate() {
            watched.queued = false;
            if watched.busy || watched.done {
                continue;
            }
            // What is due soon goes along, so that the members of a list call stay together.
            let slack = if watched.alone {
                Duration::ZERO
            } else {
                watched.every / 2
            };
            if watched.next_at <= now + slack {
                let kind = watched.reference.template.kind;
                let group = (account_of(&watched.reference), kind);
                groups.entry(group).or_default().push(number);
            }
        }
        for numbers in groups.into_values() {
            if numbers
                .iter()
                .all(|number| self.watched[*number].next_at > now)
            {
                continue;
            }
            self.start_group(&numbers);
        }
    }

    fn start_group(&mut self, numbers: &[Number]) {
        let (mut alone, together): (Vec<_>, Vec<_>) = numbers
            .iter()
            .partition(|number| self.watched[**number].alone || self.manner.needs_events);
        if !self.start_glance(&together) {
            alone.extend(together);
        }
        let now = self.elapsed();
        alone.retain(|number| self.watched[*number].next_at <= now);
        // Who has waited longest comes first, so that a long list starves nobody.
        alone.sort_by_key(|number| self.watched[*number].next_at);
        let mut places = MOST_AT_ONCE.saturating_sub(self.under_way(numbers));
        for number in alone {
            self.watched[number].queued = places == 0;
            if places > 0 {
                places -= 1;
                self.start_look(number);
            }
        }
    }

    /// Looks at single things that are under way with the account of these things.
    fn under_way(&self, numbers: &[Number]) -> usize {
        let Some(first) = numbers.first() else {
            return 0;
        };
        let account = account_of(&self.watched[*first].reference);
        self.looks.get(&account).copied().unwrap_or(0)
    }

    /// One look at several things; false when their kind has no such call.
    fn start_glance(&mut self, numbers: &[Number]) -> bool {
        let Some(first) = numbers.first().filter(|_| numbers.len() > 1) else {
            return false;
        };
        let reference = &self.watched[*first].reference;
        let Ok(client) = self.lens.client(reference) else {
            return false;
        };
        let references: Vec<Reference> = numbers
            .iter()
            .map(|number| self.watched[*number].reference.clone())
            .collect();
        let ends = self.look_ends();
        let ask = self.lens.ask(reference, ends.deadline);
        if client.glance(&references, &ask).is_none() {
            return false;
        }
        for number in numbers {
            self.watched[*number].busy = true;
        }
        let (lens, numbers) = (Arc::clone(&self.lens), numbers.to_vec());
        self.running.spawn(async move {
            let rows = match client.glance(&references, &ask) {
                Some(glance) => glance.await,
                // Another look has just learned that this account may not list.
                None => Ok(references.iter().map(|_| None).collect()),
            };
            let rows = rows.map_err(|problem| Box::new(addressed(problem, &references[0])));
            let jobs = rows.map(|rows| {
                let settle = |(row, reference)| -> Option<Job> {
                    let found: Option<providers::Found> = row;
                    lens.settle(found?, reference).ok()
                };
                rows.into_iter().zip(&references).map(settle).collect()
            });
            Back::Glanced(numbers, jobs, ends.is_late())
        });
        true
    }

    fn start_look(&mut self, number: Number) {
        let watched = &mut self.watched[number];
        watched.busy = true;
        let ends = self.look_ends();
        let watched = &mut self.watched[number];
        let account = account_of(&watched.reference);
        *self.looks.entry(account).or_default() += 1;
        let (lens, reference) = (Arc::clone(&self.lens), watched.reference.clone());
        let confirms = self.manner.confirms && watched.track.needs_confirmation();
        self.running.spawn(async move {
            let outcome = lens.look(&reference, ends.deadline).await;
            let confirmation = match confirms && outcome.is_ok() {
                true => confirm(&lens, &reference, ends.deadline).await,
                false => Confirmation::NotAsked,
            };
            Back::Looked(number, Box::new(outcome), confirmation, ends.is_late())
        });
    }

    /// Waits for the next answer and takes it in.
    pub(super) async fn next(&mut self) -> Vec<Change> {
        match self.running.join_next().await {
            None => Vec::new(),
            Some(Err(_)) => unreachable!("a look neither panics nor is cancelled"),
            Some(Ok(Back::Looked(number, outcome, confirmation, late))) => {
                let account = account_of(&self.watched[number].reference);
                self.looks.entry(account).and_modify(|looks| *looks -= 1);
                self.confirmed(number, &confirmation);
                match confirmation {
                    Confirmation::Failed(problem) if outcome.is_ok() => {
                        self.take(number, Err(*problem), late)
                    }
                    _ => self.take(number, *outcome, late),
                }
            }
            Some(Ok(Back::Glanced(numbers, Ok(rows), _))) => numbers
                .into_iter()
                .zip(rows)
                .flat_map(|(number, row)| self.take_row(number, row))
                .collect(),
            Some(Ok(Back::Glanced(numbers, Err(problem), late))) => numbers
                .into_iter()
                .flat_map(|number| {
                    let problem = addressed((*problem).clone(), &self.watched[number].reference);
                    let changes = self.take(number, Err(problem), late);
                    // It may be only the list that is broken.
                    self.watched[number].alone = self.watched[number].failures >= MOST_BAD_LISTS;
                    changes
                })
                .collect(),
        }
    }

    fn confirmed(&mut self, number: Number, confirmation: &Confirmation) {
        if matches!(confirmation, Confirmation::Exists) {
            self.watched[number].track.confirm();
        }
    }

    /// A list's row. It is enough while nothing has changed; a change, an end, and a thing that the
    /// list does not hold are asked for alone.
    fn take_row(&mut self, number: Number, row: Option<Job>) -> Vec<Change> {
        let watched = &mut self.watched[number];
        let before = watched.job.as_ref().map(|job| job.state);
        let word = watched
            .job
            .as_ref()
            .and_then(|job| job.state_raw.as_deref());
        match row {
            Some(job) if before == Some(job.state) && word == job.state_raw.as_deref() => {
                let job = watched.job.clone().unwrap_or(job);
                self.take(number, Ok(job), false)
            }
            Some(job) if before.is_none() && !job.ended && job.state != State::Unknown => {
                self.take(number, Ok(job), false)
            }
            _ => {
                (watched.busy, watched.alone) = (false, true);
                watched.next_at = Duration::ZERO;
                Vec::new()
            }
        }
    }

    /// What a look has brought; `late` when it failed since the whole command is about to end.
    fn take(&mut self, number: Number, outcome: Outcome, late: bool) -> Vec<Change> {
        let now = self.elapsed();
        let mut changes = Vec::new();
        let watched = &mut self.watched[number];
        let cloud = watched.reference.template.cloud;
        (watched.busy, watched.looked, watched.alone) = (false, true, false);
        match outcome {
            Ok(job) => {
                let before = watched.job.as_ref().map(|job| job.state);
                watched.track.see(Look::Job(&job), now);
                (watched.failures, watched.problem) = (0, None);
                if before != Some(job.state) {
                    changes.push(Change::State(number, before));
                }
                let unchanged = now.saturating_sub(watched.track.since().unwrap_or(now));
                let every = self.pause(&job, unchanged);
                let watched = &mut self.watched[number];
                (watched.every, watched.job) = (every, Some(job));
                let jitter = 0.9 + 0.2 * crypto::random_fraction();
                watched.next_at = now + watched.every.mul_f64(jitter);
                changes.extend(self.weather.fair(cloud, number, now).map(Change::Weather));
            }
            Err(problem) if late && self.tells_nothing(number, &problem) => {
                let watched = &mut self.watched[number];
                watched.next_at = now + self.manner.interval.unwrap_or(schedule::SHORTEST);
            }
            Err(problem) => {
                let watched = &mut self.watched[number];
                watched.track.see(Look::Failed(&problem), now);
                watched.failures += 1;
                watched.every = schedule::after_failures(watched.failures, self.manner.interval);
                let wait = problem.retry_after.unwrap_or_default().max(watched.every);
                watched.next_at = now + wait;
                // What may pass by itself is told once for the cloud, and not for each thing.
                let told = watched.problem.as_ref().map(|problem| problem.category);
                if told != Some(problem.category) && !is_weather(problem.category) {
                    changes.push(Change::Problem(number));
                }
                if problem.category == Category::Throttled {
                    self.hold_back(number, now + wait);
                }
                if is_weather(problem.category) {
                    let turn = self.weather.foul(cloud, number, &problem, now);
                    changes.extend(turn.map(Change::Weather));
                } else {
                    // A cloud that says no does answer.
                    changes.extend(self.weather.fair(cloud, number, now).map(Change::Weather));
                }
                self.watched[number].problem = Some(problem);
            }
        }
        changes
    }

    /// The time to the next look at a thing whose state was seen unchanged for so long.
    fn pause(&self, job: &Job, unchanged: Duration) -> Duration {
        let known = [job.created_at, job.started_at, job.updated_at]
            .into_iter()
            .flatten()
            .max();
        let on_record = known
            .zip(Time::new(self.lens.wire.now()))
            .and_then(|(at, now)| u64::try_from(now.seconds_since(at)).ok())
            .map(Duration::from_secs);
        self.manner
            .interval
            .unwrap_or_else(|| schedule::pause(on_record.unwrap_or_default().max(unchanged)))
    }

    /// Nothing of a throttled account is asked before a moment.
    fn hold_back(&mut self, number: Number, until: Duration) {
        let account = account_of(&self.watched[number].reference);
        for watched in &mut self.watched {
            if account_of(&watched.reference) == account {
                watched.next_at = watched.next_at.max(until);
            }
        }
    }
}

/// True for kinds whose things report events only.
pub(super) fn is_stateless(reference: &Reference) -> bool {
    providers::kinds().any(|kind| kind.template == *reference.template && kind.states.is_empty())
}

/// A fault that may pass by itself.
pub(super) fn is_weather(category: Category) -> bool {
    matches!(
        category,
        Category::Network | Category::Throttled | Category::Service | Category::Unreadable
    )
}

async fn confirm(lens: &Lens, reference: &Reference, deadline: Deadline) -> Confirmation {
    let client = match lens.client(reference) {
        Ok(client) => client,
        Err(problem) => return Confirmation::Failed(Box::new(problem)),
    };
    let ask = lens.ask(reference, deadline);
    match client.confirm(reference, &ask) {
        None => Confirmation::Exists,
        Some(asked) => match asked.await {
            Ok(()) => Confirmation::Exists,
            Err(problem) => Confirmation::Failed(Box::new(addressed(problem, reference))),
        },
    }
}
