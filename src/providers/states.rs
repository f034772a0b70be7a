//! How a cloud's state words become the model's states.

use crate::error::Problem;
use crate::kind::{StateTable, StateWords};
use crate::model::{Job, Notice, NoticeCode, State, Task};
use crate::secret::quotable;
use crate::settings::Settings;

/// How a resource ended whose state does not say so.
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

/// What to say of the end of a job whose word, which may be empty, does not say how it was.
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

/// Why a job failed: a code and a sentence.
pub(super) type Failure = (Option<String>, Option<String>);

/// Checks a success against the remainder of the response, since a gate would pass on it. A job that the
/// cloud calls succeeded is failed where a task has failed or has another exit code than 0, or where other
/// fields say why it failed (`failure`); so is such a task. It is undecided where the word of a task is
/// another one than that of a success, and as [`doubt_unread`] says. What is undecided fails where tasks
/// that were read later show it.
pub(super) fn confirm_success(job: &mut Job, failure: Failure) {
    let is_bad = |code: Option<i64>| code.is_some_and(|code| code != 0);
    let is_failed = |task: &&Task| task.state == State::Failed || is_bad(task.exit_code);
    let is_undecided =
        job.state == State::Unknown && job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD);
    if job.state == State::Succeeded || is_undecided {
        if let Some(task) = job.tasks.iter().find(is_failed) {
            let (reason, message) = task_failure(task);
            job.exit_code = task.exit_code;
            (job.state, job.reason, job.message) = (State::Failed, reason, Some(message));
            job.ended = true;
        } else if failure != (None, None) {
            job.exit_code = job.exit_code.filter(|code| *code != 0);
            (job.state, (job.reason, job.message)) = (State::Failed, failure);
            job.ended = true;
        } else if let Some(message) = contradiction(job) {
            leave_undecided(job, message, false);
        } else {
            doubt_unread(job);
        }
    }
    for task in &mut job.tasks {
        if task.state == State::Succeeded && is_bad(task.exit_code) {
            task.state = State::Failed;
        }
    }
}

/// Takes back a success where what may show a failure could not be read ([`GetResult::evidence`]). The job is
/// polled again where the next poll may read it.
///
/// [`GetResult::evidence`]: super::GetResult::evidence
pub(super) fn doubt_unread(job: &mut Job) {
    let Some(cause) = job.unread_cause.filter(|_| job.state == State::Succeeded) else {
        return;
    };
    let (message, has_ended) = match cause.is_transient() {
        true => ("parts that may show a failure could not be read", false),
        false => (
            "parts that may show a failure cannot be read; --trust-finished accepts the cloud's state",
            true,
        ),
    };
    leave_undecided(job, message.to_owned(), has_ended);
}

fn leave_undecided(job: &mut Job, message: String, has_ended: bool) {
    (job.state, job.exit_code) = (State::Unknown, None);
    job.reason = Some(Job::SUBTASKS_UNREAD.to_owned());
    job.message = Some(message);
    job.ended = has_ended;
    job.finished_at = job.finished_at.filter(|_| has_ended);
}

/// That a task of a job that succeeded has a word for another state.
fn contradiction(job: &Job) -> Option<String> {
    let mut tasks = job.tasks.iter();
    let other = tasks.find(|task| task.state_raw.is_some() && task.state != State::Succeeded)?;
    let word = |raw: &Option<String>| raw.clone().unwrap_or_default();
    Some(format!(
        "the cloud reports {}, but {} is {}",
        word(&job.state_raw),
        name_of(other),
        word(&other.state_raw)
    ))
}

fn name_of(task: &Task) -> &str {
    let name = task.name.as_deref().or(task.id.as_deref());
    name.unwrap_or("a task")
}

