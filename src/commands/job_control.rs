//! Job control: this process as a job of a shell.

use std::os::fd::AsFd;

use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::tcgetpgrp;

/// Returns `true` if another job has the terminal. A process that then reads from it or
/// changes its modes is stopped.
pub(super) fn is_in_background(terminal: impl AsFd) -> bool {
    // A terminal that is not the controlling one does not stop the process.
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground != getpgrp())
}

/// Returns `true` if this is the controlling terminal, whose signals this process receives.
pub(super) fn controls_process(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok()
}

/// Returns `true` if a shell can continue this process after it was stopped. No such shell exists for a process
/// in the process group of the session leader.
pub(super) fn can_be_stopped() -> bool {
    getsid(None).is_ok_and(|leader| leader != getpgrp())
}

/// Stops this process until SIGCONT.
pub(super) fn stop() {
    // A process can always send signals to itself.
    let _ = kill_process(getpid(), Signal::STOP);
}
