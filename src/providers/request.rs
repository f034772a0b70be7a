//! What is requested of a kind: one job, several, or a page of a list.

use super::{Cursor, Filter, GetOptions, GetResult, Page};
use crate::reference::{Reference, Scope};

/// A lookup of one job; a row of a list is read as if it answered one.
#[derive(Clone, Copy)]
pub(super) struct GetRequest<'a> {
    /// The job.
    pub reference: &'a Reference,
    /// How it is requested.
    pub options: &'a GetOptions,
}

/// A lookup of several jobs of one kind.
#[derive(Clone, Copy)]
pub(super) struct BatchRequest<'a> {
    /// The jobs.
    pub references: &'a [Reference],
    /// How they are requested.
    pub options: &'a GetOptions,
}

/// A page of a list.
#[derive(Clone, Copy)]
pub(super) struct ListRequest<'a> {
    /// What is listed.
    pub scope: &'a Scope,
    /// What the cloud may leave out, as far as it can filter.
    pub filter: &'a Filter,
    /// Where the page begins.
    pub at: Cursor,
    /// How it is requested.
    pub options: &'a GetOptions,
}

impl<'a> ListRequest<'a> {
    /// The lookup that a row would answer.
    pub fn lookup(&self, reference: &'a Reference) -> GetRequest<'a> {
        let options = self.options;
        GetRequest { reference, options }
    }

    /// The number of the page and how many rows it may contain, where the cloud gives at most `most`.
    pub fn page_numbers(&self, most: usize) -> [String; 2] {
        [self.at.page, self.filter.page_size(most)].map(|number| number.to_string())
    }

    /// The page of these rows of a scope whose references lack an id only; `id` gives that of a row,
    /// `read` what the row reports.
    pub fn page<W>(
        &self,
        total: Option<i64>,
        rows: Vec<W>,
        id: impl Fn(&W) -> Option<&str>,
        mut read: impl FnMut(W, GetRequest<'_>) -> GetResult,
    ) -> Page {
        let options = self.options;
        let address = |row: &W| self.scope.reference(&[id(row)?]);
        let read = |row: W, reference: &Reference| read(row, GetRequest { reference, options });
        Page::from_addressed_rows(self.at, total, rows, address, read)
    }
}
