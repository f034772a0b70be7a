//! Builds the document with the metrics of all scopes at one moment, and writes it in pieces.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::details;
use super::families::{ExporterStatus, FAMILIES, SampleFn, Samples};
use super::jobs::JobRow;
use super::scopes::{ScopeSnapshot, ScopeStatus};
use crate::model::State;
use crate::output::{ExpositionFormat, ExpositionWriter};
use crate::sort::SortExt as _;

/// Approximate size of a piece in bytes.
const PIECE_BYTES: usize = 64 << 10;

/// The scopes and jobs to write, without duplicates.
#[derive(Debug)]
pub(super) struct MetricsDocument {
    exporter: Option<ExporterStatus>,
    scopes: Vec<ScopeStatus>,
    jobs: Vec<RowIndex>,
    /// The rows of jobs in several scopes, if values of another scope are added to the row with this index.
    merged: HashMap<RowIndex, JobRow>,
}

/// A row of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct RowIndex {
    scope: usize,
    row: usize,
}

impl MetricsDocument {
    /// Creates a document with the jobs of all scopes that were read within `max_age`: at most `max_jobs`, active jobs
    /// first.
    pub(super) fn new(
        snapshots: Vec<Arc<ScopeSnapshot>>,
        max_jobs: usize,
        max_age: Duration,
    ) -> Self {
        let mut names = HashSet::new();
        let snapshots = snapshots.into_iter();
        let scopes = snapshots.filter(|snapshot| names.insert(snapshot.reading.scope.clone()));
        let scopes = scopes.map(|snapshot| ScopeStatus::new(snapshot, max_age));
        let mut scopes: Vec<ScopeStatus> = scopes.collect();
        let (mut jobs, merged) = jobs(&scopes);
        count_merged(&mut scopes, &merged);
        if jobs.len() > max_jobs {
            let row =
                |index: &RowIndex| merged.get(index).unwrap_or_else(|| row_at(&scopes, *index));
            jobs.order_by_key(|index| row(index).priority());
            for index in jobs.split_off(max_jobs) {
                scopes[index.scope].dropped += 1;
            }
            jobs.order();
        }
        Self {
            exporter: None,
            scopes,
            jobs,
            merged,
        }
    }

    /// Adds the status of the exporter.
    pub(super) fn with_exporter(self, exporter: ExporterStatus) -> Self {
        Self {
            exporter: Some(exporter),
            ..self
        }
    }

    /// Returns the text in pieces.
    pub(super) fn pieces(self, format: ExpositionFormat) -> DocumentPieces {
        DocumentPieces {
            document: self,
            writer: ExpositionWriter::new(format),
            family: 0,
            row: 0,
        }
    }

    fn job(&self, at: usize) -> Option<&JobRow> {
        let index = self.jobs.get(at)?;
        let merged = self.merged.get(index);
        Some(merged.unwrap_or_else(|| row_at(&self.scopes, *index)))
    }
}

fn row_at(scopes: &[ScopeStatus], index: RowIndex) -> &JobRow {
    &scopes[index.scope].snapshot.reading.rows[index.row]
}

/// Returns the jobs of all scopes without duplicates, and the rows of those in several scopes if they differ. For such
/// a job, prefers a scope that is up, then the one that was read last, and adds what the others know about it: a row
/// of a list does not replace the end of this run that a lookup has shown, however late the list was read.
fn jobs(scopes: &[ScopeStatus]) -> (Vec<RowIndex>, HashMap<RowIndex, JobRow>) {
    let mut chosen: HashMap<&str, RowIndex> = HashMap::new();
    let mut others: HashMap<&str, Vec<RowIndex>> = HashMap::new();
    let shown = scopes
        .iter()
        .enumerate()
        .filter(|(_, scope)| scope.states.is_some());
    let reading = |index: RowIndex| {
        let scope = &scopes[index.scope];
        (scope.is_up, scope.snapshot.rows_read)
    };
    for (number, scope) in shown {
        for (at, row) in scope.snapshot.reading.rows.iter().enumerate() {
            let index = RowIndex {
                scope: number,
                row: at,
            };
            let Some(best) = chosen.get_mut(row.reference.as_str()) else {
                chosen.insert(&row.reference, index);
                continue;
            };
            let other = match reading(index) > reading(*best) {
                true => std::mem::replace(best, index),
                false => index,
            };
            others.entry(&row.reference).or_default().push(other);
        }
    }
    let mut merged = HashMap::new();
    for (reference, mut indices) in others {
        let best = chosen[reference];
        let mut row = row_at(scopes, best).clone();
        indices.order_by_key(|index| std::cmp::Reverse(reading(*index)));
        for index in indices {
            details::merge(&mut row, row_at(scopes, index));
        }
        if row != *row_at(scopes, best) {
            merged.insert(best, row);
        }
    }
    let mut jobs: Vec<_> = chosen.into_values().collect();
    jobs.order();
    (jobs, merged)
}

/// Counts merged jobs by the state that is shown, in the scope of the row that was completed.
fn count_merged(scopes: &mut [ScopeStatus], merged: &HashMap<RowIndex, JobRow>) {
    for (index, row) in merged {
        let listed = row_at(scopes, *index).state;
        if let Some(states) = &mut scopes[index.scope].states {
            let position = |state| State::ALL.iter().position(|known| *known == state);
            for (state, change) in [(listed, -1), (row.state, 1)] {
                if let Some(at) = position(state) {
                    states[at] = states[at].saturating_add_signed(change);
                }
            }
        }
    }
}

/// Iterator over the pieces of a document's text.
pub(super) struct DocumentPieces {
    document: MetricsDocument,
    writer: ExpositionWriter,
    family: usize,
    row: usize,
}

impl Iterator for DocumentPieces {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.writer.pending_bytes() < PIECE_BYTES && self.family < FAMILIES.len() {
            if !self.write_row() {
                (self.family, self.row) = (self.family + 1, 0);
                if self.family == FAMILIES.len() {
                    self.writer.end();
                }
            }
        }
        Some(self.writer.take()).filter(|piece| !piece.is_empty())
    }
}

impl DocumentPieces {
    /// Writes the next row of the current family. Returns `false` if there are no more rows.
    fn write_row(&mut self) -> bool {
        let (family, samples) = &FAMILIES[self.family];
        let (document, writer, row) = (&self.document, &mut self.writer, self.row);
        let is_first = row == 0;
        self.row += 1;
        match samples {
            SampleFn::Exporter(samples) => {
                let Some(exporter) = document.exporter.as_ref().filter(|_| is_first) else {
                    return false;
                };
                writer.family(family);
                samples(exporter, &mut Samples::new(writer, &[]));
            }
            SampleFn::Scope(samples) => {
                let Some(scope) = document.scopes.get(row) else {
                    return false;
                };
                if is_first {
                    writer.family(family);
                }
                let snapshot = &*scope.snapshot;
                let labels = [
                    ("scope", &*snapshot.reading.scope),
                    ("cloud", &*snapshot.reading.cloud),
                ];
                samples(scope, &mut Samples::new(writer, &labels));
            }
            SampleFn::Job(samples) => {
                let Some(job) = document.job(row) else {
                    return false;
                };
                if is_first {
                    writer.family(family);
                }
                let labels = [
                    ("ref", &*job.reference),
                    ("cloud", &*job.cloud),
                    ("kind", &*job.kind),
                ];
                samples(job, &mut Samples::new(writer, &labels));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
