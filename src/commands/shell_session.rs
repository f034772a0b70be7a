//! Expands `-` and `%N` at the prompt: the last reference used in a shell session,
//! and the rows of its last list.
//!
//! A shell session is identified by the session of setsid(2), of which each terminal has its own, and by the
//! start time of its first process, since process ids are reused.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::completion_cache::{MAX_PER_LIST, is_plain, read_lines, write};
use crate::error::Problem;
use crate::reference::DEFAULT_PROFILE;
use crate::settings::Environment;

/// Files of sessions that have not used a reference for this long are removed.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);

/// The file with the references of one shell session.
pub(super) struct ShellSession {
    path: PathBuf,
}

/// The content of the file. A row that cannot be used on a command line is empty.
#[derive(Debug, Default, PartialEq, Eq)]
struct Content {
    last: Option<String>,
    rows: Vec<String>,
    /// Why the last list has no rows here, if one was shown.
    no_rows: Option<NoRows>,
}

/// Why no rows of a list are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoRows {
    Empty,
    TooMany,
    /// An expression of `--jq` printed something else than the rows.
    Filtered,
}

impl NoRows {
    const ALL: [Self; 3] = [Self::Empty, Self::TooMany, Self::Filtered];

    /// Returns the line in the file. No reference begins with a percent sign.
    fn line(self) -> &'static str {
        match self {
            Self::Empty => "%empty",
            Self::TooMany => "%too-many",
            Self::Filtered => "%jq",
        }
    }
}

impl ShellSession {
    /// Returns the session of a user at a terminal. Returns `None` if no stream is a terminal, and in CI, so
    /// that scripts do not depend on earlier commands.
    pub(super) fn interactive(environment: &Environment) -> Option<Self> {
        let has_terminal =
            io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
        match has_terminal && !environment.is_ci() {
            true => Self::of_process(environment),
            false => None,
        }
    }

    /// Returns the session of this process even without a terminal: shells run completion with pipes.
    pub(super) fn of_process(environment: &Environment) -> Option<Self> {
        let name = format!("session.{}", session_key()?);
        let path = environment.cache_folder()?.join(name);
        Some(Self { path })
    }

    /// Returns the rows of the last list, in order.
    pub(super) fn rows(&self) -> Vec<String> {
        self.read().rows
    }

    /// Stores the rows of a list that was shown, in place of those of the list before. A list longer than
    /// [`MAX_PER_LIST`] is stored without rows.
    pub(super) fn record_list(&self, rows: Vec<&str>) {
        let mut content = self.read();
        if let [single] = rows[..]
            && !single.ends_with('/')
            && is_plain(single)
        {
            content.last = Some(single.to_owned());
        }
        let rows = rows.into_iter().map(usable);
        (content.rows, content.no_rows) = match rows.len() {
            0 => (Vec::new(), Some(NoRows::Empty)),
            1..=MAX_PER_LIST => (rows.map(str::to_owned).collect(), None),
            _ => (Vec::new(), Some(NoRows::TooMany)),
        };
        self.write(&content);
    }

    /// Stores that a list was printed with `--jq`, which shows no rows, in place of the rows of the list before.
    pub(super) fn record_filtered_list(&self) {
        self.write(&Content {
            last: self.read().last,
            rows: Vec::new(),
            no_rows: Some(NoRows::Filtered),
        });
    }

    /// Stores the only reference of a command.
    pub(super) fn record_reference(&self, reference: &str) {
        let mut content = self.read();
        if is_plain(reference) && content.last.as_deref() != Some(reference) {
            content.last = Some(reference.to_owned());
            self.write(&content);
        }
    }

    fn read(&self) -> Content {
        let lines = read_lines(&self.path).unwrap_or_default();
        let no_rows = match &lines[..] {
            [_, line] => NoRows::ALL.into_iter().find(|one| one.line() == line),
            _ => None,
        };
        let mut lines = lines.iter().map(|line| usable(line).to_owned());
        let last = lines.next().filter(|last| !last.is_empty());
        let rows = lines.take(MAX_PER_LIST).filter(|_| no_rows.is_none());
        Content {
            last,
            rows: rows.collect(),
            no_rows,
        }
    }

    /// Writes the file. Errors are ignored, since it is only a convenience.
    fn write(&self, content: &Content) {
        if !self.path.exists() {
            self.remove_old();
        }
        let lines = [content.last.as_deref().unwrap_or_default()].into_iter();
        let lines = lines.chain(content.rows.iter().map(String::as_str));
        let lines = lines.chain(content.no_rows.map(NoRows::line));
        let text = lines.fold(String::new(), |text, line| text + line + "\n");
        let _ = write(&self.path, &text);
    }

