use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until};

use super::ClientOptions;
use super::retry::MAX_RETRY_AFTER;
use crate::error::{Category, Problem};
use crate::sync::lock;

/// Requests of one credential that may be in flight before its first success: clouds lock a key
/// after a few refusals in a row.
const HALF_OPEN_PERMITS: usize = 2;
/// A host that never answered is left alone for so long.
const OPEN_DURATION: Duration = Duration::from_secs(10);

/// What is known of one credential in this run, and so when its next call may go out.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    /// Places of the whole cloud.
    cloud_permits: Arc<Semaphore>,
    /// Places of this credential; few until it has worked.
    half_open: Semaphore,
    half_open_permits: usize,
    max_permits: usize,
    is_closed: AtomicBool,
    min_interval: Option<Duration>,
    next_slot_at: Mutex<Option<Instant>>,
    paused_until: Mutex<Option<Instant>>,
    auth_failure: Mutex<Option<(Instant, Problem)>>,
    auth_cooldown: Option<Duration>,
    /// How often another credential has taken the place of a refused one.
    generation: AtomicU64,
    unreachable_until: Mutex<Option<(Instant, Problem)>>,
}

impl CircuitBreaker {
    /// A credential that was not used yet, among the places of its cloud.
    pub(super) fn new(slots: Arc<Semaphore>, limits: &ClientOptions) -> Self {
        let half_open_permits = HALF_OPEN_PERMITS.min(limits.concurrency);
        Self {
            cloud_permits: slots,
            half_open: Semaphore::new(half_open_permits),
            half_open_permits,
            max_permits: limits.concurrency,
            is_closed: AtomicBool::new(false),
            min_interval: limits.min_interval,
            next_slot_at: Mutex::new(None),
            paused_until: Mutex::new(None),
            auth_failure: Mutex::new(None),
            auth_cooldown: limits.auth_cooldown,
            generation: AtomicU64::new(0),
            unreachable_until: Mutex::new(None),
        }
    }

    /// The same with so many requests in flight before the first success.
    pub(super) fn with_half_open_permits(self, permits: usize) -> Self {
        let half_open_permits = permits.min(self.max_permits);
        Self {
            half_open: Semaphore::new(half_open_permits),
            half_open_permits,
            ..self
        }
    }

    /// Waits for a turn, for places among the calls in flight, and for the end of a pause that the
    /// cloud requested of the whole account.
    pub(super) async fn acquire(&self) -> [SemaphorePermit<'_>; 2] {
        if let Some(turn) = self.reserve_slot() {
            sleep_until(turn).await;
        }
        loop {
            let trial = self.half_open.acquire().await;
            let slot = self.cloud_permits.acquire().await;
            let permits = [trial, slot].map(|p| p.expect("the semaphores are never closed"));
            let Some(pause) = self.pause_left() else {
                return permits;
            };
            drop(permits);
            sleep(pause).await;
        }
    }

    /// Why nothing is sent with this credential now: it was refused, or its host gives no response.
    pub(super) fn open_reason(&self) -> Option<Problem> {
        if let Some((failed_at, problem)) = lock(&self.auth_failure).as_mut() {
            let now = Instant::now();
            let is_over = |cooldown| now.duration_since(*failed_at) >= cooldown;
            if !self.auth_cooldown.is_some_and(is_over) {
                return Some(not_requested(problem, "authentication already failed"));
            }
            // This request alone is sent; the others wait for its response.
            *failed_at = now;
        }
        match lock(&self.unreachable_until).as_ref() {
            Some((until, problem)) if Instant::now() < *until => {
                Some(not_requested(problem, "host unreachable"))
            }
            _ => None,
        }
    }

    /// The first success opens all places, and one after the cooldown accepts a refused credential again.
    pub(super) fn on_success(&self) {
        if self.auth_cooldown.is_some() {
            *lock(&self.auth_failure) = None;
        }
        if !self.is_closed.swap(true, Ordering::Relaxed) {
            self.half_open
                .add_permits(self.max_permits - self.half_open_permits);
        }
    }

    /// True when a request with this credential has succeeded.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// How often the credential was renewed so far.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// The cloud refused the credential that there was after so many renewals: it is not used again.
    /// A late word about an earlier one says nothing of the present one.
    pub(super) fn on_auth_failure(&self, problem: Problem, renewals: u64) {
        let mut refused = lock(&self.auth_failure);
        if renewals == self.generation() {
            *refused = Some((Instant::now(), problem));
        }
    }

    /// Another credential has taken the place of the one that was refused.
    pub(super) fn reset(&self) {
        let mut refused = lock(&self.auth_failure);
        self.generation.fetch_add(1, Ordering::Relaxed);
        *refused = None;
    }

    /// A host that never answered is not queried again by each reference of a long list in turn.
    pub(super) fn on_unreachable(&self, problem: &Problem) {
        if problem.category == Category::Network && !self.is_closed.load(Ordering::Relaxed) {
            *lock(&self.unreachable_until) =
                Some((Instant::now() + OPEN_DURATION, problem.clone()));
        }
    }

    /// Nothing is sent for so long: the cloud requested fewer calls.
    pub(super) fn pause_for(&self, pause: Duration) {
        // A longer pause has ended the call that learned of it.
        let until = Instant::now() + pause.min(MAX_RETRY_AFTER);
        let mut not_before = lock(&self.paused_until);
        *not_before = (*not_before).max(Some(until));
    }

    /// The moment at which the next call may go out, when calls are paced.
    fn reserve_slot(&self) -> Option<Instant> {
        let pace = self.min_interval?;
        let mut next = lock(&self.next_slot_at);
        let turn = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
        *next = Some(turn + pace);
        Some(turn)
    }

    fn pause_left(&self) -> Option<Duration> {
        (*lock(&self.paused_until))?
            .checked_duration_since(Instant::now())
            .filter(|pause| !pause.is_zero())
    }
}

fn not_requested(problem: &Problem, why: &str) -> Problem {
    let mut problem = problem.clone();
    problem.message = format!("skipped: {why}: {}", problem.message);
    problem.attempts = 0;
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refused_credential_is_sent_again_after_the_cooldown_alone() {
        let breaker = |auth_cooldown| {
            let options = ClientOptions {
                auth_cooldown,
                ..ClientOptions::default()
            };
            let breaker = CircuitBreaker::new(Arc::new(Semaphore::new(8)), &options);
            breaker.on_auth_failure(Problem::new(Category::Unauthenticated, "no such key"), 0);
            breaker
        };
        let never = breaker(None);
        let exporter = breaker(Some(Duration::from_secs(600)));
        tokio::time::advance(Duration::from_secs(599)).await;
        assert!(exporter.open_reason().is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(never.open_reason().is_some());
        // One request is sent.
        assert!(exporter.open_reason().is_none());
        assert!(exporter.open_reason().is_some());
        exporter.on_success();
        assert!(exporter.open_reason().is_none());
        never.on_success();
        assert!(never.open_reason().is_some());
    }
}
