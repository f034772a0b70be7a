use super::*;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

/// Returns a private folder to use as HOME, with its real path.
fn home() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(folder.path()).unwrap();
    (folder, path)
}

fn write(path: &Path, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
    set_mode(path, mode);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn check(path: &Path, is_secret: bool) -> Result<(), InsecureFile> {
    check_file(path, &fs::metadata(path).unwrap(), is_secret)
}

fn reason(result: Result<(), InsecureFile>) -> String {
    result.unwrap_err().reason
}

#[test]
fn access_of_others_follows_from_owner_and_mode() {
    let access = |user, owner, mode| Access { user, owner, mode };
    for (access, is_foreign, is_readable, is_writable) in [
        (access(1000, 1000, 0o100_600), false, false, false),
        (access(1000, 1000, 0o100_640), false, true, false),
        (access(1000, 1000, 0o100_644), false, true, false),
        (access(1000, 1000, 0o100_620), false, true, true),
        (access(1000, 1000, 0o100_602), false, true, true),
        (access(1000, 1001, 0o100_600), true, false, false),
        (access(0, 1000, 0o100_600), true, false, false),
        (access(0, 0, 0o100_440), false, true, false),
        // A mounted secret: owned by root, readable by a group of the user or by everybody.
        (access(1000, 0, 0o100_440), false, false, false),
        (access(1000, 0, 0o100_640), false, false, false),
        (access(1000, 0, 0o100_660), false, true, true),
        (access(1000, 0, 0o100_444), false, true, false),
    ] {
        let found = (
            access.is_foreign(),
            access.is_readable_by_others(),
            access.is_writable_by_others(),
        );
        assert_eq!(
            found,
            (is_foreign, is_readable, is_writable),
            "{} {} {:o}",
            access.user,
            access.owner,
            access.mode
        );
    }
}

#[test]
fn a_file_writable_by_others_or_a_secret_readable_by_others_is_rejected() {
    let (_home, home) = home();
    let path = home.join("it's a 文件");
    for (mode, is_secret, expected) in [
        (0o600, true, None),
        (0o400, true, None),
        (0o644, false, None),
        (0o620, false, Some("is writable by others (mode 620)")),
        (0o602, false, Some("is writable by others (mode 602)")),
        (0o777, false, Some("is writable by others (mode 777)")),
        (
            0o644,
            true,
            Some("contains a secret and is readable by others (mode 644)"),
        ),
        (
            0o666,
            true,
            Some("contains a secret and is readable by others (mode 666)"),
        ),
        (
            0o620,
            true,
            Some("contains a secret and is writable by others (mode 620)"),
        ),
        (
            0o610,
            true,
            Some("contains a secret and is executable by others (mode 610)"),
        ),
    ] {
        write(&path, mode);
        let found = check(&path, is_secret);
        assert_eq!(found.as_ref().err().map(|it| &*it.reason), expected);
        if let Err(insecure) = found {
            let quoted = format!("'{}'", path.display()).replace("it's", r"it'\''s");
            assert!(insecure.hint.ends_with(&quoted), "{}", insecure.hint);
        }
    }
}

#[test]
fn a_quoted_path_is_one_shell_word_and_not_an_option() {
    assert_eq!(quoted(Path::new("/a b/$(c)")), "'/a b/$(c)'");
    assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    assert_eq!(quoted(Path::new("-R")), "'./-R'");
}

#[test]
fn a_file_below_a_folder_writable_by_others_is_rejected() {
    let (_home, home) = home();
    let (outer, inner) = (home.join("a"), home.join("a/b"));
    let path = inner.join("file");
    write(&path, 0o600);
    for folder in [&inner, &outer] {
        for (mode, is_refused) in [
            (0o700, false),
            (0o755, false),
            (0o1777, false),
            (0o770, true),
            (0o702, true),
            (0o777, true),
        ] {
            set_mode(folder, mode);
            let found = check(&path, true);
            let expected = format!(
                "is in the folder {}, which is writable by others (mode {:03o})",
                folder.display(),
                mode & 0o777
            );
            assert_eq!(found.is_err(), is_refused, "{mode:o}");
            if let Err(insecure) = found {
                assert_eq!(insecure.reason, expected);
                assert!(insecure.hint.contains("chmod go-w"), "{}", insecure.hint);
            }
        }
        set_mode(folder, 0o755);
    }
}

#[test]
fn folders_above_the_home_folder_are_not_checked() {
    let (_above, above) = home();
    let home = above.join("home");
    write(&home.join("c/file"), 0o600);
    set_mode(&above, 0o777);
    let path = home.join("c/file");
    assert!(check_folders_below(&path, None, Owners::Trusted).is_err());
    assert_eq!(
        check_folders_below(&path, Some(&home), Owners::Trusted),
        Ok(())
    );
    // HOME can be a link, for example if /home is one.
    symlink(&home, above.join("link")).unwrap();
    let by_link = above.join("link/c/file");
    assert_eq!(
        check_folders_below(&by_link, Some(&above.join("link")), Owners::Trusted),
        Ok(())
    );
    set_mode(&home, 0o777);
    assert!(check_folders_below(&path, Some(&home), Owners::Trusted).is_err());
}

#[test]
fn the_folders_of_every_link_of_a_path_are_checked() {
    let (_home, home) = home();
    let open = home.join("open");
    write(&open.join("file"), 0o600);
    write(&home.join("safe/file"), 0o600);
    // In a mounted secret the file is a link to a link.
    symlink("safe", home.join("..data")).unwrap();
    symlink("..data/file", home.join("mounted")).unwrap();
    assert_eq!(check(&home.join("mounted"), true), Ok(()));
    assert_eq!(check(&home.join("safe/../mounted"), true), Ok(()));
    symlink(home.join("open/../safe/file"), open.join("link")).unwrap();
    symlink("open/link", home.join("far")).unwrap();
    assert_eq!(check(&home.join("far"), true), Ok(()));
    set_mode(&open, 0o777);
    let found = reason(check(&home.join("far"), true));
    assert!(found.contains("/open, which is writable"), "{found}");
    assert_eq!(check(&home.join("mounted"), true), Ok(()));
    symlink("circle", home.join("circle")).unwrap();
    assert_eq!(
        check_folders_below(&home.join("circle"), Some(&home), Owners::Trusted),
        Ok(())
    );
}

#[test]
fn permissions_of_devices_and_piped_descriptors_are_not_checked() {
    assert_eq!(check(Path::new("/dev/null"), true), Ok(()));
    let (_home, home) = home();
    let pipe = home.join("pipe");
    let mut make = std::process::Command::new("mkfifo");
    assert!(make.arg(&pipe).status().unwrap().success());
    set_mode(&pipe, 0o666);
    let data = fs::metadata(&pipe).unwrap();
    assert_eq!(check_file(Path::new("/dev/fd/63"), &data, true), Ok(()));
    assert_eq!(check_file(Path::new("/dev/stdin"), &data, true), Ok(()));
    assert_eq!(
        reason(check_file(&pipe, &data, false)),
        "is writable by others (mode 666)"
    );
    // A regular file behind a descriptor is checked like any file.
    write(&home.join("file"), 0o666);
    let data = fs::metadata(home.join("file")).unwrap();
    assert!(check_file(Path::new("/dev/stdin"), &data, false).is_err());
}

#[test]
fn a_file_folder_or_link_of_another_user_is_rejected() {
    // Only root can change the owner of a file.
    if !geteuid().is_root() {
        return;
    }
    let (_home, home) = home();
    let path = home.join("a/file");
    write(&path, 0o600);
    chown(&path, Some(65_534), None).unwrap();
    let insecure = check(&path, true).unwrap_err();
    assert_eq!(insecure.reason, "is owned by another user (uid 65534)");
    assert!(
        insecure.hint.contains("run: chown 0 '"),
        "{}",
        insecure.hint
    );
    chown(&path, Some(0), None).unwrap();
    chown(home.join("a"), Some(65_534), None).unwrap();
    let found = reason(check(&path, true));
    assert!(
        found.contains("/a, which is owned by another user (uid 65534)"),
        "{found}"
    );
    let link = home.join("link");
    chown(home.join("a"), Some(0), None).unwrap();
    symlink("a/file", &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
    let found = reason(check(&link, true));
    assert!(
        found.starts_with("is reached through the symbolic link"),
        "{found}"
    );
}

#[test]
fn a_hint_uses_sudo_only_for_files_of_other_users_and_not_for_root() {
    let access = |user, owner| Access {
        user,
        owner,
        mode: 0o666,
    };
    for (user, owner, expected) in [
        (1000, 1000, ""),
        (0, 1000, ""),
        (1000, 0, "sudo "),
        (1000, 1001, "sudo "),
    ] {
        assert_eq!(access(user, owner).sudo(), expected);
    }
}

#[test]
fn a_program_is_rejected_if_others_can_write_it_or_its_folder() {
    let (_home, home) = home();
    let path = home.join("bin/get-token");
    write(&path, 0o755);
    let check = |is_searched| check_installed(&path, &fs::metadata(&path).unwrap(), is_searched);
    assert_eq!(check(false), Ok(()));
    for is_searched in [false, true] {
        set_mode(&path, 0o757);
        let found = reason(check(is_searched));
        assert_eq!(found, "is writable by others (mode 757)");
        set_mode(&path, 0o755);
        set_mode(&home.join("bin"), 0o777);
        let found = reason(check(is_searched));
        assert!(
            found.contains("which is writable by others (mode 777)"),
            "{found}"
        );
        set_mode(&home.join("bin"), 0o755);
    }
    // Only root can change the owner of a file.
    if geteuid().is_root() {
        chown(home.join("bin"), Some(65_534), None).unwrap();
        chown(&path, Some(65_534), None).unwrap();
        for is_searched in [false, true] {
            let found = reason(check(is_searched));
            let folder = "/bin, which is owned by another user (uid 65534)";
            assert!(found.ends_with(folder), "{found}");
        }
        chown(home.join("bin"), Some(0), None).unwrap();
        let insecure = check(false).unwrap_err();
        assert_eq!(insecure.reason, "is owned by another user (uid 65534)");
        assert!(insecure.hint.contains("chown 0 "), "{}", insecure.hint);
        chown(&path, Some(0), None).unwrap();
        set_mode(&home.join("bin"), 0o775);
        chown(home.join("bin"), Some(0), Some(50)).unwrap();
        assert_eq!(check(true), Ok(()), "staff may write to /usr/local/bin");
        assert!(check(false).is_err());
    }
}

#[test]
fn a_program_of_another_user_is_rejected_for_root_or_in_a_shared_folder() {
    for (owners, user, is_below_shared, is_refused) in [
        (Owners::Trusted, 1000, false, true),
        (Owners::Any, 1000, false, false),
        (Owners::Any, 1000, true, true),
        (Owners::Any, ROOT_UID, false, true),
        (Owners::AnyWithAdministrators, 1000, false, false),
        (Owners::AnyWithAdministrators, 1000, true, true),
        (Owners::AnyWithAdministrators, ROOT_UID, false, true),
    ] {
        let found = owners.refuse_foreign(user, is_below_shared);
        assert_eq!(found, is_refused, "{owners:?} {user} {is_below_shared}");
    }
    let (_home, home) = home();
    for (mode, is_shared) in [
        (0o1777, true),
        (0o1775, true),
        (0o777, false),
        (0o1755, false),
    ] {
        set_mode(&home, mode);
        assert_eq!(
            Access::of(&fs::metadata(&home).unwrap()).is_shared(),
            is_shared,
            "{mode:o}"
        );
    }
}
