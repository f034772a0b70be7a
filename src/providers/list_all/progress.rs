//! Tracks how far a list has been read and which rows may be missing.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::conflicts::{Conflicts, IS_UNKNOWN};
use super::{MAX_EMPTY_PAGES, MAX_PASSES, PageSource, Truncation, has_unreadable_field_notice};
use crate::crypto;
use crate::model::State;
use crate::providers::list::{Cursor, Page};

/// The digest of the key of a row.
type Key = [u8; 16];

/// The rows of all pages so far. The keys are digests of a short fixed length, so that a list of a hundred
/// thousand rows needs little memory.
#[derive(Default)]
struct SeenRows {
    rows: HashMap<Key, SeenRow>,
    /// Number of times that the list was read before.
    pass: u8,
}

struct SeenRow {
    is_passed: bool,
    state: Option<State>,
    pass: u8,
    /// The lists of this pass that contained the row, as bits.
    lists: u8,
    /// Rows of this pass contradict each other, so its state is unknown.
    is_contradicted: bool,
}

/// A row of a page, or a problem with a row.
#[derive(Default)]
struct ListedRow {
    /// The number of its list.
    list: u8,
    state: Option<State>,
    is_wanted: bool,
    has_wanted_state: bool,
    is_contradicted: bool,
}

/// The result of inserting a row into [`SeenRows`].
struct Insertion {
    /// No earlier page contained the row.
    is_new: bool,
    /// No earlier page of the same list and of this pass contained the row.
    is_new_in_list: bool,
    status: RowStatus,
    /// The different state that an earlier page showed: of this pass, or of an earlier pass that passed the row on.
    previous_state: Option<State>,
}

/// How a row is handled.
#[derive(Clone, Copy, PartialEq)]
enum RowStatus {
    /// It does not match the filter, or was passed on before.
    Dropped,
    /// It is passed on.
    Passed,
    /// It is passed on again because its state has changed.
    Changed,
    /// It is passed on again because it has left the requested states.
    Withdrawn,
}

impl SeenRows {
    fn insert(&mut self, key: Key, row: &ListedRow) -> Insertion {
        let state = row.state;
        let entry = self.rows.entry(key);
        let is_new = matches!(entry, Entry::Vacant(_));
        let seen = entry.or_insert(SeenRow {
            is_passed: false,
            state,
            pass: self.pass,
            lists: 0,
            is_contradicted: false,
        });
        let is_new_in_pass = is_new || seen.pass != self.pass;
        if is_new_in_pass {
            (seen.pass, seen.lists, seen.is_contradicted) = (self.pass, 0, false);
        }
        seen.is_contradicted |= row.is_contradicted;
        let is_new_in_list = seen.lists & (1 << row.list) == 0;
        seen.lists |= 1 << row.list;
        let has_changed = state.is_some() && seen.state != state;
        let status = match (seen.is_passed, row.has_wanted_state) {
            (false, _) if row.is_wanted => RowStatus::Passed,
            (true, true) if has_changed => RowStatus::Changed,
            (true, false) if has_changed => RowStatus::Withdrawn,
            _ => RowStatus::Dropped,
        };
        // A different state in an earlier pass is not a contradiction: it is only older.
        let is_contradicted = has_changed && (seen.is_passed || !is_new_in_pass);
        let previous_state = seen.state.filter(|_| is_contradicted);
        match status {
            RowStatus::Passed => seen.is_passed = true,
            RowStatus::Withdrawn => seen.is_passed = false,
            RowStatus::Changed | RowStatus::Dropped => {}
        }
        seen.state = state.or(seen.state);
        Insertion {
            is_new,
            is_new_in_list,
            status,
            previous_state,
        }
    }

    /// Reports whether rows of this pass contradict each other about a job.
    fn is_contradicted(&self, key: &Key) -> bool {
        let seen = self.rows.get(key);
        seen.is_some_and(|seen| seen.pass == self.pass && seen.is_contradicted)
    }

    /// Returns the end that an earlier page of this pass shows instead of this one.
    fn other_end(&self, key: &Key, state: Option<State>) -> Option<State> {
        let end = state.filter(|state| state.is_end())?;
        let seen = self.rows.get(key);
        let before = seen.filter(|seen| seen.pass == self.pass)?.state;
        before.filter(|before| before.is_end() && *before != end)
    }

    /// Reports whether an earlier page of this pass contained the row.
    fn is_known(&self, key: &str) -> bool {
        let seen = self.rows.get(&digest(key));
        seen.is_some_and(|seen| seen.pass == self.pass)
    }

