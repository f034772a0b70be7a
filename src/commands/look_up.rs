use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Session;
use super::references::{self, Allowed, Named};
use crate::error::{Category, Problem};
use crate::http::{Deadline, Wire};
use crate::model::{Job, Notice, Report, Time};
use crate::providers::{self, Ask, CLOUDS, Client, Found, mask_job};
use crate::reference::{Reference, Scope, Template};
use crate::settings::{CloudKeys, Settings};

/// A look-up spends at most this much time in all.
pub(super) const BUDGET: Duration = Duration::from_secs(60);

/// How things are looked up, for all references of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    /// Keep the clouds' own documents.
    pub vendor: bool,
    /// Show secrets that travel in answers.
    pub show_secrets: bool,
    /// Take a finished invocation whose exit codes cannot be read as succeeded.
    pub trust_finished: bool,
    /// What may stand among the references besides things.
    pub allowed: Allowed,
}

/// What became of one reference.
pub(super) type Outcome = Result<Job, Problem>;

/// The legal settings of a cloud.
pub(super) fn cloud_keys(cloud: &str) -> Option<CloudKeys> {
    providers::cloud(cloud).map(|cloud| CloudKeys {
        cloud: cloud.name,
        keys: cloud.keys,
    })
}

/// The legal settings of all clouds.
pub(super) fn all_cloud_keys() -> Vec<CloudKeys> {
    CLOUDS
        .iter()
        .map(|cloud| CloudKeys {
            cloud: cloud.name,
            keys: cloud.keys,
        })
        .collect()
}

/// Everything that looking needs, found and checked before the first call.
pub(super) struct Lens {
    /// What is looked at, in the order given, each once.
    pub references: Vec<Reference>,
    /// The scopes that are looked at, in the order given, each once.
    pub scopes: Vec<Scope>,
    /// What the clients share.
    pub wire: Arc<Wire>,
    /// Notices of the run.
    pub told: Collected,
    settings: Settings,
    options: Options,
    clients: HashMap<Account, Result<Arc<dyn Client>, Problem>>,
}

impl Lens {
    /// Reads the references, checks settings and options, and makes a client for each account that
    /// the references name. Nothing is sent.
    ///
    /// `pace` is the shortest time between two calls of one account.
    ///
    /// # Errors
    /// Wrong use: all references that are wrong, so that they can be mended at once.
    pub(super) fn prepare(
        session: &Session,
        settings: Settings,
        inputs: &[String],
        options: Options,
        pace: Option<Duration>,
    ) -> Result<Self, Vec<Problem>> {
        let one = |problem| vec![problem];
        let mut limits = session.global.limits(settings.file()).map_err(one)?;
        limits.pace = pace;
        let profile = session.default_profile(&settings);
        let named = references::read(inputs, &settings, profile, options.allowed)?;
        let told = Collected::default();
        let sink = session.sink(&told);
        let proxies = settings.environment().proxies();
        let wire = Wire::new(limits, &proxies, Arc::new(Utc::now), sink).map_err(one)?;
        let clients = connect(&named, &settings, &wire);
        Ok(Self {
            references: named.references().cloned().collect(),
            scopes: named.scopes().cloned().collect(),
            wire,
            told,
            settings,
            options,
            clients,
        })
    }

    /// The client of a reference's account.
    ///
    /// # Errors
    /// Why the account cannot be used, addressed to the reference.
    pub(super) fn client(&self, reference: &Reference) -> Result<Arc<dyn Client>, Problem> {
        match &self.clients[&account_of(reference)] {
            Ok(client) => Ok(Arc::clone(client)),
            Err(problem) => Err(addressed(problem.clone(), reference)),
        }
    }

    /// The client of a scope's account.
    ///
    /// # Errors
    /// Why the account cannot be used.
    pub(super) fn client_of_scope(&self, scope: &Scope) -> Result<Arc<dyn Client>, Problem> {
        self.clients[&account_of_scope(scope)].clone()
    }

    /// How a thing of this reference's kind is asked for until a deadline.
    pub(super) fn ask(&self, reference: &Reference, deadline: Deadline) -> Ask {
        self.ask_kind(reference.template, deadline)
    }

    /// How things of a kind are asked for until a deadline.
    pub(super) fn ask_kind(&self, template: &Template, deadline: Deadline) -> Ask {
        let kind = format!("{}/{}", template.cloud, template.kind);
        Ask {
            vendor: self.options.vendor,
            show_secrets: self.options.show_secrets,
            trust_finished: self.options.trust_finished,
            states: self.settings.file().states(&kind).to_vec(),
            deadline,
        }
    }

    /// Looks one thing up.
    pub(super) async fn look(&self, reference: &Reference, deadline: Deadline) -> Outcome {
        let client = self.client(reference)?;
        let found = client
            .look_up(reference, &self.ask(reference, deadline))
            .await;
        self.settle(
            found.map_err(|problem| addressed(problem, reference))?,
            reference,
        )
    }

    /// Finishes what a client found: times, masks, notices.
    ///
    /// # Errors
    /// A clock that is out of all bounds.
    pub(super) fn settle(&self, mut found: Found, reference: &Reference) -> Outcome {
        let now = Time::new(self.wire.now()).ok_or_else(|| {
            let message = "this machine's clock is outside the years 1 to 9999";
            addressed(Problem::new(Category::Clock, message), reference)
        })?;
        found.job.settle(now);
        if !self.options.show_secrets {
            mask_job(&mut found.job);
        }
        found
            .notices
            .into_iter()
            .for_each(|notice| self.told.keep(notice));
        Ok(found.job)
    }

