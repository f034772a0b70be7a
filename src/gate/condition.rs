use std::fmt;
use std::time::Duration;

use crate::error::{Problem, comma_hint, near_match};
use crate::kind::Kind;
use crate::model::State;
use crate::secret::quotable;
use crate::settings;

/// The condition that a job has to meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The job reaches one of these states.
    States(Vec<State>),
    /// The job ends in any state.
    Ended,
    /// No new warning occurs for this long.
    NoWarnings(Duration),
}

impl Condition {
    /// Returns `true` if the condition depends on warnings.
    pub fn needs_events(&self) -> bool {
        matches!(self, Self::NoWarnings(_))
    }

    /// Returns the time without a new warning to wait for, if the condition depends on warnings.
    pub fn warning_free_time(&self) -> Option<Duration> {
        match self {
            Self::NoWarnings(time) => Some(*time),
            Self::States(_) | Self::Ended => None,
        }
    }

    /// Parses `succeeded`, `running,succeeded`, `ended` or `no-warnings=10m`, in any case. A state can also be given
    /// as the word that one of `kinds` uses for it, or that the config file maps to it.
    ///
    /// # Errors
    /// Returns a usage error that lists the valid values.
    pub fn parse(text: &str, kinds: &[KindWords<'_>]) -> Result<Self, Problem> {
        let lower = text.trim().to_ascii_lowercase();
        if lower == "ended" {
            return Ok(Self::Ended);
        }
        if lower == "no-warnings" {
            return Err(
                invalid(text, "a duration is missing").with_hint("use --for no-warnings=10m")
            );
        }
        if let Some(time) = lower.strip_prefix("no-warnings=") {
            return settings::parse_duration("--for no-warnings", time).map(Self::NoWarnings);
        }
        let words = text.split(',');
        let states = words.map(|word| parse_state(text, word.trim(), kinds));
        states.collect::<Result<_, _>>().map(Self::States)
    }
}

/// The reason for which the state `unknown` is rejected.
const UNKNOWN: &str = "cannot wait for the state unknown";

/// A kind, with the words of the config file and their states.
pub type KindWords<'a> = (&'static Kind, &'a [(String, State)]);

fn invalid(text: &str, reason: &str) -> Problem {
    let states = State::ALL.iter().filter(|one| **one != State::Unknown);
    let known: Vec<&str> = states.map(|state| state.as_str()).collect();
    settings::invalid_value("--for", text, reason).with_hint(format!(
        "expected states ({}, or those of the cloud), ended, or no-warnings=10m",
        known.join(", ")
    ))
}

/// Parses a state, given as its name or as the word of a kind for it.
fn parse_state(text: &str, word: &str, kinds: &[KindWords<'_>]) -> Result<State, Problem> {
    match State::parse(&word.to_ascii_lowercase()) {
        Some(State::Unknown) => return Err(invalid(text, UNKNOWN)),
        Some(state) => return Ok(state),
        None => {}
    }
    let readings = kinds.iter().flat_map(|(kind, own)| {
        let states = readings(kind, own, word).into_iter();
        states.map(move |state| (kind, state))
    });
    let readings: Vec<_> = readings.collect();
    match &readings[..] {
        [] if word.eq_ignore_ascii_case("ended") => Err(invalid(
            text,
            "ended includes every final state and cannot be combined with states",
        )),
        [] if word.to_ascii_lowercase().starts_with("no-warnings") => {
            Err(invalid(text, "no-warnings cannot be combined with states"))
        }
        [] => Err(unknown_state(text, word)),
        [(_, State::Unknown), ..] => Err(invalid(text, UNKNOWN)),
        [(_, first), rest @ ..] if rest.iter().all(|(_, state)| state == first) => Ok(*first),
        _ => {
            let readings = readings
                .iter()
                .map(|(kind, state)| format!("{state} ({kind})"));
            let readings: Vec<String> = readings.collect();
            let reason = format!("'{word}' can mean {}", readings.join(" or "));
            Err(invalid(text, &reason).with_hint("use the state, or ended for any end"))
        }
    }
}

fn unknown_state(text: &str, word: &str) -> Problem {
    let problem = invalid(text, &format!("unknown state '{}'", quotable(word)));
    if let Some(hint) = comma_hint(text) {
        return problem.with_hint(hint);
    }
    let lower = word.to_ascii_lowercase();
    let states = State::ALL.iter().map(|state| state.as_str());
    let known = problem.hint.as_deref().unwrap_or_default();
    // Accept kubectl's form, with or without `condition=`.
    let name = lower.strip_prefix("condition=").unwrap_or(&lower);
    let hint = match name {
        // These words could include failed jobs, so they are rejected: a gate must not pass for a failed job by
        // mistake.
        "done" | "finished" | "complete" | "completed" | "success" | "successful" | "ok" => {
            format!("did you mean 'succeeded'? 'ended' also accepts failed jobs; {known}")
        }
        name => match near_match(states.chain(["ended"]), name) {
            Some(closest) => format!("did you mean '{closest}'? {known}"),
            None => return problem,
        },
    };
    problem.with_hint(hint)
}

/// Returns the states that a word means in these kinds, without duplicates.
pub fn states_of_word<'a>(word: &str, kinds: impl Iterator<Item = KindWords<'a>>) -> Vec<State> {
    let mut states = Vec::new();
    for state in kinds.flat_map(|(kind, own)| readings(kind, own, word)) {
        if !states.contains(&state) {
            states.push(state);
        }
    }
    states
}

/// Returns what a kind's word for the state of a job can mean, ignoring case: one state, several if the word does
/// not show how the job ended, or none for an unknown word. `own` are the words of the config file, which do not
/// replace those of the kind.
fn readings(kind: &Kind, own: &[(String, State)], word: &str) -> Vec<State> {
    let is_word = |known: &str| known.eq_ignore_ascii_case(word);
    let Some(table) = kind.states.first() else {
        return Vec::new();
    };
    if table.outcome_rules.iter().any(|rule| is_word(rule.word)) {
        return vec![State::Succeeded, State::Failed];
    }
    let known = table.map.iter().find(|(known, _)| is_word(known));
    let mut own = own.iter().filter(|_| table.allows_user_states);
    let own = own.find(|(own, _)| is_word(own.trim()));
    let own = own.map(|(_, state)| *state);
    let known = known.map(|(_, state)| *state);
    known.or(own).into_iter().collect()
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
        let states = Condition::parse("Running, SUCCEEDED", &[]).unwrap();
        assert_eq!(
            states,
            Condition::States(vec![State::Running, State::Succeeded])
        );
        assert_eq!(Condition::parse("Ended", &[]).unwrap(), Condition::Ended);
        let time = Condition::parse("no-warnings=10m", &[]).unwrap();
        assert_eq!(time, Condition::NoWarnings(Duration::from_secs(600)));
        for wrong in [
            "",
            "done",
            "unknown",
            "succeeded,",
            "no-warnings",
            "no-warnings=10",
            "ended,failed",
            "running，succeeded",
        ] {
            assert!(Condition::parse(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_comma_of_another_keyboard_layout_is_corrected() {
        let problem = Condition::parse("running，succeeded", &[]).unwrap_err();
        let hint = "did you mean 'running,succeeded'? values are separated by ','";
        assert_eq!(problem.hint.as_deref(), Some(hint));
    }

    #[test]
    fn a_state_is_suggested_only_for_a_similar_word() {
        let suggested = |word: &str| {
            let hint = Condition::parse(word, &[]).unwrap_err().hint.unwrap();
            hint.split('\'').nth(1).map(str::to_owned)
        };
        for (word, state) in [
            ("suceeded", "succeeded"),
            ("runing", "running"),
            ("cancelled", "canceled"),
            ("faild", "failed"),
            ("pend", "pending"),
        ] {
            assert_eq!(suggested(word).as_deref(), Some(state), "{word}");
        }
        for word in ["suspended", "unloaded", "receded", "fixed", "added"] {
            assert_eq!(suggested(word), None, "{word}");
        }
    }

    #[test]
    fn other_words_for_success_are_an_error_with_a_hint() {
        for word in ["done", "Completed", "success", "condition=complete"] {
            let hint = Condition::parse(word, &[]).unwrap_err().hint.unwrap();
            assert!(hint.starts_with("did you mean 'succeeded'?"), "{hint}");
        }
    }
}
