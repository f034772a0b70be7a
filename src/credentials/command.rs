//! Runs the user's commands that print credentials.

mod formats;
mod masked_line;
mod output;
mod process;
mod shell;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::expiry::local_time;
use super::program::{CommandError, Invocation, timed_out};
use crate::model::Time;
use crate::secret::{Secret, SecretMasker};
use crate::settings::RerunReason;
use crate::sync::lock;
use masked_line::mask_words;
use process::ProcessError;

#[cfg(any(test, fuzzing))]
pub(super) use formats::decode as decode_output;

/// Timeout of a command. After it, the command and all processes that it started are killed.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum number of characters of a command's error output that an error message shows.
const MAX_SHOWN_CHARS: usize = 300;

/// Minimum time before a command is rerun again for the same reason. Meanwhile its last output is used.
const RERUN_COOLDOWN: Duration = Duration::from_secs(10);

/// Values that a command printed, by the names in its output.
pub(super) type CommandOutput = BTreeMap<String, Secret>;

/// Shows the lines that commands write to standard error, such as a prompt or a device code.
#[derive(Clone)]
pub struct PromptSink {
    /// Shows one line.
    show: Arc<dyn Fn(&str) + Send + Sync>,
    /// `false` for a log, in which words that may be secrets must not appear.
    is_terminal: bool,
    before_run: fn(),
}

impl PromptSink {
    /// Calls `show` with each line while the command runs, and `before_run` before each command. Words that may be
    /// secrets are masked unless the lines go to a terminal.
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
        if self.is_terminal {
            return (self.show)(line);
        }
        let line = mask_words(line);
        // A line may have contained only colors.
        if !line.is_empty() {
            (self.show)(&line);
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

/// Outputs of commands by cloud and profile. Commands of several accounts can run at once.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandCache {
    runs: Arc<Mutex<HashMap<(String, String), SharedRun>>>,
    sink: PromptSink,
    /// Time at which commands are ended at the latest.
    deadline: Option<Instant>,
}

/// Each account has its own lock, so that a running command does not block other accounts.
type SharedRun = Arc<Mutex<CachedRun>>;

#[derive(Debug, Default)]
struct CachedRun {
    /// `None` before the first run, and after the output became invalid.
    output: Option<Result<CommandOutput, CommandError>>,
    /// Time of the last run by the local clock.
    ran_at: Option<Time>,
    /// Time of the last invalidation, and whether a rejection caused it.
    rerun: Option<(Instant, bool)>,
}

impl CachedRun {
    /// Returns `true` if the command may be rerun. Within the cooldown that is only useful for a new reason: a tool
    /// can cache a credential until it expires, and print the same one shortly before.
    fn may_rerun(&self, reason: RerunReason) -> bool {
        let Some((at, was_rejected)) = self.rerun else {
            return true;
        };
        let is_new = match reason {
            RerunReason::Expiring => false,
            RerunReason::Expired(end) => self.ran_at.is_some_and(|ran_at| ran_at < end),
            RerunReason::Rejected => !was_rejected,
        };
        is_new || at.elapsed() >= RERUN_COOLDOWN
    }
}

impl CommandCache {
    /// Creates an empty cache.
    pub(super) fn new(sink: PromptSink) -> Self {
        Self {
            runs: Arc::default(),
            sink,
            deadline: None,
        }
    }

    /// Ends commands at `deadline` at the latest.
    pub(super) fn with_deadline(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// Returns the output of an account's command, which is run on first use.
    ///
    /// # Errors
    /// The reason why the command gave no usable output.
    pub(super) fn output(
        &self,
        account: (String, String),
        invocation: &Invocation,
    ) -> Result<CommandOutput, CommandError> {
        let ran = self.cached_run(account);
        let mut ran = lock(&ran);
        if ran.output.is_none() {
            ran.ran_at = Some(local_time());
        }
        let output = ran
            .output
            .get_or_insert_with(|| run(invocation, self.timeout(), &self.sink));
        output.clone()
    }

    fn cached_run(&self, account: (String, String)) -> SharedRun {
        Arc::clone(lock(&self.runs).entry(account).or_default())
    }

    fn timeout(&self) -> Duration {
        let time_left = |at: Instant| at.saturating_duration_since(Instant::now());
        let time_left = self.deadline.map(time_left);
        time_left.map_or(COMMAND_TIMEOUT, |time_left| time_left.min(COMMAND_TIMEOUT))
    }

    /// Discards the output of an account's command, since it may have become invalid, so that the next use reruns
    /// the command. For the same reason it is rerun once per [`RERUN_COOLDOWN`].
    pub(super) fn invalidate(&self, account: (String, String), reason: RerunReason) {
        let ran = self.cached_run(account);
        let mut ran = lock(&ran);
        if ran.may_rerun(reason) {
            ran.output = None;
            ran.rerun = Some((Instant::now(), reason == RerunReason::Rejected));
        }
    }
}

/// Kills the commands that are still running and prevents new ones, since this process is about to exit.
pub fn end_commands() {
    process::end_all();
}

/// Runs a command without a shell and without input, and decodes its output.
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
        ProcessError::Timeout => match timeout < COMMAND_TIMEOUT {
            true => CommandError::CutShort(timeout),
            false => CommandError::Other(timed_out(timeout)),
        },
    })?;
    let values = formats::decode(&ran.stdout);
    if !ran.status.success() {
        let output = values.unwrap_or_default();
        let reason = failure_text(ran.status, &ran.stderr, &output);
        return Err(CommandError::Other(reason));
    }
    // Truncated output may end within a value.
    if ran.stdout.len() >= output::MAX_OUTPUT_BYTES {
        let limit = output::MAX_OUTPUT_BYTES >> 10;
        return Err(CommandError::Other(format!("printed {limit} KiB or more")));
    }
    values.ok_or(CommandError::Format)
}

