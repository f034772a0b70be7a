use super::{Kind, Operation};
use crate::error::Problem;

/// Describes how the resources of a kind are listed.
#[derive(Debug)]
pub struct ListSpec {
    /// The operation that lists.
    pub operation: Operation,
    /// The order of the cloud's list.
    pub order: ListOrder,
    /// Fields that the rows do not contain.
    pub unlisted: &'static [UnlistedField],
    /// Parts that rows do not contain, and that may have failed although the row reports success.
    pub hidden_evidence: Option<&'static str>,
    /// Default number of jobs in a list, if each of them needs separate calls.
    pub default_limit: Option<usize>,
    /// `true` if the cloud can select by labels.
    pub has_selector: bool,
}

impl ListSpec {
    /// Creates a list whose rows contain all fields that filters use.
    pub const fn new(operation: Operation, order: ListOrder) -> Self {
        Self {
            operation,
            order,
            unlisted: &[],
            hidden_evidence: None,
            default_limit: None,
            has_selector: false,
        }
    }

    /// Sets the fields that the rows do not contain.
    pub const fn without(self, unlisted: &'static [UnlistedField]) -> Self {
        Self { unlisted, ..self }
    }
}

impl Kind {
    /// Returns the usage error for a kind without a list.
    pub fn not_listed(&self) -> Problem {
        Problem::usage(format!("{self} cannot be listed")).with_hint(self.by_reference_hint())
    }

    /// Returns the hint for a scope of a kind without a list.
    pub fn by_reference_hint(&self) -> String {
        format!("name its jobs by their references: {}", self.template)
    }
}

/// The order in which a cloud lists the jobs of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    /// Newest first, as requested.
    NewestFirst,
    /// An undocumented order; the rows contain the creation time.
    Unsorted,
    /// The rows do not contain the creation time.
    Undated,
}

/// A field that the rows of a list may not contain, so that a filter on it would match nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlistedField {
    /// State.
    State,
    /// Owner.
    User,
    /// Queue or card group.
    Queue,
    /// Creation time.
    CreatedAt,
}

impl UnlistedField {
    /// Returns its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::User => "user",
            Self::Queue => "queue",
            Self::CreatedAt => "creation time",
        }
    }
}
