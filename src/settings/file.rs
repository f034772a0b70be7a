//! Reads and checks the config file.

mod parser;
mod states;
mod syntax;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::text_file::{FileError, is_dangling, open_text};
use super::{Environment, SettingsSchema, check_file};
use crate::error::Problem;
use crate::model::State;
use crate::secret::{Secret, quotable_path};
use parser::SettingsParser;

/// A value of a profile in the config file.
#[derive(Debug, Clone)]
pub(crate) enum SettingValue {
    /// The value itself.
    Text(Secret),
    /// `KEY_env = "NAME"`: key and name of a variable.
    Variable(String, String),
    /// `KEY_file = "PATH"`: key and path of a file.
    Path(String, String),
}

type Entries = BTreeMap<String, SettingValue>;

/// The checked content of the config file.
#[derive(Debug, Clone, Default)]
pub struct SettingsFile {
    pub(super) path: PathBuf,
    pub(super) profiles: BTreeMap<(String, String), Entries>,
    pub(super) commands: BTreeMap<(String, String), Vec<String>>,
    pub(super) http: BTreeMap<String, String>,
    /// Line and column of each value: by cloud, profile and key; for `[http]` by `http`, an empty text and key; for
    /// `[states]` by `states`, kind and word.
    pub(super) positions: BTreeMap<[String; 3], (usize, usize)>,
    pub(super) states: BTreeMap<String, Vec<(String, State)>>,
}

/// The table with the settings of all requests.
const HTTP: &str = "http";

/// The table with the states of each kind.
const STATES: &str = "states";

/// Keys of `[http]`.
pub const HTTP_KEYS: [&str; 6] = [
    "connect_timeout",
    "request_timeout",
    "max_body",
    "max_attempts",
    "concurrency",
    "allow_http",
];

/// The path that means an empty config file.
pub const NO_FILE: &str = "/dev/null";

impl SettingsFile {
    /// Returns the path of the config file, and whether it was set explicitly; `None` without a home folder.
    pub fn locate(config: Option<PathBuf>, environment: &Environment) -> (Option<PathBuf>, bool) {
        let explicit = config.or_else(|| environment.get("JOBLENS_CONFIG").map(PathBuf::from));
        if explicit.is_some() {
            return (explicit, true);
        }
        let base = environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
        // The XDG specification requires to ignore a relative path: the settings would depend on the current
        // folder.
        let base = base.filter(|path| path.is_absolute());
        let base = base.or_else(|| Some(environment.home()?.join(".config")));
        let path = base.map(|base| base.join("joblens").join("config.toml"));
        (path, false)
    }

    /// Reads a file. The file of the default path can be missing.
    pub(super) fn read(
        path: &Path,
        is_explicit: bool,
        schemas: &[&'static SettingsSchema],
        kinds: &[String],
    ) -> Result<Self, Problem> {
        // The usual path that means no file.
        if path == Path::new(NO_FILE) {
            return Ok(Self::default());
        }
        let (text, data) = match open_text(path) {
            Ok(opened) => opened,
            Err(FileError::Io(ErrorKind::NotFound, _)) if !is_explicit && !is_dangling(path) => {
                return Ok(Self::default());
            }
            Err(error) => {
                let absolute = std::path::absolute(path);
                let shown = quotable_path(absolute.as_deref().unwrap_or(path));
                let hint = error.hint().unwrap_or(match is_explicit {
                    true => "check --config and JOBLENS_CONFIG",
                    false => "fix the file or its permissions, or move it away",
                });
                let message = format!("cannot read the config file {shown} ({error})");
                return Err(Problem::usage(message).with_hint(hint));
            }
        };
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let parser = SettingsParser {
            path,
            text: &text,
            newlines: newlines.map(|(at, _)| at).collect(),
            schemas,
            kinds,
        };
        let file = parser.parse();
        // The permissions are checked first: if another user may have written the file, its errors do not matter.
        let is_secret = file.as_ref().is_ok_and(|file| parser.contains_secret(file));
        check_file(path, &data, is_secret).map_err(|insecure| {
            let message = format!("the config file {} {}", path.display(), insecure.reason);
            Problem::usage(message).with_hint(insecure.hint)
        })?;
        file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has_profile(&self, cloud: &str, name: &str) -> bool {
        self.profiles
            .contains_key(&(cloud.to_owned(), name.to_owned()))
    }

    pub(crate) fn entries(
        &self,
        cloud: &str,
        name: &str,
    ) -> impl Iterator<Item = (&str, &SettingValue)> {
        self.profiles
            .get(&(cloud.to_owned(), name.to_owned()))
            .into_iter()
            .flatten()
            .map(|(key, entry)| (key.as_str(), entry))
    }

    /// Returns the position of a value of a profile: `config.toml:4:12`.
    pub(crate) fn position(&self, table: &str, profile: &str, key: &str) -> String {
        let path = self.path.display();
        match self
            .positions
            .get(&[table, profile, key].map(str::to_owned))
        {
            Some((line, column)) => format!("{path}:{line}:{column}"),
            None => path.to_string(),
        }
    }

    /// Returns the position of a value of `[http]`.
    pub fn http_position(&self, key: &str) -> String {
        self.position(HTTP, "", key)
    }

    /// Returns the position of a state that is mapped for a kind.
    pub fn state_position(&self, kind: &str, word: &str) -> String {
        self.position(STATES, kind, word)
    }

    /// Returns the words of the command that prints a profile's credential.
    pub(crate) fn command(&self, cloud: &str, name: &str) -> Option<&[String]> {
        let key = (cloud.to_owned(), name.to_owned());
        self.commands.get(&key).map(Vec::as_slice)
    }

    /// Returns the path of the file if it exists.
    pub fn existing_path(&self) -> Option<&Path> {
        (!self.path.as_os_str().is_empty()).then_some(&self.path)
    }

    /// Returns the names of the profiles of a cloud.
    pub fn profiles<'a>(&'a self, cloud: &'a str) -> impl Iterator<Item = &'a str> {
        self.profiles
            .keys()
            .filter(move |(of, _)| of == cloud)
            .map(|(_, name)| name.as_str())
    }

    /// Returns a value of `[http]` as text.
    pub fn http(&self, key: &str) -> Option<&str> {
        self.http.get(key).map(String::as_str)
    }

    /// Returns the user's state mapping of a kind (`aliyun/job`).
    pub fn states(&self, kind: &str) -> &[(String, State)] {
        self.states.get(kind).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests;
