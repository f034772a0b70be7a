use std::collections::{HashMap, HashSet};

use super::description::STATES;
use super::row::Row;
use super::subtask_id::{parent_of, subtask_index};
use crate::model::Array;
use crate::providers::prelude::*;
use crate::providers::{self};
use crate::reference::Scope;

/// Maximum number of ids per request and of rows per page that the cloud allows.
pub(in super::super) const MAX_ROWS: usize = 100;

/// One page of a response to ListServerlessJobs.
#[derive(Debug)]
pub(in super::super) struct Page {
    pub(super) request_id: Option<String>,
    pub(super) total_count: Option<i64>,
    is_total_unreadable: bool,
    pub(super) rows: Vec<Row>,
    /// The ids of rows that were dropped.
    pub(super) unread: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ListJobsResponse {
    request_id: Text,
    total_count: Checked<Int>,
    jobs: Required<List<JobRow>>,
}

/// A row; the cloud sends all fields as text, including numbers and times.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct JobRow {
    job_id: Text,
    job_name: Text,
    state: Checked<Text>,
    priority: Int,
    queue: Text,
    user: Text,
    submit_time: Timestamp,
    start_time: Timestamp,
    end_time: Timestamp,
    is_array_job: Checked<Flag>,
}

impl Page {
    /// Decodes a page.
    ///
    /// # Errors
    /// What was expected, and where in the response.
    pub(in super::super) fn decode(body: &[u8]) -> Result<Self, String> {
        let response: ListJobsResponse = lenient::decode_response(body)?;
        let total_count = response.total_count.value.0;
        let rows = response.jobs.rows("Jobs", total_count)?;
        Ok(Self {
            request_id: response.request_id.0,
            total_count,
            is_total_unreadable: response.total_count.is_unreadable,
            rows: rows.into_iter().map(Row::from).collect(),
            unread: Vec::new(),
        })
    }

    /// Decodes a page without the rows whose id, state or flag cannot be read. Also returns what was expected,
    /// if something could not be read.
    ///
    /// # Errors
    /// As [`Self::decode`], if the page as a whole cannot be read.
    pub(in super::super) fn decode_readable(body: &[u8]) -> Result<(Self, Option<String>), String> {
        let mut page = Self::decode(body)?;
        let is_readable = |row: &Row| row.id.is_some() && !row.is_unreadable;
        let has_unreadable = !page.rows.iter().all(is_readable);
        // A failed subtask has failed even if its other fields cannot be read.
        let has_failed = |row: &Row| row.id.is_some() && row.state(&[]) == State::Failed;
        let (rows, unread): (Vec<Row>, Vec<Row>) = std::mem::take(&mut page.rows)
            .into_iter()
            .partition(|row| is_readable(row) || has_failed(row));
        page.rows = rows;
        page.unread = unread.into_iter().filter_map(|row| row.id).collect();
        let dropped = if has_unreadable {
            Some("JobId, State and IsArrayJob in every row of Jobs")
        } else if page.is_total_unreadable {
            Some("a whole number at TotalCount")
        } else {
            None
        };
        Ok((page, dropped.map(str::to_owned)))
    }
}

impl Page {
    /// Converts the rows of this page to jobs of a cluster.
    ///
    /// `user_states` are the user's state words.
    pub(in super::super) fn into_page(
        self,
        scope: &Scope,
        cursor: Cursor,
        region: Option<&str>,
        user_states: &[(String, State)],
    ) -> providers::Page {
        let request_id = self.request_id;
        let ids = self.rows.iter().filter_map(Row::id);
        let parents = ids.filter_map(|id| Some(parent_of(id)?.to_owned()));
        let parents: HashSet<String> = parents.collect();
        let failed: HashMap<String, String> = self
            .rows
            .iter()
            .filter(|row| row.state(user_states) == State::Failed)
            .filter_map(|row| Some((parent_of(row.id()?)?.to_owned(), row.id()?.to_owned())))
            .collect();
        providers::Page::from_addressed_rows(
            cursor,
            self.total_count,
            self.rows,
            |row| scope.reference(&[row.id()?]),
            |row, reference| {
                let (mut job, mut notices) = (job_at(reference, region), Vec::new());
                row.fill(&mut job, user_states, &mut notices);
                job.request_id.clone_from(&request_id);
                let is_parent = row.is_parent() || parents.contains(&job.id);
                let is_open = !job.state.is_unsuccessful();
                if let Some(subtask) = failed.get(&job.id).filter(|_| is_open) {
                    job.state = State::Failed;
                    job.array.get_or_insert(Array::UNKNOWN);
                    job.message = Some(format!("{subtask} failed"));
                } else if is_parent && job.state == State::Succeeded {
                    // A lookup of the job would list its subtasks; until then it reports the same state.
                    job.state = State::Unknown;
                    job.ended = false;
                    job.finished_at = None;
                    job.array.get_or_insert(Array::UNKNOWN);
                    job.reason = Some(Reason::SubtasksUnread);
                    job.message =
                        Some("the list does not show whether every subtask succeeded".to_owned());
                }
                GetResult { job, notices }
            },
        )
    }
}

impl From<JobRow> for Row {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.job_id.trimmed().map(str::to_owned),
            name: row.job_name.0,
            is_unreadable: row.state.is_unreadable || row.is_array_job.is_unreadable,
            word: row.state.value.trimmed().map(str::to_owned),
            priority: row.priority.0,
            queue: row.queue.0,
            user: row.user.0,
            created_at: row.submit_time.utc(),
            started_at: row.start_time.utc(),
            finished_at: row.end_time.utc(),
            is_array: row.is_array_job.value.0,
        }
    }
}

impl Row {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns `true` for an array job as a whole, whose id has no index.
    pub(in super::super) fn is_parent(&self) -> bool {
        self.is_array == Some(true) && self.may_be_parent()
    }

    pub(super) fn may_be_parent(&self) -> bool {
        let id = self.id.as_deref();
        id.is_some_and(|id| subtask_index(id).is_none())
    }

    pub(super) fn state(&self, user_states: &[(String, State)]) -> State {
        states::normalize(STATES, user_states, self.word.as_deref()).state
    }

    /// Sets the fields of a job from the row. The job already has its reference.
    ///
    /// `user_states` are the user's state words.
    pub(in super::super) fn fill(
        &self,
        job: &mut Job,
        user_states: &[(String, State)],
        notices: &mut Vec<Notice>,
    ) {
        let state = states::normalize(STATES, user_states, self.word.as_deref());
        notices.extend(state.unknown_state_notice("aliyun/job"));
        state.apply_to(job);
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

    /// Converts the row to a task of its array job.
    pub(super) fn task(&self, user_states: &[(String, State)], notices: &mut Vec<Notice>) -> Task {
        let state = states::normalize(STATES, user_states, self.word.as_deref());
        let notice = state.unknown_state_notice("aliyun/job");
        // An unknown state of many subtasks is reported once.
        let notice = notice.filter(|new| !notices.iter().any(|old| old.message == new.message));
        notices.extend(notice);
        Task {
            id: self.id.clone(),
            name: self.name.clone(),
            kind: "subtask".to_owned(),
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at.filter(|_| state.ended),
            ..state.into_task()
        }
    }
}
