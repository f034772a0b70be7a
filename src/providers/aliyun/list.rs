//! What there is: the clusters of an account, and the jobs and commands of a cluster.

use futures_util::future::join_all;

use super::wire::{self, Command};
use super::{CLOUD, Ehpc};
use crate::error::{Category, Problem};
use crate::http::Method;
use crate::providers::{Cursor, Filter, GetOptions, GetResult, Page, ScopePage, job_at};
use crate::reference::{Reference, Scope};

/// How many clusters a page is asked to hold; the cloud gives no more.
const CLUSTERS_PAGE_SIZE: usize = 50;

impl Ehpc {
    /// One page of the serverless jobs of a cluster, the last submitted first.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn list_jobs(
        &self,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        ask: &GetOptions,
    ) -> Result<Page, Problem> {
        let cluster = cluster_of(scope);
        let rows = filter.page_size(wire::MAX_ROWS);
        let mut request = self.list_request(cluster, &[], at.page, rows);
        let mut push = |name: &str, value: String| request.query.push((name.to_owned(), value));
        push("SubmitOrder", "Desc".to_owned());
        let word = filter.single_state_word(wire::JOB_STATES, &ask.states);
        if let Some(word) = word.filter(|word| wire::LISTABLE_STATES.contains(word)) {
            push("State", word.to_owned());
        }
        if let Some(since) = filter.since {
            push(
                "SubmitTimeStart",
                since.to_datetime().timestamp().to_string(),
            );
        }
        let answer = self.send(&request, cluster, ask).await?;
        let page = wire::Page::decode(&answer.body)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))?;
        Ok(page.into_page(scope, at, self.region.as_deref(), &ask.states))
    }

    /// One page of the commands of a cluster, with a look-up of each that may pass the filter: the
    /// list tells no states.
    ///
    /// # Errors
    /// What the cloud said to the list, or to any look-up where it is true of all of them; what is
    /// wrong with one command alone stands on the page.
    pub(super) async fn list_commands(
        &self,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        ask: &GetOptions,
    ) -> Result<Page, Problem> {
        let cluster = cluster_of(scope);
        let (page, size) = (at.page.to_string(), wire::COMMANDS_PAGE_SIZE.to_string());
        let query = [
            ("ClusterId", cluster),
            ("PageNumber", &page),
            ("PageSize", &size),
        ];
        let request = self.request("ListCommands", Method::Get, &query);
        let answer = self.send(&request, cluster, ask).await?;
        let (commands, total) = wire::read_commands(&answer.body, ask.show_secrets)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))?;
        let named = Page::from_rows(at, total, commands, |command| {
            Some((scope.reference(&[command.id()?])?, command))
        });
        let (filter, ask) = (filter.without_states(), without_documents(ask));
        let looks = named
            .rows
            .into_iter()
            .map(|(reference, command)| self.command(reference, command, &filter, &ask));
        let mut page = Page {
            rows_without_id: named.rows_without_id,
            next: named.next,
            total: named.total,
            ..Page::default()
        };
        for outcome in join_all(looks).await {
            match outcome {
                Ok(found) => page.rows.push(found),
                Err(problem) if is_of_the_account(problem.category) => return Err(problem),
                Err(problem) => page.problems.push(problem),
            }
        }
        Ok(page)
    }

    /// A command of the list, looked up unless its row tells already that it is not wanted.
    async fn command(
        &self,
        reference: Reference,
        command: Command,
        filter: &Filter,
        ask: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let bare = command
            .clone()
            .into_bare_job(job_at(&reference, self.region.as_deref()));
        if !filter.matches(&bare) {
            return Ok(GetResult {
                job: bare,
                notices: Vec::new(),
            });
        }
        let found = self.invocation(&reference, command, ask).await;
        found.map_err(|mut problem| {
            problem.reference = Some(reference.to_string());
            problem.input = Some(reference.input);
            problem
        })
    }

    /// One page of the clusters of the region.
    ///
    /// # Errors
    /// What the cloud said, or what went wrong on the way.
    pub(super) async fn clusters(
        &self,
        profile: &str,
        at: Cursor,
        ask: &GetOptions,
    ) -> Result<ScopePage, Problem> {
        let (page, size) = (at.page.to_string(), CLUSTERS_PAGE_SIZE.to_string());
        let query = [("PageNumber", &*page), ("PageSize", &*size)];
        let request = self.request("ListClusters", Method::Get, &query);
        let answer = self.send(&request, "", ask).await?;
        let scope_of =
            |id: &str| Scope::at(CLOUD.kinds[0], profile, &[id]).map(|scope| scope.to_string());
        wire::read_clusters(&answer.body, at, self.region.as_deref(), scope_of)
            .map_err(|expected| self.api.decode_problem(&request, &answer, &expected))
    }
}

fn cluster_of(scope: &Scope) -> &str {
    scope
        .segment("CLUSTER")
        .expect("every scope of this cloud has a cluster")
}

/// Rows keep no documents.
fn without_documents(ask: &GetOptions) -> GetOptions {
    GetOptions {
        raw: false,
        ..ask.clone()
    }
}

/// What is wrong with a look-up and will be with the next.
fn is_of_the_account(category: Category) -> bool {
    matches!(
        category,
        Category::MissingCredentials
            | Category::Unauthenticated
            | Category::PermissionDenied
            | Category::ClockSkew
    )
}
