use std::fmt;
use std::time::Duration;

use crate::error::Problem;
use crate::model::State;
use crate::settings;

/// What is asked of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// One of these states.
    States(Vec<State>),
    /// Any end.
    Ended,
    /// So much time in which no warning was new.
    NoWarnings(Duration),
}

impl Condition {
    /// Reads `succeeded`, `running,succeeded`, `ended` or `no-warnings=10m`.
    ///
    /// # Errors
    /// A usage error that lists the valid values.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |what: &str| {
            let known = State::ALL
                .map(State::as_str)
                .join(" ")
                .replace(" unknown", "");
            Problem::usage(format!("invalid value '{text}' for --for: {what}")).with_hint(format!(
                "expected one or more of {known}, or ended, or no-warnings=10m"
            ))
        };
        if text.trim() == "ended" {
            return Ok(Self::Ended);
        }
        if text.trim() == "no-warnings" {
            return Err(wrong("a duration is missing").with_hint("use --for no-warnings=10m"));
        }
        if let Some(time) = text.trim().strip_prefix("no-warnings=") {
            return settings::parse_duration("--for no-warnings", time).map(Self::NoWarnings);
        }
        let states = text
            .split(',')
            .map(|word| match State::parse(word.trim()) {
                Some(State::Unknown) | None => Err(wrong(&format!("unknown state '{word}'"))),
                Some(state) => Ok(state),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::States(states))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("ended"),
            Self::NoWarnings(time) => write!(f, "without a new warning for {} s", time.as_secs()),
            Self::States(states) => {
                let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
                f.write_str(&words.join(" or "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_states_ends_and_times_without_warnings() {
        let states = Condition::parse("running, succeeded").unwrap();
        assert_eq!(
            states,
            Condition::States(vec![State::Running, State::Succeeded])
        );
        assert_eq!(Condition::parse("ended").unwrap(), Condition::Ended);
        let quiet = Condition::parse("no-warnings=10m").unwrap();
        assert_eq!(quiet, Condition::NoWarnings(Duration::from_secs(600)));
        for wrong in [
            "",
            "done",
            "unknown",
            "succeeded,",
            "no-warnings",
            "no-warnings=10",
            "ended,failed",
        ] {
            assert!(Condition::parse(wrong).is_err(), "{wrong}");
        }
    }
}
