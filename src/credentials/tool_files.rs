//! Gives the cloud modules access to files of the clouds' own tools.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Category, Problem};
use crate::model::{Notice, NoticeCode, Time};
use crate::secret::Secret;
use crate::settings::{
    Environment, FileError, MAX_FILE_BYTES, is_dangling, is_mounted, quoted, read_text_up_to,
};

/// Result of reading a tool's files.
#[derive(Debug, Clone)]
pub enum SourceResult {
    /// The tool has no file.
    NotPresent,
    /// The file contains no credential; with the reason.
    Empty(String),
    /// The file does not contain the profile that a variable selects.
    NoSuchProfile {
        /// The variable.
        variable: &'static str,
        /// The profile.
        profile: String,
        /// The message, with the profiles that the file has.
        reason: String,
    },
    /// A credential.
    Found(FoundCredential),
    /// The metadata service of the machine, with its settings. It is used only if it is selected: it is not called
    /// here, so it is unknown whether it exists.
    InstanceRole(Vec<(&'static str, Secret)>),
    /// A program that prints the credential and was not run yet.
    Program(Box<CredentialProgram>),
}

impl SourceResult {
    /// Returns the credential, or the values next to the program that prints it.
    pub(super) fn found_mut(&mut self) -> Option<&mut FoundCredential> {
        match self {
            Self::Found(found) => Some(found),
            Self::Program(program) => Some(&mut program.other_values),
            Self::NotPresent
            | Self::Empty(_)
            | Self::NoSuchProfile { .. }
            | Self::InstanceRole(_) => None,
        }
    }
}

/// A program that a tool's file configures to print the credential.
#[derive(Debug, Clone)]
pub struct CredentialProgram {
    /// Other values of the tool's profile.
    pub other_values: FoundCredential,
    /// The program: an absolute path, or a name that is searched in PATH.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Additional variables.
    pub environment: Vec<(String, String)>,
    /// Hint for a program that is not installed.
    pub install_hint: Option<String>,
    /// Checks the printed values, by their names; returns the reason why they cannot be used.
    pub check: fn(&CredentialProgram, &BTreeMap<String, Secret>) -> Result<(), String>,
}

/// A credential and its related settings.
#[derive(Debug, Clone)]
pub struct FoundCredential {
    /// Name of the tool's profile, if it has profiles.
    pub profile: Option<String>,
    /// The file with the credential.
    pub path: PathBuf,
    /// Values by the cloud's own keys.
    pub values: Vec<(&'static str, Secret)>,
    /// When the credential expires, if known.
    pub expires_at: Option<Time>,
    /// Additional notices.
    pub notices: Vec<Notice>,
}

/// Access to the machine for readers of files: the environment, files, the time.
#[derive(Debug, Clone)]
pub struct ToolFiles {
    root: PathBuf,
    environment: Environment,
    now: Time,
    allows_selection: bool,
    only_region: bool,
    named_path: Option<PathBuf>,
}

/// The content of a file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Its path.
    pub path: PathBuf,
    /// Its text without a byte order mark.
    pub text: String,
    others_can_read: bool,
}

impl ToolFiles {
    /// Creates access to the machine at the time `now`.
    pub fn new(environment: Environment, now: Time) -> Self {
        Self {
            root: PathBuf::from("/"),
            environment,
            now,
            allows_selection: true,
            only_region: false,
            named_path: None,
        }
    }

    /// Restricts reading to the region of a profile.
    pub(super) fn for_region(self) -> Self {
        Self {
            only_region: true,
            ..self
        }
    }

    /// Returns `true` if only the region of a profile is needed.
    pub(super) fn wants_only_region(&self) -> bool {
        self.only_region
    }

    /// Sets the file that settings select.
    pub(crate) fn with_path(self, path: Option<&str>) -> Self {
        Self {
            named_path: path.map(PathBuf::from),
            ..self
        }
    }

    /// Returns the file that settings select.
    pub fn named_path(&self) -> Option<&Path> {
        self.named_path.as_deref()
    }

    /// Replaces `/` by another folder.
    #[cfg(test)]
    pub fn below(self, root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            ..self
        }
    }

    /// Ignores variables that select a profile, so that only settings do.
    pub(super) fn without_selection(self) -> Self {
        Self {
            allows_selection: false,
            ..self
        }
    }

    /// Returns `true` if variables may select a profile of a tool.
    pub(super) fn allows_selection(&self) -> bool {
        self.allows_selection
    }

    /// Returns the current time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Returns a variable's value; an empty one counts as unset.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(str::trim)
    }

    /// Returns the value of a variable with paths, which need not be UTF-8; an empty one counts as unset.
    pub fn paths(&self, name: &str) -> Option<&OsStr> {
        self.environment.os(name)
    }

    /// Checks that all variables read so far are valid UTF-8.
    ///
    /// # Errors
    /// A usage error that names the variable.
    pub(super) fn check_variables(&self) -> Result<(), Problem> {
        self.environment.check()
    }

    /// Returns a variable that selects a profile of a tool; `None` if variables may not select one.
    pub fn selected_profile(&self, name: &str) -> Option<&str> {
        self.variable(name).filter(|_| self.allows_selection)
    }

