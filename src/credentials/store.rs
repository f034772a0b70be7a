//! Stores issued credentials between runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::token_file::{MAX_AGE, TokenFile};
use super::{Credential, CredentialProvider};
use crate::crypto::{hex, pbkdf2_sha256, sha256_hex};
use crate::error::{Problem, file_error_text};
use crate::http::{Deadline, Transport};
use crate::secret::Secret;
use crate::settings::Profile;
use crate::sync::lock;

/// The parts of a credential by their names.
pub(crate) type StoredFields = BTreeMap<String, String>;

/// A signer that can be stored as its parts and restored from them.
pub(crate) trait Storable: Sized {
    /// Returns all its parts.
    fn parts(&self) -> StoredFields;

    /// Restores the signer with its secrets; `None` if the parts are invalid. The expiry is stored separately.
    fn from_parts(parts: &StoredFields) -> Option<Credential<Self>>;
}

/// The stored credentials of one account.
pub(super) struct TokenStore {
    folder: PathBuf,
    profile: Profile,
    /// Distinguishes several credentials of one profile.
    credential_name: String,
    transport: Arc<Transport>,
    /// Computed on first use, since that is slow.
    name: OnceLock<String>,
}

impl TokenStore {
    /// Returns the store of a profile; `None` if the profile stores nothing.
    pub(super) fn from_profile(
        profile: &Profile,
        transport: &Arc<Transport>,
        credential_name: &str,
    ) -> Option<Arc<Self>> {
        let folder = profile.token_cache_dir.clone()?;
        Some(Arc::new(Self {
            folder,
            profile: profile.clone(),
            credential_name: credential_name.to_owned(),
            transport: Arc::clone(transport),
            name: OnceLock::new(),
        }))
    }

    /// Returns the folder for all accounts.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn name(&self) -> &str {
        self.name
            .get_or_init(|| name(&self.profile, &self.credential_name))
    }

    fn trace(&self, event: &str) {
        let (cloud, profile) = (self.profile.cloud(), &self.profile.name);
        let folder = self.folder.display();
        self.transport.trace(format!(
            "token cache of {cloud} {profile} {folder}: {event}"
        ));
    }

    /// Returns `true` if the files or the command of the profile still have the same result. If not, another account
    /// may have been queried. Runs on another thread, since a command can take long.
    async fn is_unchanged(&self) -> bool {
        let first = self.profile.clone();
        let comparing = tokio::task::spawn_blocking(move || {
            let present = first.reload_now();
            present.is_none_or(|present| present.is_ok_and(|now| now.values().eq(first.values())))
        });
        comparing.await.expect("a comparison does not panic")
    }
}

/// A provider that stores its credentials on disk. It uses a credential stored by an earlier run or another process
/// before it fetches a new one.
pub(super) struct PersistentProvider<S> {
    provider: Box<dyn CredentialProvider<S>>,
    store: Arc<TokenStore>,
    /// Credentials that a cloud rejected in this run.
    rejected: Mutex<Vec<StoredFields>>,
}

impl<S> PersistentProvider<S> {
    /// Stores the credentials that `provider` issues for an account.
    pub(super) fn new(provider: Box<dyn CredentialProvider<S>>, store: &Arc<TokenStore>) -> Self {
        Self {
            provider,
            store: Arc::clone(store),
            rejected: Mutex::default(),
        }
    }

    fn token_file(&self) -> TokenFile {
        TokenFile::new(&self.store.folder, self.store.name().to_owned())
    }

    fn now(&self) -> DateTime<Utc> {
        self.store.transport.now()
    }
}

impl<S: Storable + Send + Sync> PersistentProvider<S> {
    /// Returns the stored credential if it is valid and was not rejected.
    fn take(&self) -> Option<Credential<S>> {
        let entry = self
            .token_file()
            .read(self.now())
            .unwrap_or_else(|reason| {
                self.store.trace(&format!("not used: {reason}"));
                None
            })?;
        if lock(&self.rejected).contains(&entry.parts) {
            return None;
        }
        let issued = S::from_parts(&entry.parts)?;
        self.store.trace("used");
        Some(Credential {
            expires_at: entry.expires_at(),
            ..issued
        })
    }

    async fn put(&self, issued: &Credential<S>) {
        // Without an expiry, a later run could not know whether it is still valid.
        let Some(expires_at) = issued.expires_at else {
            return;
        };
        let parts = issued.signer.parts();
        if !self.store.is_unchanged().await || lock(&self.rejected).contains(&parts) {
            return;
        }
        let written = self.token_file().write(parts, expires_at, self.now());
        if let Err(error) = written {
            self.store
                .trace(&format!("not written: {}", file_error_text(&error)));
        }
    }
}

#[async_trait]
impl<S: Storable + Send + Sync> CredentialProvider<S> for PersistentProvider<S> {
    async fn provide(&self, deadline: Deadline) -> Result<Credential<S>, Problem> {
        if let Some(issued) = self.take() {
            return Ok(issued);
        }
        let issued = self.provider.provide(deadline).await?;
        self.put(&issued).await;
        Ok(issued)
    }

    fn label(&self) -> Option<String> {
        self.provider.label()
    }

    fn on_rejected(&self, signer: &S) {
        let parts = signer.parts();
        self.token_file().invalidate(&parts, self.now());
        let mut rejected = lock(&self.rejected);
        if !rejected.contains(&parts) {
            rejected.push(parts);
        }
    }
}

/// A value that is learned with a stored credential and stored next to it.
pub(crate) struct StoredValue {
    store: Arc<TokenStore>,
    key: &'static str,
}

impl StoredValue {
    /// Creates a value of an account.
    pub(super) fn new(store: &Arc<TokenStore>, key: &'static str) -> Self {
        Self {
            store: Arc::clone(store),
            key,
        }
    }

    fn token_file(&self) -> TokenFile {
        let name = format!("{} {}", self.key, self.store.name());
        TokenFile::new(&self.store.folder, sha256_hex(name.as_bytes()))
    }

    /// Returns the value, if it is stored.
    pub(crate) fn get(&self) -> Option<StoredFields> {
        let entry = self.token_file().read(self.store.transport.now()).ok()?;
        entry.map(|entry| entry.parts)
    }

    /// Stores the value for a day.
    pub(crate) async fn put(&self, parts: StoredFields) {
        if !self.store.is_unchanged().await {
            return;
        }
        let now = self.store.transport.now();
        // An error was already reported when the credential was stored.
        let _ = self.token_file().write(parts, now + MAX_AGE, now);
    }

    /// Removes the value, so that it is learned again.
    pub(crate) fn invalidate(&self) {
        self.token_file().remove();
    }
}

/// Returns the name of a profile's file: a hash of all settings, including secrets and addresses, so that
/// credentials fetched with other settings are not found. The hash is slow, since a password is part of it.
fn name(profile: &Profile, credential_name: &str) -> String {
    const ROUNDS: u32 = 2_000;
    let values: Vec<(&str, &str)> = profile
        .values()
        .map(|(key, value): (_, &Secret)| (key, value.expose()))
        .collect();
    let account = serde_json::to_vec(&(profile.cloud(), credential_name, values));
    let account = account.expect("texts are always JSON");
    hex(&pbkdf2_sha256(&account, b"joblens token", ROUNDS))
}

#[cfg(test)]
mod tests;
