//! Checks who can change or read a file. Files that another user can write are not used.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::process::geteuid;

const ROOT_UID: u32 = 0;
const STICKY_BIT: u32 = 0o1000;

/// Upper limit of the ids of groups that systems define, such as staff (50) on Debian.
const MAX_SYSTEM_GROUP: u32 = 99;

/// Maximum number of symbolic links in one path, as in Linux.
const MAX_LINKS: usize = 40;

/// The reason why a file is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsecureFile {
    /// Text that follows the path of the file: `is writable by others (mode 666)`.
    pub reason: String,
    /// The hint with the command to run.
    pub hint: String,
}

/// Checks that only this user and root can change a file, and, if it contains a secret, that no one else can read
/// it.
///
/// `path` is the configured path and `data` the metadata of its target. Devices, and pipes that the parent process
/// passed as open descriptors, are not checked.
///
/// # Errors
/// The file, a folder on its path, or a symbolic link to it belongs to another user or is writable by others; or
/// others can read the secret.
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
        let how = match access.others_can_read() {
            true => "readable",
            false if access.is_writable_by_others() => "writable",
            false => "executable",
        };
        return Err(InsecureFile {
            reason: format!("contains a secret and is {how} by others (mode {mode:03o})"),
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

/// Checks that no other user can replace this file. Folders that do not exist, and those above HOME, are not
/// checked.
///
/// # Errors
/// A folder on the path, or a symbolic link, belongs to another user or is writable by others. A folder with the
/// sticky bit or on a read-only mount is allowed, since no other user can replace a file there.
pub fn check_folders(path: &Path) -> Result<(), InsecureFile> {
    check_folders_below(path, home().as_deref(), Owners::Trusted)
}

/// Checks that others cannot write to an installed file, such as the program of a `credential_command` or a bundle
/// of CA certificates, or to the folders on its path. Any user may own them, since the config file or PATH refers
/// to them and sites install programs with separate accounts. There are two exceptions: root only runs files that
/// belong to root, and in shared folders like /tmp other owners are rejected, since any user could create a missing
/// program there.
///
/// `is_searched` is for locations of the system, such as a program found in PATH. Folders there, such as
/// /usr/local/bin, may be writable by a group of the system's administrators.
///
/// # Errors
/// The file, or a folder on its path, is writable by others, or belongs to another user where that is not allowed.
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

/// The accepted owners of the folders and links on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owners {
    /// This user and root.
    Trusted,
    /// Any user.
    Any,
    /// Any user; also, a group of administrators may write to folders of root.
    AnyWithAdministrators,
}

impl Owners {
    /// Returns `true` if folders of another user are rejected, for `user` and below a folder to which everybody can
    /// write.
    fn refuse_foreign(self, user: u32, is_below_shared: bool) -> bool {
        self == Self::Trusted || user == ROOT_UID || is_below_shared
    }
}

fn home() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// Returns `true` if a user other than this one and root can read a file.
pub(super) fn is_readable_by_others(data: &Metadata) -> bool {
    Access::of(data).is_readable_by_others()
}

/// Quotes a path as one word of a shell that no command reads as an option.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('\'', r"'\''");
    match text.starts_with('-') {
        true => format!("'./{text}'"),
        false => format!("'{text}'"),
    }
}

/// Owner and mode of a file, from the point of view of `user`.
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
        ![self.user, ROOT_UID].contains(&self.owner)
    }

    fn is_writable_by_others(&self) -> bool {
        self.mode & 0o022 != 0
    }

    /// Returns `true` if it is a folder like /tmp, in which others can create files but not replace them.
    fn is_shared(&self) -> bool {
        self.is_writable_by_others() && self.mode & STICKY_BIT != 0
    }

    /// Returns the reason that this file belongs to another user.
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
        // Root can share a file with another user only through a group, as for a mounted secret.
        let is_shared_by_root = self.owner == ROOT_UID && self.user != ROOT_UID;
        let mask = if is_shared_by_root { 0o027 } else { 0o077 };
        self.mode & mask != 0
    }

    /// Returns `true` if the mode lets others read the content, not only write or execute the file.
    fn others_can_read(&self) -> bool {
        let is_shared_by_root = self.owner == ROOT_UID && self.user != ROOT_UID;
        self.mode & if is_shared_by_root { 0o004 } else { 0o044 } != 0
    }

    /// Returns `sudo ` for a file of another user, which only root can change.
    fn sudo(&self) -> &'static str {
        match self.user == ROOT_UID || self.user == self.owner {
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

/// Returns `true` if a path is an open descriptor of this process, such as `/dev/stdin`.
pub(crate) fn is_open_descriptor(path: &Path) -> bool {
    let folders = ["/dev/stdin", "/dev/fd", "/proc/self/fd"];
    folders.iter().any(|open| path.starts_with(open))
}

fn is_read_only(path: &Path) -> bool {
    statvfs(path).is_ok_and(|file_system| file_system.f_flag.contains(StatVfsMountFlags::RDONLY))
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
        // Links below /proc lead to files that this process has open.
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

/// Returns the folder where the check of an absolute path begins, and the following names in reverse order. For a
/// path below HOME it begins at HOME, since the folders above belong to the system.
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

/// Checks a folder. Returns `true` if others can create files in it but not replace them.
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
        && access.owner == ROOT_UID
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
