//! Caches the credential of an account while it is valid, and refreshes it once if the cloud rejects it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::imds::ImdsService;
use super::instance_role::InstanceRoleProvider;
use super::negative_cache::NegativeCache;
use super::profile::{FromProfile, LabelFn, ReloadingProvider, from_profile};
use super::store::{PersistentProvider, Storable, StoredValue, TokenStore};
use super::temporary_key::TemporaryKey;
use super::{Credential, CredentialProvider, REFRESH_MARGIN};
use crate::error::{Category, Problem};
#[cfg(test)]
use crate::http::SigningInstructions;
use crate::http::{ApiClient, Classify, Deadline, Request, Response, Signer, Transport};
use crate::model::Time;
use crate::secret::Secret;
use crate::settings::Profile;

/// Time after a rejected refresh in which no other credential is issued.
const REFRESH_COOLDOWN: TimeDelta = TimeDelta::minutes(10);

/// The credential of an account.
pub(crate) struct CredentialCache<S> {
    provider: Option<Box<dyn CredentialProvider<S>>>,
    active: Mutex<Option<Arc<ActiveCredential<S>>>>,
    negative_cache: NegativeCache,
    expires_at: Option<Time>,
    store: Option<Arc<TokenStore>>,
}

/// Facts about a credential that need no request.
#[derive(Debug, Default)]
pub struct CredentialInfo {
    /// Expiry of the credential in the profile, if known; `None` for one that is fetched, which is refreshed
    /// before it expires.
    pub expires_at: Option<Time>,
    /// How to renew the client certificate, for one that joblens cannot renew.
    pub certificate_renewal: Option<String>,
    /// The folder in which fetched credentials are stored between runs; `None` if they are not stored.
    pub token_folder: Option<PathBuf>,
}

/// A credential in use.
pub(crate) struct ActiveCredential<S> {
    /// Signs requests with it.
    pub signer: S,
    secrets: Vec<Secret>,
    expires_at: Option<DateTime<Utc>>,
    /// Time at which it replaced a rejected one.
    refreshed_at: Option<DateTime<Utc>>,
    has_succeeded: AtomicBool,
}

