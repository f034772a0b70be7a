//! Settings: the values of each profile of each cloud, and their origins.

mod environment;
mod file;
mod network;
mod parse;
mod partial;
mod permissions;
mod profile;
mod recorded;
mod referenced_files;
mod text_file;
mod token_cache;
mod values;

use std::path::PathBuf;
use std::sync::Arc;

pub use environment::Environment;
pub(crate) use file::SettingValue;
pub use file::{HTTP_KEYS, NO_FILE, SettingsFile};
pub use parse::{
    byte_size, duration, invalid_value, is_almost_duration, parse_duration, utc_offset,
};
pub use permissions::{InsecureFile, check_file, check_folders};
pub(crate) use permissions::{check_installed, is_open_descriptor, quoted};
pub(crate) use profile::SourcedValue;
pub use profile::{Origin, Profile, Reload, RerunReason, table_header};
pub use recorded::{RecordedProfile, RecordedSettings};
pub use referenced_files::ReferencedFile;
pub(crate) use referenced_files::is_mounted;
pub(crate) use text_file::{
    FileError, FileTypes, MAX_FILE_BYTES, MAX_PEM_BYTES, is_dangling, open_bytes, read_pem,
    read_text_up_to,
};
pub(crate) use token_cache::unwritable_token_folder;
pub(crate) use values::Values;

use crate::error::Problem;

/// One key of a cloud's profiles.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingSpec {
    /// Name in the config file.
    pub key: &'static str,
    /// The role of the key in a credential.
    pub role: SettingRole,
    /// Variables of the cloud's own tools; the first one that is set is used. For parts of a credential, the first
    /// variables of all parts form a family, and so do the second ones.
    pub variables: &'static [&'static str],
    /// Other names under which the cloud's tools print it.
    pub aliases: &'static [&'static str],
}

/// The role of a key in a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingRole {
    /// An ordinary setting.
    Setting,
    /// A part of the credential that can be shown masked. It must come from the same source as the other parts.
    Id,
    /// The name of a user, which is shown. It must come from the same source as the other parts.
    Name,
    /// A secret part of the credential. It must come from the same source as the other parts.
    Secret,
}

impl SettingSpec {
    /// Creates an ordinary setting.
    pub const fn setting(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self::new(key, SettingRole::Setting, variables)
    }

    /// Creates the id of a credential.
    pub const fn id(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self::new(key, SettingRole::Id, variables)
    }

    /// Creates the name of the user of a credential, which is not a secret.
    pub const fn name(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self::new(key, SettingRole::Name, variables)
    }

    /// Creates a secret of a credential.
    pub const fn secret(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self::new(key, SettingRole::Secret, variables)
    }

    const fn new(key: &'static str, role: SettingRole, variables: &'static [&'static str]) -> Self {
        Self {
            key,
            role,
            variables,
            aliases: &[],
        }
    }

    /// Adds other names.
    pub const fn with_aliases(self, other_names: &'static [&'static str]) -> Self {
        Self {
            aliases: other_names,
            ..self
        }
    }

    /// Returns the term for the id of a credential: a password or a token belongs to a user.
    pub fn id_name(&self) -> &'static str {
        match self.key {
            "user" => "user",
            _ => "key",
        }
    }

    /// Returns `true` if it is the address of a service: `endpoint` or `…_endpoint`.
    pub fn is_endpoint(&self) -> bool {
        self.key.rsplit('_').next() == Some("endpoint")
    }

    /// Returns `true` if a program may print it under this name: the key in any notation, a variable, or another
    /// name.
    pub(crate) fn matches_output_key(&self, name: &str) -> bool {
        let names = self.aliases.iter().copied();
        let mut names = names.chain([self.key]);
        names.any(|known| is_same_word(known, name)) || self.variables.contains(&name)
    }
}

/// Returns `true` if two names are equal in any notation, such as `access_key_id`, `AccessKeyId` and `access-key-id`.
pub(crate) fn is_same_word(left: &str, right: &str) -> bool {
    let letters = |text: &str| {
        let text = text.replace(['_', '-'], "");
        text.to_ascii_lowercase()
    };
    letters(left) == letters(right)
}

/// The key that selects the source of a profile's credential: one of the cloud's tools as `TOOL` or `TOOL:PROFILE`,
/// or [`METADATA`] with or without a role (`metadata:ROLE`).
pub const SOURCE: &str = "source";

/// The key of the command that prints a profile's credential, as a list of words.
pub const CREDENTIAL_COMMAND: &str = "credential_command";

/// The source that selects the metadata service of the machine, on clouds that have one. As an internal key, it
/// contains the name of the role, empty for the role of the machine.
pub const METADATA: &str = "metadata";

/// The key of the proxy for a profile's hosts, on clouds that have this key; it also applies to hosts on this
/// machine.
pub const PROXY_URL: &str = "proxy_url";

/// The key of the name that the certificate of a profile's endpoint must contain, if it is not the host.
pub const TLS_SERVER_NAME: &str = "tls_server_name";

