//! Tracks the changes to the terminal, so that they can be reverted from anywhere, even if the thread that made them
//! is blocked or has panicked.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sync::lock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Enters the alternate screen and hides the cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
/// Leaves the alternate screen and shows the cursor.
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";
/// The same, after ending an interrupted frame.
const RESTORE: &[u8] = b"\x1b[?7h\x1b[?2026l\x1b[?25h\x1b[?1049l";
/// A terminal that accepts nothing for this long is left unchanged.
const WRITE_TIMEOUT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// True while the alternate screen is in use.
static IN_ALTERNATE_SCREEN: AtomicBool = AtomicBool::new(false);
/// A terminal, and its modes before they were changed.
static MODES: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// Returns the bytes that enter the alternate screen, which [`restore`] leaves from now on.
pub(super) fn enter_alternate_screen() -> &'static [u8] {
    IN_ALTERNATE_SCREEN.store(true, Ordering::Release);
    ENTER
}

/// Returns the bytes that leave the alternate screen.
pub(super) fn leave_alternate_screen() -> &'static [u8] {
    IN_ALTERNATE_SCREEN.store(false, Ordering::Release);
    LEAVE
}

/// Turns off echo and line mode, until [`restore_modes`] is called.
///
/// # Errors
/// Returns an error if the terminal rejects this, or no file descriptor is free.
pub fn silence_keys(terminal: &impl AsFd) -> io::Result<()> {
    let mut kept = lock(&MODES);
    let mut modes = tcgetattr(terminal)?;
    if kept.is_none() {
        *kept = Some((terminal.as_fd().try_clone_to_owned()?, modes.clone()));
    }
    modes.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    Ok(tcsetattr(terminal, OptionalActions::Now, &modes)?)
}

/// Restores the modes that the terminal had before [`silence_keys`].
pub fn restore_modes() {
    if let Some((terminal, modes)) = lock(&MODES).take() {
        // A closed terminal needs no modes.
        let _ = tcsetattr(terminal, OptionalActions::Now, &modes);
    }
}

/// Leaves the alternate screen, shows the cursor and restores the modes of the terminal, as far as the program
/// changed them. Takes no lock of the standard streams and waits at most 50 ms.
pub fn restore() {
    if IN_ALTERNATE_SCREEN.swap(false, Ordering::AcqRel) {
        write_unlocked(&io::stdout(), RESTORE);
    }
    restore_modes();
}

/// Writes to a stream without its lock and buffer, unless this would block.
pub fn write_unlocked(stream: &impl AsFd, bytes: &[u8]) {
    let mut ready = [PollFd::new(stream, PollFlags::OUT)];
    if poll(&mut ready, Some(&WRITE_TIMEOUT)).is_ok_and(|ready| ready > 0) {
        // The process is exiting, so a failure cannot be reported.
        let _ = rustix::io::write(stream, bytes);
    }
}
