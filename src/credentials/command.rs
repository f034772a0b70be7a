//! Credentials that a command of the user's prints.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::program::{CommandError, Invocation};
use crate::secret::{MASK, Secret, SecretMasker, looks_random, mask_text};
use crate::sync::lock;

/// A command that takes longer is ended.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// More is not read of what a command prints.
const MAX_OUTPUT_BYTES: u64 = 1 << 16;
/// How much of a command's complaint is shown.
const SHOWN_CHARS: usize = 300;

/// A command that was run again is left alone for so long; what it printed last stands meanwhile.
const RERUN_COOLDOWN: Duration = Duration::from_secs(10);

/// What a command printed: values by the names it gave them.
pub(super) type CommandOutput = BTreeMap<String, Secret>;

/// What commands printed, by cloud and profile. They run one at a time, since they may ask a person.
#[derive(Debug, Clone, Default)]
pub(super) struct CommandCache(Arc<Mutex<HashMap<(String, String), CachedRun>>>);

#[derive(Debug)]
struct CachedRun {
    output: Result<CommandOutput, CommandError>,
    again_at: Option<Instant>,
}

impl CommandCache {
    /// What the command of an account printed; it is run on the first use.
    ///
    /// # Errors
    /// As [`run`].
    pub(super) fn output(
        &self,
        account: (String, String),
        invocation: &Invocation,
    ) -> Result<CommandOutput, CommandError> {
        let mut runs = lock(&self.0);
        let ran = runs.entry(account).or_insert_with(|| CachedRun {
            output: run(invocation),
            again_at: None,
        });
        ran.output.clone()
    }

    /// Runs the command of an account anew, since what it printed is good no longer.
    pub(super) fn run_again(&self, account: (String, String), invocation: &Invocation) {
        let mut runs = lock(&self.0);
        let is_recent =
            |ran: &CachedRun| ran.again_at.is_some_and(|at| at.elapsed() < RERUN_COOLDOWN);
        if !runs.get(&account).is_some_and(is_recent) {
            let printed = run(invocation);
            let again_at = Some(Instant::now());
            runs.insert(
                account,
                CachedRun {
                    output: printed,
                    again_at,
                },
            );
        }
    }
}

/// Runs a command without a shell and without input, and reads JSON or lines of `key=value`.
///
/// # Errors
/// Why there is nothing to be had of it.
fn run(invocation: &Invocation) -> Result<CommandOutput, CommandError> {
    run_with_timeout(invocation, COMMAND_TIMEOUT)
}

fn run_with_timeout(
    invocation: &Invocation,
    longest: Duration,
) -> Result<CommandOutput, CommandError> {
    let mut child = Command::new(&invocation.program)
        .args(&invocation.arguments)
        .current_dir(&invocation.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| CommandError::NotRun(error.kind()))?;
    let deadline = Instant::now() + longest;
    let printed = read_output(child.stdout.take());
    let complaint = read_output(child.stderr.take());
    let Some(status) = wait_until(&mut child, deadline) else {
        // An error means that it has ended just now.
        let _ = child.kill();
        let _ = child.wait();
        let why = format!("timed out after {} s", longest.as_secs());
        return Err(CommandError::Other(why));
    };
    let printed = printed.finish();
    let complaint = complaint.finish();
    let values = decode(&printed);
    if !status.success() {
        let found = values.unwrap_or_default();
        return Err(CommandError::Other(failed(status, &complaint, &found)));
    }
    values.ok_or_else(|| CommandError::Other("did not print JSON or key=value lines".to_owned()))
}

/// What comes out of an output.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: Receiver<()>,
}

/// Reads an output on a thread of its own.
fn read_output(output: Option<impl Read + Send + 'static>) -> Output {
    let bytes = Arc::default();
    let (close, closed) = mpsc::channel();
    let read = Output {
        bytes: Arc::clone(&bytes),
        closed,
    };
    thread::spawn(move || {
        let mut part = [0; 4096];
        let mut output = output.map(|output| output.take(MAX_OUTPUT_BYTES));
        // What came before a fault is all there is.
        while let Some(length) = output
            .as_mut()
            .and_then(|output| output.read(&mut part).ok())
            && length > 0
        {
            let bytes: &Mutex<Vec<u8>> = &bytes;
            let mut bytes = lock(bytes);
            bytes.extend_from_slice(&part[..length]);
        }
        // Nobody listens any longer when the command took too long.
        let _ = close.send(());
    });
    read
}

impl Output {
    /// What the command wrote, once it has ended. A child that it left running may keep the output
    /// open, and is not waited for.
    fn finish(self) -> Vec<u8> {
        let _ = self.closed.recv_timeout(Duration::from_secs(1));
        let mut bytes = lock(&self.bytes);
        std::mem::take(&mut *bytes)
    }
}

fn wait_until(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => return None,
        }
    }
}

