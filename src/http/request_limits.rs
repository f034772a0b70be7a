//! Combines the limits that determine when the next request of an account may be sent.

use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, sleep_until};

use super::ClientOptions;
use super::circuit_breaker::CircuitBreaker;
use super::concurrency_limit::ConcurrencyLimit;
use super::credential_state::CredentialState;
use super::rate_limiter::RateLimiter;
use crate::error::{Category, Problem};

/// The limits of one account at one host in this run.
#[derive(Debug)]
pub(super) struct RequestLimits {
    /// The limit of the whole account.
    concurrency: ConcurrencyLimit,
    /// State of a credential that is not shared. Its limit before the first success also applies to requests with a
    /// shared one.
    pub credential: CredentialState,
    /// The rate of the account at this host.
    pub rate: RateLimiter,
    breaker: CircuitBreaker,
}

/// The permits of a request in flight.
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

impl RequestLimits {
    /// Creates the limits of an unused account at a host.
    pub(super) fn new(concurrency: ConcurrencyLimit, options: &ClientOptions) -> Self {
        Self {
            concurrency,
            credential: CredentialState::new(),
            rate: RateLimiter::new(options),
            breaker: CircuitBreaker::default(),
        }
    }

    /// Sets the limit of requests before the first success.
    pub(super) fn with_trial_requests(self, count: usize) -> Self {
        Self {
            credential: CredentialState::with_trial_requests(count),
            ..self
        }
    }

    /// Waits until the request may be sent: for its turn, for free slots, and for the end of a pause that the cloud
    /// requested for the whole account.
    pub(super) async fn acquire<'a>(
        &'a self,
        shared_key: Option<&'a CredentialState>,
    ) -> Permits<'a> {
        if let Some(turn) = self.rate.reserve_slot() {
            sleep_until(turn).await;
        }
        loop {
            let credential = self.credential.acquire().await;
            let slot = self.concurrency.acquire().await;
            // The shared key is acquired last, so that an account that waits for its own slots does not block the
            // key.
            let shared_key = match shared_key {
                Some(key) => key.acquire().await,
                None => None,
            };
            let Some(pause) = self.rate.pause_left() else {
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
        self.breaker.problem()
    }

    /// Opens the circuit breaker if the host could not be reached and has never responded.
    pub(super) fn on_unreachable(&self, problem: &Problem) {
        if problem.category == Category::Network && !self.credential.is_accepted() {
            self.breaker.open(problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use tokio::time::{Instant, timeout};

    fn limits() -> RequestLimits {
        RequestLimits::new(ConcurrencyLimit::new(8), &ClientOptions::default())
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_sharing_a_key_have_two_requests_in_flight_until_a_success() {
        let [one, other] = [limits(), limits()];
        let key = CredentialState::new();
        let is_free = async |limits: &RequestLimits| {
            let permits = limits.acquire(Some(&key));
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

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_the_end_of_a_pause() {
        let limits = limits();
        let started = Instant::now();
        limits.rate.pause_for(Duration::from_secs(7));
        drop(limits.acquire(None).await);
        assert_eq!(started.elapsed().as_secs(), 7);
    }

    #[tokio::test]
    async fn only_a_host_that_has_never_responded_counts_as_unreachable() {
        let limits = limits();
        limits.on_unreachable(&Problem::new(Category::ServiceError, "no"));
        assert_eq!(limits.unreachable(), None);
        limits.credential.on_success(None);
        let problem = Problem::new(Category::Network, "no route");
        limits.on_unreachable(&problem);
        assert_eq!(limits.unreachable(), None);
        let unused = RequestLimits::new(ConcurrencyLimit::new(8), &ClientOptions::default());
        unused.on_unreachable(&problem);
        assert!(unused.unreachable().is_some());
    }
}
