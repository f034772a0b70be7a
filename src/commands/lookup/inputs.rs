//! Reads the references of the command line, of stdin and of files.
//!
//! A text that is not a list of references has few errors, even if it has many lines.

use std::cell::LazyCell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;

use crate::commands::shell_session::{ShellSession, expand_word};
use crate::error::{Category, Problem, file_error_text};
use crate::http::Session;
use crate::output::duration;
use crate::reference::MAX_REFERENCE_BYTES;
use crate::settings::Environment;

/// The inputs that name jobs.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Inputs<'a> {
    /// Arguments; `-` means the lines of stdin, or the last reference if stdin is a terminal,
    /// and `%1` for the first row of the last list.
    pub typed: &'a [String],
    /// Files with a reference on each line; `-` means stdin.
    pub files: &'a [PathBuf],
    /// The last line of stdin must end with a newline: with a truncated list, a gate could pass without the rest.
    pub needs_newline: bool,
    /// Maximum time to read the lists.
    pub timeout: Option<Duration>,
}

impl<'a> Inputs<'a> {
    /// Creates inputs from arguments and files.
    pub fn new(typed: &'a [String], files: &'a [PathBuf]) -> Self {
        Self {
            typed,
            files,
            needs_newline: false,
            timeout: None,
        }
    }

    /// Returns `true` if nothing was given.
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty() && self.files.is_empty()
    }
}

impl<'a, T: AsRef<[String]> + ?Sized> From<&'a T> for Inputs<'a> {
    fn from(typed: &'a T) -> Self {
        Self::new(typed.as_ref(), &[])
    }
}

/// The text of a target.
#[derive(Debug)]
pub(super) struct Input {
    pub text: String,
    /// The text is a line of stdin or of a file.
    pub is_listed: bool,
}

impl Input {
    /// Creates an input that was typed as an argument.
    pub(super) fn typed(text: String) -> Self {
        Self {
            text,
            is_listed: false,
        }
    }
}

/// Returns the typed references, with the lines of stdin in place of `-`, then those of the files.
pub(super) fn expand(
    inputs: Inputs<'_>,
    environment: &Environment,
    session: &Session,
) -> Result<Vec<Input>, Problem> {
    let shell = LazyCell::new(|| ShellSession::interactive(environment));
    let mut references = Vec::new();
    let mut taken = false;
    let started = Instant::now();
    let mut read = |path: &Path| -> Result<Vec<String>, Problem> {
        let is_stdin = path.as_os_str() == "-";
        if is_stdin && std::mem::replace(&mut taken, true) {
            return Ok(Vec::new());
        }
        let name = path.display().to_string();
        session.references(&name, || {
            // The stdin of a replay is not that of the recorded run, and may never end.
            if is_stdin && matches!(session, Session::Replay(_)) {
                return Err(not_recorded());
            }
            let (path, shown) = (path.to_owned(), name.clone());
            let read = move || match is_stdin {
                true => lines(&mut io::stdin().lock(), "stdin", inputs.needs_newline),
                false => {
                    let file = File::open(path).map_err(|error| cannot_read(&shown, &error))?;
                    lines(&mut BufReader::new(file), &shown, false)
                }
            };
            let Some(timeout) = inputs.timeout else {
                return read();
            };
            let time_left = timeout.saturating_sub(started.elapsed());
            read_within(time_left, read).unwrap_or_else(|| {
                let source = if is_stdin { "stdin" } else { &name };
                Err(not_read_in_time(source, timeout))
            })
        })
    };
    let listed = |lines: Vec<String>| {
        lines.into_iter().map(|text| Input {
            text,
            is_listed: true,
        })
    };
    for input in inputs.typed {
        if input == "-" && !io::stdin().is_terminal() {
            references.extend(listed(read(Path::new("-"))?));
            continue;
        }
        if !input.starts_with(['-', '%']) {
            references.push(Input::typed(input.clone()));
            continue;
        }
        let stored = session.references(input, || {
            let stored = expand_word(input, shell.as_ref());
            Ok(vec![stored.unwrap_or_else(|| Ok(input.clone()))?])
        })?;
        references.extend(stored.into_iter().map(Input::typed));
    }
    for path in inputs.files {
        references.extend(listed(read(path)?));
    }
    Ok(references)
}

