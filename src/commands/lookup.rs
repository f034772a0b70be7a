mod columns;
mod credential_expiry;
mod plan;
#[cfg(test)]
mod scripted;
mod told;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(super) use columns::check as check_columns;
pub(super) use credential_expiry::CredentialExpiry;
pub(super) use plan::LookupPlan;
#[cfg(test)]
pub(super) use scripted::{Reply, ScriptedClient};
pub(super) use told::NoticeLog;

use super::CommandContext;
use super::references::AllowedTargets;
use crate::error::{Category, Problem};
use crate::http::{Deadline, Transport};
use crate::kind::Kind;
use crate::model::{Job, Time};
use crate::output::document::Envelope;
use crate::providers::{self, CLOUDS, Client, Cloud, GetOptions, GetResult, mask_job, redact_job};
use crate::reference::{LATEST, Reference, Scope};
use crate::settings::{Settings, SettingsSchema};

/// A look-up spends at most this much time in all.
pub(super) const LOOKUP_TIMEOUT: Duration = Duration::from_secs(60);

/// How things are looked up, for all references of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    /// Keep the clouds' own documents.
    pub raw: bool,
    /// Show secrets that travel in answers.
    pub show_secrets: bool,
    /// Treat a Finished invocation as succeeded when its exit codes are unavailable.
    pub trust_finished: bool,
    /// What may stand among the references besides things.
    pub allowed: AllowedTargets,
}

/// What became of one reference.
pub(super) type LookupResult = Result<Job, Problem>;

/// The legal settings of a cloud.
pub(super) fn cloud_keys(cloud: &str) -> Option<SettingsSchema> {
    providers::cloud(cloud).map(Cloud::settings_schema)
}

/// The legal settings of all clouds.
pub(super) fn all_cloud_keys() -> Vec<SettingsSchema> {
    CLOUDS.iter().map(|cloud| cloud.settings_schema()).collect()
}

/// Everything that looking needs, found and checked before the first call.
pub(super) struct Lookup {
    /// What is looked at, in the order given, each once.
    pub references: Vec<Reference>,
    /// The scopes that are looked at, in the order given, each once.
    pub scopes: Vec<Scope>,
    /// The scopes whose newest thing is looked at, each with the number of references before it.
    pub latest: Vec<(usize, Scope)>,
    /// What the clients share.
    pub transport: Arc<Transport>,
    /// Notices of the run.
    pub notices: NoticeLog,
    /// The credentials that are known to end.
    pub credential_expiries: Vec<CredentialExpiry>,
    settings: Settings,
    options: Options,
    clients: HashMap<AccountId, Result<Arc<dyn Client>, Problem>>,
}

impl Lookup {
    /// Reads the references, checks settings and options, and makes a client for each account that
    /// the references name. Nothing is sent.
    ///
    /// `pace` is the shortest time between two calls of one account.
    ///
    /// # Errors
    /// Wrong use: all references that are wrong, so that they can be mended at once.
    pub(super) fn resolve(
        session: &CommandContext,
        settings: Settings,
        inputs: &[String],
        options: Options,
        pace: Option<Duration>,
    ) -> Result<Self, Vec<Problem>> {
        LookupPlan::parse(session, settings, inputs, options)?.connect(session, pace)
    }

