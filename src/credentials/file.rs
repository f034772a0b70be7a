//! Describes, as data, the files in which the clouds' own tools store credentials.

use std::collections::BTreeMap;

use super::tool_files::{SourceFile, SourceResult, ToolFiles};
use crate::error::Problem;
use crate::secret::Secret;

/// The file of a tool.
pub(crate) struct CredentialFile {
    /// Name in `source`, such as `aliyun-cli`.
    pub name: &'static str,
    /// The variable that sets another path.
    pub path_variable: Option<&'static str>,
    /// Paths below HOME; the first existing file is used.
    pub paths: &'static [&'static str],
    /// Path below `/` of the file that all users of the machine share.
    pub shared_path: Option<&'static str>,
    /// Format of the file and of its profiles.
    pub format: Format,
    /// Variables that select a profile; the first one that is set is used.
    pub profile_variables: &'static [&'static str],
    /// Variables with which the tool ignores the file if they are `true`.
    pub off_variables: &'static [&'static str],
    /// Fields of a profile.
    pub fields: &'static [FileField],
    /// Reads a profile; [`FileProfile::resolve`] unless the profile contains more than keys.
    pub resolve: fn(&FileProfile<'_>) -> Result<SourceResult, Problem>,
    /// Returns the region of a profile if it is not one of the fields.
    pub region: fn(&FileProfile<'_>) -> Result<Option<KeyValues>, Problem>,
    /// Hint for a damaged file.
    pub hint: &'static str,
    /// Hint for a missing profile that the tool itself would use, if falling back to another source would mean
    /// another account.
    pub current_hint: Option<&'static str>,
}

impl CredentialFile {
    /// A file description with default values.
    pub(crate) const PLAIN: Self = Self {
        name: "",
        path_variable: None,
        paths: &[],
        shared_path: None,
        format: Format::JsonList,
        profile_variables: &[],
        off_variables: &[],
        fields: &[],
        resolve: |profile| profile.resolve(),
        region: |profile| Ok(Some(profile.region())),
        hint: "fix it, or move it away",
        current_hint: None,
    };
}

/// Format of a file.
pub(crate) enum Format {
    /// JSON: `profiles` is a list of objects with a `name`; `current` is the name of one of them.
    JsonList,
    /// JSON: `profiles` is an object of profiles by name; `current` is the name of one of them.
    JsonMap,
    /// JSON: each file of a folder is a profile.
    JsonFiles {
        /// Its path below HOME.
        folder: &'static str,
        /// Suffixes of the names of the files with keys, and of those with the region.
        ends: &'static [&'static str; 2],
    },
    /// INI: each section is a profile and inherits from `[DEFAULT]`; `#` starts a comment anywhere.
    IniSections,
    /// INI: only one section is used.
    IniSection {
        /// Its name.
        name: &'static str,
        /// `true` if it inherits from `[DEFAULT]`.
        inherits: bool,
    },
}

/// A field of a profile.
pub(crate) struct FileField {
    pub(super) name: &'static str,
    /// The setting that it provides.
    pub(super) key: Option<&'static str>,
    pub(super) requirement: FieldRequirement,
}

/// Whether a field is required.
#[derive(PartialEq)]
pub(super) enum FieldRequirement {
    /// If all of these are missing, the profile has no credential; if one is set, all are required.
    Key,
    /// Required if there is a credential.
    Required,
    Optional,
}

impl FileField {
    /// Returns a field that is a part of the key.
    pub(crate) const fn key(name: &'static str, key: &'static str) -> Self {
        Self::new(name, Some(key), FieldRequirement::Key)
    }

    /// Returns a field that is required with the key.
    pub(crate) const fn required(name: &'static str, key: &'static str) -> Self {
        Self::new(name, Some(key), FieldRequirement::Required)
    }

    /// Returns a field that is optional with the key.
    pub(crate) const fn optional(name: &'static str, key: &'static str) -> Self {
        Self::new(name, Some(key), FieldRequirement::Optional)
    }

    /// Returns a field that is read for the profile but is not a setting itself.
    pub(crate) const fn other(name: &'static str) -> Self {
        Self::new(name, None, FieldRequirement::Optional)
    }

    const fn new(
        name: &'static str,
        key: Option<&'static str>,
        requirement: FieldRequirement,
    ) -> Self {
        Self {
            name,
            key,
            requirement,
        }
    }
}

/// Values by the cloud's own keys.
pub(crate) type KeyValues = Vec<(&'static str, Secret)>;

/// A profile of a file.
#[derive(Clone)]
pub(crate) struct FileProfile<'a> {
    /// Description of the file.
    pub spec: &'static CredentialFile,
    /// The file.
    pub file: &'a SourceFile,
    /// Access to other files, variables and the time.
    pub files: &'a ToolFiles,
    /// Name of the profile, if the file has profiles.
    pub name: Option<&'a str>,
    /// Place of the fields for messages: `for profile 'NAME'`, `in [NAME]`; can be empty.
    pub location: String,
    pub(super) fields: BTreeMap<&'static str, String>,
}
