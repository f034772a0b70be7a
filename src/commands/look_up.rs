mod columns;
mod ends;
mod told;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(super) use columns::check as check_columns;
pub(super) use ends::CredentialEnd;
pub(super) use told::{Collected, UNCHECKED};

use super::Session;
use super::references::{self, Allowed};
use crate::error::{Category, Problem};
use crate::http::{Deadline, Wire};
use crate::model::{Job, Report, Time};
use crate::providers::{self, Ask, CLOUDS, Client, Cloud, Found, mask_job, redact_job};
use crate::reference::{LATEST, Reference, Scope, Template};
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
    providers::cloud(cloud).map(Cloud::legal_settings)
}

/// The legal settings of all clouds.
pub(super) fn all_cloud_keys() -> Vec<CloudKeys> {
    CLOUDS.iter().map(|cloud| cloud.legal_settings()).collect()
}

/// Everything that looking needs, found and checked before the first call.
pub(super) struct Lens {
    /// What is looked at, in the order given, each once.
    pub references: Vec<Reference>,
    /// The scopes that are looked at, in the order given, each once.
    pub scopes: Vec<Scope>,
    /// The scopes whose newest thing is looked at, each with the number of references before it.
    pub newest: Vec<(usize, Scope)>,
    /// What the clients share.
    pub wire: Arc<Wire>,
    /// Notices of the run.
    pub told: Collected,
    /// The credentials that are known to end.
    pub ends: Vec<CredentialEnd>,
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
        let profile = session.default_profile(&settings);
        let named = references::read(inputs, &settings, profile, options.allowed)?;
        let scopes = named.scopes().chain(named.newest().map(|(_, scope)| scope));
        let templates = scopes.map(|scope| scope.template);
        let templates = templates.chain(named.references().map(|one| one.template));
        check_columns(session, templates).map_err(|problem| vec![problem])?;
        let things = named.references().map(account_of);
        let accounts: Vec<Account> = things
            .chain(named.scopes().map(account_of_scope))
            .chain(named.newest().map(|(_, scope)| account_of_scope(scope)))
            .collect();
        let lens = Self::over(session, settings, accounts, options, pace);
        Ok(Self {
            references: named.references().cloned().collect(),
            scopes: named.scopes().cloned().collect(),
            newest: named
                .newest()
                .map(|(at, scope)| (at, scope.clone()))
                .collect(),
            ..lens.map_err(|problem| vec![problem])?
        })
    }

    /// Makes a client for each account, for what no reference names. Nothing is sent.
    ///
    /// # Errors
    /// Wrong use of an option or of a setting of the wire.
    pub(super) fn over(
        session: &Session,
        settings: Settings,
        accounts: Vec<Account>,
        options: Options,
        pace: Option<Duration>,
    ) -> Result<Self, Problem> {
        let told = Collected::default();
        let wire = wire(session, &settings, &told, pace)?;
        let mut ends = Vec::new();
        let clients = connect(accounts, &settings, &wire, &told, &mut ends);
        for client in clients.values().flatten() {
            // Known before the first call, whoever will be asked.
            wire.check_route(&client.endpoint().unwrap_or_default())?;
        }
        Ok(Self {
            references: Vec::new(),
            scopes: Vec::new(),
            newest: Vec::new(),
            wire,
            told,
            ends,
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
        self.client_of(&account_of_scope(scope))
    }

    /// The client of an account.
    ///
    /// # Errors
    /// Why the account cannot be used.
    pub(super) fn client_of(&self, account: &Account) -> Result<Arc<dyn Client>, Problem> {
        self.clients[account].clone()
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
            found.map_err(|mut problem| {
                self.wire.redact(&mut problem);
                addressed(problem, reference)
            })?,
            reference,
        )
    }

    /// Finishes what a client found: times, masks, notices.
    ///
    /// # Errors
    /// A clock that is out of all bounds.
    pub(super) fn settle(&self, found: Found, reference: &Reference) -> Outcome {
        let now = self
            .now()
            .map_err(|problem| addressed(problem, reference))?;
        Ok(self.finish(found, now))
    }

    /// As [`Lens::settle`], at a time that was asked for before.
    pub(super) fn finish(&self, mut found: Found, now: Time) -> Job {
        found.job.settle(now);
        if !self.options.show_secrets {
            mask_job(&mut found.job);
        }
        redact_job(&mut found.job, self.wire.redactor());
        for mut notice in found.notices {
            self.wire.redactor().text(&mut notice.message);
            self.told.keep(notice);
        }
        found.job
    }

    /// The present.
    ///
    /// # Errors
    /// A clock that is out of all bounds.
    pub(super) fn now(&self) -> Result<Time, Problem> {
        Time::new(self.wire.now()).ok_or_else(|| {
            let message = "this machine's clock is outside the years 1 to 9999";
            Problem::new(Category::Clock, message)
        })
    }

    /// Looks all references up, side by side, and answers in their order; the newest of a scope in
    /// its place, unless its own reference was given too.
    ///
    /// A reference whose account cannot be used fails by itself and hides no other.
    pub(super) async fn outcomes(self: &Arc<Self>) -> Vec<Outcome> {
        let mut sought: Vec<Sought> = self.references.iter().cloned().map(Sought::Thing).collect();
        for (at, scope) in self.newest.iter().rev() {
            sought.insert(*at, Sought::Newest(scope.clone()));
        }
        let mut places: HashMap<&str, Arc<Semaphore>> = HashMap::new();
        let mut running = JoinSet::new();
        for (number, one) in sought.iter().enumerate() {
            let place = places
                .entry(one.cloud())
                .or_insert_with(|| Arc::new(Semaphore::new(self.wire.limits().concurrency)));
            let (place, lens, one) = (Arc::clone(place), Arc::clone(self), one.clone());
            running.spawn(async move {
                // The time of a look starts when its turn has come: a long list is not a slow look.
                let _place = place
                    .acquire()
                    .await
                    .expect("the semaphore is never closed");
                (number, lens.seek(&one).await)
            });
        }
        let mut outcomes: Vec<Option<Outcome>> = sought.iter().map(|_| None).collect();
        while let Some(joined) = running.join_next().await {
            let (number, outcome) = joined.expect("a look neither panics nor is cancelled");
            outcomes[number] = Some(outcome);
        }
        let mut named: HashSet<String> = self.references.iter().map(Reference::to_string).collect();
        let answered = outcomes.into_iter().zip(&sought);
        let answered = answered.filter_map(|(outcome, one)| {
            let outcome = outcome.expect("every reference was answered or failed");
            match (&outcome, one) {
                (Ok(job), Sought::Newest(_)) if !named.insert(job.reference.clone()) => None,
                _ => Some(outcome),
            }
        });
        answered.collect()
    }

    async fn seek(&self, one: &Sought) -> Outcome {
        match one {
            Sought::Thing(reference) => self.look(reference, Deadline::after(BUDGET)).await,
            Sought::Newest(scope) => {
                let reference = self.newest_of(scope).await?;
                self.look(&reference, Deadline::after(BUDGET)).await
            }
        }
    }

    /// The newest thing of a scope, as it was typed.
    ///
    /// # Errors
    /// As [`providers::newest`], or why the account cannot be used.
    pub(super) async fn newest_of(&self, scope: &Scope) -> Result<Reference, Problem> {
        let framed = |mut problem: Problem| {
            problem = addressed_to(problem, &account_of_scope(scope), list_permission(scope));
            problem.reference = Some(format!("{scope}{LATEST}"));
            problem.input = Some(scope.input.clone());
            problem
        };
        let client = self.client_of_scope(scope).map_err(framed)?;
        let ask = self.ask_kind(scope.template, Deadline::after(BUDGET));
        let newest = providers::newest(&*client, scope, &ask).await;
        let mut reference = newest.map_err(framed)?;
        reference.input.clone_from(&scope.input);
        Ok(reference)
    }
}

