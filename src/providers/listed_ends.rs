//! Remembers the ends of jobs in lists, which can contradict later lookups.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use super::states;
use crate::model::{Job, State, Time};
use crate::reference::Reference;
use crate::sync::lock;

/// The ends other than a success that the last lists show, by reference.
#[derive(Debug, Default)]
pub(super) struct ListedEnds(Mutex<HashMap<String, ListedEnd>>);

/// What one list of several jobs shows in addition to the rows that it returns, by reference.
#[derive(Debug, Default)]
pub(super) struct BatchEnds {
    ends: Mutex<HashMap<String, ListedEnd>>,
    /// The jobs whose list was not read, or not up to their rows.
    skipped: Mutex<HashSet<String>>,
}

/// The end of a job in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ListedEnd {
    word: String,
    created_at: Option<Time>,
}

impl ListedEnd {
    /// Returns the end in a row, unless it is a success.
    fn of(row: &Job) -> Option<Self> {
        let has_failed = row.ended && row.state.is_unsuccessful();
        let word = row.state_raw.clone().filter(|_| has_failed)?;
        Some(Self {
            word,
            created_at: row.created_at,
        })
    }
}

impl BatchEnds {
    /// Records the end in a row that is not returned, for example because another row of the job contradicts it.
    pub fn record(&self, reference: &str, row: &Job) {
        if let Some(end) = ListedEnd::of(row) {
            lock(&self.ends).insert(reference.to_owned(), end);
        }
    }

    /// Records that the list of a job was not read, or not up to its row, so that an end that an earlier list showed is
    /// kept.
    pub fn skip(&self, reference: &Reference) {
        lock(&self.skipped).insert(reference.to_string());
    }
}

impl ListedEnds {
    /// Replaces what is known of these jobs by the rows that a list returned, and by what was recorded with it.
    pub fn replace<'a>(
        &self,
        batch: &BatchEnds,
        rows: impl Iterator<Item = (&'a Reference, Option<&'a Job>)>,
    ) {
        let (mut known, skipped) = (lock(&self.0), lock(&batch.skipped));
        let mut recorded = lock(&batch.ends);
        for (reference, row) in rows {
            let reference = reference.to_string();
            let recorded = recorded.remove(&reference);
            match recorded.or(row.and_then(ListedEnd::of)) {
                Some(end) => drop(known.insert(reference, end)),
                None if skipped.contains(&reference) => {}
                None => drop(known.remove(&reference)),
            }
        }
    }

    /// Returns `true` if the last list shows another end of a succeeded job.
    pub fn contradicts(&self, reference: &Reference, job: &Job) -> bool {
        self.other_end(reference, job).is_some()
    }

    /// Makes the state of a succeeded job unknown if the last list shows another end.
    pub fn contradict(&self, reference: &Reference, job: &mut Job) {
        if let Some(end) = self.other_end(reference, job) {
            let word = job.state_raw.as_deref().unwrap_or("without a state");
            let text = format!("the job is {word}, but {} in the list", end.word);
            states::contradict(job, text);
        }
    }

    /// Returns the end in the last list, if it is other than that of a succeeded job.
    fn other_end(&self, reference: &Reference, job: &Job) -> Option<ListedEnd> {
        if job.state != State::Succeeded {
            return None;
        }
        let end = lock(&self.0).get(&reference.to_string()).cloned()?;
        // A new object can have the name of one that was deleted.
        let times = end.created_at.zip(job.created_at);
        let is_other = reference.kind.is_watched && times.is_some_and(|(one, other)| one != other);
        (!is_other).then_some(end)
    }
}