/// Returns the result of a function, or `None` after the timeout. The function then continues to run, because a read
/// from a pipe cannot be stopped.
fn read_within<T: Send + 'static>(
    timeout: Duration,
    read: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // The receiver is gone after the timeout.
        let _ = sender.send(read());
    });
    receiver.recv_timeout(timeout).ok()
}

fn not_read_in_time(name: &str, timeout: Duration) -> Problem {
    let timeout = duration(i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX));
    let message = format!("timed out after {timeout}: the references on {name} are not complete");
    Problem::new(Category::Network, message)
        .with_hint("check the command that writes them, or allow more time with --timeout")
}

fn not_recorded() -> Problem {
    Problem::usage("the recording has no references from stdin")
        .with_hint("run the recorded command, or pass the references as arguments")
}

fn cannot_read(name: &str, error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::InvalidData {
        let problem = Problem::usage(format!("{name} is not valid UTF-8"));
        return problem
            .with_hint("expected one reference per line, as printed by joblens list -o name");
    }
    let problem = Problem::usage(format!("cannot read {name} ({})", file_error_text(error)));
    match name {
        "stdin" => problem,
        _ => problem.with_hint("check the path of --file and its permissions"),
    }
}

/// Reads one reference per line. Skips empty lines, comments, a byte order mark, and white space around a line.
fn lines(input: &mut dyn BufRead, name: &str, needs_newline: bool) -> Result<Vec<String>, Problem> {
    /// Much more than any realistic list.
    const MAX_BYTES: u64 = 16 << 20;
    let mut text = String::new();
    input
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| cannot_read(name, &error))?;
    if text.len() as u64 > MAX_BYTES {
        // Fail, because a part of the list would look like all of it.
        return Err(Problem::usage(format!(
            "{name} exceeds {} MiB of references",
            MAX_BYTES >> 20
        )));
    }
    if is_json(&text) {
        let problem = Problem::usage(format!("{name} is JSON, not references"));
        return Err(problem.with_hint("to print references: joblens list -o name"));
    }
    let last = text.rsplit('\n').next().unwrap_or_default();
    if needs_newline && !last.trim().is_empty() {
        let message = format!("the last line of {name} has no newline: the list may be incomplete");
        let hint =
            "check the command that produced it (set -o pipefail), or end the line with a newline";
        return Err(Problem::usage(message).with_hint(hint));
    }
    let mut references = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if let Some(reason) = line.strip_prefix("#!incomplete") {
            let reason = reason.trim_start_matches(':').trim();
            let reason = if reason.is_empty() {
                "without a reason"
            } else {
                reason
            };
            return Err(Problem::usage(format!(
                "the list on {name} is incomplete: {reason}"
            ))
            .with_hint(
                "rerun the command that produced it; if it skips a scope, list the others by name, and --limit none lists all rows",
            ));
        }
        if line.len() > MAX_REFERENCE_BYTES {
            let message = format!("a line of {name} is too long for a reference");
            let hint = "expected one reference per line, as printed by joblens list -o name";
            return Err(Problem::usage(message).with_hint(hint));
        }
        if !line.is_empty() && !line.starts_with('#') {
            references.push(line.to_owned());
        }
    }
    Ok(references)
}

/// Returns `true` if a text begins with a JSON document, such as that of `-o json` or `-o jsonl`.
fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    text.starts_with(['{', '[']) && matches!(values.next(), Some(Ok(_)))
}

