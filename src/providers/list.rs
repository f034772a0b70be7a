//! Lists of what is in a scope: one page a call, and one loop that drains them.

mod filter;

use std::collections::HashSet;

use super::GetResult;
use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::model::{self, Notice};
use crate::reference::Reference;
pub use filter::{COMPARED_FIELDS, Filter};

/// A page with fewer rows than this is the last one where the cloud gives no total: no interface
/// pages by less.
const MIN_PAGE_SIZE: usize = 10;

/// Pages that overlap have one of so many rows in common: as few requests more, and as many rows as may leave the
/// list between two of them.
const OVERLAPPED_PART: usize = 20;

/// Where a page begins; only the cloud that made it can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Number of the page, from 1.
    pub(super) page: usize,
    /// Rows on the pages before it.
    pub(super) offset: usize,
    /// True when the pages before it came without the filter that was requested.
    pub(super) is_unfiltered: bool,
    /// Whether it begins with the last rows of the page before.
    pub(super) overlap: Overlap,
    /// The start of each list, for a cloud with several.
    pub(super) lists: Lists,
}

/// Whether a page begins with the last rows of the page before, which show that no row between them is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// It begins after them.
    None,
    /// It begins with this many of them.
    Rows(usize),
    /// It begins after them, as do all pages to come: the cloud does not begin a page at any row.
    Never,
}

impl Overlap {
    /// How many rows the page before has, too.
    pub(super) fn rows(self) -> usize {
        match self {
            Self::Rows(rows) => rows,
            Self::None | Self::Never => 0,
        }
    }
}

/// How far several lists that are read side by side have been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lists {
    /// Rows read of each; `None` for one that has ended.
    pub(super) offsets: [Option<usize>; Self::MAX],
    /// How many rows those that have ended counted; `None` where one gave no count.
    pub(super) ended_total: Option<u64>,
}

impl Lists {
    /// At most this many are read side by side.
    pub(super) const MAX: usize = 3;

    const FIRST: Self = Self {
        offsets: [Some(0); Self::MAX],
        ended_total: Some(0),
    };
}

impl Cursor {
    /// Where a list begins.
    pub const FIRST: Self = Self {
        page: 1,
        offset: 0,
        is_unfiltered: false,
        overlap: Overlap::None,
        lists: Lists::FIRST,
    };

    /// True for a page after the first of several lists that are read side by side.
    pub(super) fn is_merged(&self) -> bool {
        self.lists != Lists::FIRST
    }

    /// The same place without lists of which no more can be read. How many rows there are in all
    /// is then not known.
    pub(super) fn without_lists(mut self, failed: impl IntoIterator<Item = usize>) -> Self {
        for list in failed {
            self.lists.offsets[list] = None;
            self.lists.ended_total = None;
        }
        self
    }

    /// The page after this one, which had this many rows; `None` when it was the last.
    ///
    /// What decides is how many rows came, not how many were requested: a cloud may give fewer.
    pub(super) fn after(self, rows: usize, total: Option<u64>) -> Option<Self> {
        let next = Self {
            page: self.page.saturating_add(1),
            offset: self.offset.saturating_add(rows),
            overlap: match self.overlap {
                Overlap::Never => Overlap::Never,
                Overlap::None | Overlap::Rows(_) => Overlap::None,
            },
            ..self
        };
        has_more(next.offset, rows, total).then_some(next)
    }
}

impl Cursor {
    /// The same place with the last rows of the page before, which had this many.
    pub(super) fn with_overlap(mut self, rows: usize) -> Self {
        let overlap = rows / OVERLAPPED_PART;
        if self.overlap == Overlap::None && overlap > 0 && self.offset > overlap {
            (self.offset, self.overlap) = (self.offset - overlap, Overlap::Rows(overlap));
        }
        self
    }

    /// The same place without rows of the page before.
    pub(super) fn without_overlap(mut self) -> Self {
        self.offset += self.overlap.rows();
        self.overlap = Overlap::Never;
        self
    }
}

