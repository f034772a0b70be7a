mod conflicts;
mod progress;
mod seen_rows;

use std::fmt;
use std::future;
use std::ops::ControlFlow;

use async_trait::async_trait;

use super::list::{Cursor, Filter, Page};
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::model::{self, Notice, NoticeCode, State};
use crate::providers::{BoxFuture, Client, GetResult, RequestOptions, ScopeListRequest};
use crate::reference::Scope;
use conflicts::merge_conflicts;
use progress::{Bounds, ListProgress};

/// Maximum number of pages of a list: a million rows at a hundred rows per page.
const MAX_PAGES: usize = 10_000;
/// Number of consecutive pages without a row after which a list is not read further.
const MAX_EMPTY_PAGES: usize = 100;
/// Maximum number of times that a list is read from its start because rows were lost.
const MAX_PASSES: u8 = 3;

/// Why a list may be incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// The limit was reached, and there are more rows.
    Limit(usize),
    /// The maximum number of lookups was reached before the limit.
    LookupLimit {
        /// Number of rows that were examined.
        examined: u64,
        /// Number of rows of the list, if the cloud reports it.
        total: Option<u64>,
    },
    /// The caller stopped taking pages.
    Stopped,
    /// The cloud returned a page without new rows.
    RepeatedPage,
    /// There were more pages than the maximum, or than were requested.
    TooManyPages(usize),
    /// The cloud reports a larger total than the number of rows it lists: rows, total.
    CountMismatch(u64, u64),
    /// Rows left the list each time it was read; the rows after them may have moved to an earlier page.
    RowsMoved,
    /// This many rows are copies of other rows of the same response, and the cloud reports no total.
    RepeatedRows(usize),
    /// This many rows have no id that is valid in a reference.
    MissingIds(usize),
}

impl fmt::Display for Truncation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => write!(f, "truncated at {limit}, as requested"),
            Self::LookupLimit { examined, .. } => {
                write!(f, "only the first {examined} were examined")
            }
            Self::Stopped => f.write_str("stopped early"),
            Self::RepeatedPage => f.write_str("the cloud returned the same page twice"),
            Self::TooManyPages(pages) => write!(f, "truncated after {pages} pages"),
            Self::CountMismatch(rows, total) => {
                write!(f, "the cloud reports {total} rows but lists {rows}")
            }
            Self::RowsMoved => {
                f.write_str("rows disappeared each time the list was read; others may be missing")
            }
            Self::RepeatedRows(1) => f.write_str("the cloud returned a row twice"),
            Self::RepeatedRows(rows) => write!(f, "the cloud returned {rows} rows twice"),
            Self::MissingIds(1) => f.write_str("a row has no valid id"),
            Self::MissingIds(rows) => write!(f, "{rows} rows have no valid id"),
        }
    }
}

/// The result of reading all pages of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListStats {
    /// Number of rows that were passed on.
    pub rows: usize,
    /// Number of pages that were requested.
    pub pages: usize,
    /// Why rows may be missing; `None` if the list is complete.
    pub truncation: Option<Truncation>,
}

/// Receives a page of a list and breaks to stop. The next page is requested when the future has completed.
pub type OnPage<'a, R> = &'a mut (dyn FnMut(Page<R>) -> BoxFuture<'static, ControlFlow<()>> + Send);

/// Returns the completed future of an [`OnPage`] that handles a page at once.
pub fn ready(flow: ControlFlow<()>) -> BoxFuture<'static, ControlFlow<()>> {
    Box::pin(future::ready(flow))
}

