//! The files that a profile uses.

use std::path::PathBuf;

use super::file::SettingValue;
use super::{Origin, Profile, SettingRole, Settings, SettingsSchema, network};

/// A file that a profile uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedFile {
    /// The key that names it, such as `ca_file` or `token_file`; none for the file of a tool.
    pub key: Option<String>,
    /// Where it lies.
    pub path: PathBuf,
    /// True when it holds a secret, so that nobody else should read it.
    pub is_secret: bool,
    /// True when a secret in it is not used while readable by others. Tools write their own files.
    pub is_strict: bool,
}

const CLIENT_KEY: &str = "client_key";

impl Settings {
    /// The files that a profile uses besides the config file, each once: that of its credential,
    /// and those that its keys name.
    pub fn files(&self, cloud: &SettingsSchema, profile: &Profile) -> Vec<ReferencedFile> {
        let mut files = Vec::new();
        // The files of a recording need not be here.
        if self.is_recorded() {
            return files;
        }
        let mut keep = |file: ReferencedFile| {
            if !files
                .iter()
                .any(|kept: &ReferencedFile| kept.path == file.path)
            {
                files.push(file);
            }
        };
        for spec in cloud.credential_keys() {
            if let Some(Origin::Tool { path, .. }) = profile.origin(spec.key) {
                keep(ReferencedFile {
                    key: None,
                    path: path.clone(),
                    is_secret: true,
                    is_strict: false,
                });
            }
        }
        for (key, entry) in self.file().entries(cloud.cloud, &profile.name) {
            if let SettingValue::Path(base, path) = entry {
                let is_secret = |part| part == SettingRole::Secret;
                keep(ReferencedFile {
                    key: Some(key.to_owned()),
                    path: self.beside_the_file(path),
                    is_secret: cloud.find(base).is_some_and(|spec| is_secret(spec.role)),
                    is_strict: true,
                });
            }
        }
        for key in network::PATH_KEYS {
            if let Some(path) = profile.get(key) {
                keep(ReferencedFile {
                    key: Some(key.to_owned()),
                    path: PathBuf::from(path),
                    is_secret: key == CLIENT_KEY,
                    is_strict: true,
                });
            }
        }
        files
    }
}
