//! The exit codes of all commands.

/// A request failed, or the output is lost.
pub const SERVICE: u8 = 5;
/// Ended by SIGINT. Like the next ones, 128 and the number of the signal, as of shells.
pub const INTERRUPTED: u8 = 130;
/// Ended by SIGQUIT, which no report shows.
pub const QUIT: u8 = 131;
/// Ended by SIGTERM or SIGHUP.
pub const TERMINATED: u8 = 143;
