//! How far a list has been read, and what may be missing of it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::conflicts::Conflicts;
use super::{MAX_EMPTY_PAGES, MAX_PASSES, PageSource, Truncation, names_unreadable};
use crate::crypto;
use crate::model::State;
use crate::providers::list::{Cursor, Page};

/// The rows of the pages so far. Digests take the same few bytes for references of any length, so that
/// a list of a hundred thousand rows needs little memory.
#[derive(Default)]
struct SeenRows {
    rows: HashMap<[u8; 16], SeenRow>,
    /// How many times the list was read before.
    pass: u8,
}

struct SeenRow {
    is_passed: bool,
    state: Option<State>,
    pass: u8,
}

/// What [`SeenRows`] returns about a row.
struct Seen {
    /// No page before had the row.
    is_new: bool,
    /// No page of this pass had the row.
    is_new_in_pass: bool,
    status: RowStatus,
    /// The state in which a page before has shown it, where that is another one: of this pass, or of an earlier one
    /// that passed it on.
    before: Option<State>,
}

/// What becomes of a row.
#[derive(Clone, Copy, PartialEq)]
enum RowStatus {
    /// It is not wanted, or was passed on before.
    Dropped,
    /// It is passed on.
    Passed,
    /// It is passed on again, as its state has changed.
    Changed,
    /// The same, but it left the requested states.
    Withdrawn,
}

impl SeenRows {
    fn insert(
        &mut self,
        key: &str,
        state: Option<State>,
        is_wanted: bool,
        has_wanted_state: bool,
    ) -> Seen {
        let entry = self.rows.entry(crypto::digest_128(key.as_bytes()));
        let is_new = matches!(entry, Entry::Vacant(_));
        let seen = entry.or_insert(SeenRow {
            is_passed: false,
            state,
            pass: self.pass,
        });
        let is_new_in_pass = is_new || seen.pass != self.pass;
        seen.pass = self.pass;
        let has_changed = state.is_some() && seen.state != state;
        let status = match (seen.is_passed, has_wanted_state) {
            (false, _) if is_wanted => RowStatus::Passed,
            (true, true) if has_changed => RowStatus::Changed,
            (true, false) if has_changed => RowStatus::Withdrawn,
            _ => RowStatus::Dropped,
        };
        // What an earlier pass has read is only older.
        let is_contradicted = has_changed && (seen.is_passed || !is_new_in_pass);
        let before = seen.state.filter(|_| is_contradicted);
        match status {
            RowStatus::Passed => seen.is_passed = true,
            RowStatus::Withdrawn => seen.is_passed = false,
            RowStatus::Changed | RowStatus::Dropped => {}
        }
        seen.state = state.or(seen.state);
        Seen {
            is_new,
            is_new_in_pass,
            status,
            before,
        }
    }

    /// Whether a page of this pass had the row.
    fn is_known(&self, key: &str) -> bool {
        let seen = self.rows.get(&crypto::digest_128(key.as_bytes()));
        seen.is_some_and(|seen| seen.pass == self.pass)
    }

    /// Drops what was passed on before or is not wanted; counts the rows and problems that are new in this
    /// pass, and the rows that cost calls.
    fn retain_new<S: PageSource>(&mut self, source: &S, page: &mut Page<S::Row>) -> (usize, usize) {
        let (mut new, mut costly) = (0, 0);
        let has_unreadable = names_unreadable(&page.notices);
        let mut conflicts = Conflicts::default();
        // Rows move to the next page when something new comes in before it is requested.
        // The same job may be in two lists, and be wanted as only one of them shows it.
        page.rows.retain(|row| {
            let is_wanted = source.is_wanted(row, has_unreadable);
            let (key, state) = (S::key(row), S::state(row));
            let seen = self.insert(key, state, is_wanted, source.has_wanted_state(row));
            // An unknown state contradicts nothing: a list of live jobs may contain less than the history.
            let before = seen.before.filter(|before| *before != State::Unknown);
            if let Some((before, after)) = before.zip(state) {
                conflicts.add(key, before, after);
            }
            new += usize::from(seen.is_new_in_pass);
            costly += usize::from(seen.is_new && source.is_costly(row));
            if matches!(seen.status, RowStatus::Changed | RowStatus::Withdrawn) {
                page.changed.push(key.to_owned());
            }
            if seen.status == RowStatus::Withdrawn {
                page.withdrawn.push(key.to_owned());
            }
            seen.status != RowStatus::Dropped
        });
        page.notices
            .extend(conflicts.notice("the later row counts"));
        page.problems.retain(|problem| {
            let reference = problem.reference.as_deref();
            let seen = reference.map(|key| self.insert(key, None, false, false));
            new += usize::from(seen.as_ref().is_none_or(|seen| seen.is_new_in_pass));
            seen.is_none_or(|seen| seen.is_new)
        });
        if self.pass > 0 && page.rows.is_empty() {
            // The notices of a page that was read before.
            page.notices.clear();
        }
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
    /// Rows left the list while it was read: a page had a smaller total than the one before it, or none
    /// of the rows with which it overlaps.
    has_shrunk: bool,
}

impl Counts {
    fn add<R>(&mut self, page: &Page<R>, rows: usize, new: usize) {
        self.rows += rows as u64;
        self.distinct += new as u64;
        self.has_shrunk |= page.total.is_some() && page.total < self.total;
        self.total = page.total;
        self.least_total = [self.least_total, page.total].into_iter().flatten().min();
    }

