//! Credentials that a command of the user's prints.

mod formats;
mod output;
mod process;
mod shell;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::program::{CommandError, Invocation};
use crate::secret::{MASK, Secret, SecretMasker, looks_random, mask_text};
use crate::sync::lock;
use process::ProcessError;

#[cfg(any(test, fuzzing))]
pub(super) use formats::decode as decode_output;

/// A command that takes longer is ended, with all that it has started.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a command's error output is part of an error.
const MAX_SHOWN_CHARS: usize = 300;

/// A command that was run again is not run again for this long; what it printed last is used meanwhile.
const RERUN_COOLDOWN: Duration = Duration::from_secs(10);

/// What a command printed: values by the names it gave them.
pub(super) type CommandOutput = BTreeMap<String, Secret>;

/// Shows what commands write to standard error, such as a prompt or the code of a device.
#[derive(Clone)]
pub struct PromptSink {
    /// Shows one line.
    show: Arc<dyn Fn(&str) + Send + Sync>,
    /// False for a log, which is not the place for anything that may be a secret.
    is_terminal: bool,
    before_run: fn(),
}

impl PromptSink {
    /// `show` is called with each line while the command runs. Words that may be secrets are masked
    /// unless they are shown on a terminal only. `before_run` is called before each command.
    pub fn new(
        show: impl Fn(&str) + Send + Sync + 'static,
        is_terminal: bool,
        before_run: fn(),
    ) -> Self {
        Self {
            show: Arc::new(show),
            is_terminal,
            before_run,
        }
    }

    fn line(&self, line: &str) {
        match self.is_terminal {
            true => (self.show)(line),
            false => (self.show)(&mask_words(line)),
        }
    }
}

impl Default for PromptSink {
    fn default() -> Self {
        Self::new(|_| {}, false, || {})
    }
}

impl fmt::Debug for PromptSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PromptSink")
    }
}

/// What commands printed, by cloud and profile. Those of several accounts may run at once.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandCache {
    runs: Arc<Mutex<CachedRuns>>,
    sink: PromptSink,
    /// No command runs longer than until then.
    deadline: Option<Instant>,
}

type CachedRuns = HashMap<(String, String), Arc<Mutex<CachedRun>>>;

#[derive(Debug, Default)]
struct CachedRun {
    /// `None` for one that is good no longer.
    output: Option<Result<CommandOutput, CommandError>>,
    again_at: Option<Instant>,
}

impl CommandCache {
    /// Nothing was run yet.
    pub(super) fn new(sink: PromptSink) -> Self {
        Self {
            runs: Arc::default(),
            sink,
            deadline: None,
        }
    }

    /// The same, where no command runs longer than until `deadline`.
    pub(super) fn with_deadline(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// What the command of an account printed; it is run on the first use.
    ///
    /// # Errors
    /// Why there is nothing to be had of it.
    pub(super) fn output(
        &self,
        account: (String, String),
        invocation: &Invocation,
    ) -> Result<CommandOutput, CommandError> {
        let ran = self.cached_run(account);
        let mut ran = lock(&ran);
        let output = ran
            .output
            .get_or_insert_with(|| run(invocation, self.timeout(), &self.sink));
        output.clone()
    }

    fn cached_run(&self, account: (String, String)) -> Arc<Mutex<CachedRun>> {
        Arc::clone(lock(&self.runs).entry(account).or_default())
    }

    fn timeout(&self) -> Duration {
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        let left = self.deadline.map(left);
        left.map_or(COMMAND_TIMEOUT, |left| left.min(COMMAND_TIMEOUT))
    }

    /// Has the command of an account run again at the next use, since what it printed has become invalid.
    pub(super) fn invalidate(&self, account: (String, String)) {
        let ran = self.cached_run(account);
        let mut ran = lock(&ran);
        if ran.again_at.is_none_or(|at| at.elapsed() >= RERUN_COOLDOWN) {
            *ran = CachedRun {
                output: None,
                again_at: Some(Instant::now()),
            };
        }
    }
}

/// Ends the commands that have not ended by themselves, and runs no more: this process is about to end.
pub fn end_commands() {
    process::end_all();
}

/// Runs a command without a shell and without input, and reads what it prints.
fn run(
    invocation: &Invocation,
    timeout: Duration,
    sink: &PromptSink,
) -> Result<CommandOutput, CommandError> {
    (sink.before_run)();
    let ran = process::run(invocation, timeout, &mut |line| sink.line(line));
    let ran = ran.map_err(|error| match error {
        ProcessError::NotStarted(kind) => CommandError::NotRun(kind),
        ProcessError::TooMuchOutput => CommandError::Other("printed too much".to_owned()),
        ProcessError::Timeout => {
            let seconds = timeout.as_secs_f64().round();
            CommandError::Other(format!("timed out after {seconds} s"))
        }
    })?;
    let values = formats::decode(&ran.stdout);
    if !ran.status.success() {
        let found = values.unwrap_or_default();
        let why = failure_text(ran.status, &ran.stderr, &found);
        return Err(CommandError::Other(why));
    }
    // What was cut may end within a value.
    if ran.stdout.len() >= output::MAX_OUTPUT_BYTES {
        let limit = output::MAX_OUTPUT_BYTES >> 10;
        return Err(CommandError::Other(format!("printed {limit} KiB or more")));
    }
    values.ok_or(CommandError::Format)
}

fn failure_text(status: ExitStatus, stderr: &[u8], found: &CommandOutput) -> String {
    let how = match status.code() {
        Some(code) => format!("failed with exit code {code}"),
        None => "was killed by a signal".to_owned(),
    };
    let text = SecretMasker::new(found.values()).text(&String::from_utf8_lossy(stderr));
    let lines = text.lines().map(mask_words);
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let shown: String = lines.join("; ").chars().take(MAX_SHOWN_CHARS).collect();
    match shown.is_empty() {
        true => how,
        false => format!("{how}: {shown}"),
    }
}

/// A line without the words that may be secrets.
fn mask_words(line: &str) -> String {
    let words = mask_text(line.trim());
    let words = words.split_whitespace();
    let words = words.map(|word| if looks_random(word) { MASK } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn invocation(program: &str, arguments: &[&str]) -> Invocation {
        Invocation {
            program: program.into(),
            arguments: arguments.iter().map(ToString::to_string).collect(),
            folder: "/".into(),
            environment: Vec::new(),
        }
    }

    fn script(text: &str) -> Invocation {
        invocation("/bin/sh", &["-c", text])
    }

    fn shell(text: &str) -> Result<BTreeMap<String, String>, CommandError> {
        let shown = |(key, value): (String, Secret)| (key, value.expose().to_owned());
        let ran = run(&script(text), COMMAND_TIMEOUT, &PromptSink::default());
        ran.map(|printed| printed.into_iter().map(shown).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string()));
        owned.collect()
    }

    #[test]
    fn output_in_no_known_format_is_not_shown() {
        let neither = shell("echo hunter2hunter2").unwrap_err().to_string();
        assert_eq!(neither, "did not print JSON or key=value lines");
        for long in ["head -c 70000 /dev/zero", "yes id=hunter2 | head -c 70000"] {
            let long = shell(long).unwrap_err().to_string();
            assert_eq!(long, "printed 64 KiB or more");
        }
    }

    #[test]
    fn shows_the_complaint_of_a_command_that_fails_without_its_secrets() {
        let error = shell("echo id=hunter2; echo 'no hunter2 here, password=abc' >&2; exit 3");
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("failed with exit code 3: no *** here"),
            "{error}"
        );
        assert!(!error.contains("abc"), "{error}");
        let error = shell("exit 1").unwrap_err().to_string();
        assert_eq!(error, "failed with exit code 1");
        let nowhere = invocation("/nowhere/at/all", &[]);
        let missing = run(&nowhere, COMMAND_TIMEOUT, &PromptSink::default());
        assert_eq!(
            missing.unwrap_err(),
            CommandError::NotRun(io::ErrorKind::NotFound)
        );
    }

