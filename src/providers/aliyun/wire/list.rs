use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::jobs::{STATES, moment, subtask_index};
use crate::model::{Array, Job, Notice, State, Task, Time};
use crate::providers::lenient::{self, Flag, Int, List, Text};
use crate::providers::{self, Cursor, Found, job_at, states};
use crate::reference::Scope;

/// How many ids a call takes and how many rows a page holds: the cloud's pages hold no more.
pub(in super::super) const MOST_ROWS: usize = 100;

/// At most so many pages are asked for one call's ids: enough for a server that gives 20 rows a
/// page whatever it is asked for.
const MOST_PAGES: usize = 5;

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
    is_array: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct WirePage {
    request_id: Text,
    total_count: Int,
    jobs: Option<List<WireRow>>,
}

/// All of it is text here, numbers and times too.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct WireRow {
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
    pub(in super::super) fn read(body: &[u8]) -> Result<Self, String> {
        let wire: WirePage = lenient::decode(body)?;
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
    pub(in super::super) fn listed(
        self,
        scope: &Scope,
        at: Cursor,
        region: Option<&str>,
        own: &[(String, State)],
    ) -> providers::Page {
        let request_id = self.request_id;
        providers::Page::of(
            at,
            self.total_count,
            self.rows,
            |row| scope.reference(&[row.id()?]),
            |row, reference| {
                let (mut job, mut notices) = (job_at(reference, region), Vec::new());
                row.fill(&mut job, own, &mut notices);
                job.request_id.clone_from(&request_id);
                if row.is_parent() && job.state == State::Succeeded {
                    // A look at the job itself would ask its subtasks, and says the same until then.
                    job.state = State::Unknown;
                    job.ended = false;
                    job.finished_at = None;
                    job.reason = Some("subtasks_unread".to_owned());
                    job.message =
                        Some("the list does not tell whether every subtask succeeded".to_owned());
                }
                Found { job, notices }
            },
        )
    }
}

impl From<WireRow> for Row {
    fn from(wire: WireRow) -> Self {
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
            is_array: wire.is_array_job.0 == Some(true),
        }
    }
}

impl Row {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// True for an array job as a whole, whose id has no index.
    pub(in super::super) fn is_parent(&self) -> bool {
        self.is_array
            && self
                .id
                .as_deref()
                .is_some_and(|id| subtask_index(id).is_none())
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
        let reading = states::read(STATES, own, self.word.as_deref(), "aliyun/job", notices);
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
        job.array = self.is_array.then(|| Array {
            start: None,
            end: None,
            step: None,
            index: subtask_index(&job.id),
        });
    }

    /// The row as a part of the array job it belongs to.
    pub(super) fn task(&self, own: &[(String, State)], notices: &mut Vec<Notice>) -> Task {
        let mut unknown = Vec::new();
        let word = self.word.as_deref();
        let reading = states::read(STATES, own, word, "aliyun/job", &mut unknown);
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

/// The rows of the jobs that were asked for.
#[derive(Debug, Default)]
pub(in super::super) struct Listing {
    /// The cloud's id of the last request.
    pub(in super::super) request_id: Option<String>,
    /// By id; empty where two rows of one job contradict each other.
    rows: HashMap<String, Option<Row>>,
}

impl Listing {
    /// What the list says of a job.
    pub(in super::super) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(id.trim())?.as_ref()
    }

    /// The job as a cheap look shows it; `None` when only a look of its own can tell: it is not
    /// listed, its state is missing, or it is an array job whose end depends on its subtasks.
    pub(in super::super) fn glance(
        &self,
        at: Job,
        own: &[(String, State)],
    ) -> Option<(Job, Vec<Notice>)> {
        let row = self.row(&at.id)?;
        let (mut job, mut notices) = (at, Vec::new());
        row.fill(&mut job, own, &mut notices);
        job.request_id.clone_from(&self.request_id);
        let is_told = job.state_raw.is_some() && !(row.is_parent() && job.ended);
        is_told.then_some((job, notices))
    }
}

/// The pages that answer for one call's ids.
#[derive(Debug)]
pub(in super::super) struct Pages<'a> {
    wanted: HashSet<&'a str>,
    missing: usize,
    read: usize,
    rows: usize,
}

impl<'a> Pages<'a> {
    /// Pages of which none was read.
    pub(in super::super) fn of(ids: &[&'a str]) -> Self {
        let wanted: HashSet<&str> = ids.iter().map(|id| id.trim()).collect();
        Self {
            missing: wanted.len(),
            wanted,
            read: 0,
            rows: 0,
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
    pub(in super::super) fn add(&mut self, page: Page, listing: &mut Listing) -> bool {
        self.read += 1;
        self.rows += page.rows.len();
        listing.request_id = page.request_id;
        let before = self.missing;
        let is_full = page.rows.len() >= MOST_ROWS;
        for row in page.rows {
            let Some(id) = row
                .id
                .clone()
                .filter(|id| self.wanted.contains(id.as_str()))
            else {
                continue;
            };
            match listing.rows.get_mut(&id) {
                None => {
                    self.missing -= 1;
                    listing.rows.insert(id, Some(row));
                }
                Some(known) => {
                    let is_same = known.as_ref().is_some_and(|known| known.word == row.word);
                    *known = Some(row).filter(|_| is_same);
                }
            }
        }
        let more = match page.total_count {
            Some(total) => usize::try_from(total).is_ok_and(|total| self.rows < total),
            None => is_full,
        };
        more && self.missing > 0 && self.missing < before && self.read < MOST_PAGES
    }
}
