//! Determines when jobs ended, even if their cloud does not report it.

use std::collections::{HashMap, HashSet};

use super::jobs::JobRow;
use crate::model::{State, Time};

/// For ended jobs without an end time, the time at which the end was first seen, by reference.
#[derive(Debug, Clone, Default)]
pub(super) struct EndTimes(HashMap<String, Time>);

impl EndTimes {
    /// Removes the jobs that ended before `since`. For a job without an end time, uses the time at which its end was
    /// first seen, since it can have failed just now, whenever it was created. A success that is not in `was_active`
    /// counts from its creation, since many clouds list successful jobs for months.
    pub(super) fn retain(
        &mut self,
        rows: &mut Vec<JobRow>,
        was_active: &HashSet<String>,
        now: Time,
        since: Time,
    ) {
        rows.retain(|row| {
            if !row.ended {
                self.0.remove(&row.reference);
                return true;
            }
            if let Some(end) = row.end() {
                return end >= since;
            }
            let is_new = row.state != State::Succeeded || was_active.contains(&row.reference);
            match self.0.get(&row.reference) {
                Some(seen) => *seen >= since,
                None if is_new => {
                    self.0.insert(row.reference.clone(), now);
                    true
                }
                None => row.created_at.is_none_or(|at| at >= since),
            }
        });
    }

    /// Returns the number of jobs.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes the entries of jobs that the lists no longer contain.
    pub(super) fn retain_only(&mut self, listed: &HashSet<String>) {
        self.0.retain(|reference, _| listed.contains(reference));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: State, finished_at: Option<i64>) -> JobRow {
        JobRow {
            reference: "a".to_owned(),
            state,
            ended: state.is_end(),
            created_at: Time::from_unix(10),
            finished_at: finished_at.and_then(Time::from_unix),
            ..JobRow::default()
        }
    }

    /// Returns `true` if a row is kept at the time `now` if jobs are kept for 100 seconds.
    fn is_kept(ends: &mut EndTimes, row: JobRow, was_active: bool, now: i64) -> bool {
        let was_active = was_active.then(|| row.reference.clone());
        let mut rows = vec![row];
        let was_active = was_active.into_iter().collect();
        let [now, since] = [now, now - 100].map(|at| Time::from_unix(at).unwrap());
        ends.retain(&mut rows, &was_active, now, since);
        !rows.is_empty()
    }

    #[test]
    fn an_ended_job_is_kept_for_a_limited_time_after_its_end() {
        let mut ends = EndTimes::default();
        assert!(is_kept(&mut ends, row(State::Running, None), false, 1000));
        assert!(is_kept(
            &mut ends,
            row(State::Failed, Some(900)),
            false,
            1000
        ));
        assert!(!is_kept(
            &mut ends,
            row(State::Failed, Some(899)),
            true,
            1000
        ));
    }

    #[test]
    fn a_job_without_an_end_time_is_kept_from_when_its_end_was_first_seen() {
        for (state, was_active, expected) in [
            (State::Failed, true, true),
            (State::Failed, false, true),
            (State::Canceled, false, true),
            (State::Succeeded, true, true),
            (State::Succeeded, false, false),
        ] {
            let mut ends = EndTimes::default();
            let ended = || row(state, None);
            assert_eq!(is_kept(&mut ends, ended(), was_active, 1000), expected);
            assert_eq!(is_kept(&mut ends, ended(), false, 1100), expected);
            assert!(!is_kept(&mut ends, ended(), false, 1101), "{state:?}");
            ends.retain_only(&HashSet::from(["a".to_owned()]));
            assert!(!is_kept(&mut ends, ended(), false, 1102), "{state:?}");
        }
    }
}
