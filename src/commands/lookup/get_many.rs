//! Looks up many references concurrently.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::account::{AccountId, account_of, account_of_scope};
use super::list_rows::{EndProof, EndProofs, MAX_DETAILS, is_active};
use super::run::{LOOKUP_TIMEOUT, Lookup, LookupResult, NotedJob};
use crate::commands::progress_line::SLOW_REQUEST;
use crate::error::{Category, Problem, Stop};
use crate::http::Deadline;
use crate::kind::Kind;
use crate::model::{Job, Notice, NoticeCode};
use crate::reference::{LATEST, Reference, Scope};
use crate::sort::SortExt as _;

/// The message about a reference without a result at the end of an interrupted command.
pub(in crate::commands) const NOT_READ: &str = "not checked before joblens was stopped";
/// The minimum time between two calls of `on_slow`.
const SHOW_INTERVAL: Duration = Duration::from_millis(100);

impl Lookup {
    /// Looks up all references concurrently and returns the results in their order. The newest job of a scope
    /// takes the place of the scope, unless its own reference was given too.
    ///
    /// A reference whose account cannot be used fails without affecting the others.
    pub(in crate::commands) async fn get_all(self: &Arc<Self>) -> Vec<LookupResult> {
        let (results, _) = self.get_all_until(future::pending(), |_| {}).await;
        results
    }

    /// Looks up all references like [`Lookup::get_all`], until `stopped` completes, whose value is returned as well.
    /// References that were not read until then have an error. If this is slow, calls `on_slow` with the results so
    /// far, and again after new ones. A result is `None` until it is known; the order is that of the references.
    pub(in crate::commands) async fn get_all_until(
        self: &Arc<Self>,
        stopped: impl Future<Output = Stop>,
        on_slow: impl FnMut(&[Option<LookupResult>]),
    ) -> (Vec<LookupResult>, Option<Stop>) {
        let targets = self.targets();
        let (results, stop) = self.get_targets(&targets, stopped, on_slow).await;
        let mut named: HashSet<String> = self.references.iter().map(Reference::to_string).collect();
        let results = results.into_iter().zip(&targets);
        let results = results.filter_map(|(result, one)| match (&result, one) {
            (Ok(job), LookupTarget::Latest(_)) if !named.insert(job.reference.clone()) => None,
            _ => Some(result),
        });
        let results: Vec<LookupResult> = results.collect();
        self.note_list_rows(results.iter().flatten());
        (results, stop)
    }

    /// Looks up these references concurrently and returns the results in their order.
    pub(in crate::commands) async fn get_many(
        self: &Arc<Self>,
        references: &[Reference],
    ) -> Vec<LookupResult> {
        let targets: Vec<_> = references.iter().cloned().map(LookupTarget::Job).collect();
        let (results, _) = self.get_targets(&targets, future::pending(), |_| {}).await;
        results
    }

    async fn get_targets(
        self: &Arc<Self>,
        targets: &[LookupTarget],
        stopped: impl Future<Output = Stop>,
        mut on_slow: impl FnMut(&[Option<LookupResult>]),
    ) -> (Vec<LookupResult>, Option<Stop>) {
        let mut stopped = pin!(stopped);
        let mut stop = None;
        let mut lookups = RunningLookups::start(self, targets);
        let mut show_at = Instant::now() + SLOW_REQUEST;
        let mut has_new = true;
        loop {
            tokio::select! {
                biased;
                result = lookups.running.join_next() => {
                    let Some(result) = result else {
                        if lookups.retry_contradicted() { continue } else { break }
                    };
                    lookups.handle(result.expect("a request task neither panics nor is cancelled"));
                    has_new = true;
                }
                reason = &mut stopped => {
                    stop = Some(reason);
                    break;
                }
                () = sleep_until(show_at), if has_new => {
                    on_slow(&lookups.results);
                    (has_new, show_at) = (false, Instant::now() + SHOW_INTERVAL);
                }
            }
        }
        self.keep_notices(lookups.ordered_notices());
        let results = lookups.results.into_iter().zip(targets);
        let results =
            results.map(|(result, target)| result.unwrap_or_else(|| Err(target.not_read())));
        (results.collect(), stop)
    }

    /// Returns the requested targets in the given order.
    fn targets(&self) -> Vec<LookupTarget> {
        let references = self.references.iter().cloned();
        let mut targets: Vec<LookupTarget> = references.map(LookupTarget::Job).collect();
        for (at, scope) in self.latest.iter().rev() {
            targets.insert(*at, LookupTarget::Latest(scope.clone()));
        }
        targets
    }

