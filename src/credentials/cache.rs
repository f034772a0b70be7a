//! The credential that an account uses: kept while it is good, renewed once when a cloud refuses it.

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
use crate::http::{ApiClient, Deadline, Request, RequestError, Response, Signer, Transport};
use crate::model::Time;
use crate::secret::Secret;
use crate::settings::Profile;

/// How long no other credential is issued after a renewal that the cloud rejects.
const RENEWAL_COOLDOWN: TimeDelta = TimeDelta::minutes(10);

/// The credential of an account.
pub(crate) struct CredentialCache<S> {
    provider: Option<Box<dyn CredentialProvider<S>>>,
    active: Mutex<Option<Arc<ActiveCredential<S>>>>,
    negative_cache: NegativeCache,
    expires_at: Option<Time>,
    store: Option<Arc<TokenStore>>,
}

/// What is known of a credential without a request.
#[derive(Debug, Default)]
pub struct CredentialInfo {
    /// When the one that the profile gave ends, where that is known; `None` for one that is fetched,
    /// which is renewed before it ends.
    pub expires_at: Option<Time>,
    /// It is a client certificate, which nothing renews.
    pub is_certificate: bool,
    /// The folder where what is fetched is kept between runs; `None` when nothing is.
    pub kept_in: Option<PathBuf>,
}

/// A credential in use.
pub(crate) struct ActiveCredential<S> {
    /// What signs with it.
    pub signer: S,
    secrets: Vec<Secret>,
    expires_at: Option<DateTime<Utc>>,
    /// When it took the place of a rejected one.
    refreshed_at: Option<DateTime<Utc>>,
    has_succeeded: AtomicBool,
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

/// How a cloud makes its credentials of keys.
pub(crate) struct KeySource<S: 'static> {
    /// Of the key that is in a profile.
    pub from_profile: FromProfile<S>,
    /// Of one that is issued for a while.
    pub issued: fn(TemporaryKey) -> Credential<S>,
    /// What messages call it.
    pub label: LabelFn,
    /// The service that issues the keys of a machine's role.
    pub imds: &'static ImdsService,
}