/// Internal key of the only certificates that a profile trusts, as PEM text or its Base64.
pub const CA_DATA: &str = "certificate_authority_data";

/// Internal key of a recorded profile that has a `client_cert`, whose path is not recorded.
pub(super) const RECORDED_CLIENT_CERT: &str = "recorded_client_cert";

/// Internal key of the server URL from a kubeconfig.
pub const SERVER: &str = "server";

/// The key of the role that a key pair assumes, on clouds that have such roles.
pub const ROLE: &str = "role_arn";

/// The key of the service that issues temporary keys for a role.
pub const STS_ENDPOINT: &str = "sts_endpoint";

/// Keys of the profiles of every cloud.
pub const COMMON_KEYS: [SettingSpec; 10] = [
    SettingSpec::setting(SOURCE, &[]),
    SettingSpec::setting("endpoint", &[]),
    SettingSpec::setting("metadata_endpoint", &[]),
    SettingSpec::setting("utc_offset", &[]),
    SettingSpec::setting("job_user", &[]),
    SettingSpec::setting("ca_file", &[]),
    SettingSpec::setting("client_cert", &[]),
    SettingSpec::setting("client_key", &[]),
    SettingSpec::setting("insecure_skip_verify", &[]),
    SettingSpec::setting("token_cache", &[]),
];

/// The valid keys of one cloud, passed in by the registry.
#[derive(Debug)]
pub struct SettingsSchema {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Its keys in addition to [`COMMON_KEYS`].
    pub keys: &'static [SettingSpec],
    /// Returns the domains of all public clouds, whose certificates are always verified.
    pub all_public_domains: fn() -> &'static [&'static str],
    /// Prefixes of the variables that other programs use for the cloud.
    pub variable_prefixes: &'static [&'static str],
    /// True if a `client_cert` identifies the account, so that no other credential is needed.
    pub client_cert_is_credential: bool,
}

impl SettingsSchema {
    /// Returns all its keys.
    pub fn all(&self) -> impl Iterator<Item = &'static SettingSpec> + use<> {
        COMMON_KEYS.iter().chain(self.keys)
    }

    pub(crate) fn find(&self, key: &str) -> Option<&'static SettingSpec> {
        self.all().find(|spec| spec.key == key)
    }

    /// Returns joblens's own variable for a key: `JOBLENS_ALIYUN_ENDPOINT`.
    pub fn variable(&self, key: &str) -> String {
        format!("JOBLENS_{}_{key}", self.cloud).to_ascii_uppercase()
    }

    /// Returns the keys of a credential.
    pub fn credential_keys(&self) -> impl Iterator<Item = &'static SettingSpec> + use<> {
        self.keys
            .iter()
            .filter(|spec| spec.role != SettingRole::Setting)
    }

    pub(crate) fn is_credential(&self, key: &str) -> bool {
        self.find(key)
            .is_some_and(|spec| spec.role != SettingRole::Setting)
    }
}

/// The config file and the environment.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    environment: Environment,
    file: SettingsFile,
    /// For a replay: the recorded settings, which replace files and variables.
    recorded: Option<Arc<RecordedSettings>>,
}

impl Settings {
    /// Reads the config file: the given one, else `JOBLENS_CONFIG`, else `$XDG_CONFIG_HOME/joblens/config.toml`,
    /// else `~/.config/joblens/config.toml`.
    ///
    /// `kinds` are those whose states can be mapped, as `cloud/kind`.
    ///
    /// # Errors
    /// A usage error if a configured file does not exist, if another user can change it, if it contains a secret
    /// and others can read it, or if it has unknown keys (with the line).
    pub fn load(
        config: Option<PathBuf>,
        environment: Environment,
        schemas: &[&'static SettingsSchema],
        kinds: &[String],
    ) -> Result<Self, Problem> {
        let (path, is_explicit) = SettingsFile::locate(config, &environment);
        environment.check()?;
        let file = match path {
            None => SettingsFile::default(),
            Some(path) => SettingsFile::read(&path, is_explicit, schemas, kinds)?,
        };
        Ok(Self {
            environment,
            file,
            recorded: None,
        })
    }

    /// Creates settings from the environment only.
    pub fn from_environment(environment: Environment) -> Self {
        Self {
            environment,
            ..Self::default()
        }
    }

    /// Calls `read` with a copy of the settings, and checks only the variables that `read` needs.
    ///
    /// # Errors
    /// A usage error if one of these variables is not UTF-8, else the error of `read`.
    pub(crate) fn with_needed_variables<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if !self.environment.has_unreadable() {
            return read(self);
        }
        let own = Self {
            environment: self.environment.unread(),
            ..self.clone()
        };
        let value = read(&own);
        own.environment.check()?;
        value
    }

    /// Returns the config file.
    pub fn file(&self) -> &SettingsFile {
        &self.file
    }

    /// Returns the environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}
