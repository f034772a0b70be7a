//! Lists the files that a profile uses.

use std::path::{Path, PathBuf};

use super::file::SettingValue;
use super::{Origin, Profile, SettingRole, Settings, network};

/// A file that a profile uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedFile {
    /// The key that refers to it, such as `ca_file` or `token_file`; `None` for the file of a tool.
    pub key: Option<String>,
    /// Its path.
    pub path: PathBuf,
    /// `true` if it contains a secret, so that other users should not be able to read it.
    pub is_secret: bool,
    /// `true` if its secret is not used while others can read it; `false` for files that tools write.
    pub is_strict: bool,
}

const CLIENT_KEY: &str = "client_key";

/// Returns `true` if a path is below the folders in which containers mount secrets. The mount determines their modes.
pub(crate) fn is_mounted(path: &Path) -> bool {
    let folders = ["/var/run/secrets", "/run/secrets"];
    folders.iter().any(|folder| path.starts_with(folder))
}

impl Settings {
    /// Returns the files that a profile uses in addition to the config file, without duplicates: that of its
    /// credential, and those that its keys refer to.
    pub fn files(&self, profile: &Profile) -> Vec<ReferencedFile> {
        let mut files = Vec::new();
        // The files of a recorded run may not exist on this machine.
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
        for spec in profile.schema.credential_keys() {
            if let Some(Origin::Tool { path, .. }) = profile.origin(spec.key) {
                keep(ReferencedFile {
                    key: None,
                    path: path.clone(),
                    is_secret: !is_mounted(path),
                    is_strict: false,
                });
            }
        }
        for (key, entry) in self.file().entries(profile.cloud(), &profile.name) {
            if let SettingValue::Path(base, path) = entry {
                let is_secret = |part| part == SettingRole::Secret;
                keep(ReferencedFile {
                    key: Some(key.to_owned()),
                    path: self.resolve_path(path),
                    is_secret: profile
                        .schema
                        .find(base)
                        .is_some_and(|spec| is_secret(spec.role)),
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
    fn secrets_of_containers_are_recognized_as_mounted() {
        let token = Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token");
        assert!(is_mounted(token) && is_mounted(Path::new("/run/secrets/token")));
        assert!(!is_mounted(Path::new("/home/me/run/secrets")));
    }
}
