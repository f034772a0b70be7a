//! Settings: which profile of which cloud uses what, and where each value came from.

mod again;
mod file;
mod network;
mod value;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

pub use file::{File, WIRE_KEYS};
pub use value::{duration, size, utc_offset};

use crate::error::{Category, Problem};
use crate::secret::{Secret, masked_id};

/// One key of a cloud's profiles.
#[derive(Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Name in the settings file.
    pub key: &'static str,
    /// What the key is to a credential.
    pub part: Part,
    /// Variables of the cloud's own tools, first one wins.
    pub variables: &'static [&'static str],
}

/// What a key is to a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// An ordinary setting.
    Setting,
    /// A part of the credential that may be shown masked; it comes with the rest of it.
    Id,
    /// A secret part of the credential; it comes with the rest of it.
    Secret,
}

impl KeySpec {
    /// An ordinary setting.
    pub const fn setting(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self {
            key,
            part: Part::Setting,
            variables,
        }
    }

    /// The id of a credential.
    pub const fn id(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self {
            key,
            part: Part::Id,
            variables,
        }
    }

    /// A secret of a credential.
    pub const fn secret(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self {
            key,
            part: Part::Secret,
            variables,
        }
    }
}

/// Keys that every cloud's profiles have.
pub const COMMON_KEYS: [KeySpec; 6] = [
    KeySpec::setting("endpoint", &[]),
    KeySpec::setting("utc_offset", &[]),
    KeySpec::setting("ca_file", &[]),
    KeySpec::setting("client_cert", &[]),
    KeySpec::setting("client_key", &[]),
    KeySpec::setting("insecure_skip_verify", &[]),
];

/// The legal keys of one cloud, handed in by the registry.
#[derive(Debug, Clone, Copy)]
pub struct CloudKeys {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Its keys besides [`COMMON_KEYS`].
    pub keys: &'static [KeySpec],
}

impl CloudKeys {
    /// All of its keys.
    pub fn all(&self) -> impl Iterator<Item = &'static KeySpec> + use<> {
        COMMON_KEYS.iter().chain(self.keys)
    }

    fn find(&self, key: &str) -> Option<&'static KeySpec> {
        self.all().find(|spec| spec.key == key)
    }

    fn is_credential(&self, key: &str) -> bool {
        self.find(key)
            .is_some_and(|spec| spec.part != Part::Setting)
    }
}

/// The environment, taken once at the start.
#[derive(Debug, Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The variables given; those whose value is no Unicode are left out.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// A variable's value; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.trim().is_empty())
    }

    /// The variables that name proxies, in either case.
    pub fn proxies(&self) -> Vec<(String, String)> {
        let is_proxy = |name: &str| name.to_ascii_uppercase().ends_with("_PROXY");
        self.0
            .iter()
            .filter(|(name, value)| is_proxy(name) && !value.trim().is_empty())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A variable of the environment.
    Variable(String),
    /// The settings file.
    File(PathBuf),
}

impl Origin {
    /// A word for error messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Variable(_) => "environment",
            Self::File(_) => "settings file",
        }
    }
}

#[derive(Debug, Clone)]
struct Value {
    text: Secret,
    origin: Origin,
}

/// Settings and credentials of one profile of one cloud.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Name of the profile.
    pub name: String,
    values: BTreeMap<&'static str, Value>,
    again: Option<again::Again>,
}

