//! Reads the keys that are pressed while a table is shown.

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

/// How often a command in the background checks whether it has the terminal again.
const BACKGROUND_INTERVAL: Duration = Duration::from_secs(1);

/// The terminal that keys are read from.
///
/// It is opened again, because non-blocking mode would otherwise affect every program on the terminal.
pub(super) struct Keyboard(pipe::Receiver);

impl Keyboard {
    /// Opens the terminal at stdin, or the controlling terminal if stdin is not one (for example a list of
    /// references). Returns `None` if there is neither.
    pub(super) fn open() -> Option<Self> {
        let stdin = io::stdin();
        let named = stdin
            .is_terminal()
            .then(|| ttyname(&stdin, Vec::new()).ok());
        let controlling = || controls_process(io::stdout()).then(|| c"/dev/tty".to_owned());
        let path: CString = named.flatten().or_else(controlling)?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = open(path, flags, Mode::empty()).ok()?;
        // A pipe receiver can poll any descriptor that becomes readable.
        pipe::Receiver::from_owned_fd_unchecked(terminal)
            .ok()
            .map(Self)
    }

    /// Turns off echo and line mode, so that keys are not shown and each is read at once.
    pub(super) fn take(&self) {
        if !is_in_background(&self.0) {
            // If the terminal does not allow it, keys are shown and `q` needs Enter.
            let _ = silence_keys(&self.0);
        }
    }

    /// Waits for the key `q`; forever once the terminal is gone.
    pub(super) async fn quit(&self) {
        while self.0.readable().await.is_ok() {
            // Keys pressed now belong to another job.
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
