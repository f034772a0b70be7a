//! Lists one scope, a page at a time.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::super::lookup::{LOOKUP_TIMEOUT, Lookup, list_permission, with_account_context};
use super::options::ListOptions;
use super::report::{ListStatus, RowProblems, unsupported_filter};
use super::rows::ListedRows;
use super::scopes;
use super::target::ListTarget;
use crate::error::Problem;
use crate::http::Deadline;
use crate::kind::Kind;
use crate::model::{Notice, ScopeSummary, State, Time};
use crate::output::Format;
use crate::providers::{
    self, BoxFuture, Client, Filter, GetResult, ListStats, Page, RequestOptions, ScopeListRequest,
    ScopeListSpec, Truncation,
};
use crate::reference;

/// Maximum number of pages of a scope to search for active jobs beyond its limit.
const MAX_PAGES_OF_ACTIVE: usize = 20;

/// A page of a scope.
pub(super) struct ListedPage {
    pub rows: ListedRows,
    /// References of already sent rows that have another state now.
    pub changed: HashSet<String>,
    /// Those of `changed` that no longer match the filter.
    pub withdrawn: HashSet<String>,
    pub problems: RowProblems,
    pub notices: Vec<Notice>,
    pub total: Option<u64>,
}

/// Events of listing one scope.
pub(super) enum ListEvent {
    /// A page. The receiver drops the sender to request the next one.
    Page(Box<ListedPage>, oneshot::Sender<()>),
    /// Scopes to list instead of this one. The receiver sends back the number of the first.
    Parts(Vec<ListTarget>, oneshot::Sender<usize>),
    /// The end of the list.
    End(ListStatus),
}

/// Sends events with the number of their scope.
pub(super) type Sender = mpsc::UnboundedSender<(usize, ListEvent)>;

/// Lists one scope.
#[derive(Clone)]
pub(super) struct ScopeLister {
    /// The number of the scope in the list of reports.
    pub number: usize,
    pub target: ListTarget,
    pub lookup: Arc<Lookup>,
    pub options: Arc<ListOptions>,
    pub format: Format,
    /// The result is sorted before the limit applies.
    pub sorts: bool,
    /// Active jobs are shown regardless of the limit.
    pub active_first: bool,
    /// Limits how many scopes of the account are listed at once.
    pub turns: Arc<Semaphore>,
}

