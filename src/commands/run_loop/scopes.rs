mod listing;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::super::job_identity::JobIdentity;
use super::super::list::keep_last_rows;
use super::super::lookup::Lookup;
use super::super::poll::{MAX_FIRST_OUTAGE, hint_delay, strip_unsent};
use crate::error::{Category, Problem};
use crate::model::Job;
use crate::output::ScopeCounts;
use crate::reference::{Reference, Scope};
use listing::{ListOutcome, ListedJob, ListedJobs, latest_in, list, take_rows};

/// The time between two lists of a scope.
const LIST_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum number of jobs of a scope to read at a time, newest first if the cloud can sort.
const MAX_LISTED: usize = 10_000;

/// Watches scopes for jobs that are active when first listed, and those that appear later.
pub(in crate::commands) struct ScopeWatcher {
    scopes: Vec<WatchedScope>,
    /// Canonical references of the watched jobs.
    watched: HashSet<String>,
    running: JoinSet<(usize, ListOutcome)>,
    lookup: Arc<Lookup>,
    interval: Duration,
}

struct WatchedScope {
    scope: Scope,
    /// Only the job that is the newest now is watched.
    latest_only: bool,
    next_at: Duration,
    is_in_flight: bool,
    /// No more lists are possible or needed.
    is_done: bool,
    /// The references in earlier lists, with the last job of each; `None` before the first list.
    known: Option<HashMap<String, JobIdentity<'static>>>,
    problem: Option<Problem>,
    /// The start of the first failed list since the last success; `None` if the last list succeeded.
    failed_since: Option<Duration>,
    /// When it was last listed.
    listed_at: Option<Duration>,
}

/// The effect of a list.
pub(super) struct ScopeUpdate {
    /// The number of the scope.
    pub number: usize,
    /// The jobs that are new.
    pub added: Vec<Reference>,
    /// The watched jobs whose id belongs to another job now.
    pub replaced: HashMap<String, JobIdentity<'static>>,
    /// The rows of the jobs whose lookups failed when the list was started, by reference.
    pub rows: HashMap<String, Job>,
    /// New jobs with the ids of the added ones are watched, too.
    pub follows_ids: bool,
    /// Why the scope, or a part of it, could not be listed.
    pub failure: Option<ScopeFailure>,
}

/// Why a scope, or a part of it, could not be listed.
pub(super) struct ScopeFailure {
    pub problem: Box<Problem>,
    /// The last list succeeded, or failed with another category.
    pub is_new: bool,
    /// The scope is not listed again.
    pub is_final: bool,
}

impl ScopeWatcher {
    pub(super) fn new(lookup: &Arc<Lookup>, interval: Option<Duration>) -> Self {
        let all = lookup.scopes.iter().map(|scope| (scope, false));
        let newest = lookup.latest.iter().map(|(_, scope)| (scope, true));
        let watched = all.chain(newest).map(|(scope, newest)| WatchedScope {
            scope: scope.clone(),
            latest_only: newest,
            next_at: Duration::ZERO,
            is_in_flight: false,
            is_done: false,
            known: None,
            problem: None,
            failed_since: None,
            listed_at: None,
        });
        Self {
            scopes: watched.collect(),
            watched: lookup.references.iter().map(Reference::to_string).collect(),
            running: JoinSet::new(),
            lookup: Arc::clone(lookup),
            interval: interval.unwrap_or(LIST_INTERVAL),
        }
    }

    /// Returns `true` if nothing new can appear.
    pub(in crate::commands) fn is_done(&self) -> bool {
        self.scopes.iter().all(|watched| watched.is_done)
    }

    /// Returns `true` if each scope was listed at least once.
    pub(in crate::commands) fn are_listed(&self) -> bool {
        let mut scopes = self.scopes.iter();
        scopes.all(|watched| watched.known.is_some() || watched.is_done)
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        let idle = self
            .scopes
            .iter()
            .filter(|one| !one.is_in_flight && !one.is_done);
        idle.map(|watched| watched.next_at).min()
    }

    /// Counts the scopes by the result of their last list.
    pub(in crate::commands) fn counts(&self) -> ScopeCounts {
        let mut counts = ScopeCounts::default();
        for watched in &self.scopes {
            let count = match (watched.failed_since, watched.listed_at) {
                (Some(_), _) => &mut counts.failed,
                (None, Some(_)) => &mut counts.read,
                (None, None) => &mut counts.unread,
            };
            *count += 1;
        }
        counts
    }

    /// Returns when a scope was last listed.
    pub(in crate::commands) fn listed_at(&self) -> Option<Duration> {
        let times = self.scopes.iter().filter_map(|watched| watched.listed_at);
        times.max()
    }

    /// Returns the scope with this number.
    pub(super) fn scope(&self, number: usize) -> &Scope {
        &self.scopes[number].scope
    }

    /// Records that the new jobs with known references are followed.
    pub(super) fn accept(&mut self, number: usize, jobs: Vec<(String, JobIdentity<'static>)>) {
        for (reference, identity) in jobs {
            self.scopes[number].accept(reference, identity);
        }
    }

    /// Returns why scopes cannot be listed at the moment.
    pub(in crate::commands) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.scopes
            .iter()
            .filter_map(|watched| watched.problem.as_ref())
    }

