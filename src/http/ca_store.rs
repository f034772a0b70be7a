//! Reads the CA certificates of the machine, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::settings::{FileTypes, MAX_PEM_BYTES, NO_FILE, check_installed, open_bytes};
use crate::sort::SortExt as _;

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// Hint for a path without certificates.
pub(super) const FIX: &str = "correct or unset the variable, or set --ca-file";

/// CA certificates, and the problem of configured paths that contain none.
#[derive(Debug, Default)]
pub(super) struct CaCertificates {
    pub certificates: Vec<CertificateDer<'static>>,
    pub problem: Option<String>,
}

/// The CA certificates of the machine. Each part is read once, on first use.
#[derive(Debug)]
pub(super) struct SystemStore {
    /// The variables that can name other paths.
    environment: Vec<(String, String)>,
    parts: [OnceLock<CaCertificates>; Self::PARTS],
}

impl SystemStore {
    /// Number of parts. The first one is the system's bundle, or the paths of the variables; the second one is the
    /// system's folders, whose hundreds of files repeat the bundle.
    pub const PARTS: usize = 2;

    pub(super) fn new(environment: &[(String, String)]) -> Self {
        Self {
            environment: environment.to_vec(),
            parts: Default::default(),
        }
    }

    /// Returns `true` if variables name other paths than the system's.
    pub(super) fn is_overridden(&self) -> bool {
        !certificate_paths(&self.environment).is_empty()
    }

    /// Returns one of the parts.
    pub(super) fn part(&self, number: usize) -> &CaCertificates {
        self.parts[number].get_or_init(|| match &certificate_paths(&self.environment)[..] {
            [] => CaCertificates {
                certificates: system_certificates(number),
                problem: None,
            },
            paths if number == 0 => named_certificates(paths),
            _ => CaCertificates::default(),
        })
    }

    /// Returns all certificates without duplicates, and the problems of the configured paths.
    pub(super) fn all(&self) -> CaCertificates {
        let parts = (0..Self::PARTS).flat_map(|number| self.part(number).certificates.clone());
        let mut certificates: Vec<_> = parts.collect();
        certificates.order_by(|one, other| one.as_ref().cmp(other.as_ref()));
        certificates.dedup();
        CaCertificates {
            certificates,
            problem: self.part(0).problem.clone(),
        }
    }
}

/// Returns a part of the system's store: all of the keychain is the first one.
#[cfg(target_os = "macos")]
fn system_certificates(number: usize) -> Vec<CertificateDer<'static>> {
    match number {
        0 => rustls_native_certs::load_native_certs().certs,
        _ => Vec::new(),
    }
}

/// Returns a part of the system's store: its bundle file is the first one.
#[cfg(not(target_os = "macos"))]
fn system_certificates(number: usize) -> Vec<CertificateDer<'static>> {
    // As in OpenSSL, an empty variable counts as not set.
    let system = openssl_probe::probe();
    match number {
        0 => system
            .cert_file
            .iter()
            .flat_map(|path| CaPath::File(path.clone()).read())
            .collect(),
        _ => system
            .cert_dir
            .iter()
            .flat_map(|path| CaPath::Folder(path.clone()).read())
            .collect(),
    }
}

fn named_certificates(paths: &[CaPath]) -> CaCertificates {
    let (mut certificates, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let insecure = path.insecure();
        let read_certificates = match insecure {
            Some(_) => Vec::new(),
            None => path.read(),
        };
        if read_certificates.is_empty() {
            let shown = path.path().display();
            let problem = insecure.unwrap_or_else(|| format!("{shown} {}", path.problem()));
            problems.push(format!("{}: {problem}", path.variable()));
        }
        certificates.extend(read_certificates);
    }
    CaCertificates {
        certificates,
        problem: (!problems.is_empty()).then(|| problems.join("; ")),
    }
}

/// Returns the paths that the variables name.
fn certificate_paths(environment: &[(String, String)]) -> Vec<CaPath> {
    let value = |name| {
        let variable = environment.iter().find(|(key, _)| key == name);
        variable.map_or("", |(_, value)| value.trim())
    };
    let file = [value(FILE)].into_iter().filter(|path| !path.is_empty());
    let folders = value(FOLDERS).split(':').filter(|path| !path.is_empty());
    let folders = folders.map(|path| CaPath::Folder(path.into()));
    file.map(|path| CaPath::File(path.into()))
        .chain(folders)
        .collect()
}

const EMPTY: &str = "contains no CA certificate";

/// A path with CA certificates.
#[derive(Debug)]
enum CaPath {
    /// A file with any number of certificates.
    File(PathBuf),
    /// A folder with such files.
    Folder(PathBuf),
}

