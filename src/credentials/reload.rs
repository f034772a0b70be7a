//! Profiles whose credential may have changed since it was read.

use std::sync::Arc;

use super::chain::CredentialChain;
use crate::error::{Category, Problem};
use crate::settings::{Origin, Profile, Reload, SOURCE, SettingValue, SettingsSchema};

impl CredentialChain {
    /// How to read this profile again; `None` when nothing of its credential is in a file that others
    /// rewrite, or is printed by a command.
    pub(super) fn reload(
        &self,
        cloud: &SettingsSchema,
        profile: &Profile,
    ) -> Option<Arc<dyn Reload>> {
        let is_path = |key: &str| {
            let mut entries = self.settings.file().entries(cloud.cloud, &profile.name);
            entries.any(|(_, entry)| matches!(entry, SettingValue::Path(of, _) if of == key))
        };
        let may_change = |key: &str| match profile.origin(key) {
            Some(Origin::File { .. }) => is_path(key),
            Some(Origin::Tool { .. } | Origin::Command(_)) => true,
            Some(Origin::Variable(_) | Origin::Machine) | None => false,
        };
        let mut keys = cloud.credential_keys();
        keys.any(|spec| may_change(spec.key)).then(|| {
            Arc::new(Reloader {
                chain: Self {
                    cache: self.cache.without_files(),
                    ..self.clone()
                },
                schema: *cloud,
            }) as Arc<dyn Reload>
        })
    }
}

/// Reads a profile again whose credential is in files of its own (`KEY_file`) or of a tool, or
/// is printed by a command.
#[derive(Debug)]
struct Reloader {
    chain: CredentialChain,
    schema: SettingsSchema,
}

impl Reload for Reloader {
    fn rerun_command(&self, profile: &Profile) {
        let account = (profile.cloud.to_owned(), profile.name.clone());
        self.chain.cache.commands.invalidate(account);
    }

    fn read(&self, profile: &Profile) -> Result<Profile, Problem> {
        let present = self.chain.profile(&self.schema, &profile.name)?;
        match (profile.source(&self.schema), present.source(&self.schema)) {
            (Some(before), Some(now)) if before != now => {
                Err(account_changed(profile, before, now))
            }
            _ => Ok(present),
        }
    }
}

fn account_changed(profile: &Profile, before: &Origin, now: &Origin) -> Problem {
    let message = format!(
        "the credential source of profile '{}' ({}) changed during this run from {} ({}) to {} ({})",
        profile.name,
        profile.cloud,
        before.label(),
        before.location(),
        now.label(),
        now.location()
    );
    let hint = format!("start again, or select one with {SOURCE}");
    Problem::new(Category::MissingCredentials, message)
        .with_hint(hint)
        .with_account(profile.cloud, &profile.name)
}
