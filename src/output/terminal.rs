//! What the program changed on the terminal, so that it can be undone from anywhere, even while the
//! thread that changed it is stuck or has panicked.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sync::lock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// To the alternate screen, with the cursor hidden.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
/// Back to what was there before, with the cursor.
const LEAVE: &[u8] = b"\x1b[?25h\x1b[?1049l";
/// The same. The frame that was interrupted ends first.
const RESTORE: &[u8] = b"\x1b[?7h\x1b[?2026l\x1b[?25h\x1b[?1049l";
/// A terminal that accepts nothing for this long is left as it is.
const WRITE_TIMEOUT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// True while the alternate screen is in use.
static IN_ALTERNATE_SCREEN: AtomicBool = AtomicBool::new(false);
/// A terminal and its modes before they were changed.
static MODES: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// The bytes that enter the alternate screen, which [`restore`] leaves from now on.
pub(super) fn enter_alternate_screen() -> &'static [u8] {
    IN_ALTERNATE_SCREEN.store(true, Ordering::Release);
    ENTER
}

/// The bytes that leave the alternate screen.
pub(super) fn leave_alternate_screen() -> &'static [u8] {
    IN_ALTERNATE_SCREEN.store(false, Ordering::Release);
    LEAVE
}

/// Makes a terminal pass on each key at once and show none of them, until [`restore_modes`].
///
/// # Errors
/// The terminal refuses it, or no descriptor is left.
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

/// Sets the modes again that the terminal had before [`silence_keys`].
pub fn restore_modes() {
    if let Some((terminal, modes)) = lock(&MODES).take() {
        // A terminal that is gone needs no modes.
        let _ = tcsetattr(terminal, OptionalActions::Now, &modes);
    }
}

/// Leaves the alternate screen, shows the cursor and sets the modes of the terminal again, as far as
/// the program changed them. Takes no lock of the standard streams and waits 50 ms at most.
pub fn restore() {
    if IN_ALTERNATE_SCREEN.swap(false, Ordering::AcqRel) {
        write_unlocked(&io::stdout(), RESTORE);
    }
    restore_modes();
}

/// Writes to a stream past its lock and buffer, unless that would block.
pub fn write_unlocked(stream: &impl AsFd, bytes: &[u8]) {
    let mut ready = [PollFd::new(stream, PollFlags::OUT)];
    if poll(&mut ready, Some(&WRITE_TIMEOUT)).is_ok_and(|ready| ready > 0) {
        // The process is exiting; there is nowhere to report a failure.
        let _ = rustix::io::write(stream, bytes);
    }
}
