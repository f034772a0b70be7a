//! The list of instances, by pages.
//!
//! The vendor's page shows a JSON body on a GET, the vendor's own command-line tool sends the same
//! names as a query, another client uses a path of its own. Which of them a region answers is not
//! documented, so they are tried in this order until one does.

use serde_json::json;

use super::wire::{self, ListPage, Row};
use super::{Client, LIST};
use crate::error::{Category, Problem};
use crate::http::{Method, Request};
use crate::providers::{Ask, Cursor, Page};
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

impl Client {
    /// One page of the instances, newest first, in the form that has answered before, else in the
    /// first that answers.
    ///
    /// # Errors
    /// What was said to the first form when none is taken, or what went wrong on the way.
    pub(super) async fn instances(
        &self,
        scope: &Scope,
        at: Cursor,
        ask: &Ask,
    ) -> Result<Page, Problem> {
        self.check_expiry()?;
        let known = self.list_form.get();
        let mut first_said = None;
        for form in known.map_or(&FORMS[..], std::slice::from_ref) {
            match self.page(*form, at, ask).await {
                Ok(page) => {
                    self.list_form.get_or_init(|| *form);
                    let found =
                        |row: Row, reference: &_| row.into_found(reference, ask, self.clock);
                    let address = |row: &Row| scope.reference(&[row.id()?]);
                    return Ok(Page::of(at, page.total, page.rows, address, found));
                }
                Err(problem) if is_of_the_form(&problem) => {
                    first_said.get_or_insert(problem);
                }
                Err(problem) => return Err(problem),
            }
        }
        Err(first_said.expect("there is at least one form"))
    }

    async fn page(&self, form: Form, at: Cursor, ask: &Ask) -> Result<ListPage, Problem> {
        let request = self.list_request(form, at.offset);
        let answer = self
            .account
            .send(&request, &self.signer, &wire::refusal, ask.deadline)
            .await?;
        ListPage::read(&answer.body)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))
    }

    pub(super) fn list_request(&self, form: Form, offset: usize) -> Request {
        let path = match form {
            Form::Body | Form::Query => "/ai/openapi/v2/instance-service/task",
            Form::QueryOfList => "/ai/openapi/v2/instance-service/task/list",
        };
        let query = [
            ("start", offset.to_string()),
            ("limit", PAGE_SIZE.to_string()),
            ("sort", "desc".to_owned()),
        ];
        let mut request = Request {
            operation: LIST,
            method: Method::Get,
            endpoint: self.endpoint.clone(),
            path: path.to_owned(),
            query: query.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        if form == Form::Body {
            let body = json!({"start": offset, "limit": PAGE_SIZE, "sort": "desc"});
            request.body = body.to_string().into_bytes();
            let kind = ("content-type", "application/json".to_owned());
            request.headers.push(kind);
        }
        request
    }
}

/// True when the cloud answered and another form may be what it takes.
fn is_of_the_form(problem: &Problem) -> bool {
    const INTERNAL_ERROR: &str = "10001";
    matches!(
        problem.category,
        Category::Rejected | Category::NotFound | Category::Unreadable
    ) || problem.code.as_deref() == Some(INTERNAL_ERROR)
}
