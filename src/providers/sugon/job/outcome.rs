//! Determines how a job ended, from the platform's state word, the scheduler's state word, and exit codes.

use super::{COMPLETED, STATES};
use crate::providers::prelude::*;
use crate::providers::slurm::{self, Part};
use crate::providers::states::describes_failure;

/// Message of a job as a whole whose record is that of one subtask or component.
const ONE_PART: &str = "the scheduler's record is that of one part of the job; the other parts may have failed or \
                        not have ended";

/// Source of a response, which determines the meaning of a state word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RecordSource {
    /// Live jobs.
    Live,
    /// Ended jobs.
    History,
}

/// The scheduler's record of a job.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Record {
    job_state: Checked<Text>,
    /// Exit code and signal, such as `1:0`.
    exit_code: Checked<Text>,
    /// The highest exit code of the job's steps.
    derived_exit_code: Text,
    reason: Checked<Text>,
    array_job_id: Checked<Text>,
    array_task_id: Checked<Text>,
    het_job_id: Checked<Text>,
    het_job_offset: Checked<Text>,
    pub start_time: Timestamp,
}

impl Record {
    fn word(&self) -> Option<&str> {
        self.job_state.value.trimmed()
    }

    fn part(&self) -> Part {
        let array = Part::of_array(&self.array_job_id, &self.array_task_id);
        array.and(Part::of_components(&self.het_job_id, &self.het_job_offset))
    }
}

/// Reports about the end of a job in different fields of a response. If they differ, a report of a failure takes
/// precedence.
pub(super) struct Reports<'a> {
    /// The scheduler's records, in the two known formats.
    pub records: [&'a Record; 2],
    /// `true` if a record could not be read.
    pub is_unreadable: bool,
    /// The second of the platform's two state words.
    pub word: Option<&'a str>,
    pub code: &'a Checked<Text>,
    pub reason: &'a Checked<Text>,
    /// Only present in the history.
    pub status: Option<&'a Checked<Int>>,
}

impl<'a> Reports<'a> {
    fn state_words(&self) -> impl Iterator<Item = &'a str> {
        let words = self.records.map(Record::word);
        words.into_iter().chain([self.word]).flatten()
    }

    /// Returns the scheduler's state word.
    pub(super) fn scheduler_word(&self) -> Option<&'a str> {
        let words = || self.records.into_iter().filter_map(Record::word);
        words().find(|word| is_bad(word)).or(words().next())
    }

    /// Returns the scheduler's state word, or the platform's second one if only that is a failure.
    fn worst_word(&self) -> Option<&'a str> {
        self.state_words()
            .find(|word| is_bad(word))
            .or_else(|| self.scheduler_word())
    }

    /// Returns the state of a word that means that the job has not ended.
    fn active_state(&self) -> Option<State> {
        let mut states = self.state_words().filter_map(state_of);
        states.find(|state| State::ACTIVE.contains(state))
    }

    /// Returns the reason of a failure, or the first reason.
    pub(super) fn reason(&self) -> Option<&'a str> {
        let [first, second] = self.records.map(|record| &record.reason);
        let reasons = [self.reason, first, second].map(|reason| reason.value.trimmed());
        let reasons = || reasons.into_iter().flatten();
        reasons()
            .find(|word| slurm::is_failure_reason(word))
            .or_else(|| reasons().find(|text| describes_failure(text)))
            .or_else(|| reasons().find_map(states::failure_text))
    }

    /// Returns the job that the scheduler's records are a part of.
    fn part(&self) -> Part {
        let [first, second] = self.records.map(Record::part);
        first.and(second)
    }

    /// Returns a notice if the job succeeded although steps of it failed.
    pub(super) fn failed_steps_notice(&self, job: &Job) -> Option<Notice> {
        let mut codes = self
            .records
            .into_iter()
            .filter_map(|record| record.derived_exit_code.trimmed());
        let text = codes.find_map(slurm::failed_steps_text);
        let text = text.filter(|_| job.state == State::Succeeded)?;
        let text = format!("{}: {text}", job.reference);
        Some(Notice::new(NoticeCode::FailedParts, text))
    }

    /// Returns how the job ended according to exit codes and signals; `is_known` reports whether the user's settings
    /// define a state word.
    pub(super) fn exit(&self, is_known: impl Fn(&str) -> bool) -> Exit {
        let [one, two] = self.records;
        let texts = [&one.exit_code, &two.exit_code, self.code];
        let fields = [
            &one.job_state,
            &two.job_state,
            &one.reason,
            &two.reason,
            self.reason,
        ];
        let is_new = |word: &str| known_word(word).is_none() && !is_known(word);
        let mut exit = Exit {
            is_unreadable: self.is_unreadable
                || texts.iter().any(|text| text.is_unreadable)
                || fields.iter().any(|field| field.is_unreadable)
                || self.status.is_some_and(|status| status.is_unreadable),
            has_new_word: self.state_words().any(is_new),
            ..Exit::default()
        };
        let mut codes = Vec::from_iter(self.status.and_then(|status| Some((status.value.0?, 0))));
        // The code outside the records is often empty.
        for text in texts.iter().filter_map(|text| text.value.trimmed()) {
            let (code, signal) = text.split_once(':').unwrap_or((text, "0"));
            match (code.trim().parse(), signal.trim().parse()) {
                (Ok(code), Ok(signal)) => codes.push((code, signal)),
                _ => exit.is_unreadable = true,
            }
        }
        let bad = codes.iter().find(|code| **code != (0, 0));
        if let Some((code, signal)) = bad.or(codes.first()) {
            exit.code = Some(*code);
            exit.signal = Some(*signal).filter(|signal| *signal != 0);
        }
        exit
    }
}

