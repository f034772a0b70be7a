use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a request, on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// This much time from now.
    pub fn after(time: Duration) -> Self {
        /// Later than any run ends, and still a time that the clock can show.
        const MAX_TIMEOUT: Duration = Duration::from_secs(36_500 * 86_400);
        Self(Instant::now() + time.min(MAX_TIMEOUT))
    }

    /// What is left of it.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
