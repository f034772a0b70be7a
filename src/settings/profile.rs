use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::parse::utc_offset;
use super::{METADATA, ROLE, SettingsSchema};
use crate::error::{Category, Problem};
use crate::model::{Notice, Time};
use crate::secret::{Secret, masked_id, quotable};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A variable of the environment.
    Variable(String),
    /// The config file.
    File {
        /// The file.
        path: PathBuf,
        /// Line and column, with the variable or file that it refers to: `config.toml:4:12`.
        place: String,
    },
    /// The file of a tool of the cloud's.
    Tool {
        /// Name of the tool.
        tool: Cow<'static, str>,
        /// The tool's profile, where it has profiles: `profile NAME`.
        profile: Option<String>,
        /// The program that the file names and that printed the credential.
        command: Option<String>,
        /// The file.
        path: PathBuf,
    },
    /// What the command of the config file printed: its first word.
    Command(String),
    /// The metadata service of the machine.
    Machine,
}

impl Origin {
    /// True for a value that a command prints.
    pub fn is_command(&self) -> bool {
        matches!(
            self,
            Self::Command(_)
                | Self::Tool {
                    command: Some(_),
                    ..
                }
        )
    }

    /// Words for error messages.
    pub fn label(&self) -> Cow<'static, str> {
        match self {
            Self::Variable(_) => "environment".into(),
            Self::File { .. } => "config file".into(),
            Self::Tool {
                tool,
                profile,
                command,
                ..
            } => {
                let profile = profile.iter().map(|profile| format!(" {profile}"));
                let command = command.iter().map(|command| format!(", exec {command}"));
                let words: String = profile.chain(command).collect();
                format!("{tool}{words}").into()
            }
            Self::Command(_) => "credential_command".into(),
            Self::Machine => METADATA.into(),
        }
    }

    /// The variable or the file where a value can be found.
    pub fn location(&self) -> String {
        match self {
            Self::Variable(name) => name.clone(),
            Self::File { path, .. } | Self::Tool { path, .. } => path.display().to_string(),
            Self::Command(program) => program.clone(),
            Self::Machine => "this machine".to_owned(),
        }
    }

    /// The variable, the line of a file or the command where a value can be fixed.
    pub fn place(&self) -> String {
        match self {
            Self::File { place, .. } => place.clone(),
            Self::Command(program) => format!("credential_command {}", quotable(program)),
            Self::Variable(_) | Self::Tool { .. } | Self::Machine => self.location(),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct SourcedValue {
    pub text: Secret,
    pub origin: Origin,
}

/// The head of a profile's table in the config file, as it has to be written: `[aliyun.prod]`.
pub fn table_header(cloud: &str, profile: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || ['_', '-'].contains(&c);
    match !profile.is_empty() && profile.chars().all(is_bare) {
        true => format!("[{cloud}.{profile}]"),
        false => format!("[{cloud}.{}]", serde_json::Value::from(profile)),
    }
}

/// Settings and credentials of one profile of one cloud.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Name of the profile.
    pub name: String,
    /// When its credential ends, where that is known.
    pub expires_at: Option<Time>,
    /// Notices about its sources.
    pub notices: Vec<Notice>,
    /// Domains of all public clouds, where certificates are always checked.
    pub public_domains: &'static [&'static str],
    /// The folder where fetched tokens are kept between runs; none when they are not.
    pub token_cache_dir: Option<PathBuf>,
    pub(crate) values: BTreeMap<&'static str, SourcedValue>,
    /// Where its credential came from, for hints.
    pub(crate) credential_place: Option<String>,
    /// Why sources that could have given a credential gave none.
    pub(crate) skipped_sources: Vec<String>,
    pub(crate) reload: Option<Arc<dyn Reload>>,
}

/// Why the command that prints a credential is run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RerunReason {
    /// What it printed expires soon, or may have expired.
    Expiring,
    /// What it printed expired at this time.
    Expired(Time),
    /// The cloud rejected what it printed.
    Rejected,
}

