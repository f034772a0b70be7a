//! The expiry of credentials, and its consequences for a command that runs longer.

use crate::model::Time;
use crate::output::{self, Zone};
use crate::providers::Client;
use crate::settings::{Origin, Profile, SettingRole, SettingSpec};

/// Returns `true` if a command prints the credential and so renews it whenever it expires.
pub(super) fn is_printed(profile: &Profile) -> bool {
    let mut origins = profile
        .schema
        .credential_keys()
        .filter_map(|spec| profile.origin(spec.key));
    origins.any(Origin::is_command)
}

/// A credential that is known to expire.
#[derive(Debug)]
pub(in crate::commands) struct CredentialExpiry {
    /// When it expires.
    pub expires_at: Time,
    /// The masked key or the token, its source, and its account.
    description: String,
    /// What happens to a command that is running then, and what to do.
    consequence: String,
}

/// Returns the masked id of a credential, or the name of its user, with its source.
fn user_or_key(profile: &Profile, id: &SettingSpec) -> String {
    let is_name = id.role == SettingRole::Name;
    let user = is_name.then(|| profile.user_label(id.key)).flatten();
    user.unwrap_or_else(|| profile.credential_label(id.key, id.id_name()))
}

impl CredentialExpiry {
    /// Returns the expiry of a profile's credential, if known.
    pub(super) fn from_profile(client: &dyn Client, profile: &Profile) -> Option<Self> {
        let at = client.api().credential().expires_at?;
        let mut parts = profile
            .schema
            .credential_keys()
            .filter(|spec| profile.origin(spec.key).is_some());
        let Some(first) = parts.next() else {
            let origin = profile.source()?;
            let account = format!("{}@{}", profile.cloud(), profile.name);
            return Some(Self {
                expires_at: at,
                description: format!("client certificate ({}) for {account}", origin.label()),
                consequence: "use one that is valid for longer".to_owned(),
            });
        };
        let id = std::iter::once(first)
            .chain(parts)
            .find(|spec| matches!(spec.role, SettingRole::Id | SettingRole::Name));
        let label = match id {
            Some(id) => user_or_key(profile, id),
            None => profile.credential_label(first.key, "token"),
        };
        let follows = match profile.origin(first.key) {
            Some(origin) if origin.is_command() => "the command is run again when it expires".to_owned(),
            Some(Origin::Tool { tool, path, .. }) => format!(
                "{} is re-read when it expires; log in with {tool} before that",
                path.display()
            ),
            _ if profile.is_reloadable() => {
                "its file is re-read when it expires; renew it before that".to_owned()
            }
            _ => "use a longer-lived credential, or KEY_file or credential_command in the config file, which are re-read"
                .to_owned(),
        };
        Some(Self {
            expires_at: at,
            description: format!("{label} for {}@{}", profile.cloud(), profile.name),
            consequence: follows,
        })
    }

    /// Returns a sentence for people, with the remaining time.
    pub(in crate::commands) fn line(&self, now: Time, zone: Zone) -> String {
        let time_left = output::duration(self.expires_at.seconds_since(now));
        self.sentence(&format!(
            "in {time_left}, at {}",
            zone.clock(self.expires_at)
        ))
    }

    /// Returns the sentence for programs, without the remaining time.
    pub(in crate::commands) fn message(&self) -> String {
        self.sentence(&format!("at {}", self.expires_at.rfc3339()))
    }

    fn sentence(&self, time_text: &str) -> String {
        format!(
            "{} expires {time_text}; {}",
            self.description, self.consequence
        )
    }
}
