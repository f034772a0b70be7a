//! The list of image jobs, by pages.
//!
//! The cloud lists the jobs of one type a call, so that a page here is a page of each type.

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::merge::{TypePage, merge};
use super::wire::{self, JOB_TYPES, PAGE_SIZE, Page, Row};
use super::{Client, LIST};
use crate::error::Problem;
use crate::http::Request;
use crate::providers::{self, Cursor, Filter, GetOptions};
use crate::reference::Scope;

impl Client {
    /// One page of the project's image jobs of all types, newest first, of one status where that is
    /// what the filter asks for.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way, with all of the types. One that fails
    /// alone is a failed part of the page, and is not asked for again.
    pub(super) async fn image_jobs(
        &self,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        ask: &GetOptions,
    ) -> Result<providers::Page, Problem> {
        let status = filter.single_state_word(wire::STATES, &ask.states);
        let project = self.project(ask.deadline).await?;
        let lists = at.lists.offsets.into_iter().enumerate();
        let calls = lists.filter_map(|(list, offset)| {
            let request = self.list_request(&project, JOB_TYPES[list], status, offset?);
            let page = self.type_page(list, offset?, request, ask);
            Some(page.map(move |page| (list, page)))
        });
        // Whoever wants a row to see that lists are given wants no request for each type.
        let calls = calls.take(filter.page_size(JOB_TYPES.len()));
        let (mut pages, mut failed) = (Vec::new(), Vec::new());
        for (list, outcome) in join_all(calls).await {
            match outcome {
                Ok(page) => pages.push(page),
                Err(problem) => failed.push((list, problem)),
            }
        }
        if pages.is_empty() && !failed.is_empty() {
            return Err(failed.swap_remove(0).1);
        }
        let merged = merge(
            at.without_lists(failed.iter().map(|(list, _)| *list)),
            pages,
        );
        let found = |(row, request_id): (Row, Option<String>), reference: &_| {
            let mut found = row.into_result(reference, ask, self.region.as_deref());
            found.job.request_id = request_id;
            found
        };
        let address = |(row, _): &(Row, Option<String>)| scope.reference(&[row.id()?]);
        Ok(providers::Page {
            next: merged.next,
            total: merged.total,
            failed_parts: failed.into_iter().map(of_type).collect(),
            ..providers::Page::from_addressed_rows(at, None, merged.rows, address, found)
        })
    }

    async fn type_page(
        &self,
        list: usize,
        offset: usize,
        request: Request,
        ask: &GetOptions,
    ) -> Result<TypePage, Problem> {
        let answer = self
            .credentials
            .send(&self.api, &request, &wire::classify, ask.deadline)
            .await?;
        let page = Page::decode(&answer.body)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))?;
        Ok(TypePage {
            list,
            offset,
            request_id: answer.header("x-request-id").map(str::to_owned),
            page,
        })
    }

    /// A call for the jobs of a type after the first `offset`, of one status or of all.
    pub(super) fn list_request(
        &self,
        project: &str,
        job_type: &str,
        status: Option<&str>,
        offset: usize,
    ) -> Request {
        let job_type = ("job_type", job_type.to_owned());
        let limit = ("limit", PAGE_SIZE.to_string());
        let offset = ("offset", offset.to_string());
        let status = status.map(|status| ("status", status.to_owned()));
        let query = [job_type, limit, offset].into_iter().chain(status);
        let query = query.map(|(name, value)| (name.to_owned(), value));
        self.get_request(LIST, project, "image-server-jobs", query.collect())
    }
}

/// The problem of a type's list, with the type.
fn of_type((list, mut problem): (usize, Problem)) -> Problem {
    problem.message = format!("job_type {}: {}", JOB_TYPES[list], problem.message);
    problem
}
