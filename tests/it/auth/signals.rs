//! Signals also end a running `credential_command`.

use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use super::*;

/// A command that starts another process and prints its id. If only the command is killed, the process continues.
const COMMAND: &str = "sh -c 'sleep 600 & echo $! >&2'; sleep 600";

fn is_running(process: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

#[test]
fn a_signal_ends_a_credential_command_and_its_child_processes() {
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[aliyun.default]\nregion = 'cn-x'\ncredential_command = ['sh', '-c', \"\"\"{COMMAND}\"\"\"]\n"
    ));
    for (arguments, signal, code) in [
        (&["get", JOB] as &[&str], "TERM", 143),
        (&["describe", JOB, "--jq", "."], "HUP", 143),
        (&["wait", JOB], "TERM", 143),
        (&["watch", JOB], "INT", 130),
        (&["logs", JOB], "QUIT", 131),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        let run = sandbox.joblens(arguments).env("PATH", "/usr/bin:/bin");
        let started = run.start(Stdio::piped(), OwnedFd::from(writer));
        let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
        let process = lines.find(|line| line.parse::<u32>().is_ok()).unwrap();
        assert!(is_running(&process), "{arguments:?}");
        started.signal(signal);
        assert_eq!(started.end().code, code, "{arguments:?}");
        // A killed process may need a moment to disappear.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while is_running(&process) {
            assert!(std::time::Instant::now() < until, "{arguments:?}");
            std::thread::yield_now();
        }
    }
}
