//! How a kind is listed.

use super::Operation;

/// How a kind is listed.
#[derive(Debug)]
pub struct ListSpec {
    /// The operation behind a list.
    pub operation: Operation,
    /// The order in which the cloud lists.
    pub order: ListOrder,
    /// What the rows do not report.
    pub unlisted: &'static [UnlistedField],
    /// Parts that rows do not have and that may have failed although the row is a success.
    pub hidden_evidence: Option<&'static str>,
    /// How many jobs a list contains when no number is given, where each of them costs calls of its
    /// own.
    pub default_limit: Option<usize>,
    /// True when the cloud selects by labels.
    pub has_selector: bool,
}

impl ListSpec {
    /// A list whose rows report all that can be filtered by.
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

    /// The same with rows that do not report these fields.
    pub const fn without(self, unlisted: &'static [UnlistedField]) -> Self {
        Self { unlisted, ..self }
    }
}

/// The order in which a cloud lists the jobs of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    /// Newest first, as requested.
    NewestFirst,
    /// An undocumented order; rows have the creation time.
    Unsorted,
    /// Rows do not have the creation time.
    Undated,
}

/// What the rows of a list may leave out, so that a filter on it would match nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlistedField {
    /// Its state.
    State,
    /// Who owns it.
    User,
    /// Queue or card group.
    Queue,
    /// When it was created.
    CreatedAt,
}

impl UnlistedField {
    /// The word for it in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::User => "user",
            Self::Queue => "queue",
            Self::CreatedAt => "creation time",
        }
    }
}
