//! Who may change or read a file: what another user can write is not obeyed.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::process::geteuid;

const ROOT: u32 = 0;
const STICKY: u32 = 0o1000;

/// Ids of the groups that systems give out themselves, such as staff (50) on Debian.
const MAX_SYSTEM_GROUP: u32 = 99;

/// As many symbolic links as Linux follows in one path.
const MAX_LINKS: usize = 40;

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsecureFile {
    /// Follows the path of the file: `is writable by others (mode 666)`.
    pub reason: String,
    /// The next step, with the command to run.
    pub hint: String,
}

/// Checks that only this user and root can change a file, and, if it contains a secret, that
/// no one else can read it.
///
/// `path` is the file as it was named and `data` describes what it leads to. Devices, and pipes that
/// the parent process passed as open descriptors, are not checked.
///
/// # Errors
/// The file, a folder on its path, or a symbolic link to it belongs to another user or is writable by
/// others; or the secret is readable by others.
pub fn check_file(path: &Path, data: &Metadata, is_secret: bool) -> Result<(), InsecureFile> {
    let kind = data.file_type();
    if kind.is_char_device() || (!kind.is_file() && is_open_descriptor(path)) {
        return Ok(());
    }
    let access = Access::of(data);
    let (mode, shown) = (access.mode & 0o777, quoted(path));
    if access.is_foreign() {
        return Err(access.foreign_file(path));
    }
    if is_secret && access.is_readable_by_others() {
        return Err(InsecureFile {
            reason: format!("contains a secret and is readable by others (mode {mode:03o})"),
            hint: access.hint_of_secret(path),
        });
    }
    if access.is_writable_by_others() {
        let hint = format!(
            "check its contents, then run: {}chmod go-w {shown}",
            access.sudo()
        );
        return Err(InsecureFile {
            reason: format!("is writable by others (mode {mode:03o})"),
            hint,
        });
    }
    check_folders(path)
}

/// Checks that no other user can replace this file. What does not exist is not
/// checked, and neither are the folders above HOME.
///
/// # Errors
/// A folder on the path, or a symbolic link, belongs to another user or is writable by others. In a
/// folder with the sticky bit and on a read-only mount no other user can replace a file.
pub fn check_folders(path: &Path) -> Result<(), InsecureFile> {
    check_folders_below(path, home().as_deref(), Owners::Trusted)
}

/// Checks that what is installed on this machine, such as a program of a `credential_command` or a bundle of CA
/// certificates, cannot be written by others, and neither can the folders on its path. Their owners may be any
/// users: the config file or PATH named it, and sites install programs under accounts of their own. Root runs
/// what belongs to root alone, and in folders like /tmp any user may have put a program in place of one that
/// did not exist.
///
/// `is_searched` is for a place of the system, such as a program that was found in PATH. Folders there, such as
/// /usr/local/bin, may be writable by a group of the system's administrators.
///
/// # Errors
/// The file, or a folder on its path, is writable by others, or belongs to another user where that is not
/// allowed.
pub(crate) fn check_installed(
    path: &Path,
    data: &Metadata,
    is_searched: bool,
) -> Result<(), InsecureFile> {
    let access = Access::of(data);
    if data.is_file() && access.is_writable_by_others() {
        return Err(InsecureFile {
            reason: format!("is writable by others (mode {:03o})", access.mode & 0o777),
            hint: format!(
                "check its contents, then run: {}chmod go-w {}",
                access.sudo(),
                quoted(path)
            ),
        });
    }
    let owners = match is_searched {
        true => Owners::AnyWithAdministrators,
        false => Owners::Any,
    };
    check_folders_below(path, home().as_deref(), owners)
}

/// Who may own the folders and links on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owners {
    /// This user and root.
    Trusted,
    /// Anybody.
    Any,
    /// Anybody, and a group of administrators may write to those of root.
    AnyWithAdministrators,
}

impl Owners {
    /// True where what another user owns is refused, for `user` and below a folder that all may write to.
    fn refuse_foreign(self, user: u32, is_below_shared: bool) -> bool {
        self == Self::Trusted || user == ROOT || is_below_shared
    }
}

fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// True when a user other than this one and root may read a file.
pub(super) fn is_readable_by_others(data: &Metadata) -> bool {
    Access::of(data).is_readable_by_others()
}

/// A path as one word of a shell, which no command takes for an option.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('\'', r"'\''");
    match text.starts_with('-') {
        true => format!("'./{text}'"),
        false => format!("'{text}'"),
    }
}

/// What `user` has to expect of a file.
struct Access {
    user: u32,
    owner: u32,
    mode: u32,
}

impl Access {
    fn of(data: &Metadata) -> Self {
        Self {
            user: geteuid().as_raw(),
            owner: data.uid(),
            mode: data.mode(),
        }
    }

    fn is_foreign(&self) -> bool {
        ![self.user, ROOT].contains(&self.owner)
    }

    fn is_writable_by_others(&self) -> bool {
        self.mode & 0o022 != 0
    }

    /// True for a folder like /tmp, in which others may create files and not replace them.
    fn is_shared(&self) -> bool {
        self.is_writable_by_others() && self.mode & STICKY != 0
    }

    /// That this file belongs to another user.
    fn foreign_file(&self, path: &Path) -> InsecureFile {
        InsecureFile {
            reason: format!("is owned by another user (uid {})", self.owner),
            hint: format!(
                "check its contents, then run: {}chown {} {}",
                self.sudo(),
                self.user,
                quoted(path)
            ),
        }
    }

