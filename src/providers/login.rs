//! Credentials that are fetched, run out or are rotated: kept while they are good, renewed once when
//! a cloud refuses them.

mod disk;
mod kept;
mod missed;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::Boxed;
use crate::error::{Category, Problem};
#[cfg(test)]
use crate::http::Proof;
use crate::http::{Account, Answer, Deadline, Refusal, Request, Signer, Wire};
use crate::model::Time;
use crate::secret::Secret;
use crate::settings::Profile;
use kept::{Keeper, Kept};

pub(super) use kept::{Keepable, Learned, Parts};
pub(super) use missed::Missed;

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

    /// What messages call the credential that was issued last, where that may be another than before.
    fn label(&self) -> Option<String> {
        None
    }

    /// Is told when the cloud refuses what was issued.
    fn refused(&self, _signer: &S) {}

    /// True when issuing costs calls.
    fn is_asked(&self) -> bool {
        true
    }
}

/// The credential of an account.
pub(super) struct Login<S> {
    issuer: Option<Box<dyn Issuer<S>>>,
    held: Mutex<Option<Arc<Held<S>>>>,
    missed: Missed,
    expires_at: Option<Time>,
    keeper: Option<Arc<Keeper>>,
}

/// What can be told of a credential without a call.
#[derive(Debug, Default)]
pub struct Credential {
    /// When the one that the profile gave ends, where that is known; `None` for one that is fetched,
    /// which is renewed before it ends.
    pub expires_at: Option<Time>,
    /// The folder where what is fetched is kept between runs; `None` when nothing is.
    pub kept_in: Option<PathBuf>,
}

/// A credential in use.
pub(super) struct Held<S> {
    /// What signs with it.
    pub signer: S,
    secrets: Vec<Secret>,
    expires_at: Option<DateTime<Utc>>,
    /// True for one that took the place of a refused one.
    is_renewal: bool,
    has_worked: AtomicBool,
}

impl<S> Held<S> {
    fn lasts(&self, now: DateTime<Utc>, margin: TimeDelta) -> bool {
        self.expires_at.is_none_or(|at| at - now > margin)
    }

    fn new(issued: Issued<S>, is_renewal: bool) -> Self {
        Self {
            signer: issued.signer,
            secrets: issued.secrets,
            expires_at: issued.expires_at,
            is_renewal,
            has_worked: AtomicBool::new(false),
        }
    }
}

/// How a cloud makes a credential of a profile.
pub(super) type Read<S> = fn(&Profile) -> Result<Issued<S>, Problem>;

/// How a cloud calls the credential of a profile in messages.
pub(super) type Label = fn(&Profile) -> String;

/// A profile whose files may hold another secret by now, or whose command may print another.
struct Rereader<S> {
    profile: Profile,
    read: Read<S>,
    label: Label,
    last: StdMutex<Option<String>>,
}

impl<S: Send + Sync> Rereader<S> {
    fn last(&self) -> MutexGuard<'_, Option<String>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Send + Sync> Issuer<S> for Rereader<S> {
    fn issue(&self, _deadline: Deadline) -> Boxed<'_, Result<Issued<S>, Problem>> {
        Box::pin(async move {
            let again = read_again(&self.profile).await.transpose()?;
            let profile = again.as_ref().unwrap_or(&self.profile);
            let issued = of_profile(profile, self.read)?;
            *self.last() = Some((self.label)(profile));
            Ok(issued)
        })
    }

    fn label(&self) -> Option<String> {
        self.last().clone()
    }

    fn is_asked(&self) -> bool {
        false
    }
}

/// What [`Profile::read_again`] gives. Other calls go on meanwhile, since a command takes its time.
pub(super) async fn read_again(profile: &Profile) -> Option<Result<Profile, Problem>> {
    let profile = profile.clone();
    let reading = tokio::task::spawn_blocking(move || profile.read_again());
    reading.await.expect("a reading does not panic")
}

/// A profile may know the end of a credential that does not tell its own.
fn of_profile<S>(profile: &Profile, read: Read<S>) -> Result<Issued<S>, Problem> {
    let issued = read(profile)?;
    let expires_at = issued.expires_at.or(profile.expires_at.map(Time::moment));
    Ok(Issued {
        expires_at,
        ..issued
    })
}

