//! Tracks the state of each credential in this run. Clouds lock a key after a few consecutive rejections, so all
//! accounts that use the same key share its state.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::RequestError;
use crate::crypto::digest_of_parts;
use crate::sync::lock;

/// Maximum number of requests of one credential in flight before its first success.
const TRIAL_REQUESTS: usize = 2;

/// The state of a credential since its first request.
#[derive(Debug)]
pub(super) struct CredentialState {
    /// Limits the requests before the first success, which closes the semaphore.
    trial: Semaphore,
    rejection: Mutex<Option<Rejection>>,
    /// Number of times that a rejected credential was replaced.
    generation: AtomicU64,
}

/// The rejection of a credential by its cloud.
#[derive(Debug, Clone)]
pub(super) struct Rejection {
    /// Time of the rejection or of the last retry.
    at: Instant,
    /// The cloud's error, with all secrets masked.
    pub error: RequestError,
    /// The profile that used it.
    pub profile: String,
}

impl CredentialState {
    /// Creates the state of an unused credential.
    pub(super) fn new() -> Self {
        Self::with_trial_requests(TRIAL_REQUESTS)
    }

    /// Creates the state with this limit of requests before the first success.
    pub(super) fn with_trial_requests(count: usize) -> Self {
        Self {
            trial: Semaphore::new(count),
            rejection: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// Waits for a permit for a request before the first success; returns `None` after it.
    pub(super) async fn acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.trial.acquire().await.ok()
    }

    /// Returns `true` if the cloud has accepted the credential.
    pub(super) fn is_accepted(&self) -> bool {
        self.trial.is_closed()
    }

    /// Returns the rejection while nothing may be sent with the credential. After the cooldown one request is sent,
    /// and the others wait for its response.
    pub(super) fn rejection(&self, cooldown: Option<Duration>) -> Option<Rejection> {
        let mut rejection = lock(&self.rejection);
        let rejection = rejection.as_mut()?;
        let now = Instant::now();
        if cooldown.is_some_and(|cooldown| now.duration_since(rejection.at) >= cooldown) {
            rejection.at = now;
            return None;
        }
        Some(rejection.clone())
    }

    /// Records a success. The first one removes the limit of requests; one after the cooldown clears the rejection.
    pub(super) fn on_success(&self, cooldown: Option<Duration>) {
        if cooldown.is_some() {
            *lock(&self.rejection) = None;
        }
        self.trial.close();
    }

    /// Returns the number of times that the credential was replaced.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Records that the cloud rejected the credential of this generation: it is not used again. A late response to
    /// an earlier credential is ignored.
    pub(super) fn on_rejection(&self, error: RequestError, profile: &str, generation: u64) {
        let mut rejection = lock(&self.rejection);
        if generation == self.generation() {
            *rejection = Some(Rejection {
                at: Instant::now(),
                error,
                profile: profile.to_owned(),
            });
        }
    }

    /// Records that a new credential replaces the rejected one.
    pub(super) fn reset(&self) {
        let mut rejection = lock(&self.rejection);
        self.generation.fetch_add(1, Ordering::Relaxed);
        *rejection = None;
    }
}

/// The keys of a run, by the digest of each. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct KeyStates(Arc<Mutex<HashMap<[u8; 16], Arc<CredentialState>>>>);

impl PartialEq for KeyStates {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for KeyStates {}

impl KeyStates {
    /// Returns the state of a cloud's key that consists of these parts; `None` if there are no parts.
    pub(super) fn get(&self, cloud: &str, parts: &[&str]) -> Option<Arc<CredentialState>> {
        if parts.is_empty() {
            return None;
        }
        let key = digest_of_parts(std::iter::once(&cloud).chain(parts));
        let mut states = lock(&self.0);
        let state = states.entry(key);
        Some(Arc::clone(
            state.or_insert_with(|| Arc::new(CredentialState::new())),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    fn rejection() -> RequestError {
        RequestError::new(Category::Unauthenticated, "no such key")
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_credential_is_sent_again_only_after_the_cooldown() {
        let state = CredentialState::new();
        state.on_rejection(rejection(), "a", 0);
        let cooldown = Some(Duration::from_secs(600));
        tokio::time::advance(Duration::from_secs(599)).await;
        assert!(state.rejection(cooldown).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(state.rejection(None).is_some());
        // Only one request is sent.
        assert!(state.rejection(cooldown).is_none());
        assert!(state.rejection(cooldown).is_some());
        state.on_success(None);
        assert!(state.rejection(cooldown).is_some());
        state.on_success(cooldown);
        assert!(state.rejection(cooldown).is_none());
    }

    #[test]
    fn only_equal_keys_of_the_same_cloud_share_their_state() {
        let keys = KeyStates::default();
        let get = |cloud, parts: &[&str]| keys.get(cloud, parts).unwrap();
        let key = get("aliyun", &["id", "secret"]);
        assert!(Arc::ptr_eq(&key, &get("aliyun", &["id", "secret"])));
        for (cloud, parts) in [
            ("huawei", &["id", "secret"][..]),
            ("aliyun", &["id", "other"]),
            ("aliyun", &["other", "secret"]),
            ("aliyun", &["id", "secret", "token"]),
            ("aliyun", &["ids", "ecret"]),
        ] {
            assert!(!Arc::ptr_eq(&key, &get(cloud, parts)), "{cloud} {parts:?}");
        }
        assert!(keys.get("aliyun", &[]).is_none());
        assert!(!format!("{keys:?}").contains("secret"));
    }
}
