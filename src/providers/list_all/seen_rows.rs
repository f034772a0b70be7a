//! The rows of a list that were read so far, and which of them are new.

use std::cmp::Ordering;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::conflicts::{Conflicts, IS_UNKNOWN};
use super::{PageSource, has_unreadable_field_notice};
use crate::crypto;
use crate::model::State;
use crate::providers::list::Page;
use crate::providers::runs::Run;

/// The digest of the key of a row.
type Key = [u8; 16];

/// The rows of all pages so far. The keys are digests of a short fixed length, so that a list of a hundred
/// thousand rows needs little memory.
#[derive(Default)]
pub(super) struct SeenRows {
    rows: HashMap<Key, SeenRow>,
    /// Number of times that the list was read before.
    pub pass: u8,
    /// Rows of this pass.
    pass_rows: PassRows,
    /// Number of rows of the pass before.
    previous_rows: usize,
}

/// The number of rows of a pass.
#[derive(Default)]
struct PassRows {
    all: usize,
    /// Rows that no pass before contained.
    new: usize,
    /// Rows that the pass before contained.
    common: usize,
}

struct SeenRow {
    is_passed: bool,
    state: Option<State>,
    pass: u8,
    /// The lists of this pass that contained the row, as bits.
    lists: u32,
    /// Rows of this pass contradict each other, so its state is unknown.
    is_contradicted: bool,
    /// The run that the last row of this pass shows, with the number of its list.
    run: Option<Box<(u8, Run)>>,
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
    /// Starts to read the list again.
    pub fn start_pass(&mut self) {
        self.pass += 1;
        self.previous_rows = std::mem::take(&mut self.pass_rows).all;
    }

    /// Returns `true` if this pass shows that the one before missed no row: it has no new row, or all rows of the one
    /// before, so that none of them left the list and moved others to a page that was already read.
    pub fn is_confirmed(&self) -> bool {
        self.pass_rows.new == 0 || self.pass_rows.common == self.previous_rows
    }

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
            run: None,
        });
        let is_new_in_pass = is_new || seen.pass != self.pass;
        let was_in_previous = seen.pass + 1 == self.pass;
        self.pass_rows.all += usize::from(is_new_in_pass);
        self.pass_rows.new += usize::from(is_new);
        self.pass_rows.common += usize::from(was_in_previous);
        if is_new_in_pass {
            (seen.pass, seen.lists, seen.is_contradicted) = (self.pass, 0, false);
            seen.run = None;
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

    /// Returns `true` if rows of this pass contradict each other about a job.
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

    /// Returns `true` if a row is that of an earlier run of its job than the one that a row before it shows: in the
    /// same list by its times, or in a later one, such as the history, unless it is the row of the same run. Without
    /// times to compare, it can be the end of a job that has ended, but not that of an active one.
    fn is_earlier_run(&mut self, key: &Key, run: &Run, list: u8) -> bool {
        let pass = self.pass;
        let seen = self.rows.get_mut(key).filter(|seen| seen.pass == pass);
        let Some((known, seen)) = seen.and_then(|seen| Some((seen.run.take()?, seen))) else {
            return false;
        };
        let (known_list, known_run) = &*known;
        let is_active = seen
            .state
            .is_some_and(|state| State::ACTIVE.contains(&state));
        let order = run.order(known_run).filter(|_| *known_list == list);
        if order == Some(Ordering::Greater) {
            // A newer run in the same list is another row, and does not contradict the one before it.
            (seen.state, seen.is_contradicted) = (None, false);
            seen.lists &= !(1 << list);
        }
        let is_earlier = match *known_list == list {
            true => order == Some(Ordering::Less),
            // A job that is queued again has not ended in this run.
            false if is_active && known_run.started_at.is_none() => true,
            false => match run.is_of(known_run) {
                Some(is_of) => !is_of,
                None => is_active,
            },
        };
        seen.run = Some(known);
        is_earlier
    }

    /// Counts the row of an earlier run, which is dropped. Returns `true` if no earlier page of the same list and of
    /// this pass contained it.
    fn count_run(&mut self, run: &str, list: u8) -> bool {
        let row = ListedRow {
            list,
            ..ListedRow::default()
        };
        self.insert(digest(run), &row).is_new_in_list
    }

    /// Returns `true` if an earlier page of this pass contained the row.
    pub fn is_known(&self, key: &str) -> bool {
        let seen = self.rows.get(&digest(key));
        seen.is_some_and(|seen| seen.pass == self.pass)
    }

    /// Drops rows that were passed on before or do not match the filter. Returns how many rows and problems are
    /// new in this pass of the list, and how many rows required additional requests.
    pub fn retain_new<S: PageSource>(
        &mut self,
        source: &S,
        page: &mut Page<S::Row>,
        list: u8,
    ) -> (usize, usize) {
        let (mut new, mut costly) = (0, 0);
        let has_unreadable = has_unreadable_field_notice(&page.notices);
        let (mut changes, mut contradictions) = (Conflicts::default(), Conflicts::default());
        let contradicted: HashSet<String> = page.contradicted.drain(..).collect();
        let runs = std::mem::take(&mut page.runs);
        for run in &runs.earlier {
            new += usize::from(self.count_run(run, list));
        }
        // A row moves to the next page if a new one is added before that page is requested. The same job can
        // also be in two lists, and match the filter as only one of them shows it.
        page.rows.retain_mut(|row| {
            let key = digest(S::key(row));
            let run = runs.of_rows.get(S::key(row));
            if let Some(run) = run.filter(|run| self.is_earlier_run(&key, run, list)) {
                new += usize::from(self.count_run(&run.key(S::key(row)), list));
                return false;
            }
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
            if let Some((entry, run)) = self.rows.get_mut(&key).zip(run) {
                entry.run = Some(Box::new((list, run.clone())));
            }
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
        new += self.retain_new_problems(page, list);
        if self.pass > 0 && page.rows.is_empty() {
            // These notices were passed on in an earlier pass.
            page.notices.clear();
        }
        (new, costly)
    }

    /// Drops problems of rows that an earlier page contained. Returns how many are new in this pass of the list.
    fn retain_new_problems<R>(&mut self, page: &mut Page<R>, list: u8) -> usize {
        let mut new = 0;
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
        new
    }
}

fn digest(key: &str) -> Key {
    crypto::digest_128(key.as_bytes())
}
