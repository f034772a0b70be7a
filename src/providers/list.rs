//! Lists of what is in a scope: one page a call, and one loop that drains them.

use std::collections::HashSet;
use std::fmt;
use std::ops::ControlFlow;

use glob::Pattern;

use super::{Ask, Client, Found};
use crate::error::Problem;
use crate::model::{self, Job, State, Time};
use crate::reference::{Reference, Scope};

/// At most so many pages are asked for in one drain: a million rows at a hundred a page.
const MOST_PAGES: usize = 10_000;

/// A page with fewer rows than this is the last one where the cloud gives no total: no interface
/// pages by less.
const SMALLEST_PAGE: usize = 10;

/// Where a page begins; only the cloud that made it can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Number of the page, from 1.
    pub(super) page: usize,
    /// Rows on the pages before it.
    pub(super) offset: usize,
}

impl Cursor {
    /// Where a list begins.
    pub(super) const FIRST: Self = Self { page: 1, offset: 0 };

    /// The page after this one, which held so many rows; `None` when it was the last.
    ///
    /// What decides is how many rows came, not how many were asked for: a cloud may give fewer.
    pub(super) fn after(self, rows: usize, total: Option<u64>) -> Option<Self> {
        let next = Self {
            page: self.page.saturating_add(1),
            offset: self.offset.saturating_add(rows),
        };
        let is_more = match total {
            Some(total) => rows > 0 && (next.offset as u64) < total,
            None => rows >= SMALLEST_PAGE,
        };
        is_more.then_some(next)
    }
}

/// What the things of a list must be; the default lets all of them pass.
///
/// A cloud sends what it can filter by itself; [`drain`] looks at every row all the same.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// States, one of which a thing must be in; empty for any.
    pub states: Vec<State>,
    /// Pattern of the name, or of the id where a thing has no name.
    pub name: Option<Pattern>,
    /// Who owns it.
    pub user: Option<String>,
    /// Queue or card group.
    pub queue: Option<String>,
    /// It was created then or later.
    pub since: Option<Time>,
}

impl Filter {
    /// True when a thing is what was asked for. What a row does not tell fails the part that asks.
    pub fn lets_pass(&self, job: &Job) -> bool {
        let name = job.name.as_deref().unwrap_or(&job.id).trim();
        (self.states.is_empty() || self.states.contains(&job.state))
            && self
                .name
                .as_ref()
                .is_none_or(|pattern| pattern.matches(name))
            && is_asked_for(self.user.as_ref(), job.user.as_ref())
            && is_asked_for(self.queue.as_ref(), job.queue.as_ref())
            && self
                .since
                .is_none_or(|since| job.created_at.is_some_and(|at| at >= since))
    }
}

fn is_asked_for(asked: Option<&String>, told: Option<&String>) -> bool {
    asked.is_none_or(|asked| told.is_some_and(|told| told.trim() == asked))
}

/// One page of the places of a cloud, in the cloud's order.
#[derive(Debug, Default)]
pub struct ScopePage {
    /// The places.
    pub scopes: Vec<model::Scope>,
    /// Rows that name no place a scope could hold, and are therefore not in `scopes`.
    pub unnamed: usize,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
    /// How many rows the cloud counts in all, where it says so.
    pub total: Option<u64>,
}

/// One page of a list, in the cloud's order.
#[derive(Debug, Default)]
pub struct Page {
    /// The things as far as their rows tell, each under its own reference.
    pub found: Vec<Found>,
    /// Rows that name no thing a reference could hold, and are therefore not in `found`.
    pub unnamed: usize,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
    /// How many rows the cloud counts in all, where it says so.
    pub total: Option<u64>,
}

