//! Words of the options, and filters in words.

use glob::Pattern;

use crate::error::{Problem, closest_match};
use crate::gate::state_of_word;
use crate::model::State;
use crate::providers::{self, Filter};

/// # Errors
/// A usage error with the closest word.
pub(super) fn state(word: &str) -> Result<State, Problem> {
    let lower = word.trim().to_ascii_lowercase();
    let known = State::parse(&lower).or_else(|| state_of_word(&lower, providers::kinds()));
    known.ok_or_else(|| {
        let near = closest_match(State::ALL.map(State::as_str), &lower);
        let near = near.map_or_else(String::new, |near| format!("did you mean '{near}'? "));
        let all = State::ALL.map(State::as_str).join(", ");
        Problem::usage(format!("invalid value '{word}' for --state"))
            .with_hint(format!("{near}expected one of: {all}"))
    })
}

/// # Errors
/// A usage error that says what is wrong with the pattern.
pub(super) fn pattern(text: &str) -> Result<Pattern, Problem> {
    Pattern::new(text).map_err(|error| {
        Problem::usage(format!("invalid value '{text}' for --name: {}", error.msg))
            .with_hint("* matches any text, ? one character, [ab] one of several; [[] is a bracket")
    })
}

/// What a filter requests, in words; `None` where everything passes.
pub(super) fn describe_filter(filter: &Filter) -> Option<String> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let states = match filter.states == State::ACTIVE {
        true => Some("active".to_owned()),
        false => (!states.is_empty()).then(|| format!("state {}", states.join(" or "))),
    };
    let part = |name: &str, text: Option<&str>| text.map(|text| format!("{name} {text}"));
    let since = filter.since.as_ref().map(|since| since.time().rfc3339());
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
    fn a_wrong_state_names_the_nearest() {
        assert_eq!(state("Initing").unwrap(), State::Starting);
        let problem = state("runing").unwrap_err();
        assert!(problem.hint.unwrap().starts_with("did you mean 'running'?"));
    }
}
