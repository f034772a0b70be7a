//! Reports jobs that a list contains in different states.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Job, Notice, NoticeCode, State};
use crate::providers::list::Page;

/// Jobs that were listed in two states. They share one notice.
#[derive(Default)]
pub(super) struct Conflicts {
    first: Option<String>,
    count: usize,
}

impl Conflicts {
    pub fn add(&mut self, reference: &str, before: State, after: State) {
        self.count += 1;
        self.first
            .get_or_insert_with(|| format!("{reference} is listed as {before} and as {after}"));
    }

    /// Returns the notice. `outcome` is the consequence for each of the jobs.
    pub fn notice(self, outcome: &str) -> Option<Notice> {
        let first = self.first?;
        let more = match self.count - 1 {
            0 => String::new(),
            1 => ", and 1 more job".to_owned(),
            more => format!(", and {more} more jobs"),
        };
        let message = format!("{first}{more}: {outcome}");
        Some(Notice::new(NoticeCode::ConflictingRows, message))
    }
}

/// The consequence for a job whose rows contradict each other.
pub(super) const IS_UNKNOWN: &str = "its state is unknown";

/// Makes the state of a job unknown because rows contradict each other.
pub(super) fn mark_unknown(job: &mut Job) {
    (job.state, job.state_raw, job.ended) = (State::Unknown, None, false);
}

/// Merges rows of one page that show the same job in different states into one row with an unknown state.
pub(super) fn merge_conflicts(page: &mut Page) {
    let mut first = HashMap::new();
    let rows = page.rows.iter().enumerate();
    let firsts = rows.map(|(at, row)| *first.entry(&*row.job.reference).or_insert(at));
    let firsts: Vec<usize> = firsts.collect();
    let mut states = BTreeMap::new();
    for (at, first) in firsts.iter().enumerate() {
        let [before, after] = [*first, at].map(|at| page.rows[at].job.state);
        if before != after {
            states.entry(*first).or_insert((before, after));
        }
    }
    let mut conflicts = Conflicts::default();
    for (first, (before, after)) in &states {
        let job = &mut page.rows[*first].job;
        conflicts.add(&job.reference, *before, *after);
        mark_unknown(job);
        page.contradicted.push(job.reference.clone());
    }
    page.notices.extend(conflicts.notice(IS_UNKNOWN));
    let mut firsts = firsts.into_iter().enumerate();
    page.rows.retain(|_| {
        let is_merged = |(at, first)| at != first && states.contains_key(&first);
        !firsts.next().is_some_and(is_merged)
    });
}