/// Reads a profile again whose credential may have changed since.
pub trait Reload: fmt::Debug + Send + Sync {
    /// Runs the command that prints the credential, where there is one. It may take half a minute.
    fn rerun_command(&self, profile: &Profile, reason: RerunReason);

    /// The profile with what its files contain now and its command printed last.
    ///
    /// # Errors
    /// What is wrong with it; `missing_credentials` when another source has a credential now, since a
    /// run stays with one account.
    fn read(&self, profile: &Profile) -> Result<Profile, Problem>;
}

impl Profile {
    pub(super) fn empty(cloud: &SettingsSchema, name: &str) -> Self {
        Self {
            cloud: cloud.cloud,
            public_domains: cloud.public_domains,
            name: name.to_owned(),
            expires_at: None,
            notices: Vec::new(),
            token_cache_dir: None,
            values: BTreeMap::new(),
            credential_place: None,
            skipped_sources: Vec::new(),
            reload: None,
        }
    }

    /// True when a part of the credential is in a file of its own or of a tool, which may be
    /// rewritten, or is printed by a command, which may print another.
    pub fn is_reloadable(&self) -> bool {
        self.reload.is_some()
    }

    /// The profile with what its files contain and its command prints now; `None` when its credential
    /// comes from neither. A command may take half a minute.
    ///
    /// # Errors
    /// As [`Reload::read`].
    pub fn reload(&self, reason: RerunReason) -> Option<Result<Self, Problem>> {
        self.reload.as_ref()?.rerun_command(self, reason);
        self.reload_now()
    }

    /// The profile with what its files contain now and its command printed last; `None` when its
    /// credential comes from neither.
    ///
    /// # Errors
    /// As [`Reload::read`].
    pub fn reload_now(&self) -> Option<Result<Self, Problem>> {
        Some(self.reload.as_ref()?.read(self))
    }

