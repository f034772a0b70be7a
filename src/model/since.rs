use std::fmt;
use std::sync::Arc;

use super::Time;

/// The moment since which something is wanted: a fixed one, or one a duration ago by a clock that may
/// turn out to be wrong.
#[derive(Clone)]
pub struct Since(Arc<dyn Fn() -> Time + Send + Sync>);

impl Since {
    /// A moment that is computed each time it is read.
    pub fn new(read: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The moment, as far as is known now.
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