fn failed(status: ExitStatus, complaint: &[u8], found: &CommandOutput) -> String {
    let how = match status.code() {
        Some(code) => format!("failed with exit code {code}"),
        None => "was killed by a signal".to_owned(),
    };
    let text = SecretMasker::new(found.values()).text(&String::from_utf8_lossy(complaint));
    let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    lines.retain(|line| !line.is_empty());
    for line in &mut lines {
        // Nobody knows which of these words are secrets.
        let words = mask_text(line);
        let words = words.split_whitespace();
        let words = words.map(|word| if looks_random(word) { MASK } else { word });
        *line = words.collect::<Vec<_>>().join(" ");
    }
    let shown: String = lines.join("; ").chars().take(SHOWN_CHARS).collect();
    match shown.is_empty() {
        true => how,
        false => format!("{how}: {shown}"),
    }
}

fn decode(printed: &[u8]) -> Option<CommandOutput> {
    let text = std::str::from_utf8(printed).ok()?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let pairs: Vec<(String, String)> = if text.starts_with('{') {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
        let text_of = |value| match value {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let pairs = object.into_iter();
        pairs
            .filter_map(|(key, value)| Some((key, text_of(value)?)))
            .collect()
    } else {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| {
                let line = line.strip_prefix("export ").unwrap_or(line);
                let (key, value) = line.split_once('=')?;
                Some((key.trim().to_owned(), unquoted(value.trim()).to_owned()))
            })
            .collect::<Option<_>>()?
    };
    let filled = pairs
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty());
    Some(
        filled
            .map(|(key, value)| (key, Secret::new(value.trim())))
            .collect(),
    )
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
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
        }
    }

    fn script(text: &str) -> Invocation {
        invocation("/bin/sh", &["-c", text])
    }

    fn shell(text: &str) -> Result<BTreeMap<String, String>, CommandError> {
        let shown = |(key, value): (String, Secret)| (key, value.expose().to_owned());
        run(&script(text)).map(|printed| printed.into_iter().map(shown).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string()));
        owned.collect()
    }

    #[test]
    fn reads_json_and_lines() {
        let expected = Ok(pairs(&[("id", "i"), ("secret", "s=")]));
        assert_eq!(
            shell(r#"echo '{"id":"i","secret":"s=","more":[1]}'"#),
            expected
        );
        assert_eq!(
            shell("printf '# c\\nid = i\\n\\nexport secret=\"s=\"\\n'"),
            expected
        );
        let neither = shell("echo hunter2hunter2").unwrap_err().to_string();
        assert_eq!(neither, "did not print JSON or key=value lines");
    }

    #[test]
    fn shows_the_complaint_of_a_command_that_fails_without_its_secrets() {
        let said = shell("echo id=hunter2; echo 'no hunter2 here, password=abc' >&2; exit 3");
        let said = said.unwrap_err().to_string();
        assert!(
            said.starts_with("failed with exit code 3: no *** here"),
            "{said}"
        );
        assert!(!said.contains("abc"), "{said}");
        let said = shell("exit 1").unwrap_err().to_string();
        assert_eq!(said, "failed with exit code 1");
        let missing = run(&invocation("/nowhere/at/all", &[])).unwrap_err();
        assert_eq!(missing, CommandError::NotRun(io::ErrorKind::NotFound));
    }

    #[test]
    fn is_run_once_and_once_more_when_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let counting = format!("echo . >> {0}; echo id=$(wc -l < {0})", count.display());
        let counting = script(&counting);
        let runs = CommandCache::default();
        let account = || ("sugon".to_owned(), "default".to_owned());
        let id = || runs.output(account(), &counting).unwrap()["id"].clone();
        assert_eq!([id(), id()], [Secret::new("1"), Secret::new("1")]);
        runs.run_again(account(), &counting);
        assert_eq!(id(), Secret::new("2"));
        runs.run_again(account(), &counting);
        assert_eq!(id(), Secret::new("2"), "it was run again just now");
    }

    #[test]
    fn gives_its_output_when_a_child_keeps_it_open() {
        let printed = shell("sleep 30 & echo id=i");
        assert_eq!(printed, Ok(pairs(&[("id", "i")])));
    }

    #[test]
    fn a_complaint_shows_no_word_that_may_be_a_secret() {
        for said in [
            "+ curl -H 'Authorization: Bearer S3cr3tV4lue99' https://vault",
            "+ curl -u bob:S3cr3tV4lue99 https://vault",
            "bad token S3cr3tV4lue99",
            "denied for S3cr3tV4lue99.",
        ] {
            let said = shell(&format!("cat >&2 <<'END'\n{said}\nEND\nexit 3"));
            let said = said.unwrap_err().to_string();
            assert!(!said.contains("S3cr3t"), "{said}");
        }
        let kept = "cannot reach vault-01.corp.example:8200 since 2026-01-31T12:00:00Z (x86_64)";
        let said = shell(&format!("echo '{kept}' >&2; exit 3")).unwrap_err();
        assert!(said.to_string().ends_with(kept), "{said}");
    }

    #[test]
    fn has_no_input_and_is_ended_when_it_takes_too_long() {
        assert_eq!(shell("cat; echo id=i"), Ok(pairs(&[("id", "i")])));
        let late = run_with_timeout(&script("exec sleep 600"), Duration::ZERO).unwrap_err();
        assert_eq!(late.to_string(), "timed out after 0 s");
    }
}
