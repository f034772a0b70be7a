//! Reads and writes the files of a recording.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FORMAT;
use crate::error::{Problem, file_error_text};
use crate::secret::quotable_path;
use crate::settings::{FileTypes, RecordedSettings, open_bytes};
use crate::sort::SortExt as _;

/// The file that describes the recorded run.
const HEADER: &str = "recording.json";
/// Maximum size of a file in bytes. A body that was not cut fits into it as indented JSON.
const MAX_FILE: u64 = 256 << 20;
/// Maximum number of exchanges in a recording.
const MAX_EXCHANGES: usize = 1_000_000;

/// The recorded run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Header {
    /// Version of the format.
    pub format: u32,
    /// Version of the program.
    pub joblens: String,
    /// The command line, with its secrets masked.
    pub command: Vec<String>,
    /// Name of the command, such as `auth status`.
    pub command_name: String,
    /// Start of the command.
    pub started_at: String,
    /// Offset of the local time zone at the start.
    pub utc_offset_seconds: i32,
    /// End of the run, in milliseconds since its first request; `None` if it was killed.
    pub ended_ms: Option<u64>,
    pub exit_code: Option<u8>,
    /// Measured durations in milliseconds, which a replay cannot measure again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measured: BTreeMap<String, u64>,
    /// Other values that a replay cannot compute, such as the results of checks of the machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
    /// The settings of the run, without secrets.
    pub settings: RecordedSettings,
}

impl Header {
    /// Reads the header of the recording in a folder.
    ///
    /// # Errors
    /// Returns a usage error if the header is missing or damaged, has an unsupported format, or was written by a newer
    /// version of the program.
    pub(super) fn read(folder: &Path) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
            joblens: String,
        }
        let path = folder.join(HEADER);
        let version: Version = read_json(&path).map_err(|reason| unreadable(&path, &reason))?;
        if version.format != FORMAT {
            let reason = format!(
                "format {} is not supported; expected {FORMAT}",
                version.format
            );
            return Err(unreadable(&path, &reason));
        }
        let this_version = env!("CARGO_PKG_VERSION");
        if numbers(&version.joblens).len() < numbers(this_version).len() {
            return Err(unreadable(&path, "joblens is not a version"));
        }
        if numbers(&version.joblens) > numbers(this_version) {
            let made_by: String = version.joblens.chars().take(20).collect();
            let reason =
                format!("it was made by joblens {made_by}, which is newer than {this_version}");
            return Err(unreadable(&path, &reason));
        }
        read_json(&path).map_err(|reason| unreadable(&path, &reason))
    }

    /// Returns the offset of the local time zone at the start of the run.
    pub(super) fn utc_offset(&self) -> Option<FixedOffset> {
        FixedOffset::east_opt(self.utc_offset_seconds)
    }

    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let new = folder.join("recording.json.new");
        write_json(&new, self)?;
        fs::rename(new, folder.join(HEADER))
    }
}

fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(['.', '-', '+']);
    parts.map_while(|part| part.parse().ok()).collect()
}

/// Returns the problem for a file of a recording that cannot be read.
pub(super) fn unreadable(path: &Path, reason: &str) -> Problem {
    let path = quotable_path(path);
    Problem::usage(format!("cannot read the recording {path}: {reason}"))
        .with_hint("pass a folder that this version of joblens created with --record")
}

/// Creates a folder that only its owner can read, and reserves it for one recording. Returns `true` if the folder
/// did not exist.
///
/// # Errors
/// Returns a usage error if the folder cannot be created, or is not empty, for example because another recording
/// has just started in it.
pub(super) fn create(folder: &Path) -> Result<bool, Problem> {
    let refused = |reason: &str| {
        let path = quotable_path(folder);
        Problem::usage(format!("cannot record in {path}: {reason}"))
            .with_hint("pass a new folder: --record DIR")
    };
    let failed = |error: io::Error| refused(&file_error_text(&error));
    let is_new = !folder.exists();
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(refused("it is not empty"));
    }
    if is_new {
        fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    write_new(&folder.join(HEADER), b"").map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => refused("it is not empty"),
        _ => failed(error),
    })?;
    Ok(is_new)
}

/// Removes the header, and the folder if it was created for the recording.
pub(super) fn discard(folder: &Path, is_new: bool) {
    let _ = fs::remove_file(folder.join(HEADER));
    if is_new {
        // Fails if another process has written files to the folder in the meantime.
        let _ = fs::remove_dir(folder);
    }
}

/// Creates a file that only its owner can read.
pub(super) fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let written = file.write_all(text);
    if written.is_err() {
        // An incomplete file would make the recording unreadable.
        let _ = fs::remove_file(path);
    }
    written
}

/// Writes a document to a new file.
pub(super) fn write_json(path: &Path, document: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    write_new(path, &text)
}

/// Returns the file name of an exchange, such as `0001-aliyun-ListJobs.json`.
pub(super) fn file_name(number: u64, cloud: &str, operation: &str) -> String {
    const MAX_CHARS: usize = 60;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let plain = |c: char| if is_plain(c) { c } else { '-' };
    let operation: String = operation.chars().map(plain).take(MAX_CHARS).collect();
    format!("{number:04}-{cloud}-{operation}.json")
}

/// Returns the files of the exchanges, in the order in which the requests were sent.
///
/// # Errors
/// Returns a usage error if the folder cannot be read or has too many files.
pub(super) fn exchange_files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let failed = |error: &io::Error| unreadable(folder, &file_error_text(error));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(&error))? {
        let name = entry.map_err(|error| failed(&error))?.file_name();
        let number = |name: &str| {
            let (number, rest) = name.split_once('-')?;
            let number: u64 = number.parse().ok().filter(|_| rest.ends_with(".json"))?;
            Some(number)
        };
        if let Some(number) = name.to_str().and_then(number) {
            files.push((number, folder.join(name)));
        }
        if files.len() > MAX_EXCHANGES {
            return Err(unreadable(folder, "it has too many files"));
        }
    }
    files.order();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// Reads a file, which must not be a symbolic link.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let data = fs::symlink_metadata(path).map_err(|error| file_error_text(&error))?;
    if !data.is_file() {
        return Err("not a regular file".to_owned());
    }
    let (bytes, _) =
        open_bytes(path, FileTypes::Regular, MAX_FILE).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("invalid content at line {line} column {column}")
    })
}
