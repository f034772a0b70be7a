//! The list of image jobs, by pages.

use super::wire::{self, PAGE_SIZE, Page, Row};
use super::{Client, LIST};
use crate::error::Problem;
use crate::http::Request;
use crate::providers::{self, Ask, Cursor, Filter};
use crate::reference::Scope;

impl Client {
    /// One page of the project's image jobs, of one status where that is what the filter asks for.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn image_jobs(
        &self,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        ask: &Ask,
    ) -> Result<providers::Page, Problem> {
        let status = filter.word(wire::STATES, &ask.states);
        let project = self.project(ask.deadline).await?;
        let request = self.list_request(&project, status, at.offset);
        let answer = self
            .login
            .send(&self.account, &request, &wire::classify, ask.deadline)
            .await?;
        let page = Page::read(&answer.body)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))?;
        let request_id = answer.header("x-request-id");
        let found = |row: Row, reference: &_| {
            let mut found = row.into_found(reference, ask, self.region.as_deref());
            found.job.request_id = request_id.map(str::to_owned);
            found
        };
        let address = |row: &Row| scope.reference(&[row.id()?]);
        let listed = providers::Page::of(at, page.count, page.items, address, found);
        Ok(listed)
    }

    /// A call for the jobs after the first `offset`, of one status or of all.
    pub(super) fn list_request(
        &self,
        project: &str,
        status: Option<&str>,
        offset: usize,
    ) -> Request {
        let limit = ("limit", PAGE_SIZE.to_string());
        let offset = ("offset", offset.to_string());
        let status = status.map(|status| ("status", status.to_owned()));
        let query = [limit, offset].into_iter().chain(status);
        let query = query.map(|(name, value)| (name.to_owned(), value));
        self.get(LIST, project, "image-server-jobs", query.collect())
    }
}
