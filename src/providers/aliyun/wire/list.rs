use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::jobs::{STATES, moment, subtask_index, subtask_of};
use crate::model::{Array, Job, Notice, State, Task, Time};
use crate::providers::lenient::{self, Flag, Int, List, Text};
use crate::providers::{self, Cursor, GetResult, job_at, states};
use crate::reference::Scope;

/// How many ids a call takes and how many rows a page holds: the cloud's pages hold no more.
pub(in super::super) const MAX_ROWS: usize = 100;

/// At most so many pages are asked for one call's ids: enough for a server that gives 20 rows a
/// page whatever it is asked for.
const MAX_PAGES: usize = 5;

/// One page of an answer to ListServerlessJobs.
#[derive(Debug)]
pub(in super::super) struct Page {
    request_id: Option<String>,
    total_count: Option<i64>,
    rows: Vec<Row>,
}

/// What a list says of one job.
#[derive(Debug)]
pub(in super::super) struct Row {
    id: Option<String>,
    name: Option<String>,
    word: Option<String>,
    priority: Option<i64>,
    queue: Option<String>,
    user: Option<String>,
    created_at: Option<Time>,
    started_at: Option<Time>,
    finished_at: Option<Time>,
    /// The cloud's own flag for array jobs and their subtasks, where it can be read.
    is_array: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListJobsResponse {
    request_id: Text,
    total_count: Int,
    jobs: Option<List<JobRow>>,
}

/// All of it is text here, numbers and times too.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobRow {
    job_id: Text,
    job_name: Text,
    state: Text,
    priority: Int,
    queue: Text,
    user: Text,
    submit_time: Int,
    start_time: Int,
    end_time: Int,
    is_array_job: Flag,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// What was expected of the answer, and where it was missed.
    pub(in super::super) fn decode(body: &[u8]) -> Result<Self, String> {
        let wire: ListJobsResponse = lenient::decode(body)?;
        let total_count = wire.total_count.0;
        let rows = match (wire.jobs, total_count) {
            (Some(List(rows)), _) => rows,
            (None, Some(0)) => Vec::new(),
            (None, _) => return Err("a list Jobs".to_owned()),
        };
        Ok(Self {
            request_id: wire.request_id.0,
            total_count,
            rows: rows.into_iter().map(Row::from).collect(),
        })
    }
}

impl Page {
    /// The jobs of a cluster as the rows of this page tell of them.
    ///
    /// `own` are the user's words for states.
    pub(in super::super) fn into_page(
        self,
        scope: &Scope,
        at: Cursor,
        region: Option<&str>,
        own: &[(String, State)],
    ) -> providers::Page {
        let request_id = self.request_id;
        let ids = self.rows.iter().filter_map(Row::id);
        let parents = ids.filter_map(|id| Some(parent_of(id)?.to_owned()));
        let parents: HashSet<String> = parents.collect();
        providers::Page::from_addressed_rows(
            at,
            self.total_count,
            self.rows,
            |row| scope.reference(&[row.id()?]),
            |row, reference| {
                let (mut job, mut notices) = (job_at(reference, region), Vec::new());
                row.fill(&mut job, own, &mut notices);
                job.request_id.clone_from(&request_id);
                let is_parent = row.is_parent() || parents.contains(&job.id);
                if is_parent && job.state == State::Succeeded {
                    // A look at the job itself would ask its subtasks, and says the same until then.
                    job.state = State::Unknown;
                    job.ended = false;
                    job.finished_at = None;
                    job.array.get_or_insert(Array::UNKNOWN);
                    job.reason = Some(Job::SUBTASKS_UNREAD.to_owned());
                    job.message =
                        Some("the list does not show whether every subtask succeeded".to_owned());
                }
                GetResult { job, notices }
            },
        )
    }
}

