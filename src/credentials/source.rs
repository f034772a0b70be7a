//! The sources of credentials that a cloud has besides variables and the config file.

use std::fmt;

use super::file::CredentialFile;
use super::imds::ImdsService;
use super::tool_files::{FoundCredential, SourceResult, ToolFiles};
use crate::error::Problem;
use crate::settings::METADATA;

/// A source of credentials.
pub(crate) enum CredentialSource {
    /// The file of a tool.
    File(CredentialFile),
    /// The metadata service of the machine.
    InstanceRole(&'static ImdsService),
}

impl CredentialSource {
    /// Name in `source`, such as `aliyun-cli`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File(file) => file.name,
            Self::InstanceRole(_) => METADATA,
        }
    }

    /// Reads the profile of this name, or the one that the tool itself would use.
    ///
    /// # Errors
    /// As [`CredentialFile::load`].
    pub(crate) fn load(
        &'static self,
        files: &ToolFiles,
        profile: Option<&str>,
    ) -> Result<SourceResult, Problem> {
        match self {
            Self::File(file) => file.load(files, profile),
            Self::InstanceRole(service) => Ok(service.load(files, profile)),
        }
    }

    /// The region of the profile that the tool itself would use, whether or not it has keys.
    ///
    /// # Errors
    /// As [`CredentialFile::load`].
    pub(super) fn region(
        &'static self,
        files: &ToolFiles,
    ) -> Result<Option<FoundCredential>, Problem> {
        Ok(match self.load(&files.clone().for_region(), None)? {
            SourceResult::Found(found) => Some(found),
            _ => None,
        })
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
