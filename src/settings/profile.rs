use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::parse::utc_offset;
use super::{METADATA, RECORDED_CLIENT_CERT, ROLE, SettingsSchema};
use crate::error::{Category, Problem};
use crate::model::{Notice, Time};
use crate::secret::{Secret, masked_id, quotable};

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A variable of the environment.
    Variable(String),
    /// The config file.
    File {
        /// The file.
        path: PathBuf,
        /// Line and column, with the variable or file that the key refers to: `config.toml:4:12`.
        #[serde(rename = "place")]
        location: String,
    },
    /// The file of one of the cloud's own tools.
    Tool {
        /// Name of the tool.
        tool: Cow<'static, str>,
        /// The tool's profile, if it has profiles: `profile NAME`.
        profile: Option<String>,
        /// The program that the file configures and that printed the credential.
        command: Option<String>,
        /// The file.
        path: PathBuf,
    },
    /// The command of the config file, by its first word.
    Command(String),
    /// The metadata service of the machine.
    Machine,
}

impl Origin {
    /// Returns `true` if a command printed the value.
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

    /// Returns a short description for error messages.
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

    /// Returns the variable or file that contains the value.
    pub fn source_location(&self) -> String {
        match self {
            Self::Variable(name) => name.clone(),
            Self::File { path, .. } | Self::Tool { path, .. } => path.display().to_string(),
            Self::Command(program) => program.clone(),
            Self::Machine => "this machine".to_owned(),
        }
    }

    /// Returns the variable, the line of a file or the command at which the value can be corrected.
    pub fn fix_location(&self) -> String {
        match self {
            Self::File { location, .. } => location.clone(),
            Self::Command(program) => format!("credential_command {}", quotable(program)),
            Self::Variable(_) | Self::Tool { .. } | Self::Machine => self.source_location(),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone)]
pub(crate) struct SourcedValue {
    pub text: Secret,
    pub origin: Origin,
}

/// Returns the header of a profile's table in TOML syntax: `[aliyun.prod]`.
pub fn table_header(cloud: &str, profile: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || ['_', '-'].contains(&c);
    match !profile.is_empty() && profile.chars().all(is_bare) {
        true => format!("[{cloud}.{profile}]"),
        false => format!("[{cloud}.{}]", serde_json::Value::from(profile)),
    }
}

/// Settings and credential of one profile of one cloud.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Schema of the settings of its cloud.
    pub schema: &'static SettingsSchema,
    /// Name of the profile.
    pub name: String,
    /// Expiry of its credential, if known.
    pub expires_at: Option<Time>,
    /// Notices about its sources.
    pub notices: Vec<Notice>,
    /// The folder in which fetched tokens are stored between runs; `None` if they are not stored.
    pub token_cache_dir: Option<PathBuf>,
    pub(crate) values: BTreeMap<&'static str, SourcedValue>,
    /// The location of its credential, for hints.
    pub(crate) credential_location: Option<String>,
    /// The reasons why other sources gave no credential.
    pub(crate) skipped_sources: Vec<String>,
    pub(crate) reload: Option<Arc<dyn Reload>>,
}

/// The reason why the command that prints a credential is rerun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RerunReason {
    /// The printed credential expires soon or may have expired.
    Expiring,
    /// The printed credential expired at this time.
    Expired(Time),
    /// The cloud rejected the printed credential.
    Rejected,
}

/// Reads a profile again whose credential may have changed.
pub trait Reload: fmt::Debug + Send + Sync {
    /// Runs the command that prints the credential, if there is one. It can take half a minute.
    fn rerun_command(&self, profile: &Profile, reason: RerunReason);

    /// Returns the profile with the current content of its files and the last output of its command.
    ///
    /// # Errors
    /// The problem of the profile; `missing_credentials` if another source now has a credential, since a run uses
    /// one account.
    fn read(&self, profile: &Profile) -> Result<Profile, Problem>;
}

impl Profile {
    pub(super) fn empty(schema: &'static SettingsSchema, name: &str) -> Self {
        Self {
            schema,
            name: name.to_owned(),
            expires_at: None,
            notices: Vec::new(),
            token_cache_dir: None,
            values: BTreeMap::new(),
            credential_location: None,
            skipped_sources: Vec::new(),
            reload: None,
        }
    }

