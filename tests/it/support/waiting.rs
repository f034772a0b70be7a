use std::thread;
use std::time::{Duration, Instant};

/// Waits until a condition is true.
///
/// # Panics
/// If it is still false after a minute, with `what` was expected.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// Waits until a function returns a value, and returns it.
///
/// # Panics
/// If there is none after a minute, with `what` was expected.
pub fn wait_for<T>(what: &str, mut value: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = value() {
            return value;
        }
        let is_in_time = started.elapsed() < Duration::from_secs(60);
        assert!(is_in_time, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
