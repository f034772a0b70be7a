//! Reads the files that settings refer to, and files that other tools write.

use std::fmt;
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::permissions::{is_open_descriptor, is_readable_by_others};
use super::{InsecureFile, check_file};
use crate::error::file_kind_text;

/// Maximum size of a text file. Files of tools and of single values are far smaller.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 20;
/// Maximum size of a PEM file. The CA bundles of systems have up to 1 MiB.
pub(crate) const MAX_PEM_BYTES: u64 = 8 << 20;

/// The types of files that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileTypes {
    /// Regular files.
    Regular,
    /// Also a pipe that was passed to this process, such as `/dev/stdin`.
    RegularOrPassedPipe,
}

/// The reason why a file cannot be read.
#[derive(Debug)]
pub(crate) enum FileError {
    /// The kind of the error, and its text.
    Io(ErrorKind, String),
    Kind(&'static str),
    /// UTF-16, or a line that is not UTF-8.
    Encoding(Option<usize>),
    Insecure(InsecureFile),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_, text) => f.write_str(text),
            Self::Kind(reason) => f.write_str(reason),
            Self::Encoding(None) => f.write_str("it is UTF-16, not UTF-8"),
            Self::Encoding(Some(line)) => write!(f, "line {line} is not UTF-8"),
            Self::Insecure(insecure) => f.write_str(&insecure.reason),
        }
    }
}

impl FileError {
    /// Returns the reason as text that follows the name of the file.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Insecure(insecure) => insecure.reason.clone(),
            Self::Io(..) | Self::Kind(_) | Self::Encoding(_) => format!("cannot be read ({self})"),
        }
    }

    /// Returns the hint, if there is one.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Insecure(insecure) => Some(&insecure.hint),
            Self::Encoding(_) => Some("save it as UTF-8"),
            Self::Io(..) | Self::Kind(_) => None,
        }
    }

    pub(crate) fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::Io(ErrorKind::NotFound | ErrorKind::NotADirectory, _)
        )
    }
}

/// Returns `true` if a path contains a broken link: the target is then probably not mounted, rather than absent.
pub(crate) fn is_dangling(path: &Path) -> bool {
    let mut existing = path.ancestors();
    let existing = existing.find_map(|path| Some((path, path.symlink_metadata().ok()?)));
    existing.is_some_and(|(path, data)| data.is_symlink() && path.metadata().is_err())
}

impl From<std::io::Error> for FileError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.kind(), file_kind_text(&error))
    }
}

/// Reads the text of a file, and whether others can read the file, which is an error with `is_secret`.
///
/// # Errors
/// The file cannot be read or is not safe.
pub(crate) fn read_text(path: &Path, is_secret: bool) -> Result<(String, bool), FileError> {
    read_text_up_to(path, is_secret, MAX_FILE_BYTES)
}

/// Reads a file of at most `max_bytes`; see [`read_text`].
///
/// # Errors
/// As [`read_text`].
pub(crate) fn read_text_up_to(
    path: &Path,
    is_secret: bool,
    max_bytes: u64,
) -> Result<(String, bool), FileError> {
    let (text, data) = open_text_up_to(path, FileTypes::Regular, max_bytes)?;
    check_file(path, &data, is_secret).map_err(FileError::Insecure)?;
    Ok((text, is_readable_by_others(&data)))
}

/// Reads the text of a file or a passed pipe of at most [`MAX_FILE_BYTES`], and its metadata; see [`open_bytes`].
///
/// # Errors
/// The file cannot be read.
pub(super) fn open_text(path: &Path) -> Result<(String, Metadata), FileError> {
    open_text_up_to(path, FileTypes::RegularOrPassedPipe, MAX_FILE_BYTES)
}

fn open_text_up_to(
    path: &Path,
    types: FileTypes,
    max_bytes: u64,
) -> Result<(String, Metadata), FileError> {
    let (bytes, data) = open_bytes(path, types, max_bytes)?;
    Ok((decode(bytes).map_err(FileError::Encoding)?, data))
}

/// Decodes UTF-8. The error is the number of the first invalid line, or `None` for UTF-16.
fn decode(bytes: Vec<u8>) -> Result<String, Option<usize>> {
    // In UTF-16, every second byte of ASCII characters is NUL.
    let has_mark = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if has_mark || matches!(bytes[..], [0, _, 0, _, ..] | [_, 0, _, 0, ..]) {
        return Err(None);
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Some(valid.iter().filter(|byte| **byte == b'\n').count() + 1)
    })
}

/// Reads a file with certificates or a key, which others must not be able to write. A pipe that was passed to the
/// process can also be read, but only once.
///
/// # Errors
/// The file cannot be read or is not safe.
pub(crate) fn read_pem(path: &Path, is_secret: bool) -> Result<Vec<u8>, FileError> {
    let (bytes, data) = open_bytes(path, FileTypes::RegularOrPassedPipe, MAX_PEM_BYTES)?;
    check_file(path, &data, is_secret).map_err(FileError::Insecure)?;
    Ok(bytes)
}

/// Reads the content and metadata of a file of at most `max_bytes`.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn open_bytes(
    path: &Path,
    types: FileTypes,
    max_bytes: u64,
) -> Result<(Vec<u8>, Metadata), FileError> {
    let is_passed = types == FileTypes::RegularOrPassedPipe && is_open_descriptor(path);
    // Opening a named pipe would block until another process writes to it.
    if !is_passed && !fs::metadata(path)?.is_file() {
        return Err(FileError::Kind("not a regular file"));
    }
    let file = fs::File::open(path)?;
    let data = file.metadata()?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(FileError::Kind("it is too large"));
    }
    Ok((bytes, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dangling_link_is_found_in_every_folder_of_a_path() {
        let root = tempfile::tempdir().unwrap();
        let link = |name: &str, to: &Path| {
            let link = root.path().join(name);
            std::os::unix::fs::symlink(to, &link).unwrap();
            link
        };
        let nowhere = link("nowhere", &root.path().join("unmounted"));
        let folder = link("folder", root.path());
        for (path, expected) in [
            (nowhere.clone(), true),
            (nowhere.join("a/config.json"), true),
            (folder.join("nowhere/config.json"), true),
            (folder.join("a/config.json"), false),
            (root.path().join("a/config.json"), false),
        ] {
            assert_eq!(is_dangling(&path), expected, "{}", path.display());
        }
    }

    #[test]
    fn an_encoding_that_is_not_utf_8_is_named() {
        let text = "[aliyun.默认]\n# 区域\nregion = 'x'\n";
        assert_eq!(decode(text.into()).unwrap(), text);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let shown = |bytes| FileError::Encoding(decode(bytes).unwrap_err()).to_string();
        assert_eq!(
            shown([b"\xff\xfe", &utf16[..]].concat()),
            "it is UTF-16, not UTF-8"
        );
        assert_eq!(shown(utf16), "it is UTF-16, not UTF-8");
        let big_endian = "# a".encode_utf16().flat_map(u16::to_be_bytes);
        assert_eq!(shown(big_endian.collect()), "it is UTF-16, not UTF-8");
        // The parser of the format rejects a single NUL byte.
        assert_eq!(decode(b"# \0\n".to_vec()).unwrap(), "# \0\n");
        assert_eq!(
            shown(b"# a\nregion = '\xd6\xd0'\n".to_vec()),
            "line 2 is not UTF-8"
        );
    }
}