    /// Makes a client for each account, for what no reference names. Nothing is sent.
    ///
    /// # Errors
    /// Wrong use of an option or of a setting of the wire.
    pub(super) fn for_accounts(
        session: &CommandContext,
        settings: Settings,
        accounts: Vec<AccountId>,
        options: Options,
        pace: Option<Duration>,
    ) -> Result<Self, Problem> {
        let told = NoticeLog::default();
        let wire = transport(session, &settings, &told, pace)?;
        let mut ends = Vec::new();
        let clients = connect(accounts, &settings, &wire, &told, &mut ends);
        for client in clients.values().flatten() {
            // Known before the first call, whoever will be asked.
            wire.check_route(&client.endpoint().unwrap_or_default())?;
        }
        Ok(Self {
            references: Vec::new(),
            scopes: Vec::new(),
            latest: Vec::new(),
            transport: wire,
            notices: told,
            credential_expiries: ends,
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
            Err(problem) => Err(with_reference(problem.clone(), reference)),
        }
    }

    /// The client of a scope's account.
    ///
    /// # Errors
    /// Why the account cannot be used.
    pub(super) fn client_for_scope(&self, scope: &Scope) -> Result<Arc<dyn Client>, Problem> {
        self.client_for_account(&account_of_scope(scope))
    }

    /// The client of an account.
    ///
    /// # Errors
    /// Why the account cannot be used.
    pub(super) fn client_for_account(
        &self,
        account: &AccountId,
    ) -> Result<Arc<dyn Client>, Problem> {
        self.clients[account].clone()
    }

    /// How a thing of this reference's kind is asked for until a deadline.
    pub(super) fn options_for(&self, reference: &Reference, deadline: Deadline) -> GetOptions {
        self.options_for_kind(reference.kind, deadline)
    }

    /// How things of a kind are asked for until a deadline.
    pub(super) fn options_for_kind(&self, kind: &Kind, deadline: Deadline) -> GetOptions {
        GetOptions {
            raw: self.options.raw,
            show_secrets: self.options.show_secrets,
            trust_finished: self.options.trust_finished,
            states: self.settings.file().states(&kind.to_string()).to_vec(),
            deadline,
        }
    }

    /// Looks one thing up.
    pub(super) async fn get(&self, reference: &Reference, deadline: Deadline) -> LookupResult {
        let client = self.client(reference)?;
        let found = client
            .get(reference, &self.options_for(reference, deadline))
            .await;
        self.finalize(
            found.map_err(|mut problem| {
                self.transport.redact(&mut problem);
                with_reference(problem, reference)
            })?,
            reference,
        )
    }

    /// Finishes what a client found: times, masks, notices.
    ///
    /// # Errors
    /// A clock that is out of all bounds.
    pub(super) fn finalize(&self, found: GetResult, reference: &Reference) -> LookupResult {
        let now = self
            .now()
            .map_err(|problem| with_reference(problem, reference))?;
        Ok(self.finalize_at(found, now))
    }

    /// As [`Lookup::settle`], at a time that was asked for before.
    pub(super) fn finalize_at(&self, mut found: GetResult, now: Time) -> Job {
        found.job.finalize(now);
        if !self.options.show_secrets {
            mask_job(&mut found.job);
        }
        redact_job(&mut found.job, self.transport.redactor());
        for mut notice in found.notices {
            self.transport.redactor().text(&mut notice.message);
            self.notices.push(notice);
        }
        found.job
    }

    /// The present.
    ///
    /// # Errors
    /// A clock that is out of all bounds.
    pub(super) fn now(&self) -> Result<Time, Problem> {
        Time::new(self.transport.now()).ok_or_else(|| {
            let message = "the local clock is not between the years 1 and 9999";
            Problem::new(Category::ClockSkew, message)
        })
    }

    /// Looks all references up, side by side, and answers in their order; the newest of a scope in
    /// its place, unless its own reference was given too.
    ///
    /// A reference whose account cannot be used fails by itself and hides no other.
    pub(super) async fn outcomes(self: &Arc<Self>) -> Vec<LookupResult> {
        let mut sought: Vec<LookupTarget> = self
            .references
            .iter()
            .cloned()
            .map(LookupTarget::Job)
            .collect();
        for (at, scope) in self.latest.iter().rev() {
            sought.insert(*at, LookupTarget::Latest(scope.clone()));
        }
        let mut places: HashMap<&str, Arc<Semaphore>> = HashMap::new();
        let mut running = JoinSet::new();
        for (number, one) in sought.iter().enumerate() {
            let place = places
                .entry(one.cloud())
                .or_insert_with(|| Arc::new(Semaphore::new(self.transport.options().concurrency)));
            let (place, lens, one) = (Arc::clone(place), Arc::clone(self), one.clone());
            running.spawn(async move {
                // The time of a look starts when its turn has come: a long list is not a slow look.
                let _place = place
                    .acquire()
                    .await
                    .expect("the semaphore is never closed");
                (number, lens.get_target(&one).await)
            });
        }
        let mut outcomes: Vec<Option<LookupResult>> = sought.iter().map(|_| None).collect();
        while let Some(joined) = running.join_next().await {
            let (number, outcome) = joined.expect("a request task neither panics nor is cancelled");
            outcomes[number] = Some(outcome);
        }
        let mut named: HashSet<String> = self.references.iter().map(Reference::to_string).collect();
        let answered = outcomes.into_iter().zip(&sought);
        let answered = answered.filter_map(|(outcome, one)| {
            let outcome = outcome.expect("every reference was answered or failed");
            match (&outcome, one) {
                (Ok(job), LookupTarget::Latest(_)) if !named.insert(job.reference.clone()) => None,
                _ => Some(outcome),
            }
        });
        answered.collect()
    }

    async fn get_target(&self, one: &LookupTarget) -> LookupResult {
        match one {
            LookupTarget::Job(reference) => {
                self.get(reference, Deadline::after(LOOKUP_TIMEOUT)).await
            }
            LookupTarget::Latest(scope) => {
                let reference = self.latest_in(scope).await?;
                self.get(&reference, Deadline::after(LOOKUP_TIMEOUT)).await
            }
        }
    }

    /// The newest thing of a scope, as it was typed.
    ///
    /// # Errors
    /// As [`providers::newest`], or why the account cannot be used.
    pub(super) async fn latest_in(&self, scope: &Scope) -> Result<Reference, Problem> {
        let framed = |mut problem: Problem| {
            problem = with_account_context(
                problem,
                &account_of_scope(scope),
                list_permission(scope.kind),
            );
            problem.reference = Some(format!("{scope}{LATEST}"));
            problem.input = Some(scope.input.clone());
            problem
        };
        let client = self.client_for_scope(scope).map_err(framed)?;
        let ask = self.options_for_kind(scope.kind, Deadline::after(LOOKUP_TIMEOUT));
        let newest = providers::latest(&*client, scope, &ask).await;
        let mut reference = newest.map_err(framed)?;
        reference.input.clone_from(&scope.input);
        Ok(reference)
    }
}

/// What is looked up.
#[derive(Debug, Clone)]
enum LookupTarget {
    Job(Reference),
    /// The newest thing of a scope.
    Latest(Scope),
}

impl LookupTarget {
    fn cloud(&self) -> &'static str {
        match self {
            Self::Job(reference) => reference.kind.template.cloud,
            Self::Latest(scope) => scope.kind.template.cloud,
        }
    }
}