    fn is_readable_by_others(&self) -> bool {
        // Root can share a file with another user through a group only: a mounted secret.
        let is_shared_by_root = self.owner == ROOT && self.user != ROOT;
        let mask = if is_shared_by_root { 0o027 } else { 0o077 };
        self.mode & mask != 0
    }

    /// Only root can change a file of another user.
    fn sudo(&self) -> &'static str {
        match self.user == ROOT || self.user == self.owner {
            true => "",
            false => "sudo ",
        }
    }

    fn hint_of_secret(&self, path: &Path) -> String {
        if self.owner == self.user && !is_read_only(path) {
            return format!("run: chmod 600 {}", quoted(path));
        }
        "mount it with mode 0400, or 0440 and a group of this user (in Kubernetes: defaultMode and \
         fsGroup), or use a copy with mode 600"
            .to_owned()
    }
}

/// True for a path to an open descriptor of this process, such as `/dev/stdin`.
pub(crate) fn is_open_descriptor(path: &Path) -> bool {
    let folders = ["/dev/stdin", "/dev/fd", "/proc/self/fd"];
    folders.iter().any(|open| path.starts_with(open))
}

fn is_read_only(path: &Path) -> bool {
    statvfs(path).is_ok_and(|about| about.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn check_folders_below(
    path: &Path,
    home: Option<&Path>,
    owners: Owners,
) -> Result<(), InsecureFile> {
    let Ok(path) = std::path::absolute(path) else {
        return Ok(());
    };
    let (mut at, mut rest) = start(&path, home);
    let mut links = 0;
    let mut is_below_shared = check_folder(&at, owners, false)?;
    while let Some(name) = rest.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        at.push(name);
        // Links there are the kernel's own, to what this process has open.
        if at.starts_with("/proc") {
            return Ok(());
        }
        let Ok(data) = fs::symlink_metadata(&at) else {
            return Ok(());
        };
        let access = Access::of(&data);
        let is_refused = access.is_foreign() && owners.refuse_foreign(access.user, is_below_shared);
        if data.is_dir() {
            is_below_shared |= check_folder(&at, owners, is_below_shared)?;
        } else if is_refused && data.is_symlink() {
            return Err(foreign_link(&at, &access));
        } else if is_refused && owners != Owners::Trusted {
            return Err(access.foreign_file(&at));
        }
        if data.is_symlink() {
            links += 1;
            let Some(target) = fs::read_link(&at).ok().filter(|_| links <= MAX_LINKS) else {
                return Ok(());
            };
            at.pop();
            let mut target = at.join(target);
            target.extend(rest.iter().rev());
            (at, rest) = start(&target, home);
            is_below_shared = check_folder(&at, owners, false)?;
        }
    }
    Ok(())
}

/// The folder where the check of an absolute path begins, and the names that follow, the last one
/// first. It is HOME where the path is below it: what is above is the system's.
fn start(path: &Path, home: Option<&Path>) -> (PathBuf, Vec<OsString>) {
    let below_home = home.and_then(|home| Some((home, path.strip_prefix(home).ok()?)));
    let (at, rest) = match below_home {
        Some((home, rest)) => {
            let real = fs::canonicalize(home);
            (real.unwrap_or_else(|_| home.to_path_buf()), rest)
        }
        None => (PathBuf::from("/"), path),
    };
    let is_name =
        |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    let names = rest.components().filter(is_name);
    let names: Vec<OsString> = names.map(|part| part.as_os_str().to_owned()).collect();
    (at, names.into_iter().rev().collect())
}

/// True where others may create files in this folder and not replace them.
fn check_folder(
    folder: &Path,
    owners: Owners,
    is_below_shared: bool,
) -> Result<bool, InsecureFile> {
    let Ok(data) = fs::metadata(folder) else {
        return Ok(false);
    };
    let (access, shown) = (Access::of(&data), folder.display());
    if access.is_foreign() && owners.refuse_foreign(access.user, is_below_shared) {
        return Err(InsecureFile {
            reason: format!(
                "is in the folder {shown}, which is owned by another user (uid {})",
                access.owner
            ),
            hint: "check its contents, then move it to a folder of this user or of root".to_owned(),
        });
    }
    let is_replaceable = access.is_writable_by_others() && !access.is_shared();
    let is_administrators = owners == Owners::AnyWithAdministrators
        && access.owner == ROOT
        && access.mode & 0o002 == 0
        && data.gid() <= MAX_SYSTEM_GROUP;
    if !is_replaceable || is_administrators || is_read_only(folder) {
        return Ok(access.is_shared());
    }
    Err(InsecureFile {
        reason: format!(
            "is in the folder {shown}, which is writable by others (mode {:03o})",
            access.mode & 0o777
        ),
        hint: format!(
            "check its contents, then run: {}chmod go-w {}, or move it to another folder",
            access.sudo(),
            quoted(folder)
        ),
    })
}

fn foreign_link(link: &Path, access: &Access) -> InsecureFile {
    InsecureFile {
        reason: format!(
            "is reached through the symbolic link {}, which is owned by another user (uid {})",
            link.display(),
            access.owner
        ),
        hint: "check its target, then use the path of the file itself".to_owned(),
    }
}

#[cfg(test)]
mod tests;
