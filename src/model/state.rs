use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The normalised state of a resource; the list is closed within `joblens/1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted, not yet given resources.
    Pending,
    /// Has resources, is being set up.
    Starting,
    /// At work.
    Running,
    /// On its way to an end.
    Stopping,
    /// Ended as its owner wanted.
    Succeeded,
    /// Ended by an error.
    Failed,
    /// Canceled by a user or by a limit.
    Canceled,
    /// Unknown: the cloud reports no state, or an unrecognized one.
    #[default]
    Unknown,
}

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
        Self::Unknown,
    ];

    /// The states of what has not ended.
    pub const ACTIVE: [Self; 4] = [Self::Pending, Self::Starting, Self::Running, Self::Stopping];

    /// The word as it is in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Unknown => "unknown",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// True for the states that end a life. An unknown state has not ended by itself.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }

    /// True for the end of a job that did not succeed.
    pub fn is_unsuccessful(self) -> bool {
        matches!(self, Self::Failed | Self::Canceled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
