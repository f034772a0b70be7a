use crate::model::Time;

/// A row of the list of jobs.
#[derive(Debug)]
pub(in super::super) struct Row {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) word: Option<String>,
    pub(super) priority: Option<i64>,
    pub(super) queue: Option<String>,
    pub(super) user: Option<String>,
    pub(super) created_at: Option<Time>,
    pub(super) started_at: Option<Time>,
    pub(super) finished_at: Option<Time>,
    /// The cloud's flag for array jobs and their subtasks, if it can be read.
    pub(super) is_array: Option<bool>,
    /// True if the state or the flag has another type than expected.
    pub(super) is_unreadable: bool,
}
