//! Finds variables that look like a credential but are not read.

use super::chain::CredentialChain;
use crate::settings::SettingsSchema;

impl CredentialChain {
    /// Reports variables that look like a credential of the cloud but are not read.
    pub(super) fn unread_variables(&self, cloud: &SettingsSchema) -> Option<String> {
        const WORDS: [&str; 8] = [
            "KEY", "SECRET", "TOKEN", "PASSWORD", "_AK", "_SK", "_IDP_", "_OIDC_",
        ];
        const MAX_NAMES: usize = 4;
        let own_prefix = cloud.variable("");
        let is_read = |name: &str| cloud.all().any(|spec| spec.variables.contains(&name));
        let is_of_cloud = |name: &str| {
            let mut prefixes = cloud.variable_prefixes.iter();
            name.starts_with(&own_prefix) || prefixes.any(|prefix| name.starts_with(prefix))
        };
        let environment = self.settings.environment();
        let mut names: Vec<&str> = environment
            .names()
            .filter(|name| is_of_cloud(name) && !is_read(name))
            .filter(|name| WORDS.iter().any(|word| name.contains(word)))
            .collect();
        names.sort_unstable();
        names.truncate(MAX_NAMES);
        let (verb, shown) = (
            if names.len() == 1 { "is" } else { "are" },
            names.join(", "),
        );
        (!names.is_empty()).then(|| format!("{shown} {verb} set but not read"))
    }
}
