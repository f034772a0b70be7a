//! Maps the state words of clouds to the states of the model.

mod failure_words;
mod success;

use std::fmt::Display;

use crate::error::Problem;
use crate::kind::{StateTable, StateWords};
use crate::model::{Job, Notice, NoticeCode, State, Task};
use crate::secret::quotable;
use crate::settings::Settings;

pub(super) use failure_words::describes_failure;
pub(super) use success::{
    FailureCause, confirm_success, confirm_success_unless, contradict, describes_success, failure,
    failure_text, is_failure_code, is_permanent, leave_unread, mark_unknown_if_unread,
};

/// The outcome of a job or task whose state word does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitOutcome {
    /// All exit codes are 0.
    Succeeded,
    /// An exit code is not 0.
    Failed,
    /// The exit codes cannot be read.
    Unknown,
}

impl ExitOutcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::Unknown];

    /// Returns the outcome for one exit code.
    pub fn from_exit_code(exit_code: Option<i64>) -> Self {
        match exit_code {
            Some(0) => Self::Succeeded,
            Some(_) => Self::Failed,
            None => Self::Unknown,
        }
    }

    /// Returns the state for the outcome.
    pub fn state(self) -> State {
        match self {
            Self::Succeeded => State::Succeeded,
            Self::Failed => State::Failed,
            Self::Unknown => State::Unknown,
        }
    }
}

/// The meaning of a state word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalizedState {
    /// Normalised state.
    pub state: State,
    /// The word, trimmed; `None` if there was no word.
    pub raw: Option<String>,
    /// True if the state cannot change by itself any more.
    pub ended: bool,
    /// False for a word that is neither in the cloud's table nor among the user's states.
    pub is_recognized: bool,
}

impl NormalizedState {
    /// Returns the notice about a word that is not recognized. `source` is what has the word, such as `aliyun/job`.
    pub fn unknown_state_notice(&self, source: impl Display) -> Option<Notice> {
        let raw = self.raw.as_deref().filter(|_| !self.is_recognized)?;
        let message = unknown_word(raw, source);
        Some(Notice::new(NoticeCode::UnknownState, message))
    }

    /// Sets the state of a job.
    pub fn apply_to(self, job: &mut Job) {
        job.state = self.state;
        job.state_raw = self.raw;
        job.ended = self.ended;
    }

    /// Returns the job with this state.
    pub fn into_job(self, mut job: Job) -> Job {
        self.apply_to(&mut job);
        job
    }

    /// Creates a task with this state and no other fields.
    pub fn into_task(self) -> Task {
        Task {
            state: self.state,
            state_raw: self.raw,
            ended: self.ended,
            ..Task::default()
        }
    }
}

/// Returns the message of a job that ended with a word that does not show the outcome. The word can be empty.
pub fn without_outcome(word: &str) -> String {
    let word = if word.is_empty() {
        "an empty state"
    } else {
        word
    };
    format!("{word} does not show whether the job succeeded")
}

/// Maps a word to a state, ignoring case and surrounding white space.
///
/// `user_states` are the user's states from the config file, for words that the table does not contain. A word in
/// neither of them has the state `unknown`, keeps its spelling and has not ended.
pub fn normalize(
    table: StateWords,
    user_states: &[(String, State)],
    word: Option<&str>,
) -> NormalizedState {
    let Some(raw) = word.map(str::trim).filter(|word| !word.is_empty()) else {
        return NormalizedState {
            state: State::Unknown,
            raw: None,
            ended: false,
            is_recognized: true,
        };
    };
    let known = table
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(raw))
        .map(|(_, state)| *state);
    let state = known.or_else(|| {
        user_states
            .iter()
            .find(|(word, _)| word.trim().eq_ignore_ascii_case(raw))
            .map(|(_, state)| *state)
    });
    let is_recognized = state.is_some();
    let state = state.unwrap_or_default();
    NormalizedState {
        state,
        raw: Some(raw.to_owned()),
        ended: state.is_end(),
        is_recognized,
    }
}

/// Returns the message about a word that is not recognized. The word is shown completely or not at all, because a part
/// of a secret would not be masked.
fn unknown_word(raw: &str, source: impl Display) -> String {
    const MAX_CHARS: usize = 60;
    match raw.chars().count() {
        count if count > MAX_CHARS => {
            format!("unrecognized state of {count} characters from {source}; shown as unknown")
        }
        _ => {
            format!("unrecognized state '{raw}' from {source}; shown as unknown")
        }
    }
}

