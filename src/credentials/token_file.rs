//! Credentials on disk: one file per account, which only its owner can read.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::REFRESH_MARGIN;
use crate::crypto::nonce;
use crate::error::file_error_text;
use crate::sort::SortExt as _;

/// Version of the file format; other versions are not read.
const SCHEMA: u32 = 1;

/// Maximum size of a file. Tokens of 100 KiB exist.
const MAX_FILE_BYTES: u64 = 512 << 10;

/// Maximum time for which a stored credential is used, even if it is valid longer, in case its key was withdrawn.
pub(super) const MAX_AGE: TimeDelta = TimeDelta::days(1);

/// Maximum time for writing a file. An older temporary file was left behind by a killed process.
const MAX_WRITE_TIME: Duration = Duration::from_secs(60);

/// Maximum number of stored files. If each run has new keys, each creates a file.
const MAX_TOKEN_FILES: usize = 100;

/// Suffix of the name of a file that is being written.
const TEMP_SUFFIX: &str = ".new";

/// The file of one account.
pub(super) struct TokenFile {
    folder: PathBuf,
    /// A hash that identifies the account without revealing it.
    name: String,
}

/// The content of a credential's file.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredToken {
    schema: u32,
    /// The name of the file, so that a copy with another name is not used.
    name: String,
    /// Unix seconds.
    kept_at: i64,
    /// Expiry of the credential in Unix seconds.
    expires_at: i64,
    /// Parts of the credential by name.
    pub parts: BTreeMap<String, String>,
}

impl StoredToken {
    /// Returns the expiry of the credential.
    pub(super) fn expires_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(self.expires_at, 0)
    }

    fn is_good(&self, now: DateTime<Utc>) -> bool {
        let (now, margin) = (now.timestamp(), REFRESH_MARGIN.num_seconds());
        // If the clock was set back, the age is unknown.
        let is_past = self.kept_at <= now + margin;
        let is_young = now < self.kept_at.saturating_add(MAX_AGE.num_seconds());
        is_past && is_young && now < self.expires_at.saturating_sub(margin)
    }
}

impl TokenFile {
    /// Returns the file `name` in a folder; the first write creates both.
    pub(super) fn new(folder: &Path, name: String) -> Self {
        Self {
            folder: folder.to_path_buf(),
            name,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Returns the stored credential if it is valid for a while; `None` if there is none.
    ///
    /// # Errors
    /// The reason why an existing file is not used.
    pub(super) fn read(&self, now: DateTime<Utc>) -> Result<Option<StoredToken>, String> {
        // Does not follow a link and does not wait for a pipe.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(self.path());
        let file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error_text(&error)),
        };
        check_owner(&file)?;
        let mut bytes = Vec::new();
        let mut file = file.take(MAX_FILE_BYTES + 1);
        file.read_to_end(&mut bytes)
            .map_err(|error| file_error_text(&error))?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err("it is too large".to_owned());
        }
        // The message of serde may contain text of the file.
        let entry: StoredToken =
            serde_json::from_slice(&bytes).map_err(|_| "it is corrupt".to_owned())?;
        if entry.schema != SCHEMA || entry.name != self.name {
            return Err("unsupported version".to_owned());
        }
        Ok(Some(entry).filter(|entry| entry.is_good(now)))
    }

    /// Replaces the stored credential, unless the new one expires too soon. Other processes see either the old or
    /// the new file, never a part.
    ///
    /// # Errors
    /// The reason why it is not stored.
    pub(super) fn write(
        &self,
        parts: BTreeMap<String, String>,
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> io::Result<()> {
        let entry = StoredToken {
            schema: SCHEMA,
            name: self.name.clone(),
            kept_at: now.timestamp(),
            expires_at: expires_at.timestamp(),
            parts,
        };
        let bytes = serde_json::to_vec(&entry)?;
        if !entry.is_good(now) || bytes.len() as u64 > MAX_FILE_BYTES {
            return Ok(());
        }
        self.make_folder()?;
        // A process id would not be unique: two machines can share a home folder.
        let mut file = tempfile::Builder::new()
            .prefix(&nonce())
            .suffix(TEMP_SUFFIX)
            .rand_bytes(0)
            .tempfile_in(&self.folder)?;
        file.write_all(&bytes)?;
        self.evict_old(file.as_file())?;
        file.persist(self.path())?;
        Ok(())
    }

    /// Removes the stored credential if it has these parts.
    pub(super) fn invalidate(&self, parts: &BTreeMap<String, String>, now: DateTime<Utc>) {
        if let Ok(Some(entry)) = self.read(now)
            && entry.parts == *parts
        {
            // A new credential that another process stored in between is lost and fetched again.
            self.remove();
        }
    }

    /// Removes the stored credential.
    pub(super) fn remove(&self) {
        remove(&self.path());
    }

    /// Creates the folder, or checks that this user owns it and no one else can read it.
    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let metadata = fs::symlink_metadata(&self.folder)?;
        if !metadata.is_dir() {
            return Err(io::Error::other("the folder is a symbolic link"));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::other("the folder is owned by another user"));
        }
        match metadata.mode() & 0o077 {
            0 => Ok(()),
            _ => fs::set_permissions(&self.folder, Permissions::from_mode(0o700)),
        }
    }

    /// Removes files that will not be read again, by the clock of the file system.
    fn evict_old(&self, draft: &File) -> io::Result<()> {
        let now = draft.metadata()?.modified()?;
        let longest = MAX_AGE.to_std().expect("a day is not negative");
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let limit = match name.strip_suffix(TEMP_SUFFIX) {
                Some(stem) if is_hex(stem) => MAX_WRITE_TIME,
                None if is_hex(&name) => longest,
                _ => continue,
            };
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.map(|at| now.duration_since(at).unwrap_or_default());
            match age {
                Ok(age) if age > limit => remove(&entry.path()),
                Ok(age) if limit == longest => kept.push((age, entry.path())),
                // Skips a file that another process has just renamed or is writing.
                _ => {}
            }
        }
        kept.order();
        kept.iter()
            .skip(MAX_TOKEN_FILES)
            .for_each(|(_, path)| remove(path));
        Ok(())
    }
}

/// Rejects a file that others could have written or can read.
fn check_owner(file: &File) -> Result<(), String> {
    let metadata = file.metadata().map_err(|error| file_error_text(&error))?;
    let reason = match () {
        () if !metadata.is_file() => "not a regular file",
        () if metadata.uid() != rustix::process::geteuid().as_raw() => "owned by another user",
        () if metadata.mode() & 0o077 != 0 => "readable by others",
        () => return Ok(()),
    };
    Err(reason.to_owned())
}

/// Removes a file, which another process may already have removed.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