    /// Looks all references up, side by side, and answers in their order.
    ///
    /// A reference whose account cannot be used fails by itself and hides no other.
    pub(super) async fn outcomes(self: &Arc<Self>) -> Vec<Outcome> {
        let mut places: HashMap<&str, Arc<Semaphore>> = HashMap::new();
        let mut running = JoinSet::new();
        for (number, reference) in self.references.iter().enumerate() {
            let place = places
                .entry(reference.template.cloud)
                .or_insert_with(|| Arc::new(Semaphore::new(self.wire.limits().concurrency)));
            let (place, lens) = (Arc::clone(place), Arc::clone(self));
            running.spawn(async move {
                // The time of a look starts when its turn has come: a long list is not a slow look.
                let _place = place
                    .acquire()
                    .await
                    .expect("the semaphore is never closed");
                (
                    number,
                    lens.look(&lens.references[number], Deadline::after(BUDGET))
                        .await,
                )
            });
        }
        let mut outcomes: Vec<Option<Outcome>> = self.references.iter().map(|_| None).collect();
        while let Some(joined) = running.join_next().await {
            let (number, outcome) = joined.expect("a look neither panics nor is cancelled");
            outcomes[number] = Some(outcome);
        }
        outcomes
            .into_iter()
            .map(|outcome| outcome.expect("every reference was answered or failed"))
            .collect()
    }
}

/// What was found and what failed, as an answer.
pub(super) fn report(command: &'static str, outcomes: Vec<Outcome>, lens: &Lens) -> Report {
    let (mut jobs, mut problems) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(job) => jobs.push(job),
            Err(problem) => problems.push(problem),
        }
    }
    Report {
        calls: lens.wire.calls(),
        ..Report::new(command, jobs, problems, lens.told.all())
    }
}

/// `cloud/kind`
pub(super) fn kind_of(reference: &Reference) -> String {
    format!("{}/{}", reference.template.cloud, reference.template.kind)
}

/// Cloud and profile.
pub(super) type Account = (&'static str, String);

/// The account that a reference is asked with.
pub(super) fn account_of(reference: &Reference) -> Account {
    (reference.template.cloud, reference.profile.clone())
}

fn account_of_scope(scope: &Scope) -> Account {
    (scope.template.cloud, scope.profile.clone())
}

/// One client for each account that the references name.
fn connect(
    named: &Named,
    settings: &Settings,
    wire: &Arc<Wire>,
) -> HashMap<Account, Result<Arc<dyn Client>, Problem>> {
    let mut clients = HashMap::new();
    let things = named.references().map(account_of);
    for account in things.chain(named.scopes().map(account_of_scope)) {
        clients
            .entry(account)
            .or_insert_with_key(|(cloud, profile)| {
                let cloud = providers::cloud(cloud)
                    .expect("every template belongs to a cloud of the registry");
                let keys = CloudKeys {
                    cloud: cloud.name,
                    keys: cloud.keys,
                };
                let profile = settings.profile(&keys, profile)?;
                (cloud.connect)(&profile, wire).map(Arc::from)
            });
    }
    clients
}

/// The same problem with the reference it is about.
pub(super) fn addressed(mut problem: Problem, reference: &Reference) -> Problem {
    problem.reference = Some(reference.to_string());
    problem.input = Some(reference.input.clone());
    problem
        .cloud
        .get_or_insert_with(|| reference.template.cloud.to_owned());
    problem
        .profile
        .get_or_insert_with(|| reference.profile.clone());
    if problem.hint.is_none() {
        problem.hint = next_step(problem.category, reference);
    }
    problem
}

/// What to do where neither the cloud nor the wire knew better.
fn next_step(category: Category, reference: &Reference) -> Option<String> {
    let step = match category {
        Category::Permission => {
            let kind = providers::kinds().find(|kind| kind.template == *reference.template)?;
            return Some(format!("the account needs {}", kind.permission));
        }
        Category::Clock => "set this machine's clock",
        Category::Network => {
            "check endpoint and network; --request-timeout gives an answer more time"
        }
        Category::Throttled | Category::Service => "ask again later; -v shows every attempt",
        Category::Rejected | Category::Unreadable => "-v shows what was asked",
        Category::Usage | Category::NotFound | Category::NoCredentials | Category::Refused => {
            return None;
        }
    };
    Some(step.to_owned())
}

/// Notices of a run, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Collected(Arc<Mutex<Kept>>);

/// Notices in the order in which they came. An answer can hold a hundred thousand words that no
/// table knows, so that what was kept is not searched one by one.
#[derive(Debug, Default)]
struct Kept {
    notices: Vec<Notice>,
    known: HashSet<Notice>,
    shown: usize,
}

impl Collected {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a notice, unless it was kept before.
    pub(super) fn keep(&self, notice: Notice) {
        let mut kept = self.kept();
        if kept.known.insert(notice.clone()) {
            kept.notices.push(notice);
        }
    }

    /// The notices that came since this was last asked.
    pub(super) fn fresh(&self) -> Vec<Notice> {
        let mut kept = self.kept();
        let fresh = kept.notices[kept.shown..].to_vec();
        kept.shown = kept.notices.len();
        fresh
    }

    /// All notices so far.
    pub(super) fn all(&self) -> Vec<Notice> {
        self.kept().notices.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_notices_take_no_time_and_come_once_each() {
        let collected = Collected::default();
        for _ in 0..2 {
            for number in 0..100_000 {
                collected.keep(Notice::new("unknown_state", number.to_string()));
            }
        }
        assert_eq!(collected.all().len(), 100_000);
    }
}
