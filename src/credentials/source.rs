//! The sources of credentials that a cloud has other than variables and the config file.

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

/// A tool whose files are read by a function of the cloud's own.
pub(crate) struct CustomSource {
    /// Name in `source`, such as `kubeconfig`.
    pub name: &'static str,
    /// What messages call a credential of it that is in none of its profiles.
    pub name_without_profile: &'static str,
    /// What its profiles are called.
    pub profile_word: &'static str,
    /// The setting that chooses among its profiles, and the one that names its file. A profile with either of
    /// them is of this source.
    pub selectors: [&'static str; 2],
    /// Reads the profile of this name, or the one that the tool itself would use.
    pub load: fn(&ToolFiles, Option<&str>) -> Result<SourceResult, Problem>,
}

impl CredentialSource {
    /// Name in `source`, such as `aliyun-cli`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::File(file) => file.name,
            Self::InstanceRole(_) => METADATA,
            Self::Custom(source) => source.name,
        }
    }

    /// What messages call it, for a credential with or without a profile.
    pub(super) fn label(&self, has_profile: bool) -> &'static str {
        match self {
            Self::Custom(source) if !has_profile => source.name_without_profile,
            _ => self.name(),
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
            Self::Custom(source) => (source.load)(files, profile),
        }
    }

    /// What its profiles are called.
    pub(super) fn profile_word(&self) -> &'static str {
        match self {
            Self::Custom(source) => source.profile_word,
            Self::File(_) | Self::InstanceRole(_) => "profile",
        }
    }

    /// The profile and the file of the tool that settings choose.
    pub(super) fn selection<'a>(&self, profile: &'a Profile) -> [Option<&'a str>; 2] {
        match self {
            Self::Custom(source) => source.selectors.map(|key| profile.get(key)),
            Self::File(_) | Self::InstanceRole(_) => [None, None],
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
