//! How a command went: ListInvocationStatus, and ListInvocationResults once it has finished.

use serde_json::json;

use super::wire::{self, Command, Results, ResultsPage, Status};
use super::{Ehpc, cluster_of, tell_omitted, told};
use crate::error::Problem;
use crate::http::{Answer, Method};
use crate::providers::{Ask, Found, job_at};
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
        ask: &Ask,
    ) -> Result<Found, Problem> {
        let (cluster, id) = (cluster_of(reference), reference.id());
        let query = [("ClusterId", cluster), ("CommandId", id)];
        let request = self.request("ListInvocationStatus", Method::Get, &query);
        let answer = self.send(&request, cluster, ask).await?;
        let status = Status::read(&answer.body, id)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))?;
        let mut pages = Vec::new();
        let results = if status.is_finished() {
            Some(self.results(reference, ask, &mut pages).await)
        } else {
            None
        };
        let at = job_at(reference, self.region.as_deref());
        let status = status.of(command);
        let (mut job, mut notices) = status.into_job(at, &ask.states, results, ask.trust_finished);
        if ask.vendor {
            let document = |answer: &Answer| wire::vendor_document(&answer.body, ask.show_secrets);
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
            tell_omitted(&job, &mut notices);
        }
        Ok(Found { job, notices })
    }

    /// The results of a finished invocation, as far as they can be read; `pages` keeps the answers
    /// when the cloud's own documents are asked for.
    async fn results(&self, reference: &Reference, ask: &Ask, pages: &mut Vec<Answer>) -> Results {
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
                    results.fail(told(&problem));
                    return results;
                }
            };
            let page = ResultsPage::read(&answer.body, id);
            let goes_on = match page {
                Ok(page) => results.add(page),
                Err(expected) => {
                    let problem = self.account.unreadable(&request, &answer, &expected);
                    results.fail(told(&problem));
                    false
                }
            };
            if ask.vendor {
                pages.push(answer);
            }
            if !goes_on {
                return results;
            }
        }
    }
}