impl<S: Signer + 'static> Login<S> {
    /// The credential that a profile gives. One that stands in files of its own is read again when
    /// it has run out or was refused, and a command that prints one is run again; a refusal of any
    /// other is final.
    ///
    /// # Errors
    /// What `read` says of the profile.
    pub(super) fn of(profile: &Profile, read: Read<S>, label: Label) -> Result<Self, Problem> {
        let issued = of_profile(profile, read)?;
        let issuer = profile.is_read_again().then(|| {
            Box::new(Rereader {
                profile: profile.clone(),
                read,
                label,
                last: StdMutex::default(),
            }) as Box<dyn Issuer<S>>
        });
        let expires_at = issued.expires_at.and_then(Time::new);
        let issued = Issued {
            expires_at: issued.expires_at.filter(|_| issuer.is_some()),
            ..issued
        };
        Ok(Self {
            issuer,
            held: Mutex::new(Some(Arc::new(Held::new(issued, false)))),
            missed: Missed::default(),
            expires_at,
            keeper: None,
        })
    }

    /// A credential that is issued when it is first needed, and again when it has run out or was
    /// refused.
    pub(super) fn issued(issuer: impl Issuer<S> + 'static) -> Self {
        Self {
            issuer: Some(Box::new(issuer)),
            held: Mutex::new(None),
            missed: Missed::default(),
            expires_at: None,
            keeper: None,
        }
    }

    /// The same, with what is issued kept between runs where the profile says so. What is set in the
    /// profile must tell whose credential it is: one of the machine itself is not for this.
    pub(super) fn kept(self, profile: &Profile, wire: &Arc<Wire>) -> Self
    where
        S: Keepable,
    {
        match (self.issuer, Keeper::of(profile, wire)) {
            (Some(issuer), Some(keeper)) => Self {
                issuer: Some(Box::new(Kept::new(issuer, &keeper))),
                keeper: Some(keeper),
                ..self
            },
            (issuer, _) => Self { issuer, ..self },
        }
    }

    /// A fact that is learned with the credential, and kept where that is.
    pub(super) fn learned(&self, fact: &'static str) -> Option<Learned> {
        let keeper = self.keeper.as_ref()?;
        Some(Learned::new(keeper, fact))
    }

    /// What can be told of the credential without a call.
    pub(super) fn credential(&self) -> Credential {
        let keeper = self.keeper.as_ref();
        Credential {
            expires_at: self.expires_at,
            kept_in: keeper.map(|keeper| keeper.folder().to_path_buf()),
        }
    }

    /// A credential that is good at the moment.
    ///
    /// # Errors
    /// Why none could be issued.
    pub(super) async fn good(
        &self,
        account: &Account,
        deadline: Deadline,
    ) -> Result<Arc<Held<S>>, Problem> {
        let mut held = self.held.lock().await;
        let lasts = |held: &&Arc<Held<S>>, margin| held.lasts(account.now(), margin);
        if let Some(held) = held.as_ref().filter(|held| lasts(held, MARGIN)) {
            return Ok(Arc::clone(held));
        }
        let present = held.clone();
        let issued = self.issue(&mut held, false, account, deadline).await;
        match present.filter(|present| lasts(&present, TimeDelta::zero())) {
            Some(present) => Ok(issued.unwrap_or(present)),
            None => issued,
        }
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
        let held = self.good(account, deadline).await?;
        let mut refused = match account
            .send(request, &held.signer, classify, deadline)
            .await
        {
            Ok(answer) => {
                held.has_worked.store(true, Ordering::Relaxed);
                return Ok(answer);
            }
            Err(problem) if problem.category != Category::Refused || self.issuer.is_none() => {
                return Err(problem);
            }
            Err(problem) => problem,
        };
        match self.renew(&held, account, deadline).await {
            Ok(Some(renewed)) => {
                let outcome = account
                    .send(request, &renewed.signer, classify, deadline)
                    .await;
                match &outcome {
                    Ok(_) => renewed.has_worked.store(true, Ordering::Relaxed),
                    Err(problem) if problem.category == Category::Refused => self.reject(&renewed),
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
                refused.hint = Some(format!("it cannot be renewed: {}{next}", problem.message));
                Err(refused)
            }
        }
    }

    /// Another credential than the one that was refused; `None` when there is none.
    async fn renew(
        &self,
        refused: &Arc<Held<S>>,
        account: &Account,
        deadline: Deadline,
    ) -> Result<Option<Arc<Held<S>>>, Problem> {
        let mut held = self.held.lock().await;
        let current = held.clone();
        // Of many calls that were refused at the same time the first one renews for all.
        if let Some(current) = current.filter(|current| current.secrets != refused.secrets) {
            return Ok(Some(current));
        }
        self.reject(refused);
        // A renewal that never worked either shows that it is not the credential's age.
        if refused.is_renewal && !refused.has_worked.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let renewed = self.issue(&mut held, true, account, deadline).await?;
        // What was refused once is not shown again: some clouds lock a key after a few refusals.
        if renewed.secrets == refused.secrets {
            *held = Some(Arc::clone(refused));
            return Ok(None);
        }
        account.forgive();
        Ok(Some(renewed))
    }

    fn reject(&self, refused: &Held<S>) {
        if let Some(issuer) = &self.issuer {
            issuer.refused(&refused.signer);
        }
    }

    async fn issue(
        &self,
        held: &mut Option<Arc<Held<S>>>,
        is_renewal: bool,
        account: &Account,
        deadline: Deadline,
    ) -> Result<Arc<Held<S>>, Problem> {
        let issuer = self.issuer.as_ref();
        let issuer = issuer.expect("a credential that runs out has an issuer");
        if let Some(problem) = self.missed.recent("credential", account.now()) {
            return Err(problem);
        }
        let issued = issuer.issue(deadline).await.inspect_err(|problem| {
            if issuer.is_asked() {
                self.missed.note(problem, account.now());
            }
        })?;
        account.mask(&issued.secrets);
        if let Some(label) = issuer.label() {
            account.rename(label);
        }
        let mut issued = Held::new(issued, is_renewal);
        if issuer.is_asked() && !issued.lasts(account.now(), MARGIN) {
            // A clock is wrong, and another one would be the same: the cloud tells when it ends.
            issued.expires_at = None;
        }
        let issued = Arc::new(issued);
        *held = Some(Arc::clone(&issued));
        Ok(issued)
    }

    /// What signs with the credential that is held.
    #[cfg(test)]
    pub(super) fn signs(&self, request: &Request, now: DateTime<Utc>, nonce: &str) -> Proof {
        let held = self.held.try_lock().unwrap();
        held.as_ref().unwrap().signer.sign(request, now, nonce)
    }
}

#[cfg(test)]
mod tests;