impl From<JobRow> for Row {
    fn from(wire: JobRow) -> Self {
        Self {
            id: wire.job_id.trimmed().map(str::to_owned),
            name: wire.job_name.0,
            word: wire.state.trimmed().map(str::to_owned),
            priority: wire.priority.0,
            queue: wire.queue.0,
            user: wire.user.0,
            created_at: moment(wire.submit_time),
            started_at: moment(wire.start_time),
            finished_at: moment(wire.end_time),
            is_array: wire.is_array_job.0,
        }
    }
}

impl Row {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// True for an array job as a whole, whose id has no index.
    pub(in super::super) fn is_parent(&self) -> bool {
        self.is_array == Some(true) && self.may_be_parent()
    }

    fn may_be_parent(&self) -> bool {
        let id = self.id.as_deref();
        id.is_some_and(|id| subtask_index(id).is_none())
    }

    /// Fills a job whose address is known already with what the row says.
    ///
    /// `own` are the user's words for states.
    pub(in super::super) fn fill(
        &self,
        job: &mut Job,
        own: &[(String, State)],
        notices: &mut Vec<Notice>,
    ) {
        let reading = states::normalize(STATES, own, self.word.as_deref(), "aliyun/job", notices);
        job.state = reading.state;
        job.state_raw = reading.raw;
        job.ended = reading.ended;
        job.name.clone_from(&self.name);
        job.priority = self.priority;
        job.queue.clone_from(&self.queue);
        job.user.clone_from(&self.user);
        job.created_at = self.created_at;
        job.started_at = self.started_at;
        job.finished_at = self.finished_at.filter(|_| job.ended);
        job.array = (self.is_array == Some(true)).then(|| Array {
            index: subtask_index(&job.id),
            ..Array::UNKNOWN
        });
    }

    /// The row as a part of the array job it belongs to.
    pub(super) fn task(&self, own: &[(String, State)], notices: &mut Vec<Notice>) -> Task {
        let mut unknown = Vec::new();
        let word = self.word.as_deref();
        let reading = states::normalize(STATES, own, word, "aliyun/job", &mut unknown);
        // A thousand subtasks in one unknown state are one thing to tell.
        unknown.retain(|new| !notices.iter().any(|told| told.message == new.message));
        notices.append(&mut unknown);
        Task {
            id: self.id.clone(),
            name: self.name.clone(),
            kind: "subtask".to_owned(),
            state: reading.state,
            state_raw: reading.raw,
            ended: reading.ended,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at.filter(|_| reading.ended),
            ..Task::default()
        }
    }
}

/// The id of the array job that a subtask belongs to: `10` for `10_3`.
fn parent_of(id: &str) -> Option<&str> {
    subtask_index(id)?;
    id.rsplit_once('_').map(|(parent, _)| parent)
}

/// The rows of the jobs that were asked for.
#[derive(Debug, Default)]
pub(in super::super) struct JobRows {
    /// The cloud's id of the last request.
    pub(in super::super) request_id: Option<String>,
    /// By id; empty where two rows of one job contradict each other.
    rows: HashMap<String, Option<Row>>,
    /// How many rows a list holds by its own count, and how many came, where fewer did.
    short: Option<(usize, usize)>,
}

impl JobRows {
    /// What the list says of a job.
    pub(in super::super) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(id.trim())?.as_ref()
    }

    /// How many rows the cloud counts and how many it gave, where it gave fewer of what was asked for.
    pub(super) fn short(&self) -> Option<(usize, usize)> {
        self.short
    }

    /// The subtasks of an array job by index, as far as they are listed; `None` in place of a row
    /// that another one contradicts.
    pub(super) fn subtasks(&self, parent: &str) -> BTreeMap<(i64, &str), Option<&Row>> {
        let rows = self.rows.iter();
        let subtasks = rows.filter_map(|(id, row)| {
            let index = subtask_of(parent, id)?;
            Some(((index, id.as_str()), row.as_ref()))
        });
        subtasks.collect()
    }

    /// True when the list says that this is an array job, by its own flag or by a subtask.
    pub(in super::super) fn says_array(&self, id: &str) -> bool {
        self.row(id).is_some_and(Row::is_parent)
            || self.rows.keys().any(|row| subtask_of(id, row).is_some())
    }

    /// The job as a cheap look shows it; `None` when only a look of its own can tell: it is not
    /// listed, its state is missing, or it is an array job whose end depends on its subtasks.
    pub(in super::super) fn job_for(
        &self,
        at: Job,
        own: &[(String, State)],
    ) -> Option<(Job, Vec<Notice>)> {
        let row = self.row(&at.id)?;
        let (mut job, mut notices) = (at, Vec::new());
        row.fill(&mut job, own, &mut notices);
        job.request_id.clone_from(&self.request_id);
        let may_be_parent = row.may_be_parent() && row.is_array != Some(false);
        let is_told = job.state_raw.is_some() && !(may_be_parent && job.ended);
        is_told.then_some((job, notices))
    }
}

