//! Issued credentials that are kept between runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};

use super::disk::{LONGEST, Place};
use super::{Issued, Issuer};
use crate::crypto::{hex, pbkdf2_sha256, sha256_hex};
use crate::error::Problem;
use crate::http::{Deadline, Wire};
use crate::providers::Boxed;
use crate::secret::Secret;
use crate::settings::Profile;

/// The parts of a credential by their names.
pub(in crate::providers) type Parts = BTreeMap<String, String>;

/// A signer that can be taken apart and put together again.
pub(in crate::providers) trait Keepable: Sized {
    /// All that it was made of.
    fn parts(&self) -> Parts;

    /// The same signer with its secrets; `None` when these are not its parts. Its end is known
    /// elsewhere.
    fn from_parts(parts: &Parts) -> Option<Issued<Self>>;
}

/// What is kept on disk of one account.
pub(super) struct Keeper {
    folder: PathBuf,
    profile: Profile,
    wire: Arc<Wire>,
    /// Found when it is first needed, since that takes a while.
    name: OnceLock<String>,
}

impl Keeper {
    /// What a profile keeps; `None` where it keeps nothing.
    pub(super) fn of(profile: &Profile, wire: &Arc<Wire>) -> Option<Arc<Self>> {
        let folder = profile.token_folder.clone()?;
        Some(Arc::new(Self {
            folder,
            profile: profile.clone(),
            wire: Arc::clone(wire),
            name: OnceLock::new(),
        }))
    }

    /// The folder of all accounts.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn name(&self) -> &str {
        self.name.get_or_init(|| name(&self.profile))
    }

    fn tell(&self, what: &str) {
        let (cloud, profile) = (self.profile.cloud, &self.profile.name);
        let folder = self.folder.display();
        self.wire
            .trace(format!("token cache of {cloud} {profile} {folder}: {what}"));
    }

    /// False when files or a command of the profile say something else by now, so that another
    /// account may have been asked. Other calls go on meanwhile, since a command may be on its way.
    async fn is_as_at_first(&self) -> bool {
        let first = self.profile.clone();
        let comparing = tokio::task::spawn_blocking(move || {
            let present = first.at_present();
            present.is_none_or(|present| present.is_ok_and(|now| now.values().eq(first.values())))
        });
        comparing.await.expect("a comparison does not panic")
    }
}

/// An issuer whose credentials are kept on disk: what an earlier run or another process keeps is
/// taken before a new one is fetched.
pub(super) struct Kept<S> {
    issuer: Box<dyn Issuer<S>>,
    keeper: Arc<Keeper>,
    place: OnceLock<Place>,
    /// What a cloud refused in this run.
    refused: Mutex<Vec<Parts>>,
}

impl<S> Kept<S> {
    /// What `issuer` issues for an account.
    pub(super) fn new(issuer: Box<dyn Issuer<S>>, keeper: &Arc<Keeper>) -> Self {
        Self {
            issuer,
            keeper: Arc::clone(keeper),
            place: OnceLock::new(),
            refused: Mutex::default(),
        }
    }

    fn place(&self) -> &Place {
        let place = || Place::new(&self.keeper.folder, self.keeper.name().to_owned());
        self.place.get_or_init(place)
    }

    fn now(&self) -> DateTime<Utc> {
        self.keeper.wire.now()
    }

    fn refusals(&self) -> MutexGuard<'_, Vec<Parts>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Keepable + Send + Sync> Kept<S> {
    /// What is kept, is good, and was not refused.
    fn take(&self) -> Option<Issued<S>> {
        let entry = self.place().read(self.now()).unwrap_or_else(|why| {
            self.keeper.tell(&format!("not used: {why}"));
            None
        })?;
        if self.refusals().contains(&entry.parts) {
            return None;
        }
        let issued = S::from_parts(&entry.parts)?;
        self.keeper.tell("used");
        Some(Issued {
            expires_at: entry.expires_at(),
            ..issued
        })
    }

    async fn put(&self, issued: &Issued<S>) {
        // Of one whose end is not known nobody could tell whether it is still good.
        let Some(expires_at) = issued.expires_at else {
            return;
        };
        let parts = issued.signer.parts();
        if !self.keeper.is_as_at_first().await || self.refusals().contains(&parts) {
            return;
        }
        let written = self.place().write(parts, expires_at, self.now());
        if let Err(error) = written {
            self.keeper.tell(&format!("not written: {error}"));
        }
    }
}

impl<S: Keepable + Send + Sync> Issuer<S> for Kept<S> {
    fn issue(&self, deadline: Deadline) -> Boxed<'_, Result<Issued<S>, Problem>> {
        Box::pin(async move {
            if let Some(issued) = self.take() {
                return Ok(issued);
            }
            let issued = self.issuer.issue(deadline).await?;
            self.put(&issued).await;
            Ok(issued)
        })
    }

    fn label(&self) -> Option<String> {
        self.issuer.label()
    }

    fn refused(&self, signer: &S) {
        let parts = signer.parts();
        self.place().forget(&parts, self.now());
        let mut refusals = self.refusals();
        if !refusals.contains(&parts) {
            refusals.push(parts);
        }
    }
}

/// A fact that was learned with a credential that is kept, and is kept beside it.
pub(in crate::providers) struct Learned {
    keeper: Arc<Keeper>,
    fact: &'static str,
    place: OnceLock<Place>,
}

impl Learned {
    /// A fact of an account.
    pub(super) fn new(keeper: &Arc<Keeper>, fact: &'static str) -> Self {
        Self {
            keeper: Arc::clone(keeper),
            fact,
            place: OnceLock::new(),
        }
    }

    fn place(&self) -> &Place {
        self.place.get_or_init(|| {
            let name = format!("{} {}", self.fact, self.keeper.name());
            Place::new(&self.keeper.folder, sha256_hex(name.as_bytes()))
        })
    }

    /// What is known.
    pub(in crate::providers) fn get(&self) -> Option<Parts> {
        let entry = self.place().read(self.keeper.wire.now()).ok()?;
        entry.map(|entry| entry.parts)
    }

    /// Keeps it for a day.
    pub(in crate::providers) async fn put(&self, parts: Parts) {
        if !self.keeper.is_as_at_first().await {
            return;
        }
        let now = self.keeper.wire.now();
        // That it cannot be kept was told with the credential.
        let _ = self.place().write(parts, now + LONGEST, now);
    }

    /// Lets it be learned again.
    pub(in crate::providers) fn forget(&self) {
        self.place().remove();
    }
}

/// The name of a profile's file: a hash of all that is set, secrets and addresses included, so that
/// what was fetched with other settings is not found. It is slow, since a password is among them.
fn name(profile: &Profile) -> String {
    const ROUNDS: u32 = 2_000;
    let values: Vec<(&str, &str)> = profile
        .values()
        .map(|(key, value): (_, &Secret)| (key, value.expose()))
        .collect();
    let account = serde_json::to_vec(&(profile.cloud, values)).expect("texts are always JSON");
    hex(&pbkdf2_sha256(&account, b"joblens token", ROUNDS))
}

#[cfg(test)]
mod tests;
