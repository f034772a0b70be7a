//! Reads jobs from lists, and decides when the row of a list replaces a lookup.

use std::collections::HashSet;
use std::hash::Hash;

use super::account::with_reference;
use super::run::{Lookup, NotedJob};
use crate::error::Problem;
use crate::kind::Kind;
use crate::model::{Job, State};
use crate::providers::{Client, RequestOptions};
use crate::reference::Reference;

/// Up to this many jobs are looked up individually. For a larger number, jobs are read from lists, and only this
/// many failed ones are looked up for their details.
pub(in crate::commands) const MAX_DETAILS: usize = 20;

impl Lookup {
    /// Returns the rows of a list call for these references of one account and kind, in their order; `None` for those
    /// that need a lookup: the list does not contain them, or their row cannot be used.
    ///
    /// # Errors
    /// Returns why the list cannot be read; then no reference has a row.
    pub(in crate::commands) async fn read_rows(
        &self,
        client: &dyn Client,
        references: &[Reference],
        options: &RequestOptions,
    ) -> Result<Vec<Option<NotedJob>>, Problem> {
        let rows = client.batch_get(references, options).await;
        let mut rows = rows
            .map_err(|problem| with_reference(problem, &references[0]))?
            .into_iter();
        let job = |reference: &Reference| self.complete(rows.next()??, reference).ok();
        Ok(references.iter().map(job).collect())
    }
}

/// Whether the row of a list that shows no active job replaces a lookup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum EndProof {
    /// It does not prove that the job has ended.
    Unproved,
    /// It proves the end.
    Proved,
    /// It proves the end of a failed job whose details are looked up. Their lookup is counted.
    NeedsDetails,
}

/// Decides which rows prove the end of a job. `A` identifies an account.
#[derive(Debug)]
pub(in crate::commands) struct EndProofs<A> {
    details: DetailBudget,
    /// Accounts in which a lookup has contradicted a row, so that none of their rows proves an end.
    contradicted: HashSet<A>,
}

impl<A> Default for EndProofs<A> {
    fn default() -> Self {
        Self {
            details: DetailBudget::default(),
            contradicted: HashSet::new(),
        }
    }
}

impl<A: Eq + Hash> EndProofs<A> {
    /// Returns `true` if a row proves that a job of this account has ended, and how.
    pub(in crate::commands) fn proves_end(&self, account: &A, kind: &Kind, row: &Job) -> bool {
        let is_read = row.unread_cause.is_none();
        let is_proof = kind.conclusive_rows && row.ended && row.state.is_end() && is_read;
        is_proof && !self.is_contradicted(account)
    }

    /// Decides whether a row without an active state replaces a lookup. For a large number of jobs, only some of the
    /// failed ones are looked up.
    pub(in crate::commands) fn check(&mut self, account: &A, kind: &Kind, row: &Job) -> EndProof {
        match self.proves_end(account, kind, row) {
            false => EndProof::Unproved,
            true if self.details.suffices(row) => EndProof::Proved,
            true => EndProof::NeedsDetails,
        }
    }

    /// Compares a lookup with the row that has proved the end of the same job.
    pub(in crate::commands) fn compare(&mut self, account: A, row: &Job, lookup: &Job) {
        if lookup.contradicts(row) {
            self.contradicted.insert(account);
        }
    }

    /// Returns `true` if a lookup has contradicted a row of this account.
    pub(in crate::commands) fn is_contradicted(&self, account: &A) -> bool {
        self.contradicted.contains(account)
    }
}

/// Returns `true` if a row shows an active job. It replaces a first lookup.
pub(in crate::commands) fn is_active(row: &Job) -> bool {
    !row.ended && row.state != State::Unknown
}

/// How many more jobs of a large number can have their details looked up.
#[derive(Debug)]
struct DetailBudget(usize);

impl Default for DetailBudget {
    fn default() -> Self {
        Self(MAX_DETAILS)
    }
}

impl DetailBudget {
    /// Returns `true` if a row that proves an end suffices. Otherwise the job failed,
    /// and the lookup of its details is counted.
    fn suffices(&mut self, row: &Job) -> bool {
        if row.state == State::Succeeded || self.0 == 0 {
            return true;
        }
        self.0 -= 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;

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

    #[test]
    fn a_contradicted_row_makes_all_rows_of_its_account_prove_nothing() {
        let kind = providers::kinds().find(|kind| kind.conclusive_rows);
        let kind = kind.expect("a kind whose rows prove ends");
        let job = |state: State| Job {
            state,
            ended: state.is_end(),
            ..Job::default()
        };
        let (row, mut proofs) = (job(State::Succeeded), EndProofs::default());
        proofs.compare(1, &row, &job(State::Succeeded));
        assert_eq!(proofs.check(&1, kind, &row), EndProof::Proved);
        let failed = job(State::Failed);
        assert_eq!(proofs.check(&1, kind, &failed), EndProof::NeedsDetails);
        proofs.compare(1, &row, &job(State::Running));
        assert_eq!(proofs.check(&1, kind, &row), EndProof::Unproved);
        assert_eq!(proofs.check(&1, kind, &failed), EndProof::Unproved);
        assert_eq!(proofs.check(&2, kind, &row), EndProof::Proved);
    }
}
