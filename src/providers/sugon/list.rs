//! The list of instances, by pages.
//!
//! The vendor's page shows a JSON body on a GET, the vendor's own command-line tool sends the same
//! names as a query, another client uses a path of its own. Which of them a region answers is not
//! documented, so they are tried in this order until one does.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::wire::{self, ListPage, Row};
use super::{Client, LIST};
use crate::error::{Category, Problem};
use crate::http::{Method, Request};
use crate::providers::{Cursor, Filter, GetOptions, Page};
use crate::reference::Scope;

/// How many rows a page is asked to hold.
const PAGE_SIZE: usize = 100;

/// A way to ask for the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListVariant {
    /// A JSON body, as documented. The query says the same: a server that reads only that would
    /// else answer with its first page again and again.
    JsonBody,
    /// A query.
    Query,
    /// A query below `/list`.
    ListPath,
}

const VARIANTS: [ListVariant; 3] = [
    ListVariant::JsonBody,
    ListVariant::Query,
    ListVariant::ListPath,
];

/// What a call asks for besides where the page begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListParams {
    /// The only status, if there is one.
    pub status: Option<&'static str>,
    /// How many rows at most.
    pub rows: usize,
}

impl Default for ListParams {
    fn default() -> Self {
        Self {
            status: None,
            rows: PAGE_SIZE,
        }
    }
}

impl Client {
    /// One page of the instances, newest first, in the form that has answered before, else in the
    /// first that answers.
    ///
    /// Of one status where that is what the filter asks for, unless the cloud refuses such a call
    /// and gives the same without it; what it does not filter is filtered by the caller.
    ///
    /// # Errors
    /// What was said to the first form when none is taken, or what went wrong on the way.
    pub(super) async fn instances(
        &self,
        scope: &Scope,
        filter: &Filter,
        page: Option<Cursor>,
        ask: &GetOptions,
    ) -> Result<Page, Problem> {
        let at = page.unwrap_or(Cursor::FIRST);
        // Pages of one list must all be filtered, or none, or their offsets would not fit.
        let is_plain = match page {
            Some(at) => at.is_unfiltered,
            None => self.filter_unsupported.load(Ordering::Relaxed),
        };
        let wanted = ListParams {
            status: filter
                .single_state_word(wire::STATES, &ask.states)
                .filter(|_| !is_plain),
            rows: filter.page_size(PAGE_SIZE),
        };
        let answered = self.try_variants(at, &wanted, ask).await;
        let (listed, is_plain) = match answered {
            Err(problem) if page.is_none() && wanted.status.is_some() && is_refused(&problem) => {
                let plain = ListParams {
                    status: None,
                    ..wanted
                };
                let Ok(listed) = self.try_variants(at, &plain, ask).await else {
                    return Err(problem);
                };
                self.filter_unsupported.store(true, Ordering::Relaxed);
                (listed, true)
            }
            other => (other?, is_plain),
        };
        let at = Cursor {
            is_unfiltered: is_plain,
            ..at
        };
        let found = |row: Row, reference: &_| row.into_result(reference, ask, self.clock);
        let address = |row: &Row| scope.reference(&[row.id()?]);
        Ok(Page::from_addressed_rows(
            at,
            listed.total,
            listed.rows,
            address,
            found,
        ))
    }

    async fn try_variants(
        &self,
        at: Cursor,
        wanted: &ListParams,
        ask: &GetOptions,
    ) -> Result<ListPage, Problem> {
        let known = self.working_variant.get();
        let mut first_said = None;
        for form in known.map_or(&VARIANTS[..], std::slice::from_ref) {
            match self.page(*form, at, wanted, ask).await {
                Ok(page) => {
                    self.working_variant.get_or_init(|| *form);
                    return Ok(page);
                }
                Err(problem) if is_variant_error(&problem) => {
                    first_said.get_or_insert(problem);
                }
                Err(problem) => return Err(problem),
            }
        }
        Err(first_said.expect("there is at least one form"))
    }

    async fn page(
        &self,
        form: ListVariant,
        at: Cursor,
        wanted: &ListParams,
        ask: &GetOptions,
    ) -> Result<ListPage, Problem> {
        let mut request = self.list_request(form, at.offset, wanted);
        let answer = self
            .send(&mut request, &wire::request_error, ask.deadline)
            .await?;
        ListPage::decode(&answer.body)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))
    }

    pub(super) fn list_request(
        &self,
        form: ListVariant,
        offset: usize,
        wanted: &ListParams,
    ) -> Request {
        let path = match form {
            ListVariant::JsonBody | ListVariant::Query => "/ai/openapi/v2/instance-service/task",
            ListVariant::ListPath => "/ai/openapi/v2/instance-service/task/list",
        };
        let status = wanted.status.map(|status| ("status", status.to_owned()));
        let query = [
            ("start", offset.to_string()),
            ("limit", wanted.rows.to_string()),
            ("sort", "desc".to_owned()),
        ];
        let query = query.into_iter().chain(status);
        let mut request = Request {
            operation: LIST,
            method: Method::Get,
            endpoint: self.endpoint.clone(),
            path: path.to_owned(),
            query: query
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        if form == ListVariant::JsonBody {
            let mut body = json!({"start": offset, "limit": wanted.rows, "sort": "desc"});
            if let Some(status) = wanted.status {
                body["status"] = json!(status);
            }
            request.body = body.to_string().into_bytes();
            let kind = ("content-type", "application/json".to_owned());
            request.headers.push(kind);
        }
        request
    }
}

const INTERNAL_ERROR: &str = "10001";

/// True when the cloud answered and another form may be what it takes.
fn is_variant_error(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::InvalidResponse
    ) || is_refused(problem)
}

/// True when the cloud may not take a parameter.
fn is_refused(problem: &Problem) -> bool {
    problem.category == Category::InvalidArgument || problem.code.as_deref() == Some(INTERNAL_ERROR)
}
