//! The first process of a container, for which signals have no default action.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::{Server, in_parallel, wait_for, wait_until};

/// Options that create a new PID namespace.
const UNSHARE: [&str; 5] = [
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--kill-child",
];

/// Commands that wait for a server that does not respond, or forever.
const COMMANDS: [&[&str]; 8] = [
    &["emulate", "--port", "0"],
    &["get", "aliyun/job/c/1"],
    &["describe", "aliyun/job/c/1"],
    &["events", "aliyun/job/c/1"],
    &["list", "aliyun/job/c"],
    &["doctor", "aliyun"],
    &["wait", "-t", "60s", "aliyun/job/c/1"],
    &["watch", "aliyun/job/c/1"],
];

/// Waits for the only child of a process and returns its id.
fn child_of(id: u32) -> String {
    let path = format!("/proc/{id}/task/{id}/children");
    wait_for("there is a child", || {
        let children = fs::read_to_string(&path).unwrap();
        children.split_whitespace().next().map(str::to_owned)
    })
}

/// Waits until a process handles a signal.
fn wait_for_handler(process: &str, signal: u32) {
    let is_handled = || {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
        mask >> (signal - 1) & 1 == 1
    };
    wait_until("the signal has a handler", is_handled);
}

#[test]
fn every_command_ends_on_a_signal_as_process_1_of_a_container() {
    let can_unshare = Command::new("unshare").args(UNSHARE).arg("true").output();
    if !can_unshare.is_ok_and(|output| output.status.success()) {
        // The system does not allow this user to create namespaces.
        return;
    }
    let silent = Server::start(|_, _, _| thread::sleep(Duration::from_secs(90)));
    let home = tempfile::tempdir().unwrap();
    let signals = [("TERM", 15, 143), ("INT", 2, 130), ("HUP", 1, 143)];
    let cases = COMMANDS.map(|command| signals.map(|signal| (command, signal)));
    in_parallel(cases.concat(), |(command, (name, number, code))| {
        let mut outer = Command::new("unshare")
            .args(UNSHARE)
            .arg(env!("CARGO_BIN_EXE_joblens"))
            .args(command)
            .env_clear()
            .env("HOME", home.path())
            .env("JOBLENS_ALIYUN_ENDPOINT", silent.origin())
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "key")
            .env("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let inner = child_of(outer.id());
        wait_for_handler(&inner, number);
        let sent = Command::new("kill").args(["-s", name, &inner]).status();
        assert!(sent.unwrap().success());
        let ended = outer.wait().unwrap();
        assert_eq!(ended.code(), Some(code), "{command:?} on SIG{name}");
    });
}