impl Page {
    /// The page at `at` from its rows: `id_of` finds a row's id, `read` makes of the row what is
    /// found under its reference.
    pub(super) fn of<R>(
        scope: &Scope,
        at: Cursor,
        total: Option<i64>,
        rows: Vec<R>,
        id_of: impl Fn(&R) -> Option<&str>,
        mut read: impl FnMut(R, &Reference) -> Found,
    ) -> Self {
        let total = total.and_then(|total| u64::try_from(total).ok());
        let next = at.after(rows.len(), total);
        let mut unnamed = 0;
        let mut told = HashSet::new();
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(reference) = id_of(&row).and_then(|id| scope.reference(id)) else {
                unnamed += 1;
                continue;
            };
            let mut one = read(row, &reference);
            // What is true of a hundred rows is one thing to tell.
            one.notices.retain(|notice| told.insert(notice.clone()));
            found.push(one);
        }
        Self {
            found,
            unnamed,
            next,
            total,
        }
    }
}

/// Why a drained list may not be all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The limit was reached and there is more.
    Limit(usize),
    /// Whoever took the pages wanted no more.
    Stopped,
    /// The cloud went on giving what it had given before.
    Repeated,
    /// There were more pages than any list should have.
    TooLong,
    /// The cloud counts more rows than it gave: rows, total.
    Short(u64, u64),
    /// So many rows named no thing that a reference could hold.
    Unnamed(usize),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => write!(f, "cut after {limit}, as asked"),
            Self::Stopped => f.write_str("stopped before its end"),
            Self::Repeated => f.write_str("the cloud repeats itself in place of a next page"),
            Self::TooLong => write!(f, "cut after {MOST_PAGES} pages"),
            Self::Short(rows, total) => write!(f, "the cloud counts {total} and lists {rows}"),
            Self::Unnamed(rows) => write!(f, "{rows} rows have no usable id"),
        }
    }
}

/// What came of draining a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// How many things were handed on.
    pub things: usize,
    /// How many pages were asked for.
    pub pages: usize,
    /// Why there may be more; `None` when this was all.
    pub cut: Option<Cut>,
}

/// Asks for the pages of a list one after the other and hands on what each brings that is new and
/// passes the filter.
///
/// It ends with the last page, after `limit` things, when `on_page` breaks, or when the cloud
/// repeats itself. `None`: the kind has no list.
///
/// # Errors
/// What went wrong with a page; those before it were handed on.
pub async fn drain(
    client: &dyn Client,
    scope: &Scope,
    filter: &Filter,
    ask: &Ask,
    limit: Option<usize>,
    on_page: &mut (dyn FnMut(Vec<Found>) -> ControlFlow<()> + Send),
) -> Option<Result<Drained, Problem>> {
    let mut known = HashSet::new();
    let (mut rows, mut pages, mut unnamed, mut things) = (0, 0, 0, 0);
    let mut at = None;
    loop {
        let page = match client.list(scope, filter, at, ask)?.await {
            Ok(page) => page,
            Err(problem) => return Some(Err(problem)),
        };
        pages += 1;
        rows += (page.found.len() + page.unnamed) as u64;
        unnamed += page.unnamed;
        let came = page.found.len();
        let mut fresh = page.found;
        // Rows move to the next page when something new comes in before it is asked for.
        fresh.retain(|found| !known.contains(&found.job.id) && known.insert(found.job.id.clone()));
        let is_repeated = came > 0 && fresh.is_empty();
        fresh.retain(|found| filter.lets_pass(&found.job));
        let room = limit.map_or(usize::MAX, |limit| limit - things);
        let is_over = fresh.len() > room;
        fresh.truncate(room);
        things += fresh.len();
        let is_broken = !fresh.is_empty() && on_page(fresh).is_break();
        let cut = match (page.next, limit) {
            (_, Some(limit)) if is_over => Some(Cut::Limit(limit)),
            (Some(_), Some(limit)) if things >= limit => Some(Cut::Limit(limit)),
            (Some(_), _) if is_broken => Some(Cut::Stopped),
            (Some(_), _) if is_repeated => Some(Cut::Repeated),
            (Some(_), _) if pages >= MOST_PAGES => Some(Cut::TooLong),
            (Some(next), _) => {
                at = Some(next);
                continue;
            }
            (None, _) => match page.total.filter(|total| *total > rows) {
                Some(total) => Some(Cut::Short(rows, total)),
                None => (unnamed > 0).then_some(Cut::Unnamed(unnamed)),
            },
        };
        return Some(Ok(Drained { things, pages, cut }));
    }
}

#[cfg(test)]
mod tests;
