mod conflicts;
mod progress;

use std::fmt;
use std::future;
use std::ops::ControlFlow;

use async_trait::async_trait;

use super::list::{Cursor, Filter, Page};
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::model::{self, Notice, NoticeCode, State};
use crate::providers::{BoxFuture, Client, GetOptions, GetResult, ScopeListing};
use crate::reference::Scope;
use conflicts::merge_conflicts;
use progress::ListProgress;

/// Maximum number of pages in one drain: a million rows at a hundred a page.
const MAX_PAGES: usize = 10_000;
/// Consecutive pages without a row after which a list is not read further.
const MAX_EMPTY_PAGES: usize = 100;
/// Maximum number of times that a list is read from its start where it loses rows.
const MAX_PASSES: u8 = 3;

/// Why a drained list may not be all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// The limit was reached and there is more.
    Limit(usize),
    /// The caller stopped taking pages.
    Stopped,
    /// The cloud went on giving what it had given before.
    RepeatedPage,
    /// There were more pages than any list should have, or than were requested.
    TooManyPages(usize),
    /// The cloud counts more rows than it gave: rows, total.
    CountMismatch(u64, u64),
    /// Rows left the list each time it was read, and those after them may have moved to a page before.
    RowsMoved,
    /// This many rows have no id that a reference can contain.
    MissingIds(usize),
}

impl fmt::Display for Truncation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => write!(f, "truncated at {limit}, as requested"),
            Self::Stopped => f.write_str("stopped early"),
            Self::RepeatedPage => f.write_str("the cloud returned the same page twice"),
            Self::TooManyPages(pages) => write!(f, "truncated after {pages} pages"),
            Self::CountMismatch(rows, total) => {
                write!(f, "the cloud reports {total} rows but lists {rows}")
            }
            Self::RowsMoved => {
                f.write_str("rows left the list each time it was read, others may be missing")
            }
            Self::MissingIds(1) => f.write_str("a row has no valid id"),
            Self::MissingIds(rows) => write!(f, "{rows} rows have no valid id"),
        }
    }
}

/// What came of draining a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListStats {
    /// How many resources were passed on.
    pub rows: usize,
    /// How many pages were requested.
    pub pages: usize,
    /// Why there may be more; `None` when this was all.
    pub truncation: Option<Truncation>,
}

/// Takes a page of a list; it breaks when no more are wanted. The next page is requested when it is
/// done with this one.
pub type OnPage<'a, R> = &'a mut (dyn FnMut(Page<R>) -> BoxFuture<'static, ControlFlow<()>> + Send);

/// The response of a taker of pages that is done with one at once.
pub fn ready(flow: ControlFlow<()>) -> BoxFuture<'static, ControlFlow<()>> {
    Box::pin(future::ready(flow))
}

/// Requests the pages of a list one after the other and hands on what each brings that is new and
/// passes the filter, with the problems of single rows.
///
/// It ends with the last page, after `limit` resources, when `on_page` breaks, or when the cloud
/// repeats a page. Where the cloud counts fewer rows on a later page, a row has left the list and others may
/// have moved to a page that was read before: the list is read again, for the rows that did not come or have changed
/// their state. The same is done where pages that overlap have no row in common. A row that was handed on is handed
/// on again when a later one shows the job in another state, even one that the filter drops
/// ([`Page::withdrawn`]). Where each resource costs requests of its own ([`list_limit`]), `limit` counts
/// those that were requested, whatever their state.
///
/// [`list_limit`]: crate::kind::Kind::list_limit
///
/// # Errors
/// What went wrong with a page; those before it were handed on. Each page has as much time as `ask`
/// leaves when the drain begins.
pub async fn list_all(
    client: &dyn Client,
    scope: &Scope,
    filter: &Filter,
    ask: &GetOptions,
    limit: Option<usize>,
    on_page: OnPage<'_, GetResult>,
) -> Result<ListStats, Problem> {
    let kept = JobPages {
        client,
        scope,
        filter,
        costly: scope.kind.list_limit().map(|_| filter.without_states()),
    };
    pages_of(&kept, ask, limit, on_page).await
}

/// As [`list_all`], for the scopes of an account ([`CloudApi::list_scopes`](super::CloudApi::list_scopes)).
///
/// # Errors
/// As [`list_all`].
pub async fn list_all_scopes(
    client: &dyn Client,
    listing: &'static ScopeListing,
    profile: &str,
    ask: &GetOptions,
    limit: Option<usize>,
    on_page: OnPage<'_, model::ScopeSummary>,
) -> Result<ListStats, Problem> {
    let source = ScopePages {
        client,
        listing,
        profile,
    };
    pages_of(&source, ask, limit, on_page).await
}

/// What can be requested page by page.
#[async_trait]
trait PageSource: Sync {
    type Row: Send;

    async fn page(&self, at: Cursor, ask: &GetOptions) -> Result<Page<Self::Row>, Problem>;