/// What was found and what failed, as an answer.
pub(super) fn report(
    command: &'static str,
    outcomes: Vec<LookupResult>,
    lens: &Lookup,
) -> Envelope {
    let (mut jobs, mut problems) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(job) => jobs.push(job),
            Err(problem) => problems.push(problem),
        }
    }
    Envelope {
        calls: lens.transport.calls(),
        ..Envelope::new(command, jobs, problems, lens.notices.all())
    }
}

/// `cloud/kind`
pub(super) fn kind_name(reference: &Reference) -> String {
    reference.kind.to_string()
}

/// What all clients of a run share.
///
/// # Errors
/// Wrong use of an option or of a setting of the wire.
pub(super) fn transport(
    session: &CommandContext,
    settings: &Settings,
    told: &NoticeLog,
    pace: Option<Duration>,
) -> Result<Arc<Transport>, Problem> {
    let mut limits = session.global.client_options(settings.file())?;
    limits.min_interval = pace;
    let proxies = settings.environment().proxies();
    Transport::new(
        limits,
        &proxies,
        Arc::new(Utc::now),
        session.event_sink(told),
    )
}

/// Cloud and profile.
pub(super) type AccountId = (&'static str, String);

/// The account that a reference is asked with.
pub(super) fn account_of(reference: &Reference) -> AccountId {
    (reference.kind.template.cloud, reference.profile.clone())
}

fn account_of_scope(scope: &Scope) -> AccountId {
    (scope.kind.template.cloud, scope.profile.clone())
}

/// One client for each account.
fn connect(
    accounts: Vec<AccountId>,
    settings: &Settings,
    wire: &Arc<Transport>,
    told: &NoticeLog,
    ends: &mut Vec<CredentialExpiry>,
) -> HashMap<AccountId, Result<Arc<dyn Client>, Problem>> {
    let mut clients = HashMap::new();
    for account in accounts {
        clients
            .entry(account)
            .or_insert_with_key(|(cloud, profile)| {
                let cloud =
                    providers::cloud(cloud).expect("every template belongs to a registered cloud");
                let keys = cloud.settings_schema();
                let profile = settings.profile(&keys, profile)?;
                for notice in &profile.notices {
                    told.push(notice.clone());
                }
                let client: Arc<dyn Client> = cloud.client(&profile, wire).map(Arc::from)?;
                ends.extend(CredentialExpiry::from_profile(&*client, &keys, &profile));
                Ok(client)
            });
    }
    clients
}

/// The same problem with the reference it is about.
pub(super) fn with_reference(mut problem: Problem, reference: &Reference) -> Problem {
    problem.reference = Some(reference.to_string());
    problem.input = Some(reference.input.clone());
    let permission = reference.kind.get.permission;
    with_account_context(problem, &account_of(reference), Some(permission))
}

/// The same problem with the account it is about and what to do where neither the cloud nor the wire
/// knew better; `permission` is what the call needs, where that is known.
pub(super) fn with_account_context(
    mut problem: Problem,
    (cloud, profile): &AccountId,
    permission: Option<&str>,
) -> Problem {
    problem.cloud.get_or_insert_with(|| (*cloud).to_owned());
    problem.profile.get_or_insert_with(|| profile.clone());
    if problem.hint.is_none() {
        problem.hint = default_hint(problem.category, permission);
    }
    problem
}

/// The permission that listing a kind needs.
pub(super) fn list_permission(kind: &Kind) -> Option<&'static str> {
    kind.list.as_ref().map(|list| list.operation.permission)
}

fn default_hint(category: Category, permission: Option<&str>) -> Option<String> {
    let step = match category {
        Category::PermissionDenied => {
            return Some(format!("the account needs the permission {}", permission?));
        }
        Category::ClockSkew => "synchronize the local clock",
        Category::Network => "check the endpoint and network; --request-timeout allows more time",
        Category::Throttled | Category::ServiceError => "try again later; -v shows every attempt",
        Category::InvalidArgument | Category::InvalidResponse => "use -v to see the request",
        Category::Usage
        | Category::NotFound
        | Category::MissingCredentials
        | Category::Unauthenticated => {
            return None;
        }
    };
    Some(step.to_owned())
}