/// Returns `true` for a word that a cloud is known to use for a state or for the level of an event.
pub fn is_known_word(word: &str) -> bool {
    let is_state = || {
        let tables = super::kinds().flat_map(|kind| kind.states);
        let mut words = tables.flat_map(|table| table.map);
        words.any(|(known, _)| known.eq_ignore_ascii_case(word))
    };
    crate::model::Level::parse(word).is_some() || is_state()
}

/// Checks that the words in the config file are not already in joblens' own tables.
///
/// # Errors
/// `usage` for a word whose state is already known, so that the config file would have no effect.
pub fn check_user_states(settings: &Settings) -> Result<(), Problem> {
    for kind in super::kinds() {
        let name = kind.to_string();
        let tables = || kind.states.iter().filter(|table| table.allows_user_states);
        for (word, _) in settings.file().states(&name) {
            let same = |known: &&str| known.eq_ignore_ascii_case(word.trim());
            let contains = |table: &StateTable| table.map.iter().any(|(known, _)| same(known));
            if tables().next().is_some() && tables().all(contains) {
                let position = settings.file().state_position(&name, word);
                let message = format!(
                    "{position}: [states.\"{name}\"]: '{}' is already recognized",
                    quotable(word)
                );
                let hint = format!("remove it from the config file; see: joblens states {name}");
                return Err(Problem::usage(message).with_hint(hint));
            }
        }
    }
    Ok(())
}

/// Returns the cloud's words for the requested states; empty if a word that the table does not contain may mean
/// one of them.
///
/// `user_states` are the user's states from the config file.
pub fn words_for(
    table: StateWords,
    user_states: &[(String, State)],
    requested: &[State],
) -> Vec<&'static str> {
    let has_user_word = user_states
        .iter()
        .any(|(_, state)| requested.contains(state));
    if has_user_word || requested.contains(&State::Unknown) {
        return Vec::new();
    }
    let words = table.iter().filter(|(_, state)| requested.contains(state));
    words.map(|(word, _)| *word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Filter;

    #[test]
    fn a_single_state_word_is_requested_only_if_no_other_word_matches() {
        let user_states = [("Suspended".to_owned(), State::Stopping)];
        let word = |requested: &[State]| {
            let filter = Filter {
                states: requested.to_vec(),
                ..Filter::default()
            };
            filter.single_state_word(TABLE, &user_states)
        };
        assert_eq!(word(&[State::Running]), Some("Running"));
        assert_eq!(word(&[State::Running, State::Pending]), Some("Running"));
        assert_eq!(word(&[State::Running, State::Failed]), None);
        assert_eq!(word(&[State::Running, State::Stopping]), None);
        assert_eq!(word(&[State::Running, State::Unknown]), None);
        assert_eq!(word(&[State::Pending]), None);
        assert_eq!(word(&[]), None);
    }

    #[test]
    fn a_filter_for_failed_jobs_also_requests_the_succeeded_words() {
        const TABLE: StateWords = &[
            ("Done", State::Succeeded),
            ("Failed", State::Failed),
            ("Stopped", State::Canceled),
        ];
        let words = |state| {
            let filter = Filter {
                states: vec![state],
                ..Filter::default()
            };
            filter.state_words(TABLE, &[])
        };
        assert_eq!(words(State::Failed), Some(vec!["Done", "Failed"]));
        assert_eq!(words(State::Succeeded), Some(vec!["Done"]));
        assert_eq!(words(State::Canceled), Some(vec!["Stopped"]));
    }

    const TABLE: StateWords = &[("Running", State::Running), ("Failed", State::Failed)];

    fn state(word: &str) -> NormalizedState {
        let user_states = [
            ("Suspended".to_owned(), State::Stopping),
            ("failed".to_owned(), State::Running),
        ];
        normalize(TABLE, &user_states, Some(word))
    }

    #[test]
    fn state_words_ignore_case_and_white_space() {
        let state = state(" RUNNING\n");
        assert_eq!(state.state, State::Running);
        assert_eq!(state.raw.as_deref(), Some("RUNNING"));
        assert_eq!(state.unknown_state_notice("aliyun/job"), None);
    }

    #[test]
    fn an_unknown_state_word_is_kept() {
        let state = state("Zombie");
        assert_eq!((state.state, state.ended), (State::Unknown, false));
        assert_eq!(state.raw.as_deref(), Some("Zombie"));
        let notice = state.unknown_state_notice("aliyun/job").unwrap();
        assert_eq!(notice.code.as_str(), "unknown_state");
    }

    #[test]
    fn user_state_words_do_not_override_the_table() {
        assert_eq!(state("suspended").state, State::Stopping);
        assert_eq!(state("Failed").state, State::Failed);
    }
}