impl<S: Signer> ActiveCredential<S> {
    /// Sends a request signed with this credential.
    async fn send(
        &self,
        http: &ApiClient,
        request: &Request,
        classify: Classify<'_>,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let completed = self.signer.complete(request);
        let request = completed.as_ref().unwrap_or(request);
        let outcome = http.send(request, &self.signer, classify, deadline).await;
        if outcome.is_ok() {
            self.has_succeeded.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

impl<S> ActiveCredential<S> {
    fn is_valid_for(&self, now: DateTime<Utc>, margin: TimeDelta) -> bool {
        self.expires_at.is_none_or(|at| at - now > margin)
    }

    fn new(issued: Credential<S>, refreshed_at: Option<DateTime<Utc>>) -> Self {
        Self {
            signer: issued.signer,
            secrets: issued.secrets,
            expires_at: issued.expires_at,
            refreshed_at,
            has_succeeded: AtomicBool::new(false),
        }
    }
}

/// Functions that create a cloud's credentials from keys.
pub(crate) struct KeySource<S: 'static> {
    /// Creates one from the key in a profile.
    pub from_profile: FromProfile<S>,
    /// Creates one from a temporary key.
    pub issued: fn(TemporaryKey) -> Credential<S>,
    /// Returns its label for messages.
    pub label: LabelFn,
    /// The service that issues keys for a machine's role.
    pub imds: &'static ImdsService,
}

impl<S: Signer + 'static> CredentialCache<S> {
    /// Creates the credential from the key of a profile, or from this machine's role if the profile selects it.
    ///
    /// # Errors
    /// The problem of a missing or invalid setting.
    pub(crate) fn from_key_source(
        source: &KeySource<S>,
        profile: &Profile,
        transport: &Arc<Transport>,
    ) -> Result<Self, Problem> {
        match profile.uses_instance_role() {
            true => Ok(Self::from_provider(InstanceRoleProvider::new(
                source.imds,
                profile,
                transport,
                source.issued,
            )?)),
            false => Self::from_profile(profile, source.from_profile, source.label),
        }
    }

    /// Creates the credential from a profile. If it is in separate files, they are read again after it has expired
    /// or was rejected, and a command that prints it is rerun. A rejection of any other credential is final.
    ///
    /// # Errors
    /// As `read` for the profile.
    pub(crate) fn from_profile(
        profile: &Profile,
        read: FromProfile<S>,
        label: LabelFn,
    ) -> Result<Self, Problem> {
        let issued = from_profile(profile, read)?;
        let provider = profile.is_reloadable().then(|| {
            Box::new(ReloadingProvider::new(profile, read, label)) as Box<dyn CredentialProvider<S>>
        });
        let expires_at = issued.expires_at.and_then(Time::new);
        let issued = Credential {
            expires_at: issued.expires_at.filter(|_| provider.is_some()),
            ..issued
        };
        Ok(Self {
            provider,
            active: Mutex::new(Some(Arc::new(ActiveCredential::new(issued, None)))),
            negative_cache: NegativeCache::default(),
            expires_at,
            store: None,
        })
    }

    /// Creates a credential that is issued on first use, and again when it has expired or was rejected.
    pub(crate) fn from_provider(provider: impl CredentialProvider<S> + 'static) -> Self {
        Self {
            provider: Some(Box::new(provider)),
            active: Mutex::new(None),
            negative_cache: NegativeCache::default(),
            expires_at: None,
            store: None,
        }
    }

    /// Stores issued credentials between runs if the profile enables it. The profile's settings must identify the
    /// account, so this must not be used for the machine's role. `credential_name` distinguishes several
    /// credentials of one profile.
    pub(crate) fn persistent(
        self,
        profile: &Profile,
        transport: &Arc<Transport>,
        credential_name: &str,
    ) -> Self
    where
        S: Storable,
    {
        match (
            self.provider,
            TokenStore::from_profile(profile, transport, credential_name),
        ) {
            (Some(provider), Some(store)) => Self {
                provider: Some(Box::new(PersistentProvider::new(provider, &store))),
                store: Some(store),
                ..self
            },
            (provider, _) => Self { provider, ..self },
        }
    }

    /// Returns a value that is learned with the credential and stored next to it.
    pub(crate) fn stored_value(&self, key: &'static str) -> Option<StoredValue> {
        let store = self.store.as_ref()?;
        Some(StoredValue::new(store, key))
    }

    /// Returns the facts about the credential that need no request.
    pub(crate) fn credential(&self) -> CredentialInfo {
        let store = self.store.as_ref();
        let expires_at = match self.active.try_lock() {
            // A credential that was read again can have another expiry, or none.
            Ok(slot) if self.expires_at.is_some() && self.provider.is_some() => {
                let current = slot.as_ref();
                current.and_then(|current| Time::new(current.expires_at?))
            }
            _ => self.expires_at,
        };
        CredentialInfo {
            expires_at,
            certificate_renewal: None,
            token_folder: store.map(|store| store.folder().to_path_buf()),
        }
    }

    /// Returns a valid credential.
    ///
    /// # Errors
    /// The reason why none could be issued.
    pub(crate) async fn get(
        &self,
        http: &ApiClient,
        deadline: Deadline,
    ) -> Result<Arc<ActiveCredential<S>>, Problem> {
        let mut slot = self.active.lock().await;
        let is_valid = |credential: &&Arc<ActiveCredential<S>>, margin| {
            credential.is_valid_for(http.server_now(), margin)
        };
        if let Some(current) = slot
            .as_ref()
            .filter(|current| is_valid(current, REFRESH_MARGIN))
        {
            return Ok(Arc::clone(current));
        }
        let current = slot.clone();
        let issued = self.issue(&mut slot, false, http, deadline).await;
        match current.filter(|current| is_valid(&current, TimeDelta::zero())) {
            Some(current) => Ok(issued.unwrap_or(current)),
            None => issued,
        }
    }

    /// Sends a call like [`ApiClient::send`]. If the cloud rejects the credential, it is refreshed once, if possible,
    /// and the call is sent again.
    ///
    /// # Errors
    /// As [`ApiClient::send`], or the reason why no credential could be issued.
    pub(crate) async fn send(
        &self,
        http: &ApiClient,
        request: &Request,
        classify: Classify<'_>,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let current = self.get(http, deadline).await?;
        let outcome = current.send(http, request, classify, deadline).await;
        let mut rejection = match outcome {
            Err(problem)
                if problem.category == Category::Unauthenticated && self.provider.is_some() =>
            {
                problem
            }
            outcome => return outcome,
        };
        match self.refresh(&current, http, deadline).await {
            Ok(Some(refreshed)) => {
                let outcome = refreshed.send(http, request, classify, deadline).await;
                let problem = outcome.as_ref().err();
                if problem.is_some_and(|problem| problem.category == Category::Unauthenticated) {
                    self.on_rejected(&refreshed);
                }
                outcome
            }
            Ok(None) => Err(rejection),
            // It can be refreshed when the service is available again.
            Err(problem) if problem.retryable => Err(problem),
            Err(problem) => {
                let next = problem
                    .hint
                    .map_or_else(String::new, |hint| format!("; {hint}"));
                rejection.hint = Some(format!("it cannot be refreshed: {}{next}", problem.message));
                Err(rejection)
            }
        }
    }

    /// Returns a credential that replaces the rejected one; `None` if there is none.
    async fn refresh(
        &self,
        rejected: &Arc<ActiveCredential<S>>,
        http: &ApiClient,
        deadline: Deadline,
    ) -> Result<Option<Arc<ActiveCredential<S>>>, Problem> {
        let mut slot = self.active.lock().await;
        let current = slot.clone();
        // If several calls were rejected at the same time, the first one refreshes the credential for all.
        if let Some(current) = current.filter(|current| current.secrets != rejected.secrets) {
            return Ok(Some(current));
        }
        self.on_rejected(rejected);
        if !self.may_refresh(rejected, http.now()) {
            return Ok(None);
        }
        let refreshed = self.issue(&mut slot, true, http, deadline).await?;
        // A credential that was rejected is not sent again, since some clouds lock a key after a few rejections.
        if refreshed.secrets == rejected.secrets {
            *slot = Some(Arc::clone(rejected));
            return Ok(None);
        }
        http.credential_replaced();
        Ok(Some(refreshed))
    }

    /// Returns `true` if a rejected credential may be refreshed: not if it was itself the result of a recent refresh
    /// and never worked, since its age was not the reason and another refresh would cost a call. Files are always read
    /// again, since they may have been corrected.
    fn may_refresh(&self, rejected: &ActiveCredential<S>, now: DateTime<Utc>) -> bool {
        let provider = self.provider.as_deref();
        let costs_call = provider.is_some_and(CredentialProvider::makes_calls);
        let has_succeeded = rejected.has_succeeded.load(Ordering::Relaxed);
        rejected.refreshed_at.is_none_or(|at| {
            let is_recent = (TimeDelta::zero()..REFRESH_COOLDOWN).contains(&(now - at));
            has_succeeded || !costs_call || !is_recent
        })
    }

    fn on_rejected(&self, rejected: &ActiveCredential<S>) {
        if let Some(provider) = &self.provider {
            provider.on_rejected(&rejected.signer);
        }
    }

    async fn issue(
        &self,
        slot: &mut Option<Arc<ActiveCredential<S>>>,
        is_refresh: bool,
        http: &ApiClient,
        deadline: Deadline,
    ) -> Result<Arc<ActiveCredential<S>>, Problem> {
        let provider = self.provider.as_ref();
        let provider = provider.expect("an expiring credential has a provider");
        if let Some(problem) = self.negative_cache.get("credential", http.now()) {
            return Err(problem);
        }
        let issued = provider.provide(deadline).await.inspect_err(|problem| {
            if provider.makes_calls() {
                self.negative_cache.insert(problem, http.now());
            }
        })?;
        http.mask_secrets(&issued.secrets);
        if let Some(label) = provider.label() {
            http.set_credential_label(label);
        }
        let mut issued = ActiveCredential::new(issued, is_refresh.then(|| http.now()));
        if provider.makes_calls() && !issued.is_valid_for(http.server_now(), REFRESH_MARGIN) {
            // One of the clocks is wrong, and a new credential would not help: the cloud decides when this one
            // expires.
            issued.expires_at = None;
        }
        let issued = Arc::new(issued);
        *slot = Some(Arc::clone(&issued));
        Ok(issued)
    }

    /// Signs with the current credential.
    #[cfg(test)]
    pub(crate) fn sign_for_test(
        &self,
        request: &Request,
        now: DateTime<Utc>,
        nonce: &str,
    ) -> SigningInstructions {
        let slot = self.active.try_lock().unwrap();
        slot.as_ref().unwrap().signer.sign(request, now, nonce)
    }
}

#[cfg(test)]
pub(super) mod tests;
