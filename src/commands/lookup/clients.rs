//! The clients of a run, one per account. The plain settings of all accounts are checked before any credential is
//! read, because reading one can run a command of the user.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::account::AccountId;
use super::client_factory::{
    CheckedAccount, ClientFactory, ClientResult, ClientSlot, CommandStart, CredentialLog, cloud_of,
};
use super::credential_expiry::CredentialExpiry;
use crate::commands::notices::NoticeLog;
use crate::commands::runtime::spawn_thread;
use crate::credentials::{CredentialChain, CredentialCommand};
use crate::error::{Category, Problem};
use crate::http::{Transport, check_connection_settings};
use crate::model::Time;
#[cfg(test)]
use crate::providers::Client;
use crate::sync::lock;

/// How the commands that print credentials are run.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::commands) struct CommandRuns {
    /// When running commands are stopped.
    pub deadline: Option<Instant>,
    /// What is done while they run.
    pub mode: CommandMode,
}

/// What is done while the commands that print credentials run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum CommandMode {
    /// Nothing: the clients are created when all commands have ended.
    #[default]
    Blocking,
    /// The caller handles signals: the commands are started by [`Lookup::run_commands`](super::Lookup::run_commands),
    /// which waits for them.
    Awaited,
    /// They are started in the same way, and the other accounts are used meanwhile.
    Background,
}

/// Accounts with checked plain settings. No credential was read and no command was run yet.
pub(super) struct CheckedAccounts {
    credentials: CredentialChain,
    transport: Arc<Transport>,
    /// The accounts in the order in which they were named.
    accounts: Vec<CheckedAccount>,
}

impl CheckedAccounts {
    /// Checks each account once.
    ///
    /// # Errors
    /// Returns a usage error if an account needs an unusable proxy.
    pub(super) fn new(
        credentials: CredentialChain,
        transport: &Arc<Transport>,
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
            let plain = settings.plain_profile(cloud.schema, &account.profile);
            let plain = plain.and_then(|plain| {
                let endpoint = cloud.check_settings(&plain, transport)?;
                check_connection_settings(&plain)?;
                Ok((plain, endpoint))
            });
            // An account without a credential sends no requests, so its proxy does not matter.
            if let Ok((plain, Some(endpoint))) = &plain
                && credentials.command(plain).is_some()
            {
                transport.check_route(&endpoint.origin())?;
            }
            checked.push((account, plain.map(|(plain, _)| plain)));
        }
        Ok(Self {
            credentials,
            transport: Arc::clone(transport),
            accounts: checked,
        })
    }

    /// Returns the problem of an account's plain settings, if any.
    pub(super) fn problem(&self, account: &AccountId) -> Option<&Problem> {
        let mut accounts = self.accounts.iter();
        let (_, plain) = accounts.find(|(known, _)| known == account)?;
        plain.as_ref().err()
    }

    /// Resolves the credential of each account and creates its client; accounts with a
    /// `credential_command` come last. Sends nothing. Before the first command is run,
    /// `check` is called with the problems of the other accounts. Unless the mode is [`CommandMode::Blocking`], the
    /// commands are only started by [`Clients::run_commands`].
    ///
    /// # Errors
    /// Returns errors like [`CheckedAccounts::new`], and those of `check`.
    pub(super) fn create_clients(
        self,
        notices: &NoticeLog,
        commands: CommandRuns,
        check: impl FnOnce(&dyn Fn(&AccountId) -> Option<Problem>) -> Result<(), Vec<Problem>>,
    ) -> Result<Clients, Vec<Problem>> {
        let command_of =
            |(_, plain): &CheckedAccount| self.credentials.command(plain.as_ref().ok()?);
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for account in self.accounts {
            match command_of(&account) {
                Some(command) => last.push((account, command)),
                None => first.push(account),
            }
        }
        let deadline = commands.deadline;
        let factory = ClientFactory::new(self.credentials, self.transport, notices, deadline);
        let mut clients = Clients {
            log: factory.log(),
            ..Clients::default()
        };
        for (account, plain) in first {
            let profile = factory.resolve(plain);
            let client = factory.create(&account, profile)?;
            clients.add(account, client);
        }
        if last.is_empty() {
            return Ok(clients);
        }
        check(&|account| clients.problem(account))?;
        if commands.mode == CommandMode::Blocking {
            let last = last.into_iter().map(|(account, _)| account).collect();
            for (account, profile) in factory.resolve_concurrently(last) {
                let client = factory.create(&account, profile)?;
                clients.add(account, client);
            }
            return Ok(clients);
        }
        // With a single account, no others could be used in the meantime.
        let is_single = clients.by_account.len() + last.len() == 1;
        clients.awaits_commands = commands.mode == CommandMode::Awaited || is_single;
        for ((account, plain), command) in last {
            let is_awaited = clients.awaits_commands;
            let (slot, start) = factory.create_later(account.clone(), plain, is_awaited);
            clients.by_account.insert(account.clone(), slot);
            lock(&clients.not_started).push(start);
            clients.commands.insert(account, command);
        }
        Ok(clients)
    }
}

