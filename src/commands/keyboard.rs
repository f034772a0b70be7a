//! The keys that are pressed while a table is shown.

use std::ffi::CString;
use std::future;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::termios::ttyname;
use tokio::net::unix::pipe;
use tokio::time::sleep;

use super::job_control::{controls_process, is_in_background};
use crate::output::silence_keys;

/// A command in the background looks this often whether it has the terminal back.
const BACKGROUND_INTERVAL: Duration = Duration::from_secs(1);

/// The terminal that keys come from.
///
/// It is opened again: non-blocking mode would otherwise be that of every program on the terminal.
pub(super) struct Keyboard(pipe::Receiver);

impl Keyboard {
    /// The terminal at standard input, or the controlling terminal where that is something else, such
    /// as a list of references; `None` where there is neither.
    pub(super) fn open() -> Option<Self> {
        let stdin = io::stdin();
        let named = stdin
            .is_terminal()
            .then(|| ttyname(&stdin, Vec::new()).ok());
        let controlling = || controls_process(io::stdout()).then(|| c"/dev/tty".to_owned());
        let path: CString = named.flatten().or_else(controlling)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = open(path, flags, Mode::empty()).ok()?;
        // Whatever becomes readable is like a pipe in this.
        pipe::Receiver::from_owned_fd_unchecked(terminal)
            .ok()
            .map(Self)
    }

    /// Takes the keys: they are no longer shown, and each is read at once.
    pub(super) fn take(&self) {
        if !is_in_background(&self.0) {
            // Where the terminal refuses it, keys are shown and `q` needs Enter.
            let _ = silence_keys(&self.0);
        }
    }

    /// Waits for the key `q`; forever once the terminal is gone.
    pub(super) async fn quit(&self) {
        while self.0.readable().await.is_ok() {
            // Keys that are pressed meanwhile are those of another job.
            if is_in_background(&self.0) {
                sleep(BACKGROUND_INTERVAL).await;
                continue;
            }
            let mut keys = [0; 64];
            match self.0.try_read(&mut keys) {
                Ok(0) => break,
                Ok(length) if keys[..length].iter().any(|key| b"qQ".contains(key)) => return,
                Err(error) if !is_temporary(&error) => break,
                Ok(_) | Err(_) => {}
            }
        }
        future::pending().await
    }
}

fn is_temporary(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
