//! Rows of pages, and what is left of them where later rows show the same job.

use std::collections::{HashMap, HashSet};

use super::report::ScopeReport;
use super::snapshot::keep_last;
use crate::model::{Job, ScopeSummary};
use crate::providers::{COMPARED_FIELDS, Filter};

/// Rows of a scope: resources, or scopes that contain resources, such as clusters.
#[derive(Default)]
pub(super) struct Batch {
    pub jobs: Vec<Job>,
    pub scopes: Vec<ScopeSummary>,
}

impl Batch {
    pub(super) fn count(&self) -> usize {
        self.jobs.len() + self.scopes.len()
    }

    /// How many rows each of [`COMPARED_FIELDS`] could not be compared for.
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

    /// Takes the jobs with these references out.
    pub(super) fn take(&mut self, references: &HashSet<String>) -> Self {
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

/// The rows of all scopes, each job once; their reports get the numbers of rows.
pub(super) fn merge(listed: &mut [ScopeReport], mut found: Vec<Batch>, filter: &Filter) -> Batch {
    for (report, batch) in listed.iter_mut().zip(&mut found) {
        keep_last(&mut batch.jobs, |job| &job.reference);
        report.add(batch, filter);
    }
    merge_overlaps(&mut found, listed);
    let mut all = Batch::default();
    for batch in found {
        all.jobs.extend(batch.jobs);
        all.scopes.extend(batch.scopes);
    }
    all
}

/// Leaves a job that is in several scopes once: where it comes first, as it was read last.
fn merge_overlaps(scopes: &mut [Batch], listed: &mut [ScopeReport]) {
    let mut seen = HashSet::new();
    let all = scopes.iter().flat_map(|scope| &scope.jobs);
    let repeated = all.filter(|job| !seen.insert(&*job.reference));
    let repeated: HashSet<String> = repeated.map(|job| job.reference.clone()).collect();
    if repeated.is_empty() {
        return;
    }
    let mut newest: HashMap<&str, &Job> = HashMap::new();
    for job in scopes.iter().flat_map(|scope| &scope.jobs) {
        if repeated.contains(&job.reference) {
            let known = newest.entry(&job.reference).or_insert(job);
            if job.observed_at >= known.observed_at {
                *known = job;
            }
        }
    }
    let mut newest: HashMap<String, Job> = newest
        .into_iter()
        .map(|(reference, job)| (reference.to_owned(), job.clone()))
        .collect();
    for (scope, report) in scopes.iter_mut().zip(listed) {
        let jobs = &mut scope.jobs;
        let count = jobs.len();
        jobs.retain_mut(|job| {
            let is_repeated = repeated.contains(&job.reference);
            match newest.remove(&job.reference) {
                Some(newest) => *job = newest,
                None if is_repeated => return false,
                None => {}
            }
            true
        });
        report.repeated = count - jobs.len();
    }
}

#[cfg(test)]
mod tests;
