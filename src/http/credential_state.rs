//! The state of a credential in this run. Clouds lock a key after a few refusals in a row, so that
//! all accounts that use the same key share it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::RequestError;
use crate::crypto::digest_of_parts;
use crate::sync::lock;

/// Requests of one credential that may be in flight before its first success.
const TRIAL_REQUESTS: usize = 2;

/// A credential, from its first request on.
#[derive(Debug)]
pub(super) struct CredentialState {
    /// Places before the first success, which closes it.
    trial: Semaphore,
    refusal: Mutex<Option<Rejection>>,
    /// How often another credential has taken the place of a refused one.
    generation: AtomicU64,
}

/// The rejection of a credential by its cloud.
#[derive(Debug, Clone)]
pub(super) struct Rejection {
    /// When, or when it was tried again.
    at: Instant,
    /// The cloud's error, with all secrets masked.
    pub error: RequestError,
    /// The profile that used it.
    pub profile: String,
}

impl CredentialState {
    /// A credential that was not used yet.
    pub(super) fn new() -> Self {
        Self::with_trial_requests(TRIAL_REQUESTS)
    }

    /// The same with this number of requests in flight before the first success.
    pub(super) fn with_trial_requests(count: usize) -> Self {
        Self {
            trial: Semaphore::new(count),
            refusal: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// Waits for a place among the requests before the first success; `None` after it.
    pub(super) async fn acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.trial.acquire().await.ok()
    }

    /// True after the first success.
    pub(super) fn is_accepted(&self) -> bool {
        self.trial.is_closed()
    }

    /// Why nothing is sent with it now. After the cooldown one request is sent, and the others wait for
    /// its response.
    pub(super) fn refusal(&self, cooldown: Option<Duration>) -> Option<Rejection> {
        let mut refusal = lock(&self.refusal);
        let refusal = refusal.as_mut()?;
        let now = Instant::now();
        if cooldown.is_some_and(|cooldown| now.duration_since(refusal.at) >= cooldown) {
            refusal.at = now;
            return None;
        }
        Some(refusal.clone())
    }

    /// The first success opens all places, and one after the cooldown accepts a refused credential again.
    pub(super) fn on_success(&self, cooldown: Option<Duration>) {
        if cooldown.is_some() {
            *lock(&self.refusal) = None;
        }
        self.trial.close();
    }

    /// How often the credential was renewed so far.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// The cloud rejected the credential of this generation: it is not used again.
    /// A late response to an earlier credential does not count.
    pub(super) fn on_refusal(&self, error: RequestError, profile: &str, renewals: u64) {
        let mut refusal = lock(&self.refusal);
        if renewals == self.generation() {
            *refusal = Some(Rejection {
                at: Instant::now(),
                error,
                profile: profile.to_owned(),
            });
        }
    }

    /// Another credential has taken the place of the one that was refused.
    pub(super) fn reset(&self) {
        let mut refusal = lock(&self.refusal);
        self.generation.fetch_add(1, Ordering::Relaxed);
        *refusal = None;
    }
}

/// The keys of a run, by a digest of each. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct KeyStates(Arc<Mutex<HashMap<[u8; 16], Arc<CredentialState>>>>);

impl PartialEq for KeyStates {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for KeyStates {}

impl KeyStates {
    /// The state of the key of a cloud that has these parts; `None` for no part.
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

    fn refused() -> RequestError {
        RequestError::new(Category::Unauthenticated, "no such key")
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_credential_is_sent_again_after_the_cooldown_alone() {
        let state = CredentialState::new();
        state.on_refusal(refused(), "a", 0);
        let cooldown = Some(Duration::from_secs(600));
        tokio::time::advance(Duration::from_secs(599)).await;
        assert!(state.refusal(cooldown).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(state.refusal(None).is_some());
        // One request is sent.
        assert!(state.refusal(cooldown).is_none());
        assert!(state.refusal(cooldown).is_some());
        state.on_success(None);
        assert!(state.refusal(cooldown).is_some());
        state.on_success(cooldown);
        assert!(state.refusal(cooldown).is_none());
    }

    #[test]
    fn equal_keys_of_one_cloud_share_their_state_and_no_others_do() {
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
