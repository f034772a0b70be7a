//! Records accounts that could not be used, and sources of credentials that were not used.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{RecordedProfile, RecordedSettings};
use crate::error::Problem;
use crate::model::SkippedSource;
use crate::secret::mask_urls;
use crate::settings::{Profile, Settings, SettingsSchema};

/// An account that could not be used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FailedAccount {
    pub(super) cloud: String,
    pub(super) name: String,
    /// The reason; `None` in recordings without it.
    #[serde(default)]
    pub(super) problem: Option<Problem>,
    /// Its settings without the credential; `None` if they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) plain: Option<RecordedProfile>,
    /// References could not be parsed without its settings.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) fails_references: bool,
}

/// An account with the sources of credentials that were not used for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InspectedAccount {
    pub(super) cloud: String,
    pub(super) name: String,
    pub(super) skipped_sources: Vec<SkippedSource>,
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
    /// Adds an account that could not be used, with its settings if they could be read. Replaces an earlier recording
    /// of the account.
    pub fn add_failed(
        &mut self,
        cloud: &str,
        name: &str,
        problem: Problem,
        plain: Option<RecordedProfile>,
    ) {
        self.failed
            .retain(|known| (&*known.cloud, &*known.name) != (cloud, name));
        let mut used = self.profiles.iter();
        let is_used = used.any(|known| (&*known.cloud, &*known.name) == (cloud, name));
        self.failed.push(FailedAccount {
            cloud: cloud.to_owned(),
            name: name.to_owned(),
            problem: Some(without_urls(&problem)),
            plain: plain.filter(|_| !is_used),
            fails_references: false,
        });
    }

    /// Like [`Self::add_failed`], for an account whose settings are needed to parse references.
    pub fn add_parse_problem(&mut self, cloud: &str, name: &str, problem: Problem) {
        self.add_failed(cloud, name, problem, None);
        if let Some(added) = self.failed.last_mut() {
            added.fails_references = true;
        }
    }

    /// Adds the sources of credentials that were not used for an account.
    pub fn add_skipped_sources(&mut self, cloud: &str, name: &str, skipped: Vec<SkippedSource>) {
        self.inspected.push(InspectedAccount {
            cloud: cloud.to_owned(),
            name: name.to_owned(),
            skipped_sources: skipped,
        });
    }
}

impl Settings {
    /// Returns why an account could not be used in the recorded run; `None` outside a replay.
    pub fn recorded_problem(&self, cloud: &str, name: &str) -> Option<Problem> {
        self.failed_account(cloud, name)?.problem.clone()
    }

    /// Returns why the settings of an account that are needed to parse references could not be read in the recorded
    /// run.
    pub fn recorded_parse_problem(&self, cloud: &str, name: &str) -> Option<Problem> {
        let account = self.failed_account(cloud, name)?;
        account.problem.clone().filter(|_| account.fails_references)
    }

    pub(super) fn failed_account(&self, cloud: &str, name: &str) -> Option<&FailedAccount> {
        let mut failed = self.recorded.as_ref()?.failed.iter();
        failed.find(|known| known.cloud == cloud && known.name == name)
    }

    /// Returns the recorded settings of an account, with its credential if it could be read.
    pub(crate) fn recorded_plain_profile(
        &self,
        schema: &'static SettingsSchema,
        name: &str,
    ) -> Option<Profile> {
        self.recorded_profile(schema, name).or_else(|| {
            let failed = self.failed_account(schema.cloud, name)?;
            Some(failed.plain.as_ref()?.profile(schema))
        })
    }

    /// Returns the sources of credentials that were not used for an account in the recorded run.
    pub fn recorded_skipped_sources(&self, cloud: &str, name: &str) -> Option<Vec<SkippedSource>> {
        let mut inspected = self.recorded.as_ref()?.inspected.iter();
        let account = inspected.find(|known| known.cloud == cloud && known.name == name)?;
        Some(account.skipped_sources.clone())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_account_of_a_recording_without_reasons_is_read() {
        let account: FailedAccount = serde_json::from_str(r#"["aliyun", "default"]"#).unwrap();
        assert_eq!((&*account.cloud, &*account.name), ("aliyun", "default"));
        assert_eq!((account.problem, account.fails_references), (None, false));
    }
}
