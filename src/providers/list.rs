//! Pages of lists of jobs and scopes. `list_all` reads all pages of a list.

mod filter;

use std::collections::HashSet;
use std::hash::Hash;

use super::GetResult;
use super::runs::Runs;
use crate::error::{Category, Problem};
use crate::model::{self, Notice};
use crate::reference::Reference;
pub use filter::{COMPARED_FIELDS, Filter};

/// A page with fewer rows than this is the last one if the cloud sends no total: no API has smaller pages.
const MIN_PAGE_SIZE: usize = 10;

/// Overlapping pages have one row in this many in common: few enough to cost few extra requests, and enough
/// for the rows that can leave the list between two requests.
const OVERLAP_DIVISOR: usize = 20;

/// The start of a page. Only the cloud that made it can interpret it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Page number, from 1.
    pub(super) page: usize,
    /// Number of rows on the pages before it.
    pub(super) offset: usize,
    /// True if the pages before it were requested without the filter.
    pub(super) is_unfiltered: bool,
    /// Whether it begins with the last rows of the page before.
    pub(super) overlap: Overlap,
    /// The start in each list, for a cloud that reads several lists at once.
    pub(super) lists: Lists,
    /// Number of the list, if the client remembers the position in each of its parts; 0 otherwise.
    pub(super) list_number: u32,
    /// Index of the resource that is listed, for a kind whose resources are listed one after the other; 0 otherwise.
    pub(super) resource: usize,
}

/// Whether a page begins with the last rows of the page before. Rows in common show that no row was lost
/// between the two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// It begins after those rows.
    None,
    /// It begins with this many of those rows.
    Rows(usize),
    /// It and all later pages begin after those rows: the cloud cannot start a page at an arbitrary row.
    Never,
}

impl Overlap {
    /// Returns the number of rows that the page before also has.
    pub(super) fn rows(self) -> usize {
        match self {
            Self::Rows(rows) => rows,
            Self::None | Self::Never => 0,
        }
    }
}

/// The position in several lists that are read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lists {
    /// Rows read of each list; `None` for a list that has ended.
    pub(super) offsets: [Option<usize>; Self::MAX],
    /// Total number of rows of the lists that have ended; `None` if one of them sent no total.
    pub(super) ended_total: Option<u64>,
}

impl Lists {
    /// Maximum number of lists that are read at once.
    pub(super) const MAX: usize = 3;

    const FIRST: Self = Self {
        offsets: [Some(0); Self::MAX],
        ended_total: Some(0),
    };
}

impl Cursor {
    /// The start of a list.
    pub const FIRST: Self = Self {
        page: 1,
        offset: 0,
        is_unfiltered: false,
        overlap: Overlap::None,
        lists: Lists::FIRST,
        list_number: 0,
        resource: 0,
    };

    /// Returns the number of the list that is read: the first one that has not ended, or that of the resource. The same
    /// row can be in several lists.
    pub(super) fn current_list(&self) -> u8 {
        let offsets = self.lists.offsets.iter();
        let ended = offsets.take_while(|offset| offset.is_none()).count();
        u8::try_from(ended + self.resource).unwrap_or_default()
    }

    /// Drops lists that cannot be read further; the total number of rows is then not known.
    pub(super) fn without_lists(mut self, failed: impl IntoIterator<Item = usize>) -> Self {
        for list in failed {
            self.lists.offsets[list] = None;
            self.lists.ended_total = None;
        }
        self
    }

    /// Returns the start of the page after this one, which had this many rows; `None` if it was the last page.
    ///
    /// Uses the number of distinct rows received, not the number requested, because a cloud can send fewer rows than
    /// requested. A repeated row would move the start over a row that no page contains.
    pub(super) fn after(self, rows: usize, total: Option<u64>) -> Option<Self> {
        let next = self.next_page(rows);
        // Without a total, only the number of new rows shows that a page is the last one.
        let rows = match total {
            Some(_) => rows,
            None => rows.saturating_sub(self.overlap.rows()),
        };
        has_more(next.offset, rows, total).then_some(next)
    }

    /// Returns the start of the page after this one, which had this many rows and was not the last page.
    pub(super) fn next_page(self, rows: usize) -> Self {
        Self {
            page: self.page.saturating_add(1),
            offset: self.offset.saturating_add(rows),
            overlap: match self.overlap {
                Overlap::Never => Overlap::Never,
                Overlap::None | Overlap::Rows(_) => Overlap::None,
            },
            ..self
        }
    }

    /// Moves the start back so that the page repeats the last rows of the page before, which had this many rows.
    pub(super) fn with_overlap(mut self, rows: usize) -> Self {
        let overlap = rows / OVERLAP_DIVISOR;
        if self.overlap == Overlap::None && overlap > 0 && self.offset > overlap {
            (self.offset, self.overlap) = (self.offset - overlap, Overlap::Rows(overlap));
        }
        self
    }

    /// Moves the start after all rows of the page before, for this and all later pages.
    pub(super) fn without_overlap(mut self) -> Self {
        self.offset += self.overlap.rows();
        self.overlap = Overlap::Never;
        self
    }
}

