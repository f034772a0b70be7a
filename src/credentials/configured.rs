//! Which profiles somebody has set anything for.

use super::chain::CredentialChain;
use super::source::CredentialSource;
use super::tool_files::SourceResult;
use crate::settings::{Origin, SOURCE, SettingsSchema, SourcedValue};

impl CredentialChain {
    /// The profiles of a cloud that somebody has set anything for: the tables of the config file,
    /// and `default` where a credential is found, or a variable that is joblens's own. `default` comes
    /// first. Files of tools are read.
    pub fn configured(&self, cloud: &SettingsSchema) -> Vec<String> {
        let tables = self.settings.file().profiles(cloud.cloud);
        let mut profiles: Vec<String> = tables.map(str::to_owned).collect();
        let is_default = |name: &str| name == "default";
        let has_default = profiles.iter().any(|name| is_default(name));
        // An endpoint or a region without a credential is an account that was meant to be asked.
        if !has_default && (self.has_credential_besides_file(cloud) || self.has_own_variable(cloud))
        {
            profiles.push("default".to_owned());
        }
        profiles.sort_by_key(|name| !is_default(name));
        profiles
    }

    /// True when variables or a file of a tool, even a damaged one, give a credential for the
    /// profile `default`.
    fn has_credential_besides_file(&self, cloud: &SettingsSchema) -> bool {
        let (values, _) = self.settings.values_of_environment(cloud);
        let is_told = |key: &str| cloud.is_credential(key) || key == SOURCE;
        let desk = self.tool_files();
        let holds =
            |tool: &'static CredentialSource| match self.cache.load(cloud.cloud, tool, &desk, None)
            {
                Ok(SourceResult::Found(_)) | Err(_) => true,
                Ok(
                    SourceResult::NotPresent
                    | SourceResult::Empty(_)
                    | SourceResult::InstanceRole(_),
                ) => false,
            };
        values.keys().any(|key| is_told(key)) || self.sources(cloud).iter().any(holds)
    }

    /// True when a variable that only joblens reads says something of the profile `default`. Those of
    /// the cloud's own tools may be there for these.
    fn has_own_variable(&self, cloud: &SettingsSchema) -> bool {
        let (values, _) = self.settings.values_of_environment(cloud);
        let is_own = |value: &SourcedValue| matches!(&value.origin, Origin::Variable(name) if name.starts_with("JOBLENS_"));
        values.values().any(is_own)
    }
}
