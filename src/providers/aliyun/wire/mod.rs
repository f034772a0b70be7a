//! What they answer: an operation each, and errors.

mod clusters;
mod commands;
mod container;
pub mod details;
mod error;
mod group;
mod invocation;
mod items;
mod jobs;
mod list;
mod parent;
mod vendor;
mod verdict;
mod xml;

pub(super) use clusters::read as read_clusters;
pub(super) use commands::{Command, PAGE_SIZE as COMMANDS_PAGE_SIZE, read as read_commands};
pub(super) use container::STATES as CONTAINER_STATES;
pub(super) use error::{Asked, classify};
pub(super) use group::STATES as GROUP_STATES;
pub(super) use invocation::{PAGE_SIZE, Results, ResultsPage, STATES as INVOCATION_STATES, Status};
pub(super) use jobs::{
    Described, LISTABLE as LISTABLE_STATES, STATES as JOB_STATES, read as read_jobs,
};
pub(super) use list::{Listing, MOST_ROWS, Page, Pages};
pub(super) use parent::{explain, failed_subtask, ids_to_list, judge, may_be_parent};
pub(super) use vendor::document as vendor_document;

/// Why an answer gave no job.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// The cloud knows no such job; with its id of the request.
    NotFound(Option<String>),
    /// What was expected of the answer, and where it was missed.
    Unreadable(String),
}
