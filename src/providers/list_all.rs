mod conflicts;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::future;
use std::ops::ControlFlow;

use async_trait::async_trait;

use super::list::{Cursor, Filter, Page};
use crate::crypto;
use crate::error::Problem;
use crate::http::Deadline;
use crate::model::{self, Notice, NoticeCode, State};
use crate::providers::{BoxFuture, Client, GetOptions, GetResult, ScopeListing};
use crate::reference::Scope;
use conflicts::{Conflicts, merge_conflicts};

/// At most so many pages are requested in one drain: a million rows at a hundred a page.
const MAX_PAGES: usize = 10_000;
/// A list that gives so many pages in a row without a row is not read any further.
const MAX_EMPTY_PAGES: usize = 100;

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

/// Asks for the pages of a list one after the other and hands on what each brings that is new and
/// passes the filter, with the problems of single rows.
///
/// It ends with the last page, after `limit` resources, when `on_page` breaks, or when the cloud
/// repeats a page. Where each resource costs requests of its own ([`list_limit`]), `limit` counts
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

    /// False where the filter drops the row; `has_unreadable` says that fields of the page could not be
    /// read.
    fn is_wanted(&self, _row: &Self::Row, _has_unreadable: bool) -> bool {
        true
    }

    /// True when the row cost calls of its own.
    fn is_costly(&self, _row: &Self::Row) -> bool {
        false
    }

    /// At most so many pages are requested.
    fn max_pages(&self) -> usize {
        MAX_PAGES
    }
}

struct JobPages<'c> {
    client: &'c dyn Client,
    scope: &'c Scope,
    filter: &'c Filter,
    /// What costs calls of its own to tell more of, if such rows do.
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

/// The rows of the pages so far. Digests take the same few bytes for references of any length, so that
/// a list of a hundred thousand rows needs little memory.
#[derive(Default)]
struct SeenRows(HashMap<[u8; 16], SeenRow>);

struct SeenRow {
    was_passed: bool,
    state: Option<State>,
}

/// What [`SeenRows`] says about a row.
struct Seen {
    /// No page before had the row.
    is_new: bool,
    /// The row is wanted and was not passed on before, or in another state.
    is_passed: bool,
    /// The state in which a page before has shown it, where that is another one.
    before: Option<State>,
}

impl SeenRows {
    fn insert(&mut self, key: &str, state: Option<State>, is_wanted: bool) -> Seen {
        let entry = self.0.entry(crypto::digest_128(key.as_bytes()));
        let is_new = matches!(entry, Entry::Vacant(_));
        let seen = entry.or_insert(SeenRow {
            was_passed: false,
            state,
        });
        let before = seen
            .state
            .filter(|_| state.is_some() && seen.state != state);
        let is_passed = is_wanted && (!seen.was_passed || before.is_some());
        seen.was_passed |= is_wanted;
        seen.state = state.or(seen.state);
        Seen {
            is_new,
            is_passed,
            before,
        }
    }

    /// Drops what was passed on before or is not wanted; counts the rows that are new, and those that cost
    /// calls.
    fn retain_new<S: PageSource>(&mut self, source: &S, page: &mut Page<S::Row>) -> (usize, usize) {
        let (mut new, mut costly) = (0, 0);
        let has_unreadable = names_unreadable(&page.notices);
        let mut conflicts = Conflicts::default();
        // Rows move to the next page when something new comes in before it is requested.
        // The same job may be in two lists, and be wanted as only one of them shows it.
        page.rows.retain(|row| {
            let is_wanted = source.is_wanted(row, has_unreadable);
            let state = S::state(row);
            let seen = self.insert(S::key(row), state, is_wanted);
            // An unknown state contradicts nothing: the live list of a cloud may know less than its history.
            let before = seen.before.filter(|before| *before != State::Unknown);
            if let Some((before, after)) = before.zip(state) {
                conflicts.add(S::key(row), before, after);
            }
            new += usize::from(seen.is_new);
            costly += usize::from(seen.is_new && source.is_costly(row));
            seen.is_passed
        });
        page.notices
            .extend(conflicts.notice("the later row counts"));
        page.problems.retain(|problem| {
            let reference = problem.reference.as_deref();
            reference.is_none_or(|key| self.insert(key, None, false).is_new)
        });
        (new, costly)
    }
}