impl<S: Signer + 'static> CredentialCache<S> {
    /// The key of a profile, or that of the role of this machine where the profile is configured so.
    ///
    /// # Errors
    /// What is missing or wrong in the profile.
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

    /// The credential that a profile gives. One that is in files of its own is read again when
    /// it has run out or was refused, and a command that prints one is run again; a refusal of any
    /// other is final.
    ///
    /// # Errors
    /// The result of `read` for the profile.
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

    /// A credential that is issued when it is first needed, and again when it has run out or was
    /// refused.
    pub(crate) fn from_provider(provider: impl CredentialProvider<S> + 'static) -> Self {
        Self {
            provider: Some(Box::new(provider)),
            active: Mutex::new(None),
            negative_cache: NegativeCache::default(),
            expires_at: None,
            store: None,
        }
    }

    /// The same, with what is issued kept between runs where the profile is configured so. The settings of
    /// the profile must identify whose credential it is: one of the machine itself is not for this. `part`
    /// distinguishes the credentials of one profile.
    pub(crate) fn persistent(
        self,
        profile: &Profile,
        transport: &Arc<Transport>,
        part: &str,
    ) -> Self
    where
        S: Storable,
    {
        match (
            self.provider,
            TokenStore::from_profile(profile, transport, part),
        ) {
            (Some(provider), Some(store)) => Self {
                provider: Some(Box::new(PersistentProvider::new(provider, &store))),
                store: Some(store),
                ..self
            },
            (provider, _) => Self { provider, ..self },
        }
    }

    /// A value that is learned with the credential, and stored next to it.
    pub(crate) fn stored_value(&self, key: &'static str) -> Option<StoredValue> {
        let store = self.store.as_ref()?;
        Some(StoredValue::new(store, key))
    }

    /// What is known of the credential without a request.
    pub(crate) fn credential(&self) -> CredentialInfo {
        let store = self.store.as_ref();
        let expires_at = match self.active.try_lock() {
            // One that was read again may end later, or never.
            Ok(held) if self.expires_at.is_some() && self.provider.is_some() => {
                let held = held.as_ref();
                held.and_then(|held| Time::new(held.expires_at?))
            }
            _ => self.expires_at,
        };
        CredentialInfo {
            expires_at,
            is_certificate: false,
            kept_in: store.map(|store| store.folder().to_path_buf()),
        }
    }

    /// A credential that is good at the moment.
    ///
    /// # Errors
    /// Why none could be issued.
    pub(crate) async fn get(
        &self,
        account: &ApiClient,
        deadline: Deadline,
    ) -> Result<Arc<ActiveCredential<S>>, Problem> {
        let mut held = self.active.lock().await;
        let lasts = |held: &&Arc<ActiveCredential<S>>, margin| {
            held.is_valid_for(account.server_now(), margin)
        };
        if let Some(held) = held.as_ref().filter(|held| lasts(held, REFRESH_MARGIN)) {
            return Ok(Arc::clone(held));
        }
        let present = held.clone();
        let issued = self.issue(&mut held, false, account, deadline).await;
        match present.filter(|present| lasts(&present, TimeDelta::zero())) {
            Some(present) => Ok(issued.unwrap_or(present)),
            None => issued,
        }
    }

    /// Sends a call as [`ApiClient::send`] does. A credential that the cloud refuses is renewed once,
    /// where that is possible, and the call is sent again.
    ///
    /// # Errors
    /// As [`ApiClient::send`], and why no credential could be issued.
    pub(crate) async fn send(
        &self,
        account: &ApiClient,
        request: &Request,
        classify: &(dyn Fn(&Response) -> Option<RequestError> + Sync),
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let held = self.get(account, deadline).await?;
        let own = held.signer.complete(request);
        let mut refused = match account
            .send(
                own.as_ref().unwrap_or(request),
                &held.signer,
                classify,
                deadline,
            )
            .await
        {
            Ok(response) => {
                held.has_succeeded.store(true, Ordering::Relaxed);
                return Ok(response);
            }
            Err(problem)
                if problem.category != Category::Unauthenticated || self.provider.is_none() =>
            {
                return Err(problem);
            }
            Err(problem) => problem,
        };
        match self.refresh(&held, account, deadline).await {
            Ok(Some(renewed)) => {
                let own = renewed.signer.complete(request);
                let request = own.as_ref().unwrap_or(request);
                let outcome = account
                    .send(request, &renewed.signer, classify, deadline)
                    .await;
                match &outcome {
                    Ok(_) => renewed.has_succeeded.store(true, Ordering::Relaxed),
                    Err(problem) if problem.category == Category::Unauthenticated => {
                        self.on_rejected(&renewed)
                    }
                    Err(_) => {}
                }
                outcome
            }
            Ok(None) => Err(refused),
            // It may be renewed when the service is there again.
            Err(problem) if problem.retryable => Err(problem),
            Err(problem) => {
                let next = problem
                    .hint
                    .map_or_else(String::new, |hint| format!("; {hint}"));
                refused.hint = Some(format!("it cannot be refreshed: {}{next}", problem.message));
                Err(refused)
            }
        }
    }

    /// Another credential than the one that was refused; `None` when there is none.
    async fn refresh(
        &self,
        refused: &Arc<ActiveCredential<S>>,
        account: &ApiClient,
        deadline: Deadline,
    ) -> Result<Option<Arc<ActiveCredential<S>>>, Problem> {
        let mut held = self.active.lock().await;
        let current = held.clone();
        // Of many calls that were refused at the same time the first one renews for all.
        if let Some(current) = current.filter(|current| current.secrets != refused.secrets) {
            return Ok(Some(current));
        }
        self.on_rejected(refused);
        if !self.may_renew(refused, account.now()) {
            return Ok(None);
        }
        let renewed = self.issue(&mut held, true, account, deadline).await?;
        // What was refused once is not shown again: some clouds lock a key after a few refusals.
        if renewed.secrets == refused.secrets {
            *held = Some(Arc::clone(refused));
            return Ok(None);
        }
        account.credential_replaced();
        Ok(Some(renewed))
    }

    /// False for a renewal that was rejected a short time ago and never worked: its age was not the reason,
    /// and another one would cost a call. Files are always read again, since they may be corrected meanwhile.
    fn may_renew(&self, refused: &ActiveCredential<S>, now: DateTime<Utc>) -> bool {
        let provider = self.provider.as_deref();
        let costs_call = provider.is_some_and(CredentialProvider::makes_calls);
        let has_succeeded = refused.has_succeeded.load(Ordering::Relaxed);
        refused.refreshed_at.is_none_or(|at| {
            let is_recent = (TimeDelta::zero()..RENEWAL_COOLDOWN).contains(&(now - at));
            has_succeeded || !costs_call || !is_recent
        })
    }

    fn on_rejected(&self, refused: &ActiveCredential<S>) {
        if let Some(provider) = &self.provider {
            provider.on_rejected(&refused.signer);
        }
    }

    async fn issue(
        &self,
        held: &mut Option<Arc<ActiveCredential<S>>>,
        is_renewal: bool,
        account: &ApiClient,
        deadline: Deadline,
    ) -> Result<Arc<ActiveCredential<S>>, Problem> {
        let provider = self.provider.as_ref();
        let provider = provider.expect("an expiring credential has a provider");
        if let Some(problem) = self.negative_cache.get("credential", account.now()) {
            return Err(problem);
        }
        let issued = provider.provide(deadline).await.inspect_err(|problem| {
            if provider.makes_calls() {
                self.negative_cache.insert(problem, account.now());
            }
        })?;
        account.mask_secrets(&issued.secrets);
        if let Some(label) = provider.label() {
            account.set_credential_label(label);
        }
        let mut issued = ActiveCredential::new(issued, is_renewal.then(|| account.now()));
        if provider.makes_calls() && !issued.is_valid_for(account.server_now(), REFRESH_MARGIN) {
            // A clock is wrong, and another one would be the same: the cloud reports when it ends.
            issued.expires_at = None;
        }
        let issued = Arc::new(issued);
        *held = Some(Arc::clone(&issued));
        Ok(issued)
    }

    /// What signs with the credential that is held.
    #[cfg(test)]
    pub(crate) fn sign_for_test(
        &self,
        request: &Request,
        now: DateTime<Utc>,
        nonce: &str,
    ) -> SigningInstructions {
        let held = self.active.try_lock().unwrap();
        held.as_ref().unwrap().signer.sign(request, now, nonce)
    }
}

#[cfg(test)]
pub(super) mod tests;