impl Profile {
    /// A value that is no secret.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.text.expose())
    }

    /// A value that may be secret.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.values.get(key).map(|value| &value.text)
    }

    /// Masked id and origin for messages: `key LTAI…3Qk (environment)`, or `token (environment)`.
    pub fn credential_label(&self, key: &str, what: &str) -> String {
        match self.values.get(key) {
            Some(value) if ["key", "user"].contains(&what) => {
                format!(
                    "{what} {} ({})",
                    masked_id(value.text.expose()),
                    value.origin.word()
                )
            }
            Some(value) => format!("{what} ({})", value.origin.word()),
            None => format!("no {what}"),
        }
    }

    /// Seconds east of UTC in which the cloud's wall clocks are read, and whether it was set.
    ///
    /// # Errors
    /// Wrong use, when the setting is no offset.
    pub fn utc_offset_seconds(&self, default: i32) -> Result<(i32, bool), Problem> {
        match self.get("utc_offset") {
            None => Ok((default, false)),
            Some(text) => utc_offset(text)
                .map(|seconds| (seconds, true))
                .ok_or_else(|| {
                    self.wrong("utc_offset", "is no offset")
                        .hint("write +08:00, -05:30 or Z")
                }),
        }
    }

    /// Wrong use of one key of this profile.
    pub fn wrong(&self, key: &str, what: &str) -> Problem {
        let from = match self.values.get(key).map(|value| &value.origin) {
            Some(Origin::Variable(name)) => format!(", from {name}"),
            Some(Origin::File(path)) => format!(", from {}", path.display()),
            None => String::new(),
        };
        let mut problem = Problem::usage(format!(
            "{key} of profile {} of {} {what}{from}",
            self.name, self.cloud
        ));
        problem.cloud = Some(self.cloud.to_owned());
        problem.profile = Some(self.name.clone());
        problem
    }

    /// A setting or credential that is needed and missing.
    ///
    /// `what` is a noun phrase such as `an access key`; `variables` are those that would give it.
    pub fn missing(&self, what: &str, keys: &[&str], variables: &[&str]) -> Problem {
        let mut problem = Problem::new(
            Category::NoCredentials,
            format!("profile {} of {} has no {what}", self.name, self.cloud),
        );
        let table = format!(
            "{} in [{}.{}] of the settings file",
            keys.join(" and "),
            self.cloud,
            self.name
        );
        problem.hint = Some(if self.name == "default" && !variables.is_empty() {
            format!("set {}, or {table}", variables.join(" and "))
        } else {
            format!("set {table}")
        });
        problem.cloud = Some(self.cloud.to_owned());
        problem.profile = Some(self.name.clone());
        problem
    }
}

/// Settings file and environment together.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    environment: Environment,
    file: File,
}

impl Settings {
    /// Reads the settings file: the one given, else `JOBLENS_CONFIG`, else
    /// `$XDG_CONFIG_HOME/joblens/config.toml`, else `~/.config/joblens/config.toml`.
    ///
    /// `kinds` are those whose state words may be mapped, as `cloud/kind`.
    ///
    /// # Errors
    /// Wrong use: a file that was named and is not there, that others can read though it holds a
    /// secret, or that holds what no table knows, with the line.
    pub fn load(
        config: Option<PathBuf>,
        environment: Environment,
        clouds: &[CloudKeys],
        kinds: &[String],
    ) -> Result<Self, Problem> {
        let (path, named) = File::place(config, &environment);
        let file = match path {
            None => File::default(),
            Some(path) => File::read(&path, named, clouds, kinds)?,
        };
        Ok(Self { environment, file })
    }

    /// Settings of the environment alone.
    pub fn of(environment: Environment) -> Self {
        Self {
            environment,
            file: File::default(),
        }
    }

    /// The settings file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// One profile of one cloud.
    ///
    /// For `default` the order is: `JOBLENS_<CLOUD>_<KEY>`, the cloud's own variables, the settings
    /// file; a credential's parts come from one source together. A profile that is named uses its
    /// own settings only.
    ///
    /// # Errors
    /// `no_credentials` for a profile that was named and is not there; wrong use for values that
    /// cannot be used.
    pub fn profile(&self, cloud: &CloudKeys, name: &str) -> Result<Profile, Problem> {
        let is_default = name == "default";
        if !is_default && !self.file.has_profile(cloud.cloud, name) {
            return Err(self.no_such_profile(cloud.cloud, name));
        }
        let mut profile = Profile {
            cloud: cloud.cloud,
            name: name.to_owned(),
            values: BTreeMap::new(),
            again: None,
        };
        let from_file = self.values_of_file(cloud, &profile)?;
        let from_environment = match is_default {
            true => self.values_of_environment(cloud),
            false => BTreeMap::new(),
        };
        let is_credential = |key: &str| cloud.is_credential(key);
        let environment_has_credential = from_environment.keys().any(|key| is_credential(key));
        for (key, value) in from_file {
            if !(environment_has_credential && is_credential(key)) {
                profile.values.insert(key, value);
            }
        }
        profile.values.extend(from_environment);
        for (key, value) in &profile.values {
            let blank = value
                .text
                .expose()
                .contains(|c: char| c.is_whitespace() || c.is_control());
            if is_credential(key) && blank {
                return Err(profile.wrong(key, "holds a blank or a line break"));
            }
        }
        profile.check_network()?;
        profile.again = self.again(cloud, &profile);
        Ok(profile)
    }