    /// What no other row has.
    fn key(row: &Self::Row) -> &str;

    /// The state of a row, if it has one.
    fn state(_row: &Self::Row) -> Option<State> {
        None
    }

    /// False where the filter drops the row for its state.
    fn has_wanted_state(&self, _row: &Self::Row) -> bool {
        true
    }

    /// False where the filter drops the row; `has_unreadable` is true where fields of the page could not be
    /// read.
    fn is_wanted(&self, _row: &Self::Row, _has_unreadable: bool) -> bool {
        true
    }

    /// True when the row cost calls of its own.
    fn is_costly(&self, _row: &Self::Row) -> bool {
        false
    }

    /// Maximum number of pages.
    fn max_pages(&self) -> usize {
        MAX_PAGES
    }
}

struct JobPages<'c> {
    client: &'c dyn Client,
    scope: &'c Scope,
    filter: &'c Filter,
    /// The details that cost separate calls, if such rows have them.
    costly: Option<Filter>,
}

#[async_trait]
impl PageSource for JobPages<'_> {
    type Row = GetResult;

    async fn page(&self, at: Cursor, ask: &GetOptions) -> Result<Page, Problem> {
        let (scope, filter) = (self.scope, self.filter);
        let mut page = self.client.list(scope, filter, at, ask).await?;
        merge_conflicts(&mut page);
        Ok(page)
    }

    fn key(row: &GetResult) -> &str {
        &row.job.reference
    }

    fn state(row: &GetResult) -> Option<State> {
        Some(row.job.state)
    }

    fn has_wanted_state(&self, row: &GetResult) -> bool {
        self.filter.matches_state(&row.job)
    }

    fn is_wanted(&self, row: &GetResult, has_unreadable: bool) -> bool {
        self.filter
            .matches(&row.job, has_unreadable || names_unreadable(&row.notices))
    }

    fn is_costly(&self, row: &GetResult) -> bool {
        let costly = self.costly.as_ref();
        costly.is_some_and(|filter| filter.matches(&row.job, false))
    }

    fn max_pages(&self) -> usize {
        self.filter.max_pages.unwrap_or(MAX_PAGES)
    }
}

/// Whether notices name a field that could not be read.
fn names_unreadable(notices: &[Notice]) -> bool {
    let mut codes = notices.iter().map(|notice| notice.code);
    codes.any(|code| code == NoticeCode::UnreadableField)
}

struct ScopePages<'c> {
    client: &'c dyn Client,
    listing: &'static ScopeListing,
    profile: &'c str,
}

#[async_trait]
impl PageSource for ScopePages<'_> {
    type Row = model::ScopeSummary;

    async fn page(
        &self,
        at: Cursor,
        ask: &GetOptions,
    ) -> Result<Page<model::ScopeSummary>, Problem> {
        let (listing, profile) = (self.listing, self.profile);
        self.client
            .api()
            .list_scopes(listing, profile, at, ask)
            .await
    }

    fn key(row: &model::ScopeSummary) -> &str {
        &row.scope
    }
}

/// The one loop that requests pages.
async fn pages_of<S: PageSource>(
    source: &S,
    ask: &GetOptions,
    limit: Option<usize>,
    on_page: OnPage<'_, S::Row>,
) -> Result<ListStats, Problem> {
    let (budget, max_pages) = (ask.deadline.remaining(), source.max_pages());
    let mut progress = ListProgress::default();
    let mut at = Cursor::FIRST;
    loop {
        let ask = GetOptions {
            deadline: Deadline::after(budget),
            ..ask.clone()
        };
        let mut page = match source.page(at, &ask).await {
            Err(problem)
                if at.overlap.rows() > 0 && problem.category == Category::InvalidArgument =>
            {
                at = at.without_overlap();
                continue;
            }
            page => page?,
        };
        if progress.is_rounded::<S>(&page, at) {
            at = at.without_overlap();
            continue;
        }
        let next = page.next.map(|next| match page.may_overlap {
            true => next.with_overlap(page.rows.len()),
            false => next,
        });
        progress.add(source, &mut page, at, limit);
        let is_empty = page.rows.is_empty()
            && page.rows_without_id == 0
            && page.notices.is_empty()
            && page.problems.is_empty()
            && page.failed_parts.is_empty();
        let is_broken = !is_empty && on_page(page).await.is_break();
        let truncation = match (next, limit) {
            (_, Some(limit)) if progress.is_over => Some(Truncation::Limit(limit)),
            (Some(next), _) => match progress.stop(limit, max_pages, is_broken) {
                None => {
                    at = next;
                    continue;
                }
                stop => stop,
            },
            (None, _) if !is_broken && progress.must_repeat(max_pages) => {
                progress.repeat();
                at = Cursor::FIRST;
                continue;
            }
            (None, _) => progress.missing(at),
        };
        return Ok(ListStats {
            rows: progress.kept,
            pages: progress.pages,
            truncation,
        });
    }
}