    #[test]
    fn is_run_once_and_again_when_requested() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let counting = format!("echo . >> {0}; echo id=$(wc -l < {0})", count.display());
        let counting = script(&counting);
        let runs = CommandCache::default();
        let account = || ("sugon".to_owned(), "default".to_owned());
        let id = || runs.output(account(), &counting).unwrap()["id"].clone();
        assert_eq!([id(), id()], [Secret::new("1"), Secret::new("1")]);
        runs.invalidate(account());
        assert_eq!(id(), Secret::new("2"));
        runs.invalidate(account());
        assert_eq!(id(), Secret::new("2"), "it was run again just now");
    }

    #[test]
    fn gives_its_output_when_a_child_keeps_it_open() {
        let printed = shell("sleep 30 & echo id=i");
        assert_eq!(printed, Ok(pairs(&[("id", "i")])));
    }

    #[test]
    fn a_complaint_shows_no_word_that_may_be_a_secret() {
        for complaint in [
            "+ curl -H 'Authorization: Bearer S3cr3tV4lue99' https://vault",
            "+ curl -u bob:S3cr3tV4lue99 https://vault",
            "bad token S3cr3tV4lue99",
            "denied for S3cr3tV4lue99.",
            "got wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY, exiting.",
        ] {
            let error = shell(&format!("cat >&2 <<'END'\n{complaint}\nEND\nexit 3"));
            let error = error.unwrap_err().to_string();
            assert!(
                !error.contains("S3cr3t") && !error.contains("wJalr"),
                "{error}"
            );
        }
        let kept = "cannot reach vault-01.corp.example:8200 since 2026-01-31T12:00:00Z (x86_64)";
        let error = shell(&format!("echo '{kept}' >&2; exit 3")).unwrap_err();
        assert!(error.to_string().ends_with(kept), "{error}");
    }

    #[test]
    fn has_no_input_and_is_ended_when_it_takes_too_long() {
        assert_eq!(shell("cat; echo id=i"), Ok(pairs(&[("id", "i")])));
        let late = script("exec sleep 600");
        let late = run(&late, Duration::ZERO, &PromptSink::default()).unwrap_err();
        assert_eq!(late.to_string(), "timed out after 0 s");
    }

    #[test]
    fn a_terminal_shows_prompts_unmasked_and_a_log_shows_no_word_that_may_be_a_secret() {
        for (is_terminal, expected) in [
            (true, ["code: B2C4D7F9K", "token S3cr3tV4lue99"]),
            (false, ["code: ***", "token ***"]),
        ] {
            let lines = Arc::new(Mutex::new(Vec::new()));
            let shown = Arc::clone(&lines);
            let sink = PromptSink::new(
                move |line| lock::<Vec<String>>(&shown).push(line.to_owned()),
                is_terminal,
                || {},
            );
            let prompting =
                script("echo code: B2C4D7F9K >&2; printf 'token S3cr3tV4lue99' >&2; echo id=i");
            run(&prompting, COMMAND_TIMEOUT, &sink).unwrap();
            assert_eq!(*lock::<Vec<String>>(&lines), expected);
        }
    }
}
