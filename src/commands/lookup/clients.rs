//! The clients of a run, one for each account. Plain settings are checked for all accounts before the
//! credential of any is read, since a credential may be printed by a command of the user's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::credential_expiry::{CredentialExpiry, is_printed};
use crate::commands::context::CommandContext;
use crate::commands::notices::NoticeLog;
use crate::commands::recording::{record_failed_account, record_profile, without_kept_tokens};
use crate::credentials::CredentialChain;
use crate::error::{Category, Problem};
use crate::http::{Transport, check_tls_files};
use crate::kind::Kind;
use crate::model::Time;
use crate::providers::{self, Client, Cloud};
use crate::reference::{Reference, Scope};
use crate::settings::{Profile, Settings};

/// Cloud and profile.
pub(in crate::commands) type AccountId = (&'static str, Arc<str>);

/// The account that a reference is looked up with.
pub(in crate::commands) fn account_of(reference: &Reference) -> AccountId {
    (reference.kind.template.cloud, reference.profile.clone())
}

/// The account that a scope is looked up with.
pub(super) fn account_of_scope(scope: &Scope) -> AccountId {
    (scope.kind.template.cloud, scope.profile.clone())
}

/// When requests of one account are sent.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::commands) struct Pacing {
    /// Shortest time between two requests.
    pub min_interval: Option<Duration>,
    /// This many requests more may go out at once before that.
    pub extra_burst: u32,
    /// After this time a refused credential is sent once more; `None` where it never is.
    pub auth_cooldown: Option<Duration>,
}

/// What all clients of a run share.
///
/// # Errors
/// Usage: an option or a setting of the connection is wrong.
pub(in crate::commands) fn transport(
    context: &CommandContext,
    settings: &Settings,
    notices: &NoticeLog,
    pacing: Pacing,
) -> Result<Arc<Transport>, Problem> {
    let mut options = context.global.client_options(settings.file())?;
    options.min_interval = pacing.min_interval;
    options.burst += pacing.extra_burst;
    options.auth_cooldown = pacing.auth_cooldown;
    options.session = context.session.clone();
    let variables = settings.environment().network();
    settings.environment().check()?;
    let clock = Arc::clone(&context.clock);
    Transport::new(options, &variables, clock, context.event_sink(notices))
}

/// Accounts whose plain settings were read and checked. No credential was read and no command was
/// run.
pub(super) struct CheckedAccounts<'a> {
    credentials: CredentialChain,
    transport: &'a Arc<Transport>,
    /// In the order in which they were named.
    accounts: Vec<(AccountId, Result<Profile, Problem>)>,
}

impl<'a> CheckedAccounts<'a> {
    /// Checks each account once.
    ///
    /// # Errors
    /// Usage: the proxy that requests of an account would take cannot be used.
    pub(super) fn new(
        credentials: CredentialChain,
        transport: &'a Arc<Transport>,
        accounts: Vec<AccountId>,
    ) -> Result<Self, Problem> {
        let settings = credentials.settings();
        let mut known = HashSet::new();
        let mut checked = Vec::new();
        for account in accounts {
            if !known.insert(account.clone()) {
                continue;
            }
            let cloud = cloud_of(&account);
            let plain = settings.plain_profile(&cloud.settings_schema(), &account.1);
            let plain = plain.and_then(|plain| {
                let endpoint = cloud.check_settings(&plain, transport)?;
                check_tls_files(&plain)?;
                Ok((plain, endpoint))
            });
            // An account that has no credential sends nothing, so that its proxy does not matter.
            if let Ok((plain, Some(endpoint))) = &plain
                && credentials.runs_program(&cloud.settings_schema(), plain)
            {
                transport.check_route(&endpoint.origin())?;
            }
            checked.push((account, plain.map(|(plain, _)| plain)));
        }
        Ok(Self {
            credentials,
            transport,
            accounts: checked,
        })
    }

    /// What is wrong with an account, as far as its plain settings show.
    pub(super) fn problem(&self, account: &AccountId) -> Option<&Problem> {
        let mut accounts = self.accounts.iter();
        let (_, plain) = accounts.find(|(known, _)| known == account)?;
        plain.as_ref().err()
    }

    /// Resolves the credential of each account and makes its client, those that run a
    /// `credential_command` last. Nothing is sent. Before the first command is run, `check` gets the
    /// problem of each other account.
    ///
    /// # Errors
    /// As [`CheckedAccounts::new`], and those of `check`.
    pub(super) fn connect(
        mut self,
        notices: &NoticeLog,
        check: impl FnOnce(&dyn Fn(&AccountId) -> Option<Problem>) -> Result<(), Vec<Problem>>,
    ) -> Result<Clients, Vec<Problem>> {
        let credentials = self.credentials.clone();
        let runs_command = |(account, plain): &(AccountId, Result<Profile, Problem>)| {
            let schema = cloud_of(account).settings_schema();
            let plain = plain.as_ref();
            plain.is_ok_and(|plain| credentials.runs_program(&schema, plain))
        };
        let accounts = std::mem::take(&mut self.accounts).into_iter();
        let (last, first): (Vec<_>, Vec<_>) = accounts.partition(runs_command);
        let mut clients = Clients::default();
        self.connect_accounts(first, &mut clients, notices)?;
        if !last.is_empty() {
            check(&|account| clients.by_account.get(account)?.as_ref().err().cloned())?;
        }
        self.connect_accounts(last, &mut clients, notices)?;
        Ok(clients)
    }

