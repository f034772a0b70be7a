use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::account::{
    AccountId, Pacing, account_of, account_of_scope, transport, with_account_context,
};
use super::clients::{CheckedAccounts, Clients, CommandMode, CommandRuns};
use super::columns;
use super::inputs::Inputs;
use super::run::{DETAILS_TIMEOUT, Lookup, Options};
use super::targets::{self, ParsedTargets};
use crate::commands::context::CommandContext;
use crate::commands::notices::NoticeLog;
use crate::commands::shell_session::ShellSession;
use crate::credentials::CredentialChain;
use crate::error::{Category, Problem};
use crate::http::Transport;
use crate::kind::Kind;
use crate::model::{Notice, NoticeCode};
use crate::reference::{Reference, Target};
use crate::settings::Settings;

/// A target: its account, its canonical form, and the text that was typed.
type Named<'a> = (AccountId, String, &'a str);

/// References that were parsed and checked, before any account is connected.
pub(in crate::commands) struct LookupPlan {
    /// The references to look up, in the given order, each once.
    pub references: Vec<Reference>,
    targets: ParsedTargets,
    /// The options of the requests.
    pub options: Options,
    settings: Settings,
}

impl LookupPlan {
    /// Returns the settings of the config file and the environment.
    pub(in crate::commands) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Parses the references and checks the columns for them. Reads no credential and runs no command.
    ///
    /// # Errors
    /// Usage errors for all invalid references.
    pub(in crate::commands) fn parse<'a>(
        context: &CommandContext,
        settings: Settings,
        inputs: impl Into<Inputs<'a>>,
        options: Options,
    ) -> Result<Self, Vec<Problem>> {
        context.check_recording(options.show_secrets)?;
        let targets = targets::parse(context, inputs.into(), &settings, options.allowed)?;
        columns::check(context, targets.kinds())?;
        if let [Target::Jobs(references)] = &targets.targets[..]
            && let [single] = &references[..]
            && let Some(session) = ShellSession::interactive(&context.environment)
        {
            session.record_reference(&single.to_string());
        }
        Ok(Self {
            references: targets.references().cloned().collect(),
            targets,
            settings,
            options,
        })
    }

    /// Creates a client for each account of the references. Sends nothing.
    ///
    /// `min_interval` is the minimum time between two requests of one account.
    ///
    /// # Errors
    /// Returns a usage error in an option, a setting of the connection, or the plain
    /// settings of an account, before any credential is read or any `credential_command`
    /// is run; also one that is only found with the account's credential.
    pub(in crate::commands) fn connect(
        self,
        context: &CommandContext,
        min_interval: Option<Duration>,
    ) -> Result<Lookup, Vec<Problem>> {
        let notices = NoticeLog::default();
        if let [first, ..] = &self.targets.skipped[..] {
            let count = self.targets.skipped.len();
            let scopes = if count == 1 { "scope" } else { "scopes" };
            let message = format!(
                "skipped {count} {scopes} on the list, such as {first}; joblens list -R lists their jobs"
            );
            notices.push(Notice::new(NoticeCode::ScopeSkipped, message));
        }
        let pacing = Pacing {
            min_interval,
            ..Pacing::default()
        };
        let named: Vec<_> = self.all_targets().collect();
        let transport = transport(context, &self.settings, &notices, pacing)?;
        let credentials = context.credentials(&self.settings);
        let mut commands = self.options.commands;
        // A recording must contain all accounts of a run.
        if commands.mode == CommandMode::Background && !context.session.is_live() {
            commands.mode = CommandMode::Awaited;
        }
        let clients = connect(credentials, &transport, &notices, [&named; 2], commands)?;
        check_accounts(&named, |account| clients.problem(account))?;
        let latest = self.targets.latest();
        Ok(Lookup {
            references: self.references,
            scopes: self.targets.scopes().cloned().collect(),
            latest: latest.map(|(at, scope)| (at, scope.clone())).collect(),
            transport,
            notices,
            settings: self.settings,
            options: self.options,
            clients,
        })
    }

    /// Returns the kind of each reference and scope.
    pub(in crate::commands) fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.targets.kinds()
    }

    /// Returns all targets.
    fn all_targets(&self) -> impl Iterator<Item = Named<'_>> {
        let jobs = self.targets.references();
        let jobs = jobs.map(|one| (account_of(one), one.to_string(), &*one.input));
        let latest = self.targets.latest().map(|(_, scope)| scope);
        let scopes = self.targets.scopes().chain(latest);
        jobs.chain(scopes.map(|one| (account_of_scope(one), one.to_string(), &*one.input)))
    }
}

