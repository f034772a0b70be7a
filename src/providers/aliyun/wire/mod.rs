//! What they answer: an operation each, and errors.

mod clusters;
mod commands;
mod container;
pub mod details;
mod error;
mod group;
mod invocation;
mod invocation_result;
mod jobs;
mod list;
mod parent;
mod rows;
mod vendor;
mod wrapped_list;
mod xml;

pub(super) use clusters::decode as read_clusters;
pub(super) use commands::{Command, PAGE_SIZE as COMMANDS_PAGE_SIZE, decode as read_commands};
pub(super) use container::STATES as CONTAINER_STATES;
pub(super) use error::{ErrorContext, classify};
pub(super) use group::STATES as GROUP_STATES;
pub(super) use invocation::{PAGE_SIZE, Results, ResultsPage, STATES as INVOCATION_STATES, Status};
pub(super) use jobs::{
    Described, LISTABLE as LISTABLE_STATES, STATES as JOB_STATES, decode as read_jobs,
};
pub(super) use list::{MAX_ROWS, Page};
pub(super) use parent::{
    can_be_array_id, explain, failed_subtask, ids_to_list, reconcile_subtasks,
};
pub(super) use rows::{BatchPages, JobRows};
pub(super) use vendor::document as vendor_document;

/// Why an answer gave no job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// The cloud knows no such job; with its id of the request.
    NotFound(Option<String>),
    /// What was expected of the answer, and where it was missed.
    Invalid(String),
}