    /// Starts the lists that are due. `unreadable` returns the references of the jobs whose lookups fail.
    pub(super) fn start_due(&mut self, now: Duration, unreadable: impl Fn() -> HashSet<String>) {
        for (number, watched) in self.scopes.iter_mut().enumerate() {
            if !watched.is_in_flight && !watched.is_done && watched.next_at <= now {
                (watched.is_in_flight, watched.next_at) = (true, now);
                let (lookup, scope) = (Arc::clone(&self.lookup), watched.scope.clone());
                let (newest, unreadable) = (watched.latest_only, unreadable());
                self.running.spawn(async move {
                    let listed = match newest {
                        true => latest_in(&lookup, &scope).await,
                        false => list(&lookup, &scope, &unreadable).await,
                    };
                    (number, listed)
                });
            }
        }
    }

    /// Waits for the next list.
    pub(super) async fn next(&mut self, now: impl Fn() -> Duration) -> Option<ScopeUpdate> {
        let (number, listed) = self
            .running
            .join_next()
            .await?
            .expect("a list neither panics nor is cancelled");
        let watched = &mut self.scopes[number];
        watched.is_in_flight = false;
        let mut shown = HashMap::new();
        let ((mut added, mut replaced), failure) = match listed {
            Ok(ListedJobs::Latest(reference)) => {
                watched.is_done = true;
                let added = (vec![reference], HashMap::new());
                (added, watched.succeed(now(), None))
            }
            Ok(ListedJobs::All(mut rows, failed_part)) => {
                shown = take_rows(&mut rows);
                // A list with many pages uses a large part of the account's requests.
                let elapsed = now().saturating_sub(watched.next_at);
                watched.next_at = now() + self.interval.max(elapsed * 2);
                (watched.take(rows), watched.succeed(now(), failed_part))
            }
            Err(problem) => {
                let failure = watched.fail(now(), problem, self.interval);
                (Default::default(), failure)
            }
        };
        let follows_ids = !watched.latest_only;
        added.retain(|reference| self.watched.insert(reference.to_string()));
        for reference in &added {
            let reference = reference.to_string();
            if let Some((reference, identity)) = replaced.remove_entry(&reference) {
                self.scopes[number].accept(reference, identity);
            }
        }
        Some(ScopeUpdate {
            number,
            added,
            replaced,
            rows: shown,
            follows_ids,
            failure,
        })
    }
}

impl WatchedScope {
    /// Records that it was listed, and why a part of it could not be listed.
    fn succeed(
        &mut self,
        now: Duration,
        failed_part: Option<Box<Problem>>,
    ) -> Option<ScopeFailure> {
        (self.failed_since, self.listed_at) = (None, Some(now));
        match failed_part {
            None => {
                self.problem = None;
                None
            }
            Some(problem) => Some(self.replace_problem(problem)),
        }
    }

    /// Records that it could not be listed, and when it is listed again.
    fn fail(
        &mut self,
        now: Duration,
        problem: Box<Problem>,
        interval: Duration,
    ) -> Option<ScopeFailure> {
        let is_first = self.problem.is_none();
        // For a while, a gateway can reject a request that succeeded before.
        let was_listed = problem.is_rejected() && self.known.is_some();
        let failed_since = *self.failed_since.get_or_insert(self.next_at);
        let outage = now.saturating_sub(failed_since);
        let is_given_up = self.known.is_none() && outage >= MAX_FIRST_OUTAGE;
        self.is_done = is_given_up || (is_final(&problem) && !was_listed);
        let wait = hint_delay(problem.retry_after, is_first).max(interval);
        self.next_at = now + wait;
        Some(self.replace_problem(problem))
    }

    /// Keeps the problem of the last list, and compares it with that of the list before.
    fn replace_problem(&mut self, mut problem: Box<Problem>) -> ScopeFailure {
        strip_unsent(&mut problem);
        let known = self.problem.replace((*problem).clone());
        ScopeFailure {
            is_new: known.is_none_or(|known| known.category != problem.category),
            is_final: self.is_done,
            problem,
        }
    }

    /// Records that the new job with this reference is followed.
    fn accept(&mut self, reference: String, identity: JobIdentity<'static>) {
        self.known
            .get_or_insert_default()
            .insert(reference, identity);
    }

    /// Returns the references of new jobs, except those that had ended before the first list, and the jobs that
    /// have the id of another one that was listed before, until they are accepted.
    fn take(
        &mut self,
        mut rows: Vec<ListedJob>,
    ) -> (Vec<Reference>, HashMap<String, JobIdentity<'static>>) {
        keep_last_rows(&mut rows, |row| &row.reference);
        let is_first = self.known.is_none();
        let known = self.known.get_or_insert_with(HashMap::new);
        let (mut added, mut replaced) = (Vec::new(), HashMap::new());
        for row in rows {
            let is_new = match known.entry(row.reference.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(row.identity);
                    !(is_first && row.ended)
                }
                Entry::Occupied(mut entry) => {
                    let is_different_job =
                        entry.get().is_different_job(&row.identity, self.scope.kind);
                    if is_different_job {
                        replaced.insert(row.reference.clone(), row.identity);
                    } else {
                        entry.get_mut().update(row.identity);
                    }
                    is_different_job
                }
            };
            if is_new {
                added.extend(self.scope.reference_of(&row.reference));
            }
        }
        (added, replaced)
    }
}

/// Returns `true` if later lists would fail in the same way.
fn is_final(problem: &Problem) -> bool {
    let is_final = matches!(
        problem.category,
        Category::Usage
            | Category::MissingCredentials
            | Category::Unauthenticated
            | Category::PermissionDenied
            | Category::NotFound
    );
    is_final || problem.is_rejected()
}

#[cfg(test)]
mod tests;
