//! The asynchronous runtime of a command.

use std::fmt::Display;
use std::future::Future;
use std::io::{self, Write as _};
use std::process;
use std::thread;

use rustix::process::{Resource, getrlimit};
use tokio::runtime::{Builder, Runtime};

/// Files that a run opens at once at least: outputs, signals, event queue, settings and a connection.
const MIN_OPEN_FILES: u64 = 16;

/// A runtime on the one thread that this process needs. Where the system gives none, the process ends
/// with exit code 5 and one line.
pub(super) fn runtime() -> Runtime {
    if let Some(limit) = getrlimit(Resource::Nofile).current
        && limit < MIN_OPEN_FILES
    {
        exit(format!(
            "the limit of {limit} open files is too low; run: ulimit -n 64"
        ));
    }
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap_or_else(|error| exit(error))
}

/// Calls `command` on a thread of its own where the limit of the first one's stack is too low.
pub fn on_sufficient_stack<T: Send + 'static>(command: impl FnOnce() -> T + Send + 'static) -> T {
    const MIN_STACK: u64 = 1 << 20;
    const STACK: usize = 8 << 20;
    let limit = getrlimit(Resource::Stack).current;
    if limit.is_none_or(|limit| limit >= MIN_STACK) {
        return command();
    }
    let thread = thread::Builder::new().stack_size(STACK).spawn(command);
    let ended = thread.unwrap_or_else(|error| exit(error)).join();
    ended.unwrap_or_else(|_| exit("the command was aborted"))
}

fn exit(reason: impl Display) -> ! {
    // Standard error that is gone changes no exit code.
    let _ = writeln!(io::stderr(), "error: cannot start: {reason}");
    process::exit(5)
}

/// Runs a command to its end. What still hangs in a name server's answer then is left behind.
pub(super) fn block_on<T>(command: impl Future<Output = T>) -> T {
    let runtime = runtime();
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}
