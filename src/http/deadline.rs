use std::time::Duration;

use tokio::time::Instant;

use crate::error::Problem;

/// The deadline of a request, on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    at: Instant,
    /// True where the caller needs no response by then.
    is_for_details: bool,
}

impl Deadline {
    /// Returns the deadline that is `time` from now.
    pub fn after(time: Duration) -> Self {
        /// Longer than any run, and still representable by the clock.
        const MAX_TIMEOUT: Duration = Duration::from_secs(36_500 * 86_400);
        Self {
            at: Instant::now() + time.min(MAX_TIMEOUT),
            is_for_details: false,
        }
    }

    /// Creates a deadline this much time from now, for a request for details that the caller can do without.
    pub fn for_details(time: Duration) -> Self {
        Self {
            is_for_details: true,
            ..Self::after(time)
        }
    }

    /// Returns the time that is left.
    pub fn remaining(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Returns the error for a request without a response at the deadline, with the next step.
    pub fn exceeded(self, message: &str) -> Problem {
        let problem = Problem::deadline_exceeded(message);
        match self.is_for_details {
            true => problem.with_hint("joblens describe waits longer for it"),
            false => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_a_timeout_depends_on_which_deadline_was_exceeded() {
        let hint = |deadline: Deadline| deadline.exceeded("timed out").hint.unwrap();
        let second = Duration::from_secs(1);
        let (whole, details) = (Deadline::after(2 * second), Deadline::for_details(second));
        let of_details = "joblens describe waits longer for it";
        assert_eq!(hint(whole.min(details)), of_details);
        assert_eq!(hint(whole), "allow more time, or name fewer references");
        let whole = Deadline::after(Duration::ZERO);
        assert_ne!(hint(whole.min(details)), of_details);
    }
}
