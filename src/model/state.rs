use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Normalised state of a resource. No states are added within `joblens/1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted, waiting for resources.
    Pending,
    /// Has resources and is being set up.
    Starting,
    /// Running.
    Running,
    /// About to end.
    Stopping,
    /// Completed as intended.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Canceled by a user or by a limit.
    Canceled,
    /// Unknown: the cloud reports no state, or one that joblens does not know.
    #[default]
    Unknown,
}

impl State {
    /// All states in the order of a job's lifecycle.
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

    /// The states of a job that has not ended.
    pub const ACTIVE: [Self; 4] = [Self::Pending, Self::Starting, Self::Running, Self::Stopping];

    /// Returns the state's name in JSON and tables.
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

    /// Returns the state with this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Returns `true` if the state is final. An unknown state is not.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }

    /// Returns `true` if a job ended without success.
    pub fn is_unsuccessful(self) -> bool {
        matches!(self, Self::Failed | Self::Canceled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
