//! Collects the rows of the requested jobs from the pages of a list.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::list::{MAX_ROWS, Page};
use super::row::Row;
use super::subtask_id::{parent_of, subtask_of};
use crate::collect::CollectExt as _;
use crate::providers::prelude::*;

/// Maximum number of pages for the ids of one request: enough for a server that returns 10 rows per page, whatever
/// size is requested.
const MAX_PAGES: usize = 10;

/// The rows of the requested jobs.
#[derive(Debug, Default)]
pub(in super::super) struct JobRows {
    /// The cloud's id of the last request.
    pub(in super::super) request_id: Option<String>,
    /// Notices about unreadable fields of the responses.
    pub(super) notices: Vec<Notice>,
    /// Rows by id; `None` if two rows of one job contradict each other.
    rows: HashMap<String, Option<Row>>,
    /// For jobs with rows that contradict each other, one with an end other than a success, if any has one.
    contradicted_ends: HashMap<String, Row>,
    /// The total that a list reports and the number of rows received, if it is smaller.
    count_mismatch: Option<(usize, usize)>,
    /// True if the list contains more rows than were read.
    is_partial: bool,
    /// The array jobs with a listed subtask.
    parents: HashSet<String>,
    /// The jobs with an unreadable row.
    unread: HashSet<String>,
    /// The first page with a row of an array job or its subtasks, if the raw response was requested.
    document: Option<Vec<u8>>,
}

