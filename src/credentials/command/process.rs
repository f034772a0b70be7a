//! Runs a process, reads its output meanwhile, and kills it with all processes that it has started.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio, id};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpgrp, kill_process, kill_process_group};
use rustix::termios::tcgetpgrp;

use super::super::program::{Invocation, NO_FORMAT};
use super::output::Output;
use crate::sync::lock;

/// A variable that marks all processes of one run: the id of this process and the number of the run.
const MARK: &str = "JOBLENS_CREDENTIAL_COMMAND_RUN";
static RUNS: Mutex<StartedProcesses> = Mutex::new(StartedProcesses {
    count: 0,
    running: Vec::new(),
    is_closed: false,
});

/// An incomplete line is shown as a prompt if nothing follows for this long.
const PROMPT_DELAY: Duration = Duration::from_millis(200);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A process that has ended.
pub(super) struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// The reason why a process did not end by itself.
pub(super) enum ProcessError {
    NotStarted(ErrorKind),
    Timeout,
    /// It wrote far more than is kept.
    TooMuchOutput,
}

/// The processes that were started by [`run`].
struct StartedProcesses {
    count: u64,
    running: Vec<ProcessTree>,
    /// Set when no more processes may be started.
    is_closed: bool,
}

/// Runs a process without input. `on_line` receives each line of its standard error while it runs.
///
/// # Errors
/// It cannot be started, or it timed out or wrote too much; then it is killed with all processes that it has
/// started.
pub(super) fn run(
    invocation: &Invocation,
    timeout: Duration,
    on_line: &mut dyn FnMut(&str),
) -> Result<Finished, ProcessError> {
    let started = start(invocation);
    wait_for_exit();
    let (mut child, tree) = started.map_err(ProcessError::NotStarted)?;
    let ran = wait(&mut child, timeout, on_line);
    if ran.is_err() {
        tree.kill();
        // An error means that it has just ended.
        let _ = child.wait();
    }
    wait_for_exit();
    lock(&RUNS).running.retain(|other| *other != tree);
    ran
}

/// Blocks if this process is about to exit, so that it does not exit with the error of a command that was killed
/// for that reason.
fn wait_for_exit() {
    while lock(&RUNS).is_closed {
        thread::park();
    }
}

/// Kills all running processes and prevents new ones, since this process is about to exit.
pub(in crate::credentials) fn end_all() {
    let mut runs = lock(&RUNS);
    runs.is_closed = true;
    runs.running.iter().for_each(ProcessTree::kill);
}

fn start(invocation: &Invocation) -> Result<(Child, ProcessTree), ErrorKind> {
    // The lock ensures that `end_all` also finds a process that is just being started.
    let mut runs = lock(&RUNS);
    if runs.is_closed {
        return Err(ErrorKind::Interrupted);
    }
    runs.count += 1;
    let mark = format!("{}-{}-", id(), runs.count);
    // A process in a separate group could not read from the terminal.
    let has_own_group = !has_terminal();
    let mut command = Command::new(&invocation.program);
    command
        .env(MARK, &mark)
        .args(&invocation.arguments)
        .envs(
            invocation
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .current_dir(&invocation.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if has_own_group {
        command.process_group(0);
    }
    let child = command.spawn().map_err(|error| {
        // The library has no error kind for this error.
        match error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) {
            true => NO_FORMAT,
            false => error.kind(),
        }
    })?;
    let tree = ProcessTree {
        leader: Pid::from_child(&child),
        has_own_group,
        mark,
    };
    runs.running.push(tree.clone());
    Ok((child, tree))
}

fn wait(
    child: &mut Child,
    timeout: Duration,
    on_line: &mut dyn FnMut(&str),
) -> Result<Finished, ProcessError> {
    let not_started = |error: io::Error| ProcessError::NotStarted(error.kind());
    let stdout = Output::read(child.stdout.take()).map_err(not_started)?;
    let stderr = Output::read(child.stderr.take()).map_err(not_started)?;
    let mut stderr = LineReader::new(stderr);
    let deadline = Instant::now() + timeout;
    let status = loop {
        stderr.show_new(on_line);
        let ended = child.try_wait();
        // The process would also block, since nothing reads its output any more.
        if stdout.is_flooded() || stderr.output.is_flooded() {
            return Err(ProcessError::TooMuchOutput);
        }
        match ended {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL_INTERVAL),
            Ok(None) | Err(_) => return Err(ProcessError::Timeout),
        }
    };
    let finished = Finished {
        status,
        stdout: stdout.finish(),
        stderr: stderr.output.finish(),
    };
    stderr.show(&finished.stderr, on_line, true);
    Ok(finished)
}

