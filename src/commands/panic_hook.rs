//! Handles a panic: leaves a usable terminal, one line, exit code 5 and no core file.

use std::io;
use std::panic::{self, PanicHookInfo};
use std::process;

use crate::output::{restore_terminal, write_unlocked};

/// The exit code of an internal error.
const INTERNAL_ERROR: i32 = 5;

/// Makes every panic, on any thread, end the process with exit code 5 and one line on stderr. Prevents the
/// kernel from writing the memory of this process, with its secrets, to disk.
pub fn install_panic_hook() {
    forbid_core_files();
    panic::set_hook(Box::new(|info| {
        restore_terminal();
        write_unlocked(&io::stderr(), line(info).as_bytes());
        process::exit(INTERNAL_ERROR);
    }));
}

/// Returns the line about a panic with its location. Includes the message only if it is a literal of the
/// source: a formatted one can contain a secret.
fn line(info: &PanicHookInfo<'_>) -> String {
    let location = info
        .location()
        .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let literal = info.payload().downcast_ref::<&'static str>();
    let message = literal.map_or_else(String::new, |text| format!(": {}", text.replace('\n', " ")));
    format!("error: internal error{location}{message}; please report this bug\n")
}

/// Sets the limit of core files to 0. The kernel ignores this limit if it pipes core files to a program, so on
/// Linux also makes the process non-dumpable.
fn forbid_core_files() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // If the system does not allow this, run the command anyway.
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::OwnedFd;
    use std::process::{Command, Output};
    use std::thread;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};

    use super::*;
    use crate::model::Time;
    use crate::output::{
        Format, Frame, Live, OutputOptions, ReadStatus, RenderContext, ScopeCounts, TerminalSize,
        Zone, silence_keys,
    };

    /// The variable with which a test runs itself in a separate process.
    const CHILD: &str = "JOBLENS_TEST_OF_PANIC_HOOK";

    /// Opens a pseudoterminal: returns its controlling side and the path of its device.
    fn terminal() -> (OwnedFd, String) {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        (controller, name.into_string().unwrap())
    }

    fn device(name: &str) -> File {
        File::options().read(true).write(true).open(name).unwrap()
    }

    /// Runs `test` of this binary again in a separate process, with `value` in the
    /// variable [`CHILD`]. Returns `None` in that process.
    fn in_a_process_of_its_own(test: &str, value: &str) -> Option<Output> {
        if std::env::var_os(CHILD).is_some() {
            return None;
        }
        let name = format!("commands::panic_hook::tests::{test}");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture", "--test-threads=1"])
            .env(CHILD, value)
            .output()
            .unwrap();
        Some(output)
    }

    #[test]
    fn a_panic_on_any_thread_restores_the_terminal_and_exits_5_with_one_line() {
        let (_controller, name) = terminal();
        let terminal = device(&name);
        let Some(output) = in_a_process_of_its_own(
            "a_panic_on_any_thread_restores_the_terminal_and_exits_5_with_one_line",
            &name,
        ) else {
            install_panic_hook();
            let terminal = device(&std::env::var(CHILD).unwrap());
            if silence_keys(&terminal).is_err() {
                process::exit(1);
            }
            let options = OutputOptions {
                format: Format::Table,
                columns: None,
                headers: true,
                query: None,
            };
            let context = RenderContext {
                width: Some(80),
                color: false,
                now: Time::from_unix(1_700_000_000).unwrap(),
                zone: Zone::Utc,
            };
            let frame = Frame {
                jobs: &[],
                read_status: &|_| ReadStatus::Polled,
                row: &|_| unreachable!("there are no jobs"),
                notes: &[],
                scopes: ScopeCounts::default(),
                last_read: None,
                has_keys: false,
            };
            let size = TerminalSize {
                width: 80,
                height: 24,
            };
            Live::new(&options, true).frame(&frame, &context, size);
            let secret = "a-secret-value".to_owned();
            let _ = thread::spawn(move || panic!("refused: {secret}")).join();
            unreachable!("the hook has ended the process");
        };
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let modes = tcgetattr(&terminal).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.starts_with("error: internal error at src/commands/panic_hook.rs:"));
        assert!(!stderr.contains("a-secret-value"), "{stderr}");
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.ends_with("\u{1b}[?25h\u{1b}[?1049l"), "{stdout:?}");
    }

    #[test]
    fn a_literal_message_is_shown_and_an_untouched_terminal_is_not_reset() {
        let Some(output) = in_a_process_of_its_own(
            "a_literal_message_is_shown_and_an_untouched_terminal_is_not_reset",
            "",
        ) else {
            install_panic_hook();
            panic!("a literal");
        };
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.ends_with(": a literal; please report this bug\n"),
            "{stderr}"
        );
        assert!(!output.stdout.contains(&0x1b), "{:?}", output.stdout);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_core_file_is_written() {
        let Some(output) = in_a_process_of_its_own("no_core_file_is_written", "") else {
            install_panic_hook();
            let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
            let core = limits
                .lines()
                .find(|line| line.starts_with("Max core file size"));
            let words: Vec<&str> = core.unwrap().split_whitespace().collect();
            assert_eq!(words[4..6], ["0", "0"]);
            let dumpable = rustix::process::dumpable_behavior().unwrap();
            assert_eq!(dumpable, rustix::process::DumpableBehavior::NotDumpable);
            return;
        };
        assert!(output.status.success(), "{output:?}");
    }
}