/// Replaces the problems after the first ones by their number.
pub(super) fn shortened(mut problems: Vec<Problem>) -> Vec<Problem> {
    /// More than anyone types; a list can have thousands.
    const MAX_PROBLEMS: usize = 10;
    let more = problems.len().saturating_sub(MAX_PROBLEMS);
    if more > 1 {
        problems.truncate(MAX_PROBLEMS);
        let problem = Problem::usage(format!("{more} more references are invalid"));
        problems.push(problem.with_hint("to print references: joblens list -o name"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_blank_lines_comments_byte_order_marks_and_carriage_returns() {
        let text = "\u{feff}a/b/c\r\n\r\n# comment\n  d/e/f \n";
        assert_eq!(
            lines(&mut text.as_bytes(), "stdin", false).unwrap(),
            ["a/b/c", "d/e/f"]
        );
    }

    #[test]
    fn a_list_that_is_incomplete_or_has_a_very_long_line_is_an_error() {
        let long = format!("a/b/{}\n", "c".repeat(5000));
        for (text, part) in [
            ("a/b/c\n#!incomplete: no access\n", "incomplete: no access"),
            ("a/b/c\n#!incomplete\n", "incomplete: without a reason"),
            (&long, "a line of stdin is too long"),
        ] {
            let problem = lines(&mut text.as_bytes(), "stdin", false).unwrap_err();
            assert_eq!(problem.category, Category::Usage);
            assert!(problem.message.contains(part), "{}", problem.message);
        }
    }

    #[test]
    fn json_is_one_error_whatever_its_layout() {
        for text in [
            "{\n  \"jobs\": []\n}\n",
            "{\"type\": \"job\"}\n{\"type\": \"summary\"}\n",
            "\u{feff}[\"aliyun/job/c/5\"]",
            "  {}",
        ] {
            let problem = lines(&mut text.as_bytes(), "stdin", true).unwrap_err();
            assert_eq!(problem.message, "stdin is JSON, not references", "{text:?}");
            assert!(problem.hint.unwrap().ends_with("-o name"));
        }
        for text in ["[kubernetes\n", "a/b/{c}\n", "5\n", "\"a/b/c\"\n"] {
            assert!(
                lines(&mut text.as_bytes(), "refs.txt", true).is_ok(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn many_invalid_references_are_counted() {
        let problems = |count: usize| {
            let problems = (0..count).map(|at| Problem::usage(at.to_string()));
            shortened(problems.collect())
        };
        assert_eq!(problems(11).len(), 11);
        let shown = problems(500);
        assert_eq!(shown.len(), 11);
        assert_eq!(shown[9].message, "9");
        assert_eq!(shown[10].message, "490 more references are invalid");
    }

    #[test]
    fn refuses_a_list_longer_than_16_mib() {
        let text = "a/b/c\n".repeat((16 << 20) / 6 + 1);
        let problem = lines(&mut text.as_bytes(), "stdin", false).unwrap_err();
        assert!(problem.message.contains("16 MiB"), "{}", problem.message);
    }

    #[test]
    fn a_gate_refuses_a_list_whose_last_line_has_no_newline() {
        for text in ["a/b/c\nd/e", "a/b/c"] {
            assert!(lines(&mut text.as_bytes(), "stdin", false).is_ok());
            let problem = lines(&mut text.as_bytes(), "stdin", true).unwrap_err();
            assert!(
                problem.message.contains("no newline"),
                "{}",
                problem.message
            );
        }
        for text in ["", "a/b/c\n", "a/b/c\n  ", "\u{feff}a/b/c\r\n"] {
            assert!(
                lines(&mut text.as_bytes(), "stdin", true).is_ok(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_blocking_read_ends_at_its_timeout() {
        let (sender, receiver) = mpsc::channel::<()>();
        assert_eq!(read_within(Duration::ZERO, move || receiver.recv()), None);
        drop(sender);
        assert_eq!(read_within(Duration::from_secs(60), || 1), Some(1));
    }

    #[test]
    fn refuses_a_list_that_is_marked_as_incomplete() {
        let problem = lines(
            &mut "a/b/c\n#!incomplete: HTTP 502\n".as_bytes(),
            "stdin",
            false,
        )
        .unwrap_err();
        assert!(problem.message.ends_with("is incomplete: HTTP 502"));
    }
}
