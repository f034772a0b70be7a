//! A cache of the references in the last lists, for shell completion. It contains no secrets.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::settings::Environment;

/// A longer list is not cached.
pub(super) const MAX_PER_LIST: usize = 1000;

/// The oldest references beyond this number are removed.
const MAX_CACHED_REFERENCES: usize = 4000;

/// A larger file was not written by joblens.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The references shown by a list so far; `None` if there are more than [`MAX_PER_LIST`].
#[derive(Debug)]
pub(super) struct ListedReferences(Option<Vec<String>>);

impl Default for ListedReferences {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl ListedReferences {
    /// Adds references or scopes.
    pub(super) fn record<'a>(&mut self, shown: impl Iterator<Item = &'a String>) {
        let Some(so_far) = &mut self.0 else { return };
        let remaining = MAX_PER_LIST - so_far.len();
        so_far.extend(shown.take(remaining + 1).cloned());
        self.0 = self.0.take().filter(|so_far| so_far.len() <= MAX_PER_LIST);
    }

    /// Returns the recorded references in order; none if there were more than [`MAX_PER_LIST`].
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(String::as_str)
    }

    /// Writes the references to the cache.
    pub(super) fn save(&self, environment: &Environment) {
        save(environment, self.all());
    }
}

/// Returns the path of the cache; `None` without a home directory.
pub(super) fn path(environment: &Environment) -> Option<PathBuf> {
    Some(environment.cache_folder()?.join("references"))
}

/// Reads references and scopes, newest first. Returns none if the file does not exist
/// or another user can write it.
pub(super) fn read(cache_path: &Path) -> Vec<String> {
    let lines = read_lines(cache_path).unwrap_or_default().into_iter();
    let lines = lines.filter(|line| is_plain(line));
    lines.take(MAX_CACHED_REFERENCES).collect()
}

/// Reads the lines of a cache file up to its maximum size; none if another user can write it.
///
/// # Errors
/// Returns the error of reading the file.
pub(super) fn read_lines(cache_path: &Path) -> io::Result<Vec<String>> {
    if !fs::symlink_metadata(cache_path)?.is_file() {
        return Ok(Vec::new());
    }
    let file = File::open(cache_path)?;
    let data = file.metadata()?;
    if data.uid() != rustix::process::geteuid().as_raw() || data.mode() & 0o022 != 0 {
        return Ok(Vec::new());
    }
    let lines = BufReader::new(file.take(MAX_FILE_BYTES)).lines();
    Ok(lines.map_while(Result::ok).collect())
}

/// Inserts the references of this list before those of earlier lists. Errors are
/// ignored, since the cache is only a convenience.
fn save<'a>(environment: &Environment, shown: impl IntoIterator<Item = &'a str>) {
    let shown: Vec<&str> = shown.into_iter().filter(|one| is_plain(one)).collect();
    if let (false, Some(cache_path)) = (shown.is_empty(), path(environment)) {
        let _ = write(&cache_path, &merge(&shown, &read(&cache_path)));
    }
}

fn merge(shown: &[&str], recorded: &[String]) -> String {
    let mut seen = HashSet::new();
    let all = shown.iter().copied();
    let all = all.chain(recorded.iter().map(String::as_str));
    let all = all
        .filter(|one| seen.insert(*one))
        .take(MAX_CACHED_REFERENCES);
    all.fold(String::new(), |text, one| text + one + "\n")
}

/// Replaces a cache file, which only the user can read.
///
/// # Errors
/// Returns the error of writing the file.
pub(super) fn write(cache_path: &Path, text: &str) -> io::Result<()> {
    let folder = cache_path.parent().expect("the file is in a folder");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // Only the user can read it.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(cache_path)?;
    Ok(())
}

/// Returns `true` if a reference has no special characters for a shell, which inserts it unquoted.
pub(super) fn is_plain(reference: &str) -> bool {
    let harmless = |c: char| c.is_alphanumeric() || "/@._-:+,%=".contains(c);
    reference.contains('/') && reference.len() <= 512 && reference.chars().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn home() -> (tempfile::TempDir, Environment, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let environment = Environment::new([("HOME".to_owned(), home)]);
        let cache_path = path(&environment).unwrap();
        (folder, environment, cache_path)
    }

    #[test]
    fn newest_references_come_first_without_duplicates_and_the_oldest_are_dropped() {
        let (_home, environment, cache_path) = home();
        let old: Vec<String> = (0..MAX_CACHED_REFERENCES)
            .map(|n| format!("aliyun/job/c/{n}"))
            .collect();
        save(&environment, old.iter().map(String::as_str));
        save(&environment, ["aliyun/job/c/7", "sugon/instance/x"]);
        let found = read(&cache_path);
        assert_eq!(found.len(), MAX_CACHED_REFERENCES);
        assert_eq!(
            found[..3],
            ["aliyun/job/c/7", "sugon/instance/x", "aliyun/job/c/0"]
        );
        assert_eq!(found.iter().filter(|one| one.ends_with("/7")).count(), 1);
        let mode = fs::metadata(&cache_path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(cache_path.parent().unwrap()).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_list_with_too_many_references_is_not_cached() {
        let (_home, environment, cache_path) = home();
        let page: Vec<String> = (0..600).map(|n| format!("aliyun/job/c/{n}")).collect();
        let mut shown = ListedReferences::default();
        shown.record(page.iter());
        shown.save(&environment);
        assert_eq!(read(&cache_path).len(), 600);
        fs::remove_file(&cache_path).unwrap();
        shown.record(page.iter());
        shown.record(page[..1].iter());
        shown.save(&environment);
        assert!(!cache_path.exists());
    }

    #[test]
    fn references_with_special_characters_of_the_shell_are_not_cached() {
        let (_home, environment, cache_path) = home();
        let hostile = [
            "aliyun/job/c/$(id)",
            "a/b;c",
            "a/`id`",
            "a/b\nc",
            "a/'x",
            "a/b c",
            "a/*",
        ];
        save(&environment, hostile);
        assert!(!cache_path.exists());
        save(&environment, ["sugon/instance/训练-1"]);
        fs::write(&cache_path, "sugon/instance/训练-1\na/$(id)\n\u{1b}]0;x/\n").unwrap();
        assert_eq!(read(&cache_path), ["sugon/instance/训练-1"]);
    }

    #[test]
    fn an_unreadable_or_unwritable_cache_is_ignored() {
        let (_home, environment, cache_path) = home();
        fs::create_dir_all(&cache_path).unwrap();
        save(&environment, ["a/b"]);
        assert!(read(&cache_path).is_empty());
        save(&Environment::new([]), ["a/b"]);
        fs::remove_dir(&cache_path).unwrap();
        fs::write(&cache_path, b"\xff\xfe/\na/b\n").unwrap();
        assert!(read(&cache_path).is_empty());
        save(&environment, ["a/b"]);
        assert_eq!(read(&cache_path), ["a/b"]);
    }
}