    /// Opens the file that a variable sets, else the one below HOME; `None` if it does not exist.
    ///
    /// # Errors
    /// `missing_credentials` if it exists or the variable is set, but the file cannot be read.
    pub fn open(
        &self,
        variable: Option<&str>,
        below_home: &str,
    ) -> Result<Option<SourceFile>, Problem> {
        let named = variable.and_then(|name| self.variable(name));
        let home = self.environment.home();
        let path = named.map(PathBuf::from);
        let Some(path) = path.or_else(|| Some(home?.join(below_home))) else {
            return Ok(None);
        };
        match SourceFile::open(path) {
            Err((fault, path)) if named.is_none() && is_absent(&fault, &path) => Ok(None),
            opened => opened.map(Some).map_err(|(fault, path)| {
                match variable.filter(|_| named.is_some()) {
                    Some(variable) => unreadable_named(&fault, &path, variable),
                    None => unreadable((fault, path)),
                }
            }),
        }
    }

    /// Returns the home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.environment.home()
    }

    /// Reads a file of at most this many bytes; `None` if it does not exist.
    ///
    /// # Errors
    /// As [`ToolFiles::open`].
    pub fn read(&self, path: &Path, max_bytes: u64) -> Result<Option<SourceFile>, Problem> {
        match SourceFile::read(path.to_path_buf(), max_bytes) {
            Err((fault, path)) if is_absent(&fault, &path) => Ok(None),
            opened => opened.map(Some).map_err(unreadable),
        }
    }

    /// Opens a file that all users of the machine share, by its path below `/`; `None` if it does not exist. Such a
    /// file may be readable by others.
    ///
    /// # Errors
    /// `missing_credentials` if it exists but cannot be read.
    pub fn open_shared(&self, below_root: &str) -> Result<Option<SourceFile>, Problem> {
        match SourceFile::open(self.root.join(below_root)) {
            Err((fault, _)) if fault.is_absence() => Ok(None),
            opened => opened.map_err(unreadable).map(|file| {
                Some(SourceFile {
                    others_can_read: false,
                    ..file
                })
            }),
        }
    }

    /// Lists the files of a folder below HOME whose names end with `end`, in order and without that suffix; none if
    /// the folder does not exist.
    ///
    /// # Errors
    /// `missing_credentials` if it exists but cannot be read.
    pub fn list(&self, below_home: &str, end: &str) -> Result<Vec<String>, Problem> {
        let Some(home) = self.environment.home() else {
            return Ok(Vec::new());
        };
        let folder = home.join(below_home);
        let entries = match fs::read_dir(&folder).map_err(FileError::from) {
            Err(fault) if is_absent(&fault, &folder) => return Ok(Vec::new()),
            entries => entries.and_then(|entries| Ok(entries.collect::<io::Result<Vec<_>>>()?)),
        };
        let entries = entries.map_err(|fault| unreadable((fault, folder)))?;
        let names = entries.into_iter();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let names = names.filter_map(|name| Some(name.strip_suffix(end)?.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }
}

/// Returns `true` if a file or folder does not exist and is not behind a broken link.
fn is_absent(fault: &FileError, path: &Path) -> bool {
    fault.is_absence() && !is_dangling(path)
}

/// Returns the problem of a file that a variable sets and that cannot be read.
fn unreadable_named(fault: &FileError, path: &Path, variable: &str) -> Problem {
    let message = format!("{variable}: {} {}", path.display(), fault.reason());
    let hint = match fault.hint() {
        Some(hint) => hint.to_owned(),
        None if fault.is_absence() => format!("fix or unset {variable}"),
        None => format!("fix the file or its permissions, or unset {variable}"),
    };
    Problem::new(Category::MissingCredentials, message).with_hint(hint)
}

fn unreadable((fault, path): (FileError, PathBuf)) -> Problem {
    let message = format!("{} {}", path.display(), fault.reason());
    let hint = fault
        .hint()
        .unwrap_or("fix the file or its permissions, or move it away");
    Problem::new(Category::MissingCredentials, message).with_hint(hint)
}

impl SourceFile {
    /// Creates the content of a file from text.
    #[cfg(any(test, fuzzing))]
    pub(super) fn in_memory(text: &str) -> Self {
        Self {
            path: PathBuf::from("file"),
            text: text.trim_start_matches('\u{feff}').to_owned(),
            others_can_read: false,
        }
    }

    fn open(path: PathBuf) -> Result<Self, (FileError, PathBuf)> {
        // The tool sets the mode, so a file that others can read leads to a warning and not to an error.
        Self::read(path, MAX_FILE_BYTES)
    }

    fn read(path: PathBuf, max_bytes: u64) -> Result<Self, (FileError, PathBuf)> {
        match read_text_up_to(&path, false, max_bytes) {
            Ok((text, others_can_read)) => Ok(Self {
                text: text.trim_start_matches('\u{feff}').to_owned(),
                path,
                others_can_read,
            }),
            Err(fault) => Err((fault, path)),
        }
    }

    /// Returns a problem of this file. `description` follows its path, such as `is not valid JSON`.
    pub fn problem(&self, description: &str, hint: &str) -> Problem {
        let message = format!("{} {description}", self.path.display());
        Problem::new(Category::MissingCredentials, message).with_hint(hint)
    }

    /// Returns a notice if this file contains a secret and is readable by others.
    pub fn notices(&self) -> Vec<Notice> {
        let shown = self.path.display();
        let message = format!(
            "{shown} contains a secret and is readable by others; run: chmod 600 {}",
            quoted(&self.path)
        );
        let notice = || Notice::new(NoticeCode::ReadableByOthers, message);
        let is_shown = self.others_can_read && !is_mounted(&self.path);
        is_shown.then(notice).into_iter().collect()
    }
}
