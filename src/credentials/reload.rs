//! Reads profiles again whose credential may have changed.

use std::sync::Arc;

use super::chain::CredentialChain;
use crate::error::Problem;
use crate::secret::Secret;
use crate::settings::{
    CA_DATA, Origin, PROXY_URL, Profile, Reload, RerunReason, SERVER, SOURCE, SettingValue,
    TLS_SERVER_NAME,
};

/// The settings that determine where a credential is sent. A connection keeps its first values.
const CONNECTION: [&str; 4] = [SERVER, CA_DATA, TLS_SERVER_NAME, PROXY_URL];

impl CredentialChain {
    /// Returns how to read this profile again; `None` if no part of its credential is in a file that others
    /// rewrite, or is printed by a command.
    pub(super) fn reload(&self, profile: &Profile) -> Option<Arc<dyn Reload>> {
        let is_path = |key: &str| {
            let mut entries = self.settings.file().entries(profile.cloud(), &profile.name);
            entries.any(|(_, entry)| matches!(entry, SettingValue::Path(of, _) if of == key))
        };
        let may_change = |key: &str| match profile.origin(key) {
            Some(Origin::File { .. }) => is_path(key),
            Some(Origin::Tool { .. } | Origin::Command(_)) => true,
            Some(Origin::Variable(_) | Origin::Machine) | None => false,
        };
        let mut keys = profile.schema.credential_keys();
        keys.any(|spec| may_change(spec.key)).then(|| {
            Arc::new(Reloader {
                chain: Self {
                    cache: self.cache.without_files(),
                    ..self.clone()
                },
            }) as Arc<dyn Reload>
        })
    }
}

/// Reads a profile again whose credential is in separate files (`KEY_file`), in a tool's files, or is printed by a
/// command.
#[derive(Debug)]
struct Reloader {
    chain: CredentialChain,
}

impl Reload for Reloader {
    fn rerun_command(&self, profile: &Profile, reason: RerunReason) {
        let account = (profile.cloud().to_owned(), profile.name.clone());
        self.chain.cache.commands.invalidate(account, reason);
    }

    fn read(&self, profile: &Profile) -> Result<Profile, Problem> {
        let present = self.chain.profile(profile.schema, &profile.name)?;
        match (profile.source(), present.source()) {
            (Some(before), Some(now)) if before != now => {
                Err(account_changed(profile, before, now))
            }
            (_, origin) => match CONNECTION
                .iter()
                .find(|key| has_changed(profile, &present, key))
            {
                Some(key) => Err(connection_changed(profile, key, origin)),
                None => Ok(present),
            },
        }
    }
}

fn has_changed(previous: &Profile, now: &Profile, key: &str) -> bool {
    previous.secret(key).map(Secret::expose) != now.secret(key).map(Secret::expose)
}

/// Returns the problem that a new credential may belong to another server. The values are not shown, since a proxy
/// URL can contain a password.
fn connection_changed(profile: &Profile, key: &str, origin: Option<&Origin>) -> Problem {
    let origin =
        origin.map(|origin| format!(" in {} ({})", origin.source_location(), origin.label()));
    let message = format!(
        "the {key} of profile '{}' ({}) changed during this run{}; its new credential is not sent to the \
         previous one",
        profile.name,
        profile.cloud(),
        origin.unwrap_or_default()
    );
    profile
        .missing_credentials(message)
        .with_hint("run the command again")
}

fn account_changed(profile: &Profile, previous: &Origin, now: &Origin) -> Problem {
    let message = format!(
        "the credential source of profile '{}' ({}) changed during this run from {} ({}) to {} ({})",
        profile.name,
        profile.cloud(),
        previous.label(),
        previous.source_location(),
        now.label(),
        now.source_location()
    );
    let hint = format!("run the command again, or select one with {SOURCE}");
    profile.missing_credentials(message).with_hint(hint)
}
