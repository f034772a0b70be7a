use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::SystemTime;

use super::*;
use crate::credentials::test_support::moment;

const NAME: &str = "00ff";
const BORN: &str = "2026-01-02T03:04:05Z";

fn at(seconds: i64) -> DateTime<Utc> {
    moment(BORN) + TimeDelta::seconds(seconds)
}

fn parts(token: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("token".to_owned(), token.to_owned())])
}

/// Returns a folder that does not exist yet, and the file of an account in it.
fn token_file() -> (tempfile::TempDir, TokenFile) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("cache/joblens/tokens");
    let token_file = TokenFile::new(&folder, NAME.to_owned());
    (home, token_file)
}

/// Returns a file to which a token with a lifetime of one hour was written at 0 s.
fn kept() -> (tempfile::TempDir, TokenFile) {
    let (home, token_file) = token_file();
    token_file.write(parts("token-1"), at(3600), at(0)).unwrap();
    (home, token_file)
}

fn token(token_file: &TokenFile, now: DateTime<Utc>) -> Option<String> {
    let entry = token_file.read(now).unwrap()?;
    Some(entry.parts["token"].clone())
}

fn why(token_file: &TokenFile) -> String {
    token_file.read(at(0)).err().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

fn names(token_file: &TokenFile) -> Vec<String> {
    let found = fs::read_dir(&token_file.folder).unwrap();
    let names = found.map(|one| one.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Replaces the value of one field in the file.
fn altered(token_file: &TokenFile, field: &str, value: impl Into<serde_json::Value>) {
    let mut json: serde_json::Value =
        serde_json::from_slice(&fs::read(token_file.path()).unwrap()).unwrap();
    json[field] = value.into();
    fs::write(token_file.path(), json.to_string()).unwrap();
}

#[test]
fn a_token_file_and_its_folder_are_accessible_only_by_their_owner() {
    let (home, token_file) = kept();
    assert_eq!(token(&token_file, at(0)).as_deref(), Some("token-1"));
    assert_eq!(mode(&token_file.path()), 0o600);
    for folder in ["cache", "cache/joblens", "cache/joblens/tokens"] {
        assert_eq!(mode(&home.path().join(folder)), 0o700, "{folder}");
    }
    assert_eq!(names(&token_file), [NAME]);
}

#[test]
fn a_token_is_not_used_in_its_last_minute_or_if_stored_in_the_future() {
    let (_home, token_file) = kept();
    for (second, is_taken) in [
        (-61, false),
        (-60, true),
        (3539, true),
        (3540, false),
        (3600, false),
        (9999, false),
    ] {
        assert_eq!(
            token(&token_file, at(second)).is_some(),
            is_taken,
            "{second}"
        );
    }
}

#[test]
fn a_token_is_used_for_at_most_a_day() {
    let (_home, token_file) = token_file();
    let far = moment("9999-12-31T23:59:59Z");
    token_file.write(parts("token-1"), far, at(0)).unwrap();
    assert!(token(&token_file, at(24 * 3600 - 1)).is_some());
    assert!(token(&token_file, at(24 * 3600)).is_none());
    for end in [i64::MAX, i64::MIN] {
        altered(&token_file, "expires_at", end);
        let entry = token_file.read(at(0)).unwrap();
        assert_eq!(entry.is_some(), end > 0);
        altered(&token_file, "kept_at", end);
        assert!(token_file.read(at(0)).unwrap().is_none());
    }
}

#[test]
fn a_valid_token_is_not_replaced_by_an_expired_or_too_large_one() {
    let (_home, token_file) = kept();
    token_file.write(parts("token-2"), at(60), at(0)).unwrap();
    token_file.write(parts("token-3"), at(-9), at(0)).unwrap();
    let large = "x".repeat(600 << 10);
    token_file.write(parts(&large), at(3600), at(0)).unwrap();
    assert_eq!(token(&token_file, at(0)).as_deref(), Some("token-1"));
}

#[test]
fn a_damaged_file_is_not_used_and_is_replaced() {
    let (_home, token_file) = kept();
    let good = fs::read(token_file.path()).unwrap();
    let cut = good[..good.len() - 1].to_vec();
    for bytes in [
        Vec::new(),
        cut,
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"\xff\xfe\0".to_vec(),
        [&good[..], b"x"].concat(),
    ] {
        fs::write(token_file.path(), bytes).unwrap();
        assert_eq!(why(&token_file), "it is corrupt");
        token_file.write(parts("token-2"), at(3600), at(0)).unwrap();
        assert_eq!(token(&token_file, at(0)).as_deref(), Some("token-2"));
    }
    fs::write(token_file.path(), vec![b' '; 600 << 10]).unwrap();
    assert_eq!(why(&token_file), "it is too large");
}

#[test]
fn the_reason_for_not_using_a_file_shows_none_of_its_content() {
    let (_home, token_file) = kept();
    fs::write(
        token_file.path(),
        r#"{"parts":{"token":7},"schema":"a-secret"}"#,
    )
    .unwrap();
    assert_eq!(why(&token_file), "it is corrupt");
}

#[test]
fn a_file_of_another_version_or_of_another_name_is_not_used() {
    let (_home, token_file) = kept();
    for (field, value) in [("schema", 2.into()), ("name", serde_json::json!("aa"))] {
        token_file.write(parts("token-1"), at(3600), at(0)).unwrap();
        altered(&token_file, field, value);
        assert_eq!(why(&token_file), "unsupported version");
    }
    token_file.write(parts("token-1"), at(3600), at(0)).unwrap();
    let other = TokenFile::new(&token_file.folder, "aa".to_owned());
    fs::copy(token_file.path(), other.path()).unwrap();
    assert_eq!(why(&other), "unsupported version");
}

#[test]
fn a_file_that_others_can_read_or_write_is_not_used() {
    for open in [0o640, 0o620, 0o604, 0o602, 0o610, 0o601, 0o666] {
        let (_home, token_file) = kept();
        fs::set_permissions(token_file.path(), Permissions::from_mode(open)).unwrap();
        assert_eq!(why(&token_file), "readable by others", "{open:o}");
        token_file.write(parts("token-2"), at(3600), at(0)).unwrap();
        assert_eq!(mode(&token_file.path()), 0o600);
    }
}

#[test]
fn a_link_a_pipe_and_a_folder_are_not_used() {
    let (home, token_file) = kept();
    let elsewhere = home.path().join("elsewhere");
    fs::rename(token_file.path(), &elsewhere).unwrap();
    symlink(&elsewhere, token_file.path()).unwrap();
    assert_eq!(why(&token_file), "Too many levels of symbolic links");
    // The link is replaced and not followed.
    token_file.write(parts("token-2"), at(3600), at(0)).unwrap();
    assert_eq!(token(&token_file, at(0)).as_deref(), Some("token-2"));
    let old = fs::read_to_string(&elsewhere).unwrap();
    assert!(old.contains("token-1"));
    fs::remove_file(token_file.path()).unwrap();
    let made = Command::new("mkfifo")
        .arg(token_file.path())
        .status()
        .unwrap();
    assert!(made.success());
    fs::set_permissions(token_file.path(), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(why(&token_file), "not a regular file");
    fs::remove_file(token_file.path()).unwrap();
    fs::create_dir(token_file.path()).unwrap();
    assert_eq!(why(&token_file), "not a regular file");
    token_file
        .write(parts("token-2"), at(3600), at(0))
        .unwrap_err();
    assert_eq!(names(&token_file), [NAME]);
}

#[test]
fn a_file_or_folder_of_another_user_is_not_used() {
    // Only root can change the owner of a file.
    if rustix::process::geteuid().is_root() {
        let (_home, token_file) = kept();
        std::os::unix::fs::chown(token_file.path(), Some(1), None).unwrap();
        assert_eq!(why(&token_file), "owned by another user");
        std::os::unix::fs::chown(&token_file.folder, Some(1), None).unwrap();
        let error = token_file.write(parts("t"), at(3600), at(0)).unwrap_err();
        assert_eq!(error.to_string(), "the folder is owned by another user");
    }
}

#[test]
fn a_folder_readable_by_others_is_restricted_and_a_linked_one_rejected() {
    let (home, token_file) = kept();
    fs::set_permissions(&token_file.folder, Permissions::from_mode(0o755)).unwrap();
    token_file.write(parts("token-2"), at(3600), at(0)).unwrap();
    assert_eq!(mode(&token_file.folder), 0o700);
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&token_file.folder, &elsewhere).unwrap();
    symlink(&elsewhere, &token_file.folder).unwrap();
    token_file.write(parts("t"), at(3600), at(0)).unwrap_err();
}

#[test]
fn only_the_rejected_token_is_removed() {
    let (_home, token_file) = kept();
    token_file.invalidate(&parts("token-0"), at(0));
    assert_eq!(token(&token_file, at(0)).as_deref(), Some("token-1"));
    token_file.invalidate(&parts("token-1"), at(0));
    assert_eq!(token(&token_file, at(0)), None);
    token_file.invalidate(&parts("token-1"), at(0));
}

#[test]
fn unused_files_are_removed_when_the_next_one_is_written() {
    let (_home, token_file) = kept();
    let now = SystemTime::now();
    let ages = [
        ("aa.new", 50),
        ("bb.new", 70),
        ("cc", 86_000),
        ("dd", 87_000),
        ("notes.txt", 999_999),
        ("notes.new", 999_999),
    ];
    for (name, age) in ages {
        let file = File::create(token_file.folder.join(name)).unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
    }
    fs::create_dir(token_file.folder.join("ee")).unwrap();
    token_file.write(parts("token-2"), at(3600), at(0)).unwrap();
    assert_eq!(
        names(&token_file),
        [NAME, "aa.new", "cc", "ee", "notes.new", "notes.txt"]
    );
}

#[test]
fn only_the_hundred_newest_files_are_kept() {
    let (_home, token_file) = kept();
    let now = SystemTime::now();
    for number in 0..150 {
        let name = format!("{number:04x}");
        let file = File::create(token_file.folder.join(name)).unwrap();
        file.set_modified(now - Duration::from_secs(1000 + number))
            .unwrap();
    }
    token_file.write(parts("token-2"), at(3600), at(0)).unwrap();
    let names = names(&token_file);
    assert_eq!(names.len(), 100);
    assert_eq!(token(&token_file, at(0)).as_deref(), Some("token-2"));
    assert!(names.contains(&"0000".to_owned()) && !names.contains(&"0095".to_owned()));
}

#[test]
fn nothing_is_left_where_the_folder_cannot_be_created() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("tokens");
    fs::write(&folder, "a file").unwrap();
    let token_file = TokenFile::new(&folder, NAME.to_owned());
    token_file.write(parts("t"), at(3600), at(0)).unwrap_err();
    assert!(token_file.read(at(0)).is_err());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

/// Variable with the number of a worker and the folder.
const WORK: &str = "JOBLENS_TEST_WORK";
const ROUNDS: usize = 200;
const WORKERS: usize = 20;

/// Returns a token that shows whether it is complete: its number, repeated.
fn long(number: usize) -> String {
    format!("{number:04}").repeat(500)
}

fn assert_whole(token_file: &TokenFile, now: DateTime<Utc>) {
    let entry = token_file
        .read(now)
        .unwrap_or_else(|reason| panic!("{reason}"));
    if let Some(entry) = entry {
        let token = &entry.parts["token"];
        let number = token[..4].parse().unwrap();
        assert!(*token == long(number), "a damaged token");
    }
}

/// Runs one of the worker processes.
fn work(work: &str) {
    let (number, folder) = work.split_once(' ').unwrap();
    let number: usize = number.parse().unwrap();
    let token_file = TokenFile::new(Path::new(folder), NAME.to_owned());
    for round in 0..ROUNDS {
        let mine = parts(&long(number));
        token_file.write(mine.clone(), at(3600), at(0)).unwrap();
        assert_whole(&token_file, at(0));
        if round % 10 == number % 10 {
            token_file.invalidate(&mine, at(0));
        }
        assert_whole(&token_file, at(0));
    }
}

#[test]
fn twenty_processes_share_a_file_two_hundred_times_each() {
    // The test starts itself as the worker processes.
    if let Ok(message) = std::env::var(WORK) {
        return work(&message);
    }
    let (_home, token_file) = kept();
    token_file.write(parts(&long(0)), at(3600), at(0)).unwrap();
    let name =
        "credentials::token_file::tests::twenty_processes_share_a_file_two_hundred_times_each";
    let binary = std::env::current_exe().unwrap();
    let start = |number: usize| {
        let work = format!("{number} {}", token_file.folder.display());
        let mut command = Command::new(&binary);
        command.args(["--exact", name]).env(WORK, work);
        command
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut workers: Vec<_> = (0..WORKERS).map(start).collect();
    let mut looks = 0;
    while workers
        .iter_mut()
        .any(|one| one.try_wait().unwrap().is_none())
    {
        assert_whole(&token_file, at(0));
        if let Ok(found) = fs::symlink_metadata(token_file.path()) {
            assert_eq!(found.mode() & 0o777, 0o600);
        }
        looks += 1;
        // Leaves the processors to the workers.
        std::thread::sleep(Duration::from_millis(1));
    }
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{message}");
        assert!(message.contains("1 passed"), "{message}");
    }
    assert!(looks > 0);
    assert!(names(&token_file).iter().all(|name| name == NAME));
}
