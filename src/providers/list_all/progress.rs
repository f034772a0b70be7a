//! Tracks how far a list has been read and which rows may be missing.

use std::collections::HashSet;

use super::seen_rows::SeenRows;
use super::{MAX_EMPTY_PAGES, MAX_PASSES, PageSource, Truncation};
use crate::providers::list::{Cursor, Page};

/// The number of rows received, and the totals that the cloud reports.
#[derive(Default)]
struct Counts {
    rows: u64,
    /// Rows that no earlier page of the same list contained.
    distinct: u64,
    /// Rows that one response contained twice.
    repeated: usize,
    /// The total of the last page.
    total: Option<u64>,
    /// The smallest total of any page: rows added while the list is read are not on the pages already read.
    min_total: Option<u64>,
    /// True if rows left the list while it was read: a page had a smaller total than the one before it, or none
    /// of the rows with which it should overlap.
    has_shrunk: bool,
    /// The number of the list that the last page belongs to, and the total of that list.
    list_total: (u8, Option<u64>),
    /// True if rows can have left the list between two pages without a total or common rows that would show it.
    is_unproven: bool,
}

impl Counts {
    fn add<R>(&mut self, page: &Page<R>, list: u8, rows: usize, new: usize) {
        let (known_list, known_total) = self.list_total;
        let is_less = page.list_total.is_some() && page.list_total < known_total;
        self.has_shrunk |= is_less && known_list == list;
        self.list_total = (list, page.list_total);
        self.rows += rows as u64;
        self.distinct += new as u64;
        self.repeated += page.repeated_rows;
        self.has_shrunk |= page.total.is_some() && page.total < self.total;
        self.total = page.total;
        self.min_total = [self.min_total, page.total].into_iter().flatten().min();
    }

    /// Returns how much of the list was read when the maximum number of lookups was reached.
    fn lookup_limit(&self) -> Truncation {
        let examined = self.distinct;
        Truncation::LookupLimit {
            examined,
            total: self.total.filter(|total| *total > examined),
        }
    }

    /// Returns the mismatch after the last page, if rows are missing. A row can be received twice while another one
    /// is never received.
    fn missing_rows(&self) -> Option<Truncation> {
        let all = [(self.rows, self.total), (self.distinct, self.min_total)];
        let mismatch = all.into_iter().find_map(|(listed, total)| {
            let total = total.filter(|total| *total > listed)?;
            Some(Truncation::CountMismatch(listed, total))
        });
        let is_uncounted = self.repeated > 0 && self.total.is_none();
        mismatch.or(is_uncounted.then_some(Truncation::RepeatedRows(self.repeated)))
    }
}

/// The maximum numbers after which a list is not read further.
pub(super) struct Bounds {
    /// Rows that are passed on.
    pub rows: Option<usize>,
    /// Rows that required additional requests or could not be read.
    pub lookups: Option<usize>,
    /// Pages that are requested.
    pub pages: usize,
}

/// How far a list has been read.
#[derive(Default)]
pub(super) struct ListProgress {
    seen: SeenRows,
    /// Counts of this pass.
    counts: Counts,
    /// Rows of this pass without an id.
    without_id: usize,
    pub(super) pages: usize,
    /// Number of consecutive pages without a row.
    empty_pages: usize,
    pub(super) kept: usize,
    /// Number of rows and problems that required additional requests.
    cost: usize,
    has_failed_parts: bool,
    /// True if rows of the last page were dropped because of the limit.
    pub(super) exceeds_limit: bool,
    /// True if the last page contained no new rows.
    is_repeated: bool,
}

impl ListProgress {
    /// Returns `true` if a page that should begin with a few known rows contains only known rows, although more
    /// rows follow: the cloud starts pages only at multiples of the page size.
    pub(super) fn ignores_overlap<S: PageSource>(
        &self,
        page: &Page<S::Row>,
        cursor: Cursor,
    ) -> bool {
        cursor.overlap.rows() > 0
            && page.next.is_some()
            && !page.rows.is_empty()
            && page.rows.iter().all(|row| self.seen.is_known(S::key(row)))
    }

    /// Notes whether rows that leave the list before the `next` page is read would not be noticed.
    pub(super) fn note_unproven<S: PageSource>(
        &mut self,
        source: &S,
        page: &Page<S::Row>,
        next: Option<Cursor>,
    ) {
        let has_total = page.total.is_some() || page.list_total.is_some();
        let is_unproven = next.is_some_and(|next| next.overlap.rows() == 0) && !has_total;
        self.counts.is_unproven |= is_unproven && !page.is_snapshot && source.can_lose_rows();
    }