    /// Where a value came from.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).map(|value| &value.origin)
    }

    /// Where each value came from, by key, and the credential, by `credential`.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&'static str, String)> {
        let values = self.values.iter();
        let places = values.map(|(key, value)| (*key, value.origin.place()));
        places.chain(
            self.credential_place
                .iter()
                .map(|place| ("credential", place.clone())),
        )
    }

    /// Where its credential came from.
    pub(crate) fn source(&self, cloud: &SettingsSchema) -> Option<&Origin> {
        let mut keys = cloud.credential_keys();
        let written = keys.find_map(|spec| self.origin(spec.key));
        written.or_else(|| self.origin(METADATA))
    }

    /// A value that is not a secret.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.text.expose())
    }

    /// A value that may be secret.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.values.get(key).map(|value| &value.text)
    }

    /// Every value by its key, in the order of the keys: they decide the cloud and the identity.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        self.values.iter().map(|(key, value)| (*key, &value.text))
    }

    /// A key that is true or false; false when it is not set.
    pub(super) fn bool(&self, key: &str) -> Result<bool, Problem> {
        match self.get(key) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.invalid(key, "must be true or false")),
        }
    }

    /// True when its credential is fetched from the metadata service of the machine.
    pub fn uses_instance_role(&self) -> bool {
        self.values.contains_key(METADATA)
    }

    /// The role that is assumed: by the key pair, else through the metadata service, where it is
    /// named.
    pub fn role(&self) -> Option<&str> {
        let of_machine = || self.get(METADATA).filter(|name| !name.is_empty());
        self.get(ROLE).or_else(of_machine)
    }

    /// Masked id and origin for messages: `key LTAI…3Qk (environment)`, or `token (environment)`; for
    /// a credential that comes from the machine `instance role NAME (aliyun-cli profile ecs)`.
    pub fn credential_label(&self, key: &str, what: &str) -> String {
        if let Some(role) = self.values.get(METADATA) {
            let name = match role.text.expose() {
                "" => String::new(),
                name => format!(" {}", quotable(name)),
            };
            return format!("instance role{name} ({})", role.origin.label());
        }
        match self.values.get(key) {
            Some(value) if ["key", "user"].contains(&what) => {
                format!(
                    "{what} {} ({})",
                    masked_id(value.text.expose()),
                    value.origin.label()
                )
            }
            Some(value) => format!("{what} ({})", value.origin.label()),
            None => format!("no {what}"),
        }
    }

    /// Seconds east of UTC in which the cloud's wall clocks are read, and whether it was set.
    ///
    /// # Errors
    /// A usage error when the setting is not a valid offset.
    pub fn utc_offset_seconds(&self, default: i32) -> Result<(i32, bool), Problem> {
        match self.get("utc_offset") {
            None => Ok((default, false)),
            Some(text) => utc_offset(text)
                .map(|seconds| (seconds, true))
                .ok_or_else(|| {
                    self.invalid("utc_offset", "is not a valid offset")
                        .with_hint("use e.g. +08:00, -05:30 or Z")
                }),
        }
    }

    /// A usage error in one key of this profile.
    pub fn invalid(&self, key: &str, what: &str) -> Problem {
        let from = self.origin(key);
        let from = from.map_or_else(String::new, |from| format!(" (from {})", from.place()));
        let what = format!(
            "{key} of profile '{}' ({}) {what}{from}",
            self.name, self.cloud
        );
        Problem::usage(what).with_account(self.cloud, &self.name)
    }

    /// The same of a value that cannot be used, and why.
    pub fn unusable(&self, key: &str, why: Problem) -> Problem {
        let what = format!("cannot be used: {}", why.message);
        Problem {
            hint: why.hint,
            ..self.invalid(key, &what)
        }
    }

    /// A setting or credential that is needed and missing.
    ///
    /// `what` is a noun phrase such as `access key`; `variables` are those that would give it.
    pub fn missing(&self, what: &str, keys: &[&str], variables: &[&str]) -> Problem {
        let is_there = |key: &&&str| self.values.contains_key(**key);
        let (there, absent): (Vec<&str>, Vec<&str>) = keys.iter().partition(is_there);
        let origin = there.first().and_then(|key| self.origin(key));
        let profile = format!("profile '{}' ({})", self.name, self.cloud);
        let absent = absent.join(" and ");
        let message = match origin {
            Some(origin) if !absent.is_empty() => format!(
                "{profile} has {} from {}, but no {absent}",
                there.join(" and "),
                origin.location()
            ),
            _ => format!("missing {what} for {profile}"),
        };
        let mut problem = Problem::new(Category::MissingCredentials, message);
        problem.hint = Some(self.missing_hint(origin, keys, variables));
        if !self.skipped_sources.is_empty() {
            let hint = problem.hint.take().unwrap_or_default();
            problem.hint = Some(format!("{hint}; {}", self.skipped_sources.join("; ")));
        }
        problem.with_account(self.cloud, &self.name)
    }
    /// What to set where something is missing, in the source that has the remainder.
    fn missing_hint(&self, there: Option<&Origin>, keys: &[&str], variables: &[&str]) -> String {
        let is_absent = |key: &&&str| !self.values.contains_key(**key);
        let absent: Vec<&str> = keys.iter().filter(is_absent).copied().collect();
        let keys = keys.join(" and ");
        let table = format!(
            "{keys} in {} of the config file",
            table_header(self.cloud, &self.name)
        );
        match there {
            Some(Origin::Command(_)) if !absent.is_empty() => {
                let place = there.map_or_else(String::new, Origin::place);
                format!("{place} must print {} as well", absent.join(" and "))
            }
            _ if self.name == "default" && !variables.is_empty() => {
                let variables = variables.join(" and ");
                format!("set {variables}, or {table} (see: joblens config init)")
            }
            _ => format!("set {table} (see: joblens config init)"),
        }
    }
}
