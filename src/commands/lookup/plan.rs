use std::collections::HashSet;
use std::time::Duration;

use super::clients::{
    AccountId, CheckedAccounts, Pacing, account_of, account_of_scope, transport,
    with_account_context,
};
use super::columns;
use super::inputs::Inputs;
use super::run::{Lookup, Options};
use super::targets::{self, ParsedTargets};
use crate::commands::context::CommandContext;
use crate::commands::notices::NoticeLog;
use crate::commands::shell_session::ShellSession;
use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::model::{Notice, NoticeCode};
use crate::reference::{Reference, Target};
use crate::settings::Settings;

/// References that were read and checked, before any account is connected.
pub(in crate::commands) struct LookupPlan {
    /// What is looked up, in the order given, each once.
    pub references: Vec<Reference>,
    targets: ParsedTargets,
    /// How they are requested.
    pub options: Options,
    settings: Settings,
}

impl LookupPlan {
    /// Reads the references and checks the columns for them. No credential is read and no command is
    /// run.
    ///
    /// # Errors
    /// Usage errors: all references that are wrong.
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

    /// Makes a client for each account that the references name. Nothing is sent.
    ///
    /// `min_interval` is the shortest time between two requests of one account.
    ///
    /// # Errors
    /// A usage error in an option, a setting of the connection, or the plain settings of an account,
    /// before any credential is read or any `credential_command` is run.
    pub(in crate::commands) fn connect(
        self,
        context: &CommandContext,
        min_interval: Option<Duration>,
    ) -> Result<Lookup, Vec<Problem>> {
        self.connect_with(context, min_interval, false)
    }

    /// As [`LookupPlan::connect`], for a gate: a usage error that only the credential of an account
    /// shows is one of the command too, since no other job can decide for the jobs of that account.
    ///
    /// # Errors
    /// As [`LookupPlan::connect`], and the usage errors of all accounts.
    pub(in crate::commands) fn connect_all(
        self,
        context: &CommandContext,
        min_interval: Option<Duration>,
    ) -> Result<Lookup, Vec<Problem>> {
        self.connect_with(context, min_interval, true)
    }

    fn connect_with(
        self,
        context: &CommandContext,
        min_interval: Option<Duration>,
        needs_all: bool,
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
        let transport = transport(context, &self.settings, &notices, pacing)?;
        let accounts = self.accounts();
        let checked =
            CheckedAccounts::new(context.credentials(&self.settings), &transport, accounts)?;
        check_accounts(self.named(), |account| checked.problem(account).cloned())?;
        let clients = checked.connect(&notices, |problem| check_accounts(self.named(), problem))?;
        if needs_all {
            check_accounts(self.named(), |account| clients.get(account).err())?;
        }
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

    /// The kinds of everything that is looked up, one for each reference and scope.
    pub(in crate::commands) fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.targets.kinds()
    }

    /// The accounts of everything that is looked up.
    fn accounts(&self) -> Vec<AccountId> {
        self.named().map(|(account, ..)| account).collect()
    }

    /// Everything that is looked up: its account, its canonical form, and what was typed.
    fn named(&self) -> impl Iterator<Item = (AccountId, String, &str)> {
        let jobs = self.targets.references();
        let jobs = jobs.map(|one| (account_of(one), one.to_string(), &*one.input));
        let latest = self.targets.latest().map(|(_, scope)| scope);
        let scopes = self.targets.scopes().chain(latest);
        jobs.chain(scopes.map(|one| (account_of_scope(one), one.to_string(), &*one.input)))
    }
}

/// Checks the accounts of everything that is looked up: each with its canonical form and what was
/// typed.
///
/// # Errors
/// The usage errors among the problems, one for each account, addressed to what names it first.
fn check_accounts<'a>(
    named: impl Iterator<Item = (AccountId, String, &'a str)>,
    problem: impl Fn(&AccountId) -> Option<Problem>,
) -> Result<(), Vec<Problem>> {
    let mut accounts = HashSet::new();
    let mut problems = Vec::new();
    for (account, reference, input) in named {
        if !accounts.insert(account.clone()) {
            continue;
        }
        let problem = problem(&account).filter(|one| one.category == Category::Usage);
        problems.extend(problem.map(|problem| Problem {
            reference: Some(reference),
            input: Some(input.to_owned()),
            ..with_account_context(problem, &account, None)
        }));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems),
    }
}

impl Lookup {
    /// Makes a client for each account of what is listed: the account, the canonical scope, and what
    /// was typed. Nothing is sent. Unless the user named the scopes, an account with wrong settings
    /// fails by itself.
    ///
    /// # Errors
    /// A usage error in an option, a setting of the connection, or the plain settings of an account
    /// that was named, before any credential is read or any `credential_command` is run.
    pub(in crate::commands) fn for_scopes(
        context: &CommandContext,
        settings: Settings,
        scopes: &[(AccountId, String, &str)],
        is_named: bool,
        pacing: Pacing,
    ) -> Result<Self, Vec<Problem>> {
        let notices = NoticeLog::default();
        let transport = transport(context, &settings, &notices, pacing)?;
        let accounts = scopes.iter().map(|(account, ..)| account.clone()).collect();
        let checked = CheckedAccounts::new(context.credentials(&settings), &transport, accounts)?;
        if is_named {
            let scopes = scopes.iter().cloned();
            check_accounts(scopes, |account| checked.problem(account).cloned())?;
        }
        let clients = checked.connect(&notices, |problem| match is_named {
            true => check_accounts(scopes.iter().cloned(), problem),
            false => Ok(()),
        })?;
        Ok(Self {
            references: Vec::new(),
            scopes: Vec::new(),
            latest: Vec::new(),
            transport,
            notices,
            settings,
            options: Options {
                lists: true,
                ..Options::default()
            },
            clients,
        })
    }
}