    /// Removes the files of other sessions that are older than [`MAX_AGE`].
    fn remove_old(&self) {
        let folder = self.path.parent().map(fs::read_dir);
        for entry in folder.into_iter().flatten().flatten().flatten() {
            let is_session = entry.file_name().to_string_lossy().starts_with("session.");
            let modified = entry.metadata().and_then(|data| data.modified());
            let age = modified.ok().and_then(|modified| modified.elapsed().ok());
            if is_session && age.is_some_and(|age| age > MAX_AGE) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Expands `-` or `%N` to a reference; returns `None` for any other word.
///
/// # Errors
/// Returns a usage error: no terminal, or no such reference in this session.
pub(super) fn expand_word(
    word: &str,
    session: Option<&ShellSession>,
) -> Option<Result<String, Problem>> {
    let row = word.strip_prefix('%');
    let row = row.filter(|row| !row.is_empty() && row.bytes().all(|byte| byte.is_ascii_digit()));
    match row {
        None if word != "-" => None,
        row => Some(stored(row, session).map_err(|(message, hint)| Problem {
            input: Some(word.to_owned()),
            span: Some(0..word.len()),
            ..Problem::usage(message).with_hint(hint)
        })),
    }
}

/// Returns the last reference or that of a row, or else a message and a hint.
fn stored(row: Option<&str>, session: Option<&ShellSession>) -> Result<String, (String, String)> {
    let fail = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
    let Some(session) = session else {
        return fail(
            "short references work only in an interactive shell",
            "pass a reference, or pipe references: joblens list -o name | joblens get -",
        );
    };
    let content = session.read();
    let Some(row) = row else {
        return match content.last {
            Some(last) => Ok(with_profile(&last)),
            None => fail(
                "no single reference has been used in this shell session",
                "pass a reference, or pipe references: joblens list -o name | joblens get -",
            ),
        };
    };
    let list_first = "run joblens list first";
    match content.no_rows {
        Some(NoRows::Empty) => return fail("the last list was empty", list_first),
        Some(NoRows::TooMany) => {
            let message = format!("the last list has more than {MAX_PER_LIST} rows");
            return fail(&message, "run joblens list with --limit, or a filter");
        }
        Some(NoRows::Filtered) => {
            let message = "the last list was printed with --jq, which has no short references";
            return fail(message, "run joblens list without --jq");
        }
        None if content.rows.is_empty() => {
            return fail("no list has been shown in this shell session", list_first);
        }
        None => {}
    }
    let number = row.parse().unwrap_or(usize::MAX);
    match number.checked_sub(1).and_then(|at| content.rows.get(at)) {
        Some(reference) if !reference.is_empty() => Ok(with_profile(reference)),
        Some(_) => fail(
            "the reference in this row contains special characters",
            "pass the reference itself, in quotes",
        ),
        None => fail(
            "the last list has no such row",
            &match content.rows.len() {
                1 => "its only row is %1".to_owned(),
                count => format!("its rows are %1 to %{count}"),
            },
        ),
    }
}

/// Adds the profile to a canonical reference or scope, even the default one: otherwise `-p` or
/// `JOBLENS_PROFILE` would select another profile.
pub(super) fn with_profile(reference: &str) -> String {
    match reference.split_once('/') {
        Some((cloud, rest)) if !cloud.contains('@') => format!("{cloud}@{DEFAULT_PROFILE}/{rest}"),
        _ => reference.to_owned(),
    }
}

/// Replaces a row that [`is_plain`] rejects with an empty text, so that the rows after it keep their numbers.
fn usable(row: &str) -> &str {
    if is_plain(row) { row } else { "" }
}

/// Returns the key of this process's session; `None` if the first process of the session has ended.
fn session_key() -> Option<String> {
    if cfg!(target_os = "linux") {
        let session = stat_field(Path::new("/proc/self/stat"), 3)?;
        let started = stat_field(&Path::new("/proc").join(&session).join("stat"), 19)?;
        return Some(format!("{session}.{started}"));
    }
    let session = rustix::process::getsid(None).ok()?;
    Some(session.as_raw_nonzero().to_string())
}

/// Reads a number of /proc/PID/stat. Counts from 0 after the program name, which can contain spaces.
fn stat_field(path: &Path, number: usize) -> Option<String> {
    let text = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&text);
    let field = text.rsplit_once(") ")?.1.split(' ').nth(number)?;
    let is_number = field.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn session() -> (tempfile::TempDir, ShellSession) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("joblens/session.7.1");
        (folder, ShellSession { path })
    }

    fn error(word: &str, session: Option<&ShellSession>) -> String {
        expand_word(word, session).unwrap().unwrap_err().message
    }

    #[test]
    fn rows_keep_their_numbers_until_the_next_list() {
        let (_folder, session) = session();
        let of = |word: &str| expand_word(word, Some(&session)).unwrap();
        session.record_list(vec!["aliyun/job/c/1", "a/$(id)", "aliyun@prod/job/c/3"]);
        assert_eq!(of("%1").unwrap(), "aliyun@default/job/c/1");
        assert_eq!(of("%3").unwrap(), "aliyun@prod/job/c/3");
        assert!(error("%2", Some(&session)).contains("special characters"));
        for word in ["%0", "%4", "%99999999999999999999999"] {
            let problem = of(word).unwrap_err();
            assert_eq!(problem.message, "the last list has no such row", "{word}");
            assert!(problem.hint.unwrap().ends_with("%1 to %3"));
            assert_eq!(problem.input.as_deref(), Some(word));
        }
        session.record_list(vec!["aliyun/job/"]);
        assert_eq!(of("%1").unwrap(), "aliyun@default/job/");
        assert!(of("%2").is_err());
    }

    #[test]
    fn a_dash_is_the_single_reference_of_the_last_command_or_list() {
        let (_folder, session) = session();
        let last = || expand_word("-", Some(&session)).unwrap();
        assert!(last().unwrap_err().message.contains("no single reference"));
        session.record_list(vec!["aliyun/job/c/1", "aliyun/job/c/2"]);
        assert!(last().is_err());
        session.record_reference("sugon/instance/训练");
        assert_eq!(last().unwrap(), "sugon@default/instance/训练");
        assert_eq!(session.rows().len(), 2);
        session.record_list(vec!["aliyun/job/c/"]);
        assert_eq!(last().unwrap(), "sugon@default/instance/训练");
        session.record_list(vec!["aliyun/job/c/3"]);
        assert_eq!(last().unwrap(), "aliyun@default/job/c/3");
    }

    #[test]
    fn a_row_number_without_a_terminal_or_a_usable_list_is_an_error() {
        let (_folder, session) = session();
        assert!(error("%1", None).contains("interactive shell"));
        assert!(error("-", None).contains("interactive shell"));
        assert!(error("%1", Some(&session)).contains("no list"));
        let long: Vec<String> = (0..=MAX_PER_LIST).map(|n| format!("a/b/{n}")).collect();
        session.record_list(vec!["aliyun/job/c/1"]);
        session.record_list(long.iter().map(String::as_str).collect());
        let message = error("%1", Some(&session));
        assert_eq!(message, "the last list has more than 1000 rows");
        assert!(session.rows().is_empty());
        session.record_list(Vec::new());
        session.record_reference("aliyun/job/c/1");
        assert_eq!(error("%1", Some(&session)), "the last list was empty");
        assert!(session.rows().is_empty());
        session.record_filtered_list();
        let message = "the last list was printed with --jq, which has no short references";
        assert_eq!(error("%1", Some(&session)), message);
        assert!(session.rows().is_empty());
        assert!(expand_word("-", Some(&session)).unwrap().is_ok());
        session.record_list(vec!["aliyun/job/c/7"]);
        let row = expand_word("%1", Some(&session)).unwrap();
        assert_eq!(row.unwrap(), "aliyun@default/job/c/7");
    }

    #[test]
    fn words_that_are_not_row_numbers_are_not_expanded() {
        for word in ["%", "%a", "%1-3", "%1/x", "--", "a/b/c", ""] {
            assert!(expand_word(word, None).is_none(), "{word}");
        }
    }

    #[test]
    fn session_files_older_than_a_week_are_removed() {
        let (_folder, session) = session();
        let folder = session.path.parent().unwrap();
        fs::create_dir(folder).unwrap();
        let old = SystemTime::now() - MAX_AGE - Duration::from_secs(60);
        for (name, is_old) in [
            ("session.1.1", true),
            ("session.2.1", false),
            ("references", true),
        ] {
            let file = fs::File::create(folder.join(name)).unwrap();
            if is_old {
                file.set_modified(old).unwrap();
            }
        }
        session.record_reference("a/b/c");
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["references", "session.2.1", "session.7.1"]);
    }

    #[test]
    fn the_session_key_is_stable_and_made_of_numbers_of_the_process_table() {
        let key = session_key();
        assert_eq!(key, session_key());
        if let Some(key) = key {
            assert!(
                key.split('.').all(|part| part.parse::<u64>().is_ok()),
                "{key}"
            );
        }
        let stat = tempfile::NamedTempFile::new().unwrap();
        let text = b"7 (a) b) c\xff) S 1 7 42 34817 7 0 0 0 0 0 0 0 0 0 20 0 1 0 99173 0 0\n";
        fs::write(stat.path(), text).unwrap();
        assert_eq!(stat_field(stat.path(), 3).as_deref(), Some("42"));
        assert_eq!(stat_field(stat.path(), 19).as_deref(), Some("99173"));
        assert_eq!(stat_field(stat.path(), 0), None);
    }
}
