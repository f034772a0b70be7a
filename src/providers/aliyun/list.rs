//! What is in a cluster: ListServerlessJobs without ids.

use super::Ehpc;
use super::wire::Page;
use crate::error::Problem;
use crate::providers::{self, Ask, Cursor};
use crate::reference::Scope;

impl Ehpc {
    /// One page of the serverless jobs of a cluster, the last submitted first.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn jobs_in(
        &self,
        scope: &Scope,
        at: Cursor,
        ask: &Ask,
    ) -> Result<providers::Page, Problem> {
        let cluster = scope
            .segment("CLUSTER")
            .expect("every template of this cloud has a cluster");
        let mut request = self.list_request(cluster, &[], at.page);
        let newest_first = ("SubmitOrder".to_owned(), "Desc".to_owned());
        request.query.push(newest_first);
        let answer = self.send(&request, cluster, ask).await?;
        let page = Page::read(&answer.body)
            .map_err(|expected| self.account.unreadable(&request, &answer, &expected))?;
        Ok(page.listed(scope, at, self.region.as_deref(), &ask.states))
    }
}
