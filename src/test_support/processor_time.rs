//! The processor time of a test, for limits on how its cost grows.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Returns the processor time of this thread, which other processes do not affect; the time of a clock where the system
/// does not report it.
pub fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let report = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = report.split_whitespace().next();
    let nanoseconds = nanoseconds.and_then(|text| text.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
