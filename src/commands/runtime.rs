//! Creates the asynchronous runtime of a command.

use std::fmt::Display;
use std::future::Future;
use std::io::{self, Write as _};
use std::process;
use std::thread::{self, JoinHandle, Scope, ScopedJoinHandle};
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use tokio::runtime::{Builder, Runtime};

use crate::error::io_text;
use crate::output::restore_terminal;

/// The minimum number of files that a run opens at once: outputs, signals, event
/// queue, settings and a connection.
const MIN_OPEN_FILES: u64 = 16;

/// Creates a single-threaded runtime. If the system does not allow it, the process exits with code 5 and prints one line.
pub(super) fn runtime() -> Runtime {
    if let Some(limit) = getrlimit(Resource::Nofile).current
        && limit < MIN_OPEN_FILES
    {
        exit(format!(
            "the limit of {limit} open files is too low; run: ulimit -n 64"
        ));
    }
    let runtime = Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::MAX)
        .build();
    runtime.unwrap_or_else(|error| exit(error))
}

/// Calls `command` on a new thread if the stack limit of the main thread is too low.
pub fn on_sufficient_stack<T: Send + 'static>(command: impl FnOnce() -> T + Send + 'static) -> T {
    const MIN_STACK: u64 = 1 << 20;
    const STACK: usize = 8 << 20;
    let limit = getrlimit(Resource::Stack).current;
    if limit.is_none_or(|limit| limit >= MIN_STACK) {
        return command();
    }
    let thread = thread::Builder::new().stack_size(STACK).spawn(command);
    let ended = thread.unwrap_or_else(|error| no_thread(&error)).join();
    ended.unwrap_or_else(|_| exit("the command was aborted"))
}

/// Spawns a thread. If the system does not allow it, the process exits with code 5 and prints one line.
pub(super) fn spawn_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let thread = thread::Builder::new().spawn(work);
    thread.unwrap_or_else(|error| no_thread(&error))
}

/// Spawns a thread like [`spawn_thread`], which ends with `scope`.
pub(super) fn spawn_scoped_thread<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let thread = thread::Builder::new().spawn_scoped(scope, work);
    thread.unwrap_or_else(|error| no_thread(&error))
}

fn no_thread(error: &io::Error) -> ! {
    restore_terminal();
    exit(format!(
        "no more threads are available ({}); raise the limit of processes or of memory",
        io_text(error)
    ))
}

fn exit(reason: impl Display) -> ! {
    // A closed stderr does not change the exit code.
    let _ = writeln!(io::stderr(), "error: cannot start: {reason}");
    process::exit(5)
}

/// Runs a command to its end. Does not wait for unfinished blocking calls, such as a slow DNS lookup.
pub(super) fn block_on<T>(command: impl Future<Output = T>) -> T {
    let runtime = runtime();
    // A blocking call, such as a DNS lookup, waits for a free thread of the pool, but panics if the pool cannot
    // start its first thread. Start one first, so that this failure is reported.
    drop(spawn_thread(|| {}).join());
    drop(runtime.spawn_blocking(|| {}));
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}
