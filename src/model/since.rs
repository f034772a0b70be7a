use std::fmt;
use std::sync::Arc;

use super::Time;

/// The time since which data is requested: a fixed time, or a duration before the current time of a clock that may
/// later be corrected.
#[derive(Clone)]
pub struct Since(Arc<dyn Fn() -> Time + Send + Sync>);

impl Since {
    /// Creates a time that is computed on each read.
    pub fn new(read: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Returns the time according to the current knowledge of the clock.
    pub fn time(&self) -> Time {
        (self.0)()
    }
}

impl From<Time> for Since {
    fn from(time: Time) -> Self {
        Self::new(move || time)
    }
}

impl fmt::Debug for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.time(), f)
    }
}