/// Returns `true` if the cloud responded that it does not provide the list. Lookups of each job may still work.
pub(super) fn is_list_unavailable(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::NotFound | Category::PermissionDenied | Category::InvalidArgument
    )
}

/// Returns `true` if more rows follow a page of this many rows that ends at `offset`.
pub(super) fn has_more(offset: usize, rows: usize, total: Option<u64>) -> bool {
    match total {
        Some(total) if total >= offset as u64 => rows > 0 && (offset as u64) < total,
        // A total smaller than the number of received rows is wrong.
        _ => rows >= MIN_PAGE_SIZE,
    }
}

/// Returns the number of different keys.
pub(super) fn count_distinct<K: Hash + Eq>(keys: impl Iterator<Item = K>) -> usize {
    keys.collect::<HashSet<_>>().len()
}

/// One page of a list, in the cloud's order.
#[derive(Debug)]
pub struct Page<R = GetResult> {
    /// The listed jobs or scopes, with the fields that the rows contain.
    pub rows: Vec<R>,
    /// Problems of rows that could not be read and are not in `rows`, each with its reference.
    pub problems: Vec<Problem>,
    /// Problems that cause parts of the list, such as all jobs of one type, to be missing on this page and all
    /// later ones.
    pub failed_parts: Vec<Problem>,
    /// Keys of the rows that were passed on before and have changed their state.
    pub changed: Vec<String>,
    /// Those of `changed` that no longer pass the filter.
    pub withdrawn: Vec<String>,
    /// Keys of the rows that had different states on this page.
    pub contradicted: Vec<String>,
    /// The runs of the rows, if a job can have several rows, each of another run.
    pub runs: Runs,
    /// Additional notices about the page as a whole.
    pub notices: Vec<Notice>,
    /// Number of rows without an id that is valid in a reference; they are not in `rows`.
    pub rows_without_id: usize,
    /// Number of rows with the id of another row of the same response.
    pub repeated_rows: usize,
    /// The start of the next page; `None` if this is the last page.
    pub next: Option<Cursor>,
    /// Total number of rows of the list, if the response contains it.
    pub total: Option<u64>,
    /// Total number of rows of the list that the page belongs to, if several lists are read one after the other and
    /// `total` is that of all of them.
    pub list_total: Option<u64>,
    /// True if the next page can begin at any row and the order of rows is not documented. If one row leaves
    /// the list while another one is appended, the total does not show it.
    pub may_overlap: bool,
    /// True if all pages show the list as it was when the first one was read.
    pub is_snapshot: bool,
    /// True if the list omits jobs that were created long ago, including active ones.
    pub omits_old: bool,
}

/// One page of a list of scopes.
pub type ScopePage = Page<model::ScopeSummary>;

impl<R> Default for Page<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            problems: Vec::new(),
            failed_parts: Vec::new(),
            changed: Vec::new(),
            withdrawn: Vec::new(),
            contradicted: Vec::new(),
            runs: Runs::default(),
            notices: Vec::new(),
            rows_without_id: 0,
            repeated_rows: 0,
            next: None,
            total: None,
            list_total: None,
            may_overlap: false,
            is_snapshot: false,
            omits_old: false,
        }
    }
}

impl<R> Page<R> {
    /// Creates the page at `cursor` from the cloud's rows. `read` returns `None` for a row without a valid id, `key`
    /// returns the key of a row, which no other row has.
    pub(super) fn from_rows<W>(
        cursor: Cursor,
        total: Option<i64>,
        rows: Vec<W>,
        read: impl FnMut(W) -> Option<R>,
        key: impl Fn(&R) -> String,
    ) -> Self {
        let total = total.and_then(|total| u64::try_from(total).ok());
        let count = rows.len();
        let rows: Vec<R> = rows.into_iter().filter_map(read).collect();
        let repeated_rows = rows.len() - count_distinct(rows.iter().map(key));
        Self {
            rows_without_id: count - rows.len(),
            repeated_rows,
            next: cursor.after(count - repeated_rows, total),
            rows,
            total,
            ..Self::default()
        }
    }
}

impl Page {
    /// Creates the page at `cursor` from the cloud's rows. `address` returns the reference of a row, `read` its job.
    pub(super) fn from_addressed_rows<W>(
        cursor: Cursor,
        total: Option<i64>,
        rows: Vec<W>,
        address: impl Fn(&W) -> Option<Reference>,
        mut read: impl FnMut(W, &Reference) -> GetResult,
    ) -> Self {
        let mut reported = HashSet::new();
        let read = |row| {
            let reference = address(&row)?;
            let mut result = read(row, &reference);
            // A notice that applies to many rows is reported with the first one only.
            result
                .notices
                .retain(|notice| reported.insert(notice.clone()));
            Some(result)
        };
        Self::from_rows(cursor, total, rows, read, |row| row.job.reference.clone())
    }

    /// Sets the cloud's id of the request that returned the rows.
    pub(super) fn with_request_id(mut self, request_id: &Option<String>) -> Self {
        for row in &mut self.rows {
            row.job.request_id.clone_from(request_id);
        }
        self
    }
}

#[cfg(test)]
mod tests;
