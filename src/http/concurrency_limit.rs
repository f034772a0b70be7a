//! Limits how many requests are in flight.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Limits the requests of one account in flight, to all hosts together. Clones share the limit.
#[derive(Debug, Clone)]
pub(super) struct ConcurrencyLimit(Arc<Semaphore>);

impl ConcurrencyLimit {
    /// Allows this many requests in flight.
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }

    /// Waits until another request can be in flight. It counts until the permit is dropped.
    pub(super) async fn acquire(&self) -> SemaphorePermit<'_> {
        let permit = self.0.acquire().await;
        permit.expect("the semaphore is never closed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn clones_share_the_limit_until_a_permit_is_dropped() {
        let limit = ConcurrencyLimit::new(1);
        let other = limit.clone();
        let is_free = async || {
            timeout(Duration::from_secs(1), other.acquire())
                .await
                .is_ok()
        };
        let permit = limit.acquire().await;
        assert!(!is_free().await);
        drop(permit);
        assert!(is_free().await);
    }
}