/// Returns `true` if a user at a terminal can be prompted: this process is in the terminal's foreground.
fn has_terminal() -> bool {
    let terminal = File::open("/dev/tty").ok();
    let group = terminal.and_then(|terminal| tcgetpgrp(terminal).ok());
    group == Some(getpgrp())
}

/// A process and its descendants.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ProcessTree {
    leader: Pid,
    has_own_group: bool,
    /// The value of [`MARK`].
    mark: String,
}

impl ProcessTree {
    fn kill(&self) {
        // While a process executes another program, it briefly has no environment and therefore no mark.
        let _ = kill_process(self.leader, Signal::STOP);
        thread::sleep(EXEC_TIME);
        // Descendants can have left the group, lost their parents, or changed their environment.
        kill_descendants(self.leader);
        if self.has_own_group {
            let _ = kill_process_group(self.leader, Signal::KILL);
        }
        marked(&self.mark).into_iter().for_each(kill_descendants);
    }
}

/// Upper limit of the time that a process needs to execute another program.
const EXEC_TIME: Duration = Duration::from_millis(10);

/// Returns the processes whose mark begins with `mark`, as far as the system lists them.
fn marked(mark: &str) -> Vec<Pid> {
    let variable = format!("{MARK}={mark}");
    let is_marked = |folder: &Path| {
        let environment = fs::read(folder.join("environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|line| line.starts_with(variable.as_bytes()))
    };
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let folders = folders.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        is_marked(&entry.path()).then_some(pid)
    });
    folders.collect()
}

/// Kills a process and its descendants, as far as the system lists them.
fn kill_descendants(pid: Pid) {
    // A stopped process cannot start others.
    let _ = kill_process(pid, Signal::STOP);
    let pid_text = pid.as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{pid_text}/task/{pid_text}/children"));
    let children = children.unwrap_or_default();
    let children = children.split_whitespace();
    children
        .filter_map(|child| Pid::from_raw(child.parse().ok()?))
        .for_each(kill_descendants);
    let _ = kill_process(pid, Signal::KILL);
}

/// Passes on an output line by line.
struct LineReader {
    output: Output,
    /// Number of bytes passed on.
    shown_bytes: usize,
    /// Number of bytes at the last change, and its time.
    last_change: (usize, Instant),
}

impl LineReader {
    fn new(output: Output) -> Self {
        Self {
            output,
            shown_bytes: 0,
            last_change: (0, Instant::now()),
        }
    }

    /// Passes on the complete lines, and an incomplete one that is a prompt.
    fn show_new(&mut self, on_line: &mut dyn FnMut(&str)) {
        let length = lock(&self.output.bytes).len();
        if length == self.shown_bytes {
            return;
        }
        if length > self.last_change.0 {
            self.last_change = (length, Instant::now());
        }
        let is_prompt = self.last_change.1.elapsed() >= PROMPT_DELAY;
        let bytes = lock(&self.output.bytes).clone();
        self.show(&bytes, on_line, is_prompt);
    }