impl JobRows {
    /// Returns the row of a job.
    pub(in super::super) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(id.trim())?.as_ref()
    }

    /// Returns the total that the cloud reports and the number of rows it returned, if it is smaller.
    pub(in super::super) fn count_mismatch(&self) -> Option<(usize, usize)> {
        self.count_mismatch
    }

    /// Returns `true` if the list contains more rows than were read: some were unreadable, or the cloud
    /// returned jobs that were not requested. A job without a row can then be listed nevertheless.
    pub(in super::super) fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Records that rows could not be read.
    pub(in super::super) fn mark_partial(&mut self) {
        self.is_partial = true;
    }

    /// Returns the listed subtasks of an array job by index; `None` for a row that another one contradicts.
    pub(super) fn subtasks(&self, parent: &str) -> BTreeMap<(i64, &str), Option<&Row>> {
        let rows = self.rows.iter();
        let subtasks = rows.filter_map(|(id, row)| {
            let index = subtask_of(parent, id)?;
            Some(((index, id.as_str()), row.as_ref()))
        });
        subtasks.collect_map()
    }

    /// Returns `true` if the list shows that this is an array job, by its flag or by a subtask.
    pub(in super::super) fn is_array(&self, id: &str) -> bool {
        self.row(id).is_some_and(Row::is_parent)
            || self.parents.contains(id.trim())
            || self.rows.keys().any(|row| subtask_of(id, row).is_some())
    }

    /// Returns `true` if two rows of this job contradict each other.
    pub(super) fn is_contradictory(&self, id: &str) -> bool {
        self.rows.get(id.trim()).is_some_and(Option::is_none)
    }

    /// Returns `true` if a subtask of this array job has failed.
    ///
    /// `user_states` are the user's state words.
    pub(super) fn has_failed_subtask(&self, parent: &str, user_states: &[(String, State)]) -> bool {
        let rows = self.subtasks(parent).into_values().flatten();
        rows.into_iter()
            .any(|row| row.state(user_states) == State::Failed)
    }

    /// Adds rows of jobs from another response.
    ///
    /// `user_states` are the user's state words.
    pub(super) fn add_rows(
        &mut self,
        rows: impl IntoIterator<Item = Row>,
        user_states: &[(String, State)],
    ) {
        for row in rows {
            if let Some(id) = row.id.clone() {
                self.merge(id, Some(row), user_states);
            }
        }
    }

    /// Adds the rows of another list of the same jobs, which contains rows that this list omits.
    ///
    /// `user_states` are the user's state words.
    pub(super) fn add_list(&mut self, list: Self, user_states: &[(String, State)]) {
        self.is_partial = list.is_partial;
        self.count_mismatch = self.count_mismatch.or(list.count_mismatch);
        self.parents.extend(list.parents);
        self.unread.extend(list.unread);
        self.notices.extend(list.notices);
        self.request_id = list.request_id.or(self.request_id.take());
        for (id, row) in list.rows {
            self.merge(id, row, user_states);
        }
    }

    /// Adds a row of another response. A job can end between two responses, but two different ends contradict
    /// each other.
    fn merge(&mut self, id: String, row: Option<Row>, user_states: &[(String, State)]) {
        let is_end = |row: &Option<Row>| {
            row.as_ref()
                .is_none_or(|row| row.state(user_states).is_end())
        };
        let known = self.rows.remove(&id);
        let merged = match known {
            Some(known) if is_end(&known) && is_end(&row) => {
                let state = |row: &Option<Row>| row.as_ref().map(|row| row.state(user_states));
                row.filter(|_| known.is_some())
                    .filter(|row| Some(row.state(user_states)) == state(&known))
            }
            Some(known) if is_end(&known) => known,
            _ => row,
        };
        self.rows.insert(id, merged);
    }

    /// Keeps the page that was just added, if it is the first one with a row of an array job.
    pub(super) fn keep_document(
        &mut self,
        pages: &BatchPages<'_>,
        options: &RequestOptions,
        body: Vec<u8>,
    ) {
        let is_first = self.document.is_none() && !self.rows.is_empty();
        if options.raw && is_first && pages.parent.is_some() {
            self.document = Some(body);
        }
    }

    /// Returns the raw response that [`Self::keep_document`] kept.
    pub(super) fn document(&self) -> Option<&[u8]> {
        self.document.as_deref()
    }

    /// Returns why the success of a described job is contradicted: its row shows another end.
    ///
    /// `user_states` are the user's state words.
    pub(super) fn contradiction(
        &self,
        job: &Job,
        user_states: &[(String, State)],
    ) -> Option<String> {
        let described = job.state_raw.as_deref()?;
        if self.is_contradictory(&job.id) {
            return Some(format!(
                "the job is {described}, but the list has rows with different states of it"
            ));
        }
        let row = self.row(&job.id)?;
        let is_other = row.state(user_states).is_unsuccessful();
        let word = row.word.as_deref().filter(|_| is_other)?;
        Some(format!("the job is {described}, but {word} in the list"))
    }

    /// Returns a row with an end other than a success that another row of the job contradicts.
    pub(super) fn contradicted_end(&self, id: &str) -> Option<&Row> {
        self.contradicted_ends.get(id.trim())
    }

    /// Adds a row. Two rows that contradict each other are both dropped.
    fn insert(&mut self, id: String, row: Row) {
        let Some(known) = self.rows.get_mut(&id) else {
            self.rows.insert(id, Some(row));
            return;
        };
        if known.as_ref().is_some_and(|known| known.word == row.word) {
            return;
        }
        let rows = [known.take(), Some(row)].into_iter().flatten();
        let mut ends = rows.filter(|row| row.state(&[]).is_unsuccessful());
        if let Some(end) = ends.next() {
            self.contradicted_ends.insert(id, end);
        }
    }

    /// Drops the rows of jobs with an unreadable row, except failed ones, because they do not show all that is
    /// listed of the job.
    fn discard_rows_of(&mut self, ids: impl IntoIterator<Item = String>) {
        self.unread.extend(ids);
        for id in &self.unread {
            if let Some(row) = self.rows.get_mut(id) {
                *row = row.take().filter(|row| row.state(&[]) == State::Failed);
            }
        }
    }

    /// Returns the job from its row. Returns `None` if a separate request is needed: the job is not listed, has
    /// no state, or is or can be an array job, whose state depends on its subtasks.
    ///
    /// `checked_in` is the state in which it was last compared with the list of its subtasks.
    pub(in super::super) fn job_for(
        &self,
        base: Job,
        user_states: &[(String, State)],
        checked_in: Option<State>,
    ) -> Option<(Job, Vec<Notice>)> {
        let row = self.row(&base.id)?;
        let (mut job, mut notices) = (base, self.notices.clone());
        row.fill(&mut job, user_states, &mut notices);
        job.request_id.clone_from(&self.request_id);
        let is_array = row.is_parent() || self.parents.contains(&job.id);
        let is_checked = !job.ended && checked_in == Some(job.state);
        let may_be_array = row.may_be_parent() && row.is_array != Some(false) && !is_checked;
        let is_reported = job.state_raw.is_some() && !is_array && !may_be_array;
        is_reported.then_some((job, notices))
    }
}

