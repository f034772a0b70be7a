//! The place of this process among the jobs of a shell.

use std::os::fd::AsFd;

use rustix::process::{Signal, getpgrp, getpid, getsid, kill_process};
use rustix::termios::tcgetpgrp;

/// True while another job has the terminal: who reads from it or changes its modes then is stopped.
pub(super) fn is_in_background(terminal: impl AsFd) -> bool {
    // A terminal that does not control this process does not stop it.
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground != getpgrp())
}

/// True for the terminal that sends its signals to this process.
pub(super) fn controls_process(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok()
}

/// True where a shell can continue this process after it was stopped. A process in the group of the
/// session's leader has no such shell.
pub(super) fn can_be_stopped() -> bool {
    getsid(None).is_ok_and(|leader| leader != getpgrp())
}

/// Stops this process until SIGCONT.
pub(super) fn stop() {
    // A process may always signal itself.
    let _ = kill_process(getpid(), Signal::STOP);
}