    /// Drops rows that do not match the filter or were passed on before, and counts the rest of the page at `cursor`.
    pub(super) fn add<S: PageSource>(
        &mut self,
        source: &S,
        page: &mut Page<S::Row>,
        cursor: Cursor,
        limit: Option<usize>,
    ) {
        self.pages += 1;
        let known = self.count_overlap::<S>(page, cursor.overlap.rows());
        let earlier_runs = page.runs.earlier.len();
        let received = page.rows.len() - known + page.problems.len() + earlier_runs;
        self.without_id += page.rows_without_id;
        self.empty_pages = match received + page.rows_without_id {
            0 => self.empty_pages + 1,
            _ => 0,
        };
        let (new, costly) = self.seen.retain_new(source, page, cursor.current_list());
        let received_without_id = page.rows_without_id;
        self.counts.add(
            page,
            cursor.current_list(),
            received + received_without_id,
            new + received_without_id,
        );
        self.cost += costly + page.problems.len();
        self.is_repeated = received > 0 && new == 0;
        self.kept -= page.withdrawn.len();
        self.fill::<S>(page, limit.map_or(usize::MAX, |limit| limit - self.kept));
        self.has_failed_parts |= !page.failed_parts.is_empty();
        if self.seen.pass > 0 {
            page.rows_without_id = 0;
        }
    }

    /// Keeps at most `room` rows, not counting those that were passed on before.
    fn fill<S: PageSource>(&mut self, page: &mut Page<S::Row>, room: usize) {
        let changed: HashSet<&str> = page.changed.iter().map(String::as_str).collect();
        let mut new = 0;
        page.rows.retain(|row| {
            let is_changed = changed.contains(S::key(row));
            new += usize::from(!is_changed);
            is_changed || new <= room
        });
        self.exceeds_limit = new > room;
        self.kept += new.min(room);
    }

    /// Returns how many of the first `overlap` rows the page before also has. If it has none of them, rows have
    /// moved.
    fn count_overlap<S: PageSource>(&mut self, page: &Page<S::Row>, overlap: usize) -> usize {
        let rows = page.rows.iter().take(overlap);
        let known = rows.filter(|row| self.seen.is_known(S::key(row))).count();
        // A row without an id, or an unreadable one, may be the known row.
        let is_comparable = page.rows_without_id == 0 && page.problems.is_empty();
        self.counts.has_shrunk |= overlap > 0 && is_comparable && known == 0;
        known
    }

    /// Returns the reason not to request the next page, if there is one.
    pub(super) fn stop(&self, bounds: &Bounds, is_broken: bool) -> Option<Truncation> {
        match bounds.rows {
            Some(limit) if self.kept >= limit => Some(Truncation::Limit(limit)),
            _ if bounds.lookups.is_some_and(|max| self.cost >= max) => {
                Some(self.counts.lookup_limit())
            }
            _ if is_broken => Some(Truncation::Stopped),
            _ if self.is_repeated => Some(Truncation::RepeatedPage),
            _ if self.pages >= bounds.pages || self.empty_pages >= MAX_EMPTY_PAGES => {
                Some(Truncation::TooManyPages(self.pages))
            }
            _ => None,
        }
    }

    /// Returns `true` if the list must be read again because rows may have moved to a page that was already read.
    pub(super) fn must_repeat(&self, max_pages: usize) -> bool {
        let may_repeat = self.seen.pass + 1 < MAX_PASSES && self.pages < max_pages;
        let must_confirm =
            self.counts.is_unproven && (self.seen.pass == 0 || !self.seen.is_confirmed());
        (self.counts.has_shrunk || must_confirm) && may_repeat && !self.has_failed_parts
    }

    pub(super) fn repeat(&mut self) {
        self.seen.start_pass();
        (self.counts, self.without_id) = (Counts::default(), 0);
    }

    /// Returns what is missing although the last page was read.
    pub(super) fn missing_rows(&self) -> Option<Truncation> {
        let is_disproven =
            self.counts.is_unproven && self.seen.pass > 0 && !self.seen.is_confirmed();
        let has_moved = self.counts.has_shrunk || is_disproven;
        let moved = has_moved.then_some(Truncation::RowsMoved);
        let without_id = (self.without_id > 0).then_some(Truncation::MissingIds(self.without_id));
        self.counts.missing_rows().or(moved).or(without_id)
    }
}
