//! Finds variables that look like a credential or a setting but are not read.

use super::chain::CredentialChain;
use crate::error::closest_match;
use crate::settings::{CREDENTIAL_COMMAND, SettingRole, SettingSpec, SettingsSchema};

impl CredentialChain {
    /// Reports variables that look like a credential of the cloud, or begin like one of joblens's own variables, but
    /// are not read, with the variables that may be meant.
    pub(super) fn unread_variables(&self, schema: &SettingsSchema) -> Option<String> {
        const WORDS: [&str; 9] = [
            "KEY",
            "SECRET",
            "TOKEN",
            "PASSWORD",
            "_AK",
            "_SK",
            "_IDP_",
            "_OIDC_",
            "CREDENTIALS_URI",
        ];
        const MAX_NAMES: usize = 4;
        let own_prefix = schema.variable("");
        let is_suspect = |name: &str| {
            let mut prefixes = schema.variable_prefixes.iter();
            let is_of_cloud = prefixes.any(|prefix| name.starts_with(prefix));
            let is_credential = WORDS.iter().any(|word| name.contains(word));
            name.starts_with(&own_prefix) || is_of_cloud && is_credential
        };
        let environment = self.settings.environment();
        let mut names: Vec<&str> = environment
            .names()
            .filter(|name| is_suspect(name) && !is_read(schema, name))
            .collect();
        names.sort_unstable();
        names.truncate(MAX_NAMES);
        let verb = if names.len() == 1 { "is" } else { "are" };
        let shown = names.join(", ");
        let keys = names
            .iter()
            .filter_map(|name| name.strip_prefix(&own_prefix));
        let notes: String = keys
            .filter_map(|key| note(schema, &key.to_ascii_lowercase()))
            .map(|note| format!("; {note}"))
            .collect();
        (!names.is_empty()).then(|| format!("{shown} {verb} set but not read{notes}"))
    }
}

/// Returns `true` if a variable is read for a key of the cloud, or is refused with an error.
fn is_read(schema: &SettingsSchema, name: &str) -> bool {
    schema.all().any(|spec| {
        let is_own = spec.role == SettingRole::Setting && schema.variable(spec.key) == name;
        is_own || spec.variables.contains(&name)
    })
}

/// Returns what to set in place of `JOBLENS_<CLOUD>_<KEY>`, if the key is similar to a known one.
fn note(schema: &SettingsSchema, key: &str) -> Option<String> {
    let keys = schema.all().map(|spec| spec.key);
    let closest = closest_match(keys.chain([CREDENTIAL_COMMAND]), key)?;
    let variable = schema.find(closest).and_then(|spec| variable(schema, spec));
    Some(match variable {
        Some(variable) => format!("did you mean {variable}?"),
        None => format!("{closest} can only be set in the config file"),
    })
}

/// Returns the first variable that sets a key.
fn variable(schema: &SettingsSchema, spec: &SettingSpec) -> Option<String> {
    match spec.role {
        SettingRole::Setting => Some(schema.variable(spec.key)),
        _ => spec.variables.first().map(ToString::to_string),
    }
}
