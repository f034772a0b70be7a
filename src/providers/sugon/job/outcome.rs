//! How a job ended: by its word, by that of its scheduler, and by numbers.

use super::{COMPLETED, STATES};
use crate::providers::prelude::*;

/// Where an answer comes from, on which the meaning of a word depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The live jobs.
    Live,
    /// The jobs that have ended.
    History,
}

/// What the scheduler itself reports about a job.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Record {
    job_state: Checked<Text>,
    /// `1:0`: exit code and signal.
    exit_code: Checked<Text>,
    pub reason: Text,
    pub start_time: Timestamp,
}

impl Record {
    /// Its fields, and those of another record that it lacks. Of two states a bad one counts.
    pub(super) fn or(mut self, other: Self) -> Self {
        if is_absent(&self.job_state) || (!self.is_bad() && other.is_bad()) {
            self.job_state = other.job_state;
        }
        if is_absent(&self.exit_code) {
            self.exit_code = other.exit_code;
        }
        self.reason.0 = self.reason.0.or(other.reason.0);
        if self.start_time == Timestamp::default() {
            self.start_time = other.start_time;
        }
        self
    }

    fn is_bad(&self) -> bool {
        self.word().and_then(state_of).is_some_and(is_bad)
    }

    /// Its word for the state.
    pub(super) fn word(&self) -> Option<&str> {
        self.job_state.value.trimmed()
    }
}

/// How a job ended, as far as numbers say so.
#[derive(Default)]
pub(super) struct Exit {
    code: Option<i64>,
    /// The signal that ended it.
    pub signal: Option<i64>,
    is_unreadable: bool,
}

impl Exit {
    /// Of a job in the history: a status of the platform.
    pub(super) fn of_history(status: &Checked<Int>) -> Self {
        Self {
            code: status.value.0,
            signal: None,
            is_unreadable: status.is_unreadable,
        }
    }

    /// Of a live job: the code and the signal of its scheduler. The outer code is often empty.
    pub(super) fn of_live(record: &Record, outer: &Checked<Text>) -> Self {
        let both = [&record.exit_code, outer];
        let mut exit = Self {
            is_unreadable: both.iter().any(|text| text.is_unreadable),
            ..Self::default()
        };
        let mut texts = both.iter().filter_map(|text| text.value.trimmed());
        let first = texts.next();
        let is_good = |text: &str| text == "0" || text == "0:0";
        // Of two codes the bad one counts.
        let text = texts.find(|text| !is_good(text) && first.is_some_and(is_good));
        if let Some(text) = text.or(first) {
            let (code, signal) = text.split_once(':').unwrap_or((text, "0"));
            match (code.trim().parse(), signal.trim().parse()) {
                (Ok(code), Ok(signal)) => {
                    exit.code = Some(code);
                    exit.signal = Some(signal).filter(|signal| *signal != 0);
                }
                _ => exit.is_unreadable = true,
            }
        }
        exit
    }

    /// The exit code, unless a signal ended the job, or it is a status of the platform.
    pub(super) fn exit_code(&self) -> Option<i64> {
        let code = self.code.filter(|code| (0..=255).contains(code))?;
        (code != 0 || self.signal.is_none()).then_some(code)
    }

    /// What went wrong, in words.
    fn message(&self) -> Option<String> {
        match (self.code, self.signal) {
            (_, Some(signal)) => Some(format!("signal {signal}")),
            (None | Some(0), None) => None,
            (Some(code @ 1..=255), None) => Some(format!("exit code {code}")),
            (Some(status), None) => Some(format!("exit status {status} of the platform")),
        }
    }

    /// Decides the meaning of a word that depends on its origin and on the word of the scheduler.
    pub(super) fn judge(&self, job: &mut Job, origin: Origin, own: Option<&str>) {
        let raw = job.state_raw.clone().unwrap_or_default();
        let word = table_word(&raw);
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        let own_state = own.and_then(state_of);
        if is(COMPLETED) && origin == Origin::History {
            (job.state, job.ended) = (State::Succeeded, true);
        } else if let Some(state) = own_state.filter(|_| is_vague(word)) {
            (job.state, job.ended) = (state, state.is_end());
        } else if origin == Origin::History && job.state != State::Pending && !job.ended {
            // The history has only jobs that have ended; one that waits was requeued.
            let has_evidence = !word.is_empty() || job.finished_at.is_some();
            (job.state, job.ended) = (State::Unknown, has_evidence);
        } else if is(COMPLETED) {
            (job.state, job.ended) = (State::Unknown, true);
        }
        let bad = own_state.filter(|state| is_bad(*state));
        if let Some(bad) = bad.filter(|_| job.state == State::Succeeded) {
            job.state = bad;
        }
        let has_failed =
            self.message().is_some() || job.reason.as_deref() == Some("NonZeroExitCode");
        match job.state {
            State::Succeeded if has_failed => job.state = State::Failed,
            // A signal may be that of a cancellation.
            State::Unknown if job.ended && has_failed && self.signal.is_none() => {
                job.state = State::Failed;
            }
            State::Succeeded if self.is_unreadable => job.state = State::Unknown,
            _ => {}
        }
        let reason = match job.state {
            State::Failed | State::Canceled => {
                own.filter(|own| state_of(own) != Some(State::Succeeded))
            }
            State::Running if own.is_some_and(|own| own.eq_ignore_ascii_case("SUSPENDED")) => {
                Some("suspended")
            }
            _ if is("statS") || is("SUSPENDED") => Some("suspended"),
            _ if is("statH") => Some("held"),
            _ => None,
        };
        job.reason = job.reason.take().or_else(|| reason.map(str::to_owned));
        if job.state == State::Failed {
            job.message = self.message();
        }
        if job.ended && job.state == State::Unknown {
            job.reason = Some("outcome unknown".to_owned());
            job.message = Some(states::without_outcome(word));
        }
    }
}

fn is_bad(state: State) -> bool {
    matches!(state, State::Failed | State::Canceled)
}

/// The scheduler's word, or another one of the platform where that alone is bad.
pub(super) fn worse<'a>(own: Option<&'a str>, other: Option<&'a str>) -> Option<&'a str> {
    let is_bad = |word: &str| state_of(word).is_some_and(is_bad);
    match (own, other) {
        (Some(own), _) if is_bad(own) => Some(own),
        (_, Some(other)) if is_bad(other) => Some(other),
        (own, _) => own,
    }
}

/// True for words of live jobs that the scheduler's own word explains.
fn is_vague(word: &str) -> bool {
    let mut vague = [COMPLETED, "statE", "statX"].into_iter();
    vague.any(|known| word.eq_ignore_ascii_case(known))
}

fn is_absent(text: &Checked<Text>) -> bool {
    text.value.trimmed().is_none() && !text.is_unreadable
}

/// The word of the table in one of Slurm, such as `CANCELLED by 1234` and `CANCELLED+`.
pub(super) fn table_word(word: &str) -> &str {
    word.split([' ', '+']).next().unwrap_or(word)
}

/// The state that a word of Slurm means.
fn state_of(word: &str) -> Option<State> {
    let word = table_word(word);
    let mut known = STATES.iter();
    let found = known.find(|(known, _)| known.eq_ignore_ascii_case(word));
    found.map(|(_, state)| *state)
}