/// Requests the pages of a list one after the other. Passes on the new rows of each page that match the filter,
/// with the problems of single rows.
///
/// Stops after the last page, after `limit` jobs, when `on_page` breaks, or when the cloud repeats a page. If a
/// later page has a smaller total, a row has left the list and others may have moved to a page that was already
/// read: the list is read again, for rows that were missed or have changed their state. The same applies if
/// overlapping pages have no row in common. If neither would show that jobs left a list for active states, it is read
/// again in any case, until it has no new rows or still has all rows of the time before. A row is passed on again if
/// a later one shows the job in another state, even if the filter drops that state ([`Page::withdrawn`]). The state
/// is unknown if rows of one page differ, or if pages show different ends, until the list is read again. Rows of
/// earlier runs of a job ([`Page::runs`]) are dropped. If each job requires additional requests ([`list_limit`]), also
/// stops after [`Filter::max_lookups`] jobs for which requests were made, in any state.
///
/// [`list_limit`]: crate::kind::Kind::list_limit
///
/// # Errors
/// The problem of a page; the pages before it were passed on. Each page has as much time as `options` allows when
/// the first page is requested.
pub async fn list_all(
    client: &dyn Client,
    scope: &Scope,
    filter: &Filter,
    options: &RequestOptions,
    limit: Option<usize>,
    on_page: OnPage<'_, GetResult>,
) -> Result<ListStats, Problem> {
    let source = JobPages {
        client,
        scope,
        filter,
        costly: scope.kind.list_limit().map(|_| filter.without_states()),
    };
    read_pages(&source, options, limit, on_page).await
}

/// Like [`list_all`], for the scopes of an account ([`CloudApi::list_scopes`](super::CloudApi::list_scopes)). `request`
/// is for the first page.
///
/// # Errors
/// As [`list_all`].
pub async fn list_all_scopes(
    client: &dyn Client,
    request: ScopeListRequest<'_>,
    limit: Option<usize>,
    on_page: OnPage<'_, model::ScopeSummary>,
) -> Result<ListStats, Problem> {
    let source = ScopePages { client, request };
    read_pages(&source, request.options, limit, on_page).await
}

/// A list that can be requested page by page.
#[async_trait]
trait PageSource: Sync {
    type Row: Send;

    async fn page(
        &self,
        cursor: Cursor,
        options: &RequestOptions,
    ) -> Result<Page<Self::Row>, Problem>;

    /// Returns the key of a row, which no other row has.
    fn key(row: &Self::Row) -> &str;

    /// Returns the state of a row, if it has one.
    fn state(_row: &Self::Row) -> Option<State> {
        None
    }

    /// Makes the state of a row unknown because another row contradicts it.
    fn mark_unknown(_row: &mut Self::Row) {}

    /// Returns `false` if the filter drops the row because of its state.
    fn has_wanted_state(&self, _row: &Self::Row) -> bool {
        true
    }

    /// Returns `false` if the filter drops the row. `has_unreadable` is true if fields of the page could not be
    /// read.
    fn is_wanted(&self, _row: &Self::Row, _has_unreadable: bool) -> bool {
        true
    }

    /// Returns `true` if rows can leave the list because their state changes.
    fn can_lose_rows(&self) -> bool {
        false
    }

    /// Returns `true` if reading the row required additional requests.
    fn is_costly(&self, _row: &Self::Row) -> bool {
        false
    }

    /// Returns the maximum number of rows that required additional requests or could not be read; `None` if the
    /// limit of rows applies to them.
    fn max_lookups(&self) -> Option<usize> {
        None
    }

    /// Returns the maximum number of pages.
    fn max_pages(&self) -> usize {
        MAX_PAGES
    }
}

struct JobPages<'c> {
    client: &'c dyn Client,
    scope: &'c Scope,
    filter: &'c Filter,
    /// Matches the rows that required additional requests; `None` if rows of the kind require none.
    costly: Option<Filter>,
}