fn failure_text(status: ExitStatus, stderr: &[u8], output: &CommandOutput) -> String {
    let how = match status.code() {
        Some(code) => format!("failed with exit code {code}"),
        None => "was killed by a signal".to_owned(),
    };
    let text = SecretMasker::new(output.values()).text(&String::from_utf8_lossy(stderr));
    let lines = text.lines().map(mask_words);
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let shown: String = lines.join("; ").chars().take(MAX_SHOWN_CHARS).collect();
    match shown.is_empty() {
        true => how,
        false => format!("{how}: {shown}"),
    }
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
    fn command_output_in_an_unknown_format_is_not_shown() {
        let neither = shell("echo hunter2hunter2").unwrap_err().to_string();
        assert_eq!(neither, "did not print JSON or key=value lines");
        for long in ["head -c 70000 /dev/zero", "yes id=hunter2 | head -c 70000"] {
            let long = shell(long).unwrap_err().to_string();
            assert_eq!(long, "printed 64 KiB or more");
        }
    }

    #[test]
    fn a_command_with_less_than_its_usual_time_is_cut_short() {
        let timeout = Duration::from_millis(20);
        let cut = run(&script("sleep 600"), timeout, &PromptSink::default()).unwrap_err();
        assert_eq!(cut, CommandError::CutShort(timeout));
        assert_eq!(
            CommandError::CutShort(Duration::from_secs(2)).to_string(),
            "timed out after 2 s"
        );
    }

    #[test]
    fn shows_the_error_output_of_a_failed_command_without_its_secrets() {
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
    fn a_command_is_run_once_and_again_only_after_an_invalidation() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let counting = format!("echo . >> {0}; echo id=$(wc -l < {0})", count.display());
        let counting = script(&counting);
        let runs = CommandCache::default();
        let account = || ("sugon".to_owned(), "default".to_owned());
        let id = || runs.output(account(), &counting).unwrap()["id"].clone();
        assert_eq!([id(), id()], [Secret::new("1"), Secret::new("1")]);
        runs.invalidate(account(), RerunReason::Expiring);
        assert_eq!(id(), Secret::new("2"));
        let distant = Time::from_unix(4_102_444_800).unwrap();
        let past = Time::from_unix(1_000_000_000).unwrap();
        for (reason, expected) in [
            (RerunReason::Expiring, "2"),
            (RerunReason::Expired(past), "2"),
            (RerunReason::Expired(distant), "3"),
            (RerunReason::Expiring, "3"),
            (RerunReason::Rejected, "4"),
            (RerunReason::Rejected, "4"),
        ] {
            runs.invalidate(account(), reason);
            assert_eq!(id(), Secret::new(expected), "{reason:?}");
        }
    }

    #[test]
    fn output_is_returned_although_a_child_process_keeps_it_open() {
        let printed = shell("sleep 30 & echo id=i");
        assert_eq!(printed, Ok(pairs(&[("id", "i")])));
    }

    #[test]
    fn the_error_output_of_a_command_shows_no_word_that_may_be_a_secret() {
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
    fn a_command_has_no_input_and_is_terminated_at_its_timeout() {
        assert_eq!(shell("cat; echo id=i"), Ok(pairs(&[("id", "i")])));
        let late = script("exec sleep 600");
        let late = run(&late, Duration::ZERO, &PromptSink::default()).unwrap_err();
        assert_eq!(late.to_string(), "timed out after 0 s");
    }

    #[test]
    fn prompts_are_shown_unmasked_on_a_terminal_and_masked_in_a_log() {
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