/// Progress through the pages for the ids of one request.
#[derive(Debug)]
pub(in super::super) struct BatchPages<'a> {
    wanted: HashSet<&'a str>,
    /// An array job whose subtasks are all wanted, too.
    parent: Option<&'a str>,
    /// True if the list is not filtered by ids, so that a page without wanted rows need not be the last one.
    is_search: bool,
    has_others: bool,
    seen: HashSet<String>,
    missing: usize,
    read: usize,
    rows: usize,
}

impl<'a> BatchPages<'a> {
    /// Creates the state before the first page.
    pub(in super::super) fn new(ids: &[&'a str]) -> Self {
        let wanted: HashSet<&str> = ids.iter().map(|id| id.trim()).collect();
        Self {
            missing: wanted.len(),
            wanted,
            parent: None,
            is_search: false,
            has_others: false,
            seen: HashSet::new(),
            read: 0,
            rows: 0,
        }
    }

    /// Like [`Self::new`], for an array job with all its subtasks.
    pub(in super::super) fn of_array(parent: &'a str, ids: &[&'a str]) -> Self {
        Self {
            parent: Some(parent),
            ..Self::new(ids)
        }
    }

    /// Like [`Self::of_array`], for a list of all jobs of the cluster.
    pub(in super::super) fn search(parent: &'a str) -> Self {
        Self {
            is_search: true,
            ..Self::of_array(parent, &[parent])
        }
    }

    /// Returns the number of the next page, from 1.
    pub(in super::super) fn next(&self) -> usize {
        self.read + 1
    }

    /// Adds a page. Returns `true` if the next page must be requested.
    ///
    /// A page of a list by ids without any of the jobs that are still missing is the last one, so that a server
    /// that ignores the filter, or repeats itself, cannot cause an endless loop.
    pub(in super::super) fn add(&mut self, page: Page, listing: &mut JobRows) -> bool {
        self.read += 1;
        self.rows += page.rows.len();
        listing.request_id = page.request_id;
        let (before, count) = (listing.rows.len(), page.rows.len());
        let ids = page.rows.iter().filter_map(|row| row.id.as_deref());
        listing
            .parents
            .extend(ids.filter_map(parent_of).map(str::to_owned));
        for row in page.rows {
            let Some(id) = row.id.clone().filter(|id| self.is_wanted(id)) else {
                self.has_others = true;
                continue;
            };
            let is_new = !listing.rows.contains_key(&id);
            self.missing -= usize::from(is_new && self.wanted.contains(id.as_str()));
            self.seen.insert(id.clone());
            listing.insert(id, row);
        }
        listing.discard_rows_of(page.unread);
        let total = page
            .total_count
            .and_then(|total| usize::try_from(total).ok());
        let more = match page.total_count {
            Some(_) => total.is_some_and(|total| self.rows < total),
            None => count >= MAX_ROWS,
        };
        // A list with more rows than jobs can contain another row of a job.
        let is_complete = self.parent.is_none() && self.missing == 0 && (self.has_others || !more);
        let brings_rows = listing.rows.len() > before || (self.is_search && count > 0);
        let brings_more = brings_rows && !is_complete;
        let has_next = more && brings_more && self.read < MAX_PAGES;
        listing.is_partial |= self.has_others && more && !has_next;
        // A list that contains other jobs was not filtered, so its total includes all of them.
        let seen = self.seen.len();
        if let Some(total) = total.filter(|total| *total > seen && !has_next && !self.has_others) {
            listing.count_mismatch.get_or_insert((total, seen));
        }
        has_next
    }

    fn is_wanted(&self, id: &str) -> bool {
        let is_subtask = |parent| subtask_of(parent, id).is_some();
        self.wanted.contains(id) || self.parent.is_some_and(is_subtask)
    }
}