#[async_trait]
impl PageSource for JobPages<'_> {
    type Row = GetResult;

    async fn page(&self, cursor: Cursor, options: &RequestOptions) -> Result<Page, Problem> {
        let (scope, filter) = (self.scope, self.filter);
        let mut page = self.client.list(scope, filter, cursor, options).await?;
        merge_conflicts(&mut page);
        Ok(page)
    }

    fn key(row: &GetResult) -> &str {
        &row.job.reference
    }

    fn state(row: &GetResult) -> Option<State> {
        Some(row.job.state)
    }

    fn mark_unknown(row: &mut GetResult) {
        conflicts::mark_unknown(&mut row.job);
    }

    fn has_wanted_state(&self, row: &GetResult) -> bool {
        self.filter.matches_state(&row.job)
    }

    fn is_wanted(&self, row: &GetResult, has_unreadable: bool) -> bool {
        self.filter.matches(
            &row.job,
            has_unreadable || has_unreadable_field_notice(&row.notices),
        )
    }

    fn can_lose_rows(&self) -> bool {
        let mut states = self.filter.states.iter();
        states.any(|state| !state.is_end())
    }

    fn is_costly(&self, row: &GetResult) -> bool {
        let costly = self.costly.as_ref();
        costly.is_some_and(|filter| filter.matches(&row.job, false))
    }

    fn max_lookups(&self) -> Option<usize> {
        self.filter.max_lookups
    }

    fn max_pages(&self) -> usize {
        self.filter.max_pages.unwrap_or(MAX_PAGES)
    }
}

/// Returns `true` if notices name a field that could not be read.
fn has_unreadable_field_notice(notices: &[Notice]) -> bool {
    let mut codes = notices.iter().map(|notice| notice.code);
    codes.any(|code| code == NoticeCode::UnreadableField)
}

struct ScopePages<'c> {
    client: &'c dyn Client,
    request: ScopeListRequest<'c>,
}

#[async_trait]
impl PageSource for ScopePages<'_> {
    type Row = model::ScopeSummary;

    async fn page(
        &self,
        cursor: Cursor,
        options: &RequestOptions,
    ) -> Result<Page<model::ScopeSummary>, Problem> {
        let request = ScopeListRequest {
            cursor,
            options,
            ..self.request
        };
        self.client.api().list_scopes(request).await
    }

    fn key(row: &model::ScopeSummary) -> &str {
        &row.scope
    }
}

/// Requests the pages of any list.
async fn read_pages<S: PageSource>(
    source: &S,
    options: &RequestOptions,
    limit: Option<usize>,
    on_page: OnPage<'_, S::Row>,
) -> Result<ListStats, Problem> {
    let budget = options.deadline.remaining();
    let bounds = Bounds {
        rows: limit,
        lookups: source.max_lookups().or(limit),
        pages: source.max_pages(),
    };
    let mut progress = ListProgress::default();
    let mut cursor = Cursor::FIRST;
    loop {
        let options = RequestOptions {
            deadline: Deadline::after(budget),
            ..options.clone()
        };
        let mut page = match source.page(cursor, &options).await {
            Err(problem)
                if cursor.overlap.rows() > 0 && problem.category == Category::InvalidArgument =>
            {
                cursor = cursor.without_overlap();
                continue;
            }
            page => page?,
        };
        if progress.ignores_overlap::<S>(&page, cursor) {
            cursor = cursor.without_overlap();
            continue;
        }
        let next = page.next.map(|next| match page.may_overlap {
            true => next.with_overlap(page.rows.len()),
            false => next,
        });
        progress.note_unproven(source, &page, next);
        progress.add(source, &mut page, cursor, limit);
        let is_empty = page.rows.is_empty()
            && page.rows_without_id == 0
            && page.notices.is_empty()
            && page.problems.is_empty()
            && page.failed_parts.is_empty();
        let is_broken = !is_empty && on_page(page).await.is_break();
        let truncation = match (next, limit) {
            (_, Some(limit)) if progress.exceeds_limit => Some(Truncation::Limit(limit)),
            (Some(next), _) => match progress.stop(&bounds, is_broken) {
                None => {
                    cursor = next;
                    continue;
                }
                stop => stop,
            },
            (None, _) if !is_broken && progress.must_repeat(bounds.pages) => {
                progress.repeat();
                cursor = Cursor::FIRST;
                continue;
            }
            (None, _) => progress.missing_rows(),
        };
        return Ok(ListStats {
            rows: progress.kept,
            pages: progress.pages,
            truncation,
        });
    }
}