/// What is looked up.
#[derive(Debug, Clone)]
enum Sought {
    Thing(Reference),
    /// The newest thing of a scope.
    Newest(Scope),
}

impl Sought {
    fn cloud(&self) -> &'static str {
        match self {
            Self::Thing(reference) => reference.template.cloud,
            Self::Newest(scope) => scope.template.cloud,
        }
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

/// What all clients of a run share.
///
/// # Errors
/// Wrong use of an option or of a setting of the wire.
pub(super) fn wire(
    session: &Session,
    settings: &Settings,
    told: &Collected,
    pace: Option<Duration>,
) -> Result<Arc<Wire>, Problem> {
    let mut limits = session.global.limits(settings.file())?;
    limits.pace = pace;
    let proxies = settings.environment().proxies();
    Wire::new(limits, &proxies, Arc::new(Utc::now), session.sink(told))
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

/// One client for each account.
fn connect(
    accounts: Vec<Account>,
    settings: &Settings,
    wire: &Arc<Wire>,
    told: &Collected,
    ends: &mut Vec<CredentialEnd>,
) -> HashMap<Account, Result<Arc<dyn Client>, Problem>> {
    let mut clients = HashMap::new();
    for account in accounts {
        clients
            .entry(account)
            .or_insert_with_key(|(cloud, profile)| {
                let cloud = providers::cloud(cloud)
                    .expect("every template belongs to a cloud of the registry");
                let keys = cloud.legal_settings();
                let profile = settings.profile(&keys, profile)?;
                for notice in &profile.notices {
                    told.keep(notice.clone());
                }
                let client: Arc<dyn Client> = (cloud.connect)(&profile, wire).map(Arc::from)?;
                ends.extend(CredentialEnd::of(&*client, &keys, &profile));
                Ok(client)
            });
    }
    clients
}

/// The same problem with the reference it is about.
pub(super) fn addressed(mut problem: Problem, reference: &Reference) -> Problem {
    problem.reference = Some(reference.to_string());
    problem.input = Some(reference.input.clone());
    let permission = providers::kind(reference.template).permission;
    addressed_to(problem, &account_of(reference), Some(permission))
}

/// The same problem with the account it is about and what to do where neither the cloud nor the wire
/// knew better; `permission` is what the call needs, where that is known.
pub(super) fn addressed_to(
    mut problem: Problem,
    (cloud, profile): &Account,
    permission: Option<&str>,
) -> Problem {
    problem.cloud.get_or_insert_with(|| (*cloud).to_owned());
    problem.profile.get_or_insert_with(|| profile.clone());
    if problem.hint.is_none() {
        problem.hint = next_step(problem.category, permission);
    }
    problem
}

/// The permission that listing a scope needs.
fn list_permission(scope: &Scope) -> Option<&'static str> {
    Some(providers::kind(scope.template).list_permission)
}

fn next_step(category: Category, permission: Option<&str>) -> Option<String> {
    let step = match category {
        Category::Permission => return Some(format!("the account needs {}", permission?)),
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