/// How many rows came, and how many the cloud counts.
#[derive(Default)]
struct Counts {
    rows: u64,
    /// Without those that an earlier page had.
    distinct: u64,
    /// The total of the last page.
    total: Option<u64>,
    /// The least total of a page: rows that come in while the list is read are not on the pages before.
    least_total: Option<u64>,
}

impl Counts {
    fn add<R>(&mut self, page: &Page<R>, rows: usize, new: usize) {
        self.rows += rows as u64;
        self.distinct += (new + page.problems.len()) as u64;
        self.total = page.total;
        self.least_total = [self.least_total, page.total].into_iter().flatten().min();
    }

    /// Says after the last page, at `at`, that rows are missing. Rows may come twice while others never come;
    /// only lists that are merged may both have and count the same row.
    fn missing(&self, at: Cursor) -> Option<Truncation> {
        let distinct = (self.distinct, self.least_total.filter(|_| !at.is_merged()));
        let all = [(self.rows, self.total), distinct];
        all.into_iter().find_map(|(listed, total)| {
            let total = total.filter(|total| *total > listed)?;
            Some(Truncation::CountMismatch(listed, total))
        })
    }
}

/// The one loop that asks for pages.
async fn pages_of<S: PageSource>(
    source: &S,
    ask: &GetOptions,
    limit: Option<usize>,
    on_page: OnPage<'_, S::Row>,
) -> Result<ListStats, Problem> {
    let budget = ask.deadline.remaining();
    let mut seen = SeenRows::default();
    let mut counts = Counts::default();
    let (mut pages, mut unnamed, mut kept, mut spent) = (0, 0, 0, 0);
    let mut empty_pages = 0;
    let mut at = Cursor::FIRST;
    loop {
        let ask = GetOptions {
            deadline: Deadline::after(budget),
            ..ask.clone()
        };
        let mut page = source.page(at, &ask).await?;
        pages += 1;
        let came = page.rows.len() + page.problems.len();
        unnamed += page.rows_without_id;
        empty_pages = match came + page.rows_without_id {
            0 => empty_pages + 1,
            _ => 0,
        };
        let (new, costly) = seen.retain_new(source, &mut page);
        let came_without_id = page.rows_without_id;
        counts.add(&page, came + came_without_id, new + came_without_id);
        spent += costly;
        let is_repeated = came > 0 && new == 0 && page.problems.is_empty();
        spent += page.problems.len();
        let room = limit.map_or(usize::MAX, |limit| limit - kept);
        let is_over = page.rows.len() > room;
        page.rows.truncate(room);
        kept += page.rows.len();
        let next = page.next;
        let has_problems = !page.problems.is_empty() || !page.failed_parts.is_empty();
        let is_empty = page.rows.is_empty()
            && page.rows_without_id == 0
            && page.notices.is_empty()
            && !has_problems;
        let is_broken = !is_empty && on_page(page).await.is_break();
        let cut = match (next, limit) {
            (_, Some(limit)) if is_over => Some(Truncation::Limit(limit)),
            (Some(_), Some(limit)) if kept.max(spent) >= limit => Some(Truncation::Limit(limit)),
            (Some(_), _) if is_broken => Some(Truncation::Stopped),
            (Some(_), _) if is_repeated => Some(Truncation::RepeatedPage),
            (Some(_), _) if pages >= source.max_pages() || empty_pages >= MAX_EMPTY_PAGES => {
                Some(Truncation::TooManyPages(pages))
            }
            (Some(next), _) => {
                at = next;
                continue;
            }
            (None, _) => counts
                .missing(at)
                .or_else(|| (unnamed > 0).then_some(Truncation::MissingIds(unnamed))),
        };
        return Ok(ListStats {
            rows: kept,
            pages,
            truncation: cut,
        });
    }
}
