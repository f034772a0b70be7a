use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::account::{
    AccountId, Pacing, account_of, account_of_scope, transport, with_account_context,
};
use super::clients::{CheckedAccounts, Clients, CommandMode, CommandRuns};
use super::columns;
use super::inputs::Inputs;
use super::run::{DETAILS_TIMEOUT, Lookup, LookupOptions};
use super::targets::{self, ParsedTargets};
use crate::commands::context::CommandContext;
use crate::commands::notices::NoticeLog;
use crate::commands::shell_session::ShellSession;
use crate::credentials::CredentialChain;
use crate::error::{Category, Problem};
use crate::http::Transport;
use crate::kind::Kind;
use crate::model::{Notice, NoticeCode};
use crate::reference::{Reference, Scope, Target};
use crate::settings::Settings;

/// A target, by which the problems of its account are reported.
pub(in crate::commands) struct NamedTarget<'a> {
    pub account: AccountId,
    /// The canonical form.
    pub reference: String,
    /// The text that was typed.
    pub input: &'a str,
}

impl<'a> NamedTarget<'a> {
    /// Creates the target of a job.
    pub(in crate::commands) fn of_job(reference: &'a Reference) -> Self {
        Self {
            account: account_of(reference),
            reference: reference.to_string(),
            input: &reference.input,
        }
    }

    fn of_scope(scope: &'a Scope) -> Self {
        Self {
            account: account_of_scope(scope),
            reference: scope.to_string(),
            input: &scope.input,
        }
    }
}

fn named_targets<'a>(
    references: impl Iterator<Item = &'a Reference>,
    scopes: impl Iterator<Item = &'a Scope>,
) -> Vec<NamedTarget<'a>> {
    let jobs = references.map(NamedTarget::of_job);
    jobs.chain(scopes.map(NamedTarget::of_scope)).collect()
}

/// References that were parsed and checked, before any client is created.
pub(in crate::commands) struct LookupPlan {
    /// The references to look up, in the given order, each once.
    pub references: Vec<Reference>,
    targets: ParsedTargets,
    /// The options of the requests.
    pub options: LookupOptions,
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
        options: LookupOptions,
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
    pub(in crate::commands) fn into_lookup(
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
        let latest = self.targets.latest().map(|(_, scope)| scope);
        let scopes = self.targets.scopes().chain(latest);
        let targets = named_targets(self.targets.references(), scopes);
        let transport = transport(context, &self.settings, &notices, pacing)?;
        let credentials = context.credentials(&self.settings);
        let mut commands = self.options.commands;
        // A recording must contain all accounts of a run.
        if commands.mode == CommandMode::Background && !context.session.is_live() {
            commands.mode = CommandMode::Awaited;
        }
        let clients = create_clients(
            credentials,
            &transport,
            &notices,
            &targets,
            &targets,
            commands,
        )?;
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
}

/// Creates a client for each account of the targets. Usage errors of an account in `checked` end the command; any
/// other account fails without affecting the others.
///
/// # Errors
/// Usage errors: those of plain settings before any credential is read or any `credential_command` is run, then those
/// that are found with the credentials.
fn create_clients(
    credentials: CredentialChain,
    transport: &Arc<Transport>,
    notices: &NoticeLog,
    targets: &[NamedTarget<'_>],
    checked: &[NamedTarget<'_>],
    commands: CommandRuns,
) -> Result<Clients, Vec<Problem>> {
    let accounts = targets.iter().map(|target| target.account.clone());
    let accounts = accounts.collect();
    let accounts = CheckedAccounts::new(credentials, transport, accounts)?;
    check_accounts(checked, |account| accounts.problem(account).cloned())?;
    let clients = accounts.create_clients(notices, commands, |problem| {
        check_accounts(checked, problem)
    })?;
    let named = checked.iter().map(|target| &target.account);
    clients.keep_usage_errors_of(&named.collect());
    check_accounts(checked, |account| clients.problem(account))?;
    Ok(clients)
}

/// Checks the accounts of all targets.
///
/// # Errors
/// The usage errors among the problems, one per account, for the first target of the account.
fn check_accounts(
    targets: &[NamedTarget<'_>],
    problem: impl Fn(&AccountId) -> Option<Problem>,
) -> Result<(), Vec<Problem>> {
    let mut accounts = HashSet::new();
    let mut problems = Vec::new();
    for NamedTarget {
        account,
        reference,
        input,
    } in targets
    {
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
        if !self.clients.awaits_commands() {
            return Ok(());
        }
        let latest = self.latest.iter().map(|(_, scope)| scope);
        let scopes = self.scopes.iter().chain(latest);
        let targets = named_targets(self.references.iter(), scopes);
        check_accounts(&targets, |account| self.clients.problem(account))
    }

    /// Creates a client for each account of the scopes to list. Sends nothing. Unless the user named the scopes, an
    /// account with invalid settings fails without affecting the others.
    ///
    /// # Errors
    /// Returns a usage error in an option, a setting of the connection, or the plain settings of a named account,
    /// before any credential is read or any `credential_command` is run; also one that is only found with the
    /// credential of a named account.
    pub(in crate::commands) fn for_scopes(
        context: &CommandContext,
        settings: Settings,
        scopes: &[NamedTarget<'_>],
        is_named: bool,
        pacing: Pacing,
    ) -> Result<Self, Vec<Problem>> {
        let notices = NoticeLog::default();
        let transport = transport(context, &settings, &notices, pacing)?;
        let credentials = context.credentials(&settings);
        let checked = if is_named { scopes } else { &[] };
        let commands = CommandRuns::default();
        let clients = create_clients(credentials, &transport, &notices, scopes, checked, commands)?;
        Ok(Self {
            references: Vec::new(),
            scopes: Vec::new(),
            latest: Vec::new(),
            transport,
            notices,
            settings,
            options: LookupOptions {
                lists: true,
                details_timeout: Some(DETAILS_TIMEOUT),
                ..LookupOptions::default()
            },
            clients,
        })
    }
}
