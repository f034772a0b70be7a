use crate::model::Time;

/// One job as the list reports it.
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
    /// The cloud's own flag for array jobs and their subtasks, where it can be read.
    pub(super) is_array: Option<bool>,
    /// The state or the flag has another type than expected.
    pub(super) is_doubtful: bool,
}
