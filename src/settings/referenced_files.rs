//! The files that a profile uses.

use std::path::{Path, PathBuf};

use super::file::SettingValue;
use super::{Origin, Profile, SettingRole, Settings, SettingsSchema, network};

/// A file that a profile uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedFile {
    /// The key that names it, such as `ca_file` or `token_file`; none for the file of a tool.
    pub key: Option<String>,
    /// Its path.
    pub path: PathBuf,
    /// True when it contains a secret, so that other users should not read it.
    pub is_secret: bool,
    /// True when a secret in it is not used while readable by others. Tools write their own files.
    pub is_strict: bool,
}

const CLIENT_KEY: &str = "client_key";

/// True below the folders where containers find the secrets that were mounted for them: their modes are
/// those of the mount.
pub(crate) fn is_mounted(path: &Path) -> bool {
    let folders = ["/var/run/secrets", "/run/secrets"];
    folders.iter().any(|folder| path.starts_with(folder))
}

impl Settings {
    /// The files that a profile uses in addition to the config file, each once: that of its credential,
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
                    is_secret: !is_mounted(path),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_containers_are_mounted() {
        let token = Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token");
        assert!(is_mounted(token) && is_mounted(Path::new("/run/secrets/token")));
        assert!(!is_mounted(Path::new("/home/me/run/secrets")));
    }
}
