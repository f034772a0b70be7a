use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a request, on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Returns the deadline that is `time` from now.
    pub fn after(time: Duration) -> Self {
        /// Longer than any run, and still representable by the clock.
        const MAX_TIMEOUT: Duration = Duration::from_secs(36_500 * 86_400);
        Self(Instant::now() + time.min(MAX_TIMEOUT))
    }

    /// Returns the time that is left.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
