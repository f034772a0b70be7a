//! Determines the folder in which issued tokens are stored between runs.

use std::path::Path;

use rustix::fs::{Access, access};

use super::permissions::check_folders;
use super::{Profile, Settings};
use crate::error::kind_text;
use crate::model::{Notice, NoticeCode};

impl Settings {
    /// Sets the folder of a profile's tokens; adds a notice if it cannot be used.
    pub(super) fn set_token_folder(&self, profile: &mut Profile) {
        let mut skip = |reason: String| {
            profile
                .notices
                .push(Notice::new(NoticeCode::TokenCache, reason))
        };
        let Some(folder) = self.environment.cache_folder() else {
            skip("token_cache is true, but neither XDG_CACHE_HOME nor HOME is set".to_owned());
            return;
        };
        let folder = folder.join("tokens");
        // The last folder is made private when a token is written.
        match folder.parent().map_or(Ok(()), check_folders) {
            Ok(()) => profile.token_cache_dir = Some(folder),
            Err(insecure) => skip(format!(
                "token_cache is not used: {} {}; {}",
                folder.display(),
                insecure.reason,
                insecure.hint
            )),
        }
    }
}

/// Returns a notice if no token can be written to a folder, which is created on first use.
pub(crate) fn unwritable_token_folder(folder: &Path) -> Option<Notice> {
    let reason = unwritable(folder)?;
    let message = format!("token_cache cannot be written: {reason}");
    Some(Notice::new(NoticeCode::TokenCache, message))
}

fn unwritable(folder: &Path) -> Option<String> {
    let existing = folder
        .ancestors()
        .find(|path| path.symlink_metadata().is_ok())?;
    let shown = existing.display();
    if existing == folder && existing.is_symlink() {
        return Some(format!("{shown} is a symbolic link"));
    }
    if !existing.is_dir() {
        return Some(format!("{shown} is not a directory"));
    }
    let error = access(existing, Access::WRITE_OK | Access::EXEC_OK).err()?;
    let kind = std::io::Error::from(error).kind();
    Some(format!("{shown}: {}", kind_text(kind)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_unwritable_token_folder_is_explained() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        assert_eq!(unwritable(&path("new/tokens")), None);
        fs::write(path("file"), "").unwrap();
        let file = path("file").display().to_string();
        let expected = format!("{file} is not a directory");
        assert_eq!(unwritable(&path("file/tokens")), Some(expected));
        symlink(home.path(), path("tokens")).unwrap();
        let link = path("tokens").display().to_string();
        let expected = format!("{link} is a symbolic link");
        assert_eq!(unwritable(&path("tokens")), Some(expected));
    }
}
