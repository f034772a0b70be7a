//! Parses the words of list options, and describes filters.

use glob::Pattern;

use crate::error::{Problem, comma_hint, near_match};
use crate::gate::states_of_word;
use crate::model::State;
use crate::output::Zone;
use crate::providers::{self, Filter};
use crate::settings::{SettingsFile, invalid_value};

/// Parses a state, given as its name, or as a cloud's word that means one state wherever it is used.
///
/// # Errors
/// Returns a usage error with the closest word, or with the states that the word can mean.
pub(super) fn state(word: &str, file: &SettingsFile) -> Result<State, Problem> {
    let lower = word.trim().to_ascii_lowercase();
    if let Some(state) = State::parse(&lower) {
        return Ok(state);
    }
    let kinds = providers::kinds().map(|kind| (kind, file.states(&kind.to_string())));
    let states = states_of_word(&lower, kinds);
    if let [state] = states[..] {
        return Ok(state);
    }
    let problem = invalid_value("--state", word, "expected a state");
    if let Some(hint) = comma_hint(word) {
        return Err(problem.with_hint(hint));
    }
    if !states.is_empty() {
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        let states = states.join(" or ");
        let hint = format!("'{word}' can mean {states}: use the state that you mean");
        return Err(problem.with_hint(hint));
    }
    let closest = near_match(State::ALL.map(State::as_str), &lower);
    let closest = closest.map_or_else(String::new, |closest| format!("did you mean '{closest}'? "));
    let all = State::ALL.map(State::as_str).join(", ");
    Err(problem.with_hint(format!("{closest}expected one of: {all}")))
}

/// # Errors
/// Returns a usage error that describes the error in the pattern.
pub(super) fn pattern(text: &str) -> Result<Pattern, Problem> {
    Pattern::new(text).map_err(|error| {
        invalid_value("--name", text, error.msg).with_hint(
            "* matches any text, ? one character, [ab] one of several; [[] matches a bracket",
        )
    })
}

/// Returns `true` if a filter can drop rows of any list.
pub(super) fn is_filtered(filter: &Filter) -> bool {
    describe_filter(filter, Zone::Utc).is_some()
}

/// Describes a filter, with times in this zone; `None` if everything matches.
pub(super) fn describe_filter(filter: &Filter, zone: Zone) -> Option<String> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let states = match filter.states == State::ACTIVE {
        true => Some("active".to_owned()),
        false => (!states.is_empty()).then(|| format!("state {}", states.join(" or "))),
    };
    let part = |name: &str, text: Option<&str>| text.map(|text| format!("{name} {text}"));
    let since = filter
        .since
        .as_ref()
        .map(|since| zone.rfc3339(since.time()));
    let parts: Vec<String> = [
        states,
        part("name", filter.name.as_ref().map(Pattern::as_str)),
        part("user", filter.user.as_deref()),
        part("queue", filter.queue.as_deref()),
        part("labels", filter.selector.as_deref()),
        part("since", since.as_deref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_or_ambiguous_state_is_an_error_with_a_suggestion() {
        let state = |word| state(word, &SettingsFile::default());
        assert_eq!(state("Initing").unwrap(), State::Starting);
        let problem = state("runing").unwrap_err();
        assert!(problem.hint.unwrap().starts_with("did you mean 'running'?"));
        for word in ["F", "X", "statC"] {
            let hint = state(word).unwrap_err().hint.unwrap();
            let expected = format!("'{word}' can mean succeeded or failed: ");
            assert!(hint.starts_with(&expected), "{hint}");
        }
    }
}
