//! Records accounts that could not be used, and sources of credentials that were not used.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{RecordedProfile, RecordedSettings};
use crate::error::Problem;
use crate::model::SkippedSource;
use crate::secret::mask_urls;
use crate::settings::{Profile, Settings, SettingsSchema};

/// An account of the recorded run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct RecordedAccount {
    pub(super) cloud: String,
    pub(super) name: String,
    /// Its settings; `None` if they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) profile: Option<RecordedProfile>,
    /// `profile` contains the credential.
    pub(super) has_credential: bool,
    /// Why it could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Problem>,
    /// References could not be parsed without its settings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    fails_references: bool,
    /// The sources of credentials that were not used; `None` if they were not inspected.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_sources: Option<Vec<SkippedSource>>,
}

/// Returns the problem with the secrets of its URLs masked.
pub(super) fn without_urls(problem: &Problem) -> Problem {
    let hint = problem.hint.as_deref().map(mask_urls);
    Problem {
        message: mask_urls(&problem.message).into_owned(),
        hint: hint.map(Cow::into_owned),
        ..problem.clone()
    }
}

impl RecordedSettings {
    /// Returns the recording of an account, which is added if there is none.
    fn account_mut(&mut self, cloud: &str, name: &str) -> &mut RecordedAccount {
        let mut accounts = self.accounts.iter();
        let known = accounts.position(|known| known.cloud == cloud && known.name == name);
        let index = known.unwrap_or(self.accounts.len());
        if known.is_none() {
            self.accounts.push(RecordedAccount {
                cloud: cloud.to_owned(),
                name: name.to_owned(),
                ..RecordedAccount::default()
            });
        }
        &mut self.accounts[index]
    }

    /// Adds the settings of an account that is used. Replaces an earlier recording of them.
    pub fn add_profile(&mut self, cloud: &str, name: &str, profile: RecordedProfile) {
        let account = self.account_mut(cloud, name);
        account.profile = Some(profile);
        account.has_credential = true;
    }

    /// Adds an account that could not be used, with its settings if they could be read. Replaces an earlier recording
    /// of such an account.
    pub fn add_failed(
        &mut self,
        cloud: &str,
        name: &str,
        problem: &Problem,
        plain: Option<RecordedProfile>,
    ) {
        let account = self.account_mut(cloud, name);
        account.problem = Some(without_urls(problem));
        account.fails_references = false;
        if !account.has_credential {
            account.profile = plain;
        }
    }

    /// Like [`Self::add_failed`], for an account whose settings are needed to parse references.
    pub fn add_parse_problem(&mut self, cloud: &str, name: &str, problem: &Problem) {
        self.add_failed(cloud, name, problem, None);
        self.account_mut(cloud, name).fails_references = true;
    }

    /// Adds the sources of credentials that were not used for an account.
    pub fn add_skipped_sources(&mut self, cloud: &str, name: &str, skipped: &[SkippedSource]) {
        let account = self.account_mut(cloud, name);
        account.skipped_sources = Some(skipped.to_vec());
    }
}

impl Settings {
    fn recorded_account(&self, cloud: &str, name: &str) -> Option<&RecordedAccount> {
        let mut accounts = self.recorded.as_ref()?.accounts.iter();
        accounts.find(|known| known.cloud == cloud && known.name == name)
    }

    /// Returns why an account could not be used in the recorded run; `None` outside a replay.
    pub fn recorded_problem(&self, cloud: &str, name: &str) -> Option<Problem> {
        self.recorded_account(cloud, name)?.problem.clone()
    }

    /// Returns why the settings of an account that are needed to parse references could not be read in the recorded
    /// run.
    pub fn recorded_parse_problem(&self, cloud: &str, name: &str) -> Option<Problem> {
        let account = self.recorded_account(cloud, name)?;
        account.problem.clone().filter(|_| account.fails_references)
    }

    /// Returns the recorded settings of an account with its credential.
    pub(crate) fn recorded_profile(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
    ) -> Option<Profile> {
        let account = self.recorded_account(schema.cloud, name)?;
        let profile = account.profile.as_ref()?.profile(schema, name);
        account.has_credential.then_some(profile)
    }

    /// Returns the recorded settings of an account, with its credential if it could be read.
    pub(crate) fn recorded_plain_profile(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
    ) -> Option<Profile> {
        let account = self.recorded_account(schema.cloud, name)?;
        Some(account.profile.as_ref()?.profile(schema, name))
    }

    /// Returns the sources of credentials that were not used for an account in the recorded run.
    pub fn recorded_skipped_sources(&self, cloud: &str, name: &str) -> Option<Vec<SkippedSource>> {
        self.recorded_account(cloud, name)?.skipped_sources.clone()
    }

    /// Returns `true` if a profile has a table in the config file; in a replay, in that of the recorded run.
    pub fn has_table(&self, cloud: &str, name: &str) -> bool {
        match &self.recorded {
            Some(recorded) => {
                let mut tables = recorded.tables.iter();
                tables.any(|(of, table)| of == cloud && table == name)
            }
            None => self.file.has_profile(cloud, name),
        }
    }
}
