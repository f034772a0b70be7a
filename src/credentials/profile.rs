//! Credentials that a profile contains.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::{Credential, CredentialProvider};
use crate::error::Problem;
use crate::http::Deadline;
use crate::model::Time;
use crate::settings::{Profile, RerunReason};
use crate::sync::lock;

/// Creates a cloud's credential from a profile.
pub(crate) type FromProfile<S> = fn(&Profile) -> Result<Credential<S>, Problem>;

/// Returns the label of a profile's credential for messages.
pub(crate) type LabelFn = fn(&Profile) -> String;

/// Provides the credential of a profile whose files or command may have new content.
pub(super) struct ReloadingProvider<S> {
    profile: Profile,
    read: FromProfile<S>,
    label: LabelFn,
    last: Mutex<Option<String>>,
    /// `true` if the cloud rejected the credential that was read last.
    is_rejected: AtomicBool,
}

impl<S> ReloadingProvider<S> {
    /// Reads `profile` again for each credential.
    pub(super) fn new(profile: &Profile, read: FromProfile<S>, label: LabelFn) -> Self {
        Self {
            profile: profile.clone(),
            read,
            label,
            last: Mutex::default(),
            is_rejected: AtomicBool::new(false),
        }
    }
}

#[async_trait]
impl<S: Send + Sync> CredentialProvider<S> for ReloadingProvider<S> {
    async fn provide(&self, _deadline: Deadline) -> Result<Credential<S>, Problem> {
        let reason = match self.is_rejected.swap(false, Ordering::Relaxed) {
            true => RerunReason::Rejected,
            false => RerunReason::Expiring,
        };
        let again = reload(&self.profile, reason).await.transpose()?;
        let profile = again.as_ref().unwrap_or(&self.profile);
        let issued = from_profile(profile, self.read)?;
        *lock(&self.last) = Some((self.label)(profile));
        Ok(issued)
    }

    fn label(&self) -> Option<String> {
        lock(&self.last).clone()
    }

    fn on_rejected(&self, _signer: &S) {
        self.is_rejected.store(true, Ordering::Relaxed);
    }

    fn makes_calls(&self) -> bool {
        false
    }
}

/// Runs [`Profile::reload`] on another thread, since a command can take long.
pub(crate) async fn reload(
    profile: &Profile,
    reason: RerunReason,
) -> Option<Result<Profile, Problem>> {
    let profile = profile.clone();
    let reading = tokio::task::spawn_blocking(move || profile.reload(reason));
    reading.await.expect("a reading does not panic")
}

/// Reads the credential; if it has no expiry, uses that of the profile.
pub(super) fn from_profile<S>(
    profile: &Profile,
    read: FromProfile<S>,
) -> Result<Credential<S>, Problem> {
    let issued = read(profile)?;
    let expires_at = issued
        .expires_at
        .or(profile.expires_at.map(Time::to_datetime));
    Ok(Credential {
        expires_at,
        ..issued
    })
}