/// The pages that answer for one call's ids.
#[derive(Debug)]
pub(in super::super) struct BatchPages<'a> {
    wanted: HashSet<&'a str>,
    /// An array job whose subtasks are wanted too, whichever they are.
    parent: Option<&'a str>,
    has_others: bool,
    seen: HashSet<String>,
    missing: usize,
    read: usize,
    rows: usize,
}

impl<'a> BatchPages<'a> {
    /// Pages of which none was read.
    pub(in super::super) fn new(ids: &[&'a str]) -> Self {
        let wanted: HashSet<&str> = ids.iter().map(|id| id.trim()).collect();
        Self {
            missing: wanted.len(),
            wanted,
            parent: None,
            has_others: false,
            seen: HashSet::new(),
            read: 0,
            rows: 0,
        }
    }

    /// The same for an array job, whose subtasks are all taken.
    pub(in super::super) fn of_array(parent: &'a str, ids: &[&'a str]) -> Self {
        Self {
            parent: Some(parent),
            ..Self::new(ids)
        }
    }

    /// Number of the next page, from 1.
    pub(in super::super) fn next(&self) -> usize {
        self.read + 1
    }

    /// Takes a page; true when there is another to ask for.
    ///
    /// A page that brings none of the jobs that are still missing ends the reading, so that a server
    /// that knows no filter, or repeats itself, cannot keep it going.
    pub(in super::super) fn add(&mut self, page: Page, listing: &mut JobRows) -> bool {
        self.read += 1;
        self.rows += page.rows.len();
        listing.request_id = page.request_id;
        let (before, is_full) = (listing.rows.len(), page.rows.len() >= MAX_ROWS);
        for row in page.rows {
            let Some(id) = row.id.clone().filter(|id| self.is_wanted(id)) else {
                self.has_others = true;
                continue;
            };
            self.seen.insert(id.clone());
            match listing.rows.get_mut(&id) {
                None => {
                    self.missing -= usize::from(self.wanted.contains(id.as_str()));
                    listing.rows.insert(id, Some(row));
                }
                Some(known) => {
                    let is_same = known.as_ref().is_some_and(|known| known.word == row.word);
                    *known = Some(row).filter(|_| is_same);
                }
            }
        }
        let total = page
            .total_count
            .and_then(|total| usize::try_from(total).ok());
        let more = match page.total_count {
            Some(_) => total.is_some_and(|total| self.rows < total),
            None => is_full,
        };
        let is_complete = self.parent.is_none() && self.missing == 0;
        let brings_more = listing.rows.len() > before && !is_complete;
        let goes_on = more && brings_more && self.read < MAX_PAGES;
        // A list that holds other jobs as well was not filtered, and its count is about all of them.
        let seen = self.seen.len();
        if let Some(total) = total.filter(|total| *total > seen && !goes_on && !self.has_others) {
            listing.short.get_or_insert((total, seen));
        }
        goes_on
    }

    fn is_wanted(&self, id: &str) -> bool {
        let is_subtask = |parent| subtask_of(parent, id).is_some();
        self.wanted.contains(id) || self.parent.is_some_and(is_subtask)
    }
}