/// A usage error: a kind without a list.
pub(super) fn not_listed(kind: &Kind) -> Problem {
    let problem = Problem::usage(format!("{kind} cannot be listed"));
    problem.with_hint(format!(
        "name its jobs by their references: {}",
        kind.template
    ))
}

/// True when the cloud answered well and gives no such list, so that lookups of each job may do.
pub(super) fn is_list_unavailable(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::PermissionDenied | Category::InvalidArgument
    )
}

/// True when there is more after a page of this many rows that ends at `offset`.
pub(super) fn has_more(offset: usize, rows: usize, total: Option<u64>) -> bool {
    match total {
        Some(total) if total >= offset as u64 => rows > 0 && (offset as u64) < total,
        // A total below the rows that came is wrong.
        _ => rows >= MIN_PAGE_SIZE,
    }
}

/// One page of a list, in the cloud's order.
#[derive(Debug)]
pub struct Page<R = GetResult> {
    /// What is listed, each under its own reference or scope, as far as its row reports.
    pub rows: Vec<R>,
    /// Errors of rows that are therefore not in `rows`, each addressed to its reference.
    pub problems: Vec<Problem>,
    /// Why parts of the list, such as all jobs of one type, are not on this page or any later one.
    pub failed_parts: Vec<Problem>,
    /// Keys of the rows that were handed on before and are now in another state.
    pub changed: Vec<String>,
    /// Those of `changed` that no longer pass the filter.
    pub withdrawn: Vec<String>,
    /// Additional notices about the page as a whole.
    pub notices: Vec<Notice>,
    /// Rows that name nothing that a reference could contain, and are therefore not in `rows`.
    pub rows_without_id: usize,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Cursor>,
    /// How many rows there are in all, where the response contains a total.
    pub total: Option<u64>,
    /// The next page can begin at any row, and the order of rows is not documented: where one row leaves the
    /// list and another one is appended, the total shows nothing.
    pub may_overlap: bool,
    /// True where jobs that were created long ago are not listed, active ones included.
    pub omits_old: bool,
}

/// One page of the places of a cloud.
pub type ScopePage = Page<model::ScopeSummary>;

impl<R> Default for Page<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            problems: Vec::new(),
            failed_parts: Vec::new(),
            changed: Vec::new(),
            withdrawn: Vec::new(),
            notices: Vec::new(),
            rows_without_id: 0,
            next: None,
            total: None,
            may_overlap: false,
            omits_old: false,
        }
    }
}

impl<R> Page<R> {
    /// The page at `at` from the cloud's own rows; `read` gives `None` for a row that names nothing.
    pub(super) fn from_rows<W>(
        at: Cursor,
        total: Option<i64>,
        rows: Vec<W>,
        read: impl FnMut(W) -> Option<R>,
    ) -> Self {
        let total = total.and_then(|total| u64::try_from(total).ok());
        let count = rows.len();
        let rows: Vec<R> = rows.into_iter().filter_map(read).collect();
        Self {
            rows_without_id: count - rows.len(),
            next: at.after(count, total),
            rows,
            total,
            ..Self::default()
        }
    }
}

impl Page {
    /// The page at `at` from its rows: `address` makes a row's reference, `read` what is found under
    /// it.
    pub(super) fn from_addressed_rows<W>(
        at: Cursor,
        total: Option<i64>,
        rows: Vec<W>,
        address: impl Fn(&W) -> Option<Reference>,
        mut read: impl FnMut(W, &Reference) -> GetResult,
    ) -> Self {
        let mut message = HashSet::new();
        Self::from_rows(at, total, rows, |row| {
            let reference = address(&row)?;
            let mut found = read(row, &reference);
            // What is true of a hundred rows is reported for one resource.
            found
                .notices
                .retain(|notice| message.insert(notice.clone()));
            Some(found)
        })
    }
}

#[cfg(test)]
mod tests;
