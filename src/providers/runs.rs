//! Tells the runs of a job apart: a requeued job has several, and a scheduler reuses ids.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::model::{Job, Time};

/// The runs of the jobs of a page.
#[derive(Debug, Default)]
pub struct Runs {
    /// The runs of the rows, by the keys of the rows.
    pub(super) of_rows: HashMap<String, Run>,
    /// The keys of earlier runs ([`Run::key`]), whose rows are not on the page.
    pub(super) earlier: Vec<String>,
}

/// A run of a job, as a row of a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// The name of the job.
    pub name: Option<String>,
    /// When it was submitted.
    pub created_at: Option<Time>,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// When it was entered into the history.
    pub booked_at: Option<Time>,
}

impl Run {
    /// Returns the run of a live job.
    pub fn of_job(job: &Job) -> Self {
        Self {
            name: job.name.clone(),
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            booked_at: None,
        }
    }

    /// Returns `true` if this is a history entry of the run `live`; `None` if no times can be compared.
    ///
    /// An entry belongs to an earlier run or another job if it began, ended or was entered before the live run was
    /// submitted or began. Users are not compared, because an account can have several names.
    pub fn is_of(&self, live: &Self) -> Option<bool> {
        let names = self.name.as_deref().zip(live.name.as_deref());
        if names.is_some_and(|(name, live)| name.trim() != live.trim()) {
            return Some(false);
        }
        let begin = live.started_at.max(live.created_at);
        let bounds = [
            (self.started_at, begin),
            (self.finished_at, begin.or(live.finished_at)),
            (self.booked_at, begin.or(live.finished_at)),
        ];
        let times = bounds.map(|(time, run)| time.zip(run));
        let mut times = times.into_iter().flatten().peekable();
        times.peek()?;
        Some(times.all(|(time, run)| time >= run))
    }

    /// Compares the times of two history entries of one job: when they were booked, else when they ended, else when
    /// they were submitted. `None` for two entries of the same run, or without times to compare.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        let own = [self.booked_at, self.finished_at, self.created_at];
        let others = [other.booked_at, other.finished_at, other.created_at];
        let mut times = own.into_iter().zip(others);
        let (time, other_time) = times.find_map(|(one, two)| one.zip(two))?;
        (!self.is_same(other)).then(|| time.cmp(&other_time))
    }

    /// Returns `true` if no time shows that this is another run.
    pub fn is_same(&self, other: &Self) -> bool {
        self.booked_at == other.booked_at
            && self.created_at == other.created_at
            && self.started_at == other.started_at
    }

    /// Returns a key for the run of the job with this reference.
    pub fn key(&self, reference: &str) -> String {
        let times = [self.booked_at, self.created_at, self.started_at];
        format!("{reference} {times:?}")
    }
}