    fn show(&mut self, bytes: &[u8], on_line: &mut dyn FnMut(&str), is_all: bool) {
        let new = &bytes[self.shown_bytes..];
        let end = match is_all {
            true => new.len(),
            false => new
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1),
        };
        let text = String::from_utf8_lossy(&new[..end]);
        let lines = text.split(['\n', '\r']).map(str::trim_end);
        lines.filter(|line| !line.is_empty()).for_each(on_line);
        self.shown_bytes += end;
    }
}

#[cfg(test)]
mod tests {
    use super::super::output::MAX_OUTPUT_BYTES;
    use super::*;

    fn script(text: &str) -> Invocation {
        Invocation {
            program: "/bin/sh".into(),
            arguments: ["-c", text].map(String::from).to_vec(),
            folder: "/".into(),
            environment: Vec::new(),
        }
    }

    #[test]
    fn lines_and_prompts_are_shown_while_the_process_still_runs() {
        let folder = tempfile::tempdir().unwrap();
        let answer = folder.path().join("answer");
        let answer = answer.display();
        // It continues after the test has seen the prompt.
        let prompting = format!(
            "echo 'open https://login.example' >&2; printf 'Code: ' >&2; \
             until test -e {answer}; do sleep 0.01; done; printf 'ok\r\n\n' >&2; echo done"
        );
        let mut lines = Vec::new();
        let mut on_line = |line: &str| {
            lines.push(line.to_owned());
            if line == "Code:" {
                fs::write(folder.path().join("answer"), "").unwrap();
            }
        };
        let ran = run(&script(&prompting), Duration::from_secs(60), &mut on_line);
        let Ok(finished) = ran else { panic!("ended") };
        assert_eq!(finished.stdout, b"done\n");
        assert_eq!(lines, ["open https://login.example", "Code:", "ok"]);
    }

    #[test]
    fn long_output_does_not_block_the_process_and_is_cut() {
        let long = script("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; exit 7");
        let Ok(finished) = run(&long, Duration::from_secs(60), &mut |_| {}) else {
            panic!("ended")
        };
        assert_eq!(finished.status.code(), Some(7));
        assert_eq!(finished.stdout.len(), MAX_OUTPUT_BYTES);
    }

    #[test]
    fn a_process_with_endless_output_is_terminated() {
        for text in ["yes", "yes >&2"] {
            let ran = run(&script(text), Duration::from_secs(600), &mut |_| {});
            assert!(matches!(ran, Err(ProcessError::TooMuchOutput)), "{text}");
        }
    }

    #[test]
    fn all_descendants_of_a_process_are_terminated_with_it() {
        let folder = tempfile::tempdir().unwrap();
        for (name, kill, ends) in [
            ("group", true, "wait"),
            ("tree", false, "wait"),
            ("orphan", false, "exit"),
        ] {
            let pipe = folder.path().join(name);
            let late = format!(
                "(sleep 600 & echo $! > {}; {ends}); wait; sleep 600",
                pipe.display()
            );
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &late]).env(MARK, name);
            if kill {
                command.process_group(0);
            }
            let mut child = command.spawn().unwrap();
            let started = loop {
                let text = fs::read_to_string(&pipe).unwrap_or_default();
                match text.strip_suffix('\n') {
                    Some(pid) => break Pid::from_raw(pid.parse().unwrap()).unwrap(),
                    None => thread::yield_now(),
                }
            };
            let tree = ProcessTree {
                leader: Pid::from_child(&child),
                has_own_group: kill,
                mark: name.to_owned(),
            };
            tree.kill();
            child.wait().unwrap();
            let is_running = || {
                let status = format!("/proc/{}/stat", started.as_raw_nonzero());
                let status = fs::read_to_string(status).unwrap_or_default();
                !status.is_empty() && !status.contains(") Z ")
            };
            let until = Instant::now() + Duration::from_secs(60);
            while is_running() {
                assert!(Instant::now() < until, "{name}");
                thread::yield_now();
            }
        }
    }
}
