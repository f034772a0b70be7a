use schemars::JsonSchema;
use serde::Serialize;

use super::Time;

/// How severe an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EventLevel")]
pub enum Level {
    /// For information.
    Normal,
    /// A problem.
    Warning,
}

impl Level {
    /// The JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
        }
    }

    /// Reads the cloud's word, without regard to case and surrounding white space.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "normal" => Some(Self::Normal),
            "warning" | "error" => Some(Self::Warning),
            _ => None,
        }
    }
}

/// An event, aggregated by the cloud into one row with a count.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct Event {
    /// Normalised level; null for an unrecognized one.
    pub level: Option<Level>,
    /// The cloud's value.
    pub level_raw: Option<String>,
    /// When it was first seen.
    pub first_at: Option<Time>,
    /// When it was last seen.
    pub last_at: Option<Time>,
    /// The cloud's texts of the two times where they cannot be read.
    #[serde(skip)]
    pub unreadable_times: UnreadableTimes,
    /// How often it was seen.
    pub count: Option<u64>,
    /// What it happened to.
    pub object: Object,
    /// Id of the task it belongs to.
    pub task: Option<String>,
    /// Short reason.
    pub reason: Option<String>,
    /// What happened.
    pub message: Option<String>,
}

/// The cloud's texts of an event's times; `None` for one that is absent or was read. They are compared
/// between two responses, and never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UnreadableTimes {
    /// When it was first seen.
    pub first: Option<String>,
    /// When it was last seen.
    pub last: Option<String>,
}

/// What an event happened to.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "EventObject")]
pub struct Object {
    /// Kind, such as `Pod`.
    pub kind: Option<String>,
    /// Name.
    pub name: Option<String>,
}