    /// Drops rows that were passed on before or do not match the filter. Returns how many rows and problems are
    /// new in this pass of the list, and how many rows required additional requests.
    fn retain_new<S: PageSource>(
        &mut self,
        source: &S,
        page: &mut Page<S::Row>,
        list: u8,
    ) -> (usize, usize) {
        let (mut new, mut costly) = (0, 0);
        let has_unreadable = has_unreadable_field_notice(&page.notices);
        let (mut changes, mut contradictions) = (Conflicts::default(), Conflicts::default());
        let contradicted: HashSet<String> = page.contradicted.drain(..).collect();
        // A row moves to the next page if a new one is added before that page is requested. The same job can
        // also be in two lists, and match the filter as only one of them shows it.
        page.rows.retain_mut(|row| {
            let key = digest(S::key(row));
            let other_end = self.other_end(&key, S::state(row));
            if let Some((before, after)) = other_end.zip(S::state(row)) {
                contradictions.add(S::key(row), before, after);
            }
            let is_contradicted = other_end.is_some()
                || contradicted.contains(S::key(row))
                || self.is_contradicted(&key);
            if is_contradicted {
                S::mark_unknown(row);
            }
            let listed = ListedRow {
                list,
                state: S::state(row),
                is_wanted: source.is_wanted(row, has_unreadable),
                has_wanted_state: source.has_wanted_state(row),
                is_contradicted,
            };
            let seen = self.insert(key, &listed);
            // An unknown state is not a contradiction: a list of live jobs can contain fewer fields than the
            // history.
            let previous_state = seen.previous_state.filter(|state| *state != State::Unknown);
            let previous_state = previous_state.filter(|_| !is_contradicted);
            if let Some((previous_state, after)) = previous_state.zip(listed.state) {
                changes.add(S::key(row), previous_state, after);
            }
            new += usize::from(seen.is_new_in_list);
            costly += usize::from(seen.is_new && source.is_costly(row));
            if matches!(seen.status, RowStatus::Changed | RowStatus::Withdrawn) {
                page.changed.push(S::key(row).to_owned());
            }
            if seen.status == RowStatus::Withdrawn {
                page.withdrawn.push(S::key(row).to_owned());
            }
            seen.status != RowStatus::Dropped
        });
        page.notices.extend(contradictions.notice(IS_UNKNOWN));
        page.notices.extend(changes.notice("the later row counts"));
        page.problems.retain(|problem| {
            let reference = problem.reference.as_deref();
            let unread = ListedRow {
                list,
                ..ListedRow::default()
            };
            let seen = reference.map(|key| self.insert(digest(key), &unread));
            new += usize::from(seen.as_ref().is_none_or(|seen| seen.is_new_in_list));
            seen.is_none_or(|seen| seen.is_new)
        });
        if self.pass > 0 && page.rows.is_empty() {
            // These notices were passed on in an earlier pass.
            page.notices.clear();
        }
        (new, costly)
    }
}

fn digest(key: &str) -> Key {
    crypto::digest_128(key.as_bytes())
}

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
}

impl Counts {
    fn add<R>(&mut self, page: &Page<R>, rows: usize, new: usize) {
        self.rows += rows as u64;
        self.distinct += new as u64;
        self.repeated += page.repeated_rows;
        self.has_shrunk |= page.total.is_some() && page.total < self.total;
        self.total = page.total;
        self.min_total = [self.min_total, page.total].into_iter().flatten().min();
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
        let received = page.rows.len() - known + page.problems.len();
        self.without_id += page.rows_without_id;
        self.empty_pages = match received + page.rows_without_id {
            0 => self.empty_pages + 1,
            _ => 0,
        };
        let (new, costly) = self.seen.retain_new(source, page, cursor.first_open_list());
        let received_without_id = page.rows_without_id;
        self.counts.add(
            page,
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
    pub(super) fn stop(
        &self,
        limit: Option<usize>,
        max_pages: usize,
        is_broken: bool,
    ) -> Option<Truncation> {
        match limit {
            Some(limit) if self.kept.max(self.cost) >= limit => Some(Truncation::Limit(limit)),
            _ if is_broken => Some(Truncation::Stopped),
            _ if self.is_repeated => Some(Truncation::RepeatedPage),
            _ if self.pages >= max_pages || self.empty_pages >= MAX_EMPTY_PAGES => {
                Some(Truncation::TooManyPages(self.pages))
            }
            _ => None,
        }
    }

    /// Returns `true` if the list must be read again because rows may have moved to a page that was already read.
    pub(super) fn must_repeat(&self, max_pages: usize) -> bool {
        let may_repeat = self.seen.pass + 1 < MAX_PASSES && self.pages < max_pages;
        self.counts.has_shrunk && may_repeat && !self.has_failed_parts
    }

    pub(super) fn repeat(&mut self) {
        self.seen.pass += 1;
        (self.counts, self.without_id) = (Counts::default(), 0);
    }

    /// Returns what is missing although the last page was read.
    pub(super) fn missing_rows(&self) -> Option<Truncation> {
        let moved = self.counts.has_shrunk.then_some(Truncation::RowsMoved);
        let without_id = (self.without_id > 0).then_some(Truncation::MissingIds(self.without_id));
        self.counts.missing_rows().or(moved).or(without_id)
    }
}
