//! Lists of what is in a scope: one page a call, and one loop that drains them.

use std::collections::HashSet;

use glob::Pattern;

use super::GetResult;
use super::states;
use crate::error::{Category, Problem};
use crate::kind::{Kind, StateWords, UnlistedField};
use crate::model::{self, Job, Notice, Since, State};
use crate::reference::Reference;

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

/// What the resources of a list must match; the default matches all of them.
///
/// Filters are pushed to the cloud where its API supports them; [`list_all`](super::list_all()) checks every
/// row nevertheless.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Ids, at most [`Kind::max_ids`](crate::kind::Kind::max_ids) and only for kinds that have it; empty
    /// for any.
    pub ids: Vec<String>,
    /// Accepted states; empty for any.
    pub states: Vec<State>,
    /// Pattern of the name or the id.
    pub name: Option<Pattern>,
    /// Who owns it.
    pub user: Option<String>,
    /// Queue or card group.
    pub queue: Option<String>,
    /// Selector of its labels, which the cloud applies; for kinds whose list has one.
    pub selector: Option<String>,
    /// It was created then or later.
    pub since: Option<Since>,
    /// No more rows than this are wanted on a page, where the cloud lets one choose.
    pub page_rows: Option<usize>,
    /// No more pages than this are requested.
    pub max_pages: Option<usize>,
    /// A person has named the place, so that an empty list of one that does not exist is an error.
    pub checks_scope: bool,
    /// A product that is not installed is an empty list: the scope was not named.
    pub is_optional: bool,
}

/// Options that keep a row whose field could not be read, and these fields.
pub const COMPARED_FIELDS: [(&str, &str); 4] = [
    ("--since", "creation time"),
    ("--user", "user"),
    ("--queue", "queue"),
    ("--name", "name"),
];

impl Filter {
    /// True when a resource matches. A field that a row does not have fails its filter, except for
    /// state and creation time, which every resource has, and except where fields of the response could not
    /// be read (`has_unreadable`): an unreadable field does not drop the row. A job that has not ended in a
    /// state that is not known may be active.
    pub fn matches(&self, job: &Job, has_unreadable: bool) -> bool {
        let includes_all_active = State::ACTIVE
            .iter()
            .all(|state| self.states.contains(state));
        let may_match = job.state == State::Unknown
            && (job.state_raw.is_none() || (includes_all_active && !job.ended));
        let is_requested = |requested: Option<&String>, field: Option<&String>| {
            let (Some(requested), Some(field)) = (requested, field) else {
                return requested.is_none() || has_unreadable;
            };
            field.trim() == requested
        };
        (self.ids.is_empty() || self.ids.contains(&job.id))
            && (self.states.is_empty() || self.states.contains(&job.state) || may_match)
            && (self.matches_name(job.name.as_deref(), &job.id)
                || (has_unreadable && job.name.is_none()))
            && is_requested(self.user.as_ref(), job.user.as_ref())
            && is_requested(self.queue.as_ref(), job.queue.as_ref())
            && self
                .since
                .as_ref()
                .is_none_or(|since| job.created_at.is_none_or(|at| at >= since.time()))
    }

    /// Of each option in [`COMPARED_FIELDS`], whether it kept a resource that does not have its field.
    pub fn uncompared(&self, job: &Job) -> [bool; COMPARED_FIELDS.len()] {
        let is_named = job.name.is_some() || self.matches_name(None, &job.id);
        [
            self.since.is_some() && job.created_at.is_none(),
            self.user.is_some() && job.user.is_none(),
            self.queue.is_some() && job.queue.is_none(),
            !is_named,
        ]
    }

    /// True when the name or the id is what was requested.
    pub fn matches_name(&self, name: Option<&str>, id: &str) -> bool {
        self.name.as_ref().is_none_or(|pattern| {
            name.is_some_and(|name| pattern.matches(name.trim())) || pattern.matches(id)
        })
    }

    /// True when it requests active jobs only.
    pub(super) fn is_active_only(&self) -> bool {
        let mut states = self.states.iter();
        !self.states.is_empty() && states.all(|state| State::ACTIVE.contains(state))
    }

    /// The same without regard to states, which may cost calls to read.
    pub(super) fn without_states(&self) -> Self {
        Self {
            states: Vec::new(),
            ..self.clone()
        }
    }

    /// The one state of a cloud that equals the requested states; `None` when several do, or
    /// unrecognized ones might.
    pub(super) fn single_state_word(
        &self,
        table: StateWords,
        own: &[(String, State)],
    ) -> Option<&'static str> {
        states::single_word_for(table, own, &self.states)
    }

    /// The states of a cloud that equal the requested states, or may turn out to; `None` where none are
    /// requested, or unrecognized ones might be among them.
    pub(super) fn state_words(
        &self,
        table: StateWords,
        own: &[(String, State)],
    ) -> Option<Vec<&'static str>> {
        let mut states = self.states.clone();
        if states.contains(&State::Failed) {
            // Other fields of a row may contradict its word.
            states.push(State::Succeeded);
        }
        Some(states::words_for(table, own, &states)).filter(|words| !words.is_empty())
    }

    /// The page size that is requested, in rows, where the cloud gives at most `most`.
    pub(super) fn page_size(&self, most: usize) -> usize {
        self.page_rows.map_or(most, |rows| rows.clamp(1, most))
    }
}

impl Filter {
    /// True when it requests this.
    pub fn filters_on(&self, unlisted: UnlistedField) -> bool {
        match unlisted {
            UnlistedField::State => !self.states.is_empty(),
            UnlistedField::User => self.user.is_some(),
            UnlistedField::Queue => self.queue.is_some(),
            UnlistedField::CreatedAt => self.since.is_some(),
        }
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
