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
use crate::providers::{Ask, Cursor, Filter, Page};
use crate::reference::Scope;

/// How many rows a page is asked to hold.
const PAGE_SIZE: usize = 100;

/// A way to ask for the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON body, as documented. The query says the same: a server that reads only that would
    /// else answer with its first page again and again.
    Body,
    /// A query.
    Query,
    /// A query below `/list`.
    QueryOfList,
}

const FORMS: [Form; 3] = [Form::Body, Form::Query, Form::QueryOfList];

/// What a call asks for besides where the page begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The only status, if there is one.
    pub status: Option<&'static str>,
    /// How many rows at most.
    pub rows: usize,
}

impl Default for Wanted {
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
        ask: &Ask,
    ) -> Result<Page, Problem> {
        let at = page.unwrap_or(Cursor::FIRST);
        // Pages of one list must all be filtered, or none, or their offsets would not fit.
        let is_plain = match page {
            Some(at) => at.is_plain,
            None => self.no_filter.load(Ordering::Relaxed),
        };
        let wanted = Wanted {
            status: filter.word(wire::STATES, &ask.states).filter(|_| !is_plain),
            rows: filter.rows_of(PAGE_SIZE),
        };
        let answered = self.in_some_form(at, &wanted, ask).await;
        let (listed, is_plain) = match answered {
            Err(problem) if page.is_none() && wanted.status.is_some() && is_refused(&problem) => {
                let plain = Wanted {
                    status: None,
                    ..wanted
                };
                let Ok(listed) = self.in_some_form(at, &plain, ask).await else {
                    return Err(problem);
                };
                self.no_filter.store(true, Ordering::Relaxed);
                (listed, true)
            }
            other => (other?, is_plain),
        };
        let at = Cursor { is_plain, ..at };
        let found = |row: Row, reference: &_| row.into_found(reference, ask, self.clock);
        let address = |row: &Row| scope.reference(&[row.id()?]);
        Ok(Page::of(at, listed.total, listed.rows, address, found))
    }

    async fn in_some_form(
        &self,
        at: Cursor,
        wanted: &Wanted,
        ask: &Ask,
    ) -> Result<ListPage, Problem> {
        let known = self.list_form.get();
        let mut first_said = None;
        for form in known.map_or(&FORMS[..], std::slice::from_ref) {
            match self.page(*form, at, wanted, ask).await {
                Ok(page) => {
                    self.list_form.get_or_init(|| *form);
                    return Ok(page);
                }
                Err(problem) if is_of_the_form(&problem) => {
                    first_said.get_or_insert(problem);
                }
                Err(problem) => return Err(problem),
            }
        }
        Err(first_said.expect("there is at least one form"))
    }

    async fn page(
        &self,
        form: Form,
        at: Cursor,
        wanted: &Wanted,
        ask: &Ask,
    ) -> Result<ListPage, Problem> {
        let mut request = self.list_request(form, at.offset, wanted);
        let answer = self
            .send(&mut request, &wire::refusal, ask.deadline)
            .await?;
        ListPage::read(&answer.body)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))
    }

    pub(super) fn list_request(&self, form: Form, offset: usize, wanted: &Wanted) -> Request {
        let path = match form {
            Form::Body | Form::Query => "/ai/openapi/v2/instance-service/task",
            Form::QueryOfList => "/ai/openapi/v2/instance-service/task/list",
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
        if form == Form::Body {
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
fn is_of_the_form(problem: &Problem) -> bool {
    matches!(problem.category, Category::NotFound | Category::Unreadable) || is_refused(problem)
}

/// True when the cloud may not take a parameter.
fn is_refused(problem: &Problem) -> bool {
    problem.category == Category::Rejected || problem.code.as_deref() == Some(INTERNAL_ERROR)
}
