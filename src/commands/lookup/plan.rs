use std::collections::HashSet;
use std::time::Duration;

use super::super::CommandContext;
use super::super::references::{self, ParsedTargets};
use super::{AccountId, Lookup, Options, account_of, account_of_scope, check_columns};
use crate::error::{Category, Problem};
use crate::reference::Reference;
use crate::settings::Settings;

/// References that were read and checked, before any account is connected.
pub(in crate::commands) struct LookupPlan {
    /// What is looked up, in the order given, each once.
    pub references: Vec<Reference>,
    targets: ParsedTargets,
    settings: Settings,
    options: Options,
}

impl LookupPlan {
    /// Reads the references and checks the columns for them. No credential is read and no command is
    /// run.
    ///
    /// # Errors
    /// Usage errors: all references that are wrong.
    pub(in crate::commands) fn parse(
        session: &CommandContext,
        settings: Settings,
        inputs: &[String],
        options: Options,
    ) -> Result<Self, Vec<Problem>> {
        let profile = session.default_profile(&settings);
        let targets = references::parse(inputs, &settings, profile, options.allowed)?;
        let scopes = targets
            .scopes()
            .chain(targets.latest().map(|(_, scope)| scope));
        let templates = scopes.map(|scope| scope.template);
        let templates = templates.chain(targets.references().map(|one| one.template));
        check_columns(session, templates).map_err(|problem| vec![problem])?;
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
    /// A usage error in an option or a setting of the connection.
    pub(in crate::commands) fn connect(
        self,
        session: &CommandContext,
        min_interval: Option<Duration>,
    ) -> Result<Lookup, Vec<Problem>> {
        let targets = &self.targets;
        let jobs = targets.references().map(account_of);
        let accounts: Vec<AccountId> = jobs
            .chain(targets.scopes().map(account_of_scope))
            .chain(targets.latest().map(|(_, scope)| account_of_scope(scope)))
            .collect();
        let (settings, options) = (self.settings, self.options);
        let lookup = Lookup::for_accounts(session, settings, accounts, options, min_interval);
        Ok(Lookup {
            references: self.references,
            scopes: targets.scopes().cloned().collect(),
            latest: targets
                .latest()
                .map(|(at, scope)| (at, scope.clone()))
                .collect(),
            ..lookup.map_err(|problem| vec![problem])?
        })
    }

    /// As [`LookupPlan::connect`], for a gate: a usage error in the settings of one account is one of
    /// the command, since no other job can decide for the jobs of that account.
    ///
    /// # Errors
    /// The usage errors of all accounts, each addressed to a reference.
    pub(in crate::commands) fn connect_all(
        self,
        session: &CommandContext,
        min_interval: Option<Duration>,
    ) -> Result<Lookup, Vec<Problem>> {
        let lookup = self.connect(session, min_interval)?;
        match lookup.usage_errors() {
            problems if problems.is_empty() => Ok(lookup),
            problems => Err(problems),
        }
    }
}

impl Lookup {
    /// The usage errors in the settings of accounts, one for each account.
    fn usage_errors(&self) -> Vec<Problem> {
        let mut accounts = HashSet::new();
        let first = self
            .references
            .iter()
            .filter(|reference| accounts.insert(account_of(reference)));
        let problems = first.filter_map(|reference| self.client(reference).err());
        problems
            .filter(|problem| problem.category == Category::Usage)
            .collect()
    }
}
