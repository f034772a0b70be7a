use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use super::Limits;
use super::retry::LONGEST_HINT;
use crate::error::{Category, Problem};

/// Requests of one credential that may be in flight before its first success: clouds lock a key
/// after a few refusals in a row.
const ON_TRIAL: usize = 2;
/// A host that never answered is left alone for so long.
const RESPITE: Duration = Duration::from_secs(10);

/// What is known of one credential in this run, and so when its next call may go out.
#[derive(Debug)]
pub(super) struct Condition {
    /// Places of the whole cloud.
    slots: Arc<Semaphore>,
    /// Places of this credential; few until it has worked.
    trial: Semaphore,
    all_places: usize,
    proven: AtomicBool,
    pace: Option<Duration>,
    next_turn: Mutex<Option<Instant>>,
    not_before: Mutex<Option<Instant>>,
    refused: Mutex<Option<Problem>>,
    /// How often another credential has taken the place of a refused one.
    renewals: AtomicU64,
    unreachable: Mutex<Option<(Instant, Problem)>>,
}

impl Condition {
    /// A credential that was not used yet, among the places of its cloud.
    pub(super) fn new(slots: Arc<Semaphore>, limits: &Limits) -> Self {
        Self {
            slots,
            trial: Semaphore::new(ON_TRIAL.min(limits.concurrency)),
            all_places: limits.concurrency,
            proven: AtomicBool::new(false),
            pace: limits.pace,
            next_turn: Mutex::new(None),
            not_before: Mutex::new(None),
            refused: Mutex::new(None),
            renewals: AtomicU64::new(0),
            unreachable: Mutex::new(None),
        }
    }

    /// Waits for a turn, for places among the calls in flight, and for the end of a pause that the
    /// cloud asked of the whole account.
    pub(super) async fn places(&self) -> [SemaphorePermit<'_>; 2] {
        if let Some(turn) = self.turn() {
            tokio::time::sleep_until(turn.into()).await;
        }
        loop {
            let trial = self.trial.acquire().await;
            let slot = self.slots.acquire().await;
            let permits = [trial, slot].map(|p| p.expect("the semaphores are never closed"));
            let Some(pause) = self.pause_left() else {
                return permits;
            };
            drop(permits);
            sleep(pause).await;
        }
    }

    /// Why nothing is sent with this credential now: it was refused, or its host gives no answer.
    pub(super) fn obstacle(&self) -> Option<Problem> {
        if let Some(problem) = lock(&self.refused).as_ref() {
            return Some(not_asked(problem, "the credential was refused"));
        }
        match lock(&self.unreachable).as_ref() {
            Some((until, problem)) if Instant::now() < *until => {
                Some(not_asked(problem, "the host gave no answer"))
            }
            _ => None,
        }
    }

    /// The first success opens all places.
    pub(super) fn prove(&self) {
        if !self.proven.swap(true, Ordering::Relaxed) {
            self.trial
                .add_permits(self.all_places - ON_TRIAL.min(self.all_places));
        }
    }

    /// How often the credential was renewed so far.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Relaxed)
    }

    /// The cloud refused the credential that there was after so many renewals: it is not used again.
    /// A late word about an earlier one says nothing of the present one.
    pub(super) fn refuse(&self, problem: Problem, renewals: u64) {
        let mut refused = lock(&self.refused);
        if renewals == self.renewals() {
            *refused = Some(problem);
        }
    }

    /// Another credential has taken the place of the one that was refused.
    pub(super) fn forgive(&self) {
        let mut refused = lock(&self.refused);
        self.renewals.fetch_add(1, Ordering::Relaxed);
        *refused = None;
    }

    /// A host that never answered is not asked again by each reference of a long list in turn.
    pub(super) fn note_fault(&self, problem: &Problem) {
        if problem.category == Category::Network && !self.proven.load(Ordering::Relaxed) {
            *lock(&self.unreachable) = Some((Instant::now() + RESPITE, problem.clone()));
        }
    }

    /// Nothing is sent for so long: the cloud asked for fewer calls.
    pub(super) fn hold_back(&self, pause: Duration) {
        // A longer pause has ended the call that learned of it.
        let until = Instant::now() + pause.min(LONGEST_HINT);
        let mut not_before = lock(&self.not_before);
        *not_before = (*not_before).max(Some(until));
    }

    /// The moment at which the next call may go out, when calls are paced.
    fn turn(&self) -> Option<Instant> {
        let pace = self.pace?;
        let mut next = lock(&self.next_turn);
        let turn = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
        *next = Some(turn + pace);
        Some(turn)
    }

    fn pause_left(&self) -> Option<Duration> {
        (*lock(&self.not_before))?
            .checked_duration_since(Instant::now())
            .filter(|pause| !pause.is_zero())
    }
}

fn not_asked(problem: &Problem, why: &str) -> Problem {
    let mut problem = problem.clone();
    problem.message = format!("not asked, since {why}: {}", problem.message);
    problem.attempts = 0;
    problem
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
