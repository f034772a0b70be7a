use std::collections::HashSet;
use std::time::Duration;

use super::super::CommandContext;
use super::super::references::{self, ParsedTargets};
use super::{
    AccountId, Lookup, Options, account_of, account_of_scope, check_columns, with_reference,
};
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
        let kinds = scopes.map(|scope| scope.kind);
        let kinds = kinds.chain(targets.references().map(|one| one.kind));
        check_columns(session, kinds).map_err(|problem| vec![problem])?;
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
        let (accounts, targets) = (self.accounts(), &self.targets);
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
    /// The usage errors of all accounts, each addressed to a reference; those of accounts without a
    /// `credential_command` before any such command is run.
    pub(in crate::commands) fn connect_all(
        self,
        session: &CommandContext,
        min_interval: Option<Duration>,
    ) -> Result<Lookup, Vec<Problem>> {
        let (commands, others): (Vec<_>, Vec<_>) = self
            .accounts()
            .into_iter()
            .partition(|(cloud, profile)| self.settings.has_credential_command(cloud, profile));
        if !commands.is_empty() && !others.is_empty() {
            let (settings, options) = (self.settings.clone(), self.options);
            let lookup = Lookup::for_accounts(session, settings, others, options, min_interval);
            let lookup = lookup.map_err(|problem| vec![problem])?;
            lookup.check_settings(&self.references)?;
        }
        let lookup = self.connect(session, min_interval)?;
        lookup.check_settings(&lookup.references)?;
        Ok(lookup)
    }

    /// The accounts that the references name.
    fn accounts(&self) -> Vec<AccountId> {
        let jobs = self.targets.references().map(account_of);
        jobs.chain(self.targets.scopes().map(account_of_scope))
            .chain(
                self.targets
                    .latest()
                    .map(|(_, scope)| account_of_scope(scope)),
            )
            .collect()
    }
}

impl Lookup {
    /// Checks the settings of those accounts that have a client or an error.
    ///
    /// # Errors
    /// The usage errors, one for each account, addressed to its first reference.
    fn check_settings(&self, references: &[Reference]) -> Result<(), Vec<Problem>> {
        let mut accounts = HashSet::new();
        let problems: Vec<Problem> = references
            .iter()
            .filter(|reference| accounts.insert(account_of(reference)))
            .filter_map(|reference| {
                let problem = self.clients.get(&account_of(reference))?.as_ref().err()?;
                (problem.category == Category::Usage)
                    .then(|| with_reference(problem.clone(), reference))
            })
            .collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }
}