    /// True when variables hold a credential for the profile `default` of a cloud.
    pub fn environment_has_credential(&self, cloud: &CloudKeys) -> bool {
        let values = self.values_of_environment(cloud);
        values.keys().any(|key| cloud.is_credential(key))
    }

    /// A path of the settings file: `~/` is the home folder, a relative one starts at the file.
    fn beside_the_file(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.environment.get("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => self
                .file
                .path()
                .parent()
                .map_or_else(|| PathBuf::from(path), |folder| folder.join(path)),
        }
    }

    fn no_such_profile(&self, cloud: &str, name: &str) -> Problem {
        let known = self.file.profiles(cloud).collect::<Vec<_>>().join(", ");
        let known = match known.is_empty() {
            true => "the settings file has none for it".to_owned(),
            false => format!("it has {known}"),
        };
        let mut problem = Problem::new(
            Category::NoCredentials,
            format!("{cloud} has no profile “{name}”; {known}"),
        )
        .hint(format!("add [{cloud}.{name}] to the settings file"));
        problem.cloud = Some(cloud.to_owned());
        problem.profile = Some(name.to_owned());
        problem
    }

    fn values_of_environment(&self, cloud: &CloudKeys) -> BTreeMap<&'static str, Value> {
        cloud
            .all()
            .filter_map(|spec| {
                let own = format!("JOBLENS_{}_{}", cloud.cloud, spec.key).to_ascii_uppercase();
                let own = (spec.part == Part::Setting).then_some(own);
                let vendor = spec.variables.iter().map(ToString::to_string);
                let name = own
                    .into_iter()
                    .chain(vendor)
                    .find(|name| self.environment.get(name).is_some())?;
                let text = Secret::new(self.environment.get(&name)?.trim());
                Some((
                    spec.key,
                    Value {
                        text,
                        origin: Origin::Variable(name),
                    },
                ))
            })
            .collect()
    }

    fn values_of_file(
        &self,
        cloud: &CloudKeys,
        profile: &Profile,
    ) -> Result<BTreeMap<&'static str, Value>, Problem> {
        let mut values = BTreeMap::new();
        for (key, entry) in self.file.entries(cloud.cloud, &profile.name) {
            let (base, text) = match entry {
                file::Entry::Text(text) => (key, text.expose().to_owned()),
                file::Entry::Variable(base, name) => {
                    let text = self.environment.get(name).ok_or_else(|| {
                        // A secret that was pasted here by mistake is no name of a variable.
                        let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
                        let shown = match name.starts_with(is_name)
                            && !name.contains(|c: char| c.is_ascii_lowercase() || !c.is_ascii())
                            && name.contains('_')
                        {
                            true => format!("names the variable {name}, which is not set"),
                            false => "names a variable that is not set".to_owned(),
                        };
                        profile.wrong(key, &shown)
                    })?;
                    (base.as_str(), text.to_owned())
                }
                file::Entry::Path(base, path) => {
                    let text = fs::read_to_string(self.beside_the_file(path)).map_err(|error| {
                        let why = error.kind();
                        profile.wrong(key, &format!("names {path}, which cannot be read ({why})"))
                    })?;
                    (base.as_str(), text)
                }
            };
            let text = text.trim_start_matches('\u{feff}').trim();
            let beside = (network::PATH_KEYS.contains(&base) && !text.is_empty())
                .then(|| self.beside_the_file(text));
            let text = beside.as_ref().map_or(text, |path| {
                path.to_str().expect("joined from texts of the settings")
            });
            if let (Some(spec), false) = (cloud.find(base), text.is_empty()) {
                let origin = Origin::File(self.file.path().to_path_buf());
                values.insert(
                    spec.key,
                    Value {
                        text: Secret::new(text),
                        origin,
                    },
                );
            }
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests;
