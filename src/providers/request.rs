//! Requests to the operations of a kind, for one job, several jobs, or a page of a list, and for a page of a list of
//! scopes.

use super::listed_ends::BatchEnds;
use super::states::{self, NormalizedState};
use super::{Cursor, Filter, GetResult, Page, RequestOptions, ScopeListSpec, ScopePage};
use crate::model::{Notice, ScopeSummary};
use crate::reference::{Reference, Scope};

/// Which events of a job and its parts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventDetail {
    /// Those that can explain its state.
    #[default]
    ForState,
    /// Also all warnings, as a gate for warnings needs them.
    Warnings,
    /// All events.
    All,
}

impl EventDetail {
    /// Returns `true` if the result depends on the warnings of the job and all its parts: if some cannot be read,
    /// `events_unreadable` is set.
    pub(super) fn needs_all_warnings(self) -> bool {
        self != Self::ForState
    }
}

/// A lookup of one job. A row of a list is read as the response to a lookup.
#[derive(Clone, Copy)]
pub(super) struct GetRequest<'a> {
    /// The job to look up.
    pub reference: &'a Reference,
    /// Options of the request.
    pub options: &'a RequestOptions,
}

impl GetRequest<'_> {
    /// Maps the state word of the job, with the first table of its kind and the user's states, and adds a notice if
    /// the word is not recognized.
    pub fn job_state(self, word: Option<&str>, notices: &mut Vec<Notice>) -> NormalizedState {
        let Self { reference, options } = self;
        let state = states::normalize(reference.kind.states[0].map, &options.states, word);
        notices.extend(state.unknown_state_notice(reference.kind));
        state
    }
}

/// A lookup of several jobs of one kind.
#[derive(Clone, Copy)]
pub(super) struct BatchRequest<'a> {
    /// The jobs to look up.
    pub references: &'a [Reference],
    /// Options of the requests.
    pub options: &'a RequestOptions,
    /// Collects ends in rows that are not returned.
    pub ends: &'a BatchEnds,
}

/// A page of a list.
#[derive(Clone, Copy)]
pub(super) struct ListRequest<'a> {
    /// The scope to list.
    pub scope: &'a Scope,
    /// The filter; the cloud applies the parts that it supports.
    pub filter: &'a Filter,
    /// The start of the page.
    pub cursor: Cursor,
    /// Options of the request.
    pub options: &'a RequestOptions,
}

impl<'a> ListRequest<'a> {
    /// Returns the lookup to which a row is the response.
    pub fn lookup(&self, reference: &'a Reference) -> GetRequest<'a> {
        let options = self.options;
        GetRequest { reference, options }
    }

    /// Returns the page number and the page size, if the cloud allows at most `most` rows.
    pub fn page_numbers(&self, most: usize) -> [String; 2] {
        [self.cursor.page, self.filter.page_size(most)].map(|number| number.to_string())
    }

    /// Creates the page from rows. The scope contains all segments of their references except the id. `id`
    /// returns the id of a row, `read` its job.
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
        Page::from_addressed_rows(self.cursor, total, rows, address, read)
    }
}

/// A page of a list of the scopes of an account that contain jobs, such as clusters.
#[derive(Clone, Copy)]
pub struct ScopeListRequest<'a> {
    /// One of the listings of the cloud.
    pub listing: &'static ScopeListSpec,
    /// The name of the profile, for the references of the scopes.
    pub profile: &'a str,
    /// The start of the page.
    pub cursor: Cursor,
    /// Options of the request.
    pub options: &'a RequestOptions,
}

impl<'a> ScopeListRequest<'a> {
    /// Creates the request for the first page.
    pub fn first(
        listing: &'static ScopeListSpec,
        profile: &'a str,
        options: &'a RequestOptions,
    ) -> Self {
        Self {
            listing,
            profile,
            cursor: Cursor::FIRST,
            options,
        }
    }

    /// Creates the page from rows. `id` returns the only segment of the scope of a row, `read` the scope, from the
    /// row and the canonical scope.
    pub(super) fn page<W>(
        &self,
        total: Option<i64>,
        rows: Vec<W>,
        id: impl Fn(&W) -> Option<&str>,
        mut read: impl FnMut(W, String) -> ScopeSummary,
    ) -> ScopePage {
        let kind = self.listing.kinds[0];
        let read = |row: W| {
            let scope = Scope::at(kind, self.profile, &[id(&row)?])?.to_string();
            Some(read(row, scope))
        };
        ScopePage::from_rows(self.cursor, total, rows, read, |scope| scope.scope.clone())
    }
}