    /// Adds a notice about the number of jobs that were read from lists.
    pub(in crate::commands) fn note_list_rows<'a>(&self, jobs: impl Iterator<Item = &'a Job>) {
        let count = jobs.filter(|job| job.from_list).count();
        if count > 0 {
            let jobs = if count == 1 { "job was" } else { "jobs were" };
            let message = format!(
                "{count} {jobs} read from lists, which have fewer fields; joblens get --detail reads all of them"
            );
            self.notices
                .push(Notice::new(NoticeCode::FromLists, message));
        }
    }

    async fn get_target(&self, target: &LookupTarget) -> Result<NotedJob, Problem> {
        let reference = match target {
            LookupTarget::Job(reference) => Cow::Borrowed(reference),
            LookupTarget::Latest(scope) => Cow::Owned(self.latest_in(scope).await?),
        };
        let deadline = Deadline::after(LOOKUP_TIMEOUT);
        let result = self.request(&reference, deadline).await?;
        self.complete(result, &reference)
    }

    /// Returns the rows of a list call for these references; `None` for those that need a lookup.
    async fn batch_get(&self, references: &[Reference]) -> Vec<Option<NotedJob>> {
        let first = &references[0];
        let options = self.options_for(first.kind, Deadline::after(LOOKUP_TIMEOUT));
        let client = self.client(first).ok();
        let rows = match client.filter(|client| client.can_batch(references)) {
            Some(client) => self.read_rows(&*client, references, &options).await.ok(),
            None => None,
        };
        // If the list fails, individual lookups report the failure better.
        rows.unwrap_or_else(|| references.iter().map(|_| None).collect())
    }
}

/// A requested job.
#[derive(Debug, Clone)]
enum LookupTarget {
    Job(Reference),
    /// The newest job of a scope.
    Latest(Scope),
}

impl LookupTarget {
    fn kind(&self) -> &'static Kind {
        match self {
            Self::Job(reference) => reference.kind,
            Self::Latest(scope) => scope.kind,
        }
    }

    /// Returns the error of a target without a result at the end of an interrupted command.
    fn not_read(&self) -> Problem {
        let AccountId { cloud, profile } = self.account();
        let (reference, input) = match self {
            Self::Job(reference) => (reference.to_string(), reference.input.to_string()),
            Self::Latest(scope) => (format!("{scope}{LATEST}"), scope.input.clone()),
        };
        Problem {
            reference: Some(reference),
            input: Some(input),
            ..Problem::new(Category::Network, NOT_READ).with_account(cloud, &profile)
        }
    }

    fn account(&self) -> AccountId {
        match self {
            Self::Job(reference) => account_of(reference),
            Self::Latest(scope) => account_of_scope(scope),
        }
    }
}

/// A result with the number of its target.
enum LookupOutput {
    Single(usize, Box<Result<NotedJob, Problem>>),
    Rows(Vec<(usize, Option<NotedJob>)>),
}

/// Requests that run concurrently.
struct RunningLookups<'a> {
    lookup: &'a Arc<Lookup>,
    targets: &'a [LookupTarget],
    semaphores: HashMap<AccountId, Arc<Semaphore>>,
    running: JoinSet<LookupOutput>,
    /// Rows that prove an end, while the details are requested.
    final_rows: HashMap<usize, Job>,
    end_proofs: EndProofs<AccountId>,
    results: Vec<Option<LookupResult>>,
    /// The notices, each with its first number and its position among the notices of this number: their order must
    /// not depend on which response is received first.
    notices: HashMap<Notice, (usize, usize)>,
}

impl<'a> RunningLookups<'a> {
    fn start(lookup: &'a Arc<Lookup>, targets: &'a [LookupTarget]) -> Self {
        let mut lookups = Self {
            lookup,
            targets,
            semaphores: HashMap::new(),
            running: JoinSet::new(),
            final_rows: HashMap::new(),
            end_proofs: EndProofs::default(),
            results: targets.iter().map(|_| None).collect(),
            notices: HashMap::new(),
        };
        let batches = match lookup.options.lists && !lookup.options.raw {
            true => batches(targets),
            false => Vec::new(),
        };
        let mut is_listed = vec![false; targets.len()];
        for batch in batches {
            batch.iter().for_each(|number| is_listed[*number] = true);
            lookups.start_batch(batch);
        }
        for number in (0..targets.len()).filter(|number| !is_listed[*number]) {
            lookups.start_single(number);
        }
        lookups
    }

    /// Returns the semaphore for requests of a target's account. The timeout of a lookup starts when its turn comes,
    /// so that lookups in a long queue do not time out.
    fn semaphore(&mut self, number: usize) -> Arc<Semaphore> {
        let concurrency = self.lookup.transport.options().concurrency;
        let semaphore = self.semaphores.entry(self.targets[number].account());
        let semaphore = semaphore.or_insert_with(|| Arc::new(Semaphore::new(concurrency)));
        Arc::clone(semaphore)
    }

