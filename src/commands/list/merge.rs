//! Merges rows of the same job.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::report::ScopeReport;
use super::rows::ListedRows;
use crate::model::Job;
use crate::providers::Filter;

/// Merges the rows of all scopes so that each job appears once, and counts the rows in their reports.
pub(super) fn merge(
    listed: &mut [ScopeReport],
    mut found: Vec<ListedRows>,
    filter: &Filter,
) -> ListedRows {
    for (report, rows) in listed.iter_mut().zip(&mut found) {
        keep_last_rows(&mut rows.jobs, |job| &job.reference);
        report.add(rows, filter);
    }
    merge_overlaps(&mut found, listed);
    let mut all = ListedRows::default();
    for rows in found {
        all.jobs.extend(rows.jobs);
        all.scopes.extend(rows.scopes);
    }
    all
}

/// Keeps each job that is in several scopes once: in its first place, with the row that was read last.
fn merge_overlaps(scopes: &mut [ListedRows], listed: &mut [ScopeReport]) {
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

/// For several rows of the same job in a scope, keeps the last row in the place of the
/// first: the list has changed between two pages.
pub(in crate::commands) fn keep_last_rows<R>(rows: &mut Vec<R>, reference: fn(&R) -> &String) {
    let mut indexes: HashMap<&String, usize> = HashMap::new();
    let mut moves = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match indexes.entry(reference(row)) {
            Entry::Vacant(entry) => {
                entry.insert(at);
            }
            Entry::Occupied(entry) => moves.push((at, *entry.get())),
        }
    }
    for (at, first) in &moves {
        rows.swap(*at, *first);
    }
    let mut replaced = moves.into_iter().map(|(at, _)| at).peekable();
    let mut at = 0;
    rows.retain(|_| {
        at += 1;
        replaced.next_if_eq(&(at - 1)).is_none()
    });
}

#[cfg(test)]
mod tests;
