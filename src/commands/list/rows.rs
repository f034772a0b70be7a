//! Rows of a list.

use std::collections::HashSet;

use crate::model::{Job, ScopeSummary};
use crate::providers::{COMPARED_FIELDS, Filter};

/// Rows of a scope: jobs, or scopes that contain jobs, such as clusters.
#[derive(Default)]
pub(super) struct ListedRows {
    pub jobs: Vec<Job>,
    pub scopes: Vec<ScopeSummary>,
}

impl ListedRows {
    pub(super) fn count(&self) -> usize {
        self.jobs.len() + self.scopes.len()
    }

    /// Counts, for each of [`COMPARED_FIELDS`], the rows that could not be compared.
    pub(super) fn count_uncompared(&self, filter: &Filter) -> [usize; COMPARED_FIELDS.len()] {
        let jobs = self.jobs.iter().map(|job| filter.uncompared(job));
        // Scopes are filtered by their creation time only.
        let scopes = self.scopes.iter().map(|scope| {
            let is_undated = filter.since.is_some() && scope.created_at.is_none();
            [is_undated, false, false, false, false]
        });
        let mut counts = [0; COMPARED_FIELDS.len()];
        for uncompared in jobs.chain(scopes) {
            for (count, is_uncompared) in counts.iter_mut().zip(uncompared) {
                *count += usize::from(is_uncompared);
            }
        }
        counts
    }

    /// Removes and returns the jobs with these references.
    pub(super) fn remove(&mut self, references: &HashSet<String>) -> Self {
        if references.is_empty() {
            return Self::default();
        }
        let jobs = std::mem::take(&mut self.jobs).into_iter();
        let (taken, jobs) = jobs.partition(|job| references.contains(&job.reference));
        self.jobs = jobs;
        Self {
            jobs: taken,
            ..Self::default()
        }
    }

    pub(super) fn references(&self) -> impl Iterator<Item = &String> {
        let scopes = self.scopes.iter().map(|scope| &scope.scope);
        scopes.chain(self.jobs.iter().map(|job| &job.reference))
    }
}