    /// The mismatch after the last page, at `at`, where rows are missing. Rows may come twice while others
    /// never come; only lists that are merged may both have and count the same row.
    fn missing(&self, at: Cursor) -> Option<Truncation> {
        let distinct = (self.distinct, self.least_total.filter(|_| !at.is_merged()));
        let all = [(self.rows, self.total), distinct];
        all.into_iter().find_map(|(listed, total)| {
            let total = total.filter(|total| *total > listed)?;
            Some(Truncation::CountMismatch(listed, total))
        })
    }
}

/// How far a list has been read.
#[derive(Default)]
pub(super) struct ListProgress {
    seen: SeenRows,
    /// Of this pass.
    counts: Counts,
    /// Rows of this pass without an id.
    unnamed: usize,
    pub(super) pages: usize,
    /// Pages in a row without a row.
    empty_pages: usize,
    pub(super) kept: usize,
    /// Rows and problems that cost calls of their own.
    spent: usize,
    has_failed_parts: bool,
    /// The limit left out rows of the last page.
    pub(super) is_over: bool,
    /// The last page had nothing that those before it did not have.
    is_repeated: bool,
}

impl ListProgress {
    /// True where a page that should begin with a few known rows has no other, although there are more: the cloud
    /// begins its pages at multiples of their size only.
    pub(super) fn is_rounded<S: PageSource>(&self, page: &Page<S::Row>, at: Cursor) -> bool {
        at.overlap.rows() > 0
            && page.next.is_some()
            && !page.rows.is_empty()
            && page.rows.iter().all(|row| self.seen.is_known(S::key(row)))
    }

    /// Drops what is not wanted or was passed on before, and counts the rest of the page at `at`.
    pub(super) fn add<S: PageSource>(
        &mut self,
        source: &S,
        page: &mut Page<S::Row>,
        at: Cursor,
        limit: Option<usize>,
    ) {
        self.pages += 1;
        let known = self.count_overlap::<S>(page, at.overlap.rows());
        let came = page.rows.len() - known + page.problems.len();
        self.unnamed += page.rows_without_id;
        self.empty_pages = match came + page.rows_without_id {
            0 => self.empty_pages + 1,
            _ => 0,
        };
        let (new, costly) = self.seen.retain_new(source, page);
        let came_without_id = page.rows_without_id;
        self.counts
            .add(page, came + came_without_id, new + came_without_id);
        self.spent += costly + page.problems.len();
        self.is_repeated = came > 0 && new == 0;
        self.kept -= page.withdrawn.len();
        self.fill::<S>(page, limit.map_or(usize::MAX, |limit| limit - self.kept));
        self.has_failed_parts |= !page.failed_parts.is_empty();
        if self.seen.pass > 0 {
            page.rows_without_id = 0;
        }
    }

    /// Drops the rows beyond this many; those that were passed on before need no room.
    fn fill<S: PageSource>(&mut self, page: &mut Page<S::Row>, room: usize) {
        let changed: HashSet<&str> = page.changed.iter().map(String::as_str).collect();
        let mut new = 0;
        page.rows.retain(|row| {
            let is_changed = changed.contains(S::key(row));
            new += usize::from(!is_changed);
            is_changed || new <= room
        });
        self.is_over = new > room;
        self.kept += new.min(room);
    }

    /// How many of the first so many rows the page before has, too; none of them shows that rows have moved.
    fn count_overlap<S: PageSource>(&mut self, page: &Page<S::Row>, overlap: usize) -> usize {
        let rows = page.rows.iter().take(overlap);
        let known = rows.filter(|row| self.seen.is_known(S::key(row))).count();
        // A row without an id, or one that could not be read, may be the one that is known.
        let is_comparable = page.rows_without_id == 0 && page.problems.is_empty();
        self.counts.has_shrunk |= overlap > 0 && is_comparable && known == 0;
        known
    }

    /// Why the page after the last one is not requested.
    pub(super) fn stop(
        &self,
        limit: Option<usize>,
        max_pages: usize,
        is_broken: bool,
    ) -> Option<Truncation> {
        match limit {
            Some(limit) if self.kept.max(self.spent) >= limit => Some(Truncation::Limit(limit)),
            _ if is_broken => Some(Truncation::Stopped),
            _ if self.is_repeated => Some(Truncation::RepeatedPage),
            _ if self.pages >= max_pages || self.empty_pages >= MAX_EMPTY_PAGES => {
                Some(Truncation::TooManyPages(self.pages))
            }
            _ => None,
        }
    }

    /// True when the last page was read, and rows may have moved past the reader.
    pub(super) fn must_repeat(&self, max_pages: usize) -> bool {
        let may_repeat = self.seen.pass + 1 < MAX_PASSES && self.pages < max_pages;
        self.counts.has_shrunk && may_repeat && !self.has_failed_parts
    }

    pub(super) fn repeat(&mut self) {
        self.seen.pass += 1;
        (self.counts, self.unnamed) = (Counts::default(), 0);
    }

    /// What is missing although the last page, at `at`, was read.
    pub(super) fn missing(&self, at: Cursor) -> Option<Truncation> {
        let moved = self.counts.has_shrunk.then_some(Truncation::RowsMoved);
        let unnamed = (self.unnamed > 0).then_some(Truncation::MissingIds(self.unnamed));
        self.counts.missing(at).or(moved).or(unnamed)
    }
}
