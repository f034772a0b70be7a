use std::sync::Arc;

use super::profile::Reload;
use super::source_cache::SourceCache;
use super::{Origin, Profile, SOURCE, Settings, SettingsSchema, file};
use crate::error::{Category, Problem};

impl Settings {
    /// How to read this profile again; `None` when nothing of its credential stands in a file that is
    /// written anew by others or is printed by a command.
    pub(super) fn reload(&self, cloud: &SettingsSchema, profile: &Profile) -> Option<Reload> {
        let is_path = |key: &str| {
            let mut entries = self.file.entries(cloud.cloud, &profile.name);
            entries.any(|(_, entry)| matches!(entry, file::SettingValue::Path(of, _) if of == key))
        };
        let may_change = |key: &str| match profile.origin(key) {
            Some(Origin::File(_)) => is_path(key),
            Some(Origin::Tool { .. } | Origin::Command(_)) => true,
            Some(Origin::Variable(_) | Origin::Machine) | None => false,
        };
        let mut keys = cloud.credential_keys();
        keys.any(|spec| may_change(spec.key)).then(|| Reload {
            settings: Arc::new(Settings {
                sources: SourceCache::disabled(),
                ..self.clone()
            }),
            keys: *cloud,
        })
    }
}

impl Profile {
    /// True when a part of the credential stands in a file of its own or of a tool, which may be
    /// written anew, or is printed by a command, which may print another.
    pub fn is_reloadable(&self) -> bool {
        self.reload.is_some()
    }

    /// The profile with what its files hold and its command prints now; `None` when its credential
    /// comes from neither. A command may take half a minute.
    ///
    /// # Errors
    /// As [`Settings::profile`].
    pub fn reload(&self) -> Option<Result<Self, Problem>> {
        let Reload { settings, .. } = self.reload.as_ref()?;
        if let Some(words) = settings.file.command(self.cloud, &self.name) {
            let account = (self.cloud.to_owned(), self.name.clone());
            // Where it cannot be found any more, the profile says so.
            if let Ok(invocation) = settings.invocation(words) {
                settings.commands.run_again(account, &invocation);
            }
        }
        self.reload_now()
    }

    /// The profile with what its files hold now and its command printed last; `None` when its
    /// credential comes from neither.
    ///
    /// # Errors
    /// As [`Settings::profile`]; `missing_credentials` when another source has one now, since a run stays
    /// with one account.
    pub fn reload_now(&self) -> Option<Result<Self, Problem>> {
        let Reload { settings, keys } = self.reload.as_ref()?;
        let present = settings.profile(keys, &self.name);
        Some(present.and_then(|present| {
            let (before, now) = (self.source(keys), present.source(keys));
            match (before, now) {
                (Some(before), Some(now)) if before != now => {
                    Err(self.account_changed(before, now))
                }
                _ => Ok(present),
            }
        }))
    }

    fn account_changed(&self, before: &Origin, now: &Origin) -> Problem {
        let message = format!(
            "the credential source of profile '{}' ({}) changed during this run from {} ({}) to {} ({})",
            self.name,
            self.cloud,
            before.label(),
            before.location(),
            now.label(),
            now.location()
        );
        let hint = format!("start again, or select one with {SOURCE}");
        Problem::new(Category::MissingCredentials, message)
            .with_hint(hint)
            .with_account(self.cloud, &self.name)
    }
}