impl ScopeLister {
    /// Requests all pages and sends their rows. The receiver can be gone if the command is about to end.
    pub(super) fn run(self, sender: Sender) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.list(&sender).await })
    }

    async fn list(&self, sender: &Sender) {
        let unlisted = self.options.unsupported_by(&self.target);
        if !unlisted.is_empty() {
            let problem = Box::new(unsupported_filter(&self.target, &unlisted));
            let end = ListEvent::End(ListStatus::Unsupported(problem));
            let _ = sender.send((self.number, end));
            return;
        }
        let mut parts = Vec::new();
        let drained = {
            // The timeout of a page starts when its turn comes.
            let _turn = self
                .turns
                .acquire()
                .await
                .expect("the semaphore is never closed");
            match &self.target {
                ListTarget::Jobs { scope, is_named } => {
                    self.list_jobs(scope, *is_named, sender).await
                }
                ListTarget::Scopes {
                    listing,
                    configured: Some(scope),
                    ..
                } => {
                    let found = self.configured_parts(scope, listing).await;
                    found.map(|found| {
                        parts = found;
                        ListStatus::Complete
                    })
                }
                ListTarget::Scopes { cloud, listing, .. } => {
                    let pages = self.list_scopes(cloud, listing, &mut parts, sender);
                    pages.await.map(ListStatus::from)
                }
            }
        };
        self.list_parts(parts, sender).await;
        let end = drained
            .unwrap_or_else(|problem| ListStatus::Failed(Box::new(self.with_reference(problem))));
        let _ = sender.send((self.number, ListEvent::End(end)));
    }

    async fn list_jobs(
        &self,
        scope: &reference::Scope,
        is_named: bool,
        sender: &Sender,
    ) -> Result<ListStatus, Problem> {
        let client = self.lookup.clients.get(&self.target.account())?;
        let options = self
            .lookup
            .options_for(scope.kind, Deadline::after(LOOKUP_TIMEOUT));
        let limit = self.options.limit_for(scope.kind, self.format, self.sorts);
        let now = self.lookup.now()?;
        let filter = Filter {
            checks_scope: is_named,
            is_optional: !is_named,
            max_lookups: self.options.max_lookups(scope.kind),
            ..self.options.filter_for(&self.target.account())
        };
        let finds_active = self.active_first && self.options.may_leave_out_active(scope.kind);
        let (mut seen, mut total, mut omits_old) = (HashMap::new(), None, false);
        let mut on_page = |page: Page<GetResult>| {
            omits_old |= page.omits_old;
            if finds_active {
                let unreadable = page.problems.iter().flat_map(|one| one.reference.clone());
                seen.extend(unreadable.map(|reference| (reference, None)));
                let jobs = page.rows.iter().map(|row| &row.job);
                seen.extend(jobs.map(|job| (job.reference.clone(), Some(job.state))));
            }
            total = page.total;
            self.take_page(page, now, sender)
        };
        let listed = providers::list_all(&*client, scope, &filter, &options, limit, &mut on_page);
        let listed = listed.await?;
        let is_limited = matches!(listed.truncation, Some(Truncation::Limit(_)));
        if !finds_active || !is_limited && !omits_old {
            return Ok(listed.into());
        }
        let active = Filter {
            states: State::ACTIVE.to_vec(),
            max_pages: Some(MAX_PAGES_OF_ACTIVE),
            ..filter
        };
        let mut on_page = |page: Page<GetResult>| {
            let (mut rows, mut problems) = (page.rows, page.problems);
            rows.retain(|row| seen.get(&row.job.reference) != Some(&Some(row.job.state)));
            let is_new = |reference: &String| !seen.contains_key(reference);
            problems.retain(|problem| problem.reference.as_ref().is_none_or(is_new));
            // Keep jobs that have ended since: they were active when they were requested.
            let page = Page {
                rows,
                problems,
                changed: page.changed,
                notices: page.notices,
                total,
                ..Page::default()
            };
            self.take_page(page, now, sender)
        };
        let result = providers::list_all(&*client, scope, &active, &options, None, &mut on_page);
        let has_all_active = result.await?.truncation.is_none();
        Ok(match is_limited || !has_all_active {
            true => ListStatus::ActiveFirst { has_all_active },
            false => listed.into(),
        })
    }

    /// Sends a page of jobs to the collector.
    fn take_page(
        &self,
        page: Page<GetResult>,
        now: Time,
        sender: &Sender,
    ) -> BoxFuture<'static, ControlFlow<()>> {
        // This response can have shown that the local clock is wrong.
        let now = self.lookup.now().unwrap_or(now);
        let rows = page.rows.into_iter();
        let mut notices = page.notices;
        let jobs = rows.map(|result| {
            let (mut job, own) = self.lookup.complete_at(result, now);
            notices.extend(own);
            providers::mask_row_ids(&mut job, self.lookup.transport.redactor());
            job
        });
        let jobs = jobs.collect();
        let masked = |references: Vec<String>| {
            let masks = self.lookup.transport.redactor().masks();
            let references = references.into_iter().map(|mut reference| {
                masks.value(&mut reference);
                reference
            });
            references.collect()
        };
        let failed = page.failed_parts.into_iter();
        let failed = failed.map(|problem| self.with_reference(problem)).collect();
        let mut problems = page.problems;
        for problem in &mut problems {
            self.lookup.transport.mask(problem);
        }
        let problems = RowProblems {
            problems,
            without_id: page.rows_without_id,
            failed_parts: failed,
            omits_old: page.omits_old,
        };
        let page = ListedPage {
            rows: ListedRows {
                jobs,
                ..ListedRows::default()
            },
            changed: masked(page.changed),
            withdrawn: masked(page.withdrawn),
            problems,
            notices,
            total: page.total,
        };
        self.send(sender, page)
    }

    /// Lists the scopes of a cloud, or with `recursive` collects the targets in them in `parts`.
    async fn list_scopes(
        &self,
        cloud: &reference::CloudScope,
        listing: &'static ScopeListSpec,
        parts: &mut Vec<ListTarget>,
        sender: &Sender,
    ) -> Result<ListStats, Problem> {
        let client = self.lookup.clients.get(&self.target.account())?;
        let options = RequestOptions::new(Deadline::after(LOOKUP_TIMEOUT));
        let recursive = self.options.recursive;
        let limit = self.options.limit_for_scopes(self.format);
        let limit = limit.filter(|_| !recursive && !self.sorts);
        let mut on_page = |page: Page<ScopeSummary>| {
            let mut rows = page.rows;
            let mut without_id = page.rows_without_id;
            if recursive {
                for scope in &rows {
                    match scopes::scope_targets(scope, listing, self.target.input()) {
                        Some(found) => parts.extend(found),
                        None => without_id += 1,
                    }
                }
                rows.clear();
            }
            for scope in &mut rows {
                providers::mask_scope(scope, self.lookup.transport.redactor());
            }
            let failed = page.failed_parts.into_iter();
            let failed = failed.map(|problem| self.with_reference(problem)).collect();
            let problems = RowProblems {
                problems: page.problems,
                without_id,
                failed_parts: failed,
                omits_old: page.omits_old,
            };
            let page = ListedPage {
                rows: ListedRows {
                    scopes: rows,
                    ..ListedRows::default()
                },
                changed: HashSet::new(),
                withdrawn: HashSet::new(),
                problems,
                notices: page.notices,
                total: page.total,
            };
            self.send(sender, page)
        };
        let request = ScopeListRequest::first(listing, &cloud.profile, &options);
        let listed = providers::list_all_scopes(&*client, request, limit, &mut on_page).await?;
        if recursive {
            let kinds = served_kinds(&*client, listing).await;
            parts.extend(kinds.into_iter().map(|kind| scopes::all_of(cloud, kind)));
        }
        Ok(listed)
    }

    /// Returns the targets in a scope that the settings name.
    async fn configured_parts(
        &self,
        scope: &reference::Scope,
        listing: &'static ScopeListSpec,
    ) -> Result<Vec<ListTarget>, Problem> {
        let client = self.lookup.clients.get(&self.target.account())?;
        let optional = served_kinds(&*client, listing).await;
        Ok(scopes::configured_targets(scope, listing, optional))
    }

    /// Lists scopes concurrently, each with its own report.
    async fn list_parts(&self, parts: Vec<ListTarget>, sender: &Sender) {
        if parts.is_empty() {
            return;
        }
        let (first, number) = oneshot::channel();
        let event = ListEvent::Parts(parts.clone(), first);
        if sender.send((self.number, event)).is_err() {
            return;
        }
        // Without a number the receiver is gone.
        let Ok(number) = number.await else { return };
        let mut running = JoinSet::new();
        for (at, target) in parts.into_iter().enumerate() {
            let part = Self {
                number: number + at,
                target,
                ..self.clone()
            };
            running.spawn(part.run(sender.clone()));
        }
        while running.join_next().await.is_some() {}
    }

    /// Sends a page, and waits until the receiver has taken it.
    fn send(&self, sender: &Sender, page: ListedPage) -> BoxFuture<'static, ControlFlow<()>> {
        let (taken, is_taken) = oneshot::channel();
        let sent = sender.send((self.number, ListEvent::Page(Box::new(page), taken)));
        Box::pin(async move {
            match sent {
                Ok(()) => {
                    // The sender is dropped, never used.
                    let _ = is_taken.await;
                    ControlFlow::Continue(())
                }
                Err(_) => ControlFlow::Break(()),
            }
        })
    }

    fn with_reference(&self, problem: Problem) -> Problem {
        let permission = self.target.kind().and_then(list_permission);
        let mut problem = with_account_context(problem, &self.target.account(), permission);
        self.lookup.transport.mask(&mut problem);
        problem.reference = Some(self.target.scope());
        problem.input = Some(self.target.input().to_owned());
        problem
    }
}

/// Returns the optional kinds of a listing that the server has; sends nothing if there are none.
async fn served_kinds(client: &dyn Client, listing: &'static ScopeListSpec) -> Vec<&'static Kind> {
    if listing.optional_kinds.is_empty() {
        return Vec::new();
    }
    let options = RequestOptions::new(Deadline::after(LOOKUP_TIMEOUT));
    client.api().served_kinds(listing, &options).await
}