    fn start_single(&mut self, number: usize) {
        let (semaphore, lookup) = (self.semaphore(number), Arc::clone(self.lookup));
        let target = self.targets[number].clone();
        self.running.spawn(async move {
            let _permit = semaphore
                .acquire()
                .await
                .expect("the semaphore is never closed");
            LookupOutput::Single(number, Box::new(lookup.get_target(&target).await))
        });
    }

    fn start_batch(&mut self, numbers: Vec<usize>) {
        let (semaphore, lookup) = (self.semaphore(numbers[0]), Arc::clone(self.lookup));
        let references = numbers
            .iter()
            .filter_map(|number| match &self.targets[*number] {
                LookupTarget::Job(reference) => Some(reference.clone()),
                LookupTarget::Latest(_) => None,
            });
        let references: Vec<Reference> = references.collect();
        self.running.spawn(async move {
            let _permit = semaphore
                .acquire()
                .await
                .expect("the semaphore is never closed");
            let rows = lookup.batch_get(&references).await;
            LookupOutput::Rows(numbers.into_iter().zip(rows).collect())
        });
    }

    fn handle(&mut self, output: LookupOutput) {
        match output {
            LookupOutput::Single(number, result) => {
                let result = result.map(|job| self.take_notices(number, job));
                let row = self.final_rows.remove(&number);
                if let (Some(row), Ok(job)) = (&row, &result) {
                    let account = self.targets[number].account();
                    self.end_proofs.compare(account, row, job);
                }
                // If a row of the account is contradicted, also later, the job is looked up again.
                self.results[number] = Some(result.or_else(|problem| row.ok_or(problem)));
            }
            LookupOutput::Rows(rows) => {
                for (number, row) in rows {
                    let row = row.map(|job| self.take_notices(number, job));
                    self.take_row(number, row);
                }
            }
        }
    }

    fn take_notices(&mut self, number: usize, (job, notices): NotedJob) -> Job {
        for (position, notice) in notices.into_iter().enumerate() {
            let rank = (number, position);
            let first = self.notices.entry(notice).or_insert(rank);
            *first = rank.min(*first);
        }
        job
    }

    /// Removes and returns the notices in the order of the numbers.
    fn ordered_notices(&mut self) -> impl Iterator<Item = Notice> + use<> {
        let mut notices: Vec<_> = std::mem::take(&mut self.notices).into_iter().collect();
        notices.order_by(|(one, rank), (other, other_rank)| {
            let order = rank.cmp(other_rank);
            order.then_with(|| one.message.cmp(&other.message))
        });
        notices.into_iter().map(|(notice, _)| notice)
    }

    /// In accounts in which a lookup has contradicted a row, looks up the jobs whose end only a row has shown.
    /// Returns `false` if there are none.
    fn retry_contradicted(&mut self) -> bool {
        let is_open = |number: &usize| {
            let result = self.results[*number].as_ref();
            let is_from_row =
                result.is_some_and(|one| one.as_ref().is_ok_and(|job| job.from_list && job.ended));
            let account = || self.targets[*number].account();
            is_from_row && self.end_proofs.is_contradicted(&account())
        };
        let open: Vec<usize> = (0..self.targets.len()).filter(is_open).collect();
        for number in &open {
            self.start_single(*number);
        }
        !open.is_empty()
    }

    /// Uses a row as the result if it suffices, or starts a lookup.
    fn take_row(&mut self, number: usize, row: Option<Job>) {
        let Some(row) = row else {
            return self.start_single(number);
        };
        let target = &self.targets[number];
        let proof = match is_active(&row) {
            true => EndProof::Proved,
            false => (self.end_proofs).check(&target.account(), target.kind(), &row),
        };
        match proof {
            EndProof::Proved => {
                self.results[number] = Some(Ok(row));
                return;
            }
            EndProof::NeedsDetails => drop(self.final_rows.insert(number, row)),
            EndProof::Unproved => {}
        }
        self.start_single(number);
    }
}

/// Groups jobs into list calls, by their numbers, if more than [`MAX_DETAILS`] of one
/// account and kind are requested.
fn batches(targets: &[LookupTarget]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<_, Vec<(&Reference, usize)>> = BTreeMap::new();
    for (number, target) in targets.iter().enumerate() {
        if let LookupTarget::Job(reference) = target {
            let kind = reference.kind.template.kind;
            let group = groups.entry((account_of(reference), kind)).or_default();
            group.push((reference, number));
        }
    }
    let mut batches = Vec::new();
    for mut group in groups
        .into_values()
        .filter(|group| group.len() > MAX_DETAILS)
    {
        group.order_by(|(one, _), (other, _)| one.parent_segments().cmp(other.parent_segments()));
        let max_ids = group[0].0.kind.max_ids.unwrap_or(usize::MAX);
        let numbers = group.chunks(max_ids);
        batches.extend(numbers.map(|batch| batch.iter().map(|(_, number)| *number).collect()));
    }
    batches
}
