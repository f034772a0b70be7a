//! Stops requests to a host that does not respond.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{FailureDetail, Problem};
use crate::sync::lock;

/// Time for which nothing is sent to an unreachable host.
const OPEN_DURATION: Duration = Duration::from_secs(10);

/// The start of the message about a request that was not sent because its host did not respond before.
pub const UNREACHABLE_PREFIX: &str = "skipped: host unreachable: ";

/// Stops the requests to one host for a while after it could not be reached, so that not every reference of a long
/// list tries it again.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker {
    /// The end of the time without requests, and the problem that opened the circuit.
    open: Mutex<Option<(Instant, Problem)>>,
}

impl CircuitBreaker {
    /// Stops requests from now on, because of this problem.
    pub(super) fn open(&self, problem: &Problem) {
        *lock(&self.open) = Some((Instant::now() + OPEN_DURATION, problem.clone()));
    }

    /// Returns the problem of a request that is not sent; `None` if requests can be sent.
    pub(super) fn problem(&self) -> Option<Problem> {
        let open = lock(&self.open);
        let (until, problem) = open.as_ref()?;
        (Instant::now() < *until).then(|| {
            let mut problem = problem.clone();
            problem.message = format!("{UNREACHABLE_PREFIX}{}", problem.message);
            let attempts = std::mem::take(&mut problem.attempts);
            problem.detail = Some(FailureDetail::NotSent { attempts });
            problem
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    #[tokio::test(start_paused = true)]
    async fn an_open_circuit_closes_after_its_time() {
        let breaker = CircuitBreaker::default();
        assert_eq!(breaker.problem(), None);
        breaker.open(&Problem {
            attempts: 3,
            ..Problem::new(Category::Network, "no route")
        });
        let problem = breaker.problem().unwrap();
        assert_eq!(problem.message, "skipped: host unreachable: no route");
        let not_sent = FailureDetail::NotSent { attempts: 3 };
        assert_eq!((problem.attempts, problem.detail), (0, Some(not_sent)));
        tokio::time::advance(OPEN_DURATION).await;
        assert_eq!(breaker.problem(), None);
    }
}
