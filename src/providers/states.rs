//! How a cloud's state words become the model's states.

mod success;

use crate::error::Problem;
use crate::kind::{StateTable, StateWords};
use crate::model::{Job, Notice, NoticeCode, State, Task};
use crate::secret::quotable;
use crate::settings::Settings;

pub(super) use success::{
    FailureCause, confirm_success, contradict, doubt_unread, failure, failure_text,
};

/// How a resource ended whose state does not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitOutcome {
    /// All exit codes are 0.
    Succeeded,
    /// One is not.
    Failed,
    /// They cannot be read.
    Unknown,
}

impl ExitOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::Unknown];

    /// The outcome for one exit code.
    pub fn from_exit_code(exit_code: Option<i64>) -> Self {
        match exit_code {
            Some(0) => Self::Succeeded,
            Some(_) => Self::Failed,
            None => Self::Unknown,
        }
    }

    /// The state of a resource that ended so.
    pub fn state(self) -> State {
        match self {
            Self::Succeeded => State::Succeeded,
            Self::Failed => State::Failed,
            Self::Unknown => State::Unknown,
        }
    }
}

/// What a word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalizedState {
    /// Normalised state.
    pub state: State,
    /// The word, trimmed; null when there was none.
    pub raw: Option<String>,
    /// True when the state can no longer change by itself.
    pub ended: bool,
}

impl NormalizedState {
    /// This job in this state.
    pub fn into_job(self, job: Job) -> Job {
        Job {
            state: self.state,
            state_raw: self.raw,
            ended: self.ended,
            ..job
        }
    }

    /// A task in this state, of which nothing else is known.
    pub fn into_task(self) -> Task {
        Task {
            state: self.state,
            state_raw: self.raw,
            ended: self.ended,
            ..Task::default()
        }
    }
}

/// The message of a job that ended with a word, which may be empty, that does not show the outcome.
pub fn without_outcome(word: &str) -> String {
    let word = if word.is_empty() {
        "an empty state"
    } else {
        word
    };
    format!("{word} does not say whether the job succeeded")
}

/// Reads a word, without regard to case and surrounding white space.
///
/// `own` are the user's states from the config file; they apply to states that the table does not
/// have. A state in neither of them is `unknown`, keeps its spelling, has not ended, and is
/// reported in `notices` as a word of `what` (such as `aliyun/job`).
pub fn normalize(
    table: StateWords,
    own: &[(String, State)],
    word: Option<&str>,
    what: &str,
    notices: &mut Vec<Notice>,
) -> NormalizedState {
    let Some(raw) = word.map(str::trim).filter(|word| !word.is_empty()) else {
        return NormalizedState {
            state: State::Unknown,
            raw: None,
            ended: false,
        };
    };
    let known = table
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(raw))
        .map(|(_, state)| *state);
    let state = known.or_else(|| {
        own.iter()
            .find(|(word, _)| word.trim().eq_ignore_ascii_case(raw))
            .map(|(_, state)| *state)
    });
    if state.is_none() {
        notices.push(Notice::new(
            NoticeCode::UnknownState,
            unknown_word(raw, what),
        ));
    }
    let state = state.unwrap_or_default();
    NormalizedState {
        state,
        raw: Some(raw.to_owned()),
        ended: state.is_end(),
    }
}

/// A word is shown whole or not at all: a part of a secret would not be masked.
fn unknown_word(raw: &str, what: &str) -> String {
    const MAX_CHARS: usize = 60;
    match raw.chars().count() {
        count if count > MAX_CHARS => {
            format!("unrecognized state of {count} characters from {what}; shown as unknown")
        }
        _ => {
            format!("unrecognized state '{raw}' from {what}; shown as unknown")
        }
    }
}

