use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{Access, OFlags};

/// The destination of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum ReportSink {
    /// The stdout of this process.
    Stdout,
    /// The stderr of this process.
    Stderr,
    /// Any other path.
    Path(PathBuf),
}

impl ReportSink {
    /// Returns the destination for a file name.
    pub(in crate::commands) fn from_path(name: impl AsRef<Path>) -> Self {
        let path = name.as_ref();
        // Opening a redirected stdout by name would create a second offset or truncate the file.
        match path.to_str() {
            Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => Self::Stdout,
            Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => Self::Stderr,
            _ => Self::Path(path.to_owned()),
        }
    }

    /// Returns the same path for every name of one file, as far as it exists.
    pub(super) fn canonical(&self) -> PathBuf {
        let path = match self {
            Self::Stdout => return PathBuf::from("/dev/stdout"),
            Self::Stderr => return PathBuf::from("/dev/stderr"),
            Self::Path(path) => path,
        };
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if let Ok(real) = absolute.canonicalize() {
            return real;
        }
        let folder = absolute
            .parent()
            .and_then(|folder| folder.canonicalize().ok());
        match (folder, absolute.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => absolute,
        }
    }

    /// Returns `true` if written bytes cannot be replaced: pipes, devices, open descriptors.
    pub(super) fn is_stream(&self) -> bool {
        match self {
            Self::Stdout | Self::Stderr => true,
            Self::Path(path) => {
                path.starts_with("/dev/fd")
                    || path.starts_with("/proc/self/fd")
                    || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
            }
        }
    }

    /// Checks that a report can be written: creates missing folders, and tries what [`ReportSink::write`] will do,
    /// without changing an existing file.
    ///
    /// # Errors
    /// Returns errors of the file system.
    pub(in crate::commands) fn check(&self) -> io::Result<()> {
        let Self::Path(path) = self else {
            return Ok(());
        };
        if self.is_stream() {
            rustix::fs::access(path, Access::WRITE_OK)?;
            return match fs::metadata(path)?.file_type().is_char_device() {
                // Opening is the only way to detect a terminal that this process cannot use.
                true => open_device(path).map(drop),
                // Opening a pipe without a reader would block.
                false => Ok(()),
            };
        }
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
                _ => error,
            })?;
        }
        // Finds errors in the name itself, such as its length.
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(found) if found.is_symlink() => {
                return OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(path)
                    .map(drop);
            }
            Ok(_) if OpenOptions::new().append(true).open(path).is_ok() => return Ok(()),
            _ => {}
        }
        let probe = path.with_file_name(temporary_name());
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&probe)?;
        fs::remove_file(&probe)
    }

    /// Makes the file private before a secret is written to it.
    ///
    /// # Errors
    /// Returns errors of the file system.
    pub(super) fn restrict(&self) -> io::Result<()> {
        match self {
            Self::Path(path) if !self.is_stream() => OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(path)?
                .set_permissions(Permissions::from_mode(0o600)),
            _ => Ok(()),
        }
    }

    /// Writes a whole report; gives up on a stream that does not accept it within `timeout`.
    ///
    /// # Errors
    /// Returns errors of the file system. If the disk is full, the old report is kept.
    pub(super) fn write(&self, bytes: Vec<u8>, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Path(path) if !self.is_stream() => replace(path, |file| file.write_all(&bytes)),
            _ => write_stream(self.clone(), bytes, timeout),
        }
    }
}

/// Opens a device without blocking, and without making it the controlling terminal.
fn open_device(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new()
        .append(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

/// Returns the size of a file; 0 if there is none.
pub(super) fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

/// Appends lines in one write to a file that others also write to.
///
/// # Errors
/// Returns errors of the file system.
pub(super) fn append(path: &Path, lines: Vec<u8>) -> io::Result<()> {
    let mut bytes = match ends_within_a_line(path) {
        true => b"\n".to_vec(),
        false => Vec::new(),
    };
    bytes.extend(lines);
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(&bytes)
}

fn ends_within_a_line(path: &Path) -> bool {
    let last = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Ok::<_, io::Error>(last[0])
    };
    // Do not open a pipe just to check its end.
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    is_file && last().is_ok_and(|last| last != b'\n')
}

/// Why a file could not be replaced by writing a temporary file and renaming it.
enum ReplaceError {
    /// The folder or the file does not permit it.
    NotPermitted(io::Error),
    /// The report itself could not be written.
    Io(io::Error),
}

/// Replaces the content of a file by what `fill` writes.
///
/// # Errors
/// Returns errors of `fill` and of the file system.
pub(super) fn replace(path: &Path, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    // Keep a symbolic link, and write to its target. In a folder that everyone can write to, the system does not
    // follow links of other users.
    if path.is_symlink() {
        return overwrite(path, fill);
    }
    match write_atomic(path, &fill) {
        Ok(()) => Ok(()),
        Err(ReplaceError::NotPermitted(_)) => overwrite(path, fill),
        Err(ReplaceError::Io(error)) => Err(error),
    }
}

/// Replaces a file atomically; on failure the old one is kept.
///
/// # Errors
/// Returns errors of the file system.
pub(in crate::commands) fn replace_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_atomic(path, |file| file.write_all(bytes)).map_err(|error| match error {
        ReplaceError::NotPermitted(error) | ReplaceError::Io(error) => error,
    })
}

