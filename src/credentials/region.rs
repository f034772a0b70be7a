//! Adds the region of a tool's file to keys from variables.

use super::chain::CredentialChain;
use super::tool_sources::credential;
use crate::error::Problem;
use crate::settings::{Origin, Profile, SettingsSchema, SourcedValue};

/// The setting that a tool's file can add to keys from another source.
const REGION: &str = "region";

impl CredentialChain {
    /// Adds the region of the first tool that has one, if the keys come from variables and no region is set.
    pub(super) fn add_region(&self, profile: &mut Profile) {
        let is_from_environment = matches!(profile.source(), Some(Origin::Variable(_)));
        if is_from_environment && profile.get(REGION).is_none() {
            match self.region_of_tools(profile.schema) {
                Ok(region) => profile.values.extend(region),
                // It is an error only for a command that needs the region.
                Err(problem) => profile.skipped_sources.push(problem.message),
            }
        }
    }

    /// Returns the region of the first tool that has one.
    ///
    /// # Errors
    /// The problem of a preceding file that cannot be used.
    fn region_of_tools(
        &self,
        schema: &SettingsSchema,
    ) -> Result<Option<(&'static str, SourcedValue)>, Problem> {
        let Some(key) = schema.find(REGION).map(|spec| spec.key) else {
            return Ok(None);
        };
        let files = self.tool_files();
        for tool in self.sources(schema) {
            let found = tool.region(&files);
            files.check_variables()?;
            let found = found?;
            let value = found.and_then(|found| credential(tool, found).values.remove(key));
            if let Some(value) = value {
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }
}
