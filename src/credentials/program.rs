//! Finds the program of a `credential_command`, never in the current folder.

use std::env::split_paths;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};

use super::tool_files::CredentialProgram;
use crate::error::kind_text;
use crate::secret::quotable_path;
use crate::settings::{Environment, InsecureFile, Settings, check_installed};

/// Folders that are searched if PATH is not set.
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// The system cannot run files of this format.
pub(super) const NO_FORMAT: ErrorKind = ErrorKind::InvalidData;

/// The reason why a command gave no credential, as text that follows its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CommandError {
    /// The program does not exist or must not be run.
    NotRun(ErrorKind),
    /// Other users could have changed the program.
    Insecure(InsecureFile),
    /// It ran, but printed another format.
    Format,
    /// It was killed after this time, which is less than the usual one because the command of joblens has a timeout.
    CutShort(Duration),
    /// It ran and failed; the text contains its own error message.
    Other(String),
}

/// Returns the reason of a failure by a timeout.
pub(super) fn timed_out(timeout: Duration) -> String {
    format!("timed out after {} s", timeout.as_secs_f64().round())
}

/// Returns the hint for a program that cannot be run, by its path or name.
pub(super) fn not_run_hint(kind: ErrorKind, program: &Path) -> String {
    let is_path = program.components().nth(1).is_some();
    let program = quotable_path(program);
    match kind {
        ErrorKind::PermissionDenied if is_path => format!("run: chmod u+x {program}"),
        NO_FORMAT => format!("begin {program} with #! and its interpreter, such as #!/bin/sh"),
        ErrorKind::IsADirectory => "fix its path".to_owned(),
        _ if is_path => format!("fix its path, or create {program}"),
        _ => format!("fix its path, or install {program}"),
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun(ErrorKind::IsADirectory) => {
                f.write_str("cannot be run (not a regular file)")
            }
            Self::NotRun(NO_FORMAT) => {
                f.write_str("cannot be run (neither a program nor a script that begins with #!)")
            }
            Self::NotRun(kind) => write!(f, "cannot be run ({})", kind_text(*kind)),
            Self::Insecure(insecure) => f.write_str(&insecure.reason),
            Self::Format => f.write_str("did not print JSON or key=value lines"),
            Self::CutShort(timeout) => f.write_str(&timed_out(*timeout)),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

/// A command that is ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invocation {
    /// Absolute path.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// The folder in which it runs, so that relative paths in its arguments start at the folder of the config file.
    pub folder: PathBuf,
    /// Variables in addition to those of this process.
    pub environment: Vec<(String, String)>,
}

/// Finds the program of a command in the config file: a path starts at the folder of that file, a bare name is
/// searched in the absolute folders of PATH.
///
/// # Errors
/// It does not exist or must not be run, or the program or a folder on its path is writable by others.
pub(super) fn invocation(
    settings: &Settings,
    words: &[String],
) -> Result<Invocation, CommandError> {
    let (word, arguments) = words.split_first().expect("the config file was checked");
    let config = std::path::absolute(settings.file().path());
    let config = config.map_err(|error| CommandError::NotRun(error.kind()))?;
    let folder = config.parent().unwrap_or(Path::new("/")).to_path_buf();
    let path = match word.contains('/') {
        true => folder.join(settings.resolve_path(word)),
        false => word.into(),
    };
    Ok(Invocation {
        program: program(&path, settings.environment())?,
        arguments: arguments.to_vec(),
        folder,
        environment: Vec::new(),
    })
}

/// Finds the program that a tool's file configures. It runs in the current folder.
///
/// # Errors
/// As [`invocation`].
pub(super) fn program_invocation(
    configured: &CredentialProgram,
    environment: &Environment,
) -> Result<Invocation, CommandError> {
    let folder = std::env::current_dir();
    Ok(Invocation {
        program: program(Path::new(&configured.command), environment)?,
        arguments: configured.arguments.clone(),
        folder: folder.map_err(|error| CommandError::NotRun(error.kind()))?,
        environment: configured.environment.clone(),
    })
}

/// Finds a program by its absolute path, or by a name that is searched in PATH.
fn program(path: &Path, environment: &Environment) -> Result<PathBuf, CommandError> {
    match path.to_str().filter(|name| !name.contains('/')) {
        None => allowed_program(path.to_path_buf(), false),
        Some(name) => {
            let folders = environment.get("PATH").unwrap_or(DEFAULT_PATH);
            allowed_program(
                find_in_path(name, folders).map_err(CommandError::NotRun)?,
                true,
            )
        }
    }
}

/// Returns the program if other users could not have changed or replaced it.
fn allowed_program(program: PathBuf, is_searched: bool) -> Result<PathBuf, CommandError> {
    let data = fs::metadata(&program).map_err(|error| CommandError::NotRun(error.kind()))?;
    if !data.is_file() {
        return Err(CommandError::NotRun(ErrorKind::IsADirectory));
    }
    match check_installed(&program, &data, is_searched) {
        Ok(()) => Ok(program),
        Err(insecure) => Err(CommandError::Insecure(InsecureFile {
            reason: format!("runs {}, which {}", program.display(), insecure.reason),
            ..insecure
        })),
    }
}

/// Finds the first program with this name. Empty or relative folders are skipped, since the result would depend on
/// the current folder.
fn find_in_path(name: &str, path: &str) -> Result<PathBuf, ErrorKind> {
    let mut kind = ErrorKind::NotFound;
    for folder in split_paths(path).filter(|folder| folder.is_absolute()) {
        let program = folder.join(name);
        if !program.is_file() {
            continue;
        }
        match access(&program, Access::EXEC_OK) {
            Ok(()) => return Ok(program),
            Err(_) => kind = ErrorKind::PermissionDenied,
        }
    }
    Err(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn write(folder: &Path, name: &str, mode: u32) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_absolute_folders_of_path_are_searched() {
        let root = tempfile::tempdir().unwrap();
        let (one, two) = (root.path().join("one"), root.path().join("two"));
        write(&one, "get-token", 0o644);
        write(&two, "get-token", 0o755);
        fs::create_dir(one.join("folder")).unwrap();
        let path = |all: &str| format!("{}{all}{}", one.display(), two.display());
        assert_eq!(
            find_in_path("get-token", &path(":.::")),
            Ok(two.join("get-token")),
            "a file that may not be run is skipped"
        );
        let only_one = one.to_str().unwrap();
        assert_eq!(
            find_in_path("get-token", only_one),
            Err(ErrorKind::PermissionDenied)
        );
        assert_eq!(find_in_path("folder", only_one), Err(ErrorKind::NotFound));
        // The tests run in the folder of the package, which contains `Cargo.toml`.
        for relative in ["", ".", ":", "src", "./src:"] {
            assert_eq!(
                find_in_path("Cargo.toml", relative),
                Err(ErrorKind::NotFound)
            );
        }
    }
}
