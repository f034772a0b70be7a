//! Decides when the row of a list replaces a lookup.

use crate::kind::Kind;
use crate::model::{Job, State};

/// Up to this many jobs are looked up individually. For a larger number, jobs are read from lists, and only this
/// many failed ones are looked up for their details.
pub(in crate::commands) const MAX_DETAILS: usize = 20;

/// How many more jobs of a large number can have their details looked up.
#[derive(Debug)]
pub(in crate::commands) struct DetailBudget(usize);

impl Default for DetailBudget {
    fn default() -> Self {
        Self(MAX_DETAILS)
    }
}

impl DetailBudget {
    /// Reports whether a row that proves an end suffices. Otherwise the job failed,
    /// and the lookup of its details is counted.
    pub(in crate::commands) fn suffices(&mut self, row: &Job) -> bool {
        if row.state == State::Succeeded || self.0 == 0 {
            return true;
        }
        self.0 -= 1;
        false
    }
}

/// Reports whether the row of a list proves that a job has ended, and how.
pub(in crate::commands) fn proves_end(kind: &Kind, row: &Job) -> bool {
    kind.conclusive_rows && row.ended && row.state.is_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_number_of_failures_is_looked_up_and_no_success() {
        let mut budget = DetailBudget::default();
        let mut suffices = |state| {
            let row = Job {
                state,
                ended: true,
                ..Job::default()
            };
            budget.suffices(&row)
        };
        assert!(suffices(State::Succeeded));
        let looked_up = (0..30).filter(|_| !suffices(State::Failed)).count();
        assert_eq!(looked_up, MAX_DETAILS);
        assert!(suffices(State::Canceled));
    }
}
