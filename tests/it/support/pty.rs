//! A pseudo terminal, like that of CI systems that run steps on one, and an interactive shell on it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// The text that a terminal has received so far.
type Shown = Arc<(Mutex<Vec<u8>>, Condvar)>;

/// A pseudo terminal of 24 rows and 100 columns.
pub struct Terminal {
    /// Input and outputs for a program.
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
            // Reading fails when the last program closes the terminal.
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

    /// Resizes the terminal.
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

    /// Returns the text written so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.shown.0.lock().unwrap()).into_owned()
    }

    /// Waits until this text was written.
    pub fn wait_for(&self, text: &str) {
        self.wait_for_after(0, text);
    }

    /// Waits until this text was written after the first `start` bytes; returns the position of its end.
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

    /// Returns the whole text after every program has closed the terminal.
    pub fn shown(self) -> String {
        drop(self.user);
        self.reader.join().unwrap();
        let shown = self.shown.0.lock().unwrap();
        String::from_utf8(shown.clone()).unwrap()
    }
}

/// An interactive shell with job control on its own terminal.
pub struct Shell {
    pub terminal: Terminal,
    shell: Child,
    _home: tempfile::TempDir,
}

/// The prompt of the shell.
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
        // setsid makes the terminal the controlling terminal, which only a session leader can do.
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
        // The prompt is split, so that the line that sets it does not contain it.
        shell.enter("bind 'set enable-bracketed-paste off'; PS1='rea''dy> '");
        shell
    }

    /// Runs a command until it ends or is stopped; returns its output.
    pub fn enter(&self, command: &str) -> String {
        let start = self.type_line(command);
        self.prompt_after(start)
    }

    /// Types a command; returns the number of bytes written before.
    pub fn type_line(&self, command: &str) -> usize {
        let start = self.terminal.so_far().len();
        self.terminal.press(&format!("{command}\r"));
        start
    }

    /// Waits for the prompt; returns the text after the first `start` bytes.
    pub fn prompt_after(&self, start: usize) -> String {
        let end = self.terminal.wait_for_after(start, PROMPT);
        self.terminal.so_far()[start..end].to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // A failed test must not leave a running shell.
        self.terminal.press("\u{3}\rkill -9 %1 2>/dev/null; exit\r");
        if thread::panicking() {
            let _ = self.shell.kill();
        }
        let _ = self.shell.wait();
    }
}
