//! Sources of a cloud's credentials other than variables and the config file.

use std::fmt;

use super::file::CredentialFile;
use super::imds::ImdsService;
use super::tool_files::{FoundCredential, SourceResult, ToolFiles};
use crate::error::Problem;
use crate::settings::{METADATA, Profile};

/// A source of credentials.
pub(crate) enum CredentialSource {
    /// The file of a tool.
    File(CredentialFile),
    /// The metadata service of the machine.
    InstanceRole(&'static ImdsService),
    /// Files that contain more than keys.
    Custom(CustomSource),
}

/// A tool whose files are read by a function of the cloud.
pub(crate) struct CustomSource {
    /// Name in `source`, such as `kubeconfig`.
    pub name: &'static str,
    /// Name in messages of a credential that belongs to none of its profiles.
    pub name_without_profile: &'static str,
    /// Term for its profiles.
    pub profile_word: &'static str,
    /// The setting that selects a profile, and the one that selects the file. A profile that sets either of them
    /// uses this source.
    pub selectors: [&'static str; 2],
    /// Reads the profile with this name, or the one that the tool itself would use.
    pub load: fn(&ToolFiles, Option<&str>) -> Result<SourceResult, Problem>,
}

impl CredentialSource {
    /// Returns the name in `source`, such as `aliyun-cli`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File(file) => file.name,
            Self::InstanceRole(_) => METADATA,
            Self::Custom(source) => source.name,
        }
    }

    /// Returns the name in messages for a credential with or without a profile.
    pub(super) fn label(&self, has_profile: bool) -> &'static str {
        match self {
            Self::Custom(source) if !has_profile => source.name_without_profile,
            _ => self.name(),
        }
    }

    /// Reads the profile with this name, or the one that the tool itself would use.
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
            Self::Custom(source) => (source.load)(files, profile),
        }
    }

    /// Returns the term for its profiles.
    pub(super) fn profile_word(&self) -> &'static str {
        match self {
            Self::Custom(source) => source.profile_word,
            Self::File(_) | Self::InstanceRole(_) => "profile",
        }
    }

    /// Returns the profile and the file of the tool that settings select.
    pub(super) fn selection<'a>(&self, profile: &'a Profile) -> [Option<&'a str>; 2] {
        match self {
            Self::Custom(source) => source.selectors.map(|key| profile.get(key)),
            Self::File(_) | Self::InstanceRole(_) => [None, None],
        }
    }

    /// Returns the region of the profile that the tool itself would use, even if the profile has no keys.
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
