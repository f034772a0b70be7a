use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until};

use super::ClientOptions;
use super::credential_state::CredentialState;
use super::retry::MAX_RETRY_AFTER;
use crate::error::{Category, Problem};
use crate::sync::lock;

/// Time for which nothing is sent to a host that has never answered.
const OPEN_DURATION: Duration = Duration::from_secs(10);

/// The start of the message about a request that was not sent because its host did not respond before.
pub const UNREACHABLE_PREFIX: &str = "skipped: host unreachable: ";

/// State of one account at one host in this run. It determines when the next call may be sent.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    /// Request slots of the whole account.
    account_permits: Arc<Semaphore>,
    /// State of a credential that is not shared. Its limit before the first success also applies to requests with a
    /// shared one.
    credential: CredentialState,
    min_interval: Option<Duration>,
    burst: u32,
    /// Time at which the next call would be sent without a burst.
    next_slot_at: Mutex<Option<Instant>>,
    paused_until: Mutex<Option<Instant>>,
    unreachable_until: Mutex<Option<(Instant, Problem)>>,
}

/// The permits of a call in flight.
pub(super) struct Permits<'a> {
    _slots: (Option<SemaphorePermit<'a>>, SemaphorePermit<'a>),
    shared_key: Option<SemaphorePermit<'a>>,
}

impl Permits<'_> {
    /// Releases the shared key, so that other accounts can send a request with it.
    pub(super) fn release_key(&mut self) {
        self.shared_key = None;
    }
}

impl CircuitBreaker {
    /// Creates the state of an unused account with its request slots.
    pub(super) fn new(permits: Arc<Semaphore>, options: &ClientOptions) -> Self {
        Self {
            account_permits: permits,
            credential: CredentialState::new(),
            min_interval: options.min_interval,
            burst: options.burst,
            next_slot_at: Mutex::new(None),
            paused_until: Mutex::new(None),
            unreachable_until: Mutex::new(None),
        }
    }

    /// Sets the limit of requests before the first success.
    pub(super) fn with_trial_requests(self, count: usize) -> Self {
        Self {
            credential: CredentialState::with_trial_requests(count),
            ..self
        }
    }

    /// Returns the state of the credential that is not shared.
    pub(super) fn credential_state(&self) -> &CredentialState {
        &self.credential
    }

    /// Waits until the call may be sent: for its turn, for free slots, and for the end of a pause that the cloud
    /// requested for the whole account.
    pub(super) async fn acquire<'a>(
        &'a self,
        shared_key: Option<&'a CredentialState>,
    ) -> Permits<'a> {
        if let Some(turn) = self.reserve_slot() {
            sleep_until(turn).await;
        }
        loop {
            let credential = self.credential.acquire().await;
            let slot = self.account_permits.acquire().await;
            let slot = slot.expect("the semaphore is never closed");
            // The shared key is acquired last, so that an account that waits for its own slots does not block the
            // key.
            let shared_key = match shared_key {
                Some(key) => key.acquire().await,
                None => None,
            };
            let Some(pause) = self.pause_left() else {
                return Permits {
                    _slots: (credential, slot),
                    shared_key,
                };
            };
            drop((credential, slot, shared_key));
            sleep(pause).await;
        }
    }

    /// Returns the problem of the host while nothing is sent to it because it does not respond.
    pub(super) fn unreachable(&self) -> Option<Problem> {
        let unreachable = lock(&self.unreachable_until);
        let (until, problem) = unreachable.as_ref()?;
        (Instant::now() < *until).then(|| {
            let mut problem = problem.clone();
            problem.message = format!("{UNREACHABLE_PREFIX}{}", problem.message);
            problem.attempts = 0;
            problem
        })
    }

    /// Blocks a host that has never answered, so that not every reference of a long list tries it again.
    pub(super) fn on_unreachable(&self, problem: &Problem) {
        if problem.category == Category::Network && !self.credential.is_accepted() {
            *lock(&self.unreachable_until) =
                Some((Instant::now() + OPEN_DURATION, problem.clone()));
        }
    }

    /// Pauses all calls for this long, since the cloud requested fewer calls.
    pub(super) fn pause_for(&self, pause: Duration) {
        // A call for which the cloud requested a longer pause has already failed.
        let until = Instant::now() + pause.min(MAX_RETRY_AFTER);
        let mut not_before = lock(&self.paused_until);
        *not_before = (*not_before).max(Some(until));
    }

    /// Reserves the next slot and returns its time; `None` if calls are not paced.
    fn reserve_slot(&self) -> Option<Instant> {
        let pace = self.min_interval?;
        let mut next = lock(&self.next_slot_at);
        let now = Instant::now();
        let slot = next.map_or(now, |next| next.max(now));
        *next = Some(slot + pace);
        let early = pace * self.burst.saturating_sub(1);
        Some(slot.checked_sub(early).map_or(now, |turn| turn.max(now)))
    }

    fn pause_left(&self) -> Option<Duration> {
        (*lock(&self.paused_until))?
            .checked_duration_since(Instant::now())
            .filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_sent_at_once_and_further_requests_at_the_minimum_interval() {
        let options = ClientOptions {
            min_interval: Some(Duration::from_millis(100)),
            burst: 10,
            ..ClientOptions::default()
        };
        let breaker = CircuitBreaker::new(Arc::new(Semaphore::new(8)), &options);
        let started = Instant::now();
        let turn = || (breaker.reserve_slot().unwrap() - started).as_millis();
        let turns: Vec<u128> = (0..13).map(|_| turn()).collect();
        assert_eq!(turns[..10], [0; 10]);
        assert_eq!(turns[10..], [100, 200, 300]);
        // Unused slots are saved up to the burst only.
        tokio::time::advance(Duration::from_secs(60)).await;
        let turns: Vec<u128> = (0..12).map(|_| turn()).collect();
        assert_eq!(turns[..10], [60_000; 10]);
        assert_eq!(turns[10..], [60_100, 60_200]);
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_sharing_a_key_have_two_requests_in_flight_until_a_success() {
        let breaker =
            || CircuitBreaker::new(Arc::new(Semaphore::new(8)), &ClientOptions::default());
        let [one, other] = [breaker(), breaker()];
        let key = CredentialState::new();
        let is_free = async |breaker: &CircuitBreaker| {
            let permits = breaker.acquire(Some(&key));
            timeout(Duration::from_secs(1), permits).await.is_ok()
        };
        let mut first = one.acquire(Some(&key)).await;
        let second = other.acquire(Some(&key)).await;
        assert!(!is_free(&one).await && !is_free(&other).await);
        // A host that hangs does not delay other accounts, and is not sent more requests.
        first.release_key();
        assert!(is_free(&other).await && is_free(&one).await);
        let third = one.acquire(Some(&key)).await;
        assert!(!is_free(&one).await && !is_free(&other).await);
        key.on_success(None);
        assert!(is_free(&other).await && !is_free(&one).await);
        drop((second, third));
    }
}