/// How a job ended according to exit codes and signals.
#[derive(Default)]
pub(super) struct Exit {
    code: Option<i64>,
    /// The signal that ended the job.
    pub signal: Option<i64>,
    /// `true` if a field that can show a failure is unreadable.
    is_unreadable: bool,
    /// `true` if a state word is unknown.
    has_new_word: bool,
}

impl Exit {
    /// Returns the exit code, unless a signal ended the job or the code is a status of the platform.
    pub(super) fn exit_code(&self) -> Option<i64> {
        let code = self.code.filter(|code| (0..=255).contains(code))?;
        (code != 0 || self.signal.is_none()).then_some(code)
    }

    /// Describes the failure.
    fn message(&self) -> Option<String> {
        match (self.code, self.signal) {
            (_, Some(signal)) => Some(slurm::signal_text(signal)),
            (None | Some(0), None) => None,
            (Some(code @ 1..=255), None) => Some(format!("exit code {code}")),
            (Some(status), None) => Some(format!("exit status {status} of the platform")),
        }
    }

    /// Sets the state if it depends on the source or on the scheduler's state word, and the reason of an end without
    /// success; `time_limit` is in seconds.
    pub(super) fn resolve(
        &self,
        job: &mut Job,
        source: RecordSource,
        reports: &Reports<'_>,
        time_limit: Option<i64>,
    ) {
        self.resolve_state(job, source, reports);
        self.explain(job, reports, time_limit);
        let is_one_part = reports.part().is_of(&job.id);
        match job.state {
            State::Succeeded if is_one_part => states::contradict(job, ONE_PART.to_owned()),
            State::Unknown if is_one_part && job.ended => {
                // The history must not decide alone.
                job.unread_cause = Some(Category::InvalidResponse);
                job.message = Some(ONE_PART.to_owned());
            }
            _ => {}
        }
    }

    fn resolve_state(&self, job: &mut Job, source: RecordSource, reports: &Reports<'_>) {
        let raw = job.state_raw.clone().unwrap_or_default();
        let word = known_word(&raw).map_or(&*raw, |(word, _)| word);
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        let own_state = reports.worst_word().and_then(state_of);
        let active = reports.active_state();
        if is(COMPLETED) && source == RecordSource::History {
            (job.state, job.ended) = (State::Succeeded, true);
        } else if let Some(state) = own_state.filter(|_| is_vague(word)) {
            (job.state, job.ended) = (state, state.is_end());
        } else if source == RecordSource::Live
            && job.state == State::Succeeded
            && let Some(state) = own_state.filter(|state| state.is_unsuccessful()).or(active)
        {
            (job.state, job.ended) = (state, state.is_end());
        } else if source == RecordSource::History && job.state != State::Pending && !job.ended {
            // The history contains only ended jobs; a waiting job in it was requeued.
            let has_evidence = !word.is_empty() || job.finished_at.is_some();
            (job.state, job.ended) = (State::Unknown, has_evidence);
        } else if is(COMPLETED) {
            (job.state, job.ended) = (State::Unknown, true);
        }
        let bad = own_state.filter(|state| state.is_unsuccessful());
        if let Some(bad) = bad.filter(|_| job.state == State::Succeeded) {
            job.state = bad;
        }
        let failure = job
            .reason
            .as_deref()
            .filter(|reason| slurm::is_failure_reason(reason));
        let has_failed = self.message().is_some() || failure.is_some();
        let reason = job.reason.as_deref();
        let is_described = failure.is_none() && reason.is_some_and(describes_failure);
        let by_signal = self.signal.is_some() || failure.is_some_and(slurm::is_raised_signal);
        match job.state {
            State::Succeeded if has_failed => job.state = State::Failed,
            // The signal may come from a cancellation.
            State::Unknown if job.ended && has_failed && !by_signal => job.state = State::Failed,
            State::Succeeded if self.is_unreadable || self.has_new_word || is_described => {
                job.state = State::Unknown;
            }
            _ => {}
        }
        // The history must not decide alone.
        let is_contradicted = self.is_unreadable || has_failed || is_described;
        if job.state == State::Unknown && job.ended && is_contradicted {
            job.unread_cause = Some(Category::InvalidResponse);
        }
    }

