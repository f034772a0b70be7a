//! Shared helpers of the credential tests: a cloud with keys and tokens, its profiles, times and files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::{CredentialChain, SourceCache};
use crate::settings::{Environment, Profile, SettingSpec, Settings, SettingsSchema};

/// Settings of a cloud whose credential is a token or a user's key pair.
pub const SCHEMA: SettingsSchema = SettingsSchema {
    cloud: "sugon",
    keys: &[
        SettingSpec::secret("token", &["JOBLENS_SUGON_TOKEN"]),
        SettingSpec::id("access_key", &["JOBLENS_SUGON_ACCESS_KEY"]),
        SettingSpec::id("user", &["JOBLENS_SUGON_USER"]),
        SettingSpec::secret("secret_key", &["JOBLENS_SUGON_SECRET_KEY"]),
        SettingSpec::setting("cluster_id", &[]),
        SettingSpec::setting("auth_endpoint", &[]),
    ],
    all_public_domains: || &[],
    variable_prefixes: &[],
    client_cert_is_credential: false,
};

/// Returns the credential chain of settings without tools' files.
pub fn chain(settings: Settings) -> CredentialChain {
    CredentialChain::new(settings, Vec::new(), SourceCache::default())
}

/// Returns the default profile with these variables and no config file.
pub fn profile(variables: &[(&str, &str)]) -> Profile {
    let pairs = variables
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let settings = Settings::from_environment(Environment::new(pairs));
    chain(settings).profile(&SCHEMA, "default").unwrap()
}

/// Parses a time from RFC 3339.
pub fn moment(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// Writes a file that only the user can read.
pub fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
