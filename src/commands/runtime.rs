//! The asynchronous runtime of a command.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

/// A runtime on the one thread that this process needs.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the operating system gives an event queue")
}

/// Runs a command to its end. What still hangs in a name server's answer then is left behind.
pub(super) fn block_on<T>(command: impl Future<Output = T>) -> T {
    let runtime = runtime();
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}