    fn explain(&self, job: &mut Job, reports: &Reports<'_>, time_limit: Option<i64>) {
        let raw = job.state_raw.clone().unwrap_or_default();
        let word = known_word(&raw).map_or(&*raw, |(word, _)| word);
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        let worst_word = reports.worst_word();
        let reason = match job.state {
            State::Failed | State::Canceled => worst_word
                .filter(|worst_word| state_of(worst_word) != Some(State::Succeeded))
                .or_else(|| slurm::cause(&raw)),
            State::Running
                if worst_word
                    .is_some_and(|worst_word| worst_word.eq_ignore_ascii_case("SUSPENDED")) =>
            {
                Some("suspended")
            }
            _ if is("statS") || is("SUSPENDED") => Some("suspended"),
            _ if is("statH") => Some("held"),
            _ => None,
        };
        job.reason = job.reason.take().or_else(|| reason.map(Reason::from));
        if job.state == State::Failed {
            // A time limit explains the signal or exit status with which it was enforced.
            let words = [job.reason.as_deref(), worst_word, Some(&*raw)];
            let is_time_limit = words.into_iter().flatten().any(slurm::is_time_limit);
            job.message = match is_time_limit {
                true => Some(slurm::time_limit_text(time_limit)),
                false => self.message(),
            };
        }
        if job.ended && job.state == State::Unknown {
            let contradiction = self.contradiction(job.reason.as_deref(), reports);
            job.reason = Some("outcome unknown".into());
            job.message = Some(match contradiction {
                Some(text) => format!("the job is {word}, but {text}"),
                None => states::without_outcome(word),
            });
        }
    }
}

impl Exit {
    /// Describes the field that contradicts a success, or that may do so.
    fn contradiction(&self, reason: Option<&str>, reports: &Reports<'_>) -> Option<String> {
        let is_bad = |text: &&str| slurm::is_failure_reason(text) || describes_failure(text);
        let reason = reason.filter(is_bad);
        let new_word = || {
            let mut words = reports.state_words();
            words.find(|word| known_word(word).is_none())
        };
        if let Some(reason) = reason {
            return Some(format!("its reason is {reason}"));
        }
        match self.message() {
            Some(failure) => Some(format!("its exit code shows a failure: {failure}")),
            None if self.is_unreadable => {
                Some("a field that can show a failure cannot be read".to_owned())
            }
            None if self.has_new_word => {
                new_word().map(|word| format!("the scheduler's state {word} is not known"))
            }
            None => None,
        }
    }
}

fn is_bad(word: &str) -> bool {
    state_of(word).is_some_and(State::is_unsuccessful)
}

/// Returns `true` for state words of live jobs that need the scheduler's word to be understood.
fn is_vague(word: &str) -> bool {
    let mut vague = [COMPLETED, "statE", "statX"].into_iter();
    vague.any(|known| word.eq_ignore_ascii_case(known))
}

/// Returns the table's entry for a state word of Slurm, including forms such as `CANCELLED by 1234` and the truncated
/// `OUT_OF_ME+`. A truncated word never means a success.
pub(super) fn known_word(word: &str) -> Option<(&'static str, State)> {
    let starts = |known: &str, start: &str| {
        let head = known.get(..start.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    let find = |word: &str| {
        STATES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word))
    };
    if let Some(known) = find(word) {
        return Some(*known);
    }
    let not_succeeded = |(_, state): &(&str, State)| *state != State::Succeeded;
    let by = word.split_once(" by ").and_then(|(word, _)| find(word));
    if let Some(known) = by {
        return Some(*known).filter(|(_, state)| *state == State::Canceled);
    }
    let start = word.strip_suffix('+').filter(|start| !start.is_empty())?;
    let mut all = STATES.iter().filter(|(known, _)| starts(known, start));
    let first = all.next().filter(|known| not_succeeded(known))?;
    all.all(|(_, state)| *state == first.1).then_some(*first)
}

/// Returns the state that a state word of Slurm means.
fn state_of(word: &str) -> Option<State> {
    known_word(word).map(|(_, state)| state)
}