impl CaPath {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Folder(path) => path,
        }
    }

    /// Returns the variable that names such a path.
    fn variable(&self) -> &'static str {
        match self {
            Self::File(_) => FILE,
            Self::Folder(_) => FOLDERS,
        }
    }

    /// Returns the file, or the files of the folder.
    fn files(&self) -> Vec<PathBuf> {
        match self {
            Self::File(path) => vec![path.clone()],
            Self::Folder(path) => {
                let entries = fs::read_dir(path).into_iter().flatten().flatten();
                entries.map(|entry| entry.path()).collect()
            }
        }
    }

    /// Returns the first file or folder of the path that another user can change, and the reason.
    fn insecure(&self) -> Option<String> {
        let mut paths = self.files();
        paths.push(self.path().to_path_buf());
        paths.iter().find_map(|path| {
            let data = path
                .metadata()
                .ok()
                .filter(|data| data.is_file() || data.is_dir())?;
            let insecure = check_installed(path, &data, true).err()?;
            Some(format!("{} {}", path.display(), insecure.reason))
        })
    }

    /// Reads the certificates of the file, or of the files of the folder. Skips those that cannot be read.
    fn read(&self) -> Vec<CertificateDer<'static>> {
        let mut certificates = Vec::new();
        for file in self.files() {
            if let Ok((bytes, _)) = open_bytes(&file, FileTypes::Regular, MAX_PEM_BYTES) {
                certificates.extend(CertificateDer::pem_slice_iter(&bytes).flatten());
            }
        }
        certificates
    }

    /// Returns the reason why it gave no certificate.
    fn problem(&self) -> String {
        match (self, self.path().metadata()) {
            (_, Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                "does not exist".to_owned()
            }
            (Self::Folder(_), Ok(data)) if !data.is_dir() => "is not a directory".to_owned(),
            (Self::Folder(_), Ok(_)) => EMPTY.to_owned(),
            (Self::File(_), Ok(data)) if data.is_dir() => "is a directory".to_owned(),
            (Self::File(path), Ok(_)) if path == Path::new(NO_FILE) => EMPTY.to_owned(),
            _ => match open_bytes(self.path(), FileTypes::Regular, MAX_PEM_BYTES) {
                Ok(_) => EMPTY.to_owned(),
                Err(fault) => fault.reason(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(String, String)]) -> CaCertificates {
        SystemStore::new(environment).all()
    }

    #[test]
    fn an_error_of_a_ca_store_shows_the_variable_and_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let file = format!("{path}/empty.pem");
        fs::write(&file, "").unwrap();
        for (name, value, problem) in [
            (
                "SSL_CERT_FILE",
                "/nope".to_owned(),
                "SSL_CERT_FILE: /nope does not exist".to_owned(),
            ),
            (
                "SSL_CERT_FILE",
                path.to_owned(),
                format!("SSL_CERT_FILE: {path} is a directory"),
            ),
            (
                "SSL_CERT_FILE",
                file.clone(),
                format!("SSL_CERT_FILE: {file} contains no CA certificate"),
            ),
            (
                "SSL_CERT_DIR",
                file.clone(),
                format!("SSL_CERT_DIR: {file} is not a directory"),
            ),
            (
                "SSL_CERT_DIR",
                format!("/nope:{path}"),
                format!(
                    "SSL_CERT_DIR: /nope does not exist; SSL_CERT_DIR: {path} contains no CA certificate"
                ),
            ),
        ] {
            let found = load(&[(name.to_owned(), value)]).problem;
            assert_eq!(found, Some(problem));
        }
    }

    #[test]
    fn a_path_without_certificates_is_reported_while_others_are_used() {
        let folder = tempfile::tempdir().unwrap();
        let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        fs::write(folder.path().join("a.pem"), pem.cert.pem()).unwrap();
        let found = load(&[
            (FILE.to_owned(), "/nope".to_owned()),
            (FOLDERS.to_owned(), folder.path().display().to_string()),
        ]);
        assert_eq!(found.certificates.len(), 1);
        let problem = found.problem.as_deref();
        assert_eq!(problem, Some("SSL_CERT_FILE: /nope does not exist"));
    }

    #[test]
    fn certificates_writable_by_others_are_not_trusted() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let file = folder.path().join("a.pem");
        fs::write(&file, pem.cert.pem()).unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let (of_file, of_folder) = (file.display(), folder.path().display());
        let found = |name: &str, path: &dyn std::fmt::Display| {
            let found = load(&[(name.to_owned(), path.to_string())]);
            (found.certificates.len(), found.problem.unwrap_or_default())
        };
        let trusted = (1, String::new());
        let refused = |problem: String| (0, problem);
        for (of_the_file, of_the_folder, reason) in [
            (0o644, 0o755, None),
            (
                0o666,
                0o755,
                Some("is writable by others (mode 666)".to_owned()),
            ),
            (
                0o644,
                0o777,
                Some(format!(
                    "is in the folder {of_folder}, which is writable by others (mode 777)"
                )),
            ),
        ] {
            mode(&file, of_the_file);
            mode(folder.path(), of_the_folder);
            for (name, path) in [(FILE, &of_file), (FOLDERS, &of_folder)] {
                let expected = reason.as_ref().map_or_else(
                    || trusted.clone(),
                    |reason| refused(format!("{name}: {of_file} {reason}")),
                );
                assert_eq!(found(name, path), expected);
            }
        }
    }

    #[test]
    fn an_empty_ca_variable_counts_as_unset() {
        let count = |variables: &[(&str, &str)]| {
            let owned = variables
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()));
            load(&owned.collect::<Vec<_>>()).certificates.len()
        };
        let system = count(&[]);
        assert_eq!(count(&[(FILE, "")]), system);
        assert_eq!(count(&[(FILE, " "), (FOLDERS, "")]), system);
        assert_eq!(count(&[(FILE, "/dev/null"), (FOLDERS, "")]), 0);
    }

    #[test]
    fn a_ca_file_must_be_a_regular_file_of_limited_size() {
        let folder = tempfile::tempdir().unwrap();
        let pem = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        fs::write(folder.path().join("a.pem"), pem.cert.pem()).unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).unwrap();
        let large = fs::File::create(folder.path().join("large")).unwrap();
        large.set_len(MAX_PEM_BYTES + 1).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let of_folder = load(&[(FOLDERS.to_owned(), path(""))]);
        assert_eq!(of_folder.certificates.len(), 1);
        for (name, problem) in [
            ("pipe", "cannot be read (not a regular file)"),
            ("zero", "cannot be read (not a regular file)"),
            ("large", "cannot be read (it is too large)"),
        ] {
            let found = load(&[(FILE.to_owned(), path(name))]);
            let expected = format!("SSL_CERT_FILE: {} {problem}", path(name));
            assert_eq!(found.problem, Some(expected));
        }
    }
}
