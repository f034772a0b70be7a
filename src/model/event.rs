use schemars::JsonSchema;
use serde::Serialize;

use super::Time;

/// Severity of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EventLevel")]
pub enum Level {
    /// Information.
    Normal,
    /// A problem.
    Warning,
}

impl Level {
    /// Returns the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
        }
    }

    /// Returns `true` if an event of this level may be a warning: any level except a known harmless one. A missing or
    /// unknown level, such as `Alert`, may be worse than a warning.
    pub fn may_be_warning(level: Option<Self>) -> bool {
        level != Some(Self::Normal)
    }

    /// Parses the cloud's word, ignoring case and surrounding white space.
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
    /// Normalised level; null for an unknown one.
    pub level: Option<Level>,
    /// The cloud's value.
    pub level_raw: Option<String>,
    /// When it was first seen.
    pub first_at: Option<Time>,
    /// When it was last seen.
    pub last_at: Option<Time>,
    /// When it was first recorded, if this is known more precisely than `first_at`: the order of events of the
    /// same second; not shown.
    #[serde(skip)]
    pub recorded_at: Option<Time>,
    /// The cloud's texts of the two times if they cannot be parsed.
    #[serde(skip)]
    pub unreadable_times: UnreadableTimes,
    /// Number of occurrences.
    pub count: Option<u64>,
    /// The affected object.
    pub object: Object,
    /// Id of the task it belongs to.
    pub task: Option<String>,
    /// Reason as a short word.
    pub reason: Option<String>,
    /// Message of the event.
    pub message: Option<String>,
}

impl Event {
    /// Returns the time by which events are sorted: when it was last seen, else when it was first seen. It is a
    /// whole second if `recorded_at` decides the order within that second.
    pub fn happened_at(&self) -> Option<Time> {
        let at = self.last_at.or(self.first_at)?;
        Some(match self.recorded_at {
            Some(_) => at.whole_second(),
            None => at,
        })
    }
}

/// The cloud's texts of an event's times; `None` for a time that is missing or was parsed. They are compared
/// between two responses and never shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UnreadableTimes {
    /// Text of the first occurrence.
    pub first: Option<String>,
    /// Text of the last occurrence.
    pub last: Option<String>,
}

/// The object of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema, Serialize)]
#[schemars(rename = "EventObject")]
pub struct Object {
    /// Kind, such as `Pod`.
    pub kind: Option<String>,
    /// Name.
    pub name: Option<String>,
}
