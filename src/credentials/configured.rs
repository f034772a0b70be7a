//! Lists the profiles that have any setting.

use super::chain::CredentialChain;
use super::tool_files::SourceResult;
use crate::settings::{Origin, SOURCE, SettingsSchema};
use crate::sort::SortExt as _;

impl CredentialChain {
    /// Lists the profiles of a cloud that have any setting: the tables of the config file, and `default` if a
    /// credential is found for it or one of joblens's own variables is set. `default` comes first. Reads the tools'
    /// files.
    pub fn configured(&self, schema: &SettingsSchema) -> Vec<String> {
        let tables = self.settings.file().profiles(schema.cloud);
        let mut profiles: Vec<String> = tables.map(str::to_owned).collect();
        let is_default = |name: &str| name == "default";
        let has_default = profiles.iter().any(|name| is_default(name));
        // An endpoint or a region without a credential means that the user wants to use this account.
        if !has_default && self.configures_default(schema) {
            profiles.push("default".to_owned());
        }
        profiles.order_by_key(|name| !is_default(name));
        profiles
    }

    /// Returns `true` if `default` is configured: variables or a tool's file, even a damaged one, contain a
    /// credential; or they select a profile that the file does not have; or a `JOBLENS_` variable is set. Other
    /// variables of the cloud may be meant for its own tools.
    fn configures_default(&self, schema: &SettingsSchema) -> bool {
        // A variable that is not UTF-8 may contain a credential.
        let is_configured = self.with_needed_variables(|own| Ok(own.finds_default(schema)));
        is_configured.unwrap_or(true)
    }

    fn finds_default(&self, schema: &SettingsSchema) -> bool {
        let (values, _) = self.settings.values_of_environment(schema);
        let is_own = |origin: &Origin| matches!(origin, Origin::Variable(name) if name.starts_with("JOBLENS_"));
        let mut values = values.iter();
        let files = self.tool_files();
        values.any(|(key, value)| {
            schema.is_credential(key) || *key == SOURCE || is_own(&value.origin)
        }) || self.sources(schema).iter().any(|source| {
            let loaded = self.cache.load(schema.cloud, source, &files, None);
            matches!(
                loaded,
                Ok(SourceResult::Found(_)
                    | SourceResult::Program(_)
                    | SourceResult::NoSuchProfile { .. })
                    | Err(_)
            )
        })
    }
}
