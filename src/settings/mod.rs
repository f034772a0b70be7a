//! Settings: which profile of which cloud uses what, and where each value came from.

mod environment;
mod file;
mod network;
mod parse;
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
    FileError, MAX_FILE_BYTES, MAX_PEM_BYTES, is_dangling, open_bytes, read_pem, read_text_up_to,
};
pub(crate) use token_cache::unwritable_token_folder;
pub(crate) use values::Values;

use crate::error::Problem;

/// One key of a cloud's profiles.
#[derive(Debug, PartialEq, Eq)]
pub struct SettingSpec {
    /// Name in the config file.
    pub key: &'static str,
    /// What the key is to a credential.
    pub role: SettingRole,
    /// Variables of the cloud's own tools, first one wins. For a part of a credential the first of
    /// each belong together, and so do the second.
    pub variables: &'static [&'static str],
    /// Other names that programs of the cloud's tools print it by.
    pub aliases: &'static [&'static str],
}

/// What a key is to a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingRole {
    /// An ordinary setting.
    Setting,
    /// A part of the credential that may be shown masked; it comes with the rest of it.
    Id,
    /// A secret part of the credential; it comes with the rest of it.
    Secret,
}

impl SettingSpec {
    /// An ordinary setting.
    pub const fn setting(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self::new(key, SettingRole::Setting, variables)
    }

    /// The id of a credential.
    pub const fn id(key: &'static str, variables: &'static [&'static str]) -> Self {
        Self::new(key, SettingRole::Id, variables)
    }

    /// A secret of a credential.
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

    /// The same with other names.
    pub const fn with_aliases(self, other_names: &'static [&'static str]) -> Self {
        Self {
            aliases: other_names,
            ..self
        }
    }

    /// What the id of a credential is called; a password or a token belongs to a user.
    pub fn id_name(&self) -> &'static str {
        match self.key {
            "user" => "user",
            _ => "key",
        }
    }

    /// True for the address of a service: `endpoint` and every `…_endpoint`.
    pub fn is_endpoint(&self) -> bool {
        self.key.rsplit('_').next() == Some("endpoint")
    }

    /// True for a list of hosts that requests may go to: `…_hosts`.
    pub fn is_host_list(&self) -> bool {
        self.key.ends_with("_hosts")
    }

    /// True for a name that a program may print it by: the key in any way of writing, a variable, or
    /// another name.
    pub(crate) fn matches_output_key(&self, name: &str) -> bool {
        let names = self.aliases.iter().copied();
        let mut names = names.chain([self.key]);
        names.any(|known| is_same_word(known, name)) || self.variables.contains(&name)
    }
}

/// True for `access_key_id`, `AccessKeyId` and `access-key-id`.
pub(crate) fn is_same_word(one: &str, other: &str) -> bool {
    let letters = |text: &str| {
        let text = text.replace(['_', '-'], "");
        text.to_ascii_lowercase()
    };
    letters(one) == letters(other)
}

/// The key that selects the source of a profile's credential: one of the cloud's tools as `TOOL` or
/// `TOOL:PROFILE`, or [`METADATA`], as such or as `metadata:ROLE`.
pub const SOURCE: &str = "source";

/// The key of the command that prints a profile's credential, as a list of words.
pub const CREDENTIAL_COMMAND: &str = "credential_command";

/// The source that is the metadata service of the machine, on clouds that have one; and where a
/// profile keeps the name of the role that is assumed through it, empty for the one there is.
pub const METADATA: &str = "metadata";

/// The key of the proxy of a profile's hosts, on clouds that have one; it is used for this machine too.
pub const PROXY_URL: &str = "proxy_url";

/// The key of the name that the certificate of a profile's endpoint has to have in place of its host.
pub const TLS_SERVER_NAME: &str = "tls_server_name";

/// Where a profile keeps the only certificates that it trusts, as PEM text or its Base64.
pub const CA_DATA: &str = "certificate_authority_data";

/// Where a profile keeps the URL of the server that a kubeconfig names.
pub const SERVER: &str = "server";

/// The key of a role that a key pair takes on, on clouds that have such roles.
pub const ROLE: &str = "role_arn";

/// Keys that every cloud's profiles have.
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

/// The legal keys of one cloud, handed in by the registry.
#[derive(Debug, Clone, Copy)]
pub struct SettingsSchema {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Its keys in addition to [`COMMON_KEYS`].
    pub keys: &'static [SettingSpec],
    /// Domains of all public clouds, where certificates are always checked.
    pub public_domains: &'static [&'static str],
    /// How variables of other programs for the cloud begin.
    pub variable_prefixes: &'static [&'static str],
}

impl SettingsSchema {
    /// All of its keys.
    pub fn all(&self) -> impl Iterator<Item = &'static SettingSpec> + use<> {
        COMMON_KEYS.iter().chain(self.keys)
    }

    pub(crate) fn find(&self, key: &str) -> Option<&'static SettingSpec> {
        self.all().find(|spec| spec.key == key)
    }

    /// The variable of joblens's own for a key: `JOBLENS_ALIYUN_ENDPOINT`.
    pub fn variable(&self, key: &str) -> String {
        format!("JOBLENS_{}_{key}", self.cloud).to_ascii_uppercase()
    }

    /// The keys of a credential.
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

/// Path to the config file [env: JOBLENS_CONFIG] and environment together.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    environment: Environment,
    file: SettingsFile,
    /// What a replay uses in place of files and variables.
    recorded: Option<Arc<RecordedSettings>>,
}

impl Settings {
    /// Reads the config file: the one given, else `JOBLENS_CONFIG`, else
    /// `$XDG_CONFIG_HOME/joblens/config.toml`, else `~/.config/joblens/config.toml`.
    ///
    /// `kinds` are those whose state words may be mapped, as `cloud/kind`.
    ///
    /// # Errors
    /// A usage error: a file that was named and is not there, that another user can change, that
    /// others can read though it contains a secret, or that has unknown keys, with the line.
    pub fn load(
        config: Option<PathBuf>,
        environment: Environment,
        clouds: &[SettingsSchema],
        kinds: &[String],
    ) -> Result<Self, Problem> {
        let (path, named) = SettingsFile::locate(config, &environment);
        environment.check()?;
        let file = match path {
            None => SettingsFile::default(),
            Some(path) => SettingsFile::read(&path, named, clouds, kinds)?,
        };
        Ok(Self {
            environment,
            file,
            recorded: None,
        })
    }

    /// Settings of the environment alone.
    pub fn from_environment(environment: Environment) -> Self {
        Self {
            environment,
            ..Self::default()
        }
    }

    /// The config file.
    pub fn file(&self) -> &SettingsFile {
        &self.file
    }

    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// True where a profile has a `credential_command`.
    pub fn has_credential_command(&self, cloud: &str, profile: &str) -> bool {
        self.file.command(cloud, profile).is_some()
    }
}
