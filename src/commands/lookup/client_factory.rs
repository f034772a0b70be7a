//! Reads the credential of an account and creates its client, at once or in the background.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use tokio::sync::watch;

use super::account::AccountId;
use super::credential_expiry::{CredentialExpiry, is_printed};
use crate::commands::notices::NoticeLog;
use crate::commands::recording::{record_failed_account, record_profile, without_kept_tokens};
use crate::commands::runtime::spawn_scoped_thread;
use crate::credentials::CredentialChain;
use crate::error::Problem;
use crate::http::Transport;
use crate::providers::{self, Client, Cloud};
use crate::settings::Profile;
use crate::sync::lock;

/// An account with its plain settings or their problem.
pub(super) type CheckedAccount = (AccountId, Result<Profile, Problem>);

/// The client of an account, or why it has none.
pub(super) type ClientResult = Result<Arc<dyn Client>, Problem>;

/// The client of an account; `None` while its command runs.
pub(super) type ClientSlot = watch::Sender<Option<ClientResult>>;

/// Runs the command that prints the credential of an account.
pub(super) type CommandStart = Box<dyn FnOnce() + Send>;

/// Returns the cloud of an account.
pub(super) fn cloud_of(account: &AccountId) -> &'static Cloud {
    providers::cloud(account.cloud).expect("every template belongs to a registered cloud")
}

/// Creates the clients of accounts with checked plain settings.
#[derive(Clone)]
pub(super) struct ClientFactory {
    credentials: CredentialChain,
    transport: Arc<Transport>,
    notices: NoticeLog,
    log: Arc<Mutex<CredentialLog>>,
    deadline: Option<Instant>,
}

/// Data about the credentials that were read.
#[derive(Debug, Default)]
pub(super) struct CredentialLog {
    /// Credentials that are known to expire and were not taken yet.
    pub expiries: Vec<CredentialExpiry>,
    /// The accounts whose credentials are printed by a command, which renews them.
    pub printed: HashSet<AccountId>,
}

impl ClientFactory {
    /// Creates a factory that stops every command at `deadline`.
    pub(super) fn new(
        credentials: CredentialChain,
        transport: Arc<Transport>,
        notices: &NoticeLog,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            credentials: credentials.with_command_deadline(deadline),
            transport,
            notices: notices.clone(),
            log: Arc::default(),
            deadline,
        }
    }

    /// Returns the data about the credentials that were read.
    pub(super) fn log(&self) -> Arc<Mutex<CredentialLog>> {
        Arc::clone(&self.log)
    }

    /// Returns the profile of an account with its credential.
    ///
    /// # Errors
    /// Returns the problem of the account.
    pub(super) fn resolve(&self, plain: Result<Profile, Problem>) -> Result<Profile, Problem> {
        self.credentials.with_credential(plain?)
    }

    /// Resolves several accounts like [`ClientFactory::resolve`], running their commands
    /// concurrently. Keeps their order.
    pub(super) fn resolve_concurrently(
        &self,
        accounts: Vec<CheckedAccount>,
    ) -> Vec<CheckedAccount> {
        thread::scope(|scope| {
            let running = accounts.into_iter().map(|(account, plain)| {
                let resolve = move || self.resolve(plain);
                (account, spawn_scoped_thread(scope, resolve))
            });
            let running: Vec<_> = running.collect();
            let ended = running.into_iter().map(|(account, resolving)| {
                let profile = resolving.join();
                (
                    account,
                    profile.expect("reading a credential does not panic"),
                )
            });
            ended.collect()
        })
    }

    /// Creates the client of an account whose credential was read. Sends nothing.
    ///
    /// # Errors
    /// Returns a usage error if its requests need an unusable proxy.
    pub(super) fn create(
        &self,
        account: &AccountId,
        profile: Result<Profile, Problem>,
    ) -> Result<ClientResult, Problem> {
        let client = profile.and_then(|profile| self.client(account, profile));
        let settings = self.credentials.settings();
        // Keys and certificates were checked in the recorded run and are not in the recording.
        let client = match settings.recorded_problem(account.cloud, &account.profile) {
            Some(problem) => Err(problem),
            None => client,
        };
        match &client {
            // Report this before the first request of any account.
            Ok(client) => self.check_route(&**client)?,
            Err(problem) => {
                let schema = cloud_of(account).schema;
                let profile = &account.profile;
                record_failed_account(&self.transport, settings, schema, profile, problem);
            }
        }
        Ok(client)
    }

    /// Returns the slot for the client of an account, and a function that runs its command and fills the slot.
    ///
    /// Unless the caller waits for the command before any account is used (`is_awaited`), the problems of the account
    /// are not usage errors, since requests of other accounts may have been sent, and an account whose command the
    /// deadline stops stays without a client.
    pub(super) fn create_later(
        &self,
        account: AccountId,
        plain: Result<Profile, Problem>,
        is_awaited: bool,
    ) -> (Arc<ClientSlot>, CommandStart) {
        let slot = Arc::new(ClientSlot::new(None));
        let filled = Arc::clone(&slot);
        let factory = self.clone();
        let run = move || {
            let profile = factory.resolve(plain);
            let client = factory.create(&account, profile).and_then(|client| client);
            if is_awaited {
                filled.send_replace(Some(client));
                return;
            }
            let client = client.map_err(Problem::not_of_usage);
            let deadline = factory.deadline;
            if client.is_ok() || deadline.is_none_or(|at| Instant::now() < at) {
                filled.send_replace(Some(client));
            }
        };
        (slot, Box::new(run))
    }

    fn client(&self, account: &AccountId, profile: Profile) -> ClientResult {
        let cloud = cloud_of(account);
        for notice in &profile.notices {
            self.notices.push(notice.clone());
        }
        let profile = without_kept_tokens(&self.transport, profile);
        let client: ClientResult = cloud.client(&profile, &self.transport).map(Arc::from);
        let known = client.as_deref().ok();
        record_profile(&self.transport, &profile, known);
        let client = client?;
        let mut log = lock(&self.log);
        log.expiries
            .extend(CredentialExpiry::from_profile(&*client, &profile));
        if is_printed(&profile) {
            log.printed.insert(account.clone());
        }
        Ok(client)
    }

    fn check_route(&self, client: &dyn Client) -> Result<(), Problem> {
        let endpoint = client.api().endpoint().unwrap_or_default();
        self.transport.check_route(&endpoint)
    }
}