/// Creates a client for each named account. Usage errors of an account in `checked` end the command; any other
/// account fails without affecting the others.
///
/// # Errors
/// Usage errors, before any credential is read or any `credential_command` is run.
fn connect(
    credentials: CredentialChain,
    transport: &Arc<Transport>,
    notices: &NoticeLog,
    [named, checked]: [&[Named<'_>]; 2],
    commands: CommandRuns,
) -> Result<Clients, Vec<Problem>> {
    let accounts = named.iter().map(|(account, ..)| account.clone()).collect();
    let accounts = CheckedAccounts::new(credentials, transport, accounts)?;
    check_accounts(checked, |account| accounts.problem(account).cloned())?;
    let clients = accounts.connect(notices, commands, |problem| {
        check_accounts(checked, problem)
    })?;
    let checked = checked.iter().map(|(account, ..)| account);
    clients.keep_usage_errors_of(&checked.collect());
    Ok(clients)
}

/// Checks the accounts of all targets.
///
/// # Errors
/// The usage errors among the problems, one per account, for the first target of the account.
fn check_accounts(
    named: &[Named<'_>],
    problem: impl Fn(&AccountId) -> Option<Problem>,
) -> Result<(), Vec<Problem>> {
    let mut accounts = HashSet::new();
    let mut problems = Vec::new();
    for (account, reference, input) in named {
        if !accounts.insert(account) {
            continue;
        }
        let problem = problem(account).filter(|one| one.category == Category::Usage);
        problems.extend(problem.map(|problem| Problem {
            reference: Some(reference.clone()),
            input: Some((*input).to_owned()),
            ..with_account_context(problem, account, None)
        }));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

impl Lookup {
    /// Starts the commands that print credentials. Waits until they have ended, unless they run while other accounts
    /// are used.
    ///
    /// # Errors
    /// Returns the usage errors that were only found with the credentials, one per account.
    pub(in crate::commands) async fn run_commands(&self) -> Result<(), Vec<Problem>> {
        self.clients.run_commands().await;
        if !self.awaits_commands() {
            return Ok(());
        }
        let jobs = self.references.iter();
        let jobs = jobs.map(|one| (account_of(one), one.to_string(), &*one.input));
        let scopes = self.scopes.iter();
        let scopes = scopes.chain(self.latest.iter().map(|(_, scope)| scope));
        let scopes = scopes.map(|one| (account_of_scope(one), one.to_string(), &*one.input));
        let named: Vec<_> = jobs.chain(scopes).collect();
        check_accounts(&named, |account| self.clients.problem(account))
    }

    /// Creates a client for each account of the scopes to list, each given as account,
    /// canonical scope and typed text. Sends nothing. Unless the user named the
    /// scopes, an account with invalid settings fails without affecting the others.
    ///
    /// # Errors
    /// Returns a usage error in an option, a setting of the connection, or the plain settings of a named account,
    /// before any credential is read or any `credential_command` is run.
    pub(in crate::commands) fn for_scopes(
        context: &CommandContext,
        settings: Settings,
        scopes: &[Named<'_>],
        is_named: bool,
        pacing: Pacing,
    ) -> Result<Self, Vec<Problem>> {
        let notices = NoticeLog::default();
        let transport = transport(context, &settings, &notices, pacing)?;
        let credentials = context.credentials(&settings);
        let checked = if is_named { scopes } else { &[] };
        let commands = CommandRuns::default();
        let clients = connect(
            credentials,
            &transport,
            &notices,
            [scopes, checked],
            commands,
        )?;
        Ok(Self {
            references: Vec::new(),
            scopes: Vec::new(),
            latest: Vec::new(),
            transport,
            notices,
            settings,
            options: Options {
                lists: true,
                details_timeout: Some(DETAILS_TIMEOUT),
                ..Options::default()
            },
            clients,
        })
    }
}