    /// Returns the long name of its cloud.
    pub fn cloud(&self) -> &'static str {
        self.schema.cloud
    }

    /// Returns `true` if a part of the credential is in a separate file or a tool's file, which can be rewritten, or
    /// is printed by a command.
    pub fn is_reloadable(&self) -> bool {
        self.reload.is_some()
    }

    /// Reads the profile again and reruns its command; `None` unless [`Self::is_reloadable`]. A command can take
    /// half a minute.
    ///
    /// # Errors
    /// As [`Reload::read`].
    pub fn reload(&self, reason: RerunReason) -> Option<Result<Self, Problem>> {
        self.reload.as_ref()?.rerun_command(self, reason);
        self.reload_now()
    }

    /// Reads the profile again with the last output of its command; `None` unless [`Self::is_reloadable`].
    ///
    /// # Errors
    /// As [`Reload::read`].
    pub fn reload_now(&self) -> Option<Result<Self, Problem>> {
        Some(self.reload.as_ref()?.read(self))
    }

    /// Returns the origin of a value.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).map(|value| &value.origin)
    }

    /// Returns the location of each value by key, and that of the credential by `credential`.
    pub(crate) fn setting_locations(&self) -> impl Iterator<Item = (&'static str, String)> {
        let values = self.values.iter();
        let locations = values.map(|(key, value)| (*key, value.origin.fix_location()));
        locations.chain(
            self.credential_location
                .iter()
                .map(|location| ("credential", location.clone())),
        )
    }

    /// Returns the origin of its credential.
    pub(crate) fn source(&self) -> Option<&Origin> {
        let mut keys = self.schema.credential_keys();
        let written = keys.find_map(|spec| self.origin(spec.key));
        let written = written.or_else(|| self.origin(METADATA));
        written.or_else(|| {
            self.client_cert_origin()
                .filter(|_| self.schema.client_cert_is_credential)
        })
    }

    /// Returns the origin of its `client_cert`, also in a replay, which has no paths.
    pub fn client_cert_origin(&self) -> Option<&Origin> {
        let origin = self.origin("client_cert");
        origin.or_else(|| self.origin(RECORDED_CLIENT_CERT))
    }

    /// Returns a value that is not a secret.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.text.expose())
    }

    /// Returns a value that may be a secret.
    pub fn secret(&self, key: &str) -> Option<&Secret> {
        self.values.get(key).map(|value| &value.text)
    }

    /// Returns the values of those keys that are set.
    pub fn secrets<'a>(&'a self, keys: &'a [&str]) -> impl Iterator<Item = &'a Secret> {
        keys.iter().filter_map(|key| self.secret(key))
    }

    /// Returns all values with their keys, sorted by key. They determine the cloud and the identity.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        self.values.iter().map(|(key, value)| (*key, &value.text))
    }

    /// Returns a boolean setting; `false` if it is not set.
    pub(super) fn bool(&self, key: &str) -> Result<bool, Problem> {
        match self.get(key) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.invalid(key, "must be true or false")),
        }
    }

    /// Returns `true` if its credential is fetched from the metadata service of the machine.
    pub fn uses_instance_role(&self) -> bool {
        self.values.contains_key(METADATA)
    }

    /// Returns the role that the key pair assumes, else the named role of the metadata service.
    pub fn role(&self) -> Option<&str> {
        let of_machine = || self.get(METADATA).filter(|name| !name.is_empty());
        self.get(ROLE).or_else(of_machine)
    }

    /// Returns masked id and origin for messages: `key LTAI…3Qk (environment)`, or `token (environment)`; for a
    /// role of the machine `instance role NAME (aliyun-cli profile ecs)`. See [`Self::user_label`] for a name that is
    /// shown.
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

    /// Returns the name of the user and its origin for messages: `user NAME (kubeconfig context prod)`.
    pub fn user_label(&self, key: &str) -> Option<String> {
        let name = quotable(self.get(key)?);
        let origin = self.origin(key)?;
        Some(format!("user {name} ({})", origin.label()))
    }

    /// Returns the UTC offset in seconds of the cloud's local times, and whether it was configured.
    ///
    /// # Errors
    /// A usage error if the setting is not a valid offset.
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

    /// Returns a usage error about one key of this profile.
    pub fn invalid(&self, key: &str, description: &str) -> Problem {
        let from = self.origin(key);
        let from = from.map_or_else(String::new, |from| {
            format!(" (from {})", from.fix_location())
        });
        let (cloud, name) = (self.cloud(), &self.name);
        let message = format!("{key} of profile '{name}' ({cloud}) {description}{from}");
        Problem::usage(message).with_account(cloud, name)
    }

    /// Returns a `missing_credentials` problem of this profile.
    pub(crate) fn missing_credentials(&self, message: impl Into<String>) -> Problem {
        Problem::new(Category::MissingCredentials, message).with_account(self.cloud(), &self.name)
    }

    /// Returns a usage error about a value that cannot be used, with the reason.
    pub fn unusable(&self, key: &str, reason: Problem) -> Problem {
        let description = format!("cannot be used: {}", reason.message);
        Problem {
            hint: reason.hint,
            ..self.invalid(key, &description)
        }
    }

    /// Returns the problem of a missing setting or credential.
    ///
    /// `name` is a noun phrase such as `access key`; `variables` are those that could set it. The message also has the
    /// reasons why other sources gave no credential.
    pub fn missing(&self, name: &str, keys: &[&str], variables: &[&str]) -> Problem {
        let mut problem = self.missing_alone(name, keys, variables);
        if !self.skipped_sources.is_empty() {
            problem.message += &format!(": {}", self.skipped_sources.join("; "));
        }
        problem
    }

    /// Like [`Self::missing`], but without the reasons why other sources gave no credential.
    pub(crate) fn missing_alone(&self, name: &str, keys: &[&str], variables: &[&str]) -> Problem {
        let (there, absent) = self.set_and_absent(keys);
        let origin = there.first().and_then(|key| self.origin(key));
        let profile = format!("profile '{}' ({})", self.name, self.cloud());
        let absent = absent.join(" and ");
        let message = match origin {
            Some(origin) if !absent.is_empty() => format!(
                "{profile} has {} from {}, but no {absent}",
                there.join(" and "),
                origin.source_location()
            ),
            _ => format!("missing {name} for {profile}"),
        };
        let hint = self.missing_hint(keys, variables);
        self.missing_credentials(message).with_hint(hint)
    }

    /// Returns a hint for the missing parts; for the source that contains the other parts, if there is one.
    fn missing_hint(&self, keys: &[&str], variables: &[&str]) -> String {
        if let Some(hint) = self.completion_hint(keys) {
            return hint;
        }
        let keys = keys.join(" and ");
        let header = table_header(self.cloud(), &self.name);
        let table = format!("{keys} in {header} of the config file");
        match self.name == "default" && !variables.is_empty() {
            true => {
                let variables = variables.join(" and ");
                format!("set {variables}, or {table} (see: joblens config init)")
            }
            false => format!("set {table} (see: joblens config init)"),
        }
    }
}
