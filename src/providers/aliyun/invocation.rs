//! How a command went: ListInvocationStatus, and ListInvocationResults once it has finished.

use serde_json::json;

use super::wire::{self, Command, Results, ResultsPage, Status};
use super::{Ehpc, cluster_of, note_raw_omitted, summarize};
use crate::error::Problem;
use crate::http::{Method, Response};
use crate::providers::{GetOptions, GetResult, job_at};
use crate::reference::Reference;

impl Ehpc {
    /// How a command goes or went; `command` is what is known of it beforehand.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn invocation(
        &self,
        reference: &Reference,
        command: Command,
        ask: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let (cluster, id) = (cluster_of(reference), reference.id());
        let query = [("ClusterId", cluster), ("CommandId", id)];
        let request = self.request("ListInvocationStatus", Method::Get, &query);
        let answer = self.send(&request, cluster, ask).await?;
        let status = Status::decode(&answer.body, id)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))?;
        let mut pages = Vec::new();
        let results = if status.is_finished() {
            Some(self.results(reference, ask, &mut pages).await)
        } else {
            None
        };
        let at = job_at(reference, self.region.as_deref());
        let status = status.with_command(command);
        let (mut job, mut notices) = status.into_job(at, &ask.states, results, ask.trust_finished);
        if ask.raw {
            let document =
                |answer: &Response| wire::vendor_document(&answer.body, ask.show_secrets);
            job.vendor = match pages.is_empty() {
                true => document(&answer),
                false => document(&answer).and_then(|status| {
                    let pages: Option<Vec<_>> = pages.iter().map(document).collect();
                    Some(json!({
                        "ListInvocationStatus": status,
                        "ListInvocationResults": pages?,
                    }))
                }),
            };
            note_raw_omitted(&job, &mut notices);
        }
        Ok(GetResult { job, notices })
    }

    /// The results of a finished invocation, as far as they can be read; `pages` keeps the answers
    /// when the cloud's own documents are asked for.
    async fn results(
        &self,
        reference: &Reference,
        ask: &GetOptions,
        pages: &mut Vec<Response>,
    ) -> Results {
        let (cluster, id) = (cluster_of(reference), reference.id());
        let mut results = Results::default();
        loop {
            let number = results.next_page().to_string();
            let size = wire::PAGE_SIZE.to_string();
            let query = [
                ("ClusterId", cluster),
                ("CommandId", id),
                ("PageNumber", &number),
                ("PageSize", &size),
            ];
            let request = self.request("ListInvocationResults", Method::Get, &query);
            let answer = match self.send(&request, cluster, ask).await {
                Ok(answer) => answer,
                Err(problem) => {
                    results.fail(summarize(&problem));
                    return results;
                }
            };
            let page = ResultsPage::decode(&answer.body, id);
            let goes_on = match page {
                Ok(page) => results.add(page),
                Err(expected) => {
                    let problem = self.api.decode_problem(&request, &answer, &expected);
                    results.fail(summarize(&problem));
                    false
                }
            };
            if ask.raw {
                pages.push(answer);
            }
            if !goes_on {
                return results;
            }
        }
    }
}