/// Code and sentence of the failure of a task.
fn task_failure(task: &Task) -> (Option<String>, String) {
    let name = name_of(task);
    // What is said of a task that succeeded is not why it failed.
    let has_failed = task.state == State::Failed;
    let said = [&task.message, &task.reason].into_iter().flatten();
    let said = said.into_iter().find(|_| has_failed);
    let message = match (said, task.exit_code.filter(|code| *code != 0)) {
        (Some(said), Some(code)) => format!("{name}: {said} (exit code {code})"),
        (None, Some(code)) => format!("{name}: exit code {code}"),
        (Some(said), None) => format!("{name}: {said}"),
        (None, None) => format!("{name} has failed"),
    };
    (task.reason.clone().filter(|_| has_failed), message)
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

/// Checks that the states of the config file are those that joblens does not know.
///
/// # Errors
/// Usage: a state whose meaning is known already, for which the file has no effect.
pub fn check_user_states(settings: &Settings) -> Result<(), Problem> {
    for kind in super::kinds() {
        let name = kind.to_string();
        let tables = || kind.states.iter().filter(|table| table.allows_user_states);
        for (word, _) in settings.file().states(&name) {
            let same = |known: &&str| known.eq_ignore_ascii_case(word.trim());
            let knows = |table: &StateTable| table.map.iter().any(|(known, _)| same(&known));
            if tables().next().is_some() && tables().all(knows) {
                let word = quotable(word);
                let message = format!("[states.\"{name}\"]: '{word}' is known already");
                let hint = format!("remove it from the config file; see: joblens states {name}");
                return Err(Problem::usage(message).with_hint(hint));
            }
        }
    }
    Ok(())
}

/// The one word of a cloud that says the same as `asked`; `None` when several words do, or when a
/// word that the table does not hold might be among what is requested.
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

/// The words of a cloud that say what is requested; none when a word that the table does not hold might
/// be among it.
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
    use crate::error::Category;
    use crate::providers::Filter;

    #[test]
    fn one_word_stands_for_what_is_asked_only_where_no_other_does() {
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

    #[test]
    fn a_success_is_contradicted_by_a_task_then_by_a_failure_then_by_what_is_unread() {
        let task = |state, exit_code| Task {
            id: Some("t".to_owned()),
            state,
            exit_code,
            ..Task::default()
        };
        let said = || (Some("E1".to_owned()), None);
        let unread = Some(Category::Throttled);
        let denied = Some(Category::PermissionDenied);
        let judge = |state, tasks: &[Task], failure, unread_cause| {
            let mut job = Job {
                state,
                ended: true,
                tasks: tasks.to_vec(),
                unread_cause,
                ..Job::default()
            };
            confirm_success(&mut job, failure);
            let message = job.message.unwrap_or_default();
            (job.state, job.ended, message)
        };
        use State::{Canceled, Failed, Succeeded, Unknown};
        let fine = [task(Succeeded, Some(0)), task(Unknown, None)];
        let bad = [fine[0].clone(), task(Unknown, Some(3))];
        let none = (None, None);
        let failed = |message: &str| (Failed, true, message.to_owned());
        assert_eq!(
            judge(Succeeded, &bad, said(), unread),
            failed("t: exit code 3")
        );
        assert_eq!(judge(Succeeded, &fine, said(), unread), failed(""));
        for (cause, has_ended) in [(unread, false), (denied, true)] {
            let (state, ended, _) = judge(Succeeded, &fine, none.clone(), cause);
            assert_eq!((state, ended), (Unknown, has_ended));
        }
        let succeeded = (Succeeded, true, String::new());
        assert_eq!(judge(Succeeded, &fine, none, None), succeeded);
        assert_eq!(judge(Canceled, &bad, said(), unread).0, Canceled);
    }

    #[test]
    fn a_success_is_undecided_while_the_word_of_a_task_is_another_one() {
        use State::{Canceled, Failed, Pending, Running, Succeeded, Unknown};
        for state in [Pending, Running, Canceled, Unknown] {
            let task = Task {
                name: Some("t".to_owned()),
                state,
                state_raw: Some("WORD".to_owned()),
                ..Task::default()
            };
            let mut job = Job {
                state: Succeeded,
                state_raw: Some("DONE".to_owned()),
                ended: true,
                exit_code: Some(0),
                tasks: vec![task],
                ..Job::default()
            };
            confirm_success(&mut job, (None, None));
            assert_eq!(
                (job.state, job.ended, job.exit_code),
                (Unknown, false, None)
            );
            assert_eq!(job.reason.as_deref(), Some(Job::SUBTASKS_UNREAD));
            let message = "the cloud reports DONE, but t is WORD";
            assert_eq!(job.message.as_deref(), Some(message));
            job.tasks[0].exit_code = Some(3);
            confirm_success(&mut job, (None, None));
            assert_eq!(
                (job.state, job.ended, job.exit_code),
                (Failed, true, Some(3))
            );
        }
    }

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
    fn keeps_a_state_word_it_does_not_know() {
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
