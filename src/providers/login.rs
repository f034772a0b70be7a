//! Credentials that are fetched, run out or are rotated: kept while they are good, renewed once when
//! a cloud refuses them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::Boxed;
use crate::error::{Category, Problem};
use crate::http::{Account, Answer, Deadline, Refusal, Request, Signer};
use crate::secret::Secret;
use crate::settings::Profile;

/// A credential this close to its end is renewed before it is used.
const MARGIN: TimeDelta = TimeDelta::seconds(60);

/// A credential as it was issued.
pub(super) struct Issued<S> {
    /// What signs with it.
    pub signer: S,
    /// Its secrets, which are masked in everything that the cloud answers from now on.
    pub secrets: Vec<Secret>,
    /// When it ends to be good, where that is known.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Gets a credential anew: from a service, or from a file whose content may have changed.
pub(super) trait Issuer<S>: Send + Sync {
    /// A new credential.
    ///
    /// # Errors
    /// Why there is none.
    fn issue(&self, deadline: Deadline) -> Boxed<'_, Result<Issued<S>, Problem>>;
}

/// The credential of an account.
pub(super) struct Login<S> {
    issuer: Option<Box<dyn Issuer<S>>>,
    held: Mutex<Option<Held<S>>>,
}

struct Held<S> {
    signer: Arc<S>,
    secrets: Vec<Secret>,
    expires_at: Option<DateTime<Utc>>,
}

/// Files that a profile names, which may hold another secret by now.
struct Files<S> {
    profile: Profile,
    read: fn(&Profile) -> Result<Issued<S>, Problem>,
}

impl<S: Send + Sync> Issuer<S> for Files<S> {
    fn issue(&self, _deadline: Deadline) -> Boxed<'_, Result<Issued<S>, Problem>> {
        Box::pin(async move {
            let again = self.profile.read_again().transpose()?;
            (self.read)(again.as_ref().unwrap_or(&self.profile))
        })
    }
}

impl<S: Signer + 'static> Login<S> {
    /// The credential that a profile gives. One that stands in files of its own is read again when
    /// it has run out or was refused; a refusal of any other is final.
    ///
    /// # Errors
    /// What `read` says of the profile.
    pub(super) fn of(
        profile: &Profile,
        read: fn(&Profile) -> Result<Issued<S>, Problem>,
    ) -> Result<Self, Problem> {
        let issued = read(profile)?;
        let issuer = profile.is_read_again().then(|| {
            let profile = profile.clone();
            Box::new(Files { profile, read }) as Box<dyn Issuer<S>>
        });
        let held = Held {
            signer: Arc::new(issued.signer),
            secrets: issued.secrets,
            expires_at: issued.expires_at.filter(|_| issuer.is_some()),
        };
        Ok(Self {
            issuer,
            held: Mutex::new(Some(held)),
        })
    }

    /// A credential that is issued when it is first needed, and again when it has run out or was
    /// refused.
    #[cfg(test)]
    pub(super) fn issued(issuer: impl Issuer<S> + 'static) -> Self {
        Self {
            issuer: Some(Box::new(issuer)),
            held: Mutex::new(None),
        }
    }

    /// A signer that is good at the moment.
    ///
    /// # Errors
    /// Why no credential could be issued.
    pub(super) async fn signer(
        &self,
        account: &Account,
        deadline: Deadline,
    ) -> Result<Arc<S>, Problem> {
        let mut held = self.held.lock().await;
        let now = account.now();
        let is_good = |held: &&Held<S>| held.expires_at.is_none_or(|at| at - MARGIN > now);
        if let Some(held) = held.as_ref().filter(is_good) {
            return Ok(Arc::clone(&held.signer));
        }
        self.issue(&mut held, account, deadline).await
    }

    /// Sends a call as [`Account::send`] does. A credential that the cloud refuses is renewed once,
    /// where that is possible, and the call is sent again.
    ///
    /// # Errors
    /// As [`Account::send`], and why no credential could be issued.
    pub(super) async fn send(
        &self,
        account: &Account,
        request: &Request,
        classify: &(dyn Fn(&Answer) -> Option<Refusal> + Sync),
        deadline: Deadline,
    ) -> Result<Answer, Problem> {
        let signer = self.signer(account, deadline).await?;
        let mut refused = match account.send(request, &*signer, classify, deadline).await {
            Err(problem) if problem.category == Category::Refused && self.issuer.is_some() => {
                problem
            }
            outcome => return outcome,
        };
        match self.renew(&signer, account, deadline).await {
            Ok(Some(renewed)) => account.send(request, &*renewed, classify, deadline).await,
            Ok(None) => Err(refused),
            // It may be renewed when the service is there again.
            Err(problem) if problem.retryable => Err(problem),
            Err(problem) => {
                let next = problem
                    .hint
                    .map_or_else(String::new, |hint| format!("; {hint}"));
                refused.hint = Some(format!("it cannot be renewed: {}{next}", problem.message));
                Err(refused)
            }
        }
    }

    /// Another signer than the one that was refused; `None` when there is none.
    async fn renew(
        &self,
        refused: &Arc<S>,
        account: &Account,
        deadline: Deadline,
    ) -> Result<Option<Arc<S>>, Problem> {
        let mut held = self.held.lock().await;
        let current = held.as_ref().map(|held| Arc::clone(&held.signer));
        // Of many calls that were refused at the same time the first one renews for all.
        if let Some(current) = current.filter(|current| !Arc::ptr_eq(current, refused)) {
            return Ok(Some(current));
        }
        let signer = self.issue(&mut held, account, deadline).await?;
        // What was refused once is not shown again: some clouds lock a key after a few refusals.
        if Arc::ptr_eq(&signer, refused) {
            return Ok(None);
        }
        account.forgive();
        Ok(Some(signer))
    }

    async fn issue(
        &self,
        held: &mut Option<Held<S>>,
        account: &Account,
        deadline: Deadline,
    ) -> Result<Arc<S>, Problem> {
        let issuer = self.issuer.as_ref();
        let issuer = issuer.expect("a credential that runs out has an issuer");
        let issued = issuer.issue(deadline).await?;
        account.mask(&issued.secrets);
        let signer = match held.take_if(|held| held.secrets == issued.secrets) {
            Some(same) => same.signer,
            None => Arc::new(issued.signer),
        };
        *held = Some(Held {
            signer: Arc::clone(&signer),
            secrets: issued.secrets,
            expires_at: issued.expires_at,
        });
        Ok(signer)
    }

    /// The signer that is held, for tests that sign without sending.
    #[cfg(test)]
    pub(super) fn held(&self) -> Arc<S> {
        let held = self.held.try_lock().unwrap();
        Arc::clone(&held.as_ref().unwrap().signer)
    }
}

#[cfg(test)]
mod tests;