    fn connect_accounts(
        &self,
        accounts: Vec<(AccountId, Result<Profile, Problem>)>,
        clients: &mut Clients,
        notices: &NoticeLog,
    ) -> Result<(), Problem> {
        for (account, plain) in accounts {
            let cloud = cloud_of(&account);
            let keys = cloud.settings_schema();
            let client = plain.and_then(|plain| {
                let profile = self.credentials.with_credential(&keys, plain)?;
                for notice in &profile.notices {
                    notices.push(notice.clone());
                }
                let profile = without_kept_tokens(self.transport, profile);
                let client: Result<Arc<dyn Client>, Problem> =
                    cloud.client(&profile, self.transport).map(Arc::from);
                let known = client.as_deref().ok();
                record_profile(self.transport, &keys, &profile, known);
                let client = client?;
                let expiry = CredentialExpiry::from_profile(&*client, &keys, &profile);
                clients.expiries.extend(expiry);
                if is_printed(&keys, &profile) {
                    clients.printed.insert(account.clone());
                }
                Ok(client)
            });
            if client.is_err() {
                record_failed_account(self.transport, account.0, &account.1);
            }
            if let Ok(client) = &client {
                // Known before the first request, whichever account it is for.
                let endpoint = client.api().endpoint().unwrap_or_default();
                self.transport.check_route(&endpoint)?;
            }
            clients.by_account.insert(account, client);
        }
        Ok(())
    }
}

fn cloud_of((cloud, _): &AccountId) -> &'static Cloud {
    providers::cloud(cloud).expect("every template belongs to a registered cloud")
}

/// The clients of a run, or why an account has none.
#[derive(Default)]
pub(super) struct Clients {
    by_account: HashMap<AccountId, Result<Arc<dyn Client>, Problem>>,
    /// The credentials that are known to expire.
    pub expiries: Vec<CredentialExpiry>,
    /// The accounts whose credentials are printed by a command, which renews them.
    printed: HashSet<AccountId>,
}

impl Clients {
    /// Clients that are there already.
    #[cfg(test)]
    pub(super) fn of(clients: impl Iterator<Item = (AccountId, Arc<dyn Client>)>) -> Self {
        Self {
            by_account: clients
                .map(|(account, client)| (account, Ok(client)))
                .collect(),
            ..Self::default()
        }
    }

    /// True for an account that was to be connected, whether or not it can be used.
    pub(super) fn contains(&self, account: &AccountId) -> bool {
        self.by_account.contains_key(account)
    }

    /// When the credentials in use end, as far as that is known and nothing but a person renews them.
    pub(super) fn expiry_times(&self) -> BTreeMap<&AccountId, Time> {
        let clients = self.by_account.iter();
        let clients = clients.filter(|(account, _)| !self.printed.contains(*account));
        let times = clients.filter_map(|(account, client)| {
            Some((
                account,
                client.as_ref().ok()?.api().credential().expires_at?,
            ))
        });
        times.collect()
    }

    /// The client of an account that was connected.
    ///
    /// # Errors
    /// Why the account cannot be used.
    pub(super) fn get(&self, account: &AccountId) -> Result<Arc<dyn Client>, Problem> {
        self.by_account[account].clone()
    }
}

/// The same problem with the reference it is about.
pub(in crate::commands) fn with_reference(mut problem: Problem, reference: &Reference) -> Problem {
    problem.reference = Some(reference.to_string());
    problem.input = Some(reference.input.to_string());
    let permission = reference.kind.get.permission;
    with_account_context(problem, &account_of(reference), Some(permission))
}

/// The same problem with the account it is about and what to do where neither the cloud nor the wire
/// knew better; `permission` is what the call needs, where that is known.
pub(in crate::commands) fn with_account_context(
    mut problem: Problem,
    (cloud, profile): &AccountId,
    permission: Option<&str>,
) -> Problem {
    problem.cloud.get_or_insert_with(|| (*cloud).to_owned());
    problem.profile.get_or_insert_with(|| profile.to_string());
    if problem.hint.is_none() {
        problem.hint = default_hint(problem.category, permission);
    }
    problem
}

/// The permission that listing a kind needs.
pub(in crate::commands) fn list_permission(kind: &Kind) -> Option<&'static str> {
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