fn write_atomic(
    path: &Path,
    fill: impl Fn(&mut File) -> io::Result<()>,
) -> Result<(), ReplaceError> {
    let temporary = path.with_file_name(temporary_name());
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&temporary);
    let mut file = created.map_err(classify_io)?;
    let done = copy_mode(&file, path)
        .and_then(|()| fill(&mut file).map_err(ReplaceError::Io))
        .and_then(|()| fs::rename(&temporary, path).map_err(classify_io));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    done
}

/// Copies the mode. A file of another owner or group cannot be replaced.
fn copy_mode(file: &File, path: &Path) -> Result<(), ReplaceError> {
    let Ok(old) = fs::metadata(path) else {
        return Ok(());
    };
    let new = file.metadata().map_err(ReplaceError::Io)?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        return Err(ReplaceError::NotPermitted(
            io::ErrorKind::PermissionDenied.into(),
        ));
    }
    file.set_permissions(old.permissions())
        .map_err(ReplaceError::NotPermitted)
}

/// Classifies an error. On a full disk, the old report is worth more than the beginning of a new one.
fn classify_io(error: io::Error) -> ReplaceError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ReplaceError::Io(error),
        _ => ReplaceError::NotPermitted(error),
    }
}

/// Overwrites the existing file, if it cannot be replaced or the folder permits no new file.
///
/// # Errors
/// Returns errors of `fill` and of the file system; the file is then empty.
pub(super) fn overwrite(path: &Path, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    // Do not truncate first: the blocks of the old report stay available even if the disk is full.
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let written = fill(&mut file)
        .and_then(|()| file.stream_position())
        .and_then(|end| file.set_len(end));
    if written.is_err() {
        // A mixture of two reports would be worse than none.
        let _ = file.set_len(0);
    }
    written
}

/// Writes to a stream in a thread, because opening a pipe without a reader or writing to a full one blocks forever.
fn write_stream(sink: ReportSink, bytes: Vec<u8>, timeout: Duration) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        let written = match sink {
            ReportSink::Stdout => flushed(&mut io::stdout().lock(), &bytes),
            ReportSink::Stderr => flushed(&mut io::stderr().lock(), &bytes),
            ReportSink::Path(path) => OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|mut file| flushed(&mut file, &bytes)),
        };
        // The caller stops waiting after the timeout.
        let _ = sender.send(written);
    })?;
    receiver.recv_timeout(timeout).unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "nothing is reading from it",
        ))
    })
}

fn flushed(stream: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

fn temporary_name() -> String {
    format!(".joblens-{:016x}.tmp", random())
}

/// Returns a number that differs between processes: a random one, or the process id without a source of randomness.
fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_creates_the_folder_and_leaves_no_file_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let sink = ReportSink::from_path(folder.path().join("构建/reports/a.xml"));
        sink.check().unwrap();
        let reports = folder.path().join("构建/reports");
        assert_eq!(fs::read_dir(&reports).unwrap().count(), 0);
        sink.write(b"new".to_vec(), Duration::ZERO).unwrap();
        sink.check().unwrap();
        assert_eq!(fs::read(reports.join("a.xml")).unwrap(), b"new");
        assert_eq!(fs::read_dir(&reports).unwrap().count(), 1);
    }

    #[test]
    fn a_check_rejects_a_path_that_can_never_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let long = "长".repeat(100);
        for name in ["", "file/a.xml", long.as_str(), "no-such/../file/b/c.xml"] {
            let sink = ReportSink::from_path(folder.path().join(name));
            assert!(sink.check().is_err(), "{name}");
        }
        assert!(ReportSink::from_path("/dev/fd/987").check().is_err());
    }

    #[test]
    fn a_check_opens_a_device() {
        let is_open = OpenOptions::new().append(true).open("/dev/tty").is_ok();
        assert_eq!(ReportSink::from_path("/dev/tty").check().is_ok(), is_open);
        ReportSink::from_path("/dev/null").check().unwrap();
    }

    #[test]
    fn a_check_does_not_open_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        ReportSink::from_path(&pipe).check().unwrap();
    }
}
