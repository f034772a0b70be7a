//! The files in which the clouds' own tools keep credentials, as data.

use std::collections::BTreeMap;

use super::tool_files::{SourceFile, SourceResult, ToolFiles};
use crate::error::Problem;
use crate::secret::Secret;

/// The file of a tool.
pub(crate) struct CredentialFile {
    /// Name in `source`, such as `aliyun-cli`.
    pub name: &'static str,
    /// The variable that names another file.
    pub path_variable: Option<&'static str>,
    /// Places below HOME; the first file that is there counts.
    pub paths: &'static [&'static str],
    /// The file of all users of the machine, below `/`.
    pub shared_path: Option<&'static str>,
    /// How the file is written, and what a profile of it is.
    pub format: Format,
    /// Variables that choose among the profiles; the first that is set counts.
    pub profile_variables: &'static [&'static str],
    /// Variables with which the tool ignores the file when they are `true`.
    pub off_variables: &'static [&'static str],
    /// What a profile contains.
    pub fields: &'static [FileField],
    /// What a profile gives; [`FileProfile::resolve`] unless there is more than keys in it.
    pub resolve: fn(&FileProfile<'_>) -> Result<SourceResult, Problem>,
    /// The region of a profile, where it is not among the fields.
    pub region: fn(&FileProfile<'_>) -> Result<Option<KeyValues>, Problem>,
    /// What to do about a file that is damaged.
    pub hint: &'static str,
    /// What to do where the profile that the tool itself would use is missing, if another source in
    /// its place would be another account.
    pub current_hint: Option<&'static str>,
}

impl CredentialFile {
    /// A file without more than a name, places and fields.
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

/// How a file is written.
pub(crate) enum Format {
    /// JSON: `profiles` is a list of objects with a `name`, `current` the name of one.
    JsonList,
    /// JSON: `profiles` is an object of profiles by their names, `current` the name of one.
    JsonMap,
    /// JSON: each file of a folder is a profile.
    JsonFiles {
        /// Its place below HOME.
        folder: &'static str,
        /// How the names of the files with keys end, and of those with the region.
        ends: &'static [&'static str; 2],
    },
    /// INI: each section is a profile and inherits from `[DEFAULT]`; `#` starts a comment anywhere.
    IniSections,
    /// INI: one section counts.
    IniSection {
        /// Its name.
        name: &'static str,
        /// True where it inherits from `[DEFAULT]`.
        inherits: bool,
    },
}

/// A field of a profile.
pub(crate) struct FileField {
    pub(super) name: &'static str,
    /// The setting that it gives.
    pub(super) key: Option<&'static str>,
    pub(super) presence: Presence,
}

/// Whether a field has to be there.
#[derive(PartialEq)]
pub(super) enum Presence {
    /// Without any of these there is no credential; with one of them all are required.
    Key,
    /// Required where there is a credential.
    Required,
    Optional,
}

impl FileField {
    /// A part of the key.
    pub(crate) const fn key(name: &'static str, key: &'static str) -> Self {
        Self::new(name, Some(key), Presence::Key)
    }

    /// What goes with the key.
    pub(crate) const fn required(name: &'static str, key: &'static str) -> Self {
        Self::new(name, Some(key), Presence::Required)
    }

    /// What may go with the key.
    pub(crate) const fn optional(name: &'static str, key: &'static str) -> Self {
        Self::new(name, Some(key), Presence::Optional)
    }

    /// A field that is read for the profile but is not a setting itself.
    pub(crate) const fn other(name: &'static str) -> Self {
        Self::new(name, None, Presence::Optional)
    }

    const fn new(name: &'static str, key: Option<&'static str>, presence: Presence) -> Self {
        Self {
            name,
            key,
            presence,
        }
    }
}

/// Values by the cloud's own keys.
pub(crate) type KeyValues = Vec<(&'static str, Secret)>;

/// A profile of a file.
#[derive(Clone)]
pub(crate) struct FileProfile<'a> {
    /// What kind of file it is.
    pub spec: &'static CredentialFile,
    /// The file.
    pub file: &'a SourceFile,
    /// Other files, variables and the time.
    pub files: &'a ToolFiles,
    /// Its name, where the file has profiles.
    pub name: Option<&'a str>,
    /// Where the fields are, for messages: `for profile 'NAME'`, `in [NAME]`; may be empty.
    pub place: String,
    pub(super) fields: BTreeMap<&'static str, String>,
}