/// True for a word that some cloud is known to use for a state or for the level of an event.
pub fn is_known_word(word: &str) -> bool {
    let is_state = || {
        let levels = super::kinds().flat_map(|kind| kind.states);
        let mut words = levels.flat_map(|level| level.map);
        words.any(|(known, _)| known.eq_ignore_ascii_case(word))
    };
    crate::model::Level::parse(word).is_some() || is_state()
}

/// Checks that the states of the config file are in none of joblens' own tables.
///
/// # Errors
/// Usage: a state whose meaning is known already, for which the file has no effect.
pub fn check_user_states(settings: &Settings) -> Result<(), Problem> {
    for kind in super::kinds() {
        let name = kind.to_string();
        let tables = || kind.states.iter().filter(|table| table.allows_user_states);
        for (word, _) in settings.file().states(&name) {
            let same = |known: &&str| known.eq_ignore_ascii_case(word.trim());
            let contains = |table: &StateTable| table.map.iter().any(|(known, _)| same(known));
            if tables().next().is_some() && tables().all(contains) {
                let word = quotable(word);
                let message = format!("[states.\"{name}\"]: '{word}' is known already");
                let hint = format!("remove it from the config file; see: joblens states {name}");
                return Err(Problem::usage(message).with_hint(hint));
            }
        }
    }
    Ok(())
}

/// The only word of a cloud that means `state`; `None` when several words do, or when a
/// word that the table does not contain might be among what is requested.
///
/// `own` are the user's states from the config file.
pub fn single_word_for(
    table: StateWords,
    own: &[(String, State)],
    requested: &[State],
) -> Option<&'static str> {
    match words_for(table, own, requested)[..] {
        [word] => Some(word),
        _ => None,
    }
}

/// The words of a cloud for the requested states; none when a word that the table does not contain might
/// be among them.
pub fn words_for(
    table: StateWords,
    own: &[(String, State)],
    requested: &[State],
) -> Vec<&'static str> {
    let is_own = own.iter().any(|(_, state)| requested.contains(state));
    if is_own || requested.contains(&State::Unknown) {
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
    fn one_word_means_the_requested_state_only_where_no_other_does() {
        let own = [("Suspended".to_owned(), State::Stopping)];
        let word = |requested: &[State]| single_word_for(TABLE, &own, requested);
        assert_eq!(word(&[State::Running]), Some("Running"));
        assert_eq!(word(&[State::Running, State::Pending]), Some("Running"));
        assert_eq!(word(&[State::Running, State::Failed]), None);
        assert_eq!(word(&[State::Running, State::Stopping]), None);
        assert_eq!(word(&[State::Running, State::Unknown]), None);
        assert_eq!(word(&[State::Pending]), None);
        assert_eq!(word(&[]), None);
    }

    #[test]
    fn jobs_that_succeeded_by_their_word_are_requested_with_failed_ones() {
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

    fn reading(word: &str) -> (NormalizedState, Vec<Notice>) {
        let mut notices = Vec::new();
        let own = [
            ("Suspended".to_owned(), State::Stopping),
            ("failed".to_owned(), State::Running),
        ];
        let reading = normalize(TABLE, &own, Some(word), "aliyun/job", &mut notices);
        (reading, notices)
    }

    #[test]
    fn ignores_case_and_white_space() {
        let (read, notices) = reading(" RUNNING\n");
        assert_eq!(read.state, State::Running);
        assert_eq!(read.raw.as_deref(), Some("RUNNING"));
        assert!(notices.is_empty());
    }

    #[test]
    fn keeps_an_unknown_state_word() {
        let (read, notices) = reading("Zombie");
        assert_eq!((read.state, read.ended), (State::Unknown, false));
        assert_eq!(read.raw.as_deref(), Some("Zombie"));
        assert_eq!(notices[0].code.as_str(), "unknown_state");
    }

    #[test]
    fn takes_the_users_words_only_where_the_table_has_none() {
        assert_eq!(reading("suspended").0.state, State::Stopping);
        assert_eq!(reading("Failed").0.state, State::Failed);
    }
}
