//! What the program changed on the terminal, so that it can be undone from anywhere, even while the
//! thread that changed it is stuck or has panicked.

use std::io;
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sync::lock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcsetattr};

/// To the alternate screen, with the cursor hidden.
pub(super) const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l";
/// Back to the normal screen, with the cursor. The frame that was interrupted ends first.
const RESTORE: &[u8] = b"\x1b[?2026l\x1b[?25h\x1b[?1049l";
/// A terminal that accepts nothing for so long is left as it is.
const WRITE_TIMEOUT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// True while the alternate screen is in use.
static IN_ALTERNATE_SCREEN: AtomicBool = AtomicBool::new(false);
/// The modes of the terminal at stderr before they were changed.
static MODES: Mutex<Option<Termios>> = Mutex::new(None);

/// Remembers that the alternate screen is entered.
pub(super) fn entered_alternate_screen() {
    IN_ALTERNATE_SCREEN.store(true, Ordering::Release);
}

/// Remembers that the alternate screen is left.
pub(super) fn left_alternate_screen() {
    IN_ALTERNATE_SCREEN.store(false, Ordering::Release);
}

/// Remembers the modes of the terminal at stderr; they are set again by [`restore_modes`].
pub(super) fn keep_modes(modes: Termios) {
    *lock(&MODES) = Some(modes);
}

/// Sets the modes that were kept; true if there were any.
pub(super) fn restore_modes() -> bool {
    let Some(modes) = lock(&MODES).take() else {
        return false;
    };
    // A terminal that is gone needs no modes.
    let _ = tcsetattr(io::stderr(), OptionalActions::Now, &modes);
    true
}

/// Leaves the alternate screen, shows the cursor and sets the modes of the terminal again, as far as
/// the program changed them. Takes no lock of the standard streams and waits 50 ms at most.
pub fn restore() {
    if IN_ALTERNATE_SCREEN.swap(false, Ordering::AcqRel) {
        write_unlocked(&io::stdout(), RESTORE);
    }
    if restore_modes() {
        // The cursor stands at the end of a line that was being drawn.
        write_unlocked(&io::stderr(), b"\r\n");
    }
}

/// Writes to a stream past its lock and buffer, unless that would block.
pub fn write_unlocked(stream: &impl AsFd, bytes: &[u8]) {
    let mut ready = [PollFd::new(stream, PollFlags::OUT)];
    if poll(&mut ready, Some(&WRITE_TIMEOUT)).is_ok_and(|ready| ready > 0) {
        // The process is about to end, and nobody is left to report a failure to.
        let _ = rustix::io::write(stream, bytes);
    }
}