/// The clients of a run, or why an account has none.
#[derive(Default)]
pub(in crate::commands) struct Clients {
    by_account: HashMap<AccountId, Arc<ClientSlot>>,
    /// The commands of accounts whose clients are created later.
    commands: HashMap<AccountId, CredentialCommand>,
    /// The commands that were not started yet.
    not_started: Mutex<Vec<CommandStart>>,
    /// No account is used before all commands have ended.
    awaits_commands: bool,
    log: Arc<Mutex<CredentialLog>>,
}

impl Clients {
    /// Creates the set from existing clients.
    #[cfg(test)]
    pub(super) fn of(created: impl Iterator<Item = (AccountId, Arc<dyn Client>)>) -> Self {
        let mut clients = Self::default();
        created.for_each(|(account, client)| clients.add(account, Ok(client)));
        clients
    }

    fn add(&mut self, account: AccountId, client: ClientResult) {
        let slot = ClientSlot::new(Some(client));
        self.by_account.insert(account, Arc::new(slot));
    }

    /// Makes the usage errors of all other accounts ordinary errors, because requests are sent in spite of them.
    pub(super) fn keep_usage_errors_of(&self, accounts: &HashSet<&AccountId>) {
        let others = self.by_account.iter();
        let others = others.filter(|(account, _)| !accounts.contains(account));
        for (_, slot) in others {
            slot.send_modify(|client| {
                let result = client.take();
                *client = result.map(|result| result.map_err(Problem::not_of_usage));
            });
        }
    }

    /// Returns `true` if the account is one of the run, usable or not.
    pub(in crate::commands) fn contains(&self, account: &AccountId) -> bool {
        self.by_account.contains_key(account)
    }

    /// Returns when the used credentials expire, if this is known and only the user can renew them.
    pub(in crate::commands) fn expiry_times(&self) -> BTreeMap<&AccountId, Time> {
        let accounts = self.by_account.keys();
        let log = lock(&self.log);
        let accounts = accounts.filter(|account| !log.printed.contains(*account));
        let times = accounts.filter_map(|account| {
            let client = self.get(account).ok()?;
            Some((account, client.api().credential().expires_at?))
        });
        times.collect()
    }

    /// Returns the credentials that are known to expire, each only once.
    pub(in crate::commands) fn take_expiries(&self) -> Vec<CredentialExpiry> {
        std::mem::take(&mut lock(&self.log).expiries)
    }

    /// Returns `true` if the command that prints the credential of an account is still running.
    pub(super) fn is_pending(&self, account: &AccountId) -> bool {
        self.by_account[account].borrow().is_none()
    }

    /// Returns the command that prints the credential of an account, if it has not ended.
    pub(super) fn running_command(&self, account: &AccountId) -> Option<&CredentialCommand> {
        let command = self.commands.get(account)?;
        self.is_pending(account).then_some(command)
    }

    /// Returns `true` if no account is used before all commands have ended, and there are any.
    pub(in crate::commands) fn awaits_commands(&self) -> bool {
        self.awaits_commands
    }

    /// Starts the commands, each on a new thread. Waits until all have ended if no account is used before.
    pub(super) async fn run_commands(&self) {
        for start in std::mem::take(&mut *lock(&self.not_started)) {
            spawn_thread(start);
        }
        if !self.awaits_commands {
            return;
        }
        for account in self.commands.keys() {
            // The result of each account is checked later.
            let _ = self.wait_for_client(account).await;
        }
    }

    /// Returns why an account whose credential was read cannot be used, if so.
    pub(super) fn problem(&self, account: &AccountId) -> Option<Problem> {
        self.by_account
            .get(account)?
            .borrow()
            .as_ref()?
            .as_ref()
            .err()
            .cloned()
    }

    /// Returns the client of an account.
    ///
    /// # Errors
    /// Returns why the account cannot be used, or that its client was not created yet.
    pub(in crate::commands) fn get(&self, account: &AccountId) -> ClientResult {
        let client = self.by_account[account].borrow().clone();
        client.unwrap_or_else(|| Err(credential_not_read(account)))
    }

    /// Waits until the client of an account is created, and returns it.
    ///
    /// # Errors
    /// Returns why the account cannot be used.
    pub(super) async fn wait_for_client(&self, account: &AccountId) -> ClientResult {
        let mut slot = self.by_account[account].subscribe();
        // An error would mean that the slot was dropped, but `self` keeps it.
        let _ = slot.wait_for(Option::is_some).await;
        self.get(account)
    }
}

fn credential_not_read(AccountId { cloud, profile }: &AccountId) -> Problem {
    let message = format!("the credential of profile '{profile}' ({cloud}) has not been read");
    Problem::new(Category::MissingCredentials, message).with_account(cloud, profile)
}
