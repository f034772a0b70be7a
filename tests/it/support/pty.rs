//! A pseudo terminal, as CI systems that run steps on one give it, and an interactive shell on one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Text that a terminal got so far.
type Shown = Arc<(Mutex<Vec<u8>>, Condvar)>;

/// A pseudo terminal of 24 rows and 100 columns.
pub struct Terminal {
    /// What a program gets as its input and outputs.
    pub user: File,
    controller: File,
    reader: JoinHandle<()>,
    shown: Shown,
}

impl Terminal {
    pub fn open() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let controller = openpt(flags).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let name = name.into_string().unwrap();
        let user = File::options().read(true).write(true).open(name).unwrap();
        let controller = File::from(controller);
        let mut output = controller.try_clone().unwrap();
        let shown: Shown = Arc::default();
        let shared = Arc::clone(&shown);
        let reader = thread::spawn(move || {
            let mut part = [0; 4096];
            // The last program that closes the terminal makes this fail.
            while let Ok(length @ 1..) = output.read(&mut part) {
                shared.0.lock().unwrap().extend_from_slice(&part[..length]);
                shared.1.notify_all();
            }
        });
        let terminal = Self {
            user,
            controller,
            reader,
            shown,
        };
        terminal.resize(24, 100);
        terminal
    }

    /// Gives the terminal another size.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&self.controller, size).unwrap();
    }

    /// Presses keys.
    pub fn press(&self, keys: &str) {
        (&self.controller).write_all(keys.as_bytes()).unwrap();
    }

    /// What was written so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.shown.0.lock().unwrap()).into_owned()
    }

    /// Waits until this text was written.
    pub fn wait_for(&self, text: &str) {
        self.wait_for_after(0, text);
    }

    /// Waits until this text was written after this many bytes; returns the bytes up to its end.
    pub fn wait_for_after(&self, start: usize, text: &str) -> usize {
        let (shown, changed) = &*self.shown;
        let end = |shown: &[u8]| {
            let mut places = shown[start..].windows(text.len());
            let place = places.position(|part| part == text.as_bytes());
            place.map(|place| start + place + text.len())
        };
        let shown = shown.lock().unwrap();
        let limit = Duration::from_secs(60);
        let (shown, waited) = changed
            .wait_timeout_while(shown, limit, |shown| end(shown).is_none())
            .unwrap();
        let text = String::from_utf8_lossy(&shown);
        assert!(!waited.timed_out(), "{text:?}");
        end(&shown).unwrap()
    }

    /// All that was written, once every program has closed the terminal.
    pub fn shown(self) -> String {
        drop(self.user);
        self.reader.join().unwrap();
        let shown = self.shown.0.lock().unwrap();
        String::from_utf8(shown.clone()).unwrap()
    }
}

/// An interactive shell with job control on a terminal of its own.
pub struct Shell {
    pub terminal: Terminal,
    shell: Child,
    _home: tempfile::TempDir,
}

/// What the shell prints when it waits for a command.
const PROMPT: &str = "ready> ";

impl Shell {
    /// Starts bash in this environment; `joblens` is the binary.
    pub fn start(environment: &[(String, String)]) -> Self {
        let terminal = Terminal::open();
        let home = tempfile::tempdir().unwrap();
        let binary = env!("CARGO_BIN_EXE_joblens");
        std::os::unix::fs::symlink(binary, home.path().join("joblens")).unwrap();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", home.path().display());
        let device = || terminal.user.try_clone().unwrap();
        // setsid makes the terminal the controlling one, which only a shell's own process can do.
        let shell = Command::new("setsid")
            .args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "-i"])
            .env_clear()
            .env("PATH", path)
            .env("HOME", home.path())
            .env("TERM", "xterm")
            .env("INPUTRC", "/dev/null")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(device())
            .stdout(device())
            .stderr(device())
            .spawn()
            .unwrap();
        let shell = Self {
            terminal,
            shell,
            _home: home,
        };
        // The prompt is in two parts, so that it is not found in the line that sets it.
        shell.enter("bind 'set enable-bracketed-paste off'; PS1='rea''dy> '");
        shell
    }

    /// Runs a command to its end, or until it is stopped; returns what was written meanwhile.
    pub fn enter(&self, command: &str) -> String {
        let start = self.type_line(command);
        self.prompt_after(start)
    }

    /// Enters a command; returns the bytes that were written before.
    pub fn type_line(&self, command: &str) -> usize {
        let start = self.terminal.so_far().len();
        self.terminal.press(&format!("{command}\r"));
        start
    }

    /// Waits for the prompt; returns what was written after this many bytes.
    pub fn prompt_after(&self, start: usize) -> String {
        let end = self.terminal.wait_for_after(start, PROMPT);
        self.terminal.so_far()[start..end].to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // A test that has failed must not leave a shell behind.
        self.terminal.press("\u{3}\rkill -9 %1 2>/dev/null; exit\r");
        if thread::panicking() {
            let _ = self.shell.kill();
        }
        let _ = self.shell.wait();
    }
}
